//! Running a program to its end, or to its time limit.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A program that ran.
#[derive(Debug)]
pub struct Finished {
    /// The command, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// How long it took.
    pub elapsed: Duration,
}

impl Finished {
    /// Fails, with all that the program said, unless it ended well.
    pub fn success(self) -> Result<Self> {
        if !self.status.success() {
            bail!(
                "{}\nended with {}\n{}{}",
                self.command,
                self.status,
                tail(&self.stdout),
                tail(&self.stderr)
            );
        }
        Ok(self)
    }
}

/// The last lines of what a program printed.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(60)..];
    shown.iter().map(|line| format!("{line}\n")).collect()
}

/// The arguments of a command line without quotes.
pub fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

/// Runs a program in `directory`; one that takes longer than `limit` is ended,
/// which is an error.
pub fn run(
    program: &Path,
    arguments: &[OsString],
    directory: &Path,
    limit: Duration,
) -> Result<Finished> {
    let shown: Vec<_> = arguments
        .iter()
        .map(|each| each.to_string_lossy())
        .collect();
    let command = format!("{} {}", program.display(), shown.join(" "));
    let mut process = Command::new(program);
    process.args(arguments).current_dir(directory);
    let ended = tools::process::run(process, None, Some(limit))
        .with_context(|| format!("cannot run {command}"))?;
    let Some(status) = ended.status else {
        bail!("{command}\nwas still running after {limit:?}");
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Finished {
        command,
        status,
        stdout: text(ended.stdout),
        stderr: text(ended.stderr),
        elapsed: ended.elapsed,
    })
}
