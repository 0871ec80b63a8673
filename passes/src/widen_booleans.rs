//! `widen-booleans`: keeps tensors of booleans as words of i32 where a subgraph is
//! on a unit whose words have 32 bits.
//!
//! IREE stores an i1 as a byte. Its SPIR-V for units that read and write words of
//! 32 bits picks these bytes out of words, and does so wrongly: Mesa's lavapipe gets
//! other booleans where there are no multiple of four of them, and in some shapes
//! (64 × 64) everywhere; some reductions to booleans do not compile (`failed to
//! legalize operation 'memref.store'`). That happens wherever booleans are kept in
//! memory, from one dispatch to the next. [`crate::lower_torch`] writes those that are
//! constants as words; here are those that are computed.
//!
//! A boolean stays an i1 where a body computes with it. What yields one to a tensor
//! yields 0 or 1 as i32, and what reads it compares that with zero. What only
//! moves elements moves words. Around any other operation stand `arith.trunci` and
//! `arith.extui` of tensors, which IREE makes part of it.
//!
//! Weights that are booleans are read as words, too (`weights.rs`).
//!
//! What crosses to or from such a unit crosses as words, too (`borders.rs`). What comes
//! from outside the module, or leaves it, stays as bytes, since others make or read it;
//! where control is on such a unit, that is a warning: some shapes were right in every
//! run (32 × 4, 63 × 64) and some were not (7, 64 × 64), so that `specplace verify` has
//! to tell.

mod borders;
pub(crate) mod weights;

use cost::Partition;
use dialects::build::OpBuilder;
use dialects::ir::{Attribute, Op, Type, Value};
use dialects::ops::Predicate;
use dialects::{Diagnostic, Module};
use rustc_hash::FxHashSet;

use crate::context::Remarks;
use crate::placement::Placement;
use weights::WeightReader;

/// Runs the pass.
pub fn run(
    module: &mut Module<'_>,
    placement: &Placement,
    remarks: &mut Remarks,
) -> Result<(), Vec<Diagnostic>> {
    let module: &Module<'_> = module;
    let narrow = placement.on_narrow_words(module);
    if narrow.is_empty() {
        return Ok(());
    }
    let done = Widener::new(module).and_then(|widener| {
        let mut weights = WeightReader::new(module);
        for (function, _) in &narrow {
            weights.read(*function)?;
            widener.widen(*function)?;
        }
        let names = narrow
            .iter()
            .filter_map(|(function, _)| function.symbol_name());
        borders::widen(module, &widener, &names.collect())
    });
    let Some(crossing) = done else {
        return Err(vec![Diagnostic::error(
            "booleans could not be kept as words: a bug in specplace",
        )]);
    };
    let mut found: Vec<Diagnostic> = crossing
        .into_iter()
        .map(|what| {
            Diagnostic::remark(format!(
                "{what} crosses as words of i32, four times the bytes that the plan has for it, since a unit \
                 that it crosses to or from reads booleans wrongly"
            ))
        })
        .collect();
    // Those that convert what comes from outside are new.
    let narrow = placement.on_narrow_words(module).into_iter();
    let left =
        narrow.flat_map(|(function, role)| at_border(function, role, placement.symbol_of(role)));
    // One tells what to do.
    found.extend(left.take(1));
    remarks.extend(found);
    Ok(())
}

/// What of a function's interface would be read or written wrongly.
fn at_border(function: Op<'_>, role: Partition, device: &str) -> Vec<Diagnostic> {
    let name = function.symbol_name().unwrap_or_default();
    let body = function.blocks().first().copied();
    let given = body.map(|body| body.arguments()).unwrap_or_default();
    let returns = body.and_then(|body| body.terminator());
    let given = given.into_iter().map(|value| (value, "takes", function));
    let made = returns.into_iter().flat_map(|op| {
        let values = op.operands().into_iter();
        values.map(move |value| (value, "gives", op))
    });
    given
        .chain(made)
        .filter(|(value, ..)| is_boolean(value.r#type()) && value.r#type().element_count() != Some(1))
        .map(|(value, does, op)| {
            let place = value.defining_op().unwrap_or(op).location().place();
            Diagnostic::warning(format!(
                "@{name} {does} {}, and IREE's code for @{device} reads and writes booleans wrongly in \
                 some shapes",
                value.r#type()
            ))
            .at(place)
            .help(format!(
                "let `specplace verify OUT` prove its values; or pass it as i32 (0 and 1) and compare \
                 it with zero where it is read, or pin {role} to a CPU"
            ))
        })
        .collect()
}

/// What becomes of an operation that reads or makes tensors of booleans.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It has the same meaning on words: it moves elements, or asks for a size.
    Moves,
    /// It gives elements to a body, which yields others.
    Computes,
    /// It orders elements as its body says, which yields no element.
    Sorts,
    /// Its elements are written in it.
    Constant,
    /// It keeps booleans, with conversions around it.
    Keeps,
}

fn kind(op: Op<'_>) -> Kind {
    match op.name() {
        "tensor.empty"
        | "tensor.dim"
        | "tensor.expand_shape"
        | "tensor.collapse_shape"
        | "tensor.extract_slice"
        | "tensor.insert_slice"
        | "tensor.cast"
        | "tensor.concat"
        | "tensor.gather"
        | "tensor.reshape"
        | "tensor.extract"
        | "tensor.insert"
        | "tensor.from_elements"
        | "tensor.splat"
        | "tensor.pad"
        | "tensor.generate"
        | "iree_linalg_ext.gather"
        | "linalg.fill"
        | "linalg.transpose"
        | "linalg.broadcast"
        | "linalg.copy" => Kind::Moves,
        "linalg.generic"
        | "linalg.map"
        | "linalg.reduce"
        | "iree_linalg_ext.scan"
        | "iree_linalg_ext.scatter" => Kind::Computes,
        "iree_linalg_ext.sort" => Kind::Sorts,
        "arith.constant" if words(op).is_some() => Kind::Constant,
        _ => Kind::Keeps,
    }
}

struct Widener<'m> {
    word: Type<'m>,
    bit: Type<'m>,
    zero: Attribute<'m>,
    not_equal: Attribute<'m>,
}

impl<'m> Widener<'m> {
    fn new(module: &'m Module<'_>) -> Option<Self> {
        let session = module.session();
        let word = Type::integer(session, 32);
        Some(Self {
            word,
            bit: Type::integer(session, 1),
            zero: Attribute::number(word, 0)?,
            not_equal: Predicate::NotEqual.attribute(session),
        })
    }

    /// Widens every tensor of booleans in `function` that does not cross its border.
    fn widen(&self, function: Op<'m>) -> Option<()> {
        let ops = function.nested();
        // All tensors of words, by what they were.
        let mut widened: FxHashSet<Value<'m>> = FxHashSet::default();
        let body = function.blocks().first().copied()?;
        for argument in body.arguments() {
            if is_boolean(argument.r#type()) && !argument.is_unused() {
                widened.insert(self.replace(argument, function, |words| body.prepend(words))?);
            }
        }
        for op in ops {
            let reads: Vec<usize> = (0..)
                .zip(op.operands())
                .filter(|(_, value)| widened.contains(value))
                .map(|(index, _)| index)
                .collect();
            let makes: Vec<Value> = op
                .results()
                .into_iter()
                .filter(|v| is_boolean(v.r#type()))
                .collect();
            if reads.is_empty() && makes.is_empty() {
                // What has booleans as scalars only, such as one taken out of a tensor.
                continue;
            }
            let kind = kind(op);
            if kind == Kind::Keeps {
                for index in reads {
                    let value = op.operand(index)?;
                    let bits = self.conversion("arith.trunci", value, self.bit, op)?;
                    op.insert_before(bits);
                    op.set_operand(index, bits.result(0)?);
                }
                for value in makes {
                    widened.insert(self.replace(value, op, |words| op.insert_after(words))?);
                }
                continue;
            }
            for value in makes {
                value.set_type(value.r#type().with_element(self.word)?);
                widened.insert(value);
            }
            match kind {
                Kind::Moves => self.move_words(op),
                Kind::Computes => self.compute(op, true),
                Kind::Sorts => self.compute(op, false),
                Kind::Constant => {
                    op.set_attribute(
                        "value",
                        Attribute::of_i32(op.result(0)?.r#type(), &words(op)?)?,
                    );
                    Some(())
                }
                Kind::Keeps => None,
            }?;
        }
        Some(())
    }

    /// `value`, a scalar or a tensor, with elements of another type.
    fn conversion(
        &self,
        name: &str,
        value: Value<'m>,
        element: Type<'m>,
        near: Op<'m>,
    ) -> Option<Op<'m>> {
        let r#type = value.r#type();
        let r#type = match r#type.is_tensor() {
            true => r#type.with_element(element)?,
            false => element,
        };
        let builder = OpBuilder::new(name, near.location()).operands(&[value]);
        Some(builder.results(&[r#type]).build())
    }

    /// Lets all that reads a tensor of booleans read words, which `insert` puts where
    /// they are made of it; gives the words.
    fn replace(
        &self,
        value: Value<'m>,
        near: Op<'m>,
        insert: impl FnOnce(Op<'m>),
    ) -> Option<Value<'m>> {
        let uses = value.uses();
        let words = self.conversion("arith.extui", value, self.word, near)?;
        insert(words);
        let words = words.result(0)?;
        for each in uses {
            each.op.set_operand(each.index, words);
        }
        Some(words)
    }

    /// Gives `op` a scalar boolean that it reads as a word.
    fn widen_operand(&self, op: Op<'m>, index: usize) -> Option<()> {
        let value = op.operand(index)?;
        let word = self.conversion("arith.extui", value, self.word, op)?;
        op.insert_before(word);
        op.set_operand(index, word.result(0)?);
        Some(())
    }

    /// Lets all uses of a word read whether it is not zero, as the two operations
    /// given back compute.
    fn compare(&self, word: Value<'m>, near: Op<'m>) -> Option<[Op<'m>; 2]> {
        let start = |name: &str| OpBuilder::new(name, near.location());
        let zero = start("arith.constant").attribute("value", self.zero);
        let zero = zero.results(&[self.word]).build();
        let uses = word.uses();
        let bit = start("arith.cmpi")
            .attribute("predicate", self.not_equal)
            .operands(&[word, zero.result(0)?])
            .results(&[self.bit])
            .build();
        for each in uses {
            each.op.set_operand(each.index, bit.result(0)?);
        }
        Some([zero, bit])
    }

    /// An operation that moves elements, of which some may come as scalars.
    fn move_words(&self, op: Op<'m>) -> Option<()> {
        let is_bit = |value: Value<'m>| value.r#type() == self.bit;
        for (index, operand) in (0..).zip(op.operands()) {
            if is_bit(operand) {
                self.widen_operand(op, index)?;
            }
        }
        if let Some(taken) = op.result(0).filter(|value| is_bit(*value)) {
            taken.set_type(self.word);
            let [zero, bit] = self.compare(taken, op)?;
            op.insert_after(bit);
            op.insert_after(zero);
        }
        let hidden = op.is_of(&["linalg", "iree_linalg_ext"]);
        for block in op.blocks() {
            if hidden {
                // The body is not printed, but follows from the types.
                for argument in block.arguments().into_iter().filter(|value| is_bit(*value)) {
                    argument.set_type(self.word);
                }
            } else if let Some(yields) = block.terminator()
                && yields.operand(0).is_some_and(is_bit)
            {
                self.widen_operand(yields, 0)?;
            }
        }
        Some(())
    }

    /// An operation whose body computes with elements.
    fn compute(&self, op: Op<'m>, yields_elements: bool) -> Option<()> {
        for (index, operand) in (0..).zip(op.operands()) {
            if operand.r#type() == self.bit {
                self.widen_operand(op, index)?;
            }
        }
        for block in op.blocks() {
            let bits = block.arguments().into_iter();
            let bits: Vec<Value> = bits.filter(|value| value.r#type() == self.bit).collect();
            if yields_elements {
                let yields = block.terminator()?;
                for (index, value) in (0..).zip(yields.operands()) {
                    if value.r#type() == self.bit && !self.accumulate(yields, index, &bits)? {
                        self.widen_operand(yields, index)?;
                    }
                }
            }
            for argument in bits {
                let is_word = argument.r#type() == self.word;
                argument.set_type(self.word);
                if !is_word && !argument.is_unused() {
                    let [zero, bit] = self.compare(argument, op)?;
                    block.prepend(bit);
                    block.prepend(zero);
                }
            }
        }
        Some(())
    }

    /// Where a body yields what a bitwise operation makes of an element and a
    /// boolean, as reductions do, lets it do so with words: IREE knows a reduction by
    /// that. Says whether it was so.
    fn accumulate(&self, yields: Op<'m>, index: usize, elements: &[Value<'m>]) -> Option<bool> {
        let value = yields.operand(index)?;
        let Some(op) = value.defining_op().filter(|op| {
            ["arith.ori", "arith.andi", "arith.xori"]
                .iter()
                .any(|name| op.is(name))
                && op.block() == yields.block()
                && value.uses().len() == 1
        }) else {
            return Some(false);
        };
        let operands = op.operands();
        let is_own = |value: &Value<'m>| elements.contains(value) && value.uses().len() == 1;
        let Some(own) = operands.iter().position(is_own) else {
            return Some(false);
        };
        self.widen_operand(op, 1 - own)?;
        value.set_type(self.word);
        operands.get(own)?.set_type(self.word);
        Some(true)
    }
}

/// The elements of a constant of booleans as words, or the one that all are.
fn words(op: Op<'_>) -> Option<Vec<i32>> {
    let value = op.attribute("value").filter(|value| !value.is_resource())?;
    let values = value.dense_bytes()?.into_iter();
    Some(values.map(|value| i32::from(value != 0)).collect())
}

/// Whether it is a tensor of booleans.
fn is_boolean(r#type: Type<'_>) -> bool {
    r#type.is_tensor() && r#type.element().is_integer() && r#type.element().bit_width() == Some(1)
}
