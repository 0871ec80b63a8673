//! `specplace verify`: values are proven for every form, and faults that leave the
//! placement as it was planned are found.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use e2e::module::Module;
use e2e::process::{self, Finished};
use e2e::tools::{COMPILE_LIMIT, Tools};
use e2e::trials::is_long;

const TWO_CPUS: &str = "--platform two-cpus --pin drafter=cpu2,target=cpu";
const CPU_AND_GPU: &str = "--platform reference --pin drafter=gpu,target=cpu --gamma 4";

/// A module that was placed in a folder of its own.
struct Placed {
    tools: Tools,
    folder: tempfile::TempDir,
}

impl Placed {
    fn new(module: &str, decision: &str) -> Result<Self> {
        Self::prepared(decision, |tools, _| Ok(tools.root.join(module)))
    }

    /// Of a module that `prepare` makes in the folder, or finds elsewhere.
    fn prepared(
        decision: &str,
        prepare: impl FnOnce(&Tools, &Path) -> Result<PathBuf>,
    ) -> Result<Self> {
        let placed = Self {
            tools: Tools::find()?,
            folder: tempfile::tempdir()?,
        };
        let input = prepare(&placed.tools, placed.folder.path())?;
        let words = format!("{} -o out.mlir --alpha 0.7 -q {decision}", input.display());
        placed.specplace(&words)?.success()?;
        Ok(placed)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn specplace(&self, words: &str) -> Result<Finished> {
        let words = process::words(words);
        process::run(
            &self.tools.specplace,
            &words,
            self.folder.path(),
            COMPILE_LIMIT,
        )
    }

    fn verify(&self, words: &str) -> Result<Finished> {
        self.specplace(&format!("verify out.mlir --artifacts kept {words}"))
    }

    /// Both proofs, with rows for these subgraphs.
    fn proven(&self, words: &str, subgraphs: &[&str]) -> Result<()> {
        let finished = self.verify(words)?.success()?;
        let said = &finished.stderr;
        for part in ["placement proven", "values proven", "5 of 5 runs"] {
            ensure!(said.contains(part), "it does not say '{part}':\n{said}");
        }
        for name in subgraphs {
            let row = said
                .lines()
                .find(|line| line.trim_start().starts_with(&format!("@{name} ")))
                .with_context(|| format!("no row for {name}:\n{said}"))?;
            let calls: Vec<&str> = row.split_whitespace().collect();
            ensure!(
                calls.get(3).is_some_and(|calls| *calls != "0"),
                "{name} was not called:\n{said}"
            );
        }
        Ok(())
    }

    /// Changes OUT, and has that found by the values and not by the placement.
    fn found(&self, what: &str, change: impl FnOnce(&str) -> Option<String>) -> Result<String> {
        let out = self.path("out.mlir");
        let right = fs::read_to_string(&out)?;
        let wrong = change(&right).with_context(|| format!("{what}: OUT has another form"))?;
        ensure!(wrong != right, "{what}: nothing was changed");
        fs::write(&out, wrong)?;
        let quick = self.specplace("verify-placement out.mlir")?;
        ensure!(
            quick.success()?.stderr.contains("placement proven"),
            "{what}: the placement changed, too"
        );
        let finished = self.verify("--runs 1")?;
        ensure!(
            finished.status.code() == Some(1),
            "{what} was not found:\n{}",
            finished.stderr
        );
        let said = finished.stderr;
        ensure!(
            said.contains("does not compute what IN does"),
            "{what}: it failed for another reason:\n{said}"
        );
        ensure!(
            self.path("out.worst").is_dir(),
            "{what}: the case was not kept"
        );
        fs::remove_dir_all(self.path("out.worst"))?;
        fs::write(&out, right)?;
        Ok(said)
    }
}

fn file(root: &Path, name: &str) -> String {
    root.join(name).display().to_string()
}

#[test]
fn a_loop_on_cpu_and_vulkan_decodes_what_pytorch_does() -> Result<()> {
    let placed = Placed::new("examples/pair/generate_symbolic.mlir", CPU_AND_GPU)?;
    let root = &placed.tools.root;
    let words = format!(
        "--parameters model={} --input @{} --input @{} --input @{} --expected {}",
        file(root, "examples/pair/pair.irpa"),
        file(root, "examples/pair/pair_tokens.npy"),
        file(root, "examples/pair/pair_n.npy"),
        file(root, "examples/pair/pair_limit.npy"),
        file(root, "examples/pair/pair_greedy.npy"),
    );
    placed.proven(&words, &["drafter_0", "target_0"])?;
    // Tokens of somebody else are compared, and not only looked for.
    let other = words.replace("pair_greedy.npy", "pair_tokens.npy");
    let refused = placed.verify(&other)?;
    ensure!(
        refused.status.code() == Some(1) && refused.stderr.contains("in what was expected"),
        "other tokens were taken:\n{}",
        refused.stderr
    );
    Ok(())
}

#[test]
fn separate_forward_passes() -> Result<()> {
    let placed = Placed::new("examples/pair/two_forwards.mlir", TWO_CPUS)?;
    let weights = file(&placed.tools.root, "examples/pair/pair.irpa");
    placed.proven(
        &format!("--parameters model={weights}"),
        &["drafter_0", "target_0"],
    )
}

#[test]
fn a_step_of_iree_turbine_without_its_weights() -> Result<()> {
    let placed = Placed::new("test/data/step_transfer_traits.mlir", TWO_CPUS)?;
    placed.proven("", &["drafter_0", "target_0"])
}

/// The forms that no other test proves values of, with weights that are random. The
/// short series has the one whose mask is a weight, and the one without any names.
#[test]
fn every_other_form_of_module() -> Result<()> {
    let forms = [
        (Module::GeneratePlace, 4),
        (Module::AnonymousNoMarkers, 3),
        (Module::StepTransfer, 4),
        (Module::AnonymousWeights, 3),
        (Module::GenerateCarried, 4),
        (Module::Assembled, 4),
    ];
    let tried = if is_long() { forms.len() } else { 2 };
    for (module, gamma) in &forms[..tried] {
        let decision = format!("{TWO_CPUS} --gamma {gamma}");
        let placed = Placed::prepared(&decision, |tools, folder| module.prepare(tools, folder))?;
        placed
            .proven("", &["drafter_0", "target_0"])
            .with_context(|| module.name())?;
    }
    Ok(())
}

#[test]
fn what_was_placed_has_to_be_there() -> Result<()> {
    let placed = Placed::new("test/data/cloned_functions.mlir", TWO_CPUS)?;
    let missing = placed.verify("--reference none.mlir")?;
    ensure!(missing.status.code() == Some(2), "{}", missing.stderr);
    ensure!(
        missing.stderr.contains("--reference IN"),
        "{}",
        missing.stderr
    );
    let other = file(&placed.tools.root, "examples/pair/two_forwards.mlir");
    let another = placed.verify(&format!("--reference {other}"))?;
    ensure!(another.status.code() == Some(1), "{}", another.stderr);
    ensure!(
        another
            .stderr
            .contains("OUT's subgraphs are not those of IN"),
        "{}",
        another.stderr
    );
    Ok(())
}

/// Exchanges two words wherever they stand.
fn exchanged(text: &str, one: &str, other: &str) -> String {
    const BETWEEN: &str = "\u{1}";
    text.replace(one, BETWEEN)
        .replace(other, one)
        .replace(BETWEEN, other)
}

/// Changes the text of one function.
fn within(
    text: &str,
    function: &str,
    change: impl FnOnce(&str) -> Option<String>,
) -> Option<String> {
    let begin = text.find(&format!("func.func private @{function}("))?;
    let length = text[begin..].find("\n  }\n")?;
    let (before, rest) = text.split_at(begin);
    let (body, after) = rest.split_at(length);
    Some(format!("{before}{}{after}", change(body)?))
}

#[test]
fn planted_faults_are_found() -> Result<()> {
    let placed = Placed::new("test/data/cloned_functions.mlir", TWO_CPUS)?;
    placed.proven("", &["drafter_0", "target_0"])?;

    placed.found("two rows of a weight exchanged", |text| {
        let key = "_params.target.layers.0.self_attn.q_proj.weight: \"0x04000000";
        let begin = text.find(key)? + key.len();
        // 32 floats, two digits a byte.
        let row = 32 * 4 * 2;
        let (one, other) = (
            &text[begin..begin + row],
            &text[begin + row..begin + 2 * row],
        );
        Some(format!(
            "{}{other}{one}{}",
            &text[..begin],
            &text[begin + 2 * row..]
        ))
    })?;
    placed.found("a token's index off by one", |text| {
        within(text, "drafter_0", |body| {
            let look_up = "tensor.extract %_params.drafter.embed_tokens.weight[";
            let at = body.find(look_up)? + look_up.len();
            let index = body[at..].split(',').next()?;
            let line = body[..at].rfind('\n')? + 1;
            let planted = format!(
                "%planted = arith.constant 1 : index\n%other = arith.xori {index}, %planted : index\n"
            );
            Some(format!(
                "{}{planted}{}%other{}",
                &body[..line],
                &body[line..at],
                &body[at + index.len()..]
            ))
        })
    })?;
    placed.found("a residual dropped", |text| {
        within(text, "drafter_0", |body| {
            // The last sum of two tensors of activations.
            let at = body.rfind(" = arith.addf %in, %in_")?;
            let yields = body[at..].find("linalg.yield %")? + at;
            let end = body[yields..].find(" : f32")? + yields;
            Some(format!(
                "{}linalg.yield %in{}",
                &body[..yields],
                &body[end..]
            ))
        })
    })?;
    placed.found("two arguments exchanged", |text| {
        within(text, "target_0", |body| {
            Some(exchanged(
                body,
                "util.global.load @_params.target.layers.0.mlp.gate_proj.weight",
                "util.global.load @_params.target.layers.0.mlp.up_proj.weight",
            ))
        })
    })?;
    Ok(())
}

#[test]
fn a_drafter_whose_layers_are_exchanged_is_found() -> Result<()> {
    // Verification hides it: the tokens are the target's all the same.
    let placed = Placed::new("test/data/step_place.mlir", TWO_CPUS)?;
    let said = placed.found("layers exchanged", |text| {
        Some(exchanged(
            text,
            "\"model\"::\"drafter.layers.0.",
            "\"model\"::\"drafter.layers.1.",
        ))
    })?;
    ensure!(said.contains("@drafter_0: wrong"), "{said}");
    ensure!(!said.contains("@target_0: wrong"), "{said}");
    Ok(())
}
