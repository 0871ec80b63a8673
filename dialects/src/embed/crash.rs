//! When IREE ends the process: a crash, or `exit` on flags or errors that it
//! does not return.

use std::ffi::c_int;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

/// What ends a program that was not meant to end.
const FATAL: [c_int; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGABRT,
    libc::SIGILL,
    libc::SIGFPE,
];

/// What a crash makes the process say, and its length; null without one.
static MESSAGE: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static LENGTH: AtomicUsize = AtomicUsize::new(0);

/// The status of a process that crashed.
static STATUS: AtomicI32 = AtomicI32::new(1);

/// The status that `exit` is turned into; none while negative.
static EXIT_STATUS: AtomicI32 = AtomicI32::new(-1);

/// A file that is there if the process crashes: written beforehand, since a
/// crashed process cannot, and removed with [`CrashReport::not_needed`].
#[must_use]
#[derive(Debug)]
pub struct CrashReport {
    path: PathBuf,
}

impl CrashReport {
    /// Writes `contents` to `path`, and has a crash say `message` and end the
    /// process with `status`.
    ///
    /// # Errors
    ///
    /// Those of writing the file.
    pub fn prepare(path: &Path, contents: &[u8], message: &str, status: u8) -> io::Result<Self> {
        fs::write(path, contents)?;
        say_on_crash(message, status);
        Ok(Self {
            path: path.to_path_buf(),
        })
    }

    /// Leaves it there.
    pub fn needed(self) {
        say_nothing();
    }

    /// Removes it: nothing crashed.
    pub fn not_needed(self) {
        say_nothing();
        // A file that cannot be removed is no reason to fail after the work
        // is done.
        let _ = fs::remove_file(&self.path);
    }
}

/// Has a crash of this process, or a call of `exit`, end it with `status` after
/// `message`.
pub fn say_on_crash(message: &str, status: u8) {
    static HANDLERS: Once = Once::new();
    watch_exit();
    // Once said, it may be said at any moment: the text is never freed.
    let text: &'static mut [u8] = Vec::leak(message.as_bytes().to_vec());
    STATUS.store(i32::from(status), Ordering::SeqCst);
    // No crash in between meets one text with the length of another.
    MESSAGE.store(std::ptr::null_mut(), Ordering::SeqCst);
    LENGTH.store(text.len(), Ordering::SeqCst);
    MESSAGE.store(text.as_mut_ptr(), Ordering::SeqCst);
    HANDLERS.call_once(|| {
        for signal in FATAL {
            // SAFETY: the structure is plain data for which all zeros is a
            // value; the handler does only what a handler may do.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_crash as extern "C" fn(c_int) as usize;
                // Once: a second crash, in the handler, is the end. On the
                // alternate stack, where the thread has one, for overflows.
                action.sa_flags = libc::SA_RESETHAND | libc::SA_ONSTACK;
                libc::sigaction(signal, &action, std::ptr::null_mut());
            }
        }
    });
}

/// Takes back [`say_on_crash`].
fn say_nothing() {
    MESSAGE.store(std::ptr::null_mut(), Ordering::SeqCst);
}

extern "C" fn on_crash(signal: c_int) {
    let message = MESSAGE.load(Ordering::SeqCst);
    // SAFETY: only functions that are safe in handlers are called; the
    // message lives for good.
    unsafe {
        if message.is_null() {
            // As if there were no handler, which has been taken back.
            libc::raise(signal);
            return;
        }
        libc::write(2, message.cast(), LENGTH.load(Ordering::SeqCst));
        libc::_exit(STATUS.load(Ordering::SeqCst));
    }
}

fn watch_exit() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: the function is one of this program, which is not unloaded.
        unsafe { libc::atexit(on_exit) };
    });
}

/// Does `work`; should it end the process, the status is `status`.
pub(super) fn ending_with(status: u8, work: impl FnOnce()) {
    watch_exit();
    EXIT_STATUS.store(i32::from(status), Ordering::SeqCst);
    work();
    EXIT_STATUS.store(-1, Ordering::SeqCst);
}

extern "C" fn on_exit() {
    let message = MESSAGE.load(Ordering::SeqCst);
    if !message.is_null() {
        // SAFETY: as in `on_crash`.
        unsafe {
            libc::write(2, message.cast(), LENGTH.load(Ordering::SeqCst));
            libc::_exit(STATUS.load(Ordering::SeqCst));
        }
    }
    let status = EXIT_STATUS.load(Ordering::SeqCst);
    if status >= 0 {
        // SAFETY: ends the process, without the rest of what runs at exit;
        // LLVM's streams for messages are not buffered.
        unsafe { libc::_exit(status) }
    }
}
