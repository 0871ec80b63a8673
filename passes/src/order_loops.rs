//! `order-loops`: the loops over a result run in the order of its dimensions.
//!
//! A reduction may be written with its loops in any order; Torch's depthwise
//! convolutions run over positions before channels and store channels before
//! positions (`linalg.depthwise_conv_1d_ncw_cw`, `_2d_nchw_chw`). IREE 3.13 makes
//! one dispatch of such a reduction and of what its result begins as, a zero or a
//! bias. For SPIR-V it hands the elements of each of the two out to threads in the
//! order of the loops (`SPIRVTileAndDistribute`), with no barrier between them: one
//! thread sets an element to zero while another already adds to it, and sums are
//! lost, in some shapes. With the loops in the order of the result both are done by
//! the same thread.
//!
//! On CPUs it is the same work: IREE makes generic operations of these as well.

use dialects::ir::Op;
use dialects::linalg::{Access, accesses, loop_count, reorder_loops};
use dialects::{Diagnostic, Module};

use crate::structure::outer_ops;

/// Runs the pass.
///
/// # Errors
///
/// None.
pub fn run(module: &mut Module<'_>) -> Result<(), Vec<Diagnostic>> {
    for op in outer_ops(module) {
        if let Some(order) = order(op) {
            reorder_loops(module, op, &order);
        }
    }
    Ok(())
}

/// The loops in the order in which they should run, if that is another than now.
fn order(op: Op<'_>) -> Option<Vec<usize>> {
    if !op.is_of(&["linalg"]) {
        return None;
    }
    let accesses = accesses(op)?;
    let first_output = accesses.len().checked_sub(op.results().len())?;
    let outputs = accesses.get(first_output..)?;
    let mut kept = Vec::new();
    for access in outputs.first()? {
        match access {
            Access::Loop(number) if !kept.contains(number) => kept.push(*number),
            _ => return None,
        }
    }
    let count = loop_count(op)?;
    // Several results, as of a largest value and its place, have one order or stay.
    let agree = outputs.iter().all(|each| Some(each) == outputs.first());
    let reduces = count > kept.len();
    if !agree || !reduces || kept.is_sorted() {
        return None;
    }
    let summed: Vec<usize> = (0..count).filter(|number| !kept.contains(number)).collect();
    Some([kept, summed].concat())
}
