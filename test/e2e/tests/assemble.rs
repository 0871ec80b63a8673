//! Two forward passes are assembled, placed, compiled and run: the tokens are
//! those of plain greedy decoding, on every kind of device, for every draft
//! length, and counts are those of the loop written by hand.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use cost::simulate::{self, Imposed};
use libtest_mimic::{Arguments, Failed, Trial};
use tempfile::TempDir;

use e2e::arrays;
use e2e::case::PLATFORM;
use e2e::greedy::{self, Prompt};
use e2e::process::{self, Finished};
use e2e::tools::{COMPILE_LIMIT, RUN_LIMIT, Tools};

/// Where drafter, target and control are, by name.
const MAPPINGS: &[(&str, &str)] = &[
    ("one-device", "drafter=cpu,target=cpu,control=cpu"),
    ("two-cpus", "drafter=cpu2,target=cpu,control=cpu"),
    ("cpu-and-vulkan", "drafter=gpu,target=cpu,control=cpu"),
];

/// The draft lengths that are tried on all of them.
const GAMMAS: &[u32] = &[0, 1, 3, 8];

/// What `make test` takes of them; the other tests try γ = 1 and 4.
const SHORT: &[(u32, &str)] = &[(0, "one-device"), (8, "two-cpus"), (3, "cpu-and-vulkan")];

/// The row that the pair takes.
const ROW: usize = 63;
/// Where generation stops.
const LIMIT: i64 = 60;
/// The longest draft of the loop written by hand, and so of ours.
const MAX_GAMMA: usize = 8;
/// So many runs in a row that lose the Vulkan device are no bad luck.
const LOST_IN_A_ROW: usize = 5;

struct Shared {
    tools: Tools,
    reference: Prompt,
    prompts: Vec<Prompt>,
    prove: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let prove = env::var("SPECPLACE_E2E_SERIES").is_ok_and(|series| series == "prove");
    let shared = match share(prove) {
        Ok(shared) => Arc::new(shared),
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    for (name, mapping) in MAPPINGS {
        for gamma in GAMMAS {
            if prove || SHORT.contains(&(*gamma, name)) {
                trials.push(trial(
                    &format!("assembled/gamma-{gamma}/{name}"),
                    &shared,
                    move |shared| prompts(shared, mapping, *gamma),
                ));
            }
        }
    }
    trials.push(trial("assembled/like-by-hand", &shared, like_by_hand));
    trials.push(trial(
        "assembled/limits-and-steps",
        &shared,
        limits_and_steps,
    ));
    trials.push(trial("assembled/end-of-sequence", &shared, end_of_sequence));
    trials.push(trial(
        "assembled/imposed-acceptance",
        &shared,
        imposed_acceptance,
    ));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn share(prove: bool) -> Result<Shared> {
    let tools = Tools::find()?;
    let mut prompts = greedy::prompts(&tools.root)?;
    prompts.truncate(if prove { 100 } else { 3 });
    Ok(Shared {
        reference: greedy::reference(&tools.root)?,
        prompts,
        tools,
        prove,
    })
}

fn trial(
    name: &str,
    shared: &Arc<Shared>,
    run: impl FnOnce(&Shared) -> Result<()> + Send + 'static,
) -> Trial {
    let shared = Arc::clone(shared);
    Trial::test(name, move || {
        run(&shared).map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// A compiled program in a folder of its own.
struct Program<'a> {
    tools: &'a Tools,
    folder: TempDir,
}

/// What `@generate` and `@step` give back.
#[derive(Debug, PartialEq, Eq)]
struct Generated {
    tokens: Vec<i64>,
    length: i64,
    rounds: i64,
    histogram: Vec<i64>,
}

impl<'a> Program<'a> {
    /// The pair's forward passes, assembled with `options`.
    fn assembled(tools: &'a Tools, options: &[&str], mapping: &str, gamma: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let forwards = tools.root.join("examples/pair/two_forwards.mlir");
        let mut arguments: Vec<OsString> = [
            "assemble".into(),
            "--target".into(),
            forwards.clone().into_os_string(),
            "--drafter".into(),
            forwards.into_os_string(),
            "-o".into(),
            "in.mlir".into(),
        ]
        .into();
        arguments.extend(options.iter().map(OsString::from));
        process::run(&tools.specplace, &arguments, folder.path(), COMPILE_LIMIT)?.success()?;
        let program = Self { tools, folder };
        program.place(Path::new("in.mlir"), mapping, gamma)?;
        Ok(program)
    }

    /// The loop that was written by hand.
    fn by_hand(tools: &'a Tools, mapping: &str, gamma: u32) -> Result<Self> {
        let program = Self {
            tools,
            folder: tempfile::tempdir()?,
        };
        let file = tools.root.join("examples/pair/generate_symbolic.mlir");
        program.place(&file, mapping, gamma)?;
        Ok(program)
    }

    fn place(&self, file: &Path, mapping: &str, gamma: u32) -> Result<()> {
        let arguments: Vec<OsString> = [
            file.as_os_str().to_owned(),
            "-o".into(),
            "out.mlir".into(),
            "--alpha=0.7".into(),
            "--platform".into(),
            self.tools.root.join(PLATFORM).into(),
            format!("--gamma={gamma}").into(),
            format!("--pin={mapping}").into(),
            // Proven before it is written.
            "--verify".into(),
        ]
        .into();
        process::run(
            &self.tools.specplace,
            &arguments,
            self.folder.path(),
            COMPILE_LIMIT,
        )?
        .success()?;
        let arguments = ["out.mlir", "@out.flags", "-o", "out.vmfb"].map(OsString::from);
        process::run(
            &self.tools.iree_compile,
            &arguments,
            self.folder.path(),
            COMPILE_LIMIT,
        )?
        .success()?;
        Ok(())
    }

    /// Calls `function` with a row of tokens, how many they are, where to
    /// stop, and what else it takes.
    fn call(
        &self,
        function: &str,
        row: &[i64],
        scalars: [i64; 2],
        more: &[(&[u64], &[i64])],
    ) -> Result<Generated> {
        let folder = self.folder.path();
        let mut inputs: Vec<(&[u64], &[i64])> = vec![
            (&[1, ROW as u64], row),
            (&[], &scalars[..1]),
            (&[], &scalars[1..]),
        ];
        inputs.extend_from_slice(more);
        let pair = self.tools.root.join("examples/pair/pair.irpa");
        let mut arguments: Vec<OsString> = vec![
            "--flagfile=out.run.flags".into(),
            "--module=out.vmfb".into(),
            format!("--function={function}").into(),
            format!("--parameters=model={}", pair.display()).into(),
        ];
        for (at, (shape, values)) in inputs.into_iter().enumerate() {
            let name = format!("input{at}.npy");
            arrays::write_integers(&folder.join(&name), shape, values)?;
            arguments.push(format!("--input=@{name}").into());
        }
        const OUTPUTS: [&str; 4] = ["tokens", "n", "rounds", "histogram"];
        for name in OUTPUTS {
            let _ = fs::remove_file(folder.join(format!("{name}.npy")));
            arguments.push(format!("--output=@{name}.npy").into());
        }
        self.run(&arguments)?;
        let mut read: BTreeMap<&str, Vec<i64>> = OUTPUTS
            .into_iter()
            .map(|name| {
                Ok((
                    name,
                    arrays::read_integers(&folder.join(format!("{name}.npy")))?,
                ))
            })
            .collect::<Result<_>>()?;
        let mut take = |name: &str| read.remove(name).with_context(|| format!("no {name}"));
        let scalar = |values: Vec<i64>| values.first().copied().context("no value");
        Ok(Generated {
            tokens: take("tokens")?,
            length: scalar(take("n")?)?,
            rounds: scalar(take("rounds")?)?,
            histogram: take("histogram")?,
        })
    }

    /// Runs the program until it ends without losing the Vulkan device, which
    /// lavapipe does now and then whatever it runs.
    fn run(&self, arguments: &[OsString]) -> Result<Finished> {
        for _ in 0..LOST_IN_A_ROW {
            let finished = process::run(
                &self.tools.iree_run_module,
                arguments,
                self.folder.path(),
                RUN_LIMIT,
            )?;
            if !finished.stderr.contains("VK_ERROR_DEVICE_LOST") {
                return finished.success();
            }
            println!("the Vulkan device was lost; once more");
        }
        bail!("the Vulkan device was lost {LOST_IN_A_ROW} times in a row")
    }
}

fn generate(program: &Program<'_>, prompt: &Prompt, limit: i64) -> Result<Generated> {
    let length = i64::try_from(prompt.length)?;
    program.call("generate", &prompt.row, [length, limit], &[])
}

/// The first `length` tokens are greedy, the rest of the row is as it was, and
/// the rounds account for every token.
fn check(generated: &Generated, prompt: &Prompt, length: usize) -> Result<()> {
    let mut expected = prompt.row.clone();
    expected[..length].copy_from_slice(&prompt.greedy[..length]);
    ensure!(
        generated.tokens == expected && usize::try_from(generated.length)? == length,
        "expected {length} tokens and then nothing,\n{expected:?}, but there are {} of\n{:?}",
        generated.length,
        generated.tokens
    );
    let made: i64 = (1..)
        .zip(&generated.histogram)
        .map(|(each, count)| each * count)
        .sum();
    ensure!(
        generated.histogram.iter().sum::<i64>() == generated.rounds
            && made == i64::try_from(length - prompt.length)?,
        "{} rounds, {:?}, made {made} tokens of {length}",
        generated.rounds,
        generated.histogram
    );
    Ok(())
}

fn max_gamma() -> String {
    format!("--max-gamma={MAX_GAMMA}")
}

/// The tokens of every prompt.
fn prompts(shared: &Shared, mapping: &str, gamma: u32) -> Result<()> {
    let program = Program::assembled(&shared.tools, &[&max_gamma()], mapping, gamma)?;
    for (at, prompt) in shared.prompts.iter().enumerate() {
        let generated = generate(&program, prompt, LIMIT)?;
        check(&generated, prompt, prompt.greedy.len()).with_context(|| format!("prompt {at}"))?;
    }
    println!(
        "{mapping}, γ = {gamma}: {} prompts right",
        shared.prompts.len()
    );
    Ok(())
}

/// Tokens, length, rounds and histogram are those of the loop that was written
/// by hand in PyTorch.
fn like_by_hand(shared: &Shared) -> Result<()> {
    let mapping = MAPPINGS[0].1;
    let gammas: &[u32] = if shared.prove { &[0, 1, 4, 8] } else { &[4] };
    for gamma in gammas {
        let ours = Program::assembled(&shared.tools, &[&max_gamma()], mapping, *gamma)?;
        let theirs = Program::by_hand(&shared.tools, mapping, *gamma)?;
        for prompt in [&shared.reference].into_iter().chain(&shared.prompts) {
            let (ours, theirs) = (
                generate(&ours, prompt, LIMIT)?,
                generate(&theirs, prompt, LIMIT)?,
            );
            ensure!(ours == theirs, "γ = {gamma}: {ours:?}\nby hand: {theirs:?}");
        }
    }
    Ok(())
}

/// It stops exactly where it is told to, or where the row ends; nothing
/// happens where there is nothing to do; `@step` is one round.
fn limits_and_steps(shared: &Shared) -> Result<()> {
    let prompt = &shared.reference;
    let program = Program::assembled(&shared.tools, &[&max_gamma()], MAPPINGS[1].1, 4)?;
    for limit in [17, 18, 21, 22, 59] {
        let generated = generate(&program, prompt, limit)?;
        check(&generated, prompt, usize::try_from(limit)?)?;
    }
    for limit in [63, 64, 1000] {
        let generated = generate(&program, prompt, limit)?;
        ensure!(generated.length == 63, "a full row, not {generated:?}");
        ensure!(generated.tokens[..60] == prompt.greedy[..]);
    }
    let untouched = Generated {
        tokens: prompt.row.clone(),
        length: 0,
        rounds: 0,
        histogram: vec![0; MAX_GAMMA + 1],
    };
    for (length, limit) in [
        (16, 16),
        (16, 3),
        (16, -1),
        (0, 60),
        (-2, 60),
        (63, 63),
        (70, 80),
    ] {
        for function in ["generate", "step"] {
            let generated = program.call(function, &prompt.row, [length, limit], &[])?;
            let expected = Generated {
                tokens: untouched.tokens.clone(),
                histogram: untouched.histogram.clone(),
                length,
                ..untouched
            };
            ensure!(generated == expected, "{length}, {limit}: {generated:?}");
        }
    }
    // Rounds one by one are the rounds of the whole.
    let whole = generate(&program, prompt, LIMIT)?;
    let mut histogram = vec![0; MAX_GAMMA + 1];
    let (mut row, mut length, mut rounds) = (prompt.row.clone(), prompt.length as i64, 0);
    while length < LIMIT {
        let step = program.call("step", &row, [length, LIMIT], &[])?;
        ensure!(step.rounds == 1, "{step:?}");
        rounds += 1;
        (row, length) = (step.tokens, step.length);
        for (all, one) in histogram.iter_mut().zip(step.histogram) {
            *all += one;
        }
    }
    let stepped = Generated {
        tokens: row,
        length,
        rounds,
        histogram,
    };
    ensure!(stepped == whole, "{stepped:?}\nat once: {whole:?}");
    Ok(())
}

/// It stops behind an end-of-sequence token, whichever of two comes first.
fn end_of_sequence(shared: &Shared) -> Result<()> {
    let prompt = &shared.reference;
    // The continuation is 301 344 414 442 381 25 198 …; no 511 is in it.
    for (eos, length) in [("25", 22), ("198,25", 22), ("511,344", 18), ("511", 60)] {
        let options = [&*max_gamma(), "--eos", eos];
        let program = Program::assembled(&shared.tools, &options, MAPPINGS[0].1, 1)?;
        let generated = generate(&program, prompt, LIMIT)?;
        check(&generated, prompt, length).with_context(|| format!("--eos {eos}"))?;
        if !shared.prove && length == 22 {
            break;
        }
    }
    Ok(())
}

/// With acceptance imposed, the module does what the simulation says; in mode
/// 0 it decodes as ever.
fn imposed_acceptance(shared: &Shared) -> Result<()> {
    let gammas: &[u32] = if shared.prove { &[0, 1, 4, 8] } else { &[4] };
    let (name, mapping) = MAPPINGS[1];
    for gamma in gammas {
        let options = [&*max_gamma(), "--impose-acceptance"];
        let program = Program::assembled(&shared.tools, &options, mapping, *gamma)?;
        let prompt = &shared.reference;
        let start = prompt.length;
        let row = [1, ROW as u64];
        let reference: Vec<i64> = (0..ROW as i64).map(|at| (at * 37 + 11) % 512).collect();
        let alphas: &[f64] = if shared.prove {
            &[0.0, 0.3, 0.6, 0.9, 1.0]
        } else {
            &[0.6]
        };
        for (seed, alpha) in alphas.iter().enumerate() {
            let accepted = simulate::bits(*alpha, ROW, seed as u64)?;
            let bits: Vec<i64> = accepted.iter().map(|bit| i64::from(*bit)).collect();
            let simulated = simulate::run(&Imposed {
                accepted: &accepted,
                start,
                limit: usize::try_from(LIMIT)?,
                gamma: *gamma as usize,
                gamma_max: MAX_GAMMA,
            });
            let call = |mode: i64| {
                let more: [(&[u64], &[i64]); 3] =
                    [(&row, &reference), (&row, &bits), (&[], &[mode])];
                program.call("generate", &prompt.row, [start as i64, LIMIT], &more)
            };
            let generated = call(1)?;
            let mut tokens = prompt.row.clone();
            tokens[start..simulated.length].copy_from_slice(&reference[start..simulated.length]);
            let expected = Generated {
                tokens,
                length: i64::try_from(simulated.length)?,
                rounds: i64::try_from(simulated.rounds)?,
                histogram: simulated
                    .histogram
                    .iter()
                    .map(|count| *count as i64)
                    .collect(),
            };
            ensure!(
                generated == expected,
                "{name}, γ = {gamma}, α = {alpha}: {generated:?}\nsimulated: {expected:?}"
            );
            check(&call(0)?, prompt, prompt.greedy.len())?;
        }
    }
    Ok(())
}
