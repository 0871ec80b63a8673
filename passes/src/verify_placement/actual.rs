//! What IREE made of it: reading its stream phase (functions here, weights in
//! `weights.rs`, copies of them in `copies.rs`), and comparing (`compare.rs`).

mod compare;
mod copies;
mod weights;

use std::collections::{BTreeMap, BTreeSet};

use dialects::affinity::{self, device_of};
use dialects::ops::{Call, Global, Parameter};
use dialects::vocabulary::AFFINITY;
use dialects::{Attribute, Block, Diagnostic, Module, Op};

use super::borrowed::writes_into_borrowed;
use super::expectation::Expectation;
use super::report::{DeviceUse, Report};
use super::resources::*;
use super::{Devices, listed};
use compare::described;

/// Operations that do something on a device, so that one without an affinity
/// would go to whatever device IREE takes for the default.
const PLACED_OPS: &[&str] = &[
    "stream.async.execute",
    "stream.cmd.execute",
    "stream.cmd.parameter.gather",
    "stream.cmd.parameter.load",
    "stream.cmd.parameter.read",
    "stream.cmd.parameter.scatter",
    "stream.cmd.parameter.write",
    "stream.file.constant",
    "stream.file.read",
    "stream.file.write",
    "stream.resource.alloc",
    "stream.resource.alloca",
    "stream.resource.dealloca",
    "stream.resource.try_map",
    "stream.tensor.export",
    "stream.tensor.import",
    "stream.timepoint.chain_external",
    "hal.device.resolve",
];

/// Operations with which a public function takes what its caller passes and
/// returns what it gets: on any planned device, since every argument and every
/// result can have its own.
const BORDER_OPS: &[&str] = &["stream.tensor.export", "stream.tensor.import"];

/// Compares what IREE's stream phase says with what was asked for.
///
/// `stream` is read in a session of its own, not in that of the placed module:
/// MLIR renames inline constants whose name the context has seen before.
pub fn check(expectation: &Expectation, stream: &Module<'_>) -> Report {
    let mut checker = Checker {
        expectation,
        module: stream.op(),
        stream,
        uses: expectation
            .devices
            .iter()
            .map(|(name, spec)| {
                let found = DeviceUse {
                    name: name.clone(),
                    spec: spec.clone(),
                    ..DeviceUse::default()
                };
                (name.clone(), found)
            })
            .collect(),
        executables: BTreeMap::new(),
        parameters: BTreeMap::new(),
        constants: BTreeMap::new(),
        copies: BTreeMap::new(),
        stored: BTreeMap::new(),
        calls: BTreeMap::new(),
        dispatching: BTreeMap::new(),
        violations: Vec::new(),
        remarks: Vec::new(),
    };
    checker.check_phase();
    checker.check_devices(stream);
    checker.check_plan();
    for op in stream.body().ops() {
        if op.is("util.initializer") {
            checker.read_initializer(op);
        }
    }
    for op in stream.body().ops() {
        if op.is("util.func") || op.is("func.func") {
            checker.read_function(op);
        }
    }
    checker.check_functions(stream);
    checker.check_executables();
    checker.check_parameters();
    checker.check_constants();
    checker.check_copies();
    for written in writes_into_borrowed(stream) {
        checker.violate(written);
    }
    checker.report()
}

struct Checker<'e, 'm> {
    expectation: &'e Expectation,
    module: Op<'m>,
    stream: &'m Module<'m>,
    uses: BTreeMap<String, DeviceUse>,
    /// Executable → the devices it was to be dispatched on, and those it is.
    executables: BTreeMap<String, (Devices, Devices)>,
    /// Parameter → the devices it is loaded to, and its bytes.
    parameters: BTreeMap<Parameter, (Devices, u64)>,
    /// Resource name of an inline constant → the devices it lies on.
    constants: BTreeMap<String, Devices>,
    /// Device → bytes that initializers compute of weights there.
    copies: BTreeMap<String, u64>,
    /// Global of the stream phase → the devices its value comes from.
    stored: BTreeMap<String, Devices>,
    /// Function → calls to it.
    calls: BTreeMap<String, Vec<Op<'m>>>,
    /// Device → functions that dispatch on it.
    dispatching: BTreeMap<String, BTreeSet<String>>,
    violations: Vec<Diagnostic>,
    remarks: Vec<Diagnostic>,
}

impl<'m> Checker<'_, 'm> {
    fn violate(&mut self, diagnostic: Diagnostic) {
        self.violations.push(diagnostic);
    }

    /// A module of another phase has no dispatches to compare, so that it
    /// would pass.
    fn check_phase(&mut self) {
        let names: BTreeSet<&str> = self
            .module
            .blocks()
            .into_iter()
            .flat_map(Block::ops)
            .map(Op::name)
            .collect();
        let other = names.iter().find_map(|name| {
            if name.starts_with("flow.") || *name == "func.func" {
                Some("an earlier phase")
            } else if name.starts_with("hal.executable") || name.starts_with("vm.") {
                Some("a later phase")
            } else {
                None
            }
        });
        if let Some(phase) = other {
            self.violate(
                Diagnostic::error(format!(
                    "this is IREE's output of {phase}, not of its stream phase"
                ))
                .help(
                    "make it with `iree-compile --compile-to=stream`, and the same flags otherwise",
                ),
            );
        }
    }

    /// Every planned device is still there, under its name, and is a device
    /// of its own.
    fn check_devices(&mut self, stream: &Module<'_>) {
        let mut specs: BTreeMap<String, String> = BTreeMap::new();
        for op in stream.body().ops() {
            let device = Global::of(op).filter(|global| global.is_device());
            if let (Some(device), Some(name)) = (device, op.symbol_name()) {
                let spec = device.initial_value().map(|value| value.to_string());
                specs.insert(name, spec.unwrap_or_default());
            }
        }
        let needed: Devices = self
            .expectation
            .functions
            .values()
            .filter(|function| function.reachable && function.works)
            .filter_map(|function| function.device.clone())
            .collect();
        for name in &needed {
            if specs.contains_key(name) {
                continue;
            }
            self.violate(
                Diagnostic::error(format!(
                    "device @{name} is gone: IREE has {}",
                    listed(specs.keys())
                ))
                .help(
                    "IREE merges devices of the same spec without saying so: \
                     give each its ordinal, such as \"local\"[0] and \"local\"[1]",
                ),
            );
        }
        let mut by_spec: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        for name in &needed {
            if let Some(spec) = specs.get(name) {
                by_spec.entry(spec).or_default().push(name);
            }
        }
        let merged: Vec<Diagnostic> = by_spec
            .values()
            .filter(|names| names.len() > 1)
            .map(|names| {
                Diagnostic::error(format!(
                    "devices {} are one and the same: their specs are equal",
                    listed(names.iter().copied())
                ))
                .help("give each its ordinal, such as \"local\"[0] and \"local\"[1]")
            })
            .collect();
        self.violations.extend(merged);
    }

    fn read_function(&mut self, function: Op<'m>) {
        let name = function.symbol_name().unwrap_or_default();
        let (label, planned) = match self.expectation.function(&name) {
            Some((original, planned)) => (described(original, planned), Some(planned.clone())),
            None => (format!("@{name}"), None),
        };
        let device = planned.as_ref().and_then(|each| each.device.clone());
        let border = planned.as_ref().is_some_and(|each| each.public);
        let (planned_sequence, lenders) = planned
            .map(|each| (each.sequence, each.lenders))
            .unwrap_or_default();
        let mut sequence = Vec::new();
        for op in function.nested() {
            if let Some(call) = Call::of(op) {
                if let Some(callee) = call.callee() {
                    sequence.push(callee.to_owned());
                    self.calls.entry(callee.to_owned()).or_default().push(op);
                }
                continue;
            }
            // Asking for a device places nothing: a crossing's buffer belongs to
            // the device that the link says.
            // So does a buffer that is lent, as long as it is only copied from.
            let is_lent = op.is("stream.tensor.import")
                && affinity::of_operation(op).is_some_and(|device| lenders.contains(&device));
            let free = is_lent
                || op.is("hal.device.resolve")
                || (border && BORDER_OPS.iter().any(|each| op.is(each)));
            let wanted = if free { None } else { device.as_deref() };
            let actual = self.check_affinity(op, wanted, &label);
            if op.is("stream.cmd.dispatch") {
                match execution_device(op) {
                    Some(actual) => {
                        self.count_dispatch(op, &actual, device.as_ref(), Some(&name));
                        if device.is_none() {
                            self.violate(
                                Diagnostic::error(format!(
                                    "{label} has no planned device, but a dispatch of it runs on @{actual}"
                                ))
                                .offending(op.summary()),
                            );
                        }
                    }
                    None => self.violate(
                        Diagnostic::error(format!("a dispatch of {label} is on no device"))
                            .offending(op.summary()),
                    ),
                }
            } else if op.is("stream.cmd.execute") || op.is("stream.async.execute") {
                self.check_captures(op, actual.as_deref(), &label, &lenders);
            } else if op.is("stream.cmd.parameter.load") {
                self.read_parameters(op);
            }
        }
        self.check_order(&label, &planned_sequence, &sequence);
    }

    /// Calls share buffers, of which IREE knows no order: those of functions on
    /// devices stand as they were written, whatever became of the others.
    fn check_order(&mut self, caller: &str, planned: &[String], actual: &[String]) {
        let on_device = |name: &&String| {
            let function = self.expectation.functions.get(*name);
            function.is_some_and(|function| function.kept && function.device.is_some())
        };
        let mut planned = planned.iter().filter(on_device);
        let misplaced = actual
            .iter()
            .filter(on_device)
            .find(|name| !planned.any(|each| each == *name))
            .cloned();
        if let Some(name) = misplaced {
            self.violate(
                Diagnostic::error(format!("IREE calls @{name} in {caller} out of the order in which calls are written"))
                    .help(
                    "it may read a buffer before that is written; specplace keeps waits for scalars \
                     out of the caller so that calls stay in order: please report it",
                ),
            );
        }
    }

    /// Compares one operation's affinity with the device that it should have
    /// (`None`: any planned one). Returns the device it has.
    fn check_affinity(&mut self, op: Op<'m>, wanted: Option<&str>, place: &str) -> Option<String> {
        // Transfers name two devices, each in an attribute of its own.
        for name in [
            AFFINITY,
            "source_affinity",
            "target_affinity",
            "result_affinity",
        ] {
            let Some(affinity) = op.attribute(name) else {
                continue;
            };
            let Some(device) = device_of(affinity) else {
                self.violate(
                    Diagnostic::error(format!(
                        "{} in {place} leaves the choice of device to IREE",
                        op.name()
                    ))
                    .offending(format!("{affinity}"))
                    .help(
                        "a buffer is shared between devices without a crossing: \
                         was a function with a device inlined?",
                    ),
                );
                continue;
            };
            if !self.uses.contains_key(&device) {
                self.violate(
                    Diagnostic::error(format!(
                        "{} in {place} is on @{device}, which the plan does not have",
                        op.name()
                    ))
                    .offending(op.summary()),
                );
            } else if name == AFFINITY
                && let Some(wanted) = wanted
                && device != wanted
            {
                self.violate(
                    Diagnostic::error(format!(
                        "{} of {place} is on @{device}, planned on @{wanted}",
                        op.name()
                    ))
                    .offending(op.summary()),
                );
            }
            if name == AFFINITY {
                return Some(device);
            }
        }
        // What is given back to where it came from names no device.
        let unnamed = op.attribute(AFFINITY).is_none() && op.attribute("prefer_origin").is_none();
        if unnamed && PLACED_OPS.iter().any(|each| op.is(each)) {
            self.violate(
                Diagnostic::error(format!("{} in {place} is on no device", op.name()))
                    .offending(op.summary()),
            );
        }
        None
    }

    fn count_dispatch(
        &mut self,
        dispatch: Op<'m>,
        actual: &str,
        planned: Option<&String>,
        function: Option<&str>,
    ) {
        let executables: BTreeSet<String> = dispatch
            .attribute("entry_points")
            .map(Attribute::elements)
            .unwrap_or_default()
            .into_iter()
            .map(|entry| executable_name(&entry.to_string()))
            .collect();
        for executable in executables {
            if function.is_none() {
                self.read_copy(dispatch, actual, &executable);
            }
            let (wanted, found) = self.executables.entry(executable).or_default();
            wanted.extend(planned.cloned());
            found.insert(actual.to_owned());
        }
        if let Some(found) = self.uses.get_mut(actual) {
            found.dispatches += 1;
        }
        if let Some(function) = function {
            self.dispatching
                .entry(actual.to_owned())
                .or_default()
                .insert(function.to_owned());
        }
    }

    /// What an execution captures was allocated or imported on its device.
    fn check_captures(
        &mut self,
        execute: Op<'m>,
        device: Option<&str>,
        place: &str,
        lenders: &Devices,
    ) {
        let Some(device) = device else {
            return;
        };
        for operand in execute.operands() {
            if !is_resource(operand) {
                continue;
            }
            let mut devices = origins(operand);
            let mut source = None;
            for global in loaded_globals(operand) {
                devices.extend(self.stored.get(&global).into_iter().flatten().cloned());
                source = Some(global);
            }
            if devices.is_empty() || (devices.len() == 1 && devices.contains(device)) {
                continue;
            }
            if devices.is_subset(lenders) && is_only_copied_from(execute, operand) {
                continue;
            }
            let message = match source {
                Some(global) => format!(
                    "an execution of {place} on @{device} reads the global @{global}, \
                     which lies on {}",
                    listed(&devices)
                ),
                None => format!(
                    "an execution of {place} on @{device} uses a buffer that belongs to {}",
                    listed(&devices)
                ),
            };
            self.violate(Diagnostic::error(message).offending(execute.summary()));
        }
    }

    fn report(mut self) -> Report {
        for (role, devices) in self.expectation.roles() {
            for device in devices {
                if let Some(found) = self.uses.get_mut(&device) {
                    found.roles.insert(role.clone());
                }
            }
        }
        for (device, functions) in &self.dispatching {
            if let Some(found) = self.uses.get_mut(device) {
                found.functions = functions.len();
            }
        }
        Report {
            devices: self.uses.into_values().collect(),
            violations: self.violations,
            remarks: self.remarks,
        }
    }
}
