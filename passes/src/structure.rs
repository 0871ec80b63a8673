//! How a lowered module is built: functions, control flow, and the operations
//! that compute, with the values that flow between them.
//!
//! Two kinds of operation matter to placement. *Control flow* holds blocks
//! that run some number of times and stays where it is. *Leaves* compute (a
//! `linalg.generic` is one, whatever its region says) and are grouped by role.

use dialects::ir::{Block, Few, Op, Value, Walk};
use dialects::ops::{Global, GlobalStore};
use dialects::vocabulary::{FUNC, GLOBAL, INITIALIZER, UTIL_FUNC};
use dialects::{Diagnostic, Module};
use rustc_hash::{FxHashMap, FxHashSet};

mod free;
#[cfg(test)]
mod tests;

pub use free::Free;

/// Whether the operation is a function of either kind.
pub fn is_function(op: Op<'_>) -> bool {
    op.is(FUNC) || op.is(UTIL_FUNC)
}

/// The functions with a body.
pub fn functions<'m>(module: &'m Module<'_>) -> Vec<Op<'m>> {
    module
        .body()
        .ops()
        .into_iter()
        .filter(|op| is_function(*op) && op.has_body())
        .collect()
}

/// The global of this name.
pub fn global<'m>(module: &'m Module<'_>, name: &str) -> Option<Global<'m>> {
    let mut ops = module.body().ops().into_iter();
    ops.find(|op| op.is_symbol(name) && op.is(GLOBAL))
        .and_then(Global::of)
}

/// All globals by name, where more than one or two are looked up.
pub fn globals<'m>(module: &'m Module<'_>) -> FxHashMap<&'m str, Global<'m>> {
    let ops = module.body().ops().into_iter();
    ops.filter_map(Global::of)
        .map(|global| (global.name(), global))
        .collect()
}

/// Whether the operation holds control flow rather than a computation.
pub fn is_control_flow(op: Op<'_>) -> bool {
    op.is_of(&["scf"]) && op.has_body()
}

/// Whether it runs one of its blocks, and none of the others.
pub fn is_choice(op: Op<'_>) -> bool {
    op.is("scf.if") || op.is("scf.index_switch")
}

/// Whether it ends a block of control flow, and hands its operands on without
/// looking at them.
pub fn hands_on(op: Op<'_>) -> bool {
    op.is("scf.yield") || op.is("scf.condition")
}

/// The blocks of a function in which operations are placed, its own and those
/// of the control flow in them, outside in, with their operations.
pub fn placed(function: Op<'_>) -> Vec<(Block<'_>, Vec<Op<'_>>)> {
    let mut placed = Vec::new();
    let mut pending = function.blocks().into_vec();
    pending.reverse();
    while let Some(block) = pending.pop() {
        let ops = block.ops();
        for op in ops.iter().rev() {
            if is_control_flow(*op) {
                pending.extend(op.blocks().into_iter().rev());
            }
        }
        placed.push((block, ops));
    }
    placed
}

/// The blocks of [`placed`]: for passes that change what is in them.
pub fn placed_blocks(function: Op<'_>) -> Vec<Block<'_>> {
    let blocks = placed(function).into_iter();
    blocks.map(|(block, _)| block).collect()
}

/// The operations of [`placed`].
pub fn placed_ops(function: Op<'_>) -> impl Iterator<Item = Op<'_>> {
    placed(function).into_iter().flat_map(|(_, ops)| ops)
}

/// Which dimensions of the finer shape each dimension of the coarser one is made of,
/// in `tensor.expand_shape` or `tensor.collapse_shape`.
pub fn reassociation(op: Op<'_>) -> Option<Vec<Vec<usize>>> {
    Some(
        op.attribute("reassociation")?
            .elements()
            .into_iter()
            .map(|group| {
                group
                    .elements()
                    .into_iter()
                    .filter_map(|each| usize::try_from(each.as_integer()?).ok())
                    .collect()
            })
            .collect(),
    )
}

/// What an operation reads.
pub struct Reads<'m> {
    /// Its operands, and what its regions capture from outside it. Each once,
    /// in order of first use.
    pub values: Few<Value<'m>>,
    /// Whether its regions capture anything, be it an operand too.
    pub captures: bool,
}

/// What an operation reads.
pub fn reads(op: Op<'_>) -> Reads<'_> {
    let mut values = Distinct::default();
    values.extend(op.operands());
    let captured = captured(op);
    let captures = !captured.is_empty();
    values.extend(captured);
    Reads {
        values: values.values,
        captures,
    }
}

/// What the regions of an operation read from outside it, in order of first
/// use.
fn captured(op: Op<'_>) -> Few<Value<'_>> {
    let mut captured = Distinct::default();
    if op.regions().next().is_none() {
        return captured.values;
    }
    let mut inside: FxHashSet<Block> = op.blocks().into_iter().collect();
    op.walk(&mut |nested| {
        if nested != op {
            inside.extend(nested.blocks());
            let read = nested.operands().into_iter();
            // What comes to life inside does so before it is read.
            captured.extend(read.filter(|value| {
                let block = value.block();
                block.is_none_or(|block| !inside.contains(&block))
            }));
        }
        Walk::Into
    });
    captured.values
}

/// Values, each once, in order.
#[derive(Default)]
struct Distinct<'m> {
    values: Few<Value<'m>>,
    /// The same, where they are many: of few a set costs more than it saves.
    seen: FxHashSet<Value<'m>>,
}

impl<'m> Distinct<'m> {
    fn extend(&mut self, values: impl IntoIterator<Item = Value<'m>>) {
        const MANY: usize = 16;
        for value in values {
            if self.values.len() < MANY {
                if !self.values.contains(&value) {
                    self.values.push(value);
                }
                continue;
            }
            if self.seen.is_empty() {
                self.seen.extend(self.values.iter().copied());
            }
            if self.seen.insert(value) {
                self.values.push(value);
            }
        }
    }
}

/// What the control flow of a function captures: of each operation with blocks
/// of [`placed`], the values that these read from outside it, as they were
/// before anything was rewritten.
pub fn captures<'m>(function: Op<'m>) -> FxHashMap<Op<'m>, Few<Value<'m>>> {
    let mut captures: FxHashMap<Op, Distinct> = FxHashMap::default();
    // From the inside out: what an operation captures is what those in it read,
    // but for what comes to life in its own blocks.
    for (block, ops) in placed(function).into_iter().rev() {
        let Some(holder) = block.parent_op().filter(|op| is_control_flow(*op)) else {
            continue;
        };
        let mut read = Distinct::default();
        for op in ops {
            if is_control_flow(op) {
                read.extend(op.operands());
                read.extend(
                    captures
                        .get(&op)
                        .into_iter()
                        .flat_map(|each| each.values.clone()),
                );
            } else {
                read.extend(inputs(op));
            }
        }
        let own = holder.blocks();
        let outside = |value: &Value| value.block().is_none_or(|block| !own.contains(&block));
        let captured = captures.entry(holder).or_default();
        captured.extend(read.values.into_iter().filter(outside));
    }
    let each = captures.into_iter();
    each.map(|(op, captured)| (op, captured.values)).collect()
}

/// The values that an operation reads, as [`Reads::values`].
pub fn inputs(op: Op<'_>) -> Few<Value<'_>> {
    reads(op).values
}

/// Pairs of values that are one and the same at run time because control flow
/// hands the first on as the second: what enters a loop, what a round hands
/// to the next, what leaves a branch.
pub fn carried<'m>(op: Op<'m>) -> Vec<(Value<'m>, Value<'m>)> {
    let blocks = op.blocks();
    let results = op.results();
    let pair = |from: &[Value<'m>], to: &[Value<'m>]| -> Vec<(Value<'m>, Value<'m>)> {
        from.iter().copied().zip(to.iter().copied()).collect()
    };
    let yielded = |block: &Block<'m>| -> Few<Value<'m>> {
        block.terminator().map(Op::operands).unwrap_or_default()
    };
    let mut pairs = Vec::new();
    match (op.name(), blocks.as_slice()) {
        ("scf.while", [before, after]) => {
            pairs.extend(pair(&op.operands(), &before.arguments()));
            let condition = yielded(before);
            let passed = condition.get(1..).unwrap_or_default();
            pairs.extend(pair(passed, &after.arguments()));
            pairs.extend(pair(passed, &results));
            pairs.extend(pair(&yielded(after), &before.arguments()));
        }
        ("scf.for", [body]) => {
            // Lower bound, upper bound and step come first; so does the
            // induction variable among the block's arguments.
            let initial = op.operands();
            let initial = initial.get(3..).unwrap_or_default();
            let arguments = body.arguments();
            let arguments = arguments.get(1..).unwrap_or_default();
            pairs.extend(pair(initial, arguments));
            pairs.extend(pair(initial, &results));
            pairs.extend(pair(&yielded(body), arguments));
            pairs.extend(pair(&yielded(body), &results));
        }
        (_, blocks) => {
            for block in blocks {
                pairs.extend(pair(&yielded(block), &results));
            }
        }
    }
    pairs
}

/// What operations have from those that hold them, found from the outside in,
/// and for each holder once: of a thousand loops in one another not every
/// operation looks through all those around it.
pub struct Inherited<'m, T, F> {
    found: FxHashMap<Op<'m>, T>,
    outermost: T,
    step: F,
}

impl<'m, T: Copy, F: Fn(Op<'m>, T) -> T> Inherited<'m, T, F> {
    /// `step` makes of an operation, and of what its holder has, what it has
    /// itself; what nothing holds has `outermost` from outside.
    pub fn new(outermost: T, step: F) -> Self {
        Self {
            found: FxHashMap::default(),
            outermost,
            step,
        }
    }

    /// What `op` has from its holder.
    pub fn around(&mut self, op: Op<'m>) -> T {
        let mut unknown = Vec::new();
        let mut has = self.outermost;
        let mut next = op.parent();
        while let Some(holder) = next {
            if let Some(found) = self.found.get(&holder) {
                has = *found;
                break;
            }
            unknown.push(holder);
            next = holder.parent();
        }
        for holder in unknown.into_iter().rev() {
            has = (self.step)(holder, has);
            self.found.insert(holder, has);
        }
        has
    }
}

/// The operations of a module, but for those in the bodies of computations:
/// of a lowered module a third, and what stores, waits or marks is among them.
pub fn outer_ops<'m>(module: &'m Module<'_>) -> Vec<Op<'m>> {
    let mut ops = Vec::new();
    module.op().walk(&mut |op| {
        ops.push(op);
        // Names are compared only where there is something to leave out.
        let computes = op.regions().next().is_some() && is_pure(op);
        if computes { Walk::Over } else { Walk::Into }
    });
    ops
}

/// The operations that write globals. Whether a global is mutable tells nothing
/// of it: IREE's verifier takes writes to those that are not.
pub fn global_stores<'m>(module: &'m Module<'_>) -> impl Iterator<Item = GlobalStore<'m>> {
    let ops = outer_ops(module).into_iter();
    ops.filter_map(GlobalStore::of)
}

/// Whether the operation runs when the module is loaded, in an initializer.
pub fn is_initializing(op: Op<'_>) -> bool {
    std::iter::successors(op.parent(), |op| op.parent()).any(|op| op.is(INITIALIZER))
}

/// Whether the operation is a leaf of a dialect that only computes. Its body
/// may yet read state: what it does is for [`Effects`] to say.
pub fn is_pure(op: Op<'_>) -> bool {
    const PURE: [&str; 8] = [
        "arith",
        "math",
        "linalg",
        "tensor",
        "iree_linalg_ext",
        "complex",
        "shape",
        "affine",
    ];
    op.is_of(&PURE) || op.is("iree_tensor_ext.bitcast")
}

/// Whether the operation takes part in grouping: a leaf that computes a tensor.
pub fn is_groupable(op: Op<'_>) -> bool {
    is_pure(op)
        && !op.results().is_empty()
        && op.results().iter().all(|value| value.r#type().is_tensor())
}

/// What about a value decides how it can cross.
///
/// # Errors
///
/// A value whose size is not known: a dynamic shape, elements that have no place in
/// a buffer.
pub fn parcel_of(
    value: Value<'_>,
    carried: bool,
) -> Result<cost::crossing::Parcel, Box<Diagnostic>> {
    let tensor = value.r#type();
    let element = tensor.element();
    let (Some(bytes), Some(elements)) = (tensor.byte_count(), tensor.element_count()) else {
        let op = value.defining_op();
        let op = op.or_else(|| value.block()?.parent_op());
        let error = Diagnostic::error(format!(
            "a value that passes from one part to another has no size that is known here: {tensor}"
        ))
        .help("export the module with fixed shapes, and pass integers of 8 to 64 bits or floats");
        return Err(Box::new(match op {
            Some(op) => error.at(op.location().place()).offending(op.summary()),
            None => error,
        }));
    };
    Ok(cost::crossing::Parcel {
        bytes,
        elements,
        integer: element.is_integer() && matches!(element.bit_width(), Some(1 | 8 | 16 | 32 | 64)),
        carried,
    })
}
