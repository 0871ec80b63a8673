//! Starting `specplace-ir` with IREE's library in its reach.

use std::convert::Infallible;
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use cost::reason;

use crate::iree::{self, Surroundings};
use crate::message::{Failure, Message};

/// The half of specplace that links IREE's library. It lies beside this one.
const PROGRAM: &str = "specplace-ir";

/// Becomes `specplace-ir`, with the same arguments, byte for byte. Returns
/// only when that is not possible.
///
/// # Errors
///
/// A [`Failure`]: IREE is not installed, or specplace only half.
pub fn ir_half() -> Result<Infallible, Failure> {
    let library = iree::find_library(&Surroundings::of_process())?;
    let program = beside_this_program()?;
    let folder = library.parent().unwrap_or(Path::new("/"));
    let outer = env::var_os(iree::LINKER_VARIABLE).unwrap_or_default();

    let error = Command::new(&program)
        .args(env::args_os().skip(1))
        .env(iree::LINKER_VARIABLE, prepended(folder, &outer))
        .env(iree::OUTER_PATH_VARIABLE, outer)
        // Found once is enough, and both halves agree about which it is.
        .env(iree::LIBRARY_VARIABLE, &library)
        .exec();
    Err(Failure::usage(Message::error(format!(
        "cannot start {}: {}",
        program.display(),
        reason(&error)
    ))))
}

fn beside_this_program() -> Result<PathBuf, Failure> {
    let this = env::current_exe()
        .map_err(|error| Failure::io("cannot find specplace's own program file", &error))?;
    let program = this.with_file_name(PROGRAM);
    if program.is_file() {
        return Ok(program);
    }
    Err(Failure::usage(
        Message::error(format!("{} is missing", program.display())).help(format!(
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
