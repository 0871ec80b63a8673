//! Running passes over a module, with a sign of life and a time for each.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use diagnostics::{Diagnostic, Failure, Status};
use dialects::Module;
use dialects::clock::processor_time;
use iree::crash;
use passes::{Context, PASSES, Pass, run_pass, verify};
use specplace_driver::input::was_used_up;
use specplace_driver::progress::Progress;

/// The pass that finds out where it crashed, when it runs once more.
const LOWERING: &str = "lower-torch";

/// The row under a step that is IREE's for a part.
const OWN: &str = "  of which IREE's own passes";

/// Times of the steps of a run, for `--timing`.
#[derive(Debug)]
pub struct Timing {
    started: Spent,
    steps: Vec<(String, Spent)>,
    /// By step, what IREE's own passes had of the processor in it.
    own: BTreeMap<usize, Duration>,
}

/// A time on the clock, and what this program had of the processor in it. The
/// two differ where it waits: for the disk, for the tools that it starts, for
/// other programs.
#[derive(Clone, Copy, Debug)]
struct Spent {
    clock: Duration,
    processor: Duration,
}

impl Spent {
    /// Since the program began to look at the clock.
    fn now() -> Self {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        Self {
            clock: ORIGIN.get_or_init(Instant::now).elapsed(),
            processor: processor_time(),
        }
    }

    /// What lies between an earlier one and it.
    fn since(self, earlier: Self) -> Self {
        Self {
            clock: self.clock.saturating_sub(earlier.clock),
            processor: self.processor.saturating_sub(earlier.processor),
        }
    }
}

impl Timing {
    /// Starts the clock.
    pub fn start() -> Self {
        Self {
            started: Spent::now(),
            steps: Vec::new(),
            own: BTreeMap::new(),
        }
    }

    /// Notes what IREE's own passes had of the processor in the last step.
    pub fn of_which_own(&mut self, spent: Duration) {
        if spent > Duration::ZERO {
            self.own.insert(self.steps.len().saturating_sub(1), spent);
        }
    }

    /// Does `work` and keeps its time under `name`.
    pub fn step<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        let started = Spent::now();
        let result = work();
        let spent = Spent::now().since(started);
        self.steps.push((name.to_owned(), spent));
        result
    }

    /// The table: time and share of each step, and of what lies between them,
    /// and what of the time this program had the processor.
    pub fn table(&self) -> String {
        let total = Spent::now().since(self.started);
        let steps = self.steps.iter();
        let rest = steps.fold(total, |left, (_, spent)| left.since(*spent));
        let heads = ["step", "time", "share", "processor"];
        let [step, time, share, processor] = heads;
        let mut table = format!("{step:<24} {time:>12} {share:>8} {processor:>12}\n");
        let (rest, whole) = (("other".to_owned(), rest), ("total".to_owned(), total));
        let steps = self.steps.iter().chain([&rest, &whole]);
        for (at, (name, spent)) in steps.enumerate() {
            let clock = spent.clock.as_secs_f64();
            table.push_str(&format!(
                "{name:<24} {:>9.3} ms {:>6.1} % {:>9.3} ms\n",
                clock * 1e3,
                100.0 * clock / total.clock.as_secs_f64().max(f64::MIN_POSITIVE),
                spent.processor.as_secs_f64() * 1e3,
            ));
            if let Some(own) = self.own.get(&at) {
                let own = own.as_secs_f64() * 1e3;
                table.push_str(&format!("{OWN:<46} {own:>9.3} ms\n"));
            }
        }
        table
    }
}

/// Places `module` with all passes.
///
/// # Errors
///
/// As for [`run`].
pub fn place(
    module: &mut Module<'_>,
    context: &mut Context,
    timing: &mut Timing,
    progress: &Progress,
) -> Result<(), Failure> {
    run(module, context, PASSES, timing, progress, |_, _| {})
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
        let before = module.session().time_in_pipelines();
        timing
            .step(pass.name, || guarded(module, context, pass))
            .map_err(Failure::impossible)?;
        timing.of_which_own(module.session().time_in_pipelines().saturating_sub(before));
        after(module, pass);
        last = Some(pass);
    }
    last.map_or(Ok(()), |last| {
        timing.step("verify", || verify(module, last))
    })
    .map_err(Failure::impossible)
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
    crash::saying(&crashed(&doing), Status::Impossible.code(), || {
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
            table.lines().last().unwrap().contains(" 100.0 % "),
            "{table}"
        );
    }

    #[test]
    fn what_is_irees_stands_under_its_step() {
        let mut timing = Timing::start();
        timing.step("a", || ());
        timing.of_which_own(Duration::ZERO);
        timing.step("b", || ());
        timing.of_which_own(Duration::from_micros(1500));
        let table = timing.table();
        let rows: Vec<&str> = table.lines().collect();
        assert!(rows[2].starts_with("b  "), "{table}");
        assert_eq!(rows[3], format!("{OWN:<46} {:>9} ms", "1.500"));
        assert_eq!(table.matches(OWN).count(), 1, "{table}");
    }

    #[test]
    fn a_wait_takes_no_processor() {
        let mut timing = Timing::start();
        timing.step("wait", || std::thread::sleep(Duration::from_millis(50)));
        let (_, spent) = &timing.steps[0];
        assert!(spent.clock >= Duration::from_millis(50), "{spent:?}");
        assert!(spent.processor < spent.clock, "{spent:?}");
    }
}
