//! Enumerating the space.

use super::Space;
use super::walk::Walk;
use crate::search::error::SearchError;
use crate::search::legal::Reason;
use crate::search::request::{HolePolicy, Request};
use crate::search::space::size::MOST_POINTS;
use crate::workload::{DraftLengthForm, Partition, Role};
use std::collections::{BTreeMap, BTreeSet};

impl Space {
    /// Enumerates the space for the draft lengths `gammas`.
    ///
    /// # Errors
    /// [`SearchError::Large`] when it has too many points; [`SearchError::Infeasible`] when a pinned
    /// drafter can be nowhere.
    pub fn build(request: &Request, gammas: &[u32]) -> Result<Self, SearchError> {
        let has_drafter = request.workload.has(Role::Drafter);
        let wants_drafter = has_drafter
            && (gammas.iter().any(|gamma| *gamma > 0)
                || request.workload.draft_length == DraftLengthForm::Absent);
        let policy = if request.workload.state.is_some() {
            HolePolicy::RuleOut
        } else {
            request.holes
        };
        let all: BTreeSet<Partition> = if policy == HolePolicy::Roofline {
            BTreeSet::new()
        } else {
            request.workload.subgraphs.keys().copied().collect()
        };
        let mut space = Self::enumerate(request, gammas, &all)?;
        let serves = |space: &Self| {
            space
                .points
                .iter()
                .any(|point| point.drafter.is_some() == wants_drafter)
        };
        if policy == HolePolicy::Auto
            && !serves(&space)
            && space
                .ruled_out
                .iter()
                .any(|ruled| matches!(ruled.reason, Reason::NotMeasured(_)))
        {
            // A partition that was measured nowhere is estimated everywhere; only when that does not
            // help, the others are, too. Where a pin keeps it away from, it may as well not have
            // been measured.
            let may_be = |role: Partition, pu: usize| {
                let pu = request.platform.pus.get(pu);
                let pin = request.pin_of(role);
                pin.is_none_or(|pin| pu.is_some_and(|pu| pu.name == *pin))
            };
            let measured: BTreeSet<Partition> = space
                .latencies
                .iter()
                .filter(|((_, role, pu), latency)| latency.is_ok() && may_be(*role, *pu))
                .map(|((_, role, _), _)| *role)
                .collect();
            for strict in [measured, BTreeSet::new()] {
                let relaxed = Self::enumerate(request, gammas, &strict)?;
                // Where even estimates give no drafter a place, what was measured is the better
                // answer.
                if serves(&relaxed) || space.points.is_empty() && !relaxed.points.is_empty() {
                    space = relaxed;
                    break;
                }
            }
        }
        // A drafter that the user pinned and that can be nowhere is not the same as one that does
        // not pay.
        let pinned_nowhere = wants_drafter
            && request.pins.keys().any(|what| what.role == Role::Drafter)
            && space.points.iter().all(|point| point.drafter.is_none());
        if pinned_nowhere {
            return Err(SearchError::Infeasible(Box::new(space.infeasible(request))));
        }
        Ok(space)
    }

    fn enumerate(
        request: &Request,
        gammas: &[u32],
        strict: &BTreeSet<Partition>,
    ) -> Result<Self, SearchError> {
        let help = if request.mappings() > MOST_POINTS {
            "cut the models into fewer stages"
        } else {
            "fix the resources of some processing units: --variant cpu=4; or explore it with --method factored, which is exact as well"
        };
        let mut space = Self {
            variants: request.all_variants(request.mappings(), "points", help)?,
            points: vec![],
            alone: vec![],
            verify: vec![],
            size: request.space_size(),
            legal: 0,
            ruled_out: vec![],
            excluded: vec![],
            target_reasons: vec![],
            kept: 0,
            latencies: BTreeMap::new(),
        };
        space.kept = space.variants.len();
        let mut walk = Walk::new(request, gammas, strict);
        for variant in 0..space.variants.len() {
            walk.variant(&mut space, variant);
        }
        Ok(space)
    }
}
