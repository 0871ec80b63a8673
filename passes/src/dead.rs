//! Removal of what nothing reads any more.

use std::collections::HashSet;

use dialects::Module;
use dialects::ir::Value;
use dialects::vocabulary::{GLOBAL, GLOBAL_LOAD};

use crate::effects::Effects;
use crate::structure::{functions, is_pure, placed};

/// Erases computations and loads whose results nobody reads, and then those
/// that only they read.
pub fn erase_dead_operations(module: &Module<'_>) {
    let mut effects = Effects::new(module);
    for function in functions(module) {
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
}

/// Erases private globals that no operation refers to; returns their names.
pub fn erase_dead_globals(module: &Module<'_>) -> Vec<String> {
    let mut used: HashSet<String> = HashSet::new();
    for op in module.op().nested() {
        // Asking for all attributes is slow, and what only computes (nearly
        // all of a module) refers to no symbol; nor do globals.
        if op.is(GLOBAL_LOAD) {
            used.extend(op.attribute("global").and_then(|each| each.as_symbol()));
        } else if !is_pure(op) && !op.is(GLOBAL) {
            let named = op.attributes().into_iter();
            used.extend(
                named
                    .filter(|(name, _)| name != "sym_name")
                    .filter_map(|(_, attribute)| attribute.as_symbol()),
            );
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
