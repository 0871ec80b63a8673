//! Time per token of a point at a draft length, and the best of all.

use super::model::CostModel;
use super::request::Request;
use super::round::{Round, all_accepted, tokens};
use super::space::{Point, Space};
use crate::speedup::refined::overlapped_round;
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
            let known = self.per_position.as_deref();
            length.tokens = tokens(alpha, known, length.gamma);
            length.all = all_accepted(alpha, known, length.gamma);
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
        let mut round = Round::new(point.t_draft, point.t_target * self.v(point, length.gamma)?);
        if self.model.transfer {
            round = round.with_transfer(point.per_draft, point.per_round, self.overhead);
        }
        let drafts = f64::from(length.gamma);
        Some(if self.model.overlapped {
            overlapped_round(length.all, drafts * round.draft, round.verify) + round.host
        } else {
            round.seconds(drafts, 1.0)
        })
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
