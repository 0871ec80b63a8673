//! Folders of our own, for files that other programs read and write.

use std::path::{Path, PathBuf};

use diagnostics::Failure;
use tempfile::TempDir;

use crate::interruption::Unfinished;

/// A folder of its own for what other programs read and write, which goes when
/// it is dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    _unfinished: Unfinished,
}

impl Scratch {
    /// Makes it where the system has such folders.
    ///
    /// # Errors
    ///
    /// A [`Failure`] that says why it cannot be made.
    pub fn new() -> Result<Self, Failure> {
        let place = std::env::temp_dir();
        let folder = tempfile::Builder::new()
            .prefix("specplace-")
            .tempdir_in(&place)
            .map_err(|error| {
                Failure::io(
                    format!("cannot make a folder in {}", place.display()),
                    &error,
                )
                .help("set TMPDIR to a folder that can be written and has room")
            })?;
        Ok(Self {
            _unfinished: Unfinished::new(folder.path()),
            folder,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves it there for good.
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}
