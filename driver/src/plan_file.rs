//! The plan beside OUT: what was placed, and reading it again.

use std::fs;
use std::path::Path;

use diagnostics::Failure;
use files::plan::{PlanFile, Source, load};

use crate::args::DecisionArgs;
use crate::input::readable_again;

/// What a command line places. `None` where IN is no file that can be read again. The
/// path is absolute, so that it holds wherever OUT is looked at from.
pub fn source(input: &Path, args: &DecisionArgs) -> Option<Source> {
    let input = fs::canonicalize(input).ok().filter(|path| path.is_file())?;
    Some(Source {
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

/// Reads a plan.
///
/// # Errors
///
/// A [`Failure`] of status 2: it is not there, is no file, or is no plan of this version.
pub fn read(path: &Path) -> Result<PlanFile, Failure> {
    readable_again(path)
        .map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))?;
    Ok(load(path)?)
}
