//! Which IREE this is, and what may be expected of it.

use std::fmt;
use std::fs;
use std::path::Path;

use diagnostics::{Diagnostic, Failure};

use crate::find::{self, Surroundings};

/// A release of IREE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// As the wheel says it: `3.13.0rc20261016`.
    pub text: String,
    numbers: (u32, u32),
}

/// What may be expected of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Everything is tested with it.
    Proven,
    /// It does this, and nothing more is known to work.
    Limited(&'static str),
    /// Nobody has tried.
    Untried,
}

/// The release that everything is proven with.
pub const PROVEN: &str = "3.13.0";

/// What 3.6.0 can do, as test/e2e/tests/oldest.rs sees it.
const OF_3_6: &str = "places modules without loops on CPU devices, and no others: its Torch lowering takes no loops, \
                      functions that are called twice end OUT_OF_RANGE on two devices, buffers cannot be handed on \
                      (its hal.tensor.import has another form), and its runtime does not show lavapipe";

/// That of the IREE which was found.
pub fn installed() -> Option<Version> {
    let library = find::find_library(&Surroundings::of_process()).ok()?;
    Version::of(&library)
}

/// Refuses `what`, which a release that is limited is known not to take.
///
/// # Errors
///
/// A [`Failure`] of status 2 that says what the release does.
pub fn check_unlimited(what: &str) -> Result<(), Failure> {
    match installed().map(|version| (version.support(), version)) {
        Some((Support::Limited(why), version)) => Err(Failure::usage(
            Diagnostic::error(format!("{what} is not for IREE {version}, which {why}")).help(format!(
                "where that is enough, place without it; or install the release that is tested: `{}`",
                find::INSTALL
            )),
        )),
        _ => Ok(()),
    }
}

impl Version {
    /// That of the wheel which a program or library lies in.
    pub fn of(installed: &Path) -> Option<Self> {
        // iree/compiler/_mlir_libs/X has it one folder up,
        // iree/_runtime_libs/X beside it.
        installed
            .ancestors()
            .skip(1)
            .take(2)
            .find_map(|folder| Self::in_file(&folder.join("version.py")))
    }

    fn in_file(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        text.lines().find_map(|line| {
            let value = line
                .strip_prefix("VERSION")?
                .trim_start()
                .strip_prefix('=')?;
            Self::parse(value.trim().trim_matches('"'))
        })
    }

    /// Reads `3.13.0rc20261016`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let numbers = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self {
            text: text.to_owned(),
            numbers,
        })
    }

    /// Whether outlined functions hand tensors on, since it takes no buffers.
    pub fn hands_tensors_on(&self) -> bool {
        matches!(self.support(), Support::Limited(_))
    }

    /// Its major and minor number, as a platform's table names releases.
    pub fn release(&self) -> (u32, u32) {
        self.numbers
    }

    /// What may be expected of it.
    pub fn support(&self) -> Support {
        match self.numbers {
            (3, 13) => Support::Proven,
            (3, 6) => Support::Limited(OF_3_6),
            _ => Support::Untried,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.text)
    }
}

impl fmt::Display for Support {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proven => formatter.write_str("everything is tested with it"),
            Self::Limited(why) => formatter.write_str(why),
            Self::Untried => write!(formatter, "not tested; {PROVEN} is"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wheels_say_their_version() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("compiler/_mlir_libs/lib.so");
        let file = folder.path().join("compiler/version.py");
        fs::create_dir_all(library.parent().unwrap()).unwrap();
        fs::write(
            file,
            "# Auto-generated\nVERSION = \"3.6.0rc1\"\nREVISIONS = {}\n",
        )
        .unwrap();
        let version = Version::of(&library).unwrap();
        assert_eq!(version.text, "3.6.0rc1");
        assert!(matches!(version.support(), Support::Limited(_)));
        assert_eq!(Version::of(Path::new("/nowhere/at/all")), None);
    }

    #[test]
    fn support_by_number() {
        let support = |text| Version::parse(text).unwrap().support();
        assert_eq!(support("3.13.0rc20261016"), Support::Proven);
        assert_eq!(support("3.14.0"), Support::Untried);
        assert_eq!(Version::parse("nightly"), None);
    }
}
