//! Booleans that cross to or from a unit whose words have 32 bits, as words.
//!
//! What control flow hands on as one another, and what one function is called with or
//! gives, is kept in one form. Where such a function is on the unit, that form is i32:
//! functions of other units widen and narrow at their own borders. What comes from
//! outside the module, or goes there, stays a boolean, and a function of control
//! converts it.

use std::collections::BTreeSet;

use cost::Partition;
use dialects::Module;
use dialects::build::OpBuilder;
use dialects::ir::{Op, Type, Value};
use dialects::ops::Call;
use petgraph::unionfind::UnionFind;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Widener, is_boolean};
use crate::outline_subgraphs::{is_outlined, private_function};
use crate::signature::set_function_type;
use crate::structure::{carried, functions, hands_on, is_control_flow, placed_blocks, placed_ops};
use crate::symbols::Symbols;

/// An argument of a function, or a result.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Port {
    Argument(usize),
    Result(usize),
}

/// Widens what crosses to or from the functions of `narrow`, by name; gives the types
/// that it had.
pub fn widen<'m>(
    module: &'m Module<'_>,
    widener: &Widener<'m>,
    narrow: &FxHashSet<String>,
) -> Option<BTreeSet<String>> {
    let (outlined, callers): (Vec<Op>, Vec<Op>) = functions(module)
        .into_iter()
        .partition(|op| is_outlined(*op));
    let outlined: FxHashMap<String, Op> = outlined
        .into_iter()
        .filter_map(|op| Some((op.symbol_name()?, op)))
        .collect();
    let values = booleans(&callers);
    let index: FxHashMap<Value, usize> = values.iter().copied().zip(0..).collect();
    let mut sets = UnionFind::new(values.len());
    let mut ports: FxHashMap<(String, Port), usize> = FxHashMap::default();
    for op in callers.iter().flat_map(|function| placed_ops(*function)) {
        if is_control_flow(op) {
            for (from, to) in carried(op) {
                if let (Some(from), Some(to)) = (index.get(&from), index.get(&to)) {
                    sets.union(*from, *to);
                }
            }
        }
        let Some(name) = callee(op).filter(|name| outlined.contains_key(name)) else {
            continue;
        };
        let given = op.operands().into_iter().enumerate();
        let made = op.results().into_iter().enumerate();
        let given = given.map(|(at, value)| (Port::Argument(at), value));
        for (port, value) in given.chain(made.map(|(at, value)| (Port::Result(at), value))) {
            if let Some(at) = index.get(&value) {
                let first = *ports.entry((name.clone(), port)).or_insert(*at);
                sets.union(first, *at);
            }
        }
    }
    let on_unit: FxHashSet<usize> = ports
        .iter()
        .filter(|((name, _), _)| narrow.contains(name))
        .map(|(_, at)| sets.find(*at))
        .collect();
    if on_unit.is_empty() {
        return Some(BTreeSet::new());
    }
    let crossing = ports
        .values()
        .filter(|at| on_unit.contains(&sets.find(**at)));
    let crossing = crossing
        .map(|at| values[*at].r#type().to_string())
        .collect();
    let mut converters = Converters {
        module,
        symbols: Symbols::of(module),
        known: FxHashMap::default(),
    };
    let is_given = |op: Op<'m>| {
        is_control_flow(op)
            || hands_on(op)
            || callee(op).is_some_and(|name| outlined.contains_key(&name))
    };
    for (at, value) in values.iter().enumerate() {
        if on_unit.contains(&sets.find(at)) {
            hand_on(*value, widener, &mut converters, is_given)?;
        }
    }
    for ((name, port), at) in &ports {
        if on_unit.contains(&sets.find(*at)) {
            cross(*outlined.get(name)?, *port, widener)?;
        }
    }
    for (name, _) in ports.keys() {
        set_function_type(module, *outlined.get(name)?);
    }
    Some(crossing)
}

/// The tensors of booleans that flow between operations of `callers`. One element
/// crosses as a scalar, which is right.
fn booleans<'m>(callers: &[Op<'m>]) -> Vec<Value<'m>> {
    let blocks = callers.iter().flat_map(|function| placed_blocks(*function));
    let values = blocks.flat_map(|block| {
        let made = block.ops().into_iter().flat_map(Op::results);
        block
            .arguments()
            .into_iter()
            .chain(made)
            .collect::<Vec<_>>()
    });
    values
        .filter(|value| is_boolean(value.r#type()) && value.r#type().element_count() != Some(1))
        .collect()
}

fn callee(op: Op<'_>) -> Option<String> {
    Some(Call::of(op)?.callee()?.to_owned())
}

/// Lets `value`, which a caller has, be words; `is_given` says which operations make
/// and take words then.
fn hand_on<'m>(
    value: Value<'m>,
    widener: &Widener<'m>,
    converters: &mut Converters<'m>,
    is_given: impl Fn(Op<'m>) -> bool,
) -> Option<()> {
    let uses = value.uses();
    let words = value.r#type().with_element(widener.word)?;
    let comes_as_words = match value.defining_op() {
        Some(op) => is_given(op),
        None => value.block()?.parent_op().is_some_and(is_control_flow),
    };
    if !comes_as_words {
        let (call, converted) = converters.call(value, words)?;
        match value.defining_op() {
            Some(op) => op.insert_after(call),
            None => value.block()?.prepend(call),
        }
        for each in uses.into_iter().filter(|each| is_given(each.op)) {
            each.op.set_operand(each.index, converted);
        }
        return Some(());
    }
    let bits = value.r#type();
    value.set_type(words);
    for each in uses.into_iter().filter(|each| !is_given(each.op)) {
        if each.op.is("tensor.extract") {
            let element = each.op.result(0)?;
            element.set_type(widener.word);
            let [zero, bit] = widener.compare(element, each.op)?;
            each.op.insert_after(bit);
            each.op.insert_after(zero);
            continue;
        }
        let (call, converted) = converters.call(value, bits)?;
        each.op.insert_before(call);
        each.op.set_operand(each.index, converted);
    }
    Some(())
}

/// Lets a function take or give words where it took or gave booleans. The caller sets
/// its type.
fn cross<'m>(function: Op<'m>, port: Port, widener: &Widener<'m>) -> Option<()> {
    let body = function.blocks().first().copied()?;
    match port {
        Port::Argument(at) => {
            let argument = body.arguments().get(at).copied()?;
            let uses = argument.uses();
            argument.set_type(argument.r#type().with_element(widener.word)?);
            let mut bits = None;
            for each in uses {
                if each.op.is("arith.extui") && each.op.result(0)?.r#type() == argument.r#type() {
                    each.op.result(0)?.replace_all_uses_with(argument);
                    each.op.erase();
                    continue;
                }
                let narrowed = match bits {
                    Some(bits) => bits,
                    None => {
                        let op =
                            widener.conversion("arith.trunci", argument, widener.bit, function)?;
                        body.prepend(op);
                        *bits.insert(op.result(0)?)
                    }
                };
                each.op.set_operand(each.index, narrowed);
            }
        }
        Port::Result(at) => {
            let terminator = body.terminator()?;
            let given = terminator.operand(at)?;
            let words = given.r#type().with_element(widener.word)?;
            // Words that were made booleans for the border only.
            let before = given.defining_op().filter(|op| op.is("arith.trunci"));
            let before = before.and_then(|op| op.operand(0));
            let left = match before.filter(|value| value.r#type() == words) {
                Some(value) => value,
                None => {
                    let op = widener.conversion("arith.extui", given, widener.word, terminator)?;
                    terminator.insert_before(op);
                    op.result(0)?
                }
            };
            terminator.set_operand(at, left);
            if let Some(narrowing) = given.defining_op()
                && narrowing.is("arith.trunci")
                && given.is_unused()
            {
                narrowing.erase();
            }
        }
    }
    Some(())
}

/// Functions of control that make words of booleans, and booleans of words.
struct Converters<'m> {
    module: &'m Module<'m>,
    symbols: Symbols,
    /// By the types of what they take and of what they give.
    known: FxHashMap<(String, String), String>,
}

impl<'m> Converters<'m> {
    /// A call that gives `value` as a tensor of type `into`, and what it gives. It
    /// stands nowhere yet.
    fn call(&mut self, value: Value<'m>, into: Type<'m>) -> Option<(Op<'m>, Value<'m>)> {
        let from = value.r#type();
        let name = match self.known.get(&(from.to_string(), into.to_string())) {
            Some(name) => name.clone(),
            None => self.build(from, into)?,
        };
        let location = match value.defining_op() {
            Some(op) => op.location(),
            None => value.block()?.parent_op()?.location(),
        };
        let session = self.module.session();
        let call = Call::builder(session, location, &name, &[value], &[into]).build();
        Some((call, call.result(0)?))
    }

    fn build(&mut self, from: Type<'m>, into: Type<'m>) -> Option<String> {
        let name = self.symbols.fresh(Partition::CONTROL, "");
        let body = private_function(
            self.module,
            &name,
            &[from],
            &[into],
            Some(Partition::CONTROL),
        );
        let location = self.module.op().location();
        let does = match from.element().bit_width() {
            Some(1) => "arith.extui",
            _ => "arith.trunci",
        };
        let given = body.arguments().first().copied()?;
        let converted = OpBuilder::new(does, location)
            .operands(&[given])
            .results(&[into])
            .build();
        body.append(converted);
        let leave = OpBuilder::new("func.return", location);
        body.append(leave.operands(&[converted.result(0)?]).build());
        self.known
            .insert((from.to_string(), into.to_string()), name.clone());
        Some(name)
    }
}
