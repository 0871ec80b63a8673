//! How long passes take: measured, estimated, or not known.

use super::Walk;
use crate::platform::{ProcessingUnit, Variant};
use crate::profile::{Hole, HoleReason};
use crate::roofline::{self, Latency, LatencySource};
use crate::search::legal::Reason;
use crate::search::request::GammaChoice;
use crate::search::space::Space;
use crate::workload::{Partition, Role, SubgraphDemand};

/// No latency is believed to be shorter, in seconds.
const LEAST: f64 = 1e-9;

impl Walk<'_> {
    /// Seconds of one pass of a model at a place: of its stages, which run one after the other.
    pub(super) fn latency(
        &self,
        space: &mut Space,
        variant: usize,
        role: Role,
        place: usize,
    ) -> Result<f64, Reason> {
        let stages = self.request.spread(role, place).into_iter();
        // Every stage is looked up, for the same reason as both models are.
        let found: Vec<Result<f64, Reason>> = stages
            .map(|(partition, pu)| self.stage_latency(space, variant, partition, pu))
            .collect();
        found.into_iter().sum()
    }

    fn stage_latency(
        &self,
        space: &mut Space,
        variant: usize,
        role: Partition,
        pu: usize,
    ) -> Result<f64, Reason> {
        let known = space.latencies.get(&(variant, role, pu)).cloned();
        let latency = known.unwrap_or_else(|| {
            let resources = space.variants.get(variant).cloned().unwrap_or_default();
            let found = self.find_latency(&resources, role, pu);
            space.latencies.insert((variant, role, pu), found.clone());
            found
        });
        latency
            .map(|latency| latency.seconds)
            .map_err(Reason::NotMeasured)
    }

    pub(in crate::search::space) fn find_latency(
        &self,
        variant: &Variant,
        role: Partition,
        index: usize,
    ) -> Result<Latency, Hole> {
        let request = self.request;
        let nothing = |pu: &str| Hole {
            role,
            pu: pu.into(),
            reason: HoleReason::Never,
            detail: "nothing is known about it".into(),
        };
        let (Some(pu), Some(demand)) =
            (self.pus().get(index), request.workload.subgraphs.get(&role))
        else {
            return Err(nothing(""));
        };
        // With a cache, one pass of either model computes one new token.
        let new_tokens = request.workload.state.as_ref().map(|_| 1);
        let hole = match &request.profile {
            None => None,
            Some(profile) => match profile.latency(
                role,
                &pu.name,
                variant,
                demand.dominant_dtype(),
                request.workload.sequence_length,
                new_tokens,
            ) {
                Ok(found) => {
                    let source = LatencySource::Measured {
                        profile: profile.origin.clone(),
                        how: found.how,
                        source: found.source,
                        spread: found.spread,
                        dtype_mismatch: found.dtype_mismatch,
                    };
                    return Ok(Latency {
                        seconds: found.seconds,
                        source,
                    });
                }
                Err(hole) => Some(hole),
            },
        };
        match hole {
            Some(hole) if self.strict.contains(&role) => Err(hole),
            _ => {
                let active = variant
                    .get(&pu.name)
                    .copied()
                    .unwrap_or_else(|| pu.resources());
                let estimate =
                    roofline::estimate(demand, pu, active).ok_or_else(|| nothing(&pu.name))?;
                // A subgraph without operations would have no ratio to anything.
                Ok(Latency {
                    seconds: estimate.seconds.max(LEAST),
                    ..estimate
                })
            }
        }
    }

    /// v(γ) for every draft length, as an index into `space.verify`. `target` is its place.
    pub(super) fn verify(
        &mut self,
        space: &mut Space,
        variant: usize,
        target: usize,
    ) -> Result<usize, Reason> {
        if let Some(known) = self.verify.get(&(variant, target)) {
            return known.clone().map_err(Reason::NotMeasured);
        }
        let table = self.verify_table(space, variant, target).map(|table| {
            match space.verify.iter().position(|known| *known == table) {
                Some(known) => known,
                None => {
                    space.verify.push(table);
                    space.verify.len() - 1
                }
            }
        });
        self.verify.insert((variant, target), table.clone());
        table.map_err(Reason::NotMeasured)
    }

    fn verify_table(
        &self,
        space: &Space,
        variant: usize,
        target: usize,
    ) -> Result<Vec<Option<f64>>, Hole> {
        let request = self.request;
        let (Some(profile), Some(variant), true) = (
            &request.profile,
            space.variants.get(variant),
            request.model.verify,
        ) else {
            return Ok(vec![]);
        };
        let stages: Vec<(Partition, &ProcessingUnit)> = request
            .spread(Role::Target, target)
            .into_iter()
            .filter_map(|(stage, pu)| Some((stage, self.pus().get(pu)?)))
            .collect();
        let measured = stages.iter().all(|(stage, pu)| {
            profile.measurements.iter().any(|m| {
                m.role == *stage
                    && m.pu == pu.name
                    && m.points.iter().any(|point| point.new_tokens.is_some())
            })
        });
        if !measured && request.workload.state.is_none() {
            return Ok(vec![]);
        }
        // The stages of a pass run one after the other.
        let at = |new: u32| -> Result<f64, Hole> {
            let seconds = stages.iter().map(|(stage, pu)| {
                let demand = request.workload.subgraphs.get(stage);
                let found = profile.latency(
                    *stage,
                    &pu.name,
                    variant,
                    demand.and_then(SubgraphDemand::dominant_dtype),
                    request.workload.sequence_length,
                    Some(new),
                )?;
                Ok(found.seconds)
            });
            seconds.sum()
        };
        let one = at(1)?;
        let longest = self.gammas.last().copied().unwrap_or(0);
        let mut table = Vec::new();
        for gamma in 0..=longest {
            let asked = gamma == 0 || self.gammas.contains(&gamma);
            table.push(match asked.then(|| at(gamma.saturating_add(1))) {
                None => None,
                Some(Ok(seconds)) => Some(seconds / one),
                // Drafts longer than was measured are not evaluated, unless nothing else is asked.
                Some(Err(hole)) if request.gamma == GammaChoice::Fixed(gamma) => return Err(hole),
                Some(Err(_)) => None,
            });
        }
        Ok(table)
    }
}
