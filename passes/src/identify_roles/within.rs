//! What never leaves a forward pass: indices that a router makes, positions and
//! masks of its tokens.
//!
//! Integers end the spread of a role, since they may be tokens. Those that come
//! from a pass, and are read in the same pass alone, are none: they stay with
//! the model, with whatever is made of them on the way, so that the pass need
//! not be left for them. Tokens are read by another pass, by control, or by
//! whoever called.

use std::collections::BTreeMap;
use std::rc::Rc;

use cost::{Partition, Role};
use dialects::Module;
use dialects::ir::{Op, Value};
use dialects::vocabulary::TRANSFER;
use rustc_hash::FxHashMap;

use super::activations::Activations;
use super::assignment::Assignment;
use super::evidence::{Evidence, Origin};
use super::structural::components;
use crate::roles::Roles;
use crate::structure::{Free, functions, is_control_flow, is_groupable, placed_ops};

/// None, one, or several of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Few<T> {
    #[default]
    None,
    One(T),
    Several,
}

impl<T: PartialEq + Copy> Few<T> {
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, any) | (any, Self::None) => any,
            (Self::One(one), Self::One(other)) if one == other => self,
            _ => Self::Several,
        }
    }

    fn allows(self, value: T) -> bool {
        self == Self::None || self == Self::One(value)
    }
}

/// What is known of an operation before it is asked who reads it.
#[derive(Clone, Default)]
struct Known {
    evidence: Option<Rc<Evidence>>,
    /// The pass that an operation of a model is of, if it has to do with
    /// activations.
    pass: Option<usize>,
    /// The passes whose activations it depends on.
    from: Few<usize>,
    /// The models that it depends on, and the latest stage of those.
    models: Few<Role>,
    stage: Option<u32>,
}

/// Gives operations that have no role, and come from and go to one pass of a
/// model, to that model.
pub fn keep<'m>(module: &'m Module<'_>, free: &mut Free<'m>, assignment: &mut Assignment<'m>) {
    let ops: Vec<Op> = functions(module).into_iter().flat_map(placed_ops).collect();
    let index: FxHashMap<Op, usize> = ops.iter().enumerate().map(|(at, op)| (*op, at)).collect();
    let mut known = vec![Known::default(); ops.len()];
    for (op, evidence) in &assignment.roles {
        if let Some(at) = index.get(op) {
            known[*at].evidence = Some(evidence.clone());
        }
    }
    find_passes(&ops, &index, &mut known, free);
    for (at, op) in ops.iter().enumerate() {
        // Behind a marker tokens are new, whoever made them.
        if free.is_free(*op) || op.is(TRANSFER) {
            continue;
        }
        let mut own = known[at].clone();
        // What a loop or branch makes can come from anywhere in it.
        if is_control_flow(*op) {
            own.from = Few::Several;
            own.models = Few::Several;
        }
        for before in free.inputs(*op).into_iter().filter_map(|value| {
            let producer = value.defining_op()?;
            index.get(&producer).map(|at| &known[*at])
        }) {
            own.from = own.from.join(before.from);
            own.models = own.models.join(before.models);
            own.stage = own.stage.max(before.stage);
        }
        if let Some(evidence) = &own.evidence {
            own.models = Few::One(evidence.part.role);
            own.stage = evidence.part.stage;
            if let Some(pass) = own.pass {
                own.from = Few::One(pass);
            }
        }
        known[at] = own;
    }
    let mut carried = Roles::default();
    let mut found = Vec::new();
    let mut shared: BTreeMap<Partition, Rc<Evidence>> = BTreeMap::new();
    // The passes that read what an operation makes. Readers come later.
    let mut to: Vec<Few<usize>> = vec![Few::None; ops.len()];
    for (at, op) in ops.iter().enumerate().rev() {
        if let Some(pass) = known[at].pass {
            to[at] = Few::One(pass);
            continue;
        }
        let mut readers: Vec<&Rc<Evidence>> = Vec::new();
        for each in op.results().into_iter().flat_map(Value::uses) {
            let mut holders = std::iter::successors(Some(each.op), |op| op.parent());
            let reader = holders.find_map(|op| index.get(&op)).copied();
            match reader.map(|at| (to[at], &known[at].evidence)) {
                Some((reached, Some(evidence))) => {
                    to[at] = to[at].join(reached);
                    readers.push(evidence);
                }
                _ => to[at] = Few::Several,
            }
        }
        let Known {
            evidence: None,
            from,
            models: Few::One(role),
            stage,
            ..
        } = known[at]
        else {
            continue;
        };
        let Few::One(pass) = to[at] else { continue };
        let stays = is_groupable(*op)
            && !free.is_free(*op)
            && carried.of(*op).is_none()
            && from.allows(pass)
            && readers.iter().all(|reader| reader.part.role == role);
        let first = readers.iter().min_by_key(|reader| reader.part.stage);
        let Some(first) = first.filter(|first| stays && stage <= first.part.stage) else {
            // Whoever computes it, the pass is left for it.
            to[at] = Few::Several;
            continue;
        };
        let evidence = shared.entry(first.part).or_insert_with(|| {
            Rc::new(Evidence {
                origin: Origin::Readers,
                ended: false,
                ..(***first).clone()
            })
        });
        let evidence = evidence.clone();
        known[at].evidence = Some(evidence.clone());
        found.push((*op, evidence));
    }
    if found.is_empty() {
        return;
    }
    assignment.roles.extend(found);
    let place = |op: &Op<'m>| index.get(op).copied();
    assignment.roles.sort_by_key(|(op, _)| place(op));
}

/// Numbers the passes: what activations hold together.
fn find_passes<'m>(
    ops: &[Op<'m>],
    index: &FxHashMap<Op<'m>, usize>,
    known: &mut [Known],
    free: &mut Free<'m>,
) {
    let mut activations = Activations::default();
    let mut members: BTreeMap<Role, Vec<Op>> = BTreeMap::new();
    for (op, known) in ops.iter().zip(known.iter()) {
        activations.note(*op);
        let Some(evidence) = &known.evidence else {
            continue;
        };
        let read = free.inputs(*op).into_iter();
        let read = read.filter(|value| !free.is_free_value(*value));
        let mut values = op.results().into_iter().chain(read);
        if values.any(|value| activations.contains(value)) {
            members.entry(evidence.part.role).or_default().push(*op);
        }
    }
    let passes = members
        .into_values()
        .flat_map(|members| components(&members, free));
    for (pass, members) in passes.enumerate() {
        for at in members.iter().filter_map(|op| index.get(op)) {
            known[*at].pass = Some(pass);
        }
    }
}
