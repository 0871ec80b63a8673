//! Copies of weights that IREE makes when the module is loaded.
//!
//! What depends on no input is computed once, in initializers: rotary tables,
//! masks, `1 + w` of a norm. That is meant, and small. A matrix that is widened
//! or transposed there lies in memory twice, which no plan counts; unless the module
//! asks for it in an initializer of its own.

use dialects::{Block, Diagnostic, Op, Value};

use super::Checker;
use crate::hoisting::{GENERALIZE, OPTION, SMALL};
use crate::verify_placement::resources::*;

/// Copies of so many bytes together are worth a word …
const WORTH_NAMING: u64 = 64 << 10;

/// … if they are at least this share of the weights on their device. A single
/// copy counts from the same share of the weight on.
const SHARE: u64 = 16;

impl<'m> Checker<'_, 'm> {
    /// Counts what a dispatch of an initializer makes of weights.
    pub(super) fn read_copy(&mut self, dispatch: Op<'m>, device: &str, executable: &str) {
        let mut outer = dispatch.parent();
        while let Some(op) = outer.filter(|op| !op.is("stream.cmd.execute")) {
            outer = op.parent();
        }
        let Some(execute) = outer else {
            return;
        };
        let outside: Vec<Value> = execute
            .operands()
            .into_iter()
            .filter(|each| is_resource(*each))
            .collect();
        let inside = execute.blocks().into_iter().flat_map(Block::arguments);
        let inside: Vec<Value> = inside.filter(|each| is_resource(*each)).collect();
        let read: u64 = dispatch
            .operands()
            .into_iter()
            .filter_map(|operand| {
                let index = inside.iter().position(|each| *each == operand)?;
                weight_bytes(*outside.get(index)?)
            })
            .filter(|bytes| *bytes >= SMALL)
            .sum();
        let written = self.written_by(executable);
        if read > 0 && written.saturating_mul(SHARE) >= read {
            let copies = self.copies.entry(device.to_owned()).or_default();
            *copies += written;
        }
    }

    /// The bytes that an executable writes.
    fn written_by(&self, executable: &str) -> u64 {
        let mut bodies = self.module.blocks().into_iter().flat_map(Block::ops);
        let Some(body) = bodies.find(|op| op.is("stream.executable") && op.is_symbol(executable))
        else {
            return 0;
        };
        body.nested()
            .into_iter()
            .filter(|op| op.is("stream.binding.subspan"))
            .filter_map(|op| {
                let text = op.result(0)?.r#type().to_string();
                let (access, tensor) = text.split_once(":tensor<")?;
                if !access.ends_with("writeonly") && !access.ends_with("readwrite") {
                    return None;
                }
                let tensor = format!("tensor<{}", tensor.strip_suffix('>')?);
                self.stream.parse_type(&tensor)?.byte_count()
            })
            .sum()
    }

    /// No device holds copies of its weights.
    pub(super) fn check_copies(&mut self) {
        let copies = std::mem::take(&mut self.copies);
        for (device, computed) in copies {
            let asked_for = self.expectation.initialized.get(&device);
            let copies = computed.saturating_sub(asked_for.copied().unwrap_or(0));
            let weights = self
                .uses
                .get(&device)
                .map_or(0, |found| found.parameter_bytes);
            if copies >= WORTH_NAMING && copies.saturating_mul(SHARE) >= weights {
                self.violate(
                    Diagnostic::error(format!(
                        "IREE keeps {copies} bytes on @{device} that it computes of weights when the module \
                         is loaded, beside {weights} bytes of weights"
                    ))
                    .help(format!(
                        "compile with what specplace writes into OUT.flags: {GENERALIZE}, so that products read \
                         transposed weights as they lie, and where weights would be widened a lower bound, {OPTION}"
                    )),
                );
            }
        }
    }
}

/// The bytes of the parameter that a resource is.
fn weight_bytes(resource: Value<'_>) -> Option<u64> {
    sources(resource).into_iter().find_map(|source| {
        let load = source
            .defining_op()
            .filter(|op| op.is("stream.cmd.parameter.load"))?;
        let results = load
            .results()
            .into_iter()
            .filter(|each| is_resource(*each))
            .count();
        let first = usize::from(segment(load, 0) == Some(1));
        load.operand(first + 2 * results + source.result_index()?)?
            .as_count()
    })
}
