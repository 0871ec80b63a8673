//! What can go wrong, said so that a user can act on it: where, what, and what to do next.

use diagnostics::{Diagnostic, Failure, Place, Status, reason};

use crate::search::Infeasible;

/// Every error of this crate. `Display` gives what is wrong, in one or more complete lines;
/// [`CostError::place`] where, and [`CostError::help`] the next step. A [`Diagnostic`] has all three.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// A file could not be read.
    #[error("cannot read {path}: {}", reason(source))]
    Read {
        /// The path as given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A YAML file is not what it should be: syntax, unknown key, wrong unit, inconsistent or
    /// impossible value.
    #[error("{message}")]
    File {
        /// Where in which file.
        place: Place,
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
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::File { place, .. } => Some(place),
            _ => None,
        }
    }

    /// Whether the request is wrong or merely impossible.
    pub fn status(&self) -> Status {
        match self {
            Self::Infeasible(_)
            | Self::Unplaceable { .. }
            | Self::State { .. }
            | Self::Bug { .. }
            | Self::MissingRole { .. } => Status::Impossible,
            _ => Status::Usage,
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

impl From<&CostError> for Diagnostic {
    fn from(error: &CostError) -> Self {
        Self {
            place: error.place().cloned(),
            help: error.help(),
            ..Self::error(error.to_string())
        }
    }
}

impl From<CostError> for Failure {
    fn from(error: CostError) -> Self {
        Self {
            status: error.status(),
            messages: vec![Diagnostic::from(&error)],
        }
    }
}

/// What is wrong and where, in one line, as tests compare it.
#[cfg(test)]
pub(crate) fn with_place(error: &CostError) -> String {
    let place = error.place().map(|place| format!("{place}: "));
    format!("{}{error}", place.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_has_place_and_help() {
        let error = CostError::File {
            place: Place {
                file: "p.yaml".into(),
                line: 3,
                column: 5,
            },
            message: "unknown key `bandwith`".into(),
            help: Some("did you mean `bandwidth`?".into()),
        };
        let failure = Failure::from(error);
        assert_eq!(failure.status, Status::Usage);
        let message = &failure.messages[0];
        assert_eq!(message.message, "unknown key `bandwith`");
        assert_eq!(message.place.as_ref().map(|place| place.line), Some(3));
        assert_eq!(message.help.as_deref(), Some("did you mean `bandwidth`?"));
    }

    #[test]
    fn every_error_has_its_status() {
        let alpha = CostError::Alpha {
            text: "2".to_owned(),
        };
        assert_eq!(alpha.status(), Status::Usage);
        let bug = CostError::Bug {
            message: "no".to_owned(),
        };
        assert_eq!(bug.status(), Status::Impossible);
    }
}
