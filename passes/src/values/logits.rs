//! What integer results are chosen from.
//!
//! A subgraph that ends in an argmax hands out tokens alone, and two rows of
//! logits that differ a great deal may choose the same. So the floats behind an
//! integer result are compared as well.

use std::collections::HashSet;

use dialects::Module;
use dialects::ir::{Op, Type, Value};

use crate::structure::{Free, inputs};

/// So many operations are looked at behind one result: a choice is near its end.
const DEPTH: usize = 64;

/// The float tensors that the integer `value` was chosen from: those that the
/// first operations on the way back read which read any at all.
pub fn behind<'m>(module: &'m Module<'_>, value: Value<'m>) -> Vec<Value<'m>> {
    let mut free = Free::new(module);
    let mut found = Vec::new();
    let mut seen: HashSet<Op<'m>> = HashSet::new();
    let mut pending: Vec<Op<'m>> = value.defining_op().into_iter().collect();
    while let Some(op) = pending.pop() {
        if !seen.insert(op) || seen.len() > DEPTH {
            continue;
        }
        let read = inputs(op);
        let floats: Vec<Value> = read
            .iter()
            .copied()
            .filter(|value| is_float_tensor(value.r#type()) && !free.is_free_value(*value))
            .collect();
        if floats.is_empty() {
            pending.extend(read.into_iter().filter_map(Value::defining_op));
        }
        for value in floats {
            if !found.contains(&value) {
                found.push(value);
            }
        }
    }
    found
}

/// Whether it is a tensor of floats of static shape.
pub fn is_float_tensor(r#type: Type<'_>) -> bool {
    r#type.is_tensor() && r#type.element().is_float() && r#type.element_count().is_some()
}
