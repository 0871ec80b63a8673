//! From a question to a plan.

use crate::plan::{self, Plan};
use crate::platform::Variant;
use crate::search::{Choice, Evaluator, Request, SearchError, Space};
use crate::workload::Role;

/// Decides where everything goes and how many tokens to draft.
///
/// # Errors
/// [`SearchError`] for a request that makes no sense, for a module that Eq. (1) does not cover, and
/// when no mapping is legal.
pub fn decide(request: &Request) -> Result<Plan, SearchError> {
    decide_and_rank(request, 0).map(|(plan, _)| plan)
}

/// As [`decide`], and says how `most` of the mappings compare, the fastest first.
///
/// # Errors
/// As there.
pub fn decide_and_rank(request: &Request, most: usize) -> Result<(Plan, Ranking), SearchError> {
    let gammas = request.check()?;
    let space = Space::build(request, &gammas)?;
    let evaluator = Evaluator::new(request, &space, &gammas);
    let Some(best) = evaluator.best() else {
        return Err(SearchError::Infeasible(Box::new(space.infeasible(request))));
    };
    let ranking = match most {
        0 => Ranking::default(),
        _ => Ranking::of(request, &space, &evaluator, most),
    };
    Ok((plan::build(request, &space, &evaluator, best), ranking))
}

/// How the mappings compare, each under each variant at its best draft length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// The fastest, in this order.
    pub rows: Vec<Ranked>,
    /// How many there are in all.
    pub total: usize,
}

/// One mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Resources in use, by PU.
    pub variant: Variant,
    /// Where the drafter is; `None` without one.
    pub drafter: Option<String>,
    /// Where the target is.
    pub target: String,
    /// Where control is.
    pub control: String,
    /// γ*.
    pub gamma: u32,
    /// c, where a drafter is placed.
    pub c: Option<f64>,
    /// Per token.
    pub per_token_ms: f64,
}

impl Ranking {
    fn of(request: &Request, space: &Space, evaluator: &Evaluator<'_>, most: usize) -> Self {
        let points = space.points.iter();
        let mut choices: Vec<Choice> = points
            .filter_map(|point| evaluator.best_of(point))
            .collect();
        choices.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
        let name = |index: usize| {
            let pu = request.platform.pus.get(index);
            pu.map_or_else(String::new, |pu| pu.name.clone())
        };
        let place = |role, place| request.place_name(role, place);
        let row = |Choice {
                       point,
                       gamma,
                       seconds,
                   }: &Choice| Ranked {
            variant: space
                .variants
                .get(point.variant)
                .cloned()
                .unwrap_or_default(),
            drafter: point.drafter.map(|at| place(Role::Drafter, at)),
            target: place(Role::Target, point.target),
            control: name(point.control),
            gamma: *gamma,
            c: point.c(),
            per_token_ms: seconds * 1e3,
        };
        Self {
            rows: choices.iter().take(most).map(row).collect(),
            total: choices.len(),
        }
    }
}
