//! The user's own placement, where `--keep-placement` honours it.
//!
//! `identify-roles` leaves it in the module's `specplace.kept`, from where
//! `select-mapping` takes it.

use std::collections::BTreeMap;

use cost::Partition;
use dialects::affinity;
use dialects::ir::{Attribute, Op, Value};
use dialects::ops::{Global, GlobalLoad, Transfer};
use dialects::vocabulary::{GLOBAL_LOAD, STREAM_AFFINITY, TRANSFER};
use dialects::{Diagnostic, Module};
use rustc_hash::FxHashMap;

use super::assignment::Assignment;
use crate::names::role_of_device;
use crate::structure::{globals, inputs};

/// The module attribute that holds the device of each role that has one.
const KEPT: &str = "specplace.kept";

/// Leaves the devices in the module.
pub(super) fn leave(module: &Module<'_>, devices: BTreeMap<Partition, String>) {
    if devices.is_empty() {
        module.op().remove_attribute(KEPT);
        return;
    }
    let session = module.session();
    let mut kept = Attribute::empty_dictionary(session);
    for (role, device) in devices {
        let device = Attribute::string(session, &device);
        kept = kept.with(session, &role.to_string(), device);
    }
    module.op().set_attribute(KEPT, kept);
}

/// Takes what [`leave`] left.
pub(crate) fn take(module: &Module<'_>) -> BTreeMap<Partition, String> {
    let op = module.op();
    let entries = op.attribute(KEPT).map(Attribute::entries);
    op.remove_attribute(KEPT);
    let entries = entries.into_iter().flatten();
    entries
        .filter_map(|(role, device)| Some((role.parse().ok()?, device.as_string()?)))
        .collect()
}

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
) -> Result<BTreeMap<Partition, String>, Vec<Diagnostic>> {
    let mut kept: BTreeMap<Partition, (String, Op)> = BTreeMap::new();
    let mut errors = Vec::new();
    // Where a model's weights are is where it runs. Transfers say less: one of
    // logits names the device that they go to.
    for source_kind in [GLOBAL_LOAD, TRANSFER] {
        let decided: Vec<Partition> = kept.keys().copied().collect();
        for (role, name, source) in named_sources(module, assignment, source_kind) {
            if decided.contains(&role) {
                continue;
            }
            match kept.get(&role) {
                Some((before, witness)) if *before != name && errors.is_empty() => {
                    errors.push(contradiction(role, (before, *witness), (&name, source)));
                }
                Some(_) => {}
                None => {
                    kept.insert(role, (name, source));
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
    Ok(kept
        .into_iter()
        .map(|(role, (name, _))| (role, name))
        .collect())
}

/// What names a device among the operations of one kind that the assigned
/// operations read from.
fn named_sources<'m>(
    module: &Module<'_>,
    assignment: &Assignment<'m>,
    kind: &str,
) -> Vec<(Partition, String, Op<'m>)> {
    let mut names: FxHashMap<Op, Option<String>> = FxHashMap::default();
    let globals = globals(module);
    let mut found = Vec::new();
    for (op, evidence) in &assignment.roles {
        for value in inputs(*op) {
            let Some(source) = value.defining_op().filter(|source| source.is(kind)) else {
                continue;
            };
            if kind == TRANSFER && value.r#type().element().is_float() {
                continue;
            }
            let name = names
                .entry(source)
                .or_insert_with(|| named_device(&globals, value));
            if let Some(name) = name {
                found.push((assignment.partition(evidence), name.clone(), source));
            }
        }
    }
    found
}

fn contradiction(role: Partition, before: (&str, Op<'_>), after: (&str, Op<'_>)) -> Diagnostic {
    Diagnostic::error(format!(
        "the input places the {role} on two devices, @{} and @{}",
        before.0, after.0
    ))
    .at(after.1.location().place())
    .offending(after.1.summary())
    .with_note(
        Diagnostic::note(format!("@{} is named here", before.0)).at(before.1.location().place()),
    )
    .help(
        "a role is on one device: leave out --keep-placement, or name the roles with \
         --role DEVICE=ROLE (stages of a model: --role DEVICE=target.1)",
    )
}

/// The device that the input names for `value`, unless the name is a role.
fn named_device(globals: &FxHashMap<&str, Global<'_>>, value: Value<'_>) -> Option<String> {
    let op = value.defining_op()?;
    let name = if let Some(transfer) = Transfer::of(op) {
        transfer.device()?
    } else if let Some(load) = GlobalLoad::of(op) {
        let weight = globals.get(load.global()?)?;
        affinity::of_symbol(weight.op())?
    } else {
        return None;
    };
    role_of_device(&name, &BTreeMap::new())
        .is_none()
        .then_some(name)
}
