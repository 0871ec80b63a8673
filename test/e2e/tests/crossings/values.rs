//! The values that cross, the module in which they do, and what comes of them.

use anyhow::{Context, Result, ensure};

/// Types and shapes that cross. Nothing computes with them, but with the one
/// that is a single number: lavapipe gets f16 and i8 arithmetic wrong on IREE's
/// default target, which is no crossing's fault.
const VALUES: &[(&str, usize, usize)] = &[
    ("f32", 8, 4),
    ("f64", 8, 4),
    ("f16", 8, 4),
    ("bf16", 8, 4),
    ("i8", 8, 4),
    ("i1", 8, 4),
    ("i32", 8, 4),
    ("i64", 8, 4),
    ("i64", 1, 1),
    ("f32", 64, 512),
];

/// Rounds of the loop: not so many that the number overflows.
pub const ROUNDS: usize = 3;

/// `@cross`: drafter and target each put two of every value one above the
/// other, so that it crosses from control to drafter to target to control.
/// `@turn`: each moves the first row of every value to its end, round after
/// round of a loop. What came back as it went in would pass for a cache, so
/// that the last value leaves twice.
///
/// Operations have their roles as attributes: control would compute the
/// integers otherwise, and copies in loops go wrong on lavapipe, on one device
/// and without specplace, too.
pub fn module() -> String {
    let (mut cross, mut turn) = (Function::default(), Function::default());
    for (index, (dtype, rows, columns)) in VALUES.iter().enumerate() {
        let of = |rows: usize, dtype: &str| format!("tensor<{rows}x{columns}x{dtype}>");
        let there = of(*rows, dtype);
        let value = Value {
            index,
            columns: *columns,
            of: &|rows| of(rows, dtype),
        };
        let bits = *dtype == "i1";
        let entered = format!("%{}{index}", if bits { "x" } else { "y" });
        for function in [&mut cross, &mut turn] {
            let bytes = of(*rows, outside(dtype));
            function.arguments.push(format!("%y{index}: {bytes}"));
            if bits {
                // iree-run-module reads and prints bytes, no bits.
                function.before.push_str(&format!(
                    "  %zero{index} = arith.constant dense<0> : {bytes}
  %x{index} = arith.cmpi ne, %y{index}, %zero{index} : {bytes}\n"
                ));
            }
        }
        let doubled = value.doubled("c", &entered, *rows, "drafter");
        cross.before.push_str(&doubled);
        let doubled = value.doubled("h", &format!("%c{index}"), 2 * rows, "target");
        cross.before.push_str(&doubled);
        turn.inside
            .push_str(&value.turned("c", "v", *rows, "drafter"));
        turn.inside
            .push_str(&value.turned("g", "c", *rows, "target"));
        let doubled = value.doubled("h", &format!("%f{index}"), *rows, "target");
        turn.after.push_str(&doubled);
        turn.carried.push((entered, there));
        for (function, rows) in [(&mut cross, 4 * rows), (&mut turn, 2 * rows)] {
            let (left, bytes) = (of(rows, dtype), of(rows, outside(dtype)));
            if bits {
                function.after.push_str(&format!(
                    "  %z{index} = arith.extui %h{index} : {left} to {bytes}\n"
                ));
            }
            let name = if bits { "z" } else { "h" };
            function.results.push(format!("%{name}{index}"));
            function.types.push(bytes);
        }
    }
    turn.arguments.push("%rounds: tensor<i64>".to_owned());
    format!("{}{}", cross.text("cross"), turn.text("turn"))
}

/// One of [`VALUES`].
struct Value<'a> {
    index: usize,
    columns: usize,
    /// Its type with so many rows.
    of: &'a dyn Fn(usize) -> String,
}

impl Value<'_> {
    /// Two of `from` one above the other.
    fn doubled(&self, to: &str, from: &str, rows: usize, role: &str) -> String {
        let Self { index, of, .. } = self;
        let (one, two) = (of(rows), of(2 * rows));
        format!(
            "  %{to}{index} = tensor.concat dim(0) {from}, {from} {{specplace.role = \"{role}\"}} : ({one}, {one}) -> {two}\n"
        )
    }

    /// The first row last; a single number twice itself.
    fn turned(&self, to: &str, from: &str, rows: usize, role: &str) -> String {
        let Self { index, columns, of } = self;
        let there = of(rows);
        let role = format!("{{specplace.role = \"{role}\"}}");
        if rows == 1 {
            return format!(
                "    %{to}{index} = arith.addi %{from}{index}, %{from}{index} {role} : {there}\n"
            );
        }
        let (rest, row) = (of(rows - 1), of(1));
        format!(
            "    %{to}r{index} = tensor.extract_slice %{from}{index}[1, 0] [{}, {columns}] [1, 1] {role} : {there} to {rest}
    %{to}s{index} = tensor.extract_slice %{from}{index}[0, 0] [1, {columns}] [1, 1] {role} : {there} to {row}
    %{to}{index} = tensor.concat dim(0) %{to}r{index}, %{to}s{index} {role} : ({rest}, {row}) -> {there}\n",
            rows - 1
        )
    }
}

/// A function in the making.
#[derive(Default)]
struct Function {
    arguments: Vec<String>,
    types: Vec<String>,
    results: Vec<String>,
    before: String,
    /// What a loop carries (as `%v0`, and after it `%f0`), of which type.
    carried: Vec<(String, String)>,
    inside: String,
    after: String,
}

impl Function {
    fn text(&self, name: &str) -> String {
        let each = |format: &dyn Fn(usize, &(String, String)) -> String| {
            let all: Vec<String> = self
                .carried
                .iter()
                .enumerate()
                .map(|(at, each)| format(at, each))
                .collect();
            all.join(", ")
        };
        let mut body = self.before.clone();
        if !self.carried.is_empty() {
            body.push_str(&format!(
                "  %from = arith.constant 0 : index
  %step = arith.constant 1 : index
  %limit = tensor.extract %rounds[] : tensor<i64>
  %n = arith.index_cast %limit : i64 to index
  {results} = scf.for %i = %from to %n step %step iter_args({carried}) -> ({types}) {{
{inside}    scf.yield {yielded} : {types}
  }}\n",
                results = each(&|at, _| format!("%f{at}")),
                carried = each(&|at, (value, _)| format!("%v{at} = {value}")),
                types = each(&|_, (_, r#type)| r#type.clone()),
                inside = self.inside,
                yielded = each(&|at, _| format!("%g{at}")),
            ));
        }
        format!(
            "func.func @{name}({}) -> ({}) {{\n{body}{}  return {} : {}\n}}\n",
            self.arguments.join(", "),
            self.types.join(", "),
            self.after,
            self.results.join(", "),
            self.types.join(", ")
        )
    }
}

/// The type in which a value enters and leaves the module.
fn outside(dtype: &str) -> &str {
    if dtype == "i1" { "i8" } else { dtype }
}

/// The type in which the compiled module takes and gives it: IREE has no f64
/// unless it is told to.
fn compiled(dtype: &str) -> &str {
    if dtype == "f64" {
        "f32"
    } else {
        outside(dtype)
    }
}

/// Small whole numbers, which every type holds exactly.
fn element(dtype: &str, at: usize) -> f64 {
    let value = if dtype == "i1" { at % 3 % 2 } else { at % 100 };
    value as f64
}

pub fn inputs() -> Vec<String> {
    VALUES
        .iter()
        .map(|(dtype, rows, columns)| {
            let values: Vec<String> = (0..rows * columns)
                .map(|at| element(dtype, at).to_string())
                .collect();
            format!(
                "--input={rows}x{columns}x{}={}",
                compiled(dtype),
                values.join(" ")
            )
        })
        .collect()
}

/// What comes of the inputs, row by row.
fn expected(function: &str, dtype: &str, rows: usize, columns: usize) -> Vec<f64> {
    let mut one: Vec<f64> = (0..rows * columns).map(|at| element(dtype, at)).collect();
    if function == "cross" {
        return one.repeat(4);
    }
    if rows == 1 {
        let product = f64::powi(4.0, ROUNDS as i32);
        one.iter_mut().for_each(|each| *each *= product);
    }
    one.rotate_left(2 * ROUNDS * columns % (rows * columns));
    one.repeat(2)
}

/// Compares what was printed with what comes of the inputs.
pub fn compare(function: &str, printed: &str) -> Result<()> {
    let arrived: Vec<&str> = printed.lines().filter(|line| line.contains('=')).collect();
    ensure!(
        arrived.len() == VALUES.len(),
        "{} values were sent, {} arrived:\n{printed}",
        VALUES.len(),
        arrived.len()
    );
    for ((dtype, rows, columns), line) in VALUES.iter().zip(arrived) {
        let (shape, values) = line.split_once('=').context("no value is printed")?;
        let last = if function == "cross" { 4 } else { 2 } * rows;
        ensure!(
            shape == format!("{last}x{columns}x{}", compiled(dtype)),
            "{dtype} arrived as {shape}"
        );
        let expected = expected(function, dtype, *rows, *columns);
        let arrived: Vec<f64> = values
            .split(|each: char| "[] ".contains(each))
            .filter_map(|number| number.parse().ok())
            .collect();
        // Long values are cut by iree-run-module; what it shows must agree.
        let shown = arrived.len().min(expected.len());
        ensure!(
            shown > 0
                && expected[..shown] == arrived[..shown]
                && (shown == expected.len() || line.contains("...")),
            "{shape} changed on its way:\nexpected {expected:?}\narrived  {arrived:?}"
        );
    }
    Ok(())
}
