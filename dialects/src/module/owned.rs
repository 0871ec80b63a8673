//! A module that is ours: it goes when its owner does.

use std::fs;
use std::ops::Deref;
use std::path::Path;

use mlir_sys::{
    MlirModule, mlirModuleCreateParse, mlirModuleCreateParseFromFile, mlirModuleDestroy,
    mlirModuleFromOperation, mlirModuleGetOperation,
};

use super::Module;
use crate::ir::{graveyard, string_ref};
use crate::session::Session;
use diagnostics::Diagnostic;

/// A parsed or built module that goes with this value. It is looked at as a
/// [`Module`], and [`OwnedModule::lend`]s one to what rewrites it.
pub struct OwnedModule<'s> {
    module: Module<'s>,
}

impl<'s> OwnedModule<'s> {
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
        let raw = unsafe { mlirModuleCreateParseFromFile(session.raw(), string_ref(&name)) };
        let length = fs::metadata(path).map_or(0, |found| found.len());
        Self::parsed(session, raw, usize::try_from(length).unwrap_or(0))
    }

    /// Reads a module from memory, text or bytecode. Locations name it `-`.
    ///
    /// # Errors
    ///
    /// As for [`OwnedModule::from_file`]; also for text with a NUL in it, which
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
        let raw = unsafe { mlirModuleCreateParse(session.raw(), text) };
        Self::parsed(session, raw, source.len())
    }

    fn parsed(
        session: &'s Session,
        raw: MlirModule,
        source_length: usize,
    ) -> Result<Self, Vec<Diagnostic>> {
        let diagnostics = session.take_diagnostics();
        if raw.ptr.is_null() {
            return Err(match diagnostics.is_empty() {
                true => vec![Diagnostic::error("the IR could not be parsed")],
                false => diagnostics,
            });
        }
        session.count_module();
        Ok(Self {
            module: Module {
                session,
                // SAFETY: the module is alive, and has an operation.
                op: unsafe { mlirModuleGetOperation(raw) },
                source_length,
            },
        })
    }

    /// Lends it to what rewrites it. It is lent by value, and not as a reference to what
    /// the owner holds, which two owners could be made to exchange.
    pub fn lend(&mut self) -> Module<'_> {
        Module {
            session: self.module.session,
            op: self.module.op,
            source_length: self.module.source_length,
        }
    }
}

impl<'s> Deref for OwnedModule<'s> {
    type Target = Module<'s>;

    fn deref(&self) -> &Module<'s> {
        &self.module
    }
}

impl Drop for OwnedModule<'_> {
    fn drop(&mut self) {
        // Nothing that was erased may refer to what goes.
        graveyard::let_go(self.module.session.raw());
        self.module.session.discount_module();
        // SAFETY: the operation is that of a module that was made for this value, and
        // is destroyed once. What was lent, and handles, borrow the value.
        unsafe { mlirModuleDestroy(mlirModuleFromOperation(self.module.op)) }
    }
}
