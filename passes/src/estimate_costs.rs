//! `estimate-costs`: what one forward pass of each role, or of each stage of a
//! model, computes and moves, and what crosses between them.
//!
//! FLOPs are counted from loop sizes and loop bodies; a multiply-add is two.
//! Elementwise operations are taken to be fused into what they follow, as
//! IREE does, so that only contractions, reductions, lookups and data
//! movement count as dispatches and touch memory.
//!
//! Left behind: the workload, also as JSON in the module's `specplace.workload`.

pub(crate) mod count;
mod crossings;
mod kinds;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cost::workload::{
    DType, DraftLengthForm, SharedWeights, SubgraphDemand, UNEVEN_BOOLEANS, Workload,
};
use cost::{Partition, Role};
use dialects::ir::{Attribute, Op, Value};
use dialects::ops::GlobalLoad;
use dialects::vocabulary::DRAFT_LENGTH;
use dialects::{Diagnostic, Module};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::Remarks;
use crate::identify_roles::structural::{all_bytes, components, looks_up, weights};
use crate::initializers::{Initializer, initializers};
use crate::roles::Roles;
use crate::settings::Settings;
use crate::state;
use crate::structure::{
    Free, Inherited, functions, global, globals, is_function, is_groupable, placed_ops,
};
use crate::widen_booleans::weights::BooleanWeights;

/// The module attribute that holds the workload as JSON.
pub const WORKLOAD: &str = "specplace.workload";

/// Runs the pass.
///
/// # Errors
///
/// No operation has a role (`identify-roles` did not run, or what is marked is
/// constant); a shape that is not static, without which nothing can be counted.
pub fn run(
    module: &mut Module<'_>,
    settings: &Settings,
    remarks: &mut Remarks,
) -> Result<Workload, Vec<Diagnostic>> {
    let workload = {
        let module: &Module<'_> = module;
        let mut survey = Survey::new(module);
        if survey.roles.is_empty() {
            return Err(vec![
                Diagnostic::error(
                    "no operation has a role: what is marked computes nothing but constants, \
                     or nothing that is used",
                )
                .help(
                    "mark what depends on the tokens; with --pass, name identify-roles before \
                     estimate-costs",
                ),
            ]);
        }
        survey.workload(settings, remarks)?
    };
    if let Ok(json) = serde_json::to_string(&workload) {
        module
            .op()
            .set_attribute(WORKLOAD, Attribute::string(module.session(), &json));
    }
    Ok(workload)
}

/// The workload that an earlier run of the pass left in the module.
///
/// # Errors
///
/// There is none, or none that can be read.
pub fn left_in(module: &Module<'_>) -> Result<Workload, Vec<Diagnostic>> {
    let held = module.op().attribute(WORKLOAD);
    let Some(text) = held.and_then(Attribute::as_string) else {
        return Err(vec![
            Diagnostic::error("no workload to decide on: estimate-costs did not run")
                .help("run the passes in order: --pass …,estimate-costs,select-mapping"),
        ]);
    };
    serde_json::from_str(&text).map_err(|error| {
        vec![
            Diagnostic::error(format!("the module's {WORKLOAD} cannot be read: {error}"))
                .help("have estimate-costs count once more"),
        ]
    })
}

struct Survey<'m> {
    module: &'m Module<'m>,
    free: Free<'m>,
    /// The role of each operation that takes part in grouping.
    roles: FxHashMap<Op<'m>, Partition>,
    ops: Vec<Op<'m>>,
    initializers: Vec<Initializer<'m>>,
    booleans: BooleanWeights,
    /// The globals whose values stand in the module.
    inline: FxHashSet<String>,
    /// What [`Survey::reads_parameter`] has answered before.
    reads: FxHashMap<Op<'m>, bool>,
}

impl<'m> Survey<'m> {
    fn new(module: &'m Module<'_>) -> Self {
        let module: &'m Module<'m> = module;
        let mut free = Free::new(module);
        let mut ops = Vec::new();
        let mut roles = FxHashMap::default();
        let mut found = false;
        let mut carried = Roles::default();
        for function in functions(module) {
            for op in placed_ops(function) {
                if is_groupable(op) && !free.is_free(op) {
                    let role = carried.of(op);
                    found |= role.is_some();
                    roles.insert(op, role.unwrap_or(Partition::CONTROL));
                    ops.push(op);
                }
            }
        }
        if !found {
            roles.clear();
        }
        let inline = globals(module).into_iter().filter(|(_, global)| {
            let value = global.initial_value();
            value.is_some_and(|value| value.is_elements())
        });
        Self {
            module,
            free,
            roles,
            ops,
            initializers: initializers(module),
            booleans: BooleanWeights::of(module),
            inline: inline.map(|(name, _)| name.to_owned()).collect(),
            reads: FxHashMap::default(),
        }
    }

    fn workload(
        &mut self,
        settings: &Settings,
        remarks: &mut Remarks,
    ) -> Result<Workload, Vec<Diagnostic>> {
        let mut subgraphs = BTreeMap::new();
        let mut sequence_length = None;
        let mut drafts = Drafts::default();
        let mut readers: BTreeMap<String, (BTreeSet<Partition>, u64)> = BTreeMap::new();
        for role in Role::ALL {
            let all: Vec<Op> = self
                .ops
                .iter()
                .copied()
                .filter(|op| self.roles[op].role == role)
                .collect();
            if all.is_empty() {
                continue;
            }
            let (one, count) = if role == Role::Control {
                (all.clone(), 1)
            } else {
                let (one, passes) = self.one_pass(&all);
                if role == Role::Drafter {
                    drafts = Drafts::new(&passes);
                }
                (one, passes.len())
            };
            if role == Role::Target || sequence_length.is_none() {
                sequence_length = one.iter().find_map(|op| tokens_of(*op)).or(sequence_length);
            }
            let parts: BTreeSet<Partition> = all.iter().map(|op| self.roles[op]).collect();
            for part in parts {
                let of = |ops: &[Op<'m>]| -> Vec<Op<'m>> {
                    let ops = ops.iter().copied();
                    ops.filter(|op| self.roles[op] == part).collect()
                };
                let (all, one) = (of(&all), of(&one));
                let mut demand = self.demand(&one)?;
                let (weights, constants) = weights(&all, &mut self.free);
                demand.weight_bytes = all_bytes(&weights, constants);
                self.add_initializers(&weights, &mut demand)?;
                if self.booleans.are_uneven(&weights, &self.initializers) {
                    let computes = demand.computes.entry(UNEVEN_BOOLEANS.to_owned());
                    computes.or_default().insert(DType::I1);
                }
                for (name, bytes) in weights {
                    let readers = readers.entry(name).or_default();
                    readers.0.insert(part);
                    readers.1 = bytes;
                }
                demand.calls_in_module = count as u64;
                subgraphs.insert(part, demand);
            }
        }
        if let (Some(given), Some(own)) = (settings.sequence_length, sequence_length)
            && given != own
        {
            remarks.push(
                Diagnostic::warning(format!(
                    "--seq-len {given} stands in for the {own} tokens that the module computes on"
                ))
                .help(
                    "the profile is read there; FLOPs and bytes are the module's own, which is \
                     right only if the profile was measured on another module of its kind",
                ),
            );
        }
        let draft_length = self.draft_length(&drafts, remarks)?;
        let drafts = match draft_length {
            DraftLengthForm::Unrolled { gamma } => u64::from(gamma),
            _ => 0,
        };
        let crossings = crossings::crossings(self.module, &mut self.free, &self.roles, drafts)
            .map_err(|error| vec![*error])?;
        let state = state::evidence(self.module).map(|note| note.message);
        Ok(Workload {
            sequence_length: settings.sequence_length.or(sequence_length),
            subgraphs,
            crossings,
            shared_weights: shared_weights(readers.into_values()),
            draft_length,
            state,
        })
    }

    /// The operations of one forward pass of a model, and the first of each pass
    /// that is written down.
    fn one_pass(&mut self, all: &[Op<'m>]) -> (Vec<Op<'m>>, Vec<Op<'m>>) {
        let mut parts = components(all, &mut self.free);
        let biggest = parts.iter().map(Vec::len).max().unwrap_or(0);
        // A remnant, such as one scalar operation beside the model, is no pass.
        let passes = parts.iter().filter(|part| part.len() * 2 > biggest);
        let passes = passes.filter_map(|part| part.first().copied()).collect();
        let at = parts
            .iter()
            .position(|part| part.len() == biggest)
            .unwrap_or(0);
        (parts.swap_remove(at), passes)
    }

    fn demand(&mut self, ops: &[Op<'m>]) -> Result<SubgraphDemand, Vec<Diagnostic>> {
        let mut demand = SubgraphDemand::default();
        let mut everything: Vec<(Op, bool)> = ops.iter().map(|op| (*op, true)).collect();
        everything.extend(self.free_behind(ops));
        for (op, on_device) in everything {
            let work = counted(op)?;
            if !demand.op_kinds.contains(op.name()) {
                demand.op_kinds.insert(op.name().to_owned());
            }
            for (dtype, flops) in work.flops {
                let sum = demand.flops.entry(dtype).or_insert(0);
                *sum = sum.saturating_add(flops);
            }
            if on_device {
                for (name, types) in kinds::kinds(op, &work.dtypes) {
                    demand.computes.entry(name).or_default().extend(types);
                }
            }
            demand.dtypes.extend(work.dtypes);
            demand.bytes_moved = demand.bytes_moved.saturating_add(work.bytes_moved);
            demand.dispatches += u64::from(work.dispatches);
            demand.activation_peak_bytes = demand.activation_peak_bytes.max(work.live_bytes);
        }
        demand.dispatches = demand.dispatches.max(1);
        Ok(demand)
    }

    /// Adds the kinds and types of what initializers make weights of: it runs where
    /// they are read, once, when the module is loaded, and costs no pass anything.
    fn add_initializers(
        &self,
        weights: &FxHashMap<String, u64>,
        demand: &mut SubgraphDemand,
    ) -> Result<(), Vec<Diagnostic>> {
        let mut needed: FxHashSet<&str> = weights.keys().map(String::as_str).collect();
        for Initializer { op, loads, stores } in self.initializers.iter().rev() {
            if !stores.iter().any(|name| needed.contains(name.as_str())) {
                continue;
            }
            needed.extend(loads.iter().map(String::as_str));
            for op in placed_ops(*op).filter(|op| is_groupable(*op)) {
                let work = counted(op)?;
                demand.op_kinds.insert(op.name().to_owned());
                for (name, types) in kinds::kinds(op, &work.dtypes) {
                    demand.computes.entry(name).or_default().extend(types);
                }
                demand.dtypes.extend(work.dtypes);
            }
        }
        Ok(())
    }

    /// Operations on weights and constants alone (a transposed copy, say) that
    /// `ops` need, and whether each is computed on the device: what depends on
    /// nothing but values that stand in the module IREE computes itself, on the
    /// machine that compiles.
    fn free_behind(&mut self, ops: &[Op<'m>]) -> Vec<(Op<'m>, bool)> {
        let mut seen = FxHashSet::default();
        let mut found = Vec::new();
        let mut pending: Vec<Value> = ops.iter().flat_map(|op| self.free.inputs(*op)).collect();
        while let Some(value) = pending.pop() {
            // Arguments of blocks have no operation behind them.
            let Some(op) = value.defining_op() else {
                continue;
            };
            if self.free.is_free(op) && seen.insert(op) {
                pending.extend(self.free.inputs(op));
                if is_groupable(op) && op.name().starts_with("linalg.") {
                    found.push((op, self.reads_parameter(op)));
                }
            }
        }
        found
    }

    /// Whether a float that the drafter computes here is a result of the function, or
    /// is read by the target.
    fn hands_out_floats(&self, op: Op<'m>) -> bool {
        let reads = |user: Op<'m>| {
            user.name().ends_with(".return")
                || self
                    .roles
                    .get(&user)
                    .is_some_and(|part| part.role == Role::Target)
        };
        let results = || op.results().into_iter();
        self.roles[&op].role == Role::Drafter
            && results().any(|result| {
                result.r#type().element().is_float()
                    && result.uses().into_iter().any(|each| reads(each.op))
            })
    }

    /// Whether the value of an operation that belongs to nobody is known only
    /// where it runs: it is a weight of an archive, or computed of one.
    fn reads_parameter(&mut self, op: Op<'m>) -> bool {
        if let Some(known) = self.reads.get(&op) {
            return *known;
        }
        // What it is computed of comes above it: chains of operations may be long.
        let mut pending = vec![(op, false)];
        while let Some((op, asked)) = pending.pop() {
            if !asked && self.reads.contains_key(&op) {
                continue;
            }
            if let Some(load) = GlobalLoad::of(op) {
                let name = load.global();
                let reads = name.is_none_or(|name| !self.inline.contains(name));
                self.reads.insert(op, reads);
                continue;
            }
            let inputs = self.free.inputs(op).into_iter();
            let makers: Vec<Op> = inputs.filter_map(|value| value.defining_op()).collect();
            let known: Vec<Option<bool>> = makers
                .iter()
                .map(|maker| self.reads.get(maker).copied())
                .collect();
            let reads = known.contains(&Some(true));
            self.reads.insert(op, reads);
            if !asked && !reads && known.contains(&None) {
                pending.push((op, true));
                let unknown = makers.into_iter().zip(known);
                let unknown = unknown.filter(|(_, known)| known.is_none());
                pending.extend(unknown.map(|(maker, _)| (maker, false)));
            }
        }
        self.reads.get(&op).copied().unwrap_or(false)
    }

    fn draft_length(
        &self,
        drafts: &Drafts<'m>,
        remarks: &mut Remarks,
    ) -> Result<DraftLengthForm, Vec<Diagnostic>> {
        if let Some(global) = global(self.module, DRAFT_LENGTH) {
            let (op, value) = (global.op(), global.initial_value());
            let Some(max) = value.and_then(Attribute::splat_integer) else {
                return Err(vec![
                    Diagnostic::error(format!(
                        "@{DRAFT_LENGTH} is specplace's own name, for the most drafts there may \
                         be, and this global holds no such number"
                    ))
                    .at(op.location().place())
                    .offending(op.summary())
                    .help(
                        "give this global another name, or initialize it: dense<8> : tensor<i64>",
                    ),
                ]);
            };
            // Who writes "as many as there are" means no bound.
            let max = u32::try_from(max.max(0)).unwrap_or(u32::MAX);
            return Ok(DraftLengthForm::Symbolic { max });
        }
        // By role, the functions with something of it, and how deep that is.
        let mut functions: BTreeMap<Role, HashSet<Op>> = BTreeMap::new();
        let mut depths: BTreeMap<Role, usize> = BTreeMap::new();
        let mut function = enclosing_function();
        let mut depth = Inherited::new(0, |_, outer: usize| outer + 1);
        for op in &self.ops {
            let role = self.roles[op].role;
            functions
                .entry(role)
                .or_default()
                .extend(function.around(*op));
            let deepest = depths.entry(role).or_default();
            *deepest = depth.around(*op).max(*deepest);
        }
        let mut speculating = functions.remove(&Role::Drafter).unwrap_or_default();
        let verifying = functions.remove(&Role::Target).unwrap_or_default();
        speculating.retain(|function| verifying.contains(function));
        for op in self.ops.iter().filter(|op| self.hands_out_floats(**op)) {
            // Verification makes any token harmless, but no other number.
            let around = function.around(*op);
            if around.is_some_and(|function| speculating.remove(&function)) {
                remarks.push(
                    Diagnostic::remark(
                        "the drafter's numbers are used as they are, and not as tokens to be \
                         verified: it stays, whatever the draft length",
                    )
                    .at(op.location().place())
                    .offending(op.summary()),
                );
            }
        }
        if speculating.is_empty() {
            return Ok(DraftLengthForm::Absent);
        }
        if depths.get(&Role::Drafter) > depths.get(&Role::Target) {
            remarks.push(
                Diagnostic::warning(
                    "the drafts are made in a loop whose length specplace cannot see; \
                     they are counted as one",
                )
                .help(
                    "bound the loop by torch.ops.specplace.draft_length(max), so that the \
                     draft length can be chosen, or say by --gamma how many drafts to expect",
                ),
            );
            return Ok(DraftLengthForm::Loop);
        }
        // Whoever calls the module calls one function after the other: what they
        // draft does not add up.
        let counts = drafts.counts.iter();
        let counts = counts.filter(|(function, _)| speculating.contains(*function));
        let each: BTreeSet<usize> = counts.map(|(_, count)| *count).collect();
        let most = each.last().copied().unwrap_or(0);
        if each.len() > 1 {
            let numbers: Vec<String> = each.iter().map(usize::to_string).collect();
            remarks.push(
                Diagnostic::warning(format!(
                    "the module's functions draft {} tokens; the plan is for those that draft {most}",
                    numbers.join(" and ")
                ))
                .help("export the others for themselves to have a plan for them"),
            );
        }
        Ok(DraftLengthForm::Unrolled {
            gamma: u32::try_from(most).unwrap_or(u32::MAX),
        })
    }
}

/// The work of an operation.
fn counted(op: Op<'_>) -> Result<count::Work, Vec<Diagnostic>> {
    let refused = |why: Diagnostic, help: &str| {
        let why = why.at(op.location().place()).offending(op.summary());
        Err(vec![why.help(help)])
    };
    let Some(work) = count::work(op) else {
        return refused(
            Diagnostic::error("the shapes of an operation are not static"),
            "export the module with a fixed sequence length",
        );
    };
    match &work.unknown {
        Some(unknown) => refused(
            Diagnostic::error(format!("the cost of computing in {unknown} is not known")),
            "export the model in another type, such as f32",
        ),
        None => Ok(work),
    }
}

/// How many drafts are written down, function by function.
#[derive(Default)]
struct Drafts<'m> {
    counts: FxHashMap<Op<'m>, usize>,
}

impl<'m> Drafts<'m> {
    /// Counts passes, of which it is given an operation each.
    fn new(passes: &[Op<'m>]) -> Self {
        let mut counts = FxHashMap::default();
        let mut function = enclosing_function();
        for function in passes.iter().filter_map(|op| function.around(*op)) {
            *counts.entry(function).or_insert(0) += 1;
        }
        Self { counts }
    }
}

/// The function around an operation, if any.
fn enclosing_function<'m>()
-> Inherited<'m, Option<Op<'m>>, impl Fn(Op<'m>, Option<Op<'m>>) -> Option<Op<'m>>> {
    Inherited::new(
        None,
        |op, outer| if is_function(op) { Some(op) } else { outer },
    )
}

/// The length of the token sequence that an embedding lookup reads.
fn tokens_of(op: Op<'_>) -> Option<u64> {
    if !looks_up(op) {
        return None;
    }
    op.operands()
        .into_iter()
        .map(|operand| operand.r#type())
        .filter(|r#type| r#type.is_tensor() && r#type.element().is_integer())
        .find_map(|r#type| u64::try_from(r#type.shape()?.last().copied()??).ok())
}

/// The weights that several stages or models read, those of the same readers
/// together.
fn shared_weights(weights: impl Iterator<Item = (BTreeSet<Partition>, u64)>) -> Vec<SharedWeights> {
    let mut shared: BTreeMap<BTreeSet<Partition>, u64> = BTreeMap::new();
    for (readers, bytes) in weights.filter(|(readers, _)| readers.len() > 1) {
        let sum = shared.entry(readers).or_insert(0);
        *sum = sum.saturating_add(bytes);
    }
    let each = |(readers, bytes)| SharedWeights { readers, bytes };
    shared.into_iter().map(each).collect()
}
