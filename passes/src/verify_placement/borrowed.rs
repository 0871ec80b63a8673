//! Finds writes into buffers that a function only borrowed.
//!
//! Up to 3.13, IREE's ElideAsyncCopies drops the copy that protects an
//! imported buffer when it sees no later reader in the function, although the
//! caller may have one. The tokens are then right or wrong by luck.

use std::collections::HashMap;

use dialects::{Diagnostic, Module, Op, Value};

use super::resources::{is_resource, sources};

/// The access bit that says "writes" in `resource_accesses`.
const WRITES: i64 = 2;

/// One violation for every operation that writes into an import that it does
/// not own (one without `consume`).
pub fn writes_into_borrowed(stream: &Module<'_>) -> Vec<Diagnostic> {
    let mut violations = Vec::new();
    for execute in stream.op().nested() {
        if !execute.is("stream.cmd.execute") {
            continue;
        }
        let captured: HashMap<Value, Value> = execute
            .blocks()
            .into_iter()
            .flat_map(|block| block.arguments())
            .filter(|argument| is_resource(*argument))
            .zip(
                execute
                    .operands()
                    .into_iter()
                    .filter(|value| is_resource(*value)),
            )
            .collect();
        for op in execute.nested() {
            for written in written_by(op) {
                let Some(outside) = captured.get(&written) else {
                    continue;
                };
                if sources(*outside).into_iter().any(is_borrowed) {
                    violations.push(
                        Diagnostic::error(
                            "IREE writes into a buffer that the function only borrowed",
                        )
                        .at(op.location().place())
                        .offending(op.summary())
                        .help(
                            "the caller may still read it; specplace guards every import by \
                             util.optimization_barrier, which must not be removed",
                        ),
                    );
                }
            }
        }
    }
    violations
}

/// The resources that an operation of a command buffer writes.
fn written_by(op: Op<'_>) -> Vec<Value<'_>> {
    let resources: Vec<Value> = op
        .operands()
        .into_iter()
        .filter(|value| is_resource(*value))
        .collect();
    match op.name() {
        "stream.cmd.dispatch" => {
            let accesses = op
                .attribute("resource_accesses")
                .map(|accesses| accesses.elements())
                .unwrap_or_default();
            resources
                .into_iter()
                .zip(accesses)
                .filter(|(_, access)| access.as_integer().is_some_and(|bits| bits & WRITES != 0))
                .map(|(resource, _)| resource)
                .collect()
        }
        "stream.cmd.copy" => resources.get(1).copied().into_iter().collect(),
        "stream.cmd.fill" => resources.first().copied().into_iter().collect(),
        _ => Vec::new(),
    }
}

fn is_borrowed(value: Value<'_>) -> bool {
    value
        .defining_op()
        .is_some_and(|op| op.is("stream.tensor.import") && op.attribute("consume").is_none())
}

#[cfg(test)]
mod tests {
    use dialects::OwnedModule;

    use super::*;

    /// A function that fills 8 bytes of what it imports `how` and `op` says.
    fn violations(how: &str, op: &str) -> Vec<Diagnostic> {
        let session = iree::session();
        let text = format!(
            "util.func private @f(%v: !hal.buffer) -> !stream.timepoint {{
               %c0 = arith.constant 0 : index
               %c8 = arith.constant 8 : index
               %zero = arith.constant 0 : i8
               %x = stream.tensor.import {how} %v : !hal.buffer -> tensor<2xi32> in !stream.resource<external>{{%c8}}
               %y, %ready = stream.resource.alloca uninitialized : !stream.resource<external>{{%c8}} => !stream.timepoint
               %done = stream.cmd.execute await(%ready) => with(%x as %a: !stream.resource<external>{{%c8}}, %y as %b: !stream.resource<external>{{%c8}}) {{
                 {op}
               }} => !stream.timepoint
               util.return %done : !stream.timepoint
             }}"
        );
        let module = match OwnedModule::from_source(&session, text.as_bytes()) {
            Ok(module) => module,
            Err(diagnostics) => panic!("{diagnostics:?}"),
        };
        writes_into_borrowed(&module)
    }

    const FILL: &str =
        "stream.cmd.fill %zero, %a[%c0 for %c8] : i8 -> !stream.resource<external>{%c8}";
    const COPY_OUT: &str = "stream.cmd.copy %a[%c0], %b[%c0], %c8 : !stream.resource<external>{%c8} -> !stream.resource<external>{%c8}";

    #[test]
    fn a_write_into_an_import_is_found() {
        assert_eq!(violations("", FILL).len(), 1);
    }

    #[test]
    fn what_was_handed_over_may_be_written() {
        assert!(violations("consume", FILL).is_empty());
    }

    #[test]
    fn reading_an_import_is_fine() {
        assert!(violations("", COPY_OUT).is_empty());
    }
}
