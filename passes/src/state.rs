//! State: what one call of a module writes, and a later one reads, such as a
//! cache of keys and values.
//!
//! What is stored and loaded in one call alone is none ([`hand_on`] hands it on
//! as a value); nor is a scalar, which stays on the host, in the order given.
//! Anything else is refused: IREE reorders calls that are related through a
//! global alone, and makes one buffer of two that start alike.

use std::collections::BTreeSet;

use dialects::ir::{Op, Type, Value, Walk};
use dialects::ops::{GlobalAddress, GlobalLoad, GlobalStore, global_of};
use dialects::vocabulary::{DRAFT_LENGTH, GLOBAL, GLOBAL_LOAD, GLOBAL_STORE};
use dialects::{Diagnostic, Module};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::effects::Effects;
use crate::structure::{
    carried, functions, global_stores, is_control_flow, is_function, is_initializing, outer_ops,
    placed,
};

/// The refusal to place a module with state, `evidence` being a note that shows
/// it.
pub fn refusal(evidence: Diagnostic) -> Diagnostic {
    Diagnostic::error(format!(
        "the module keeps state between calls ({}), which specplace does not place yet",
        evidence.message
    ))
    .at(evidence.place.clone())
    .with_note(evidence)
    .help(
        "export the models without their caches (of a Hugging Face model: use_cache=False), \
         tokens in, logits out; a profile does not make it possible, and `specplace explore IN` \
         tells on paper what it would be worth",
    )
}

/// What shows that the module keeps state: a global of tensors that is written
/// at run time and read, an argument that is written in place, or a public
/// function that returns an argument with a part of it written.
pub fn evidence(module: &Module<'_>) -> Option<Diagnostic> {
    written_global(module)
        .or_else(|| written_argument(module))
        .or_else(|| functions(module).into_iter().find_map(passed_cache))
}

/// The first argument that is written in place.
pub fn written_argument(module: &Module<'_>) -> Option<Diagnostic> {
    outer_ops(module).into_iter().find_map(|op| {
        let to = if op.is("torch.overwrite.tensor.contents") {
            op.operand(1)?
        } else if op.is("hal.tensor.alias") {
            op.operands()
                .into_iter()
                .find(|value| is_argument(*value))?
        } else {
            return None;
        };
        let (block, at) = to.block_argument()?;
        let function = block.parent_op().filter(|op| is_function(*op))?;
        let name = function.symbol_name().unwrap_or_default();
        let note = Diagnostic::note(format!("@{name} writes its argument {at} in place"));
        Some(note.at(op.location().place()).offending(op.summary()))
    })
}

fn is_argument(value: Value<'_>) -> bool {
    value
        .block_argument()
        .and_then(|(block, _)| block.parent_op())
        .is_some_and(is_function)
}

fn written_global(module: &Module<'_>) -> Option<Diagnostic> {
    // Hardly any module writes one, and to see which are read takes a walk.
    let mut stores = global_stores(module).peekable();
    stores.peek()?;
    let read: FxHashSet<String> = read_globals(module);
    let kept: FxHashSet<String> = module
        .body()
        .ops()
        .into_iter()
        .filter(|op| op.is(GLOBAL))
        .filter_map(|op| Some((op, op.symbol_name()?)))
        .filter(|(op, name)| name != DRAFT_LENGTH && (op.is_public() || read.contains(name)))
        .map(|(_, name)| name)
        .collect();
    stores.find_map(|store| {
        let (op, name) = (store.op(), store.global()?);
        let is_state =
            kept.contains(name) && store.value()?.r#type().is_tensor() && !is_initializing(op);
        is_state.then(|| {
            Diagnostic::note(format!("the global @{name} is written at run time"))
                .at(op.location().place())
                .offending(op.summary())
        })
    })
}

/// The globals that are loaded, or may be through their address.
fn read_globals(module: &Module<'_>) -> FxHashSet<String> {
    let mut read = FxHashSet::default();
    module.op().walk(&mut |op| {
        let load = GlobalLoad::of(op).and_then(GlobalLoad::global);
        let name = load.or_else(|| GlobalAddress::of(op)?.global());
        read.extend(name.map(str::to_owned));
        Walk::Into
    });
    read
}

/// A public function that gives back a tensor that it was given, with a part of
/// it written: that is how a caller keeps a cache. A value of the same type
/// that is computed anew, such as a temperature, is none.
fn passed_cache(function: Op<'_>) -> Option<Diagnostic> {
    if !function.is_public() {
        return None;
    }
    let block = function.blocks().first().copied()?;
    let arguments = block.arguments();
    // Nearly no function returns what is like anything that it is given.
    let given: FxHashSet<Type> = arguments.iter().map(|each| each.r#type()).collect();
    let mut results = block.terminator()?.operands();
    results.retain(|result| {
        let r#type = result.r#type();
        given.contains(&r#type) && holds_activations(r#type)
    });
    if results.is_empty() {
        return None;
    }
    let handed_on = HandedOn::new(function);
    for result in results {
        let r#type = result.r#type();
        let Some(argument) = handed_on.updated(result).into_iter().find_map(|source| {
            let at = arguments.iter().position(|argument| *argument == source)?;
            (source.r#type() == r#type).then_some(at)
        }) else {
            continue;
        };
        let name = function.symbol_name().unwrap_or_default();
        return Some(
            Diagnostic::note(format!(
                "@{name} writes a part of its argument {argument}, {type}, and returns it, as a \
                 cache is passed"
            ))
            .at(function.location().place()),
        );
    }
    None
}

/// Whether a tensor can be a cache: rows of tokens are written in part, too.
fn holds_activations(r#type: Type<'_>) -> bool {
    r#type.is_tensor()
        && r#type.shape().is_none_or(|shape| !shape.is_empty())
        && (r#type.element().is_float() || matches!(r#type.element().bit_width(), Some(2..=8)))
}

/// What values were before control flow handed them on.
struct HandedOn<'m> {
    before: FxHashMap<Value<'m>, Vec<Value<'m>>>,
}

impl<'m> HandedOn<'m> {
    fn new(function: Op<'m>) -> Self {
        let mut before: FxHashMap<Value, Vec<Value>> = FxHashMap::default();
        for (_, ops) in placed(function) {
            for (from, to) in ops
                .into_iter()
                .filter(|op| is_control_flow(*op))
                .flat_map(carried)
            {
                before.entry(to).or_default().push(from);
            }
        }
        Self { before }
    }

    /// The values of which `result` is a copy with a part of it written.
    fn updated(&self, result: Value<'m>) -> Vec<Value<'m>> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut index: FxHashMap<Value, usize> = FxHashMap::default();
        let mut pending = vec![(result, false)];
        while let Some((value, written)) = pending.pop() {
            let next = index.len();
            let at = *index.entry(value).or_insert(next);
            if !seen.insert((at, written)) {
                continue;
            }
            if written {
                found.push(value);
            }
            for from in self.before.get(&value).into_iter().flatten() {
                pending.push((*from, written));
            }
            let Some(op) = value.defining_op() else {
                continue;
            };
            match op.name() {
                "tensor.cast" | "tensor.expand_shape" | "tensor.collapse_shape" => {
                    pending.extend(op.operand(0).map(|from| (from, written)));
                }
                // What is written comes first, then where it is written.
                "tensor.insert_slice" | "tensor.insert" | "tensor.scatter" => {
                    pending.extend(op.operand(1).map(|from| (from, true)));
                }
                "flow.tensor.update" => {
                    pending.extend(op.operand(0).map(|from| (from, true)));
                }
                "iree_linalg_ext.scatter" => {
                    let to = op.operands().last().copied();
                    pending.extend(to.map(|from| (from, true)));
                }
                "linalg.generic" => {
                    pending.extend(chosen(op, value).into_iter().map(|from| (from, true)));
                }
                _ => {}
            }
        }
        found
    }
}

/// The operands of which a computation hands on some elements as they are, and
/// writes the others (`torch.where`).
fn chosen<'m>(op: Op<'m>, result: Value<'m>) -> Vec<Value<'m>> {
    let choices = || {
        let body = op.blocks().first().copied()?;
        let chosen = body.terminator()?.operand(result.result_index()?)?;
        let select = chosen.defining_op().filter(|op| op.is("arith.select"))?;
        let sources = [select.operand(1)?, select.operand(2)?];
        let operands = op.operands();
        let source = |value: Value<'m>| {
            let (block, at) = value.block_argument()?;
            (block == body).then(|| operands.get(at).copied()).flatten()
        };
        Some(sources.into_iter().filter_map(source).collect())
    };
    choices().unwrap_or_default()
}

/// Hands on what a call stores and then loads itself as the value that it is,
/// and takes away stores that nobody reads. IREE's own pass for this moves
/// stores behind control flow that loads.
pub fn hand_on(module: &Module<'_>) {
    if global_stores(module).next().is_none() {
        return;
    }
    let mut effects = Effects::new(module);
    for function in functions(module) {
        for (_, ops) in placed(function) {
            let mut stored: FxHashMap<&str, Value> = FxHashMap::default();
            for op in ops {
                let name = global_of(op);
                match (name, op.operand(0), op.result(0)) {
                    (Some(name), None, Some(loaded)) if op.is(GLOBAL_LOAD) => {
                        if let Some(value) = stored.get(name) {
                            loaded.replace_all_uses_with(*value);
                        }
                    }
                    (Some(name), Some(value), None)
                        if op.is(GLOBAL_STORE) && name != DRAFT_LENGTH =>
                    {
                        stored.insert(name, value);
                    }
                    _ => {
                        let effect = effects.of(op);
                        stored.retain(|name, _| !effects.may_write(&effect, name));
                    }
                }
            }
        }
    }
    let unread = |op: &Op| op.is(GLOBAL_LOAD) && op.result(0).is_some_and(Value::is_unused);
    for load in outer_ops(module).into_iter().filter(unread) {
        load.erase();
    }
    let read = read_globals(module);
    let private: FxHashSet<String> = module
        .body()
        .ops()
        .into_iter()
        .filter(|op| op.is(GLOBAL) && !op.is_public())
        .filter_map(Op::symbol_name)
        .filter(|name| name != DRAFT_LENGTH && !read.contains(name))
        .collect();
    let stores: Vec<GlobalStore> = global_stores(module).collect();
    for store in stores {
        if store.global().is_some_and(|name| private.contains(name)) {
            store.op().erase();
        }
    }
}
