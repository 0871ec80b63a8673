//! Finds the operation on which Torch's lowering crashes: each is lowered by
//! itself, in a process of its own.

use std::collections::{HashMap, HashSet};

use dialects::build::OpBuilder;
use dialects::ir::{Attribute, Op, Type, Value, Walk};
use dialects::vocabulary::FUNC;
use dialects::{Diagnostic, Module, OwnedModule};

use super::blame::{is_carrier, next_step};
use crate::settings::Trial;

/// The first operation on which `pipeline` crashes, if one does by itself.
pub(super) fn culprit(module: &Module<'_>, pipeline: &str, trial: Trial) -> Option<Diagnostic> {
    let mut ops = Vec::new();
    module.op().walk(&mut |op| {
        // What ends a block cannot stand in another.
        let ends = op.next_in_block().is_none();
        if op.is_of(&["torch"]) && !is_carrier(op.name()) && !op.has_body() && !ends {
            ops.push(op);
        }
        Walk::Into
    });
    let mut tried = HashSet::new();
    let found = ops.into_iter().find(|op| {
        let Some(mut alone) = alone(module, *op) else {
            return false;
        };
        tried.insert(alone.to_text())
            && trial(&mut || {
                // What it says does not matter: it did not crash.
                let _ = alone.lend().run_pipeline(pipeline);
            }) == Some(true)
    })?;
    Some(
        Diagnostic::error(format!(
            "IREE's Torch lowering crashes on '{}'",
            found.name()
        ))
        .at(found.location().place())
        .offending(found.summary())
        .help(next_step(found.name())),
    )
}

/// A module with one function that does what `op` does. Constants are in it, other
/// operands are arguments.
fn alone<'s>(module: &Module<'s>, op: Op<'_>) -> Option<OwnedModule<'s>> {
    let empty = OwnedModule::from_source(module.session(), b"module {}").ok()?;
    build(&empty, op)?;
    Some(empty)
}

fn build<'m>(module: &'m Module<'_>, op: Op<'m>) -> Option<()> {
    let (session, location) = (module.session(), op.location());
    let mut needed = Needed::default();
    needed.by(op);
    let inputs: Vec<Type<'_>> = needed.arguments.iter().map(|each| each.r#type()).collect();
    let outputs: Vec<Type<'_>> = op.results().iter().map(|each| each.r#type()).collect();
    let function = OpBuilder::new(FUNC, location)
        .attribute("sym_name", Attribute::string(session, "alone"))
        .attribute(
            "function_type",
            Attribute::of_type(Type::function(session, &inputs, &outputs)),
        )
        .regions(1)
        .build();
    module.body().append(function);
    let arguments: Vec<_> = inputs.into_iter().map(|each| (each, location)).collect();
    let block = function.regions().next()?.append_block(&arguments);
    let mut values: HashMap<Value<'_>, Value<'_>> = needed
        .arguments
        .into_iter()
        .zip(block.arguments())
        .collect();
    let mut results = Vec::new();
    for original in needed.ops {
        let copy = original.duplicate();
        let operands: Option<Vec<Value<'_>>> = original
            .operands()
            .into_iter()
            .map(|each| values.get(&each).copied())
            .collect();
        copy.set_operands(&operands?);
        block.append(copy);
        results = copy.results().into_iter().collect();
        values.extend(original.results().into_iter().zip(copy.results()));
    }
    block.append(
        OpBuilder::new("func.return", location)
            .operands(&results)
            .build(),
    );
    Some(())
}

/// What an operation needs to stand alone.
#[derive(Default)]
struct Needed<'m> {
    /// The constants before it, and it, in order.
    ops: Vec<Op<'m>>,
    /// Its other operands.
    arguments: Vec<Value<'m>>,
}

impl<'m> Needed<'m> {
    fn by(&mut self, op: Op<'m>) {
        /// What is still to be done, the next last.
        enum Step<'m> {
            Operand(Value<'m>),
            Push(Op<'m>),
        }
        let operands = |op: Op<'m>| op.operands().into_iter().rev().map(Step::Operand);
        let mut steps = vec![Step::Push(op)];
        steps.extend(operands(op));
        while let Some(step) = steps.pop() {
            match step {
                Step::Operand(operand) => {
                    let constant = operand.defining_op().filter(|op| is_constant(*op));
                    match constant {
                        Some(constant) if self.ops.contains(&constant) => {}
                        Some(constant) => {
                            steps.push(Step::Push(constant));
                            steps.extend(operands(constant));
                        }
                        None if self.arguments.contains(&operand) => {}
                        None => self.arguments.push(operand),
                    }
                }
                Step::Push(op) => self.ops.push(op),
            }
        }
    }
}

/// Constants, and what only gathers or renames values, which Torch's lowering
/// looks through.
fn is_constant(op: Op<'_>) -> bool {
    op.is_of(&["torch"]) && is_carrier(op.name()) || op.is("torch.derefine")
}
