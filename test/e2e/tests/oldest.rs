//! IREE 3.6.0, the release of the paper: what it can do is done, and the rest is
//! refused by name.
//!
//! `make test-oldest` installs that release and runs this.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use e2e::arrays;
use e2e::module::Module;
use e2e::process::{self, Finished};
use e2e::tools::{COMPILE_LIMIT, RUN_LIMIT, Tools};

/// Modules without loops.
const WITHOUT_LOOPS: &[Module] = &[
    Module::StepPlace,
    Module::StepTransfer,
    Module::StepTransferTraits,
    Module::ClonedFunctions,
    Module::AnonymousWeights,
    Module::AnonymousNoMarkers,
    Module::TwoForwards,
];

const TO_THE_PLAN: &str =
    "resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping";

/// The tools, which have to be those of 3.6.0.
fn tools() -> Result<Tools> {
    let tools = Tools::find()?;
    let version = tools.iree.join("compiler/version.py");
    let text = fs::read_to_string(&version)
        .with_context(|| format!("cannot read {}", version.display()))?;
    ensure!(
        text.contains("VERSION = \"3.6.0"),
        "{} is not IREE 3.6.0: `make test-oldest` runs this",
        tools.iree.display()
    );
    Ok(tools)
}

fn specplace(tools: &Tools, folder: &Path, module: &Path, options: &[&str]) -> Result<Finished> {
    let mut arguments: Vec<OsString> = options.iter().map(OsString::from).collect();
    arguments.push(module.into());
    process::run(&tools.specplace, &arguments, folder, COMPILE_LIMIT)
}

#[test]
#[ignore = "make test-oldest: needs IREE 3.6.0"]
fn modules_without_loops_are_planned() -> Result<()> {
    let tools = tools()?;
    let scratch = tempfile::tempdir()?;
    for module in WITHOUT_LOOPS {
        let file = module.file(&tools.root);
        let options = ["opt", "--pass", TO_THE_PLAN, "--alpha", "0.9"];
        let done = specplace(&tools, scratch.path(), &file, &options)?.success()?;
        ensure!(
            done.stdout.contains("specplace.plan"),
            "{} has no plan",
            module.name()
        );
        println!("{}: planned", module.name());
    }
    Ok(())
}

/// Modules that this release compiles for one device; it refuses the others
/// there, too: `step_*` ("operations with large vector sizes").
const COMPILED: &[Module] = &[
    Module::ClonedFunctions,
    Module::AnonymousWeights,
    Module::AnonymousNoMarkers,
];

/// The runs of each mapping, on each kind of CPU device.
const TIMES: usize = 50;

#[test]
#[ignore = "make test-oldest: needs IREE 3.6.0"]
fn modules_without_loops_are_placed_on_cpu_devices() -> Result<()> {
    let tools = tools()?;
    for module in COMPILED {
        for pins in [
            "drafter=cpu,target=cpu,control=cpu",
            "drafter=cpu2,target=cpu,control=cpu",
            "drafter=cpu,target=cpu2,control=cpu",
            "drafter=cpu2,target=cpu3,control=cpu",
        ] {
            let scratch = tempfile::tempdir()?;
            let folder = scratch.path();
            let platform = tools.platform.file.display().to_string();
            let options = [
                "-o",
                "out.mlir",
                "--alpha",
                "0.9",
                "--gamma",
                "auto",
                "--platform",
                &platform,
                "--pin",
                pins,
            ];
            let placed =
                specplace(&tools, folder, &module.file(&tools.root), &options)?.success()?;
            ensure!(
                placed.stderr.contains("values cross as tensors") == pins.contains("cpu2"),
                "what is said of crossings does not fit {pins}:\n{}",
                placed.stderr
            );
            let compile = |more: [&str; 3]| {
                let mut arguments = vec!["out.mlir".into(), "@out.flags".into()];
                arguments.extend(more.map(OsString::from));
                process::run(&tools.iree_compile, &arguments, folder, COMPILE_LIMIT)?.success()
            };
            let stream = compile(["--compile-to=stream", "-o", "-"])?.stdout;
            computed_where_planned(&stream, pins)
                .with_context(|| format!("{}, {pins}", module.name()))?;
            compile(["-o", "out.vmfb", "--iree-hal-link-executables=false"])?;
            let flags = fs::read_to_string(folder.join("out.run.flags"))?;
            for device in ["local-task", "local-sync"] {
                fs::write(
                    folder.join("run.flags"),
                    flags.replace("=local-task", &format!("={device}")),
                )?;
                for run in 1..=TIMES {
                    right(&tools, folder, *module).with_context(|| {
                        format!("{}, {pins}, {device}, run {run}", module.name())
                    })?;
                }
            }
            println!(
                "{}, {pins}: computed there, and {TIMES} of {TIMES} runs right on local-task, {TIMES} of {TIMES} on local-sync",
                module.name()
            );
        }
    }
    Ok(())
}

/// Every dispatch of a model's function is on that model's device, in IREE's
/// stream phase. (What control computes may be done on both sides; where tensors
/// are handed on, copies and shared buffers are IREE's own affair.)
fn computed_where_planned(stream: &str, pins: &str) -> Result<()> {
    let (mut function, mut device) = ("", "");
    let mut dispatches = [0, 0];
    for line in stream.lines().map(str::trim) {
        let name = |text: &'static str| {
            let rest = line.split_once(text)?.1;
            rest.split(['(', '>']).next()
        };
        if line.starts_with("util.func") {
            function = name(" @").unwrap_or_default();
        } else if line.contains("stream.cmd.execute") {
            device = name("on(#hal.device.affinity<@").unwrap_or_default();
        } else if line.contains("stream.cmd.dispatch") {
            for (at, role) in ["drafter", "target"].into_iter().enumerate() {
                if function.starts_with(role) {
                    ensure!(
                        pins.contains(&format!("{role}={device},")),
                        "@{function} computes on @{device}: {line}"
                    );
                    dispatches[at] += 1;
                }
            }
        }
    }
    ensure!(
        dispatches.iter().all(|count| *count > 20),
        "only {dispatches:?} dispatches of drafter and target"
    );
    Ok(())
}

/// Runs `out.vmfb` once.
fn right(tools: &Tools, folder: &Path, module: Module) -> Result<()> {
    let function = module.functions()[0];
    let call = module.call(function, &tools.root, None, folder)?;
    let mut arguments: Vec<OsString> = vec![
        "--flagfile=run.flags".into(),
        "--module=out.vmfb".into(),
        format!("--function={function}").into(),
        "--output=@tokens.npy".into(),
        "--output=@n.npy".into(),
    ];
    arguments.extend(
        call.inputs
            .iter()
            .map(|input| format!("--input=@{}", input.display()).into()),
    );
    process::run(&tools.iree_run_module, &arguments, folder, RUN_LIMIT)?.success()?;
    let read = |name: &str| arrays::read_integers(&folder.join(format!("{name}.npy")));
    let (length, tokens) = (read("n")?, read("tokens")?);
    ensure!(
        length == [13] && tokens.get(12) == Some(&70),
        "n is {length:?}, the tokens are {tokens:?}"
    );
    for name in ["n.npy", "tokens.npy"] {
        fs::remove_file(folder.join(name))?;
    }
    Ok(())
}

#[test]
#[ignore = "make test-oldest: needs IREE 3.6.0"]
fn the_rest_is_refused_by_name() -> Result<()> {
    let tools = tools()?;
    let scratch = tempfile::tempdir()?;
    let refused = |module: Module, options: &[&str], code: i32, part: &str| {
        let file = module.file(&tools.root);
        let refused = specplace(&tools, scratch.path(), &file, options)?;
        ensure!(
            refused.status.code() == Some(code) && refused.stderr.contains(part),
            "{} ended with {}, and does not say '{part}':\n{}",
            module.name(),
            refused.status,
            refused.stderr
        );
        println!("{} {}: refused", module.name(), options.join(" "));
        anyhow::Ok(())
    };
    refused(
        Module::StepPlace,
        &["compile", "-o", "out.vmfb", "--alpha", "0.9"],
        2,
        "not for IREE 3.6.0",
    )?;
    refused(
        Module::StepPlace,
        &["-o", "out.mlir", "--alpha", "0.9", "--verify"],
        2,
        "the proof of placement is not for IREE 3.6.0",
    )?;
    refused(
        Module::StepPlace,
        &[
            "-o",
            "out.mlir",
            "--alpha",
            "0.9",
            "--pin",
            "drafter=cpu,target=gpu",
        ],
        1,
        "takes modules for CPU devices only",
    )?;
    // Its Torch lowering has no answer to loops: no plan either, but a reason.
    for module in [Module::GeneratePlace, Module::GenerateSymbolic] {
        let options = ["-o", "out.mlir", "--alpha", "0.9", "--platform", "two-cpus"];
        refused(module, &options, 1, "Torch lowering")?;
    }
    ensure!(
        fs::read_dir(scratch.path())?.next().is_none(),
        "files were written"
    );
    Ok(())
}
