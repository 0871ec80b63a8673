//! What belongs to nobody: constants, weights, and what is computed from them alone.

use dialects::Module;
use dialects::ir::{Few, Op, Value};
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
        if !op.has_regions() {
            return inputs(op);
        }
        if let Some(known) = self.inputs.get(&op) {
            return known.clone();
        }
        let mut pending = vec![op];
        while let Some(holder) = pending.last().copied() {
            match self.find_inputs(holder) {
                Ok(found) => {
                    self.inputs.insert(holder, found);
                    pending.pop();
                }
                Err(inner) => pending.extend(inner),
            }
        }
        self.inputs.get(&op).cloned().unwrap_or_default()
    }

    /// What control flow reads is put together from what the operations in it
    /// read: of loops in one another, each would look through all those in it
    /// otherwise. The operations in it of which that is not known are the answer where
    /// there are any.
    fn find_inputs(&self, op: Op<'m>) -> Result<Few<Value<'m>>, Vec<Op<'m>>> {
        if !is_control_flow(op) {
            return Ok(inputs(op));
        }
        let mut unknown = Vec::new();
        let mut read = Distinct::default();
        read.extend(op.operands());
        let own = op.blocks();
        let is_outside = |value: &Value<'m>| {
            let block = value.block();
            block.is_none_or(|block| !own.contains(&block))
        };
        for nested in own.iter().flat_map(|block| block.ops()) {
            if !nested.has_regions() {
                read.extend(nested.operands().into_iter().filter(is_outside));
            } else if let Some(known) = self.inputs.get(&nested) {
                read.extend(known.iter().copied().filter(is_outside));
            } else {
                unknown.push(nested);
            }
        }
        match unknown.is_empty() {
            true => Ok(read.values),
            false => Err(unknown),
        }
    }

    /// Whether `value` is the result of an operation that belongs to nobody.
    pub fn is_free_value(&mut self, value: Value<'m>) -> bool {
        value.defining_op().is_some_and(|op| self.is_free(op))
    }

    /// Whether `op` belongs to nobody.
    pub fn is_free(&mut self, op: Op<'m>) -> bool {
        if let Some(known) = self.known.get(&op) {
            return *known;
        }
        // As a rule, all that it depends on is known.
        if let Ok(free) = self.decide(op) {
            self.known.insert(op, free);
            return free;
        }
        // What an operation depends on comes above it: chains of them may be long.
        let mut pending = vec![op];
        let mut asked: FxHashSet<Op<'m>> = FxHashSet::default();
        while let Some(op) = pending.last().copied() {
            let free = match self.decide(op) {
                Ok(free) => free,
                // What depends on itself, where nothing leads to it, is nobody's either.
                Err(unknown) if unknown.iter().any(|maker| asked.contains(maker)) => false,
                Err(unknown) => {
                    asked.insert(op);
                    pending.extend(unknown);
                    continue;
                }
            };
            self.known.insert(op, free);
            pending.pop();
        }
        self.known.get(&op).copied().unwrap_or(false)
    }

    /// Whether `op` belongs to nobody; where that is not known of what it reads, these
    /// operations are the answer.
    fn decide(&mut self, op: Op<'m>) -> Result<bool, Vec<Op<'m>>> {
        if let Some(source) = self.is_free_source(op) {
            return Ok(source);
        }
        // Operands first: they tell most of it, and bodies are long.
        if !self.all_free(&op.operands())? {
            return Ok(false);
        }
        if op.has_regions() {
            let inputs = self.inputs(op);
            if !self.all_free(&inputs)? {
                return Ok(false);
            }
        }
        Ok(self.effects.of(op).is_none())
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

    /// Whether operations that belong to nobody make all of `values`; where that is not
    /// known of some, and the others do, these are the answer.
    fn all_free(&self, values: &[Value<'m>]) -> Result<bool, Vec<Op<'m>>> {
        let mut unknown = Vec::new();
        for value in values {
            let Some(maker) = value.defining_op() else {
                return Ok(false);
            };
            match self.known.get(&maker) {
                Some(true) => {}
                Some(false) => return Ok(false),
                None => unknown.push(maker),
            }
        }
        match unknown.is_empty() {
            true => Ok(true),
            false => Err(unknown),
        }
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
