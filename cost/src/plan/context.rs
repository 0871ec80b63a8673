//! What making a plan looks at.

use crate::platform::{Platform, ProcessingUnit, Variant};
use crate::search::{Choice, Evaluator, Point, Request, Space};
use crate::workload::Partition;
use std::collections::BTreeMap;

/// What building a plan looks at.
pub(super) struct Context<'a> {
    pub request: &'a Request,
    pub space: &'a Space,
    pub evaluator: &'a Evaluator<'a>,
    pub best: Choice,
    /// The best choice that speculates, wherever it is: in the chosen variant if it can be.
    pub speculating: Option<Choice>,
    /// Each variant's best run without speculation.
    pub baselines: BTreeMap<usize, Point>,
}

impl<'a> Context<'a> {
    pub fn platform(&self) -> &'a Platform {
        &self.request.platform
    }

    pub fn pu(&self, index: usize) -> Option<&'a ProcessingUnit> {
        self.platform().pus.get(index)
    }

    pub fn name(&self, index: usize) -> &'a str {
        self.pu(index).map_or("", |pu| pu.name.as_str())
    }

    pub fn variant(&self, index: usize) -> Variant {
        self.space.variants.get(index).cloned().unwrap_or_default()
    }

    pub fn active(&self, variant: usize, pu: &ProcessingUnit) -> u32 {
        self.space
            .variants
            .get(variant)
            .and_then(|variant| variant.get(&pu.name))
            .copied()
            .unwrap_or_else(|| pu.resources())
    }

    pub fn mapping(&self, point: &Point) -> BTreeMap<Partition, String> {
        let placed = point.partitions(self.request).into_iter();
        placed
            .filter(|(partition, _)| partition.is_model())
            .map(|(partition, pu)| (partition, self.name(pu).to_owned()))
            .collect()
    }

    /// Every placed partition with the index of its PU, control included.
    pub fn placed(&self) -> Vec<(Partition, usize)> {
        self.best.point.partitions(self.request)
    }
}
