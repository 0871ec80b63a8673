//! The modules that are tried, how each is called, and what is right.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::arrays;
use crate::greedy::Prompt;

/// A module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    /// A loop over rounds, and in it a loop over drafts with an open γ.
    GenerateSymbolic,
    /// A loop over rounds, four drafts unrolled.
    GeneratePlace,
    /// One round, four drafts unrolled, specplace's own operators.
    StepPlace,
    /// The same with iree-turbine's operators.
    StepTransfer,
    /// The same with device traits on parameters and arguments as well.
    StepTransferTraits,
}

/// How a module was called.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function.
    pub function: &'static str,
    /// The archive behind the scope `model`.
    pub parameters: PathBuf,
    /// The inputs, `.npy` files, in order.
    pub inputs: Vec<PathBuf>,
    /// The names of the outputs, in order.
    pub outputs: &'static [&'static str],
}

impl Module {
    /// Its name, that of its file.
    pub fn name(self) -> &'static str {
        match self {
            Module::GenerateSymbolic => "generate_symbolic",
            Module::GeneratePlace => "generate_place",
            Module::StepPlace => "step_place",
            Module::StepTransfer => "step_transfer",
            Module::StepTransferTraits => "step_transfer_traits",
        }
    }

    fn folder(self, root: &Path) -> PathBuf {
        root.join(match self {
            Module::GenerateSymbolic | Module::GeneratePlace => "examples/pair",
            _ => "test/data",
        })
    }

    /// The module's file.
    pub fn file(self, root: &Path) -> PathBuf {
        self.folder(root).join(format!("{}.mlir", self.name()))
    }

    /// Whether it generates until a limit, so that it can be given prompts.
    pub fn generates(self) -> bool {
        matches!(self, Module::GenerateSymbolic | Module::GeneratePlace)
    }

    /// How it is called: with the inputs beside it, or with a prompt, for
    /// which files are written to `scratch`.
    pub fn call(self, root: &Path, prompt: Option<&Prompt>, scratch: &Path) -> Result<Call> {
        let folder = self.folder(root);
        let stem = if self.generates() { "pair" } else { "step" };
        let mut inputs = vec![
            folder.join(format!("{stem}_tokens.npy")),
            folder.join(format!("{stem}_n.npy")),
        ];
        if let Some(prompt) = prompt {
            ensure!(self.generates(), "{} takes no prompts", self.name());
            inputs = vec![scratch.join("prompt.npy"), scratch.join("n.npy")];
            arrays::write_integers(&inputs[0], &[1, prompt.row.len() as u64], &prompt.row)?;
            arrays::write_integers(&inputs[1], &[], &[prompt.length as i64])?;
        }
        if self == Module::GenerateSymbolic {
            inputs.push(folder.join("pair_limit.npy"));
        }
        Ok(Call {
            function: if self.generates() {
                "generate"
            } else {
                "spec_step"
            },
            parameters: folder.join(format!("{stem}.irpa")),
            inputs,
            outputs: match self {
                Module::GenerateSymbolic => &["tokens", "n", "rounds", "histogram"],
                Module::GeneratePlace => &["tokens", "n", "rounds"],
                _ => &["tokens", "n"],
            },
        })
    }

    /// Checks the outputs of a call with draft length `gamma` against the
    /// target's greedy continuation, and against the counts that PyTorch had.
    pub fn check(
        self,
        gamma: u32,
        prompt: Option<&Prompt>,
        reference: &Prompt,
        outputs: &BTreeMap<String, Vec<i64>>,
    ) -> Result<()> {
        let get = |name: &str| {
            outputs
                .get(name)
                .with_context(|| format!("no output {name}"))
        };
        let (tokens, length) = (get("tokens")?, scalar(get("n")?)?);
        if !self.generates() {
            // PyTorch's result, random weights: one token is accepted, and
            // what follows are leftovers of drafts.
            ensure!(length == 21, "n = {length}, not 21");
            ensure!(tokens[20] == 311, "token 20 is {}, not 311", tokens[20]);
            return Ok(());
        }
        let greedy = &prompt.unwrap_or(reference).greedy;
        let length = usize::try_from(length)?;
        ensure!(
            length <= tokens.len(),
            "n = {length} of {} tokens",
            tokens.len()
        );
        let compared = length.min(greedy.len());
        if let Some(at) = (0..compared).find(|at| tokens[*at] != greedy[*at]) {
            bail!(
                "token {at} of {length} is {}, greedy decoding has {}:\n{tokens:?}\n{greedy:?}",
                tokens[at],
                greedy[at]
            );
        }
        match self {
            Module::GenerateSymbolic => {
                ensure!(length == 60, "n = {length}, not 60");
                ensure!(
                    tokens[60..].iter().all(|token| *token == 0),
                    "tokens beyond n: {tokens:?}"
                );
                let rounds = scalar(get("rounds")?)?;
                let histogram = get("histogram")?;
                // Every round yields its accepted drafts and one more token;
                // the last one may be cut by the limit.
                let yielded: i64 = (1..).zip(histogram).map(|(each, count)| each * count).sum();
                ensure!(
                    histogram.iter().sum::<i64>() == rounds && yielded >= 44,
                    "{rounds} rounds with the histogram {histogram:?}"
                );
                if prompt.is_none()
                    && let Some((rounds_then, histogram_then)) = counts(gamma)
                {
                    ensure!(
                        rounds == rounds_then && histogram == &histogram_then,
                        "{rounds} rounds, {histogram:?}; PyTorch had {rounds_then}, {histogram_then:?}"
                    );
                }
            }
            _ if gamma == 4 && prompt.is_none() => {
                let rounds = scalar(get("rounds")?)?;
                ensure!(
                    (length, rounds) == (58, 14),
                    "n = {length} after {rounds} rounds; PyTorch had 58 after 14"
                );
            }
            // It stops where a whole round no longer fits.
            _ => ensure!(length + 6 > tokens.len(), "it stopped at n = {length}"),
        }
        Ok(())
    }
}

/// Rounds and histogram of accepted drafts of `generate_symbolic` on its own
/// prompt, as PyTorch has them.
fn counts(gamma: u32) -> Option<(i64, [i64; 9])> {
    match gamma {
        0 => Some((44, [44, 0, 0, 0, 0, 0, 0, 0, 0])),
        1 => Some((26, [8, 18, 0, 0, 0, 0, 0, 0, 0])),
        4 => Some((15, [3, 4, 2, 3, 3, 0, 0, 0, 0])),
        8 => Some((12, [3, 4, 2, 0, 0, 0, 0, 0, 3])),
        _ => None,
    }
}

fn scalar(values: &[i64]) -> Result<i64> {
    match values {
        [value] => Ok(*value),
        _ => bail!("a scalar has {} values", values.len()),
    }
}
