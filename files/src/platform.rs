//! Platforms: from `platform.yaml`, built in, or this machine.

mod builtin;
mod host;
mod read;
mod trust;
mod validate;
mod write;

pub use builtin::BUILTIN_NAMES;
pub use write::{to_json, to_yaml};

use crate::FileError;
use crate::yaml::{Document, slurp};
use cost::{Platform, suggestion};

/// The platform that `given` names: a built-in one, or else a file, which may come from a
/// stranger.
///
/// # Errors
/// [`FileError::NoPlatform`] for a name that is neither; [`FileError::Read`] and
/// [`FileError::Wrong`] for a file that cannot be read, is wrong, or gives IREE's programs a flag
/// that may do more than say what code is made.
pub fn load(given: &str) -> Result<Platform, FileError> {
    load_checked(given, trust::check)
}

/// As [`load`], with whatever flags the file has.
///
/// # Errors
/// As there, but for flags.
pub fn load_trusted(given: &str) -> Result<Platform, FileError> {
    load_checked(given, |_, _| Ok(()))
}

fn load_checked(
    given: &str,
    check: impl FnOnce(&Platform, &Document) -> Result<(), FileError>,
) -> Result<Platform, FileError> {
    if let Some(platform) = builtin::load(given) {
        return platform;
    }
    let is_path = given.contains(['/', '\\'])
        || given.ends_with(".yaml")
        || given.ends_with(".yml")
        || std::path::Path::new(given).is_file();
    if !is_path {
        return Err(FileError::NoPlatform {
            given: given.to_owned(),
            known: suggestion(given, "built in", BUILTIN_NAMES.iter().copied()),
        });
    }
    let document = Document::parse(given, &slurp(given)?)?;
    let platform = read::platform(&document)?;
    check(&platform, &document)?;
    Ok(platform)
}

/// The platform described by `text`; `file` names it in errors.
///
/// # Errors
/// [`FileError::Wrong`] with line and column for anything that is not a consistent platform.
pub fn from_yaml(file: &str, text: &str) -> Result<Platform, FileError> {
    read::platform(&Document::parse(file, text)?)
}

#[cfg(test)]
mod tests;
