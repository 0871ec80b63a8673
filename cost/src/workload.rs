//! What a module asks of a machine: demands per partition (a role, or a stage of a model), as
//! counted in its IR.
//!
//! The passes fill these in (`estimate-costs`); this crate only reads them.

mod dtype;
mod partition;
mod role;

pub use dtype::DType;
pub use partition::{NoPartition, Partition};
pub use role::Role;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What [`SubgraphDemand::computes`] says of weights that are booleans and cannot be read as
/// words of 32 bits: there is no multiple of four of them, or an initializer reads them.
pub const UNEVEN_BOOLEANS: &str = "uneven-boolean-weight";

/// What ONE forward pass of a role, or of one stage of it, costs, whatever it runs on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubgraphDemand {
    /// Arithmetic operations (a multiply-add counts as two), by the type they are done in.
    #[serde(default)]
    pub flops: BTreeMap<DType, u64>,
    /// Bytes of parameters that must be resident on the device.
    #[serde(default)]
    pub weight_bytes: u64,
    /// Bytes read and written in one pass: weights and activations.
    #[serde(default)]
    pub bytes_moved: u64,
    /// The most bytes of activations alive at once.
    #[serde(default)]
    pub activation_peak_bytes: u64,
    /// Estimated number of dispatches (kernel launches) in one pass.
    #[serde(default)]
    pub dispatches: u64,
    /// Types that arithmetic is done in; the device must support them all.
    #[serde(default)]
    pub dtypes: BTreeSet<DType>,
    /// Names of the ops in the subgraph; the device must support them all.
    #[serde(default)]
    pub op_kinds: BTreeSet<String>,
    /// The element types that each operation works in, by its name and by what it does (one of
    /// [`KINDS`](crate::platform::KINDS)); the operations in its body by their names. What is
    /// computed of constants alone is not among them, since IREE does that when it compiles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub computes: BTreeMap<String, BTreeSet<DType>>,
    /// How many times the module calls it, as written (not per round).
    #[serde(default)]
    pub calls_in_module: u64,
}

impl SubgraphDemand {
    /// The type that most arithmetic is done in; ties go to the wider type's declaration order.
    /// `None` without arithmetic.
    pub fn dominant_dtype(&self) -> Option<DType> {
        self.flops
            .iter()
            .rev()
            .max_by_key(|(_, flops)| **flops)
            .map(|(dtype, _)| *dtype)
    }
}

/// How often a crossing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Once for each drafted token.
    Draft,
    /// Once for each round of drafting and verifying.
    Round,
    /// Once for each call of the module.
    Once,
}

/// A value that one partition makes and another uses.
///
/// What is known of it decides how it can cross ([`crate::crossing`]); what is not known (0, or
/// false) rules out the methods that would need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossingDemand {
    /// The producer.
    pub from: Partition,
    /// The consumer.
    pub to: Partition,
    /// Size of the value.
    pub bytes: u64,
    /// How often it crosses.
    pub per: Per,
    /// What it is, in words (`drafted tokens i64[1,5]`).
    pub what: String,
    /// How many such values cross each time.
    #[serde(default = "one")]
    pub count: u64,
    /// Which value it is: those with one number have to rest in one form, since control flow hands
    /// them on as one another. `None` for a value of its own.
    #[serde(default)]
    pub value: Option<u32>,
    /// How many numbers it holds; 0 where that is not known.
    #[serde(default)]
    pub elements: u64,
    /// Whether they are integers.
    #[serde(default)]
    pub integer: bool,
    /// Whether control flow hands it on: a loop carries it, or a branch yields it.
    #[serde(default)]
    pub carried: bool,
    /// Whether it enters the module from outside, so that no subgraph writes it.
    #[serde(default)]
    pub enters: bool,
    /// Whether it is read outside of subgraphs: it leaves the module.
    #[serde(default)]
    pub leaves: bool,
}

fn one() -> u64 {
    1
}

impl CrossingDemand {
    /// One value of its own, of which no more is known than its size.
    pub fn new(
        from: impl Into<Partition>,
        to: impl Into<Partition>,
        bytes: u64,
        per: Per,
        what: impl Into<String>,
    ) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            bytes,
            per,
            what: what.into(),
            count: 1,
            value: None,
            elements: 0,
            integer: false,
            carried: false,
            enters: false,
            leaves: false,
        }
    }
}

/// Weights that several stages or both models read, such as a tied embedding: those on one PU share
/// them, and on every other PU there is a copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedWeights {
    /// Who reads them.
    pub readers: BTreeSet<Partition>,
    /// Their bytes, which count in each reader's demand.
    pub bytes: u64,
}

/// How the module's draft length can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DraftLengthForm {
    /// Left to us, up to a bound.
    Symbolic {
        /// The largest γ the module has room for.
        max: u32,
    },
    /// The drafts are unrolled: this γ or none.
    Unrolled {
        /// The γ it was exported with.
        gamma: u32,
    },
    /// A loop of the module's own makes the drafts, and ends them by a condition
    /// that is not seen through, such as too little confidence: as many as it
    /// makes, or none. γ is what is expected of it.
    Loop,
    /// Separate forward functions and no loop: γ is only advice, and both models stay in the
    /// module.
    Absent,
}

/// Everything the decision needs to know about a module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Tokens in the input of one forward pass, where the shapes are static.
    #[serde(default)]
    pub sequence_length: Option<u64>,
    /// Demand by partition. A model is here in one piece or in stages, not in both.
    pub subgraphs: BTreeMap<Partition, SubgraphDemand>,
    /// Values that pass from one partition to another.
    #[serde(default)]
    pub crossings: Vec<CrossingDemand>,
    /// Weights that count in the demands of several partitions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_weights: Vec<SharedWeights>,
    /// What can be done with γ.
    pub draft_length: DraftLengthForm,
    /// Evidence that the module keeps state between calls (a KV cache), if there is any.
    #[serde(default)]
    pub state: Option<String>,
}

impl Workload {
    /// The crossings, those of one value together.
    pub fn values(&self) -> Vec<Vec<&CrossingDemand>> {
        let mut values: Vec<Vec<&CrossingDemand>> = Vec::new();
        let mut numbered: BTreeMap<u32, usize> = BTreeMap::new();
        for demand in &self.crossings {
            let at = match demand.value {
                Some(number) => *numbered.entry(number).or_insert(values.len()),
                None => values.len(),
            };
            match values.get_mut(at) {
                Some(value) => value.push(demand),
                None => values.push(vec![demand]),
            }
        }
        values
    }

    /// The partitions of a role, in the order in which they run; none where the module lacks it.
    pub fn partitions_of(&self, role: Role) -> impl Iterator<Item = Partition> + '_ {
        self.subgraphs
            .keys()
            .copied()
            .filter(move |partition| partition.role == role)
    }

    /// Whether the module has the role, in one piece or in stages.
    pub fn has(&self, role: Role) -> bool {
        self.partitions_of(role).next().is_some()
    }

    /// What one forward pass of a whole role costs, whatever its stages; `None` where the module
    /// lacks it.
    pub fn whole(&self, role: Role) -> Option<SubgraphDemand> {
        let mut parts = self
            .partitions_of(role)
            .filter_map(|partition| self.subgraphs.get(&partition));
        let first = parts.next()?.clone();
        let mut whole = parts.fold(first, |mut whole, part| {
            for (dtype, flops) in &part.flops {
                let sum = whole.flops.entry(*dtype).or_insert(0);
                *sum = sum.saturating_add(*flops);
            }
            whole.weight_bytes = whole.weight_bytes.saturating_add(part.weight_bytes);
            whole.bytes_moved = whole.bytes_moved.saturating_add(part.bytes_moved);
            // Stages run one after the other.
            whole.activation_peak_bytes =
                whole.activation_peak_bytes.max(part.activation_peak_bytes);
            whole.dispatches = whole.dispatches.saturating_add(part.dispatches);
            whole.dtypes.extend(&part.dtypes);
            whole.op_kinds.extend(part.op_kinds.iter().cloned());
            for (op, types) in &part.computes {
                whole.computes.entry(op.clone()).or_default().extend(types);
            }
            whole
        });
        let repeated = self.shared_weights.iter().map(|shared| {
            let readers = shared.readers.iter().filter(|reader| reader.role == role);
            let copies = (readers.count() as u64).saturating_sub(1);
            shared.bytes.saturating_mul(copies)
        });
        whole.weight_bytes = repeated.fold(whole.weight_bytes, u64::saturating_sub);
        Some(whole)
    }

    /// Bytes of weights that a partition brings to a PU on which `there` are already.
    pub fn weights_beside(&self, partition: Partition, there: &BTreeSet<Partition>) -> u64 {
        let own = self
            .subgraphs
            .get(&partition)
            .map_or(0, |demand| demand.weight_bytes);
        let shared = self.shared_weights.iter().filter(|shared| {
            shared.readers.contains(&partition) && !shared.readers.is_disjoint(there)
        });
        shared.fold(own, |own, shared| own.saturating_sub(shared.bytes))
    }
}
