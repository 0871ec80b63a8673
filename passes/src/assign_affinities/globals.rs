//! Puts globals on the devices of those that read them, and initializers on the
//! devices of those that read what they store.
//!
//! An initializer runs where its results are needed, and what it loads is needed
//! there, too: with a parameter on another device, or on none, IREE fails
//! (`util.initializer` does not legalise). What two devices need is made on both,
//! by a copy of the initializer for each.

use std::collections::{BTreeMap, BTreeSet};

use cost::Partition;
use dialects::affinity::on_device;
use dialects::ir::{Attribute, Op, Type, Value};
use dialects::ops::{Global, GlobalStore, global_of};
use dialects::vocabulary::{GLOBAL_LOAD, ROLE, STREAM_AFFINITY};
use dialects::{Diagnostic, Module};
use rustc_hash::FxHashMap;

use crate::context::Remarks;
use crate::effects::Effects;
use crate::initializers::{Initializer, initializers};
use crate::outline_subgraphs::globals_read;
use crate::placement::Placement;
use crate::roles::role_attribute;
use crate::structure::{functions, globals, inputs, is_pure};
use crate::symbols::Symbols;
use crate::weight_name::WeightName;

/// By global and device, the functions and initializers that refer to it there.
type Readers<'p, 'm> = BTreeMap<String, BTreeMap<&'p str, Vec<Op<'m>>>>;

/// Gives every global of tensors, and every initializer, its device, and each of
/// further devices a copy of its own.
pub(super) fn place(
    module: &Module<'_>,
    placement: &Placement,
    remarks: &mut Remarks,
) -> Result<(), Vec<Diagnostic>> {
    let mut readers: Readers = BTreeMap::new();
    for function in functions(module) {
        let role = role_attribute(function).unwrap_or(Partition::CONTROL);
        for name in globals_read(function) {
            readers
                .entry(name)
                .or_default()
                .entry(placement.symbol_of(role))
                .or_default()
                .push(function);
        }
    }
    let mut globals = globals(module);
    globals.retain(|_, global| global.r#type().is_some_and(Type::is_tensor));
    place_initializers(module, placement, &globals, &mut readers)?;
    let mut symbols = Symbols::of(module);
    let mut copies: FxHashMap<Op, FxHashMap<String, Attribute>> = FxHashMap::default();
    for (name, devices) in readers {
        let Some(global) = globals.get(name.as_str()).copied() else {
            continue;
        };
        let op = global.op();
        op.remove_attribute(ROLE);
        for (position, (device, readers)) in devices.into_iter().enumerate() {
            let device_affinity = on_device(module, device);
            if position == 0 {
                op.set_attribute(STREAM_AFFINITY, device_affinity);
                continue;
            }
            let copy_name = symbols.free(&format!("{name}${device}"), "_");
            let copy = op.duplicate();
            copy.set_attribute("sym_name", Attribute::string(module.session(), &copy_name));
            copy.set_attribute(STREAM_AFFINITY, device_affinity);
            op.insert_after(copy);
            let copy_name = Attribute::symbol(module.session(), &copy_name);
            for reader in readers {
                let copies = copies.entry(reader).or_default();
                copies.insert(name.clone(), copy_name);
            }
            remarks.push(Diagnostic::remark(format!(
                "'{}' is read on two devices: @{device} gets a copy of its own, {}",
                WeightName::of(global),
                size_of(global)
            )));
        }
    }
    for (reader, copies) in &copies {
        refer_to_copies(*reader, copies);
    }
    Ok(())
}

/// Gives each initializer the devices on which anything reads what it stores,
/// and enters it, or the copy of it for that device, among those that refer to
/// what it loads and stores.
fn place_initializers<'p, 'm>(
    module: &'m Module<'_>,
    placement: &'p Placement,
    globals: &FxHashMap<&str, Global<'m>>,
    readers: &mut Readers<'p, 'm>,
) -> Result<(), Vec<Diagnostic>> {
    let initializers = initializers(module);
    if initializers.is_empty() {
        return Ok(());
    }
    let control = placement.symbol_of(Partition::CONTROL);
    let devices = needed_on(&initializers, globals, readers, control);
    let mut effects = Effects::new(module);
    for (initializer, devices) in initializers.iter().zip(devices) {
        let op = initializer.op;
        if devices.len() > 1 && !effects.of(op).leaves_no_trace() {
            return Err(vec![
                Diagnostic::error(format!(
                    "what an initializer stores is read on two devices, {}, but it does more than \
                     compute, and cannot run twice",
                    listed(devices.iter().copied())
                ))
                .at(op.location().place())
                .offending(op.summary())
                .help("pin the roles that read it to one device with --pin"),
            ]);
        }
        // Copies are made before the first loses what only others store.
        let copies: Vec<(usize, &str, Op)> = devices
            .iter()
            .enumerate()
            .map(|(at, device)| match at {
                0 => (at, *device, op),
                _ => (at, *device, op.duplicate()),
            })
            .collect();
        for (at, device, instance) in copies {
            if at > 0 {
                op.insert_after(instance);
            }
            instance.set_attribute(STREAM_AFFINITY, on_device(module, device));
            // Scalars have no device, and are stored once.
            keep_stores(instance, |name| match globals.get(name) {
                Some(_) => {
                    let on = readers.get(name).map(|each| each.contains_key(device));
                    on.unwrap_or(at == 0)
                }
                None => at == 0,
            });
            let kept = Initializer::new(instance);
            for name in kept.loads.into_iter().chain(kept.stores) {
                let on = readers.entry(name).or_default().entry(device).or_default();
                on.push(instance);
            }
        }
    }
    Ok(())
}

/// The devices on which each initializer has to run: those on which its tensors
/// are read, by a function, or by another initializer there. One whose tensors
/// nobody reads runs on `control`.
fn needed_on<'p, 'm>(
    initializers: &[Initializer<'m>],
    globals: &FxHashMap<&str, Global<'m>>,
    readers: &Readers<'p, 'm>,
    control: &'p str,
) -> Vec<BTreeSet<&'p str>> {
    let mut read: BTreeMap<&str, BTreeSet<&'p str>> = BTreeMap::new();
    for (name, devices) in readers {
        read.entry(name).or_default().extend(devices.keys());
    }
    let mut needed: Vec<BTreeSet<&'p str>> = vec![BTreeSet::new(); initializers.len()];
    for unread_on in [None, Some(control)] {
        // Backwards, those that load what others store come first, and once is
        // enough but for one that stores what an earlier one loads.
        let mut changed = true;
        while changed {
            changed = false;
            for (initializer, needed) in initializers.iter().zip(&mut needed).rev() {
                let before = needed.len();
                let stored = initializer.stores.iter();
                let tensors = stored.filter(|name| globals.contains_key(name.as_str()));
                let readers = tensors.filter_map(|name| read.get(name.as_str()));
                needed.extend(readers.flatten().copied());
                if needed.is_empty() {
                    needed.extend(unread_on);
                }
                if needed.len() > before {
                    changed = true;
                    for name in &initializer.loads {
                        read.entry(name).or_default().extend(needed.iter());
                    }
                }
            }
        }
    }
    needed
}

/// Erases the stores of an initializer to globals that are not to be `kept`, and
/// what is computed for them alone.
fn keep_stores(initializer: Op<'_>, mut kept: impl FnMut(&str) -> bool) {
    let mut pending = Vec::new();
    for op in initializer.nested() {
        let store = GlobalStore::of(op).and_then(GlobalStore::global);
        if store.is_some_and(|name| !kept(name)) {
            pending.extend(op.operands());
            op.erase();
        }
    }
    while let Some(op) = pending.pop().and_then(Value::defining_op) {
        let unread = op.results().into_iter().all(Value::is_unused);
        let computes = is_pure(op) || op.is(GLOBAL_LOAD);
        if unread && computes && op.is_in_module() {
            pending.extend(inputs(op));
            op.erase();
        }
    }
}

fn size_of(global: Global<'_>) -> String {
    match global.r#type().and_then(Type::byte_count) {
        Some(bytes) => format!("{bytes} bytes"),
        None => "of a size that is known at run time only".to_owned(),
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// Has a function or an initializer load and store the copies of globals that are
/// its device's.
fn refer_to_copies<'m>(reader: Op<'m>, copies: &FxHashMap<String, Attribute<'m>>) {
    for op in reader.nested() {
        if let Some(copy) = global_of(op).and_then(|name| copies.get(name)) {
            op.set_attribute("global", *copy);
        }
    }
}
