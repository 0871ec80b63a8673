//! IREE's runtime programs: found, run with a time limit, and understood when
//! they fail.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::OnceLock;
use std::time::Duration;

use diagnostics::{Diagnostic, Failure};

use crate::iree::{self, Surroundings};
use crate::process;

/// How much of a tool's own message is repeated.
const LINES: usize = 20;

/// How much of a line of it: IREE prints whole lists of CPU features.
const WIDTH: usize = 400;

/// How often a run that lost its device is repeated.
const REPEATS: usize = 4;

/// What is left of a lost device where a fence is awaited: IREE keeps its status there,
/// and not the driver's words. Files that are damaged are DATA_LOSS, too, elsewhere.
const LOST_AT_FENCE: &str = "DATA_LOSS; while invoking native function hal.fence.await";

/// How long a program may run, where nothing else was said.
pub const USUAL_LIMIT: Duration = Duration::from_secs(60 * 60);

static LIMIT: OnceLock<Option<Duration>> = OnceLock::new();

/// Says how long each of IREE's programs may run in this process; `None` is
/// without end. Only the first call counts.
pub fn limit_tools(limit: Option<Duration>) {
    let _ = LIMIT.set(limit);
}

/// How long each of IREE's programs may run.
fn limit() -> Option<Duration> {
    LIMIT.get().copied().unwrap_or(Some(USUAL_LIMIT))
}

/// A flag with a path behind it, such as `--module=out.vmfb`, whatever bytes the
/// path is made of.
pub fn prefixed(prefix: &str, path: &Path) -> OsString {
    let mut text = OsString::from(prefix);
    text.push(path);
    text
}

/// One of IREE's programs.
#[derive(Clone, Debug)]
pub struct Tool {
    name: &'static str,
    path: PathBuf,
}

/// What a program did.
#[derive(Clone, Debug)]
pub struct Done {
    /// How it ended; none when it was ended at its time limit.
    pub status: Option<ExitStatus>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// How long it took.
    pub elapsed: Duration,
}

/// Why a program failed, as far as it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The driver lost its device, as some do now and then.
    LostDevice,
    /// There is no such device, or no driver for it.
    NoDevice,
    /// The devices are not those that the module was compiled for, or in
    /// another order.
    WrongDevices,
    /// A parameter archive was not named.
    NoParameters,
    /// It ran out of time.
    TooLong,
    /// Anything else.
    Other,
}

impl Done {
    /// Whether it ended well.
    pub fn well(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Why it did not.
    pub fn trouble(&self) -> Trouble {
        let said = |text: &str| self.stderr.contains(text);
        if self.status.is_none() {
            Trouble::TooLong
        } else if said("DEVICE_LOST") || said(LOST_AT_FENCE) {
            Trouble::LostDevice
        } else if said("not found or unavailable: #hal.device") {
            Trouble::WrongDevices
        } else if said("no provider registered that handles scopes")
            || said("'io_parameters' not registered")
        {
            Trouble::NoParameters
        } else if said("creating driver for device")
            || said("no driver")
            || said("driver library")
            || said("enumerating devices")
            || said("VK_ERROR_INITIALIZATION_FAILED")
            || said("INCOMPATIBLE_DRIVER")
        {
            Trouble::NoDevice
        } else {
            Trouble::Other
        }
    }

    /// The line that says most, without the IR that follows it.
    pub fn first_error(&self) -> String {
        const LONGEST: usize = 200;
        let line = self
            .stderr
            .lines()
            .find(|line| line.contains("error:") || line.contains(".c:"))
            .or_else(|| self.stderr.lines().next())
            .unwrap_or("nothing");
        // The place is one in a file that is gone by now.
        let line = line.split_once("error: ").map_or(line, |(_, said)| said);
        line.chars().take(LONGEST).collect()
    }

    /// What it said last, as a message shows it.
    pub fn last_words(&self) -> String {
        let lines: Vec<&str> = self.stderr.lines().collect();
        shortened(&lines[lines.len().saturating_sub(LINES)..])
    }

    /// What it said first: a compiler names the cause before what follows of it.
    pub fn first_words(&self) -> String {
        let lines: Vec<&str> = self.stderr.lines().take(LINES).collect();
        shortened(&lines)
    }
}

/// Lines without the ends of those that are very long.
fn shortened(lines: &[&str]) -> String {
    let shown: Vec<String> = lines
        .iter()
        .map(|line| match line.char_indices().nth(WIDTH) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => (*line).to_owned(),
        })
        .collect();
    shown.join("\n")
}

impl Tool {
    /// Finds one of the programs of IREE's runtime, or its compiler.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 2 that says what to install.
    pub fn find(name: &'static str) -> Result<Self, Failure> {
        match iree::find_tool(name, &Surroundings::of_process()) {
            Some(path) => Ok(Self { name, path }),
            None => Err(Failure::usage(
                Diagnostic::error(format!(
                    "{name} was not found, neither in the virtual environment nor on PATH"
                ))
                .help(format!("install it with `{}`", iree::INSTALL)),
            )),
        }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it to its end, or to its limit.
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
    /// A [`Failure`] when it cannot be started, or was ended at the usual [`limit`].
    pub fn run_in_time(
        &self,
        arguments: &[OsString],
        input: Option<&[u8]>,
    ) -> Result<(Done, ExitStatus), Failure> {
        let done = self.run_with(arguments, input, limit())?;
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
        let mut command = iree::tool(&self.path);
        command.args(arguments);
        let ended = process::run(command, input, limit)
            .map_err(|error| Failure::io(format!("cannot run {}", self.path.display()), &error))?;
        Ok(Done {
            status: ended.status,
            stdout: text(ended.stdout),
            stderr: text(ended.stderr),
            elapsed: ended.elapsed,
        })
    }

    /// Runs it until it ends without having lost its device; gives also how
    /// often it had.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 1 with what the program said, if it failed.
    pub fn run_well(&self, arguments: &[OsString]) -> Result<(Done, usize), Failure> {
        self.run_well_within(arguments, limit())
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

/// What a program printed, as a note says it.
pub fn said(words: &str) -> String {
    if words.trim().is_empty() {
        return "it said nothing".to_owned();
    }
    format!("it said\n{words}")
}

/// Text is not copied, and what is none is made one.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use diagnostics::Status;

    use super::*;

    fn shell() -> Tool {
        Tool {
            name: "sh",
            path: "/bin/sh".into(),
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
