//! The MLIR context with every dialect that IREE knows.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use melior::Context;
use melior::dialect::DialectRegistry;
use melior::pass::PassManager;
use melior::utility::parse_pass_pipeline;
use mlir_sys::{
    MlirContext, MlirDiagnostic, MlirDiagnosticSeverity_MlirDiagnosticError,
    MlirDiagnosticSeverity_MlirDiagnosticNote, MlirDiagnosticSeverity_MlirDiagnosticWarning,
    MlirDialectRegistry, MlirLogicalResult, mlirContextAttachDiagnosticHandler,
    mlirDiagnosticGetLocation, mlirDiagnosticGetNote, mlirDiagnosticGetNumNotes,
    mlirDiagnosticGetSeverity, mlirDiagnosticPrint,
};

use crate::clock::processor_time;
use crate::ir::{Location, graveyard, printed};
use diagnostics::{Diagnostic, Severity};

unsafe extern "C" {
    fn ireeCompilerGlobalInitialize();
    fn ireeCompilerRegisterDialects(registry: MlirDialectRegistry);
}

/// The dialects whose operations specplace builds itself.
const BUILT_DIALECTS: [&str; 11] = [
    "arith", "flow", "func", "hal", "linalg", "scf", "stream", "tensor", "torch", "torch_c", "util",
];

/// What was emitted and not yet taken.
type Emitted = Arc<Mutex<Vec<Diagnostic>>>;

/// One MLIR context, backed by IREE's library, that collects the diagnostics
/// emitted in it instead of printing them.
///
/// Everything that is parsed or built lives in a session; see
/// [`crate::Module`].
pub struct Session {
    context: Context,
    emitted: Emitted,
    /// How many modules live in it.
    modules: Cell<usize>,
    /// What pipelines of MLIR's passes have had of the processor.
    in_pipelines: Cell<Duration>,
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

        let emitted: Emitted = Arc::default();
        // melior's handler prints through Rust's formatting, which fails on
        // text that is no UTF-8: damaged bytecode has such names.
        // SAFETY: the handler gets the pointer that it was attached with, and
        // `release` gives it back when the context is destroyed.
        unsafe {
            let sink = Arc::into_raw(Arc::clone(&emitted)).cast_mut().cast();
            mlirContextAttachDiagnosticHandler(
                context.to_raw(),
                Some(collect),
                sink,
                Some(release),
            );
        }
        Self {
            context,
            emitted,
            modules: Cell::new(0),
            in_pipelines: Cell::new(Duration::ZERO),
        }
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

    /// How long pipelines of IREE's own passes have had the processor in it.
    pub fn time_in_pipelines(&self) -> Duration {
        self.in_pipelines.get()
    }

    /// Does `work`, which runs such a pipeline.
    pub(crate) fn in_pipeline<T>(&self, work: impl FnOnce() -> T) -> T {
        let started = processor_time();
        let result = work();
        let spent = processor_time().saturating_sub(started);
        self.in_pipelines.set(self.in_pipelines.get() + spent);
        result
    }

    /// How many modules live in it.
    pub(crate) fn modules(&self) -> usize {
        self.modules.get()
    }

    /// Notes that a module has come to life.
    pub(crate) fn count_module(&self) {
        self.modules.set(self.modules.get() + 1);
    }

    /// Notes that a module is about to go.
    pub(crate) fn discount_module(&self) {
        self.modules.set(self.modules.get().saturating_sub(1));
    }

    /// What this IREE runs for `pipeline`: the passes that its names stand for,
    /// with their options, as text that [`crate::Module::run_pipeline`] takes.
    /// `None` where it does not know one of the names.
    pub fn expand_pipeline(&self, pipeline: &str) -> Option<String> {
        let manager = PassManager::new(&self.context);
        let passes = manager.as_operation_pass_manager();
        parse_pass_pipeline(passes, pipeline).ok()?;
        Some(passes.to_string())
    }

    pub(crate) fn raw(&self) -> MlirContext {
        self.context.to_raw()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: modules, and with them handles, borrow the session.
        unsafe { graveyard::raze(self.raw()) }
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

/// The `MlirDiagnosticHandler` that keeps what is emitted.
unsafe extern "C" fn collect(diagnostic: MlirDiagnostic, sink: *mut c_void) -> MlirLogicalResult {
    // SAFETY: the pointer is that of the mutex in a live `Emitted`, and the
    // diagnostic lives through the call.
    let (sink, converted) =
        unsafe { (&*sink.cast::<Mutex<Vec<Diagnostic>>>(), convert(diagnostic)) };
    if let Ok(mut list) = sink.lock() {
        list.push(converted);
    }
    // Handled: nobody else is to print it.
    MlirLogicalResult { value: 1 }
}

/// Drops what [`collect`] was given.
unsafe extern "C" fn release(sink: *mut c_void) {
    // SAFETY: the pointer came from `Arc::into_raw`, and is released once.
    drop(unsafe { Arc::from_raw(sink.cast::<Mutex<Vec<Diagnostic>>>()) });
}

/// # Safety
///
/// The diagnostic is alive.
unsafe fn convert(diagnostic: MlirDiagnostic) -> Diagnostic {
    // SAFETY: by the caller's promise; notes are asked for below their count.
    unsafe {
        #[allow(non_upper_case_globals, reason = "bindgen's names")]
        let severity = match mlirDiagnosticGetSeverity(diagnostic) {
            MlirDiagnosticSeverity_MlirDiagnosticError => Severity::Error,
            MlirDiagnosticSeverity_MlirDiagnosticWarning => Severity::Warning,
            MlirDiagnosticSeverity_MlirDiagnosticNote => Severity::Note,
            _ => Severity::Remark,
        };
        let text = printed(|callback, data| mlirDiagnosticPrint(diagnostic, callback, data));
        let mut converted = Diagnostic::new(severity, text);
        converted.place = Location::from_raw(mlirDiagnosticGetLocation(diagnostic)).place();
        for index in 0..mlirDiagnosticGetNumNotes(diagnostic) {
            converted
                .notes
                .push(convert(mlirDiagnosticGetNote(diagnostic, index)));
        }
        converted
    }
}
