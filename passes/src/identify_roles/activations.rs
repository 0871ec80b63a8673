//! Which tensors are activations of a model, and which are tokens.

use dialects::ir::{Op, Type, Value};
use rustc_hash::FxHashSet;

/// Tells activations from tokens. Floats are activations, and so are integers
/// of few bits, as a quantised model has them. What is added up of these in more
/// bits, until it is scaled back, is known by what it was computed from. Any
/// other integers are tokens, positions, or the truth of something.
#[derive(Default)]
pub struct Activations<'m> {
    sums: FxHashSet<Value<'m>>,
}

impl<'m> Activations<'m> {
    /// Looks at an operation, after those that compute what it reads.
    pub fn note(&mut self, op: Op<'m>) {
        let wide = |value: &Value| is_integer(value.r#type(), 9..=32);
        let results = op.results();
        if !results.iter().any(wide) {
            return;
        }
        let quantised =
            |value: Value<'m>| is_integer(value.r#type(), QUANTISED) || self.sums.contains(&value);
        if op.operands().into_iter().any(quantised) {
            self.sums.extend(results.into_iter().filter(wide));
        }
    }

    /// Whether `value` is an activation.
    pub fn contains(&self, value: Value<'m>) -> bool {
        let r#type = value.r#type();
        r#type.element().is_float() || is_integer(r#type, QUANTISED) || self.sums.contains(&value)
    }
}

/// The bits of quantised values. One bit is the truth of something.
const QUANTISED: std::ops::RangeInclusive<u32> = 2..=8;

fn is_integer(r#type: Type<'_>, bits: std::ops::RangeInclusive<u32>) -> bool {
    let element = r#type.element();
    r#type.is_tensor()
        && element.is_integer()
        && element
            .bit_width()
            .is_some_and(|width| bits.contains(&width))
}
