//! `outline-subgraphs`: moves each subgraph into a function of its own.
//!
//! Within a block, operations of one role, or stage, are gathered into convex groups (no
//! path leaves a group and comes back), each group becomes a private function
//! that is never inlined, and functions that are the same are merged: the four
//! drafts of an unrolled step become four calls of one function. Constants,
//! weights and what is computed from them alone are copied into every group
//! that reads them. Scalars and control flow stay where they are.
//!
//! Left behind: `func.func private @drafter_0(…) attributes {noinline,
//! specplace.role = "drafter"}` and calls on tensors. IREE honours an affinity
//! only on a function that it does not inline.

mod group;
mod merge;
#[cfg(test)]
mod tests;

use cost::Partition;
use dialects::build::OpBuilder;
use dialects::ir::{Attribute, Block, Few, Op, Type, Value, Walk};
use dialects::ops::{Call, GlobalLoad};
use dialects::vocabulary::{FUNC, ROLE};
use dialects::{Diagnostic, Module};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::dead::erase_dead_operations;
use crate::effects::Order;
use crate::roles::{Roles, role_attribute};
use crate::settings::Handover;
use crate::structure::{Free, Reads, captures, functions, is_groupable, placed_blocks, reads};
use crate::symbols::Symbols;
use group::{Colour, Node, schedule};

/// Runs the pass.
///
/// # Errors
///
/// None on IR that passed `identify-roles`; a dependency cycle would be a bug
/// in specplace, and is reported as one.
pub fn run(module: &mut Module<'_>, handover: Handover) -> Result<(), Vec<Diagnostic>> {
    {
        let module: &Module<'_> = module;
        let mut outliner = Outliner::new(module);
        for function in functions(module) {
            if is_outlined(function) {
                continue;
            }
            outliner.captures = captures(function);
            for block in placed_blocks(function) {
                outliner.block(block)?;
            }
        }
        if handover == Handover::Buffers {
            merge::merge_identical(module);
        }
    }
    erase_dead_operations(module);
    Ok(())
}

/// Whether `function` was made by this pass.
pub fn is_outlined(function: Op<'_>) -> bool {
    function.is(FUNC)
        && !function.is_public()
        && function.attribute("noinline").is_some()
        && role_attribute(function).is_some()
}

/// A private function that is never inlined, `role`'s if it is anybody's, with an
/// empty body that takes `inputs`.
pub fn private_function<'m>(
    module: &'m Module<'_>,
    name: &str,
    inputs: &[Type<'m>],
    results: &[Type<'m>],
    role: Option<Partition>,
) -> Block<'m> {
    let session = module.session();
    let location = module.op().location();
    let mut builder = OpBuilder::new(FUNC, location)
        .attribute("sym_name", Attribute::string(session, name))
        .attribute(
            "function_type",
            Attribute::of_type(Type::function(session, inputs, results)),
        )
        .attribute("sym_visibility", Attribute::string(session, "private"))
        .attribute("noinline", Attribute::unit(session))
        .regions(1);
    if let Some(role) = role {
        builder = builder.attribute(ROLE, Attribute::string(session, &role.to_string()));
    }
    let function = builder.build();
    module.body().append(function);
    let arguments: Vec<_> = inputs.iter().map(|each| (*each, location)).collect();
    function
        .regions()
        .next()
        .expect("built with one region")
        .append_block(&arguments)
}

struct Outliner<'m> {
    module: &'m Module<'m>,
    free: Free<'m>,
    /// What control flow captures. Whether it comes from the block in which it
    /// stands is all that is asked, and nothing of a block is rewritten before.
    captures: FxHashMap<Op<'m>, Few<Value<'m>>>,
    /// Copies of constants that control flow reads: they belong to control.
    materialised: FxHashSet<Op<'m>>,
    symbols: Symbols,
    roles: Roles<'m>,
}

impl<'m> Outliner<'m> {
    fn new(module: &'m Module<'_>) -> Self {
        let module: &'m Module<'m> = module;
        Self {
            module,
            free: Free::new(module),
            captures: FxHashMap::default(),
            materialised: FxHashSet::default(),
            symbols: Symbols::of(module),
            roles: Roles::default(),
        }
    }

    fn block(&mut self, block: Block<'m>) -> Result<(), Vec<Diagnostic>> {
        self.materialise(block);
        let Some(terminator) = block.terminator() else {
            return Ok(());
        };
        let (nodes, free) = self.nodes(block, terminator);
        let Some(order) = schedule(&nodes) else {
            return Err(vec![
                Diagnostic::error("operations of one block depend on each other in a circle")
                    .at(terminator.location().place())
                    .help("this is a bug in specplace: please report it with the input"),
            ]);
        };
        // Whatever belongs to nobody comes first, so that every group and
        // every operation that stays finds it defined.
        for op in free {
            op.move_before(terminator);
        }
        let mut returned: FxHashMap<Value, Value> = FxHashMap::default();
        for (colour, members) in order {
            let ops: Vec<Op> = members.iter().map(|index| nodes[*index].op).collect();
            match colour {
                Colour::Stays => {
                    for op in ops {
                        op.move_before(terminator);
                    }
                }
                Colour::Of(role) => {
                    let now = |value: &Value<'m>| *returned.get(value).unwrap_or(value);
                    let reads: Vec<Reads> = members
                        .iter()
                        .map(|index| &nodes[*index].reads)
                        .map(|before| Reads {
                            values: before.values.iter().map(now).collect(),
                            ..*before
                        })
                        .collect();
                    returned.extend(self.outline(block, role, &ops, &reads, terminator));
                }
            }
        }
        Ok(())
    }

    /// Gives each tensor that belongs to nobody, but that an operation which
    /// stays reads, to control: it must exist at run time to be handed on.
    fn materialise(&mut self, block: Block<'m>) {
        let mut copies: FxHashMap<Value<'m>, Value<'m>> = FxHashMap::default();
        for op in block.ops() {
            if self.free.is_free(op) || self.is_grouped(op) {
                continue;
            }
            for (index, operand) in op.operands().into_iter().enumerate() {
                if !operand.r#type().is_tensor() || !self.free.is_free_value(operand) {
                    continue;
                }
                let Some(source) = operand.defining_op() else {
                    continue;
                };
                let copy = *copies.entry(operand).or_insert_with(|| {
                    let copy = source.duplicate();
                    op.insert_before(copy);
                    self.materialised.insert(copy);
                    copy.results()[operand.result_index().unwrap_or_default()]
                });
                op.set_operand(index, copy);
            }
        }
    }

    fn is_grouped(&mut self, op: Op<'m>) -> bool {
        self.materialised.contains(&op) || is_groupable(op) && !self.free.is_free(op)
    }

    /// What has to be scheduled in a block, without its terminator, and what
    /// belongs to nobody.
    fn nodes(&mut self, block: Block<'m>, terminator: Op<'m>) -> (Vec<Node<'m>>, Vec<Op<'m>>) {
        let mut nodes: Vec<Node> = Vec::new();
        let mut free = Vec::new();
        for op in block.ops() {
            if op == terminator {
                continue;
            }
            let colour = if self.is_grouped(op) {
                Colour::Of(self.roles.of(op).unwrap_or(Partition::CONTROL))
            } else if self.free.is_free(op) {
                free.push(op);
                continue;
            } else {
                Colour::Stays
            };
            let reads = match self.captures.get(&op) {
                None => reads(op),
                Some(captured) => Reads {
                    values: op.operands().into_iter().chain(captured.clone()).collect(),
                    captures: !captured.is_empty(),
                },
            };
            nodes.push(Node {
                op,
                colour,
                reads,
                needs: Vec::new(),
            });
        }
        let index: FxHashMap<Op, usize> = nodes
            .iter()
            .enumerate()
            .map(|(at, node)| (node.op, at))
            .collect();
        let mut order = Order::default();
        for (at, node) in nodes.iter_mut().enumerate() {
            node.needs = node
                .reads
                .values
                .iter()
                .filter_map(|value| index.get(&value.defining_op()?).copied())
                .collect();
            // Whether it stays or joins a group: effects keep their order.
            let effect = self.free.effect(node.op);
            node.needs.extend(order.before(at, &effect));
            node.needs.sort_unstable();
            node.needs.dedup();
        }
        (nodes, free)
    }

    /// Moves `ops`, which read what `reads` has for each, into a function and
    /// calls it at the end of `block`. Says which results of the call stand for
    /// which values there.
    fn outline(
        &mut self,
        block: Block<'m>,
        role: Partition,
        ops: &[Op<'m>],
        reads: &[Reads<'m>],
        terminator: Op<'m>,
    ) -> Vec<(Value<'m>, Value<'m>)> {
        let inside: FxHashSet<Op> = ops.iter().copied().collect();
        let (arguments, results) = self.interface(block, ops, reads, &inside);
        let location = ops[0].location();
        let session = self.module.session();
        let argument_types: Vec<Type> = arguments.iter().map(|value| value.r#type()).collect();
        let result_types: Vec<Type> = results.iter().map(|value| value.r#type()).collect();
        let name = self.symbols.fresh(role, "");
        let function = OpBuilder::new(FUNC, location)
            .attribute("sym_name", Attribute::string(session, &name))
            .attribute(
                "function_type",
                Attribute::of_type(Type::function(session, &argument_types, &result_types)),
            )
            .attribute("sym_visibility", Attribute::string(session, "private"))
            .attribute("noinline", Attribute::unit(session))
            .attribute(ROLE, Attribute::string(session, &role.to_string()))
            .regions(1)
            .build();
        self.module.body().append(function);
        let locations: Vec<_> = argument_types
            .iter()
            .map(|each| (*each, location))
            .collect();
        let body = function
            .regions()
            .next()
            .expect("built with one region")
            .append_block(&locations);

        let call = Call::builder(session, location, &name, &arguments, &result_types).build();
        terminator.insert_before(call);

        let mut within: FxHashMap<Value, Value> =
            arguments.iter().copied().zip(body.arguments()).collect();
        for (op, reads) in ops.iter().zip(reads) {
            for value in &reads.values {
                self.copy_free(*value, body, &mut within);
            }
            op.detach();
            body.append(*op);
            op.remove_attribute(ROLE);
            remap(*op, reads.captures, &within);
        }
        let returned: Vec<_> = results.iter().copied().zip(call.results()).collect();
        for (value, result) in &returned {
            for each in value.uses() {
                if !stands_in(each.op, body, block) {
                    each.op.set_operand(each.index, *result);
                }
            }
        }
        body.append(
            OpBuilder::new("func.return", location)
                .operands(&results)
                .build(),
        );
        returned
    }

    /// What a group reads from outside, and what of it is read outside.
    fn interface(
        &mut self,
        block: Block<'m>,
        ops: &[Op<'m>],
        reads: &[Reads<'m>],
        inside: &FxHashSet<Op<'m>>,
    ) -> (Vec<Value<'m>>, Vec<Value<'m>>) {
        let mut arguments: Vec<Value> = Vec::new();
        let mut seen: FxHashSet<Value> = FxHashSet::default();
        let mut results = Vec::new();
        for (op, reads) in ops.iter().zip(reads) {
            for value in reads.values.iter().copied() {
                let produced = value.defining_op().is_some_and(|op| inside.contains(&op));
                if !produced && !self.is_copied(value) && seen.insert(value) {
                    arguments.push(value);
                }
            }
            results.extend(op.results().into_iter().filter(|result| {
                result.uses().into_iter().any(|each| {
                    each.op
                        .ancestor_in(block)
                        .is_none_or(|user| !inside.contains(&user))
                })
            }));
        }
        (arguments, results)
    }

    /// Whether a group gets its own copy of `value`.
    fn is_copied(&mut self, value: Value<'m>) -> bool {
        value
            .defining_op()
            .is_some_and(|op| !self.materialised.contains(&op) && self.free.is_free(op))
    }

    /// Copies the operation behind `value`, and what it reads, into `body`.
    fn copy_free(
        &mut self,
        value: Value<'m>,
        body: Block<'m>,
        within: &mut FxHashMap<Value<'m>, Value<'m>>,
    ) {
        /// What is still to be done, the next last: chains of operations may be long.
        enum Step<'m> {
            Value(Value<'m>),
            Copy(Op<'m>, bool),
        }
        let mut steps = vec![Step::Value(value)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Value(value) => {
                    if !within.contains_key(&value)
                        && self.is_copied(value)
                        && let Some(op) = value.defining_op()
                    {
                        let reads = reads(op);
                        steps.push(Step::Copy(op, reads.captures));
                        steps.extend(reads.values.into_iter().rev().map(Step::Value));
                    }
                }
                Step::Copy(op, captures) => {
                    let copy = op.duplicate();
                    body.append(copy);
                    copy.remove_attribute(ROLE);
                    remap(copy, captures, within);
                    within.extend(op.results().into_iter().zip(copy.results()));
                }
            }
        }
    }
}

/// Whether `op`, which stands in one of two blocks at some depth, does so in the
/// first.
fn stands_in<'m>(mut op: Op<'m>, first: Block<'m>, second: Block<'m>) -> bool {
    loop {
        match op.block() {
            Some(block) if block == first => return true,
            Some(block) if block != second => {}
            _ => return false,
        }
        match op.parent() {
            Some(holder) => op = holder,
            None => return false,
        }
    }
}

/// Replaces what `op` and, if they capture anything, its regions read, as
/// `within` says.
fn remap<'m>(op: Op<'m>, captures: bool, within: &FxHashMap<Value<'m>, Value<'m>>) {
    op.walk(&mut |nested| {
        for (index, operand) in nested.operands().into_iter().enumerate() {
            if let Some(replacement) = within.get(&operand) {
                nested.set_operand(index, *replacement);
            }
        }
        // Bodies are long, and hardly any captures.
        if captures { Walk::Into } else { Walk::Over }
    });
}

/// The globals that a function reads, each once, in order.
pub fn globals_read(function: Op<'_>) -> Vec<String> {
    let mut seen = FxHashSet::default();
    function
        .nested()
        .into_iter()
        .filter_map(|op| GlobalLoad::of(op)?.global())
        .filter(|name| seen.insert(*name))
        .map(str::to_owned)
        .collect()
}
