//! What is best over α × c, and what another α would cost.

use crate::search::{Choice, Evaluator, Point, Request, scaled, undominated};
use crate::workload::Role;
use serde::{Deserialize, Serialize};

/// Steps of the map in each direction.
const STEPS: u32 = 60;
/// How far α is off in [`shifts`].
const SHIFT: f64 = 0.05;

/// The plan under another α than it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlphaShift {
    /// The α that holds in truth.
    pub alpha: f64,
    /// Milliseconds per token of the plan as it is.
    pub planned_ms: f64,
    /// Of the plan that this α would have led to.
    pub best_ms: f64,
    /// How much slower the plan is than that one, as a fraction.
    pub regret: f64,
    /// How much slower (or, negative, faster) the plan is than it was expected to be.
    pub change: f64,
}

/// γ* and the winning mapping over a grid of α and c.
///
/// c is moved as for [`crate::search::Sensitivity`]: by scaling the latency of the chosen drafter's
/// PU under all variants, everything else fixed; with no drafter chosen, of every drafter, and c is
/// that of the mapping that would draft best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChoiceMap {
    /// The grid's α, ascending.
    pub alphas: Vec<f64>,
    /// The grid's c, ascending.
    pub cs: Vec<f64>,
    /// γ* by α, then by c.
    pub gammas: Vec<Vec<u32>>,
    /// Index into `labels` of the winning mapping, by α, then by c.
    pub winners: Vec<Vec<usize>>,
    /// Mappings that win somewhere, in words.
    pub labels: Vec<String>,
    /// α and c of the plan.
    pub here: (f64, f64),
}

/// What the plan costs when α is 0.05 less or more than it was made for.
pub(super) fn shifts(evaluator: &Evaluator<'_>, chosen: &Choice, alpha: f64) -> Vec<AlphaShift> {
    if !evaluator.depends_on_alpha() {
        return vec![];
    }
    let mut at = evaluator.clone();
    let mut shifts = Vec::new();
    for other in [alpha - SHIFT, alpha + SHIFT] {
        if !(0.0..=1.0).contains(&other) {
            continue;
        }
        at.set_alpha(other);
        let planned = at
            .choices(&chosen.point)
            .find(|choice| choice.gamma == chosen.gamma);
        if let (Some(planned), Some(best)) = (planned, at.best()) {
            shifts.push(AlphaShift {
                alpha: other,
                planned_ms: planned.seconds * 1e3,
                best_ms: best.seconds * 1e3,
                regret: planned.seconds / best.seconds - 1.0,
                change: planned.seconds / chosen.seconds - 1.0,
            });
        }
    }
    shifts
}

impl ChoiceMap {
    /// The map around a choice; `None` without a legal drafter.
    pub(super) fn around(
        request: &Request,
        evaluator: &Evaluator<'_>,
        chosen: &Choice,
        alpha: f64,
    ) -> Option<Self> {
        let drafting = if chosen.gamma > 0 {
            *chosen
        } else {
            evaluator.best_speculating(true, |_| true)?
        };
        let c = drafting.point.c().filter(|c| *c > 0.0)?;
        // The map shows what this variant would do; another variant would hide it.
        let same_variant: Vec<Point> = evaluator
            .points()
            .iter()
            .filter(|point| point.variant == chosen.point.variant)
            .copied()
            .collect();
        let mut slim = evaluator.clone();
        slim.set_points(same_variant);
        if slim.is_affine() {
            let points = undominated(slim.points(), chosen);
            slim.set_points(points);
        }
        let highest = (1.5 * c).max(1.0);
        let grid = |top: f64| -> Vec<f64> {
            (0..=STEPS)
                .map(|step| top * f64::from(step) / f64::from(STEPS))
                .collect()
        };
        let (alphas, cs) = (grid(1.0), grid(highest));
        let mut map = Self {
            gammas: vec![],
            winners: vec![],
            labels: vec![],
            here: (alpha, c),
            alphas,
            cs,
        };
        let points: Vec<Vec<Point>> = map
            .cs
            .iter()
            .map(|at| {
                let factor = at / c;
                let scale = |point| scaled(point, &drafting_of(chosen, &drafting), factor);
                slim.points().iter().map(scale).collect()
            })
            .collect();
        for alpha in map.alphas.clone() {
            let mut at = slim.clone();
            at.set_alpha(alpha);
            let (mut gammas, mut winners) = (Vec::new(), Vec::new());
            for points in &points {
                at.set_points(points.clone());
                let best = at.best()?;
                gammas.push(best.gamma);
                let label = label(request, &best);
                let known = map.labels.iter().position(|known| *known == label);
                winners.push(known.unwrap_or_else(|| {
                    map.labels.push(label);
                    map.labels.len() - 1
                }));
            }
            map.gammas.push(gammas);
            map.winners.push(winners);
        }
        Some(map)
    }
}

/// The choice whose drafter the map moves: none in particular when nothing is drafted.
fn drafting_of(chosen: &Choice, drafting: &Choice) -> Choice {
    if chosen.gamma > 0 {
        *chosen
    } else {
        Choice {
            point: Point {
                drafter: None,
                ..drafting.point
            },
            ..*drafting
        }
    }
}

fn label(request: &Request, choice: &Choice) -> String {
    let name = |role, place| request.place_name(role, place);
    match choice.point.drafter.filter(|_| choice.gamma > 0) {
        Some(drafter) => format!(
            "drafter on {}, target on {}",
            name(Role::Drafter, drafter),
            name(Role::Target, choice.point.target)
        ),
        None => format!(
            "no speculation, target on {}",
            name(Role::Target, choice.point.target)
        ),
    }
}
