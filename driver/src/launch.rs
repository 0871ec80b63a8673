//! Starting `specplace-ir` with IREE's library in its reach.

use std::convert::Infallible;
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use diagnostics::{Diagnostic, Failure, reason};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tools::find::{self, Surroundings};

/// The half of specplace that links IREE's library. It lies beside this one.
const PROGRAM: &str = "specplace-ir";

/// Becomes `specplace-ir`, with the same arguments, byte for byte. Returns
/// only when that is not possible.
///
/// # Errors
///
/// A [`Failure`]: IREE is not installed, or specplace only half.
pub fn ir_half() -> Result<Infallible, Failure> {
    let library = find::find_library(&Surroundings::of_process())?;
    let program = beside_this_program()?;
    enough_stack()?;
    let folder = library.parent().unwrap_or(Path::new("/"));
    let outer = env::var_os(find::LINKER_VARIABLE).unwrap_or_default();

    let error = Command::new(&program)
        .args(env::args_os().skip(1))
        .env(find::LINKER_VARIABLE, prepended(folder, &outer))
        .env(find::OUTER_PATH_VARIABLE, outer)
        // Found once is enough, and both halves agree about which it is.
        .env(find::LIBRARY_VARIABLE, &library)
        .exec();
    Err(Failure::usage(Diagnostic::error(format!(
        "cannot start {}: {}",
        program.display(),
        reason(&error)
    ))))
}

/// What IREE's library needs of the main thread's stack while it is loaded, in
/// bytes; 64 KiB are too few. Our own work has a stack of its own.
const STACK: u64 = 128 << 10;

/// A program that is loaded on too small a stack ends without a word.
fn enough_stack() -> Result<(), Failure> {
    let limit = getrlimit(Resource::Stack);
    if limit.current.is_none_or(|bytes| bytes >= STACK) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(STACK),
        ..limit
    };
    setrlimit(Resource::Stack, raised).map_err(|_| {
        Failure::usage(
            Diagnostic::error(format!(
                "the stack is limited to {} KiB, and IREE's library needs {}",
                limit.current.unwrap_or_default() >> 10,
                STACK >> 10
            ))
            .help("raise the limit: ulimit -s 8192"),
        )
    })
}

fn beside_this_program() -> Result<PathBuf, Failure> {
    let this = env::current_exe()
        .map_err(|error| Failure::io("cannot find specplace's own program file", &error))?;
    let program = this.with_file_name(PROGRAM);
    if program.is_file() {
        return Ok(program);
    }
    Err(Failure::usage(
        Diagnostic::error(format!("{} is missing", program.display())).help(format!(
            "specplace is two programs: install {PROGRAM} beside {}",
            this.display()
        )),
    ))
}

/// `folder` before what the variable holds. An empty entry would mean the
/// current directory, so that none is made.
fn prepended(folder: &Path, outer: &OsStr) -> OsString {
    let mut value = folder.as_os_str().to_owned();
    if !outer.is_empty() {
        value.push(":");
        value.push(outer);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_empty_entry_in_the_path() {
        let folder = Path::new("/a");
        assert_eq!(prepended(folder, OsStr::new("")), "/a");
        assert_eq!(prepended(folder, OsStr::new("/b:/c")), "/a:/b:/c");
    }
}
