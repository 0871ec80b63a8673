//! What can go wrong, said so that a user can act on it: where, what, and what to do next.

use crate::search::Infeasible;
use std::fmt;

/// A place in a file the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file as the user named it, or `<builtin:NAME>` for a built-in platform.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Whose fault an error is, for the exit code: 1 when nothing can be done, 2 when what was asked is
/// wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is sound but nothing can satisfy it (exit 1).
    Infeasible,
    /// The request, or a file it names, is wrong (exit 2).
    Usage,
}

/// Every error of this crate. `Display` gives one or more complete lines without the help;
/// [`CostError::help`] gives the next step.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// A file could not be read.
    #[error("cannot read {path}: {}", crate::text::reason(source))]
    Read {
        /// The path as given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A YAML file is not what it should be: syntax, unknown key, wrong unit, inconsistent or
    /// impossible value.
    #[error("{location}: {message}")]
    File {
        /// Where in which file.
        location: Location,
        /// What is wrong, with the offending text.
        message: String,
        /// What to write instead.
        help: Option<String>,
    },
    /// A name or value given to the library (a command-line argument, say) is not one of those that
    /// exist.
    #[error("{message}")]
    Argument {
        /// What was given and why it is wrong, with the offending text.
        message: String,
        /// What could be given instead.
        help: Option<String>,
    },
    /// α is not a probability.
    #[error("the acceptance rate must lie between 0 and 1, not {text}")]
    Alpha {
        /// The offending text.
        text: String,
    },
    /// An acceptance file holds several tasks and none was chosen, or the chosen one is not there.
    #[error("{message}; {file} holds: {}", choices.join(", "))]
    Task {
        /// The file.
        file: String,
        /// What was asked, if anything.
        message: String,
        /// Every `task/quantisation` in the file.
        choices: Vec<String>,
        /// How to choose.
        help: String,
    },
    /// The module keeps state between calls, which Eq. (1) does not cover.
    #[error(
        "the module keeps state between calls ({evidence}): Eq. (1) assumes that verifying γ+1 tokens costs one forward pass"
    )]
    State {
        /// What shows it.
        evidence: String,
        /// What to do about it.
        help: String,
    },
    /// A role that the decision needs is not in the workload.
    #[error("the workload has no {role}, so there is nothing to place")]
    MissingRole {
        /// The role.
        role: crate::workload::Role,
    },
    /// No mapping satisfies the platform's bounds and the request's restrictions.
    #[error("{0}")]
    Infeasible(Box<Infeasible>),
    /// No placement of stages satisfies the platform's bounds and the request's restrictions.
    #[error("{message}")]
    Unplaceable {
        /// What stands in the way.
        message: String,
        /// What to do.
        help: String,
    },
    /// What cannot be.
    #[error("{message}: a bug in specplace")]
    Bug {
        /// What happened.
        message: String,
    },
}

impl CostError {
    /// What the user should do next, where there is something better than reading the message
    /// again.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Read { .. } | Self::MissingRole { .. } => None,
            Self::File { help, .. } | Self::Argument { help, .. } => help.clone(),
            Self::Alpha { .. } => {
                Some(
                    "it is accepted / (accepted + rejected) drafted tokens, those behind a rejected one not counted; \
                     for accepted / drafted tokens, as vLLM and SGLang print them, give --accepted-per-draft X --drafted N; \
                     or give an acceptance file"
                        .into(),
                )
            }
            Self::Task { help, .. }
            | Self::State { help, .. }
            | Self::Unplaceable { help, .. } => Some(help.clone()),
            Self::Bug { .. } => Some("please report it with the command line and its files".to_owned()),
            Self::Infeasible(infeasible) => Some(infeasible.levers.join("; ")),
        }
    }

    /// Where in which file, for errors about a file's contents.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::File { location, .. } => Some(location),
            _ => None,
        }
    }

    /// Whether the request is wrong or merely impossible.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Infeasible(_)
            | Self::Unplaceable { .. }
            | Self::State { .. }
            | Self::Bug { .. }
            | Self::MissingRole { .. } => ErrorKind::Infeasible,
            _ => ErrorKind::Usage,
        }
    }

    /// An [`CostError::Argument`] with help.
    pub(crate) fn argument(message: impl Into<String>, help: impl Into<Option<String>>) -> Self {
        Self::Argument {
            message: message.into(),
            help: help.into(),
        }
    }
}
