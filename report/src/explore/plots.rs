//! The plots of an exploration.

use cost::explore::{ChoiceMap, Exploration, Numbers, Outcome, Row};
use cost::speedup::speedup;

use super::plot::{Categories, Chart, Mark, PlotError, Series};
use super::variant;

/// A plot with the sentence below it.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The `<svg>` element.
    pub svg: String,
    /// What it shows.
    pub caption: String,
}

/// More variants than this are not drawn one by one.
const MOST_VARIANTS: usize = 24;

/// All plots of one rate.
///
/// # Errors
/// What plotters says.
pub fn all(exploration: &Exploration, outcome: &Outcome) -> Result<Vec<Figure>, PlotError> {
    let mut figures = Vec::new();
    figures.extend(by_variant(outcome)?);
    figures.extend(frontier(
        outcome,
        "memory",
        "resident weights and activations (MiB)",
        &outcome.memory_frontier,
        &|n| (n.memory_bytes > 0).then(|| n.memory_bytes as f64 / 1_048_576.0),
    )?);
    figures.extend(frontier(
        outcome,
        "energy",
        "energy (mJ per token)",
        &outcome.energy_frontier,
        &|n| n.energy_mj,
    )?);
    figures.extend(over_alpha(exploration, outcome)?);
    if let Some(map) = &outcome.map {
        figures.push(gammas(map)?);
        figures.push(winners(map)?);
    }
    Ok(figures)
}

fn by_variant(outcome: &Outcome) -> Result<Option<Figure>, PlotError> {
    let count = outcome.variants.len();
    if !(2..=MOST_VARIANTS).contains(&count) {
        return Ok(None);
    }
    let mut series: Vec<Series> = [
        "best plan of the variant",
        "runner-up",
        "its best run on one unit without speculation",
    ]
    .into_iter()
    .enumerate()
    .map(|(colour, label)| Series {
        label: label.into(),
        points: vec![],
        colour,
        mark: Mark::Both,
    })
    .collect();
    let mut names = Vec::new();
    // The smallest machine on the left.
    for (index, best) in outcome.variants.iter().rev().enumerate() {
        let Some(n) = &best.best.numbers else {
            continue;
        };
        let x = index as f64;
        series[0].points.push((x, n.per_token_ms));
        if let Some(next) = best.runner_up.as_ref().and_then(|row| row.numbers.as_ref()) {
            series[1].points.push((x, next.per_token_ms));
        }
        series[2].points.push((x, n.per_token_ms * n.over_baseline));
        names.push(variant(&best.variant).replace(", ", " "));
    }
    if names.iter().any(|name| name.len() > 12) {
        names = (0..names.len())
            .map(|index| (index + 1).to_string())
            .collect();
    }
    let svg = Chart {
        title: format!(
            "Time per token by design variant, α = {}",
            outcome.rate.alpha
        ),
        x: "design variant".into(),
        y: "time per token (ms)".into(),
        x_range: Some((-0.3, count as f64 - 0.7)),
        series,
        names,
        ..Chart::default()
    }
    .svg()?;
    Ok(Some(Figure {
        svg,
        caption: "Each variant at its best mapping and draft length; lower is better. Variants with fewer resources are on the left.".into(),
    }))
}

fn frontier(
    outcome: &Outcome,
    name: &str,
    label: &str,
    frontier: &[Row],
    value: &dyn Fn(&Numbers) -> Option<f64>,
) -> Result<Option<Figure>, PlotError> {
    let point = |row: &Row| {
        let n = row.numbers.as_ref()?;
        Some((value(n)?, n.per_token_ms))
    };
    let all: Vec<(f64, f64)> = outcome.rows.iter().filter_map(point).take(5000).collect();
    let best: Vec<(f64, f64)> = frontier.iter().filter_map(point).collect();
    if best.is_empty() {
        return Ok(None);
    }
    let svg = Chart {
        title: format!("Time against {name}, α = {}", outcome.rate.alpha),
        x: label.into(),
        y: "time per token (ms)".into(),
        series: vec![
            Series {
                label: "legal points, each at its best γ".into(),
                points: all,
                colour: 7,
                mark: Mark::Dots,
            },
            Series {
                label: "frontier".into(),
                points: best,
                colour: 1,
                mark: Mark::Both,
            },
        ],
        ..Chart::default()
    }
    .svg()?;
    Ok(Some(Figure {
        svg,
        caption: format!("No point is both faster and takes less {name} than one on the frontier."),
    }))
}

/// S over α for several draft lengths at one c (the paper's Fig. 7(a)).
///
/// # Errors
/// What plotters says.
pub fn speedup_curves(
    c: f64,
    gammas: &[u32],
    marks: &[(f64, f64, String)],
) -> Result<String, PlotError> {
    let alphas: Vec<f64> = (0..=200).map(|step| f64::from(step) / 200.0).collect();
    let mut series: Vec<Series> = gammas
        .iter()
        .enumerate()
        .map(|(colour, gamma)| Series {
            label: format!("γ = {gamma}"),
            points: alphas
                .iter()
                .map(|alpha| (*alpha, speedup(*alpha, *gamma, c)))
                .collect(),
            colour,
            mark: if *gamma == 0 {
                Mark::Dashed
            } else {
                Mark::Line
            },
        })
        .collect();
    for (index, (alpha, value, name)) in marks.iter().enumerate() {
        series.push(Series {
            label: name.clone(),
            points: vec![(*alpha, *value)],
            colour: if index == 0 { 6 } else { 7 },
            mark: Mark::Dots,
        });
    }
    Chart {
        title: format!("Eq. (1) at c = {c:.3}"),
        x: "acceptance rate α".into(),
        y: "speedup S over the same target alone (×)".into(),
        x_range: Some((0.0, 1.0)),
        series,
        ..Chart::default()
    }
    .svg()
}

fn over_alpha(exploration: &Exploration, outcome: &Outcome) -> Result<Option<Figure>, PlotError> {
    let Some(c) = outcome.plan.c else {
        return Ok(None);
    };
    let longest = exploration.draft_lengths.last().copied().unwrap_or(0);
    let mut gammas: Vec<u32> = [0, 1, 2, 3, 4, 5, 8]
        .into_iter()
        .filter(|gamma| *gamma <= longest)
        .collect();
    if !gammas.contains(&outcome.plan.gamma) {
        gammas.push(outcome.plan.gamma);
        gammas.sort_unstable();
    }
    let here = speedup(outcome.rate.alpha, outcome.plan.gamma, c);
    let mark = (
        outcome.rate.alpha,
        here,
        format!("the plan: γ = {}", outcome.plan.gamma),
    );
    Ok(Some(Figure {
        svg: speedup_curves(c, &gammas, &[mark])?,
        caption: "Speedup over the same placement of the target without drafting, by Eq. (1). Below 1, speculation loses.".into(),
    }))
}

fn gammas(map: &ChoiceMap) -> Result<Figure, PlotError> {
    let most = map.gammas.iter().flatten().copied().max().unwrap_or(0);
    let labels = (0..=most).map(|gamma| match gamma {
        0 => "γ* = 0: do not draft".to_owned(),
        gamma => format!("γ* = {gamma}"),
    });
    let svg = Categories {
        title: "Best draft length over α and c".into(),
        x: "acceptance rate α".into(),
        y: "cost coefficient c of the drafter's place".into(),
        xs: map.alphas.clone(),
        ys: map.cs.clone(),
        cells: to_usize(&map.gammas),
        labels: labels.collect(),
        graded: true,
        mark: Some((map.here, "here".into())),
    }
    .svg()?;
    Ok(Figure {
        svg,
        caption:
            "c is moved by scaling the drafter's latency on its unit; the other latencies stay."
                .into(),
    })
}

fn winners(map: &ChoiceMap) -> Result<Figure, PlotError> {
    let svg = Categories {
        title: "Best mapping over α and c".into(),
        x: "acceptance rate α".into(),
        y: "cost coefficient c of the drafter's place".into(),
        xs: map.alphas.clone(),
        ys: map.cs.clone(),
        cells: map.winners.clone(),
        labels: map.labels.clone(),
        graded: false,
        mark: Some((map.here, "here".into())),
    }
    .svg()?;
    Ok(Figure {
        svg,
        caption: "Which mapping has the least time per token in the same variant.".into(),
    })
}

fn to_usize(cells: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let column = |column: &Vec<u32>| column.iter().map(|cell| *cell as usize).collect();
    cells.iter().map(column).collect()
}
