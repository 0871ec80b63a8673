//! Random programs of loads, stores and subgraphs mean the same when they are
//! outlined: run with symbols in place of numbers, before and after.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use dialects::ir::{Block, Op, Value};
use dialects::ops::{Call, global_of};
use dialects::{Module, OwnedModule};
use proptest::prelude::*;
use rustc_hash::FxHashMap;

use crate::settings::Handover;
use crate::structure::inputs;

const ROLES: [&str; 3] = ["control", "drafter", "target"];
const STATES: usize = 2;

/// A step of a program. Numbers of values count back from the last one.
#[derive(Clone, Debug)]
enum Step {
    /// A computation of a role on two values.
    Compute(usize, usize, usize),
    /// A computation of a role whose body reads a state.
    Peek(usize, usize),
    Load(usize),
    Store(usize, usize),
    /// What `@helper` does: adds to a state.
    Call(usize),
    If(Vec<Step>, Vec<Step>),
    For(Vec<Step>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let flat = prop_oneof![
        4 => (0..3usize, 0..6usize, 0..6usize).prop_map(|(role, a, b)| Step::Compute(role, a, b)),
        1 => (0..3usize, 0..STATES).prop_map(|(role, state)| Step::Peek(role, state)),
        2 => (0..STATES).prop_map(Step::Load),
        2 => (0..STATES, 0..6usize).prop_map(|(state, a)| Step::Store(state, a)),
        1 => (0..6usize).prop_map(Step::Call),
    ];
    let step = flat.prop_recursive(3, 24, 5, |inner| {
        let some = prop::collection::vec(inner, 0..5);
        prop_oneof![
            (some.clone(), some.clone()).prop_map(|(then, other)| Step::If(then, other)),
            some.prop_map(Step::For),
        ]
    });
    prop::collection::vec(step, 1..12)
}

/// Writes programs as IR, every computation with a number of its own.
#[derive(Default)]
struct Writer {
    text: String,
    made: usize,
}

impl Writer {
    fn block(&mut self, steps: &[Step], outer: &[String]) -> Vec<String> {
        let mut values = outer.to_vec();
        for step in steps {
            self.step(step, &mut values);
        }
        values
    }

    fn step(&mut self, step: &Step, values: &mut Vec<String>) {
        let back = |values: &[String], count: usize| {
            values[values.len() - 1 - count % values.len()].clone()
        };
        self.made += 1;
        let number = self.made;
        let result = format!("%v{number}");
        let line = match step {
            Step::Compute(role, a, b) => format!(
                "{result} = arith.mulf {}, {} {{specplace.role = \"{}\", number = {number} : i64}} : tensor<4xf32>",
                back(values, *a),
                back(values, *b),
                ROLES[*role]
            ),
            Step::Peek(role, state) => format!(
                "{result} = tensor.generate {{\n^bb0(%i: index):\n\
                 %t = util.global.load @state{state} : tensor<4xf32>\n\
                 %e = tensor.extract %t[%i] : tensor<4xf32>\n\
                 tensor.yield %e : f32\n\
                 }} {{specplace.role = \"{}\", number = {number} : i64}} : tensor<4xf32>",
                ROLES[*role]
            ),
            Step::Load(state) => {
                format!("{result} = util.global.load @state{state} : tensor<4xf32>")
            }
            Step::Store(state, a) => {
                let value = back(values, *a);
                let _ = writeln!(
                    self.text,
                    "util.global.store {value}, @state{state} : tensor<4xf32>"
                );
                return;
            }
            Step::Call(a) => {
                let value = back(values, *a);
                let _ = writeln!(
                    self.text,
                    "func.call @helper({value}) : (tensor<4xf32>) -> ()"
                );
                return;
            }
            Step::If(then, other) => {
                let _ = writeln!(self.text, "scf.if %c {{");
                self.block(then, values);
                self.text.push_str("} else {\n");
                self.block(other, values);
                self.text.push_str("}\n");
                return;
            }
            Step::For(body) => {
                let _ = writeln!(self.text, "scf.for %i{number} = %c0 to %c2 step %c1 {{");
                self.block(body, values);
                self.text.push_str("}\n");
                return;
            }
        };
        let _ = writeln!(self.text, "{line}");
        values.push(result);
    }
}

fn program(steps: &[Step]) -> String {
    let mut writer = Writer::default();
    for state in 0..STATES {
        let _ = writeln!(
            writer.text,
            "util.global private mutable @state{state} = dense<0.0> : tensor<4xf32>"
        );
    }
    writer.text.push_str(
        "func.func private @helper(%x: tensor<4xf32>) {\n\
         %0 = util.global.load @state0 : tensor<4xf32>\n\
         %1 = arith.addf %0, %x {number = 0 : i64} : tensor<4xf32>\n\
         util.global.store %1, @state0 : tensor<4xf32>\n\
         return\n}\n\
         func.func @main(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {\n\
         %c0 = arith.constant 0 : index\n\
         %c1 = arith.constant 1 : index\n\
         %c2 = arith.constant 2 : index\n",
    );
    let values = writer.block(steps, &["%x".to_owned()]);
    let last = &values[values.len() - 1];
    let _ = writeln!(writer.text, "return {last} : tensor<4xf32>\n}}");
    writer.text
}

fn symbol(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Runs IR with symbols for tensors: equal ones were made in the same way.
struct Machine<'m> {
    functions: BTreeMap<String, Op<'m>>,
    states: BTreeMap<String, u64>,
}

impl<'m> Machine<'m> {
    /// What `@main` returns, and the states that it leaves.
    fn run(module: &'m Module<'_>, condition: bool) -> (Vec<u64>, BTreeMap<String, u64>) {
        let functions = crate::structure::functions(module).into_iter();
        let mut machine = Self {
            functions: functions
                .filter_map(|op| Some((op.symbol_name()?, op)))
                .collect(),
            states: BTreeMap::new(),
        };
        let returned = machine.call("main", &[symbol("x"), u64::from(condition)]);
        (returned, machine.states)
    }

    fn call(&mut self, name: &str, arguments: &[u64]) -> Vec<u64> {
        let body = self.functions[name].blocks()[0];
        let mut values = body
            .arguments()
            .into_iter()
            .zip(arguments.iter().copied())
            .collect();
        self.block(body, &mut values)
    }

    /// What the block's terminator hands on.
    fn block(&mut self, block: Block<'m>, values: &mut FxHashMap<Value<'m>, u64>) -> Vec<u64> {
        for op in block.ops() {
            let operands: Vec<u64> = op.operands().iter().map(|value| values[value]).collect();
            let global = global_of(op).map(str::to_owned);
            let results = match (op.name(), global) {
                ("util.global.load", Some(name)) => vec![self.state(&name)],
                ("util.global.store", Some(name)) => {
                    self.states.insert(name, operands[0]);
                    Vec::new()
                }
                ("func.call", _) => {
                    let callee = Call::of(op).and_then(Call::callee);
                    self.call(callee.expect("a call has a callee"), &operands)
                }
                ("scf.if", _) => {
                    let chosen = usize::from(operands[0] == 0);
                    match op.blocks().get(chosen) {
                        Some(block) => self.block(*block, values),
                        None => Vec::new(),
                    }
                }
                ("scf.for", _) => {
                    for _ in 0..2 {
                        self.block(op.blocks()[0], values);
                    }
                    Vec::new()
                }
                ("func.return" | "scf.yield", _) => return operands,
                // Its bounds are the same for all loops.
                ("arith.constant", _) => vec![0],
                (name, _) => {
                    let number = op.attribute("number").and_then(|each| each.as_integer());
                    let number = number.expect("every computation has a number");
                    let read: Vec<u64> = inputs(op).iter().map(|value| values[value]).collect();
                    let loads = op
                        .nested()
                        .into_iter()
                        .filter_map(|op| op.attribute("global"));
                    let peeked: Vec<u64> = loads
                        .filter_map(|global| global.as_symbol())
                        .map(|name| self.state(&name))
                        .collect();
                    vec![symbol((name, number, operands, read, peeked))]
                }
            };
            values.extend(op.results().into_iter().zip(results));
        }
        Vec::new()
    }

    fn state(&self, name: &str) -> u64 {
        self.states.get(name).copied().unwrap_or_default()
    }
}

/// What a program means before and after it is outlined, whichever way its
/// branches go.
fn check(steps: &[Step]) {
    let text = program(steps);
    let session = iree::session();
    let mut module = OwnedModule::from_source(&session, text.as_bytes())
        .unwrap_or_else(|errors| panic!("{text}\n{}", errors[0]));
    let before = [true, false].map(|condition| Machine::run(&module, condition));
    super::run(&mut module.lend(), Handover::Buffers).expect("it is outlined");
    module.verify().expect("it is valid");
    let after = [true, false].map(|condition| Machine::run(&module, condition));
    assert_eq!(before, after, "{text}\n{}", module.to_text());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn outlined_programs_mean_what_they_meant(steps in steps()) {
        check(&steps);
    }
}

#[test]
fn a_load_stays_behind_the_store_before_it() {
    check(&[
        Step::Compute(1, 0, 0),
        Step::Store(0, 0),
        Step::Load(0),
        Step::Compute(2, 0, 0),
    ]);
}

#[test]
fn a_group_that_reads_a_state_stays_behind_the_store_before_it() {
    check(&[Step::Compute(2, 0, 0), Step::Store(0, 0), Step::Peek(0, 0)]);
}
