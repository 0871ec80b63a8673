//! `specplace assemble`: two forward passes become one speculative module.
//!
//! Two functions from integer tokens [1,S] to logits [1,S,V], a target and a
//! drafter, in Torch or in linalg, go in. Out comes a module with `@generate`
//! (draft γ tokens, verify them in one pass of the target, keep the longest
//! prefix that agrees and the target's own next token, again until `limit`)
//! and `@step`, one round of it, in the form that places best:
//!
//! - γ stays open up to a bound (the global that `resolve-markers` makes of
//!   `draft_length`), so that placement chooses it;
//! - every operation says its role, so that placement needs no flags; markers
//!   of stages (`target.1`) stay;
//! - the models compute the positions that are read, and no others (see
//!   [`rows`]), and only tokens cross.
//!
//! It is no pass of the pipeline: it makes the module that the pipeline reads.

mod interface;
mod merge;
mod rows;
mod rowwise;
mod template;

use std::collections::BTreeMap;

use cost::{Role, bytes, counted, metric};
use dialects::ir::{Attribute, Op};
use dialects::ops::Transfer;
use dialects::vocabulary::{ROLE, TRANSFER};
use dialects::{Diagnostic, Module, OwnedModule, Session, Severity};

use crate::causality;
use crate::context::Remarks;
use crate::names::role_of_device;
use crate::settings::{Settings, Trial};
use crate::structure::placed_ops;
use interface::Forward;
use merge::Merger;
use rows::Outcome;

/// Where a forward pass comes from.
pub struct Input<'s> {
    /// The module, read for this input alone.
    pub module: OwnedModule<'s>,
    /// What messages call its file.
    pub file: String,
    /// The same text for the same file.
    pub identity: String,
    /// Its function, without `@`, where the module has several.
    pub function: Option<String>,
}

/// What the user decides.
#[derive(Clone, Debug)]
pub struct Options {
    /// The longest draft that placement may choose.
    pub max_gamma: u32,
    /// Tokens that end a sequence.
    pub eos: Vec<u64>,
    /// Adds inputs that impose which drafts are accepted.
    pub impose_acceptance: bool,
    /// With what a crash of the library is found (see [`Settings::trial`]).
    pub trial: Option<Trial>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_gamma: 16,
            eos: Vec::new(),
            impose_acceptance: false,
            trial: None,
        }
    }
}

/// A module, and what to tell about it.
pub struct Assembled<'s> {
    /// The module with `@generate` and `@step`.
    pub module: OwnedModule<'s>,
    /// Remarks and warnings: what was renamed, converted and saved.
    pub diagnostics: Vec<Diagnostic>,
}

/// Assembles a target and a drafter.
///
/// # Errors
///
/// A function that is not there or is no stateless forward pass; two that do
/// not fit together; the same one twice; an end-of-sequence token outside of
/// the vocabulary; what lowering says of Torch that it cannot lower.
pub fn assemble<'s>(
    session: &'s Session,
    mut target: Input<'s>,
    mut drafter: Input<'s>,
    options: &Options,
) -> Result<Assembled<'s>, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let names = [
        prepare(&mut target, Role::Target, options.trial, &mut diagnostics)?,
        prepare(&mut drafter, Role::Drafter, options.trial, &mut diagnostics)?,
    ];
    let [target_name, drafter_name] = &names;
    let (target_function, drafter_function) = (
        function(&target.module, target_name),
        function(&drafter.module, drafter_name),
    );
    if target.identity == drafter.identity && target_name == drafter_name {
        return Err(vec![same_twice(&target.file, target_name, target_function)]);
    }
    let text;
    {
        let (of_target, of_drafter) = match (
            interface::check(target_function, Role::Target),
            interface::check(drafter_function, Role::Drafter),
        ) {
            (Ok(of_target), Ok(of_drafter)) => (of_target, of_drafter),
            (one, other) => {
                let errors = [one.err(), other.err()];
                return Err(errors.into_iter().flatten().flatten().collect());
            }
        };
        interface::compare(&of_target, &of_drafter)?;
        check_eos(&of_target, &options.eos)?;
        diagnostics.extend(interface::differences(&of_target, &of_drafter));
        let ops: Vec<Op> = placed_ops(of_target.function).collect();
        diagnostics.extend(causality::check(&target.module, &ops, |_| true));
        let max_gamma = bound_of_drafts(&of_target, options, &mut diagnostics)?;
        for (module, forward, role, count) in [
            (&target.module, &of_target, Role::Target, max_gamma + 1),
            (&drafter.module, &of_drafter, Role::Drafter, 1),
        ] {
            let outcome = rows::keep_rows(module, forward.function, count);
            diagnostics.push(saved(forward, role, count, &outcome));
        }
        let shape = template::Shape {
            max_gamma,
            eos: &options.eos,
            impose: options.impose_acceptance,
        };
        text = template::text(&of_target, &of_drafter, &shape);
    }
    // What the slice has left unread goes before anything is given a role.
    const CLEAN: &str = "builtin.module(canonicalize,cse,canonicalize,cse)";
    target.module.lend().run_pipeline(CLEAN)?;
    drafter.module.lend().run_pipeline(CLEAN)?;

    let mut module = OwnedModule::from_source(session, text.as_bytes()).map_err(our_mistake)?;
    {
        let mut merger = Merger::new(&module);
        for (input, role, name, callee) in [
            (&target, Role::Target, target_name, template::TARGET_FORWARD),
            (
                &drafter,
                Role::Drafter,
                drafter_name,
                template::DRAFTER_FORWARD,
            ),
        ] {
            let function = function(&input.module, name);
            merger.take(&input.module, function, role, &input.identity, callee);
        }
        diagnostics.append(&mut merger.remarks);
        for (name, role) in [
            (template::TARGET_FORWARD, Role::Target),
            (template::DRAFTER_FORWARD, Role::Drafter),
            (template::VERIFY, Role::Target),
            (template::DRAFT, Role::Drafter),
        ] {
            give_role(&module, function(&module, name), role);
        }
    }
    module
        .lend()
        .run_pipeline("builtin.module(inline,canonicalize,cse,symbol-dce)")
        .map_err(our_mistake)?;
    module.verify().map_err(our_mistake)?;
    Ok(Assembled {
        module,
        diagnostics,
    })
}

/// Chooses the function, lowers it, and leaves nothing else public. Returns
/// the function's name.
fn prepare(
    input: &mut Input<'_>,
    role: Role,
    trial: Option<Trial>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<String, Vec<Diagnostic>> {
    let name = {
        let chosen =
            interface::choose(&input.module, role, &input.file, input.function.as_deref())?;
        interface::refuse_state(chosen, role)?;
        let private = Attribute::string(input.module.session(), "private");
        for op in input.module.body().ops() {
            if crate::structure::is_function(op) && op != chosen {
                op.set_attribute("sym_visibility", private);
            }
        }
        // Private, it would be inlined nowhere and then removed.
        chosen.remove_attribute("sym_visibility");
        chosen.symbol_name().unwrap_or_default()
    };
    // What the function does not call is not looked at.
    input
        .module
        .lend()
        .run_pipeline("builtin.module(symbol-dce)")?;
    let markers = input
        .module
        .op()
        .nested()
        .into_iter()
        .filter(|op| is_marker(*op))
        .count();
    let settings = Settings {
        trial,
        ..Settings::default()
    };
    let mut remarks = Remarks::new();
    crate::resolve_markers::run(&mut input.module.lend(), &settings, &mut remarks)?;
    crate::lower_torch::run(&mut input.module.lend(), &settings, &mut remarks)?;
    diagnostics.extend(
        remarks
            .into_iter()
            .filter(|each| each.severity == Severity::Warning),
    );
    let mut stages = 0;
    for op in input.module.op().nested() {
        if let Some(marker) = Transfer::of(op)
            && let Some((value, result)) = marker.ends()
        {
            if names_stage_of(marker, role) {
                stages += 1;
                continue;
            }
            result.replace_all_uses_with(value);
            op.erase();
        }
    }
    if markers > stages {
        let markers = markers - stages;
        diagnostics.push(Diagnostic::warning(format!(
            "{} in {role} @{name} {} ignored: all of it is the {role}",
            counted(markers as u64, "placement operator"),
            if markers == 1 { "is" } else { "are" },
        )));
    }
    Ok(name)
}

/// Whether a resolved marker cuts the model into stages, which is its own
/// affair: the loop calls it whole.
fn names_stage_of(marker: Transfer<'_>, role: Role) -> bool {
    marker
        .device()
        .and_then(|name| role_of_device(&name, &BTreeMap::new()))
        .is_some_and(|part| part.role == role && part.stage.is_some())
}

fn is_marker(op: Op<'_>) -> bool {
    const OPERATORS: [&str; 2] = [
        "torch.specplace.place",
        "torch.iree.transfer_to_logical_device",
    ];
    op.is(TRANSFER)
        || op.is("torch.operator")
            && op
                .string_attribute("name")
                .is_some_and(|name| OPERATORS.contains(&name.as_str()))
}

/// The function of this name, which was seen before.
fn function<'m>(module: &'m Module<'_>, name: &str) -> Op<'m> {
    module
        .body()
        .ops()
        .into_iter()
        .find(|op| op.symbol_name().as_deref() == Some(name))
        .expect("a public function, or one that the loop calls, is still there")
}

fn same_twice(file: &str, name: &str, function: Op<'_>) -> Diagnostic {
    let place = function.location().place();
    Diagnostic::error(format!(
        "the target and the drafter are the same function, @{name} of {file}"
    ))
    .at(place.clone())
    .with_note(Diagnostic::note(format!("target @{name}")).at(place.clone()))
    .with_note(Diagnostic::note(format!("drafter @{name}")).at(place))
    .help("name two: --target FILE@FUNCTION --drafter FILE@FUNCTION")
}

fn check_eos(target: &Forward<'_>, eos: &[u64]) -> Result<(), Vec<Diagnostic>> {
    let outside: Vec<Diagnostic> = eos
        .iter()
        .filter(|token| **token >= target.vocabulary)
        .map(|token| {
            Diagnostic::error(format!(
                "the end-of-sequence token {token} is outside of the vocabulary of {} tokens",
                target.vocabulary
            ))
            .at(target.place.clone())
            .with_note(target.note(Role::Target, format_args!("{} tokens", target.vocabulary)))
            .help("give its number in the tokenizer: --eos TOKEN")
        })
        .collect();
    if outside.is_empty() {
        Ok(())
    } else {
        Err(outside)
    }
}

/// The longest draft: what the user allows, as far as the row has room.
fn bound_of_drafts(
    target: &Forward<'_>,
    options: &Options,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<u64, Vec<Diagnostic>> {
    let asked = u64::from(options.max_gamma);
    if asked == 0 {
        return Err(vec![
            Diagnostic::error("a longest draft of 0 leaves nothing to speculate with")
                .help("give --max-gamma at least 1; placement may still choose 0"),
        ]);
    }
    let room = target.length - 1;
    if asked > room {
        diagnostics.push(Diagnostic::remark(format!(
            "drafts are at most {room} tokens long: the row holds {}",
            target.length
        )));
    }
    Ok(asked.min(room))
}

fn give_role(module: &Module<'_>, function: Op<'_>, role: Role) {
    let role = Attribute::string(module.session(), role.as_str());
    for op in placed_ops(function) {
        let plumbing = op.name().starts_with("func.") || op.name().starts_with("scf.");
        if !plumbing && !op.is(TRANSFER) && !op.is("arith.constant") {
            op.set_attribute(ROLE, role);
        }
    }
}

fn saved(forward: &Forward<'_>, role: Role, count: u64, outcome: &Outcome) -> Diagnostic {
    let length = forward.length;
    let (before, after) = outcome.flops;
    let (results_before, results_after) = outcome.bytes;
    let flops = |count| metric(rounded(count), "FLOP");
    let size = |count| bytes(rounded(count));
    let mut remark = if outcome.head_cut {
        let share = 100.0 * rounded(before.saturating_sub(after)) / rounded(before.max(1));
        Diagnostic::remark(format!(
            "{role} @{}: logits at {} of {length}, which saves {share:.1} % \
             of a pass ({} of {} and {} of {} of intermediate results)",
            forward.name,
            counted(count, "position"),
            flops(before.saturating_sub(after)),
            flops(before),
            size(results_before.saturating_sub(results_after)),
            size(results_before),
        ))
    } else {
        Diagnostic::remark(format!(
            "{role} @{}: logits at all {length} positions, of which {count} {} read: what makes \
             them is not known to compute positions apart from each other",
            forward.name,
            if count == 1 { "is" } else { "are" },
        ))
    };
    remark.place.clone_from(&forward.place);
    // The deepest few say where positions begin to mix.
    for (name, place) in outcome.stopped_at.iter().take(3) {
        remark = remark.with_note(
            Diagnostic::note(format!("'{name}' is computed at all positions")).at(place.clone()),
        );
    }
    remark
}

#[expect(
    clippy::cast_precision_loss,
    reason = "what is read in a message needs few digits"
)]
fn rounded(count: u64) -> f64 {
    count as f64
}

/// The loop is ours: what is wrong with it is a bug.
fn our_mistake(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.insert(
        0,
        Diagnostic::error("the assembled module is invalid: a bug in specplace")
            .help("please report it with the input"),
    );
    diagnostics
}
