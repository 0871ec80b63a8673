//! The exit statuses, all of them.

use std::process::ExitCode;

/// How a program of ours ends. This is the only table of exit statuses; a bug in
/// specplace is [`Status::Impossible`] wherever it is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Status {
    /// The work is done.
    Done = 0,
    /// The request was sound, but it cannot be met: no placement, no proof, or a
    /// tool that we ran failed.
    Impossible = 1,
    /// Wrong usage, unreadable input, I/O, or a missing tool.
    Usage = 2,
}

impl Status {
    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}
