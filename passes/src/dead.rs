//! Removal of what nothing reads any more.

use std::collections::HashSet;

use dialects::Module;
use dialects::affinity::unquoted;
use dialects::ir::{Attribute, Op, Value};
use dialects::ops::{Global, GlobalAddress, GlobalLoad, GlobalStore};
use dialects::vocabulary::{GLOBAL, GLOBAL_LOAD, INITIALIZER};

use crate::effects::Effects;
use crate::initializers::{Initializer, initializers};
use crate::structure::{functions, globals, is_pure, placed};

/// Erases computations and loads whose results nobody reads, and then those
/// that only they read.
pub fn erase_dead_operations(module: &Module<'_>) {
    let mut effects = Effects::new(module);
    for function in functions(module) {
        erase_dead_in(function, &mut effects);
    }
}

/// The same in one function or initializer.
fn erase_dead_in<'m>(function: Op<'m>, effects: &mut Effects<'m>) {
    // Backwards and from the inside out, so that every reader is looked at
    // before what it reads, and once is enough.
    for (_, ops) in placed(function).into_iter().rev() {
        for op in ops.into_iter().rev() {
            let results = op.results();
            if !results.is_empty()
                && results.into_iter().all(Value::is_unused)
                && (is_pure(op) || op.is(GLOBAL_LOAD))
                && effects.of(op).leaves_no_trace()
            {
                op.erase();
            }
        }
    }
}

/// Erases what initializers make for nobody, and those that make nothing else.
fn erase_dead_initializers(module: &Module<'_>) {
    let initializers = initializers(module);
    if initializers.is_empty() {
        return;
    }
    let globals = globals(module);
    let mut read: HashSet<String> = HashSet::new();
    for function in module.body().ops() {
        if !function.is(INITIALIZER) {
            let name = |op: Op<'_>| match GlobalLoad::of(op) {
                Some(load) => Some(load.global()?.to_owned()),
                None => Some(GlobalAddress::of(op)?.global()?.to_owned()),
            };
            read.extend(function.nested().into_iter().filter_map(name));
        }
    }
    let mut effects = Effects::new(module);
    // Backwards: what is read of one that runs later is told by then.
    for Initializer { op, .. } in initializers.into_iter().rev() {
        for nested in op.nested() {
            if let Some(store) = GlobalStore::of(nested)
                && let Some(name) = store.global()
                && !read.contains(name)
                && globals
                    .get(name)
                    .is_some_and(|global| !global.op().is_public())
            {
                nested.erase();
            }
        }
        erase_dead_in(op, &mut effects);
        let left = Initializer::new(op);
        if left.stores.is_empty() && effects.of(op).leaves_no_trace() {
            op.erase();
        } else {
            read.extend(left.loads);
        }
    }
}

/// Erases private globals that no operation refers to, but for initializers that
/// make them; returns their names.
pub fn erase_dead_globals(module: &Module<'_>) -> Vec<String> {
    erase_dead_initializers(module);
    let mut used: HashSet<String> = HashSet::new();
    for op in module.op().nested() {
        // Asking for all attributes is slow, and what only computes (nearly
        // all of a module) refers to no symbol; nor do weights.
        if let Some(load) = GlobalLoad::of(op) {
            used.extend(load.global().map(str::to_owned));
        } else if let Some(global) = Global::of(op) {
            // A device may fall back on another.
            if let Some(value) = global.initial_value()
                && !value.is_elements()
            {
                symbols_in(value, &mut used);
            }
        } else if !is_pure(op) {
            for (name, attribute) in op.attributes() {
                if name != "sym_name" && !attribute.is_elements() {
                    symbols_in(attribute, &mut used);
                }
            }
        }
    }
    let mut gone = Vec::new();
    for op in module.body().ops() {
        if op.is(GLOBAL)
            && !op.is_public()
            && let Some(name) = op.symbol_name()
            && !used.contains(&name)
        {
            op.erase();
            gone.push(name);
        }
    }
    gone
}

/// The symbols that an attribute refers to, at any depth: `@a`, `[@a, @b]`,
/// `#hal.device.affinity<@a>`. A string that looks like one counts, too: what is
/// kept for nothing does no harm.
fn symbols_in(attribute: Attribute<'_>, into: &mut HashSet<String>) {
    if let Some(symbol) = attribute.as_symbol() {
        into.insert(symbol);
        return;
    }
    let text = attribute.to_string();
    for part in text.split('@').skip(1) {
        match part.strip_prefix('"') {
            Some(quoted) => into.extend(unquoted(quoted).map(|(name, _)| name)),
            None => {
                let end = part
                    .find(|each: char| !each.is_alphanumeric() && !"_$.-".contains(each))
                    .unwrap_or(part.len());
                into.insert(part[..end].to_owned());
            }
        }
    }
}
