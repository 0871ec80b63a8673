//! Rows from points.

use super::error::ExploreError;
use super::map::{self, ChoiceMap};
use super::{Numbers, Outcome, Query, Rate, Row, VariantBest, techniques};
use crate::plan::{self, Plan};
use crate::platform::Variant;
use crate::search::{
    Choice, Evaluator, Kernel, Point, Request, SearchError, Sensitivity, Space, resident_bytes,
};
use crate::speedup::speedup;
use crate::workload::Role;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// A row with what ranks it.
struct Ranked {
    choice: Choice,
    /// The point of the full mapping, whose drafter is idle when `choice` does not draft.
    drafter: Option<usize>,
    /// c and t_draft of that mapping.
    mapped: Option<Point>,
    memory: u64,
    energy: Option<f64>,
    value: f64,
}

/// What evaluating rows looks at.
struct Rows<'a> {
    query: &'a Query,
    request: &'a Request,
    space: &'a Space,
    evaluator: &'a Evaluator<'a>,
    baselines: BTreeMap<usize, f64>,
    /// Bytes by mapping: they do not depend on the variant.
    memory: BTreeMap<(Option<usize>, usize, usize), u64>,
}

/// Every point of `space` at one rate.
pub(super) fn exhaustive(
    query: &Query,
    request: &Request,
    space: &Space,
    evaluator: &Evaluator<'_>,
    rate: &Rate,
) -> Result<Outcome, ExploreError> {
    let mut rows = Rows::new(query, request, space, evaluator);
    let (mut ranked, mut others) = rows.ranked();
    rows.sort(&mut ranked);
    let Some(best) = ranked.first() else {
        let why = SearchError::Infeasible(Box::new(space.infeasible(request)));
        return Err(why.into());
    };
    let plan = plan_for(query, request, space, evaluator, best.choice);
    let variants = rows.variants(&ranked, &mut others);
    let here = best.choice.point.variant;
    let drafting = evaluator.best_speculating(true, |point| point.variant == here);
    let mut outcome = Outcome {
        rate: rate.clone(),
        rows: ranked.iter().map(|row| rows.row(row)).collect(),
        variants,
        memory_frontier: rows.frontier(&ranked, &others, |row| Some(row.memory as f64)),
        energy_frontier: rows.frontier(&ranked, &others, |row| row.energy),
        plan,
        shifts: vec![],
        map: None,
        techniques: techniques::rows(
            request,
            evaluator,
            drafting,
            query.self_c,
            query.ranks.as_deref(),
        ),
    };
    outcome.rows.extend(rows.ruled_out());
    if query.objective.is_latency() {
        outcome.shifts = map::shifts(evaluator, &best.choice, rate.alpha);
        outcome.map = ChoiceMap::around(request, evaluator, &best.choice, rate.alpha);
    }
    Ok(outcome)
}

/// Every mapping of a space that is too large for a row each, under its best variant.
pub(super) fn factored(
    query: &Query,
    request: &Request,
    kernel: &Kernel,
    gammas: &[u32],
    rate: &Rate,
) -> Result<(Outcome, u64), ExploreError> {
    if !query.objective.is_latency() {
        return Err(ExploreError::NotLatency {
            objective: query.objective.clone(),
        });
    }
    let (bests, evaluated) = kernel.factored(rate.alpha);
    let Some(winner) = bests.first() else {
        // Nothing is legal under any variant; one of them says why.
        return Err(refusal(request, gammas).into());
    };
    // Many mappings have the same best variant, above all where there are many: those of stages.
    let mut by_variant: BTreeMap<&Variant, Outcome> = BTreeMap::new();
    let mut others: Vec<Row> = Vec::new();
    for best in std::iter::once(winner).chain(bests.iter().skip(1)) {
        let found = match by_variant.entry(&best.variant) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let narrowed = Request {
                    variant: Some(best.variant.clone()),
                    ..request.clone()
                };
                let space = Space::build(&narrowed, gammas)?;
                let evaluator = Evaluator::new(&narrowed, &space, gammas);
                new.insert(exhaustive(query, &narrowed, &space, &evaluator, rate)?)
            }
        };
        let target = request.place_name(Role::Target, best.target);
        let drafter = best
            .drafter
            .map(|place| request.place_name(Role::Drafter, place));
        let own = found.rows.iter().find(|row| {
            let drafts = row.numbers.as_ref().map(|numbers| numbers.gamma > 0);
            row.target == target
                && match &drafter {
                    Some(_) => drafts.is_some() && row.drafter == drafter,
                    None => drafts == Some(false),
                }
        });
        if let Some(row) = own.filter(|row| !others.contains(row)) {
            others.push(row.clone());
        }
    }
    let outcome = by_variant.remove(&winner.variant);
    let mut outcome = outcome.ok_or_else(|| refusal(request, gammas))?;
    outcome.rows = others;
    outcome.variants.clear();
    Ok((outcome, evaluated))
}

/// The plan for a choice that some objective prefers.
fn plan_for(
    query: &Query,
    request: &Request,
    space: &Space,
    evaluator: &Evaluator<'_>,
    best: Choice,
) -> Plan {
    let mut plan = plan::build(request, space, evaluator, best);
    if !query.objective.is_latency() {
        // They say how far the fastest plan stays the fastest, which this one need not be.
        plan.sensitivity = Sensitivity::default();
        plan.why = format!("the least {}; {}", query.objective, plan.why);
    }
    plan
}

fn refusal(request: &Request, gammas: &[u32]) -> SearchError {
    let full = Request {
        variant: Some(request.platform.full_variant()),
        ..request.clone()
    };
    match Space::build(&full, gammas) {
        Ok(space) => SearchError::Infeasible(Box::new(space.infeasible(&full))),
        Err(error) => error,
    }
}

impl<'a> Rows<'a> {
    fn new(
        query: &'a Query,
        request: &'a Request,
        space: &'a Space,
        evaluator: &'a Evaluator<'a>,
    ) -> Self {
        let mut baselines: BTreeMap<usize, f64> = BTreeMap::new();
        for point in &space.alone {
            let plain = evaluator.plain(point);
            let least = baselines.entry(point.variant).or_insert(plain);
            *least = least.min(plain);
        }
        Self {
            query,
            request,
            space,
            evaluator,
            baselines,
            memory: BTreeMap::new(),
        }
    }

    /// Each point of the full space once: with a drafter where the module has one, at its best
    /// draft length, 0 included. And the alternatives: drafting where not drafting is best, and the
    /// target alone where drafting is.
    fn ranked(&mut self) -> (Vec<Ranked>, Vec<Ranked>) {
        let plain: BTreeMap<(usize, usize), Point> = self
            .space
            .points
            .iter()
            .filter(|point| point.drafter.is_none())
            .map(|point| ((point.variant, point.target), *point))
            .collect();
        let mut taken: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut ranked = Vec::with_capacity(self.space.points.len());
        let mut others = Vec::new();
        for point in self.space.points.iter().filter(|p| p.drafter.is_some()) {
            let at = (point.variant, point.target);
            taken.insert(at);
            let both = [Some(*point), plain.get(&at).copied()];
            let best = self.best(&both, Some(point), 0);
            if best.as_ref().is_some_and(|best| best.choice.gamma == 0) {
                others.extend(self.best(&[Some(*point)], Some(point), 1));
            } else {
                others.extend(self.best(&[plain.get(&at).copied()], None, 0));
            }
            ranked.extend(best);
        }
        // Where no drafter is legal beside the target, the target alone is a row all the same.
        for (at, point) in &plain {
            if !taken.contains(at) {
                ranked.extend(self.best(&[Some(*point)], None, 0));
            }
        }
        (ranked, others)
    }

    /// The best draft length, of at least `shortest`, over points that stand for one mapping.
    fn best(
        &mut self,
        points: &[Option<Point>],
        mapped: Option<&Point>,
        shortest: u32,
    ) -> Option<Ranked> {
        let (evaluator, objective) = (self.evaluator, &self.query.objective);
        let mut best: Option<Ranked> = None;
        for point in points.iter().flatten() {
            let memory = self.bytes(point);
            let lengths = evaluator.choices(point);
            for choice in lengths.filter(|choice| choice.gamma >= shortest) {
                let energy = self.energy(&choice);
                let value = objective.value(choice.seconds, energy, memory);
                // Of equals the shorter draft: plain points come with γ = 0 only.
                let better = best.as_ref().is_none_or(|best| {
                    let (less, more) = (best.value * (1.0 - 1e-12), best.value * (1.0 + 1e-12));
                    value < less || value <= more && choice.gamma < best.choice.gamma
                });
                if better {
                    best = Some(Ranked {
                        choice,
                        drafter: mapped.and_then(|point| point.drafter),
                        mapped: mapped.copied(),
                        memory,
                        energy,
                        value,
                    });
                }
            }
        }
        best
    }

    /// The best first: by the objective, then as the search breaks ties.
    fn sort(&self, ranked: &mut [Ranked]) {
        ranked.sort_by(|a, b| {
            let close = (a.value - b.value).abs() <= 1e-12 * a.value.abs().max(b.value.abs());
            let order = if close {
                std::cmp::Ordering::Equal
            } else {
                a.value.total_cmp(&b.value)
            };
            order.then_with(|| {
                let key = |row: &Ranked| {
                    let devices = row.choice.point.devices;
                    let idle = row.drafter;
                    (row.choice.gamma, devices, row.choice.point.variant, idle)
                };
                key(a).cmp(&key(b))
            })
        });
    }

    fn bytes(&mut self, point: &Point) -> u64 {
        let request = self.request;
        let key = (point.drafter, point.target, point.control);
        *self
            .memory
            .entry(key)
            .or_insert_with(|| resident_bytes(request, point))
    }

    /// Joules per token: see [`crate::platform::Power`].
    fn energy(&self, choice: &Choice) -> Option<f64> {
        let pus = &self.request.platform.pus;
        let tokens = self.evaluator.tokens(choice.gamma)?;
        let round = choice.seconds * tokens;
        let idle: f64 = pus
            .iter()
            .map(|pu| Some(pu.power.as_ref()?.idle.value * round))
            .sum::<Option<f64>>()?;
        let working = |pu: usize, seconds: f64| {
            let pu = pus.get(pu)?;
            let active = self
                .space
                .variants
                .get(choice.point.variant)?
                .get(&pu.name)?;
            Some(pu.power.as_ref()?.active_per_resource.value * f64::from(*active) * seconds)
        };
        let point = &choice.point;
        // Of a model in stages each PU works for its own share of a pass.
        let pass = |role: Role, place: usize, seconds: f64, whole: f64| -> Option<f64> {
            let stages = self.request.spread(role, place);
            if let [(_, pu)] = stages.as_slice() {
                return working(*pu, seconds);
            }
            let variant = choice.point.variant;
            let shares = stages.into_iter().map(|(stage, pu)| {
                let own = self.space.latency(variant, stage, pu)?.seconds;
                working(pu, seconds * own / whole)
            });
            shares.sum()
        };
        let drafting = match point.drafter {
            Some(place) => {
                let seconds = f64::from(choice.gamma) * point.t_draft;
                pass(Role::Drafter, place, seconds, point.t_draft)?
            }
            None => 0.0,
        };
        let verify = self.evaluator.v(point, choice.gamma)?;
        let verifying = point.t_target * verify;
        let verifying = pass(Role::Target, point.target, verifying, point.t_target)?;
        Some((idle + drafting + verifying) / tokens)
    }

    fn name(&self, pu: usize) -> String {
        let pu = self.request.platform.pus.get(pu);
        pu.map_or_else(String::new, |pu| pu.name.clone())
    }

    fn variant(&self, index: usize) -> Variant {
        self.space.variants.get(index).cloned().unwrap_or_default()
    }

    fn row(&self, ranked: &Ranked) -> Row {
        let Ranked { choice, mapped, .. } = ranked;
        let point = &choice.point;
        let c = mapped.as_ref().and_then(Point::c);
        let eq1_c = if choice.gamma > 0 {
            c.unwrap_or(0.0)
        } else {
            0.0
        };
        let alpha = self.request.alpha;
        let baseline = self.baselines.get(&point.variant);
        Row {
            variant: self.variant(point.variant),
            drafter: ranked
                .drafter
                .map(|place| self.request.place_name(Role::Drafter, place)),
            target: self.request.place_name(Role::Target, point.target),
            control: Some(self.name(point.control)),
            ruled_out: None,
            numbers: Some(Numbers {
                gamma: choice.gamma,
                c,
                tokens_per_round: self.evaluator.tokens(choice.gamma).unwrap_or(1.0),
                eq1: speedup(alpha, choice.gamma, eq1_c),
                over_baseline: baseline.map_or(1.0, |plain| plain / choice.seconds),
                draft_ms: mapped.as_ref().map(|point| point.t_draft * 1e3),
                target_ms: point.t_target * 1e3,
                per_token_ms: choice.seconds * 1e3,
                memory_bytes: ranked.memory,
                energy_mj: ranked.energy.map(|joules| joules * 1e3),
                objective: ranked.value,
                source: self.source(point.variant, ranked.drafter, point.target),
            }),
        }
    }

    fn source(&self, variant: usize, drafter: Option<usize>, target: usize) -> String {
        let drafter = drafter.map(|place| self.request.spread(Role::Drafter, place));
        let mut stages = drafter.unwrap_or_default();
        stages.extend(self.request.spread(Role::Target, target));
        let parts: BTreeSet<String> = stages
            .into_iter()
            .filter_map(|(stage, pu)| self.space.latency(variant, stage, pu))
            .map(|latency| latency.source.short())
            .collect();
        parts.into_iter().collect::<Vec<_>>().join(" / ")
    }

    fn ruled_out(&self) -> Vec<Row> {
        let words = |index: usize| {
            let ruled = self.space.ruled_out.get(index);
            ruled.map(|ruled| ruled.words.clone())
        };
        let excluded = self.space.excluded.iter();
        excluded
            .map(|(variant, drafter, target, reason)| Row {
                variant: self.variant(*variant),
                drafter: drafter.map(|place| self.request.place_name(Role::Drafter, place)),
                target: self.request.place_name(Role::Target, *target),
                control: None,
                ruled_out: words(*reason),
                numbers: None,
            })
            .collect()
    }

    /// Best and runner-up of each variant; `ranked` is sorted, and `others` may be runners-up.
    fn variants(&self, ranked: &[Ranked], others: &mut [Ranked]) -> Vec<VariantBest> {
        self.sort(others);
        let mut first: BTreeMap<usize, (&Ranked, Option<&Ranked>)> = BTreeMap::new();
        for row in ranked {
            let entry = first.entry(row.choice.point.variant);
            let (best, second) = entry.or_insert((row, None));
            if second.is_none() && !same_plan(best, row) {
                *second = Some(row);
            }
        }
        for row in others.iter() {
            if let Some((best, second)) = first.get_mut(&row.choice.point.variant) {
                let better = second.is_none_or(|second| row.value < second.value);
                if better && !same_plan(best, row) {
                    *second = Some(row);
                }
            }
        }
        first
            .into_iter()
            .map(|(variant, (best, second))| VariantBest {
                variant: self.variant(variant),
                best: self.row(best),
                runner_up: second.map(|row| self.row(row)),
            })
            .collect()
    }

    /// Rows that no other beats in time and in `other`, fastest first, each plan once.
    fn frontier(
        &self,
        ranked: &[Ranked],
        others: &[Ranked],
        other: impl Fn(&Ranked) -> Option<f64>,
    ) -> Vec<Row> {
        let mut rows: Vec<(&Ranked, f64)> = ranked
            .iter()
            .chain(others)
            .filter_map(|row| Some((row, other(row)?)))
            .collect();
        rows.sort_by(|a, b| {
            let times = a.0.choice.seconds.total_cmp(&b.0.choice.seconds);
            times.then(a.1.total_cmp(&b.1))
        });
        let mut least = f64::INFINITY;
        let kept = rows.into_iter().filter(|(_, value)| {
            let better = *value < least;
            least = least.min(*value);
            better
        });
        kept.map(|(row, _)| self.row(row)).collect()
    }
}

/// Whether two rows of a variant would be the same module: what an idle drafter is mapped to does
/// not matter.
fn same_plan(a: &Ranked, b: &Ranked) -> bool {
    let used = |row: &Ranked| (row.choice.gamma > 0).then_some(row.drafter);
    a.choice.point.target == b.choice.point.target && used(a) == used(b)
}
