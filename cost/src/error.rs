//! Every error of this crate under one name, as messages of the user's.
//!
//! Each room has errors of its own, which know nothing of this one.

use crate::acceptance::NoTask;
use crate::explore::ExploreError;
use crate::platform::{NoUnit, NoVariant};
use crate::search::SearchError;
use crate::speedup::NoRate;
use crate::stages::StagesError;
use crate::text::Misnamed;
use crate::workload::NoPartition;
use diagnostics::{Diagnostic, Failure, Status};

/// What can go wrong. `Display` gives what is wrong, in one or more complete lines, and
/// [`CostError::help`] the next step; a [`Diagnostic`] has both.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// A text that names nothing.
    #[error(transparent)]
    Name(#[from] Misnamed),
    /// A text that names no partition.
    #[error(transparent)]
    Partition(#[from] NoPartition),
    /// A text that is no variant.
    #[error(transparent)]
    Variant(#[from] NoVariant),
    /// A name that no processing unit has.
    #[error(transparent)]
    Unit(#[from] NoUnit),
    /// α is no probability.
    #[error(transparent)]
    Rate(#[from] NoRate),
    /// No acceptance rate, or several.
    #[error(transparent)]
    Task(#[from] NoTask),
    /// The question makes no sense, or has no answer.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// There is nothing to lay open.
    #[error(transparent)]
    Explore(#[from] ExploreError),
    /// Stages have no placement.
    #[error(transparent)]
    Stages(#[from] StagesError),
}

impl CostError {
    /// What the user should do next, where there is something better than reading the message
    /// again.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Name(error) => error.help(),
            Self::Partition(error) => error.help(),
            Self::Variant(error) => error.help(),
            Self::Unit(error) => error.help(),
            Self::Rate(error) => error.help(),
            Self::Task(error) => error.help(),
            Self::Search(error) => error.help(),
            Self::Explore(error) => error.help(),
            Self::Stages(error) => error.help(),
        }
    }

    /// Whether the request is wrong or merely impossible.
    pub fn status(&self) -> Status {
        let is_impossible = match self {
            Self::Search(error) | Self::Explore(ExploreError::Search(error)) => {
                error.is_impossible()
            }
            Self::Stages(error) => error.is_impossible(),
            _ => false,
        };
        if is_impossible {
            Status::Impossible
        } else {
            Status::Usage
        }
    }
}

impl From<&CostError> for Diagnostic {
    fn from(error: &CostError) -> Self {
        Self {
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

/// So that `?` makes a [`Failure`] of what any room says.
macro_rules! failures {
    ($($error:ty),*) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                CostError::from(error).into()
            }
        }
    )* };
}

failures!(
    Misnamed,
    NoPartition,
    NoVariant,
    NoUnit,
    NoRate,
    NoTask,
    SearchError,
    ExploreError,
    StagesError
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_status() {
        let rate = NoRate {
            given: "2".to_owned(),
        };
        assert_eq!(CostError::from(rate.clone()).status(), Status::Usage);
        let search = || SearchError::Rate(rate.clone());
        assert_eq!(CostError::from(search()).status(), Status::Usage);
        for error in [
            CostError::from(SearchError::NoTarget),
            ExploreError::from(SearchError::NoTarget).into(),
            StagesError::from(SearchError::NoTarget).into(),
        ] {
            assert_eq!(error.status(), Status::Impossible, "{error}");
        }
        let failure = Failure::from(ExploreError::from(search()));
        assert_eq!(failure.status, Status::Usage);
        assert!(failure.messages[0].help.is_some());
    }
}
