//! What is in the making when the user interrupts does not stay behind.
//!
//! SIGINT and SIGTERM end the process at once, without a destructor. The paths
//! that it would leave are listed here, and a thread that waits for the signals
//! removes them before the process ends as it would have.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Has an interruption remove a file or folder, for as long as this lives.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// Lists `path`, which is absolute or relative to the working directory.
    pub fn new(path: &Path) -> Self {
        static WATCHED: Once = Once::new();
        WATCHED.call_once(watch);
        unfinished().insert(path.to_path_buf());
        Self(path.to_path_buf())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        unfinished().remove(&self.0);
    }
}

/// The list, also after a panic: paths are put in and taken out whole.
fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Without signals to wait for, an interruption leaves files behind: that is no
/// reason not to begin.
fn watch() {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else {
        return;
    };
    thread::spawn(move || {
        for signal in signals.forever() {
            // Held until the process ends: nothing more is begun.
            let left = unfinished();
            for path in left.iter() {
                // Whatever cannot be removed, the signal is obeyed.
                let _ = if path.is_dir() {
                    fs::remove_dir_all(path)
                } else {
                    fs::remove_file(path)
                };
            }
            let _ = emulate_default_handler(signal);
        }
    });
}
