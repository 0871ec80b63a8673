//! Which values must live in the same kind of buffer, and on which devices.

use std::collections::{BTreeSet, HashMap};

use cost::Partition;
use dialects::Module;
use dialects::ir::{Op, Type, Value};
use petgraph::unionfind::UnionFind;

use super::{Home, hands_on};
use crate::identify_roles::role_attribute;
use crate::outline_subgraphs::is_outlined;
use crate::placement::Placement;
use crate::structure::{carried, functions, is_control_flow, is_pure, placed_blocks};

/// Tensors outside of outlined functions, in classes that control flow and
/// common callees tie together.
pub struct Classes<'m> {
    /// The class of each value and the tensor type that it had at first.
    of: HashMap<Value<'m>, (usize, Type<'m>)>,
    homes: HashMap<usize, Home>,
}

impl<'m> Classes<'m> {
    /// Looks at `callers` before anything in them is rewritten.
    pub fn new(module: &'m Module<'_>, placement: &Placement, callers: &[Op<'m>]) -> Self {
        let roles: HashMap<String, Partition> = functions(module)
            .into_iter()
            .filter(|function| is_outlined(*function))
            .filter_map(|function| Some((function.symbol_name()?, role_attribute(function)?)))
            .collect();
        let values = tensors(callers);
        let index: HashMap<Value, usize> = values
            .iter()
            .enumerate()
            .map(|(at, value)| (*value, at))
            .collect();
        let mut sets = UnionFind::new(values.len());
        let mut devices: Vec<BTreeSet<String>> = vec![BTreeSet::new(); values.len()];
        let mut results_of: HashMap<(String, usize), usize> = HashMap::new();
        let mut note = |value: Value<'m>, role: Partition| {
            if let Some(at) = index.get(&value) {
                devices[*at].insert(placement.symbol_of(role).to_owned());
            }
        };
        for function in callers {
            let entry = function.blocks().first().copied();
            for value in entry.into_iter().flat_map(|block| block.arguments()) {
                note(value, Partition::CONTROL);
            }
            for op in placed_blocks(*function)
                .into_iter()
                .flat_map(|block| block.ops())
            {
                if is_control_flow(op) {
                    for (from, to) in carried(op) {
                        if let (Some(from), Some(to)) = (index.get(&from), index.get(&to)) {
                            sets.union(*from, *to);
                        }
                    }
                    continue;
                }
                if hands_on(op) {
                    continue;
                }
                let callee = op.attribute("callee").and_then(|each| each.as_symbol());
                let role = callee.as_ref().and_then(|name| roles.get(name)).copied();
                // A scalar is read wherever the tensor is.
                if role.is_some() || !op.is("tensor.extract") {
                    for operand in op.operands() {
                        note(operand, role.unwrap_or(Partition::CONTROL));
                    }
                }
                for (position, result) in op.results().into_iter().enumerate() {
                    note(result, role.unwrap_or(Partition::CONTROL));
                    if let (Some(name), Some(_), Some(at)) = (&callee, role, index.get(&result)) {
                        let first = *results_of.entry((name.clone(), position)).or_insert(*at);
                        sets.union(first, *at);
                    }
                }
            }
        }
        let mut merged: HashMap<usize, BTreeSet<String>> = HashMap::new();
        for (at, devices) in devices.into_iter().enumerate() {
            merged.entry(sets.find(at)).or_default().extend(devices);
        }
        Self {
            of: values
                .iter()
                .enumerate()
                .map(|(at, value)| (*value, (sets.find(at), value.r#type())))
                .collect(),
            homes: merged
                .into_iter()
                .map(|(class, devices)| (class, home(placement, &devices)))
                .collect(),
        }
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

fn home(placement: &Placement, devices: &BTreeSet<String>) -> Home {
    let control = placement.symbol_of(Partition::CONTROL);
    let mut symbols = devices.iter().map(String::as_str);
    match (symbols.next(), devices.len()) {
        (None, _) => Home::Local(control.to_owned()),
        (Some(only), 1) => Home::Local(only.to_owned()),
        (Some(_), _) => {
            let owner = placement.owner(&devices.iter().map(String::as_str).collect());
            let reader = if devices.contains(control) {
                control
            } else {
                owner
            };
            Home::Shared {
                owner: owner.to_owned(),
                reader: reader.to_owned(),
            }
        }
    }
}

/// Every tensor that flows between operations of `callers`, each once.
fn tensors<'m>(callers: &[Op<'m>]) -> Vec<Value<'m>> {
    let mut values = Vec::new();
    for function in callers {
        for block in placed_blocks(*function) {
            values.extend(block.arguments());
            for op in block.ops() {
                if is_control_flow(op) || !is_pure(op) {
                    values.extend(op.results());
                }
            }
        }
    }
    values.retain(|value| value.r#type().is_tensor());
    values
}
