//! `gather-slices`: reads and writes slices element by element where they begin
//! inside of a vector and IREE makes SPIR-V of it.
//!
//! IREE's SPIR-V reads and writes tensors whose rows have a multiple of four elements
//! as vectors of four (`SPIRVVectorizeLoadStore`), and divides the place of a vector
//! by four. A slice that is fused with arithmetic has places that begin at its offset:
//! at an offset of 2, IREE 3.13 reads or writes the vector at 0, and all values are
//! those of their neighbours. So it was with every slice of a multiple of four elements,
//! out of a multiple of four, at an offset that is none; slices that stay by
//! themselves, and all others, were right.
//!
//! Such a slice becomes a look-up of each element, which IREE takes for no vector.
//! Padding and what is inserted are written by an operation over the whole result,
//! which chooses between both. Dimensions behind that of the slice count with it: IREE
//! makes them one.

use dialects::hal::Inserter;
use dialects::ir::{Attribute, Block, Few, Location, Op, Type, Value};
use dialects::ops::Predicate;
use dialects::{Diagnostic, Module, linalg};

use crate::dead::erase_dead_operations;
use crate::placement::Placement;

use crate::structure::placed_ops;

/// How many elements of a row IREE reads at once, at most.
const VECTOR: u64 = 4;

/// Runs the pass.
pub fn run(module: &mut Module<'_>, placement: &Placement) -> Result<(), Vec<Diagnostic>> {
    let module: &Module<'_> = module;
    let mut gathered = false;
    for (function, _) in placement.on_narrow_words(module) {
        let ops: Vec<Op> = placed_ops(function).collect();
        for op in ops {
            if let Some(slice) = Slice::of(op).filter(Slice::begins_inside_of_vector)
                && let Some(made) = slice.gather(module, op)
                && let Some(result) = op.result(0)
            {
                result.replace_all_uses_with(made);
                op.erase();
                gathered = true;
            }
        }
    }
    if gathered {
        erase_dead_operations(module);
    }
    Ok(())
}

/// Where a slice begins in one dimension.
#[derive(Clone, Copy)]
enum Offset<'m> {
    At(u64),
    Of(Value<'m>),
}

/// What becomes of a part of a tensor.
#[derive(Clone, Copy)]
enum Kind<'m> {
    /// It is read.
    Extracted,
    /// It is written into this tensor.
    InsertedInto(Value<'m>),
    /// It is written between elements of this value.
    PaddedWith(Value<'m>),
}

/// A part of a tensor, each dimension of which is without gaps.
struct Slice<'m> {
    kind: Kind<'m>,
    /// What is read, or inserted.
    source: Value<'m>,
    /// By dimension of the whole tensor: where the part begins, and its size.
    offsets: Vec<Offset<'m>>,
    sizes: Few<u64>,
    /// The size of the whole tensor.
    whole: Few<u64>,
}

impl<'m> Slice<'m> {
    /// The slice that `op` reads or writes; `None` for any other operation, and for
    /// sizes that are open.
    fn of(op: Op<'m>) -> Option<Self> {
        let (source, result) = (op.operand(0)?, op.result(0)?);
        let (name, kind, first, whole) = match op.name() {
            "tensor.extract_slice" => ("static_offsets", Kind::Extracted, 1, source),
            "tensor.insert_slice" => {
                let into = op.operand(1)?;
                ("static_offsets", Kind::InsertedInto(into), 2, into)
            }
            "tensor.pad" => ("static_low", Kind::PaddedWith(padding(op)?), 1, result),
            _ => return None,
        };
        let mut given = op.operands().into_iter().skip(first);
        let offsets = numbers(op, name)?.into_iter().map(|offset| {
            let number = u64::try_from(offset).ok();
            number
                .map(Offset::At)
                .or_else(|| given.next().map(Offset::Of))
        });
        let offsets = offsets.collect::<Option<Vec<_>>>()?;
        let sizes = if op.is("tensor.pad") {
            source.r#type().sizes()?
        } else {
            if numbers(op, "static_strides")?
                .iter()
                .any(|stride| *stride != 1)
            {
                return None;
            }
            let sizes = numbers(op, "static_sizes")?.into_iter();
            sizes
                .map(|size| u64::try_from(size).ok())
                .collect::<Option<_>>()?
        };
        Some(Self {
            kind,
            source,
            offsets,
            sizes,
            whole: whole.r#type().sizes()?,
        })
    }

    /// Whether it begins inside of one of the vectors that IREE reads.
    fn begins_inside_of_vector(&self) -> bool {
        let mut inner = 1u64;
        for ((offset, size), whole) in self.offsets.iter().zip(&self.sizes).zip(&self.whole).rev() {
            let is_of_vectors = |count: u64| count.saturating_mul(inner).is_multiple_of(VECTOR);
            let begins_inside = match offset {
                Offset::At(offset) => !is_of_vectors(*offset),
                Offset::Of(_) => size != whole && !is_of_vectors(1),
            };
            if begins_inside && is_of_vectors(*size) && is_of_vectors(*whole) {
                return true;
            }
            inner = inner.saturating_mul(*whole);
        }
        false
    }

    /// The same made element by element, in front of `op`.
    fn gather(&self, module: &'m Module<'_>, op: Op<'m>) -> Option<Value<'m>> {
        let result = op.result(0)?.r#type();
        let inserter = Inserter::before(module, op);
        let offsets: Vec<Value> = self
            .offsets
            .iter()
            .map(|offset| match offset {
                Offset::At(number) => inserter.index(*number),
                Offset::Of(value) => *value,
            })
            .collect();
        let lengths: Vec<Value> = self
            .sizes
            .iter()
            .map(|size| inserter.index(*size))
            .collect();
        let zero = inserter.index(0);
        let inputs = match self.kind {
            Kind::InsertedInto(whole) => vec![whole],
            Kind::Extracted | Kind::PaddedWith(_) => Vec::new(),
        };
        let (made, block) = linalg::elementwise(&inserter, &inputs, result)?;
        let body = Body::new(module, block, op.location());
        let made_value = match self.kind {
            Kind::Extracted => {
                // The dimensions that a result of fewer has left.
                let kept = matched(&self.sizes, &result.sizes()?)?;
                let mut places = Vec::new();
                for (at, offset) in offsets.iter().enumerate() {
                    let place = match kept.iter().position(|dimension| *dimension == at) {
                        Some(loop_number) => body.add(body.place(loop_number)?, *offset),
                        None => *offset,
                    };
                    places.push(place);
                }
                body.element(self.source, &places)
            }
            Kind::InsertedInto(_) | Kind::PaddedWith(_) => {
                let kept = matched(&self.sizes, &self.source.r#type().sizes()?)?;
                let mut inside: Option<Value> = None;
                let mut all = Vec::new();
                for (at, (offset, length)) in offsets.iter().zip(&lengths).enumerate() {
                    let place = body.subtract(body.place(at)?, *offset);
                    // What lies before it becomes a large number.
                    let is_inside = body.is_less(place, *length);
                    inside = Some(match inside {
                        Some(before) => body.and(before, is_inside),
                        None => is_inside,
                    });
                    all.push(place);
                }
                let inside = inside?;
                // Elsewhere any element can be read, and is not taken.
                let places = kept
                    .iter()
                    .map(|at| Some(body.choose(inside, *all.get(*at)?, zero)));
                let places: Vec<Value> = places.collect::<Option<_>>()?;
                let element = body.element(self.source, &places);
                let other = match self.kind {
                    Kind::PaddedWith(value) => value,
                    _ => block.arguments().first().copied()?,
                };
                body.choose(inside, element, other)
            }
        };
        body.inserter
            .insert(body.inserter.start("linalg.yield").operands(&[made_value]));
        made.result(0)
    }
}

/// Makes operations in the body of one over a whole tensor.
pub(crate) struct Body<'m> {
    inserter: Inserter<'m>,
    index: Type<'m>,
    bit: Type<'m>,
}

impl<'m> Body<'m> {
    /// In a block that is empty so far.
    pub(crate) fn new(module: &'m Module<'_>, block: Block<'m>, location: Location<'m>) -> Self {
        let session = module.session();
        Self {
            inserter: Inserter::at_end(module, block, location),
            index: Type::index(session),
            bit: Type::integer(session, 1),
        }
    }

    /// What an operation makes of `operands`.
    pub(crate) fn make(&self, name: &str, operands: &[Value<'m>], result: Type<'m>) -> Value<'m> {
        let builder = self.inserter.start(name).operands(operands);
        self.inserter.value(builder.results(&[result]))
    }

    /// Where a loop stands.
    pub(crate) fn place(&self, loop_number: usize) -> Option<Value<'m>> {
        let number = i64::try_from(loop_number).ok()?;
        let number = Attribute::i64(self.inserter.module().session(), number);
        let builder = self.inserter.start("linalg.index").attribute("dim", number);
        Some(self.inserter.value(builder.results(&[self.index])))
    }

    /// The sum of two indices.
    pub(crate) fn add(&self, left: Value<'m>, right: Value<'m>) -> Value<'m> {
        self.make("arith.addi", &[left, right], self.index)
    }

    /// The product of two indices.
    pub(crate) fn multiply(&self, left: Value<'m>, right: Value<'m>) -> Value<'m> {
        self.make("arith.muli", &[left, right], self.index)
    }

    /// Where operations are made.
    pub(crate) fn inserter(&self) -> &Inserter<'m> {
        &self.inserter
    }

    fn subtract(&self, left: Value<'m>, right: Value<'m>) -> Value<'m> {
        self.make("arith.subi", &[left, right], self.index)
    }

    fn and(&self, left: Value<'m>, right: Value<'m>) -> Value<'m> {
        self.make("arith.andi", &[left, right], self.bit)
    }

    /// Whether an index is less than another, both without a sign.
    fn is_less(&self, left: Value<'m>, right: Value<'m>) -> Value<'m> {
        let session = self.inserter.module().session();
        let less = Predicate::UnsignedLess.attribute(session);
        let builder = self
            .inserter
            .start("arith.cmpi")
            .attribute("predicate", less);
        let builder = builder.operands(&[left, right]).results(&[self.bit]);
        self.inserter.value(builder)
    }

    fn choose(&self, condition: Value<'m>, then: Value<'m>, otherwise: Value<'m>) -> Value<'m> {
        self.make("arith.select", &[condition, then, otherwise], then.r#type())
    }

    /// The element of `tensor` at `places`.
    pub(crate) fn element(&self, tensor: Value<'m>, places: &[Value<'m>]) -> Value<'m> {
        let operands = [&[tensor], places].concat();
        self.make("tensor.extract", &operands, tensor.r#type().element())
    }
}

/// What `tensor.pad` puts around, if it is the same everywhere and made outside.
fn padding(op: Op<'_>) -> Option<Value<'_>> {
    let body = op.blocks().first().copied()?;
    let value = body.terminator()?.operand(0)?;
    let is_outside = match value.defining_op() {
        Some(made) => made.block() != Some(body),
        None => value.block() != Some(body),
    };
    is_outside.then_some(value)
}

fn numbers(op: Op<'_>, name: &str) -> Option<Vec<i64>> {
    op.attribute(name).and_then(Attribute::i64_numbers)
}

/// Which dimensions of `sizes` those of `fewer` are, which leaves out some of size 1.
fn matched(sizes: &[u64], fewer: &[u64]) -> Option<Vec<usize>> {
    let mut left = fewer.iter().peekable();
    let kept: Vec<usize> = (0..)
        .zip(sizes)
        .filter(|(_, size)| left.next_if(|next| next == size).is_some())
        .map(|(at, _)| at)
        .collect();
    (kept.len() == fewer.len()).then_some(kept)
}
