//! `narrow-indices`: computes positions, masks and indices in i32 where a subgraph
//! is on a unit whose words have 32 bits.
//!
//! Torch counts in i64. IREE's SPIR-V puts an i64 together of two i32 for a GPU
//! that has none, and lacks some vector operations for those (`failed to legalize
//! operation 'vector.broadcast'`); other GPUs compute them in two steps. Hardly any
//! of these numbers is large: positions, comparisons of them and router indices
//! are less than the sizes of tensors.
//!
//! An operation is narrowed where its integers, of which [`ranges`] knows
//! the range, all fit in i32: it then computes the very same numbers. What is not
//! proven to fit stays in i64, and at the border between the two stand `arith.trunci`
//! of what fits and `arith.extsi`. The signature of a function stays.
//!
//! Tokens come in as i64 of which nothing is known. One that a subgraph looks up in
//! a table without a condition is an index into it, or the look-up is undefined, as
//! Torch's own assertion says (`index must be smaller than dim size`, which IREE
//! drops): where a subgraph computes with tokens, too, they are taken to be that.
//! For any token that fits in i32, in the table or not, the same is computed as
//! before.
//!
//! What a sum in i64 begins with stays a fill of i64. With one of i32 that is converted,
//! lavapipe gave other counts for `generate_symbolic` with control on the GPU from its third
//! round on: IREE computes the conversion when the module is loaded, and without that
//! (`--iree-opt-const-expr-hoisting=false`) they were right. Where the fault is, is not
//! known; alone, and in a loop, such a sum is right. So control keeps its i64, too.

mod constants;
mod interval;
mod lookups;
mod ranges;
#[cfg(test)]
mod tests;

use dialects::build::OpBuilder;
use dialects::ir::{Attribute, Op, Type, Value, Walk};
use dialects::{Diagnostic, Module};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::Remarks;
use crate::dead::erase_dead_operations;
use crate::placement::Placement;
use constants::integers;
use interval::Interval;
use ranges::{Ranges, moved, moves};

/// Runs the pass.
pub fn run(
    module: &mut Module<'_>,
    placement: &Placement,
    remarks: &mut Remarks,
) -> Result<(), Vec<Diagnostic>> {
    let module: &Module<'_> = module;
    let mut narrowed = false;
    let mut warnings = Vec::new();
    for (function, role) in placement.on_narrow_words(module) {
        if role.is_model() {
            narrowed |= narrow(module, function);
            let left = function.nested().into_iter().find(|op| divides_wide(*op));
            warnings.extend(left.map(|op| not_proven(op, placement.symbol_of(role))));
        }
    }
    if narrowed {
        erase_dead_operations(module);
    }
    remarks.extend(warnings);
    Ok(())
}

/// Whether an operation divides numbers of i64, which IREE's SPIR-V cannot put
/// together of words of i32.
fn divides_wide(op: Op<'_>) -> bool {
    const DIVISIONS: [&str; 6] = [
        "arith.divsi",
        "arith.divui",
        "arith.remsi",
        "arith.remui",
        "arith.floordivsi",
        "arith.ceildivsi",
    ];
    DIVISIONS.iter().any(|name| op.is(name)) && op.operand(0).is_some_and(is_wide)
}

fn not_proven(op: Op<'_>, device: &str) -> Diagnostic {
    Diagnostic::warning(format!(
        "{} stays i64 on @{device}: its numbers are not proven to fit in i32",
        op.name()
    ))
    .at(op.location().place())
    .offending(op.summary())
    .help(
        "IREE has no code for it where a Vulkan device has no integers of 64 bits (Mali, Adreno): \
         export it in int32, or pin the model to a CPU",
    )
}

/// Narrows what fits in `function`; says whether anything did.
fn narrow<'m>(module: &'m Module<'_>, function: Op<'m>) -> bool {
    let (i32, i64) = (
        Type::integer(module.session(), 32),
        Type::integer(module.session(), 64),
    );
    let plan = |given| {
        let ranges = Ranges::of_function(function, given);
        let mut plan = Plan::new(ranges);
        plan.decide(function);
        plan.leave_idle_fills(function);
        plan
    };
    let mut plan_made = plan(FxHashMap::default());
    if plan_made.left {
        let tokens = lookups::indices(function);
        if !tokens.is_empty() {
            plan_made = plan(tokens);
        }
    }
    if plan_made.ops.is_empty() {
        return false;
    }
    Rewriter {
        plan: plan_made,
        i32,
        i64,
        converted: FxHashMap::default(),
    }
    .rewrite(function);
    true
}

/// What of a function is narrowed.
struct Plan<'m> {
    ranges: Ranges<'m>,
    /// Results and arguments of bodies that become i32.
    values: FxHashSet<Value<'m>>,
    /// Operations that then read i32, and where they do.
    ops: FxHashMap<Op<'m>, Vec<usize>>,
    /// Whether something is computed in i64 still.
    left: bool,
}

impl<'m> Plan<'m> {
    fn new(ranges: Ranges<'m>) -> Self {
        Self {
            ranges,
            values: FxHashSet::default(),
            ops: FxHashMap::default(),
            left: false,
        }
    }

    fn fits(&self, value: Value<'m>) -> bool {
        self.ranges.get(value).fits(32)
    }

    /// Whether the value is one of i32 after this, or can be without an operation.
    fn comes_narrow(&self, value: Value<'m>) -> bool {
        self.values.contains(&value) || is_made_anew(value) && self.fits(value)
    }

    /// Decides on all operations in `holder`, in order.
    fn decide(&mut self, holder: Op<'m>) {
        holder.walk(&mut |op| {
            if op == holder {
                return Walk::Into;
            }
            if op.is("iree_linalg_ext.sort") {
                self.decide_sort(op);
            } else if op.is("iree_linalg_ext.scan") {
                self.decide_alike(op);
            } else if op.is_of(&["linalg"]) && op.has_body() {
                self.decide_linalg(op);
                // The body of any other is not printed, but follows from its name
                // and types.
                if !op.is("linalg.generic") {
                    return Walk::Over;
                }
            } else {
                self.decide_single(op);
            }
            Walk::Into
        });
    }

    /// Leaves fills in i64 that nothing reads as i32: IREE knows what a sum begins with
    /// by its fill, and by none that is converted.
    fn leave_idle_fills(&mut self, function: Op<'m>) {
        for op in function.nested() {
            let Some(result) = op.result(0).filter(|_| op.is("linalg.fill")) else {
                continue;
            };
            let is_narrow = |user: &Op<'m>, at: usize| {
                let read = self.ops.get(user);
                read.is_some_and(|places| places.contains(&at))
            };
            let uses = result.uses();
            if !self.values.contains(&result)
                || uses.iter().any(|each| is_narrow(&each.op, each.index))
            {
                continue;
            }
            self.values.remove(&result);
            self.ops.remove(&op);
            for block in op.blocks() {
                for argument in block.arguments() {
                    self.values.remove(&argument);
                }
                if let Some(yields) = block.terminator() {
                    self.ops.remove(&yields);
                }
            }
        }
    }

    /// Notes that `op` reads i32 at some of its operands.
    fn reads_narrow(&mut self, op: Op<'m>, operands: impl IntoIterator<Item = usize>) {
        self.ops.entry(op).or_default().extend(operands);
    }

    /// An operation that computes or moves elements and has one result at most.
    fn decide_single(&mut self, op: Op<'m>) {
        if is_made_anew_by(op) {
            return;
        }
        let operands = op.operands();
        let wide: Vec<usize> = (0..operands.len())
            .filter(|at| is_wide(operands[*at]))
            .collect();
        let results = op.results();
        let result = results.first().copied().filter(|value| is_wide(*value));
        if wide.is_empty() && result.is_none() || results.len() > 1 {
            return;
        }
        if matches!(
            op.name(),
            "iree_linalg_ext.scatter" | "iree_linalg_ext.gather"
        ) {
            // What is read or written, where, and what is written to.
            if operands
                .get(1)
                .is_some_and(|at| is_wide(*at) && self.comes_narrow(*at))
            {
                self.reads_narrow(op, [1]);
            }
            return;
        }
        let mut read: Vec<Value> = wide.iter().map(|at| operands[*at]).collect();
        let moves = moves(op);
        if moves && result.is_some() {
            read = moved(op);
        }
        let same = self.computes_the_same(op, &read);
        let fits = same
            && read
                .iter()
                .copied()
                .chain(result)
                .all(|value| self.fits(value));
        // Where no i64 comes out, and none is computed with, it is for those to say
        // that go in.
        let gains = match op.name() {
            "arith.trunci" | "arith.index_cast" | "arith.index_castui" => {
                result.is_some() || read.iter().any(|value| self.comes_narrow(*value))
            }
            _ => !is_only_asserted(op) || read.iter().all(|value| self.comes_narrow(*value)),
        };
        if fits && gains {
            let inside = moves && op.has_body();
            let at = wide
                .into_iter()
                .filter(|at| !moves || read.contains(&operands[*at]));
            self.reads_narrow(op, at);
            if inside {
                for yields in op
                    .blocks()
                    .into_iter()
                    .filter_map(|block| block.terminator())
                {
                    self.reads_narrow(yields, 0..yields.operands().len());
                }
            }
            self.values.extend(result);
        } else if is_arithmetic(op) && !is_only_asserted(op) {
            self.left = true;
        }
    }

    /// Whether the operation gives in i32 what it gives in i64, if all numbers fit.
    fn computes_the_same(&self, op: Op<'m>, read: &[Value<'m>]) -> bool {
        let range = |index: usize| {
            let value = op.operand(index);
            value.map_or(Interval::of_bits(64), |value| self.ranges.get(value))
        };
        let natural = || {
            read.iter()
                .all(|value| self.ranges.get(*value).is_natural())
        };
        match op.name() {
            name if moves(op) => name != "tensor.reshape",
            "arith.addi" | "arith.subi" | "arith.muli" | "arith.andi" | "arith.ori"
            | "arith.xori" | "arith.minsi" | "arith.maxsi" | "arith.minui" | "arith.maxui"
            | "arith.select" | "arith.cmpi" | "arith.index_cast" | "arith.trunci"
            | "arith.extsi" | "arith.sitofp" | "math.absi" | "math.fpowi" => true,
            "arith.divsi" | "arith.remsi" | "arith.floordivsi" | "arith.ceildivsi" => {
                // -2^31 by -1 is 2^31, also where the remainder is asked for.
                Interval::of_operation("divsi", range(0), range(1))
                    .is_some_and(|range| range.fits(32))
            }
            "arith.divui" | "arith.remui" | "arith.uitofp" | "arith.index_castui"
            | "arith.extui" => natural(),
            "arith.shli" | "arith.shrsi" => range(1).is_within(Interval::new(0, 31)),
            "arith.shrui" => natural() && range(1).is_within(Interval::new(0, 31)),
            _ => false,
        }
    }

    /// Keys and what goes with them, each by itself.
    fn decide_sort(&mut self, op: Op<'m>) {
        for (at, (operand, result)) in op.operands().into_iter().zip(op.results()).enumerate() {
            if is_wide(operand) && self.fits(operand) {
                self.reads_narrow(op, [at]);
                self.values.insert(result);
                for block in op.blocks() {
                    let two = block.arguments().into_iter().skip(2 * at).take(2);
                    self.values.extend(two);
                }
            }
        }
    }

    /// An operation whose elements are all of one type.
    fn decide_alike(&mut self, op: Op<'m>) {
        let operands = op.operands();
        let blocks = op.blocks();
        let inside: Vec<Value> = blocks.iter().flat_map(|block| block.arguments()).collect();
        let yields: Vec<Op> = blocks
            .iter()
            .filter_map(|block| block.terminator())
            .collect();
        let yielded: Vec<Value> = yields.iter().flat_map(|op| op.operands()).collect();
        let results = op.results();
        let mut all = operands
            .iter()
            .chain(&inside)
            .chain(&yielded)
            .chain(&results);
        if all.clone().any(|value| !is_wide(*value)) {
            return;
        }
        if !all.all(|value| self.fits(*value)) {
            self.left = true;
            return;
        }
        self.reads_narrow(op, 0..operands.len());
        for yields in yields {
            self.reads_narrow(yields, 0..yields.operands().len());
        }
        self.values.extend(inside);
        self.values.extend(results);
    }

    /// An operation of linalg: what it reads is as it comes, what it writes is i32
    /// if all that is written there fits.
    fn decide_linalg(&mut self, op: Op<'m>) {
        const ALIKE: [&str; 4] = [
            "linalg.fill",
            "linalg.transpose",
            "linalg.broadcast",
            "linalg.copy",
        ];
        if ALIKE.iter().any(|name| op.is(name)) {
            return self.decide_alike(op);
        }
        let (operands, results) = (op.operands(), op.results());
        let blocks = op.blocks();
        let ([block], true) = (blocks.as_slice(), op.is("linalg.generic")) else {
            return;
        };
        let arguments = block.arguments();
        let Some(yields) = block.terminator() else {
            return;
        };
        let read = operands.len().saturating_sub(results.len());
        if arguments.len() != operands.len() || yields.operands().len() != results.len() {
            return;
        }
        for (at, (operand, argument)) in operands.iter().zip(&arguments).enumerate() {
            if !is_wide(*argument) {
                continue;
            }
            let Some(written) = at.checked_sub(read) else {
                if self.comes_narrow(*operand) {
                    self.reads_narrow(op, [at]);
                    self.values.insert(*argument);
                }
                continue;
            };
            let (result, value) = (results[written], yields.operand(written));
            let all = [*operand, *argument, result].into_iter().chain(value);
            if all.into_iter().all(|value| self.fits(value)) {
                self.reads_narrow(op, [at]);
                self.reads_narrow(yields, [written]);
                self.values.extend([*argument, result]);
            }
        }
    }
}

/// Whether the value is an i64, or a tensor of them.
fn is_wide(value: Value<'_>) -> bool {
    let r#type = value.r#type();
    let element = r#type.element();
    element.is_integer()
        && element.bit_width() == Some(64)
        && (!r#type.is_tensor() || r#type.shape().is_some())
}

/// Whether the operation is made once more, with another type, where that is read.
fn is_made_anew_by(op: Op<'_>) -> bool {
    op.is("tensor.empty") || op.is("arith.constant") && integers(op).is_some()
}

fn is_made_anew(value: Value<'_>) -> bool {
    value.defining_op().is_some_and(is_made_anew_by)
}

/// Whether an operation computes with its integers, rather than only move them or
/// make them indices.
fn is_arithmetic(op: Op<'_>) -> bool {
    op.is_of(&["arith", "math"])
        && !["arith.trunci", "arith.index_cast", "arith.index_castui"]
            .iter()
            .any(|name| op.is(name))
}

/// Whether a condition is only asserted, which IREE drops.
fn is_only_asserted(op: Op<'_>) -> bool {
    op.is("arith.cmpi")
        && op
            .result(0)
            .is_some_and(|value| value.uses().iter().all(|each| each.op.is("cf.assert")))
}

/// Changes types, and puts conversions where i32 and i64 meet.
struct Rewriter<'m> {
    plan: Plan<'m>,
    i32: Type<'m>,
    i64: Type<'m>,
    /// The same value in the other type.
    converted: FxHashMap<Value<'m>, Value<'m>>,
}

impl<'m> Rewriter<'m> {
    fn rewrite(mut self, function: Op<'m>) {
        // As they were: conversions come in between.
        let ops = function.nested();
        for value in &self.plan.values {
            if let Some(narrow) = value.r#type().with_element(self.i32) {
                value.set_type(narrow);
            }
        }
        for op in &ops {
            let narrow = self.plan.ops.get(op).cloned().unwrap_or_default();
            for (at, operand) in op.operands().into_iter().enumerate() {
                let is_narrow = self.plan.values.contains(&operand);
                if is_narrow != narrow.contains(&at)
                    && let Some(other) = self.convert(operand, is_narrow)
                {
                    op.set_operand(at, other);
                }
            }
        }
        for op in ops {
            let conversion = ["arith.extsi", "arith.extui", "arith.trunci"];
            if let (true, Some(source), Some(result)) = (
                conversion.iter().any(|name| op.is(name)),
                op.operand(0),
                op.result(0),
            ) && source.r#type() == result.r#type()
            {
                result.replace_all_uses_with(source);
                op.erase();
            }
        }
        for value in self.converted.into_keys() {
            if let Some(op) = value.defining_op().filter(|op| is_made_anew_by(*op))
                && value.is_unused()
            {
                op.erase();
            }
        }
    }

    /// `value` in the other type, right behind it.
    fn convert(&mut self, value: Value<'m>, is_narrow: bool) -> Option<Value<'m>> {
        if let Some(other) = self.converted.get(&value) {
            return Some(*other);
        }
        let made = value.defining_op();
        let location = match made {
            Some(op) => op.location(),
            None => value.block_argument()?.0.parent_op()?.location(),
        };
        let element = if is_narrow { self.i64 } else { self.i32 };
        let r#type = value.r#type().with_element(element)?;
        let builder = match made.filter(|op| is_made_anew_by(*op)) {
            Some(op) if op.is("tensor.empty") => {
                OpBuilder::new(op.name(), location).operands(&op.operands())
            }
            Some(op) => {
                let values: Option<Vec<i32>> = integers(op)?
                    .into_iter()
                    .map(|value| i32::try_from(value).ok())
                    .collect();
                let constant = Attribute::of_i32(r#type, &values?)?;
                OpBuilder::new(op.name(), location).attribute("value", constant)
            }
            None => {
                let name = if is_narrow {
                    "arith.extsi"
                } else {
                    "arith.trunci"
                };
                OpBuilder::new(name, location).operands(&[value])
            }
        };
        let op = builder.results(&[r#type]).build();
        match made {
            Some(made) => made.insert_after(op),
            None => value.block_argument()?.0.prepend(op),
        }
        let other = op.result(0)?;
        self.converted.insert(value, other);
        Some(other)
    }
}
