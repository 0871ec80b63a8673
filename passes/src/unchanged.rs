//! What loops carry without changing it.
//!
//! Markers hide that a loop hands on what it was given; when they are gone,
//! IREE sees it, and takes values for one that were two when calls were
//! written: its IPO pass then merges their arguments. So what is carried
//! unchanged is read from outside the loop instead.

use dialects::Module;
use dialects::ir::{Op, Value};

use crate::structure::{functions, placed_blocks};

/// Lets the users of what a loop carries unchanged use what it starts as.
pub fn read_outside(module: &Module<'_>) {
    // What an outer loop carries may be unchanged because of an inner one.
    while functions(module)
        .into_iter()
        .flat_map(placed_blocks)
        .flat_map(|block| block.ops())
        .any(|op| read_outside_of(op))
    {}
}

/// Whether there was something that `op` carries unchanged, and that was used;
/// or whether `op` was a choice between a value and itself.
fn read_outside_of(op: Op<'_>) -> bool {
    let mut changed = false;
    if op.is("arith.select")
        && let (Some(result), Some(chosen)) = (op.result(0), op.operand(1))
        && op.operand(2) == Some(chosen)
    {
        result.replace_all_uses_with(chosen);
        op.erase();
        return true;
    }
    for (initial, stand_ins) in unchanged(op) {
        for value in stand_ins {
            // Handing itself on is not to be counted: it stays.
            changed |= value.uses().iter().any(|each| !is_terminator(each.op));
            value.replace_all_uses_with(initial);
        }
    }
    changed
}

fn is_terminator(op: Op<'_>) -> bool {
    op.is("scf.yield") || op.is("scf.condition")
}

/// What `op` starts values as that it never changes, and all that these are
/// inside and behind it.
fn unchanged<'m>(op: Op<'m>) -> Vec<(Value<'m>, Vec<Value<'m>>)> {
    let blocks = op.blocks();
    let mut found = Vec::new();
    match (op.name(), blocks.as_slice()) {
        ("scf.for", [body]) => {
            let Some(hand_on) = body.terminator() else {
                return found;
            };
            // Bounds and step come first, and the counter.
            let initial = op.operands().into_iter().skip(3);
            let arguments = body.arguments().into_iter().skip(1);
            let handed_on = hand_on.operands().into_iter();
            for (((start, argument), next), result) in
                initial.zip(arguments).zip(handed_on).zip(op.results())
            {
                if next == argument || next == start {
                    found.push((start, vec![argument, result]));
                }
            }
        }
        ("scf.while", [before, after]) => {
            let (Some(condition), Some(hand_on)) = (before.terminator(), after.terminator()) else {
                return found;
            };
            let passed = condition.operands();
            let passed = passed.get(1..).unwrap_or_default();
            let handed_on = hand_on.operands().into_iter();
            for ((start, argument), next) in op
                .operands()
                .into_iter()
                .zip(before.arguments())
                .zip(handed_on)
            {
                let places: Vec<usize> = (0..passed.len())
                    .filter(|at| passed[*at] == argument || passed[*at] == start)
                    .collect();
                let inside: Vec<Value> = places.iter().map(|at| after.arguments()[*at]).collect();
                if next == start || inside.contains(&next) {
                    let behind = places.iter().filter_map(|at| op.result(*at));
                    let all = [argument]
                        .into_iter()
                        .chain(inside.iter().copied())
                        .chain(behind);
                    found.push((start, all.collect()));
                }
            }
        }
        _ => {}
    }
    found
}
