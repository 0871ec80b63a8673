//! What subgraphs pass on: which results may lie where an argument does.
//!
//! IREE copies nothing where a function only gives what it was given another
//! shape: the view that it returns shows the buffer that its caller passed. So
//! that buffer is needed as long as the result is, and may not be written again
//! in the next round of a loop if the loop carries the result.

use std::collections::BTreeSet;

use dialects::ir::{Block, Op, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::structure::inputs;

/// By function and argument, the results that may lie in its buffer.
pub struct Passed(FxHashMap<String, FxHashMap<usize, Vec<usize>>>);

impl Passed {
    /// Looks at outlined functions, by name, while they still have tensors at
    /// their border.
    pub fn new<'m>(outlined: &FxHashMap<String, Op<'m>>) -> Self {
        let of = |function: Op<'m>| {
            let body = function.blocks().first().copied();
            let returned = body.and_then(|body| body.terminator());
            let results = returned.map(Op::operands).unwrap_or_default();
            let mut of: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
            for (at, result) in results.into_iter().enumerate() {
                for argument in sources(result, body) {
                    of.entry(argument).or_default().push(at);
                }
            }
            of
        };
        let functions = outlined.iter();
        Self(
            functions
                .map(|(name, function)| (name.clone(), of(*function)))
                .collect(),
        )
    }

    /// The results of `function` that may lie where argument `index` does.
    pub fn results(&self, function: &str, index: usize) -> &[usize] {
        let of = self.0.get(function).and_then(|of| of.get(&index));
        of.map_or(&[], Vec::as_slice)
    }
}

/// The arguments of `body` that `value` may be, in another shape.
fn sources<'m>(value: Value<'m>, body: Option<Block<'m>>) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut seen = FxHashSet::from_iter([value]);
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        if let Some((block, index)) = value.block_argument() {
            if Some(block) == body {
                found.insert(index);
            }
        } else if let Some(op) = value.defining_op().filter(|op| computes_nothing(*op)) {
            for input in inputs(op) {
                if input.r#type().is_tensor() && seen.insert(input) {
                    pending.push(input);
                }
            }
        }
    }
    found
}

/// Whether `op` may become nothing at all: it moves elements, at most.
fn computes_nothing(op: Op<'_>) -> bool {
    op.is_of(&["tensor", "flow", "util", "hal"])
        || op.is("arith.bitcast")
        || op.is("iree_tensor_ext.bitcast")
        || op.is_of(&["linalg"]) && op.nested().iter().all(|each| each.is("linalg.yield"))
}
