//! Why a question has no answer.

use super::legal::Infeasible;
use super::model::CostModel;
use super::request::LONGEST_DRAFT;
use crate::platform::{NoUnit, TooMany};
use crate::speedup::NoRate;
use crate::text::counted;
use crate::workload::Partition;

/// Why a question has no answer: it makes no sense, or nothing can satisfy it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// α is no probability.
    #[error(transparent)]
    Rate(#[from] NoRate),
    /// The platform lacks a processing unit that was named.
    #[error(transparent)]
    Unit(#[from] NoUnit),
    /// More resources of a processing unit than it has, or none.
    #[error(transparent)]
    Resources(#[from] TooMany),
    /// The cost model `per-position` without acceptance by position.
    #[error("`--cost-model per-position` needs acceptance rates by position")]
    NoPositions,
    /// The module has no target.
    #[error("the workload has no target, so there is nothing to place")]
    NoTarget,
    /// The module keeps state between calls, which Eq. (1) does not cover.
    #[error(
        "the module keeps state between calls ({evidence}): Eq. (1) assumes that verifying γ+1 tokens costs one forward pass"
    )]
    State {
        /// What shows it.
        evidence: String,
    },
    /// A wish for a stage that the module does not have.
    #[error("the module has no {stage} to place")]
    NoStage {
        /// The stage.
        stage: Partition,
        /// What the module has instead, in words.
        has: String,
    },
    /// A draft that is longer than any that is tried.
    #[error("a draft length of {gamma} is too long")]
    LongDraft {
        /// The draft length.
        gamma: u32,
    },
    /// A draft without a drafter.
    #[error("a draft length of {gamma} needs a drafter, and the module has none")]
    NoDrafter {
        /// The draft length.
        gamma: u32,
    },
    /// A draft that is longer than the module has room for.
    #[error("the module has room for at most {} per round, not {gamma}", counted(*max, "draft"))]
    NoRoom {
        /// The draft length.
        gamma: u32,
        /// The longest that the module has room for.
        max: u32,
    },
    /// Another draft length than the module was unrolled with.
    #[error(
        "the module's drafts are unrolled: it drafts {} or none, not {gamma}",
        counted(*unrolled, "token")
    )]
    Unrolled {
        /// The draft length.
        gamma: u32,
        /// The module's.
        unrolled: u32,
    },
    /// More points, or pairs, than can be enumerated.
    #[error("the design space has {size} {what}, more than the {most} that can be enumerated")]
    Large {
        /// How many there are.
        size: u64,
        /// Of what, in the plural.
        what: &'static str,
        /// How many may be.
        most: u64,
        /// What makes it smaller.
        help: &'static str,
    },
    /// More mappings than can be enumerated.
    #[error("there are {mappings} mappings, more than the {most} that can be enumerated")]
    Mappings {
        /// How many there are.
        mappings: u64,
        /// How many may be.
        most: u64,
    },
    /// Latencies that depend on too many resources together.
    #[error(
        "the latencies depend on so many resources together that there are {latencies} of them, more than the {most} that can be kept"
    )]
    Latencies {
        /// How many there are.
        latencies: usize,
        /// How many may be.
        most: usize,
    },
    /// A space that only the exhaustive method searches exactly, and that is too large for it.
    #[error(
        "the space has {points} points, and for the cost model `{model}` only the exhaustive method is exact"
    )]
    NotAffine {
        /// How many points there are.
        points: u64,
        /// The cost model.
        model: CostModel,
    },
    /// Conditions that no design variant fulfils.
    #[error("the conditions leave no design variant")]
    NoVariant,
    /// No mapping satisfies the platform's bounds and the request's restrictions.
    #[error("{0}")]
    Infeasible(Box<Infeasible>),
}

impl SearchError {
    /// The next step.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Rate(error) => return error.help(),
            Self::Unit(error) => return error.help(),
            Self::Resources(error) => return error.help(),
            Self::NoTarget => return None,
            Self::Infeasible(infeasible) => return Some(infeasible.levers.join("; ")),
            Self::NoStage { has, .. } => return Some(has.clone()),
            Self::LongDraft { .. } => return Some(format!("use at most {LONGEST_DRAFT}")),
            Self::NoRoom { max, .. } => {
                return Some(format!(
                    "use a draft length of 0 to {max}, or export the module with a greater maximum"
                ));
            }
            Self::Unrolled { unrolled, .. } => {
                return Some(format!(
                    "use a draft length of {unrolled} or 0, or export the module with a symbolic draft length"
                ));
            }
            Self::NoPositions => "give --acceptance FILE[:TASK] with a histogram",
            Self::State { .. } => {
                "measure the target with 1 and γ+1 new tokens, then use `--cost-model verify --profile FILE`"
            }
            Self::NoDrafter { .. } => "use a draft length of 0",
            Self::Large { help, .. } => help,
            Self::Mappings { .. } => "cut the models into fewer stages",
            Self::Latencies { .. } => "fix the resources of some processing units: --variant cpu=4",
            Self::NotAffine { .. } => {
                "use eq1, transfer or per-position, or narrow the space: --variant cpu=4"
            }
            Self::NoVariant => "take back a condition on a processing unit",
        };
        Some(help.to_owned())
    }

    /// Whether the question is sound, and only nothing answers it.
    pub fn is_impossible(&self) -> bool {
        matches!(
            self,
            Self::Infeasible(_) | Self::State { .. } | Self::NoTarget
        )
    }
}
