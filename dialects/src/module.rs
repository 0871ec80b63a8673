//! A module of IR: read, written, verified, and run through pass pipelines.

mod owned;

use melior::utility::parse_pass_pipeline;
use mlir_sys::{
    MlirOperation, mlirOperationVerify, mlirOperationWriteBytecode, mlirPassManagerRunOnOp,
};

use crate::ir::{Attribute, Block, Op, Type, append_to_bytes, graveyard};
use crate::session::Session;
use diagnostics::{Diagnostic, Severity};

pub use owned::OwnedModule;

/// A `builtin.module` that somebody owns, borrowed to look at or to rewrite: an
/// [`OwnedModule`], or one of a host that runs our passes among its own.
///
/// Whoever borrows it mutably holds no handle to it, and nobody else does.
pub struct Module<'s> {
    session: &'s Session,
    op: MlirOperation,
    /// Bytes that it was read from, where that is known.
    source_length: usize,
}

impl<'s> Module<'s> {
    /// A module that the host of the session's context owns.
    ///
    /// # Safety
    ///
    /// The operation is a `builtin.module` of the session's context that outlives the
    /// value. While that lives nobody else reads or writes it, or makes another value
    /// of it.
    pub unsafe fn of_host(session: &'s Session, op: MlirOperation) -> Self {
        // It is there as long as the host likes, and so as long as the session.
        session.count_module();
        Self {
            session,
            op,
            source_length: 0,
        }
    }

    /// The session the module lives in.
    pub fn session(&self) -> &'s Session {
        self.session
    }

    /// The module operation.
    pub fn op(&self) -> Op<'_> {
        // It is alive for the borrow.
        Op::from_raw(self.op)
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
        let mut bytes: Vec<u8> = Vec::new();
        // SAFETY: the module is alive; the callback appends to the list, which lives
        // through the call.
        unsafe {
            mlirOperationWriteBytecode(self.op, Some(append_to_bytes), (&raw mut bytes).cast());
        }
        bytes
    }

    /// Checks the invariants of every operation.
    ///
    /// # Errors
    ///
    /// The verifier's diagnostics.
    pub fn verify(&self) -> Result<(), Vec<Diagnostic>> {
        self.session.take_diagnostics();
        // SAFETY: the module is alive.
        if unsafe { mlirOperationVerify(self.op) } {
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
        let manager = self.session.pass_manager();
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
        // SAFETY: manager and module are alive and of one context, and nobody holds a
        // handle to what the passes destroy: the module is borrowed mutably.
        let outcome = self
            .session
            .in_pipeline(|| unsafe { mlirPassManagerRunOnOp(manager.to_raw(), self.op) });
        let mut diagnostics = self.session.take_diagnostics();
        if outcome.value != 0 {
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
