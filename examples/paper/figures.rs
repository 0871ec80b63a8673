//! Figures 2, 6 and 7 from Eq. (1) and the data.

use std::collections::BTreeMap;

use cost::explore::Exploration;
use cost::roofline;
use cost::speedup::{best_draft_length, speedup};
use cost::workload::{Role, SubgraphDemand};
use report::explore::plot::{Chart, Mark, PlotError, Series};
use report::explore::plots::{Figure, speedup_curves};
use report::layout;

use super::{LONGEST, Paper, header};

/// c by number of cores, drafter on the CPU and on the GPU.
fn by_cores(found: &Exploration) -> BTreeMap<(u32, String), f64> {
    let rows = found
        .outcomes
        .iter()
        .take(1)
        .flat_map(|outcome| &outcome.rows);
    rows.filter_map(|row| {
        let c = row.numbers.as_ref()?.c?;
        Some(((*row.variant.get("cpu")?, row.drafter.clone()?), c))
    })
    .collect()
}

/// The table of Fig. 6 at its black line, S_L = 63.
pub fn coefficients(found: &Exploration) -> String {
    let by_cores = by_cores(found);
    let mut lines = header(&[
        "cores",
        "(a) drafter on the CPU",
        "(b) drafter on the GPU",
        "c > 1: infeasible",
    ]);
    let cores: std::collections::BTreeSet<u32> = by_cores.keys().map(|(cores, _)| *cores).collect();
    for cores in cores {
        let c = |pu: &str| by_cores.get(&(cores, pu.to_owned())).copied();
        let words = |c: Option<f64>| c.map_or_else(|| "–".into(), |c| format!("{c:.3}"));
        let above: Vec<&str> = [("(a)", c("cpu")), ("(b)", c("gpu"))]
            .into_iter()
            .filter(|(_, c)| c.is_some_and(|c| c > 1.0))
            .map(|(name, _)| name)
            .collect();
        lines.add_row(vec![
            cores.to_string(),
            words(c("cpu")),
            words(c("gpu")),
            above.join(", "),
        ]);
    }
    format!(
        "{}\nThe paper prints its curves over S_L as pictures without numbers: the report draws them from the roofline of\nthe platform imx95 instead, with these points on them.\n",
        layout::shown(&lines)
    )
}

/// The table of Fig. 7(a).
pub fn speedups(paper: &Paper) -> anyhow::Result<String> {
    let c = paper.stated("c_heterogeneous_one_core")?;
    let gammas = [1, 2, 3, 4, 5];
    let mut names = vec!["α".to_owned()];
    names.extend(gammas.iter().map(|gamma| format!("γ = {gamma}")));
    names.push("γ*".into());
    let mut lines = header(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut alphas: Vec<f64> = (0..=10).map(|step| f64::from(step) / 10.0).collect();
    alphas.extend([paper.stated("alpha_low")?, paper.stated("alpha_measured")?]);
    alphas.sort_by(f64::total_cmp);
    for alpha in alphas {
        let mut cells = vec![format!("{alpha:.2}")];
        cells.extend(
            gammas
                .iter()
                .map(|gamma| format!("{:.2}", speedup(alpha, *gamma, c))),
        );
        cells.push(best_draft_length(alpha, c, LONGEST).gamma.to_string());
        lines.add_row(cells);
    }
    Ok(format!(
        "S at c = {c} ({})\n{}\nFig. 7(b), the measurement, is a picture without numbers; the text says that the same acceleration is reached at an\nα about 4 % higher ({}).\n",
        paper.source("c_heterogeneous_one_core"),
        layout::shown(&lines),
        paper.source("alpha_measured"),
    ))
}

/// Every figure.
pub fn all(paper: &Paper, found: &Exploration) -> Result<Vec<Figure>, PlotError> {
    let words = |error: anyhow::Error| error.to_string();
    let c = paper.stated("c_heterogeneous_one_core").map_err(words)?;
    let (predicted, measured) = (
        paper.stated("alpha_high").map_err(words)?,
        paper.stated("alpha_measured").map_err(words)?,
    );
    let best = best_draft_length(predicted, c, LONGEST);
    let marks = [
        (
            predicted,
            best.speedup,
            format!(
                "α = {predicted}: {:.2} at γ* = {}",
                best.speedup, best.gamma
            ),
        ),
        (
            measured,
            speedup(measured, best.gamma, c),
            format!(
                "α = {measured}: {:.2} at γ = {}",
                speedup(measured, best.gamma, c),
                best.gamma
            ),
        ),
    ];
    Ok(vec![
        points(found)?,
        coefficient_curves(
            paper,
            found,
            "cpu",
            "Fig. 6(a): c with both models on the CPU",
        )?,
        coefficient_curves(
            paper,
            found,
            "gpu",
            "Fig. 6(b): c with the drafter on the GPU",
        )?,
        Figure {
            svg: speedup_curves(c, &[0, 1, 2, 3, 4, 5], &marks)?,
            caption: format!(
                "Fig. 7(a) by Eq. (1) at the stated c = {c}. The headline 1.68 lies at the measured α, not at the predicted one."
            ),
        },
    ])
}

/// Fig. 2(b)'s space: time per token by cores for each legal mapping.
fn points(found: &Exploration) -> Result<Figure, PlotError> {
    let mut series: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    let rows = found
        .outcomes
        .iter()
        .take(1)
        .flat_map(|outcome| &outcome.rows);
    for row in rows {
        if let (Some(n), Some(cores)) = (&row.numbers, row.variant.get("cpu")) {
            let name = format!(
                "drafter {}, target {}",
                row.drafter.as_deref().unwrap_or("–"),
                row.target
            );
            series
                .entry(name)
                .or_default()
                .push((f64::from(*cores), n.per_token_ms / 1e3));
        }
    }
    let series = series
        .into_iter()
        .enumerate()
        .map(|(colour, (label, mut points))| {
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            Series {
                label,
                points,
                colour,
                mark: Mark::Both,
            }
        });
    let svg = Chart {
        title: "The legal points of Fig. 2(b) at α = 0.90, each at its best γ".into(),
        x: "CPU cores of the design variant".into(),
        y: "time per token (one-core target passes)".into(),
        series: series.collect(),
        x_range: Some((0.7, 6.3)),
        names: std::iter::once(String::new())
            .chain((1..=6).map(|cores| cores.to_string()))
            .collect(),
        ..Chart::default()
    }
    .svg()?;
    Ok(Figure {
        svg,
        caption: "The target does not run on the GPU (no INT8), which leaves 12 of 24 points. Where a mapping does not pay, γ* = 0 and both curves meet.".into(),
    })
}

/// Published shape of a Llama 3.2 model.
struct Shape {
    layers: f64,
    width: f64,
}

/// The demand of the workload, made at 63 tokens, at another length: arithmetic and activations
/// grow with it, weights do not, and attention adds its square.
fn at_length(demand: &SubgraphDemand, shape: &Shape, from: f64, to: f64) -> SubgraphDemand {
    let mut scaled = demand.clone();
    for flops in scaled.flops.values_mut() {
        // Scores and their product with the values: 2 · 2 · S_L² · d in each layer.
        *flops = (*flops as f64 * to / from + 4.0 * to * to * shape.width * shape.layers) as u64;
    }
    let activations = demand.bytes_moved.saturating_sub(demand.weight_bytes) as f64;
    scaled.bytes_moved = demand.weight_bytes + (activations * to / from) as u64;
    scaled
}

fn coefficient_curves(
    paper: &Paper,
    found: &Exploration,
    pu: &str,
    title: &str,
) -> Result<Figure, PlotError> {
    let shapes = [
        (
            Role::Drafter,
            Shape {
                layers: 16.0,
                width: 2048.0,
            },
        ),
        (
            Role::Target,
            Shape {
                layers: 28.0,
                width: 3072.0,
            },
        ),
    ];
    let from = paper
        .stated("sequence_length")
        .map_err(|error| error.to_string())?;
    let latency = |role: Role, on: &str, active: u32, length: f64| {
        let demand = paper.workload.subgraphs.get(&role.into())?;
        let shape = shapes.iter().find(|(of, _)| *of == role)?;
        let demand = at_length(demand, &shape.1, from, length);
        Some(roofline::estimate(&demand, paper.platform.pu(on)?, active)?.seconds)
    };
    let known = by_cores(found);
    let mut series = Vec::new();
    for cores in 1..=6u32 {
        let index = cores as usize - 1;
        let points = (1..=64).filter_map(|step| {
            let length = f64::from(step) * 4.0;
            let active = if pu == "cpu" { cores } else { 1 };
            let c = latency(Role::Drafter, pu, active, length)?
                / latency(Role::Target, "cpu", cores, length)?;
            Some((length, c))
        });
        series.push(Series {
            label: format!("{cores} core{}", if cores == 1 { "" } else { "s" }),
            points: points.collect(),
            colour: index,
            mark: Mark::Line,
        });
    }
    for cores in 1..=6u32 {
        if let Some(c) = known.get(&(cores, pu.to_owned())) {
            series.push(Series {
                label: if cores == 1 {
                    "the paper's numbers at 63, as far as stated or implied".into()
                } else {
                    String::new()
                },
                points: vec![(from, *c)],
                colour: cores as usize - 1,
                mark: Mark::Dots,
            });
        }
    }
    let svg = Chart {
        title: title.into(),
        x: "input sequence length S_L (tokens)".into(),
        y: "cost coefficient c = t_draft / t_target".into(),
        series,
        x_range: Some((0.0, 256.0)),
        y_range: (pu == "cpu").then_some((0.0, 1.2)),
        verticals: vec![(from, "S_L = 63".into())],
        shaded: Some((1.0, "c > 1: infeasible".into())),
        ..Chart::default()
    }
    .svg()?;
    Ok(Figure {
        svg,
        caption: "Curves: the roofline of the platform imx95 and the models' published shapes, which is this project's model and not the paper's measurement. Dots: the profile of examples/paper.".into(),
    })
}
