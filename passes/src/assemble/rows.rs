//! Computes a forward pass only where its logits are read.
//!
//! A loop that reads the logits of a few positions needs, of every operation
//! above them, only those positions, as far up as each position is computed
//! by itself: through the head, the norms, the last layer's MLP and its
//! queries, down to where attention mixes positions (its keys and values stay
//! whole). That an operation computes positions apart from each other is read
//! off its indexing maps: the dimension is a parallel loop of its own, in the
//! results and in every operand that has it at all.
//!
//! What is read elsewhere in full stays whole and is sliced where it is read,
//! so that nothing is computed twice.

use std::collections::{HashMap, HashSet};

use dialects::build::OpBuilder;
use dialects::ir::{Attribute, Op, Type, Value};
use dialects::vocabulary::GLOBAL_LOAD;
use dialects::{Module, Place};

use super::rowwise::{self, Rule};
use crate::estimate_costs::count::work;
use crate::structure::inputs;

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Operations of arithmetic in one pass, before and after.
    pub flops: (u64, u64),
    /// Bytes of the intermediate results of one pass before and after.
    pub bytes: (u64, u64),
    /// The operations that mix positions and so stay whole, each with where
    /// it stands: why the slice did not move further up.
    pub stopped_at: Vec<(String, Option<Place>)>,
    /// Whether at least the operation that makes the logits was cut.
    pub head_cut: bool,
}

/// What is read of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// Only some positions along this dimension.
    Rows(usize),
    /// All of it.
    Whole,
}

/// Gives `function` (one block, one result of the form [1,S,V]) one more
/// argument, the first position to compute, and cuts its result to `count`
/// positions from there.
pub fn keep_rows<'m>(module: &'m Module<'_>, function: Op<'m>, count: u64) -> Outcome {
    let module: &'m Module<'m> = module;
    let mut outcome = Outcome::default();
    let Some(body) = function.blocks().first().copied() else {
        return outcome;
    };
    let Some((terminator, logits)) = body.terminator().and_then(|op| Some((op, op.operand(0)?)))
    else {
        return outcome;
    };
    let index = Type::index(module.session());
    let ops: Vec<Op> = body
        .ops()
        .into_iter()
        .filter(|op| *op != terminator)
        .collect();
    let before = measure(&ops, &HashSet::new());
    let first = body.add_argument(index, function.location());

    let cuts = plan(&ops, logits, &mut outcome);
    let mut cutter = Cutter {
        module,
        first,
        count,
        done: HashMap::new(),
    };
    for (op, rule) in &cuts {
        cutter.cut(*op, rule);
    }
    let row = cutter.rows_of(logits, 1, terminator);
    terminator.set_operand(0, row);
    outcome.head_cut = logits
        .defining_op()
        .is_some_and(|op| cuts.iter().any(|(cut, _)| *cut == op));

    let needed = reachable(row);
    let all: Vec<Op> = body
        .ops()
        .into_iter()
        .filter(|op| *op != terminator)
        .collect();
    let dead: HashSet<Op> = all
        .iter()
        .copied()
        .filter(|op| !needed.contains(op))
        .collect();
    let after = measure(&all, &dead);
    outcome.flops = (before.0, after.0);
    outcome.bytes = (before.1, after.1);
    // What is said of arguments and results one by one no longer fits, and is
    // of the interface, which this function is none of any more.
    function.remove_attribute("arg_attrs");
    function.remove_attribute("res_attrs");
    let inputs: Vec<Type> = body.arguments().into_iter().map(Value::r#type).collect();
    function.set_attribute(
        "function_type",
        Attribute::of_type(Type::function(module.session(), &inputs, &[row.r#type()])),
    );
    outcome
}

/// Which operations are cut, in program order, and how.
fn plan<'m>(ops: &[Op<'m>], logits: Value<'m>, outcome: &mut Outcome) -> Vec<(Op<'m>, Rule)> {
    let mut demands: HashMap<Value, Demand> = HashMap::from([(logits, Demand::Rows(1))]);
    let mut cuts = Vec::new();
    // Users come after what they use, so that all demands on an operation are
    // known when it is reached.
    for op in ops.iter().rev() {
        let results: Vec<Option<Demand>> = op
            .results()
            .into_iter()
            .map(|result| demands.get(&result).copied())
            .collect();
        if results.iter().all(Option::is_none) {
            continue;
        }
        let rows: Option<Vec<Option<usize>>> = results
            .iter()
            .map(|demand| match demand {
                None => Some(None),
                Some(Demand::Rows(dimension)) => Some(Some(*dimension)),
                Some(Demand::Whole) => None,
            })
            .collect();
        let rule = rows.as_ref().and_then(|rows| rowwise::rule(*op, rows));
        let holds_data = op.is(GLOBAL_LOAD) || op.is("arith.constant");
        if rows.is_some() && rule.is_none() && !holds_data {
            outcome
                .stopped_at
                .push((op.name().to_owned(), op.location().place()));
        }
        let operands = op.operands();
        for value in inputs(*op) {
            // What a region captures is read in full.
            let mut demand = None;
            for (at, operand) in operands.iter().enumerate() {
                if *operand == value {
                    let one = match rule.as_ref().and_then(|rule| rule.operands[at]) {
                        Some(dimension) => Demand::Rows(dimension),
                        None => Demand::Whole,
                    };
                    demand = Some(join(demand, one));
                }
            }
            let demand = demand.unwrap_or(Demand::Whole);
            let known = demands.get(&value).copied();
            demands.insert(value, join(known, demand));
        }
        if let Some(rule) = rule {
            cuts.push((*op, rule));
        }
    }
    cuts.reverse();
    cuts
}

fn join(known: Option<Demand>, more: Demand) -> Demand {
    match known {
        Some(known) if known != more => Demand::Whole,
        _ => more,
    }
}

struct Cutter<'m> {
    module: &'m Module<'m>,
    first: Value<'m>,
    count: u64,
    /// By value and dimension: the same value cut to the rows.
    done: HashMap<(Value<'m>, usize), Value<'m>>,
}

impl<'m> Cutter<'m> {
    /// Puts a copy of `op` that computes the rows alone behind it.
    fn cut(&mut self, op: Op<'m>, rule: &Rule) {
        let mut operands = op.operands();
        for (operand, dimension) in operands.iter_mut().zip(&rule.operands) {
            if let Some(dimension) = dimension {
                *operand = self.rows_of(*operand, *dimension, op);
            }
        }
        let copy = op.duplicate();
        op.insert_before(copy);
        copy.set_operands(&operands);
        for (result, dimension) in op.results().into_iter().zip(&rule.results) {
            let Some(at) = result.result_index() else {
                continue;
            };
            let cut = copy.results()[at];
            if let Some(dimension) = dimension {
                cut.set_type(self.cut_type(result.r#type(), *dimension));
                self.done.insert((result, *dimension), cut);
            }
        }
        rowwise::adjust_attributes(self.module, copy, rule, self.count);
    }

    /// The rows of `value` along `dimension`, made before `user` if need be.
    fn rows_of(&mut self, value: Value<'m>, dimension: usize, user: Op<'m>) -> Value<'m> {
        if let Some(done) = self.done.get(&(value, dimension)) {
            return *done;
        }
        // What only makes room is made anew: a slice of it would be a copy.
        if let Some(op) = value.defining_op()
            && (op.is("tensor.empty") || op.is("linalg.fill"))
            && let Some(rule) = rowwise::rule(op, &[Some(dimension)])
        {
            self.cut(op, &rule);
            if let Some(done) = self.done.get(&(value, dimension)) {
                return *done;
            }
        }
        let sizes: Vec<i64> = value
            .r#type()
            .shape()
            .unwrap_or_default()
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect();
        let mut offsets = vec![0; sizes.len()];
        offsets[dimension] = DYNAMIC;
        let mut kept = sizes;
        kept[dimension] = i64::try_from(self.count).unwrap_or(i64::MAX);
        let session = self.module.session();
        let slice = OpBuilder::new("tensor.extract_slice", user.location())
            .operands(&[value, self.first])
            .results(&[self.cut_type(value.r#type(), dimension)])
            .attribute("static_offsets", Attribute::i64_array(session, &offsets))
            .attribute("static_sizes", Attribute::i64_array(session, &kept))
            .attribute(
                "static_strides",
                Attribute::i64_array(session, &vec![1; kept.len()]),
            )
            .attribute(
                "operandSegmentSizes",
                Attribute::i32_array(session, &[1, 1, 0, 0]),
            )
            .build();
        // Behind what defines it, so that every later user finds it defined.
        match value.defining_op() {
            Some(op) => op.insert_after(slice),
            None => match self.first.block().map(|block| block.ops()) {
                Some(ops) if !ops.is_empty() => ops[0].insert_before(slice),
                _ => user.insert_before(slice),
            },
        }
        let rows = slice.results()[0];
        self.done.insert((value, dimension), rows);
        rows
    }

    fn cut_type(&self, whole: Type<'m>, dimension: usize) -> Type<'m> {
        rowwise::with_size(whole, dimension, self.count)
    }
}

/// MLIR's mark for a size or offset that is an operand.
const DYNAMIC: i64 = i64::MIN;

/// The operations behind `value`.
fn reachable(value: Value<'_>) -> HashSet<Op<'_>> {
    let mut seen = HashSet::new();
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        if let Some(op) = value.defining_op()
            && seen.insert(op)
        {
            pending.extend(inputs(op));
        }
    }
    seen
}

/// Arithmetic operations, and bytes of what they are the results of.
fn measure(ops: &[Op<'_>], without: &HashSet<Op<'_>>) -> (u64, u64) {
    let (mut flops, mut bytes) = (0u64, 0u64);
    for op in ops.iter().filter(|op| !without.contains(op)) {
        let Some(work) = work(*op) else {
            continue;
        };
        for count in work.flops.values() {
            flops = flops.saturating_add(*count);
        }
        if !work.flops.is_empty() {
            for result in op.results() {
                // `work` has found all shapes static.
                bytes = bytes.saturating_add(result.r#type().byte_count().unwrap_or(0));
            }
        }
    }
    (flops, bytes)
}
