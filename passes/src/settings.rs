//! What the user decided.

use std::collections::BTreeMap;

use cost::Partition;

use crate::weight_name::WeightName;

/// Names a subgraph on the command line (`--drafter`, `--target`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// `@name`: a function.
    Symbol(String),
    /// Anything else: a prefix of parameter or global names.
    Prefix(String),
}

impl Selector {
    /// Reads `@symbol` or a name prefix.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix('@') {
            Some(name) => Selector::Symbol(name.to_owned()),
            None => Selector::Prefix(text.to_owned()),
        }
    }

    /// Whether it selects the weight of this name.
    pub fn selects_weight(&self, weight: &WeightName) -> bool {
        match self {
            Selector::Symbol(name) => name == weight.symbol(),
            Selector::Prefix(prefix) => [weight.symbol(), &weight.to_string(), weight.key()]
                .iter()
                .any(|name| name.starts_with(prefix.as_str())),
        }
    }
}

/// What flows from one outlined function to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handover {
    /// Buffers that `insert-crossings` allocates: any devices, loops too.
    #[default]
    Buffers,
    /// Tensors, which IREE carries over itself. IREE 3.6 reads no other form,
    /// and runs it right on CPU devices where there is no loop and no function
    /// is called twice.
    Tensors,
}

/// Does work in a process of its own, and says whether it crashed there; `None` where
/// there is no such process to be had.
pub type Trial = fn(&mut dyn FnMut()) -> Option<bool>;

/// The user's decisions that passes follow.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Roles of device or marker names (`--role NAME=ROLE`).
    pub role_names: BTreeMap<String, Partition>,
    /// Honour device names that are no roles as the user's own placement
    /// (`--keep-placement`).
    pub keep_placement: bool,
    /// What the drafter is (`--drafter`).
    pub drafter: Option<Selector>,
    /// What the target is (`--target`).
    pub target: Option<Selector>,
    /// The sequence length that a profile is read at, in place of the module's
    /// own (`--seq-len`).
    pub sequence_length: Option<u64>,
    /// How to decide (platform, profile, α, pins …). Without it,
    /// `select-mapping` is an error.
    pub request: Option<cost::Request>,
    /// How many mappings `select-mapping` compares, for a reader (`--explain`).
    pub ranks: usize,
    /// What the IREE that is installed takes.
    pub handover: Handover,
    /// With what `lower-torch` finds the operation on which the library crashes; given
    /// to a process that runs for that alone, since its host knows of such crashes.
    pub trial: Option<Trial>,
}
