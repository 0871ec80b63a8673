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
pub mod next_steps;
pub mod output;
pub mod plan_file;
pub mod printer;
pub mod progress;
pub mod request;
pub mod shell;
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
use diagnostics::{Failure, Status};

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
pub fn finish(printer: &Printer, outcome: Result<(), Failure>) -> ExitCode {
    let Err(failure) = outcome else {
        return Status::Done.into();
    };
    printer.messages(&failure.messages);
    failure.status.into()
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

    #[test]
    fn a_panic_is_status_1() {
        let status = guarded(|| panic!("on purpose"));
        assert_eq!(status, ExitCode::from(1));
        assert_eq!(guarded(|| ExitCode::SUCCESS), ExitCode::SUCCESS);
    }
}
