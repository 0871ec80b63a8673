//! One case: place a module, prove the placement, compile it, run it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::arrays;
use crate::cases;
use crate::greedy::{self, Prompt};
use crate::module::{Call, Module};
use crate::placed::{self, LOST_IN_A_ROW};
use crate::platform::{self, GPU};
use crate::process::{self, Finished};
use crate::report::{self, Row};
use crate::tools::{COMPILE_LIMIT, Tools};

/// The platform of this repository that any machine has the devices of.
pub const PLATFORM: &str = platform::DEFAULT;

/// The acceptance rate that specplace is told; it decides nothing here, since
/// draft length and mapping are given.
const ALPHA: &str = "0.7";

/// After so many wrong runs, one knows.
const GIVEN_UP: usize = 10;

/// Which processing unit each role is pinned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// What to call it.
    pub name: &'static str,
    /// The drafter's unit.
    pub drafter: &'static str,
    /// The target's.
    pub target: &'static str,
    /// The control flow's.
    pub control: &'static str,
}

impl Mapping {
    /// The units that it uses, some of them twice.
    pub fn units(&self) -> [&'static str; 3] {
        [self.drafter, self.target, self.control]
    }

    /// As `--pin` takes it.
    pub fn pins(&self) -> String {
        let [drafter, target, control] = self.units();
        format!("drafter={drafter},target={target},control={control}")
    }

    /// Whether it uses the GPU.
    pub fn uses_gpu(&self) -> bool {
        self.units().contains(&GPU)
    }
}

/// Which of IREE's CPU devices runs what is placed on a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cpu {
    /// Worker threads.
    LocalTask,
    /// The caller's thread.
    LocalSync,
}

impl Cpu {
    const ALL: [Self; 2] = [Self::LocalTask, Self::LocalSync];

    fn word(self) -> &'static str {
        match self {
            Self::LocalTask => "task",
            Self::LocalSync => "sync",
        }
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "local-{}", self.word())
    }
}

/// What results are compared with.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The example's own prompt.
    pub prompt: Prompt,
    /// Other prompts of the example.
    pub prompts: Vec<Prompt>,
    /// For each function of `two_forwards`, the logits of the example's own
    /// prompt.
    pub logits: BTreeMap<&'static str, Vec<f32>>,
}

/// A case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The module.
    pub module: Module,
    /// Where its roles go.
    pub mapping: Mapping,
    /// The draft length; `None` where the module has no loop.
    pub gamma: Option<u32>,
    /// How many runs there are on each kind of CPU device.
    pub times: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/", self.module.name())?;
        if let Some(gamma) = self.gamma {
            write!(formatter, "gamma-{gamma}/")?;
        }
        write!(formatter, "{}", self.mapping.name)
    }
}

impl Case {
    /// Places, proves and compiles the case, and runs it on each kind of CPU
    /// device: once with the example's own prompt, and then on, where it takes
    /// prompts, with those of the reference in turn, each of them continued
    /// up to another length. One row for each kind.
    pub fn run(&self, tools: &Tools, reference: &Reference) -> Vec<Row> {
        let mut row = Row {
            case: self.to_string(),
            runs: self.times,
            ..Row::default()
        };
        let scratch = match self.make(tools, &mut row) {
            Ok(scratch) => scratch,
            Err(error) => {
                row.runs *= Cpu::ALL.len();
                row.failure = Some(format!("{error:#}"));
                return vec![row];
            }
        };
        let of = |(at, cpu): (usize, &Cpu)| {
            let mut row = Row {
                case: format!("{self}/{cpu}"),
                ..row.clone()
            };
            let first = at * self.times;
            if let Err(error) = self.repeat(tools, reference, scratch.path(), *cpu, first, &mut row)
            {
                row.failure.get_or_insert(format!("{error:#}"));
            }
            row
        };
        Cpu::ALL.iter().enumerate().map(of).collect()
    }

    /// The compiled program, in a folder of its own.
    fn make(&self, tools: &Tools, row: &mut Row) -> Result<TempDir> {
        let scratch = tempfile::tempdir()?;
        let directory = scratch.path();
        row.placing = self.place(tools, directory)?.elapsed.as_secs_f64();
        self.check_roles(directory)?;
        row.proving = self.prove(tools, directory)?.elapsed.as_secs_f64();
        row.compiling = placed::compile(tools, directory)?.elapsed.as_secs_f64();
        Ok(scratch)
    }

    /// All runs on one kind of CPU device. `first` is which of the prompts
    /// comes first.
    fn repeat(
        &self,
        tools: &Tools,
        reference: &Reference,
        directory: &Path,
        cpu: Cpu,
        first: usize,
        row: &mut Row,
    ) -> Result<()> {
        let path = directory.join("out.run.flags");
        let flags = fs::read_to_string(&path)?;
        let device = format!("=local-{}", cpu.word());
        fs::write(
            directory.join("run.flags"),
            flags
                .replace("=local-task", &device)
                .replace("=local-sync", &device),
        )?;
        let mut elapsed = Vec::new();
        let mut wrong = 0;
        for index in 0..self.times {
            let prompt = (index > 0 && self.module.generates()).then(|| {
                let at = first + index;
                let prompt = &reference.prompts[at % reference.prompts.len()];
                prompt.continued(prompt.length + self.given(at))
            });
            match self.run_once(tools, reference, directory, prompt.as_ref(), &mut row.lost) {
                Ok(time) => {
                    row.right += 1;
                    elapsed.push(time);
                    row.running = report::median(&elapsed);
                }
                Err(error) => {
                    let what = format!("run {} of {}: {error:#}", index + 1, self.times);
                    println!("{}: {what}", row.case);
                    row.failure.get_or_insert(what);
                    wrong += 1;
                    ensure!(wrong < GIVEN_UP, "given up after {wrong} failed runs");
                }
            }
        }
        Ok(())
    }

    /// So many tokens are given beyond the prompt: other lengths each time, and
    /// more where a GPU generates that may be slow, so that the long series ends.
    fn given(&self, at: usize) -> usize {
        if self.mapping.uses_gpu() && self.times < cases::PROVEN_TIMES {
            20 + at * 7 % 20
        } else {
            at * 7 % 40
        }
    }

    /// Calls every function once, and checks what comes back.
    fn run_once(
        &self,
        tools: &Tools,
        reference: &Reference,
        directory: &Path,
        prompt: Option<&Prompt>,
        lost: &mut usize,
    ) -> Result<Duration> {
        let mut elapsed = Duration::ZERO;
        for function in self.module.functions() {
            let call = self.module.call(function, &tools.root, prompt, directory)?;
            elapsed += self.call(tools, directory, &call, lost)?.elapsed;
            self.check(&call, directory, prompt, reference)
                .context("the result is wrong")?;
        }
        Ok(elapsed)
    }

    fn check(
        &self,
        call: &Call,
        directory: &Path,
        prompt: Option<&Prompt>,
        reference: &Reference,
    ) -> Result<()> {
        if self.module == Module::TwoForwards {
            let path = directory.join("logits.npy");
            let logits = arrays::read_floats(&path)?;
            fs::remove_file(&path)?;
            let expected = reference
                .logits
                .get(call.function)
                .with_context(|| format!("no reference for {}", call.function))?;
            return greedy::check_logits(&logits, expected);
        }
        let outputs = placed::read_outputs(directory, call)?;
        self.module.check(
            self.gamma.unwrap_or_default(),
            prompt,
            &reference.prompt,
            &outputs,
        )
    }

    fn place(&self, tools: &Tools, directory: &Path) -> Result<Finished> {
        let arguments: Vec<OsString> = [
            self.module.prepare(tools, directory)?.into_os_string(),
            "-o".into(),
            "out.mlir".into(),
            "--alpha".into(),
            ALPHA.into(),
            "--platform".into(),
            tools.platform.file.clone().into(),
            "--gamma".into(),
            self.gamma
                .map_or("auto".to_owned(), |gamma| gamma.to_string())
                .into(),
            "--pin".into(),
            self.mapping.pins().into(),
        ]
        .into();
        process::run(&tools.specplace, &arguments, directory, COMPILE_LIMIT)?.success()
    }

    /// What is written is as pinned, and without drafts nothing is left of the
    /// drafter.
    fn check_roles(&self, directory: &Path) -> Result<()> {
        let text = fs::read_to_string(directory.join("out.mlir"))?;
        let pins = self.mapping.pins();
        let without = placed::check_pins(&text, &pins)?;
        if self.gamma == Some(0) {
            ensure!(
                without.contains(&"drafter"),
                "there is a drafter in spite of γ = 0"
            );
            ensure!(
                !text.contains("::\"drafter."),
                "the drafter's weights are still there in spite of γ = 0"
            );
        }
        for role in without {
            ensure!(
                role == "control" || role == "drafter" && self.gamma == Some(0),
                "no function has the role {role}"
            );
        }
        Ok(())
    }

    fn prove(&self, tools: &Tools, directory: &Path) -> Result<Finished> {
        let pins = placed::in_use(&self.mapping.pins(), self.gamma);
        placed::prove(tools, directory, &pins)
    }

    /// Runs the program until it ends without losing its device.
    fn call(
        &self,
        tools: &Tools,
        directory: &Path,
        call: &Call,
        lost: &mut usize,
    ) -> Result<Finished> {
        let arguments = placed::arguments_of(call, "run.flags");
        let units = self.mapping.units();
        placed::run(tools, &arguments, directory, &units, LOST_IN_A_ROW, lost)?.success()
    }
}
