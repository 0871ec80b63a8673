//! The whole design space, laid open: every point, the best of each variant, the frontier.
//!
//! [`crate::decide()`] answers with one plan; [`explore()`] answers with everything that was
//! weighed, for one α or many, under an objective of the user's choice. Both look at the same
//! [`Space`](crate::search::Space) with the same [`Evaluator`](crate::search::Evaluator), so that the best row here is the plan there.

mod all;
mod compute;
mod error;
mod filter;
mod map;
mod objective;
mod techniques;

pub use all::explore;
pub use error::ExploreError;
pub use filter::{Filter, limit_memory};
pub use map::{AlphaShift, ChoiceMap};
pub use objective::{Metric, Objective};
pub use techniques::TechniqueRow;

use crate::acceptance::Selected;
use crate::plan::Plan;
use crate::platform::Variant;
use crate::search::{CostModel, Request};
use crate::text::Misnamed;
use serde::{Deserialize, Serialize};

/// Version of the JSON form; it changes when a field changes its meaning or goes.
pub const EXPLORATION_VERSION: u32 = 1;

/// Up to so many points each gets a row of its own unless another method is asked for.
pub const MOST_ROWS: u64 = 100_000;

/// One acceptance rate to explore.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// α, in [0, 1].
    pub alpha: f64,
    /// Where it comes from, in words.
    pub source: String,
    /// Acceptance by position, for [`CostModel::per_position`].
    pub per_position: Option<Vec<f64>>,
}

impl From<Selected> for Rate {
    fn from(selected: Selected) -> Self {
        Self {
            alpha: selected.alpha,
            source: selected.how,
            per_position: selected.per_position,
        }
    }
}

/// How the space is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Exhaustive up to [`MOST_ROWS`] points, factored beyond.
    #[default]
    Auto,
    /// Every point is evaluated and gets a row.
    Exhaustive,
    /// Exact as well: for each mapping only the resources that its latencies depend on are varied.
    /// Rows are the best of each mapping.
    Factored,
}

impl std::str::FromStr for Method {
    type Err = Misnamed;

    /// # Errors
    /// [`Misnamed`] with a suggestion for a name that is none.
    fn from_str(text: &str) -> Result<Self, Misnamed> {
        match text {
            "auto" => Ok(Self::Auto),
            "exhaustive" => Ok(Self::Exhaustive),
            "factored" => Ok(Self::Factored),
            _ => Err(Misnamed::new(
                text,
                "a method",
                "methods",
                ["auto", "exhaustive", "factored"],
            )),
        }
    }
}

/// A question to [`explore()`].
#[derive(Clone, Debug)]
pub struct Query {
    /// Everything but α, which `rates` replaces.
    pub request: Request,
    /// The acceptance rates; at least one.
    pub rates: Vec<Rate>,
    /// What is to be small.
    pub objective: Objective,
    /// Which part of the space counts.
    pub filter: Filter,
    /// How to search.
    pub method: Method,
    /// Chances that the target's token is the drafter's first, second, … choice, for tree drafting.
    pub ranks: Option<Vec<f64>>,
    /// c of the target with layers left out, for self-speculation.
    pub self_c: Option<f64>,
}

/// One point of the design space at its best draft length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Resources in use, by PU.
    pub variant: Variant,
    /// The drafter's PU in this mapping; unused when `gamma` is 0. `None` when the module has no
    /// drafter.
    pub drafter: Option<String>,
    /// The target's PU.
    pub target: String,
    /// Control's PU; `None` for a point that was ruled out.
    pub control: Option<String>,
    /// What rules the point out, in words; all numbers are then absent.
    pub ruled_out: Option<String>,
    /// The numbers of a legal point.
    #[serde(flatten)]
    pub numbers: Option<Numbers>,
}

/// What a legal point costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// γ* of this mapping under the objective; 0 is no speculation.
    pub gamma: u32,
    /// c = t_draft / t_target of the mapping, whether or not it drafts.
    pub c: Option<f64>,
    /// E(α, γ*), tokens per round.
    pub tokens_per_round: f64,
    /// Eq. (1) at γ*.
    pub eq1: f64,
    /// Time per token of the variant's best single-PU run without speculation, over this one's.
    pub over_baseline: f64,
    /// One pass of the drafter, ms; `None` without one.
    pub draft_ms: Option<f64>,
    /// One pass of the target, ms.
    pub target_ms: f64,
    /// Milliseconds per token under the cost model in use: what rows are ranked by unless the
    /// objective is another.
    pub per_token_ms: f64,
    /// Bytes resident in all memories together.
    pub memory_bytes: u64,
    /// Millijoules per token, where every PU's power is known.
    pub energy_mj: Option<f64>,
    /// The objective's value (s, J and B multiplied).
    pub objective: f64,
    /// Where the latencies come from.
    pub source: String,
}

/// The best of one design variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantBest {
    /// The variant.
    pub variant: Variant,
    /// Its best row.
    pub best: Row,
    /// The best row that is another plan: another place for the target, for a drafter that is used,
    /// or drafting instead of not.
    pub runner_up: Option<Row>,
}

/// What one acceptance rate leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The rate.
    pub rate: Rate,
    /// Every point of the space, the best first, those ruled out last in enumeration order. With
    /// [`Method::Factored`]: every mapping under its best variant.
    pub rows: Vec<Row>,
    /// The best of each variant, the full machine first; empty with [`Method::Factored`].
    pub variants: Vec<VariantBest>,
    /// Rows, and targets alone, that none beats in both time per token and memory, fastest first.
    pub memory_frontier: Vec<Row>,
    /// The same for time and energy; empty where the power is not known.
    pub energy_frontier: Vec<Row>,
    /// The plan for the best row.
    pub plan: Plan,
    /// What another α would cost; empty unless the objective is latency.
    pub shifts: Vec<AlphaShift>,
    /// γ* and the winning mapping over α × c; `None` unless the objective is latency, or without
    /// any drafter.
    pub map: Option<ChoiceMap>,
    /// Other ways to speculate with the mapping that drafts best.
    pub techniques: Vec<TechniqueRow>,
}

/// Everything that [`explore()`] found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exploration {
    /// [`EXPLORATION_VERSION`].
    pub version: u32,
    /// The platform's name.
    pub platform: String,
    /// Its file, `<builtin:NAME>` or `<probed>`.
    pub platform_origin: String,
    /// The profile's file, where there is one.
    pub profile: Option<String>,
    /// Tokens per forward pass, where known.
    pub sequence_length: Option<u64>,
    /// What ranks the rows.
    pub cost_model: CostModel,
    /// What was minimised.
    pub objective: Objective,
    /// v: design variants that passed the filter.
    pub variants: u64,
    /// N.
    pub pus: usize,
    /// m: model partitions.
    pub partitions: u32,
    /// v·N^m.
    pub size: u64,
    /// How it was searched; never [`Method::Auto`].
    pub method: Method,
    /// Points (mapping and variant) that were evaluated, each with every draft length.
    pub evaluated: u64,
    /// Draft lengths that were tried.
    pub draft_lengths: Vec<u32>,
    /// Seconds that evaluating took, all rates together.
    #[serde(skip)]
    pub seconds: f64,
    /// What each rate leads to.
    pub outcomes: Vec<Outcome>,
}

impl Exploration {
    /// Warnings of all plans, each once.
    pub fn warnings(&self) -> Vec<String> {
        self.merged(|plan| &plan.warnings)
    }

    /// Assumptions of all plans, each once.
    pub fn assumptions(&self) -> Vec<String> {
        self.merged(|plan| &plan.assumptions)
    }

    fn merged(&self, of: impl Fn(&Plan) -> &Vec<String>) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        for sentence in self.outcomes.iter().flat_map(|outcome| of(&outcome.plan)) {
            if !said.contains(sentence) {
                said.push(sentence.clone());
            }
        }
        said
    }
}
