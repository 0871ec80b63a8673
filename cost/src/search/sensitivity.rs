//! How far α and c can move before the choice changes.

use super::evaluate::{Choice, Evaluator};
use super::space::Point;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A range of a number, both ends included; no upper end when there is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Least value.
    pub low: f64,
    /// Greatest value, if there is one.
    pub high: Option<f64>,
}

/// What the choice survives.
///
/// c is moved by scaling the latency of the chosen drafter's PU under all variants (of every
/// drafter, when none is chosen), everything else fixed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// α, within which mapping and γ stay the best; `None` when α plays no part.
    pub alpha: Option<Interval>,
    /// α, within which speculating (or not) stays right.
    pub alpha_speculation: Option<Interval>,
    /// c, within which mapping and γ stay the best; `None` without any legal drafter.
    pub c: Option<Interval>,
    /// c, within which speculating (or not) stays right.
    pub c_speculation: Option<Interval>,
}

/// Halvings of an interval: 2^-40 of it remains.
const STEPS: u32 = 40;
/// A latency that is off by more than this is not the same machine.
const GREATEST_FACTOR: f64 = 1e6;

/// Computes the intervals around `chosen` by re-searching. Pairwise, the regions in which one
/// choice beats another are half-lines (E(α,γ₁)/E(α,γ₂) is monotone in α, and time is affine in c),
/// so that each region is one interval around the present value and bisection finds its ends.
pub fn sensitivity(
    evaluator: &Evaluator<'_>,
    chosen: &Choice,
    alpha: f64,
    c: Option<f64>,
) -> Sensitivity {
    let same = |choice: &Choice| {
        choice.point.mapping() == chosen.point.mapping() && choice.gamma == chosen.gamma
    };
    let same_kind = |choice: &Choice| (choice.gamma > 0) == (chosen.gamma > 0);
    let mut slim = evaluator.clone();
    if evaluator.is_affine() {
        slim.set_points(undominated(evaluator.points(), chosen));
    }
    let over_alpha = |stays: &dyn Fn(&Choice) -> bool| {
        let mut at = slim.clone();
        let mut holds = |alpha: f64| {
            at.set_alpha(alpha);
            at.best().is_some_and(|best| stays(&best))
        };
        Interval {
            low: edge(alpha, 0.0, &mut holds),
            high: Some(edge(alpha, 1.0, &mut holds)),
        }
    };
    let over_c = |c: f64, stays: &dyn Fn(&Choice) -> bool| {
        let mut at = slim.clone();
        let mut holds = |factor: f64| {
            let scaled = slim
                .points()
                .iter()
                .map(|point| scaled(point, chosen, factor))
                .collect();
            at.set_points(scaled);
            at.best().is_some_and(|best| stays(&best))
        };
        let mut high = 1.0;
        while high < GREATEST_FACTOR && holds(high * 2.0) {
            high *= 2.0;
        }
        let top = (high < GREATEST_FACTOR).then(|| c * edge(high, high * 2.0, &mut holds));
        Interval {
            low: c * edge(1.0, 0.0, &mut holds),
            high: top,
        }
    };
    Sensitivity {
        alpha: evaluator.depends_on_alpha().then(|| over_alpha(&same)),
        alpha_speculation: evaluator.depends_on_alpha().then(|| over_alpha(&same_kind)),
        c: c.map(|c| over_c(c, &same)),
        c_speculation: c.map(|c| over_c(c, &same_kind)),
    }
}

/// The last value, going from `inside` to `limit`, for which `holds`.
fn edge(inside: f64, limit: f64, holds: &mut dyn FnMut(f64) -> bool) -> f64 {
    if holds(limit) {
        return limit;
    }
    let (mut inside, mut outside) = (inside, limit);
    for _ in 0..STEPS {
        let middle = 0.5 * (inside + outside);
        if holds(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    inside
}

/// The point with its drafter's latency scaled, if it is one that the sensitivity to c moves.
pub(crate) fn scaled(point: &Point, chosen: &Choice, factor: f64) -> Point {
    let moved = point.drafter.is_some()
        && (chosen.point.drafter.is_none() || chosen.point.drafter == point.drafter);
    if moved {
        Point {
            t_draft: point.t_draft * factor,
            ..*point
        }
    } else {
        *point
    }
}

/// The points that some α or some factor could make best: those that no other point with the same
/// mapping beats in every cost (of very many mappings, with the same drafter). Space for
/// re-searching thousands of times.
pub fn undominated(points: &[Point], chosen: &Choice) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    // Where stages are placed there are many mappings, and few points of each are kept.
    let mut of_mapping: BTreeMap<(Option<usize>, usize), Vec<usize>> = BTreeMap::new();
    // The chosen point first, so that among equals it stays.
    for point in [&chosen.point].into_iter().chain(points) {
        let same = of_mapping.entry(point.mapping()).or_default();
        let beats = |other: &Point| {
            other.t_draft <= point.t_draft
                && other.t_target <= point.t_target
                && other.per_draft <= point.per_draft
                && other.per_round <= point.per_round
        };
        if !same.iter().filter_map(|at| kept.get(*at)).any(beats) {
            same.push(kept.len());
            kept.push(*point);
        }
    }
    if of_mapping.len() > MANY {
        return best_targets(kept);
    }
    kept
}

/// More mappings than this are of stages.
const MANY: usize = 256;

/// The points, the first of which stays, without those in which another place of the target is
/// faster beside the same drafter, and nothing else costs more: no α and no factor of the drafter
/// makes up for that.
fn best_targets(points: Vec<Point>) -> Vec<Point> {
    let time = |at: usize| points.get(at).map_or(f64::INFINITY, |point| point.t_target);
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|a, b| time(*a).total_cmp(&time(*b)));
    let mut beaten = BTreeSet::new();
    let mut fronts: BTreeMap<Option<usize>, Vec<&Point>> = BTreeMap::new();
    for at in order {
        let Some(point) = points.get(at) else {
            continue;
        };
        let front = fronts.entry(point.drafter).or_default();
        let beats = |other: &&Point| {
            // Times this close are ties, which are broken by meaning.
            other.t_target < point.t_target * (1.0 - 1e-9)
                && other.t_draft <= point.t_draft
                && other.per_draft <= point.per_draft
                && other.per_round <= point.per_round
        };
        if at > 0 && front.iter().any(beats) {
            beaten.insert(at);
        } else {
            front.push(point);
        }
    }
    let numbered = points.iter().enumerate();
    let left = numbered.filter(|(at, _)| !beaten.contains(at));
    left.map(|(_, point)| *point).collect()
}

impl Evaluator<'_> {
    /// Whether a point's time grows with each of its costs and nothing else, so that points can be
    /// compared by their costs.
    pub(crate) fn is_affine(&self) -> bool {
        self.points()
            .iter()
            .all(|point| self.v(point, 0) == self.v(point, u32::MAX))
    }
}
