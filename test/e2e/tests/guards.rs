//! Each guard against a fault of IREE, taken away: the proof of placement, or
//! the run itself, must then fail. A guard whose removal changes nothing would
//! be dead weight, and a proof that does not notice would prove nothing.

use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};

use e2e::process::{self, Finished};
use e2e::tools::{COMPILE_LIMIT, RUN_LIMIT, Tools};

enum Module {
    /// `examples/pair/generate_symbolic.mlir`, at γ = 4.
    Example,
    /// A module of its own, with its γ, function and inputs.
    Text(&'static str, &'static str, &'static [&'static str]),
}

/// Two computations that drafter and target have in common: IREE compiles each
/// once, for both devices.
const IN_COMMON: &str = "
func.func @twice(%x: tensor<8x4xi64>, %y: tensor<6xi64>) -> (tensor<8x4xi64>, tensor<6xi64>) {
  %a = flow.tensor.transfer %x : tensor<8x4xi64> to #hal.device.promise<@drafter>
  %b = arith.addi %a, %a : tensor<8x4xi64>
  %c = flow.tensor.transfer %b : tensor<8x4xi64> to #hal.device.promise<@target>
  %d = arith.addi %c, %c : tensor<8x4xi64>
  %p = flow.tensor.transfer %y : tensor<6xi64> to #hal.device.promise<@drafter>
  %q = arith.addi %p, %p : tensor<6xi64>
  %r = flow.tensor.transfer %q : tensor<6xi64> to #hal.device.promise<@target>
  %s = arith.addi %r, %r : tensor<6xi64>
  return %d, %s : tensor<8x4xi64>, tensor<6xi64>
}
";

/// How the loss of a guard shows.
enum Shows {
    /// `verify-placement` names it.
    InProof(&'static str),
    /// The module does not load, with this in the message.
    AtLoad(&'static str),
    /// IREE's stream phase contains this, which it does not with the guard.
    InStream(&'static str),
}

struct Guard {
    name: &'static str,
    /// What is placed: an example, or the text of a module.
    module: Module,
    pins: &'static str,
    /// Takes the guard out of one line of OUT, or out of the flags.
    remove: fn(&str) -> Option<String>,
    shows: Shows,
}

const GUARDS: &[Guard] = &[
    Guard {
        // MaterializeTargetDevices merges devices of one specification.
        name: "ordinals keep two devices of one kind apart",
        module: Module::Example,
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |line| {
            line.contains("hal.device.alias")
                .then(|| line.replace("[1]", "[0]"))
        },
        shows: Shows::InProof("device"),
    },
    Guard {
        // The inliner moves the body to where the call is, on its device.
        name: "noinline keeps a subgraph on its device",
        module: Module::Example,
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |line| {
            line.contains("func.func private @drafter_")
                .then(|| line.replace("noinline, ", ""))
        },
        shows: Shows::InProof("@drafter_0"),
    },
    Guard {
        // ElideAsyncCopies drops the copy that protects an imported buffer.
        name: "a later use keeps imported buffers intact",
        module: Module::Example,
        pins: "drafter=cpu,target=cpu,control=cpu",
        remove: |line| {
            (line.contains("util.optimization_barrier") && line.contains("tensor<"))
                .then(String::new)
        },
        shows: Shows::InProof("borrowed"),
    },
    Guard {
        // A write that nothing waits for is dead, and its call with it.
        name: "the wait keeps the write of a crossing",
        module: Module::Example,
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |line| {
            [
                "hal.fence.create",
                "hal.tensor.barrier",
                "hal.fence.await",
                "util.status.check_ok",
            ]
            .iter()
            .any(|name| line.contains(name))
            .then(String::new)
        },
        shows: Shows::InProof("@drafter_0"),
    },
    Guard {
        // LinkExecutables keeps one device's variant of a shared executable.
        name: "executables of unlike devices are not linked",
        module: Module::Text(
            IN_COMMON,
            "2",
            &["--function=twice", "--input=8x4xi64=1", "--input=6xi64=1"],
        ),
        pins: "drafter=gpu,target=cpu,control=cpu",
        remove: |line| line.contains("link-executables").then(String::new),
        shows: Shows::AtLoad("variant"),
    },
    Guard {
        // HoistIntoGlobals gives every function its own transposed weights.
        name: "weights are not hoisted into copies",
        module: Module::Example,
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |line| line.contains("const-expr-hoisting").then(String::new),
        shows: Shows::InStream("__hoisted_"),
    },
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tools = match Tools::find() {
        Ok(tools) => Arc::new(tools),
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let trials = GUARDS
        .iter()
        .map(|guard| {
            let tools = Arc::clone(&tools);
            Trial::test(guard.name, move || {
                check(&tools, guard).map_err(|error| Failed::from(format!("{error:#}")))
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn check(tools: &Tools, guard: &Guard) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let directory = scratch.path();
    let run = |program, arguments: &[String]| -> Result<Finished> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        process::run(program, &arguments, directory, COMPILE_LIMIT.max(RUN_LIMIT))
    };
    let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
    let pair = tools.root.join("examples/pair");
    let (input, gamma) = match guard.module {
        Module::Example => (pair.join("generate_symbolic.mlir"), "4"),
        Module::Text(text, gamma, _) => {
            fs::write(directory.join("in.mlir"), text)?;
            (directory.join("in.mlir"), gamma)
        }
    };
    let mut arguments = vec![input.display().to_string()];
    arguments.extend(words("-o out.mlir --alpha 0.7 --gamma"));
    arguments.extend([gamma.to_owned(), "--pin".to_owned()]);
    arguments.push(guard.pins.to_owned());
    arguments.extend([
        "--platform".to_owned(),
        tools.platform.file.display().to_string(),
    ]);
    run(&tools.specplace, &arguments)?.success()?;

    let to_stream = words("out.mlir @out.flags --compile-to=stream -o -");
    if let Shows::InStream(text) = guard.shows {
        let guarded = run(&tools.iree_compile, &to_stream)?.success()?.stdout;
        ensure!(
            !guarded.contains(text),
            "'{text}' is there with the guard too"
        );
    }
    let mut removed = 0;
    for name in ["out.mlir", "out.flags"] {
        let path = directory.join(name);
        let text = fs::read_to_string(&path)?;
        let edited: Vec<String> = text
            .lines()
            .map(|line| match (guard.remove)(line) {
                Some(edited) => {
                    removed += usize::from(edited != line);
                    edited
                }
                None => line.to_owned(),
            })
            .collect();
        fs::write(&path, edited.join("\n") + "\n")?;
    }
    ensure!(removed > 0, "there is no such guard in OUT or its flags");

    let finished = match guard.shows {
        Shows::InProof(_) => run(
            &tools.specplace,
            &words("verify-placement out.mlir --with-iree"),
        )?,
        Shows::InStream(text) => {
            let bare = run(&tools.iree_compile, &to_stream)?.success()?.stdout;
            ensure!(
                bare.contains(text),
                "without the guard there is no '{text}' either"
            );
            return Ok(());
        }
        Shows::AtLoad(_) => {
            run(
                &tools.iree_compile,
                &words("out.mlir @out.flags -o out.vmfb"),
            )?
            .success()?;
            let mut arguments = words("--flagfile=out.run.flags --module=out.vmfb");
            match guard.module {
                Module::Text(_, _, call) => {
                    arguments.extend(call.iter().map(|&word| word.to_owned()));
                }
                Module::Example => bail!("only modules of their own are run here"),
            }
            run(&tools.iree_run_module, &arguments)?
        }
    };
    let (Shows::InProof(text) | Shows::AtLoad(text) | Shows::InStream(text)) = guard.shows;
    if finished.status.success() {
        bail!("{removed} lines were changed, and nothing failed");
    }
    ensure!(
        finished.stderr.contains(text) || finished.stdout.contains(text),
        "it failed for another reason:\n{}{}",
        finished.stdout,
        finished.stderr
    );
    Ok(())
}
