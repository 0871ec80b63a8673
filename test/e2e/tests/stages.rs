//! Models cut into stages, each on a device of its own: the modules of
//! `placement` with stage markers put between their layers give the same tokens.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use e2e::case::PLATFORM;
use e2e::greedy;
use e2e::module::Module;
use e2e::placed::{self, LOST_IN_A_ROW};
use e2e::platform::GPU;
use e2e::process;
use e2e::tools::{COMPILE_LIMIT, Tools};

/// Where a model is cut: before which of its layers, and what begins there.
struct Cut {
    model: Model,
    layer: usize,
    stage: &'static str,
}

/// A model of a module, known by how wide its hidden states are.
#[derive(Clone, Copy)]
struct Model {
    width: usize,
    layers: usize,
}

/// Of `generate_symbolic` and `step_place` alike.
const DRAFTER: Model = Model {
    width: 64,
    layers: 2,
};
const PAIR_TARGET: Model = Model {
    width: 192,
    layers: 4,
};
const STEP_TARGET: Model = Model {
    width: 128,
    layers: 4,
};

const fn cut(model: Model, layer: usize, stage: &'static str) -> Cut {
    Cut {
        model,
        layer,
        stage,
    }
}

#[test]
fn a_target_in_two_stages_on_two_cpu_devices() -> Result<()> {
    let cuts = [cut(PAIR_TARGET, 2, "target.1")];
    let pins = "drafter=cpu,target.0=cpu,target.1=cpu2,control=cpu";
    tokens_are_right(Module::GenerateSymbolic, 4, &cuts, pins)
}

#[test]
fn a_target_in_two_stages_on_cpu_and_vulkan() -> Result<()> {
    let cuts = [cut(PAIR_TARGET, 2, "target.1")];
    let pins = "drafter=gpu,target.0=cpu,target.1=gpu,control=cpu";
    tokens_are_right(Module::GenerateSymbolic, 4, &cuts, pins)
}

#[test]
fn without_drafts_the_stages_stay() -> Result<()> {
    let cuts = [cut(PAIR_TARGET, 1, "target.1")];
    let pins = "target.0=gpu,target.1=cpu,control=cpu";
    tokens_are_right(Module::GenerateSymbolic, 0, &cuts, pins)
}

/// There and back again: the last stage is on the first one's device.
#[test]
fn three_stages_and_a_drafter_in_two_on_three_devices() -> Result<()> {
    let cuts = [
        cut(DRAFTER, 1, "drafter.1"),
        cut(PAIR_TARGET, 1, "target.1"),
        cut(PAIR_TARGET, 3, "target.2"),
    ];
    let pins = "drafter.0=cpu2,drafter.1=gpu,target.0=cpu,target.1=gpu,target.2=cpu,control=cpu";
    tokens_are_right(Module::GenerateSymbolic, 8, &cuts, pins)
}

/// Four drafts are unrolled: each stage of the drafter is one function, called
/// four times.
#[test]
fn unrolled_drafts_in_stages() -> Result<()> {
    let cuts = [
        cut(DRAFTER, 1, "drafter.1"),
        cut(STEP_TARGET, 2, "target.1"),
    ];
    let pins = "drafter.0=cpu2,drafter.1=cpu3,target.0=cpu,target.1=gpu,control=cpu";
    tokens_are_right(Module::StepPlace, 4, &cuts, pins)
}

/// The loop that `specplace assemble` makes around forward passes keeps their
/// markers.
#[test]
fn forward_passes_in_stages_are_assembled() -> Result<()> {
    let tools = Tools::find()?;
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let mut text = fs::read_to_string(Module::TwoForwards.file(&tools.root))?;
    for cut in [
        cut(DRAFTER, 1, "drafter.1"),
        cut(PAIR_TARGET, 3, "target.1"),
    ] {
        text = marked(&text, &cut)?;
    }
    fs::write(folder.join("forwards.mlir"), text)?;
    let mut assemble = vec!["assemble", "--target", "forwards.mlir"];
    assemble.extend([
        "--drafter",
        "forwards.mlir",
        "--max-gamma=8",
        "-o",
        "in.mlir",
    ]);
    let assemble: Vec<OsString> = assemble.into_iter().map(OsString::from).collect();
    process::run(&tools.specplace, &assemble, folder, COMPILE_LIMIT)?.success()?;
    let pins = "drafter.0=cpu,drafter.1=gpu,target.0=gpu,target.1=cpu2,control=cpu";
    place_as_pinned(&tools, folder, 4, pins)?;
    run(&tools, folder, Module::Assembled, 4, pins)
}

/// Neither memory holds the target, and nothing is pinned: the search itself
/// puts its stages into both.
#[test]
fn a_target_that_fits_no_memory_is_split() -> Result<()> {
    let tools = Tools::find()?;
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let text = fs::read_to_string(tools.root.join(PLATFORM))?;
    let small = replaced(&text, "memory: 4 GiB", "memory: 5 MiB")?;
    let ram = small
        .lines()
        .find(|line| line.contains("name: ram"))
        .context("there is no memory `ram`")?;
    let small = small.replace(ram, "  - { name: ram, capacity: 5 MiB }");
    fs::write(folder.join("platform.yaml"), small)?;
    let text = fs::read_to_string(Module::GenerateSymbolic.file(&tools.root))?;

    fs::write(folder.join("in.mlir"), &text)?;
    let whole = place(&tools, folder, "platform.yaml", 4, None)?;
    ensure!(!whole.status.success() && whole.stderr.contains("holds 5.00 MiB"));

    let marked = marked(&text, &cut(PAIR_TARGET, 2, "target.1"))?;
    fs::write(folder.join("in.mlir"), marked)?;
    place(&tools, folder, "platform.yaml", 4, None)?.success()?;
    let placed = fs::read_to_string(folder.join("out.mlir"))?;
    let on_gpu = |stage: &str| {
        let role = format!("specplace.role = \"{stage}\"");
        let mut lines = placed.lines();
        lines.any(|line| line.contains(&role) && line.contains("affinity<@gpu>"))
    };
    ensure!(
        on_gpu("target.0") != on_gpu("target.1"),
        "both stages are in one memory:\n{}",
        whole.stderr
    );
    // Where they are the search has found; the plan is checked above.
    run(&tools, folder, Module::GenerateSymbolic, 4, "")
}

/// Places a module with these cuts where `pins` says, proves the placement, and
/// runs it.
fn tokens_are_right(module: Module, gamma: u32, cuts: &[Cut], pins: &str) -> Result<()> {
    let tools = Tools::find()?;
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let mut text = fs::read_to_string(module.file(&tools.root))?;
    for cut in cuts {
        text = marked(&text, cut)?;
    }
    fs::write(folder.join("in.mlir"), text)?;
    place_as_pinned(&tools, folder, gamma, pins)?;
    run(&tools, folder, module, gamma, pins)
}

/// Places, and looks whether every function is where it was pinned.
fn place_as_pinned(tools: &Tools, folder: &Path, gamma: u32, pins: &str) -> Result<()> {
    let platform = tools.root.join(PLATFORM);
    let platform = platform.to_str().context("the path is not UTF-8")?;
    place(tools, folder, platform, gamma, Some(pins))?.success()?;
    let placed = fs::read_to_string(folder.join("out.mlir"))?;
    let without = placed::check_pins(&placed, pins)?;
    ensure!(without.is_empty(), "no function of {}", without.join(", "));
    Ok(())
}

fn place(
    tools: &Tools,
    folder: &Path,
    platform: &str,
    gamma: u32,
    pins: Option<&str>,
) -> Result<process::Finished> {
    let gamma = gamma.to_string();
    let mut arguments = vec!["in.mlir", "-o", "out.mlir", "--alpha", "0.7"];
    arguments.extend(["--gamma", &gamma, "--platform", platform]);
    arguments.extend(pins.into_iter().flat_map(|pins| ["--pin", pins]));
    let arguments: Vec<OsString> = arguments.into_iter().map(OsString::from).collect();
    process::run(&tools.specplace, &arguments, folder, COMPILE_LIMIT)
}

/// Proves, compiles and runs what was placed: with the example's own prompt,
/// and with another where the module takes one.
fn run(tools: &Tools, folder: &Path, module: Module, gamma: u32, pins: &str) -> Result<()> {
    placed::prove(tools, folder, pins)?;
    placed::compile(tools, folder)?;
    let reference = greedy::reference(&tools.root)?;
    let prompts = greedy::prompts(&tools.root)?;
    let mut tried = vec![None];
    if module.generates() {
        tried.push(prompts.first());
    }
    for prompt in tried {
        for function in module.functions() {
            let call = module.call(function, &tools.root, prompt, folder)?;
            let arguments = placed::arguments_of(&call, "out.run.flags");
            placed::run(tools, &arguments, folder, &[GPU], LOST_IN_A_ROW, &mut 0)?.success()?;
            let outputs = placed::read_outputs(folder, &call)?;
            module.check(gamma, prompt, &reference, &outputs)?;
        }
    }
    Ok(())
}

/// The module with a placement operator on the hidden state before a layer, in
/// every pass of the model: `torch.ops.specplace.place(h, "target.1")`.
fn marked(text: &str, cut: &Cut) -> Result<String> {
    let hidden = format!("!torch.vtensor<[1,63,{}],f32>", cut.model.width);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // Each layer ends with the second of its two sums.
    let sums: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].contains("torch.aten.add.Tensor"))
        .filter(|at| lines[*at].trim_end().ends_with(&format!("-> {hidden}")))
        .collect();
    let of_pass = 2 * cut.model.layers;
    ensure!(
        !sums.is_empty() && sums.len().is_multiple_of(of_pass),
        "{} sums of the width {}",
        sums.len(),
        cut.model.width
    );
    // From the end, so that the lines before keep their numbers.
    for (pass, sums) in sums.chunks(of_pass).enumerate().rev() {
        let sum = sums[2 * cut.layer - 1];
        let value = lines[sum].split_whitespace().next();
        let value = value.context("a sum without a result")?.to_owned();
        let new = format!("%{}_{pass}", cut.stage.replace('.', "_"));
        for line in &mut lines[sum + 1..] {
            if line.starts_with("  func.func") {
                break;
            }
            *line = renamed(line, &value, &new);
        }
        let stage = cut.stage;
        let operator = format!(
            "    {new}_name = torch.constant.str \"{stage}\"\n    {new} = torch.operator \
             \"torch.specplace.place\"({value}, {new}_name) : ({hidden}, !torch.str) -> {hidden}"
        );
        lines.insert(sum + 1, operator);
    }
    Ok(lines.join("\n"))
}

/// The line with one value in place of another: `%76`, and not `%760`.
fn renamed(line: &str, old: &str, new: &str) -> String {
    let mut parts = line.split(old);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let longer = part.starts_with(|next: char| next.is_alphanumeric() || next == '_');
        text.push_str(if longer { old } else { new });
        text.push_str(part);
    }
    text
}

fn replaced(text: &str, old: &str, new: &str) -> Result<String> {
    ensure!(text.contains(old), "there is no `{old}`");
    Ok(text.replace(old, new))
}
