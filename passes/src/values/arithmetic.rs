//! What the rounding of a subgraph depends on, counted in its operations.

use cost::rounding::{Arithmetic, Storage};
use dialects::ir::{Op, Type, Walk};
use dialects::linalg::loop_sizes;

use crate::estimate_costs::count::product;

/// Counts the sums of a function, their lengths, and finds its coarsest type.
pub fn of(function: Op<'_>) -> Arithmetic {
    let mut arithmetic = Arithmetic::default();
    function.walk(&mut |op| {
        for r#type in op.results().into_iter().map(|value| value.r#type()) {
            if let Some(storage) = storage(r#type) {
                arithmetic.coarsest = arithmetic.coarsest.max(storage);
            }
        }
        if let Some(length) = sum_length(op) {
            arithmetic.sums += 1;
            arithmetic.longest_sum = arithmetic.longest_sum.max(length);
        }
        Walk::Into
    });
    arithmetic
}

/// How many terms each result of a contraction or reduction sums.
fn sum_length(op: Op<'_>) -> Option<u64> {
    let results = op.results();
    let result = results.first()?.r#type();
    if !result.element().is_float() && !result.element().is_integer() {
        return None;
    }
    if op.is_of(&["iree_linalg_ext"]) && op.name().ends_with("attention") {
        // Two contractions and a softmax; the longer of them is over positions
        // or over the width of a head.
        let shapes = op
            .operands()
            .into_iter()
            .filter_map(|each| each.r#type().shape());
        return shapes
            .flatten()
            .flatten()
            .filter_map(|size| u64::try_from(size).ok())
            .max();
    }
    let points = product(&loop_sizes(op)?);
    let elements = result.element_count()?.max(1);
    (points > elements).then(|| points / elements)
}

fn storage(r#type: Type<'_>) -> Option<Storage> {
    let element = r#type.element();
    if !r#type.is_tensor() {
        return None;
    }
    if element.is_float() {
        return Some(match element.common_float() {
            Some("bf16") => Storage::Bf16,
            Some("f16") => Storage::F16,
            Some("f32" | "f64") => Storage::F32,
            _ => Storage::Eight,
        });
    }
    // Truth values, tokens and positions are exact.
    (element.is_integer() && matches!(element.bit_width(), Some(2..=8))).then_some(Storage::Eight)
}
