//! What the program is given, and what it gives.

use std::ffi::OsString;
use std::path::Path;

use cost::counted;
use diagnostics::{Diagnostic, Failure};
use tools::arrays::{Integers, read_integers};
use tools::program::{Signature, Tensor};
use tools::{Scratch, Tool, prefixed};

use crate::args::RunArgs;
use crate::tokenizer::Tokenizer;

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The row: the prompt, and zeros.
    row: Vec<i64>,
    /// How many of them are the prompt.
    pub prompt: u64,
    limit: Option<u64>,
    /// The element types of the arguments.
    elements: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The row.
    pub row: Vec<i64>,
    /// How many of them are tokens.
    pub length: u64,
    /// How many rounds it took.
    pub rounds: Option<u64>,
    /// How many rounds accepted 0, 1, … drafts.
    pub histogram: Option<Vec<u64>>,
}

impl Call {
    /// The call that the arguments mean.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 2: the function is of another form, there is no
    /// prompt, or it does not fit.
    pub fn new(
        args: &RunArgs,
        signature: &Signature,
        tokenizer: Option<&Tokenizer>,
    ) -> Result<Self, Failure> {
        check_form(args, signature)?;
        let (given, whole_row) = given_tokens(args, tokenizer)?;
        let declared = signature.inputs.first().and_then(Option::as_ref);
        let size = declared
            .and_then(|tensor| *tensor.shape.last()?)
            .or_else(|| whole_row.then_some(given.len() as u64));
        let Some(size) = size else {
            return Err(wrong(
                "the program does not say how many tokens its row has".to_owned(),
                "give the whole row, with zeros after the prompt: --tokens @FILE.npy",
            ));
        };
        let present = if whole_row {
            let zeros = given.iter().rev().take_while(|token| **token == 0).count();
            given.len() - zeros
        } else {
            given.len()
        };
        let prompt = args.length.unwrap_or(present as u64);
        if given.len() as u64 > size || prompt > size {
            return Err(wrong(
                format!(
                    "{} tokens do not fit: the program's row has {size}",
                    prompt.max(given.len() as u64)
                ),
                "shorten the prompt, or export the model with longer rows",
            ));
        }
        if prompt == 0 {
            return Err(wrong(
                "the prompt is empty".to_owned(),
                "there has to be a token to go on from; a prompt of zeros wants its --length",
            ));
        }
        let takes_limit = signature.inputs.len() > 2;
        if let Some(limit) = args.limit
            && (!takes_limit || limit > size)
        {
            return Err(if takes_limit {
                wrong(
                    format!("--limit {limit} is more than the program's row has, {size}"),
                    "the limit counts the prompt as well",
                )
            } else {
                wrong(
                    format!("{} takes no limit", signature.name),
                    "leave out --limit",
                )
            });
        }
        let mut row = given;
        row.resize(usize::try_from(size).unwrap_or(usize::MAX), 0);
        let element = |tensor: &Option<Tensor>| {
            tensor
                .as_ref()
                .map_or_else(|| "i64".to_owned(), |tensor| tensor.element.clone())
        };
        Ok(Self {
            row,
            prompt,
            limit: takes_limit.then(|| args.limit.unwrap_or(size)),
            elements: signature.inputs.iter().map(element).collect(),
        })
    }

    /// The flags that pass the arguments.
    pub fn inputs(&self) -> Vec<String> {
        let element = |index: usize| self.elements.get(index).map_or("i64", String::as_str);
        let row: Vec<String> = self.row.iter().map(i64::to_string).collect();
        let mut inputs = vec![
            format!(
                "--input=1x{}x{}={}",
                self.row.len(),
                element(0),
                row.join(",")
            ),
            format!("--input={}={}", element(1), self.prompt),
        ];
        inputs.extend(
            self.limit
                .map(|limit| format!("--input={}={limit}", element(2))),
        );
        inputs
    }

    /// Calls the program, which has so many results. Gives also how often a
    /// device was lost.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 1 if it fails, or its results have another form.
    pub fn run(
        &self,
        tool: &Tool,
        common: &[OsString],
        results: usize,
    ) -> Result<(Outcome, usize), Failure> {
        let folder = Scratch::new()?;
        let path = |index: usize| folder.path().join(format!("{index}.npy"));
        let mut arguments = common.to_vec();
        arguments.extend((0..results).map(|index| prefixed("--output=@", &path(index))));
        let (_, lost) = tool.run_well(&arguments)?;
        let arrays = (0..results)
            .map(|index| read_integers(Path::new(&path(index))))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((self.understood(&arrays)?, lost))
    }

    fn understood(&self, arrays: &[Option<Integers>]) -> Result<Outcome, Failure> {
        let known = || arrays.iter().flatten();
        let of_rank = |rank: usize| known().filter(move |array| array.shape.len() == rank);
        let count = |array: &Integers| match array.values[..] {
            [value] => u64::try_from(value).ok(),
            _ => None,
        };
        let mut scalars = of_rank(0);
        let row = of_rank(2).next();
        let length = scalars.next().and_then(count);
        let (Some(row), Some(length)) = (row, length) else {
            let shapes: Vec<String> = arrays
                .iter()
                .map(|array| match array {
                    Some(array) => format!("{:?}", array.shape),
                    None => "no integers".to_owned(),
                })
                .collect();
            return Err(Failure::impossible(vec![
                Diagnostic::error(
                    "the program's results are not a row of tokens and how many there are",
                )
                .with_note(Diagnostic::note(format!("they are {}", shapes.join(", "))))
                .help("call it with iree-run-module itself"),
            ]));
        };
        if length as usize > row.values.len() || length < self.prompt {
            return Err(Failure::impossible(vec![Diagnostic::error(format!(
                "the program says that its row of {} holds {}, of which {} are the prompt",
                row.values.len(),
                counted(length, "token"),
                self.prompt
            ))]));
        }
        let histogram = of_rank(1).next().map(|array| {
            array
                .values
                .iter()
                .map(|value| u64::try_from(*value).unwrap_or(0))
                .collect()
        });
        Ok(Outcome {
            row: row.values.clone(),
            length,
            rounds: scalars.next().and_then(count),
            histogram,
        })
    }
}

/// Functions of another form would be called wrongly.
fn check_form(args: &RunArgs, signature: &Signature) -> Result<(), Failure> {
    let is_row = |tensor: &Tensor| tensor.shape.len() == 2 && tensor.shape[0].unwrap_or(1) == 1;
    let integer = |tensor: &Tensor| ["i64", "i32"].contains(&tensor.element.as_str());
    let fits = (2..=3).contains(&signature.inputs.len())
        && signature.results >= 2
        && signature.inputs.iter().enumerate().all(|(index, tensor)| {
            tensor.as_ref().is_none_or(|tensor| {
                integer(tensor)
                    && if index == 0 {
                        is_row(tensor)
                    } else {
                        tensor.shape.is_empty()
                    }
            })
        });
    if fits {
        return Ok(());
    }
    Err(wrong(
        format!(
            "{} does not take a row of tokens, their number and perhaps a limit",
            signature.name
        ),
        &format!(
            "call it yourself: iree-run-module --flagfile=... --module={} --function={} --input=...",
            crate::shell::path(&args.program),
            crate::shell::word(&signature.name)
        ),
    ))
}

/// The tokens, and whether they are the whole row rather than the prompt alone.
fn given_tokens(
    args: &RunArgs,
    tokenizer: Option<&Tokenizer>,
) -> Result<(Vec<i64>, bool), Failure> {
    if let (Some(prompt), Some(tokenizer)) = (&args.prompt, tokenizer) {
        return Ok((tokenizer.tokens(prompt)?, false));
    }
    let Some(text) = &args.tokens else {
        return Err(wrong(
            "there is nothing to go on from".to_owned(),
            "give --prompt TEXT with --tokenizer FILE, or --tokens @FILE.npy",
        ));
    };
    if let Some(path) = text.strip_prefix('@') {
        let array = read_integers(Path::new(path))?;
        let rows = |array: &Integers| {
            let [rest @ .., _] = &array.shape[..] else {
                return false;
            };
            rest.iter().all(|size| *size == 1)
        };
        return match array {
            Some(array) if rows(&array) => Ok((array.values, true)),
            _ => Err(wrong(
                format!("{path} holds no row of integers"),
                "an array of the shape [N] or [1, N] of int64",
            )),
        };
    }
    let tokens: Result<Vec<i64>, _> = text
        .split([',', ' '])
        .filter(|part| !part.is_empty())
        .map(str::parse)
        .collect();
    match tokens {
        Ok(tokens) => Ok((tokens, false)),
        Err(_) => Err(wrong(
            format!("`{text}` is no list of tokens"),
            "whole numbers with commas between them, or @FILE.npy",
        )),
    }
}

fn wrong(text: String, help: &str) -> Failure {
    Failure::usage(Diagnostic::error(text).help(help))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use diagnostics::Status;

    use super::*;
    use crate::args::{Cli, Verb};

    fn args(line: &str) -> RunArgs {
        let line = format!("specplace run x.vmfb {line}");
        match Cli::try_parse_from(line.split_whitespace()).unwrap().verb {
            Some(Verb::Run(args)) => *args,
            other => panic!("{other:?}"),
        }
    }

    fn generate() -> Signature {
        let tensor = |shape: &[u64]| {
            Some(Tensor {
                shape: shape.iter().copied().map(Some).collect(),
                element: "i64".into(),
            })
        };
        Signature {
            name: "generate".into(),
            inputs: vec![tensor(&[1, 8]), tensor(&[]), tensor(&[])],
            results: 4,
        }
    }

    fn call(line: &str) -> Result<Call, Failure> {
        Call::new(&args(line), &generate(), None)
    }

    #[test]
    fn prompts_are_filled_up() {
        let inputs = call("--tokens 5,6,7").unwrap().inputs();
        assert_eq!(
            inputs,
            [
                "--input=1x8xi64=5,6,7,0,0,0,0,0",
                "--input=i64=3",
                "--input=i64=8"
            ]
        );
        let inputs = call("--tokens 5,6,7 --length 2 --limit 6")
            .unwrap()
            .inputs();
        assert_eq!(inputs[1..], ["--input=i64=2", "--input=i64=6"]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (line, part) in [
            ("", "nothing to go on"),
            ("--tokens 1,2,3,4,5,6,7,8,9", "do not fit"),
            ("--tokens 1 --length 9", "do not fit"),
            ("--tokens 1 --limit 9", "more than the program's row"),
            ("--tokens a,b", "no list of tokens"),
            ("--tokens ,", "empty"),
            ("--tokens @none.npy", "cannot read none.npy"),
        ] {
            let failure = call(line).unwrap_err();
            assert_eq!(failure.status, Status::Usage);
            assert!(failure.to_string().contains(part), "{line}: {failure}");
        }
        let mut other = generate();
        other.inputs[1] = None;
        assert!(Call::new(&args("--tokens 1"), &other, None).is_ok());
        other.inputs.truncate(1);
        assert!(Call::new(&args("--tokens 1"), &other, None).is_err());
    }

    #[test]
    fn results_are_told_apart() {
        let array = |shape: &[u64], values: &[i64]| {
            Some(Integers {
                shape: shape.into(),
                values: values.into(),
            })
        };
        let arrays = [
            array(&[1, 8], &[5, 6, 7, 8, 0, 0, 0, 0]),
            array(&[], &[4]),
            array(&[], &[2]),
            array(&[3], &[1, 1, 0]),
        ];
        let call = call("--tokens 5,6").unwrap();
        let outcome = call.understood(&arrays).unwrap();
        assert_eq!((outcome.length, outcome.rounds), (4, Some(2)));
        assert_eq!(outcome.histogram, Some(vec![1, 1, 0]));
        let step = call.understood(&arrays[..2]).unwrap();
        assert_eq!((step.rounds, step.histogram), (None, None));
        for (arrays, text) in [
            (
                &[arrays[1].clone(), None][..],
                "the program's results are not a row of tokens and how many there are",
            ),
            (
                &[arrays[0].clone(), array(&[], &[9])],
                "the program says that its row of 8 holds 9 tokens, of which 2 are the prompt",
            ),
            (
                &[arrays[0].clone(), array(&[], &[1])],
                "the program says that its row of 8 holds 1 token, of which 2 are the prompt",
            ),
        ] {
            let failure = call.understood(arrays).unwrap_err();
            assert_eq!(failure.status, Status::Impossible);
            assert_eq!(failure.to_string(), text);
        }
    }
}
