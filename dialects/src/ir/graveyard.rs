//! Where erased operations wait until nobody can hold a handle to them.
//!
//! Handles are `Copy`, and passes go through snapshots of them: an operation
//! that is erased may be ahead in one, or hold what is. So erasing only takes
//! it out of the module, and has it, and what it holds, read nothing any more.
//! It is destroyed when the only module of its session is borrowed mutably,
//! which proves that no handle lives, or with the session.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mlir_sys::{
    MlirContext, MlirOperation, mlirOperationDestroy, mlirOperationGetContext,
    mlirOperationRemoveFromParent,
};

use super::{Op, Value, Walk};

/// The operations that were erased, as addresses, by that of their context:
/// [`Op::erase`] knows its operation and nothing else.
static GRAVEYARDS: Mutex<BTreeMap<usize, Vec<usize>>> = Mutex::new(BTreeMap::new());

fn graveyards() -> MutexGuard<'static, BTreeMap<usize, Vec<usize>>> {
    // The lists are whole after every statement that changes one.
    GRAVEYARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes an operation out of its block for good.
pub(super) fn retire(op: Op<'_>) {
    // The operation of a module belongs to the module.
    if op.is("builtin.module") && op.block().is_none() {
        return;
    }
    // SAFETY: the operation is alive; one without a block stays as it is.
    let context = unsafe {
        mlirOperationRemoveFromParent(op.raw());
        mlirOperationGetContext(op.raw())
    };
    read_nothing(op);
    let mut graveyards = graveyards();
    let retired = graveyards.entry(context.ptr.addr()).or_default();
    retired.push(op.raw().ptr.expose_provenance());
}

/// Lets an operation, and what it holds, use no values.
fn read_nothing(op: Op<'_>) {
    op.walk(&mut |nested| {
        nested.set_operands(&[]);
        Walk::Into
    });
}

/// Has the retired operations of a context refer to nothing outside them, so
/// that it may go.
pub(crate) fn let_go(context: MlirContext) {
    for op in retired_of(context) {
        read_nothing(op);
    }
}

/// Destroys the retired operations of a context but for those that something
/// still uses, which is invalid IR, and the verifier's to tell.
///
/// # Safety
///
/// Nobody holds a handle to an operation of the context, or to what it holds.
pub(crate) unsafe fn clear(context: MlirContext) {
    let retired = retired_of(context);
    for op in &retired {
        read_nothing(*op);
    }
    let (used, unused): (Vec<Op>, Vec<Op>) = retired.into_iter().partition(|op| is_used(*op));
    // Before anything is destroyed: no address is to stand in two places.
    let mut graveyards = graveyards();
    if used.is_empty() {
        graveyards.remove(&context.ptr.addr());
    } else {
        let used = used.into_iter().map(|op| op.raw().ptr.expose_provenance());
        graveyards.insert(context.ptr.addr(), used.collect());
    }
    drop(graveyards);
    for op in unused {
        // SAFETY: it is detached, and so nobody's; nothing uses its values, and
        // by the caller's promise nobody has a handle to it.
        unsafe { mlirOperationDestroy(op.raw()) }
    }
}

/// Destroys all that is left of a context that is about to go.
///
/// # Safety
///
/// As for [`clear`]; and no module of the context is left.
pub(crate) unsafe fn raze(context: MlirContext) {
    let_go(context);
    let retired = retired_of(context);
    graveyards().remove(&context.ptr.addr());
    for op in retired {
        // SAFETY: it is detached. What used its values went with its module, or
        // was never inserted, and nobody has a handle to that.
        unsafe { mlirOperationDestroy(op.raw()) }
    }
}

/// The retired operations of a context, each once, without those that were
/// inserted somewhere again.
pub(crate) fn retired_of<'m>(context: MlirContext) -> Vec<Op<'m>> {
    let mut addresses = graveyards()
        .get(&context.ptr.addr())
        .cloned()
        .unwrap_or_default();
    addresses.sort_unstable();
    addresses.dedup();
    let ops = addresses.into_iter().map(|address| {
        Op::from_raw(MlirOperation {
            ptr: std::ptr::with_exposed_provenance_mut(address),
        })
    });
    ops.filter(|op| op.block().is_none()).collect()
}

/// Whether anything uses a value of the operation, or of what it holds, after
/// [`read_nothing`].
fn is_used(op: Op<'_>) -> bool {
    let mut used = false;
    op.walk(&mut |nested| {
        let blocks = nested.blocks();
        let mut arguments = blocks.iter().flat_map(|block| block.arguments());
        used |= !nested.results().into_iter().all(Value::is_unused);
        used |= !arguments.all(Value::is_unused);
        Walk::Into
    });
    used
}
