//! Which resources the latencies of one model at one place depend on, and their table.

use super::Kernel;
use super::table::Table;
use crate::profile::Measurement;
use crate::search::request::Request;
use crate::search::space::walk::Walk;
use crate::workload::{Partition, Role};
use std::collections::BTreeSet;

/// What the latencies of one model at one place depend on.
pub(super) struct Shape {
    stages: Vec<(Partition, usize)>,
    /// PU and stride of each.
    dims: Vec<(usize, usize)>,
    /// How many combinations there are; as many as there are numbers, where there are more.
    pub(super) entries: usize,
}

impl Kernel {
    /// What the latencies of one model at one of its places depend on.
    pub(super) fn shape(&self, request: &Request, role: Role, place: usize) -> Shape {
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
        let mut dims = Vec::new();
        let mut entries = 1usize;
        for (index, name) in self.names.iter().enumerate() {
            if named.contains(name.as_str()) {
                dims.push((index, entries));
                entries = entries.saturating_mul(self.domains.get(index).map_or(1, Vec::len));
            }
        }
        Shape {
            stages,
            dims,
            entries,
        }
    }

    /// The latencies of what has that shape.
    pub(super) fn table(&self, walk: &Walk<'_>, shape: Shape) -> Table {
        let Shape {
            stages,
            dims,
            entries,
        } = shape;
        let mut digits = vec![0; self.names.len()];
        let mut seconds = Vec::with_capacity(entries);
        for code in 0..entries {
            for (index, step) in &dims {
                let size = self.domains.get(*index).map_or(1, Vec::len);
                if let Some(digit) = digits.get_mut(*index) {
                    *digit = code / step % size;
                }
            }
            let variant = self.variant(&digits);
            let each = stages.iter().map(|(stage, pu)| {
                let latency = walk.find_latency(&variant, *stage, *pu);
                latency.map_or(f64::INFINITY, |latency| latency.seconds)
            });
            seconds.push(each.sum());
        }
        Table { dims, seconds }
    }
}
