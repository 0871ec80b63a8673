//! Conditions of which IREE finds nothing out.
//!
//! IREE can find out that a branch is never taken where we do not: once it has
//! merged two equal reads of a token, it knows the condition of an `scf.if` in
//! another with the same. The calls in that branch go then, and nothing tells
//! whether they were dead or inlined. So the condition on which a call depends
//! goes behind a barrier.

use dialects::Module;
use dialects::hal::Inserter;
use dialects::ir::Op;

use crate::structure::{is_choice, is_control_flow, placed_blocks};

/// Hides the conditions of `function` on which calls depend.
pub fn hide<'m>(module: &'m Module<'m>, function: Op<'m>) {
    for block in placed_blocks(function) {
        for op in block.ops() {
            if !is_control_flow(op) || !op.nested().iter().any(|each| each.is("func.call")) {
                continue;
            }
            let condition = if op.is("scf.while") {
                op.blocks().first().and_then(|before| before.terminator())
            } else {
                is_choice(op).then_some(op)
            };
            let Some(holder) = condition else {
                continue;
            };
            let inserter = Inserter::before(module, holder);
            if let Some(condition) = holder.operand(0) {
                holder.set_operand(0, inserter.keep_apart(&[condition])[0]);
            }
        }
    }
}
