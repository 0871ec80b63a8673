//! When IREE ends the process: a crash, or `exit` on flags or errors that it
//! does not return.
//!
//! A crashed process cannot do much: a handler says what was prepared beforehand
//! and ends it. Where the crash was is found by another process: the handler
//! has the program start once more, with the same arguments and [`SEEK`] in its
//! environment, and who finds [`is_sought`] there tries what may have crashed in
//! children ([`crashes`]).

use std::env;
use std::ffi::{CString, OsString, c_char, c_int};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

/// The variable that says that a process is to find a crash.
const SEEK: &str = "SPECPLACE_SEEK_CRASH";

/// This program.
const THIS_PROGRAM: &std::ffi::CStr = c"/proc/self/exe";

/// What ends a program that was not meant to end.
const FATAL: [c_int; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGABRT,
    libc::SIGILL,
    libc::SIGFPE,
];

/// What a crash makes the process say, and its length; null without one.
static MESSAGE: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
static LENGTH: AtomicUsize = AtomicUsize::new(0);

/// Arguments and environment of the process that finds the crash; null where
/// none is to.
static ARGUMENTS: AtomicPtr<*const c_char> = AtomicPtr::new(ptr::null_mut());
static ENVIRONMENT: AtomicPtr<*const c_char> = AtomicPtr::new(ptr::null_mut());

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

/// Does `work`; should it crash, or call `exit`, the process ends with `status`
/// after `message`. What a crash was to say before is restored afterwards.
pub fn saying<T>(message: &str, status: u8, work: impl FnOnce() -> T) -> T {
    struct Before(*mut u8, usize, i32);
    impl Drop for Before {
        fn drop(&mut self) {
            MESSAGE.store(ptr::null_mut(), Ordering::SeqCst);
            LENGTH.store(self.1, Ordering::SeqCst);
            STATUS.store(self.2, Ordering::SeqCst);
            MESSAGE.store(self.0, Ordering::SeqCst);
        }
    }
    let _before = Before(
        MESSAGE.load(Ordering::SeqCst),
        LENGTH.load(Ordering::SeqCst),
        STATUS.load(Ordering::SeqCst),
    );
    say_on_crash(message, status);
    work()
}

/// Does `work`; should it crash, the program starts once more to find out
/// where, unless this is that process already, or it could not read its input
/// again. [`saying`] has to be around it.
pub fn sought<T>(can_read_again: bool, work: impl FnOnce() -> T) -> T {
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            ARGUMENTS.store(ptr::null_mut(), Ordering::SeqCst);
        }
    }
    let _forget = Forget;
    if can_read_again && !is_sought() {
        let arguments = env::args_os();
        let environment = env::vars_os().map(|(name, value)| {
            let mut entry = name;
            entry.push("=");
            entry.push(value);
            entry
        });
        let seek = OsString::from(format!("{SEEK}=1"));
        ENVIRONMENT.store(strings(environment.chain([seek])), Ordering::SeqCst);
        ARGUMENTS.store(strings(arguments), Ordering::SeqCst);
    }
    work()
}

/// Whether this process is to find a crash.
pub fn is_sought() -> bool {
    env::var_os(SEEK).is_some()
}

/// [`crashes`] as a value, to be given to who does not import this crate.
pub type Trial = fn(&mut dyn FnMut()) -> Option<bool>;

/// [`crashes`], where this process is to find a crash.
pub fn trial() -> Option<Trial> {
    is_sought().then_some(|work| crashes(work))
}

/// Strings as C wants them, the last followed by null. They are never freed: a
/// crash may need them at any moment.
fn strings(list: impl Iterator<Item = OsString>) -> *mut *const c_char {
    let mut pointers: Vec<*const c_char> = list
        // What came from the system holds no NUL.
        .filter_map(|each| CString::new(each.into_vec()).ok())
        .map(|each| each.into_raw().cast_const())
        .collect();
    pointers.push(ptr::null());
    Vec::leak(pointers).as_mut_ptr()
}

/// Whether `work` crashes, tried in a child of this process, which says nothing
/// and leaves nothing behind. `None` where there is no child to be had.
pub fn crashes(work: impl FnOnce()) -> Option<bool> {
    // SAFETY: the child has this thread alone. It touches nothing that another
    // may have held, but memory, which the allocator keeps whole across forks,
    // and ends without running what is left of the program.
    unsafe {
        match libc::fork() {
            -1 => None,
            0 => {
                for signal in FATAL {
                    libc::signal(signal, libc::SIG_DFL);
                }
                // A crash that hangs ends, too.
                libc::alarm(CHILD_SECONDS);
                let silence = libc::open(c"/dev/null".as_ptr(), libc::O_WRONLY);
                libc::dup2(silence, 2);
                work();
                libc::_exit(0);
            }
            child => {
                let mut status = 0;
                while libc::waitpid(child, &mut status, 0) < 0 {
                    if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                        return None;
                    }
                }
                Some(libc::WIFSIGNALED(status) && FATAL.contains(&libc::WTERMSIG(status)))
            }
        }
    }
}

/// How long a child may take.
const CHILD_SECONDS: u32 = 10;

fn say_on_crash(message: &str, status: u8) {
    static HANDLERS: Once = Once::new();
    watch_exit();
    // Once said, it may be said at any moment: the text is never freed.
    let text: &'static mut [u8] = Vec::leak(message.as_bytes().to_vec());
    // No crash in between meets one text with the length of another.
    MESSAGE.store(ptr::null_mut(), Ordering::SeqCst);
    STATUS.store(i32::from(status), Ordering::SeqCst);
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
                action.sa_flags = libc::SA_RESETHAND | libc::SA_ONSTACK | libc::SA_NODEFER;
                libc::sigaction(signal, &action, ptr::null_mut());
            }
        }
    });
}

/// Takes back [`say_on_crash`].
fn say_nothing() {
    MESSAGE.store(ptr::null_mut(), Ordering::SeqCst);
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
        let arguments = ARGUMENTS.load(Ordering::SeqCst);
        if !arguments.is_null() {
            // A mask of signals goes on to the next program, dispositions of
            // our own do not.
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
            libc::execve(
                THIS_PROGRAM.as_ptr(),
                arguments,
                ENVIRONMENT.load(Ordering::SeqCst),
            );
            // It could not be started: the message has to do.
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
pub(crate) fn ending_with(status: u8, work: impl FnOnce()) {
    watch_exit();
    EXIT_STATUS.store(i32::from(status), Ordering::SeqCst);
    work();
    EXIT_STATUS.store(-1, Ordering::SeqCst);
}

extern "C" fn on_exit() {
    // Who expects an end says with which status; anything else is a crash.
    let status = EXIT_STATUS.load(Ordering::SeqCst);
    if status >= 0 {
        // SAFETY: ends the process, without the rest of what runs at exit;
        // LLVM's streams for messages are not buffered.
        unsafe { libc::_exit(status) }
    }
    let message = MESSAGE.load(Ordering::SeqCst);
    if !message.is_null() {
        // SAFETY: as in `on_crash`.
        unsafe {
            libc::write(2, message.cast(), LENGTH.load(Ordering::SeqCst));
            libc::_exit(STATUS.load(Ordering::SeqCst));
        }
    }
}
