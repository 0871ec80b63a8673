//! The user decides how long chains of operations are: passes need no stack for them.

use std::fmt::Write;
use std::thread;

use passes::{Context, PASSES, Settings, run_pass};

/// How long the chain is.
const LENGTH: usize = 20_000;

/// What an ordinary thread may have, and less than a call for each link would take.
const STACK: usize = 512 << 10;

/// Two models, each of which reads what a long chain makes of its weight.
fn module() -> String {
    let mut text = String::new();
    for model in ["drafter", "target"] {
        let _ = write!(
            text,
            "util.global private @{model} = #flow.parameter.named<\"{model}.w\"> : tensor<4xf32>\n\
             func.func @{model}_forward(%x: tensor<4xf32>) -> tensor<4xf32> {{\n\
             %0 = util.global.load @{model} : tensor<4xf32>\n"
        );
        for link in 0..LENGTH {
            let next = link + 1;
            let _ = writeln!(
                text,
                "%{next} = arith.addf %{link}, %{link} : tensor<4xf32>"
            );
        }
        let _ = write!(
            text,
            "%y = arith.mulf %x, %{LENGTH} : tensor<4xf32>\n\
             return %y : tensor<4xf32>\n}}\n"
        );
    }
    text
}

fn understand() {
    let session = iree::session();
    let mut owned =
        dialects::OwnedModule::from_source(&session, module().as_bytes()).expect("it parses");
    let mut module = owned.lend();
    let mut context = Context::new(Settings::default());
    // Without `lower-torch`, which would fold the chain.
    for name in [
        "resolve-markers",
        "identify-roles",
        "estimate-costs",
        "outline-subgraphs",
    ] {
        let pass = PASSES.iter().find(|pass| pass.name == name).expect(name);
        run_pass(&mut module, &mut context, pass).expect(name);
    }
    assert!(context.workload.is_some());
}

#[test]
fn a_long_chain_needs_no_stack() {
    let small = thread::Builder::new().stack_size(STACK).spawn(understand);
    small.expect("a thread").join().expect("its stack sufficed");
}
