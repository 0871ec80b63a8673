//! Models cut evenly, where nobody says how they are built.

use super::error::StagesError;
use super::graph::{MOST_STAGES, StageDemand, StageEdge, StageGraph};
use crate::workload::{Role, SubgraphDemand, Workload};

impl StageGraph {
    /// Each model of the workload as a chain of `count` equal stages. What passes from one to the
    /// next is not known; the activations at their peak are taken, which is no less. The drafter
    /// hands its tokens (8 bytes each) to the target.
    ///
    /// # Errors
    /// [`StagesError::Count`] for no stage, or more than 1024.
    pub fn evenly(workload: &Workload, count: u32) -> Result<Self, StagesError> {
        if count == 0 || count > MOST_STAGES {
            return Err(StagesError::Count { count });
        }
        let mut graph = Self::default();
        let mut last = None;
        for role in Role::MODELS {
            let Some(demand) = workload.whole(role) else {
                continue;
            };
            for number in 0..count {
                let index = graph.stages.len();
                let bytes = if number > 0 {
                    Some(demand.activation_peak_bytes)
                } else {
                    last.map(|_: usize| workload.sequence_length.unwrap_or(1).saturating_mul(8))
                };
                if let (Some(bytes), Some(from)) = (bytes, last) {
                    graph.edges.push(StageEdge {
                        from,
                        to: index,
                        bytes,
                    });
                }
                graph.stages.push(StageDemand {
                    name: format!("{role}.{number}"),
                    role,
                    demand: share(&demand, u64::from(number), u64::from(count)),
                });
                last = Some(index);
            }
        }
        Ok(graph)
    }
}

/// The `number`th of `count` shares; they add up to the whole.
fn share(demand: &SubgraphDemand, number: u64, count: u64) -> SubgraphDemand {
    let part = |whole: u64| {
        let upto = |n: u64| (u128::from(whole) * u128::from(n) / u128::from(count)) as u64;
        upto(number + 1) - upto(number)
    };
    SubgraphDemand {
        flops: demand
            .flops
            .iter()
            .map(|(dtype, flops)| (*dtype, part(*flops)))
            .collect(),
        weight_bytes: part(demand.weight_bytes),
        bytes_moved: part(demand.bytes_moved),
        dispatches: part(demand.dispatches),
        ..demand.clone()
    }
}
