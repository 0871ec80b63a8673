//! Why there is nothing to lay open.

use super::objective::Objective;
use crate::platform::NoUnit;
use crate::search::SearchError;

/// Why there is nothing to lay open.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExploreError {
    /// The search has no answer.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// No acceptance rate.
    #[error("no acceptance rate to explore")]
    NoRate,
    /// A chance by rank that is no probability.
    #[error("a chance by rank must lie between 0 and 1, not {rank}")]
    Rank {
        /// The chance.
        rank: f64,
    },
    /// Chances by rank that are no distribution.
    #[error("the chances by rank add up to more than 1")]
    Ranks,
    /// A c of self-speculation that is none.
    #[error("the c of self-speculation must be greater than 0")]
    SelfC,
    /// An objective that needs what the platform does not tell.
    #[error(
        "the objective {objective} needs the power of every processing unit, and {pu} of the platform {platform} has none"
    )]
    NoPower {
        /// The objective.
        objective: Objective,
        /// The processing unit.
        pu: String,
        /// The platform.
        platform: String,
    },
    /// An objective that the factored method does not minimise.
    #[error("the factored method minimises latency, not {objective}")]
    NotLatency {
        /// The objective.
        objective: Objective,
    },
    /// Conditions that no draft length fulfils.
    #[error("the conditions leave no draft length")]
    NoLength,
    /// A text that is no condition.
    #[error("`{given}` is not a condition")]
    NoCondition {
        /// The text.
        given: String,
    },
    /// A condition on what the platform does not have.
    #[error(transparent)]
    Unit(NoUnit),
    /// A text that is no limit of a memory.
    #[error("`{given}` is not NAME=SIZE")]
    NoLimit {
        /// The text.
        given: String,
    },
    /// A limit that is no size.
    #[error("`{given}`: {why}")]
    NoSize {
        /// The text.
        given: String,
        /// What is wrong with its size.
        why: String,
    },
    /// A limit of what the platform does not have.
    #[error("`{given}`: the platform has neither a processing unit nor a memory `{name}`")]
    NoMemory {
        /// The text.
        given: String,
        /// The name in it.
        name: String,
        /// What there is, the likeliest first.
        known: String,
    },
}

impl ExploreError {
    /// The next step.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Search(error) => return error.help(),
            Self::Unit(error) => return error.help(),
            Self::NoMemory { known, .. } => return Some(known.clone()),
            Self::NoRate => {
                "give --alpha A,... (from 0 to 1), or --acceptance FILE[:TASK] (every task without one)"
            }
            Self::Rank { .. } | Self::Ranks => {
                "each is the chance that the target's token is the drafter's choice of that rank"
            }
            Self::SelfC => {
                "it is the share of the target's time that a pass with layers left out takes"
            }
            Self::NoPower { .. } => {
                "add `power: { idle: 0.2 W, active_per_resource: 0.5 W }` to it in the platform file"
            }
            Self::NotLatency { .. } => {
                "narrow the space (--variant, --where) until the exhaustive method can do it"
            }
            Self::NoLength => "take back a condition on gamma",
            Self::NoCondition { .. } => {
                "write a processing unit (or gamma), one of < <= > >= == !=, and a whole number: cpu<=2"
            }
            Self::NoLimit { .. } | Self::NoSize { .. } => "for example: gpu=2GiB",
        };
        Some(help.to_owned())
    }
}
