//! What IN computes without any placement.

use std::collections::BTreeSet;

use cost::workload::DraftLengthForm;
use dialects::hal::Inserter;
use dialects::ir::{Attribute, Op, Type, Value, Walk};
use dialects::ops::{Call, Global};
use dialects::vocabulary::ROLE;
use dialects::{Diagnostic, Module};

use super::interface::{Function, Port, ports};
use super::{Subgraph, Subgraphs, arithmetic, logits};
use crate::causality::mask_globals;
use crate::context::Remarks;
use crate::identify_roles::kept;
use crate::outline_subgraphs::is_outlined;
use crate::roles::role_attribute;
use crate::select_mapping::DraftLength;
use crate::settings::Settings;
use crate::signature::set_function_type;
use crate::structure::{functions, is_function, outer_ops};
use crate::{
    copy_overwritten, estimate_costs, fold_draft_length, identify_roles, lower_torch,
    outline_subgraphs, resolve_markers,
};

/// What a subgraph's own function is called.
const ENTRY: &str = "values_of_";

/// What the function without drafts is called.
const GREEDY: &str = "greedy_";

/// How IN was placed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The decisions that say which operation has which role.
    pub settings: Settings,
    /// The draft length of OUT.
    pub gamma: u32,
}

/// A weight that the runtime wants to be given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    /// The archive that it is looked for in.
    pub scope: String,
    /// Its name there.
    pub key: String,
    /// Its sizes.
    pub shape: Vec<u64>,
    /// The type of its elements: `f32`.
    pub element: String,
    /// Whether it is the mask of an attention: random numbers in its place would let
    /// positions see later ones, and no speculation would be right.
    pub is_mask: bool,
}

/// What the reference module has.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    /// The subgraphs of the models.
    pub subgraphs: Subgraphs,
    /// The public functions of IN.
    pub functions: Vec<Function>,
    /// Tokens are below this: the rows of the smallest table that integers index.
    pub vocabulary: Option<u64>,
    /// The weights that it reads from archives.
    pub weights: BTreeSet<Weight>,
    /// How many operands that IREE would overwrite while others read them were
    /// given a copy: without these, plain iree-compile computes something else
    /// than IN says.
    pub copies: usize,
    /// Warnings and remarks of the passes.
    pub diagnostics: Vec<Diagnostic>,
}

/// Turns `planned`, which is IN, into the reference module. `alone` is IN once
/// more, in the same session: what it decodes without drafts is put beside it.
///
/// # Errors
///
/// Those of the passes up to `outline-subgraphs`, which placed IN once.
pub fn reference(
    planned: &mut Module<'_>,
    alone: &mut Module<'_>,
    options: &Options,
) -> Result<Reference, Vec<Diagnostic>> {
    let mut remarks = Remarks::new();
    let form = understand(planned, &options.settings, &mut remarks)?;
    let length = |gamma: u32, form: DraftLengthForm| DraftLength { gamma, form };
    fold_draft_length::run(planned, length(options.gamma, form))?;
    let mut reference = Reference {
        vocabulary: vocabulary(planned),
        ..Reference::default()
    };
    outline_subgraphs::run(planned, options.settings.handover)?;
    reference.copies = copy_overwritten::copy_all(planned)?;
    {
        let planned: &Module<'_> = planned;
        trace_calls(planned);
        let models = functions(planned).into_iter().filter(|op| is_model(*op));
        for function in models {
            let copy = function.duplicate();
            planned.body().append(copy);
            if let Some(subgraph) = expose(planned, copy) {
                reference.subgraphs.insert(subgraph.name.clone(), subgraph);
            }
        }
        for function in functions(planned).into_iter().filter(|op| is_outlined(*op)) {
            function.remove_attribute("noinline");
        }
    }
    planned.run_pipeline("builtin.module(inline{default-pipeline=})")?;

    let drafts = form != DraftLengthForm::Absent && options.gamma > 0;
    if drafts {
        let form = understand(alone, &options.settings, &mut Remarks::new())?;
        fold_draft_length::run(alone, length(0, form))?;
        copy_overwritten::copy_all(alone)?;
    }
    let planned: &Module<'_> = planned;
    let mut greedy = BTreeSet::new();
    if drafts {
        adopt_without_drafts(planned, alone, &mut greedy);
    }
    remove_roles(planned);
    for function in functions(planned) {
        let Some(name) = function.symbol_name() else {
            continue;
        };
        if !function.is_public() || name.starts_with(ENTRY) || greedy.contains(&name) {
            continue;
        }
        if let Some((arguments, results)) = ports(function) {
            let without = format!("{GREEDY}{name}");
            reference.functions.push(Function {
                greedy: greedy.contains(&without).then_some(without),
                name,
                arguments,
                results,
            });
        }
    }
    reference.weights = weights(planned);
    reference.diagnostics = remarks;
    Ok(reference)
}

/// Finds out what of the module is whose; says how its draft length is given.
fn understand(
    module: &mut Module<'_>,
    settings: &Settings,
    remarks: &mut Remarks,
) -> Result<DraftLengthForm, Vec<Diagnostic>> {
    let marked = resolve_markers::run(module, settings, remarks)?;
    lower_torch::run(module, settings, remarks)?;
    identify_roles::run(module, settings, &marked, remarks)?;
    // Nothing is placed.
    kept::take(module);
    Ok(estimate_costs::run(module, settings, remarks)?.draft_length)
}

/// Whether the function is a subgraph of a model: control is what is left.
fn is_model(function: Op<'_>) -> bool {
    is_outlined(function)
        && role_attribute(function).is_some_and(|part| part != cost::Partition::CONTROL)
}

/// Has every call of a model's subgraph print what it passes.
fn trace_calls(module: &Module<'_>) {
    let session = module.session();
    let models: BTreeSet<String> = functions(module)
        .into_iter()
        .filter(|op| is_model(*op))
        .filter_map(Op::symbol_name)
        .collect();
    for call in outer_ops(module).into_iter().filter_map(Call::of) {
        let callee = call.callee().filter(|name| models.contains(*name));
        let (Some(callee), call) = (callee, call.op()) else {
            continue;
        };
        let before = Inserter::before(module, call);
        let passed: Vec<Value> = call
            .operands()
            .into_iter()
            .map(|value| as_tensor(module, &before, value))
            .collect();
        let count = i32::try_from(passed.len()).unwrap_or(i32::MAX);
        before.insert(
            before
                .start("flow.tensor.trace")
                .operands(&passed)
                .attribute(
                    "key",
                    Attribute::string(session, &format!("{ENTRY}{callee}")),
                )
                .attribute(
                    "operandSegmentSizes",
                    Attribute::i32_array(session, &[count, 0]),
                ),
        );
    }
}

/// A value as a tensor, which alone can be printed.
fn as_tensor<'m>(module: &'m Module<'_>, before: &Inserter<'m>, value: Value<'m>) -> Value<'m> {
    let mut value = value;
    if value.r#type().is_tensor() {
        return value;
    }
    if value.r#type().is_index() {
        let wide = Type::integer(module.session(), 64);
        value = before.value(
            before
                .start("arith.index_cast")
                .operands(&[value])
                .results(&[wide]),
        );
    }
    match Type::tensor(&[], value.r#type()) {
        Some(tensor) => before.value(
            before
                .start("tensor.from_elements")
                .operands(&[value])
                .results(&[tensor]),
        ),
        None => value,
    }
}

/// Makes a copy of an outlined function one that can be called from outside,
/// and has it give the floats behind its integers as well.
fn expose<'m>(module: &'m Module<'_>, function: Op<'m>) -> Option<Subgraph> {
    let name = function.symbol_name()?;
    let role = role_attribute(function)?.to_string();
    let entry = format!("{ENTRY}{name}");
    function.set_attribute("sym_name", Attribute::string(module.session(), &entry));
    for attribute in ["sym_visibility", "noinline", ROLE] {
        function.remove_attribute(attribute);
    }
    let (own, chosen_from) = add_logits(module, function)?;
    let (arguments, results) = ports(function)?;
    Some(Subgraph {
        name,
        entry,
        role,
        arguments,
        results,
        own,
        chosen_from,
        arithmetic: arithmetic::of(function),
    })
}

/// Adds the floats behind its integer results to what a function returns. Gives
/// the number of results before, and for each of these which one it was chosen
/// from.
pub(super) fn add_logits<'m>(
    module: &'m Module<'_>,
    function: Op<'m>,
) -> Option<(usize, Vec<Option<usize>>)> {
    let terminator = function.blocks().first()?.terminator()?;
    let mut returned = terminator.operands().into_vec();
    let own = returned.len();
    let mut chosen_from = Vec::new();
    for index in 0..own {
        let value = returned[index];
        let element: Type<'m> = value.r#type().element();
        let floats = if element.is_integer() {
            logits::behind(module, value)
        } else {
            Vec::new()
        };
        let mut first = None;
        for each in floats {
            let at = returned.iter().position(|known| *known == each);
            let at = at.unwrap_or_else(|| {
                returned.push(each);
                returned.len() - 1
            });
            first = first.or(Some(at));
        }
        chosen_from.push(first);
    }
    terminator.set_operands(&returned);
    set_function_type(module, function);
    Some((own, chosen_from))
}

/// Copies the public functions of `alone` under other names, and what they read
/// that is not there yet.
fn adopt_without_drafts(module: &Module<'_>, alone: &Module<'_>, greedy: &mut BTreeSet<String>) {
    let present: BTreeSet<String> = module
        .body()
        .ops()
        .into_iter()
        .filter_map(Op::symbol_name)
        .collect();
    for op in alone.body().ops() {
        let Some(name) = op.symbol_name() else {
            continue;
        };
        if is_function(op) && op.is_public() {
            let name = format!("{GREEDY}{name}");
            op.set_attribute("sym_name", Attribute::string(module.session(), &name));
            module.adopt(op);
            greedy.insert(name);
        } else if !is_function(op) && !present.contains(&name) {
            module.adopt(op);
        }
    }
}

/// Roles would keep IREE from seeing that two dispatches are one.
fn remove_roles(module: &Module<'_>) {
    module.op().walk(&mut |op| {
        op.remove_attribute(ROLE);
        Walk::Into
    });
}

/// The rows of the smallest table of floats that integers index.
fn vocabulary(module: &Module<'_>) -> Option<u64> {
    let mut rows: Option<u64> = None;
    module.op().walk(&mut |op| {
        if op.is("tensor.extract")
            && let Some(table) = op.operand(0).map(|value| value.r#type())
            && table.element().is_float()
            && let Some(shape) = table.shape()
            && let [Some(count), Some(_)] = shape[..]
            && let Ok(count) = u64::try_from(count)
        {
            rows = Some(rows.map_or(count, |rows| rows.min(count)));
        }
        Walk::Into
    });
    rows
}

fn weights(module: &Module<'_>) -> BTreeSet<Weight> {
    let masks = mask_globals(module, &outer_ops(module));
    let globals = module.body().ops().into_iter().filter_map(Global::of);
    globals
        .filter_map(|global| {
            let parameter = global.parameter()?;
            let port = Port::of(global.r#type()?);
            Some(Weight {
                scope: parameter.scope,
                key: parameter.key,
                shape: port.shape.into_iter().collect::<Option<_>>()?,
                element: port.element,
                is_mask: masks.contains(global.name()),
            })
        })
        .collect()
}
