//! The subgraphs of OUT on one of its devices, each a function to call.

use std::collections::{BTreeMap, BTreeSet};

use dialects::affinity::{self, on_device};
use dialects::build::OpBuilder;
use dialects::ir::{Attribute, Op, Type, Value, Walk};
use dialects::ops::{Global, GlobalLoad};
use dialects::vocabulary::{FUNC, STREAM_AFFINITY, TRANSFER};
use dialects::{Diagnostic, Module};

use super::interface::{Port, ports};
use super::reference::add_logits;
use super::{Subgraph, Subgraphs};
use crate::assign_affinities::place_interface;
use crate::initializers::initializers;
use crate::outline_subgraphs::is_outlined;
use crate::roles::role_attribute;
use crate::structure::{functions, global, is_function};

/// The models' functions of a placed module, each with its device.
pub fn models_of(placed: &Module<'_>) -> BTreeMap<String, String> {
    functions(placed)
        .into_iter()
        .filter(|op| is_outlined(*op))
        .filter(|op| role_attribute(*op).is_some_and(|part| part != cost::Partition::CONTROL))
        .filter_map(|op| Some((op.symbol_name()?, affinity::of_symbol(op)?)))
        .collect()
}

/// The models of a placed module, or the stages of them, each with the devices that
/// it is on.
pub fn parts_of(placed: &Module<'_>) -> BTreeSet<(cost::Partition, String)> {
    functions(placed)
        .into_iter()
        .filter(|op| is_outlined(*op))
        .filter_map(|op| {
            let part = role_attribute(op).filter(|part| *part != cost::Partition::CONTROL)?;
            Some((part, affinity::of_symbol(op)?))
        })
        .collect()
}

/// What a module of the subgraphs on one device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The device's kind, as IREE calls it: `local`, `vulkan`.
    pub kind: String,
    /// Which of its kind it is in OUT.
    pub ordinal: u32,
    /// What each entry takes and gives: what the reference's does, but for booleans,
    /// which some units keep as words.
    pub ports: BTreeMap<String, (Vec<Port>, Vec<Port>)>,
}

/// Turns `placed`, which is OUT, into a module of the subgraphs that are on
/// `device` and no other device: a function for each, under the name of its
/// entry in the reference, from tensors to tensors. What computes stays as it
/// is; what carries values over the borders of functions goes.
///
/// # Errors
///
/// A subgraph has another interface than the reference's: OUT was not made from
/// this IN, or by another version of specplace.
pub fn probe(
    placed: &Module<'_>,
    device: &str,
    reference: &Subgraphs,
) -> Result<Probe, Vec<Diagnostic>> {
    let module = placed;
    let mut entries: Vec<Op<'_>> = Vec::new();
    let mut entry_ports = BTreeMap::new();
    for (name, on) in models_of(module) {
        if on != device {
            continue;
        }
        let Some(subgraph) = reference.get(&name) else {
            return Err(vec![not_of_this_input(&format!(
                "IN has no subgraph @{name}"
            ))]);
        };
        let function = functions(module)
            .into_iter()
            .find(|op| op.is_symbol(&name))
            .ok_or_else(|| vec![not_of_this_input(&format!("there is no @{name}"))])?;
        let entry = bare(module, function, subgraph)?;
        module.body().append(entry);
        add_logits(module, entry);
        let device = on_device(module, device);
        entry.set_attribute(STREAM_AFFINITY, device);
        place_interface(module, entry, device);
        let (arguments, results) = ports(entry).unwrap_or_default();
        if !stand_for_all(&results, &subgraph.results) {
            let types = |ports: &[Port]| {
                let texts: Vec<String> = ports.iter().map(Port::to_string).collect();
                texts.join(", ")
            };
            return Err(vec![not_of_this_input(&format!(
                "@{name} gives {}, and IN's {}",
                types(&results),
                types(&subgraph.results)
            ))]);
        }
        entry_ports.insert(subgraph.entry.clone(), (arguments, results));
        entries.push(entry);
    }
    keep_only(module, &entries, device);
    let (kind, ordinal) = sole_device(module, device)
        .ok_or_else(|| vec![not_of_this_input(&format!("@{device} is not declared"))])?;
    Ok(Probe {
        kind,
        ordinal,
        ports: entry_ports,
    })
}

/// Whether a subgraph of OUT may have `own` where IN's has `port`: the same, or words
/// in place of booleans (`widen-booleans`).
fn stands_for(own: &Port, port: &Port) -> bool {
    let widened = own.element == "i32" && port.element == "i1";
    own.carrier == port.carrier
        && own.shape == port.shape
        && (own.element == port.element || widened)
}

fn stand_for_all(own: &[Port], ports: &[Port]) -> bool {
    own.len() == ports.len()
        && own
            .iter()
            .zip(ports)
            .all(|(own, port)| stands_for(own, port))
}

/// Turns `placed`, which is OUT, into a module of what `part` computes on `device`
/// and nothing else: its functions as they are, each to be called. Whether IREE
/// compiles that for the device does not depend on the rest. `false` where there
/// is no such thing.
pub fn alone(placed: &Module<'_>, part: cost::Partition, device: &str) -> bool {
    let entries: Vec<Op<'_>> = functions(placed)
        .into_iter()
        .filter(|op| is_outlined(*op) && role_attribute(*op) == Some(part))
        .filter(|op| {
            let on = affinity::of_symbol(*op);
            on.as_deref() == Some(device)
        })
        .collect();
    for entry in &entries {
        entry.remove_attribute("sym_visibility");
    }
    keep_only(placed, &entries, device);
    !entries.is_empty() && sole_device(placed, device).is_some()
}

/// OUT and IN do not belong together: `what` shows it.
pub fn not_of_this_input(what: &str) -> Diagnostic {
    Diagnostic::error(format!(
        "OUT's subgraphs are not those of IN: {what}"
    ))
    .help("OUT was made from another IN, with other decisions, or by another version of specplace: place IN again")
}

/// The function from tensors to tensors, its body moved out of `function`.
fn bare<'m>(
    module: &'m Module<'_>,
    function: Op<'m>,
    subgraph: &Subgraph,
) -> Result<Op<'m>, Vec<Diagnostic>> {
    let differs = |what: String| vec![not_of_this_input(&format!("@{} {what}", subgraph.name))];
    let body = *function
        .blocks()
        .first()
        .ok_or_else(|| differs("has no body".to_owned()))?;
    let arguments = body.arguments();
    let mut given: Vec<Value<'m>> = Vec::new();
    for (at, port) in subgraph.arguments.iter().enumerate() {
        let inside = arguments.get(at).and_then(|argument| within(*argument));
        match inside {
            Some(value) if stands_for(&Port::of(value.r#type()), port) => given.push(value),
            _ => return Err(differs(format!("takes another argument {at}"))),
        }
    }
    let types: Vec<Type<'m>> = given.iter().map(|value| value.r#type()).collect();
    let entry = empty_function(module, &subgraph.entry, &types, function);
    let fresh = *entry
        .blocks()
        .first()
        .ok_or_else(|| differs("has no body".to_owned()))?;
    let mut left: Vec<Value<'m>> = Vec::new();
    for value in body.ops().into_iter().filter_map(handed_out) {
        if left.last() != Some(&value) {
            left.push(value);
        }
    }
    if left.len() != subgraph.own {
        return Err(differs(format!(
            "gives {} values and IN's {}",
            left.len(),
            subgraph.own
        )));
    }
    for (value, argument) in given.into_iter().zip(fresh.arguments()) {
        for each in value.uses() {
            each.op.set_operand(each.index, argument);
            let stands_for = left.iter_mut().filter(|result| **result == value);
            stands_for.for_each(|result| *result = argument);
        }
    }
    for op in body.ops().into_iter().rev() {
        if !carries(op) {
            continue;
        }
        // A barrier that something computes with is a guard of its own, and stays.
        if op.results().into_iter().all(Value::is_unused) {
            op.erase();
        }
    }
    for op in body.ops() {
        op.detach();
        fresh.append(op);
    }
    fresh.append(
        OpBuilder::new("func.return", function.location())
            .operands(&left)
            .build(),
    );
    Ok(entry)
}

/// A public function of this name that takes such values, with nothing in it yet.
fn empty_function<'m>(
    module: &'m Module<'_>,
    name: &str,
    inputs: &[Type<'m>],
    like: Op<'m>,
) -> Op<'m> {
    let session = module.session();
    let function = OpBuilder::new(FUNC, like.location())
        .attribute("sym_name", Attribute::string(session, name))
        .attribute(
            "function_type",
            Attribute::of_type(Type::function(session, inputs, &[])),
        )
        .regions(1)
        .build();
    let arguments: Vec<_> = inputs.iter().map(|each| (*each, like.location())).collect();
    if let Some(region) = function.regions().next() {
        region.append_block(&arguments);
    }
    function
}

/// The value that an argument is, inside: what is imported from a view, what is
/// put together of scalars, or the argument itself.
fn within(argument: Value<'_>) -> Option<Value<'_>> {
    let users = || argument.uses().into_iter().map(|each| each.op);
    let user = users().find(|op| op.is("hal.tensor.import") || op.is("tensor.from_elements"));
    let Some(user) = user else {
        return Some(argument);
    };
    let value = user.result(0)?;
    let lent = value.uses().into_iter().map(|each| each.op);
    let transferred = lent
        .filter(|op| op.is(TRANSFER))
        .find_map(|op| op.result(0));
    Some(transferred.unwrap_or(value))
}

/// The tensor that this operation hands out of its function.
fn handed_out(op: Op<'_>) -> Option<Value<'_>> {
    let hands_out = op.is("hal.tensor.export")
        || op.is("hal.tensor.alias")
        || op.is("tensor.extract") && op.result(0).is_some_and(is_returned);
    hands_out.then(|| op.operand(0)).flatten()
}

/// Whether the value is what a function returns, be it behind a barrier.
fn is_returned(value: Value<'_>) -> bool {
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        for each in value.uses() {
            if each.op.is("func.return") {
                return true;
            }
            if each.op.is("util.optimization_barrier") {
                pending.extend(each.op.result(each.index));
            }
        }
    }
    false
}

/// Whether the operation only carries values over the border of the function, or
/// ends it.
fn carries(op: Op<'_>) -> bool {
    op.is_of(&["hal"])
        || op.is("func.return")
        || op.is("util.optimization_barrier")
        || op.is("util.status.check_ok")
        || op.is(TRANSFER)
        || (op.is("tensor.extract") || op.is("tensor.from_elements"))
            && op.results().into_iter().all(Value::is_unused)
}

/// Erases all functions but `entries`, all devices but one, and the globals that
/// are then not read.
fn keep_only(module: &Module<'_>, entries: &[Op<'_>], device: &str) {
    let mut read: BTreeSet<String> = BTreeSet::new();
    for entry in entries {
        loads(*entry, &mut read);
    }
    // What an initializer makes for a kept global may itself be made so.
    let mut others = initializers(module);
    loop {
        let before = others.len();
        others.retain(|initializer| {
            let kept = initializer.stores.iter().any(|name| read.contains(name));
            if kept {
                read.extend(initializer.loads.iter().cloned());
                read.extend(initializer.stores.iter().cloned());
            }
            !kept
        });
        if others.len() == before {
            break;
        }
    }
    for initializer in others {
        initializer.op.erase();
    }
    // Those that make scalars are on any device.
    for initializer in initializers(module) {
        let loaded = initializer
            .loads
            .iter()
            .filter_map(|name| Some(global(module, name)?.op()));
        for op in loaded.chain([initializer.op]) {
            if op.attribute(STREAM_AFFINITY).is_some() {
                op.set_attribute(STREAM_AFFINITY, on_device(module, device));
            }
        }
    }
    let ops = module.body().ops();
    for op in ops {
        let name = op.symbol_name().unwrap_or_default();
        let goes = if is_function(op) {
            !entries.contains(&op)
        } else if let Some(global) = Global::of(op) {
            match global.is_device() {
                true => name != device,
                false => !read.contains(&name),
            }
        } else {
            false
        };
        if goes {
            op.erase();
        }
    }
}

fn loads(op: Op<'_>, into: &mut BTreeSet<String>) {
    op.walk(&mut |nested| {
        let load = GlobalLoad::of(nested);
        into.extend(load.and_then(GlobalLoad::global).map(str::to_owned));
        Walk::Into
    });
}

/// Declares the only device that is left as the first of its kind; gives its kind
/// and which of them it is in OUT.
fn sole_device(module: &Module<'_>, device: &str) -> Option<(String, u32)> {
    let global = global(module, device)?;
    let declared = global.initial_value()?.to_string();
    let kind = declared.split('"').nth(1)?.to_owned();
    let alias = format!("#hal.device.alias<\"{kind}\"[");
    let (ordinal, alone) = if let Some(rest) = declared.strip_prefix(&alias) {
        let (ordinal, rest) = rest.split_once(']')?;
        let number = ordinal.split(' ').next()?;
        (
            number.parse().ok()?,
            format!("#hal.device.alias<\"{kind}\"{rest}"),
        )
    } else if let Some((before, rest)) = declared.split_once("ordinal = ") {
        let end = rest.find([',', '}'])?;
        let number = rest[..end].split(' ').next()?;
        (
            number.parse().ok()?,
            format!("{before}ordinal = 0 : index{}", &rest[end..]),
        )
    } else {
        (0, declared.clone())
    };
    let attribute: Attribute<'_> = module.parse_attribute(&alone)?;
    global.set_initial_value(attribute);
    Some((kind, ordinal))
}
