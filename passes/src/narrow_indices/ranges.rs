//! The range of every integer of a function: of tensors, the one in which all
//! their elements lie.
//!
//! Functions of `outline-subgraphs` are straight-line code, so that one walk from
//! above does, but for bodies that read what an earlier step of them has written:
//! these are walked until nothing grows, or counted (a sum of n numbers is at most
//! n times the largest), or else nothing is known of what they write.

use dialects::ir::{Block, Op, Value};
use dialects::linalg::loop_sizes;
use rustc_hash::FxHashMap;

use super::constants::integers;
use super::interval::Interval;

/// How often a body is walked before what still grows is counted or given up.
const WALKS: usize = 3;

/// The ranges of the integers of a function.
pub struct Ranges<'m> {
    known: FxHashMap<Value<'m>, Interval>,
}

impl<'m> Ranges<'m> {
    /// Walks `function`, of some of whose arguments ranges are `given`.
    pub fn of_function(function: Op<'m>, given: FxHashMap<Value<'m>, Interval>) -> Self {
        let mut ranges = Self { known: given };
        for block in function.blocks() {
            ranges.block(block);
        }
        ranges
    }

    /// The range of an integer or an index, or of the elements of a tensor of them;
    /// that of all numbers for any other value.
    pub fn get(&self, value: Value<'m>) -> Interval {
        self.known
            .get(&value)
            .copied()
            .unwrap_or_else(|| all_of(value))
    }

    fn set(&mut self, value: Value<'m>, range: Interval) {
        let all = all_of(value);
        let range = if range.is_within(all) { range } else { all };
        self.known.insert(value, range);
    }

    /// Nothing is known of it.
    fn forget(&mut self, value: Value<'m>) {
        self.known.remove(&value);
    }

    fn block(&mut self, block: Block<'m>) {
        /// What is still to be done, the next last: operations may be nested deeply.
        /// (Bodies of structured operations are not: what is in them are scalars.)
        enum Step<'m> {
            Op(Op<'m>),
            /// What is in it was looked at.
            After(Op<'m>),
        }
        let steps = |block: Block<'m>| block.ops().into_iter().rev().map(Step::Op);
        let mut left: Vec<Step> = steps(block).collect();
        while let Some(step) = left.pop() {
            match step {
                Step::Op(op) if self.structured(op) => {}
                Step::Op(op) => {
                    left.push(Step::After(op));
                    left.extend(op.blocks().into_iter().rev().flat_map(steps));
                }
                Step::After(op) => self.plain(op),
            }
        }
    }

    fn blocks(&mut self, op: Op<'m>) {
        for block in op.blocks() {
            self.block(block);
        }
    }

    /// Looks at an operation that runs its body by rules of its own, if it is one.
    fn structured(&mut self, op: Op<'m>) -> bool {
        let name = op.name();
        if name == "iree_linalg_ext.sort" {
            self.sort(op);
        } else if name == "iree_linalg_ext.scan" {
            self.scan(op);
        } else if op.is_of(&["linalg"]) && op.has_body() {
            self.linalg(op);
        } else {
            return false;
        }
        true
    }

    /// Looks at any other, after what is in it, of whose arguments nothing is known.
    fn plain(&mut self, op: Op<'m>) {
        if let (Some(result), false) = (op.result(0), op.results().len() > 1) {
            match self.single(op, op.name(), result) {
                Some(range) => self.set(result, range),
                None => self.forget(result),
            }
        }
    }

    /// What an operation with one result makes; `None` if that is not known.
    fn single(&self, op: Op<'m>, name: &str, result: Value<'m>) -> Option<Interval> {
        let operand = |index| op.operand(index).map(|value| self.get(value));
        if moves(op) {
            let each = moved(op).into_iter().map(|value| self.get(value));
            return Some(each.fold(Interval::NONE, Interval::join));
        }
        match name {
            "arith.constant" => {
                let values = integers(op)?.into_iter().map(i128::from);
                let each = values.map(Interval::one);
                Some(each.fold(Interval::NONE, Interval::join))
            }
            "tensor.empty" => Some(Interval::NONE),
            "arith.select" => Some(operand(1)?.join(operand(2)?)),
            "arith.index_cast" | "arith.extsi" | "arith.trunci" => operand(0),
            "arith.extui" | "arith.index_castui" => {
                let source = op.operand(0)?;
                let range = self.get(source);
                if range.is_natural() {
                    return Some(range);
                }
                let bits = source.r#type().element().bit_width()?;
                Some(Interval::new(0, (1_i128 << bits) - 1))
            }
            "math.absi" => {
                let range = operand(0)?;
                let most = range.least().abs().max(range.most().abs());
                Some(Interval::new(0, most))
            }
            "tensor.dim" => Some(Interval::new(0, i128::from(i64::MAX))),
            "linalg.index" => {
                let dimension = op.attribute("dim")?.as_integer()?;
                let sizes = loop_sizes(op.parent()?)?;
                let size = *sizes.get(usize::try_from(dimension).ok()?)?;
                Some(Interval::new(0, i128::from(size) - 1))
            }
            _ if op.is_of(&["arith"]) => {
                let name = name.strip_prefix("arith.")?;
                let range = Interval::of_operation(name, operand(0)?, operand(1)?)?;
                // Beyond its type it wraps around.
                range.is_within(all_of(result)).then_some(range)
            }
            _ => None,
        }
    }

    fn sort(&mut self, op: Op<'m>) {
        let results = op.results();
        let operands = op.operands();
        for (operand, result) in operands.iter().zip(&results) {
            self.set(*result, self.get(*operand));
        }
        for block in op.blocks() {
            for (index, argument) in block.arguments().into_iter().enumerate() {
                // Two elements of each operand.
                if let Some(operand) = operands.get(index / 2) {
                    self.set(argument, self.get(*operand));
                }
            }
            self.block(block);
        }
    }

    /// A running sum, or a running minimum and the like.
    fn scan(&mut self, op: Op<'m>) {
        let operands = op.operands();
        let blocks = op.blocks();
        let (Some(input), [block]) = (operands.first().copied(), blocks.as_slice()) else {
            return self.blocks(op);
        };
        let arguments = block.arguments();
        let yielded = block.terminator().and_then(|yields| yields.operand(0));
        let starts = operands.iter().skip(1).map(|each| self.get(*each));
        let start = starts.fold(Interval::NONE, Interval::join);
        let sum = yielded.filter(|value| {
            value.defining_op().is_some_and(|sum| {
                let added = sum.operands();
                sum.is("arith.addi") && added.iter().all(|each| arguments.contains(each))
            })
        });
        let range = match (sum, input.r#type().element_count()) {
            (Some(_), Some(count)) => start
                .join(Interval::one(0))
                .plus_up_to(count, self.get(input)),
            _ => Some(start.join(self.get(input))),
        };
        let assume = |ranges: &mut Self, range: Option<Interval>| {
            for value in arguments.iter().copied().chain(op.results()) {
                match range {
                    Some(range) => ranges.set(value, range),
                    None => ranges.forget(value),
                }
            }
            ranges.block(*block);
        };
        assume(self, range);
        if let (Some(sum), Some(range)) = (sum, range) {
            // Both that are added are in the range, and so is their sum.
            self.set(sum, range);
        } else if let (Some(value), Some(range)) = (yielded, range)
            && !self.get(value).is_within(range)
        {
            assume(self, None);
        }
    }

    /// An operation whose body is run once for each step of its loops, and hands on
    /// what it writes from one to the next.
    fn linalg(&mut self, op: Op<'m>) {
        let operands = op.operands();
        let blocks = op.blocks();
        let [block] = blocks.as_slice() else {
            return self.blocks(op);
        };
        let block = *block;
        let arguments = block.arguments();
        let yielded = block.terminator().map(Op::operands).unwrap_or_default();
        let results = op.results();
        let read = operands.len().saturating_sub(yielded.len());
        if arguments.len() != operands.len() || results.len() != yielded.len() {
            return self.blocks(op);
        }
        for (argument, operand) in arguments.iter().zip(&operands) {
            self.set(*argument, self.get(*operand));
        }
        let written: Vec<_> = arguments.iter().copied().skip(read).collect();
        self.block(block);
        if !repeats(op) {
            for (at, (result, value)) in results.iter().zip(&yielded).enumerate() {
                // What it writes to, where its loops do not come to each element.
                self.set(*result, self.get(written[at]).join(self.get(*value)));
            }
            return;
        }
        let grows = |ranges: &Self| -> Vec<usize> {
            (0..written.len())
                .filter(|at| {
                    let (argument, value) = (ranges.get(written[*at]), ranges.get(yielded[*at]));
                    !value.is_within(argument)
                })
                .collect()
        };
        for _ in 1..WALKS {
            for at in grows(self) {
                let range = self.get(written[at]).join(self.get(yielded[at]));
                self.set(written[at], range);
            }
            self.block(block);
        }
        let mut grown = Vec::new();
        loop {
            let more = grows(self);
            if more.is_empty() {
                break;
            }
            for at in &more {
                self.forget(written[*at]);
            }
            grown.extend(more);
            self.block(block);
        }
        let mut sums = Vec::new();
        for at in grown {
            let start = operands.get(read + at).map(|value| self.get(*value));
            if let Some(start) = start
                && let Some(range) = self.sum(op, written[at], yielded[at], start)
            {
                sums.push((at, range));
            }
        }
        for (at, range) in &sums {
            self.set(written[*at], *range);
        }
        self.block(block);
        for (at, range) in sums {
            // What is added to is in the range, and so is the sum.
            self.set(yielded[at], range);
        }
        for (at, result) in results.iter().enumerate() {
            // What was there, if the loops have no step.
            self.set(*result, self.get(written[at]).join(self.get(yielded[at])));
        }
    }

    /// What `value` is at most if it is `written` and something added to it in each
    /// step, which is what it is whatever `written` is.
    fn sum(
        &self,
        op: Op<'m>,
        written: Value<'m>,
        value: Value<'m>,
        start: Interval,
    ) -> Option<Interval> {
        let sum = value.defining_op().filter(|op| op.is("arith.addi"))?;
        let added = match (sum.operand(0)?, sum.operand(1)?) {
            (one, other) if one == written => other,
            (other, one) if one == written => other,
            _ => return None,
        };
        let steps = loop_sizes(op)?
            .into_iter()
            .try_fold(1_u64, u64::checked_mul)?;
        // Nothing is known of a sum that begins with what nobody wrote.
        if start.is_none() {
            return None;
        }
        start
            .plus_up_to(steps, self.get(added))
            .filter(|range| range.is_within(all_of(written)))
    }
}

/// All that an integer or an index can be.
fn all_of(value: Value<'_>) -> Interval {
    Interval::of_bits(
        value
            .r#type()
            .element()
            .bit_width()
            .unwrap_or(64)
            .clamp(1, 64),
    )
}

/// Whether an operation of linalg may run its body more than once for an element.
fn repeats(op: Op<'_>) -> bool {
    const ONCE: [&str; 4] = [
        "linalg.fill",
        "linalg.transpose",
        "linalg.broadcast",
        "linalg.copy",
    ];
    if ONCE.iter().any(|name| op.is(name)) {
        return false;
    }
    op.attribute("iterator_types").is_none_or(|kinds| {
        let kinds = kinds.elements();
        kinds
            .iter()
            .any(|kind| !kind.to_string().contains("parallel"))
    })
}

/// Whether an operation only moves elements, and computes nothing of them.
pub fn moves(op: Op<'_>) -> bool {
    const MOVES: [&str; 14] = [
        "tensor.expand_shape",
        "tensor.collapse_shape",
        "tensor.extract_slice",
        "tensor.insert_slice",
        "tensor.cast",
        "tensor.concat",
        "tensor.extract",
        "tensor.insert",
        "tensor.from_elements",
        "tensor.splat",
        "tensor.pad",
        "tensor.generate",
        "tensor.gather",
        "tensor.reshape",
    ];
    MOVES.iter().any(|name| op.is(name))
}

/// The values of which an operation that [`moves`] makes its result: its operands
/// of the same element type, and what its body yields.
pub fn moved(op: Op<'_>) -> Vec<Value<'_>> {
    let Some(result) = op.result(0) else {
        return Vec::new();
    };
    let element = result.r#type().element();
    if op.is("tensor.generate") || op.is("tensor.pad") {
        // The others say how large it is.
        let inside = op.blocks().into_iter().filter_map(Block::terminator);
        let inside = inside.flat_map(Op::operands);
        let source = op.operand(0).filter(|_| op.is("tensor.pad"));
        source.into_iter().chain(inside).collect()
    } else if op.is("tensor.gather") || op.is("tensor.reshape") {
        op.operand(0).into_iter().collect()
    } else {
        let operands = op.operands().into_vec();
        let is_data = |value: &Value| value.r#type().element() == element;
        operands.into_iter().filter(is_data).collect()
    }
}
