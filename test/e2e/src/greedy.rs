//! Plain greedy decoding of the target: what every result is compared with.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::arrays;
use crate::process;
use crate::tools::{COMPILE_LIMIT, RUN_LIMIT, Tools};

/// A prompt with the target's continuation of it.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The input: the prompt's tokens, and zeros.
    pub row: Vec<i64>,
    /// How many tokens the prompt has.
    pub length: usize,
    /// The prompt and its greedy continuation.
    pub greedy: Vec<i64>,
}

/// The length of the row that the modules take.
const ROW: usize = 63;

#[derive(Deserialize)]
struct Line {
    tokens: Vec<i64>,
    greedy: Vec<i64>,
}

/// The prompts of the example pair, continued by PyTorch.
pub fn prompts(root: &Path) -> Result<Vec<Prompt>> {
    let path = root.join("examples/pair/prompts.jsonl");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    text.lines()
        .map(|line| {
            let line: Line = serde_json::from_str(line)?;
            let mut row = line.tokens.clone();
            row.resize(ROW, 0);
            Ok(Prompt {
                row,
                length: line.tokens.len(),
                greedy: line.greedy,
            })
        })
        .collect()
}

/// The example's own prompt, with its greedy continuation: PyTorch's.
pub fn reference(root: &Path) -> Result<Prompt> {
    let folder = root.join("examples/pair");
    let row = arrays::read_integers(&folder.join("pair_tokens.npy"))?;
    let length = arrays::read_integers(&folder.join("pair_n.npy"))?;
    let &[length] = &length[..] else {
        bail!("pair_n.npy holds {} values, not one", length.len());
    };
    Ok(Prompt {
        row,
        length: usize::try_from(length)?,
        greedy: arrays::read_integers(&folder.join("pair_greedy.npy"))?,
    })
}

/// Continues a prompt with the target alone: `two_forwards.mlir`, which holds
/// no operators, compiled for one CPU by iree-compile, called once for every
/// token. specplace has no part in it.
pub fn decode(tools: &Tools, prompt: &Prompt, until: usize, scratch: &Path) -> Result<Vec<i64>> {
    let folder = tools.root.join("examples/pair");
    let program = scratch.join("two_forwards.vmfb");
    let arguments: Vec<OsString> = [
        folder.join("two_forwards.mlir").into(),
        "--iree-hal-target-device=local".into(),
        "--iree-hal-local-target-device-backends=llvm-cpu".into(),
        "--iree-llvmcpu-target-cpu=host".into(),
        "-o".into(),
        program.clone().into(),
    ]
    .into();
    process::run(&tools.iree_compile, &arguments, scratch, COMPILE_LIMIT)?.success()?;

    let (input, output) = (scratch.join("in.npy"), scratch.join("logits.npy"));
    let mut row = prompt.row.clone();
    for length in prompt.length..until {
        arrays::write_integers(&input, &[1, ROW as u64], &row)?;
        let arguments: Vec<OsString> = [
            format!("--module={}", program.display()),
            "--device=local-sync".to_owned(),
            "--function=target_forward".to_owned(),
            format!("--parameters=model={}", folder.join("pair.irpa").display()),
            format!("--input=@{}", input.display()),
            format!("--output=@{}", output.display()),
        ]
        .map(OsString::from)
        .into();
        process::run(&tools.iree_run_module, &arguments, scratch, RUN_LIMIT)?.success()?;
        let logits = arrays::read_floats(&output)?;
        ensure!(logits.len() % ROW == 0, "{} logits", logits.len());
        let vocabulary = logits.len() / ROW;
        let last = &logits[(length - 1) * vocabulary..length * vocabulary];
        row[length] = argmax(last);
    }
    Ok(row[..until].to_vec())
}

/// The first of the largest, as PyTorch has it.
fn argmax(values: &[f32]) -> i64 {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argmax_takes_the_first_of_equals() {
        assert_eq!(argmax(&[0.0, 2.0, 1.0, 2.0]), 1);
        assert_eq!(argmax(&[-3.0]), 0);
    }
}
