//! `specplace opt`: runs single passes and prints the IR.

use diagnostics::{Diagnostic, Failure};
use passes::{Context, PASSES, Pass, find_pass};
use specplace_driver::args::OptArgs;
use specplace_driver::destinations::{Inputs, check};
use specplace_driver::input::is_standard_stream;
use specplace_driver::output::{self, Output};
use specplace_driver::printer::{Printer, to_stdout};
use specplace_driver::progress::Progress;

use crate::pass_runner::{Timing, run as run_passes};
use crate::{module_file, settings};

/// The pass that asks the cost model.
const DECIDES: &str = "select-mapping";

/// Runs the verb.
///
/// # Errors
///
/// A [`Failure`].
pub fn run(args: &OptArgs, printer: &mut Printer) -> Result<(), Failure> {
    if args.list {
        to_stdout(list().as_bytes())
            .map_err(|error| Failure::io("cannot write to standard output", &error))?;
        return Ok(());
    }
    let passes = args
        .passes
        .iter()
        .map(|name| named(name))
        .collect::<Result<Vec<_>, _>>()?;
    // Clap asks for IN unless `--list` is given.
    let input = args.input.as_deref().unwrap_or(std::path::Path::new("-"));
    let to_file = !is_standard_stream(&args.output);
    if to_file {
        // IN may be replaced, since OUT is written whole or not at all.
        check([("-o", &*args.output)], &Inputs::of(&args.decision))?;
    }
    let settings = settings::of(&args.decision)?;
    if settings.request.is_none() && passes.iter().any(|pass| pass.name == DECIDES) {
        return Err(Failure::usage(
            Diagnostic::error("no acceptance rate to decide with")
                .help("give --alpha A or --acceptance FILE[:TASK]"),
        ));
    }
    let mut context = Context::new(settings);

    let mut timing = Timing::start();
    let progress = Progress::start(printer);
    let session = timing.step("start", iree::session);
    progress.step("read");
    let mut module = timing.step("read", || module_file::read(&session, input, printer))?;
    let outcome = run_passes(
        &mut module.lend(),
        &mut context,
        passes,
        &mut timing,
        &progress,
        |module, pass| {
            if args.print_after_all {
                printer.report(&format!(
                    "// -----// IR after {} //----- //\n{}",
                    pass.name,
                    module.to_text()
                ));
            }
        },
    );
    drop(progress);
    for diagnostic in &context.remarks {
        printer.message(diagnostic);
    }
    outcome?;

    let contents = timing.step("write", || {
        module_file::serialize(&module, args.emit_bytecode)
    });
    if to_file {
        output::write_all(&[Output {
            path: args.output.clone(),
            contents,
        }])?;
    } else {
        to_stdout(&contents)
            .map_err(|error| Failure::io("cannot write to standard output", &error))?;
    }
    if args.timing {
        printer.report(&timing.table());
    }
    Ok(())
}

fn named(name: &str) -> Result<&'static Pass, Failure> {
    // Files and lit tests are named with underscores; a user may copy either.
    let name = name.trim().replace('_', "-");
    find_pass(&name).ok_or_else(|| {
        let known = PASSES.iter().map(|pass| pass.name);
        Failure::usage(
            Diagnostic::error(format!("there is no pass `{name}`"))
                .help(cost::suggestion(&name, "passes", known)),
        )
    })
}

fn list() -> String {
    PASSES
        .iter()
        .map(|pass| format!("{:<20} {}\n", pass.name, pass.summary))
        .collect()
}
