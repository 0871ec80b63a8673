//! What is in the making when the user interrupts does not stay behind.
//!
//! SIGINT, SIGTERM and SIGHUP end the process at once, without a destructor. The
//! paths that it would leave are listed here, and a thread that waits for the
//! signals removes them before the process ends as it would have. A signal that
//! was ignored when the process began (`nohup`, a job in the background of a
//! script) is ignored still.
//!
//! Files are put into place as one step ([`undisturbed`]): a signal that comes
//! meanwhile waits until all are there. Programs that were started end, too
//! ([`Running`]).
//!
//! Two gaps are left. SIGKILL, which nobody can catch, may come between two files.
//! And IREE starts its linker with system(3), during which SIGINT is ignored
//! in this process: at a terminal it ends the linker, and `specplace compile` ends
//! with status 1 and what IREE said, and keeps the placed module.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

static UNFINISHED: Mutex<Left> = Mutex::new(Left {
    paths: BTreeSet::new(),
    groups: BTreeSet::new(),
});

/// What would be left.
struct Left {
    paths: BTreeSet<PathBuf>,
    /// Process groups of programs that were started.
    groups: BTreeSet<i32>,
}

/// Has an interruption remove a file or folder, for as long as this lives.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// Lists `path`, which is absolute or relative to the working directory.
    pub fn new(path: &Path) -> Self {
        watched();
        unfinished().paths.insert(path.to_path_buf());
        Self(path.to_path_buf())
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        unfinished().paths.remove(&self.0);
    }
}

/// Has an interruption end a process group, for as long as this lives.
#[derive(Debug)]
pub struct Running(i32);

impl Running {
    /// Starts a program that leads a group of its own. No interruption comes
    /// between its start and its place on the list.
    ///
    /// # Errors
    ///
    /// Those of `start`.
    pub fn start(start: impl FnOnce() -> io::Result<Child>) -> io::Result<(Child, Self)> {
        watched();
        let mut left = unfinished();
        let child = start()?;
        let group = Pid::from_child(&child).as_raw_nonzero().get();
        left.groups.insert(group);
        Ok((child, Self(group)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        unfinished().groups.remove(&self.0);
    }
}

/// Does `work`, which an interruption waits for. It must neither take long nor
/// list or unlist anything.
pub fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
    watched();
    let _held = unfinished();
    work()
}

/// Has a limit on the size of files (`ulimit -f`) be an error of the write, and
/// not the end of the process.
pub fn survive_file_limits() {
    // Where that cannot be had, the limit ends the process as it used to.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// The list, also after a panic: paths are put in and taken out whole.
fn unfinished() -> MutexGuard<'static, Left> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watched() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(watch);
}

/// Without signals to wait for, or a thread to do it, an interruption leaves
/// files behind: that is no reason not to begin.
fn watch() {
    let _ = thread::Builder::new().spawn(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = ignored_signals(&status);
        let heeded = [SIGINT, SIGTERM, SIGHUP]
            .into_iter()
            .filter(|signal| ignored & (1 << (signal - 1)) == 0);
        let Ok(mut signals) = Signals::new(heeded) else {
            return;
        };
        for signal in signals.forever() {
            end(signal);
        }
    });
}

/// The signals that the process ignores, the lowest bit being signal 1 (proc(5)).
fn ignored_signals(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

/// Ends what was started, removes what is unfinished, and ends the process as the signal does.
fn end(signal: i32) {
    // Held until the process ends: nothing more is begun.
    let left = unfinished();
    for group in left.groups.iter().filter_map(|group| Pid::from_raw(*group)) {
        // Whoever has just ended by itself is not there.
        let _ = kill_process_group(group, Signal::TERM);
    }
    for path in &left.paths {
        // Whatever cannot be removed, the signal is obeyed.
        let _ = if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        };
    }
    let _ = emulate_default_handler(signal);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read() {
        let status = "Name:\tx\nSigIgn:\t0000000000001003\nSigCgt:\t0000000000000440\n";
        assert_eq!(ignored_signals(status), 0x1003);
        assert_eq!(ignored_signals(""), 0);
    }
}
