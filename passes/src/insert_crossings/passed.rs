//! What subgraphs pass on: which results may lie where an argument does.
//!
//! IREE copies nothing where a function only gives what it was given another
//! shape: the view that it returns shows the buffer that its caller passed. So
//! that buffer is needed as long as the result is, and may not be written again
//! in the next round of a loop if the loop carries the result.

use std::collections::{BTreeSet, HashMap};

use dialects::ir::{Op, Value};

use crate::structure::inputs;

/// By function, for each result the arguments whose buffer it may lie in.
pub struct Passed(HashMap<String, Vec<BTreeSet<usize>>>);

impl Passed {
    /// Looks at outlined functions, by name, while they still have tensors at
    /// their border.
    pub fn new<'m>(outlined: &HashMap<String, Op<'m>>) -> Self {
        let of = |function: Op<'m>| {
            let body = function.blocks().first().copied();
            let arguments = body.map(|body| body.arguments()).unwrap_or_default();
            let returned = body.and_then(|body| body.terminator());
            let results = returned.map(Op::operands).unwrap_or_default();
            let sources = results
                .into_iter()
                .map(|result| sources(result, &arguments));
            sources.collect()
        };
        let functions = outlined.iter();
        Self(
            functions
                .map(|(name, function)| (name.clone(), of(*function)))
                .collect(),
        )
    }

    /// The results of `function` that may lie where argument `index` does.
    pub fn results(&self, function: &str, index: usize) -> Vec<usize> {
        let results = self.0.get(function).into_iter().flatten().enumerate();
        results
            .filter(|(_, arguments)| arguments.contains(&index))
            .map(|(result, _)| result)
            .collect()
    }
}

/// The arguments that `value` may be, in another shape.
fn sources<'m>(value: Value<'m>, arguments: &[Value<'m>]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut seen = vec![value];
    let mut next = 0;
    while let Some(value) = seen.get(next).copied() {
        next += 1;
        if let Some(index) = arguments.iter().position(|each| *each == value) {
            found.insert(index);
        } else if let Some(op) = value.defining_op().filter(|op| computes_nothing(*op)) {
            for input in inputs(op) {
                if input.r#type().is_tensor() && !seen.contains(&input) {
                    seen.push(input);
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
