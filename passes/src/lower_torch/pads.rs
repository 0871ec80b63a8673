//! Pads that add at one end and take off at the other.

use dialects::Module;
use dialects::hal::Inserter;
use dialects::ir::{Attribute, Op, Value};

use crate::resolve_markers::torch::{constant_integer, constant_string, shape_and_dtype};
use crate::structure::outer_ops;

/// Takes off by slices, and then adds, where one pad does both. MLIR's `tensor.pad`, which
/// it would become, folds to what is padded if the result is as large
/// (`PadOp::fold`, IREE 3.13), so that a shift by one, such as RWKV's
/// `ZeroPad2d((0, 0, 1, -1))`, was none.
pub fn split(module: &Module<'_>) {
    for op in outer_ops(module) {
        let pads = op.is("torch.aten.constant_pad_nd")
            || op.is("torch.aten.pad")
                && op.operand(2).and_then(constant_string).as_deref() == Some("constant");
        if pads && let Some((source, list)) = parts(module, op) {
            op.set_operand(0, source);
            op.set_operand(1, list);
        }
    }
}

/// What `op` is to pad, with off it what it takes off, and what it then adds; `None` if it
/// does not do both, or is not known statically, which is left to Torch's lowering.
fn parts<'m>(module: &'m Module<'_>, op: Op<'m>) -> Option<(Value<'m>, Value<'m>)> {
    let given = op.operand(1)?;
    let list = given.defining_op()?;
    let ends = list.operands();
    let numbers: Vec<i64> = ends
        .iter()
        .map(|value| constant_integer(*value))
        .collect::<Option<_>>()?;
    let takes = |number: &i64| *number < 0;
    let adds = |number: &i64| *number > 0;
    let does_both = numbers.iter().any(takes) && numbers.iter().any(adds);
    if !list.is("torch.prim.ListConstruct") || !does_both {
        return None;
    }
    let int = ends.first()?.r#type();
    let inserter = Inserter::before(module, op);
    let number = |number: i64| -> Value<'m> {
        let value = Attribute::i64(module.session(), number);
        let constant = inserter.start("torch.constant.int");
        inserter.value(constant.attribute("value", value).results(&[int]))
    };

    let mut source = op.operand(0)?;
    let text = source.r#type().to_string();
    let (shape, dtype) = shape_and_dtype(&text)?;
    let sizes = shape.split(',').map(|size| size.trim().parse().ok());
    let mut sizes: Vec<i64> = sizes.collect::<Option<_>>()?;
    let rank = sizes.len();
    // The last dimension comes first, and its lower end.
    for (behind, ends) in numbers.chunks(2).enumerate() {
        let [low, high] = ends else { return None };
        let (low, high) = ((*low).min(0), (*high).min(0));
        if (low, high) == (0, 0) {
            continue;
        }
        let dimension = rank.checked_sub(behind + 1)?;
        let size = sizes.get_mut(dimension)?;
        let (start, end) = (-low, size.checked_add(high)?);
        *size = end.checked_sub(start).filter(|size| *size > 0)?;
        let dimension = i64::try_from(dimension).ok()?;
        let operands = [
            source,
            number(dimension),
            number(start),
            number(end),
            number(1),
        ];
        let slice = inserter
            .start("torch.aten.slice.Tensor")
            .operands(&operands);
        let each: Vec<String> = sizes.iter().map(i64::to_string).collect();
        let r#type = format!("!torch.vtensor<[{}],{dtype}>", each.join(","));
        source = inserter.value(slice.results(&[module.parse_type(&r#type)?]));
    }
    let added: Vec<Value> = numbers.iter().map(|each| number((*each).max(0))).collect();
    let construct = inserter.start("torch.prim.ListConstruct").operands(&added);
    Some((source, inserter.value(construct.results(&[given.r#type()]))))
}
