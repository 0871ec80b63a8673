//! Models as real exporters wrote them (`test/data/zoo`): assembled or taken as
//! they are, placed on two CPU devices and on CPU and GPU, compiled, and run.
//! Both models compute there what they do in the reference, and the tokens are
//! those that PyTorch decodes greedily, or where bf16 and i8 round too coarsely for that,
//! those that plain iree-compile does.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use libtest_mimic::{Arguments, Trial};

use e2e::arrays::read_integers;
use e2e::case::PLATFORM;
use e2e::greedy::{Element, Forwards};
use e2e::placed::{self, LOST_IN_A_ROW};
use e2e::platform::GPU;
use e2e::tools::Tools;
use e2e::trials;
use e2e::zoo::{prepare, specplace};

/// Drafter and target on two CPU devices.
const CPUS: &str = "drafter=cpu2,target=cpu";
/// The drafter on the GPU.
const DRAFTER: &str = "drafter=gpu,target=cpu";
/// The target on the GPU.
const TARGET: &str = "drafter=cpu,target=gpu";

/// Each model with the pins that it is tried with.
const MODELS: &[(&str, &[&str])] = &[
    ("llama", &[CPUS, DRAFTER, TARGET]),
    ("llama_tied", &[CPUS, DRAFTER, TARGET]),
    ("llama_sdpa", &[CPUS, DRAFTER, TARGET]),
    ("llama_t5", &[CPUS, DRAFTER, TARGET]),
    ("llama_f16", &[CPUS]),
    // Its mask is kept as bytes, which plain IREE reads wrongly on Vulkan.
    ("gpt2", &[CPUS, DRAFTER, TARGET]),
    ("qwen3", &[CPUS, DRAFTER, TARGET]),
    ("gemma3", &[CPUS, DRAFTER, TARGET]),
    ("mamba", &[CPUS, DRAFTER, TARGET]),
    ("mixtral_t5", &[CPUS, DRAFTER, TARGET]),
    ("deepseekv3_t5", &[CPUS, DRAFTER, TARGET]),
    // Its depthwise convolutions, of 80 channels, are wrong on Vulkan in plain IREE;
    // `order-loops` cures them. Mamba's, of 128, happen to be right.
    ("falconh1_t5", &[CPUS, DRAFTER, TARGET]),
    ("loop_marked", &[CPUS, DRAFTER, TARGET]),
    // IREE's SPIR-V has no bf16, and its default Vulkan target no i8.
    ("llama_bf16n", &[CPUS]),
    ("quant", &[CPUS, DRAFTER]),
];

/// Those that round so coarsely that IREE's greedy decoding parts from PyTorch's where
/// two logits are tied: what is right is IREE's own, with the target's logits of this type.
const ROUNDED: &[(&str, Element)] = &[("llama_bf16n", Element::Bf16), ("quant", Element::F32)];

/// What the short series tries: one of each kind that once went wrong.
const SHORT: &[(&str, &str)] = &[
    ("mixtral_t5", CPUS),
    ("llama_t5", DRAFTER),
    ("falconh1_t5", DRAFTER),
];

/// How often the long series runs what it compiled.
const RUNS: usize = 20;

fn main() -> ExitCode {
    trials::run(list)
}

fn list(_: &Arguments) -> Result<Vec<Trial>> {
    let tools = Arc::new(Tools::find()?);
    let mut trials = Vec::new();
    for (model, tried) in MODELS {
        for pins in *tried {
            if !trials::is_long() && !SHORT.contains(&(model, pins)) {
                continue;
            }
            let name = format!("{model} {pins}");
            trials.push(trials::trial(name, &tools, |tools| {
                decodes_exactly(tools, model, pins)
            }));
        }
    }
    Ok(trials)
}

fn decodes_exactly(tools: &Tools, model: &str, pins: &str) -> Result<()> {
    let zoo = tools.root.join("test/data/zoo").join(model);
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let file = |name: &str| zoo.join(name).display().to_string();
    let mut parameters = vec![format!("--parameters=model={}", file("target.irpa"))];
    let input = prepare(tools, model, folder)?;
    let is_assembled = zoo.join("drafter.irpa").is_file();
    if is_assembled {
        parameters.push(format!("--parameters=drafter={}", file("drafter.irpa")));
    }
    let mut place = vec![input, "-o", "out.mlir", "--alpha", "0.7", "--pin", pins];
    place.extend(["--gamma", "3"]);
    let platform = tools.root.join(PLATFORM).display().to_string();
    place.extend(["--platform", &platform]);
    specplace(tools, folder, &place)?.success()?;
    let inputs: Vec<String> = ["tokens.npy", "n.npy", "limit.npy"]
        .iter()
        .map(|input| format!("--input=@{}", file(input)))
        .collect();
    // Verification hides a wrong drafter, so that tokens alone prove nothing of it.
    let mut verify = vec!["verify", "out.mlir", "--runs", "1", "--function=generate"];
    verify.extend(inputs.iter().chain(&parameters).map(String::as_str));
    let by_pytorch = file("ref.npy");
    let rounded = ROUNDED.iter().find(|(name, _)| *name == model);
    if rounded.is_none() {
        verify.extend(["--expected", &by_pytorch]);
    }
    let proof = specplace(tools, folder, &verify)?.success()?;
    placed::check_proof(&proof, pins)?;
    ensure!(
        proof.stderr.contains("values proven"),
        "values were not proven:\n{}",
        proof.stderr
    );
    placed::compile(tools, folder)?;

    let limit = read_integers(&zoo.join("limit.npy"))?;
    let limit = limit.first().context("limit.npy is empty")?;
    let limit = usize::try_from(*limit)?;
    let right = match rounded {
        Some((_, element)) => decoded_by_iree(tools, &zoo, *element, limit)?,
        None => read_integers(&zoo.join("ref.npy"))?,
    };
    let mut arguments = vec![
        "--flagfile=out.run.flags".to_owned(),
        "--module=out.vmfb".to_owned(),
        "--function=generate".to_owned(),
        "--output=@row.npy".to_owned(),
    ];
    arguments.extend(parameters);
    arguments.extend(inputs);
    // The row comes first; what else there is, IREE wants named as well.
    let more = if is_assembled { 3 } else { 2 };
    arguments.extend((0..more).map(|at| format!("--output=@more{at}.npy")));
    let arguments: Vec<OsString> = arguments.into_iter().map(OsString::from).collect();
    let runs = if trials::is_long() { RUNS } else { 1 };
    for run in 1..=runs {
        placed::run(tools, &arguments, folder, &[GPU], LOST_IN_A_ROW, &mut 0)?.success()?;
        let row = read_integers(&folder.join("row.npy"))?;
        // What a later run does not write must not pass for its own.
        fs::remove_file(folder.join("row.npy"))?;
        ensure!(
            limit > 0 && row.get(..limit) == right.get(..limit),
            "run {run} of {runs}: {row:?} in place of the first {limit} of {right:?}"
        );
    }
    Ok(())
}

/// Plain greedy decoding of the target by what iree-compile makes of its exported file.
fn decoded_by_iree(tools: &Tools, zoo: &Path, element: Element, limit: usize) -> Result<Vec<i64>> {
    let scratch = tempfile::tempdir()?;
    let target = scratch.path().join("target.mlir");
    let compressed = File::open(zoo.join("target.mlir.gz"))?;
    io::copy(&mut GzDecoder::new(compressed), &mut File::create(&target)?)?;
    let forwards = Forwards::of(tools, &target, zoo.join("target.irpa"), element)?;
    let row = read_integers(&zoo.join("tokens.npy"))?;
    let length = read_integers(&zoo.join("n.npy"))?;
    let length = usize::try_from(*length.first().context("n.npy is empty")?)?;
    forwards.decode("main", &row, length, limit)
}
