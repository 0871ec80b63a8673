//! `specplace explore IN`: counts what the module demands, then explores.

use diagnostics::{Failure, Severity};
use passes::{Context, PASSES};
use specplace_driver::args::{DecisionArgs, ExploreArgs};
use specplace_driver::commands::explore::Question;
use specplace_driver::printer::Printer;
use specplace_driver::progress::Progress;

use crate::pass_runner::{Timing, run as run_passes};
use crate::{module_file, settings};

/// The last pass that is run: the next one decides, which is what exploring
/// does itself.
const LAST: &str = "estimate-costs";

/// Runs the verb.
///
/// # Errors
///
/// A [`Failure`]; nothing is written then.
pub fn run(args: &ExploreArgs, printer: &mut Printer) -> Result<(), Failure> {
    // The launcher explores by itself what has no IN.
    let input = args
        .input
        .as_deref()
        .ok_or_else(|| Failure::bug("IN is missing"))?;
    let question = Question::of(args)?;
    // No rate: nothing is decided by the passes.
    let decision = DecisionArgs {
        alpha: None,
        acceptance: None,
        accepted_per_draft: None,
        ..args.decision.clone()
    };
    let mut context = Context::new(settings::of(&decision)?);
    let mut timing = Timing::start();
    let progress = Progress::start(printer);
    let session = timing.step("start", iree::session);
    let mut module = module_file::read(&session, input, printer)?;
    let count = PASSES.iter().position(|pass| pass.name == LAST);
    let outcome = run_passes(
        &mut module.lend(),
        &mut context,
        PASSES.iter().take(count.map_or(0, |index| index + 1)),
        &mut timing,
        &progress,
        |_, _| {},
    );
    drop(progress);
    for diagnostic in &context.remarks {
        if matches!(diagnostic.severity, Severity::Error | Severity::Warning) {
            printer.message(diagnostic);
        }
    }
    outcome?;
    let workload = context
        .workload
        .ok_or_else(|| Failure::bug("estimate-costs counted nothing"))?;
    question.answer(args, workload, printer)
}
