//! Random modules, and what they compute: loops and conditionals around a
//! drafter, a target and control, on tensors of four integers in four shapes.
//!
//! Nothing in them means anything. What they have that exported modules have
//! not, yet, is everything that buffers can go wrong with: values in another
//! shape, carried on and read later, handed on twice, yielded from outside, and
//! elements that the host reads in between.

mod computation;
mod control_flow;

use std::fmt::Write as _;

use fastrand::Rng;

use crate::meaning::{Elements, Step, run};

/// What the functions of all modules take, by name.
pub const INPUTS: [(&str, Shape, Elements); 3] = [
    ("%x", Shape::Flat, [1, 2, 3, 4]),
    ("%y", Shape::Square, [2, -1, 0, 3]),
    ("%w", Shape::Row, [1, 0, -2, 5]),
];

/// What the modules hold from the start, by name.
const WEIGHTS: [(&str, Elements); 2] = [("@u", [3, -1, 2, 0]), ("@v", [0, 5, 1, -2])];

/// A module of one function, `@f`, and its results.
pub struct Random {
    pub text: String,
    pub results: Vec<Elements>,
}

impl Random {
    /// The module of this seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut writer = Writer {
            holds_weights: random.bool(),
            random,
            names: 0,
            text: String::new(),
        };
        let inputs: Vec<Value> = INPUTS
            .iter()
            .map(|(name, shape, _)| Value {
                name: (*name).to_owned(),
                shape: *shape,
            })
            .collect();
        let mut steps = Vec::new();
        let size = writer.random.usize(3..7);
        let mut made = writer.block(1, &inputs, &mut steps, size, 2);
        // A model of each role that is neither constant nor unused.
        for role in ["drafter", "target"] {
            let square = writer.square(1, &inputs[0], &mut steps, role);
            made.push(square);
        }
        let last = made.len().saturating_sub(8);
        let returned: Vec<Value> = made[last..]
            .iter()
            .map(|value| writer.double(1, value, &mut steps))
            .collect();
        let mut known = INPUTS
            .iter()
            .map(|(name, _, elements)| ((*name).to_owned(), *elements))
            .collect();
        run(&steps, &mut known);
        Self {
            results: returned.iter().map(|value| known[&value.name]).collect(),
            text: function(&inputs, &returned, &writer.text),
        }
    }
}

fn function(inputs: &[Value], returned: &[Value], body: &str) -> String {
    let joined = |each: Vec<String>| each.join(", ");
    let types = joined(returned.iter().map(Value::r#type).collect());
    let names = joined(returned.iter().map(|each| each.name.clone()).collect());
    let arguments = inputs.iter();
    let arguments = arguments.map(|each| format!("{}: {}", each.name, each.r#type()));
    let mut text = String::new();
    for (symbol, elements) in WEIGHTS {
        let _ = writeln!(
            text,
            "util.global private {symbol} = dense<{elements:?}> : tensor<4xi64>"
        );
    }
    let _ = writeln!(
        text,
        "func.func @f({}) -> ({types}) {{",
        joined(arguments.collect())
    );
    for number in -1..4_i64 {
        let name = number.to_string().replace('-', "m");
        let _ = writeln!(text, "  %n{name} = arith.constant {number} : i64");
        if number >= 0 {
            let _ = writeln!(text, "  %i{name} = arith.constant {number} : index");
        }
    }
    format!("{text}{body}  return {names} : {types}\n}}\n")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Flat,
    Square,
    Row,
    Column,
}

impl Shape {
    const ALL: [Self; 4] = [Self::Flat, Self::Square, Self::Row, Self::Column];

    fn sizes(self) -> &'static [usize] {
        match self {
            Self::Flat => &[4],
            Self::Square => &[2, 2],
            Self::Row => &[1, 4],
            Self::Column => &[4, 1],
        }
    }

    /// As in `2x2xi64`.
    pub fn elements(self) -> String {
        let sizes: Vec<String> = self.sizes().iter().map(usize::to_string).collect();
        format!("{}xi64", sizes.join("x"))
    }
}

#[derive(Clone, Debug)]
struct Value {
    name: String,
    shape: Shape,
}

impl Value {
    fn r#type(&self) -> String {
        format!("tensor<{}>", self.shape.elements())
    }
}

/// Writes operations, and keeps what they compute.
struct Writer {
    random: Rng,
    /// Whether models read weights.
    holds_weights: bool,
    names: usize,
    text: String,
}

impl Writer {
    fn name(&mut self) -> String {
        self.names += 1;
        format!("%v{}", self.names)
    }

    fn line(&mut self, depth: usize, line: &str) {
        let _ = writeln!(self.text, "{:indent$}{line}", "", indent = 2 * depth);
    }

    fn pick<'v>(&mut self, values: &'v [Value]) -> &'v Value {
        &values[self.random.usize(..values.len())]
    }

    fn of_shape(&mut self, values: &[Value], shape: Shape) -> Option<Value> {
        let alike: Vec<Value> = values
            .iter()
            .filter(|each| each.shape == shape)
            .cloned()
            .collect();
        (!alike.is_empty()).then(|| self.pick(&alike).clone())
    }

    /// So many operations, of control and of models, and what they make.
    fn block(
        &mut self,
        depth: usize,
        values: &[Value],
        steps: &mut Vec<Step>,
        size: usize,
        nesting: usize,
    ) -> Vec<Value> {
        let mut all = values.to_vec();
        for _ in 0..size {
            let made = match self.random.u8(..10) {
                0..3 => vec![self.computation(depth, &all, steps)],
                3..7 => {
                    let role = if self.random.bool() {
                        "drafter"
                    } else {
                        "target"
                    };
                    self.model(depth, &all, steps, role)
                }
                7..9 if nesting > 0 => self.repetition(depth, &all, steps, nesting - 1),
                9 if nesting > 0 => self.choice(depth, &all, steps, nesting - 1),
                _ => vec![self.computation(depth, &all, steps)],
            };
            all.extend(made);
        }
        all.split_off(values.len())
    }

    /// `value` where `role` is, or comes back from it.
    fn transfer(
        &mut self,
        depth: usize,
        value: &Value,
        steps: &mut Vec<Step>,
        role: &str,
    ) -> Value {
        let name = self.name();
        let (from, r#type) = (&value.name, value.r#type());
        self.line(
            depth,
            &format!(
                "{name} = flow.tensor.transfer {from} : {type} to #hal.device.promise<@{role}>"
            ),
        );
        steps.push(Step::Same(name.clone(), from.clone()));
        let shape = value.shape;
        Value { name, shape }
    }

    /// A few operations of a model, on a few values.
    fn model(
        &mut self,
        depth: usize,
        values: &[Value],
        steps: &mut Vec<Step>,
        role: &str,
    ) -> Vec<Value> {
        let mut inside = Vec::new();
        for _ in 0..self.random.usize(1..4) {
            let value = self.pick(values).clone();
            inside.push(self.transfer(depth, &value, steps, role));
        }
        if self.holds_weights && self.random.u8(..3) == 0 {
            inside.push(self.weight(depth, steps));
        }
        let taken = inside.len();
        let first = self.elementwise(depth, &inside, steps);
        inside.push(first);
        for _ in 0..self.random.usize(..4) {
            let made = match self.random.u8(..10) {
                0..6 => self.elementwise(depth, &inside, steps),
                6..8 => self.reshape(depth, &inside, steps),
                _ => self.insert(depth, &inside, steps),
            };
            inside.push(made);
        }
        let mut made = inside.split_off(taken);
        self.random.shuffle(&mut made);
        made.truncate(self.random.usize(1..3));
        made.iter()
            .map(|value| self.transfer(depth, value, steps, "control"))
            .collect()
    }

    fn square(&mut self, depth: usize, value: &Value, steps: &mut Vec<Step>, role: &str) -> Value {
        let inside = self.transfer(depth, value, steps, role);
        let square = self.binary(depth, "muli", &inside, &inside, steps);
        self.transfer(depth, &square, steps, "control")
    }
}
