//! How long this process has run on a processor.

use std::time::Duration;

/// The time that all threads of this process have had a processor, which grows
/// neither while they wait nor while other programs run. Zero where the system
/// does not tell.
pub fn processor_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the structure lives through the call.
    let told = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) } == 0;
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or_default();
    if told {
        Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
    } else {
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::thread::sleep;
    use std::time::Instant;

    use super::*;

    #[test]
    fn it_grows_with_work() {
        let (before, started) = (processor_time(), Instant::now());
        while processor_time() - before < Duration::from_millis(5) {
            black_box(started.elapsed());
            assert!(
                started.elapsed() < Duration::from_mins(1),
                "it stands still"
            );
        }
    }

    #[test]
    fn it_is_not_the_clock_on_the_wall() {
        let before = processor_time();
        sleep(Duration::from_millis(1));
        assert!(before > Duration::ZERO && processor_time() >= before);
    }
}
