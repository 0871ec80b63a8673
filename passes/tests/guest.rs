//! Passes run on a module that a host owns, in the host's context, as a plugin does.

#![allow(unsafe_code, reason = "a host hands out what it owns")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dialects::session::BUILT_DIALECTS;
use dialects::{Module, Session};
use passes::{Context, PASSES, Settings, run_pass, verify};

const SOURCE: &str = r#"
util.global private @w = #flow.parameter.named<"model"::"drafter.w"> : tensor<4x4xf32>
util.global private @v = #flow.parameter.named<"model"::"target.w"> : tensor<4x4xf32>
func.func @f(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %w = util.global.load @w : tensor<4x4xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x4xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<4x4xf32>, tensor<4x4xf32>)
                     outs(%fill : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}
func.func @g(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %w = util.global.load @v : tensor<4x4xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x4xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<4x4xf32>, tensor<4x4xf32>)
                     outs(%fill : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}
"#;

#[test]
fn passes_run_on_what_a_host_owns() {
    let host = iree::context();
    for name in BUILT_DIALECTS {
        host.get_or_load_dialect(name);
    }
    let heard = Arc::new(AtomicUsize::new(0));
    let hears = Arc::clone(&heard);
    host.attach_diagnostic_handler(move |_| {
        hears.fetch_add(1, Ordering::SeqCst);
        true
    });
    let owned = melior::ir::Module::parse(&host, SOURCE).expect("it parses");
    {
        // SAFETY: the context outlives the session, and has no other.
        let session = unsafe { Session::in_context_of_host(host.to_raw()) };
        // SAFETY: the host's module outlives this block, in which nobody else uses it.
        let mut module = unsafe { Module::of_host(&session, owned.as_operation().to_raw()) };
        let mut context = Context::new(Settings::default());
        let analyses = PASSES
            .iter()
            .take_while(|pass| pass.name != "select-mapping");
        let mut last = None;
        for pass in analyses {
            run_pass(&mut module, &mut context, pass).expect(pass.name);
            last = Some(pass);
        }
        verify(&module, last.expect("there are passes")).expect("it is valid");
        assert_eq!(session.erased(), 0, "nothing waits: all handles are gone");
    }
    // What passes found is in the host's module, and the host hears again what is said.
    assert!(
        owned
            .as_operation()
            .to_string()
            .contains("specplace.role = \"drafter\"")
    );
    assert_eq!(heard.load(Ordering::SeqCst), 0);
    assert!(melior::ir::Module::parse(&host, "no module").is_none());
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}
