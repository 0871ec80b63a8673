//! Modules for an IREE that takes tensors between outlined functions: what is
//! known to go wrong with them is refused by name.

use dialects::Diagnostic;
use dialects::ir::Op;

use crate::placement::Placement;
use crate::structure::is_control_flow;

/// IREE's name of CPU devices.
const CPU: &str = "local";

/// Leaves the module as it is.
///
/// # Errors
///
/// A device that is no CPU, or control flow around outlined functions, which
/// would call them again and again.
pub fn check(callers: &[Op<'_>], placement: &Placement) -> Result<(), Vec<Diagnostic>> {
    let mut errors: Vec<Diagnostic> = placement
        .devices
        .iter()
        .filter(|device| device.alias != CPU)
        .map(|device| {
            Diagnostic::error(format!(
                "nothing can be placed on @{} (\"{}\") with this IREE: 3.6 takes modules for CPU devices only",
                device.symbol, device.alias
            ))
            .help("forbid that unit (--forbid drafter=NAME,target=NAME), or install IREE 3.13.0")
        })
        .collect();
    for caller in callers {
        let looping = caller.nested().into_iter().find(|op| is_control_flow(*op));
        if let Some(op) = looping {
            errors.push(
                Diagnostic::error(
                    "this IREE takes no control flow around models: functions that are called \
                     more than once on two devices end OUT_OF_RANGE with 3.6",
                )
                .at(op.location().place())
                .offending(op.summary())
                .help("export one speculative step without a loop, or install IREE 3.13.0"),
            );
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// What is to be said of a plan whose crossings are buffers.
pub fn instead_of_buffers() -> Diagnostic {
    Diagnostic::remark(
        "values cross as tensors, which IREE copies: with 3.6 the plan's methods of crossing, \
         and their costs, are those that a later release would have",
    )
}
