//! IREE's programs: found, run with a time limit, and explained when they fail.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use diagnostics::{Diagnostic, Failure};

use crate::find::{self, Surroundings};
use crate::process;
use crate::said::{Done, Trouble, said};

/// How often a run that lost its device is repeated.
const REPEATS: usize = 4;

/// How long a program may run, where nothing else was said.
pub const USUAL_LIMIT: Duration = Duration::from_secs(60 * 60);

/// A flag with a path behind it, such as `--module=out.vmfb`, whatever bytes the
/// path is made of.
pub fn prefixed(prefix: &str, path: &Path) -> OsString {
    let mut text = OsString::from(prefix);
    text.push(path);
    text
}

/// IREE's programs, and how long each of them may run.
#[derive(Clone, Copy, Debug)]
pub struct Tools {
    limit: Option<Duration>,
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            limit: Some(USUAL_LIMIT),
        }
    }
}

impl Tools {
    /// Programs that may run so long; `None` is without end.
    pub fn limited(limit: Option<Duration>) -> Self {
        Self { limit }
    }

    /// Finds one of the programs of IREE's runtime, or its compiler.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 2 that says what to install.
    pub fn find(self, name: &'static str) -> Result<Tool, Failure> {
        match find::find_tool(name, &Surroundings::of_process()) {
            Some(path) => Ok(Tool {
                name,
                path,
                limit: self.limit,
            }),
            None => Err(Failure::usage(
                Diagnostic::error(format!(
                    "{name} was not found, neither in the virtual environment nor on PATH"
                ))
                .help(format!("install it with `{}`", find::INSTALL)),
            )),
        }
    }
}

/// One of IREE's programs.
#[derive(Clone, Debug)]
pub struct Tool {
    name: &'static str,
    path: PathBuf,
    limit: Option<Duration>,
}

impl Tool {
    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it to its end, or to a limit of its own.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when it cannot even be started.
    pub fn run(&self, arguments: &[OsString], limit: Option<Duration>) -> Result<Done, Failure> {
        self.run_with(arguments, None, limit)
    }

    /// Runs it to its end, with `input` as its standard input if there is any, and gives
    /// how it ended.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when it cannot be started, or was ended at its limit.
    pub fn run_in_time(
        &self,
        arguments: &[OsString],
        input: Option<&[u8]>,
    ) -> Result<(Done, ExitStatus), Failure> {
        let done = self.run_with(arguments, input, self.limit)?;
        match done.status {
            Some(status) => Ok((done, status)),
            None => Err(self.too_long(&done)),
        }
    }

    fn run_with(
        &self,
        arguments: &[OsString],
        input: Option<&[u8]>,
        limit: Option<Duration>,
    ) -> Result<Done, Failure> {
        let mut command = find::tool(&self.path);
        command.args(arguments);
        let ended = process::run(command, input, limit)
            .map_err(|error| Failure::io(format!("cannot run {}", self.path.display()), &error))?;
        Ok(ended.into())
    }

    /// Runs it until it ends without having lost its device; gives also how
    /// often it had.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 1 with what the program said, if it failed.
    pub fn run_well(&self, arguments: &[OsString]) -> Result<(Done, usize), Failure> {
        self.run_well_within(arguments, self.limit)
    }

    /// As [`Self::run_well`], with a limit of its own.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn run_well_within(
        &self,
        arguments: &[OsString],
        limit: Option<Duration>,
    ) -> Result<(Done, usize), Failure> {
        let mut lost = 0;
        loop {
            let done = self.run(arguments, limit)?;
            if done.well() {
                return Ok((done, lost));
            }
            if done.trouble() == Trouble::LostDevice && lost < REPEATS {
                lost += 1;
                continue;
            }
            return Err(self.failed(&done, lost));
        }
    }

    fn failed(&self, done: &Done, lost: usize) -> Failure {
        let Some(status) = done.status else {
            return self.too_long(done);
        };
        let message = Diagnostic::error(format!("{} failed ({status})", self.name))
            .with_note(Diagnostic::note(said(&done.last_words())));
        Failure::impossible(vec![match done.trouble() {
            Trouble::LostDevice => message.help(format!(
                "the driver lost its device {} times in a row; `specplace doctor` tries each device",
                lost + 1
            )),
            Trouble::NoDevice => message.help(
                "a device that the module was placed on is not there: `specplace doctor` lists what is",
            ),
            Trouble::WrongDevices => message.help(
                "the --device flags have to name the module's devices in its order, as the file of flags that was \
                 written beside the module does",
            ),
            Trouble::NoParameters => {
                message.help("name the weights: --parameters SCOPE=FILE.irpa")
            }
            Trouble::TooLong | Trouble::Other => message,
        }])
    }

    /// That it was ended at its limit.
    fn too_long(&self, done: &Done) -> Failure {
        Failure::impossible(vec![
            Diagnostic::error(format!(
                "{} was ended after {:.0} s, which is the limit",
                self.name,
                done.elapsed.as_secs_f64()
            ))
            .with_note(Diagnostic::note(said(&done.last_words())))
            .help(
                "if it needs longer, give it time: --tool-limit SECONDS (0 is without end); if it hangs, \
                 `specplace doctor` tries each device",
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use diagnostics::Status;

    use super::*;
    use crate::said::LOST_AT_FENCE;

    fn shell() -> Tool {
        Tool {
            name: "sh",
            path: "/bin/sh".into(),
            limit: Some(USUAL_LIMIT),
        }
    }

    fn arguments(script: &str) -> Vec<OsString> {
        ["-c", script].map(OsString::from).into()
    }

    #[test]
    fn limits_are_kept() {
        let done = shell()
            .run(&arguments("sleep 20"), Some(Duration::from_millis(100)))
            .unwrap();
        assert!(done.elapsed < Duration::from_secs(10));
        assert_eq!(done.trouble(), Trouble::TooLong);
        assert!(!done.well());
        let failure = shell().failed(&done, 0);
        assert_eq!(failure.status, Status::Impossible);
        let help = failure.messages[0].help.as_ref().unwrap();
        assert!(help.contains("--tool-limit"), "{help}");
        let done = shell().run(&arguments("echo a; echo b >&2"), None).unwrap();
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("a\n", "b\n"));
    }

    #[test]
    fn silence_is_told() {
        let failure = shell().run_well(&arguments("exit 7")).unwrap_err();
        assert_eq!(failure.messages[0].notes[0].message, "it said nothing");
    }

    #[test]
    fn lost_devices_are_tried_again() {
        for said in ["VK_ERROR_DEVICE_LOST", LOST_AT_FENCE] {
            let folder = tempfile::tempdir().unwrap();
            let mark = folder.path().join("mark");
            let script = format!(
                "test -e {0} && exit 0; touch {0}; echo '{said}' >&2; exit 1",
                mark.display()
            );
            let (_, lost) = shell().run_well(&arguments(&script)).unwrap();
            assert_eq!(lost, 1, "{said}");
        }
        let damaged = shell().run(&arguments("echo 'DATA_LOSS; header' >&2; exit 1"), None);
        assert_eq!(damaged.unwrap().trouble(), Trouble::Other);
        let failure = shell()
            .run_well(&arguments(
                "echo \"no provider registered that handles scopes like 'model'\" >&2; exit 1",
            ))
            .unwrap_err();
        assert_eq!(failure.status, Status::Impossible);
        assert!(
            failure.messages[0]
                .help
                .as_ref()
                .unwrap()
                .contains("--parameters")
        );
    }
}
