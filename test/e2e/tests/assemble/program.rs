//! A program that was assembled, or written by hand, and how it is called.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::arrays;
use e2e::greedy::Prompt;
use e2e::placed::{self, LOST_IN_A_ROW};
use e2e::process;
use e2e::tools::{COMPILE_LIMIT, Tools};
use tempfile::TempDir;

/// The row that the pair takes.
pub const ROW: usize = 63;

/// A compiled program in a folder of its own.
pub struct Program {
    tools: Tools,
    folder: TempDir,
    mapping: String,
    pub compiling: Duration,
}

/// What `@generate` and `@step` give back.
#[derive(Debug, Default)]
pub struct Generated {
    pub tokens: Vec<i64>,
    pub length: i64,
    pub rounds: i64,
    pub histogram: Vec<i64>,
    /// How long the run took.
    pub elapsed: Duration,
    /// How many runs before it lost their device.
    pub lost: usize,
}

impl PartialEq for Generated {
    /// Whether the results are the same.
    fn eq(&self, other: &Self) -> bool {
        (&self.tokens, self.length, self.rounds, &self.histogram)
            == (&other.tokens, other.length, other.rounds, &other.histogram)
    }
}

impl Program {
    /// Makes, places, proves and compiles it: the pair's forward passes
    /// assembled with `options`, or the loop that was written by hand.
    pub fn new(
        tools: &Tools,
        options: Option<&[String]>,
        mapping: &str,
        gamma: u32,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let pair = tools.root.join("examples/pair");
        let run = |program: &Path, arguments: Vec<OsString>| {
            process::run(program, &arguments, folder.path(), COMPILE_LIMIT)?.success()
        };
        let mut file = pair.join("generate_symbolic.mlir");
        if let Some(options) = options {
            let forwards = pair.join("two_forwards.mlir");
            let mut arguments: Vec<OsString> = vec![
                "assemble".into(),
                "--target".into(),
                forwards.clone().into(),
                "--drafter".into(),
                forwards.into(),
                "-o".into(),
                "in.mlir".into(),
            ];
            arguments.extend(options.iter().map(OsString::from));
            run(&tools.specplace, arguments)?;
            file = "in.mlir".into();
        }
        let arguments = vec![
            file.into(),
            "-o".into(),
            "out.mlir".into(),
            "--alpha=0.7".into(),
            "--platform".into(),
            tools.platform.file.clone().into(),
            format!("--gamma={gamma}").into(),
            format!("--pin={mapping}").into(),
            // Proven before it is written.
            "--verify=placement".into(),
        ];
        let proof = run(&tools.specplace, arguments)?;
        placed::check_proof(&proof, &placed::in_use(mapping, Some(gamma)))?;
        let compiled = placed::compile(tools, folder.path())?;
        Ok(Self {
            tools: tools.clone(),
            folder,
            mapping: mapping.to_owned(),
            compiling: compiled.elapsed,
        })
    }

    /// Calls `function` with a row of tokens, how many they are, where to
    /// stop, and what else it takes.
    pub fn call(
        &self,
        function: &str,
        row: &[i64],
        scalars: [i64; 2],
        more: &[(&[u64], &[i64])],
    ) -> Result<Generated> {
        let scratch = tempfile::tempdir()?;
        let folder = scratch.path();
        let mut inputs: Vec<(&[u64], &[i64])> = vec![
            (&[1, ROW as u64], row),
            (&[], &scalars[..1]),
            (&[], &scalars[1..]),
        ];
        inputs.extend_from_slice(more);
        let pair = self.tools.root.join("examples/pair/pair.irpa");
        let mut arguments: Vec<OsString> = vec![
            format!("--flagfile={}", self.file("out.run.flags")).into(),
            format!("--module={}", self.file("out.vmfb")).into(),
            format!("--function={function}").into(),
            format!("--parameters=model={}", pair.display()).into(),
        ];
        for (at, (shape, values)) in inputs.into_iter().enumerate() {
            let name = format!("input{at}.npy");
            arrays::write_integers(&folder.join(&name), shape, values)?;
            arguments.push(format!("--input=@{name}").into());
        }
        const OUTPUTS: [&str; 4] = ["tokens", "n", "rounds", "histogram"];
        for name in OUTPUTS {
            arguments.push(format!("--output=@{name}.npy").into());
        }
        let (elapsed, lost) = self.run(&arguments, folder)?;
        let mut read: BTreeMap<&str, Vec<i64>> = OUTPUTS
            .into_iter()
            .map(|name| {
                Ok((
                    name,
                    arrays::read_integers(&folder.join(format!("{name}.npy")))?,
                ))
            })
            .collect::<Result<_>>()?;
        let mut take = |name: &str| read.remove(name).with_context(|| format!("no {name}"));
        let scalar = |values: Vec<i64>| values.first().copied().context("no value");
        Ok(Generated {
            tokens: take("tokens")?,
            length: scalar(take("n")?)?,
            rounds: scalar(take("rounds")?)?,
            histogram: take("histogram")?,
            elapsed,
            lost,
        })
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs the program until it ends without losing its device: how long it
    /// took then, and how often it was lost before.
    fn run(&self, arguments: &[OsString], folder: &Path) -> Result<(Duration, usize)> {
        let (units, mut lost) = (placed::units(&self.mapping), 0);
        let finished = placed::run(
            &self.tools,
            arguments,
            folder,
            &units,
            LOST_IN_A_ROW,
            &mut lost,
        )?;
        Ok((finished.success()?.elapsed, lost))
    }
}

pub fn generate(program: &Program, prompt: &Prompt, limit: i64) -> Result<Generated> {
    let length = i64::try_from(prompt.length)?;
    program.call("generate", &prompt.row, [length, limit], &[])
}

/// The first `length` tokens are greedy, the rest of the row is as it was, and
/// the rounds account for every token.
pub fn check(generated: &Generated, prompt: &Prompt, length: usize) -> Result<()> {
    let mut expected = prompt.row.clone();
    expected[..length].copy_from_slice(&prompt.greedy[..length]);
    ensure!(
        generated.tokens == expected && usize::try_from(generated.length)? == length,
        "expected {length} tokens and then nothing,\n{expected:?}, but there are {} of\n{:?}",
        generated.length,
        generated.tokens
    );
    let made: i64 = (1..)
        .zip(&generated.histogram)
        .map(|(each, count)| each * count)
        .sum();
    ensure!(
        generated.histogram.iter().sum::<i64>() == generated.rounds
            && made == i64::try_from(length - prompt.length)?,
        "{} rounds, {:?}, made {made} tokens of {length}",
        generated.rounds,
        generated.histogram
    );
    Ok(())
}
