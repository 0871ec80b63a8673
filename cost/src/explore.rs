//! The whole design space, laid open: every point, the best of each variant, the frontier.
//!
//! [`crate::search()`] answers with one plan; [`explore()`] answers with everything that was
//! weighed, for one α or many, under an objective of the user's choice. Both look at the same
//! [`Space`] with the same [`Evaluator`], so that the best row here is the plan there.

mod compute;
mod filter;
mod map;
mod objective;
mod techniques;

pub use filter::{Filter, limit_memory};
pub use map::{AlphaShift, ChoiceMap};
pub use objective::{Metric, Objective};
pub use techniques::TechniqueRow;

use crate::CostError;
use crate::plan::{self, Plan};
use crate::platform::Variant;
use crate::search::{CostModel, Evaluator, Kernel, Request, Space};
use crate::speedup::check_alpha;
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
    type Err = CostError;

    /// # Errors
    /// [`CostError::Argument`] with a suggestion for a name that is none.
    fn from_str(text: &str) -> Result<Self, CostError> {
        match text {
            "auto" => Ok(Self::Auto),
            "exhaustive" => Ok(Self::Exhaustive),
            "factored" => Ok(Self::Factored),
            _ => Err(CostError::argument(
                format!("`{text}` is not a method"),
                crate::text::suggestion(text, "methods", ["auto", "exhaustive", "factored"]),
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
    /// As JSON, indented.
    ///
    /// # Errors
    /// [`CostError::Argument`] if a number cannot be written, which takes one that no search
    /// produces.
    pub fn to_json(&self) -> Result<String, CostError> {
        serde_json::to_string_pretty(self).map_err(|error| {
            CostError::argument(format!("the exploration cannot be written: {error}"), None)
        })
    }

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

/// Evaluates the whole space for every rate.
///
/// # Errors
/// Those of [`crate::search()`]; [`CostError::Argument`] for no rate, an objective that needs a
/// power the platform does not give, a filter that leaves nothing, and a space too large for the
/// method, with its size and the method that does it.
pub fn explore(query: &Query) -> Result<Exploration, CostError> {
    let request = prepared(query)?;
    let gammas = draft_lengths(&request, query)?;
    let size = request.space_size();
    let method = match query.method {
        Method::Auto if size > MOST_ROWS => Method::Factored,
        Method::Auto => Method::Exhaustive,
        asked => asked,
    };
    let started = std::time::Instant::now();
    let mut exploration = Exploration {
        version: EXPLORATION_VERSION,
        platform: request.platform.name.clone(),
        platform_origin: request.platform.origin.clone(),
        profile: request
            .profile
            .as_ref()
            .map(|profile| profile.origin.clone()),
        sequence_length: request.workload.sequence_length,
        cost_model: request.model,
        objective: query.objective.clone(),
        variants: 0,
        pus: request.platform.pus.len(),
        partitions: request.partitions(),
        size,
        method,
        evaluated: 0,
        draft_lengths: gammas.clone(),
        seconds: 0.0,
        outcomes: vec![],
    };
    if method == Method::Factored {
        let kernel = Kernel::build(&request, &gammas, |pu, count| {
            query.filter.allows(pu, count)
        })?;
        exploration.variants = kernel.variants();
        exploration.size = exploration.variants.saturating_mul(request.mappings());
        for rate in &query.rates {
            let (outcome, evaluated) =
                compute::factored(query, &with_rate(&request, rate), &kernel, &gammas, rate)?;
            exploration.evaluated += evaluated;
            exploration.outcomes.push(outcome);
        }
    } else {
        let mut space = Space::build(&request, &gammas)?;
        space.keep_variants(|variant| query.filter.allows_variant(variant));
        if space.kept_variants() == 0 {
            return Err(CostError::argument(
                "the conditions leave no design variant",
                "take back a condition on a processing unit".to_owned(),
            ));
        }
        exploration.variants = space.kept_variants() as u64;
        exploration.size = space.size;
        for rate in &query.rates {
            let request = with_rate(&request, rate);
            let evaluator = Evaluator::new(&request, &space, &gammas);
            exploration.evaluated += space.legal;
            let outcome = compute::exhaustive(query, &request, &space, &evaluator, rate)?;
            exploration.outcomes.push(outcome);
        }
    }
    exploration.seconds = started.elapsed().as_secs_f64();
    Ok(exploration)
}

impl Query {
    /// The draft lengths that are explored.
    ///
    /// # Errors
    /// [`CostError::Argument`] for a question that makes no sense, or conditions that leave none.
    pub fn draft_lengths(&self) -> Result<Vec<u32>, CostError> {
        draft_lengths(&prepared(self)?, self)
    }
}

fn draft_lengths(request: &Request, query: &Query) -> Result<Vec<u32>, CostError> {
    let mut gammas = request.check()?;
    gammas.retain(|gamma| query.filter.allows_gamma(*gamma));
    if gammas.is_empty() {
        return Err(CostError::argument(
            "the conditions leave no draft length",
            "take back a condition on gamma".to_owned(),
        ));
    }
    Ok(gammas)
}

const RANKS: &str =
    "each is the chance that the target's token is the drafter's choice of that rank";

/// The request with what the query says about it checked.
fn prepared(query: &Query) -> Result<Request, CostError> {
    let mut request = query.request.clone();
    let Some(first) = query.rates.first() else {
        return Err(CostError::argument(
            "no acceptance rate to explore",
            "give --alpha A,… or --acceptance FILE".to_owned(),
        ));
    };
    for rate in &query.rates {
        check_alpha(rate.alpha)?;
    }
    for rank in query.ranks.iter().flatten() {
        check_alpha(*rank).map_err(|_| {
            CostError::argument(
                format!("a chance by rank must lie between 0 and 1, not {rank}"),
                RANKS.to_owned(),
            )
        })?;
    }
    if query.self_c.is_some_and(|c| !(c.is_finite() && c > 0.0)) {
        return Err(CostError::argument(
            "the c of self-speculation must be greater than 0",
            "it is the share of the target's time that a pass with layers left out takes"
                .to_owned(),
        ));
    }
    if query.ranks.iter().flatten().sum::<f64>() > 1.0 + 1e-9 {
        return Err(CostError::argument(
            "the chances by rank add up to more than 1",
            RANKS.to_owned(),
        ));
    }
    request.alpha = first.alpha;
    request.per_position.clone_from(&first.per_position);
    if query.objective.needs_energy()
        && let Some(pu) = request.platform.pus.iter().find(|pu| pu.power.is_none())
    {
        return Err(CostError::argument(
            format!(
                "the objective {} needs the power of every processing unit, and {} of the platform {} has none",
                query.objective, pu.name, request.platform.name
            ),
            "add `power: { idle: 0.2 W, active_per_resource: 0.5 W }` to it in the platform file"
                .to_owned(),
        ));
    }
    Ok(request)
}

fn with_rate(request: &Request, rate: &Rate) -> Request {
    Request {
        alpha: rate.alpha,
        alpha_source: rate.source.clone(),
        per_position: rate.per_position.clone(),
        ..request.clone()
    }
}

/// The plan for a choice that some objective prefers.
fn plan_for(
    query: &Query,
    request: &Request,
    space: &Space,
    evaluator: &Evaluator<'_>,
    best: crate::search::Choice,
) -> Plan {
    let mut plan = plan::build(request, space, evaluator, best);
    if !query.objective.is_latency() {
        // They say how far the fastest plan stays the fastest, which this one need not be.
        plan.sensitivity = crate::search::Sensitivity::default();
        plan.why = format!("the least {}; {}", query.objective, plan.why);
    }
    plan
}

#[cfg(test)]
mod tests;
