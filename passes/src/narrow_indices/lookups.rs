//! What is looked up in a table, and so is an index into it.

use dialects::ir::{Op, Value};
use dialects::linalg::{Access, accesses, loop_sizes};
use rustc_hash::FxHashMap;

use super::constants::integers;
use super::interval::Interval;

/// The arguments of `function` of which every element is looked up, whatever the
/// others are, with the numbers for which that is defined.
pub fn indices(function: Op<'_>) -> FxHashMap<Value<'_>, Interval> {
    let mut found: FxHashMap<Value, Interval> = FxHashMap::default();
    for block in function.blocks() {
        for op in block.ops().into_iter().filter(|op| op.is("linalg.generic")) {
            for (at, operand) in op.operands().into_iter().enumerate() {
                let Some(argument) = reshaped(operand) else {
                    continue;
                };
                if argument.block_argument().is_some_and(|(of, _)| of == block)
                    && reads_all(op, at)
                    && let Some(range) = looked_up(op, at)
                {
                    let known = found.entry(argument).or_insert(range);
                    *known = Interval::new(
                        known.least().max(range.least()),
                        known.most().min(range.most()),
                    );
                }
            }
        }
    }
    found
}

/// What `value` has the elements of, in another shape.
fn reshaped(mut value: Value<'_>) -> Option<Value<'_>> {
    while let Some(op) = value.defining_op() {
        if !op.is("tensor.expand_shape") && !op.is("tensor.collapse_shape") {
            return None;
        }
        value = op.operand(0)?;
    }
    Some(value)
}

/// Whether the loops of `op` come to each element of its operand at `at`.
fn reads_all(op: Op<'_>, at: usize) -> bool {
    let runs = loop_sizes(op).is_some_and(|sizes| sizes.iter().all(|size| *size > 0));
    let Some(access) = accesses(op).and_then(|each| each.into_iter().nth(at)) else {
        return false;
    };
    let mut loops = Vec::new();
    let distinct = access.iter().all(|dimension| match dimension {
        Access::Loop(at) if !loops.contains(at) => {
            loops.push(*at);
            true
        }
        _ => false,
    });
    runs && distinct
}

/// For which numbers the body of `op` is defined, as far as it looks up what it
/// reads at `at` without a condition.
fn looked_up(op: Op<'_>, at: usize) -> Option<Interval> {
    let blocks = op.blocks();
    let [body] = blocks.as_slice() else {
        return None;
    };
    let element = body.arguments().get(at).copied()?;
    let lookups = body.ops().into_iter().filter(|op| op.is("tensor.extract"));
    lookups
        .filter_map(|lookup| {
            let table = lookup.operand(0)?.r#type().shape()?;
            let indices = lookup.operands().into_iter().skip(1);
            indices.zip(table).find_map(|(index, size)| {
                let from = first_row(index, element)?;
                Some(Interval::new(from, i128::from(size?) - 1))
            })
        })
        .next()
}

/// The least number that `index` is made of, where it is `element` as an index, or
/// that counted from the end where it is negative.
fn first_row<'m>(index: Value<'m>, element: Value<'m>) -> Option<i128> {
    let cast = index.defining_op().filter(|op| op.is("arith.index_cast"))?;
    let number = cast.operand(0)?;
    if number == element {
        return Some(0);
    }
    let select = number.defining_op().filter(|op| op.is("arith.select"))?;
    let (condition, sum, other) = (select.operand(0)?, select.operand(1)?, select.operand(2)?);
    let is = |value: Value<'m>, name: &str| value.defining_op().filter(|op| op.is(name));
    let negative = is(condition, "arith.cmpi")?;
    let sum = is(sum, "arith.addi")?;
    let constant = |value: Option<Value<'m>>| match integers(value?.defining_op()?)?[..] {
        [number] => Some(number),
        _ => None,
    };
    // `slt` is the third predicate of arith.
    let is_less = negative.attribute("predicate")?.as_integer() == Some(2);
    let rows = constant(sum.operand(1)).filter(|rows| *rows >= 0)?;
    (other == element
        && is_less
        && negative.operand(0) == Some(element)
        && constant(negative.operand(1)) == Some(0)
        && sum.operand(0) == Some(element))
    .then(|| -i128::from(rows))
}
