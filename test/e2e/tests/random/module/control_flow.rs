//! Loops and conditionals.

use super::{Shape, Value, Writer};
use crate::meaning::Step;

impl Writer {
    /// An `scf.for` or an `scf.while`.
    pub(super) fn repetition(
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
    pub(super) fn choice(
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
