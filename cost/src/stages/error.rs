//! Why stages have no placement.

use super::graph::MOST_STAGES;
use crate::search::SearchError;
use crate::text::{bytes, counted};

/// Why stages have no placement.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StagesError {
    /// The search has no answer.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A number of stages that there cannot be.
    #[error("a model cannot be cut into {count} stages")]
    Count {
        /// The number.
        count: u32,
    },
    /// A text that is neither a number of stages nor a file of them.
    #[error("a model cannot be cut into `{given}` stages")]
    NoCount {
        /// The text.
        given: String,
    },
    /// More latencies than can be kept.
    #[error(
        "the stages have {latencies} latencies under all variants, more than the {most} that can be kept"
    )]
    Latencies {
        /// How many there are.
        latencies: usize,
        /// How many may be.
        most: usize,
    },
    /// Too many stages that are needed later at once.
    #[error(
        "the stage graph is too wide for the exact method: {width} stages are needed later at once, which makes {pus}^{width} states"
    )]
    Wide {
        /// How many stages.
        width: usize,
        /// How many processing units there are.
        pus: usize,
    },
    /// A search that may keep no partial placement.
    #[error("no label may be kept")]
    NoLabel,
    /// A stage that can run nowhere.
    #[error("the stage {stage} can run on no unit of the platform {platform}")]
    Stuck {
        /// The stage.
        stage: String,
        /// The platform.
        platform: String,
    },
    /// Stages that each run somewhere, and not all together.
    #[error(
        "no placement of {} ({} of weights) was found that the memories and links of the platform {platform} allow",
        counted(*stages, "stage"),
        bytes(*weights as f64)
    )]
    NoPlace {
        /// How many stages there are.
        stages: u64,
        /// Bytes of their weights.
        weights: u64,
        /// The platform.
        platform: String,
        /// What could make room, in words.
        levers: String,
    },
}

impl StagesError {
    /// The next step.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Search(error) => return error.help(),
            Self::NoPlace { levers, .. } => return Some(levers.clone()),
            Self::Count { .. } => return Some(format!("use 1 to {MOST_STAGES}")),
            Self::NoCount { .. } => {
                return Some(format!(
                    "give a whole number from 1 to {MOST_STAGES}, or a file of stages"
                ));
            }
            Self::NoLabel => return None,
            Self::Latencies { .. } => {
                "fix the resources of some processing units: --variant cpu=4; or cut the models into fewer stages"
            }
            Self::Wide { .. } => "merge stages that feed the same later ones, or keep to a chain",
            Self::Stuck { .. } => "look at its types and ops, and at --pin and --forbid",
        };
        Some(help.to_owned())
    }

    /// Whether the question is sound, and only nothing answers it.
    pub fn is_impossible(&self) -> bool {
        match self {
            Self::Search(error) => error.is_impossible(),
            Self::Stuck { .. } | Self::NoPlace { .. } => true,
            Self::Count { .. }
            | Self::NoCount { .. }
            | Self::Latencies { .. }
            | Self::Wide { .. }
            | Self::NoLabel => false,
        }
    }
}
