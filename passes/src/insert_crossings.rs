//! `insert-crossings`: passes buffers between subgraphs instead of tensors.
//!
//! IREE's IPO pass (`util-ipo`) can merge tensor arguments and timepoints of
//! functions that are not inlined, and so race; and no tensor can be handed
//! from a CPU to a GPU (`flow.tensor.transfer` fails to compile or to run). So
//! every tensor that flows between outlined functions, through control flow
//! too, becomes a `!hal.buffer_view`. One that stays on a device is exported
//! and imported there, which copies nothing. One that other devices read
//! crosses as [`cost::crossing`] says:
//!
//! | method | what is made of it |
//! |---|---|
//! | shared buffer | its producer writes into a buffer that all of them can use, and waits for the write |
//! | mapped copy | its producer exports it, and a function on the same device copies it into such a buffer and waits |
//! | host copy | the host copies, word by word, from a buffer of the one device into a buffer of the other |
//! | host scalars | its producer returns scalars, its reader takes them as arguments and makes a tensor of them |
//! | transfer | its reader imports the producer's buffer on the producer's device, and transfers it |
//!
//! A buffer is allocated once per call of the module where its value does not
//! outlive a round of the loop that it is made in.
//!
//! All values that control flow hands on as one another (see
//! [`crate::structure::carried`]) are kept in the same form, and so are the
//! results of all calls of one function.
//!
//! What is imported is kept intact by a use at the end of the function: up to
//! 3.13, IREE's ElideAsyncCopies takes the last reader of an import for its
//! owner and lets it write in place, over a buffer that others still read.
//!
//! Where the IREE that is installed takes no buffers (3.6), tensors stay, and
//! what would go wrong with them is refused ([`tensors`]).
//!
//! What a call passes goes through `util.optimization_barrier`, since IPO
//! forgets an argument that equals another; so does every result, in the
//! function, where IPO would merge it with an equal one or with the argument
//! that it is, and in the caller, where IPO would forget one that turns out to
//! be unused.

mod buffers;
mod call;
mod callee;
mod classes;
mod conditions;
mod handed_on;
mod home;
mod passed;
mod refused;
mod tensors;
mod widths;

use std::collections::BTreeMap;

use cost::{Partition, Plan};
use dialects::affinity::on_device;
use dialects::hal::{Inserter, types};
use dialects::ir::{Attribute, Block, Few, Op, Type, Value};
use dialects::ops::Call;
use dialects::{Diagnostic, Module};
use rustc_hash::FxHashMap;

use crate::context::Remarks;
use crate::outline_subgraphs::is_outlined;
use crate::placement::Placement;
use crate::roles::role_attribute;
use crate::settings::Handover;
use crate::structure::{functions, hands_on, is_control_flow, placed_blocks, placed_ops};
use buffers::Buffers;
use classes::{Classes, makes_its_own};
use home::Home;
use passed::Passed;

/// Runs the pass.
///
/// # Errors
///
/// No placement yet (`select-mapping` did not run); an operation of a model
/// outside any subgraph's function (`outline-subgraphs` did not run); a tensor
/// without a static shape that passes between subgraphs; control flow that is
/// not structured (`cf`) and hands tensors on.
pub fn run(
    module: &mut Module<'_>,
    placement: &Placement,
    planned: Option<&Plan>,
    handover: Handover,
    remarks: &mut Remarks,
) -> Result<(), Vec<Diagnostic>> {
    let module: &Module<'_> = module;
    let callers: Vec<Op> = functions(module)
        .into_iter()
        .filter(|function| !is_outlined(*function))
        .collect();
    refused::not_outlined(&callers)?;
    if handover == Handover::Tensors {
        tensors::check(&callers, placement)?;
        if planned.is_some_and(|plan| !plan.crossings.is_empty()) {
            remarks.push(tensors::instead_of_buffers());
        }
        return Ok(());
    }
    refused::unsupported(&callers)?;
    let classes = Classes::new(module, placement, &callers)?;
    if let Some(plan) = planned {
        remarks.extend(classes.unplanned(plan));
    }
    Rewriter::new(module, placement, classes).rewrite(&callers);
    Ok(())
}

struct Rewriter<'m, 'p> {
    module: &'m Module<'m>,
    placement: &'p Placement,
    classes: Classes<'m>,
    outlined: FxHashMap<String, Op<'m>>,
    /// Tensor types of the results that a function had, by its name.
    result_types: FxHashMap<String, Vec<Type<'m>>>,
    /// Where each result of a function goes, by its name.
    result_homes: BTreeMap<String, Vec<Home>>,
    passed: Passed,
    buffers: Buffers<'m, 'p>,
    /// The elements of a tensor that crosses as scalars.
    scalars: FxHashMap<Value<'m>, Vec<Value<'m>>>,
    /// The start of the function that is being rewritten.
    entry: Option<Inserter<'m>>,
    /// Calls to erase at the end: until then they still use each other's
    /// results.
    replaced: Vec<Op<'m>>,
}

impl<'m, 'p> Rewriter<'m, 'p> {
    fn new(module: &'m Module<'_>, placement: &'p Placement, classes: Classes<'m>) -> Self {
        let module: &'m Module<'m> = module;
        let outlined: FxHashMap<String, Op> = functions(module)
            .into_iter()
            .filter(|function| is_outlined(*function))
            .filter_map(|function| Some((function.symbol_name()?, function)))
            .collect();
        Self {
            module,
            placement,
            classes,
            passed: Passed::new(&outlined),
            outlined,
            result_types: FxHashMap::default(),
            result_homes: BTreeMap::new(),
            buffers: Buffers::new(module, placement),
            scalars: FxHashMap::default(),
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
            callee::rewrite(
                self.module,
                function,
                self.placement.symbol_of(role),
                self.classes.forms(&name),
                &self.result_homes[&name],
            );
        }
        for function in callers {
            self.rewrite_caller(*function);
        }
        for function in callers {
            let tensor = |view| self.classes.lookup(view).map(|(_, tensor)| tensor);
            handed_on::part(self.module, *function, tensor);
            conditions::hide(self.module, *function);
        }
        // The last first: it may still read what an earlier one made.
        for call in self.replaced.drain(..).rev() {
            call.erase();
        }
        for function in callers {
            widths::even_out(self.module, *function);
        }
    }

    /// Looks up where results of calls go while values still have their types.
    fn note_results(&mut self, callers: &[Op<'m>]) {
        for function in callers {
            for op in placed_ops(*function) {
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

    /// The outlined function that `op` calls.
    fn callee(&self, op: Op<'m>) -> Option<String> {
        let name = Call::of(op)?.callee()?;
        self.outlined.contains_key(name).then(|| name.to_owned())
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
                let tensor = value.r#type();
                if !tensor.is_tensor() {
                    continue;
                }
                match self.classes.lookup(value) {
                    // One, since no more are carried.
                    Some((Home::Scalars, _)) => {
                        value.set_type(tensor.element());
                        self.scalars.insert(value, vec![value]);
                    }
                    _ => value.set_type(view_type(self.module)),
                }
            }
            if Some(*block) == entry {
                for argument in arguments {
                    if argument.r#type().is_tensor()
                        && let Some(first) = block.first_op()
                    {
                        self.admit_argument(argument, first);
                    }
                }
            }
        }
        let first = entry.and_then(Block::first_op);
        self.entry = first.map(|first| Inserter::before(self.module, first));
        for block in blocks {
            for op in block.ops() {
                self.rewrite_op(op);
            }
        }
    }

    /// Turns a tensor that enters from outside into what its home holds.
    fn admit_argument(&mut self, tensor: Value<'m>, first: Op<'m>) {
        if !tensor.is_unused() {
            let inserter = Inserter::before(self.module, first);
            self.admit(tensor, &inserter);
        }
    }

    /// Hands `tensor`, which control has, to all its users in the form of its
    /// home.
    fn admit(&mut self, tensor: Value<'m>, inserter: &Inserter<'m>) {
        let Some((home, r#type)) = self.classes.lookup(tensor) else {
            return;
        };
        let home = home.clone();
        let uses = tensor.uses();
        let admitted = if home == Home::Scalars {
            let control = Partition::CONTROL;
            let device = on_device(self.module, self.placement.symbol_of(control));
            let view = inserter.export(device, tensor);
            let elements = self.buffers.read(inserter, control, view, r#type);
            let only = (elements.len() == 1).then(|| elements[0]);
            self.scalars.insert(tensor, elements);
            only
        } else {
            Some(self.admit_into(tensor, home, r#type, inserter))
        };
        let Some(admitted) = admitted else {
            return;
        };
        self.stand_for(tensor, admitted);
        for each in uses {
            each.op.set_operand(each.index, admitted);
        }
    }

    fn admit_into(
        &mut self,
        tensor: Value<'m>,
        home: Home,
        r#type: Type<'m>,
        inserter: &Inserter<'m>,
    ) -> Value<'m> {
        let control = self.placement.symbol_of(Partition::CONTROL);
        let view = inserter.export(on_device(self.module, control), tensor);
        let Home::Shared { owner, users, .. } = home else {
            return view;
        };
        let writes_itself = users.contains(control);
        let own = if writes_itself { &owner } else { control };
        let buffer = self.buffers.allocate(inserter, own, r#type);
        self.buffers
            .write(inserter, Partition::CONTROL, view, buffer, r#type);
        let written = inserter.view_of(buffer, r#type);
        if writes_itself {
            return written;
        }
        self.carry(inserter, inserter, written, &owner, r#type)
    }

    /// Lets `value` be what `tensor` was, for those who look it up.
    fn stand_for(&mut self, tensor: Value<'m>, value: Value<'m>) {
        self.classes.alias(tensor, value);
        if let Some(elements) = self.scalars.get(&tensor).cloned() {
            self.scalars.insert(value, elements);
        }
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
    /// reach the buffer, otherwise a copy of its own, in a buffer that lasts for
    /// one round of a loop or, `at_once`, is the same in all of them.
    fn within_reach(
        &mut self,
        inserter: &Inserter<'m>,
        view: Value<'m>,
        device: &str,
        at_once: bool,
    ) -> Value<'m> {
        let Some((Home::Shared { users, .. }, r#type)) = self.classes.lookup(view) else {
            return view;
        };
        if users.contains(device) {
            return view;
        }
        let place = self.entry.filter(|_| at_once).unwrap_or(*inserter);
        self.carry(inserter, &place, view, device, r#type)
    }

    /// The tensor that `value` stands for, in the caller's own code.
    fn tensor_of(&mut self, op: Op<'m>, value: Value<'m>) -> Option<Value<'m>> {
        let (home, tensor) = self.classes.lookup(value)?;
        let inserter = Inserter::before(self.module, op);
        // A tensor that control has from outside is one already; only what
        // calls return still has the type that it had.
        let is_returned = value.defining_op().and_then(|op| self.callee(op)).is_some();
        if value.r#type().is_tensor() && !is_returned {
            return None;
        }
        let Some(reader) = home.reader().map(str::to_owned) else {
            let control = self.placement.symbol_of(Partition::CONTROL);
            let device = on_device(self.module, control);
            set_device(op, device);
            let elements = self.scalars.get(&value)?;
            return Some(inserter.from_elements(device, elements, tensor));
        };
        let device = on_device(self.module, &reader);
        set_device(op, device);
        // The import is read by `op` alone.
        let view = self.within_reach(&inserter, value, &reader, true);
        Some(inserter.import(device, view, tensor))
    }

    /// Whether `op` reads an element of what rests in a buffer or crossed as
    /// scalars; then a call or one of these stands in its place.
    fn rewrite_extract(&mut self, op: Op<'m>) -> bool {
        if !op.is("tensor.extract") {
            return false;
        }
        let (operands, results) = (op.operands(), op.results());
        let ([value, indices @ ..], [result]) = (operands.as_slice(), results.as_slice()) else {
            return false;
        };
        let Some((home, tensor)) = self.classes.lookup(*value) else {
            return false;
        };
        let reader = home.reader().map(str::to_owned);
        let inserter = Inserter::before(self.module, op);
        let element = if let Some(reader) = reader {
            let role = self.placement.partition_on(&reader);
            let view = self.within_reach(&inserter, *value, &reader, true);
            Some(self.buffers.extract(&inserter, role, view, tensor, indices))
        } else {
            let elements = self.scalars.get(value);
            elements.and_then(|elements| inserter.choose(elements, tensor, indices))
        };
        let Some(element) = element else {
            return false;
        };
        result.replace_all_uses_with(element);
        self.replaced.push(op);
        true
    }

    fn rewrite_op(&mut self, op: Op<'m>) {
        if let Some(name) = self.callee(op) {
            self.rewrite_call(op, &name);
            return;
        }
        if is_control_flow(op) || hands_on(op) || self.rewrite_extract(op) {
            return;
        }
        // Whatever else reads or makes a tensor stays as it is, between an
        // import and an export.
        for (index, operand) in op.operands().into_iter().enumerate() {
            if let Some(tensor) = self.tensor_of(op, operand) {
                op.set_operand(index, tensor);
            }
        }
        for result in op.results() {
            // What IREE's ABI hands from its barrier to its export is whole
            // already.
            let stays = result.uses().into_iter().all(|each| is_abi(each.op));
            if result.r#type().is_tensor() && makes_its_own(op) && !stays {
                let control = on_device(self.module, self.placement.symbol_of(Partition::CONTROL));
                set_device(op, control);
                if let Some(next) = op.next_in_block() {
                    let inserter = Inserter::before(self.module, next);
                    self.admit(result, &inserter);
                }
            }
        }
    }
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
    types::buffer_view(module.session())
}
