//! Models as stages.

use crate::workload::{Role, SubgraphDemand};

/// More stages per model than this are a mistake.
pub const MOST_STAGES: u32 = 1024;

/// One stage of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct StageDemand {
    /// `target.3`.
    pub name: String,
    /// The model it belongs to.
    pub role: Role,
    /// What one pass of it costs.
    pub demand: SubgraphDemand,
}

/// A value that one stage makes and another uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageEdge {
    /// Index of the producer.
    pub from: usize,
    /// Index of the consumer; always greater.
    pub to: usize,
    /// Its size.
    pub bytes: u64,
}

/// Models as stages, each after what it needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageGraph {
    /// The stages.
    pub stages: Vec<StageDemand>,
    /// What passes between them.
    pub edges: Vec<StageEdge>,
}
