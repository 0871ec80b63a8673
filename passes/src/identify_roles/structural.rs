//! Roles from structure alone, for IR that names nothing and marks nothing.
//!
//! A model is what activations hold together: it starts where integer tokens
//! look up an embedding and ends where an argmax makes tokens again. Runs of
//! the same model hold the same bytes of weights; there must be exactly two
//! such sizes in the module, and the bigger one is the target. Where two models
//! are equally big, the one that runs in the inner of nested loops is the
//! drafter.

use std::collections::BTreeMap;
use std::rc::Rc;

use cost::Role;
use dialects::Module;
use dialects::ir::{Op, Value};
use dialects::ops::GlobalLoad;
use rustc_hash::{FxHashMap, FxHashSet};

use super::activations::Activations;
use super::assignment::Assignment;
use super::evidence::{Evidence, Origin};
use crate::structure::{Free, Inherited, functions, is_groupable, placed_ops};

/// The sets of `ops`, which are in order, that activations hold together.
pub fn components<'m>(ops: &[Op<'m>], free: &mut Free<'m>) -> Vec<Vec<Op<'m>>> {
    let index: FxHashMap<Op, usize> = ops.iter().enumerate().map(|(at, op)| (*op, at)).collect();
    let mut sets = petgraph::unionfind::UnionFind::new(ops.len());
    let mut activations = Activations::default();
    for (at, op) in ops.iter().enumerate() {
        activations.note(*op);
        for value in free.inputs(*op) {
            if activations.contains(value)
                && let Some(producer) = value.defining_op().and_then(|op| index.get(&op))
            {
                sets.union(at, *producer);
            }
        }
    }
    let mut members: BTreeMap<usize, Vec<Op>> = BTreeMap::new();
    for (at, op) in ops.iter().enumerate() {
        members.entry(sets.find(at)).or_default().push(*op);
    }
    let mut components: Vec<Vec<Op>> = members.into_values().collect();
    components.sort_by_key(|component| index[&component[0]]);
    components
}

/// Bytes of the distinct constants and weights behind what `ops` read.
pub fn weight_bytes<'m>(ops: &[Op<'m>], free: &mut Free<'m>) -> u64 {
    let (weights, constants) = weights(ops, free);
    all_bytes(&weights, constants)
}

/// The bytes of weights and constants together.
pub fn all_bytes(weights: &FxHashMap<String, u64>, constants: u64) -> u64 {
    weights
        .values()
        .fold(constants, |sum, bytes| sum.saturating_add(*bytes))
}

/// The globals behind what `ops` read, with their bytes, and the bytes of the
/// constants.
pub fn weights<'m>(ops: &[Op<'m>], free: &mut Free<'m>) -> (FxHashMap<String, u64>, u64) {
    let mut seen: FxHashSet<Op> = FxHashSet::default();
    let mut globals: FxHashMap<String, u64> = FxHashMap::default();
    let mut constants: u64 = 0;
    let mut pending: Vec<Value> = ops.iter().flat_map(|op| free.inputs(*op)).collect();
    while let Some(value) = pending.pop() {
        let Some(op) = value.defining_op() else {
            continue;
        };
        if !free.is_free(op) || !seen.insert(op) {
            continue;
        }
        let size = op
            .results()
            .iter()
            .filter_map(|result| result.r#type().byte_count())
            .fold(0, u64::saturating_add);
        if let Some(load) = GlobalLoad::of(op) {
            if let Some(name) = load.global() {
                globals.insert(name.to_owned(), size);
            }
        } else if op.is("arith.constant") {
            // A splat takes no memory to speak of.
            let splat = op.attribute("value").is_some_and(|value| value.is_splat());
            if !splat {
                constants = constants.saturating_add(size);
            }
        }
        pending.extend(free.inputs(op));
    }
    (globals, constants)
}

/// Whether the operation looks up rows of a table by integer tokens.
pub fn looks_up(op: Op<'_>) -> bool {
    let by_tokens = op.operands().iter().any(|operand| {
        let r#type = operand.r#type();
        r#type.is_tensor()
            && r#type.element().is_integer()
            && r#type.element().bit_width() >= Some(32)
    });
    let makes_floats = op
        .results()
        .iter()
        .any(|result| result.r#type().element().is_float());
    by_tokens && makes_floats && op.nested().iter().any(|nested| nested.is("tensor.extract"))
}

/// Roles by size, if the module holds exactly two models.
pub fn assign<'m>(module: &'m Module<'_>, free: &mut Free<'m>) -> Option<Assignment<'m>> {
    let mut ops = Vec::new();
    for function in functions(module) {
        ops.extend(placed_ops(function).filter(|op| is_groupable(*op) && !free.is_free(*op)));
    }
    let components: Vec<(u64, Vec<Op>)> = components(&ops, free)
        .into_iter()
        .map(|ops| (weight_bytes(&ops, free), ops))
        .collect();
    let biggest = components.iter().map(|(bytes, _)| *bytes).max()?;
    // What holds next to no weights is arithmetic of the loop, not a model.
    let models: Vec<&(u64, Vec<Op>)> = components
        .iter()
        .filter(|(bytes, ops)| *bytes >= biggest / 10_000 && ops.iter().any(|op| looks_up(*op)))
        .collect();
    let sizes: std::collections::BTreeSet<u64> = models.iter().map(|(bytes, _)| *bytes).collect();
    if sizes.len() != 2 {
        let models: Vec<&Vec<Op>> = models.into_iter().map(|(_, ops)| ops).collect();
        return by_nest(&models, free);
    }
    let mut assignment = Assignment::default();
    for (bytes, ops) in models {
        let role = if *bytes == biggest {
            Role::Target
        } else {
            Role::Drafter
        };
        let evidence = Rc::new(Evidence {
            part: role.into(),
            origin: Origin::Structure(*bytes),
            place: ops[0].location().place(),
            ended: false,
        });
        assignment
            .roles
            .extend(ops.iter().map(|op| (*op, evidence.clone())));
    }
    Some(assignment)
}

/// Roles by the nest of loops, if all runs are of two models, told apart by
/// their weights, one of which runs in more loops than the other.
fn by_nest<'m>(models: &[&Vec<Op<'m>>], free: &mut Free<'m>) -> Option<Assignment<'m>> {
    let mut depths: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut runs = Vec::new();
    let is_loop = |op: Op| op.is("scf.while") || op.is("scf.for");
    let mut loops = Inherited::new(0, |holder, outer| outer + usize::from(is_loop(holder)));
    for ops in models {
        let (weights, _) = weights(ops, free);
        let mut names: Vec<String> = weights.into_keys().collect();
        names.sort_unstable();
        let deepest = ops.iter().map(|op| loops.around(*op)).max()?;
        let depth = depths.entry(names.clone()).or_insert(deepest);
        *depth = deepest.max(*depth);
        runs.push((names, *ops));
    }
    let depth: Vec<usize> = depths.values().copied().collect();
    let (least, most) = match depth.as_slice() {
        [one, other] if one != other => (*one.min(other), *one.max(other)),
        _ => return None,
    };
    // One loop alone may do anything.
    if least == 0 {
        return None;
    }
    let mut assignment = Assignment::default();
    for (names, ops) in runs {
        let role = if depths.get(&names) == Some(&most) {
            Role::Drafter
        } else {
            Role::Target
        };
        let evidence = Rc::new(Evidence {
            part: role.into(),
            origin: Origin::Nest,
            place: ops.first()?.location().place(),
            ended: false,
        });
        let ops = ops.iter().map(|op| (*op, evidence.clone()));
        assignment.roles.extend(ops);
    }
    Some(assignment)
}
