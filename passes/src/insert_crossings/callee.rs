//! The inside of an outlined function: buffers or scalars at its border,
//! tensors within.

use dialects::Module;
use dialects::affinity::on_device;
use dialects::hal::Inserter;
use dialects::ir::Op;

use super::home::{Form, Home};
use crate::signature::set_function_type;

/// Gives an outlined function buffers in place of tensors: views of its
/// arguments, views of results that stay on its device, and one more argument
/// for every buffer that it is to write into. What crosses as scalars enters
/// and leaves so; of several the first takes the tensor's place among the
/// arguments, and the others follow behind all of them.
pub fn rewrite<'m>(
    module: &'m Module<'m>,
    function: Op<'m>,
    symbol: &str,
    forms: &[Form],
    homes: &[Home],
) {
    let device = on_device(module, symbol);
    let Some(body) = function.blocks().first().copied() else {
        return;
    };
    let Some(terminator) = body.terminator() else {
        return;
    };
    let begin = Inserter::before(module, body.ops()[0]);
    let end = Inserter::before(module, terminator);
    let mut given = Vec::new();
    for (position, argument) in body.arguments().into_iter().enumerate() {
        let tensor = argument.r#type();
        if !tensor.is_tensor() {
            given.push(argument);
            continue;
        }
        let uses = argument.uses();
        let within = match forms.get(position).unwrap_or(&Form::View) {
            Form::Scalars => {
                let scalar = tensor.element();
                argument.set_type(scalar);
                let mut elements = vec![argument];
                for _ in 1..tensor.element_count().unwrap_or_default() {
                    elements.push(body.add_argument(scalar, function.location()));
                }
                given.extend(&elements);
                begin.from_elements(device, &elements, tensor)
            }
            form => {
                argument.set_type(begin.view_type());
                let lender = match form {
                    Form::Lent(lender) => on_device(module, lender),
                    _ => device,
                };
                let imported = begin.import(lender, argument, tensor);
                given.push(imported);
                match form {
                    Form::Lent(_) => begin.transfer(device, imported),
                    _ => imported,
                }
            }
        };
        for each in uses {
            each.op.set_operand(each.index, within);
        }
    }
    let mut left = Vec::new();
    let mut written = Vec::new();
    for (value, home) in terminator.operands().into_iter().zip(homes) {
        if *home == Home::Scalars {
            left.extend(end.extract_all(value));
        } else if home.is_written_by(symbol) {
            let buffer = body.add_argument(end.buffer_type(), function.location());
            written.push(end.alias(device, value, buffer));
        } else {
            left.push(end.export(device, value));
        }
    }
    if !written.is_empty() {
        end.wait_for(device, &written, "a crossing could not be written");
    }
    // IPO also forgets an argument that nothing uses, such as the condition
    // of a choice between what turns out to be one value.
    end.keep_intact(&given);
    terminator.set_operands(&end.keep_apart(&left));
    set_function_type(module, function);
}
