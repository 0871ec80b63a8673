//! Merging of functions that are the same but for their names.

use std::hash::{Hash, Hasher};

use dialects::Module;
use dialects::ir::{Op, Walk};
use dialects::ops::Call;
use rustc_hash::{FxHashMap, FxHasher};

use super::is_outlined;
use crate::structure::outer_ops;

/// Keeps the first of every set of identical outlined functions and calls it
/// in place of the others.
pub fn merge_identical(module: &Module<'_>) {
    let outlined: Vec<Op> = module
        .body()
        .ops()
        .into_iter()
        .filter(|op| is_outlined(*op))
        .collect();
    // By type and what is in them, so that few are compared.
    let mut kept: FxHashMap<u64, Vec<Op>> = FxHashMap::default();
    let mut replaced: FxHashMap<String, String> = FxHashMap::default();
    let mut gone = Vec::new();
    for function in outlined {
        let alike = kept.entry(fingerprint(function)).or_default();
        match alike
            .iter()
            .find(|first| same_but_for_name(**first, function))
        {
            Some(first) => {
                replaced.insert(
                    function.symbol_name().unwrap_or_default(),
                    first.symbol_name().unwrap_or_default(),
                );
                gone.push(function);
            }
            None => alike.push(function),
        }
    }
    if replaced.is_empty() {
        return;
    }
    for op in outer_ops(module) {
        if let Some(call) = Call::of(op)
            && let Some(first) = call.callee().and_then(|name| replaced.get(name))
        {
            call.set_callee(module.session(), first);
        }
    }
    for function in gone {
        function.erase();
    }
}

/// Equal for functions that are the same, and hardly ever for others: of the
/// type, the operations, and what constants, loads and calls name.
fn fingerprint(function: Op<'_>) -> u64 {
    let mut hasher = FxHasher::default();
    function.attribute("function_type").hash(&mut hasher);
    function.walk(&mut |op| {
        op.name().hash(&mut hasher);
        for name in ["value", "global", "callee"] {
            op.attribute(name).hash(&mut hasher);
        }
        Walk::Into
    });
    hasher.finish()
}

/// Whether two functions differ in nothing but their names.
fn same_but_for_name(first: Op<'_>, function: Op<'_>) -> bool {
    let (Some(wanted), Some(own)) = (first.attribute("sym_name"), function.attribute("sym_name"))
    else {
        return false;
    };
    // The name is a property like any other to the comparison, so that it is
    // lent for as long as that takes.
    function.set_attribute("sym_name", wanted);
    let same = first.is_equivalent_to(function);
    function.set_attribute("sym_name", own);
    same
}
