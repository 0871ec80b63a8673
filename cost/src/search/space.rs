//! The design space: every variant and mapping, with its latencies, or the reason why not.

mod build;
pub(super) mod kernel;
pub(super) mod size;
mod walk;

use super::legal::{Infeasible, Reason, RuledOut};
use super::request::Request;
use crate::platform::Variant;
use crate::profile::Hole;
use crate::roofline::Latency;
use crate::workload::{Partition, Role};
use std::collections::BTreeMap;

/// One legal mapping under one variant, with all that evaluating a draft length needs. PUs are
/// indices into the platform's; so is the place of a model in one piece (see
/// [`Request::spread`] for one in stages).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Index into [`Space::variants`].
    pub variant: usize,
    /// The drafter's place; `None` when there is none, so that γ is 0.
    pub drafter: Option<usize>,
    /// The target's place.
    pub target: usize,
    /// The PU that control is on.
    pub control: usize,
    /// How many PUs it uses.
    pub devices: usize,
    /// t_draft, seconds; 0 without a drafter.
    pub t_draft: f64,
    /// t_target, seconds.
    pub t_target: f64,
    /// Seconds of crossings for each draft.
    pub per_draft: f64,
    /// Seconds of crossings and of control's own work for each round.
    pub per_round: f64,
    /// Index into [`Space::verify`].
    pub verify: usize,
}

impl Point {
    /// c = t_draft / t_target; `None` without a drafter.
    pub fn c(&self) -> Option<f64> {
        self.drafter.map(|_| self.t_draft / self.t_target)
    }

    /// Every partition that it places, with the index of its PU; control last.
    pub fn partitions(&self, request: &Request) -> Vec<(Partition, usize)> {
        let drafter = self
            .drafter
            .map(|place| request.spread(Role::Drafter, place));
        let mut all = drafter.unwrap_or_default();
        all.extend(request.spread(Role::Target, self.target));
        all.push((Partition::CONTROL, self.control));
        all
    }

    /// The placement of the models, whatever the variant.
    pub fn mapping(&self) -> (Option<usize>, usize) {
        (self.drafter, self.target)
    }
}

/// The whole space, evaluated as far as draft lengths and α do not matter.
#[derive(Clone, Debug)]
pub struct Space {
    /// The design variants, the full machine first.
    pub variants: Vec<Variant>,
    /// Legal points, with and without a drafter.
    pub points: Vec<Point>,
    /// Points without a drafter that are legal whatever the user pinned: what a run without
    /// speculation could be.
    pub alone: Vec<Point>,
    /// v(γ) by draft length, for each place of the target; empty where it is 1, `None` where it was
    /// not measured.
    pub verify: Vec<Vec<Option<f64>>>,
    /// v·N^m.
    pub size: u64,
    /// Of which so many are legal.
    pub legal: u64,
    /// And the others are not.
    pub ruled_out: Vec<RuledOut>,
    /// Each of the others: variant, drafter, target, and its reason's index in `ruled_out`.
    pub excluded: Vec<(usize, Option<usize>, usize, usize)>,
    /// Why the target alone cannot be somewhere: hidden behind the drafter's reasons in
    /// `ruled_out`, which names one per point.
    target_reasons: Vec<Reason>,
    kept: usize,
    latencies: BTreeMap<(usize, Partition, usize), Result<Latency, Hole>>,
}

impl Space {
    /// Forgets every variant for which `keep` is false: its points count no longer.
    pub fn keep_variants(&mut self, keep: impl Fn(&Variant) -> bool) {
        let kept: Vec<bool> = self.variants.iter().map(keep).collect();
        let is_kept = |variant: usize| kept.get(variant).copied().unwrap_or(false);
        self.points.retain(|point| is_kept(point.variant));
        self.alone.retain(|point| is_kept(point.variant));
        self.excluded.retain(|(variant, ..)| is_kept(*variant));
        for (index, ruled) in self.ruled_out.iter_mut().enumerate() {
            let excluded = self.excluded.iter();
            ruled.points = excluded.filter(|(.., reason)| *reason == index).count() as u64;
        }
        let per_variant = self.size / (self.variants.len() as u64).max(1);
        self.kept = kept.iter().filter(|kept| **kept).count();
        self.size = per_variant * self.kept as u64;
        self.legal = self.size - self.excluded.len() as u64;
    }

    /// How many variants there are, those that were forgotten not counted.
    pub fn kept_variants(&self) -> usize {
        self.kept
    }

    /// The latency of a partition on the PU of index `pu` under a variant, if it was asked for and
    /// known.
    pub fn latency(
        &self,
        variant: usize,
        partition: impl Into<Partition>,
        pu: usize,
    ) -> Option<&Latency> {
        self.latencies
            .get(&(variant, partition.into(), pu))
            .and_then(|latency| latency.as_ref().ok())
    }

    /// The reasons and levers, when nothing is legal.
    pub fn infeasible(&self, request: &Request) -> Infeasible {
        let mut reasons: Vec<Reason> = self
            .ruled_out
            .iter()
            .map(|ruled| ruled.reason.clone())
            .collect();
        for reason in &self.target_reasons {
            if !reasons.contains(reason) {
                reasons.push(reason.clone());
            }
        }
        reasons.sort_by_key(Reason::is_wish);
        let mut levers: Vec<String> = Vec::new();
        for lever in reasons
            .iter()
            .flat_map(|reason| reason.levers(request.platform.memories.len()))
            .chain(["or choose another platform".into()])
        {
            if !levers.contains(&lever) {
                levers.push(lever);
            }
        }
        Infeasible {
            platform: request.platform.name.clone(),
            reasons,
            levers,
        }
    }

    /// Counts one point out.
    fn rule_out(&mut self, at: (usize, Option<usize>, usize), reason: Reason) {
        let known = self
            .ruled_out
            .iter()
            .position(|ruled| ruled.reason == reason);
        let index = known.unwrap_or_else(|| {
            self.ruled_out.push(RuledOut {
                points: 0,
                words: reason.to_string(),
                reason,
            });
            self.ruled_out.len() - 1
        });
        if let Some(ruled) = self.ruled_out.get_mut(index) {
            ruled.points += 1;
        }
        self.excluded.push((at.0, at.1, at.2, index));
    }
}
