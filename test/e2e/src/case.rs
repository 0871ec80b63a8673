//! One case: place a module, prove the placement, compile it, run it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::arrays;
use crate::greedy::{self, Prompt};
use crate::module::{Call, Module};
use crate::process::{self, Finished};
use crate::tools::{COMPILE_LIMIT, RUN_LIMIT, Tools};

/// The platform that all cases are placed on.
pub const PLATFORM: &str = "test/e2e/platforms/three-cpus-and-vulkan.yaml";

/// The acceptance rate that specplace is told; it decides nothing here, since
/// draft length and mapping are given.
const ALPHA: &str = "0.7";

/// So many runs in a row that lose the device are no bad luck any more.
const LOST_IN_A_ROW: usize = 5;

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
    fn uses_vulkan(&self) -> bool {
        [self.drafter, self.target, self.control].contains(&"gpu")
    }
}

/// Which of IREE's CPU devices runs what is placed on a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cpu {
    /// Worker threads.
    LocalTask,
    /// The caller's thread.
    LocalSync,
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
    /// The kind of CPU device.
    pub cpu: Cpu,
}

impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = match self.cpu {
            Cpu::LocalTask => "",
            Cpu::LocalSync => "/local-sync",
        };
        write!(formatter, "{}/", self.module.name())?;
        if let Some(gamma) = self.gamma {
            write!(formatter, "gamma-{gamma}/")?;
        }
        write!(formatter, "{}{cpu}", self.mapping.name)
    }
}

/// How a case went: everything right, or [`Case::run`] had failed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many runs gave the right result.
    pub right: usize,
    /// How many lost their device, and were repeated.
    pub lost: usize,
    /// How long specplace took.
    pub placing: Duration,
    /// How long the proof of placement took.
    pub proving: Duration,
    /// How long iree-compile took.
    pub compiling: Duration,
    /// How long each right run took, loading included.
    pub running: Vec<Duration>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut running = self.running.clone();
        running.sort();
        let median = running.get(running.len() / 2).copied().unwrap_or_default();
        write!(
            formatter,
            "{} of {} right, {} lost devices repeated; placed in {:.2} s, proven in {:.2} s, \
             compiled in {:.1} s, run in {:.2} s (median)",
            self.right,
            self.running.len(),
            self.lost,
            self.placing.as_secs_f64(),
            self.proving.as_secs_f64(),
            self.compiling.as_secs_f64(),
            median.as_secs_f64()
        )
    }
}

impl Case {
    /// Places, proves and compiles the case, and runs it `times` times: once
    /// with the example's own prompt, and then on, where it takes prompts,
    /// with those of the reference in turn.
    pub fn run(&self, tools: &Tools, times: usize, reference: &Reference) -> Result<Outcome> {
        let scratch = tempfile::tempdir()?;
        let directory = scratch.path();
        let placed = self.place(tools, directory)?;
        self.check_roles(directory)?;
        let proof = self.prove(tools, directory)?;
        let compiled = self.compile(tools, directory)?;
        let mut outcome = Outcome {
            right: 0,
            lost: 0,
            placing: placed.elapsed,
            proving: proof.elapsed,
            compiling: compiled.elapsed,
            running: Vec::new(),
        };
        for index in 0..times {
            let prompt = match index.checked_sub(1) {
                Some(index) if self.module.generates() && !reference.prompts.is_empty() => {
                    Some(&reference.prompts[index % reference.prompts.len()])
                }
                _ => None,
            };
            let mut elapsed = Duration::ZERO;
            for function in self.module.functions() {
                let call = self.module.call(function, &tools.root, prompt, directory)?;
                elapsed += self
                    .call(tools, directory, &call, &mut outcome.lost)?
                    .elapsed;
                self.check(&call, directory, prompt, reference)
                    .with_context(|| format!("run {} of {times} gave a wrong result", index + 1))?;
            }
            outcome.right += 1;
            outcome.running.push(elapsed);
        }
        Ok(outcome)
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
        let outputs = read_outputs(directory, call)?;
        self.module.check(
            self.gamma.unwrap_or_default(),
            prompt,
            &reference.prompt,
            &outputs,
        )
    }

    fn place(&self, tools: &Tools, directory: &Path) -> Result<Finished> {
        let Mapping {
            drafter,
            target,
            control,
            ..
        } = self.mapping;
        let arguments: Vec<OsString> = [
            self.module.file(&tools.root).into_os_string(),
            "-o".into(),
            "out.mlir".into(),
            "--alpha".into(),
            ALPHA.into(),
            "--platform".into(),
            tools.root.join(PLATFORM).into(),
            "--gamma".into(),
            self.gamma
                .map_or("auto".to_owned(), |gamma| gamma.to_string())
                .into(),
            "--pin".into(),
            format!("drafter={drafter},target={target},control={control}").into(),
        ]
        .into();
        let finished =
            process::run(&tools.specplace, &arguments, directory, COMPILE_LIMIT)?.success()?;
        if self.cpu == Cpu::LocalSync {
            let path = directory.join("out.run.flags");
            let flags = fs::read_to_string(&path)?;
            fs::write(&path, flags.replace("=local-task", "=local-sync"))?;
        }
        Ok(finished)
    }

    /// The proof compares what was written with what IREE does; this compares
    /// what was asked for with what was written.
    fn check_roles(&self, directory: &Path) -> Result<()> {
        let text = fs::read_to_string(directory.join("out.mlir"))?;
        let wanted = [
            ("drafter", self.mapping.drafter),
            ("target", self.mapping.target),
            ("control", self.mapping.control),
        ];
        for (role, device) in wanted {
            let lines: Vec<&str> = text
                .lines()
                .filter(|line| line.contains("func.func"))
                .filter(|line| line.contains(&format!("specplace.role = \"{role}\"")))
                .collect();
            if role == "drafter" && self.gamma == Some(0) {
                ensure!(lines.is_empty(), "there is a drafter in spite of γ = 0");
                ensure!(
                    !text.contains("::\"drafter."),
                    "the drafter's weights are still there in spite of γ = 0"
                );
                continue;
            }
            ensure!(
                role == "control" || !lines.is_empty(),
                "no function has the role {role}"
            );
            for line in lines {
                ensure!(
                    line.contains(&format!(
                        "stream.affinity = #hal.device.affinity<@{device}>"
                    )),
                    "the {role} was pinned to {device}, but this was written:\n{line}"
                );
            }
        }
        Ok(())
    }

    fn prove(&self, tools: &Tools, directory: &Path) -> Result<Finished> {
        let arguments = ["verify-placement", "out.mlir", "--with-iree"].map(OsString::from);
        process::run(&tools.specplace, &arguments, directory, COMPILE_LIMIT)?.success()
    }

    fn compile(&self, tools: &Tools, directory: &Path) -> Result<Finished> {
        let arguments = ["out.mlir", "@out.flags", "-o", "out.vmfb"].map(OsString::from);
        process::run(&tools.iree_compile, &arguments, directory, COMPILE_LIMIT)?.success()
    }

    /// Runs the program until it ends without losing its device.
    fn call(
        &self,
        tools: &Tools,
        directory: &Path,
        call: &Call,
        lost: &mut usize,
    ) -> Result<Finished> {
        let mut arguments: Vec<OsString> = vec![
            "--flagfile=out.run.flags".into(),
            "--module=out.vmfb".into(),
            format!("--function={}", call.function).into(),
        ];
        if let Some(parameters) = &call.parameters {
            arguments.push(format!("--parameters=model={}", parameters.display()).into());
        }
        arguments.extend(
            call.inputs
                .iter()
                .map(|path| format!("--input=@{}", path.display()).into()),
        );
        arguments.extend(
            call.outputs
                .iter()
                .map(|name| format!("--output=@{name}.npy").into()),
        );
        for _ in 0..LOST_IN_A_ROW {
            let finished = process::run(&tools.iree_run_module, &arguments, directory, RUN_LIMIT)?;
            if finished.status.success() {
                return Ok(finished);
            }
            if !(self.mapping.uses_vulkan() && lost_its_device(&finished)) {
                return finished.success();
            }
            *lost += 1;
            println!("{self}: the Vulkan device was lost; once more");
        }
        bail!("{self}: the Vulkan device was lost {LOST_IN_A_ROW} times in a row")
    }
}

/// Whether a run ended because the driver lost its device, which lavapipe does
/// now and then whatever it runs.
fn lost_its_device(finished: &Finished) -> bool {
    finished.stderr.contains("VK_ERROR_DEVICE_LOST")
}

fn read_outputs(directory: &Path, call: &Call) -> Result<BTreeMap<String, Vec<i64>>> {
    call.outputs
        .iter()
        .map(|name| {
            let path = directory.join(format!("{name}.npy"));
            let values = arrays::read_integers(&path)?;
            // What a later run does not write must not pass for its own.
            fs::remove_file(&path)?;
            Ok(((*name).to_owned(), values))
        })
        .collect()
}
