//! Integer constants seen through the small tensors that Torch computes
//! conditions in: `0 < γ` is a `linalg.generic` on two tensors of rank 0.

use dialects::ir::{Op, Type, Value};
use dialects::linalg::loop_sizes;
use dialects::ops::Predicate;
use rustc_hash::FxHashMap;

use crate::estimate_costs::count::product;

/// How many operations deep a condition is followed: those of loops are short,
/// and what is deeper is a model.
const MOST_DEEP: usize = 256;

/// What is known of integers, and of tensors that are one integer throughout.
/// Each is kept as the bits of its type, zero above them, so that `true` is 1.
#[derive(Default)]
pub struct Constants<'m> {
    known: FxHashMap<Value<'m>, Option<u64>>,
}

impl<'m> Constants<'m> {
    /// Takes `value` for the constant `bits`.
    pub fn assume(&mut self, value: Value<'m>, bits: u64) {
        self.known.insert(value, Some(bits));
    }

    /// The bits of `value`, or of every element of it, if constants alone tell
    /// them.
    pub fn bits(&mut self, value: Value<'m>) -> Option<u64> {
        self.follow(value, 0)
    }

    fn follow(&mut self, value: Value<'m>, depth: usize) -> Option<u64> {
        if let Some(known) = self.known.get(&value) {
            return *known;
        }
        if depth > MOST_DEEP {
            return None;
        }
        let bits = match value.defining_op() {
            Some(op) => self.result(op, value, depth + 1),
            None => self.argument(value, depth + 1),
        };
        self.known.insert(value, bits);
        bits
    }

    /// An argument of an elementwise body is what the operand is throughout.
    fn argument(&mut self, value: Value<'m>, depth: usize) -> Option<u64> {
        let (block, index) = value.block_argument()?;
        let op = block.parent_op()?;
        // What is computed into an output may add up.
        let inputs = op.operands().len().saturating_sub(op.results().len());
        if !is_elementwise(op) || index >= inputs {
            return None;
        }
        self.follow(op.operand(index)?, depth)
    }

    fn result(&mut self, op: Op<'m>, value: Value<'m>, depth: usize) -> Option<u64> {
        let width = width(value.r#type())?;
        let mut of = |index: usize| self.follow(op.operand(index)?, depth);
        // As a number with a sign, of the operand's type.
        let signed = |index: usize, bits: u64| {
            let from = op
                .operand(index)
                .and_then(|each| self::width(each.r#type()))?;
            Some(sign_extended(bits, from))
        };
        let bits = match op.name() {
            "arith.constant" => {
                let constant = op.attribute("value")?;
                let number = constant.splat_integer().or_else(|| constant.as_integer())?;
                number.cast_unsigned()
            }
            "tensor.extract"
            | "tensor.expand_shape"
            | "tensor.collapse_shape"
            | "arith.extui"
            | "arith.index_castui"
            | "arith.trunci" => of(0)?,
            "arith.extsi" | "arith.index_cast" => signed(0, of(0)?)?.cast_unsigned(),
            "arith.addi" => of(0)?.wrapping_add(of(1)?),
            "arith.subi" => of(0)?.wrapping_sub(of(1)?),
            "arith.muli" => of(0)?.wrapping_mul(of(1)?),
            "arith.minsi" => signed(0, of(0)?)?.min(signed(1, of(1)?)?).cast_unsigned(),
            "arith.maxsi" => signed(0, of(0)?)?.max(signed(1, of(1)?)?).cast_unsigned(),
            // Nothing and anything is nothing.
            "arith.andi" => match (of(0), of(1)) {
                (Some(0), _) | (_, Some(0)) => 0,
                (left, right) => left? & right?,
            },
            "arith.ori" => of(0)? | of(1)?,
            "arith.cmpi" => {
                let (left, right) = (of(0)?, of(1)?);
                let numbers = (signed(0, left)?, signed(1, right)?);
                u64::from(compare(Predicate::of(op)?, (left, right), numbers))
            }
            "linalg.generic" if is_elementwise(op) => {
                let body = *op.blocks().first()?;
                let yielded = body.terminator()?.operand(value.result_index()?)?;
                self.follow(yielded, depth)?
            }
            _ => return None,
        };
        Some(bits & (u64::MAX >> (64 - width)))
    }
}

/// The bits of an integer, an index or the elements of a tensor of them: from 1
/// to 64, or `None`.
fn width(r#type: Type<'_>) -> Option<u32> {
    let element = r#type.element();
    let whole = element.is_integer() || element.is_index();
    let width = whole.then(|| element.bit_width())??;
    (1..=64).contains(&width).then_some(width)
}

fn sign_extended(bits: u64, width: u32) -> i64 {
    let above = 64 - width;
    (bits << above).cast_signed() >> above
}

/// Whether each element of the results is computed once, by one run of the
/// body.
fn is_elementwise(op: Op<'_>) -> bool {
    let once = |points: u64| {
        let mut results = op.results().into_iter();
        points > 0 && results.all(|result| result.r#type().element_count() == Some(points))
    };
    op.is("linalg.generic") && loop_sizes(op).is_some_and(|sizes| once(product(&sizes)))
}

fn compare(predicate: Predicate, bits: (u64, u64), numbers: (i64, i64)) -> bool {
    match predicate {
        Predicate::Equal => bits.0 == bits.1,
        Predicate::NotEqual => bits.0 != bits.1,
        Predicate::Less => numbers.0 < numbers.1,
        Predicate::AtMost => numbers.0 <= numbers.1,
        Predicate::Greater => numbers.0 > numbers.1,
        Predicate::AtLeast => numbers.0 >= numbers.1,
        Predicate::UnsignedLess => bits.0 < bits.1,
        Predicate::UnsignedAtMost => bits.0 <= bits.1,
        Predicate::UnsignedGreater => bits.0 > bits.1,
        Predicate::UnsignedAtLeast => bits.0 >= bits.1,
    }
}
