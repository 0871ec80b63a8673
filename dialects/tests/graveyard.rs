//! Operations that were erased wait until nobody can hold a handle to them.

use dialects::ir::{Op, Walk};
use dialects::{Module, OwnedModule, Session};

const NESTED: &str = "func.func @f(%x: i64, %c: i1) -> i64 {\n\
    %0 = scf.if %c -> i64 {\n %1 = arith.addi %x, %x : i64\n scf.yield %1 : i64\n\
    } else {\n scf.yield %x : i64\n }\n return %0 : i64\n}";

fn read(session: &Session) -> OwnedModule<'_> {
    OwnedModule::from_source(session, NESTED.as_bytes()).expect("it parses")
}

fn named<'m>(module: &'m Module<'_>, name: &str) -> Op<'m> {
    let nested = module.op().nested();
    let found = nested.into_iter().find(|op| op.is(name));
    found.expect("the module has one")
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
    let session = iree::session();
    let mut module = read(&session);
    erase_around(&module);
    assert_eq!(session.erased(), 1);
    module.lend().clear_graveyard();
    assert_eq!(session.erased(), 0);
    module.verify().expect("it is valid");
}

#[test]
fn nothing_is_destroyed_while_another_module_may_have_handles() {
    let session = iree::session();
    let mut module = read(&session);
    let other = read(&session);
    erase_around(&other);
    module.lend().clear_graveyard();
    assert_eq!(session.erased(), 1);
    drop(other);
    module.lend().clear_graveyard();
    assert_eq!(session.erased(), 0);
}

#[test]
fn erasing_twice_and_from_the_outside_in_is_once() {
    let session = iree::session();
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
    module.lend().clear_graveyard();
    assert_eq!(session.erased(), 0);
}

#[test]
fn what_is_inserted_again_or_used_is_not_destroyed() {
    let session = iree::session();
    let mut module = read(&session);
    let sum = named(&module, "arith.addi");
    let end = named(&module, "func.return");
    let argument = named(&module, "func.func").blocks()[0].arguments()[0];
    sum.results()[0].replace_all_uses_with(argument);
    sum.erase();
    end.insert_before(sum);
    sum.set_operands(&[argument, argument]);
    module.lend().clear_graveyard();
    module.verify().expect("it is valid");

    let sum = named(&module, "arith.addi");
    let end = named(&module, "func.return");
    sum.erase();
    end.set_operand(0, sum.results()[0]);
    module.lend().clear_graveyard();
    assert_eq!(session.erased(), 1);
    module.verify().expect_err("what is returned is nowhere");
}

#[test]
fn a_walk_may_erase_anything() {
    let session = iree::session();
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
