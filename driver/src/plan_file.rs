//! The plan as a file, which lies beside OUT as `out.plan.json`.
//!
//! It holds the plan as `cost` made it, and from what. `specplace run` learns the
//! draft length from it, and `specplace verify` which IN to compare with.

use std::fs;
use std::path::{Path, PathBuf};

use cost::plan::{PLAN_VERSION, Plan};
use diagnostics::{Diagnostic, Failure, Place};
use serde::{Deserialize, Serialize};

use crate::args::DecisionArgs;
use crate::input::readable_again;

/// What stands in place of OUT's extension.
pub const SUFFIX: &str = ".plan.json";

/// What was placed, and by which decisions its operations got their roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// IN.
    pub input: PathBuf,
    /// `--drafter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drafter: Option<String>,
    /// `--target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `--role`, each as it was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub role: Vec<String>,
    /// `--keep-placement`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keep_placement: bool,
}

impl Source {
    /// What a command line places. `None` where IN is no file that can be read
    /// again. The path is absolute, so that it holds wherever OUT is looked at from.
    pub fn of(input: &Path, args: &DecisionArgs) -> Option<Self> {
        let input = fs::canonicalize(input).ok().filter(|path| path.is_file())?;
        Some(Self {
            input,
            drafter: args.drafter.clone(),
            target: args.target.clone(),
            role: args
                .role
                .iter()
                .map(|each| format!("{}={}", each.name, each.role))
                .collect(),
            keep_placement: args.keep_placement,
        })
    }
}

/// The whole file.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    placed_from: Option<&'a Source>,
}

/// What is read of it again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PlanFile {
    version: u32,
    /// The draft length.
    pub gamma: u32,
    /// What was placed; `None` where IN was no file.
    pub placed_from: Option<Source>,
}

/// The contents of the file.
///
/// # Errors
///
/// A [`Failure`]: a bug, since every plan can be written.
pub fn text(plan: &Plan, placed_from: Option<&Source>) -> Result<String, Failure> {
    serde_json::to_string_pretty(&Written { plan, placed_from })
        .map(|text| text + "\n")
        .map_err(|error| Failure::bug(format!("the plan cannot be written: {error}")))
}

impl PlanFile {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 2: it is not there, or is no plan of this version.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = readable_again(path)
            .and_then(|()| fs::read_to_string(path))
            .map_err(|error| Failure::io(format!("cannot read {shown}"), &error))?;
        let read: Self = serde_json::from_str(&text).map_err(|error| {
            let place = (error.line() > 0).then(|| Place {
                file: shown.to_string(),
                line: error.line(),
                column: error.column().max(1),
            });
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            Failure::usage(
                Diagnostic::error(format!("this is no plan of specplace: {said}"))
                    .at(place)
                    .help(format!("specplace writes it beside OUT, as OUT{SUFFIX}")),
            )
        })?;
        if read.version != PLAN_VERSION {
            return Err(Failure::usage(
                Diagnostic::error(format!(
                    "{shown} has version {}, and this specplace reads version {PLAN_VERSION}",
                    read.version
                ))
                .help("place IN again"),
            ));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PlanFile, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.plan.json");
        fs::write(&path, text).unwrap();
        PlanFile::read(&path)
    }

    #[test]
    fn what_was_placed_is_read_again() {
        let source = Source {
            input: "/a folder/in.mlir".into(),
            role: vec!["a=target.1".into()],
            ..Source::default()
        };
        let placed_from = serde_json::to_string(&source).unwrap();
        let found = read(&format!(
            "{{\"version\": 1, \"gamma\": 4, \"why\": \"x\", \"placed_from\": {placed_from}}}"
        ));
        let found = found.unwrap();
        assert_eq!((found.gamma, found.placed_from), (4, Some(source)));
        let piped = read("{\"version\": 1, \"gamma\": 0}").unwrap();
        assert_eq!(piped.placed_from, None);
    }

    #[test]
    fn other_files_are_refused() {
        for (text, said) in [
            ("--device=local-task", "this is no plan of specplace"),
            ("{\"version\": 1}", "missing field `gamma`"),
            ("{\"version\": 2, \"gamma\": 1}", "has version 2"),
        ] {
            let failure = read(text).unwrap_err();
            assert!(failure.to_string().contains(said), "{failure}");
            assert!(failure.messages[0].help.is_some());
        }
    }
}
