//! Masks that are constants.
//!
//! A causal mask is often kept as booleans, or as the bytes that an exporter stores
//! them in (`constant_1_1_128_128_torch.uint8` of GPT-2), which are compared with
//! zero and cut to length before they are used. IREE's SPIR-V for units that read
//! words of 32 bits puts such bytes together wrongly: Mesa's lavapipe gets other
//! masks, with i1 as with i8, and where the length is no multiple of four the last
//! bytes are lost. Planning refused them, too, since a comparison of bytes computes
//! in i8.
//!
//! What follows from constants alone is computed here, and the operation that uses
//! the mask reads words of i32 and compares them with zero: exact on every unit.

use std::rc::Rc;

use dialects::Module;
use dialects::build::OpBuilder;
use dialects::hal::Inserter;
use dialects::ir::{Attribute, Op, Type, Value};
use dialects::linalg::{Access, accesses, loop_count};
use dialects::ops::{Global, GlobalLoad, Predicate};
use dialects::vocabulary::GLOBAL_LOAD;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::dead::erase_dead_operations;
use crate::structure::{global_stores, globals, outer_ops};

/// What has more elements is left as it is: the time to compute it, and the memory
/// that words take, would be felt.
const MOST_ELEMENTS: u64 = 1 << 22;

/// Writes constant masks as words where they are used.
pub fn write_as_words(module: &Module<'_>) {
    let mut known = Known::new(module);
    let mut found = Vec::new();
    for op in outer_ops(module) {
        if !op.is("linalg.generic") {
            continue;
        }
        let results = op.results();
        // What is computed of constants alone is not needed any more.
        if results.into_iter().any(|result| known.of(result).is_some()) {
            continue;
        }
        let inputs = op.operands().len().saturating_sub(op.results().len());
        for (index, operand) in op.operands().into_iter().take(inputs).enumerate() {
            if is_boolean(operand.r#type())
                && let Some(values) = known.of(operand)
            {
                found.push((op, index, values));
            }
        }
    }
    let any = !found.is_empty();
    for (op, index, values) in found {
        read_words(module, op, index, &values);
    }
    if any {
        erase_dead_operations(module);
    }
}

/// Gives `op` words in place of the booleans that it reads as operand `index`.
fn read_words<'m>(module: &'m Module<'_>, op: Op<'m>, index: usize, values: &[i64]) -> Option<()> {
    let session = module.session();
    let word = Type::integer(session, 32);
    let r#type = Type::tensor(&op.operand(index)?.r#type().shape()?, word)?;
    let words: Vec<i32> = values.iter().map(|value| i32::from(*value != 0)).collect();
    let body = op.blocks().first().copied()?;
    let argument = body.arguments().get(index).copied()?;
    let constant = Attribute::of_i32(r#type, &words)?;
    let zero = Attribute::number(word, 0)?;
    let not_equal = Predicate::NotEqual.attribute(session);
    let boolean = argument.r#type();

    let inserter = Inserter::before(module, op);
    let constant = inserter
        .start("arith.constant")
        .attribute("value", constant);
    op.set_operand(index, inserter.value(constant.results(&[r#type])));
    let uses = argument.uses();
    argument.set_type(word);
    let start = |name: &str| OpBuilder::new(name, op.location());
    let zero = start("arith.constant")
        .attribute("value", zero)
        .results(&[word])
        .build();
    let bit = start("arith.cmpi")
        .attribute("predicate", not_equal)
        .operands(&[argument, zero.result(0)?])
        .results(&[boolean])
        .build();
    body.prepend(bit);
    body.prepend(zero);
    for each in uses {
        each.op.set_operand(each.index, bit.result(0)?);
    }
    Some(())
}

/// Elements of values that follow from constants alone, row by row.
type Values = Rc<Vec<i64>>;

struct Known<'m> {
    globals: FxHashMap<&'m str, Global<'m>>,
    written: FxHashSet<String>,
    found: FxHashMap<Value<'m>, Option<Values>>,
    /// How many operations above each other are being asked.
    depth: usize,
}

/// How many operations deep a mask is followed.
const MOST_DEEP: usize = 256;

impl<'m> Known<'m> {
    fn new(module: &'m Module<'_>) -> Self {
        Self {
            globals: globals(module),
            written: global_stores(module)
                .filter_map(|store| Some(store.global()?.to_owned()))
                .collect(),
            found: FxHashMap::default(),
            depth: 0,
        }
    }

    /// The elements of a tensor of booleans or bytes.
    fn of(&mut self, value: Value<'m>) -> Option<Values> {
        if let Some(found) = self.found.get(&value) {
            return found.clone();
        }
        if self.depth == MOST_DEEP {
            return None;
        }
        self.depth += 1;
        let found = self.compute(value).map(Rc::new);
        self.depth -= 1;
        self.found.insert(value, found.clone());
        found
    }

    fn compute(&mut self, value: Value<'m>) -> Option<Vec<i64>> {
        let r#type = value.r#type();
        let count = r#type.element_count().filter(|_| r#type.is_tensor())?;
        if count > MOST_ELEMENTS || !(is_boolean(r#type) || is_byte(r#type)) {
            return None;
        }
        let op = value.defining_op()?;
        let values = match op.name() {
            "arith.constant" => constant(op, op.attribute("value")?),
            GLOBAL_LOAD => {
                let name = GlobalLoad::of(op)?.global()?;
                let global = *self
                    .globals
                    .get(name)
                    .filter(|_| !self.written.contains(name))?;
                constant(global.op(), global.initial_value()?)
            }
            "tensor.collapse_shape" | "tensor.expand_shape" => {
                Some(self.of(op.operand(0)?)?.to_vec())
            }
            "tensor.extract_slice" => self.slice(op),
            "linalg.generic" => self.generic(op),
            _ => None,
        }?;
        (values.len() as u64 == count).then_some(values)
    }

    fn slice(&mut self, op: Op<'m>) -> Option<Vec<i64>> {
        let [source] = op.operands()[..] else {
            return None;
        };
        let shape = source.r#type().sizes()?;
        let [offsets, lengths, strides] =
            ["static_offsets", "static_sizes", "static_strides"].map(|name| numbers(op, name));
        let (offsets, lengths, strides) = (offsets?, lengths?, strides?);
        let values = self.of(source)?;
        points(&lengths)
            .map(|point| {
                let place = point.iter().zip(&offsets).zip(&strides);
                let place: Vec<u64> = place
                    .map(|((at, offset), stride)| offset + at * stride)
                    .collect();
                values.get(position(&place, &shape)?).copied()
            })
            .collect()
    }

    /// An operation that computes each element of constants alone.
    fn generic(&mut self, op: Op<'m>) -> Option<Vec<i64>> {
        let operands = op.operands();
        let (output, inputs) = operands.split_last()?;
        let maps = accesses(op)?;
        let (result, read) = maps.split_last()?;
        let shape = output.r#type().sizes()?;
        let in_order = result
            .iter()
            .copied()
            .eq((0..shape.len()).map(Access::Loop));
        if op.results().len() != 1
            || !in_order
            || loop_count(op)? != shape.len()
            || inputs.is_empty()
        {
            return None;
        }
        let mut sources = Vec::new();
        for (input, map) in inputs.iter().zip(read) {
            sources.push((self.of(*input)?, input.r#type().sizes()?, map));
        }
        let body = op.blocks().first().copied()?;
        let arguments = body.arguments();
        points(&shape)
            .map(|point| {
                let mut scalars: FxHashMap<Value, i64> = FxHashMap::default();
                for ((values, shape, map), argument) in sources.iter().zip(arguments.iter()) {
                    let place: Option<Vec<u64>> = map
                        .iter()
                        .zip(shape)
                        .map(|(access, size)| match access {
                            Access::Loop(number) => point.get(*number).copied(),
                            Access::Fixed if *size == 1 => Some(0),
                            Access::Fixed | Access::Computed => None,
                        })
                        .collect();
                    scalars.insert(*argument, *values.get(position(&place?, shape)?)?);
                }
                for nested in body.ops() {
                    if nested.is("linalg.yield") {
                        return scalar(&scalars, nested.operand(0)?);
                    }
                    let value = evaluate(nested, &scalars)?;
                    scalars.insert(nested.result(0)?, value);
                }
                None
            })
            .collect()
    }
}

/// A scalar of a body: computed there, or a constant outside.
fn scalar(scalars: &FxHashMap<Value<'_>, i64>, value: Value<'_>) -> Option<i64> {
    if let Some(known) = scalars.get(&value) {
        return Some(*known);
    }
    let op = value.defining_op().filter(|op| op.is("arith.constant"))?;
    evaluate(op, scalars)
}

/// What one operation on booleans and integers gives: as signed numbers, but
/// booleans as 0 and 1.
fn evaluate(op: Op<'_>, scalars: &FxHashMap<Value<'_>, i64>) -> Option<i64> {
    let r#type = op.result(0)?.r#type();
    if !r#type.is_integer() {
        return None;
    }
    let operand = |index| scalar(scalars, op.operand(index)?);
    let value = match op.name() {
        "arith.constant" => op.attribute("value")?.as_integer()?,
        "arith.cmpi" => {
            let (left, right) = (operand(0)?, operand(1)?);
            let holds = match Predicate::of(op)? {
                Predicate::Equal => left == right,
                Predicate::NotEqual => left != right,
                _ => return None,
            };
            i64::from(holds)
        }
        "arith.trunci" => operand(0)?,
        "arith.extui" if is_boolean(op.operand(0)?.r#type()) => operand(0)?,
        "arith.andi" => operand(0)? & operand(1)?,
        "arith.ori" => operand(0)? | operand(1)?,
        "arith.xori" => operand(0)? ^ operand(1)?,
        _ => return None,
    };
    match r#type.bit_width()? {
        1 => Some(value & 1),
        bits @ 2..=63 => {
            let unused = 64 - bits;
            Some(value << unused >> unused)
        }
        64 => Some(value),
        _ => None,
    }
}

/// The elements of a constant of booleans or bytes.
fn constant(holder: Op<'_>, value: Attribute<'_>) -> Option<Vec<i64>> {
    let r#type = value.r#type()?;
    let boolean = is_boolean(r#type);
    let values: Vec<i64> = if value.is_resource() {
        let bytes = value.bytes(holder.location())?.into_iter();
        bytes.map(|byte| i64::from(byte.cast_signed())).collect()
    } else {
        value.dense_bytes()?.into_iter().map(i64::from).collect()
    };
    let values = values.into_iter();
    let values: Vec<i64> = match boolean {
        true => values.map(|value| i64::from(value != 0)).collect(),
        false => values.collect(),
    };
    match values[..] {
        // One that all are.
        [value] => Some(vec![value; usize::try_from(r#type.element_count()?).ok()?]),
        _ => Some(values),
    }
}

fn is_boolean(r#type: Type<'_>) -> bool {
    r#type.element().is_integer() && r#type.element().bit_width() == Some(1)
}

fn is_byte(r#type: Type<'_>) -> bool {
    r#type.element().is_integer() && r#type.element().bit_width() == Some(8)
}

/// The numbers of an attribute `array<i64: …>`, none of them left open.
fn numbers(op: Op<'_>, name: &str) -> Option<Vec<u64>> {
    let numbers = op.attribute(name)?.i64_numbers()?;
    let each = numbers.into_iter();
    each.map(|number| u64::try_from(number).ok()).collect()
}

/// All points of a box of these sizes, row by row.
fn points(sizes: &[u64]) -> impl Iterator<Item = Vec<u64>> {
    let count: u64 = sizes.iter().product();
    let sizes = sizes.to_vec();
    (0..count).map(move |number| {
        let mut rest = number;
        let mut point = vec![0; sizes.len()];
        for (at, size) in point.iter_mut().zip(&sizes).rev() {
            *at = rest % size;
            rest /= size;
        }
        point
    })
}

/// Where a point is in a tensor of this shape; `None` if it is outside.
fn position(point: &[u64], shape: &[u64]) -> Option<usize> {
    if point.len() != shape.len() {
        return None;
    }
    let mut position = 0u64;
    for (at, size) in point.iter().zip(shape) {
        if at >= size {
            return None;
        }
        position = position * size + at;
    }
    usize::try_from(position).ok()
}
