//! Measured latencies, as `profile.yaml` has them.
//!
//! ```yaml
//! version: 1
//! iree: "3.13.0"                       # of all measurements that do not say otherwise
//! flags: ["--iree-opt-level=O2"]
//! measurements:
//!   - role: drafter                    # or one stage of a model: target.1
//!     pu: gpu
//!     variant: { cpu: 1, gpu: 1 }      # the PUs it depends on; one that is not named may have any number of resources
//!     dtype: f16                       # optional; needed only when one role was measured in several
//!     points:
//!       - { sequence_length: 16, latency: 210 ms, spread: 4 ms }
//!       - { sequence_length: 63, latency: 820 ms, spread: 11 ms, runs: 10 }
//!       - { sequence_length: 63, new_tokens: 5, latency: 90 ms }   # with a KV cache: only so many tokens are new
//! ```
//!
//! Between two sequence lengths latency is interpolated linearly; outside the measured range there
//! is no answer.

mod lookup;

pub use lookup::{Hole, HoleReason, Measured};

use crate::platform::Variant;
use crate::units::{Quantity, Seconds};
use crate::workload::{DType, DraftLengthForm, Partition, SubgraphDemand, Workload};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everything that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Version of the format.
    pub version: u64,
    /// The platform it was measured on, by name, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// One sentence about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// IREE version of all measurements that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iree: Option<String>,
    /// Compiler flags of all measurements that name none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// The measurements.
    pub measurements: Vec<Measurement>,
    /// The file it came from.
    #[serde(skip)]
    pub origin: String,
}

/// One role, or one stage of it, on one PU, at several sequence lengths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// What was measured.
    pub role: Partition,
    /// Where.
    pub pu: String,
    /// With how many resources; PUs that are not named do not matter.
    #[serde(default, skip_serializing_if = "Variant::is_empty")]
    pub variant: Variant,
    /// In which type, as the one who measured names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<DType>,
    /// IREE version, where it differs from the profile's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iree: Option<String>,
    /// Compiler flags, where they differ from the profile's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<Vec<String>>,
    /// The latencies.
    pub points: Vec<Point>,
}

/// One latency of one forward pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Tokens in the sequence.
    pub sequence_length: u64,
    /// Of which so many are new, where the rest is in a KV cache; absent when all are computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_tokens: Option<u32>,
    /// The latency (a median, normally).
    pub latency: Quantity<Seconds>,
    /// Its standard deviation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Quantity<Seconds>>,
    /// How many runs it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u32>,
}

impl Profile {
    /// What it alone tells about a module: its models, and the sequence length where all
    /// measurements share one. Nothing is known about memory and types, and any draft length up to
    /// `max_gamma` is allowed.
    pub fn workload(&self, max_gamma: u32) -> Workload {
        let lengths: BTreeSet<u64> = self
            .measurements
            .iter()
            .flat_map(|m| &m.points)
            .map(|point| point.sequence_length)
            .collect();
        let roles: BTreeSet<Partition> = self.measurements.iter().map(|m| m.role).collect();
        Workload {
            sequence_length: lengths.first().copied().filter(|_| lengths.len() == 1),
            subgraphs: roles
                .into_iter()
                .map(|role| (role, SubgraphDemand::default()))
                .collect(),
            crossings: vec![],
            shared_weights: vec![],
            draft_length: DraftLengthForm::Symbolic { max: max_gamma },
            state: None,
        }
    }
}
