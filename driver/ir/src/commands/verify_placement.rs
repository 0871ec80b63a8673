//! `specplace verify-placement`: proves that iree-compile puts every dispatch
//! and every weight where the plan says.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use diagnostics::{Diagnostic, Failure};
use dialects::Module;
use passes::verify_placement::{Expectation, check};
use specplace_driver::args::VerifyArgs;
use specplace_driver::input::readable_again;
use specplace_driver::output::with_suffix;
use specplace_driver::printer::Printer;
use specplace_driver::progress::Progress;
use specplace_driver::shell;
use tools::{Tools, prefixed, said, version};

use crate::module_file;

/// The compiler of IREE.
const COMPILER: &str = "iree-compile";

/// The values of constants say nothing about placement, and there may be
/// gigabytes of them. Their names are kept.
const WITHOUT_VALUES: &str = "--mlir-elide-resource-strings-if-larger=16";

/// How much of a tool's own message is repeated.
const TOOL_LINES: usize = 40;

/// Runs the verb.
///
/// # Errors
///
/// A [`Failure`]: of status 1 when the proof fails, or iree-compile does.
pub fn run(args: &VerifyArgs, tools: Tools, printer: &mut Printer) -> Result<(), Failure> {
    version::check_unlimited("the proof of placement")?;
    let progress = Progress::start(printer);
    progress.step("read");
    let cannot_read =
        |error: io::Error| Failure::io(format!("cannot read {}", args.output.display()), &error);
    if args.stream.is_none() {
        readable_again(&args.output).map_err(cannot_read)?;
    }
    let session = iree::session();
    let placed = module_file::read(&session, &args.output, printer)?;
    let expectation = Expectation::from_placed_module(&placed);
    check_placed(&expectation, &args.output)?;
    let proof = match &args.stream {
        Some(file) => {
            let apart = iree::session();
            let stream = module_file::read(&apart, file, printer)?;
            verdict(&expectation, &stream)?
        }
        None => {
            let flags = args
                .flags
                .clone()
                .unwrap_or_else(|| with_suffix(&args.output, ".flags"));
            let argument = prefixed("@", &flags);
            if !flags.is_file() {
                return Err(Failure::usage(
                    Diagnostic::error(format!("{} is missing", flags.display())).help(
                        "it is written beside OUT; name it with --flags if it lies elsewhere",
                    ),
                ));
            }
            progress.step("iree-compile --compile-to=stream");
            let contents = fs::read(&args.output).map_err(cannot_read)?;
            let stream = stream_phase(tools, &contents, [argument])?;
            progress.step("verify");
            compare(&expectation, &stream)?
        }
    };
    drop(progress);
    printer.report(&proof);
    Ok(())
}

/// Where no function has a device, all that IREE does would be a violation.
pub(super) fn check_placed(expectation: &Expectation, given: &Path) -> Result<(), Failure> {
    let mut functions = expectation.functions.values();
    if functions.any(|function| function.device.is_some()) {
        return Ok(());
    }
    Err(Failure::usage(
        Diagnostic::error(format!("{} is not placed yet", given.display())).help(format!(
            "place it first: specplace {} -o OUT --alpha A",
            shell::path(given)
        )),
    ))
}

/// Proves the placement of a module that is not written yet (`--verify`).
/// `contents` is the module as it will be written; the answer is the text of
/// the proof.
///
/// # Errors
///
/// As for [`run`].
pub fn prove(
    tools: Tools,
    module: &Module<'_>,
    contents: &[u8],
    flags: &[String],
) -> Result<String, Failure> {
    let stream = stream_phase(tools, contents, flags.iter().map(OsString::from))?;
    let expectation = Expectation::from_placed_module(module);
    compare(&expectation, &stream)
}

/// The proof, or why there is none: `stream` is the IR of the stream phase. It
/// is read in a session of its own, as [`check`] asks for.
pub(super) fn compare(expectation: &Expectation, stream: &[u8]) -> Result<String, Failure> {
    let session = iree::session();
    let stream = iree::read(&session, stream).map_err(Failure::unreadable)?;
    verdict(expectation, &stream)
}

fn verdict(expectation: &Expectation, stream: &Module<'_>) -> Result<String, Failure> {
    let report = check(expectation, stream);
    if report.is_proven() {
        return Ok(report.render());
    }
    Err(Failure::impossible(vec![
        Diagnostic::error("iree-compile does not place the module as planned")
            .with_note(Diagnostic::note(report.render())),
    ]))
}

/// What iree-compile makes of `placed` at its stream phase, without the values
/// of constants.
pub(super) fn stream_phase(
    tools: Tools,
    placed: &[u8],
    flags: impl IntoIterator<Item = OsString>,
) -> Result<Vec<u8>, Failure> {
    let compiler = tools.find(COMPILER)?;
    let mut arguments: Vec<OsString> = ["--compile-to=stream", "-", "-o", "-", WITHOUT_VALUES]
        .map(OsString::from)
        .into();
    arguments.extend(flags);
    let (done, status) = compiler.run_in_time(&arguments, Some(placed))?;
    if status.success() {
        return Ok(done.stdout.into_bytes());
    }
    let lines: Vec<&str> = done.stderr.lines().take(TOOL_LINES).collect();
    Err(Failure::impossible(vec![
        Diagnostic::error(format!(
            "{COMPILER} does not compile the placed module ({status})"
        ))
        .with_note(Diagnostic::note(said(&lines.join("\n")))),
    ]))
}
