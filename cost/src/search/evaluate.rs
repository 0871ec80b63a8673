//! Time per token of a point at a draft length, and the best of all.

use super::space::{Point, Space};
use super::{CostModel, Request};
use crate::speedup::expected_tokens;
use crate::speedup::refined::{expected_tokens_per_position, overlapped_round};
use crate::workload::DraftLengthForm;
use std::collections::BTreeMap;

/// A point of the space with a draft length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The point.
    pub point: Point,
    /// γ.
    pub gamma: u32,
    /// Seconds per token.
    pub seconds: f64,
}

/// Evaluates points under one α and one cost model. Expected tokens depend on neither mapping nor
/// variant, so they are computed once, and evaluating a point allocates nothing.
#[derive(Clone, Debug)]
pub struct Evaluator<'a> {
    space: &'a Space,
    points: Vec<Point>,
    model: CostModel,
    per_position: Option<Vec<f64>>,
    overhead: f64,
    /// Both models stay in the module whatever γ is.
    keeps_drafter: bool,
    draft_lengths: Vec<Length>,
}

/// A draft length with what depends on it alone.
#[derive(Clone, Copy, Debug)]
struct Length {
    gamma: u32,
    /// E(α, γ).
    tokens: f64,
    /// The chance that all γ drafts are accepted.
    all: f64,
}

impl<'a> Evaluator<'a> {
    /// An evaluator of `space` at the request's α.
    pub fn new(request: &Request, space: &'a Space, gammas: &[u32]) -> Self {
        let mut new = Self {
            space,
            points: space.points.clone(),
            model: request.model,
            per_position: request
                .per_position
                .clone()
                .filter(|_| request.model.per_position),
            overhead: request.platform.round_overhead.value,
            keeps_drafter: request.workload.draft_length == DraftLengthForm::Absent,
            draft_lengths: gammas
                .iter()
                .map(|gamma| Length {
                    gamma: *gamma,
                    tokens: 1.0,
                    all: 1.0,
                })
                .collect(),
        };
        new.set_alpha(request.alpha);
        new
    }

    /// Changes α. With per-position acceptance it has no effect.
    pub fn set_alpha(&mut self, alpha: f64) {
        for length in &mut self.draft_lengths {
            (length.tokens, length.all) =
                Self::yields(alpha, self.per_position.as_deref(), length.gamma);
        }
    }

    /// E(α, γ), and the chance that all γ drafts are accepted; by position where that is known.
    pub(crate) fn yields(alpha: f64, per_position: Option<&[f64]>, gamma: u32) -> (f64, f64) {
        match per_position {
            Some([known @ .., last]) => {
                let alphas: Vec<f64> = known
                    .iter()
                    .chain([last])
                    .copied()
                    .chain(std::iter::repeat(*last))
                    .take(gamma as usize)
                    .collect();
                let all = alphas.iter().product();
                (expected_tokens_per_position(&alphas), all)
            }
            _ => (expected_tokens(alpha, gamma), alpha.powf(f64::from(gamma))),
        }
    }

    /// Whether α matters to it.
    pub fn depends_on_alpha(&self) -> bool {
        self.per_position.is_none()
    }

    /// Replaces the points to choose from.
    pub fn set_points(&mut self, points: Vec<Point>) {
        self.points = points;
    }

    /// The points it chooses from.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Draft lengths that it tries.
    pub fn gammas(&self) -> impl Iterator<Item = u32> + '_ {
        self.draft_lengths.iter().map(|length| length.gamma)
    }

    /// E(α, γ) under the model, for a draft length that it tries.
    pub fn tokens(&self, gamma: u32) -> Option<f64> {
        self.draft_lengths
            .iter()
            .find(|length| length.gamma == gamma)
            .map(|length| length.tokens)
    }

    /// v(γ) of a point: 1 unless the model has `verify`; `None` where it was not measured.
    pub fn v(&self, point: &Point, gamma: u32) -> Option<f64> {
        match self.space.verify.get(point.verify) {
            Some(table) if !table.is_empty() => table.get(gamma as usize).copied().flatten(),
            _ => Some(1.0),
        }
    }

    /// Seconds of one round of γ drafts and their verification. `None` where v(γ) was not measured.
    fn round(&self, point: &Point, length: &Length) -> Option<f64> {
        let drafts = f64::from(length.gamma);
        let mut drafting = drafts * point.t_draft;
        let mut verifying = point.t_target * self.v(point, length.gamma)?;
        let mut fixed = 0.0;
        if self.model.transfer {
            drafting += drafts * point.per_draft;
            verifying += point.per_round;
            fixed = self.overhead;
        }
        let models = if self.model.overlapped {
            overlapped_round(length.all, drafting, verifying)
        } else {
            drafting + verifying
        };
        Some(models + fixed)
    }

    fn try_length(&self, point: &Point, length: &Length) -> Option<Choice> {
        let fits = if self.keeps_drafter {
            true
        } else {
            (length.gamma == 0) == point.drafter.is_none()
        };
        if !fits {
            return None;
        }
        let seconds = self.round(point, length)? / length.tokens;
        Some(Choice {
            point: *point,
            gamma: length.gamma,
            seconds,
        })
    }

    /// The point with every draft length that fits it, ascending.
    pub fn choices<'b>(&'b self, point: &'b Point) -> impl Iterator<Item = Choice> + 'b {
        self.draft_lengths
            .iter()
            .filter_map(|length| self.try_length(point, length))
    }

    /// The best draft length for one point.
    pub fn best_of(&self, point: &Point) -> Option<Choice> {
        self.best_length(point, |_| true)
    }

    /// The best draft length for one point of those that `filter` lets through.
    ///
    /// E(α, γ) is concave in γ, since each further token is accepted less often than the one before
    /// it, and a round's time is affine, unless it is measured (`verify`) or depends on how many
    /// are accepted (`overlapped`). So time per token falls and then rises, and the rest need not be
    /// looked at once it rises: a module with room for thousands of drafts costs no more than one
    /// with room for those that pay.
    fn best_length(&self, point: &Point, filter: impl Fn(u32) -> bool) -> Option<Choice> {
        let falls_then_rises = !self.model.verify && !self.model.overlapped;
        let lengths = self.draft_lengths.iter();
        let mut tried = lengths
            .filter(|length| filter(length.gamma))
            .filter_map(|length| self.try_length(point, length));
        let mut best = tried.next()?;
        for next in tried {
            // By more than rounding: E is flat where it saturates.
            if falls_then_rises && next.seconds > best.seconds * (1.0 + 1e-9) {
                break;
            }
            best = self.better(best, next);
        }
        Some(best)
    }

    /// The best of all points.
    pub fn best(&self) -> Option<Choice> {
        self.best_where(|_| true)
    }

    /// The best of the points that `filter` lets through.
    pub fn best_where(&self, filter: impl Fn(&Point) -> bool) -> Option<Choice> {
        self.points
            .iter()
            .filter(|point| filter(point))
            .filter_map(|point| self.best_of(point))
            .reduce(|best, next| self.better(best, next))
    }

    /// The best of each group of points that `group` gives the same number, in the order of those
    /// numbers.
    pub fn best_by(&self, group: impl Fn(&Point) -> usize) -> Vec<Choice> {
        let mut best: BTreeMap<usize, Choice> = BTreeMap::new();
        for (point, choice) in self
            .points
            .iter()
            .filter_map(|point| Some((point, self.best_of(point)?)))
        {
            best.entry(group(point))
                .and_modify(|so_far| *so_far = self.better(*so_far, choice))
                .or_insert(choice);
        }
        best.into_values().collect()
    }

    /// The best among choices that draft, or that do not.
    pub fn best_speculating(
        &self,
        speculating: bool,
        filter: impl Fn(&Point) -> bool,
    ) -> Option<Choice> {
        self.points
            .iter()
            .filter(|point| filter(point))
            .filter_map(|point| self.best_length(point, |gamma| (gamma > 0) == speculating))
            .reduce(|best, next| self.better(best, next))
    }

    /// Seconds per token of the target alone at `point`, γ = 0.
    pub fn plain(&self, point: &Point) -> f64 {
        let length = Length {
            gamma: 0,
            tokens: 1.0,
            all: 1.0,
        };
        self.round(point, &length).unwrap_or(point.t_target)
    }

    /// Seconds per token of the target alone where `point` has it, with nothing else in the module.
    pub fn plain_beside(&self, point: &Point) -> f64 {
        let same = |alone: &&Point| alone.variant == point.variant && alone.target == point.target;
        self.plain(self.space.alone.iter().find(same).unwrap_or(point))
    }

    /// The better of two: less time, then smaller γ, fewer devices, more resources, platform order.
    fn better(&self, a: Choice, b: Choice) -> Choice {
        if self.rank(&b) < self.rank(&a) { b } else { a }
    }

    fn rank(&self, choice: &Choice) -> (u64, u32, u64, usize, usize, usize, usize, usize) {
        let point = &choice.point;
        // Where the drafter stays without drafting, the faster place for it is the better one.
        let idle = if choice.gamma == 0 {
            steps(point.t_draft)
        } else {
            0
        };
        let drafter = point.drafter.map_or(0, |pu| pu + 1);
        // Variants are enumerated from the full machine down.
        (
            steps(choice.seconds),
            choice.gamma,
            idle,
            point.devices,
            point.variant,
            drafter,
            point.target,
            point.control,
        )
    }
}

/// A time on a scale so coarse (4e-12) that times which are equal on paper compare equal, and ties
/// can be broken by meaning instead of by rounding.
fn steps(seconds: f64) -> u64 {
    (seconds.to_bits().saturating_add(1 << 13)) >> 14
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::tests::{demand, two, workload};
    use proptest::prelude::*;

    proptest! {
        /// The formulas of [`CostModel`], in units of the target's latency.
        #[test]
        fn times_are_those_of_the_formulas(
            alpha in 0.0..=1.0f64,
            gamma in 1u32..8,
            (t_target, c, v) in (1e-3..10.0f64, 0.0..2.0f64, 1.0..4.0f64),
            (x_draft, x_round, h) in (0.0..1.0f64, 0.0..1.0f64, 0.0..1.0f64),
            (verify, transfer) in any::<(bool, bool)>(),
        ) {
            let mut request = Request::new(workload(demand(1, 0), demand(2, 0)), two(1.0), alpha);
            request.platform.round_overhead.value = h * t_target;
            request.model = CostModel { verify, transfer, ..CostModel::EQ1 };
            let mut space = Space::build(&request, &[gamma]).unwrap();
            // Without the model there is no table.
            let table = (0..=gamma).map(|at| (at == gamma).then_some(v)).collect();
            space.verify = vec![if verify { table } else { vec![] }];
            let drafts = space.points.iter().find(|point| point.drafter.is_some());
            let point = Point {
                t_draft: c * t_target,
                t_target,
                per_draft: x_draft * t_target,
                per_round: x_round * t_target,
                verify: 0,
                ..*drafts.unwrap()
            };
            let evaluator = Evaluator::new(&request, &space, &[gamma]);
            let seconds = evaluator.best_of(&point).unwrap().seconds;
            let (drafts, tokens) = (f64::from(gamma), expected_tokens(alpha, gamma));
            let v = if verify { v } else { 1.0 };
            let speedup = if transfer {
                (1.0 + h) * tokens / (drafts * (c + x_draft) + v + x_round + h)
            } else {
                tokens / (drafts * c + v)
            };
            let plain = if transfer { 1.0 + h } else { 1.0 } * t_target;
            prop_assert!((seconds - plain / speedup).abs() <= 1e-12 * seconds, "{seconds} {}", plain / speedup);
        }
    }
}
