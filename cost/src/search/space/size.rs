//! How large the space is, and how much its points keep in memory.

use super::Point;
use crate::platform::ProcessingUnit;
use crate::search::Request;
use crate::search::legal::{resident, shares};
use crate::workload::Role;

impl Request {
    /// v·N^m: how many points the design space has.
    pub fn space_size(&self) -> u64 {
        let free = self.platform.pus.iter().filter(|pu| {
            let fixed = self.variant.as_ref();
            fixed.is_none_or(|fixed| !fixed.contains_key(&pu.name))
        });
        free.map(|pu| u64::from(pu.resources()))
            .fold(self.mappings(), u64::saturating_mul)
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
