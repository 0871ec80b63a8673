//! How the time to search grows with the space, measured here and now.

use std::time::Instant;

use cost::search::Kernel;
use cost::stages::{StageGraph, StageOptions, solve};
use cost::units::Quantity;
use cost::{CostError, Request};

use super::plot::{Chart, Mark, Series};
use super::plots::Figure;

/// Visiting every point is measured up to here; beyond, only the factored method answers.
const MOST_VISITED: u64 = 20_000_000;

/// One size of the space, with the seconds it took.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// v·N^m.
    pub points: u64,
    /// Visiting every point.
    pub sweep: Option<f64>,
    /// Choosing resources per mapping.
    pub factored: f64,
}

/// Times searches of the request's platform with ever more resources per unit, estimated latencies
/// throughout, so that sizes from 10² to 10⁹ points can be had.
///
/// # Errors
/// Those of the search.
pub fn measure(request: &Request) -> Result<Vec<Growth>, CostError> {
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
pub fn measure_stages(request: &Request) -> Result<Vec<(u64, f64)>, CostError> {
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

/// The plot.
///
/// # Errors
/// What plotters says.
pub fn figure(sizes: &[Growth], stages: &[(u64, f64)]) -> Result<Figure, String> {
    let visited = sizes
        .iter()
        .filter_map(|size| Some((size.points, size.sweep?)));
    let rate = visited
        .clone()
        .max_by_key(|(points, _)| *points)
        .map_or(0.0, |(points, seconds)| points as f64 / seconds);
    let point = |(points, seconds): (u64, f64)| (points as f64, seconds.max(1e-7));
    let extrapolated = sizes
        .iter()
        .filter(|size| size.points >= MOST_VISITED / 4)
        .map(|size| (size.points, size.points as f64 / rate.max(1.0)));
    let svg = Chart {
        title: "Time to the proven optimum by size of the space".into(),
        x: "points v·N^m".into(),
        y: "seconds on one core".into(),
        log: true,
        series: vec![
            Series {
                label: "every point visited".into(),
                points: visited.map(point).collect(),
                colour: 0,
                mark: Mark::Both,
            },
            Series {
                label: "the same, extrapolated".into(),
                points: extrapolated.map(point).collect(),
                colour: 0,
                mark: Mark::Dashed,
            },
            Series {
                label: "factored: resources chosen per mapping".into(),
                points: sizes
                    .iter()
                    .map(|size| point((size.points, size.factored)))
                    .collect(),
                colour: 1,
                mark: Mark::Both,
            },
            Series {
                label: "models cut into stages: shortest paths".into(),
                points: stages.iter().copied().map(point).collect(),
                colour: 2,
                mark: Mark::Both,
            },
        ],
        ..Chart::default()
    }
    .svg()?;
    Ok(Figure {
        svg,
        caption: format!(
            "Measured while this report was made: {:.0} million points per second visited at the largest size. All are exact. The first two need memory for one table per unit, whatever the size: there v grows. In the last m grows, and the resources stay.",
            rate / 1e6
        ),
    })
}
