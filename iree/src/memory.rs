//! No more memory than the machine has, while something is read.

use std::fs;

/// Does `work` with no more memory than is available now, where nobody has set
/// a limit: a number in IR can ask for any amount, and a system that runs out of
/// memory kills programs without a word. A failed allocation is a crash, which
/// [`crate::crash::saying`] makes a message.
pub fn bounded<T>(work: impl FnOnce() -> T) -> T {
    struct Restore(libc::rlimit);
    impl Drop for Restore {
        fn drop(&mut self) {
            // SAFETY: the structure is what the system gave.
            unsafe { libc::setrlimit(libc::RLIMIT_DATA, &self.0) };
        }
    }
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: the structure lives through the call.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_DATA, &mut limit) } == 0;
    let available = field("/proc/meminfo", "MemAvailable:");
    let used = field("/proc/self/status", "VmData:");
    let (true, libc::RLIM_INFINITY, Some(available), Some(used)) =
        (known, limit.rlim_cur, available, used)
    else {
        return work();
    };
    let _restore = Restore(limit);
    limit.rlim_cur = available.saturating_add(used).min(limit.rlim_max);
    // SAFETY: as above; below the hard limit, which stays.
    unsafe { libc::setrlimit(libc::RLIMIT_DATA, &limit) };
    work()
}

/// Bytes of a line such as `MemAvailable: 123 kB`.
fn field(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}
