//! The decision, with everything needed to apply it and to argue about it.
//!
//! Made by [`crate::decide()`]; serialised as `plan.json`. Times are
//! milliseconds where the name ends in `_ms`, seconds in [`Latency`].

mod build;
mod context;
mod unused;
mod words;

pub(crate) use build::build;

use crate::platform::{Method, Variant};
use crate::roofline::Latency;
use crate::search::{CostModel, RuledOut, Sensitivity};
use crate::workload::{DraftLengthForm, Partition, Per};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the JSON form; it changes when a field changes its meaning or goes.
pub const PLAN_VERSION: u32 = 1;

/// What was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// The platform's name.
    pub platform: String,
    /// The platform's file, `<builtin:NAME>` or `<probed>`.
    pub platform_origin: String,
    /// Tokens per forward pass, where known.
    pub sequence_length: Option<u64>,
    /// α.
    pub alpha: f64,
    /// Where α comes from.
    pub alpha_source: String,
    /// What ranked the mappings.
    pub cost_model: CostModel,
    /// How the module lets γ be chosen.
    pub draft_length: DraftLengthForm,
    /// γ*. For separate forwards ([`DraftLengthForm::Absent`]) it is advice, and both models are
    /// placed whatever it is.
    pub gamma: u32,
    /// Whether drafting pays: γ* > 0.
    pub speculate: bool,
    /// c = t_draft/t_target of the chosen mapping; without speculation, of the best mapping that
    /// would speculate, if one is legal.
    pub c: Option<f64>,
    /// E(α, γ*): tokens per round.
    pub tokens_per_round: f64,
    /// Resources in use, by PU.
    pub variant: Variant,
    /// Where each role goes, or each of its stages. No drafter when the drafter leaves the module;
    /// control is always there.
    pub roles: BTreeMap<Partition, RolePlan>,
    /// The devices in use: control's first, since inputs are allocated on the first, then in
    /// platform order.
    pub devices: Vec<DevicePlan>,
    /// iree-compile flags: the platform's, then those for the module and for each device in use,
    /// each once.
    pub compile_flags: Vec<String>,
    /// Values that go from one PU to another.
    pub crossings: Vec<CrossingPlan>,
    /// Speedups, each against what its name says.
    pub speedup: Speedups,
    /// Expected times.
    pub time: Times,
    /// Why this, in words.
    pub why: String,
    /// The best of the other mappings, under whatever variant. The chosen mapping with other
    /// resources is no other mapping; [`Plan::variants`] has those.
    pub runner_up: Option<RunnerUp>,
    /// How far α and c can move.
    pub sensitivity: Sensitivity,
    /// The best of each design variant, the full machine first.
    pub variants: Vec<VariantPlan>,
    /// v·N^m points.
    pub points: u64,
    /// Of which so many were legal, and evaluated.
    pub points_evaluated: u64,
    /// Places of the target alone that were evaluated besides: the points' γ = 0.
    pub alone_evaluated: u64,
    /// Draft lengths tried for each.
    pub draft_lengths_tried: Vec<u32>,
    /// Why the others were not.
    pub ruled_out: Vec<RuledOut>,
    /// What was assumed, and from where.
    pub assumptions: Vec<String>,
    /// What the user should know before trusting it.
    pub warnings: Vec<String>,
}

/// The place of one role, or of one stage of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolePlan {
    /// The PU.
    pub pu: String,
    /// One forward pass; `None` for control.
    pub latency: Option<Latency>,
    /// The memory its weights sit in.
    pub memory: String,
    /// Bytes of weights.
    pub weight_bytes: u64,
    /// Bytes of activations at their peak.
    pub activation_bytes: u64,
    /// Why there.
    pub reason: String,
}

/// A device that the module uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DevicePlan {
    /// The PU, and the device's symbol in IR.
    pub pu: String,
    /// `local` in `#hal.device.alias<"local"[1]>`.
    pub alias: String,
    /// `1` in the same.
    pub ordinal: Option<u32>,
    /// Resources in use.
    pub active: u32,
    /// Resources there are.
    pub of: u32,
    /// What they are called.
    pub resource: String,
    /// iree-compile flags.
    pub compile_flags: Vec<String>,
    /// `--device=` of iree-run-module.
    pub runtime_device: String,
    /// Other iree-run-module flags.
    pub run_flags: Vec<String>,
    /// Who lives there.
    pub roles: Vec<Partition>,
}

/// A value that one device makes and another uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossingPlan {
    /// The producer.
    pub from: Partition,
    /// The consumer.
    pub to: Partition,
    /// The producer's PU.
    pub from_pu: String,
    /// The consumer's PU.
    pub to_pu: String,
    /// How it gets across.
    pub method: Method,
    /// The PU that owns the buffer in which it rests, where it rests in one that several use.
    pub owner: Option<String>,
    /// The PU by way of which it goes, when no link joins the two.
    pub via: Option<String>,
    /// Both PUs work in the same memory, so that nothing is copied.
    pub unified_memory: bool,
    /// Each PU may read the other's buffers (see [`crate::platform::Link::transparent_access`]).
    pub transparent_access: bool,
    /// Size.
    pub bytes: u64,
    /// How often.
    pub per: Per,
    /// How many such values cross each time.
    #[serde(default = "one")]
    pub count: u64,
    /// What it is.
    pub what: String,
    /// Milliseconds for each of them.
    pub each_ms: f64,
}

fn one() -> u64 {
    1
}

/// The same decision, measured with several rulers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speedups {
    /// Eq. (1) as the paper has it: against the same target placement without speculation. 1 at γ =
    /// 0.
    pub eq1: f64,
    /// The same under the cost model in use; equal to `eq1` without refinements.
    pub refined: f64,
    /// Against the variant's baseline, its best single-PU run without speculation, under the cost
    /// model in use.
    pub over_baseline: f64,
    /// Every refinement that can be computed, by name, at the chosen mapping and γ, whether or not
    /// it is in use.
    pub by_model: BTreeMap<String, f64>,
}

/// What is expected, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Per token, as planned.
    pub per_token_ms: f64,
    /// Per token without speculation, the target where the plan has it.
    pub without_speculation_ms: f64,
    /// Per token of the variant's baseline.
    pub baseline_ms: f64,
    /// The baseline's PU; its stages' PUs joined by `+`, where no single one can hold the target.
    pub baseline_pu: String,
}

/// The next best mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunnerUp {
    /// Resources it uses, by PU.
    #[serde(default)]
    pub variant: Variant,
    /// Partition to PU, models only.
    pub mapping: BTreeMap<Partition, String>,
    /// Its own best γ.
    pub gamma: u32,
    /// Its c.
    pub c: Option<f64>,
    /// Per token.
    pub per_token_ms: f64,
    /// How much slower, as a fraction: 0.1 is 10 %.
    pub slower: f64,
}

/// The best of one design variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantPlan {
    /// The variant.
    pub variant: Variant,
    /// Partition to PU, models only.
    pub mapping: BTreeMap<Partition, String>,
    /// γ*.
    pub gamma: u32,
    /// c, where a drafter is placed.
    pub c: Option<f64>,
    /// Eq. (1).
    pub eq1: f64,
    /// Per token.
    pub per_token_ms: f64,
    /// Against this variant's own baseline.
    pub over_baseline: f64,
}
