//! The types of functions.

use dialects::Module;
use dialects::ir::{Attribute, Op, Type, Value};

/// Brings a function's type in line with its body.
pub fn set_function_type(module: &Module<'_>, function: Op<'_>) {
    let Some(body) = function.blocks().first().copied() else {
        return;
    };
    let inputs: Vec<Type> = body.arguments().into_iter().map(Value::r#type).collect();
    let results: Vec<Type> = body
        .terminator()
        .map(|op| op.operands().into_iter().map(Value::r#type).collect())
        .unwrap_or_default();
    function.set_attribute(
        "function_type",
        Attribute::of_type(Type::function(module.session(), &inputs, &results)),
    );
}
