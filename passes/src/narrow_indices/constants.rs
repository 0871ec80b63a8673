//! Constants of integers.

use dialects::ir::{Attribute, Op};

/// The values of a constant of i32, i64 or index, or the one that all its elements
/// are; `None` for any other operation.
pub fn integers(op: Op<'_>) -> Option<Vec<i64>> {
    if !op.is("arith.constant") {
        return None;
    }
    let value = op.attribute("value")?;
    if value.is_resource() {
        return of_resource(op, value);
    }
    match value.dense_integers() {
        Some(values) => Some(values),
        None => value.as_integer().map(|value| vec![value]),
    }
}

/// The values of a constant of i64 in the module's list of resources.
fn of_resource(op: Op<'_>, value: Attribute<'_>) -> Option<Vec<i64>> {
    let element = value.r#type()?.element();
    if !element.is_integer() || element.bit_width() != Some(64) {
        return None;
    }
    let bytes = value.bytes(op.location())?;
    let (words, rest) = bytes.as_chunks();
    let values = words.iter().copied().map(i64::from_le_bytes).collect();
    rest.is_empty().then_some(values)
}
