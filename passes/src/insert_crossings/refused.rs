//! What the pass refuses.

use dialects::Diagnostic;
use dialects::ir::{Op, Type};

use crate::roles::role_attribute;
use crate::structure::{placed, placed_ops};

/// Refuses what computes a model's tensor where only control flow and scalars
/// should be left.
///
/// # Errors
///
/// An operation of a model outside any subgraph's function.
pub fn not_outlined(callers: &[Op<'_>]) -> Result<(), Vec<Diagnostic>> {
    let mut ops = callers.iter().flat_map(|caller| placed_ops(*caller));
    let makes_tensors = |op: &Op<'_>| {
        op.results()
            .iter()
            .any(|result| result.r#type().is_tensor())
    };
    match ops.find(|op| role_attribute(*op).is_some() && makes_tensors(op)) {
        None => Ok(()),
        Some(op) => Err(vec![
            Diagnostic::error("an operation of a model is in no function of its own")
                .at(op.location().place())
                .offending(op.summary())
                .help("run the passes in order: --pass …,outline-subgraphs,insert-crossings"),
        ]),
    }
}

/// Refuses what buffers cannot be made for.
///
/// # Errors
///
/// Unstructured control flow; tensors without a static shape, without elements,
/// or of `index`; at most three.
pub fn unsupported(callers: &[Op<'_>]) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    for function in callers {
        let unstructured = function
            .regions()
            .any(|region| region.blocks().nth(1).is_some());
        if unstructured {
            errors.push(
                Diagnostic::error("the function has unstructured control flow (cf)")
                    .at(function.location().place())
                    .offending(function.summary())
                    .help("give specplace the module with scf control flow, as it is exported"),
            );
        }
        for (block, ops) in placed(*function) {
            let results = ops.into_iter().flat_map(Op::results);
            for value in results.chain(block.arguments()) {
                let r#type = value.r#type();
                if let Some((why, help)) = unfit(r#type) {
                    let op = value.defining_op().unwrap_or(*function);
                    errors.push(
                        Diagnostic::error(format!("{type} passes between subgraphs, but {why}"))
                            .at(op.location().place())
                            .offending(op.summary())
                            .help(help),
                    );
                }
            }
        }
    }
    errors.truncate(3);
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// Why a tensor of this type fits into no buffer, and what to do about it.
fn unfit(r#type: Type<'_>) -> Option<(&'static str, &'static str)> {
    if !r#type.is_tensor() {
        return None;
    }
    if r#type.element().is_index() {
        return Some((
            "what its elements are in memory is up to each device",
            "cast it to i64 where it is made, and back where it is read",
        ));
    }
    match r#type.byte_count() {
        Some(0) => Some((
            "holds nothing",
            "leave it out: IREE forgets tensors without elements, and the calls that pass them \
             do not fit any more",
        )),
        Some(_) => None,
        None => Some((
            "its size in bytes is not known",
            "export the module with static shapes (a fixed sequence length): buffers of crossings \
             are allocated before their contents are known",
        )),
    }
}
