//! What can be wrong with a file, or with the name of one.

use cost::CostError;
use diagnostics::{Diagnostic, Failure, Place, reason};

/// Why a file gives no value. `Display` gives what is wrong, [`FileError::place`] where, and
/// [`FileError::help`] the next step; a [`Diagnostic`] has all three.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It could not be read.
    #[error("cannot read {path}: {}", reason(source))]
    Read {
        /// The path as given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not what it should be: syntax, unknown key, wrong unit, inconsistent or impossible
    /// value.
    #[error("{message}")]
    Wrong {
        /// Where in which file.
        place: Place,
        /// What is wrong, with the offending text.
        message: String,
        /// What to write instead.
        help: Option<String>,
    },
    /// No platform has this name, built in or as a file.
    #[error("there is no platform `{given}`")]
    NoPlatform {
        /// What was given.
        given: String,
        /// Those that are built in, the likeliest first.
        known: String,
    },
    /// What a file holds does not answer the question.
    #[error(transparent)]
    Cost(#[from] CostError),
    /// A value that YAML cannot hold, which nothing that was read is.
    #[error("{what} cannot be written: {reason}: a bug in specplace")]
    Unwritable {
        /// The value.
        what: String,
        /// What the writer says.
        reason: String,
    },
}

impl FileError {
    /// What the user should do next, where there is something better than reading the message
    /// again.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Wrong { help, .. } => help.clone(),
            Self::NoPlatform { known, .. } => {
                Some(format!("{known}; or give a file: platform.yaml"))
            }
            Self::Cost(error) => error.help(),
            Self::Unwritable { .. } => {
                Some("please report it with the command line and its files".to_owned())
            }
        }
    }

    /// Where in which file, for what is wrong with its contents.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Wrong { place, .. } => Some(place),
            _ => None,
        }
    }
}

impl From<&FileError> for Diagnostic {
    fn from(error: &FileError) -> Self {
        Self {
            place: error.place().cloned(),
            help: error.help(),
            ..Self::error(error.to_string())
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let message = Diagnostic::from(&error);
        match error {
            FileError::Cost(error) => error.into(),
            FileError::Unwritable { .. } => Self::impossible(vec![message]),
            FileError::Read { .. } | FileError::Wrong { .. } | FileError::NoPlatform { .. } => {
                Self::usage(message)
            }
        }
    }
}

/// What is wrong and where, in one line, as tests compare it.
#[cfg(test)]
pub(crate) fn with_place(error: &FileError) -> String {
    let place = error.place().map(|place| format!("{place}: "));
    format!("{}{error}", place.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use diagnostics::Status;

    #[test]
    fn a_diagnostic_has_place_and_help() {
        let error = FileError::Wrong {
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
}
