//! Modules of the user's, read with no more memory than the machine has.

use std::path::Path;

use diagnostics::Diagnostic;
use dialects::{OwnedModule, Session};

use crate::memory::bounded;

/// [`OwnedModule::from_file`], within [`bounded`] memory.
///
/// # Errors
///
/// Those of [`OwnedModule::from_file`].
pub fn read_file<'s>(
    session: &'s Session,
    path: &Path,
) -> Result<OwnedModule<'s>, Vec<Diagnostic>> {
    bounded(|| OwnedModule::from_file(session, path))
}

/// [`OwnedModule::from_source`], within [`bounded`] memory.
///
/// # Errors
///
/// Those of [`OwnedModule::from_source`].
pub fn read<'s>(session: &'s Session, source: &[u8]) -> Result<OwnedModule<'s>, Vec<Diagnostic>> {
    bounded(|| OwnedModule::from_source(session, source))
}
