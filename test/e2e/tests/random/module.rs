//! Random modules, and what they compute: loops and conditionals around a
//! drafter, a target and control, on tensors of four integers in four shapes.
//!
//! Nothing in them means anything. What they have that exported modules have
//! not, yet, is everything that buffers can go wrong with: values in another
//! shape, carried on and read later, handed on twice, yielded from outside, and
//! elements that the host reads in between.

use std::fmt::Write as _;

use fastrand::Rng;

use crate::meaning::{At, Element, Elements, Step, run};

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

    fn computation(&mut self, depth: usize, values: &[Value], steps: &mut Vec<Step>) -> Value {
        match self.random.u8(..20) {
            0..8 => self.elementwise(depth, values, steps),
            8..12 => self.reshape(depth, values, steps),
            12..15 => self.insert(depth, values, steps),
            15..18 => self.sum(depth, values, steps),
            _ => self.constant(depth, steps),
        }
    }

    fn elementwise(&mut self, depth: usize, values: &[Value], steps: &mut Vec<Step>) -> Value {
        const OPS: [&str; 5] = ["addi", "subi", "muli", "maxsi", "minsi"];
        let left = self.pick(values).clone();
        let right = self
            .of_shape(values, left.shape)
            .unwrap_or_else(|| left.clone());
        let op = OPS[self.random.usize(..OPS.len())];
        self.binary(depth, op, &left, &right, steps)
    }

    fn binary(
        &mut self,
        depth: usize,
        op: &'static str,
        left: &Value,
        right: &Value,
        steps: &mut Vec<Step>,
    ) -> Value {
        let name = self.name();
        let (a, b, r#type) = (&left.name, &right.name, left.r#type());
        self.line(depth, &format!("{name} = arith.{op} {a}, {b} : {type}"));
        steps.push(Step::Elementwise(op, name.clone(), a.clone(), b.clone()));
        let shape = left.shape;
        Value { name, shape }
    }

    fn double(&mut self, depth: usize, value: &Value, steps: &mut Vec<Step>) -> Value {
        self.binary(depth, "addi", value, value, steps)
    }

    fn reshape(&mut self, depth: usize, values: &[Value], steps: &mut Vec<Step>) -> Value {
        let from = self.pick(values).clone();
        let name = self.name();
        let (of, r#type) = (&from.name, from.r#type());
        let shape = if from.shape == Shape::Flat {
            let shape = Shape::ALL[self.random.usize(1..4)];
            let sizes = shape.sizes();
            let to = shape.elements();
            self.line(
                depth,
                &format!(
                    "{name} = tensor.expand_shape {of} [[0, 1]] output_shape {sizes:?} : {type} into tensor<{to}>"
                ),
            );
            shape
        } else {
            self.line(
                depth,
                &format!(
                    "{name} = tensor.collapse_shape {of} [[0, 1]] : {type} into tensor<4xi64>"
                ),
            );
            Shape::Flat
        };
        steps.push(Step::Same(name.clone(), of.clone()));
        Value { name, shape }
    }

    fn insert(&mut self, depth: usize, values: &[Value], steps: &mut Vec<Step>) -> Value {
        let flat = Shape::Flat;
        let (Some(from), Some(into)) = (self.of_shape(values, flat), self.of_shape(values, flat))
        else {
            return self.elementwise(depth, values, steps);
        };
        // IREE 3.13 fails to copy within a weight where the ranges overlap,
        // without any placement too.
        let (offset, at) = match (self.holds_weights, self.random.bool()) {
            (false, _) => (self.random.usize(..3), self.random.usize(..3)),
            (true, true) => (0, 2),
            (true, false) => (2, 0),
        };
        let (part, name) = (self.name(), self.name());
        let (a, b) = (&from.name, &into.name);
        self.line(
            depth,
            &format!("{part} = tensor.extract_slice {a}[{offset}] [2] [1] : tensor<4xi64> to tensor<2xi64>"),
        );
        self.line(
            depth,
            &format!("{name} = tensor.insert_slice {part} into {b}[{at}] [2] [1] : tensor<2xi64> into tensor<4xi64>"),
        );
        steps.push(Step::Insert(name.clone(), a.clone(), b.clone(), offset, at));
        Value { name, shape: flat }
    }

    /// A tensor of the sum of elements that are read on the host. (Of several
    /// scalars in a tensor of two dimensions, which it can become by a reshape,
    /// IREE 3.13 makes fills that reach beyond the tensor.)
    fn sum(&mut self, depth: usize, values: &[Value], steps: &mut Vec<Step>) -> Value {
        let mut sum = "%n0".to_owned();
        let mut elements = Vec::new();
        for _ in 0..self.random.usize(1..4) {
            let of = self.pick(values).clone();
            let place = self.random.usize(..4);
            let flat = of.shape == Shape::Flat;
            let (indices, at) = if flat && self.random.bool() {
                let asked = self.pick(values).clone();
                let at = self.ask(depth, &asked);
                (at, At::Asked(asked.name))
            } else {
                let indices = match of.shape {
                    Shape::Flat => format!("%i{place}"),
                    Shape::Square => format!("%i{}, %i{}", place / 2, place % 2),
                    Shape::Row => format!("%i0, %i{place}"),
                    Shape::Column => format!("%i{place}, %i0"),
                };
                (indices, At::Place(place))
            };
            let (scalar, name, r#type) = (self.name(), of.name, of.shape.elements());
            self.line(
                depth,
                &format!("{scalar} = tensor.extract {name}[{indices}] : tensor<{type}>"),
            );
            let more = self.name();
            self.line(depth, &format!("{more} = arith.addi {sum}, {scalar} : i64"));
            sum = more;
            elements.push(Element { of: name, at });
        }
        let (empty, name) = (self.name(), self.name());
        self.line(depth, &format!("{empty} = tensor.empty() : tensor<4xi64>"));
        self.line(
            depth,
            &format!(
                "{name} = linalg.fill ins({sum} : i64) outs({empty} : tensor<4xi64>) -> tensor<4xi64>"
            ),
        );
        steps.push(Step::Sum(name.clone(), elements));
        let shape = Shape::Flat;
        Value { name, shape }
    }

    /// An index out of the first element of `value`.
    fn ask(&mut self, depth: usize, value: &Value) -> String {
        let first = self.first_element(depth, value);
        let (bits, index) = (self.name(), self.name());
        self.line(depth, &format!("{bits} = arith.andi {first}, %n3 : i64"));
        self.line(
            depth,
            &format!("{index} = arith.index_cast {bits} : i64 to index"),
        );
        index
    }

    fn first_element(&mut self, depth: usize, value: &Value) -> String {
        let first = self.name();
        let place = vec!["%i0"; value.shape.sizes().len()].join(", ");
        let (name, r#type) = (&value.name, value.r#type());
        self.line(
            depth,
            &format!("{first} = tensor.extract {name}[{place}] : {type}"),
        );
        first
    }

    fn weight(&mut self, depth: usize, steps: &mut Vec<Step>) -> Value {
        let (symbol, elements) = WEIGHTS[self.random.usize(..WEIGHTS.len())];
        let name = self.name();
        self.line(
            depth,
            &format!("{name} = util.global.load {symbol} : tensor<4xi64>"),
        );
        steps.push(Step::Constant(name.clone(), elements));
        let shape = Shape::Flat;
        Value { name, shape }
    }

    fn constant(&mut self, depth: usize, steps: &mut Vec<Step>) -> Value {
        let shape = Shape::ALL[self.random.usize(..4)];
        let elements = [(); 4].map(|()| self.random.i64(-3..6));
        let [a, b, c, d] = elements;
        let dense = match shape {
            Shape::Flat => format!("[{a}, {b}, {c}, {d}]"),
            Shape::Square => format!("[[{a}, {b}], [{c}, {d}]]"),
            Shape::Row => format!("[[{a}, {b}, {c}, {d}]]"),
            Shape::Column => format!("[[{a}], [{b}], [{c}], [{d}]]"),
        };
        let name = self.name();
        let r#type = shape.elements();
        self.line(
            depth,
            &format!("{name} = arith.constant dense<{dense}> : tensor<{type}>"),
        );
        steps.push(Step::Constant(name.clone(), elements));
        Value { name, shape }
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

    /// An `scf.for` or an `scf.while`.
    fn repetition(
        &mut self,
        depth: usize,
        values: &[Value],
        steps: &mut Vec<Step>,
        nesting: usize,
    ) -> Vec<Value> {
        let count = self.random.usize(1..4);
        let trips = self.random.usize(1..4);
        let initial: Vec<Value> = (0..count).map(|_| self.pick(values).clone()).collect();
        let arguments: Vec<Value> = initial
            .iter()
            .map(|value| Value {
                name: self.name(),
                shape: value.shape,
            })
            .collect();
        let result = self.name();
        let types: Vec<String> = initial.iter().map(Value::r#type).collect();
        let types = types.join(", ");
        let starts = |names: &[String]| -> String {
            let pairs = names.iter().zip(&initial);
            let pairs: Vec<String> = pairs
                .map(|(name, from)| format!("{name} = {}", from.name))
                .collect();
            pairs.join(", ")
        };
        let counted = self.random.bool();
        let next = self.name();
        if counted {
            let names: Vec<String> = arguments.iter().map(|each| each.name.clone()).collect();
            let starts = starts(&names);
            self.line(
                depth,
                &format!(
                    "{result}:{count} = scf.for {next} = %i0 to %i{trips} step %i1 iter_args({starts}) -> ({types}) {{"
                ),
            );
        } else {
            let before: Vec<String> = initial.iter().map(|_| self.name()).collect();
            let (round, go) = (self.name(), self.name());
            let starts = starts(&before);
            let passed = before.join(", ");
            let carried = count + 1;
            self.line(
                depth,
                &format!(
                    "{result}:{carried} = scf.while ({starts}, {round} = %n0) : ({types}, i64) -> ({types}, i64) {{"
                ),
            );
            self.line(
                depth + 1,
                &format!("{go} = arith.cmpi slt, {round}, %n{trips} : i64"),
            );
            self.line(
                depth + 1,
                &format!("scf.condition({go}) {passed}, {round} : {types}, i64"),
            );
            self.line(depth, "} do {");
            let inside = arguments.iter();
            let inside: Vec<String> = inside
                .map(|each| format!("{}: {}", each.name, each.r#type()))
                .collect();
            self.line(depth, &format!("^bb0({}, {next}: i64):", inside.join(", ")));
        }
        let mut body = Vec::new();
        let mut all = values.to_vec();
        all.extend(arguments.iter().cloned());
        let size = self.random.usize(1..5);
        let made = self.block(depth + 1, &all, &mut body, size, nesting);
        all.extend(made.iter().cloned());
        let yields: Vec<String> = initial
            .iter()
            .map(|value| {
                let new = (self.random.u8(..10) < 8).then(|| self.of_shape(&made, value.shape));
                let any = new.flatten().or_else(|| self.of_shape(&all, value.shape));
                any.map_or_else(|| value.name.clone(), |each| each.name)
            })
            .collect();
        let yielded = yields.join(", ");
        if counted {
            self.line(depth + 1, &format!("scf.yield {yielded} : {types}"));
        } else {
            let more = self.name();
            self.line(depth + 1, &format!("{more} = arith.addi {next}, %n1 : i64"));
            self.line(
                depth + 1,
                &format!("scf.yield {yielded}, {more} : {types}, i64"),
            );
        }
        self.line(depth, "}");
        let results = results(&result, initial.iter().map(|value| value.shape));
        steps.push(Step::Loop {
            trips,
            arguments: arguments.into_iter().map(|each| each.name).collect(),
            initial: initial.into_iter().map(|each| each.name).collect(),
            body,
            yields,
            results: results.iter().map(|each| each.name.clone()).collect(),
        });
        results
    }

    /// An `scf.if`.
    fn choice(
        &mut self,
        depth: usize,
        values: &[Value],
        steps: &mut Vec<Step>,
        nesting: usize,
    ) -> Vec<Value> {
        let of = self.pick(values).clone();
        let limit = self.random.i64(-1..4);
        let first = self.first_element(depth, &of);
        let (small, result) = (self.name(), self.name());
        let number = limit.to_string().replace('-', "m");
        self.line(
            depth,
            &format!("{small} = arith.cmpi slt, {first}, %n{number} : i64"),
        );
        let count = self.random.usize(1..3);
        let shapes: Vec<Shape> = (0..count).map(|_| self.pick(values).shape).collect();
        let types: Vec<String> = shapes
            .iter()
            .map(|each| format!("tensor<{}>", each.elements()))
            .collect();
        let types = types.join(", ");
        self.line(
            depth,
            &format!("{result}:{count} = scf.if {small} -> ({types}) {{"),
        );
        let mut sides = Vec::new();
        for end in ["} else {", "}"] {
            let mut body = Vec::new();
            let size = self.random.usize(..3);
            let mut all = values.to_vec();
            all.extend(self.block(depth + 1, values, &mut body, size, nesting));
            let yields: Vec<String> = shapes
                .iter()
                .filter_map(|shape| self.of_shape(&all, *shape))
                .map(|each| each.name)
                .collect();
            self.line(
                depth + 1,
                &format!("scf.yield {} : {types}", yields.join(", ")),
            );
            self.line(depth, end);
            sides.push((body, yields));
        }
        let results = results(&result, shapes.into_iter());
        steps.push(Step::Choice {
            of: of.name,
            limit,
            sides,
            results: results.iter().map(|each| each.name.clone()).collect(),
        });
        results
    }
}

fn results(name: &str, shapes: impl Iterator<Item = Shape>) -> Vec<Value> {
    let named = shapes.enumerate();
    named
        .map(|(at, shape)| Value {
            name: format!("{name}#{at}"),
            shape,
        })
        .collect()
}
