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
use dialects::ops::GlobalLoad;
use dialects::vocabulary::DRAFT_LENGTH;
use dialects::{Diagnostic, Module};
use rustc_hash::FxHashSet;

use crate::dead::{erase_dead_globals, erase_dead_operations};
use crate::effects::Effects;
use crate::roles::role_attribute;
use crate::select_mapping::DraftLength;
use crate::structure::{Inherited, functions, global, outer_ops, placed_ops};
use constant::Constants;

/// Runs the pass.
///
/// # Errors
///
/// A global with the draft
/// length's name that holds no integers, which only IR by hand has; at γ = 0, a
/// result of the drafter of a type that has no zero.
pub fn run(module: &mut Module<'_>, length: DraftLength) -> Result<(), Vec<Diagnostic>> {
    let DraftLength { gamma, form } = length;
    let module: &Module<'_> = module;
    let drafter_goes = gamma == 0 && !matches!(form, DraftLengthForm::Absent);
    if !fold_loads(module, gamma)? && !drafter_goes {
        return Ok(());
    }
    if drafter_goes {
        remove_idle_drafting(module);
        remove_drafter(module)?;
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
    let loads = outer_ops(module).into_iter().filter_map(GlobalLoad::of);
    let loads = loads.filter(|load| load.global() == Some(DRAFT_LENGTH));
    let loads: Vec<Op> = loads.map(GlobalLoad::op).collect();
    for op in loads {
        let Some(result) = op.result(0) else {
            continue;
        };
        let r#type = result.r#type();
        let integers = r#type.is_tensor() && r#type.element().is_integer();
        let folded = integers.then(|| constant(module, op, r#type, gamma.into()));
        let Some(value) = folded.flatten() else {
            return Err(vec![
                Diagnostic::error(format!(
                    "the draft length is no tensor of integers of static shape but {type}"
                ))
                .at(op.location().place())
                .offending(op.summary())
                .help(format!(
                    "@{DRAFT_LENGTH} is specplace's own name: give this global another"
                )),
            ]);
        };
        fold_scalars(module, result, gamma);
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
            && let Some(scalar) = constant(module, op, result.r#type(), gamma.into())
        {
            result.replace_all_uses_with(scalar);
            op.erase();
        }
    }
}

/// A constant before `op`: a scalar, or a tensor with one value throughout.
/// `None` of a type that has no such constant.
fn constant<'m>(
    module: &'m Module<'_>,
    op: Op<'m>,
    r#type: Type<'m>,
    value: i64,
) -> Option<Value<'m>> {
    let module: &'m Module<'m> = module;
    let attribute = Attribute::constant(r#type, value)?;
    let inserter = Inserter::before(module, op);
    Some(
        inserter.value(
            inserter
                .start("arith.constant")
                .attribute("value", attribute)
                .results(&[r#type]),
        ),
    )
}

/// Removes drafting loops whose condition is false from the start. A loop with
/// something of the target in it stays, whatever its condition: the plan has it.
fn remove_idle_drafting(module: &Module<'_>) {
    let mut effects = Effects::new(module);
    for function in functions(module) {
        // One that goes can let another be known to be idle: from the first to
        // the last, and again where what holds one was looked at before it.
        while remove_idle_in(function, &mut effects) {}
    }
}

/// Removes those of a function, from the first to the last; says whether one of
/// them stood in another operation.
fn remove_idle_in<'m>(function: Op<'m>, effects: &mut Effects<'m>) -> bool {
    let mut nested = false;
    let drafts = holders_of(function, Role::Drafter);
    let verifies = holders_of(function, Role::Target);
    let loops = placed_ops(function).filter(|op| op.is("scf.while"));
    for op in loops.filter(|op| drafts.contains(op) && !verifies.contains(op)) {
        // What an idle loop holds has gone with it.
        if !op.is_in_module() {
            continue;
        }
        let Some(values) = values_of_idle_loop(effects, op) else {
            continue;
        };
        nested |= op.parent() != Some(function);
        for (result, value) in op.results().into_iter().zip(values) {
            result.replace_all_uses_with(value);
        }
        op.erase();
    }
    nested
}

/// The operations of a function in which something of a role stands.
fn holders_of<'m>(function: Op<'m>, role: Role) -> FxHashSet<Op<'m>> {
    let mut holders = FxHashSet::default();
    let of = |op: &Op| role_attribute(*op).is_some_and(|part| part.role == role);
    for op in placed_ops(function).filter(of) {
        let mut next = op.parent();
        // Who holds the holder is known where the holder is.
        while let Some(holder) = next.filter(|holder| holders.insert(*holder)) {
            next = holder.parent();
        }
    }
    holders
}

/// What an `scf.while` that never runs its body results in; `None` if it may.
fn values_of_idle_loop<'m>(effects: &mut Effects<'m>, op: Op<'m>) -> Option<Vec<Value<'m>>> {
    let before = *op.blocks().first()?;
    let condition = before.terminator()?;
    // What is computed before the condition must leave no trace of its own.
    let mut ops = before.ops().into_iter();
    if !ops.all(|op| effects.of(op).leaves_no_trace()) {
        return None;
    }
    let mut constants = Constants::default();
    for (argument, entering) in before.arguments().into_iter().zip(op.operands()) {
        if let Some(bits) = constants.bits(entering) {
            constants.assume(argument, bits);
        }
    }
    let operands = condition.operands();
    let (first, passed) = operands.split_first()?;
    if constants.bits(*first)? != 0 {
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
fn remove_drafter(module: &Module<'_>) -> Result<(), Vec<Diagnostic>> {
    // Whether something that holds an operation is the drafter's.
    let mut held = Inherited::new(false, |holder, outer| outer || is_drafter(holder));
    for function in functions(module) {
        for op in placed_ops(function).filter(|op| is_drafter(*op)) {
            for result in op.results() {
                let mut leaves = result.uses();
                leaves.retain(|each| !is_drafter(each.op) && !held.around(each.op));
                if leaves.is_empty() {
                    continue;
                }
                let r#type = result.r#type();
                let Some(value) = constant(module, op, r#type, 0) else {
                    return Err(vec![
                        Diagnostic::error(format!(
                            "without the drafter nothing can stand for its result of type {type}"
                        ))
                        .at(op.location().place())
                        .offending(op.summary())
                        .help("draft at least one token: --gamma 1"),
                    ]);
                };
                for each in leaves {
                    each.op.set_operand(each.index, value);
                }
            }
        }
    }
    Ok(())
}

fn is_drafter(op: Op<'_>) -> bool {
    role_attribute(op).is_some_and(|part| part.role == Role::Drafter)
}
