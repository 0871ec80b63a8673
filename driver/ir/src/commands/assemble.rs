//! `specplace assemble`: two forward passes become one speculative module.

use std::path::{Path, PathBuf};

use diagnostics::{Diagnostic, Failure, Status};
use dialects::Session;
use iree::crash;
use passes::assemble::{Input, Options, assemble};
use specplace_driver::args::AssembleArgs;
use specplace_driver::destinations::{Inputs, check};
use specplace_driver::input::{is_standard_stream, was_used_up};
use specplace_driver::output::{self, Output};
use specplace_driver::printer::{Printer, to_stdout};
use specplace_driver::progress::Progress;
use specplace_driver::shell;

use crate::module_file;
use crate::pass_runner::crashed;

/// Runs the verb.
///
/// # Errors
///
/// A [`Failure`]; nothing is written then.
pub fn run(args: &AssembleArgs, printer: &mut Printer) -> Result<(), Failure> {
    let target = Source::parse(&args.target, "--target")?;
    let drafter = Source::parse(&args.drafter, "--drafter")?;
    if is_standard_stream(&target.path) && is_standard_stream(&drafter.path) {
        return Err(Failure::usage(
            Diagnostic::error("standard input cannot be read twice")
                .help("give the module with both functions as a file"),
        ));
    }
    let to_file = !is_standard_stream(&args.output);
    if to_file {
        let inputs = Inputs::default()
            .with("--target", &target.path)
            .with("--drafter", &drafter.path);
        check([("-o", &*args.output)], &inputs)?;
    }
    let options = Options {
        max_gamma: args.max_gamma,
        eos: args.eos.clone(),
        impose_acceptance: args.impose_acceptance,
        trial: crash::trial(),
    };

    let progress = Progress::start(printer);
    let session = iree::session();
    progress.step("read");
    let target = target.read(&session, printer)?;
    let drafter = drafter.read(&session, printer)?;
    progress.step("assemble");
    let said = crashed("while it lowered the two passes");
    let outcome = crash::saying(&said, Status::Impossible.code(), || {
        crash::sought(!was_used_up(), || {
            assemble(&session, target, drafter, &options)
        })
    });
    drop(progress);
    let assembled = outcome.map_err(Failure::impossible)?;
    for diagnostic in &assembled.diagnostics {
        printer.message(diagnostic);
    }

    let contents = module_file::serialize(&assembled.module, args.emit_bytecode);
    if !to_file {
        to_stdout(&contents)
            .map_err(|error| Failure::io("cannot write to standard output", &error))?;
        return Ok(());
    }
    output::write_all(&[Output {
        path: args.output.clone(),
        contents,
    }])?;
    let shown = args.output.display();
    printer.report(&format!(
        "wrote {shown}\nnext:\n  specplace {} -o OUT --alpha A",
        shell::path(&args.output)
    ));
    Ok(())
}

/// `FILE` or `FILE@FUNCTION`.
struct Source {
    path: PathBuf,
    function: Option<String>,
}

impl Source {
    fn parse(text: &str, flag: &str) -> Result<Self, Failure> {
        // A file may have @ in its name.
        let (path, function) = match text.rsplit_once('@') {
            Some((path, function)) if !Path::new(text).exists() => {
                (path, Some(function.to_owned()))
            }
            _ => (text, None),
        };
        if path.is_empty() || function.as_deref() == Some("") {
            return Err(Failure::usage(
                Diagnostic::error(format!("{flag} `{text}` names no file and function"))
                    .help(format!("give {flag} FILE or {flag} FILE@FUNCTION")),
            ));
        }
        Ok(Self {
            path: PathBuf::from(path),
            function,
        })
    }

    fn read<'s>(self, session: &'s Session, printer: &mut Printer) -> Result<Input<'s>, Failure> {
        let module = module_file::read(session, &self.path, printer)?;
        // One file by two names is still one file.
        let same = self
            .path
            .canonicalize()
            .unwrap_or_else(|_| self.path.clone());
        Ok(Input {
            module,
            file: self.path.display().to_string(),
            identity: same.display().to_string(),
            function: self.function,
        })
    }
}
