//! The decision: every design variant, every mapping, every draft length, ranked by time per token.
//!
//! The space has v·N^m points (paper, Sec. III-B): v design variants, N processing units, m
//! partitions, which are the two models or the stages they are cut into. Control is placed afterwards, where its crossings cost least. Each legal point is
//! evaluated for every draft length the module allows; a point without a drafter stands for γ = 0.
//!
//! Ranking is by time per token, (γ·t_draft + t_target)/E(α, γ), and never by the speedup S of Eq.
//! (1), which is relative to the mapping's own target latency: a PU on which the target is four
//! times slower has a four times smaller c, a splendid S, and half the tokens per second.

mod evaluate;
pub(crate) mod legal;
mod model;
mod place;
mod sensitivity;
mod space;

pub use evaluate::{Choice, Evaluator};
pub(crate) use legal::capability;
pub use legal::{Infeasible, Reason, RuledOut, Share};
pub use model::CostModel;
pub use sensitivity::{Interval, Sensitivity};
pub(crate) use sensitivity::{scaled, sensitivity, undominated};
pub(crate) use space::kernel::MOST_LATENCIES;
pub use space::kernel::{Kernel, MappingBest, Swept};
pub(crate) use space::size::resident_bytes;
pub use space::{Point, Space};

use crate::CostError;
use crate::plan::{self, Plan};
use crate::platform::{Platform, Variant};
use crate::profile::Profile;
use crate::speedup::check_alpha;
use crate::text::counted;
use crate::workload::{DraftLengthForm, Partition, Role, Workload};
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
    fn longest(self, room: Option<u32>) -> u32 {
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

/// A question to [`search`]. Start from [`Request::new`] and set what is known.
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

    /// The draft lengths to evaluate, ascending.
    ///
    /// # Errors
    /// [`CostError::Argument`] for a fixed length that the module cannot have, or one beyond
    /// [`LONGEST_DRAFT`].
    pub fn draft_lengths(&self) -> Result<Vec<u32>, CostError> {
        let has_drafter = self.workload.has(Role::Drafter);
        let form = self.workload.draft_length;
        match (self.gamma, form) {
            (GammaChoice::Fixed(gamma), _) if gamma > LONGEST_DRAFT => Err(CostError::argument(
                format!("a draft length of {gamma} is too long"),
                format!("use at most {LONGEST_DRAFT}"),
            )),
            (GammaChoice::Fixed(gamma), _) if gamma > 0 && !has_drafter => {
                Err(CostError::argument(
                    format!("a draft length of {gamma} needs a drafter, and the module has none"),
                    "use a draft length of 0".to_owned(),
                ))
            }
            (_, _) if !has_drafter => Ok(vec![0]),
            (GammaChoice::Fixed(gamma), DraftLengthForm::Symbolic { max }) if gamma > max => {
                Err(CostError::argument(
                    format!(
                        "the module has room for at most {} per round, not {gamma}",
                        counted(max, "draft")
                    ),
                    format!(
                        "use a draft length of 0 to {max}, or export the module with a greater maximum"
                    ),
                ))
            }
            (GammaChoice::Fixed(gamma), DraftLengthForm::Unrolled { gamma: unrolled })
                if gamma != 0 && gamma != unrolled =>
            {
                Err(CostError::argument(
                    format!(
                        "the module's drafts are unrolled: it drafts {} or none, not {gamma}",
                        counted(unrolled, "token")
                    ),
                    format!(
                        "use a draft length of {unrolled} or 0, or export the module with a symbolic draft length"
                    ),
                ))
            }
            (GammaChoice::Fixed(gamma), _) => Ok(vec![gamma]),
            (choice, DraftLengthForm::Symbolic { max: room }) => {
                Ok((0..=choice.longest(Some(room))).collect())
            }
            (choice, DraftLengthForm::Absent) => Ok((0..=choice.longest(None)).collect()),
            // All drafts or none: a bound below their number leaves none.
            (GammaChoice::Auto { max }, DraftLengthForm::Unrolled { gamma }) if gamma > max => {
                Ok(vec![0])
            }
            // Unless more are told to be expected, one.
            (choice, DraftLengthForm::Loop) => Ok((0..=choice.longest(Some(1))).collect()),
            (_, DraftLengthForm::Unrolled { gamma: 0 }) => Ok(vec![0]),
            (_, DraftLengthForm::Unrolled { gamma }) => Ok(vec![0, gamma]),
        }
    }

    /// Checks the request itself, and returns [`Request::draft_lengths`].
    ///
    /// # Errors
    /// As [`search`], except [`CostError::Infeasible`].
    pub fn check(&self) -> Result<Vec<u32>, CostError> {
        check_alpha(self.alpha)?;
        for alpha in self.per_position.iter().flatten() {
            check_alpha(*alpha)?;
        }
        if self.model.per_position && self.per_position.as_ref().is_none_or(Vec::is_empty) {
            let help = "give an acceptance file with a histogram".to_owned();
            return Err(CostError::argument(
                "the cost model `per-position` needs acceptance rates by position",
                help,
            ));
        }
        if !self.workload.has(Role::Target) {
            return Err(CostError::MissingRole { role: Role::Target });
        }
        if let Some(evidence) = self.workload.state.clone()
            && !(self.model.verify && self.profile.is_some())
        {
            let help = "measure the target with 1 and γ+1 new tokens, then use `--cost-model verify --profile FILE`".into();
            return Err(CostError::State { evidence, help });
        }
        for (role, pu) in &self.pins {
            self.platform.expect_pu(pu, &format!("{role}={pu}"))?;
        }
        for (role, pu) in &self.forbid {
            self.platform.expect_pu(pu, &format!("{role}@{pu}"))?;
        }
        if let Some((stage, help)) = self.unknown_stage() {
            return Err(CostError::argument(
                format!("the module has no {stage} to place"),
                help,
            ));
        }
        for name in self.memory_limits.keys() {
            self.platform
                .expect_pu(name, &format!("a memory limit of {name}"))?;
        }
        for (name, count) in self.variant.iter().flatten() {
            let pu = self.platform.expect_pu(name, &format!("{name}={count}"))?;
            if *count == 0 || *count > pu.resources() {
                let help = if *count == 0 {
                    "to keep a processing unit out of the decision, forbid it to the roles"
                        .to_owned()
                } else {
                    pu.usable()
                };
                return Err(CostError::argument(
                    format!(
                        "`{name}={count}`: {name} has {}",
                        pu.counted(pu.resources())
                    ),
                    help,
                ));
            }
        }
        self.draft_lengths()
    }
}

/// Decides where everything goes and how many tokens to draft.
///
/// # Errors
/// [`CostError::Alpha`], [`CostError::Argument`] and [`CostError::MissingRole`] for a request that
/// makes no sense, [`CostError::State`] for a module that Eq. (1) does not cover,
/// [`CostError::Infeasible`] when no mapping is legal.
pub fn search(request: &Request) -> Result<Plan, CostError> {
    let gammas = request.check()?;
    let space = Space::build(request, &gammas)?;
    let evaluator = Evaluator::new(request, &space, &gammas);
    match evaluator.best() {
        Some(best) => Ok(plan::build(request, &space, &evaluator, best)),
        None => Err(CostError::Infeasible(Box::new(space.infeasible(request)))),
    }
}

/// Reads `cpu=1,gpu=1`, as `--variant` has it.
///
/// # Errors
/// [`CostError::Argument`] for anything else, or a name given twice.
pub fn parse_variant(text: &str) -> Result<Variant, CostError> {
    let mut variant = Variant::new();
    for part in text.split(',') {
        let parsed = part
            .split_once('=')
            .and_then(|(name, count)| Some((name.trim(), count.trim().parse::<u32>().ok()?)));
        let Some((name, count)) = parsed.filter(|(name, _)| !name.is_empty()) else {
            return Err(CostError::argument(
                format!("`{part}` is not NAME=COUNT"),
                "for example: cpu=1,gpu=1".to_owned(),
            ));
        };
        if variant.insert(name.to_owned(), count).is_some() {
            return Err(CostError::argument(
                format!("`{text}` gives {name} twice"),
                format!("keep one of them, for example {name}={count}"),
            ));
        }
    }
    Ok(variant)
}

#[cfg(test)]
pub(crate) mod tests;
