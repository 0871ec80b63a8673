//! `separate-broadcasts`: what spreads the result of a reduction over more loops runs
//! by itself where IREE makes SPIR-V of it.
//!
//! IREE 3.13 makes one dispatch of a reduction (a product, a sum) and of the
//! elementwise operation that reads its result. For SPIR-V it hands the elements of
//! each of the two out to threads in the order of its loops (`SPIRVTileAndDistribute`)
//! with the result in memory that threads share, and no barrier between them. That
//! is right where the reader's loops begin with the dimensions of the result: a row
//! less its mean. Where a loop stands before or between these, as where grouped-query
//! attention repeats its keys and values for each head, or where they run in another
//! order, as where rows are normed and heads brought to the front, a thread reads what
//! another has not written yet, and in some shapes the values are wrong.
//!
//! Such a reader becomes a `flow.dispatch.region` of its own, in which IREE makes
//! nothing else. To reorder its loops would keep it in the reduction's dispatch, but
//! does not last: IREE takes the reader into the next elementwise operation, which
//! has its loops in the old order.

use dialects::build::OpBuilder;
use dialects::ir::{Attribute, Op, Value};
use dialects::linalg::{Access, accesses, loop_count};
use dialects::{Diagnostic, Module};
use rustc_hash::FxHashMap;

use crate::placement::Placement;

use crate::structure::{placed_ops, reassociation};

/// What of a reduction's result there is in a value, or in the loops that read it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    /// Which dimension of the result each dimension, or loop, is; the others, and those
    /// of size 1, are none.
    of: Vec<Option<usize>>,
    /// Whether something was computed with it, and elements not brought into another
    /// order alone.
    computed: bool,
}

/// What is known of values: for each reduction that one may be one dispatch with,
/// which of its dimensions are kept of that.
type Known<'m> = FxHashMap<Value<'m>, Vec<Kept>>;

/// Runs the pass.
pub fn run(module: &mut Module<'_>, placement: &Placement) -> Result<(), Vec<Diagnostic>> {
    let module: &Module<'_> = module;
    for (function, _) in placement.on_narrow_words(module) {
        for op in racing(function) {
            separate(module, op);
        }
    }
    Ok(())
}

/// The operations of a function that read a reduction's result with a loop before
/// or between its dimensions.
fn racing(function: Op<'_>) -> Vec<Op<'_>> {
    let mut known = Known::default();
    let mut racing = Vec::new();
    for op in placed_ops(function) {
        let made = if op.is("tensor.expand_shape") || op.is("tensor.collapse_shape") {
            reshaped(op, &known)
        } else if let Some(loops) = Loops::of(op) {
            if loops.reduces {
                // Of another reduction, which begins here.
                let of = (0..loops.result.len()).map(Some).collect();
                let computed = false;
                vec![Kept { of, computed }]
            } else {
                let read = loops.kept(op, &known);
                let computes = computes(op);
                let races = |kept: &Kept| {
                    // IREE makes of what only reorders, right behind a reduction, a part
                    // of that, and of any other a part of what computed before.
                    loops.spreads(kept) || loops.reorders(kept) && (computes || kept.computed)
                };
                if read.iter().any(races) {
                    racing.push(op);
                    continue;
                }
                read.iter()
                    .map(|kept| loops.of_result(kept, computes))
                    .collect()
            }
        } else {
            continue;
        };
        for value in op.results() {
            let sizes = value.r#type().shape().unwrap_or_default();
            let mut made = made.clone();
            for kept in &mut made {
                for (slot, size) in kept.of.iter_mut().zip(&sizes) {
                    *slot = slot.filter(|_| *size != Some(1));
                }
            }
            made.retain(|kept| kept.of.iter().any(Option::is_some));
            made.sort();
            made.dedup();
            if !made.is_empty() {
                known.insert(value, made);
            }
        }
    }
    racing
}

/// The loops of an operation.
struct Loops {
    /// How each operand is read, and each result written.
    accesses: Vec<Vec<Access>>,
    /// How the first result is written.
    result: Vec<Access>,
    /// For each loop, whether it runs more than once.
    repeats: Vec<bool>,
    /// Whether some of them are summed over.
    reduces: bool,
}

impl Loops {
    /// Those of a linalg operation, or of one of IREE's that is written as those are.
    fn of(op: Op<'_>) -> Option<Self> {
        let accesses = accesses(op)?;
        let count = loop_count(op)?;
        let first_result = accesses.len().checked_sub(op.results().len())?;
        let result = accesses.get(first_result)?.clone();
        let mut repeats = vec![false; count];
        for (accesses, operand) in accesses.iter().zip(op.operands()) {
            let sizes = operand.r#type().shape().unwrap_or_default();
            for (access, size) in accesses.iter().zip(&sizes) {
                if let Access::Loop(number) = access
                    && let Some(repeats) = repeats.get_mut(*number)
                {
                    *repeats |= *size != Some(1);
                }
            }
        }
        let is_written = |number| result.contains(&Access::Loop(number));
        let reduces = !(0..count).all(is_written);
        Some(Self {
            accesses,
            result,
            repeats,
            reduces,
        })
    }

    /// For each reduction that `op` reads of, which loops are over its dimensions.
    fn kept(&self, op: Op<'_>, known: &Known<'_>) -> Vec<Kept> {
        let mut read = Vec::new();
        for (accesses, operand) in self.accesses.iter().zip(op.operands()) {
            for dimensions in known.get(&operand).into_iter().flatten() {
                let mut of = vec![None; self.repeats.len()];
                for (access, dimension) in accesses.iter().zip(&dimensions.of) {
                    if let Access::Loop(number) = access
                        && let Some(slot) = of.get_mut(*number)
                    {
                        *slot = slot.or(*dimension);
                    }
                }
                let computed = dimensions.computed;
                read.push(Kept { of, computed });
            }
        }
        read
    }

    /// Whether a loop that runs more than once stands in front of a kept one.
    fn spreads(&self, kept: &Kept) -> bool {
        let loops = kept.of.iter().zip(&self.repeats);
        loops
            .skip_while(|(kept, repeats)| kept.is_some() || !**repeats)
            .any(|(kept, _)| kept.is_some())
    }

    /// Whether the kept loops run in another order than the dimensions that they are
    /// over.
    fn reorders(&self, kept: &Kept) -> bool {
        let order = kept.of.iter().zip(&self.repeats);
        let order = order.filter_map(|(kept, repeats)| kept.filter(|_| *repeats));
        !order.is_sorted()
    }

    /// Which dimensions of the result are over kept loops.
    fn of_result(&self, kept: &Kept, computes: bool) -> Kept {
        let dimension = |access: &Access| match access {
            Access::Loop(number) => kept.of.get(*number).copied().flatten(),
            Access::Fixed | Access::Computed => None,
        };
        Kept {
            of: self.result.iter().map(dimension).collect(),
            computed: kept.computed || computes,
        }
    }
}

/// Whether an operation does more than bring elements into another order.
fn computes(op: Op<'_>) -> bool {
    let body = op.blocks().first().copied();
    let yields = body.and_then(|body| body.terminator());
    yields.is_some_and(|yields| {
        let values = yields.operands();
        values.iter().any(|value| value.block_argument().is_none())
    })
}

/// What is known of the result of an expansion or a collapse.
fn reshaped(op: Op<'_>, known: &Known<'_>) -> Vec<Kept> {
    let source = op.operand(0).and_then(|value| known.get(&value));
    let groups = reassociation(op).unwrap_or_default();
    let of_group = |kept: &Kept, (place, group): (usize, &Vec<usize>)| -> Vec<Option<usize>> {
        let at = |number: usize| kept.of.get(number).copied().flatten();
        if op.is("tensor.collapse_shape") {
            vec![group.iter().find_map(|number| at(*number))]
        } else {
            vec![at(place); group.len()]
        }
    };
    source
        .into_iter()
        .flatten()
        .map(|kept| {
            let groups = groups.iter().enumerate();
            Kept {
                of: groups.flat_map(|group| of_group(kept, group)).collect(),
                computed: kept.computed,
            }
        })
        .collect()
}

/// Puts an operation into a dispatch of its own. Its shapes are static: others were
/// refused when its cost was estimated.
fn separate<'m>(module: &'m Module<'_>, op: Op<'m>) {
    let results = op.results();
    let types: Vec<_> = results.iter().map(|value| value.r#type()).collect();
    // It takes no sizes of results, and no workload.
    let segments = Attribute::i32_array(module.session(), &[0, 0]);
    let region = OpBuilder::new("flow.dispatch.region", op.location())
        .results(&types)
        .attribute("operandSegmentSizes", segments)
        .regions(2)
        .build();
    let Some(body) = region.regions().next() else {
        return;
    };
    op.insert_before(region);
    for (old, new) in results.iter().zip(region.results()) {
        old.replace_all_uses_with(new);
    }
    op.detach();
    let body = body.append_block(&[]);
    body.append(op);
    let end = OpBuilder::new("flow.return", op.location()).operands(&results);
    body.append(end.build());
}
