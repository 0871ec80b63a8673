//! `specplace`: reads the command line, answers what needs no IR, and hands
//! the rest to `specplace-ir` (see [`specplace_driver::launch`]).

#![forbid(unsafe_code)]
// Nothing that input can reach may panic; tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

use std::process::ExitCode;

use specplace_driver::args::{Cli, Verb};
use specplace_driver::{commands, finish, launch, on_a_stack, printer, report_panics};
use tools::Tools;
use tools::interruption::survive_file_limits;

fn main() -> ExitCode {
    report_panics();
    survive_file_limits();
    on_a_stack(STACK, run)
}

/// Reading the command line must not depend on `ulimit -s`.
const STACK: usize = 8 << 20;

fn run() -> ExitCode {
    // Wrong usage ends here, before anything is looked for.
    let cli = Cli::parse_or_exit();
    let tools = Tools::limited(cli.talk.limit());
    let printer = printer(&cli.talk);
    let outcome = match &cli.verb {
        Some(Verb::Platforms(args)) => commands::platforms::run(args),
        Some(Verb::Explore(args)) if args.input.is_none() => commands::explore::run(args, &printer),
        Some(Verb::Doctor(args)) => commands::doctor::run(args, tools, &printer),
        Some(Verb::Run(args)) => commands::run::run(args, tools, &printer),
        // Everything else needs IR.
        _ => match launch::ir_half() {
            Ok(never) => match never {},
            Err(failure) => Err(failure),
        },
    };
    finish(&printer, outcome)
}
