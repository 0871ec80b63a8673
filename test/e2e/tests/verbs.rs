//! `specplace compile` and `specplace run` on the example pair: the same
//! program as by hand, and the same tokens as greedy decoding.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use e2e::greedy;
use e2e::placed;
use e2e::process::{self, Finished};
use e2e::tools::{COMPILE_LIMIT, RUN_LIMIT, Tools};
use serde_json::Value;

const PINS: [&str; 8] = [
    "--alpha",
    "0.9",
    "--gamma",
    "4",
    "--platform",
    "two-cpus",
    "--pin",
    "drafter=cpu2,target=cpu,control=cpu",
];

fn specplace(tools: &Tools, folder: &Path, arguments: &[&str]) -> Result<Finished> {
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    process::run(&tools.specplace, &arguments, folder, COMPILE_LIMIT)?.success()
}

#[test]
fn compile_does_what_specplace_and_iree_compile_do() -> Result<()> {
    let tools = Tools::find()?;
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let module = tools.root.join("test/data/step_place.mlir");
    let module = module.to_str().context("a path of UTF-8")?;

    let mut compile = vec!["compile", module, "-o", "one.vmfb", "--verify"];
    compile.extend(PINS);
    placed::check_proof(&specplace(&tools, folder, &compile)?, PINS[7])?;
    let mut place = vec![module, "-o", "two.mlirbc", "--emit-bytecode", "-q"];
    place.extend(PINS);
    specplace(&tools, folder, &place)?;
    let arguments = ["two.mlirbc", "@two.flags", "-o", "two.vmfb"].map(OsString::from);
    process::run(&tools.iree_compile, &arguments, folder, COMPILE_LIMIT)?.success()?;
    ensure!(
        fs::read(folder.join("one.vmfb"))? == fs::read(folder.join("two.vmfb"))?,
        "the two programs differ"
    );
    ensure!(
        fs::read_to_string(folder.join("one.run.flags"))?
            == fs::read_to_string(folder.join("two.run.flags"))?,
        "the flags differ"
    );
    ensure!(
        !folder.join("one.placed.mlir").exists(),
        "a report was left behind"
    );
    Ok(())
}

#[test]
fn run_gives_what_greedy_decoding_gives() -> Result<()> {
    let tools = Tools::find()?;
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let module = tools.root.join("examples/pair/generate_symbolic.mlir");
    let module = module.to_str().context("a path of UTF-8")?;
    let mut compile = vec!["compile", module, "-o", "one.vmfb", "--verify=placement"];
    compile.extend(PINS);
    // A program on one device would give the same tokens.
    placed::check_proof(&specplace(&tools, folder, &compile)?, PINS[7])?;
    tokens_and_counts(&tools, folder)?;
    text(&tools, folder)
}

/// The example's own prompt, whose counts PyTorch has told.
fn tokens_and_counts(tools: &Tools, folder: &Path) -> Result<()> {
    let pair = tools.root.join("examples/pair");
    let (weights, prompt) = (
        format!("model={}", pair.join("pair.irpa").display()),
        format!("@{}", pair.join("pair_tokens.npy").display()),
    );
    let arguments = [
        "run",
        "one.vmfb",
        "--parameters",
        &weights,
        "--tokens",
        &prompt,
        "--limit",
        "60",
        "--repeat",
        "2",
        "--json",
    ];
    let done = specplace(tools, folder, &arguments)?;
    let said: Value = serde_json::from_str(&done.stdout)?;
    let tokens: Vec<i64> = serde_json::from_value(said["tokens"].clone())?;
    let expected = greedy::reference(&tools.root)?.greedy;
    ensure!(tokens == expected, "{tokens:?}\n{expected:?}");
    ensure!(
        said["rounds"] == 15 && said["generated"] == 44 && said["gamma"] == 4,
        "{said}"
    );
    let alpha = said["acceptance"]["alpha"].as_f64().context("no rate")?;
    ensure!((alpha - 29.0 / 41.0).abs() < 1e-9, "α̂ = {alpha}");
    ensure!(
        said["runs"].as_array().map(Vec::len) == Some(2)
            && said["seconds_per_token"].as_f64() > Some(0.0),
        "{said}"
    );
    let of = |role: &str| said["dispatch_seconds"][role].as_f64().unwrap_or(0.0);
    ensure!(of("target") > 0.0 && of("drafter") > 0.0, "{said}");
    Ok(())
}

/// What comes back as text begins with what went in.
fn text(tools: &Tools, folder: &Path) -> Result<()> {
    let pair = tools.root.join("examples/pair");
    let weights = format!("model={}", pair.join("pair.irpa").display());
    let tokenizer = pair.join("tokenizer.json");
    let arguments: Vec<OsString> = [
        "run",
        "one.vmfb",
        "--prompt",
        "import os\n\ndef main(",
        "--repeat",
        "0",
        "--parameters",
        &weights,
        "--tokenizer",
    ]
    .map(OsString::from)
    .into_iter()
    .chain([tokenizer.into_os_string()])
    .collect();
    let done = process::run(&tools.specplace, &arguments, folder, RUN_LIMIT)?.success()?;
    ensure!(
        done.stdout.starts_with("import os\n\ndef main("),
        "{}",
        done.stdout
    );
    ensure!(done.stdout.contains("per round"), "{}", done.stdout);
    Ok(())
}

/// What goes wrong when a program is run is explained.
#[test]
fn run_explains_what_is_missing() -> Result<()> {
    let tools = Tools::find()?;
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let data = tools.root.join("test/data");
    let module = data.join("step_place.mlir");
    let module = module.to_str().context("a path of UTF-8")?;
    let mut compile = vec!["compile", module, "-o", "step.vmfb", "-q"];
    compile.extend(PINS);
    specplace(&tools, folder, &compile)?;
    let weights = format!("--parameters=model={}", data.join("step.irpa").display());

    let one_device = ["--", "--device=local-sync"];
    let other_driver = ["--", "--device=cuda", "--device=local-sync"];
    let cases: [(&[&str], &str, i32); 5] = [
        (&[], "--parameters SCOPE=FILE.irpa", 1),
        (&["--function=none", &weights], "it has spec_step", 2),
        (&["--limit=30", &weights], "takes no limit", 2),
        (&[&weights, one_device[0], one_device[1]], "in its order", 1),
        (
            &[&weights, other_driver[0], other_driver[1], other_driver[2]],
            "`specplace doctor` lists what is",
            1,
        ),
    ];
    for (more, part, code) in cases {
        let mut arguments: Vec<&str> = vec!["run", "step.vmfb", "--tokens=1,2,3"];
        if more.contains(&"--") {
            // Devices of one's own, in place of those of the file.
            fs::rename(folder.join("step.vmfb"), folder.join("other.vmfb"))?;
            arguments[1] = "other.vmfb";
        }
        arguments.extend(more);
        let words: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let done = process::run(&tools.specplace, &words, folder, RUN_LIMIT)?;
        ensure!(
            done.status.code() == Some(code) && done.stderr.contains(part),
            "{arguments:?} ended with {} and said\n{}",
            done.status,
            done.stderr
        );
        if more.contains(&"--") {
            fs::rename(folder.join("other.vmfb"), folder.join("step.vmfb"))?;
        }
    }
    Ok(())
}
