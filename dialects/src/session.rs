//! A session: what we do in one MLIR context, whoever owns that.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use melior::Context;
use melior::pass::PassManager;
use melior::utility::parse_pass_pipeline;
use mlir_sys::{
    MlirContext, MlirDiagnostic, MlirDiagnosticHandlerID,
    MlirDiagnosticSeverity_MlirDiagnosticError, MlirDiagnosticSeverity_MlirDiagnosticNote,
    MlirDiagnosticSeverity_MlirDiagnosticWarning, MlirLogicalResult,
    mlirContextAttachDiagnosticHandler, mlirContextDetachDiagnosticHandler,
    mlirDiagnosticGetLocation, mlirDiagnosticGetNote, mlirDiagnosticGetNumNotes,
    mlirDiagnosticGetSeverity, mlirDiagnosticPrint, mlirPassManagerCreate,
};

use crate::clock::processor_time;
use crate::ir::{Location, graveyard, printed};
use diagnostics::{Diagnostic, Severity};

/// The dialects whose operations specplace builds itself. Parsing only loads what the
/// input mentions, so that a session loads these; a guest has its host do so, as
/// dependent dialects of its pass.
pub const BUILT_DIALECTS: [&str; 11] = [
    "arith", "flow", "func", "hal", "linalg", "scf", "stream", "tensor", "torch", "torch_c", "util",
];

/// What was emitted and not yet taken.
type Emitted = Arc<Mutex<Vec<Diagnostic>>>;

/// What we do in one MLIR context. It collects the diagnostics emitted there instead
/// of having them printed.
///
/// Everything that is parsed or built lives in a session; see [`crate::Module`].
pub struct Session {
    context: MlirContext,
    /// The handler that collects.
    handler: MlirDiagnosticHandlerID,
    emitted: Emitted,
    /// How many modules live in it.
    modules: Cell<usize>,
    /// What pipelines of MLIR's passes have had of the processor.
    in_pipelines: Cell<Duration>,
    /// The context, where it is ours; dropped after all that is above.
    _owned: Option<Context>,
}

impl Session {
    /// A session in a context of its own, which goes with it.
    pub fn owning(context: Context) -> Self {
        for name in BUILT_DIALECTS {
            context.get_or_load_dialect(name);
        }
        // SAFETY: the context is dropped after what the session drops.
        unsafe { Self::attached(context.to_raw(), Some(context)) }
    }

    /// A session in a context that a host owns, who has loaded [`BUILT_DIALECTS`].
    ///
    /// # Safety
    ///
    /// The context outlives the session, and has no other session meanwhile.
    pub unsafe fn in_context_of_host(context: MlirContext) -> Self {
        // SAFETY: by the caller's promise.
        unsafe { Self::attached(context, None) }
    }

    /// # Safety
    ///
    /// As for [`Session::in_context_of_host`]; `owned` is that context, if anything.
    unsafe fn attached(context: MlirContext, owned: Option<Context>) -> Self {
        let emitted: Emitted = Arc::default();
        // melior's handler prints through Rust's formatting, which fails on
        // text that is no UTF-8: damaged bytecode has such names.
        // SAFETY: the handler gets the pointer that it was attached with, and
        // `release` gives it back when it is detached.
        let handler = unsafe {
            let sink = Arc::into_raw(Arc::clone(&emitted)).cast_mut().cast();
            mlirContextAttachDiagnosticHandler(context, Some(collect), sink, Some(release))
        };
        Self {
            context,
            handler,
            emitted,
            modules: Cell::new(0),
            in_pipelines: Cell::new(Duration::ZERO),
            _owned: owned,
        }
    }

    /// Takes the diagnostics emitted since the last call, oldest first.
    pub fn take_diagnostics(&self) -> Vec<Diagnostic> {
        self.emitted
            .lock()
            .map(|mut list| std::mem::take(&mut *list))
            .unwrap_or_default()
    }

    /// How long pipelines of the library's own passes have had the processor in it.
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

    /// How many operations were erased and still wait for all handles to go
    /// (see [`crate::ir`]).
    pub fn erased(&self) -> usize {
        graveyard::retired_of(self.context).len()
    }

    /// What this library runs for `pipeline`: the passes that its names stand for,
    /// with their options, as text that [`crate::Module::run_pipeline`] takes.
    /// `None` where it does not know one of the names.
    pub fn expand_pipeline(&self, pipeline: &str) -> Option<String> {
        let manager = self.pass_manager();
        let passes = manager.as_operation_pass_manager();
        parse_pass_pipeline(passes, pipeline).ok()?;
        Some(passes.to_string())
    }

    pub(crate) fn pass_manager(&self) -> PassManager<'_> {
        // SAFETY: the context is alive, and the manager new.
        unsafe { PassManager::from_raw(mlirPassManagerCreate(self.context)) }
    }

    pub(crate) fn raw(&self) -> MlirContext {
        self.context
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: modules, and with them handles, borrow the session. The handler was
        // attached to this context, and is detached once.
        unsafe {
            graveyard::raze(self.context);
            mlirContextDetachDiagnosticHandler(self.context, self.handler);
        }
    }
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
