//! One width for the integers that a loop carries.
//!
//! IREE 3.13's VM register allocator (a linear scan) copies the operands of a
//! branch one after the other, and lets a 64-bit one overwrite a 32-bit one
//! that is still to be copied: a loop that carries an `i1` and an `i64` can
//! see its condition as false at once, although VM IR says otherwise. Drafting
//! loops then never draft, and verification hides it; others never end (7 of
//! 25 random loops over scalars did, and none of 60 with one width). So where a
//! loop carries an `i64` or `index`, narrower integers are carried as `i64` too.

use dialects::Module;
use dialects::hal::Inserter;
use dialects::ir::{Op, Type, Value};

use crate::structure::placed_blocks;

/// Widens what the loops of `function` carry, in place.
pub fn even_out<'m>(module: &'m Module<'m>, function: Op<'m>) {
    let wide = Type::integer(module.session(), 64);
    for block in placed_blocks(function) {
        for op in block.ops() {
            if op.is("scf.while") {
                even_out_while(module, op, wide);
            } else if op.is("scf.for") {
                even_out_for(module, op, wide);
            }
        }
    }
}

fn even_out_while<'m>(module: &'m Module<'m>, op: Op<'m>, wide: Type<'m>) {
    let blocks = op.blocks();
    let [before, after] = blocks.as_slice() else {
        return;
    };
    let (Some(condition), Some(hand_on)) = (before.terminator(), after.terminator()) else {
        return;
    };
    let carried: Vec<Type> = before
        .arguments()
        .into_iter()
        .chain(after.arguments())
        .map(Value::r#type)
        .collect();
    let is_wide = |each: &Type| each.is_index() || each.bit_width() == Some(64);
    if !carried
        .iter()
        .any(|each| each.is_integer() && is_wide(each) || each.is_index())
    {
        return;
    }
    // What enters, and what a round hands to the next.
    for (index, argument) in before.arguments().into_iter().enumerate() {
        if is_narrow(argument) {
            widen_operand(module, op, index, wide);
            widen_operand(module, hand_on, index, wide);
            narrow_uses(&Inserter::before(module, before.ops()[0]), argument, wide);
        }
    }
    // What the condition passes on, to the body and out of the loop.
    for (index, (argument, result)) in after.arguments().into_iter().zip(op.results()).enumerate() {
        if is_narrow(argument) {
            widen_operand(module, condition, index + 1, wide);
            narrow_uses(&Inserter::before(module, after.ops()[0]), argument, wide);
            narrow_result(module, op, result, wide);
        }
    }
}

/// A `scf.for` carries its counter, an `index`, beside what it says.
fn even_out_for<'m>(module: &'m Module<'m>, op: Op<'m>, wide: Type<'m>) {
    /// Lower bound, upper bound and step come before what is carried.
    const BOUNDS: usize = 3;
    let blocks = op.blocks();
    let [body] = blocks.as_slice() else {
        return;
    };
    let Some(hand_on) = body.terminator() else {
        return;
    };
    let carried = body.arguments().into_iter().skip(1);
    for (index, (argument, result)) in carried.zip(op.results()).enumerate() {
        if is_narrow(argument) {
            widen_operand(module, op, BOUNDS + index, wide);
            widen_operand(module, hand_on, index, wide);
            narrow_uses(&Inserter::before(module, body.ops()[0]), argument, wide);
            narrow_result(module, op, result, wide);
        }
    }
}

fn is_narrow(value: Value<'_>) -> bool {
    let r#type = value.r#type();
    r#type.is_integer() && r#type.bit_width() < Some(64)
}

fn widen_operand<'m>(module: &'m Module<'m>, op: Op<'m>, index: usize, wide: Type<'m>) {
    let Some(operand) = op.operand(index) else {
        return;
    };
    let inserter = Inserter::before(module, op);
    let widened = inserter.value(
        inserter
            .start("arith.extui")
            .operands(&[operand])
            .results(&[wide]),
    );
    op.set_operand(index, widened);
}

/// Makes `value` wide, and gives its users what it was.
fn narrow_uses<'m>(inserter: &Inserter<'m>, value: Value<'m>, wide: Type<'m>) {
    let narrow = value.r#type();
    let uses = value.uses();
    value.set_type(wide);
    let narrowed = inserter.value(
        inserter
            .start("arith.trunci")
            .operands(&[value])
            .results(&[narrow]),
    );
    for each in uses {
        each.op.set_operand(each.index, narrowed);
    }
}

/// As [`narrow_uses`], for a result of `op`.
fn narrow_result<'m>(module: &'m Module<'m>, op: Op<'m>, result: Value<'m>, wide: Type<'m>) {
    if let Some(next) = op.next_in_block() {
        narrow_uses(&Inserter::before(module, next), result, wide);
    }
}
