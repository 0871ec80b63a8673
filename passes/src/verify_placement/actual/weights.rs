//! Weights in IREE's stream phase: where parameters are loaded to, and inline
//! constants lie.

use std::collections::BTreeMap;

use dialects::affinity;
use dialects::ir::Value;
use dialects::ops::{GlobalStore, Parameter};
use dialects::{Diagnostic, Op};

use super::Checker;
use crate::verify_placement::resource_names;
use crate::verify_placement::resources::*;

impl<'m> Checker<'_, 'm> {
    /// Initializers load weights. They have no device of their own: what they
    /// load is compared where it is used.
    pub(super) fn read_initializer(&mut self, initializer: Op<'m>) {
        for op in initializer.nested() {
            self.check_affinity(op, None, "an initializer");
            if op.is("stream.cmd.parameter.load") {
                self.read_parameters(op);
            } else if op.is("util.buffer.constant") {
                self.read_constant(op);
            } else if let Some(store) = GlobalStore::of(op) {
                if let (Some(global), Some(value)) = (store.global(), store.value())
                    && is_resource(value)
                {
                    let devices = origins(value);
                    let stored = self.stored.entry(global.to_owned()).or_default();
                    stored.extend(devices);
                }
            } else if op.is("stream.cmd.dispatch") {
                // Constants computed at load time: legal on any device, and
                // compared, like all globals, with the device of their users.
                if let Some(actual) = execution_device(op) {
                    self.count_dispatch(op, &actual, Some(&actual), None);
                }
            }
        }
    }

    pub(super) fn read_parameters(&mut self, load: Op<'m>) {
        let Some(device) = affinity::of_operation(load) else {
            return; // already reported
        };
        // Operands: an optional scope, then one key, offset and size for
        // every result.
        let operands = load.operands();
        let results = load
            .results()
            .iter()
            .filter(|each| is_resource(**each))
            .count();
        let has_scope = segment(load, 0) == Some(1);
        let first = usize::from(has_scope);
        let scope = has_scope
            .then(|| operands.first().copied().and_then(buffer_text))
            .flatten()
            .unwrap_or_default();
        for index in 0..results {
            let Some(key) = operands.get(first + index).copied().and_then(buffer_text) else {
                self.violate(
                    Diagnostic::error("a parameter is loaded whose name is not a constant")
                        .offending(load.summary()),
                );
                continue;
            };
            let size = operands
                .get(first + 2 * results + index)
                .copied()
                .and_then(Value::as_count);
            let parameter = Parameter {
                scope: scope.clone(),
                key,
            };
            let size = size.unwrap_or_else(|| {
                self.remarks.push(Diagnostic::remark(format!(
                    "the size of the parameter {parameter} is no constant: sums of bytes leave it out"
                )));
                0
            });
            let (devices, bytes) = self.parameters.entry(parameter).or_default();
            devices.insert(device.clone());
            *bytes = (*bytes).max(size);
            if let Some(found) = self.uses.get_mut(&device) {
                found.parameters += 1;
                found.parameter_bytes += size;
            }
        }
    }

    /// Inline constants are packed into one buffer for each device.
    fn read_constant(&mut self, constant: Op<'m>) {
        let Some(value) = constant.attribute("value") else {
            return;
        };
        let names = resource_names(value);
        let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
        for result in constant.results() {
            for each in result.uses() {
                let mapped =
                    each.op.is("stream.resource.try_map") || each.op.is("stream.file.constant");
                let device = affinity::of_operation(each.op);
                if let (true, Some(device)) = (mapped, device) {
                    // Mapped, or else read from a file: one copy, not two.
                    let size = each
                        .op
                        .operands()
                        .into_iter()
                        .filter_map(Value::as_count)
                        .max()
                        .unwrap_or(0);
                    sizes.insert(device, size);
                }
            }
        }
        for (device, size) in sizes {
            for name in &names {
                self.constants
                    .entry(name.clone())
                    .or_default()
                    .insert(device.clone());
            }
            if let Some(found) = self.uses.get_mut(&device) {
                found.constant_bytes += size;
            }
        }
    }
}
