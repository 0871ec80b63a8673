//! Random programs on integers compute the same after they are narrowed, and
//! what is to be narrowed is.

use std::fmt::Write;

use dialects::OwnedModule;
use dialects::ir::{Op, Value};
use proptest::prelude::*;
use rustc_hash::FxHashMap;

use super::narrow;
use crate::structure::functions;

/// A step of a program: an operation, and which values before it it reads,
/// counted back from the last one.
#[derive(Clone, Debug)]
struct Step {
    operation: usize,
    a: usize,
    b: usize,
    number: i64,
}

const OPERATIONS: [&str; 16] = [
    "constant",
    "addi",
    "subi",
    "muli",
    "andi",
    "ori",
    "xori",
    "minsi",
    "maxsi",
    "divsi",
    "remsi",
    "shli",
    "shrsi",
    "through_i8",
    "through_index",
    "choose",
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = prop_oneof![
        6 => -9..70_i64,
        1 => any::<i32>().prop_map(i64::from),
        1 => any::<i64>(),
    ];
    let step = (0..OPERATIONS.len(), 0..5_usize, 0..5_usize, number);
    let step = step.prop_map(|(operation, a, b, number)| Step {
        operation,
        a,
        b,
        number,
    });
    prop::collection::vec(step, 1..20)
}

/// The program on a small number, one of i32 and one of i64.
fn written(steps: &[Step]) -> String {
    let mut text = String::from(
        "func.func private @f(%x: i8, %y: i32, %z: i64) -> (i64, i1, i32) {
           %0 = arith.extsi %x : i8 to i64
           %1 = arith.extui %x : i8 to i64
           %2 = arith.extsi %y : i32 to i64
           %3 = arith.addi %z, %2 : i64\n",
    );
    let mut last = 3;
    let mut line = |rest: String| {
        last += 1;
        let _ = writeln!(text, "%{last} = {rest}");
        last
    };
    let mut values = vec![3, 2, 1, 0];
    for step in steps {
        let of = |back: usize, values: &[usize]| values[values.len() - 1 - back % values.len()];
        let (a, b) = (of(step.a, &values), of(step.b, &values));
        let name = OPERATIONS[step.operation];
        let made = match name {
            "constant" => line(format!("arith.constant {} : i64", step.number)),
            "divsi" | "remsi" => {
                let by = if step.number == 0 { 7 } else { step.number };
                let by = line(format!("arith.constant {by} : i64"));
                line(format!("arith.{name} %{a}, %{by} : i64"))
            }
            "shli" | "shrsi" => {
                let by = line(format!(
                    "arith.constant {} : i64",
                    step.number.rem_euclid(64)
                ));
                line(format!("arith.{name} %{a}, %{by} : i64"))
            }
            "through_i8" => {
                let narrow = line(format!("arith.trunci %{a} : i64 to i8"));
                let how = if step.number % 2 == 0 {
                    "extsi"
                } else {
                    "extui"
                };
                line(format!("arith.{how} %{narrow} : i8 to i64"))
            }
            "through_index" => {
                let index = line(format!("arith.index_cast %{a} : i64 to index"));
                line(format!("arith.index_cast %{index} : index to i64"))
            }
            "choose" => {
                const WHICH: [&str; 6] = ["eq", "slt", "sge", "ult", "uge", "ne"];
                let which = WHICH[step.number.rem_euclid(6) as usize];
                let is = line(format!("arith.cmpi {which}, %{a}, %{b} : i64"));
                line(format!("arith.select %{is}, %{a}, %{b} : i64"))
            }
            name => line(format!("arith.{name} %{a}, %{b} : i64")),
        };
        values.push(made);
    }
    let (first, second) = (values[values.len() - 1], values[values.len() - 2]);
    let is = line(format!("arith.cmpi ult, %{first}, %{second} : i64"));
    let low = line(format!("arith.trunci %{first} : i64 to i32"));
    let _ = writeln!(text, "return %{first}, %{is}, %{low} : i64, i1, i32 }}");
    text
}

/// `value` as an integer of so many bits has it.
fn wrapped(value: i128, bits: u32) -> i128 {
    value << (128 - bits) >> (128 - bits)
}

fn bits_of(value: Value<'_>) -> u32 {
    value.r#type().bit_width().unwrap()
}

/// Runs a straight-line function; `None` where an operation is undefined.
fn results(function: Op<'_>, arguments: &[i64]) -> Option<Vec<i128>> {
    let block = function.blocks()[0];
    let mut values: FxHashMap<Value, i128> = FxHashMap::default();
    for (argument, value) in block.arguments().into_iter().zip(arguments) {
        values.insert(argument, i128::from(*value));
    }
    for op in block.ops() {
        let operands: Vec<i128> = op.operands().iter().map(|each| values[each]).collect();
        let Some(result) = op.result(0) else {
            return Some(operands);
        };
        let bits = bits_of(result);
        let of = op.operand(0).map_or(bits, bits_of);
        let unsigned = |value: i128| value & ((1 << of) - 1);
        let computed = match (op.name(), &operands[..]) {
            ("arith.constant", _) => i128::from(op.attribute("value")?.as_integer()?),
            ("arith.addi", [a, b]) => a + b,
            ("arith.subi", [a, b]) => a - b,
            ("arith.muli", [a, b]) => a * b,
            ("arith.andi", [a, b]) => a & b,
            ("arith.ori", [a, b]) => a | b,
            ("arith.xori", [a, b]) => a ^ b,
            ("arith.minsi", [a, b]) => *a.min(b),
            ("arith.maxsi", [a, b]) => *a.max(b),
            // What overflows is undefined, also for the remainder.
            ("arith.divsi" | "arith.remsi", [a, -1]) if wrapped(-a, bits) != -a => return None,
            ("arith.divsi", [a, b]) => a.checked_div(*b)?,
            ("arith.remsi", [a, b]) => a.checked_rem(*b)?,
            ("arith.shli" | "arith.shrsi", [_, b]) if !(0..i128::from(bits)).contains(b) => {
                return None;
            }
            ("arith.shli", [a, b]) => a << b,
            ("arith.shrsi", [a, b]) => a >> b,
            ("arith.extui", [a]) => unsigned(*a),
            ("arith.extsi" | "arith.trunci" | "arith.index_cast", [a]) => *a,
            ("arith.select", [is, a, b]) => *if *is == 0 { b } else { a },
            ("arith.cmpi", [a, b]) => {
                i128::from(match op.attribute("predicate")?.as_integer()? {
                    0 => a == b,
                    1 => a != b,
                    2 => a < b,
                    5 => a >= b,
                    6 => unsigned(*a) < unsigned(*b),
                    9 => unsigned(*a) >= unsigned(*b),
                    other => panic!("predicate {other}"),
                })
            }
            (name, _) => panic!("{name} is not known to the test"),
        };
        values.insert(result, wrapped(computed, bits));
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn what_is_narrowed_computes_the_same(
        steps in steps(),
        inputs in prop::collection::vec((any::<i8>(), any::<i32>(), any::<i64>()), 8),
    ) {
        let text = written(&steps);
        let session = iree::session();
        let wide = OwnedModule::from_source(&session, text.as_bytes()).unwrap();
        let other = OwnedModule::from_source(&session, text.as_bytes()).unwrap();
        let (before, after) = (functions(&wide)[0], functions(&other)[0]);
        narrow(&other, after);
        prop_assert!(other.verify().is_ok(), "{}", other.to_text());
        for (x, y, z) in inputs {
            let arguments = [i64::from(x), i64::from(y), z];
            let expected = results(before, &arguments);
            // What is undefined before may be anything after.
            if expected.is_some() {
                let found = results(after, &arguments);
                prop_assert_eq!(found, expected, "{}\n{}", text, other.to_text());
            }
        }
    }
}

/// What a function looks like after it was narrowed.
fn narrowed(text: &str) -> String {
    let session = iree::session();
    let module = OwnedModule::from_source(&session, text.as_bytes()).unwrap();
    narrow(&module, functions(&module)[0]);
    module.verify().unwrap();
    module.to_text()
}

#[test]
fn a_sum_over_a_dimension_is_counted() {
    let sum = |start: i64| {
        narrowed(&format!(
            "#in = affine_map<(d0) -> (d0)>
             #out = affine_map<(d0) -> ()>
             func.func private @f(%x: tensor<40xi1>) -> tensor<i64> {{
               %zero = arith.constant dense<{start}> : tensor<i64>
               %0 = linalg.generic {{indexing_maps = [#in, #out], iterator_types = [\"reduction\"]}}
                   ins(%x : tensor<40xi1>) outs(%zero : tensor<i64>) {{
               ^bb0(%in: i1, %out: i64):
                 %1 = arith.extui %in : i1 to i64
                 %2 = arith.addi %out, %1 : i64
                 linalg.yield %2 : i64
               }} -> tensor<i64>
               return %0 : tensor<i64>
             }}"
        ))
    };
    let fits = sum((1 << 31) - 41);
    assert!(
        fits.contains("arith.addi %out, %1 : i32") || fits.contains(": i32\n"),
        "{fits}"
    );
    assert!(!fits.contains(": i64\n"), "{fits}");
    // One more, and the last sum would be 2^31.
    let beyond = sum((1 << 31) - 40);
    assert!(beyond.contains("outs(%cst : tensor<i64>)"), "{beyond}");
}

#[test]
fn what_grows_with_the_number_of_steps_is_not_counted() {
    let product = narrowed(
        "#in = affine_map<(d0) -> (d0)>
         #out = affine_map<(d0) -> ()>
         func.func private @f(%x: tensor<40xi8>) -> tensor<i64> {
           %one = arith.constant dense<1> : tensor<i64>
           %0 = linalg.generic {indexing_maps = [#in, #out], iterator_types = [\"reduction\"]}
               ins(%x : tensor<40xi8>) outs(%one : tensor<i64>) {
           ^bb0(%in: i8, %out: i64):
             %1 = arith.extsi %in : i8 to i64
             %2 = arith.muli %out, %1 : i64
             linalg.yield %2 : i64
           } -> tensor<i64>
           return %0 : tensor<i64>
         }",
    );
    assert!(product.contains("arith.muli %out, %2 : i64"), "{product}");
}
