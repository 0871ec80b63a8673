//! `specplace compile`: places a module and compiles it, in one process.
//!
//! The placed module goes to IREE's embedded compiler as bytecode in memory,
//! with the locations of IN, so that IREE's messages point into IN. That is
//! also the only difference to `specplace` and `iree-compile` one after the
//! other: OUT of `specplace` has no locations, or with `--emit-bytecode` the
//! same, and the programs are then the same byte for byte.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use ::report::{dot, plan as words, ranking};
use diagnostics::{Diagnostic, Failure, Status};
use dialects::Module;
use files::plan::{Source, to_json};
use iree::crash::CrashReport;
use iree::embed::{self, Compiler, Invocation, Phase};
use passes::Context;
use passes::verify_placement::Expectation;
use specplace_driver::args::{CompileArgs, Proof};
use specplace_driver::destinations::{Destinations, Inputs, check, plan_of};
use specplace_driver::flags::Flags;
use specplace_driver::input::is_standard_stream;
use specplace_driver::output::{self, Output, Staged, with_suffix};
use specplace_driver::plan_file;
use specplace_driver::printer::Printer;
use specplace_driver::progress::Progress;
use specplace_driver::{next_steps, shell};
use tools::{Scratch, Tools, version};

use super::place::{not_read_again, print_findings};
use super::{probe, verify, verify_placement};
use crate::interface::Interface;
use crate::pass_runner::{self, Timing};
use crate::{module_file, settings};

/// A report of more than this is not worth its time as text.
const READABLE: usize = 16 << 20;

/// Runs the verb.
///
/// # Errors
///
/// A [`Failure`]; OUT is not written then, but if IREE failed, the placed
/// module is kept, and named.
pub fn run(args: &CompileArgs, tools: Tools, printer: &mut Printer) -> Result<(), Failure> {
    version::check_unlimited("`specplace compile`")?;
    let destinations = destinations(args)?;
    let mut settings = settings::of(&args.decision)?;
    if args.explain {
        settings.ranks = ranking::RANKS;
    }

    let mut timing = Timing::start();
    if args.probe {
        probe::rule_out(&mut settings, &args.input, tools, &mut timing, printer)?;
    }
    let mut context = Context::new(settings);
    let progress = Progress::start(printer);
    let session = timing.step("start", iree::session);
    progress.step("read");
    let mut module = timing.step("read", || module_file::read(&session, &args.input, printer))?;
    let outcome = pass_runner::place(&mut module.lend(), &mut context, &mut timing, &progress);
    print_findings(&context, args.explain, printer);
    outcome?;
    let plan = context
        .plan
        .as_ref()
        .ok_or_else(|| Failure::bug("select-mapping left no plan behind"))?;
    let request = context
        .settings
        .request
        .as_ref()
        .ok_or_else(|| Failure::bug("nothing was asked"))?;
    let flags = Flags::of(plan, &request.platform, context.hoisting_flags());
    let source = plan_file::source(&args.input, &args.decision);
    printer.messages(&flags.warnings);
    let compile_flags = joined(&flags.compile, &args.iree_flags, printer);

    let report = Report::new(&args.output, &module, &compile_flags)?;
    embed::set_process_flags("specplace compile", &compile_flags, Status::Usage.code())
        .map_err(|said| Failure::usage(Diagnostic::error(said)))?;
    let compilation = Compilation {
        args,
        module: &module,
        bytecode: &report.bytecode,
    };
    let crash = report.prepare()?;
    let (staged, proof) = match compilation.run(&mut timing, &progress, printer) {
        Ok(done) => done,
        Err(mut failure) => {
            drop(progress);
            if failure.status == Status::Impossible {
                report.keep(crash, &mut failure);
            } else {
                // IREE did what it should: there is nothing to report of it.
                crash.not_needed();
            }
            return Err(failure);
        }
    };
    crash.not_needed();
    let mut values = None;
    if args.proof.verify == Some(Proof::All) {
        let subject = verify::Subject {
            name: &args.output,
            placed: &module,
            asked: &args.proof.values(),
            contents: &report.bytecode,
            source: source.as_ref().ok_or_else(not_read_again)?,
            compile_flags: compile_flags.iter().map(OsString::from).collect(),
            run_flags: flags.run.clone(),
            program: Some(staged.path()),
            tools,
        };
        values = Some(timing.step("verify values", || {
            verify::prove_values(&subject, &progress, printer)
        })?);
    }
    drop(progress);

    let mut said = vec![words::render(plan)];
    if args.explain {
        said.push(ranking::render(&context.ranking));
    }
    said.extend(proof);
    said.extend(values);
    write(&destinations, &flags, plan, source.as_ref(), staged)?;
    let archives: String = Interface::of(&module)
        .archives
        .iter()
        .map(|archive| format!(" --parameters {}=FILE.irpa", shell::word(archive)))
        .collect();
    said.push(next_steps::of_program(
        &destinations,
        &format!("{archives} --tokens ..."),
    ));
    if args.timing {
        said.push(timing.table());
    }
    printer.report(&said.join("\n"));
    Ok(())
}

fn destinations(args: &CompileArgs) -> Result<Destinations, Failure> {
    if is_standard_stream(&args.output) {
        return Err(Failure::usage(
            Diagnostic::error("a program is not written to standard output")
                .help("name a file with -o, or /dev/stdout"),
        ));
    }
    let destinations = Destinations {
        run_flags: (!output::is_special(&args.output))
            .then(|| with_suffix(&args.output, ".run.flags")),
        module: Some(args.output.clone()),
        plan: plan_of(args.plan_out.as_deref(), Some(&args.output)),
        graph: args.dot.clone(),
        ..Destinations::default()
    };
    let inputs = Inputs::of(&args.decision).with("IN", &args.input);
    check(destinations.written(), &inputs)?;
    if let Some(folder) = &args.dump_phases {
        fs::create_dir_all(folder)
            .map_err(|error| Failure::io(format!("cannot make {}", folder.display()), &error))?;
    }
    Ok(destinations)
}

/// The plan's flags and the user's; IREE takes each once, and the user's wins.
fn joined(planned: &[String], given: &[String], printer: &Printer) -> Vec<String> {
    let name = |flag: &str| {
        let name = flag.split('=').next().unwrap_or(flag);
        format!("--{}", name.trim_start_matches('-'))
    };
    let replaced = |flag: &&String| given.iter().any(|other| name(other) == name(flag));
    for flag in planned.iter().filter(replaced) {
        if !given.contains(flag) {
            printer.message(&Diagnostic::warning(format!(
                "{} of the plan gives way to what follows --",
                flag
            )));
        }
    }
    let kept = planned.iter().filter(|flag| !replaced(flag));
    kept.chain(given).cloned().collect()
}

/// One compilation of a placed module.
struct Compilation<'a> {
    args: &'a CompileArgs,
    module: &'a Module<'a>,
    bytecode: &'a [u8],
}

impl Compilation<'_> {
    /// Compiles, and writes the program, which is not yet in its place; gives
    /// the proof of placement as well if one was asked for.
    fn run(
        &self,
        timing: &mut Timing,
        progress: &Progress,
        printer: &Printer,
    ) -> Result<(Staged, Option<String>), Failure> {
        let compiler = Compiler::new();
        let name = self.args.input.display().to_string();
        progress.step("hand over to IREE");
        let mut invocation = timing
            .step("hand over", || compiler.read(&name, self.bytecode))
            .map_err(Failure::impossible)?;
        if let Some(folder) = &self.args.dump_phases {
            let told = invocation.dump_phases_to(folder);
            told.map_err(|said| Failure::usage(Diagnostic::error(said)))?;
        }
        let mut proof = None;
        if self.args.proof.verify.is_some() {
            progress.step("compile to the stream phase");
            let said = timing
                .step("compile to stream", || invocation.compile_to(Phase::Stream))
                .map_err(Failure::impossible)?;
            repeat(&said, printer);
            proof = Some(timing.step("verify-placement", || self.prove(&invocation))?);
        }
        progress.step("compile");
        let said = timing
            .step("compile", || invocation.compile_to(Phase::End))
            .map_err(Failure::impossible)?;
        repeat(&said, printer);
        progress.step("write");
        let staged = Staged::begin(&self.args.output)?;
        // IREE ends the process where it cannot write, as if it had crashed.
        timing
            .step("write", || {
                staged.fill(|path| invocation.write_program(path))
            })?
            .map_err(Failure::impossible)?;
        Ok((staged, proof))
    }

    fn prove(&self, invocation: &Invocation<'_>) -> Result<String, Failure> {
        let stream = invocation
            .bytecode()
            .map_err(|said| Failure::impossible(vec![Diagnostic::error(said)]))?;
        let expectation = Expectation::from_placed_module(self.module);
        verify_placement::compare(&expectation, &stream)
    }
}

fn repeat(said: &[Diagnostic], printer: &Printer) {
    for diagnostic in said {
        printer.message(diagnostic);
    }
}

/// What is left behind when IREE fails: the placed module, in a folder of its own
/// that takes no name of the user's.
struct Report {
    folder: Scratch,
    path: PathBuf,
    flags: String,
    bytecode: Vec<u8>,
    contents: Option<Vec<u8>>,
}

impl Report {
    fn new(output: &Path, module: &Module<'_>, flags: &[String]) -> Result<Self, Failure> {
        let bytecode = module.to_bytecode();
        let readable = bytecode.len() <= READABLE;
        let folder = Scratch::new()?;
        let name = with_suffix(
            Path::new(output.file_name().unwrap_or_default()),
            ".placed.mlir",
        );
        Ok(Self {
            contents: readable.then(|| module_file::serialize(module, false)),
            path: folder.path().join(name),
            folder,
            flags: flags
                .iter()
                .map(|flag| shell::word(flag))
                .collect::<Vec<_>>()
                .join(" "),
            bytecode,
        })
    }

    fn help(&self) -> String {
        format!(
            "the placed module is in {}; `iree-compile {} {} -o out.vmfb` does the same without specplace",
            self.path.display(),
            shell::path(&self.path),
            self.flags
        )
    }

    fn prepare(&self) -> Result<CrashReport, Failure> {
        let contents = self.contents.as_ref().unwrap_or(&self.bytecode);
        let message = format!(
            "error: IREE crashed while it compiled the placed module\n  = help: {}\n",
            self.help()
        );
        CrashReport::prepare(&self.path, contents, &message, Status::Impossible.code())
            .map_err(|error| output::failure(&self.path, &error))
    }

    /// Leaves the module there, and says where.
    fn keep(self, crash: CrashReport, failure: &mut Failure) {
        crash.needed();
        let last = failure.messages.last_mut();
        if let Some(last) = last.filter(|last| last.help.is_none()) {
            last.help = Some(self.help());
        }
        self.folder.keep();
    }
}

/// Puts everything into its place, OUT last.
fn write(
    destinations: &Destinations,
    flags: &Flags,
    plan: &cost::Plan,
    source: Option<&Source>,
    program: Staged,
) -> Result<(), Failure> {
    let mut outputs = Vec::new();
    let mut add = |path: &Option<PathBuf>, contents: String| {
        outputs.extend(path.clone().map(|path| Output {
            path,
            contents: contents.into_bytes(),
        }));
    };
    add(&destinations.run_flags, flags.run_file());
    add(&destinations.plan, to_json(plan, source)?);
    add(&destinations.graph, dot::of(plan));
    output::write_all_and(&outputs, Some(program))?;
    Ok(())
}
