//! Runs the table of cases; see `e2e::cases`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Arguments, Trial};

use e2e::case::{Case, Reference};
use e2e::cases;
use e2e::greedy::{self, Forwards};
use e2e::module::Module;
use e2e::platform::Platform;
use e2e::report::{self, Row};
use e2e::tools::Tools;
use e2e::trials;

/// What every case shares.
struct Shared {
    tools: Tools,
    reference: Reference,
}

fn main() -> ExitCode {
    trials::run(list)
}

fn list(arguments: &Arguments) -> Result<Vec<Trial>> {
    let cases = if trials::is_long() {
        cases::all()
    } else {
        cases::short()
    };
    let shared = if arguments.list { None } else { Some(share()?) };
    let shared = Arc::new(shared);
    let cases = match &*shared {
        Some(shared) => possible(cases, &shared.tools.platform),
        None => cases,
    };

    let mut trials = vec![
        trial("devices-are-there", &shared, devices_are_there),
        trial("greedy-reference", &shared, greedy_reference),
    ];
    let progress = Arc::new(Progress {
        begun: Instant::now(),
        done: AtomicUsize::new(0),
        all: cases.len(),
    });
    trials.extend(cases.into_iter().map(|case| {
        let progress = Arc::clone(&progress);
        trial(&case.to_string(), &shared, move |shared| {
            let rows = case.run(&shared.tools, &shared.reference);
            progress.tell(&rows);
            report::keep(&rows)?;
            let failed: Vec<String> = rows
                .iter()
                .filter(|row| !row.is_right())
                .map(|row| {
                    let reason = row.failure.as_deref().unwrap_or_default();
                    format!("{}: {}\n{reason}", row.case, row.sentence())
                })
                .collect();
            ensure!(failed.is_empty(), "{}", failed.join("\n"));
            Ok(())
        })
    }));
    Ok(trials)
}

/// Those of the cases for which the platform has units; the rest are named.
fn possible(cases: Vec<Case>, platform: &Platform) -> Vec<Case> {
    let (possible, rest): (Vec<Case>, Vec<Case>) = cases
        .into_iter()
        .partition(|case| platform.missing(&case.mapping.units()).is_empty());
    if !rest.is_empty() {
        let units: Vec<&str> = rest.iter().flat_map(|case| case.mapping.units()).collect();
        println!(
            "NOT RUN: {} cases, since the platform {} has no unit {}:",
            rest.len(),
            platform.name,
            platform.missing(&units).join(", ")
        );
        for case in rest {
            println!("  {case}");
        }
    }
    possible
}

/// How far the series is.
struct Progress {
    begun: Instant,
    done: AtomicUsize,
    all: usize,
}

impl Progress {
    /// Tells what came of a case, and how many are done.
    fn tell(&self, rows: &[Row]) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let seconds = self.begun.elapsed().as_secs();
        for row in rows {
            println!(
                "[{done} of {}, {}:{:02}] {}: {}",
                self.all,
                seconds / 60,
                seconds % 60,
                row.case,
                row.sentence()
            );
        }
    }
}

fn share() -> Result<Shared> {
    let tools = Tools::find()?;
    let prompt = greedy::reference(&tools.root)?;
    let forwards = Forwards::compile(&tools)?;
    let logits = Module::TwoForwards
        .functions()
        .iter()
        .map(|function| Ok((*function, forwards.logits(function, &prompt.row)?)))
        .collect::<Result<_>>()?;
    drop(forwards);
    Ok(Shared {
        reference: Reference {
            prompts: greedy::prompts(&tools.root)?,
            prompt,
            logits,
        },
        tools,
    })
}

fn trial(
    name: &str,
    shared: &Arc<Option<Shared>>,
    run: impl FnOnce(&Shared) -> Result<()> + Send + 'static,
) -> Trial {
    trials::trial(name, shared, |shared| {
        run(shared.as_ref().context("nothing was prepared for a run")?)
    })
}

/// Cases fail where a device is not there; this says why.
fn devices_are_there(shared: &Shared) -> Result<()> {
    let tools = &shared.tools;
    tools.platform.check_devices(&tools.devices()?)
}

/// The reference that all cases are compared with was made by PyTorch: the
/// target alone, compiled for one device, gives the same.
fn greedy_reference(shared: &Shared) -> Result<()> {
    let prompt = &shared.reference.prompt;
    let decoded = Forwards::compile(&shared.tools)?.decode(
        "target_forward",
        &prompt.row,
        prompt.length,
        prompt.greedy.len(),
    )?;
    ensure!(
        decoded == prompt.greedy,
        "greedy decoding on one device gives\n{decoded:?}, PyTorch gave\n{:?}",
        prompt.greedy
    );
    Ok(())
}
