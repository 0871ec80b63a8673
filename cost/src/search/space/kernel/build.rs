//! Making a kernel: which mappings are legal, and the tables of their latencies.

use super::shape::Shape;
use super::{Kernel, Mapping, MappingBest};
use crate::platform::Variant;
use crate::search::error::SearchError;
use crate::search::request::HolePolicy;
use crate::search::request::Request;
use crate::search::space::size::MOST_POINTS;
use crate::search::space::walk::Walk;
use crate::workload::{DraftLengthForm, Partition, Role};
use std::collections::BTreeSet;

/// Beyond this many latencies in all tables together, making them is refused: 128 MiB.
pub(crate) const MOST_LATENCIES: usize = 1 << 24;

impl Kernel {
    /// Tables for a request; `allows` says which resources count.
    ///
    /// # Errors
    /// [`SearchError`] for cost models that are not affine, a filter that leaves nothing,
    /// or latencies that depend on too many resources together.
    pub fn build(
        request: &Request,
        gammas: &[u32],
        allows: impl Fn(&str, u32) -> bool,
    ) -> Result<Self, SearchError> {
        if request.model.verify || request.model.overlapped {
            return Err(SearchError::NotAffine {
                points: request.space_size(),
                model: request.model,
            });
        }
        if request.mappings() > MOST_POINTS {
            return Err(SearchError::Mappings {
                mappings: request.mappings(),
                most: MOST_POINTS,
            });
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
    ) -> Result<Self, SearchError> {
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
            return Err(SearchError::NoVariant);
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
            return Err(SearchError::Latencies {
                latencies,
                most: MOST_LATENCIES,
            });
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
}
