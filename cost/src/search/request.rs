//! The question that a search answers.

use super::model::CostModel;
use crate::platform::{Platform, Variant};
use crate::profile::Profile;
use crate::workload::{Partition, Workload};
use std::collections::{BTreeMap, BTreeSet};

/// The greatest draft length that is tried where neither the module nor anybody says otherwise.
pub const DEFAULT_MAX_GAMMA: u32 = 16;

/// The greatest draft length that is ever tried; nobody's acceptance rate pays for more.
pub const LONGEST_DRAFT: u32 = 4096;

/// Which draft lengths are considered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GammaChoice {
    /// The best one that the module allows: all that it has room for, up to [`LONGEST_DRAFT`]; up
    /// to [`DEFAULT_MAX_GAMMA`] where it has no loop that bounds it.
    #[default]
    Any,
    /// The best one in 0..=max that the module allows.
    Auto {
        /// Upper bound, besides the module's own and [`LONGEST_DRAFT`].
        max: u32,
    },
    /// This one, however bad.
    Fixed(u32),
}

impl GammaChoice {
    /// The longest draft to try, given the module's own bound, if it has one.
    pub(super) fn longest(self, room: Option<u32>) -> u32 {
        let longest = match self {
            Self::Any => room.unwrap_or(DEFAULT_MAX_GAMMA),
            Self::Auto { max } | Self::Fixed(max) => room.map_or(max, |room| room.min(max)),
        };
        longest.min(LONGEST_DRAFT)
    }
}

/// What stands in for a latency that a given profile lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HolePolicy {
    /// Mappings with a hole are ruled out when others are measured; when none is, the roofline
    /// fills in and the plan warns. Measurements and estimates differ systematically, so that
    /// comparing one with the other would favour whatever was not measured.
    #[default]
    Auto,
    /// The roofline fills every hole, and the plan warns.
    Roofline,
    /// Mappings with a hole are ruled out.
    RuleOut,
}

/// A role, or a stage of one, that IREE does not compile for a PU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// The role.
    pub role: Partition,
    /// The PU, by name.
    pub pu: String,
    /// What iree-compile said first.
    pub said: String,
}

/// A question to [`decide`](crate::decide()). Start from [`Request::new`] and set what is known.
#[derive(Clone, Debug)]
pub struct Request {
    /// The module's demands.
    pub workload: Workload,
    /// The machine.
    pub platform: Platform,
    /// Measured latencies, if there are any.
    pub profile: Option<Profile>,
    /// The acceptance rate, in [0, 1].
    pub alpha: f64,
    /// Where α comes from, in words for the plan.
    pub alpha_source: String,
    /// Acceptance by position, for [`CostModel::per_position`]; positions beyond its end repeat the
    /// last.
    pub per_position: Option<Vec<f64>>,
    /// Resources that are available, by PU; a PU that is not named may use any number.
    pub variant: Option<Variant>,
    /// Roles, or stages of them, whose place is decided. One of a whole model is for all its stages
    /// that have none of their own.
    pub pins: BTreeMap<Partition, String>,
    /// Places that a role, or a stage of it, must not have.
    pub forbid: BTreeSet<(Partition, String)>,
    /// What IREE was seen not to compile for a PU, when it was tried (`--probe`).
    pub probed: Vec<Probed>,
    /// What the roles on a PU may take of its memory together, in bytes, by PU: less than the
    /// memory has, where several PUs share it or the user wants room.
    pub memory_limits: BTreeMap<String, u64>,
    /// Draft lengths.
    pub gamma: GammaChoice,
    /// Eq. (1) and its refinements.
    pub model: CostModel,
    /// What to do about holes in the profile.
    pub holes: HolePolicy,
}

impl Request {
    /// A request with Eq. (1), no restriction, no profile, and γ chosen automatically.
    pub fn new(workload: Workload, platform: Platform, alpha: f64) -> Self {
        Self {
            workload,
            platform,
            profile: None,
            alpha,
            alpha_source: "as given".into(),
            per_position: None,
            variant: None,
            pins: BTreeMap::new(),
            forbid: BTreeSet::new(),
            probed: Vec::new(),
            memory_limits: BTreeMap::new(),
            gamma: GammaChoice::default(),
            model: CostModel::EQ1,
            holes: HolePolicy::default(),
        }
    }
}
