//! Random modules, placed on CPU devices, compute what they computed before.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use e2e::case::PLATFORM;
use e2e::placed;
use e2e::platform;
use e2e::process::{self, Finished};
use e2e::tools::{COMPILE_LIMIT, RUN_LIMIT, Tools};
use e2e::trials;

mod meaning;
mod module;

use meaning::Elements;
use module::{INPUTS, Random};

/// Where the models and control are.
const MAPPINGS: [&str; 4] = [
    "drafter=cpu2,target=cpu,control=cpu",
    "drafter=cpu,target=cpu2,control=cpu",
    "drafter=cpu2,target=cpu3,control=cpu",
    "drafter=cpu,target=cpu,control=cpu",
];

/// How values may cross; nothing leaves the choice to specplace.
const METHODS: [Option<&str>; 4] = [
    None,
    Some("[host-copy]"),
    Some("[mapped-copy]"),
    Some("[host-scalars, mapped-copy]"),
];

fn main() -> ExitCode {
    trials::run(|_| {
        let tools = Arc::new(Tools::find()?);
        let trial = |seed| {
            trials::trial(format!("seed-{seed}"), &tools, move |tools| {
                check(tools, seed)
            })
        };
        Ok(seeds()?.map(trial).collect())
    })
}

/// `SPECPLACE_E2E_SEEDS=100..200`, or a few, or many of them.
fn seeds() -> Result<Range<u64>> {
    let variable = "SPECPLACE_E2E_SEEDS";
    let Ok(given) = env::var(variable) else {
        return Ok(0..if trials::is_long() { 240 } else { 24 });
    };
    let range = given
        .split_once("..")
        .and_then(|(first, end)| Some(first.parse().ok()?..end.parse().ok()?));
    range.with_context(|| format!("{variable}={given} is no range, such as 100..200"))
}

fn check(tools: &Tools, seed: u64) -> Result<()> {
    let random = Random::new(seed);
    let at = usize::try_from(seed)?;
    let pins = MAPPINGS[at % MAPPINGS.len()];
    let methods = METHODS[at / MAPPINGS.len() % METHODS.len()];
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    fs::write(folder.join("in.mlir"), &random.text)?;
    let platform = fs::read_to_string(tools.root.join(PLATFORM))?;
    // Reading back is cheap, so that scalars are what is chosen where they may.
    let overhead = "    dispatch_overhead:";
    let platform = platform.replace(overhead, &format!("    read_back: 1 us\n{overhead}"));
    fs::write(
        folder.join("platform.yaml"),
        platform::with_methods(&platform, methods),
    )?;
    let run = |program, words: &str| -> Result<Finished> {
        process::run(program, &process::words(words), folder, COMPILE_LIMIT)
    };
    let shown = || format!("{pins}, methods {methods:?}:\n{}", random.text);

    let place = |gamma: &str| {
        let words = format!(
            "in.mlir -o out.mlir --alpha 0.9 --gamma {gamma} --platform platform.yaml --pin {pins}"
        );
        run(&tools.specplace, &words)
    };
    let mut done = place("1")?;
    // Drafts that nothing ties together are unrolled ones: all of them or none.
    if let Some((_, rest)) = done.stderr.split_once("it drafts ") {
        let gamma = rest.split(' ').next().context("a number")?.to_owned();
        done = place(&gamma)?;
    }
    done.success().with_context(shown)?;
    placed::prove(tools, folder, pins).with_context(shown)?;
    placed::compile(tools, folder).with_context(shown)?;

    let mut arguments: Vec<OsString> = [
        "--flagfile=out.run.flags",
        "--module=out.vmfb",
        "--function=f",
    ]
    .map(OsString::from)
    .into();
    arguments.extend(INPUTS.iter().map(|(_, shape, elements)| {
        let elements = elements.map(|each| each.to_string()).join(" ");
        format!("--input={}={elements}", shape.elements()).into()
    }));
    let printed = process::run(&tools.iree_run_module, &arguments, folder, RUN_LIMIT)
        .and_then(Finished::success)
        .with_context(shown)?
        .stdout;
    let results = results(&printed)?;
    ensure!(
        results == random.results,
        "{results:?}, but it computes {:?}; {}",
        random.results,
        shown()
    );
    Ok(())
}

/// The tensors that iree-run-module prints, such as `2x2xi64=[1 2][3 4]`.
fn results(printed: &str) -> Result<Vec<Elements>> {
    let tensors = printed.lines().filter_map(|line| line.split_once("xi64="));
    tensors
        .map(|(_, elements)| {
            let numbers = elements
                .split(['[', ']', ' '])
                .filter(|each| !each.is_empty());
            let numbers: Result<Vec<i64>, _> = numbers.map(str::parse).collect();
            let numbers = numbers.with_context(|| format!("'{elements}' is no tensor"))?;
            numbers.try_into().ok().context("not four elements")
        })
        .collect()
}
