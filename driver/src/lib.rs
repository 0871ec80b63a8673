//! The command line of specplace: arguments, files, processes, reports.
//!
//! There are two programs, each a package. `specplace`, this one, starts
//! everywhere, also where IREE is not installed: it answers what needs no IR by
//! itself and hands the rest to `specplace-ir` (the package in `ir`), after it has
//! found IREE's library for it. This library is what the two share.

#![forbid(unsafe_code)]
// Nothing that input can reach may panic; tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

pub mod args;
pub mod destinations;
pub mod flags;
pub mod growth;
pub mod input;
pub mod launch;
pub mod output;
pub mod plan_file;
pub mod printer;
pub mod progress;
pub mod report;
pub mod request;
pub mod tokenizer;

/// Verbs that need no IR.
pub mod commands {
    pub mod doctor;
    pub mod explore;
    pub mod platforms;
    pub mod run;
}

use std::panic::UnwindSafe;
use std::process::ExitCode;
use std::thread;

use anstream::ColorChoice;
use cost::CostError;
use diagnostics::{Diagnostic, Failure, Status};
use files::FileError;

use crate::args::{Colour, TalkArgs};
use crate::printer::Printer;

/// The printer that the command line asks for.
pub fn printer(talk: &TalkArgs) -> Printer {
    let colour = match talk.color {
        Colour::Auto => ColorChoice::Auto,
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    };
    Printer::new(colour, talk.quiet)
}

/// Prints what a command failed with, and gives the exit status for it.
pub fn finish(printer: &Printer, outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    let failure = failure_of(error);
    printer.messages(&failure.messages);
    failure.status.into()
}

/// Why a command ended: a failure of its own, or what it met.
fn failure_of(error: anyhow::Error) -> Failure {
    let error = match error.downcast::<Failure>() {
        Ok(failure) => return failure,
        Err(error) => error,
    };
    let error = match error.downcast::<CostError>() {
        Ok(error) => return error.into(),
        Err(error) => error,
    };
    let error = match error.downcast::<FileError>() {
        Ok(error) => return error.into(),
        Err(error) => error,
    };
    // Files and streams: the machine is not as it has to be.
    if error.chain().any(|cause| cause.is::<std::io::Error>()) {
        return Failure::usage(Diagnostic::error(format!("{error:#}")));
    }
    Failure::bug(format!("{error:#}"))
}

/// Makes a panic end in a message that says what to do with it. A panic is a
/// bug in specplace: the status is 1, and since OUT is only put into place
/// when it is complete, there is none.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("error: internal error: {panic}");
        eprintln!(
            "  = help: this is a bug in specplace {}; please report it with IN and the command line. Nothing was written",
            env!("CARGO_PKG_VERSION")
        );
    }));
}

/// The status of a program that panicked.
pub fn panicked() -> ExitCode {
    Status::Impossible.into()
}

/// Does `work`; a panic in it, which [`report_panics`] reports, ends in a
/// status as well.
pub fn guarded(work: impl FnOnce() -> ExitCode + UnwindSafe) -> ExitCode {
    std::panic::catch_unwind(work).unwrap_or_else(|_| panicked())
}

/// Does `work` on a stack of so many bytes, whatever the system gives the main
/// thread; a panic in it ends in a status.
pub fn on_a_stack(bytes: usize, work: fn() -> ExitCode) -> ExitCode {
    let worker = thread::Builder::new()
        .name("specplace".to_owned())
        .stack_size(bytes)
        .spawn(work);
    match worker {
        Ok(worker) => worker.join().unwrap_or_else(|_| panicked()),
        // So little address space that the default stack has to do.
        Err(_) => guarded(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cost::speedup::NoRate;

    #[test]
    fn every_error_has_its_status() {
        use anyhow::Context as _;
        let status = |error: anyhow::Error| failure_of(error).status.code();
        let wrong = || Failure::usage(Diagnostic::error("wrong"));
        assert_eq!(status(wrong().into()), 2);
        assert_eq!(status(anyhow::Error::from(wrong()).context("more")), 2);
        assert_eq!(status(Failure::bug("it is not there").into()), 1);
        let alpha = CostError::Rate(NoRate {
            given: "2".to_owned(),
        });
        assert_eq!(status(alpha.into()), 2);
        let bug = FileError::Unwritable {
            what: "it".to_owned(),
            reason: "no".to_owned(),
        };
        assert_eq!(status(bug.into()), 1);
        let closed = std::fs::read("/proc/none").context("cannot read it");
        assert_eq!(status(closed.unwrap_err()), 2);
        let other = failure_of(anyhow::anyhow!("nobody thought of it"));
        assert_eq!(other.status, Status::Impossible);
        assert_eq!(
            other.messages[0].message,
            "nobody thought of it: a bug in specplace"
        );
    }

    #[test]
    fn a_panic_is_status_1() {
        let status = guarded(|| panic!("on purpose"));
        assert_eq!(status, ExitCode::from(1));
        assert_eq!(guarded(|| ExitCode::SUCCESS), ExitCode::SUCCESS);
    }
}
