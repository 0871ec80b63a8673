//! Each guard against a fault of IREE, taken away: the proof of placement, or
//! the run itself, must then fail. A guard whose removal changes nothing would
//! be dead weight, and a proof that does not notice would prove nothing.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use e2e::placed;
use e2e::platform;
use e2e::process::{self, Finished};
use e2e::tools::{COMPILE_LIMIT, Tools};
use e2e::trials;

mod faults;
mod modules;

use faults::{GUARDS, Guard, Module, Shows};
use modules::CARRIES_A_TENSOR;

/// The passes for a module that has functions of its own for subgraphs: all
/// that do not inline them.
const WITHOUT_INLINING: &str = "identify-roles,estimate-costs,select-mapping,fold-draft-length,\
     outline-subgraphs,narrow-indices,widen-booleans,gather-slices,copy-overwritten,order-loops,\
     separate-broadcasts,insert-crossings,assign-affinities";

/// A run of these modules takes no second; one without its guard may not end.
const ENDS: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    trials::run(|_| {
        let tools = Arc::new(Tools::find()?);
        let guards = GUARDS.iter();
        let taken =
            guards.map(|guard| trials::trial(guard.name, &tools, |tools| check(tools, guard)));
        let name = "loops carry buffers, not tensors";
        let bare = trials::trial(name, &tools, loops_carry_buffers);
        Ok(taken.chain([bare]).collect())
    })
}

/// A folder of a test, and the programs that work in it.
struct Bench<'t> {
    tools: &'t Tools,
    scratch: tempfile::TempDir,
}

impl<'t> Bench<'t> {
    fn new(tools: &'t Tools) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        Ok(Self { tools, scratch })
    }

    fn path(&self) -> &Path {
        self.scratch.path()
    }

    fn run(&self, program: &Path, words: &str) -> Result<Finished> {
        process::run(program, &process::words(words), self.path(), COMPILE_LIMIT)
    }

    /// Writes the platform, with other methods for all links if given.
    fn write_platform(&self, methods: Option<&str>) -> Result<()> {
        let text = fs::read_to_string(&self.tools.platform.file)?;
        let edited = platform::with_methods(&text, methods);
        ensure!(
            methods.is_none() || edited.contains("methods:"),
            "the platform has no link"
        );
        Ok(fs::write(self.path().join("platform.yaml"), edited)?)
    }

    /// Places IN, which for a module of text is `in.mlir`.
    fn place(&self, input: &str, gamma: &str, pins: &str) -> Result<()> {
        let words = format!(
            "{input} -o out.mlir --alpha 0.7 --gamma {gamma} --platform platform.yaml --pin {pins}"
        );
        self.run(&self.tools.specplace, &words)?.success()?;
        Ok(())
    }

    fn place_module(&self, module: &Module, pins: &str) -> Result<()> {
        let example = self.tools.root.join("examples/pair/generate_symbolic.mlir");
        let example = example.display().to_string();
        match module {
            Module::Example => {
                self.write_platform(None)?;
                self.place(&example, "4", pins)
            }
            Module::Text {
                text,
                gamma,
                methods,
                ..
            } => {
                self.write_platform(*methods)?;
                fs::write(self.path().join("in.mlir"), text)?;
                self.place("in.mlir", gamma, pins)
            }
            Module::Outlined(text) => {
                self.write_platform(None)?;
                // A pass alone writes no flags; they are those of any module
                // on the same devices.
                self.place(&example, "4", pins)?;
                fs::write(self.path().join("in.mlir"), text)?;
                let words = format!(
                    "opt --pass {WITHOUT_INLINING} in.mlir -o out.mlir --alpha 0.7 --gamma 1 \
                     --platform platform.yaml --pin {pins}"
                );
                self.run(&self.tools.specplace, &words)?.success()?;
                Ok(())
            }
        }
    }

    /// Runs what OUT was compiled to.
    fn call(&self, call: &[&str]) -> Result<Finished> {
        let words = format!(
            "--flagfile=out.run.flags --module=out.vmfb {}",
            call.join(" ")
        );
        let words = process::words(&words);
        process::run(&self.tools.iree_run_module, &words, self.path(), ENDS)
    }
}

fn check(tools: &Tools, guard: &Guard) -> Result<()> {
    let bench = Bench::new(tools)?;
    bench.place_module(&guard.module, guard.pins)?;
    let call = match guard.module {
        Module::Text { call, .. } => call,
        Module::Example | Module::Outlined(_) => &[],
    };

    // With the guard all is well.
    placed::prove(tools, bench.path(), guard.pins)?;
    let mut guarded = String::new();
    match guard.shows {
        Shows::InProof(_) => {}
        Shows::AtRun(_) | Shows::InResult => {
            placed::compile(tools, bench.path())?;
            guarded = bench.call(call)?.success()?.stdout;
        }
    }

    let mut removed = false;
    for name in ["out.mlir", "out.flags"] {
        let path = bench.path().join(name);
        let text = fs::read_to_string(&path)?;
        let edited = (guard.remove)(&text);
        removed |= edited != text;
        fs::write(&path, edited)?;
    }
    ensure!(removed, "there is no such guard in OUT or its flags");

    match guard.shows {
        Shows::InProof(text) => {
            let words = "verify-placement out.mlir --with-iree";
            fails_with(&bench.run(&tools.specplace, words)?, text)
        }
        Shows::AtRun(text) => {
            placed::compile(tools, bench.path())?;
            fails_with(&bench.call(call)?, text)
        }
        Shows::InResult => {
            placed::compile(tools, bench.path())?;
            let bare = bench.call(call);
            ensure!(
                bare.is_err() || bare.is_ok_and(|bare| bare.stdout != guarded),
                "the guard is gone, and the result is the same"
            );
            Ok(())
        }
    }?;
    found_by_verify(&bench, guard, call)
}

/// `specplace verify` has to find what the loss of the guard does.
fn found_by_verify(bench: &Bench, guard: &Guard, call: &[&str]) -> Result<()> {
    // The flags are those of another module, and name that as IN.
    if matches!(guard.module, Module::Outlined(_)) {
        return Ok(());
    }
    let limit = ENDS.as_secs();
    let words = format!(
        "verify out.mlir --runs 1 --tool-limit {limit} {}",
        call.join(" ")
    );
    let finished = bench.run(&bench.tools.specplace, &words)?;
    ensure!(
        finished.status.code() == Some(1),
        "the guard is gone, and `specplace verify` does not find it ({}):\n{}",
        finished.status,
        finished.stderr
    );
    Ok(())
}

/// Looks whether a program failed, and for that reason.
fn fails_with(finished: &Finished, text: &str) -> Result<()> {
    if finished.status.success() {
        bail!("the guard is gone, and nothing failed");
    }
    ensure!(
        finished.stderr.contains(text) || finished.stdout.contains(text),
        "it failed for another reason:\n{}{}",
        finished.stdout,
        finished.stderr
    );
    Ok(())
}

/// Nothing in OUT could be taken away to have tensors carried: so the module is
/// given to IREE as it is, without its markers.
fn loops_carry_buffers(tools: &Tools) -> Result<()> {
    let bench = Bench::new(tools)?;
    let pins = "drafter=cpu2,target=cpu,control=cpu";
    bench.write_platform(None)?;
    fs::write(bench.path().join("in.mlir"), CARRIES_A_TENSOR)?;
    bench.place("in.mlir", "1", pins)?;
    placed::prove(tools, bench.path(), pins)?;
    placed::compile(tools, bench.path())?;
    let right = bench.call(&["--function=carry", "--input=4xi64=1", "--input=3"])?;
    let printed = right.success()?.stdout;
    ensure!(printed.contains("4xi64=64 64 64 64"), "{printed}");

    let bare: String = CARRIES_A_TENSOR
        .lines()
        .map(|line| match line.split_once(" to #hal.device.promise") {
            // A cast to the same type is nothing.
            Some((transfer, _)) => {
                let cast = transfer.replace("flow.tensor.transfer", "tensor.cast");
                format!("{cast} to tensor<4xi64>\n")
            }
            None => format!("{line}\n"),
        })
        .collect();
    fs::write(bench.path().join("bare.mlir"), bare)?;
    let words = "bare.mlir --iree-hal-target-device=local \
                 --iree-hal-local-target-device-backends=llvm-cpu -o bare.vmfb";
    let finished = bench.run(&tools.iree_compile, words)?;
    let message = "unresolved target materialization";
    ensure!(
        !finished.status.success() && finished.stderr.contains(message),
        "IREE compiles loops that carry tensors now:\n{}",
        finished.stderr
    );
    Ok(())
}
