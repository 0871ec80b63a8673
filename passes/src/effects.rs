//! What operations do besides computing their results, and the order that
//! follows from it.
//!
//! A module keeps state in globals, and the order in which it reads and writes
//! them is its meaning. The effect of an operation is that of everything it
//! runs: of its regions, and of the functions that it calls. What is not known
//! to leave state alone may do anything.

use std::collections::{BTreeSet, VecDeque};

use dialects::Module;
use dialects::ir::{Block, Op, Walk};
use dialects::ops::{Call, global_of};
use dialects::vocabulary::{GLOBAL_LOAD, GLOBAL_STORE, INITIALIZER, TRANSFER};
use rustc_hash::FxHashMap;

use crate::structure::{functions, is_pure};

/// A global that operations write while the module runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resource(usize);

/// What an operation does besides computing its results. Reading a global that
/// nothing writes is no effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    anything: bool,
    reads: BTreeSet<Resource>,
    writes: BTreeSet<Resource>,
}

impl Effect {
    /// Of what may do anything.
    pub fn anything() -> Self {
        Self {
            anything: true,
            ..Self::default()
        }
    }

    /// Of what reads a resource.
    pub fn reads(resource: Resource) -> Self {
        Self {
            reads: BTreeSet::from([resource]),
            ..Self::default()
        }
    }

    /// Of what writes a resource.
    pub fn writes(resource: Resource) -> Self {
        Self {
            writes: BTreeSet::from([resource]),
            ..Self::default()
        }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        !self.anything && self.reads.is_empty() && self.writes.is_empty()
    }

    /// Whether it can be left out where nobody reads its results.
    pub fn leaves_no_trace(&self) -> bool {
        !self.anything && self.writes.is_empty()
    }

    /// Adds what another operation does; says whether that was more.
    fn join(&mut self, other: &Self) -> bool {
        // Whatever comes to anything adds nothing.
        if self.anything {
            return false;
        }
        if other.anything {
            *self = Self::anything();
            return true;
        }
        let before = self.reads.len() + self.writes.len();
        self.reads.extend(&other.reads);
        self.writes.extend(&other.writes);
        self.reads.len() + self.writes.len() > before
    }
}

/// The effects of a module's operations, as they were when it was looked at:
/// passes that move operations may go on asking about those that were there.
#[derive(Default)]
pub struct Effects<'m> {
    /// The globals that are written while the module runs.
    written: FxHashMap<String, Resource>,
    /// What functions with a body do, where anything calls one.
    functions: FxHashMap<String, Effect>,
    /// What operations with regions do.
    known: FxHashMap<Op<'m>, Effect>,
}

impl<'m> Effects<'m> {
    /// Looks at what the module writes and calls.
    pub fn new(module: &'m Module<'_>) -> Self {
        let mut effects = Self::default();
        let mut calls = false;
        module.op().walk(&mut |op| {
            // Initializers have run before any function does.
            if op.is(INITIALIZER) {
                return Walk::Over;
            }
            calls |= Call::of(op).is_some();
            // What is behind an address may be written through it.
            if (op.is(GLOBAL_STORE) || op.is("util.global.address"))
                && let Some(name) = global_of(op)
            {
                let next = Resource(effects.written.len());
                effects.written.entry(name.to_owned()).or_insert(next);
            }
            Walk::Into
        });
        if calls {
            effects.follow_calls(module);
        }
        effects
    }

    /// What the operation does, with all that it runs.
    pub fn of(&mut self, op: Op<'m>) -> Effect {
        if !op.has_regions() {
            return self.own(op);
        }
        if let Some(known) = self.known.get(&op) {
            return known.clone();
        }
        let mut pending = vec![op];
        while let Some(holder) = pending.last().copied() {
            match self.put_together(holder) {
                Ok(effect) => {
                    self.known.insert(holder, effect);
                    pending.pop();
                }
                Err(inner) => pending.extend(inner),
            }
        }
        self.known
            .get(&op)
            .cloned()
            .unwrap_or_else(Effect::anything)
    }

    /// What an operation with regions does; where that is not known of operations in it,
    /// these are the answer.
    fn put_together(&self, holder: Op<'m>) -> Result<Effect, Vec<Op<'m>>> {
        let mut unknown = Vec::new();
        let mut effect = self.own(holder);
        for nested in holder.blocks().into_iter().flat_map(Block::ops) {
            if !nested.has_regions() {
                effect.join(&self.own(nested));
            } else if let Some(known) = self.known.get(&nested) {
                effect.join(known);
            } else {
                unknown.push(nested);
            }
        }
        match unknown.is_empty() {
            true => Ok(effect),
            false => Err(unknown),
        }
    }

    /// Whether something with this effect may write the global `name`.
    pub fn may_write(&self, effect: &Effect, name: &str) -> bool {
        let written = self.written.get(name);
        effect.anything || written.is_some_and(|resource| effect.writes.contains(resource))
    }

    /// What it does itself, without its regions.
    fn own(&self, op: Op<'m>) -> Effect {
        if op.is(GLOBAL_LOAD) || op.is(GLOBAL_STORE) {
            return match global_of(op).map(|name| self.written.get(name)) {
                None => Effect::anything(),
                Some(None) => Effect::default(),
                Some(Some(resource)) if op.is(GLOBAL_LOAD) => Effect::reads(*resource),
                Some(Some(resource)) => Effect::writes(*resource),
            };
        }
        if let Some(call) = Call::of(op) {
            let known = call.callee().and_then(|name| self.functions.get(name));
            return known.cloned().unwrap_or_else(Effect::anything);
        }
        if is_pure(op) && !touches_memory(op)
            || only_controls(op)
            || op.is(TRANSFER)
            || is_assertion_of_elements(op)
        {
            return Effect::default();
        }
        Effect::anything()
    }

    /// Finds what functions do, callers after callees. Functions that call each
    /// other do what any of them does.
    fn follow_calls(&mut self, module: &'m Module<'_>) {
        let bodies: Vec<(String, Op)> = functions(module)
            .into_iter()
            .filter_map(|function| Some((function.symbol_name()?, function)))
            .collect();
        self.functions = bodies
            .iter()
            .map(|(name, _)| (name.clone(), Effect::default()))
            .collect();
        let mut callers: FxHashMap<&str, Vec<&str>> = FxHashMap::default();
        for (name, function) in &bodies {
            let mut effect = Effect::default();
            function.walk(&mut |op| {
                if op == *function {
                    return Walk::Into;
                }
                let callee = Call::of(op).and_then(Call::callee);
                match callee.filter(|callee| self.functions.contains_key(*callee)) {
                    Some(callee) => callers.entry(callee).or_default().push(name),
                    None => drop(effect.join(&self.own(op))),
                }
                Walk::Into
            });
            self.functions.insert(name.clone(), effect);
        }
        let mut changed: VecDeque<&str> = bodies.iter().map(|(name, _)| name.as_str()).collect();
        while let Some(name) = changed.pop_front() {
            let Some(effect) = self.functions.get(name).filter(|each| !each.is_none()) else {
                continue;
            };
            let effect = effect.clone();
            for caller in callers.get(name).into_iter().flatten() {
                if let Some(known) = self.functions.get_mut(*caller)
                    && known.join(&effect)
                {
                    changed.push_back(caller);
                }
            }
        }
    }
}

/// Whether an operation of a dialect that computes does so in memory, and not
/// on values: what has no results then writes.
fn touches_memory(op: Op<'_>) -> bool {
    op.results().is_empty() && !op.name().ends_with("yield")
        || op.is("affine.load")
        || op.is("affine.vector_load")
}

/// Whether it only says what runs, and when.
fn only_controls(op: Op<'_>) -> bool {
    const JUMPS: [&str; 5] = [
        "func.return",
        "util.return",
        "cf.br",
        "cf.cond_br",
        "cf.switch",
    ];
    op.is_of(&["scf"]) || op.is(INITIALIZER) || JUMPS.iter().any(|name| op.is(name))
}

/// Whether a computation's body asserts something of its elements, as Torch's lookup
/// of an embedding does of each index. IREE drops it when it makes a kernel.
fn is_assertion_of_elements(op: Op<'_>) -> bool {
    op.is("cf.assert") && op.parent().is_some_and(is_pure)
}

/// What each operation of a block must come after, so that all of them read
/// what they read in the order given: told for one after the other.
#[derive(Default)]
pub struct Order {
    /// The last that may do anything.
    anything: Option<usize>,
    /// Those with effects after it.
    since: Vec<usize>,
    /// By resource, the last after it that writes, and those after that which
    /// read.
    accesses: FxHashMap<Resource, (Option<usize>, Vec<usize>)>,
}

impl Order {
    /// The earlier operations that one at `at` with this effect must come
    /// after, but for those which follow from others.
    pub fn before(&mut self, at: usize, effect: &Effect) -> Vec<usize> {
        let mut before = Vec::new();
        if effect.is_none() {
            return before;
        }
        before.extend(self.anything);
        if effect.anything {
            before.append(&mut self.since);
            self.accesses.clear();
            self.anything = Some(at);
            return before;
        }
        self.since.push(at);
        for resource in &effect.writes {
            let (writer, readers) = self.accesses.entry(*resource).or_default();
            before.extend(writer.replace(at));
            before.append(readers);
        }
        for resource in effect.reads.difference(&effect.writes) {
            let (writer, readers) = self.accesses.entry(*resource).or_default();
            before.extend(*writer);
            readers.push(at);
        }
        before
    }
}

#[cfg(test)]
mod tests {
    use dialects::OwnedModule;

    use super::*;

    const STATE: Resource = Resource(0);
    const OTHER: Resource = Resource(1);

    fn orders(effects: &[Effect]) -> Vec<Vec<usize>> {
        let mut order = Order::default();
        let told = effects.iter().enumerate();
        told.map(|(at, effect)| order.before(at, effect)).collect()
    }

    #[test]
    fn reads_of_one_resource_may_change_places() {
        let effects = [
            Effect::writes(STATE),
            Effect::reads(STATE),
            Effect::reads(STATE),
            Effect::writes(STATE),
        ];
        assert_eq!(orders(&effects), [vec![], vec![0], vec![0], vec![0, 1, 2]]);
    }

    #[test]
    fn resources_have_nothing_to_do_with_each_other() {
        let effects = [
            Effect::writes(STATE),
            Effect::writes(OTHER),
            Effect::default(),
            Effect::reads(STATE),
        ];
        assert_eq!(orders(&effects), [vec![], vec![], vec![], vec![0]]);
    }

    #[test]
    fn what_may_do_anything_stays_between_what_has_effects() {
        let effects = [
            Effect::reads(STATE),
            Effect::anything(),
            Effect::reads(STATE),
            Effect::default(),
            Effect::anything(),
        ];
        assert_eq!(
            orders(&effects),
            [vec![], vec![0], vec![1], vec![], vec![1, 2]]
        );
    }

    #[test]
    fn lookups_with_asserted_indices_have_no_effect() {
        let lookup = "\
#row = affine_map<(d0) -> (d0)>
func.func @lookup(%ids: tensor<4xi64>, %table: tensor<8xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %c8 = arith.constant 8 : index
  %r = linalg.generic {indexing_maps = [#row, #row], iterator_types = [\"parallel\"]} ins(%ids : tensor<4xi64>) outs(%e : tensor<4xf32>) attrs = {asked} {
  ^bb0(%id: i64, %out: f32):
    %i = arith.index_cast %id : i64 to index
    %inside = arith.cmpi slt, %i, %c8 : index
    cf.assert %inside, \"index must be smaller than dim size\"
    %v = tensor.extract %table[%i] : tensor<8xf32>
    linalg.yield %v : f32
  } -> tensor<4xf32>
  return %r : tensor<4xf32>
}
func.func @caller(%ids: tensor<4xi64>, %table: tensor<8xf32>) -> tensor<4xf32> {
  %r = func.call @lookup(%ids, %table) CALL : (tensor<4xi64>, tensor<8xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}";
        assert!(asked(&lookup.replace("CALL", "")).is_none());
        let called = lookup.replace("attrs = {asked}", "");
        assert!(asked(&called.replace("CALL", "{asked}")).is_none());
    }

    /// The effect of the operation marked `asked`.
    fn asked(text: &str) -> Effect {
        let session = iree::session();
        let module = OwnedModule::from_source(&session, text.as_bytes()).expect("it parses");
        let mut effects = Effects::new(&module);
        let nested = module.op().nested();
        let asked = nested
            .into_iter()
            .find(|op| op.attribute("asked").is_some());
        effects.of(asked.expect("an operation is marked"))
    }

    const GLOBALS: &str = "util.global private mutable @state = 0 : i64\n\
        util.global private @constant = 0 : i64\n\
        func.func @writes(%x: i64) {\n util.global.store %x, @state : i64\n return\n}\n";

    #[test]
    fn only_a_global_that_is_written_is_a_resource() {
        let load = |name: &str| {
            asked(&format!(
                "{GLOBALS} func.func @f() -> i64 {{\n %0 = util.global.load @{name} {{asked}} : i64\n return %0 : i64\n}}"
            ))
        };
        assert_eq!(load("state"), Effect::reads(STATE));
        assert_eq!(load("constant"), Effect::default());
    }

    #[test]
    fn effects_are_seen_through_regions_and_calls() {
        let inside = |body: &str| {
            asked(&format!(
                "{GLOBALS} func.func private @unknown()\n\
                 func.func @deep(%x: i64) {{\n call @writes(%x) : (i64) -> ()\n return\n}}\n\
                 func.func @round(%x: i64) {{\n call @round(%x) : (i64) -> ()\n call @deep(%x) : (i64) -> ()\n return\n}}\n\
                 func.func @f(%x: i64, %c: i1) {{\n scf.if %c {{\n scf.if %c {{\n {body}\n }}\n }} {{asked}}\n return\n}}"
            ))
        };
        assert_eq!(inside("%0 = arith.addi %x, %x : i64"), Effect::default());
        assert_eq!(
            inside("%0 = util.global.load @state : i64"),
            Effect::reads(STATE)
        );
        assert_eq!(
            inside("util.global.store %x, @state : i64"),
            Effect::writes(STATE)
        );
        let through_calls = "func.call @round(%x) : (i64) -> ()";
        assert_eq!(inside(through_calls), Effect::writes(STATE));
        let unknown = "func.call @unknown() : () -> ()";
        assert_eq!(inside(unknown), Effect::anything());
        let barrier = "%0 = util.optimization_barrier %x : i64";
        assert_eq!(inside(barrier), Effect::anything());
    }
}
