//! Which values must live in the same form, and in which.

use std::collections::{BTreeMap, BTreeSet};

use cost::crossing::{End, Leg, Method};
use cost::{Partition, Plan};
use dialects::ir::{Op, Type, Value};
use dialects::ops;
use dialects::{Diagnostic, Module};
use petgraph::unionfind::UnionFind;
use rustc_hash::FxHashMap;

use super::home::{Form, Home};
use crate::outline_subgraphs::is_outlined;
use crate::placement::Placement;
use crate::roles::role_attribute;
use crate::structure::{
    carried, functions, hands_on, is_control_flow, is_pure, parcel_of, placed_blocks, placed_ops,
};

/// Tensors outside of outlined functions, in classes that control flow and
/// common callees tie together.
pub struct Classes<'m> {
    /// The class of each value and the tensor type that it had at first.
    of: FxHashMap<Value<'m>, (usize, Type<'m>)>,
    homes: FxHashMap<usize, Home>,
    /// The ways from device to device that the values of each class take.
    legs: BTreeMap<usize, (Type<'m>, Vec<Leg>)>,
    /// How each outlined function takes its arguments.
    forms: FxHashMap<String, Vec<Form>>,
}

/// Who makes and who reads the values of a class, and what they are.
#[derive(Clone, Debug)]
struct Class<'m> {
    makers: BTreeSet<End>,
    readers: BTreeSet<End>,
    carried: bool,
    r#type: Type<'m>,
    /// A value of it, to point at.
    first: Value<'m>,
}

impl<'m> Class<'m> {
    fn of(value: Value<'m>) -> Self {
        Self {
            makers: BTreeSet::new(),
            readers: BTreeSet::new(),
            carried: false,
            r#type: value.r#type(),
            first: value,
        }
    }

    fn join(&mut self, other: Self) {
        self.makers.extend(other.makers);
        self.readers.extend(other.readers);
        self.carried |= other.carried;
    }

    fn home(
        &self,
        placement: &Placement,
        methods: &[Method],
    ) -> Result<(Home, Vec<Leg>), Vec<Diagnostic>> {
        let control = placement.symbol_of(Partition::CONTROL);
        let ends = || self.makers.iter().chain(&self.readers);
        if ends().next().is_none() {
            return Ok((Home::Local(control.to_owned()), Vec::new()));
        }
        let parcel = parcel_of(self.first, self.carried).map_err(|error| vec![*error])?;
        let found = placement.crossing(&self.makers, &self.readers, parcel, methods);
        let Some(mut crossing) = found else {
            let devices: BTreeSet<&str> = ends().map(|end| end.pu.as_str()).collect();
            let devices: Vec<String> = devices.into_iter().map(|each| format!("@{each}")).collect();
            let op = self.first.defining_op();
            let op = op.or_else(|| self.first.block()?.parent_op());
            let mut error = Diagnostic::error(format!(
                "{} cannot cross between {} by any method that their links allow",
                self.r#type,
                devices.join(", ")
            ))
            .help("allow more `methods` on these links in the platform file");
            if let Some(op) = op {
                error = error.at(op.location().place()).offending(op.summary());
            }
            return Err(vec![error]);
        };
        let controls = ends().any(|end| end.pu == control);
        let legs = std::mem::take(&mut crossing.legs);
        Ok((Home::new(crossing, control, controls), legs))
    }
}

/// A call of an outlined function: its name, and the symbol of its device.
struct Call<'m, 'p> {
    name: String,
    device: &'p str,
    op: Op<'m>,
}

impl<'m> Classes<'m> {
    /// Looks at `callers` before anything in them is rewritten.
    ///
    /// # Errors
    ///
    /// A value that no allowed method can carry between its devices.
    pub fn new(
        module: &'m Module<'_>,
        placement: &Placement,
        callers: &[Op<'m>],
    ) -> Result<Self, Vec<Diagnostic>> {
        let roles: FxHashMap<String, Partition> = functions(module)
            .into_iter()
            .filter(|function| is_outlined(*function))
            .filter_map(|function| Some((function.symbol_name()?, role_attribute(function)?)))
            .collect();
        let values = tensors(callers);
        let index: FxHashMap<Value, usize> = values
            .iter()
            .enumerate()
            .map(|(at, value)| (*value, at))
            .collect();
        let mut sets = UnionFind::new(values.len());
        let mut classes: Vec<Class> = values.iter().map(|value| Class::of(*value)).collect();
        let mut calls = Vec::new();
        let mut results_of: FxHashMap<(String, usize), usize> = FxHashMap::default();
        let end = |role: Partition, inside: bool| End {
            pu: placement.symbol_of(role).to_owned(),
            inside,
        };
        for function in callers {
            let entry = function.blocks().first().copied();
            for value in entry.into_iter().flat_map(|block| block.arguments()) {
                if let Some(at) = index.get(&value) {
                    classes[*at].makers.insert(end(Partition::CONTROL, false));
                }
            }
            for op in placed_ops(*function) {
                if is_control_flow(op) {
                    for (from, to) in carried(op) {
                        if let (Some(from), Some(to)) = (index.get(&from), index.get(&to)) {
                            classes[*to].carried = true;
                            sets.union(*from, *to);
                        }
                    }
                    continue;
                }
                if hands_on(op) {
                    continue;
                }
                let callee = ops::Call::of(op).and_then(ops::Call::callee);
                let role = callee.and_then(|name| roles.get(name)).copied();
                let here = end(role.unwrap_or(Partition::CONTROL), role.is_some());
                // A scalar is read wherever the tensor is.
                if role.is_some() || !op.is("tensor.extract") {
                    for operand in op.operands() {
                        if let Some(at) = index.get(&operand) {
                            classes[*at].readers.insert(here.clone());
                        }
                    }
                }
                for (position, result) in op.results().into_iter().enumerate() {
                    let Some(at) = index.get(&result) else {
                        continue;
                    };
                    classes[*at].makers.insert(here.clone());
                    if let (Some(name), Some(_)) = (callee, role) {
                        let first = *results_of.entry((name.to_owned(), position)).or_insert(*at);
                        sets.union(first, *at);
                    }
                }
                if let (Some(name), Some(role)) = (callee, role) {
                    let device = placement.symbol_of(role);
                    let name = name.to_owned();
                    calls.push(Call { name, device, op });
                }
            }
        }
        let mut merged: BTreeMap<usize, Class> = BTreeMap::new();
        for (at, class) in classes.into_iter().enumerate() {
            match merged.get_mut(&sets.find(at)) {
                Some(known) => known.join(class),
                None => {
                    merged.insert(sets.find(at), class);
                }
            }
        }
        let mut found = Self {
            of: values
                .iter()
                .enumerate()
                .map(|(at, value)| (*value, (sets.find(at), value.r#type())))
                .collect(),
            homes: FxHashMap::default(),
            legs: BTreeMap::new(),
            forms: FxHashMap::default(),
        };
        for (at, class) in &merged {
            let (home, legs) = class.home(placement, &Method::ALL)?;
            found.homes.insert(*at, home);
            found.legs.insert(*at, (class.r#type, legs));
        }
        found.settle(placement, &merged, &calls)?;
        Ok(found)
    }

    /// Fixes how functions take their arguments. One that transfers from its
    /// lender must find nothing else there in any of its calls; where it does,
    /// the value crosses by another method.
    fn settle(
        &mut self,
        placement: &Placement,
        classes: &BTreeMap<usize, Class<'m>>,
        calls: &[Call<'m, '_>],
    ) -> Result<(), Vec<Diagnostic>> {
        loop {
            self.forms.clear();
            for call in calls {
                let operands = call.op.operands();
                for (position, operand) in operands.iter().enumerate() {
                    let form = match self.lookup(*operand) {
                        Some((Home::Scalars, _)) => Form::Scalars,
                        Some((Home::Lent(by), _)) if by != call.device => Form::Lent(by.clone()),
                        _ => Form::View,
                    };
                    let forms = self.forms.entry(call.name.clone()).or_default();
                    forms.resize(operands.len(), Form::View);
                    // Scalars can be read back out of anything.
                    if forms[position] != Form::Scalars && form != Form::View {
                        forms[position] = form;
                    }
                }
            }
            let mut unfit = BTreeSet::new();
            for call in calls {
                for (position, operand) in call.op.operands().into_iter().enumerate() {
                    let form = &self.forms[&call.name][position];
                    let Some((home, _)) = self.lookup(operand) else {
                        continue;
                    };
                    let lender = match home {
                        Home::Lent(by) if by != call.device => Some(by),
                        Home::Lent(by) | Home::Local(by) => Some(by),
                        _ => None,
                    };
                    let fits = match form {
                        Form::Lent(by) => lender == Some(by),
                        _ => true,
                    };
                    if !fits {
                        unfit.insert((call.name.clone(), position));
                    }
                }
            }
            if unfit.is_empty() {
                return Ok(());
            }
            let others: Vec<Method> = Method::ALL
                .into_iter()
                .filter(|method| *method != Method::Transfer)
                .collect();
            for call in calls {
                for (position, operand) in call.op.operands().into_iter().enumerate() {
                    let Some((class, _)) = self.of.get(&operand) else {
                        continue;
                    };
                    if unfit.contains(&(call.name.clone(), position))
                        && matches!(self.homes.get(class), Some(Home::Lent(_)))
                    {
                        let (home, legs) = classes[class].home(placement, &others)?;
                        self.homes.insert(*class, home);
                        self.legs.insert(*class, (classes[class].r#type, legs));
                    }
                }
            }
        }
    }

    /// What crosses otherwise than the plan says: one function that is called
    /// with values of several kinds takes them in one form.
    pub fn unplanned(&self, plan: &Plan) -> Vec<Diagnostic> {
        let crossings = plan.crossings.iter();
        let planned: BTreeSet<_> = crossings
            .map(|each| (each.what.clone(), &each.from_pu, &each.to_pu, each.method))
            .collect();
        let mut found = BTreeSet::new();
        for (r#type, legs) in self.legs.values() {
            for leg in legs {
                let leg = (r#type.to_string(), &leg.from.pu, &leg.to.pu, leg.method);
                // `widen-booleans` has told of those.
                let were = booleans_of(&leg.0);
                let widened = planned.iter().any(|(what, from, to, _)| {
                    were.as_ref() == Some(what) && (*from, *to) == (leg.1, leg.2)
                });
                if !planned.contains(&leg) && !widened {
                    found.insert(leg);
                }
            }
        }
        let remark = |(what, from, to, method): (String, _, _, Method)| {
            Diagnostic::remark(format!(
                "{what} crosses from {from} to {to} as {method}, which the plan does not list: \
                 functions or control flow have it in common with another value"
            ))
        };
        found.into_iter().map(remark).collect()
    }

    /// How the outlined function `name` takes its arguments.
    pub fn forms(&self, name: &str) -> &[Form] {
        self.forms.get(name).map_or(&[], Vec::as_slice)
    }

    /// Where `value` lives and which tensor it was, if it is one that flows
    /// between operations (or stands for one, see [`Classes::alias`]).
    pub fn lookup(&self, value: Value<'m>) -> Option<(&Home, Type<'m>)> {
        let (class, r#type) = self.of.get(&value)?;
        Some((self.homes.get(class)?, *r#type))
    }

    /// Lets `view` stand for `tensor` from now on.
    pub fn alias(&mut self, tensor: Value<'m>, view: Value<'m>) {
        if let Some(entry) = self.of.get(&tensor).copied() {
            self.of.insert(view, entry);
        }
    }
}

/// The type of the booleans that words of this type may stand for.
fn booleans_of(words: &str) -> Option<String> {
    Some(format!("{}xi1>", words.strip_suffix("xi32>")?))
}

/// Whether what `op` results in is there from it on. What only computes is in
/// functions by now, and so are constants; but what a global holds that is
/// written is read where that stands.
pub fn makes_its_own(op: Op<'_>) -> bool {
    !is_pure(op)
}

/// Every tensor that flows between operations of `callers`, each once.
fn tensors<'m>(callers: &[Op<'m>]) -> Vec<Value<'m>> {
    let mut values = Vec::new();
    for function in callers {
        for block in placed_blocks(*function) {
            values.extend(block.arguments());
            for op in block.ops() {
                if is_control_flow(op) || makes_its_own(op) {
                    values.extend(op.results());
                }
            }
        }
    }
    values.retain(|value| value.r#type().is_tensor());
    values
}
