//! Latency estimated from operation and byte counts, where nothing was measured.
//!
//! latency = max(FLOPs / (peak · efficiency), bytes / bandwidth) + dispatches · overhead
//!
//! Source: Williams, Waterman and Patterson, *Roofline: An Insightful Visual Performance Model*,
//! CACM 2009, plus a constant per dispatch: small models have about as many dispatches as big ones,
//! and are dominated by them. Against measurement it has been within 5 to 20 % for a 1 B parameter
//! model and off by a factor of two for a 1 M one; ratios (c) suffer less, since errors partly
//! cancel.

use crate::platform::ProcessingUnit;
use crate::text::{self, metric};
use crate::units::Source;
use crate::workload::{DType, SubgraphDemand};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a roofline latency is bound by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// Arithmetic.
    Compute,
    /// Memory bandwidth.
    Memory,
    /// The overhead of dispatches is greater than both.
    Dispatch,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Compute => "compute",
            Self::Memory => "memory",
            Self::Dispatch => "dispatch overhead",
        })
    }
}

/// Where a latency comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LatencySource {
    /// A profile.
    Measured {
        /// The profile's file.
        profile: String,
        /// At which points, with which IREE.
        how: String,
        /// Whether the profile's numbers were measured, stated or inferred.
        source: Source,
        /// Standard deviation, seconds.
        spread: Option<f64>,
        /// The profile's type against the module's, where they differ.
        dtype_mismatch: Option<String>,
    },
    /// The roofline.
    Roofline {
        /// What dominates.
        bound: Bound,
        /// Seconds of arithmetic.
        compute: f64,
        /// Seconds of memory traffic.
        memory: f64,
        /// Seconds of dispatch overhead.
        dispatch: f64,
    },
}

impl LatencySource {
    /// `measured` or `roofline`, with what a table has room for.
    pub fn short(&self) -> String {
        match self {
            Self::Measured {
                source: Source::Measured,
                ..
            } => "measured".into(),
            Self::Measured { source, .. } => format!("profile, {source}"),
            Self::Roofline { bound, .. } => format!("roofline, {bound}"),
        }
    }
}

/// Seconds of one forward pass, and where the number comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Seconds.
    pub seconds: f64,
    /// Where they come from.
    pub source: LatencySource,
}

/// The types in `demand` that `pu` cannot compute in.
pub fn missing_dtypes(demand: &SubgraphDemand, pu: &ProcessingUnit) -> Vec<DType> {
    let used = demand.dtypes.iter().chain(
        demand
            .flops
            .iter()
            .filter(|(_, flops)| **flops > 0)
            .map(|(dtype, _)| dtype),
    );
    let mut missing: Vec<DType> = used
        .copied()
        .filter(|dtype| !pu.dtypes.contains(dtype))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

/// The roofline latency of one pass of `demand` on `active` resources of `pu`; `None` when the PU
/// lacks a type.
pub fn estimate(demand: &SubgraphDemand, pu: &ProcessingUnit, active: u32) -> Option<Latency> {
    let mut compute = 0.0;
    for (dtype, flops) in demand.flops.iter().filter(|(_, flops)| **flops > 0) {
        compute += *flops as f64 / (pu.peak_rate(*dtype, active)? * pu.efficiency.value);
    }
    let memory = demand.bytes_moved as f64 / pu.bandwidth_of(active);
    let dispatch = demand.dispatches as f64 * pu.dispatch_overhead.value;
    let bound = if dispatch > compute.max(memory) {
        Bound::Dispatch
    } else if memory > compute {
        Bound::Memory
    } else {
        Bound::Compute
    };
    Some(Latency {
        seconds: compute.max(memory) + dispatch,
        source: LatencySource::Roofline {
            bound,
            compute,
            memory,
            dispatch,
        },
    })
}

/// The platform's numbers that a roofline latency rests on, each a sentence with its provenance.
pub fn assumptions(demand: &SubgraphDemand, pu: &ProcessingUnit, active: u32) -> Vec<String> {
    let mut said = Vec::new();
    let mut say = |what: String, provenance: String| {
        said.push(
            format!("{}: {what} {provenance}", pu.name)
                .trim_end()
                .to_owned(),
        );
    };
    if let Some(dtype) = demand.dominant_dtype() {
        let unit = if dtype.is_float() { "FLOP/s" } else { "OP/s" };
        let rate = metric(pu.peak_rate(dtype, active).unwrap_or_default(), unit);
        let peak = pu.peak.get(&dtype);
        let how = peak.map_or_else(
            || "(its slowest stated type stands in)".into(),
            |peak| peak.provenance(),
        );
        say(
            format!("{rate} peak of {} in {dtype}", pu.counted(active)),
            how,
        );
        let share = text::digits(pu.efficiency.value * 100.0);
        say(
            format!("{share} % of the peak reached"),
            pu.efficiency.provenance(),
        );
    }
    let bandwidth = pu.bandwidth_of(active);
    let limit = pu.bandwidth_per_resource.as_ref();
    let binding = limit
        .filter(|_| bandwidth < pu.bandwidth.value)
        .unwrap_or(&pu.bandwidth);
    say(
        format!("{} from memory", metric(bandwidth, "B/s")),
        binding.provenance(),
    );
    let overhead = text::seconds(pu.dispatch_overhead.value);
    say(
        format!("{overhead} per dispatch"),
        pu.dispatch_overhead.provenance(),
    );
    said
}
