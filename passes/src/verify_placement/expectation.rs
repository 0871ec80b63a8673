//! What the placed IR asks IREE for.

use std::collections::{BTreeMap, BTreeSet};

use dialects::affinity::{self, device_of};
use dialects::ops::{Call, Global, GlobalLoad, Parameter};
use dialects::{Attribute, Module, Op, vocabulary};

use super::{Devices, alternatives, resource_names};
use crate::initializers::Initializer;
use crate::select_mapping::PLAN;
use crate::structure::{global, is_pure};

/// A function of the placed IR, and where it is to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedFunction {
    /// The role it serves, if it says so.
    pub role: Option<String>,
    /// Its device; `None` where it has none of its own.
    pub device: Option<String>,
    /// Whether it can be called from outside.
    pub public: bool,
    /// Whether it must survive as a function: private and never inlined.
    pub kept: bool,
    /// How many arguments a call passes.
    pub arguments: usize,
    /// How many results a call yields.
    pub results: usize,
    /// Arguments that IREE may drop without harm: those that the function
    /// does not use, constants that are the same in every call, and those
    /// that repeat an earlier argument in every call.
    pub droppable_arguments: BTreeSet<usize>,
    /// Results that IREE may drop without harm: those that no call uses.
    pub droppable_results: BTreeSet<usize>,
    /// Whether its signature is spelled in buffers, views and scalars only.
    /// Tensors change arity when they become resources and timepoints.
    pub comparable: bool,
    /// How many calls IREE has to keep, of those in the module.
    pub calls: usize,
    /// Whether a public function reaches it.
    pub reachable: bool,
    /// Whether it does something on its device: it has tensors, or asks for
    /// the device. IREE forgets a device on which nothing is done.
    pub works: bool,
    /// The functions that it calls, one by one, as they are written.
    pub sequence: Vec<String>,
    /// Other devices whose buffers it imports, to transfer out of them.
    pub lenders: Devices,
}

/// What the placed IR asks IREE for: a device for every function, parameter
/// and constant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Every device that is declared or referred to, with its spec where the
    /// module declares it.
    pub devices: BTreeMap<String, Option<String>>,
    /// Every function with a body.
    pub functions: BTreeMap<String, PlannedFunction>,
    /// The devices on which each parameter is used.
    pub parameters: BTreeMap<Parameter, Devices>,
    /// The devices on which each inline constant, by its resource name, is
    /// used.
    pub constants: BTreeMap<String, Devices>,
    /// Device → bytes that the module's own initializers compute there.
    pub initialized: BTreeMap<String, u64>,
    /// The device of each role, or stage of one, in the plan that the module
    /// carries; empty if it carries none.
    pub plan: BTreeMap<String, String>,
}

/// What one pass over a function finds.
#[derive(Default)]
struct Body {
    loads: BTreeSet<String>,
    constants: BTreeSet<String>,
    callees: BTreeSet<String>,
    works: bool,
    sequence: Vec<String>,
    lenders: Devices,
}

impl Expectation {
    /// Reads what a placed module asks for. Devices may be declared in the
    /// module or only referred to.
    pub fn from_placed_module(module: &Module<'_>) -> Self {
        let plan = module.op().attribute(PLAN).map(Attribute::entries);
        let mut expectation = Self {
            plan: plan
                .into_iter()
                .flatten()
                .filter_map(|(role, unit)| Some((role, unit.as_string()?)))
                .collect(),
            ..Self::default()
        };
        let mut bodies = BTreeMap::new();
        let mut initializers = Vec::new();
        let mut globals = BTreeMap::new();
        let mut calls: BTreeMap<String, Vec<Op<'_>>> = BTreeMap::new();

        for op in module.body().ops() {
            if op.is(vocabulary::GLOBAL) {
                expectation.add_global(op, &mut globals);
            } else if (op.is(vocabulary::FUNC) || op.is(vocabulary::UTIL_FUNC)) && op.has_body() {
                let Some(name) = op.symbol_name() else {
                    continue;
                };
                let mut body = expectation.scan(op, &mut calls);
                let function = PlannedFunction {
                    works: body.works,
                    sequence: std::mem::take(&mut body.sequence),
                    lenders: std::mem::take(&mut body.lenders),
                    ..planned(op)
                };
                bodies.insert(name.clone(), body);
                expectation.functions.insert(name, function);
            } else if op.is(vocabulary::INITIALIZER) {
                let body = expectation.scan(op, &mut calls);
                initializers.push((initializer_device(module, op), body));
                expectation.count_initialized(op, initializers.last());
            }
        }
        expectation.add_calls(&calls);
        expectation.mark_reachable(&bodies, &initializers);
        expectation.place_weights(&bodies, &globals);
        for (device, body) in &initializers {
            expectation.place_read(body, &Devices::from_iter(device.clone()), &globals);
        }
        expectation
    }

    /// The devices on which a role's functions run.
    pub fn roles(&self) -> BTreeMap<String, Devices> {
        let mut roles: BTreeMap<String, Devices> = BTreeMap::new();
        for function in self.functions.values() {
            if let (Some(role), Some(device)) = (&function.role, &function.device) {
                roles
                    .entry(role.clone())
                    .or_default()
                    .insert(device.clone());
            }
        }
        roles
    }

    /// The planned function that `name`, as IREE calls it, comes from: IREE
    /// splits a public function into an entry point and its implementation.
    pub(super) fn function(&self, name: &str) -> Option<(&str, &PlannedFunction)> {
        let original = name.strip_suffix("$async").unwrap_or(name);
        [name, original]
            .into_iter()
            .chain(original.strip_prefix('_'))
            .find_map(|candidate| self.functions.get_key_value(candidate))
            .map(|(name, function)| (name.as_str(), function))
    }

    fn add_global<'m>(&mut self, op: Op<'m>, globals: &mut BTreeMap<String, Attribute<'m>>) {
        let (Some(name), Some(global)) = (op.symbol_name(), Global::of(op)) else {
            return;
        };
        let initial = global.initial_value();
        if global.is_device() {
            let spec = initial.map(|value| value.to_string());
            self.devices.insert(name, spec);
            return;
        }
        if let Some(device) = affinity::of_symbol(op) {
            self.devices.entry(device).or_default();
        }
        if let Some(value) = initial {
            globals.insert(name, value);
        }
    }

    /// Reads a function's body: which globals it loads, which constants it
    /// holds, whom it calls, and which devices its operations name.
    fn scan<'m>(&mut self, function: Op<'m>, calls: &mut BTreeMap<String, Vec<Op<'m>>>) -> Body {
        let mut body = Body::default();
        let own = affinity::of_symbol(function);
        if let Some(device) = own.clone() {
            self.devices.entry(device).or_default();
        }
        for op in function.nested() {
            body.works = body.works
                || op.attribute(vocabulary::AFFINITY).is_some()
                || op
                    .results()
                    .iter()
                    .any(|result| result.r#type().is_tensor());
            if let Some(load) = GlobalLoad::of(op) {
                body.loads.extend(load.global().map(str::to_owned));
            } else if let Some(call) = Call::of(op) {
                if let Some(callee) = call.callee() {
                    body.callees.insert(callee.to_owned());
                    body.sequence.push(callee.to_owned());
                    calls.entry(callee.to_owned()).or_default().push(op);
                }
            } else if op.is("arith.constant") || op.is("flow.tensor.constant") {
                if let Some(value) = op.attribute("value")
                    && op
                        .results()
                        .iter()
                        .any(|result| result.r#type().is_tensor())
                {
                    body.constants.extend(resource_names(value));
                }
            } else if let Some(device) = affinity::of_operation(op) {
                let transferred = || {
                    let uses = op.results().into_iter().flat_map(|each| each.uses());
                    uses.into_iter()
                        .any(|each| each.op.is(vocabulary::TRANSFER))
                };
                if op.is("hal.tensor.import") && own.as_ref() != Some(&device) && transferred() {
                    body.lenders.insert(device.clone());
                }
                self.devices.entry(device).or_default();
            }
        }
        body
    }

    fn add_calls(&mut self, calls: &BTreeMap<String, Vec<Op<'_>>>) {
        for (name, function) in &mut self.functions {
            let Some(calls) = calls.get(name) else {
                continue;
            };
            function.calls = alternatives::fewest(calls);
            if function.public {
                continue;
            }
            for index in 0..function.arguments {
                let repeats_earlier = (0..index).any(|earlier| {
                    calls
                        .iter()
                        .all(|call| call.operand(earlier) == call.operand(index))
                });
                if repeats_earlier
                    || same_constant(calls.iter().filter_map(|call| call.operand(index)))
                {
                    function.droppable_arguments.insert(index);
                }
            }
            for index in 0..function.results {
                let used = calls
                    .iter()
                    .filter_map(|call| call.result(index))
                    .any(|result| !result.is_unused());
                if !used {
                    function.droppable_results.insert(index);
                }
            }
        }
    }

    fn mark_reachable(
        &mut self,
        bodies: &BTreeMap<String, Body>,
        initializers: &[(Option<String>, Body)],
    ) {
        let public = self.functions.iter().filter(|(_, each)| each.public);
        let initializing = initializers.iter().flat_map(|(_, body)| &body.callees);
        let mut waiting: Vec<String> = public
            .map(|(name, _)| name)
            .chain(initializing)
            .cloned()
            .collect();
        while let Some(name) = waiting.pop() {
            let Some(function) = self.functions.get_mut(&name) else {
                continue;
            };
            if std::mem::replace(&mut function.reachable, true) {
                continue;
            }
            if let Some(body) = bodies.get(&name) {
                waiting.extend(body.callees.iter().cloned());
            }
        }
    }

    /// Gives every weight the devices of the functions that read it. A
    /// function without a device of its own is inlined into its callers.
    fn place_weights(
        &mut self,
        bodies: &BTreeMap<String, Body>,
        globals: &BTreeMap<String, Attribute<'_>>,
    ) {
        let mut callers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, body) in bodies {
            for callee in &body.callees {
                callers.entry(callee).or_default().insert(name);
            }
        }
        for (name, body) in bodies {
            if !self.functions.get(name).is_some_and(|each| each.reachable) {
                continue;
            }
            let devices = self.devices_of(name, &callers);
            self.place_read(body, &devices, globals);
        }
    }

    /// Gives what a body reads its devices.
    fn place_read(
        &mut self,
        body: &Body,
        devices: &Devices,
        globals: &BTreeMap<String, Attribute<'_>>,
    ) {
        let mut constants: BTreeSet<String> = body.constants.clone();
        for value in body.loads.iter().filter_map(|global| globals.get(global)) {
            if let Some(parameter) = Parameter::of(*value) {
                let placed = self.parameters.entry(parameter).or_default();
                placed.extend(devices.iter().cloned());
            }
            constants.extend(resource_names(*value));
        }
        for constant in constants {
            let placed = self.constants.entry(constant).or_default();
            placed.extend(devices.iter().cloned());
        }
    }

    /// Counts what an initializer computes, and so is meant to lie beside the
    /// weights that it is computed of.
    fn count_initialized(&mut self, op: Op<'_>, initializer: Option<&(Option<String>, Body)>) {
        let Some((Some(device), _)) = initializer else {
            return;
        };
        let computes =
            |op: &Op<'_>| is_pure(*op) && !op.is("arith.constant") && !op.is("tensor.empty");
        let computing = op.nested().into_iter().filter(computes);
        let computed = computing.flat_map(Op::results);
        let bytes: u64 = computed
            .filter_map(|result| result.r#type().byte_count())
            .fold(0, u64::saturating_add);
        let counted = self.initialized.entry(device.clone()).or_default();
        *counted = counted.saturating_add(bytes);
    }

    fn devices_of(&self, function: &str, callers: &BTreeMap<&str, BTreeSet<&str>>) -> Devices {
        let mut devices = Devices::new();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![function];
        while let Some(name) = waiting.pop() {
            if !seen.insert(name) {
                continue;
            }
            match self
                .functions
                .get(name)
                .and_then(|each| each.device.clone())
            {
                Some(device) => {
                    devices.insert(device);
                }
                None => waiting.extend(callers.get(name).into_iter().flatten()),
            }
        }
        devices
    }
}

/// The device of an initializer: its own, or else that of what it stores.
fn initializer_device(module: &Module<'_>, op: Op<'_>) -> Option<String> {
    let device = |op: Op<'_>| affinity::of_symbol(op);
    device(op).or_else(|| {
        let stored = Initializer::new(op).stores.into_iter();
        stored
            .filter_map(|name| device(global(module, &name)?.op()))
            .next()
    })
}

fn planned(op: Op<'_>) -> PlannedFunction {
    let public = op.is_public();
    let never_inlined = op.attribute("noinline").is_some()
        || op
            .attribute("inlining_policy")
            .is_some_and(|policy| policy.to_string() == "#util.inline.never");
    let (inputs, results) = op
        .attribute("function_type")
        .and_then(Attribute::as_type)
        .and_then(dialects::Type::as_function)
        .unwrap_or_default();
    let entry = op
        .blocks()
        .first()
        .map(|block| block.arguments())
        .unwrap_or_default();
    PlannedFunction {
        role: op.string_attribute(vocabulary::ROLE),
        device: affinity::of_symbol(op).or_else(|| public.then(|| interface_device(op)).flatten()),
        public,
        kept: !public && never_inlined,
        arguments: inputs.len(),
        results: results.len(),
        droppable_arguments: (0..entry.len())
            .filter(|index| entry[*index].is_unused())
            .collect(),
        droppable_results: BTreeSet::new(),
        comparable: !inputs.iter().chain(&results).any(|each| each.is_tensor()),
        calls: 0,
        reachable: false,
        works: false,
        sequence: Vec::new(),
        lenders: Devices::new(),
    }
}

/// The one device that all arguments and results of a public function name.
fn interface_device(op: Op<'_>) -> Option<String> {
    let devices: Devices = ["arg_attrs", "res_attrs"]
        .into_iter()
        .filter_map(|name| op.attribute(name))
        .flat_map(Attribute::elements)
        .filter_map(|entries| entries.entry(vocabulary::ABI_AFFINITY))
        .filter_map(device_of)
        .collect();
    let mut devices = devices.into_iter();
    let first = devices.next();
    if devices.next().is_some() {
        None
    } else {
        first
    }
}

/// Whether all values are results of equal `arith.constant`s.
fn same_constant<'m>(values: impl Iterator<Item = dialects::Value<'m>>) -> bool {
    let mut first = None;
    for value in values {
        let constant = value
            .defining_op()
            .filter(|op| op.is("arith.constant"))
            .and_then(|op| op.attribute("value"));
        let Some(constant) = constant else {
            return false;
        };
        if *first.get_or_insert(constant) != constant {
            return false;
        }
    }
    first.is_some()
}
