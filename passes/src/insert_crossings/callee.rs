//! The inside of an outlined function: buffers at its border, tensors within.

use dialects::Module;
use dialects::hal::Inserter;
use dialects::ir::{Attribute, Op, Type, Value};

use super::Home;

/// Gives an outlined function buffers in place of tensors: views of its
/// arguments, views of results that stay on its device, and one more argument
/// for every buffer that it is to write into.
pub fn rewrite<'m>(
    module: &'m Module<'m>,
    function: Op<'m>,
    device: Attribute<'m>,
    homes: &[Home],
) {
    let Some(body) = function.blocks().first().copied() else {
        return;
    };
    let Some(terminator) = body.terminator() else {
        return;
    };
    let begin = Inserter::before(module, body.ops()[0]);
    let end = Inserter::before(module, terminator);
    let mut borrowed = Vec::new();
    for argument in body.arguments() {
        let tensor = argument.r#type();
        if !tensor.is_tensor() {
            continue;
        }
        argument.set_type(begin.view_type());
        let uses = argument.uses();
        let imported = begin.import(device, argument, tensor);
        borrowed.push(imported);
        for each in uses {
            each.op.set_operand(each.index, imported);
        }
    }
    let mut views = Vec::new();
    let mut written = Vec::new();
    for (value, home) in terminator.operands().into_iter().zip(homes) {
        match home {
            Home::Local(_) => views.push(end.export(device, value)),
            Home::Shared { .. } => {
                let buffer = body.add_argument(end.buffer_type(), function.location());
                written.push(end.alias(device, value, buffer));
            }
        }
    }
    if !written.is_empty() {
        end.wait_for(device, &written, "a crossing could not be written");
    }
    end.keep_intact(&borrowed);
    terminator.set_operands(&end.keep_apart(&views));
    set_function_type(module, function);
}

/// Brings a function's type in line with its body.
fn set_function_type(module: &Module<'_>, function: Op<'_>) {
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
