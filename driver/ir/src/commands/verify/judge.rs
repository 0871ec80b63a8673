//! Running OUT beside the reference, and comparing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use diagnostics::Failure;
use passes::values::{Function, Port, Subgraph};
use specplace_driver::output::with_suffix;
use specplace_driver::progress::Progress;
use tools::values::{Comparison, Value, compare, nearly_tied, parse_traces, tied_in};

use super::Subject;
use super::compile::{Made, Programs, Shelf};
use super::findings::{Finding, FunctionRow, Report, SubgraphRow, Verdict, keep};
use super::inputs::{self, Weights};
use super::program::{Program, flags_of_device};

/// So many of the calls of a subgraph are made again: the first, the last and
/// what lies between.
const CALLS: usize = 3;

/// Runs everything, and says what came of it.
pub fn judge(
    subject: &Subject<'_>,
    made: &Made,
    programs: &Programs,
    weights: &Weights,
    shelf: &Shelf,
    progress: &Progress,
) -> Result<Report, Failure> {
    let asked = subject.asked;
    let tool = subject.tools.find("iree-run-module")?;
    let with_weights = |mut flags: Vec<String>| {
        flags.extend(weights.flags.iter().cloned());
        flags
    };
    let worst: PathBuf = asked
        .worst
        .clone()
        .unwrap_or_else(|| with_suffix(subject.name, ".worst"));
    let reference = Program::new(
        &tool,
        &programs.reference,
        with_weights(vec!["--device=local-sync".to_owned()]),
        shelf.scratch(),
    );
    let out = Program::new(
        &tool,
        &programs.out,
        with_weights(subject.run_flags.clone()),
        shelf.scratch(),
    );
    let expected = asked
        .expected
        .as_deref()
        .map(inputs::expected)
        .transpose()?;
    let mut report = Report {
        runs: asked.runs,
        random_weights: weights.random.clone(),
        copies: made.reference.copies,
        ..Report::default()
    };
    let mut calls: BTreeMap<String, Vec<Vec<Value>>> = BTreeMap::new();
    for (function, given) in inputs::calls(&made.reference, asked, shelf.scratch())? {
        progress.step(format!("run {} of the reference", function.name));
        let (wanted, said) = reference.call(&function.name, &given.inputs, &function.results)?;
        for (key, values) in parse_traces(&said) {
            calls.entry(key).or_default().push(values);
        }
        let greedy = match &function.greedy {
            Some(name) => Some(reference.call(name, &given.inputs, &function.results)?.0),
            None => None,
        };
        let judged = Judged {
            function,
            wanted,
            greedy,
            expected: expected.as_ref(),
        };
        let mut row = FunctionRow::new(function, &given.words);
        for run in 0..asked.runs {
            progress.step(format!(
                "run {} of OUT, {} of {}",
                function.name,
                run + 1,
                asked.runs
            ));
            let (actual, _) = out.call(&function.name, &given.inputs, &function.results)?;
            let ties = Ties {
                reference: &reference,
                made,
                calls: &calls,
                shelf,
            };
            let verdict = judged.verdict(&actual, &ties)?;
            if let Verdict::Wrong(_) = verdict
                && row.wrong == 0
            {
                keep(
                    &worst,
                    &function.name,
                    &given.inputs,
                    &judged.wanted,
                    &actual,
                )?;
                report.kept = Some(worst.clone());
            }
            row.add(verdict, &actual);
        }
        report.functions.push(row);
    }

    for (name, subgraph) in &made.reference.subgraphs {
        // Each of them is there: the modules were made of the same names.
        let found = made.devices.get(name).and_then(|device| {
            Some((
                device,
                made.probes.get(device)?,
                programs.probes.get(device)?,
            ))
        });
        let Some((device, probe, program)) = found else {
            report.missing.push(name.clone());
            continue;
        };
        progress.step(format!("run {name} on {device}"));
        let on_device = Program::new(
            &tool,
            program,
            with_weights(flags_of_device(
                &subject.run_flags,
                &probe.probe.kind,
                probe.probe.ordinal,
            )),
            shelf.scratch(),
        );
        let mut row = SubgraphRow::new(subgraph, device);
        let ports = probe.probe.ports.get(&subgraph.entry);
        let (takes, gives) = ports.map_or(
            (&subgraph.arguments, &subgraph.results),
            |(takes, gives)| (takes, gives),
        );
        for (at, values) in chosen(calls.get(&subgraph.entry)).into_iter().enumerate() {
            let given = subgraph_inputs(&subgraph.name, &subgraph.arguments, values, shelf, at)?;
            let (wanted, _) = reference.call(&subgraph.entry, &given, &subgraph.results)?;
            let on_it = subgraph_inputs(&format!("{name}.on"), takes, values, shelf, at)?;
            let (actual, _) = on_device.call(&subgraph.entry, &on_it, gives)?;
            let finding = judge_subgraph(subgraph, &actual, &wanted);
            if finding.is_wrong() && !row.is_wrong() {
                keep(&worst, name, &given, &wanted, &actual)?;
                report.kept = Some(worst.clone());
            }
            row.add(finding);
        }
        report.subgraphs.push(row);
    }
    Ok(report)
}

/// Some of the calls, far apart.
fn chosen(calls: Option<&Vec<Vec<Value>>>) -> Vec<&Vec<Value>> {
    let calls = calls.map(Vec::as_slice).unwrap_or_default();
    let last = calls.len().saturating_sub(1);
    let mut at: Vec<usize> = (0..CALLS).map(|step| step * last / (CALLS - 1)).collect();
    at.dedup();
    at.into_iter().filter_map(|at| calls.get(at)).collect()
}

/// `values`, as what has these ports takes them, in files called after `name`.
fn subgraph_inputs(
    name: &str,
    ports: &[Port],
    values: &[Value],
    shelf: &Shelf,
    call: usize,
) -> Result<Vec<String>, Failure> {
    let ports = ports.iter().zip(values).enumerate();
    ports
        .map(|(at, (port, value))| {
            let path = shelf.scratch().join(format!("{name}.{call}.{at}.bin"));
            // A device may keep booleans as words.
            let value = Value {
                element: port.element.clone(),
                ..value.clone()
            };
            inputs::input(&value, port, &path)
        })
        .collect()
}

/// Compares what a subgraph gave on its device with the reference.
fn judge_subgraph(subgraph: &Subgraph, actual: &[Value], wanted: &[Value]) -> Finding {
    let bound = subgraph.arithmetic.bound();
    let mut finding = Finding::default();
    for (at, (actual, wanted_value)) in actual.iter().zip(wanted).enumerate() {
        let Some(Comparison {
            difference, equal, ..
        }) = compare(actual, wanted_value)
        else {
            finding
                .wrong
                .push(format!("result {at} has another shape or type"));
            continue;
        };
        if wanted_value.integers().is_none() {
            finding.difference = finding.difference.max(difference);
            finding.argmax.0 += equal.0;
            finding.argmax.1 += equal.1;
            if difference > bound {
                finding.wrong.push(format!(
                    "result {at} differs by {difference:.1e} of its largest value"
                ));
            }
            continue;
        }
        finding.integers.0 += equal.0;
        finding.integers.1 += equal.1;
        if equal.0 == equal.1 {
            continue;
        }
        let logits = subgraph.chosen_from.get(at).copied().flatten();
        let tied = logits
            .and_then(|at| wanted.get(at))
            .and_then(|logits| nearly_tied(actual, wanted_value, logits, bound));
        if tied == Some(true) {
            finding.ties += equal.1 - equal.0;
        } else {
            finding.wrong.push(format!(
                "{} of {} integers of result {at} differ",
                equal.1 - equal.0,
                equal.1
            ));
        }
    }
    finding
}

/// A function of IN, and what it is to give.
struct Judged<'a> {
    function: &'a Function,
    wanted: Vec<Value>,
    greedy: Option<Vec<Value>>,
    expected: Option<&'a Value>,
}

impl Judged<'_> {
    /// Whether `actual` is what OUT has to give.
    fn verdict(&self, actual: &[Value], ties: &Ties<'_>) -> Result<Verdict, Failure> {
        let mut wrong = Vec::new();
        let mut tied = Vec::new();
        if inputs::row_of(self.function).is_some() {
            let Some(own) = tokens(actual) else {
                return Ok(Verdict::Wrong(
                    "it gives no number of tokens that its row has".to_owned(),
                ));
            };
            let others = [
                ("the reference's", tokens(&self.wanted)),
                (
                    "greedy decoding of the target",
                    self.greedy.as_deref().and_then(tokens),
                ),
                ("what was expected", self.expected.and_then(row)),
            ];
            for (whose, other) in others {
                let Some(other) = other else {
                    continue;
                };
                let Some(at) = own.iter().zip(&other).position(|(a, b)| a != b) else {
                    continue;
                };
                let how = format!("token {at} is {}, and {} in {whose}", own[at], other[at]);
                if ties.between(&own[..at], own[at], other[at])? {
                    tied.push(how);
                } else {
                    wrong.push(how);
                }
            }
            // Rounds and acceptances are those of other tokens then.
            let same_tokens = tokens(&self.wanted).is_some_and(|other| other == own);
            for (at, (own, other)) in actual.iter().zip(&self.wanted).enumerate().skip(1) {
                if let (Some(own), Some(other)) = (own.integers(), other.integers())
                    && own != other
                    && (same_tokens || tied.is_empty())
                {
                    wrong.push(format!(
                        "result {at}, a number of tokens, rounds or acceptances, is {own:?} and not {other:?}"
                    ));
                }
            }
        } else {
            let bound = ties
                .made
                .reference
                .subgraphs
                .values()
                .map(|subgraph| subgraph.arithmetic.bound())
                .fold(0f64, |sum, bound| sum + bound);
            for (at, (own, other)) in actual.iter().zip(&self.wanted).enumerate() {
                match compare(own, other) {
                    None => wrong.push(format!("result {at} has another shape")),
                    Some(found) if other.integers().is_none() && found.difference > bound => {
                        wrong.push(format!(
                            "result {at} differs by {:.1e} of its largest value",
                            found.difference
                        ));
                    }
                    Some(found) if other.integers().is_some() && found.equal.0 < found.equal.1 => {
                        wrong.push(format!(
                            "{} of {} integers of result {at} differ",
                            found.equal.1 - found.equal.0,
                            found.equal.1
                        ));
                    }
                    Some(_) => {}
                }
            }
            if let (Some(expected), Some(own)) = (self.expected, actual.first())
                && own.integers() != expected.integers()
            {
                wrong.push("result 0 is not what was expected".to_owned());
            }
        }
        Ok(if !wrong.is_empty() {
            Verdict::Wrong(wrong.join("; "))
        } else if tied.is_empty() {
            Verdict::Right
        } else {
            Verdict::Tied(tied.join("; "))
        })
    }
}

/// What tells rounding from a fault where two rows of tokens part.
struct Ties<'a> {
    reference: &'a Program<'a>,
    made: &'a Made,
    calls: &'a BTreeMap<String, Vec<Vec<Value>>>,
    shelf: &'a Shelf,
}

impl Ties<'_> {
    /// Whether the target, after these tokens, finds two tokens so close that the
    /// bound on rounding does not tell them apart. Its logits are asked for anew, in
    /// a call of the reference that began with these tokens.
    fn between(&self, before: &[i64], one: i64, other: i64) -> Result<bool, Failure> {
        let subgraphs = self.made.reference.subgraphs.values();
        for subgraph in subgraphs.filter(|each| each.role.starts_with("target")) {
            let calls = self.calls.get(&subgraph.entry).into_iter().flatten();
            let begins = |values: &&Vec<Value>| {
                values
                    .iter()
                    .filter_map(Value::integers)
                    .any(|row| row.len() > before.len() && row.starts_with(before))
            };
            for (at, values) in calls.filter(begins).take(CALLS).enumerate() {
                let given =
                    subgraph_inputs(&subgraph.name, &subgraph.arguments, values, self.shelf, at)?;
                let (results, _) =
                    self.reference
                        .call(&subgraph.entry, &given, &subgraph.results)?;
                let bound = subgraph.arithmetic.bound();
                if results
                    .iter()
                    .any(|logits| tied_in(logits, one, other, bound))
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// The tokens of a row, as many as the result after it says.
fn tokens(values: &[Value]) -> Option<Vec<i64>> {
    let [all, count, ..] = values else {
        return None;
    };
    let count = usize::try_from(*count.integers()?.first()?).ok()?;
    Some(all.integers()?.get(..count)?.to_vec())
}

/// Tokens as they are expected: all of them.
fn row(value: &Value) -> Option<Vec<i64>> {
    value.integers().map(<[i64]>::to_vec)
}
