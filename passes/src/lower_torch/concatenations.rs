//! Concatenations whose shapes are known, although Torch's lowering forgets
//! them.

use dialects::Module;
use dialects::build::OpBuilder;
use dialects::ir::{Op, Type, Value};

use crate::structure::outer_ops;

/// Gives concatenations the shapes of what they join. Torch's lowering casts
/// the parts of `torch.roll` to `?`, and MLIR's canonical form takes no cast out
/// of a `tensor.concat`. Says whether any shape was found, with which the module
/// has a simpler canonical form.
pub fn find_shapes(module: &Module<'_>) -> bool {
    let mut found = false;
    for op in outer_ops(module) {
        if !op.is("tensor.concat") {
            continue;
        }
        for (at, part) in op.operands().into_iter().enumerate() {
            if let Some(known) = before_cast(part) {
                op.set_operand(at, known);
                found = true;
            }
        }
        let Some(result) = op.result(0) else { continue };
        let forgotten = result.r#type();
        if let Some(known) = joined(op)
            && known != forgotten
        {
            result.set_type(known);
            let cast = OpBuilder::new("tensor.cast", op.location())
                .operands(&[result])
                .results(&[forgotten])
                .build();
            op.insert_after(cast);
            for each in result.uses() {
                if let Some(forgetful) = cast.result(0).filter(|_| each.op != cast) {
                    each.op.set_operand(each.index, forgetful);
                }
            }
            found = true;
        }
    }
    found
}

/// What a cast was given, if it forgot a part of its shape.
fn before_cast(value: Value<'_>) -> Option<Value<'_>> {
    let cast = value.defining_op().filter(|op| op.is("tensor.cast"))?;
    let known = cast.operand(0)?;
    (known.r#type().element_count().is_some() && value.r#type().element_count().is_none())
        .then_some(known)
}

/// The type of a concatenation of parts whose shapes are known.
fn joined(op: Op<'_>) -> Option<Type<'_>> {
    let along = usize::try_from(op.attribute("dim")?.as_integer()?).ok()?;
    let parts = op.operands();
    let first = parts.first()?.r#type();
    let mut shape = first.shape()?;
    let mut length = 0i64;
    for part in &parts {
        length = length.checked_add((*part.r#type().shape()?.get(along)?)?)?;
    }
    *shape.get_mut(along)? = Some(length);
    shape.iter().all(Option::is_some).then_some(())?;
    Type::tensor(&shape, first.element())
}
