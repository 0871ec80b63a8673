//! What a program did and said, and what that means.

use std::process::ExitStatus;
use std::time::Duration;

use crate::process::Ended;

/// How much of a tool's own message is repeated.
const LINES: usize = 20;

/// How much of a line of it: IREE prints whole lists of CPU features.
const WIDTH: usize = 400;

/// What is left of a lost device where a fence is awaited: IREE keeps its status there,
/// and not the driver's words. Files that are damaged are DATA_LOSS, too, elsewhere.
pub(crate) const LOST_AT_FENCE: &str = "DATA_LOSS; while invoking native function hal.fence.await";

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

/// What a program printed, as a note says it.
pub fn said(words: &str) -> String {
    if words.trim().is_empty() {
        return "it said nothing".to_owned();
    }
    format!("it said\n{words}")
}

impl From<Ended> for Done {
    fn from(ended: Ended) -> Self {
        Self {
            status: ended.status,
            stdout: text(ended.stdout),
            stderr: text(ended.stderr),
            elapsed: ended.elapsed,
        }
    }
}

/// Text is not copied, and what is none is made one.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
