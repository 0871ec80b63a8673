//! `specplace verify`: proves that OUT is placed as planned, and that it computes
//! what IN does.
//!
//! Placement is what `verify-placement` proves. For values, three programs are
//! compiled beside OUT's own (`passes::values`): the *reference*, which is IN on one
//! CPU device without a flag of ours, and for each device of OUT a *probe* with the
//! subgraphs that are placed on it. Then
//!
//! - each public function of OUT runs several times on the planned devices, and
//!   gives what the reference gives, and a prefix of what the reference decodes
//!   without drafts, the target alone;
//! - each subgraph of a model runs on its device with what the reference passes to
//!   it, and its results, and the logits behind its tokens, are the reference's but
//!   for rounding.

mod compile;
mod findings;
mod inputs;
mod judge;
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use diagnostics::{Diagnostic, Failure};
use dialects::Module;
use files::plan::Source;
use passes::verify_placement::Expectation;
use passes::{Selector, Settings};
use specplace_driver::args::{ValuesArgs, VerifyValuesArgs};
use specplace_driver::input::readable_again;
use specplace_driver::output::with_suffix;
use specplace_driver::plan_file;
use specplace_driver::printer::Printer;
use specplace_driver::progress::Progress;
use tools::archives::check_weights;
use tools::{Tools, prefixed, version};

use super::verify_placement::{check_placed, compare, stream_phase};
use crate::module_file;

/// Runs the verb.
///
/// # Errors
///
/// A [`Failure`]: of status 1 when a proof fails, or a tool does.
pub fn run(args: &VerifyValuesArgs, tools: Tools, printer: &mut Printer) -> Result<(), Failure> {
    version::check_unlimited("the proof of values")?;
    let progress = Progress::start(printer);
    progress.step("read");
    let read = |path: &Path| {
        readable_again(path)
            .and_then(|()| fs::read(path))
            .map_err(|error| cannot_read(path, &error))
    };
    let beside = |given: &Option<PathBuf>, suffix: &str| {
        given
            .clone()
            .unwrap_or_else(|| with_suffix(&args.output, suffix))
    };
    readable_again(&args.output).map_err(|error| cannot_read(&args.output, &error))?;
    let session = iree::session();
    let placed = module_file::read(&session, &args.output, printer)?;
    check_placed(&Expectation::from_placed_module(&placed), &args.output)?;
    let flags = beside(&args.flags, ".flags");
    read(&flags)?;
    let run_flags = beside(&args.run_flags, ".run.flags");
    let run_text = String::from_utf8_lossy(&read(&run_flags)?).into_owned();
    let source = source(args, &beside(&args.plan, files::plan::SUFFIX))?;
    let contents = read(&args.output)?;
    let subject = Subject {
        name: &args.output,
        placed: &placed,
        asked: &args.values,
        contents: &contents,
        source: &source,
        compile_flags: vec![prefixed("@", &flags)],
        run_flags: run_text
            .lines()
            .filter(|line| line.starts_with("--"))
            .map(str::to_owned)
            .collect(),
        program: None,
        tools,
    };
    let placement = prove_placement(&subject, &progress)?;
    let values = prove_values(&subject, &progress, printer)?;
    drop(progress);
    printer.report(&format!("{placement}\n{values}"));
    Ok(())
}

/// What OUT was placed from: as its plan says, or as the user does.
fn source(args: &VerifyValuesArgs, plan: &Path) -> Result<Source, Failure> {
    let is_needed = args.reference.is_none() || args.plan.is_some();
    let mut source = if is_needed || plan.exists() {
        let read = plan_file::read(plan).map_err(|failure| match plan.exists() {
            true => failure,
            false => failure.help(
                "it is written beside OUT and says what OUT was placed from: name it with --plan, or name IN: \
                 --reference IN",
            ),
        })?;
        read.placed_from.unwrap_or_default()
    } else {
        Source::default()
    };
    if let Some(reference) = &args.reference {
        source.input.clone_from(reference);
    }
    if source.input.as_os_str().is_empty() {
        return Err(Failure::usage(
            Diagnostic::error(format!(
                "{} does not say what {} was placed from",
                plan.display(),
                args.output.display()
            ))
            .help("name IN: --reference IN"),
        ));
    }
    Ok(source)
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Failure {
    Failure::io(format!("cannot read {}", path.display()), error)
}

/// A placed module, and what it was placed from.
pub struct Subject<'a> {
    /// What it is called in messages; files beside it are called after it.
    pub name: &'a Path,
    /// The placed module.
    pub placed: &'a Module<'a>,
    /// The same, as it is written.
    pub contents: &'a [u8],
    /// IN, and how its operations get their roles.
    pub source: &'a Source,
    /// Flags for iree-compile, or a file of them after `@`.
    pub compile_flags: Vec<std::ffi::OsString>,
    /// Flags for iree-run-module, one by one.
    pub run_flags: Vec<String>,
    /// What is run, and what it is compared with.
    pub asked: &'a ValuesArgs,
    /// What OUT was compiled to, if it was already.
    pub program: Option<&'a Path>,
    /// What compiles and runs.
    pub tools: Tools,
}

/// Proves where everything is; the answer is the text of the proof.
fn prove_placement(subject: &Subject<'_>, progress: &Progress) -> Result<String, Failure> {
    let shelf = compile::Shelf::new(subject.asked.artifacts.as_deref())?;
    progress.step("iree-compile --compile-to=stream");
    let (contents, flags) = (subject.contents, &subject.compile_flags);
    let stream = shelf.text("stream.mlir", contents, flags, || {
        stream_phase(subject.tools, contents, flags.iter().cloned())
    })?;
    progress.step("verify placement");
    compare(&Expectation::from_placed_module(subject.placed), &stream)
}

/// Proves the values of `subject`; the answer is the text of the proof.
///
/// # Errors
///
/// A [`Failure`]: the proof fails, a tool does, or there is nothing to run.
pub fn prove_values(
    subject: &Subject<'_>,
    progress: &Progress,
    printer: &mut Printer,
) -> Result<String, Failure> {
    let asked = subject.asked;
    for given in &asked.parameters {
        check_weights(given)?;
    }
    let shelf = compile::Shelf::new(asked.artifacts.as_deref())?;
    progress.step("make the reference");
    let made = compile::Made::of(subject, settings(subject.source)?, printer)?;
    progress.step("iree-compile");
    let programs = shelf.compile(subject, &made)?;
    let weights = inputs::weights(&made.reference, asked, &shelf)?;
    let values = judge::judge(subject, &made, &programs, &weights, &shelf, progress)?;
    match values.failure(subject.name) {
        Some(failure) => Err(failure),
        None => Ok(values.render()),
    }
}

/// The draft length that the plan in the module tells.
fn draft_length(placed: &Module<'_>) -> u32 {
    passes::select_mapping::draft_length_in(placed).unwrap_or(0)
}

/// The decisions that give operations their roles.
fn settings(source: &Source) -> Result<Settings, Failure> {
    let mut settings = Settings {
        keep_placement: source.keep_placement,
        drafter: source.drafter.as_deref().map(Selector::parse),
        target: source.target.as_deref().map(Selector::parse),
        trial: iree::crash::trial(),
        ..Settings::default()
    };
    for given in &source.role {
        let (name, role) = given
            .rsplit_once('=')
            .and_then(|(name, role)| Some((name, role.parse().ok()?)))
            .ok_or_else(|| {
                Failure::usage(
                    Diagnostic::error(format!("`{given}` gives no name a role"))
                        .help("the plan was changed: place IN again"),
                )
            })?;
        settings.role_names.insert(name.to_owned(), role);
    }
    Ok(settings)
}
