//! `insert-crossings`: passes buffers between subgraphs instead of tensors.
//!
//! IREE's IPO pass (`util-ipo`) can merge tensor arguments and timepoints of
//! functions that are not inlined, and so race; and no tensor can be handed
//! from a CPU to a GPU (`flow.tensor.transfer` fails to compile or to run). So
//! every tensor that flows between outlined functions, through control flow
//! too, becomes a `!hal.buffer_view`. One that stays on a device is exported
//! and imported there, which copies nothing. One that other devices read is
//! written by its producer straight into a buffer that all of them can use
//! (owned by the device that cannot map the others' memory), and the producer
//! waits for the write. Where no device can map another's memory, the host
//! copies from a buffer of the one into a buffer of the other. Such a buffer is allocated once per call of the module
//! where its value does not outlive a round of the loop that it is made in.
//!
//! All values that control flow hands on as one another (see
//! [`crate::structure::carried`]) are kept in the same kind of buffer, and so
//! are the results of all calls of one function.
//!
//! What is imported is kept intact by a use at the end of the function: up to
//! 3.13, IREE's ElideAsyncCopies takes the last reader of an import for its
//! owner and lets it write in place, over a buffer that others still read.
//!
//! Where the IREE that is installed takes no buffers (3.6), tensors stay, and
//! what would go wrong with them is refused ([`tensors`]).
//!
//! A value that one call passes twice goes through
//! `util.optimization_barrier`, since IPO forgets an argument otherwise; so
//! does every result, which IPO would merge with an equal one or with the
//! argument that it is.

mod buffers;
mod callee;
mod classes;
mod tensors;
mod widths;

use std::collections::{HashMap, HashSet};

use cost::Partition;
use dialects::hal::Inserter;
use dialects::ir::{Attribute, Few, Op, Type, Value};
use dialects::{Diagnostic, Module};

use crate::identify_roles::role_attribute;
use crate::outline_subgraphs::is_outlined;
use crate::placement::{Placement, affinity};
use crate::settings::{Context, Handover};
use crate::structure::{functions, is_control_flow, is_pure, placed_blocks};
use buffers::Buffers;
use classes::Classes;

/// Runs the pass.
///
/// # Errors
///
/// No placement yet (`select-mapping` did not run); a tensor without a static
/// shape that passes between subgraphs; control flow that is not structured
/// (`cf`) and hands tensors on.
pub fn run(module: &mut Module<'_>, context: &mut Context) -> Result<(), Vec<Diagnostic>> {
    let Some(placement) = context.placement.clone() else {
        return Err(vec![
            Diagnostic::error("no placement to apply: select-mapping did not run")
                .help("run the passes in order: --pass …,select-mapping,…,insert-crossings"),
        ]);
    };
    let module: &Module<'_> = module;
    let callers: Vec<Op> = functions(module)
        .into_iter()
        .filter(|function| !is_outlined(*function))
        .collect();
    if context.settings.handover == Handover::Tensors {
        return tensors::check(&callers, &placement);
    }
    let errors = unsupported(&callers);
    if !errors.is_empty() {
        return Err(errors);
    }
    let classes = Classes::new(module, &placement, &callers);
    Rewriter::new(module, &placement, classes).rewrite(&callers);
    Ok(())
}

fn unsupported(callers: &[Op<'_>]) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for function in callers {
        let unstructured = function
            .regions()
            .any(|region| region.blocks().nth(1).is_some());
        if unstructured {
            errors.push(
                Diagnostic::error("the function has unstructured control flow (cf)")
                    .at(function.location().place())
                    .offending(function.summary())
                    .help("give specplace the module with scf control flow, as it is exported"),
            );
        }
        for block in placed_blocks(*function) {
            let results = block.ops().into_iter().flat_map(Op::results);
            for value in results.chain(block.arguments()) {
                let r#type = value.r#type();
                if r#type.is_tensor() && r#type.byte_count().is_none() {
                    let op = value.defining_op().unwrap_or(*function);
                    errors.push(
                        Diagnostic::error(format!(
                            "{type} passes between subgraphs, but its size in bytes is not known"
                        ))
                        .at(op.location().place())
                        .offending(op.summary())
                        .help(
                            "export the module with static shapes (a fixed sequence length): \
                             buffers of crossings are allocated before their contents are known",
                        ),
                    );
                }
            }
        }
    }
    errors.truncate(3);
    errors
}

/// Where the value of a class lives at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// On one device, as IREE allocates it there.
    Local(String),
    /// In a buffer of `owner` that several devices use.
    Shared {
        /// The device that allocates it.
        owner: String,
        /// The device on which control reads it.
        reader: String,
    },
}

impl Home {
    /// The device on which an operation of control imports the value.
    fn reader(&self) -> &str {
        match self {
            Home::Local(device) => device,
            Home::Shared { reader, .. } => reader,
        }
    }
}

struct Rewriter<'m, 'p> {
    module: &'m Module<'m>,
    placement: &'p Placement,
    classes: Classes<'m>,
    outlined: HashMap<String, Op<'m>>,
    /// Tensor types of the results that a function had, by its name.
    result_types: HashMap<String, Vec<Type<'m>>>,
    /// Where each result of a function goes, by its name.
    result_homes: HashMap<String, Vec<Home>>,
    buffers: Buffers<'m, 'p>,
    /// The start of the function that is being rewritten.
    entry: Option<Inserter<'m>>,
    /// Calls to erase at the end: an operation built meanwhile could take the
    /// address of an erased one, and be taken for it.
    replaced: Vec<Op<'m>>,
}

impl<'m, 'p> Rewriter<'m, 'p> {
    fn new(module: &'m Module<'_>, placement: &'p Placement, classes: Classes<'m>) -> Self {
        let module: &'m Module<'m> = module;
        Self {
            module,
            placement,
            classes,
            outlined: functions(module)
                .into_iter()
                .filter(|function| is_outlined(*function))
                .filter_map(|function| Some((function.symbol_name()?, function)))
                .collect(),
            result_types: HashMap::new(),
            result_homes: HashMap::new(),
            buffers: Buffers::new(module, placement),
            entry: None,
            replaced: Vec::new(),
        }
    }

    fn rewrite(&mut self, callers: &[Op<'m>]) {
        self.note_results(callers);
        let names: Vec<String> = self.result_homes.keys().cloned().collect();
        for name in names {
            let function = self.outlined[&name];
            let role = role_attribute(function).unwrap_or(Partition::CONTROL);
            let device = affinity(self.module, self.placement.symbol_of(role));
            callee::rewrite(self.module, function, device, &self.result_homes[&name]);
        }
        for function in callers {
            self.rewrite_caller(*function);
        }
        for call in self.replaced.drain(..) {
            call.erase();
        }
        for function in callers {
            widths::even_out(self.module, *function);
        }
    }

    /// Looks up where results of calls go while values still have their types.
    fn note_results(&mut self, callers: &[Op<'m>]) {
        for function in callers {
            for block in placed_blocks(*function) {
                for op in block.ops() {
                    let Some(name) = self.callee(op) else {
                        continue;
                    };
                    let homes = op
                        .results()
                        .into_iter()
                        .filter_map(|result| self.classes.lookup(result))
                        .map(|(home, _)| home.clone())
                        .collect();
                    let types = op.results().into_iter().map(Value::r#type).collect();
                    self.result_homes.entry(name.clone()).or_insert(homes);
                    self.result_types.entry(name).or_insert(types);
                }
            }
        }
    }

    /// The outlined function that `op` calls.
    fn callee(&self, op: Op<'m>) -> Option<String> {
        if !op.is("func.call") {
            return None;
        }
        let name = op.attribute("callee")?.as_symbol()?;
        self.outlined.contains_key(&name).then_some(name)
    }

    fn rewrite_caller(&mut self, function: Op<'m>) {
        let entry = function.blocks().first().copied();
        let blocks = placed_blocks(function);
        for block in &blocks {
            let arguments = block.arguments();
            let handed_on = block
                .ops()
                .into_iter()
                .filter(|op| is_control_flow(*op))
                .flat_map(Op::results);
            let inner = if Some(*block) == entry {
                Few::new()
            } else {
                arguments.clone()
            };
            for value in handed_on.chain(inner) {
                if value.r#type().is_tensor() {
                    value.set_type(view_type(self.module));
                }
            }
            if Some(*block) == entry {
                for argument in arguments {
                    if argument.r#type().is_tensor() {
                        self.admit_argument(argument, block.ops()[0]);
                    }
                }
            }
        }
        self.entry = entry.map(|entry| Inserter::before(self.module, entry.ops()[0]));
        for block in blocks {
            for op in block.ops() {
                self.rewrite_op(op);
            }
        }
    }

    /// Turns a tensor that enters from outside into a buffer of its home.
    fn admit_argument(&mut self, tensor: Value<'m>, first: Op<'m>) {
        let uses = tensor.uses();
        if uses.is_empty() {
            return;
        }
        let inserter = Inserter::before(self.module, first);
        let view = self.admit(tensor, &inserter);
        self.classes.alias(tensor, view);
        for each in uses {
            each.op.set_operand(each.index, view);
        }
    }

    fn admit(&mut self, tensor: Value<'m>, inserter: &Inserter<'m>) -> Value<'m> {
        let Some((home, r#type)) = self.classes.lookup(tensor) else {
            return tensor;
        };
        let home = home.clone();
        let control = self.placement.symbol_of(Partition::CONTROL);
        let view = inserter.export(affinity(self.module, control), tensor);
        let Home::Shared { owner, .. } = home else {
            return view;
        };
        let writes_itself = self.placement.reaches(&owner, control);
        let own = if writes_itself { &owner } else { control };
        let buffer = self.buffers.allocate(inserter, own, r#type);
        self.buffers.write(inserter, view, buffer, r#type);
        let written = inserter.view_of(buffer, r#type);
        if writes_itself {
            return written;
        }
        self.carry(inserter, inserter, written, &owner, r#type)
    }

    /// A copy of `view` in a buffer of `device`, allocated at `place` and
    /// filled by the host at `inserter`.
    fn carry(
        &mut self,
        inserter: &Inserter<'m>,
        place: &Inserter<'m>,
        view: Value<'m>,
        device: &str,
        r#type: Type<'m>,
    ) -> Value<'m> {
        let buffer = self.buffers.allocate(place, device, r#type);
        self.buffers.copy_on_host(inserter, view, buffer, r#type);
        place.view_of(buffer, r#type)
    }

    /// What `device` reads in place of `view`: the view itself where it can
    /// reach the buffer, otherwise a copy of its own.
    fn within_reach(
        &mut self,
        inserter: &Inserter<'m>,
        view: Value<'m>,
        device: &str,
    ) -> Value<'m> {
        let Some((Home::Shared { owner, .. }, r#type)) = self.classes.lookup(view) else {
            return view;
        };
        if self.placement.reaches(owner, device) {
            return view;
        }
        // Read at once by the operation that it is made for.
        let place = self.entry.unwrap_or(*inserter);
        self.carry(inserter, &place, view, device, r#type)
    }

    fn rewrite_op(&mut self, op: Op<'m>) {
        if let Some(name) = self.callee(op) {
            self.rewrite_call(op, &name);
            return;
        }
        if is_control_flow(op) || hands_on(op) {
            return;
        }
        // Whatever else reads or makes a tensor stays as it is, between an
        // import and an export.
        for (index, operand) in op.operands().into_iter().enumerate() {
            if let Some((home, tensor)) = self.classes.lookup(operand)
                && !operand.r#type().is_tensor()
            {
                let reader = home.reader().to_owned();
                let device = affinity(self.module, &reader);
                set_device(op, device);
                let inserter = Inserter::before(self.module, op);
                let view = self.within_reach(&inserter, operand, &reader);
                let imported = inserter.import(device, view, tensor);
                op.set_operand(index, imported);
            }
        }
        for result in op.results() {
            // What IREE's ABI hands from its barrier to its export is whole
            // already.
            let stays = result.uses().into_iter().all(|each| is_abi(each.op));
            if result.r#type().is_tensor() && !is_pure(op) && !stays {
                let control = affinity(self.module, self.placement.symbol_of(Partition::CONTROL));
                set_device(op, control);
                let uses = result.uses();
                if let Some(next) = next_op(op) {
                    let inserter = Inserter::before(self.module, next);
                    let view = self.admit(result, &inserter);
                    self.classes.alias(result, view);
                    for each in uses {
                        each.op.set_operand(each.index, view);
                    }
                }
            }
        }
    }

    fn rewrite_call(&mut self, call: Op<'m>, name: &str) {
        let inserter = Inserter::before(self.module, call);
        let role = role_attribute(self.outlined[name]).unwrap_or(Partition::CONTROL);
        let device = self.placement.symbol_of(role);
        let mut operands = Vec::new();
        let mut passed: HashSet<Attribute> = HashSet::new();
        let mut seen: HashSet<Value> = HashSet::new();
        for operand in call.operands() {
            let constant = operand
                .defining_op()
                .filter(|op| op.is("arith.constant"))
                .and_then(|op| op.attribute("value"));
            let repeated =
                !seen.insert(operand) || constant.is_some_and(|constant| !passed.insert(constant));
            let operand = self.within_reach(&inserter, operand, device);
            if repeated {
                operands.extend(inserter.keep_apart(&[operand]));
            } else {
                operands.push(operand);
            }
        }
        let homes = self.result_homes[name].clone();
        let types = self.result_types[name].clone();
        // The view of each shared result, and where it has to go yet.
        let mut shared = Vec::new();
        for ((home, r#type), result) in homes.iter().zip(&types).zip(call.results()) {
            let Home::Shared { owner, .. } = home else {
                continue;
            };
            let place = if is_read_at_once(result) {
                self.entry.unwrap_or(inserter)
            } else {
                inserter
            };
            let reaches = self.placement.reaches(owner, device);
            let own = if reaches { owner.as_str() } else { device };
            let buffer = self.buffers.allocate(&place, own, *r#type);
            operands.push(buffer);
            let onward = (!reaches).then(|| (place, owner.clone(), *r#type));
            shared.push((place.view_of(buffer, *r#type), onward));
        }
        let local = homes
            .iter()
            .filter(|home| matches!(home, Home::Local(_)))
            .count();
        let new = inserter.insert(
            inserter
                .start("func.call")
                .operands(&operands)
                .results(&vec![inserter.view_type(); local])
                .attribute("callee", Attribute::symbol(self.module.session(), name)),
        );
        let mut views = new.results().into_iter();
        let mut shared = shared.into_iter();
        for (result, home) in call.results().into_iter().zip(&homes) {
            let view = match home {
                Home::Local(_) => views.next(),
                Home::Shared { .. } => shared.next().map(|(view, onward)| match onward {
                    None => view,
                    Some((place, owner, r#type)) => {
                        self.carry(&inserter, &place, view, &owner, r#type)
                    }
                }),
            };
            if let Some(view) = view {
                self.classes.alias(result, view);
                result.replace_all_uses_with(view);
            }
        }
        self.replaced.push(call);
    }
}

/// Whether a value is only read by what stands beside it, and so is dead when
/// its block has run. Its buffer can then serve every iteration of a loop
/// around it: outlined functions have read what they were given when they
/// return, since they wait for what they write and export.
fn is_read_at_once(value: Value<'_>) -> bool {
    value
        .uses()
        .into_iter()
        .all(|each| !hands_on(each.op) && !is_control_flow(each.op))
}

/// Terminators of control flow hand views on without looking at them.
fn hands_on(op: Op<'_>) -> bool {
    op.is("scf.yield") || op.is("scf.condition")
}

fn next_op(op: Op<'_>) -> Option<Op<'_>> {
    let ops = op.block()?.ops();
    let at = ops.iter().position(|each| *each == op)?;
    ops.get(at + 1).copied()
}

fn is_abi(op: Op<'_>) -> bool {
    op.name().starts_with("hal.tensor.")
}

/// Operations of IREE's ABI say on which device they act; only the barrier
/// acts on none.
fn set_device<'m>(op: Op<'m>, device: Attribute<'m>) {
    if is_abi(op) && !op.is("hal.tensor.barrier") {
        op.set_attribute("affinity", device);
    }
}

fn view_type<'m>(module: &'m Module<'_>) -> Type<'m> {
    module.parse_type("!hal.buffer_view").expect("a HAL type")
}
