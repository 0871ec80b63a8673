//! `copy-overwritten`: gives what an operation overwrites a copy of its own,
//! where IREE would overwrite what others read.
//!
//! A sort works in place, and so do a scatter and `tensor.insert_slice`. IREE
//! 3.13 copies what they overwrite if somebody else reads it, but not where it
//! is computed of constants alone, such as the indices 0, 1, 2 … that come with
//! the keys of a sort: two sorts of one iota, or a sort and a return, get each
//! other's values, without a word. Constants that are the same become one in
//! IREE, so that an iota of its own for each sort is shared again; and one
//! behind a barrier is still overwritten while it is read.
//!
//! The copy chooses, element by element, between the value and zero by a bit
//! that is always set and that nobody can see through. No canonicalisation
//! folds that, and no two such copies are the same.

use dialects::build::OpBuilder;
use dialects::hal::Inserter;
use dialects::ir::{Attribute, Op, Type, Value};
use dialects::{Diagnostic, Module, linalg};

use crate::structure::{Free, functions, placed_ops};

/// Runs the pass.
///
/// # Errors
///
/// What is overwritten is of a type that has no zero to choose instead.
pub fn run(module: &mut Module<'_>) -> Result<(), Vec<Diagnostic>> {
    copy_all(module).map(drop)
}

/// As [`run`]; says how many copies were made.
pub(crate) fn copy_all(module: &Module<'_>) -> Result<usize, Vec<Diagnostic>> {
    let mut free = Free::new(module);
    // Found first: the copies are not free, and change what others read.
    let mut found = Vec::new();
    for op in functions(module).into_iter().flat_map(placed_ops) {
        for (index, value) in overwritten(op) {
            if is_shared(value) || free.is_free_value(value) && !is_fill(value) {
                found.push((op, index, value));
            }
        }
    }
    let count = found.len();
    let errors: Vec<Diagnostic> = found
        .into_iter()
        .filter_map(|(op, index, value)| match copy(module, op, value) {
            Some(own) => {
                op.set_operand(index, own);
                None
            }
            None => Some(
                Diagnostic::error(format!(
                    "{} overwrites {}, of which IREE would overwrite what others read",
                    op.name(),
                    value.r#type()
                ))
                .at(op.location().place())
                .offending(op.summary())
                .help("sort integers or floats"),
            ),
        })
        .collect();
    if errors.is_empty() {
        Ok(count)
    } else {
        Err(errors)
    }
}

/// The operands that `op` overwrites, with their numbers.
fn overwritten(op: Op<'_>) -> Vec<(usize, Value<'_>)> {
    let operands = op.operands();
    let range = if op.is_of(&["iree_linalg_ext"]) {
        // One for each result, after all that is only read.
        operands.len().saturating_sub(op.results().len())..operands.len()
    } else if op.is("tensor.insert_slice") {
        // What is inserted, what it is inserted into, and where.
        1..2
    } else {
        0..0
    };
    range
        .filter_map(|index| Some((index, operands.get(index).copied()?)))
        .filter(|(_, value)| value.r#type().is_tensor())
        .collect()
}

/// Whether a sort is not the only reader. What is inserted into is left to
/// IREE: it may be a cache, and is copied rightly where it is computed.
fn is_shared(value: Value<'_>) -> bool {
    let uses = value.uses();
    let is_sorted = |op: Op<'_>| op.is("iree_linalg_ext.sort") || op.is("iree_linalg_ext.scatter");
    uses.len() > 1 && !is_fill(value) && uses.iter().any(|each| is_sorted(each.op))
}

/// Whether the value is nothing yet, or the same throughout: every reader of it
/// gets a fill of its own from IREE.
fn is_fill(value: Value<'_>) -> bool {
    let mut value = value;
    // A table that is put together column by column begins as nothing, and each step of
    // it is made anew.
    while let Some(op) = value
        .defining_op()
        .filter(|op| op.is("tensor.insert_slice"))
        && let Some(before) = op.operand(1)
    {
        value = before;
    }
    value.defining_op().is_some_and(|op| {
        op.is("tensor.empty")
            || op.is("linalg.fill")
            || op.is("tensor.splat")
            || op.is("arith.constant") && op.attribute("value").is_some_and(Attribute::is_splat)
    })
}

/// A copy of `value` in front of `op` that is like no other; `None` if its
/// elements are neither integers nor floats.
fn copy<'m>(module: &'m Module<'_>, op: Op<'m>, value: Value<'m>) -> Option<Value<'m>> {
    let r#type = value.r#type();
    let element = r#type.element();
    let shape = r#type.shape()?;
    let zero = Attribute::number(element, 0)?;
    let session = module.session();
    let index = Type::index(session);

    let inserter = Inserter::before(module, op);
    let constant = |value: Attribute<'m>, r#type: Type<'m>| {
        let builder = inserter.start("arith.constant");
        inserter.value(builder.attribute("value", value).results(&[r#type]))
    };
    let bit = constant(Attribute::boolean(session, true), Type::integer(session, 1));
    let bit = inserter.keep_apart(&[bit]).first().copied()?;
    let zero = constant(zero, element);
    let sizes: Vec<Value> = (0..)
        .zip(&shape)
        .filter(|(_, size)| size.is_none())
        .map(|(dimension, _)| {
            let dim = inserter.start("tensor.dim");
            let dim = dim.operands(&[value, inserter.index(dimension)]);
            inserter.value(dim.results(&[index]))
        })
        .collect();
    let empty = inserter.start("tensor.empty").operands(&sizes);
    let empty = inserter.value(empty.results(&[r#type]));

    let location = op.location();
    let (copy, body) = linalg::into(&inserter, &[value], empty)?;
    let chosen = OpBuilder::new("arith.select", location)
        .operands(&[bit, body.arguments().first().copied()?, zero])
        .results(&[element])
        .build();
    body.append(chosen);
    body.append(
        OpBuilder::new("linalg.yield", location)
            .operands(&chosen.results())
            .build(),
    );
    copy.result(0)
}
