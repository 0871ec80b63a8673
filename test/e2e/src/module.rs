//! The modules that are tried, how each is called, and what is right.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::arrays;
use crate::carried;
use crate::greedy::Prompt;
use crate::process;
use crate::tools::{COMPILE_LIMIT, Tools};

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
    /// One round, one private function for each call of drafter and target,
    /// weights inside the module.
    ClonedFunctions,
    /// One round, weights are unnamed literals, operators tell the roles.
    AnonymousWeights,
    /// The same without operators: structure alone tells the roles.
    AnonymousNoMarkers,
    /// Both models, each in a function of its own, and no loop.
    TwoForwards,
    /// `generate_place`, its weights carried by the loop.
    GenerateCarried,
    /// The loop that `specplace assemble` makes around `two_forwards`.
    Assembled,
}

/// How a module was called.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function.
    pub function: &'static str,
    /// The archive behind the scope `model`, where weights are not inside.
    pub parameters: Option<PathBuf>,
    /// The inputs, `.npy` files, in order.
    pub inputs: Vec<PathBuf>,
    /// The names of the outputs, in order.
    pub outputs: &'static [&'static str],
}

impl Module {
    /// Its name, that of its file where it has one.
    pub fn name(self) -> &'static str {
        match self {
            Module::GenerateSymbolic => "generate_symbolic",
            Module::GeneratePlace => "generate_place",
            Module::StepPlace => "step_place",
            Module::StepTransfer => "step_transfer",
            Module::StepTransferTraits => "step_transfer_traits",
            Module::ClonedFunctions => "cloned_functions",
            Module::AnonymousWeights => "anonymous_weights",
            Module::AnonymousNoMarkers => "anonymous_no_markers",
            Module::TwoForwards => "two_forwards",
            Module::GenerateCarried => "generate_carried",
            Module::Assembled => "assembled",
        }
    }

    /// Whether it generates until a limit, so that it can be given prompts.
    pub fn generates(self) -> bool {
        matches!(
            self,
            Module::GenerateSymbolic
                | Module::GeneratePlace
                | Module::GenerateCarried
                | Module::Assembled
        )
    }

    /// Whether it is told where to stop, and counts accepted drafts.
    fn counts(self) -> bool {
        matches!(self, Module::GenerateSymbolic | Module::Assembled)
    }

    /// The folder of the module and its inputs, and how their names begin.
    fn family(self, root: &Path) -> (PathBuf, &'static str) {
        match self {
            Module::GenerateSymbolic
            | Module::GeneratePlace
            | Module::TwoForwards
            | Module::GenerateCarried
            | Module::Assembled => (root.join("examples/pair"), "pair"),
            Module::StepPlace | Module::StepTransfer | Module::StepTransferTraits => {
                (root.join("test/data"), "step")
            }
            Module::ClonedFunctions | Module::AnonymousWeights | Module::AnonymousNoMarkers => {
                (root.join("test/data"), "small")
            }
        }
    }

    /// The file of a module that is kept.
    pub fn file(self, root: &Path) -> PathBuf {
        self.family(root).0.join(format!("{}.mlir", self.name()))
    }

    /// The module's file, made in `scratch` where it is not one that is kept.
    pub fn prepare(self, tools: &Tools, scratch: &Path) -> Result<PathBuf> {
        let made = scratch.join(format!("{}.mlir", self.name()));
        match self {
            Module::GenerateCarried => {
                let path = Module::GeneratePlace.file(&tools.root);
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                fs::write(&made, carried::weights(&text)?)?;
            }
            Module::Assembled => {
                let forwards = Module::TwoForwards.file(&tools.root);
                let arguments: Vec<OsString> = vec![
                    "assemble".into(),
                    "--target".into(),
                    forwards.clone().into(),
                    "--drafter".into(),
                    forwards.into(),
                    "--max-gamma=8".into(),
                    "-o".into(),
                    made.clone().into(),
                ];
                process::run(&tools.specplace, &arguments, scratch, COMPILE_LIMIT)?.success()?;
            }
            _ => return Ok(self.file(&tools.root)),
        }
        Ok(made)
    }

    /// The functions that are called.
    pub fn functions(self) -> &'static [&'static str] {
        match self {
            _ if self.generates() => &["generate"],
            Module::ClonedFunctions => &["step"],
            Module::TwoForwards => &["target_forward", "drafter_forward"],
            _ => &["spec_step"],
        }
    }

    /// How a function is called: with the inputs beside the module, or with a
    /// prompt, for which files are written to `scratch`.
    pub fn call(
        self,
        function: &'static str,
        root: &Path,
        prompt: Option<&Prompt>,
        scratch: &Path,
    ) -> Result<Call> {
        let (folder, stem) = self.family(root);
        let tokens = folder.join(format!("{stem}_tokens.npy"));
        let length = folder.join(format!("{stem}_n.npy"));
        let mut inputs = match self {
            Module::TwoForwards => vec![tokens],
            _ => vec![tokens, length],
        };
        if let Some(prompt) = prompt {
            ensure!(self.generates(), "{} takes no prompts", self.name());
            inputs = vec![scratch.join("prompt.npy"), scratch.join("n.npy")];
            arrays::write_integers(&inputs[0], &[1, prompt.row.len() as u64], &prompt.row)?;
            arrays::write_integers(&inputs[1], &[], &[prompt.length as i64])?;
        }
        if self.counts() {
            inputs.push(folder.join("pair_limit.npy"));
        }
        let parameters = folder.join(format!("{stem}.irpa"));
        Ok(Call {
            function,
            parameters: parameters.is_file().then_some(parameters),
            inputs,
            outputs: match self {
                _ if self.counts() => &["tokens", "n", "rounds", "histogram"],
                _ if self.generates() => &["tokens", "n", "rounds"],
                Module::TwoForwards => &["logits"],
                _ => &["tokens", "n"],
            },
        })
    }

    /// Checks the outputs of a call with draft length `gamma` against the
    /// target's greedy continuation, and against the counts that PyTorch had.
    /// `two_forwards` yields no tokens: see [`crate::greedy::Forwards`].
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
            // PyTorch's results. Random weights: no draft is accepted, and
            // what follows the one new token are leftovers of drafts.
            let (n, last) = match self {
                Module::StepPlace | Module::StepTransfer | Module::StepTransferTraits => (21, 311),
                _ => (13, 70),
            };
            ensure!(length == n, "n = {length}, not {n}");
            let token = tokens.get(n as usize - 1);
            ensure!(
                token == Some(&last),
                "the new token is {token:?}, not {last}"
            );
            return Ok(());
        }
        let given = prompt.unwrap_or(reference);
        let greedy = &given.greedy;
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
            _ if self.counts() => {
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
                let made = i64::try_from(length - given.length)?;
                ensure!(
                    histogram.iter().sum::<i64>() == rounds && yielded >= made,
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
