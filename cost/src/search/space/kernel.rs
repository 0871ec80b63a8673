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

mod build;
mod shape;
mod table;

use crate::platform::Variant;
use crate::search::round::{Round, tokens};
use std::collections::BTreeSet;
use table::Table;

pub(crate) use build::MOST_LATENCIES;

/// Draft lengths are evaluated in groups of so many, which the compiler turns into vector
/// instructions.
const LANES: usize = 4;

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
    /// The drafter's place (see [`Request::spread`](crate::search::Request::spread)); `None` where nothing is drafted.
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

/// How many drafts and rounds a token takes at each draft length.
struct Rates {
    /// γ/E and 1/E, in groups, the last one padded with what never wins.
    drafts: Vec<[f64; LANES]>,
    rounds: Vec<[f64; LANES]>,
    gammas: Vec<u32>,
}

impl Kernel {
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
            drafts: vec![],
            rounds: vec![],
            gammas: self
                .gammas
                .iter()
                .copied()
                .filter(|gamma| *gamma > 0)
                .collect(),
        };
        for group in rates.gammas.chunks(LANES) {
            let (mut drafts, mut rounds) = ([0.0; LANES], [f64::INFINITY; LANES]);
            for ((gamma, drafts), rounds) in group.iter().zip(&mut drafts).zip(&mut rounds) {
                let tokens = tokens(alpha, self.per_position.as_deref(), *gamma);
                *drafts = f64::from(*gamma) / tokens;
                *rounds = 1.0 / tokens;
            }
            rates.drafts.push(drafts);
            rates.rounds.push(rounds);
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

    /// A round of a mapping whose models take so long.
    #[inline]
    fn round(&self, mapping: &Mapping, draft: f64, verify: f64) -> Round {
        Round::new(draft, verify).with_transfer(mapping.per_draft, mapping.per_round, self.overhead)
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
        let time = |times: &[f64], place| times.get(place).copied().unwrap_or(f64::INFINITY);
        let verify = time(verifying, mapping.target);
        let Some(drafter) = mapping.drafter else {
            return self.round(mapping, 0.0, verify).plain();
        };
        let round = self.round(mapping, time(drafting, drafter), verify);
        let plain = round.plain();
        if round.draft == f64::INFINITY {
            return f64::INFINITY;
        }
        let mut least = [if keeps { plain } else { f64::INFINITY }; LANES];
        for (drafts, rounds) in rates.drafts.iter().zip(&rates.rounds) {
            for ((least, drafts), rounds) in least.iter_mut().zip(drafts).zip(rounds) {
                let seconds = round.seconds(*drafts, *rounds);
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
        let verify = time(targets, mapping.target);
        let mut best = (0, self.round(mapping, 0.0, verify).plain());
        if let Some(drafter) = mapping.drafter {
            let round = self.round(mapping, time(drafters, drafter), verify);
            if !self.keeps_drafter() {
                best.1 = f64::INFINITY;
            }
            let pairs = rates
                .drafts
                .iter()
                .flatten()
                .zip(rates.rounds.iter().flatten());
            for (gamma, (drafts, rounds)) in rates.gammas.iter().zip(pairs) {
                let seconds = round.seconds(*drafts, *rounds);
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
