//! The machine: processing units, memories and links.

mod cannot;
mod method;
mod variant;

pub use cannot::{Cannot, KINDS, Release, Releases, Trouble};
pub use method::Method;
pub use variant::{NoVariant, TooMany, Variant, parse_variant, variant_text};

use crate::text::suggestion;
use crate::units::{
    Bytes, BytesPerSecond, Count, Fraction, OpsPerSecond, Quantity, Seconds, Watts,
};
use crate::workload::DType;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A machine that modules are placed on. Where it was read, its names are consistent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Platform {
    /// Its name in reports.
    pub name: String,
    /// One sentence about it.
    pub description: String,
    /// The file it came from, `<builtin:NAME>`, or `<probed>`.
    pub origin: String,
    /// The processing units, in the order that breaks ties.
    pub pus: Vec<ProcessingUnit>,
    /// The memories they work in.
    pub memories: Vec<Memory>,
    /// What connects them.
    pub links: Vec<Link>,
    /// The PU that runs control flow when nothing else decides.
    pub control: String,
    /// What the host spends per round outside the models (added by the `transfer` model only).
    pub round_overhead: Quantity<Seconds>,
    /// iree-compile flags that hold for the whole module.
    pub compile_flags: Vec<String>,
}

/// What sort of processor a PU is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PuKind {
    /// A CPU cluster.
    Cpu,
    /// A GPU.
    Gpu,
    /// A neural accelerator.
    Npu,
}

impl fmt::Display for PuKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Npu => "npu",
        })
    }
}

/// A processing unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessingUnit {
    /// Its name in mappings, and its device symbol in IR.
    pub name: String,
    /// What sort of processor it is.
    pub kind: PuKind,
    /// How many cores, shaders or PEs it has.
    pub count: Quantity<Count>,
    /// What those are called, in the plural.
    pub resource: String,
    /// The memory it works in, by name.
    pub memory: String,
    /// Peak rate of ONE resource, by type.
    pub peak: BTreeMap<DType, Quantity<OpsPerSecond>>,
    /// The share of the peak that real kernels reach.
    pub efficiency: Quantity<Fraction>,
    /// Memory bandwidth with all resources at work.
    pub bandwidth: Quantity<BytesPerSecond>,
    /// The most that one resource alone can draw, where that is less.
    pub bandwidth_per_resource: Option<Quantity<BytesPerSecond>>,
    /// Time added by each dispatch.
    pub dispatch_overhead: Quantity<Seconds>,
    /// Time until the host has scalars that the PU computed, however many. Without it the host
    /// passes scalars only where a link asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_back: Option<Quantity<Seconds>>,
    /// Types it can compute in.
    pub dtypes: BTreeSet<DType>,
    /// Why other types are missing, for the reader of a refusal.
    pub dtypes_note: Option<String>,
    /// Ops it can run.
    pub ops: OpSet,
    /// What IREE does not compile for it, or computes wrongly there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cannot: Vec<Cannot>,
    /// What it draws, where that is known; without it no energy is reckoned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// How IREE reaches it.
    pub iree: IreeTarget,
}

/// What a PU draws. Energy of a round = Σ over PUs of (idle · the round's time) + Σ over passes of
/// (active_per_resource · resources in use · the pass's time).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// Drawn always, whether or not it works.
    pub idle: Quantity<Watts>,
    /// Drawn by each resource (core, shader, PE) on top, while it works.
    pub active_per_resource: Quantity<Watts>,
}

impl ProcessingUnit {
    /// All of its resources.
    pub fn resources(&self) -> u32 {
        // Checked to be a whole number from 1 to 65536 when it was read.
        self.count.value as u32
    }

    /// So many of its resources by their name, which stands in the plural: `4 cores`, `1 core`.
    pub fn counted(&self, resources: u32) -> String {
        crate::text::of_plural(resources, &self.resource)
    }

    /// How many of its resources may be asked for, for a message's help: `use 1 to 4`.
    pub fn usable(&self) -> String {
        match self.resources() {
            1 => "use 1".to_owned(),
            all => format!("use 1 to {all}"),
        }
    }

    /// Peak rate of `active` resources for `dtype`. A type that the PU supports without a stated
    /// peak (index arithmetic, mostly) runs at its slowest stated peak. `None` when the PU lacks
    /// the type.
    pub fn peak_rate(&self, dtype: DType, active: u32) -> Option<f64> {
        let slowest = || {
            self.peak
                .values()
                .map(|peak| peak.value)
                .min_by(f64::total_cmp)
        };
        let one = match self.peak.get(&dtype) {
            Some(peak) => peak.value,
            None if self.dtypes.contains(&dtype) => slowest()?,
            None => return None,
        };
        Some(one * f64::from(active))
    }

    /// Whether it computes with words of 32 bits, and i64 takes several of its operations, if
    /// its code generator has them: all but CPUs. IREE's SPIR-V puts an i64 together of two i32 for
    /// targets that have none (Mali, Adreno), and lacks some vector operations for that; other GPUs
    /// compute one in two steps.
    pub fn has_narrow_words(&self) -> bool {
        self.kind != PuKind::Cpu
    }

    /// Memory bandwidth of `active` resources, in bytes per second.
    pub fn bandwidth_of(&self, active: u32) -> f64 {
        let total = self.bandwidth.value;
        self.bandwidth_per_resource
            .as_ref()
            .map_or(total, |one| total.min(one.value * f64::from(active)))
    }
}

/// The ops a PU can run. Entries match whole names, or prefixes when they end in `*`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpSet {
    /// If given, only these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supported: Option<BTreeSet<String>>,
    /// Never these.
    #[serde(default)]
    pub unsupported: BTreeSet<String>,
}

impl OpSet {
    /// Whether the op `name` is in the set.
    pub fn allows(&self, name: &str) -> bool {
        let matches = |pattern: &String| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => pattern == name,
        };
        !self.unsupported.iter().any(matches)
            && self
                .supported
                .as_ref()
                .is_none_or(|supported| supported.iter().any(matches))
    }
}

/// How IREE compiles for a PU and reaches it at run time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IreeTarget {
    /// The target device: `local` in `#hal.device.alias<"local"[1]>`.
    pub alias: String,
    /// Its ordinal: `1` in the same. Two devices of one alias need different ones, or IREE merges
    /// them silently.
    pub ordinal: Option<u32>,
    /// iree-compile flags that this device needs.
    pub compile_flags: Vec<String>,
    /// iree-compile flags for the whole module, wanted when this device takes part.
    pub module_flags: Vec<String>,
    /// `--device=` of iree-run-module.
    pub runtime_device: String,
    /// iree-run-module flags that this device always needs.
    pub runtime_flags: Vec<String>,
    /// iree-run-module flags when fewer than all resources are used: `{count}` stands for how many,
    /// `{ids}` for `0,1,…`.
    pub restrict_flags: Vec<String>,
}

impl IreeTarget {
    /// The device as `iree-compile` writes it: `local[1]`.
    pub fn device(&self) -> String {
        match self.ordinal {
            Some(ordinal) => format!("{}[{ordinal}]", self.alias),
            None => self.alias.clone(),
        }
    }

    /// The run-time flags for `active` of `all` resources.
    pub fn run_flags(&self, active: u32, all: u32) -> Vec<String> {
        let mut flags = self.runtime_flags.clone();
        // With all resources IREE's own topology is right, on whatever machine it is; a list of
        // cores would not be.
        if active < all {
            let ids = (0..active)
                .map(|id| id.to_string())
                .collect::<Vec<_>>()
                .join(",");
            flags.extend(self.restrict_flags.iter().map(|flag| {
                flag.replace("{ids}", &ids)
                    .replace("{count}", &active.to_string())
            }));
        }
        flags
    }
}

/// A memory that one PU or several work in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Its name.
    pub name: String,
    /// What a module may use of it.
    pub capacity: Quantity<Bytes>,
}

/// A connection between two PUs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The two PUs.
    pub between: [String; 2],
    /// Time of a crossing of no bytes.
    pub latency: Quantity<Seconds>,
    /// Rate of copying; unused when the memory is unified.
    pub bandwidth: Quantity<BytesPerSecond>,
    /// Both work in the same memory: a crossing shares a buffer and copies nothing.
    #[serde(default)]
    pub unified_memory: bool,
    /// Each may read the other's buffers without a transfer (IREE's topology attribute).
    #[serde(default)]
    pub transparent_access: bool,
    /// Which of the two can map memory that the other allocated. The buffer of a crossing belongs
    /// to the one that cannot.
    #[serde(default)]
    pub mappable_by: Vec<String>,
    /// Which of the two owns the buffers of crossings, where that does not follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The methods that a crossing may take; without it those of
    /// [`Method::DEFAULT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<Method>>,
}

/// The way a value takes from one PU to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Route<'a> {
    /// The link, or the two links by way of the control PU.
    pub links: [Option<&'a Link>; 2],
}

impl Route<'_> {
    /// Seconds to carry so many bytes: per link, latency plus bytes over bandwidth, the latter only
    /// where memory is not unified.
    pub fn seconds(&self, bytes: u64) -> f64 {
        let one = |link: &Link| {
            link.latency.value
                + if link.unified_memory {
                    0.0
                } else {
                    bytes as f64 / link.bandwidth.value
                }
        };
        self.links.iter().flatten().map(|link| one(link)).sum()
    }
}

impl Platform {
    /// The platform as it is under a release of IREE: without what its table says of others. Under
    /// one that is not known, everything stays.
    pub fn under(mut self, release: Option<Release>) -> Self {
        for pu in &mut self.pus {
            pu.cannot.retain(|entry| entry.concerns(release));
        }
        self
    }

    /// The PU of this name.
    pub fn pu(&self, name: &str) -> Option<&ProcessingUnit> {
        self.pus.iter().find(|pu| pu.name == name)
    }

    /// The PU of this name, where a user gave the name.
    ///
    /// # Errors
    /// [`NoUnit`] with a suggestion; `given_as` says where the name stood (`--pin
    /// drafter=gpuu`).
    pub fn expect_pu(&self, name: &str, given_as: &str) -> Result<&ProcessingUnit, NoUnit> {
        self.pu(name).ok_or_else(|| NoUnit {
            given_as: given_as.to_owned(),
            name: name.to_owned(),
            platform: self.name.clone(),
            known: suggestion(
                name,
                "processing units",
                self.pus.iter().map(|pu| pu.name.as_str()),
            ),
        })
    }

    /// The memory of this name.
    pub fn memory(&self, name: &str) -> Option<&Memory> {
        self.memories.iter().find(|memory| memory.name == name)
    }

    /// The direct link between two PUs, whichever is named first.
    pub fn link(&self, a: &str, b: &str) -> Option<&Link> {
        self.links.iter().find(|link| {
            let [x, y] = &link.between;
            (x == a && y == b) || (x == b && y == a)
        })
    }

    /// How a value gets from one PU to another: not at all (the same PU), over their link, or by
    /// way of the control PU. `None` when there is no way.
    pub fn route(&self, from: &str, to: &str) -> Option<Route<'_>> {
        if from == to {
            return Some(Route {
                links: [None, None],
            });
        }
        if let Some(link) = self.link(from, to) {
            return Some(Route {
                links: [Some(link), None],
            });
        }
        Some(Route {
            links: [
                Some(self.link(from, &self.control)?),
                Some(self.link(&self.control, to)?),
            ],
        })
    }

    /// Every resource of every PU.
    pub fn full_variant(&self) -> Variant {
        self.pus
            .iter()
            .map(|pu| (pu.name.clone(), pu.resources()))
            .collect()
    }

    /// v = ∏ nᵢ: the number of design variants (paper, Sec. III-B).
    pub fn variant_count(&self) -> u64 {
        self.pus
            .iter()
            .map(|pu| u64::from(pu.resources()))
            .fold(1, u64::saturating_mul)
    }
}

/// A name that no processing unit of the platform has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given_as}`: the platform {platform} has no processing unit `{name}`")]
pub struct NoUnit {
    /// Where the name stood (`--pin drafter=gpuu`).
    pub given_as: String,
    /// The name.
    pub name: String,
    /// The platform's.
    pub platform: String,
    /// What there is, the likeliest first.
    pub known: String,
}

impl NoUnit {
    /// The next step.
    pub fn help(&self) -> Option<String> {
        Some(self.known.clone())
    }
}
