//! The user's own placement, where `--keep-placement` honours it.

use std::collections::{BTreeMap, HashMap};

use cost::Role;
use dialects::ir::{Op, Value};
use dialects::vocabulary::{GLOBAL_LOAD, STREAM_AFFINITY, TRANSFER};
use dialects::{Diagnostic, Module};

use super::marker_name;
use super::spread::Assignment;
use crate::names::role_of_device;
use crate::resolve_markers::device_name;
use crate::structure::{global, inputs};

/// The device that the input names for each role: on the weights that its
/// operations read, and in transfers of what they read. The affinities are
/// taken off, since the plan will say the same.
///
/// # Errors
///
/// The input puts one role on two devices, which a mapping cannot say.
pub fn devices(
    module: &Module<'_>,
    assignment: &Assignment<'_>,
) -> Result<BTreeMap<Role, String>, Vec<Diagnostic>> {
    let mut kept: BTreeMap<Role, (String, Op)> = BTreeMap::new();
    let mut errors = Vec::new();
    let mut names: HashMap<Op, Option<String>> = HashMap::new();
    for (op, evidence) in &assignment.roles {
        for value in inputs(*op) {
            let Some(source) = value.defining_op() else {
                continue;
            };
            let name = names
                .entry(source)
                .or_insert_with(|| named_device(module, value))
                .clone();
            let Some(name) = name else {
                continue;
            };
            match kept.get(&evidence.role) {
                Some((before, witness)) if *before != name && errors.is_empty() => errors.push(
                    Diagnostic::error(format!(
                        "the input places the {} on two devices, @{before} and @{name}",
                        evidence.role
                    ))
                    .at(source.location().place())
                    .offending(source.summary())
                    .with_note(
                        Diagnostic::note(format!("@{before} is named here"))
                            .at(witness.location().place()),
                    )
                    .help(
                        "a role is on one device: leave out --keep-placement, or name the \
                         roles with --role DEVICE=ROLE",
                    ),
                ),
                Some(_) => {}
                None => {
                    kept.insert(evidence.role, (name, source));
                }
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    for op in module.body().ops() {
        if op.is(dialects::vocabulary::GLOBAL) {
            op.remove_attribute(STREAM_AFFINITY);
        }
    }
    Ok(kept.into_iter().map(|(role, (name, _))| (role, name)).collect())
}

/// The device that the input names for `value`, unless the name is a role.
fn named_device(module: &Module<'_>, value: Value<'_>) -> Option<String> {
    let op = value.defining_op()?;
    let name = if op.is(TRANSFER) {
        marker_name(op)?
    } else if op.is(GLOBAL_LOAD) {
        let weight = global(module, &op.attribute("global")?.as_symbol()?)?;
        device_name(weight.attribute(STREAM_AFFINITY)?)?
    } else {
        return None;
    };
    role_of_device(&name, &BTreeMap::new()).is_none().then_some(name)
}
