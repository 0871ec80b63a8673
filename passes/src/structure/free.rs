//! What belongs to nobody: constants, weights, and what is computed from them alone.

use dialects::Module;
use dialects::ir::{Few, Op, Value, Walk};
use dialects::ops::GlobalLoad;
use dialects::vocabulary::GLOBAL_LOAD;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Distinct, global_stores, inputs, is_control_flow, is_initializing, is_pure};
use crate::effects::{Effect, Effects};

/// Decides which operations belong to nobody: constants, weights, and what is
/// computed from them alone. Such an operation is copied into every subgraph
/// that reads it instead of crossing.
#[derive(Default)]
pub struct Free<'m> {
    known: FxHashMap<Op<'m>, bool>,
    /// What [`Free::inputs`] has answered before, of operations with bodies.
    inputs: FxHashMap<Op<'m>, Few<Value<'m>>>,
    /// Globals that are written at run time, and so are no constants.
    written: FxHashSet<String>,
    effects: Effects<'m>,
}

impl<'m> Free<'m> {
    /// Looks at which globals the module writes.
    pub fn new(module: &'m Module<'_>) -> Self {
        Self {
            known: FxHashMap::default(),
            inputs: FxHashMap::default(),
            written: written_globals(module),
            effects: Effects::new(module),
        }
    }

    /// What the operation does besides computing its results.
    pub fn effect(&mut self, op: Op<'m>) -> Effect {
        self.effects.of(op)
    }

    /// As [`inputs`], remembered where a body has to be looked through: for
    /// passes that ask often and do not rewrite what they ask about.
    pub fn inputs(&mut self, op: Op<'m>) -> Few<Value<'m>> {
        // Operands alone are found faster than they are remembered.
        if op.regions().next().is_none() {
            return inputs(op);
        }
        if let Some(known) = self.inputs.get(&op) {
            return known.clone();
        }
        // From the inside out, so that none asks for one that is not known.
        let mut nested = Vec::new();
        op.walk(&mut |each| {
            let asked = each == op || is_control_flow(each) && !self.inputs.contains_key(&each);
            if asked {
                nested.push(each);
            }
            match asked && is_control_flow(each) {
                true => Walk::Into,
                false => Walk::Over,
            }
        });
        for each in nested.into_iter().rev() {
            let inputs = self.find_inputs(each);
            self.inputs.insert(each, inputs);
        }
        self.inputs.get(&op).cloned().unwrap_or_default()
    }

    /// What control flow reads is put together from what the operations in it
    /// read: of loops in one another, each would look through all those in it
    /// otherwise.
    fn find_inputs(&mut self, op: Op<'m>) -> Few<Value<'m>> {
        if !is_control_flow(op) {
            return inputs(op);
        }
        let mut read = Distinct::default();
        read.extend(op.operands());
        let own = op.blocks();
        for block in &own {
            for nested in block.ops() {
                let inputs = self.inputs(nested).into_iter();
                read.extend(inputs.filter(|value| {
                    let block = value.block();
                    block.is_none_or(|block| !own.contains(&block))
                }));
            }
        }
        read.values
    }

    /// Whether `value` is the result of an operation that belongs to nobody.
    pub fn is_free_value(&mut self, value: Value<'m>) -> bool {
        value.defining_op().is_some_and(|op| self.is_free(op))
    }

    /// Whether `op` belongs to nobody.
    pub fn is_free(&mut self, op: Op<'m>) -> bool {
        /// How far an operation was asked about.
        enum Asked {
            Nothing,
            Operands,
            /// What its regions read, too.
            Inputs,
        }
        if let Some(known) = self.known.get(&op) {
            return *known;
        }
        // What it depends on comes above it: chains of operations may be long.
        let mut pending = vec![(op, Asked::Nothing)];
        while let Some((op, asked)) = pending.pop() {
            let (next, values) = match asked {
                Asked::Nothing => {
                    if self.known.contains_key(&op) {
                        continue;
                    }
                    let source = self.is_free_source(op);
                    // Until its operands are known it is taken for no free one.
                    self.known.insert(op, source.unwrap_or(false));
                    if source.is_some() {
                        continue;
                    }
                    // Operands first: they tell most of it, and bodies are long.
                    (Asked::Operands, op.operands())
                }
                Asked::Operands => match self.all_known_free(&op.operands()) {
                    true if op.regions().next().is_some() => (Asked::Inputs, self.inputs(op)),
                    all => {
                        let free = all && self.effects.of(op).is_none();
                        self.known.insert(op, free);
                        continue;
                    }
                },
                Asked::Inputs => {
                    let inputs = self.inputs(op);
                    let free = self.all_known_free(&inputs) && self.effects.of(op).is_none();
                    self.known.insert(op, free);
                    continue;
                }
            };
            pending.push((op, next));
            let makers = values.into_iter().filter_map(Value::defining_op);
            for maker in makers {
                match self.known.get(&maker) {
                    Some(true) => {}
                    // One is enough, and is not waited for by the others.
                    Some(false) => break,
                    None => pending.push((maker, Asked::Nothing)),
                }
            }
        }
        self.known.get(&op).copied().unwrap_or(false)
    }

    /// Whether `op` belongs to nobody, where it alone tells.
    fn is_free_source(&self, op: Op<'m>) -> Option<bool> {
        if let Some(load) = GlobalLoad::of(op) {
            let global = load.global();
            return Some(global.is_none_or(|name| !self.written.contains(name)));
        }
        if is_source(op) {
            return Some(true);
        }
        // A scalar read from a tensor is a wait; it happens once, where it stands.
        let may_be = is_pure(op) && !op.results().is_empty() && !op.is("tensor.extract");
        (!may_be).then_some(false)
    }

    /// Whether operations that were found to belong to nobody make all of `values`.
    fn all_known_free(&self, values: &[Value<'m>]) -> bool {
        let mut makers = values.iter().map(|value| value.defining_op());
        makers.all(|maker| maker.is_some_and(|op| self.known.get(&op) == Some(&true)))
    }
}

/// The names of the globals that operations write while the module runs.
/// Initializers have run before any function does.
fn written_globals(module: &Module<'_>) -> FxHashSet<String> {
    let stores = global_stores(module).filter(|store| !is_initializing(store.op()));
    stores
        .filter_map(|store| Some(store.global()?.to_owned()))
        .collect()
}

/// Whether the operation only names data that is there from the start: a
/// constant, an empty tensor, a weight.
fn is_source(op: Op<'_>) -> bool {
    if op.is(GLOBAL_LOAD) {
        return true;
    }
    op.is("arith.constant") || op.is("tensor.empty") && op.operands().is_empty()
}
