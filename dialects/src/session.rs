//! The MLIR context with every dialect that IREE knows.

use std::sync::{Arc, Mutex, Once};

use melior::Context;
use melior::diagnostic::DiagnosticSeverity;
use melior::dialect::DialectRegistry;
use mlir_sys::{MlirContext, MlirDialectRegistry};

use crate::diagnostics::{Diagnostic, Severity};
use crate::ir::Location;

unsafe extern "C" {
    fn ireeCompilerGlobalInitialize();
    fn ireeCompilerRegisterDialects(registry: MlirDialectRegistry);
}

/// The dialects whose operations specplace builds itself.
const BUILT_DIALECTS: [&str; 10] = [
    "arith", "flow", "func", "hal", "scf", "stream", "tensor", "torch", "torch_c", "util",
];

/// One MLIR context, backed by IREE's library, that collects the diagnostics
/// emitted in it instead of printing them.
///
/// Everything that is parsed or built lives in a session; see
/// [`crate::Module`].
pub struct Session {
    context: Context,
    emitted: Arc<Mutex<Vec<Diagnostic>>>,
}

impl Session {
    /// Starts a session with IREE's dialects registered and loaded on demand.
    pub fn new() -> Self {
        initialize();
        let registry = DialectRegistry::new();
        // SAFETY: the registry is alive, and registering only adds to it.
        unsafe { ireeCompilerRegisterDialects(registry.to_raw()) }
        // Our pipelines run over a single function, so that threads would
        // only cost their start, and order of diagnostics.
        let context = Context::new_with_registry(&registry, false);

        // What passes build must be loaded, since parsing only loads what the
        // input mentions.
        for name in BUILT_DIALECTS {
            context.get_or_load_dialect(name);
        }

        let emitted = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&emitted);
        context.attach_diagnostic_handler(move |diagnostic| {
            let converted = convert(&diagnostic);
            if let Ok(mut list) = sink.lock() {
                list.push(converted);
            }
            true
        });
        Self { context, emitted }
    }

    /// The melior context, for what this crate does not wrap.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Takes the diagnostics emitted since the last call, oldest first.
    pub fn take_diagnostics(&self) -> Vec<Diagnostic> {
        self.emitted
            .lock()
            .map(|mut list| std::mem::take(&mut *list))
            .unwrap_or_default()
    }

    pub(crate) fn raw(&self) -> MlirContext {
        self.context.to_raw()
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
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

fn convert(diagnostic: &melior::diagnostic::Diagnostic) -> Diagnostic {
    let severity = match diagnostic.severity() {
        DiagnosticSeverity::Error => Severity::Error,
        DiagnosticSeverity::Warning => Severity::Warning,
        DiagnosticSeverity::Remark => Severity::Remark,
        DiagnosticSeverity::Note => Severity::Note,
    };
    let mut converted = Diagnostic::new(severity, diagnostic.to_string());
    converted.place = Location::from_melior(diagnostic.location()).place();
    for index in 0..diagnostic.note_count() {
        if let Ok(note) = diagnostic.note(index) {
            converted.notes.push(convert(&note));
        }
    }
    converted
}
