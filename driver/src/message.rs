//! Messages to the user, whichever layer they come from.

use std::fmt;

use cost::{CostError, error::ErrorKind, reason};

use crate::iree;

/// How grave a [`Message`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Belongs to the message before it.
    Note,
    /// Something the user may like to know.
    Remark,
    /// The work goes on, but the user should know.
    Warning,
    /// The work cannot go on.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Note => "note",
            Self::Remark => "remark",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A position in a file; line and column count from 1. Where there are no
/// lines (bytecode), the line is 0, and the file may be the path of an operation
/// in the IR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column, in bytes.
    pub column: usize,
}

/// What happened, where, the text in question, and the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How grave it is.
    pub severity: Severity,
    /// Where, if that is known.
    pub place: Option<Place>,
    /// What happened.
    pub text: String,
    /// The text or operation in question.
    pub offending: Option<String>,
    /// What belongs to it.
    pub notes: Vec<Message>,
    /// The next step.
    pub help: Option<String>,
}

impl Message {
    /// A message with nothing but its text.
    pub fn new(severity: Severity, text: impl Into<String>) -> Self {
        Self {
            severity,
            place: None,
            text: text.into(),
            offending: None,
            notes: Vec::new(),
            help: None,
        }
    }

    /// An error.
    pub fn error(text: impl Into<String>) -> Self {
        Self::new(Severity::Error, text)
    }

    /// A warning.
    pub fn warning(text: impl Into<String>) -> Self {
        Self::new(Severity::Warning, text)
    }

    /// A note.
    pub fn note(text: impl Into<String>) -> Self {
        Self::new(Severity::Note, text)
    }

    /// Adds the next step.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn with_note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(Self::note(text));
        self
    }
}

/// Why a command ends without having done its work.
#[derive(Debug, thiserror::Error)]
#[error("{}", .messages.first().map_or("failed", |message| message.text.as_str()))]
pub struct Failure {
    /// What to tell the user.
    pub messages: Vec<Message>,
    /// [`Failure::IMPOSSIBLE`] or [`Failure::USAGE`].
    pub code: u8,
}

impl Failure {
    /// The module cannot be placed, a proof failed, or a tool that we ran did.
    pub const IMPOSSIBLE: u8 = 1;
    /// Wrong usage, unreadable input, I/O, a missing tool.
    pub const USAGE: u8 = 2;

    /// The request was sound, but cannot be met.
    pub fn impossible(messages: Vec<Message>) -> Self {
        Self {
            messages,
            code: Self::IMPOSSIBLE,
        }
    }

    /// The request, or the machine, is not as it has to be.
    pub fn usage(message: Message) -> Self {
        Self {
            messages: vec![message],
            code: Self::USAGE,
        }
    }

    /// What cannot be, and so is nobody's fault but ours.
    pub fn bug(what: impl fmt::Display) -> Self {
        Self::impossible(vec![
            Message::error(format!("{what}: a bug in specplace"))
                .help("please report it with IN and the command line"),
        ])
    }

    /// Why a command ended: a failure of its own, or what it met.
    pub fn of(error: anyhow::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(failure) => return failure,
            Err(error) => error,
        };
        let error = match error.downcast::<CostError>() {
            Ok(error) => return error.into(),
            Err(error) => error,
        };
        // Files and streams: the machine is not as it has to be.
        if error.chain().any(|cause| cause.is::<std::io::Error>()) {
            return Self::usage(Message::error(format!("{error:#}")));
        }
        Self::bug(format!("{error:#}"))
    }

    /// A file or stream failed; `doing` is what was tried (`cannot read x`).
    pub fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::usage(Message::error(format!("{doing}: {}", reason(error))))
    }
}

impl From<CostError> for Failure {
    fn from(error: CostError) -> Self {
        let code = match error.kind() {
            ErrorKind::Infeasible => Self::IMPOSSIBLE,
            ErrorKind::Usage => Self::USAGE,
        };
        Self {
            messages: vec![Message::from(&error)],
            code,
        }
    }
}

impl From<&CostError> for Message {
    fn from(error: &CostError) -> Self {
        let place = error.location().map(|location| Place {
            file: location.file.clone(),
            line: location.line,
            column: location.column,
        });
        let mut text = error.to_string();
        if let Some(location) = error.location() {
            // Its own text begins with the place, which we print ourselves.
            if let Some(rest) = text.strip_prefix(&format!("{location}: ")) {
                text = rest.to_owned();
            }
        }
        Self {
            place,
            help: error.help(),
            ..Self::error(text)
        }
    }
}

impl From<iree::NotFound> for Failure {
    fn from(error: iree::NotFound) -> Self {
        let looked = error.looked.join("\n  ");
        Self::usage(
            Message::error(error.to_string())
                .with_note(format!("looked in\n  {looked}"))
                .help(format!(
                    "install it with `{}` (in a checkout of specplace: `make setup`), or set {} to it",
                    iree::INSTALL,
                    iree::LIBRARY_VARIABLE
                )),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_status() {
        use anyhow::Context as _;
        let status = |error: anyhow::Error| Failure::of(error).code;
        let wrong = || Failure::usage(Message::error("wrong"));
        assert_eq!(status(wrong().into()), 2);
        assert_eq!(status(anyhow::Error::from(wrong()).context("more")), 2);
        assert_eq!(status(Failure::bug("it is not there").into()), 1);
        let alpha = CostError::Alpha {
            text: "2".to_owned(),
        };
        assert_eq!(status(alpha.into()), 2);
        let bug = CostError::Bug {
            message: "no".to_owned(),
        };
        assert_eq!(status(bug.into()), 1);
        let closed = std::fs::read("/proc/none").context("cannot read it");
        assert_eq!(status(closed.unwrap_err()), 2);
        let other = Failure::of(anyhow::anyhow!("nobody thought of it"));
        assert_eq!(other.code, 1);
        assert_eq!(
            other.messages[0].text,
            "nobody thought of it: a bug in specplace"
        );
    }

    #[test]
    fn a_cost_error_keeps_place_and_help() {
        let error = CostError::File {
            location: cost::Location {
                file: "p.yaml".into(),
                line: 3,
                column: 5,
            },
            message: "unknown key `bandwith`".into(),
            help: Some("did you mean `bandwidth`?".into()),
        };
        let failure = Failure::from(error);
        assert_eq!(failure.code, Failure::USAGE);
        let message = &failure.messages[0];
        assert_eq!(message.text, "unknown key `bandwith`");
        assert_eq!(message.place.as_ref().map(|place| place.line), Some(3));
        assert_eq!(message.help.as_deref(), Some("did you mean `bandwidth`?"));
    }
}
