//! `identify-roles`: finds the role of every operation, with the evidence.
//!
//! A role starts at a marker (`flow.tensor.transfer … to
//! #hal.device.promise<@drafter>`), at a weight whose attribute or name says
//! whose it is, at `specplace.role` on an operation, or, where nothing says
//! anything, in the structure (see [`structural`]). It spreads to whatever
//! reads an activation that has it, a float or a quantised integer; any other
//! integer result may be tokens and ends the spread. What comes from one pass of
//! a model and goes to no other reader stays with it (see [`within`]). `control` on a float value only
//! ends the model *there*: slicing and argmax of its logits stay with the model,
//! so that whole logits do not cross.
//!
//! A role may name a stage of a model (`target.1`). A stage starts at its
//! marker or at the first of its weights, and ends where a later one starts:
//! what reads values of several stages belongs to the latest. What only the
//! model is known of goes to the stage that alone reads it, or is stage 0.
//!
//! Left behind: `specplace.role` on every operation that has a role, nothing
//! on the rest (which is control, or a constant and everyone's); the markers
//! are gone.

mod activations;
mod assignment;
mod evidence;
pub(crate) mod kept;
mod prefixes;
mod spread;
pub mod structural;
mod within;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cost::{Partition, Role};
use dialects::ir::{Attribute, Op};
use dialects::ops::Transfer;
use dialects::vocabulary::ROLE;
use dialects::{Diagnostic, Module};

use crate::causality;
use crate::context::Remarks;
use crate::settings::Settings;
use crate::structure::{Free, functions, outer_ops};
use assignment::Assignment;
use spread::Spread;

/// Runs the pass.
///
/// # Errors
///
/// Two model roles claim one operation (both witnesses are shown); a stage of a
/// model reads a later one's values (as are here); no role, or only one, was
/// found; a device name in a marker that is no role.
pub fn run(
    module: &mut Module<'_>,
    settings: &Settings,
    marked: &BTreeSet<Role>,
    remarks: &mut Remarks,
) -> Result<(), Vec<Diagnostic>> {
    refuse_other_phases(module)?;
    // Nothing is rewritten before all roles are known.
    let module: &Module<'_> = module;
    let mut free = Free::new(module);
    let mut spread = Spread::new(module, &mut free, settings);
    let mut assignment = spread.run()?;
    if assignment.model_roles().is_empty() {
        assignment = structural::assign(module, &mut free).ok_or_else(|| vec![no_role(module)])?;
    }
    let found = assignment.model_roles();
    if let [only] = found.as_slice() {
        return Err(vec![only_one_role(*only, &assignment, marked)]);
    }
    within::keep(module, &mut free, &mut assignment);
    remarks.extend(assignment.remarks());
    if settings.keep_placement {
        kept::leave(module, kept::devices(module, &assignment)?);
    }
    let roles: Vec<(Op, Partition)> = assignment.into_roles();
    let target: HashSet<Op> = roles
        .iter()
        .filter(|(_, role)| role.role == Role::Target)
        .map(|(op, _)| *op)
        .collect();
    let ahead = causality::check(module, &outer_ops(module), |op| target.contains(&op));
    remarks.extend(ahead);
    let names: BTreeMap<Partition, Attribute> = roles
        .iter()
        .map(|(_, role)| *role)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|role| (role, Attribute::string(module.session(), &role.to_string())))
        .collect();
    for (op, role) in &roles {
        op.set_attribute(ROLE, names[role]);
    }
    erase_markers(module);
    Ok(())
}

/// Dialects that IREE reads, but brings to linalg before anything else.
const BEFORE_INPUT: [&str; 4] = ["stablehlo", "chlo", "vhlo", "tosa"];

/// Dialects and operations that only exist after the `input` phase, or are
/// gone by then.
fn refuse_other_phases(module: &Module<'_>) -> Result<(), Vec<Diagnostic>> {
    for op in outer_ops(module) {
        let name = op.name();
        let dialect = name.split('.').next().unwrap_or_default();
        if BEFORE_INPUT.contains(&dialect) {
            return Err(vec![
                Diagnostic::error(format!(
                    "the module is written in the dialect '{dialect}', which specplace does not \
                     look into"
                ))
                .at(op.location().place())
                .offending(op.summary())
                .help(
                    "have IREE bring it to linalg first: iree-compile --compile-to=input IN -o -, \
                     and give specplace that",
                ),
            ]);
        }
        let phase = if name.starts_with("flow.dispatch") || name == "flow.executable" {
            "flow"
        } else if name.starts_with("stream.") {
            "stream"
        } else if name.starts_with("hal.executable") || name.starts_with("hal.command_buffer") {
            "hal"
        } else if name.starts_with("vm.") {
            "vm"
        } else {
            continue;
        };
        return Err(vec![
            Diagnostic::error(format!("the module is in IREE's '{phase}' phase"))
                .at(op.location().place())
                .offending(op.summary())
                .help(
                    "give specplace the module before dispatches are formed: the exported one, \
                     or the output of iree-compile --compile-to=input",
                ),
        ]);
    }
    Ok(())
}

fn no_role(module: &Module<'_>) -> Diagnostic {
    let names: Vec<String> = functions(module)
        .into_iter()
        .filter_map(Op::symbol_name)
        .map(|name| format!("@{name}"))
        .collect();
    let what = if names.is_empty() {
        "the module has no function with a body".to_owned()
    } else {
        format!("looked at {}", names.join(", "))
    };
    let mut diagnostic = Diagnostic::error("no drafter and no target were found in the module")
        .offending(what)
        .help(
            "mark them with torch.ops.specplace.place(x, \"drafter\") and (x, \"target\"), or name \
             them: --drafter PREFIX --target PREFIX (of parameter or global names), or \
             --drafter @FUNCTION --target @FUNCTION",
        );
    diagnostic.notes.extend(prefixes::note(module));
    diagnostic
}

fn only_one_role(role: Role, assignment: &Assignment<'_>, marked: &BTreeSet<Role>) -> Diagnostic {
    let missing = match role {
        Role::Drafter => Role::Target,
        _ => Role::Drafter,
    };
    let mut diagnostic = Diagnostic::error(format!(
        "only the {role} was found in the module, no {missing}"
    ))
    .help(if marked.contains(&missing) {
        format!(
            "the {missing} is marked, but what is computed there is read by nothing, or is \
             constant: return what depends on it"
        )
    } else {
        format!(
            "mark the {missing} with torch.ops.specplace.place(x, \"{missing}\"), or name it: \
             --{missing} PREFIX or --{missing} @FUNCTION"
        )
    });
    if let Some(note) = assignment.witness_of(role) {
        diagnostic.notes.push(note);
    }
    diagnostic
}

fn erase_markers(module: &Module<'_>) {
    for op in outer_ops(module) {
        if let Some((value, result)) = Transfer::of(op).and_then(Transfer::ends) {
            result.replace_all_uses_with(value);
            op.erase();
        }
    }
}
