//! Models as real exporters wrote them (`test/data/zoo`) for the paper's board
//! (`--platform imx95`: a Cortex-A55 and a Mali-G310), without it: what specplace
//! places, iree-compile makes code of, and what it cannot is refused by name.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::{Arguments, Trial};

use e2e::placed;
use e2e::tools::Tools;
use e2e::trials;
use e2e::zoo::{prepare, specplace};

/// Each model, and the type for which specplace may refuse it: the board's units
/// lack it.
const MODELS: &[(&str, Option<&str>)] = &[
    ("llama", None),
    ("llama_tied", None),
    ("llama_sdpa", None),
    ("llama_t5", None),
    ("llama_f16", None),
    ("llama_bf16n", Some("bf16")),
    ("gpt2", Some("i8")),
    ("qwen3", None),
    ("gemma3", None),
    ("mamba", None),
    ("mixtral_t5", None),
    ("deepseekv3_t5", None),
    ("falconh1_t5", None),
    ("quant", Some("i8")),
    ("loop_marked", None),
];

/// Where the models are pinned to; nothing leaves that to specplace.
const PINS: &[&str] = &["drafter=gpu,target=cpu", "drafter=cpu,target=gpu", ""];

/// What the short series tries: masks made of positions, router indices, and a
/// refusal.
const SHORT: &[(&str, &str)] = &[
    ("llama_t5", "drafter=gpu,target=cpu"),
    ("mixtral_t5", "drafter=cpu,target=gpu"),
    ("llama_bf16n", "drafter=gpu,target=cpu"),
];

fn main() -> ExitCode {
    trials::run(list)
}

fn list(_: &Arguments) -> Result<Vec<Trial>> {
    let tools = Arc::new(Tools::find()?);
    let mut trials = Vec::new();
    for (model, lacking) in MODELS {
        for pins in PINS {
            if !trials::is_long() && !SHORT.contains(&(model, pins)) {
                continue;
            }
            let name = format!(
                "{model} {}",
                if pins.is_empty() { "unpinned" } else { pins }
            );
            trials.push(trials::trial(name, &tools, |tools| {
                compiles(tools, model, *lacking, pins)
            }));
        }
    }
    Ok(trials)
}

fn compiles(tools: &Tools, model: &str, lacking: Option<&str>, pins: &str) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let file = prepare(tools, model, folder)?;
    let mut place = vec![file, "-o", "out.mlir", "--platform", "imx95"];
    place.extend(["--alpha", "0.7", "--gamma", "3"]);
    if !pins.is_empty() {
        place.extend(["--pin", pins]);
    }
    let placed = specplace(tools, folder, &place)?;
    if let (Some(dtype), Some(1)) = (lacking, placed.status.code()) {
        let named = format!("computes in {dtype}, which ");
        ensure!(
            placed.stderr.contains(&named),
            "refused, but not for {dtype}:\n{}",
            placed.stderr
        );
        return Ok(());
    }
    placed.success()?;
    placed::compile(tools, folder)?;
    Ok(())
}
