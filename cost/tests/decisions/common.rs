//! What the tests have in common.

pub use cost::plan::Plan;
pub use cost::platform::{Platform, Variant, parse_variant};
pub use cost::search::*;
pub use cost::units::Quantity;
pub use cost::workload::{
    CrossingDemand, DType, DraftLengthForm, Partition, Per, Role, SubgraphDemand, Workload,
};
pub use cost::{decide, speedup};
pub use report::plan::render;
pub use std::collections::{BTreeMap, BTreeSet};

/// A demand of so many operations and bytes in f32.
pub fn demand(flops: u64, bytes: u64) -> SubgraphDemand {
    SubgraphDemand {
        flops: BTreeMap::from([(DType::F32, flops)]),
        weight_bytes: bytes,
        bytes_moved: bytes,
        dtypes: BTreeSet::from([DType::F32]),
        ..SubgraphDemand::default()
    }
}

pub fn workload(drafter: SubgraphDemand, target: SubgraphDemand) -> Workload {
    Workload {
        sequence_length: Some(63),
        subgraphs: BTreeMap::from([(Partition::DRAFTER, drafter), (Partition::TARGET, target)]),
        crossings: vec![],
        draft_length: DraftLengthForm::Symbolic { max: 8 },
        shared_weights: vec![],
        state: None,
    }
}

/// Two PUs of one resource each; `cpu` does 1 GFLOP/s, `gpu` so many.
pub fn two(gpu: f64) -> Platform {
    let text = format!(
        "version: 1
name: two
processing_units:
  - name: cpu
    kind: cpu
    resources: {{ count: 1 }}
    memory: ram
    peak: {{ f32: 1 GFLOP/s }}
    bandwidth: 1 TB/s
    iree: {{ device: local, runtime_device: local-task }}
  - name: gpu
    kind: gpu
    resources: {{ count: 1 }}
    memory: 1 GB
    peak: {{ f32: {gpu} GFLOP/s }}
    bandwidth: 1 TB/s
    iree: {{ device: vulkan, runtime_device: vulkan }}
memories: [{{ name: ram, capacity: 4 GB }}]
links: [{{ between: [cpu, gpu], latency: 1 ms, bandwidth: 1 GB/s }}]
"
    );
    files::platform::from_yaml("two.yaml", &text).unwrap()
}

/// The PU of a partition, if it is in the module at all.
pub trait PuOf {
    fn pu_of(&self, partition: impl Into<Partition>) -> Option<&str>;
}

impl PuOf for Plan {
    fn pu_of(&self, partition: impl Into<Partition>) -> Option<&str> {
        let placed = self.roles.get(&partition.into())?;
        Some(placed.pu.as_str())
    }
}
