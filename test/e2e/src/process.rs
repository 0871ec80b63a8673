//! Running a program to its end, or to its time limit.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wait_timeout::ChildExt;

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
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {command}"))?;
    // Both pipes are drained while the program runs, or it would stall.
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let status = match child.wait_timeout(limit)? {
        Some(status) => status,
        None => {
            child.kill()?;
            child.wait()?;
            bail!("{command}\nwas still running after {limit:?}");
        }
    };
    let elapsed = start.elapsed();
    let text = |reader: thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
    };
    Ok(Finished {
        command,
        status,
        stdout: text(stdout),
        stderr: text(stderr),
        elapsed,
    })
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read until an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}
