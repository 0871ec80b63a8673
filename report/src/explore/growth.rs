//! How the time to search grows with the space.

use super::plot::{Chart, Mark, Series};
use super::plots::Figure;

/// Visiting every point is measured up to here; beyond, only the factored method answers.
pub const MOST_VISITED: u64 = 20_000_000;

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
