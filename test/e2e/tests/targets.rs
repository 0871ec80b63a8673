//! Devices that this machine does not have: what is placed on them compiles, and
//! is proven to be where it was planned. It cannot be run here.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use e2e::placed;
use e2e::process::{self, Finished};
use e2e::tools::{COMPILE_LIMIT, Tools};

const PINS: &str = "drafter=cpu,target=gpu,control=cpu";

/// One speculative step with the drafter on the CPU and the target on `gpu` of a
/// platform, compiled and proven.
fn compile(tools: &Tools, folder: &Path, platform: &str, more: &[&str]) -> Result<Finished> {
    let mut arguments: Vec<OsString> = vec!["compile".into()];
    arguments.push(tools.root.join("test/data/step_place.mlir").into());
    arguments.extend(
        [
            "-o",
            "out.vmfb",
            "--alpha",
            "0.9",
            "--gamma",
            "4",
            "--pin",
            PINS,
            "--verify=placement",
            "--platform",
            platform,
        ]
        .map(OsString::from),
    );
    arguments.extend(more.iter().map(OsString::from));
    process::run(&tools.specplace, &arguments, folder, COMPILE_LIMIT)
}

/// The placed step compiles for a platform, and the program holds code of each
/// of these formats.
fn holds(platform: &str, formats: &[&str]) -> Result<()> {
    let tools = Tools::find()?;
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    fs::write(folder.join("platform.yaml"), platform)?;
    let done = compile(&tools, folder, "platform.yaml", &[])?.success()?;
    ensure!(done.stderr.contains("placement proven"), "{}", done.stderr);
    placed::check_proof(&done, PINS)?;
    let program = fs::read(folder.join("out.vmfb"))?;
    for format in formats {
        ensure!(
            program
                .windows(format.len())
                .any(|window| window == format.as_bytes()),
            "there is no {format} in the program"
        );
    }
    Ok(())
}

fn platform(name: &str) -> Result<String> {
    let tools = Tools::find()?;
    let path = tools.root.join(format!("examples/platforms/{name}.yaml"));
    Ok(fs::read_to_string(path)?)
}

/// The platform `cuda` with another device in CUDA's place.
fn instead_of_cuda(device: &str, flags: &str) -> Result<String> {
    Ok(platform("cuda")?
        .replace("device: cuda", &format!("device: {device}"))
        .replace("[--iree-cuda-target=sm_80]", flags))
}

#[test]
fn cuda() -> Result<()> {
    holds(&platform("cuda")?, &["cuda-nvptx-fb", "sm_80"])
}

#[test]
fn hip() -> Result<()> {
    let platform = instead_of_cuda("hip", "[--iree-rocm-target=gfx942]")?;
    holds(&platform, &["rocm-hsaco-fb", "gfx942"])
}

#[test]
fn metal() -> Result<()> {
    // Apple's own compiler is on Apple's machines: source goes into the program.
    let platform = instead_of_cuda("metal", "[--iree-metal-compile-to-metallib=false]")?;
    holds(&platform, &["metal-msl-fb"])
}

/// The paper's board: Cortex-A55 and Mali-G310.
#[test]
fn mali() -> Result<()> {
    holds(
        &platform("imx95")?,
        &["embedded-elf-arm_64", "cortex-a55", "vulkan-spirv-fb"],
    )
}

#[test]
fn a_device_that_this_iree_has_no_compiler_for() -> Result<()> {
    let tools = Tools::find()?;
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    fs::write(
        folder.join("platform.yaml"),
        instead_of_cuda("neutron", "[]")?,
    )?;
    // A device that nobody knows may be a library that is loaded.
    let trusting = ["--trust-platform"];
    let done = compile(&tools, folder, "platform.yaml", &trusting)?;
    ensure!(done.status.code() == Some(1), "{}", done.status);
    for part in [
        "unregistered device alias",
        "neutron",
        "available = [",
        "'cuda'",
    ] {
        ensure!(done.stderr.contains(part), "{}", done.stderr);
    }
    ensure!(!folder.join("out.vmfb").exists(), "OUT was written");
    Ok(())
}
