//! What the functions are called with.

use std::collections::BTreeMap;
use std::path::Path;

use diagnostics::{Diagnostic, Failure};
use passes::values::{Carrier, Function, Port, Reference};
use specplace_driver::args::ValuesArgs;
use tools::archives::{Wanted, write_weights};
use tools::arrays;
use tools::values::{Data, Dice, Value};

use super::compile::Shelf;

/// The seed of everything that is random: the same in every run.
const SEED: u64 = 0x5eed;

/// So many tokens are decoded, where the function can be told: every one is a
/// pass of the target.
const DECODED: u64 = 12;

/// The weights, as flags for the runtime.
pub struct Weights {
    /// `--parameters=…`.
    pub flags: Vec<String>,
    /// The scopes whose weights are random.
    pub random: Vec<String>,
}

/// The weights that were given, and random ones for the scopes that were not.
pub fn weights(
    reference: &Reference,
    asked: &ValuesArgs,
    shelf: &Shelf,
) -> Result<Weights, Failure> {
    let scope_of = |given: &str| {
        given
            .split_once('=')
            .map_or("", |(scope, _)| scope)
            .to_owned()
    };
    let given: Vec<String> = asked.parameters.iter().map(|each| scope_of(each)).collect();
    let mut flags: Vec<String> = asked
        .parameters
        .iter()
        .map(|each| format!("--parameters={each}"))
        .collect();
    let mut missing: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for weight in &reference.weights {
        if !given.contains(&weight.scope) {
            missing.entry(&weight.scope).or_default().push(weight);
        }
    }
    let mut random = Vec::new();
    for (at, (scope, weights)) in missing.into_iter().enumerate() {
        let path = shelf.scratch().join(format!("random{at}.safetensors"));
        let named = weights.iter().map(|each| Wanted {
            name: &each.key,
            shape: &each.shape,
            element: &each.element,
            is_mask: each.is_mask,
        });
        write_weights(&path, named, SEED + at as u64)?;
        let before = if scope.is_empty() {
            String::new()
        } else {
            format!("{scope}=")
        };
        flags.push(format!("--parameters={before}{}", path.display()));
        random.push(scope.to_owned());
    }
    Ok(Weights { flags, random })
}

/// What a function of IN is called with.
pub struct Given {
    /// As iree-run-module takes them, after `--input=`.
    pub inputs: Vec<String>,
    /// What they are, for the report.
    pub words: String,
}

/// The functions to run, each with its inputs.
pub fn calls<'r>(
    reference: &'r Reference,
    asked: &ValuesArgs,
    folder: &Path,
) -> Result<Vec<(&'r Function, Given)>, Failure> {
    let functions = &reference.functions;
    let names: Vec<&str> = functions.iter().map(|each| each.name.as_str()).collect();
    let wanted = match &asked.function {
        Some(name) => Some(name.trim_start_matches('@')),
        None if asked.inputs.is_empty() || functions.len() == 1 => None,
        None if names.contains(&"generate") => Some("generate"),
        None => {
            return Err(Failure::usage(
                Diagnostic::error("which function are these the inputs of?")
                    .help(format!("name one of {} with --function", names.join(", "))),
            ));
        }
    };
    if let Some(name) = wanted.filter(|name| !names.contains(name)) {
        return Err(Failure::usage(
            Diagnostic::error(format!("OUT has no function {name}"))
                .help(format!("it has {}", names.join(", "))),
        ));
    }
    let chosen = functions
        .iter()
        .filter(|each| wanted.is_none_or(|name| each.name == name));
    chosen
        .map(|function| {
            let given = if asked.inputs.is_empty() {
                random(function, reference.vocabulary, folder)?
            } else {
                as_asked(function, &asked.inputs)?
            };
            Ok((function, given))
        })
        .collect()
}

fn as_asked(function: &Function, inputs: &[String]) -> Result<Given, Failure> {
    if inputs.len() != function.arguments.len() {
        return Err(Failure::usage(
            Diagnostic::error(format!(
                "@{} takes {} inputs, and {} were given",
                function.name,
                function.arguments.len(),
                inputs.len()
            ))
            .help("give --input once for each, in their order"),
        ));
    }
    Ok(Given {
        inputs: inputs.to_vec(),
        words: "the inputs given".to_owned(),
    })
}

/// Random tokens in the form in which `specplace run` knows a function: a row,
/// how many of them are tokens, and perhaps a limit. Other functions get random
/// values of their types.
fn random(function: &Function, vocabulary: Option<u64>, folder: &Path) -> Result<Given, Failure> {
    let mut dice = Dice::new(SEED);
    let vocabulary = vocabulary.unwrap_or(2);
    let row = row_of(function);
    let size = row.unwrap_or(0);
    // Room for drafts beyond what is decoded.
    let length = if row.is_some() {
        (size / 3).max(1)
    } else {
        size
    };
    let mut inputs = Vec::new();
    for (at, port) in function.arguments.iter().enumerate() {
        let shape: Vec<u64> = port
            .shape
            .iter()
            .copied()
            .collect::<Option<_>>()
            .ok_or_else(|| dynamic(function))?;
        let scalar = |number: u64| Value {
            shape: Vec::new(),
            element: port.element.clone(),
            data: Data::Integers(vec![number.try_into().unwrap_or(1)]),
        };
        let value = match (row, at) {
            (Some(_), 0) => {
                let mut value = dice.value(&shape, &port.element, vocabulary);
                if let Data::Integers(tokens) = &mut value.data {
                    for token in tokens.iter_mut().skip(length as usize) {
                        *token = 0;
                    }
                }
                value
            }
            (Some(_), 1) => scalar(length),
            (Some(_), 2) if port.shape.is_empty() && port.is_integer() => {
                scalar((length + DECODED).min(size))
            }
            _ => dice.value(
                &shape,
                &port.element,
                if shape.is_empty() { 2 } else { vocabulary },
            ),
        };
        inputs.push(input(
            &value,
            port,
            &folder.join(format!("{}.{at}.bin", function.name)),
        )?);
    }
    let words = match row {
        Some(_) => format!("{length} random tokens"),
        None => "random inputs".to_owned(),
    };
    Ok(Given { inputs, words })
}

/// The length of the row, if the function takes one, and how many tokens there
/// are.
pub fn row_of(function: &Function) -> Option<u64> {
    let [row, count, ..] = &function.arguments[..] else {
        return None;
    };
    let takes_row = row.is_integer() && row.shape.len() == 2 && row.shape[0] == Some(1);
    let takes_count = count.is_integer() && count.shape.is_empty();
    let gives_row = function
        .results
        .first()
        .is_some_and(|each| each.shape == row.shape)
        && function
            .results
            .get(1)
            .is_some_and(|each| each.shape.is_empty() && each.is_integer());
    (takes_row && takes_count && gives_row)
        .then(|| row.shape[1])
        .flatten()
}

fn dynamic(function: &Function) -> Failure {
    Failure::usage(
        Diagnostic::error(format!(
            "@{} takes tensors of dynamic shape, for which no random inputs are made",
            function.name
        ))
        .help("give them: --input 1x7xi64=… or @FILE.npy, once for each"),
    )
}

/// A value as iree-run-module takes it: numbers as they are, tensors from files,
/// which may be longer than a command line.
pub fn input(value: &Value, port: &Port, path: &Path) -> Result<String, Failure> {
    if port.carrier == Carrier::Scalar {
        return Ok(match &value.data {
            Data::Integers(values) => values.first().copied().unwrap_or(0).to_string(),
            Data::Floats(values) => values.first().copied().unwrap_or(0.0).to_string(),
        });
    }
    std::fs::write(path, value.to_bytes())
        .map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error))?;
    Ok(format!("{}=@{}", value.type_text(), path.display()))
}

/// What someone else expects of the first result.
pub fn expected(path: &Path) -> Result<Value, Failure> {
    let array = arrays::read_integers(path)?.ok_or_else(|| {
        Failure::usage(
            Diagnostic::error(format!("{} holds no integers", path.display()))
                .help("--expected is about tokens or indices: an array of int64"),
        )
    })?;
    Ok(Value {
        shape: array.shape,
        element: "i64".to_owned(),
        data: Data::Integers(array.values),
    })
}
