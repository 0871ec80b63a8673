//! Initializers: what runs once, when a module is loaded, and stores in globals
//! what it makes of weights, such as a table that was quantised.

use std::collections::BTreeSet;

use dialects::ir::{Op, Walk};
use dialects::ops::{GlobalLoad, GlobalStore};
use dialects::vocabulary::INITIALIZER;
use dialects::{Diagnostic, Module};

use crate::structure::{is_pure, placed};

/// An initializer, by what it reads and writes.
pub struct Initializer<'m> {
    /// The operation.
    pub op: Op<'m>,
    /// The globals that it loads, in the order of their names.
    pub loads: BTreeSet<String>,
    /// The globals that it stores.
    pub stores: BTreeSet<String>,
}

impl<'m> Initializer<'m> {
    /// What `op` reads and writes.
    pub fn new(op: Op<'m>) -> Self {
        let mut found = Self {
            op,
            loads: BTreeSet::new(),
            stores: BTreeSet::new(),
        };
        op.walk(&mut |nested| {
            if let Some(load) = GlobalLoad::of(nested) {
                found.loads.extend(load.global().map(str::to_owned));
            } else if let Some(store) = GlobalStore::of(nested) {
                found.stores.extend(store.global().map(str::to_owned));
            }
            Walk::Into
        });
        found
    }
}

/// Why initializers are refused, after Torch was lowered: those that IREE does not
/// compile.
pub fn refused(module: &Module<'_>) -> Vec<Diagnostic> {
    let each = initializers(module).into_iter();
    each.filter_map(|initializer| holds_torch(initializer.op).or_else(|| branches(initializer.op)))
        .collect()
}

/// IREE lowers Torch in functions only.
fn holds_torch(initializer: Op<'_>) -> Option<Diagnostic> {
    let nested = initializer.nested();
    let op = nested.into_iter().find(|op| op.is_of(&["torch"]))?;
    Some(
        Diagnostic::error(format!(
            "an initializer holds '{}', and IREE lowers Torch in functions only",
            op.name()
        ))
        .at(op.location().place())
        .offending(op.summary())
        .help("store what it makes as a parameter, or compute it in the function that reads it"),
    )
}

/// IREE's compiler crashes on tensors in branches and loops of initializers: it
/// looks for the name of the function that it takes launches out of, and an
/// initializer has none (`iree-hal-outline-memoize-regions`).
fn branches(initializer: Op<'_>) -> Option<Diagnostic> {
    let entry = initializer.blocks().first().copied();
    let inner = placed(initializer).into_iter();
    let inside = inner
        .filter(|(block, _)| entry != Some(*block))
        .flat_map(|(_, ops)| ops)
        .find(|op| is_pure(*op) && has_tensors(*op))?;
    let holder = inside.parent().unwrap_or(inside);
    Some(
        Diagnostic::error(
            "an initializer computes tensors in a branch or a loop, on which IREE's compiler crashes",
        )
        .at(holder.location().place())
        .offending(holder.summary())
        .help("store what it makes as a parameter, or compute both branches and select"),
    )
}

fn has_tensors(op: Op<'_>) -> bool {
    let mut values = op.operands().into_iter().chain(op.results());
    !op.is("arith.constant") && values.any(|value| value.r#type().is_tensor())
}

/// The initializers of a module, in the order in which they run.
pub fn initializers<'m>(module: &'m Module<'_>) -> Vec<Initializer<'m>> {
    let ops = module.body().ops().into_iter();
    ops.filter(|op| op.is(INITIALIZER))
        .map(Initializer::new)
        .collect()
}
