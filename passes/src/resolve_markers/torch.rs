//! What Torch's values stand for.

use dialects::Module;
use dialects::ir::{Type, Value};

/// The text of a Torch constant.
pub fn constant_string(value: Value<'_>) -> Option<String> {
    let op = value.defining_op()?;
    op.is("torch.constant.str")
        .then(|| op.string_attribute("value"))?
}

/// The number of a Torch constant.
pub fn constant_integer(value: Value<'_>) -> Option<i64> {
    let op = value.defining_op()?;
    op.is("torch.constant.int")
        .then(|| op.attribute("value")?.as_integer())?
}

/// What stands in the text of a `!torch.vtensor`: its sizes, with commas between them, and
/// what it holds. `None` for any other type, and where rank or dtype are unknown.
pub fn shape_and_dtype(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("!torch.vtensor<[")?.strip_suffix('>')?;
    inner.split_once("],")
}

/// The builtin tensor that stands for a `!torch.vtensor`, or the type itself
/// where it already is one. `None` where rank or dtype are unknown.
pub fn builtin_tensor<'m>(module: &'m Module<'_>, r#type: Type<'m>) -> Option<Type<'m>> {
    if r#type.is_tensor() {
        return Some(r#type);
    }
    let text = r#type.to_string();
    let (shape, dtype) = shape_and_dtype(&text)?;
    let mut builtin = String::from("tensor<");
    for size in shape.split(',').filter(|size| !size.is_empty()) {
        builtin.push_str(size.trim());
        builtin.push('x');
    }
    // Torch's signed and unsigned integers are signless outside of it.
    let dtype = dtype.trim();
    let signless = dtype
        .strip_prefix("si")
        .or_else(|| dtype.strip_prefix("ui"))
        .map(|width| format!("i{width}"));
    builtin.push_str(signless.as_deref().unwrap_or(dtype));
    builtin.push('>');
    module.parse_type(&builtin)
}
