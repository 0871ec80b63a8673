//! Which placements are legal, and for the others why not.

use super::request::Request;
use crate::platform::{Cannot, ProcessingUnit};
use crate::profile::Hole;
use crate::roofline::missing_dtypes;
use crate::text::{bytes, list};
use crate::workload::UNEVEN_BOOLEANS;
use crate::workload::{DType, Partition, SubgraphDemand, Workload};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What one partition takes of a memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Share {
    /// The role.
    pub role: Partition,
    /// Bytes of its weights.
    pub weights: u64,
    /// Bytes of its activations at their peak.
    pub activations: u64,
}

/// Why a placement is impossible, or not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// The user put the role elsewhere.
    Pinned {
        /// The role.
        role: Partition,
        /// Where it has to be.
        to: String,
    },
    /// The user does not want the role there.
    Forbidden {
        /// The role.
        role: Partition,
        /// The PU.
        pu: String,
    },
    /// The PU cannot compute in a type that the role uses.
    DType {
        /// The role.
        role: Partition,
        /// The PU.
        pu: String,
        /// The types.
        missing: Vec<DType>,
        /// What the platform says about it.
        note: Option<String>,
    },
    /// Weights of the role are booleans that IREE's code for the PU reads wrongly.
    BooleanWeights {
        /// The role.
        role: Partition,
        /// The PU.
        pu: String,
    },
    /// The PU cannot run an op that the role uses.
    Ops {
        /// The role.
        role: Partition,
        /// The PU.
        pu: String,
        /// The ops.
        missing: Vec<String>,
    },
    /// IREE does not compile an operation that the role uses for the PU, or computes it wrongly
    /// there.
    Cannot {
        /// The role.
        role: Partition,
        /// The PU.
        pu: String,
        /// The operation, by its name or by what it does.
        op: String,
        /// The types that the role uses it in and that are concerned.
        types: Vec<DType>,
        /// The entry of the platform's table.
        entry: Box<Cannot>,
    },
    /// IREE does not compile the role for the PU, as was seen when it was tried.
    Probed {
        /// The role.
        role: Partition,
        /// The PU.
        pu: String,
        /// What iree-compile said first.
        said: String,
    },
    /// The weights and activations of the roles that share a memory do not fit.
    Memory {
        /// The memory.
        memory: String,
        /// Bytes needed.
        needed: u64,
        /// Bytes there are.
        capacity: u64,
        /// Who needs what.
        shares: Vec<Share>,
    },
    /// Values cannot get from one PU to the other.
    NoLink {
        /// One PU.
        a: String,
        /// The other.
        b: String,
    },
    /// A value can get from one PU to the other by no method that the link allows.
    NoCrossing {
        /// One PU.
        a: String,
        /// The other.
        b: String,
        /// The value.
        what: String,
    },
    /// The profile has no latency for it.
    NotMeasured(Hole),
}

impl Reason {
    /// Whether the user, rather than the machine, rules it out.
    pub fn is_wish(&self) -> bool {
        matches!(self, Self::Pinned { .. } | Self::Forbidden { .. })
    }

    /// Whether cutting models into stages could lift it: weights of models do not fit a memory,
    /// and there are others of all `memories`.
    pub fn is_for_stages(&self, memories: usize) -> bool {
        let Self::Memory {
            capacity, shares, ..
        } = self
        else {
            return false;
        };
        let models = shares.iter().filter(|share| share.role.is_model());
        let weights = models
            .map(|share| share.weights)
            .fold(0, u64::saturating_add);
        memories > 1 && weights > *capacity
    }

    /// What the user could change to lift it, or a part of that, on a platform of so many memories.
    pub fn levers(&self, memories: usize) -> Vec<String> {
        match self {
            Self::Pinned { role, to } => vec![format!("do not pin {role} to {to}")],
            Self::Forbidden { role, pu } => vec![format!("allow {role} on {pu}")],
            Self::DType {
                role, pu, missing, ..
            } => {
                let missing = list(missing);
                vec![
                    format!("export {role} without {missing}"),
                    format!("name a platform whose {pu} has {missing}"),
                ]
            }
            Self::BooleanWeights { role, .. } => vec![
                format!("store the masks of {role} as i32 or f32"),
                "give them a multiple of four elements".to_owned(),
            ],
            Self::Ops { role, pu, missing } => vec![
                format!("keep {role} off {pu}"),
                format!("lower {} to ops that {pu} has", list(missing)),
            ],
            Self::Cannot {
                role,
                pu,
                op,
                types,
                entry,
            } => {
                let mut levers = Vec::new();
                levers.extend(entry.note.clone());
                levers.push(match types.as_slice() {
                    [] => format!("export {role} without {op}"),
                    types => format!("export {role} without {op} in {}", list(types)),
                });
                levers.push(format!(
                    "let `specplace doctor` look again, and strike it from `cannot` of {pu} if it is right by now"
                ));
                levers
            }
            Self::Probed { role, pu, .. } => vec![
                format!("allow {role} on another unit than {pu}"),
                format!("export {role} without the operation that iree-compile names"),
            ],
            Self::Memory { memory, shares, .. } => {
                let roles = shares.iter().map(|share| share.role);
                let models: Vec<Partition> = roles.filter(|role| role.is_model()).collect();
                let named = list(&models);
                let mut levers = vec![format!("give {memory} more memory")];
                if !models.is_empty() {
                    levers.push(format!("quantise {named} to a smaller type"));
                }
                if models.len() > 1 && memories > 1 {
                    levers.push(format!("place {named} in different memories"));
                } else if self.is_for_stages(memories) {
                    levers.push(format!(
                        "cut {named} into stages, which are placed one by one"
                    ));
                }
                levers
            }
            Self::NoLink { a, b } => vec![format!(
                "describe the link between {a} and {b} in the platform file"
            )],
            Self::NoCrossing { a, b, .. } => vec![format!(
                "allow more `methods` on the link between {a} and {b}"
            )],
            Self::NotMeasured(hole) => vec![
                format!("measure {} on {}", hole.role, hole.pu),
                "let the roofline fill the profile's holes".to_owned(),
            ],
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned { role, to } => write!(f, "{role} is pinned to {to}"),
            Self::Forbidden { role, pu } => write!(f, "{role} is forbidden on {pu}"),
            Self::DType {
                role,
                pu,
                missing,
                note,
            } => {
                write!(f, "{role} computes in {}, which {pu} lacks", list(missing))?;
                note.as_ref().map_or(Ok(()), |note| write!(f, " ({note})"))
            }
            Self::BooleanWeights { role, pu } => write!(
                f,
                "{role} has weights of booleans of which there is no multiple of four, or of which an \
                 initializer makes others, and IREE's code for {pu} reads them wrongly"
            ),
            Self::Ops { role, pu, missing } => {
                write!(f, "{role} uses {}, which {pu} cannot run", list(missing))
            }
            Self::Cannot {
                role,
                pu,
                op,
                types,
                entry,
            } => {
                write!(f, "{role} has {op}")?;
                if !types.is_empty() {
                    write!(f, " in {}", list(types))?;
                }
                write!(f, ", which {} on {pu}", entry.outcome)?;
                if let Some(releases) = &entry.iree {
                    write!(f, " with IREE {releases}")?;
                }
                match &entry.found_by {
                    Some(who) => write!(f, " (found by {who})"),
                    None => f.write_str(" (the platform's table says so)"),
                }
            }
            Self::Probed { role, pu, said } => write!(
                f,
                "IREE does not compile {role} for {pu}, as --probe found: {said}"
            ),
            Self::Memory {
                memory,
                needed,
                capacity,
                shares,
            } => {
                let parts = shares.iter().map(|s| {
                    format!(
                        "{} {} of weights and {} of activations",
                        s.role,
                        bytes(s.weights as f64),
                        bytes(s.activations as f64)
                    )
                });
                write!(
                    f,
                    "{memory} holds {} and {} are needed: {}",
                    bytes(*capacity as f64),
                    bytes(*needed as f64),
                    list(parts)
                )
            }
            Self::NoLink { a, b } => write!(f, "nothing connects {a} and {b}"),
            Self::NoCrossing { a, b, what } => write!(
                f,
                "{what} can cross between {a} and {b} by none of the methods that their link allows"
            ),
            Self::NotMeasured(hole) => write!(f, "{hole}"),
        }
    }
}

/// Mappings that were ruled out for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuledOut {
    /// Points of the design space it concerns; each point is counted under its first reason only.
    pub points: u64,
    /// The reason.
    pub reason: Reason,
    /// The reason, in words.
    pub words: String,
}

/// Nothing is legal: for each place that was tried, what is in the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Infeasible {
    /// The platform.
    pub platform: String,
    /// Every reason, the machine's before the user's own.
    pub reasons: Vec<Reason>,
    /// What would help.
    pub levers: Vec<String>,
}

impl fmt::Display for Infeasible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no mapping onto the platform {} is possible",
            self.platform
        )?;
        self.reasons
            .iter()
            .try_for_each(|reason| write!(f, "\n  - {reason}"))
    }
}

impl Request {
    /// Why a role cannot be on a PU for which IREE was seen not to compile it.
    pub(crate) fn probed(&self, role: Partition, pu: &str) -> Option<Reason> {
        let found = self
            .probed
            .iter()
            .find(|each| each.role == role && each.pu == pu)?;
        Some(Reason::Probed {
            role,
            pu: found.pu.clone(),
            said: found.said.clone(),
        })
    }
}

/// Why `role` cannot be on `pu` whatever else is where, the user's wishes aside.
pub(crate) fn capability(
    role: impl Into<Partition>,
    demand: &SubgraphDemand,
    pu: &ProcessingUnit,
) -> Option<Reason> {
    let role = role.into();
    let missing = missing_dtypes(demand, pu);
    if !missing.is_empty() {
        return Some(Reason::DType {
            role,
            pu: pu.name.clone(),
            missing,
            note: pu.dtypes_note.clone(),
        });
    }
    if pu.has_narrow_words() && demand.computes.contains_key(UNEVEN_BOOLEANS) {
        return Some(Reason::BooleanWeights {
            role,
            pu: pu.name.clone(),
        });
    }
    let missing: Vec<String> = demand
        .op_kinds
        .iter()
        .filter(|op| !pu.ops.allows(op))
        .cloned()
        .collect();
    if !missing.is_empty() {
        return Some(Reason::Ops {
            role,
            pu: pu.name.clone(),
            missing,
        });
    }
    pu.cannot.iter().find_map(|entry| {
        let mut uses = demand.computes.iter();
        let (op, types) = uses.find_map(|(op, types)| Some((op, entry.rules_out(op, types)?)))?;
        Some(Reason::Cannot {
            role,
            pu: pu.name.clone(),
            op: op.clone(),
            types,
            entry: Box::new(entry.clone()),
        })
    })
}

/// The first memory, or limit of one PU, that the placed roles overfill. Weights stay resident and
/// add up; activations do not, since the models take turns, unless drafting and verifying overlap.
pub(crate) fn memory(
    request: &Request,
    placed: &[(Partition, &SubgraphDemand, &ProcessingUnit)],
) -> Option<Reason> {
    let (platform, limits) = (&request.platform, &request.memory_limits);
    let over = |name: &str, capacity: u64, here: &dyn Fn(&ProcessingUnit) -> bool| {
        let shares = shares(&request.workload, placed, here);
        let needed = resident(&shares, request.model.overlapped);
        (needed > capacity).then(|| Reason::Memory {
            memory: name.to_owned(),
            needed,
            capacity,
            shares,
        })
    };
    platform
        .memories
        .iter()
        .find_map(|memory| {
            // Capacities are written by people and far below 2^53.
            let capacity = memory.capacity.value as u64;
            over(&memory.name, capacity, &|pu| pu.memory == memory.name)
        })
        .or_else(|| {
            limits.iter().find_map(|(name, limit)| {
                over(&format!("the limit of {name}"), *limit, &|pu| {
                    pu.name == *name
                })
            })
        })
}

/// What the placed partitions take on the PUs that `here` selects. What stages on one PU share is
/// the first one's.
pub(crate) fn shares(
    workload: &Workload,
    placed: &[(Partition, &SubgraphDemand, &ProcessingUnit)],
    here: &dyn Fn(&ProcessingUnit) -> bool,
) -> Vec<Share> {
    let mut there: BTreeMap<&str, BTreeSet<Partition>> = BTreeMap::new();
    let mut shares = Vec::new();
    for (role, demand, pu) in placed.iter().filter(|(_, _, pu)| here(pu)) {
        let beside = there.entry(&pu.name).or_default();
        shares.push(Share {
            role: *role,
            weights: workload.weights_beside(*role, beside),
            activations: demand.activation_peak_bytes,
        });
        beside.insert(*role);
    }
    shares
}

/// Bytes that roles sharing a memory take of it.
pub(crate) fn resident(shares: &[Share], overlapped: bool) -> u64 {
    let weights = shares
        .iter()
        .fold(0u64, |sum, share| sum.saturating_add(share.weights));
    let activations = shares.iter().map(|share| share.activations);
    let activations = if overlapped {
        activations.fold(0, u64::saturating_add)
    } else {
        activations.max().unwrap_or(0)
    };
    weights.saturating_add(activations)
}
