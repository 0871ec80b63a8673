//! `specplace-ir`: the half of specplace that reads and writes IR. `specplace`
//! starts it; it takes the same command line.

#![forbid(unsafe_code)]
// Nothing that input can reach may panic; tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

use std::process::ExitCode;

use diagnostics::{Diagnostic, Failure, Status};
use iree::crash;
use specplace_driver::args::{Cli, Verb};
use specplace_driver::{finish, on_a_stack, printer, report_panics};
use tikv_jemallocator::Jemalloc;
use tools::Tools;
use tools::interruption::survive_file_limits;

/// Verbs that need IR.
mod commands {
    pub mod assemble;
    pub mod compile;
    pub mod explore_module;
    pub mod opt;
    pub mod place;
    pub mod probe;
    pub mod verify;
    pub mod verify_placement;
}
mod interface;
mod module_file;
mod pass_runner;
mod settings;
mod targets;

/// Lowering and printing IR are allocations for a good part: with jemalloc they
/// take 7 to 17 % less time than with glibc's malloc (benches/README.md).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// MLIR's parser and verifier recurse as deeply as the IR is nested, which the
/// user decides. The memory is only reserved, not used.
const STACK: usize = 1 << 30;

fn main() -> ExitCode {
    report_panics();
    survive_file_limits();
    on_a_stack(STACK, work)
}

fn work() -> ExitCode {
    let cli = Cli::parse_or_exit();
    // Who knows more of what is being done says more in its place.
    let said = pass_runner::crashed(&format!("in {}", cli.verb_name()));
    crash::saying(&said, Status::Impossible.code(), || answer(&cli))
}

fn answer(cli: &Cli) -> ExitCode {
    let mut printer = printer(&cli.talk);
    let tools = Tools::limited(cli.talk.limit());
    let outcome = match &cli.verb {
        None => commands::place::run(&cli.place, tools, &mut printer),
        Some(Verb::Assemble(args)) => commands::assemble::run(args, &mut printer),
        Some(Verb::Compile(args)) => commands::compile::run(args, tools, &mut printer),
        Some(Verb::Explore(args)) => commands::explore_module::run(args, &mut printer),
        Some(Verb::Opt(args)) => commands::opt::run(args, &mut printer),
        Some(Verb::Verify(args)) => commands::verify::run(args, tools, &mut printer),
        Some(Verb::VerifyPlacement(args)) => {
            commands::verify_placement::run(args, tools, &mut printer)
        }
        Some(Verb::Doctor(_) | Verb::Platforms(_) | Verb::Run(_)) => Err(not_here(cli)),
    };
    finish(&printer, outcome)
}

/// What needs no IR is done where IREE may be missing.
fn not_here(cli: &Cli) -> Failure {
    Failure::usage(
        Diagnostic::error(format!("{} is not for specplace-ir", cli.verb_name()))
            .help("start specplace, which starts specplace-ir for what reads IR"),
    )
}
