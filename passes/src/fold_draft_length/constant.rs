//! Integer constants seen through the small tensors that Torch computes
//! conditions in: `0 < γ` is a `linalg.generic` on two tensors of rank 0.

use std::collections::HashMap;

use dialects::ir::{Op, Value};

/// The integer that `value` is, or that every element of it is, if that can be
/// told from constants alone.
pub fn evaluate(value: Value<'_>) -> Option<i64> {
    evaluate_in(value, &HashMap::new())
}

/// The same, where some values are known to be constant.
pub fn evaluate_in<'m>(value: Value<'m>, known: &HashMap<Value<'m>, i64>) -> Option<i64> {
    if let Some(known) = known.get(&value) {
        return Some(*known);
    }
    let op = value.defining_op()?;
    let of = |index: usize| evaluate_in(op.operand(index)?, known);
    Some(match op.name() {
        "arith.constant" => {
            let constant = op.attribute("value")?;
            constant.splat_integer().or_else(|| constant.as_integer())?
        }
        "tensor.extract"
        | "tensor.expand_shape"
        | "tensor.collapse_shape"
        | "arith.extui"
        | "arith.extsi"
        | "arith.trunci"
        | "arith.index_cast" => of(0)?,
        "arith.addi" => of(0)?.checked_add(of(1)?)?,
        "arith.subi" => of(0)?.checked_sub(of(1)?)?,
        "arith.muli" => of(0)?.checked_mul(of(1)?)?,
        "arith.minsi" => of(0)?.min(of(1)?),
        "arith.maxsi" => of(0)?.max(of(1)?),
        // Nothing and anything is nothing.
        "arith.andi" => match (of(0), of(1)) {
            (Some(0), _) | (_, Some(0)) => 0,
            (left, right) => left? & right?,
        },
        "arith.ori" => of(0)? | of(1)?,
        "arith.cmpi" => i64::from(compare(
            op.attribute("predicate")?.as_integer()?,
            of(0)?,
            of(1)?,
        )?),
        "linalg.generic" => generic(op, value.result_index()?, known)?,
        _ => return None,
    })
}

/// The predicates of `arith.cmpi` that compare signed numbers, in its order.
fn compare(predicate: i64, left: i64, right: i64) -> Option<bool> {
    Some(match predicate {
        0 => left == right,
        1 => left != right,
        2 => left < right,
        3 => left <= right,
        4 => left > right,
        5 => left >= right,
        _ => return None,
    })
}

/// An elementwise body on operands that are the same throughout.
fn generic<'m>(op: Op<'m>, result: usize, known: &HashMap<Value<'m>, i64>) -> Option<i64> {
    let body = *op.blocks().first()?;
    let mut inside = known.clone();
    for (argument, operand) in body.arguments().into_iter().zip(op.operands()) {
        // An output that only gives the shape has no value, and no use either.
        if let Some(value) = evaluate_in(operand, known) {
            inside.insert(argument, value);
        }
    }
    evaluate_in(body.terminator()?.operand(result)?, &inside)
}
