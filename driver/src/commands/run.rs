//! `specplace run`: calls a compiled program and says what came of it: tokens
//! or text, how fast, and how many drafts were accepted.
//!
//! It wraps iree-run-module for the result and iree-benchmark-module for the
//! times, in which loading does not count.
//!
//! A program of speculative sampling takes a row of tokens, how many of them
//! there are and, if it generates, where to stop; it gives the row and the
//! number as they are then, and if it counts them, rounds and a histogram of
//! drafts accepted per round. That is the form of the modules in
//! `examples/pair` and of what `specplace assemble` writes.

mod call;
mod summary;
mod timing;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::args::RunArgs;
use crate::input::readable_again;
use crate::output::{no_json, with_suffix};
use crate::plan_file;
use crate::printer::{Printer, to_stdout};
use crate::shell;
use crate::tokenizer::Tokenizer;

use call::Call;
use diagnostics::{Diagnostic, Failure};
use summary::Summary;
use tools::archives::check_weights;
use tools::program::{Signature, Unknown, functions};
use tools::{Tools, prefixed};

/// Runs the verb.
///
/// # Errors
///
/// A [`Failure`]: of status 2 when the call makes no sense, of status 1 when
/// the program fails.
pub fn run(args: &RunArgs, tools: Tools, printer: &Printer) -> Result<(), Failure> {
    let tokenizer = args.tokenizer.as_deref().map(Tokenizer::load).transpose()?;
    let runner = tools.find("iree-run-module")?;
    let functions = functions(&args.program, tools).map_err(|unknown| match unknown {
        Unknown::NoProgram(said) => Failure::usage(no_program(&args.program, &said)),
        Unknown::Failed(failure) => failure,
    })?;
    let signature = chosen(functions, args)?;
    let flags = flags(args)?;
    let gamma = draft_length(args)?;
    for given in &args.parameters {
        check_weights(given)?;
    }
    let call = Call::new(args, &signature, tokenizer.as_ref())?;

    let mut common = flags;
    common.push(prefixed("--module=", &args.program));
    common.push(format!("--function={}", signature.name).into());
    common.extend(
        args.parameters
            .iter()
            .map(|each| format!("--parameters={each}").into()),
    );
    common.extend(call.inputs().into_iter().map(OsString::from));
    common.extend(args.iree_flags.iter().map(OsString::from));

    let (result, lost) = call.run(&runner, &common, signature.results)?;
    let mut report = Summary::new(&call, result, gamma, tokenizer.as_ref());
    report.function.clone_from(&signature.name);
    report.lost_devices = lost;
    if args.repeat > 0 {
        let benchmark = tools.find("iree-benchmark-module")?;
        report.time(timing::measure(&benchmark, &common, args.repeat)?);
    }
    if gamma.is_none() && report.histogram.is_some() {
        report.warnings.push(without_plan(args));
    }
    printer.messages(&report.warnings);
    let text = if args.json {
        serde_json::to_string(&report).map_err(no_json)? + "\n"
    } else {
        report.render()
    };
    to_stdout(text.as_bytes())
        .map_err(|error| Failure::io("cannot write to standard output", &error))?;
    Ok(())
}

/// The function to call.
fn chosen(functions: Vec<Signature>, args: &RunArgs) -> Result<Signature, Failure> {
    let names: Vec<&str> = functions.iter().map(|each| each.name.as_str()).collect();
    let listed = if names.is_empty() {
        "it has none that can be called".to_owned()
    } else {
        format!("it has {}", names.join(", "))
    };
    let wanted = match (&args.function, &functions[..]) {
        (Some(name), _) => name.trim_start_matches('@'),
        (None, [only]) => &only.name,
        (None, _) if names.contains(&"generate") => "generate",
        (None, _) => {
            return Err(Failure::usage(
                Diagnostic::error(format!(
                    "which function of {} is to be called?",
                    args.program.display()
                ))
                .help(format!("{listed}: name one with --function")),
            ));
        }
    };
    let found = functions.iter().find(|each| each.name == wanted);
    found.cloned().ok_or_else(|| {
        Failure::usage(
            Diagnostic::error(format!(
                "{} has no function {wanted}",
                args.program.display()
            ))
            .help(listed.clone()),
        )
    })
}

/// The flag for the file of flags.
fn flags(args: &RunArgs) -> Result<Vec<OsString>, Failure> {
    let path = args
        .run_flags
        .clone()
        .unwrap_or_else(|| with_suffix(&args.program, ".run.flags"));
    match readable_again(&path).and_then(|()| fs::File::open(&path)) {
        Ok(_) => Ok(vec![prefixed("--flagfile=", &path)]),
        // Whoever names devices knows what the module wants.
        Err(_)
            if args.run_flags.is_none()
                && args
                    .iree_flags
                    .iter()
                    .any(|flag| flag.starts_with("--device")) =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(
            Failure::io(format!("cannot read {}", path.display()), &error).help(format!(
                "it is written beside the module and names its devices in order; give it with --run-flags, or the \
                 devices themselves: specplace run {} ... -- --device=local-task",
                shell::path(&args.program)
            )),
        ),
    }
}

/// Where the plan is.
fn plan_path(args: &RunArgs) -> PathBuf {
    let beside = || with_suffix(&args.program, files::plan::SUFFIX);
    args.plan.clone().unwrap_or_else(beside)
}

/// The draft length, as the user or the plan says. A program may have none beside it.
fn draft_length(args: &RunArgs) -> Result<Option<u32>, Failure> {
    let path = plan_path(args);
    if args.gamma.is_some() || args.plan.is_none() && !path.exists() {
        return Ok(args.gamma);
    }
    Ok(Some(plan_file::read(&path)?.gamma))
}

/// That nothing says what the acceptance rate depends on.
fn without_plan(args: &RunArgs) -> Diagnostic {
    Diagnostic::warning(format!(
        "{} is not there, so that the acceptance rate is not known",
        plan_path(args).display()
    ))
    .help(
        "it is written beside the module and says the draft length: name it with --plan, or give the draft length \
         itself with --gamma",
    )
}

fn no_program(given: &Path, said: &str) -> Diagnostic {
    Diagnostic::error(format!("{} is no compiled program", given.display()))
        .with_note(Diagnostic::note(format!("iree-dump-module said\n{said}")))
        .help(format!(
            "compile one: specplace compile IN -o {} --alpha A",
            shell::path(&given.with_extension("vmfb"))
        ))
}
