//! Two forward passes are assembled, placed, compiled and run: the tokens are
//! those of plain greedy decoding, on every kind of device, for every draft
//! length, and counts are those of the loop written by hand.

mod program;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock};

use anyhow::{Context, Result, ensure};
use cost::simulate::{self, Imposed};
use libtest_mimic::Trial;

use e2e::greedy::{self, Prompt};
use e2e::placed::units;
use e2e::report::{self, Row};
use e2e::tools::Tools;
use e2e::trials::{self, trial};

use program::{Generated, Program, ROW, check, generate};

/// Where drafter, target and control are, by name.
const MAPPINGS: &[(&str, &str)] = &[
    ("one-device", "drafter=cpu,target=cpu,control=cpu"),
    ("two-cpus", "drafter=cpu2,target=cpu,control=cpu"),
    ("cpu-and-gpu", "drafter=gpu,target=cpu,control=cpu"),
];

/// The draft lengths that are tried on all of them.
const GAMMAS: &[u32] = &[0, 1, 3, 8];

/// What `make test` takes of them; the other tests try γ = 1 and 4.
const SHORT: &[(u32, &str)] = &[(0, "one-device"), (8, "two-cpus"), (3, "cpu-and-gpu")];

/// Where generation stops.
const LIMIT: i64 = 60;
/// The longest draft of the loop written by hand, and so of ours.
const MAX_GAMMA: usize = 8;
/// The options, the mapping and γ of a program; no options are the loop that
/// was written by hand.
type Key = (Option<Vec<String>>, String, u32);

struct Shared {
    tools: Tools,
    reference: Prompt,
    prompts: Vec<Prompt>,
    prove: bool,
    /// What was compiled: several tests run the same program.
    programs: Mutex<BTreeMap<Key, Arc<OnceLock<Arc<Program>>>>>,
}

impl Shared {
    /// The pair's forward passes, assembled with `options`, compiled once.
    fn assembled(&self, options: &[&str], mapping: &str, gamma: u32) -> Result<Arc<Program>> {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        self.program((Some(options), mapping.to_owned(), gamma))
    }

    /// The loop that was written by hand.
    fn by_hand(&self, mapping: &str, gamma: u32) -> Result<Arc<Program>> {
        self.program((None, mapping.to_owned(), gamma))
    }

    fn program(&self, key: Key) -> Result<Arc<Program>> {
        let cell = {
            let mut programs = self.programs.lock().expect("no test panics in there");
            Arc::clone(programs.entry(key.clone()).or_default())
        };
        // Two tests may compile the same at the same time; one of them wins.
        if let Some(program) = cell.get() {
            return Ok(Arc::clone(program));
        }
        let (options, mapping, gamma) = key;
        let program = Arc::new(Program::new(
            &self.tools,
            options.as_deref(),
            &mapping,
            gamma,
        )?);
        Ok(Arc::clone(cell.get_or_init(|| program)))
    }
}

fn main() -> ExitCode {
    trials::run(|_| list(trials::is_long()))
}

fn list(prove: bool) -> Result<Vec<Trial>> {
    let shared = Arc::new(share(prove)?);
    let mut trials = Vec::new();
    for (name, mapping) in MAPPINGS {
        let missing = shared.tools.platform.missing(&units(mapping));
        if !missing.is_empty() {
            println!(
                "NOT RUN: assembled/*/{name}, since the platform {} has no unit {}",
                shared.tools.platform.name,
                missing.join(", ")
            );
            continue;
        }
        for gamma in GAMMAS {
            if prove || SHORT.contains(&(*gamma, name)) {
                let name = format!("assembled/gamma-{gamma}/{name}");
                trials.push(trial(name.clone(), &shared, move |shared| {
                    prompts(shared, &name, mapping, *gamma)
                }));
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
    Ok(trials)
}

fn share(prove: bool) -> Result<Shared> {
    let tools = Tools::find()?;
    let mut prompts = greedy::prompts(&tools.root)?;
    prompts.truncate(if prove { 20 } else { 3 });
    Ok(Shared {
        reference: greedy::reference(&tools.root)?,
        prompts,
        tools,
        prove,
        programs: Mutex::default(),
    })
}

/// Where two CPU devices are wanted: one device, if the platform has no more.
fn two_cpus(shared: &Shared) -> &'static str {
    let (one, two) = (MAPPINGS[0].1, MAPPINGS[1].1);
    if shared.tools.platform.missing(&units(two)).is_empty() {
        two
    } else {
        one
    }
}

fn max_gamma() -> String {
    format!("--max-gamma={MAX_GAMMA}")
}

/// The tokens of every prompt.
fn prompts(shared: &Shared, name: &str, mapping: &str, gamma: u32) -> Result<()> {
    let program = shared.assembled(&[&max_gamma()], mapping, gamma)?;
    let mut row = Row {
        case: name.to_owned(),
        runs: shared.prompts.len(),
        compiling: program.compiling.as_secs_f64(),
        ..Row::default()
    };
    let mut elapsed = Vec::new();
    for (at, prompt) in shared.prompts.iter().enumerate() {
        // As many lengths as prompts.
        let prompt = prompt.continued(prompt.length + at * 7 % 40);
        let generated = generate(&program, &prompt, LIMIT).and_then(|generated| {
            check(&generated, &prompt, prompt.greedy.len())?;
            Ok(generated)
        });
        match generated {
            Ok(generated) => {
                row.right += 1;
                row.lost += generated.lost;
                elapsed.push(generated.elapsed);
            }
            Err(error) => {
                row.failure.get_or_insert(format!("prompt {at}: {error:#}"));
            }
        }
    }
    row.running = report::median(&elapsed);
    println!("{name}: {}", row.sentence());
    report::keep(std::slice::from_ref(&row))?;
    ensure!(row.is_right(), "{}", row.failure.unwrap_or_default());
    Ok(())
}

/// Tokens, length, rounds and histogram are those of the loop that was written
/// by hand in PyTorch.
fn like_by_hand(shared: &Shared) -> Result<()> {
    let mapping = MAPPINGS[0].1;
    let gammas: &[u32] = if shared.prove { &[1, 8] } else { &[4] };
    for gamma in gammas {
        let ours = shared.assembled(&[&max_gamma()], mapping, *gamma)?;
        let theirs = shared.by_hand(mapping, *gamma)?;
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
    let program = shared.assembled(&[&max_gamma()], two_cpus(shared), 4)?;
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
        ..Generated::default()
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
        ..Generated::default()
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
        let program = shared.assembled(&options, MAPPINGS[0].1, 1)?;
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
    let mapping = two_cpus(shared);
    for gamma in gammas {
        let options = [&*max_gamma(), "--impose-acceptance"];
        let program = shared.assembled(&options, mapping, *gamma)?;
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
                ..Generated::default()
            };
            ensure!(
                generated == expected,
                "{mapping}, γ = {gamma}, α = {alpha}: {generated:?}\nsimulated: {expected:?}"
            );
            check(&call(0)?, prompt, prompt.greedy.len())?;
        }
    }
    Ok(())
}
