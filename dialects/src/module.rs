//! A module of IR: read, written, verified, and run through pass pipelines.

use std::fs;
use std::path::Path;

use melior::pass::PassManager;
use melior::utility::parse_pass_pipeline;
use mlir_sys::{
    MlirModule, mlirModuleCreateParse, mlirModuleCreateParseFromFile, mlirModuleGetOperation,
};

use crate::ir::{Attribute, Block, Op, Type, graveyard, string_ref};
use crate::memory::bounded;
use crate::session::Session;
use diagnostics::{Diagnostic, Severity};

/// A parsed or built `builtin.module`, alive as long as its [`Session`].
pub struct Module<'s> {
    session: &'s Session,
    module: melior::ir::Module<'s>,
    /// Bytes that it was read from.
    source_length: usize,
}

impl<'s> Module<'s> {
    /// Reads a module from a file, text or bytecode.
    ///
    /// # Errors
    ///
    /// The diagnostics of the parser or the verifier, at least one of them an
    /// error. A file that cannot be read is the caller's to find: MLIR says
    /// nothing useful about it.
    pub fn from_file(session: &'s Session, path: &Path) -> Result<Self, Vec<Diagnostic>> {
        let name = path.to_string_lossy();
        session.take_diagnostics();
        // SAFETY: the context outlives the module by the lifetime 's, and the
        // string lives through the call.
        let raw =
            bounded(|| unsafe { mlirModuleCreateParseFromFile(session.raw(), string_ref(&name)) });
        let length = fs::metadata(path).map_or(0, |found| found.len());
        Self::parsed(session, raw, usize::try_from(length).unwrap_or(0))
    }

    /// Reads a module from memory, text or bytecode. Locations name it `-`.
    ///
    /// # Errors
    ///
    /// As for [`Module::from_file`]; also for text with a NUL in it, which
    /// MLIR could not be given.
    pub fn from_source(session: &'s Session, source: &[u8]) -> Result<Self, Vec<Diagnostic>> {
        session.take_diagnostics();
        // The C API wants a NUL after the end of the source, for the lexer.
        let mut terminated = Vec::with_capacity(source.len() + 1);
        terminated.extend_from_slice(source);
        terminated.push(0);
        let text = mlir_sys::MlirStringRef {
            data: terminated.as_ptr().cast(),
            length: source.len(),
        };
        // SAFETY: as in `from_file`; `terminated` lives through the call.
        let raw = bounded(|| unsafe { mlirModuleCreateParse(session.raw(), text) });
        Self::parsed(session, raw, source.len())
    }

    fn parsed(
        session: &'s Session,
        raw: MlirModule,
        source_length: usize,
    ) -> Result<Self, Vec<Diagnostic>> {
        let diagnostics = session.take_diagnostics();
        // SAFETY: `raw` is null or a module that we now own.
        match unsafe { melior::ir::Module::from_option_raw(raw) } {
            Some(module) => {
                session.count_module();
                Ok(Self {
                    session,
                    module,
                    source_length,
                })
            }
            None if diagnostics.is_empty() => {
                Err(vec![Diagnostic::error("the IR could not be parsed")])
            }
            None => Err(diagnostics),
        }
    }

    /// The session the module lives in.
    pub fn session(&self) -> &'s Session {
        self.session
    }

    /// The module operation.
    pub fn op(&self) -> Op<'_> {
        // SAFETY: the module is alive for the borrow, and so is its operation.
        unsafe { Op::from_raw(mlirModuleGetOperation(self.module.to_raw())) }
    }

    /// The module's only block, which holds functions and globals.
    pub fn body(&self) -> Block<'_> {
        self.op()
            .regions()
            .next()
            .and_then(|region| region.blocks().next())
            .expect("a module operation has one region with one block")
    }

    /// Appends a copy of an operation of another module of the same session.
    ///
    /// # Panics
    ///
    /// If the operation is of another session: nothing of one context may
    /// refer to another.
    pub fn adopt(&self, op: Op<'_>) {
        let copy = op.duplicate();
        // SAFETY: both are alive; contexts are compared by identity.
        let same = unsafe {
            mlir_sys::mlirContextEqual(
                mlir_sys::mlirOperationGetContext(copy.raw()),
                self.session.raw(),
            )
        };
        assert!(same, "an operation of another session was adopted");
        // Detached and owned by no one until here, it now lives as long as
        // this module.
        self.body().append(Op::from_raw(copy.raw()));
    }

    /// Parses a type in the module's context; `None` if the text is not one.
    pub fn parse_type(&self, text: &str) -> Option<Type<'_>> {
        Type::parse(self.session, text)
    }

    /// Parses an attribute in the module's context; `None` if it is not one.
    pub fn parse_attribute(&self, text: &str) -> Option<Attribute<'_>> {
        Attribute::parse(self.session, text)
    }

    /// The IR as text, in pretty form, without locations.
    pub fn to_text(&self) -> String {
        self.op().to_text()
    }

    /// As [`Module::to_text`], for a module that [`Module::verify`] has just
    /// passed: MLIR verifies once more before it prints otherwise.
    pub fn to_text_verified(&self) -> String {
        // What is written is about as long as what was read; a buffer of
        // weights that grows would be there twice.
        self.op()
            .to_text_verified(self.source_length + self.source_length / 8)
    }

    /// The IR as MLIR bytecode.
    pub fn to_bytecode(&self) -> Vec<u8> {
        use melior::ir::operation::OperationLike;
        self.module.as_operation().write_bytecode()
    }

    /// Checks the invariants of every operation.
    ///
    /// # Errors
    ///
    /// The verifier's diagnostics.
    pub fn verify(&self) -> Result<(), Vec<Diagnostic>> {
        use melior::ir::operation::OperationLike;
        self.session.take_diagnostics();
        if self.module.as_operation().verify() {
            return Ok(());
        }
        Err(self.session.take_diagnostics())
    }

    /// Destroys the operations that were erased, unless another module of the
    /// session lives, to which they may belong.
    pub fn clear_graveyard(&mut self) {
        graveyard::let_go(self.session.raw());
        if self.session.modules() == 1 {
            // SAFETY: every handle borrows a module, and this one, which is
            // the only one, is borrowed mutably.
            unsafe { graveyard::clear(self.session.raw()) }
        }
    }

    /// Runs a textual pass pipeline, such as `builtin.module(canonicalize)`.
    /// Warnings that it emitted are returned. Only builds with debug assertions
    /// verify what it leaves behind, after each of its passes: verifying takes
    /// as long as small pipelines do.
    ///
    /// # Errors
    ///
    /// The diagnostics of the pass that failed, or of a pipeline that does
    /// not parse (which names a pass this IREE does not have).
    pub fn run_pipeline(&mut self, pipeline: &str) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        self.session.take_diagnostics();
        // MLIR's passes may destroy what erased operations refer to.
        self.clear_graveyard();
        let manager = PassManager::new(self.session.context());
        if let Err(error) = parse_pass_pipeline(manager.as_operation_pass_manager(), pipeline) {
            return Err(vec![
                Diagnostic::error(format!(
                    "this IREE does not know a pass of the pipeline: {error}"
                ))
                .offending(pipeline.to_owned())
                .help("use the IREE release that toolchain/requirements.txt pins"),
            ]);
        }
        manager.enable_verifier(cfg!(debug_assertions));
        let outcome = self.session.in_pipeline(|| manager.run(&mut self.module));
        let mut diagnostics = self.session.take_diagnostics();
        if outcome.is_ok() {
            return Ok(diagnostics);
        }
        if !diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
        {
            diagnostics
                .push(Diagnostic::error("a pass of the pipeline failed").offending(pipeline));
        }
        Err(diagnostics)
    }
}

impl Drop for Module<'_> {
    fn drop(&mut self) {
        // Nothing that was erased may refer to what goes.
        graveyard::let_go(self.session.raw());
        self.session.discount_module();
    }
}
