//! The latencies of one model at one place, as a table over the resources that they depend on.

use super::{Kernel, Walk};
use crate::profile::Measurement;
use crate::search::Request;
use crate::workload::{Partition, Role};
use std::collections::BTreeSet;

/// A latency for each combination of the resources it depends on; infinite where there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// PU and stride of each.
    pub(super) dims: Vec<(usize, usize)>,
    pub(super) seconds: Vec<f64>,
}

impl Table {
    pub(super) fn at(&self, digits: &[usize]) -> f64 {
        let index: usize = self
            .dims
            .iter()
            .map(|(pu, stride)| digits.get(*pu).copied().unwrap_or(0) * stride)
            .sum();
        self.seconds.get(index).copied().unwrap_or(f64::INFINITY)
    }
}

impl Kernel {
    /// The latencies of one model at one of its places.
    pub(super) fn table(
        &self,
        walk: &Walk<'_>,
        request: &Request,
        role: Role,
        place: usize,
    ) -> Table {
        let stages = request.spread(role, place);
        let measured = |m: &&Measurement| {
            let here = |(stage, pu): &(Partition, usize)| {
                m.role == *stage && Some(m.pu.as_str()) == self.name(*pu)
            };
            stages.iter().any(here)
        };
        let named: BTreeSet<&str> = request
            .profile
            .iter()
            .flat_map(|profile| &profile.measurements)
            .filter(measured)
            .flat_map(|m| m.variant.keys().map(String::as_str))
            .chain(stages.iter().filter_map(|(_, pu)| self.name(*pu)))
            .collect();
        let mut table = Table::default();
        let mut stride = 1;
        for (index, name) in self.names.iter().enumerate() {
            if named.contains(name.as_str()) {
                table.dims.push((index, stride));
                stride *= self.domains.get(index).map_or(1, Vec::len);
            }
        }
        let mut digits = vec![0; self.names.len()];
        for code in 0..stride {
            for (index, step) in &table.dims {
                let size = self.domains.get(*index).map_or(1, Vec::len);
                if let Some(digit) = digits.get_mut(*index) {
                    *digit = code / step % size;
                }
            }
            let variant = self.variant(&digits);
            let seconds = stages.iter().map(|(stage, pu)| {
                let latency = walk.find_latency(&variant, *stage, *pu);
                latency.map_or(f64::INFINITY, |latency| latency.seconds)
            });
            table.seconds.push(seconds.sum());
        }
        table
    }
}
