//! IREE's library, made usable, and a context with its dialects.

use std::sync::Once;

use dialects::Session;
use melior::Context;
use melior::dialect::DialectRegistry;
use mlir_sys::MlirDialectRegistry;

unsafe extern "C" {
    fn ireeCompilerGlobalInitialize();
    fn ireeCompilerRegisterDialects(registry: MlirDialectRegistry);
}

/// A session in a context of its own, which is one of [`context()`].
pub fn session() -> Session {
    Session::owning(context())
}

/// A context with IREE's dialects registered, and loaded on demand.
pub fn context() -> Context {
    initialize();
    let registry = DialectRegistry::new();
    // SAFETY: the registry is alive, and registering only adds to it.
    unsafe { ireeCompilerRegisterDialects(registry.to_raw()) }
    // Our pipelines run over a single function, so that threads would
    // only cost their start, and order of diagnostics.
    Context::new_with_registry(&registry, false)
}

/// Makes the library usable.
pub(crate) fn initialize() {
    static INITIALIZE: Once = Once::new();
    INITIALIZE.call_once(|| {
        // SAFETY: called exactly once, before any other function of the
        // library, as its header asks. It is never shut down: a shutdown is
        // final for the process.
        unsafe { ireeCompilerGlobalInitialize() }
    });
}
