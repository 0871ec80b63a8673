//! Reading a workload, as `specplace explore --workload-out` writes it.

use crate::FileError;
use crate::yaml::{Document, slurp};
use cost::Workload;

/// Reads a workload from a file, JSON or YAML.
///
/// # Errors
/// [`FileError::Read`] when it cannot be read; [`FileError::Wrong`] with line and column for
/// anything that is not a workload, such as unknown keys or negative numbers.
pub fn load(path: &str) -> Result<Workload, FileError> {
    Document::parse(path, &slurp(path)?)?.read_unversioned()
}
