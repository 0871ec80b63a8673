//! Plain greedy decoding of the target: what every result is compared with.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use tempfile::TempDir;

use crate::arrays;
use crate::module::Module;
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

impl Prompt {
    /// The same prompt with more of its continuation given, up to `length`
    /// tokens: what is greedy from the prompt on is so from there on.
    #[must_use]
    pub fn continued(&self, length: usize) -> Self {
        let length = length.clamp(self.length, self.greedy.len());
        let mut row = self.row.clone();
        row[..length].copy_from_slice(&self.greedy[..length]);
        Self {
            row,
            length,
            greedy: self.greedy.clone(),
        }
    }
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

/// Forward passes without placement operators, compiled for one CPU by iree-compile
/// alone: specplace has no part in it.
pub struct Forwards<'t> {
    tools: &'t Tools,
    scratch: TempDir,
    parameters: PathBuf,
    element: Element,
}

/// The type of logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 32-bit floats.
    F32,
    /// The upper halves of 32-bit floats.
    Bf16,
}

impl Element {
    fn read(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F32 => {
                let (elements, _) = bytes.as_chunks();
                elements.iter().copied().map(f32::from_le_bytes).collect()
            }
            Self::Bf16 => {
                let (elements, _) = bytes.as_chunks();
                let wide = |half| f32::from_bits(u32::from(u16::from_le_bytes(half)) << 16);
                elements.iter().copied().map(wide).collect()
            }
        }
    }
}

impl<'t> Forwards<'t> {
    /// Compiles the example pair's `two_forwards.mlir`.
    pub fn compile(tools: &'t Tools) -> Result<Self> {
        let module = Module::TwoForwards.file(&tools.root);
        let parameters = tools.root.join("examples/pair/pair.irpa");
        Self::of(tools, &module, parameters, Element::F32)
    }

    /// Compiles `module`, whose weights are in `parameters`, in the scope `model`.
    pub fn of(
        tools: &'t Tools,
        module: &Path,
        parameters: PathBuf,
        element: Element,
    ) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let arguments: Vec<OsString> = [
            module.into(),
            "--iree-hal-target-device=local".into(),
            "--iree-hal-local-target-device-backends=llvm-cpu".into(),
            "--iree-llvmcpu-target-cpu=host".into(),
            "-o".into(),
            "forwards.vmfb".into(),
        ]
        .into();
        process::run(
            &tools.iree_compile,
            &arguments,
            scratch.path(),
            COMPILE_LIMIT,
        )?
        .success()?;
        Ok(Self {
            tools,
            scratch,
            parameters,
            element,
        })
    }

    /// The logits of every position of a row of tokens.
    pub fn logits(&self, function: &str, row: &[i64]) -> Result<Vec<f32>> {
        let folder = self.scratch.path();
        arrays::write_integers(&folder.join("in.npy"), &[1, row.len() as u64], row)?;
        let arguments: Vec<OsString> = [
            "--module=forwards.vmfb".to_owned(),
            "--device=local-sync".to_owned(),
            format!("--function={function}"),
            format!("--parameters=model={}", self.parameters.display()),
            "--input=@in.npy".to_owned(),
            "--output=@logits.bin".to_owned(),
        ]
        .map(OsString::from)
        .into();
        process::run(&self.tools.iree_run_module, &arguments, folder, RUN_LIMIT)?.success()?;
        let bytes = fs::read(folder.join("logits.bin")).context("there are no logits")?;
        fs::remove_file(folder.join("logits.bin"))?;
        Ok(self.element.read(&bytes))
    }

    /// Continues the first `length` tokens of a row with `function` alone, a call for
    /// every token.
    pub fn decode(
        &self,
        function: &str,
        row: &[i64],
        length: usize,
        until: usize,
    ) -> Result<Vec<i64>> {
        let mut row = row.to_vec();
        for length in length..until {
            let logits = self.logits(function, &row)?;
            ensure!(
                !logits.is_empty() && logits.len() % row.len() == 0,
                "{} logits",
                logits.len()
            );
            let vocabulary = logits.len() / row.len();
            row[length] = argmax(&logits[(length - 1) * vocabulary..length * vocabulary]);
        }
        row.truncate(until);
        Ok(row)
    }
}

/// Checks logits of one device against those of another: Vulkan sums in
/// another order.
pub fn check_logits(actual: &[f32], expected: &[f32]) -> Result<()> {
    ensure!(
        actual.len() == expected.len(),
        "{} logits, not {}",
        actual.len(),
        expected.len()
    );
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        // Also false where one of them is no number.
        let close = (actual - expected).abs() <= 1e-3 * expected.abs().max(1.0);
        ensure!(close, "logit {index} is {actual}, not {expected}");
    }
    Ok(())
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

    #[test]
    fn a_prompt_is_continued_by_what_comes_next() {
        let prompt = Prompt {
            row: vec![7, 8, 0, 0, 0],
            length: 2,
            greedy: vec![7, 8, 9, 6],
        };
        assert_eq!(prompt.continued(3).row, [7, 8, 9, 0, 0]);
        assert_eq!(prompt.continued(3).length, 3);
        assert_eq!(prompt.continued(0).length, 2);
        assert_eq!(prompt.continued(9).row, [7, 8, 9, 6, 0]);
    }

    #[test]
    fn logits_that_differ_are_told() {
        assert!(check_logits(&[1.0, -20.0], &[1.0005, -20.01]).is_ok());
        assert!(check_logits(&[1.0], &[1.0, 2.0]).is_err());
        assert!(check_logits(&[1.01], &[1.0]).is_err());
        assert!(check_logits(&[f32::NAN], &[1.0]).is_err());
    }
}
