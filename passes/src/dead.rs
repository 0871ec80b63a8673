//! Removal of what nothing reads any more.

use std::collections::HashSet;

use dialects::Module;
use dialects::ir::{Op, Walk};
use dialects::vocabulary::GLOBAL;

use crate::structure::{functions, is_pure, placed_blocks};

/// Erases pure operations whose results nobody reads, again and again until
/// none is left.
pub fn erase_dead_operations(module: &Module<'_>) {
    for function in functions(module) {
        loop {
            let mut erased = false;
            for block in placed_blocks(function) {
                for op in block.ops().into_iter().rev() {
                    if is_pure(op)
                        && !op.results().is_empty()
                        && op.results().into_iter().all(|result| result.is_unused())
                    {
                        op.erase();
                        erased = true;
                    }
                }
            }
            if !erased {
                break;
            }
        }
    }
}

/// Erases private globals that no operation refers to; returns their names.
pub fn erase_dead_globals(module: &Module<'_>) -> Vec<String> {
    let mut used: HashSet<String> = HashSet::new();
    module.op().walk(&mut |op: Op| {
        for (name, attribute) in op.attributes() {
            if name != "sym_name"
                && let Some(symbol) = attribute.as_symbol()
            {
                used.insert(symbol);
            }
        }
        Walk::Into
    });
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
