//! Views of their own for what branches hand on, and functions return.
//!
//! IREE 3.13's VM moves a reference out of its register at its last use, and
//! gives values that a branch makes of one reference the same register. So
//! where a branch hands on a reference twice, or one that is still used behind
//! the branch, another use finds null ("ref is null"): a loop that starts two of
//! its values as one and the same, or a conditional that yields a value from
//! outside. Each such operand becomes another view of the same buffer, which
//! copies nothing.
//!
//! IREE's IPO pass loses one of two equal results that are an argument
//! ("operand is unlinked"), so that a public function returns the second from
//! behind a barrier.

use dialects::Module;
use dialects::hal::Inserter;
use dialects::ir::{Op, Type, Value};
use rustc_hash::FxHashSet;

use super::view_type;
use crate::structure::{hands_on, is_control_flow, placed_blocks};

/// Parts what the control flow of `function` hands on twice or from outside, and
/// what is returned twice; `tensor` tells the type of what a view shows.
pub fn part<'m>(
    module: &'m Module<'m>,
    function: Op<'m>,
    tensor: impl Fn(Value<'m>) -> Option<Type<'m>>,
) {
    let view_type = view_type(module);
    for block in placed_blocks(function) {
        for op in block.ops() {
            if op.is("func.return") {
                part_results(module, op);
            }
            if !is_control_flow(op) && !hands_on(op) {
                continue;
            }
            let comes_from_outside = |view: Value<'m>| hands_on(op) && view.block() != op.block();
            let mut seen = FxHashSet::default();
            for (index, view) in op.operands().into_iter().enumerate() {
                if view.r#type() != view_type || seen.insert(view) && !comes_from_outside(view) {
                    continue;
                }
                if let Some(shown) = tensor(view) {
                    let inserter = Inserter::before(module, op);
                    // Two views of one buffer would be merged again.
                    for buffer in inserter.keep_apart(&[inserter.buffer_of(view)]) {
                        op.set_operand(index, inserter.view_of(buffer, shown));
                    }
                }
            }
        }
    }
}

fn part_results<'m>(module: &'m Module<'m>, op: Op<'m>) {
    // What is imported twice from one view is one tensor to IREE.
    let source = |value: Value<'m>| match value.defining_op() {
        Some(import) if import.is("hal.tensor.import") => import.operand(0).unwrap_or(value),
        _ => value,
    };
    let mut seen = FxHashSet::default();
    for (index, result) in op.operands().into_iter().enumerate() {
        if result.r#type().is_tensor() && !seen.insert(source(result)) {
            for apart in Inserter::before(module, op).keep_apart(&[result]) {
                op.set_operand(index, apart);
            }
        }
    }
}
