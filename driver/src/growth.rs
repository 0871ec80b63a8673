//! How the time to search grows with the space, measured here and now.

use std::time::Instant;

use ::report::explore::growth::{Growth, MOST_VISITED};
use cost::Request;
use cost::search::Kernel;
use cost::search::SearchError;
use cost::stages::{StageGraph, StageOptions, StagesError, solve};
use cost::units::Quantity;

/// Times searches of the request's platform with ever more resources per unit, estimated latencies
/// throughout, so that sizes from 10² to 10⁹ points can be had.
///
/// # Errors
/// Those of the search.
pub fn measure(request: &Request) -> Result<Vec<Growth>, SearchError> {
    let gammas = request.draft_lengths()?;
    let pus = request.platform.pus.len() as f64;
    let mappings = pus.powi(request.partitions() as i32);
    let mut sizes: Vec<Growth> = Vec::new();
    for step in 0..=14 {
        let wanted = 10f64.powf(2.0 + f64::from(step) / 2.0);
        let each = (wanted / mappings)
            .powf(1.0 / pus)
            .round()
            .clamp(1.0, 65536.0);
        let mut larger = request.clone();
        larger.profile = None;
        larger.variant = None;
        larger.model = cost::search::CostModel::EQ1;
        for pu in &mut larger.platform.pus {
            pu.count = Quantity::given(each);
        }
        let points = larger.space_size();
        if sizes.last().is_some_and(|last| last.points == points) {
            continue;
        }
        let kernel = Kernel::build(&larger, &gammas, |_, _| true)?;
        let started = Instant::now();
        let (bests, _) = kernel.factored(request.alpha);
        let factored = started.elapsed().as_secs_f64();
        let sweep = (points <= MOST_VISITED).then(|| {
            let started = Instant::now();
            let swept = kernel.sweep(request.alpha);
            debug_assert_eq!(swept.best.is_some(), !bests.is_empty());
            started.elapsed().as_secs_f64()
        });
        sizes.push(Growth {
            points,
            sweep,
            factored,
        });
    }
    Ok(sizes)
}

/// Seconds to the proven optimum when each model is cut into 1, 2, … stages, by v·N^m, as long as
/// that is below 10⁹; only proven ones.
///
/// # Errors
/// Those of [`solve`].
pub fn measure_stages(request: &Request) -> Result<Vec<(u64, f64)>, StagesError> {
    let gammas = request.draft_lengths()?;
    let pus = request.platform.pus.len() as f64;
    let mut sizes = Vec::new();
    for count in 1..=16 {
        let graph = StageGraph::evenly(&request.workload, count)?;
        let points = request.platform.variant_count() as f64 * pus.powi(graph.stages.len() as i32);
        if points > 2e9 || pus < 2.0 {
            break;
        }
        let plan = solve(request, &graph, &gammas, &StageOptions::default(), |_| true)?;
        if plan.proven {
            sizes.push((points as u64, plan.seconds));
        }
    }
    Ok(sizes)
}
