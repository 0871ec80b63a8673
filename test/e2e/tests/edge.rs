//! The edge target without the board: the modules compiled for a Cortex-A55,
//! placed on two CPU devices, and run by IREE's AArch64 runtime under qemu. What
//! comes out is right or wrong; how long it took means nothing.
//!
//! `make test-edge` fetches what this needs and runs it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::arrays;
use e2e::greedy;
use e2e::placed;
use e2e::process;
use e2e::tools::{COMPILE_LIMIT, Tools};

/// An emulated processor is a hundred times slower than a real one.
const RUN_LIMIT: Duration = Duration::from_secs(900);

const PINS: &str = "drafter=cpu2,target=cpu,control=cpu";

const QEMU: &str = "/usr/bin/qemu-aarch64-static";

/// Debian's AArch64 C and C++ libraries.
const SYSROOT: &str = "/usr/aarch64-linux-gnu";

fn runtime(tools: &Tools) -> Result<PathBuf> {
    let program = tools
        .root
        .join(".toolchain/edge/iree/_runtime_libs/iree-run-module");
    ensure!(
        program.is_file() && PathBuf::from(QEMU).is_file(),
        "there is no {} or no {QEMU}: toolchain/edge fetches them",
        program.display()
    );
    Ok(program)
}

#[test]
#[ignore = "make test-edge: needs qemu and the AArch64 runtime"]
fn tokens_of_two_cortex_a55_devices_are_greedy_tokens() -> Result<()> {
    let tools = Tools::find()?;
    let program = runtime(&tools)?;
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let pair = tools.root.join("examples/pair");
    let platform = tools.root.join("test/e2e/platforms/two-cortex-a55.yaml");
    let reference = greedy::reference(&tools.root)?;
    for gamma in ["0", "4"] {
        let mut arguments: Vec<OsString> = vec!["compile".into()];
        arguments.push(pair.join("generate_symbolic.mlir").into());
        arguments
            .extend(["-o", "out.vmfb", "--alpha", "0.9", "--verify=placement"].map(OsString::from));
        arguments.extend(["--gamma", gamma, "--platform"].map(OsString::from));
        arguments.push(platform.clone().into());
        arguments.extend(["--pin", PINS].map(OsString::from));
        let proof = process::run(&tools.specplace, &arguments, folder, COMPILE_LIMIT)?.success()?;
        placed::check_proof(&proof, &placed::in_use(PINS, gamma.parse().ok()))?;

        for device in ["local-sync", "local-task"] {
            let mut arguments: Vec<OsString> = ["-L", SYSROOT].map(OsString::from).into();
            arguments.push(program.clone().into());
            arguments.extend([
                format!("--device={device}").into(),
                format!("--device={device}").into(),
                OsString::from("--module=out.vmfb"),
                "--function=generate".into(),
                format!("--parameters=model={}", pair.join("pair.irpa").display()).into(),
            ]);
            arguments.extend(
                ["pair_tokens.npy", "pair_n.npy", "pair_limit.npy"]
                    .map(|name| format!("--input=@{}", pair.join(name).display()).into()),
            );
            let outputs = ["tokens", "n", "rounds", "histogram"];
            arguments.extend(outputs.map(|name| format!("--output=@{name}.npy").into()));
            process::run(&PathBuf::from(QEMU), &arguments, folder, RUN_LIMIT)?.success()?;
            let tokens = arrays::read_integers(&folder.join("tokens.npy"))?;
            let rounds = arrays::read_integers(&folder.join("rounds.npy"))?;
            let compared = tokens.get(..60).context("a row of 63")?;
            ensure!(
                compared == reference.greedy,
                "γ = {gamma} on {device}:\n{tokens:?}"
            );
            let expected = if gamma == "0" { 44 } else { 15 };
            ensure!(rounds == [expected], "γ = {gamma}: {rounds:?} rounds");
            println!("γ = {gamma}, two {device} devices on AArch64: tokens equal");
        }
    }
    Ok(())
}
