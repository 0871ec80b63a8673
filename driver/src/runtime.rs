//! IREE's runtime programs: found, run with a time limit, and understood when
//! they fail.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::iree::{self, Surroundings};
use crate::message::{Failure, Message};

/// How much of a tool's own message is repeated.
const LINES: usize = 20;

/// How much of a line of it: IREE prints whole lists of CPU features.
const WIDTH: usize = 400;

/// How often a run that lost its device is repeated.
const REPEATS: usize = 4;

/// How often a program that has a time limit is looked at.
const TICK: Duration = Duration::from_millis(5);

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
        } else if said("DEVICE_LOST") {
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
                Message::error(format!(
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
        let fail =
            |error: io::Error| Failure::io(format!("cannot run {}", self.path.display()), &error);
        let started = Instant::now();
        let mut child = iree::tool(&self.path)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        // Both are read while it runs, or it would wait for its reader.
        let stdout = drained(child.stdout.take());
        let stderr = drained(child.stderr.take());
        let status = wait(&mut child, limit).map_err(fail)?;
        // What it started may go on after it was ended, and hold the pipes.
        let (stdout, stderr) = match status {
            Some(_) => (text(stdout), text(stderr)),
            None => Default::default(),
        };
        Ok(Done {
            status,
            stdout,
            stderr,
            elapsed: started.elapsed(),
        })
    }

    /// Runs it until it ends without having lost its device; gives also how
    /// often it had.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 1 with what the program said, if it failed.
    pub fn run_well(&self, arguments: &[OsString]) -> Result<(Done, usize), Failure> {
        let mut lost = 0;
        loop {
            let done = self.run(arguments, None)?;
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
        let how = done.status.map_or_else(
            || "it was still running".to_owned(),
            |status| status.to_string(),
        );
        let message = Message::error(format!("{} failed ({how})", self.name))
            .with_note(format!("it said\n{}", done.last_words()));
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
}

fn wait(child: &mut Child, limit: Option<Duration>) -> io::Result<Option<ExitStatus>> {
    let Some(limit) = limit else {
        return child.wait().map(Some);
    };
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(TICK);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn drained(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read until an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn text(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
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
        let done = shell().run(&arguments("echo a; echo b >&2"), None).unwrap();
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("a\n", "b\n"));
    }

    #[test]
    fn lost_devices_are_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let script = format!(
            "test -e {0} && exit 0; touch {0}; echo VK_ERROR_DEVICE_LOST >&2; exit 1",
            mark.display()
        );
        let (_, lost) = shell().run_well(&arguments(&script)).unwrap();
        assert_eq!(lost, 1);
        let failure = shell()
            .run_well(&arguments(
                "echo \"no provider registered that handles scopes like 'model'\" >&2; exit 1",
            ))
            .unwrap_err();
        assert_eq!(failure.code, Failure::IMPOSSIBLE);
        assert!(
            failure.messages[0]
                .help
                .as_ref()
                .unwrap()
                .contains("--parameters")
        );
    }
}
