//! How large the space is, and how much its points keep in memory.

use super::Point;
use crate::platform::{ProcessingUnit, Variant};
use crate::search::error::SearchError;
use crate::search::legal::{resident, shares};
use crate::search::request::Request;
use crate::workload::Role;

/// Beyond this many points, enumerating them all is refused.
pub(super) const MOST_POINTS: u64 = 1_000_000;

impl Request {
    /// v·N^m: how many points the design space has.
    pub fn space_size(&self) -> u64 {
        self.variants().saturating_mul(self.mappings())
    }

    /// v: how many design variants there are.
    fn variants(&self) -> u64 {
        let free = self.platform.pus.iter().filter(|pu| {
            let fixed = self.variant.as_ref();
            fixed.is_none_or(|fixed| !fixed.contains_key(&pu.name))
        });
        free.map(|pu| u64::from(pu.resources()))
            .fold(1, u64::saturating_mul)
    }

    /// All design variants, from the greatest counts to the smallest, the first PU's changing
    /// slowest. Under each there are `each` of `what` to look at.
    ///
    /// # Errors
    /// [`SearchError::Large`] with `help` where that is too much.
    pub(crate) fn all_variants(
        &self,
        each: u64,
        what: &'static str,
        help: &'static str,
    ) -> Result<Vec<Variant>, SearchError> {
        let size = self.variants().saturating_mul(each);
        if size > MOST_POINTS {
            return Err(SearchError::Large {
                size,
                what,
                most: MOST_POINTS,
                help,
            });
        }
        let none = vec![Variant::new()];
        Ok(self.platform.pus.iter().fold(none, |so_far, pu| {
            let fixed = self.variant.as_ref();
            let counts = match fixed.and_then(|fixed| fixed.get(&pu.name)) {
                Some(count) => *count..=*count,
                None => 1..=pu.resources(),
            };
            let with = |variant: &Variant, count| {
                let mut variant = variant.clone();
                variant.insert(pu.name.clone(), count);
                variant
            };
            so_far
                .iter()
                .flat_map(|variant| counts.clone().rev().map(move |count| with(variant, count)))
                .collect()
        }))
    }

    /// N^m: how many mappings each variant has.
    pub fn mappings(&self) -> u64 {
        let n = self.platform.pus.len() as u64;
        (0..self.partitions()).fold(1, |size: u64, _| size.saturating_mul(n))
    }

    /// m: 2 with a drafter and 1 without, and as many as there are stages where models are cut.
    pub fn partitions(&self) -> u32 {
        let of = |role| self.workload.partitions_of(role).count() as u32;
        of(Role::Drafter) + of(Role::Target).max(1)
    }
}

/// Bytes of weights and activations that a point keeps in all memories together.
pub(crate) fn resident_bytes(request: &Request, point: &Point) -> u64 {
    let placed: Vec<_> = point
        .partitions(request)
        .into_iter()
        .filter_map(|(partition, pu)| {
            let demand = request.workload.subgraphs.get(&partition)?;
            Some((partition, demand, request.platform.pus.get(pu)?))
        })
        .collect();
    let total = request.platform.memories.iter().map(|memory| {
        let here = |pu: &ProcessingUnit| pu.memory == memory.name;
        let shares = shares(&request.workload, &placed, &here);
        resident(&shares, request.model.overlapped)
    });
    total.fold(0, u64::saturating_add)
}
