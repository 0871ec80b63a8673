//! Exploring: the question checked, the space searched by the method that suits it.

use super::compute;
use super::error::ExploreError;
use super::{EXPLORATION_VERSION, Exploration, MOST_ROWS, Method, Query, Rate};
use crate::search::{Evaluator, Kernel, Request, SearchError, Space, check_positions};
use crate::speedup::check_alpha;

/// Evaluates the whole space for every rate.
///
/// # Errors
/// [`ExploreError`]: those of [`crate::decide()`], no rate, an objective that needs a power the
/// platform does not give, a filter that leaves nothing, and a space too large for the method, with
/// its size and the method that does it.
pub fn explore(query: &Query) -> Result<Exploration, ExploreError> {
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
            return Err(SearchError::NoVariant.into());
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
    /// [`ExploreError`] for a question that makes no sense, or conditions that leave none.
    pub fn draft_lengths(&self) -> Result<Vec<u32>, ExploreError> {
        draft_lengths(&prepared(self)?, self)
    }
}

fn draft_lengths(request: &Request, query: &Query) -> Result<Vec<u32>, ExploreError> {
    let mut gammas = request.check()?;
    gammas.retain(|gamma| query.filter.allows_gamma(*gamma));
    if gammas.is_empty() {
        return Err(ExploreError::NoLength);
    }
    Ok(gammas)
}

/// The request with what the query says about it checked.
fn prepared(query: &Query) -> Result<Request, ExploreError> {
    let mut request = query.request.clone();
    let Some(first) = query.rates.first() else {
        return Err(ExploreError::NoRate);
    };
    for rate in &query.rates {
        check_alpha(rate.alpha).map_err(SearchError::from)?;
        check_positions(request.model, rate.per_position.as_deref())?;
    }
    for rank in query.ranks.iter().flatten() {
        check_alpha(*rank).map_err(|_| ExploreError::Rank { rank: *rank })?;
    }
    if query.self_c.is_some_and(|c| !(c.is_finite() && c > 0.0)) {
        return Err(ExploreError::SelfC);
    }
    if query.ranks.iter().flatten().sum::<f64>() > 1.0 + 1e-9 {
        return Err(ExploreError::Ranks);
    }
    request.alpha = first.alpha;
    request.per_position.clone_from(&first.per_position);
    if query.objective.needs_energy()
        && let Some(pu) = request.platform.pus.iter().find(|pu| pu.power.is_none())
    {
        return Err(ExploreError::NoPower {
            objective: query.objective.clone(),
            pu: pu.name.clone(),
            platform: request.platform.name.clone(),
        });
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
