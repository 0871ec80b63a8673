//! `fold-draft-length`: makes the planned draft length a constant.
//!
//! An open draft length (the global that `resolve-markers` left) becomes a
//! constant of the same type wherever it is read. At γ = 0 the drafter goes:
//! drafting loops that then never run are removed, and where drafts are
//! unrolled, each token of the drafter gives way to token 0. Verification
//! makes any draft harmless, as long as it is in the vocabulary: one outside
//! would index the target's embedding out of bounds, and one that is accepted
//! by chance was the right token. Nothing then reads the drafter's weights.

mod constant;

use cost::Role;
use cost::workload::DraftLengthForm;
use dialects::hal::Inserter;
use dialects::ir::{Attribute, Op, Type, Value};
use dialects::vocabulary::{DRAFT_LENGTH, GLOBAL_LOAD};
use dialects::{Diagnostic, Module};

use crate::dead::{erase_dead_globals, erase_dead_operations};
use crate::identify_roles::role_attribute;
use crate::settings::Context;
use crate::structure::{functions, global, is_pure, outer_ops, placed_ops};

/// Runs the pass.
///
/// # Errors
///
/// No plan yet (`select-mapping` did not run); a global with the draft
/// length's name that holds no integers, which only IR by hand has.
pub fn run(module: &mut Module<'_>, context: &mut Context) -> Result<(), Vec<Diagnostic>> {
    let Some(plan) = &context.plan else {
        return Err(vec![
            Diagnostic::error("no draft length to fold: select-mapping did not run")
                .help("run the passes in order: --pass …,select-mapping,fold-draft-length"),
        ]);
    };
    let module: &Module<'_> = module;
    let drafter_goes = plan.gamma == 0 && !matches!(plan.draft_length, DraftLengthForm::Absent);
    if !fold_loads(module, plan.gamma)? && !drafter_goes {
        return Ok(());
    }
    if drafter_goes {
        remove_idle_loops(module);
        remove_drafter(module);
    }
    erase_dead_operations(module);
    erase_dead_globals(module);
    Ok(())
}

/// Says whether there was an open draft length.
fn fold_loads(module: &Module<'_>, gamma: u32) -> Result<bool, Vec<Diagnostic>> {
    if global(module, DRAFT_LENGTH).is_none() {
        return Ok(false);
    }
    // Looked up before anything is erased: a scalar read is erased with the
    // load that it reads, and must not be met again.
    let loads: Vec<Op> = outer_ops(module)
        .into_iter()
        .filter(|op| {
            op.is(GLOBAL_LOAD)
                && op
                    .attribute("global")
                    .and_then(|each| each.as_symbol())
                    .as_deref()
                    == Some(DRAFT_LENGTH)
        })
        .collect();
    for op in loads {
        let Some(result) = op.result(0) else {
            continue;
        };
        let r#type = result.r#type();
        if !r#type.is_tensor() || !r#type.element().is_integer() {
            return Err(vec![
                Diagnostic::error(format!(
                    "the draft length is no tensor of integers but {type}"
                ))
                .at(op.location().place())
                .offending(op.summary())
                .help(format!(
                    "@{DRAFT_LENGTH} is specplace's own name: give this global another"
                )),
            ]);
        }
        fold_scalars(module, result, gamma);
        let value = splat(module, op, r#type, &gamma.to_string());
        result.replace_all_uses_with(value);
        op.erase();
    }
    Ok(true)
}

/// A scalar read of the draft length is a constant too. Left as a read, the
/// tensor would have to exist at run time, and be waited for in every round.
fn fold_scalars(module: &Module<'_>, length: Value<'_>, gamma: u32) {
    for op in length.uses().into_iter().map(|each| each.op) {
        if op.is("tensor.extract")
            && let Some(result) = op.result(0)
            && let Some(attribute) =
                Attribute::parse(module.session(), &format!("{gamma} : {}", result.r#type()))
        {
            let inserter = Inserter::before(module, op);
            let scalar = inserter.value(
                inserter
                    .start("arith.constant")
                    .attribute("value", attribute)
                    .results(&[result.r#type()]),
            );
            result.replace_all_uses_with(scalar);
            op.erase();
        }
    }
}

/// A constant of a tensor type, with one value throughout, before `op`.
fn splat<'m>(module: &'m Module<'_>, op: Op<'m>, r#type: Type<'m>, value: &str) -> Value<'m> {
    let module: &'m Module<'m> = module;
    let attribute = Attribute::parse(module.session(), &format!("dense<{value}> : {type}"))
        .expect("a number is a splat of any numeric tensor");
    let inserter = Inserter::before(module, op);
    inserter.value(
        inserter
            .start("arith.constant")
            .attribute("value", attribute)
            .results(&[r#type]),
    )
}

/// Removes loops whose condition is false from the start.
fn remove_idle_loops(module: &Module<'_>) {
    for function in functions(module) {
        // Outside in: what an idle loop holds goes with it.
        loop {
            let idle = placed_ops(function).find_map(|op| Some((op, values_of_idle_loop(op)?)));
            let Some((op, values)) = idle else {
                break;
            };
            for (result, value) in op.results().into_iter().zip(values) {
                result.replace_all_uses_with(value);
            }
            op.erase();
        }
    }
}

/// What an `scf.while` that never runs its body results in; `None` if it may.
fn values_of_idle_loop<'m>(op: Op<'m>) -> Option<Vec<Value<'m>>> {
    if !op.is("scf.while") {
        return None;
    }
    let before = *op.blocks().first()?;
    let condition = before.terminator()?;
    // What is computed before the condition must leave no trace of its own.
    let traceless = |op: &Op| *op == condition || is_pure(*op);
    if !before.ops().iter().all(traceless) {
        return None;
    }
    let known = before
        .arguments()
        .into_iter()
        .zip(op.operands())
        .filter_map(|(argument, entering)| Some((argument, constant::evaluate(entering)?)))
        .collect();
    let operands = condition.operands();
    let (first, passed) = operands.split_first()?;
    if constant::evaluate_in(*first, &known)? != 0 {
        return None;
    }
    let entering = |value: Value<'m>| match value.block_argument() {
        Some((block, index)) if block == before => op.operand(index),
        _ if value.block() == Some(before) => None,
        _ => Some(value),
    };
    passed.iter().map(|value| entering(*value)).collect()
}

/// Gives every value that leaves the drafter a fixed one instead.
fn remove_drafter(module: &Module<'_>) {
    for function in functions(module) {
        for op in placed_ops(function) {
            if !is_drafter(op) {
                continue;
            }
            for result in op.results() {
                let leaves = result
                    .uses()
                    .into_iter()
                    .filter(|each| !belongs_to_drafter(each.op))
                    .collect::<Vec<_>>();
                if leaves.is_empty() {
                    continue;
                }
                let zero = if result.r#type().element().is_float() {
                    "0.0"
                } else {
                    "0"
                };
                let value = splat(module, op, result.r#type(), zero);
                for each in leaves {
                    each.op.set_operand(each.index, value);
                }
            }
        }
    }
}

/// Whether the operation, or one whose region it stands in, is the drafter's.
fn belongs_to_drafter(op: Op<'_>) -> bool {
    std::iter::successors(Some(op), |op| op.parent()).any(is_drafter)
}

fn is_drafter(op: Op<'_>) -> bool {
    role_attribute(op).is_some_and(|part| part.role == Role::Drafter)
}
