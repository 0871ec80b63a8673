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
use rustc_hash::FxHashSet;

use crate::structure::{is_choice, is_control_flow, placed};

/// Hides the conditions of `function` on which calls depend.
pub fn hide<'m>(module: &'m Module<'m>, function: Op<'m>) {
    let blocks: Vec<_> = placed(function);
    let mut calling: FxHashSet<Op> = FxHashSet::default();
    for (_, ops) in &blocks {
        for call in ops.iter().filter(|op| op.is("func.call")) {
            let mut next = call.parent();
            // Who holds the holder is known where the holder is.
            while let Some(holder) = next.filter(|holder| calling.insert(*holder)) {
                next = holder.parent();
            }
        }
    }
    for (_, ops) in blocks {
        for op in ops {
            if !is_control_flow(op) || !calling.contains(&op) {
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
