use std::sync::{Mutex, MutexGuard, PoisonError};

use super::*;

/// Creating a session registers LLVM's targets, without a lock, in a list that
/// resolving a device reads: a process of ours has one session, tests take
/// turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

const DEVICES: &str = "\
util.global private @cpu = #hal.device.alias<\"local\"[1]> : !hal.device
util.func public @f() -> !hal.device {
  %0 = util.global.load @cpu : !hal.device
  util.return %0 : !hal.device
}
";

#[test]
fn devices_are_resolved() {
    let _turn = turn();
    let mut compiler = Compiler::new();
    for flag in [
        "--iree-hal-local-target-device-backends=llvm-cpu",
        "--iree-llvmcpu-target-cpu=host",
    ] {
        compiler.set_flag(flag).unwrap();
    }
    let mut invocation = compiler.read("devices", DEVICES.as_bytes()).unwrap();
    invocation.compile_to(Phase::Preprocessing).unwrap();
    let ir = invocation.ir().unwrap();
    assert!(
        ir.contains("#hal.device.target<\"local\", {ordinal = 1"),
        "{ir}"
    );
    assert!(ir.contains("target_triple"), "{ir}");
}

#[test]
fn flags_are_answered() {
    let _turn = turn();
    let mut compiler = Compiler::new();
    let said = compiler.set_flag("--iree-no-such-flag=1").unwrap_err();
    assert!(said.contains("iree-no-such-flag"), "{said}");
    assert!(compiler.set_flag("a\0b").is_err());
}

#[test]
fn what_is_wrong_has_its_place() {
    let _turn = turn();
    let compiler = Compiler::new();
    let Err(said) = compiler.read("my.mlir", b"func.func @f( {\n") else {
        panic!("that is no module");
    };
    let place = said[0].place.as_ref().unwrap();
    assert_eq!((place.file.as_str(), place.line), ("my.mlir", 1));
}

#[test]
fn bytecode_goes_from_context_to_context() {
    let _turn = turn();
    let session = crate::session();
    let module = dialects::OwnedModule::from_source(&session, DEVICES.as_bytes()).unwrap();
    let compiler = Compiler::new();
    let invocation = compiler.read("memory", &module.to_bytecode()).unwrap();
    assert!(
        invocation
            .ir()
            .unwrap()
            .contains("util.global private @cpu")
    );
}

#[test]
fn this_iree_has_a_cpu_backend() {
    let _turn = turn();
    assert!(target_backends().iter().any(|name| name == "llvm-cpu"));
}
