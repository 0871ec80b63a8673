//! The limit of memory is the whole process's, so that its test has one of its own.

#![allow(unsafe_code, reason = "the system is asked through libc")]

use iree::memory::bounded;

#[test]
fn the_limit_is_there_and_goes_again() {
    let limit = || {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: the structure lives through the call.
        assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_DATA, &mut limit) }, 0);
        limit.rlim_cur
    };
    let before = limit();
    assert!(bounded(limit) < libc::RLIM_INFINITY);
    assert_eq!(limit(), before);
}
