//! Why a command ends without having done its work.

use std::{error, fmt, io};

use crate::{Diagnostic, Status};

/// What to tell the user, and the status to end with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to tell the user.
    pub messages: Vec<Diagnostic>,
    /// How the program ends; never [`Status::Done`].
    pub status: Status,
}

impl Failure {
    /// The request was sound, but cannot be met.
    pub fn impossible(messages: Vec<Diagnostic>) -> Self {
        Self {
            messages,
            status: Status::Impossible,
        }
    }

    /// The request, or the machine, is not as it has to be.
    pub fn usage(message: Diagnostic) -> Self {
        Self::unreadable(vec![message])
    }

    /// What was given could not be read, for several reasons.
    pub fn unreadable(messages: Vec<Diagnostic>) -> Self {
        Self {
            messages,
            status: Status::Usage,
        }
    }

    /// What cannot be, and so is nobody's fault but ours.
    pub fn bug(what: impl fmt::Display) -> Self {
        Self::impossible(vec![
            Diagnostic::error(format!("{what}: a bug in specplace"))
                .help("please report it with IN and the command line"),
        ])
    }

    /// A file or stream failed; `doing` is what was tried (`cannot read x`).
    pub fn io(doing: impl fmt::Display, error: &io::Error) -> Self {
        Self::usage(Diagnostic::error(format!("{doing}: {}", reason(error))))
    }

    /// Adds the next step to the first message.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        if let Some(message) = self.messages.first_mut() {
            message.help = Some(text.into());
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.messages.first();
        formatter.write_str(first.map_or("failed", |message| &message.message))
    }
}

impl error::Error for Failure {}

/// What the system says about an error, without its number: no reader needs
/// `(os error 2)`.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_no_number() {
        let error = io::Error::from_raw_os_error(2);
        assert_eq!(reason(&error), "No such file or directory");
        assert_eq!(reason(&io::Error::other("odd")), "odd");
    }

    #[test]
    fn every_failure_has_its_status() {
        let wrong = || Diagnostic::error("wrong");
        assert_eq!(Failure::usage(wrong()).status.code(), 2);
        assert_eq!(Failure::impossible(vec![wrong()]).status.code(), 1);
        assert_eq!(Failure::bug("it is not there").status.code(), 1);
    }
}
