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
fn retired_of<'m>(context: MlirContext) -> Vec<Op<'m>> {
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

#[cfg(test)]
mod tests {
    use crate::{Module, Op, Session};

    use super::*;

    const NESTED: &str = "func.func @f(%x: i64, %c: i1) -> i64 {\n\
        %0 = scf.if %c -> i64 {\n %1 = arith.addi %x, %x : i64\n scf.yield %1 : i64\n\
        } else {\n scf.yield %x : i64\n }\n return %0 : i64\n}";

    fn read(session: &Session) -> Module<'_> {
        Module::from_source(session, NESTED.as_bytes()).expect("it parses")
    }

    fn named<'m>(module: &'m Module<'_>, name: &str) -> Op<'m> {
        let nested = module.op().nested();
        let found = nested.into_iter().find(|op| op.is(name));
        found.expect("the module has one")
    }

    fn waiting(session: &Session) -> usize {
        retired_of(session.raw()).len()
    }

    /// Erases the `scf.if`, and then asks what it held.
    fn erase_around(module: &Module<'_>) {
        let choice = named(module, "scf.if");
        let held = choice.nested();
        let argument = choice.operands()[0];
        let (Some(result), Some(other)) = (choice.result(0), held[0].operand(0)) else {
            unreachable!("as written above");
        };
        result.replace_all_uses_with(other);
        choice.erase();
        assert!(argument.is_unused(), "what is erased uses nothing");
        assert_eq!(choice.block(), None);
        for op in held {
            assert!(op.operands().is_empty() && !op.is_in_module());
            // Printed by a message, say.
            assert!(!op.summary().is_empty());
        }
    }

    #[test]
    fn what_an_erased_operation_held_can_still_be_asked() {
        let session = Session::new();
        let mut module = read(&session);
        erase_around(&module);
        assert_eq!(waiting(&session), 1);
        module.clear_graveyard();
        assert_eq!(waiting(&session), 0);
        module.verify().expect("it is valid");
    }

    #[test]
    fn nothing_is_destroyed_while_another_module_may_have_handles() {
        let session = Session::new();
        let mut module = read(&session);
        let other = read(&session);
        erase_around(&other);
        module.clear_graveyard();
        assert_eq!(waiting(&session), 1);
        drop(other);
        module.clear_graveyard();
        assert_eq!(waiting(&session), 0);
    }

    #[test]
    fn erasing_twice_and_from_the_outside_in_is_once() {
        let session = Session::new();
        let mut module = read(&session);
        let choice = named(&module, "scf.if");
        let held = choice.nested();
        choice.results()[0]
            .replace_all_uses_with(named(&module, "func.func").blocks()[0].arguments()[0]);
        choice.erase();
        choice.erase();
        for op in held.into_iter().rev() {
            op.erase();
        }
        module.clear_graveyard();
        assert_eq!(waiting(&session), 0);
    }

    #[test]
    fn what_is_inserted_again_or_used_is_not_destroyed() {
        let session = Session::new();
        let mut module = read(&session);
        let sum = named(&module, "arith.addi");
        let end = named(&module, "func.return");
        let argument = named(&module, "func.func").blocks()[0].arguments()[0];
        sum.results()[0].replace_all_uses_with(argument);
        sum.erase();
        end.insert_before(sum);
        sum.set_operands(&[argument, argument]);
        module.clear_graveyard();
        module.verify().expect("it is valid");

        let sum = named(&module, "arith.addi");
        let end = named(&module, "func.return");
        sum.erase();
        end.set_operand(0, sum.results()[0]);
        module.clear_graveyard();
        assert_eq!(waiting(&session), 1);
        module.verify().expect_err("what is returned is nowhere");
    }

    #[test]
    fn a_walk_may_erase_anything() {
        let session = Session::new();
        let module = read(&session);
        let mut seen = Vec::new();
        module.op().walk(&mut |op| {
            seen.push(op.name());
            if op.is("func.func") {
                let held = op.nested();
                let argument = op.blocks()[0].arguments()[0];
                held[0].results()[0].replace_all_uses_with(argument);
                // The first of the block, and what follows it.
                for op in held.into_iter().rev() {
                    for result in op.results() {
                        result.replace_all_uses_with(argument);
                    }
                    op.erase();
                }
            }
            Walk::Into
        });
        assert_eq!(seen, ["builtin.module", "func.func"]);
    }
}
