//! What every test program of this crate does besides its own tests.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};

/// Whether this is the long series.
pub fn is_long() -> bool {
    env::var("SPECPLACE_E2E_SERIES").is_ok_and(|series| series == "prove")
}

/// Runs the trials that `list` makes for the arguments of the command line, or
/// says why there are none.
pub fn run(list: impl FnOnce(&Arguments) -> Result<Vec<Trial>>) -> ExitCode {
    let arguments = Arguments::from_args();
    match list(&arguments) {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A trial that works with what all of them share; a failure shows the whole
/// chain of errors.
pub fn trial<S: Send + Sync + 'static>(
    name: impl Into<String>,
    shared: &Arc<S>,
    check: impl FnOnce(&S) -> Result<()> + Send + 'static,
) -> Trial {
    let shared = Arc::clone(shared);
    Trial::test(name, move || {
        check(&shared).map_err(|error| Failed::from(format!("{error:#}")))
    })
}
