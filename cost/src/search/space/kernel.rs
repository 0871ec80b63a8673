//! The design space without its points: evaluated in place, or factored.
//!
//! A latency depends on few resources: those of the PU it is measured on, and whatever the profile
//! names besides. So it is a small table, and a point of the space is a handful of look-ups. Two
//! ways to use that, both exact for cost models in which a round's time is affine in its latencies
//! (Eq. (1), `transfer`, `per-position`):
//!
//! - [`Kernel::sweep`] visits every point and allocates nothing on the way: exhaustive search in
//!   constant memory.
//! - [`Kernel::factored`] varies, for each mapping, only the resources that its two latencies
//!   depend on; all others leave its time unchanged, so that one representative (all of them in
//!   use) stands for them. Time grows with either latency, so that what only one of them depends on
//!   is chosen for it alone: Σ over mappings of (n_drafter + n_target) instead of v·N^m.

mod table;

use super::walk::Walk;
use super::{HolePolicy, MOST_POINTS};
use crate::CostError;
use crate::platform::Variant;
use crate::search::{Evaluator, Request};
use crate::workload::{DraftLengthForm, Partition, Role};
use std::collections::BTreeSet;
use table::{Shape, Table};

/// Draft lengths are evaluated in groups of so many, which the compiler turns into vector
/// instructions.
const LANES: usize = 4;

/// Beyond this many latencies in all tables together, making them is refused: 128 MiB.
pub(crate) const MOST_LATENCIES: usize = 1 << 24;

/// The space in tables.
#[derive(Clone, Debug)]
pub struct Kernel {
    names: Vec<String>,
    /// Allowed resources of each PU, the greatest first.
    domains: Vec<Vec<u32>>,
    mappings: Vec<Mapping>,
    /// Drafter and target latencies by place: a PU, for a model in one piece.
    tables: [Vec<Table>; 2],
    gammas: Vec<u32>,
    per_position: Option<Vec<f64>>,
    overhead: f64,
}

#[derive(Clone, Copy, Debug)]
struct Mapping {
    drafter: Option<usize>,
    target: usize,
    per_draft: f64,
    per_round: f64,
}

/// The best of one mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingBest {
    /// The drafter's place (see [`Request::spread`]); `None` where nothing is drafted.
    pub drafter: Option<usize>,
    /// The target's place.
    pub target: usize,
    /// The variant: of equals the one with most resources.
    pub variant: Variant,
    /// γ*.
    pub gamma: u32,
    /// Seconds per token.
    pub seconds: f64,
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq)]
pub struct Swept {
    /// Points that were visited.
    pub visited: u64,
    /// The least seconds per token.
    pub best: Option<MappingBest>,
}

/// E(α, γ) folded into what a round's time is multiplied with.
struct Rates {
    /// γ/E and 1/E, in groups, the last one padded with what never wins.
    drafting: Vec<[f64; LANES]>,
    verifying: Vec<[f64; LANES]>,
    gammas: Vec<u32>,
}

impl Kernel {
    /// Tables for a request; `allows` says which resources count.
    ///
    /// # Errors
    /// [`CostError::Argument`] for cost models that are not affine, a filter that leaves nothing,
    /// or latencies that depend on too many resources together.
    pub fn build(
        request: &Request,
        gammas: &[u32],
        allows: impl Fn(&str, u32) -> bool,
    ) -> Result<Self, CostError> {
        if request.model.verify || request.model.overlapped {
            return Err(CostError::argument(
                format!(
                    "the space has {} points, and for the cost model `{}` only the exhaustive method is exact",
                    request.space_size(),
                    request.model
                ),
                "use eq1, transfer or per-position, or narrow the space: --variant cpu=4"
                    .to_owned(),
            ));
        }
        if request.mappings() > MOST_POINTS {
            return Err(CostError::argument(
                format!(
                    "there are {} mappings, more than the {MOST_POINTS} that can be enumerated",
                    request.mappings()
                ),
                "cut the models into fewer stages".to_owned(),
            ));
        }
        let strict: BTreeSet<Partition> = if request.holes == HolePolicy::Roofline {
            BTreeSet::new()
        } else {
            request.workload.subgraphs.keys().copied().collect()
        };
        let mut kernel = Self::tables(request, gammas, &strict, &allows)?;
        // As `Space::build` does, or the two methods would not agree.
        let wants_drafter = request.workload.has(Role::Drafter)
            && (gammas.iter().any(|gamma| *gamma > 0)
                || request.workload.draft_length == DraftLengthForm::Absent);
        let answers = |kernel: &Self, which: &dyn Fn(&MappingBest) -> bool| {
            let (bests, _) = kernel.factored(request.alpha);
            bests.iter().any(which)
        };
        let serves =
            |kernel: &Self| answers(kernel, &|best| best.drafter.is_some() == wants_drafter);
        if request.holes == HolePolicy::Auto && request.profile.is_some() && !serves(&kernel) {
            for strict in [kernel.measured(request, gammas), BTreeSet::new()] {
                let relaxed = Self::tables(request, gammas, &strict, &allows)?;
                if serves(&relaxed) || !answers(&kernel, &|_| true) && answers(&relaxed, &|_| true)
                {
                    kernel = relaxed;
                    break;
                }
            }
        }
        Ok(kernel)
    }

    fn tables(
        request: &Request,
        gammas: &[u32],
        strict: &BTreeSet<Partition>,
        allows: &impl Fn(&str, u32) -> bool,
    ) -> Result<Self, CostError> {
        let pus = &request.platform.pus;
        let chosen = |name: &str| request.variant.as_ref()?.get(name).copied();
        let domains: Vec<Vec<u32>> = pus
            .iter()
            .map(|pu| {
                let counts = (1..=pu.resources()).rev();
                counts
                    .filter(|count| chosen(&pu.name).is_none_or(|chosen| chosen == *count))
                    .filter(|count| allows(&pu.name, *count))
                    .collect()
            })
            .collect();
        if domains.iter().any(Vec::is_empty) {
            return Err(CostError::argument(
                "the conditions leave no design variant",
                "take back a condition on a processing unit".to_owned(),
            ));
        }
        let mut walk = Walk::new(request, gammas, strict);
        let mut kernel = Self {
            names: pus.iter().map(|pu| pu.name.clone()).collect(),
            domains,
            mappings: vec![],
            tables: [vec![], vec![]],
            gammas: gammas.to_vec(),
            per_position: request
                .per_position
                .clone()
                .filter(|_| request.model.per_position),
            overhead: if request.model.transfer {
                request.platform.round_overhead.value
            } else {
                0.0
            },
        };
        let has_drafter = request.workload.has(Role::Drafter);
        let keeps = has_drafter && request.workload.draft_length == DraftLengthForm::Absent;
        let drafts = has_drafter && gammas.iter().any(|gamma| *gamma > 0);
        for target in 0..request.places(Role::Target) {
            let plain = (gammas.contains(&0) && !keeps).then_some(None);
            let drafting = (0..request.places(Role::Drafter))
                .filter(|_| drafts || keeps)
                .map(Some);
            for drafter in plain.into_iter().chain(drafting) {
                if let Ok((per_draft, per_round)) = walk.crossing_costs(drafter, target) {
                    let on = if request.model.transfer { 1.0 } else { 0.0 };
                    kernel.mappings.push(Mapping {
                        drafter,
                        target,
                        per_draft: on * per_draft,
                        per_round: on * per_round,
                    });
                }
            }
        }
        let shapes = Role::MODELS.map(|role| -> Vec<Shape> {
            (0..request.places(role))
                .map(|place| kernel.shape(request, role, place))
                .collect()
        });
        let latencies = shapes
            .iter()
            .flatten()
            .fold(0usize, |sum, shape| sum.saturating_add(shape.entries));
        if latencies > MOST_LATENCIES {
            return Err(CostError::argument(
                format!(
                    "the latencies depend on so many resources together that there are {latencies} of them, more than the {MOST_LATENCIES} that can be kept"
                ),
                "fix the resources of some processing units: --variant cpu=4".to_owned(),
            ));
        }
        kernel.tables = shapes.map(|shapes| {
            let tables = shapes.into_iter();
            tables.map(|shape| kernel.table(&walk, shape)).collect()
        });
        Ok(kernel)
    }

    /// Partitions that have a measured latency where some mapping puts them, under some variant.
    fn measured(&self, request: &Request, gammas: &[u32]) -> BTreeSet<Partition> {
        let all: BTreeSet<Partition> = request.workload.subgraphs.keys().copied().collect();
        let walk = Walk::new(request, gammas, &all);
        let spread = |mapping: &Mapping| {
            let drafter = mapping.drafter.map(|at| request.spread(Role::Drafter, at));
            let mut placed = drafter.unwrap_or_default();
            placed.extend(request.spread(Role::Target, mapping.target));
            placed
        };
        let places: BTreeSet<(Partition, usize)> = self.mappings.iter().flat_map(spread).collect();
        let series = || request.profile.iter().flat_map(|p| &p.measurements);
        let known = |(partition, pu): &(Partition, usize)| {
            let here = series().filter(|m| m.role == *partition);
            // A latency depends on what its series names only, so that all other resources in use,
            // or as few as may be, are variants enough to try.
            let mut variants = here.flat_map(|m| {
                [true, false].map(|most| {
                    let domains = self.names.iter().zip(&self.domains);
                    let counts = domains.map(|(name, domain)| {
                        let free = if most { domain.first() } else { domain.last() };
                        let count = match m.variant.get(name) {
                            Some(count) => domain.contains(count).then_some(*count),
                            None => free.copied(),
                        };
                        Some((name.clone(), count?))
                    });
                    counts.collect::<Option<Variant>>()
                })
            });
            variants.any(|variant| {
                variant.is_some_and(|variant| walk.find_latency(&variant, *partition, *pu).is_ok())
            })
        };
        places
            .into_iter()
            .filter(known)
            .map(|(partition, _)| partition)
            .collect()
    }

    /// The name of a PU.
    pub fn name(&self, pu: usize) -> Option<&str> {
        self.names.get(pu).map(String::as_str)
    }

    /// v: the product of allowed resources.
    pub fn variants(&self) -> u64 {
        self.domains
            .iter()
            .map(|domain| domain.len() as u64)
            .fold(1, u64::saturating_mul)
    }

    /// Points that a sweep visits: every variant with every legal mapping.
    pub fn points(&self) -> u64 {
        self.variants().saturating_mul(self.mappings.len() as u64)
    }

    fn variant(&self, digits: &[usize]) -> Variant {
        let counts = self.names.iter().zip(&self.domains).zip(digits);
        counts
            .filter_map(|((name, domain), digit)| Some((name.clone(), *domain.get(*digit)?)))
            .collect()
    }

    fn rates(&self, alpha: f64) -> Rates {
        let mut rates = Rates {
            drafting: vec![],
            verifying: vec![],
            gammas: self
                .gammas
                .iter()
                .copied()
                .filter(|gamma| *gamma > 0)
                .collect(),
        };
        for group in rates.gammas.chunks(LANES) {
            let (mut drafting, mut verifying) = ([0.0; LANES], [f64::INFINITY; LANES]);
            for ((gamma, a), b) in group.iter().zip(&mut drafting).zip(&mut verifying) {
                let (tokens, _) = Evaluator::yields(alpha, self.per_position.as_deref(), *gamma);
                *a = f64::from(*gamma) / tokens;
                *b = 1.0 / tokens;
            }
            rates.drafting.push(drafting);
            rates.verifying.push(verifying);
        }
        rates
    }

    fn keeps_drafter(&self) -> bool {
        self.gammas.contains(&0) && self.mappings.iter().all(|m| m.drafter.is_some())
    }

    /// Visits every point. Exact, in constant memory, without an allocation per point.
    pub fn sweep(&self, alpha: f64) -> Swept {
        let rates = self.rates(alpha);
        let keeps = self.keeps_drafter();
        let mut digits = vec![0usize; self.domains.len()];
        let mut times = self.tables.each_ref().map(|tables| vec![0.0; tables.len()]);
        let (mut visited, mut least) = (0u64, f64::INFINITY);
        let mut best: Option<(usize, Vec<usize>)> = None;
        loop {
            for (times, tables) in times.iter_mut().zip(&self.tables) {
                for (time, table) in times.iter_mut().zip(tables) {
                    *time = table.at(&digits);
                }
            }
            let [drafting, verifying] = &times;
            for (index, mapping) in self.mappings.iter().enumerate() {
                let seconds = self.seconds(&rates, mapping, drafting, verifying, keeps);
                if seconds < least * (1.0 - 1e-12) {
                    least = seconds;
                    // As often as a better point is found, which is rarely.
                    best = Some((index, digits.clone()));
                }
            }
            visited += self.mappings.len() as u64;
            if !self.advance(&mut digits) {
                break;
            }
        }
        let best = best.and_then(|(index, digits)| {
            let mapping = self.mappings.get(index)?;
            Some(self.best_of(&rates, mapping, &digits))
        });
        Swept { visited, best }
    }

    /// The next combination of resources, the last PU's changing fastest.
    fn advance(&self, digits: &mut [usize]) -> bool {
        for (digit, domain) in digits.iter_mut().zip(&self.domains).rev() {
            *digit += 1;
            if *digit < domain.len() {
                return true;
            }
            *digit = 0;
        }
        false
    }

    /// The least seconds per token of a mapping over all draft lengths.
    #[inline]
    fn seconds(
        &self,
        rates: &Rates,
        mapping: &Mapping,
        drafting: &[f64],
        verifying: &[f64],
        keeps: bool,
    ) -> f64 {
        let target = verifying
            .get(mapping.target)
            .copied()
            .unwrap_or(f64::INFINITY);
        let verify = target + mapping.per_round + self.overhead;
        let Some(drafter) = mapping.drafter else {
            return verify;
        };
        let draft = drafting.get(drafter).copied().unwrap_or(f64::INFINITY) + mapping.per_draft;
        if draft == f64::INFINITY {
            return f64::INFINITY;
        }
        let mut least = [if keeps { verify } else { f64::INFINITY }; LANES];
        for (a, b) in rates.drafting.iter().zip(&rates.verifying) {
            for ((least, a), b) in least.iter_mut().zip(a).zip(b) {
                let seconds = a * draft + b * verify;
                *least = if seconds < *least { seconds } else { *least };
            }
        }
        least.into_iter().fold(f64::INFINITY, f64::min)
    }

    /// The best draft length of a mapping under the variant of `digits`.
    fn best_of(&self, rates: &Rates, mapping: &Mapping, digits: &[usize]) -> MappingBest {
        let [drafters, targets] = &self.tables;
        let time = |tables: &[Table], pu: usize| {
            tables
                .get(pu)
                .map_or(f64::INFINITY, |table| table.at(digits))
        };
        let verify = time(targets, mapping.target) + mapping.per_round + self.overhead;
        let mut best = (0, verify);
        if let Some(drafter) = mapping.drafter {
            let draft = time(drafters, drafter) + mapping.per_draft;
            if !self.keeps_drafter() {
                best.1 = f64::INFINITY;
            }
            let pairs = rates
                .drafting
                .iter()
                .flatten()
                .zip(rates.verifying.iter().flatten());
            for (gamma, (a, b)) in rates.gammas.iter().zip(pairs) {
                let seconds = a * draft + b * verify;
                if seconds < best.1 * (1.0 - 1e-12) {
                    best = (*gamma, seconds);
                }
            }
        }
        MappingBest {
            drafter: mapping.drafter,
            target: mapping.target,
            variant: self.variant(digits),
            gamma: best.0,
            seconds: best.1,
        }
    }

    /// The best of each legal mapping, the fastest first, and how many points were evaluated for
    /// it. Exact: the first is the best of the whole space.
    pub fn factored(&self, alpha: f64) -> (Vec<MappingBest>, u64) {
        let rates = self.rates(alpha);
        let [drafters, targets] = &self.tables;
        let mut evaluated = 0;
        let mut bests: Vec<MappingBest> = Vec::new();
        for mapping in &self.mappings {
            let of = |tables: &[Table], pu: Option<usize>| -> BTreeSet<usize> {
                let table = pu.and_then(|pu| tables.get(pu));
                let dims = table.map(|table| table.dims.iter().map(|(pu, _)| *pu));
                dims.into_iter().flatten().collect()
            };
            let draft = of(drafters, mapping.drafter);
            let verify = of(targets, Some(mapping.target));
            let shared: BTreeSet<usize> = draft.intersection(&verify).copied().collect();
            let alone = [&draft - &shared, &verify - &shared];
            let mut digits = vec![0usize; self.domains.len()];
            let mut best: Option<MappingBest> = None;
            loop {
                // Time grows with both latencies, so that each is least on its own.
                let places = [
                    mapping.drafter.and_then(|pu| drafters.get(pu)),
                    targets.get(mapping.target),
                ];
                for (table, free) in places.into_iter().zip(&alone) {
                    let Some(table) = table else { continue };
                    evaluated += self.least(table, free, &mut digits);
                }
                let next = self.best_of(&rates, mapping, &digits);
                let better = best
                    .as_ref()
                    .is_none_or(|best| next.seconds < best.seconds * (1.0 - 1e-12));
                if better {
                    best = Some(next);
                }
                if !self.advance_some(&mut digits, &shared) {
                    break;
                }
            }
            bests.extend(best.filter(|best| best.seconds.is_finite()));
        }
        bests.sort_by(|a, b| {
            let close = (a.seconds - b.seconds).abs() <= 1e-12 * a.seconds;
            let times = if close {
                std::cmp::Ordering::Equal
            } else {
                a.seconds.total_cmp(&b.seconds)
            };
            times.then(a.gamma.cmp(&b.gamma))
        });
        (bests, evaluated)
    }

    /// Sets the digits in `free` to where the table is least, of equals with most resources, and
    /// says how many entries it looked at.
    fn least(&self, table: &Table, free: &BTreeSet<usize>, digits: &mut Vec<usize>) -> u64 {
        for pu in free {
            if let Some(digit) = digits.get_mut(*pu) {
                *digit = 0;
            }
        }
        let (mut best, mut seconds, mut looked) = (digits.clone(), table.at(digits), 1);
        while self.advance_some(digits, free) {
            looked += 1;
            let next = table.at(digits);
            if next < seconds * (1.0 - 1e-12) {
                seconds = next;
                best.clone_from(digits);
            }
        }
        *digits = best;
        looked
    }

    fn advance_some(&self, digits: &mut [usize], free: &BTreeSet<usize>) -> bool {
        for pu in free.iter().rev() {
            let (Some(digit), Some(domain)) = (digits.get_mut(*pu), self.domains.get(*pu)) else {
                continue;
            };
            *digit += 1;
            if *digit < domain.len() {
                return true;
            }
            *digit = 0;
        }
        false
    }
}
