//! Operations on tensors, and on what the host reads of them.

use super::{Shape, Value, WEIGHTS, Writer};
use crate::meaning::{At, Element, Step};

impl Writer {
    pub(super) fn computation(
        &mut self,
        depth: usize,
        values: &[Value],
        steps: &mut Vec<Step>,
    ) -> Value {
        match self.random.u8(..20) {
            0..8 => self.elementwise(depth, values, steps),
            8..12 => self.reshape(depth, values, steps),
            12..15 => self.insert(depth, values, steps),
            15..18 => self.sum(depth, values, steps),
            _ => self.constant(depth, steps),
        }
    }

    pub(super) fn elementwise(
        &mut self,
        depth: usize,
        values: &[Value],
        steps: &mut Vec<Step>,
    ) -> Value {
        const OPS: [&str; 5] = ["addi", "subi", "muli", "maxsi", "minsi"];
        let left = self.pick(values).clone();
        let right = self
            .of_shape(values, left.shape)
            .unwrap_or_else(|| left.clone());
        let op = OPS[self.random.usize(..OPS.len())];
        self.binary(depth, op, &left, &right, steps)
    }

    pub(super) fn binary(
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

    pub(super) fn double(&mut self, depth: usize, value: &Value, steps: &mut Vec<Step>) -> Value {
        self.binary(depth, "addi", value, value, steps)
    }

    pub(super) fn reshape(
        &mut self,
        depth: usize,
        values: &[Value],
        steps: &mut Vec<Step>,
    ) -> Value {
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

    pub(super) fn insert(
        &mut self,
        depth: usize,
        values: &[Value],
        steps: &mut Vec<Step>,
    ) -> Value {
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

    pub(super) fn first_element(&mut self, depth: usize, value: &Value) -> String {
        let first = self.name();
        let place = vec!["%i0"; value.shape.sizes().len()].join(", ");
        let (name, r#type) = (&value.name, value.r#type());
        self.line(
            depth,
            &format!("{first} = tensor.extract {name}[{place}] : {type}"),
        );
        first
    }

    pub(super) fn weight(&mut self, depth: usize, steps: &mut Vec<Step>) -> Value {
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
}
