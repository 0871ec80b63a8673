//! The plan as a file, which specplace writes beside OUT as `out.plan.json`.
//!
//! It holds the plan as `cost` made it, and what it was made of. `specplace run` learns
//! the draft length from it, and `specplace verify` which IN to compare with.

use crate::FileError;
use crate::yaml::slurp;
use cost::plan::{PLAN_VERSION, Plan};
use diagnostics::Place;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

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
/// [`FileError::Unwritable`], which takes a value that no search produces.
pub fn to_json(plan: &Plan, placed_from: Option<&Source>) -> Result<String, FileError> {
    serde_json::to_string_pretty(&Written { plan, placed_from })
        .map(|text| text + "\n")
        .map_err(|error| FileError::Unwritable {
            what: "the plan".to_owned(),
            reason: error.to_string(),
        })
}

/// Reads a plan from a file.
///
/// # Errors
/// [`FileError::Read`] when it cannot be read, [`FileError::Wrong`] when it is no plan of this
/// version.
pub fn load(path: &Path) -> Result<PlanFile, FileError> {
    from_json(&path.display().to_string(), &slurp(path)?)
}

/// Reads a plan from text; `file` names it in errors.
///
/// # Errors
/// [`FileError::Wrong`] when it is no plan of this version.
pub fn from_json(file: &str, text: &str) -> Result<PlanFile, FileError> {
    let read: PlanFile = serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        FileError::Wrong {
            place: Place {
                file: file.to_owned(),
                line: error.line(),
                column: error.column().max(1),
            },
            message: format!("this is no plan of specplace: {said}"),
            help: Some(format!("specplace writes it beside OUT, as OUT{SUFFIX}")),
        }
    })?;
    if read.version != PLAN_VERSION {
        return Err(FileError::Wrong {
            place: Place::of_path(file.to_owned()),
            message: format!(
                "this plan is of version {}, and this specplace reads version {PLAN_VERSION}",
                read.version
            ),
            help: Some("place IN again".to_owned()),
        });
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_placed_is_read_again() {
        let source = Source {
            input: "/a folder/in.mlir".into(),
            role: vec!["a=target.1".into()],
            ..Source::default()
        };
        let placed_from = serde_json::to_string(&source).unwrap();
        let text = format!(
            "{{\"version\": 1, \"gamma\": 4, \"why\": \"x\", \"placed_from\": {placed_from}}}"
        );
        let found = from_json("out.plan.json", &text).unwrap();
        assert_eq!((found.gamma, found.placed_from), (4, Some(source)));
        let piped = from_json("out.plan.json", "{\"version\": 1, \"gamma\": 0}").unwrap();
        assert_eq!(piped.placed_from, None);
    }

    #[test]
    fn other_files_are_refused() {
        for (text, said) in [
            ("--device=local-task", "this is no plan of specplace"),
            ("", "this is no plan of specplace"),
            ("{\"version\": 1}", "missing field `gamma`"),
            ("{\"version\": 2, \"gamma\": 1}", "of version 2"),
        ] {
            let error = from_json("out.plan.json", text).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
            assert!(error.help().is_some() && error.place().is_some());
        }
    }
}
