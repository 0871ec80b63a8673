//! Running passes over a module, with a sign of life and a time for each.

use std::time::{Duration, Instant};

use dialects::{Diagnostic, Module, crash};
use passes::{Context, Pass, run_pass, verify};
use specplace_driver::input::was_used_up;
use specplace_driver::message::Failure;
use specplace_driver::progress::Progress;

use crate::diagnostics::impossible;

/// The pass that finds out where it crashed, when it runs once more.
const LOWERING: &str = "lower-torch";

/// Times of the steps of a run, for `--timing`.
#[derive(Debug)]
pub struct Timing {
    started: Instant,
    steps: Vec<(String, Duration)>,
}

impl Timing {
    /// Starts the clock.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            steps: Vec::new(),
        }
    }

    /// Does `work` and keeps its time under `name`.
    pub fn step<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        self.steps.push((name.to_owned(), started.elapsed()));
        result
    }

    /// The table: time and share of each step, and of what lies between them.
    pub fn table(&self) -> String {
        let total = self.started.elapsed();
        let known: Duration = self.steps.iter().map(|(_, time)| *time).sum();
        let rest = ("other".to_owned(), total.saturating_sub(known));
        let mut table = format!("{:<24} {:>12} {:>8}\n", "step", "time", "share");
        let whole = ("total".to_owned(), total);
        for (name, time) in self.steps.iter().chain([&rest, &whole]) {
            table.push_str(&format!(
                "{name:<24} {:>9.3} ms {:>6.1} %\n",
                time.as_secs_f64() * 1e3,
                100.0 * time.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE)
            ));
        }
        table
    }
}

/// Runs `passes` in order and verifies what they leave; `after` sees the
/// module after each.
///
/// # Errors
///
/// A [`Failure`] of status 1 with the diagnostics of the pass that failed.
pub fn run(
    module: &mut Module<'_>,
    context: &mut Context,
    passes: impl IntoIterator<Item = &'static Pass>,
    timing: &mut Timing,
    progress: &Progress,
    mut after: impl FnMut(&Module<'_>, &'static Pass),
) -> Result<(), Failure> {
    let mut last = None;
    for pass in passes {
        progress.step(pass.name);
        timing
            .step(pass.name, || guarded(module, context, pass))
            .map_err(|diagnostics| impossible(&diagnostics))?;
        after(module, pass);
        last = Some(pass);
    }
    last.map_or(Ok(()), |last| {
        timing.step("verify", || verify(module, last))
    })
    .map_err(|diagnostics| impossible(&diagnostics))
}

/// Runs a pass; a crash in it is a message.
fn guarded(
    module: &mut Module<'_>,
    context: &mut Context,
    pass: &'static Pass,
) -> Result<(), Vec<Diagnostic>> {
    let file = module.op().location().place().map(|place| place.file);
    let doing = match file {
        // What MLIR calls a module that it got from memory.
        Some(file) if file != "-" => format!("in {}, on {file}", pass.name),
        _ => format!("in {}", pass.name),
    };
    crash::saying(&crashed(&doing), Failure::IMPOSSIBLE, || {
        if pass.name == LOWERING {
            crash::sought(!was_used_up(), || run_pass(module, context, pass))
        } else {
            run_pass(module, context, pass)
        }
    })
}

/// What is said of a crash, which was `doing` something.
pub fn crashed(doing: &str) -> String {
    format!(
        "error: IREE crashed {doing}\n  = help: nothing was written; is IN damaged, or does \
         iree-opt crash on it, too? Then it is IREE's to mend: please report it there\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let mut timing = Timing::start();
        timing.step("a", || std::thread::sleep(Duration::from_millis(2)));
        let table = timing.table();
        assert!(table.contains("a   "), "{table}");
        assert!(
            table.lines().last().unwrap().ends_with("100.0 %"),
            "{table}"
        );
    }
}
