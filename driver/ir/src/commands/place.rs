//! `specplace IN -o OUT`: decides, and writes IR that iree-compile places that
//! way.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ::report::{dot, plan, ranking};
use cost::Plan;
use diagnostics::{Diagnostic, Failure, Severity};
use dialects::Module;
use files::plan::{Source, to_json};
use passes::Context;
use specplace_driver::args::{PlaceArgs, Proof};
use specplace_driver::destinations::Destinations;
use specplace_driver::flags::Flags;
use specplace_driver::next_steps;
use specplace_driver::output::{self, Output};
use specplace_driver::plan_file;
use specplace_driver::printer::{Printer, to_stdout};
use specplace_driver::progress::Progress;
use tools::{Tools, version};

use super::{probe, verify, verify_placement};
use crate::interface::Interface;
use crate::pass_runner::{self, Timing};
use crate::{module_file, settings, targets};

/// Runs the verb.
///
/// # Errors
///
/// A [`Failure`]; nothing is written then.
pub fn run(args: &PlaceArgs, tools: Tools, printer: &mut Printer) -> Result<(), Failure> {
    // Clap requires IN for this verb.
    let input = args
        .input
        .as_deref()
        .ok_or_else(|| Failure::bug("IN is missing"))?;
    if args.proof.verify.is_some() {
        version::check_unlimited("the proof of placement")?;
    }
    let destinations = Destinations::of(&args.output, input, &args.decision)?;
    let mut settings = settings::of(&args.decision)?;
    if args.explain {
        settings.ranks = ranking::RANKS;
    }

    let mut timing = Timing::start();
    if args.probe {
        probe::rule_out(&mut settings, input, tools, &mut timing, printer)?;
    }
    let mut context = Context::new(settings);
    let progress = Progress::start(printer);
    let session = timing.step("start", iree::session);
    progress.step("read");
    let mut module = timing.step("read", || module_file::read(&session, input, printer))?;
    let outcome = pass_runner::place(&mut module.lend(), &mut context, &mut timing, &progress);
    if let Err(failure) = outcome {
        drop(progress);
        print_findings(&context, args.explain, printer);
        return Err(failure);
    }

    let placed = Placed::of(
        &module,
        &context,
        &Asked {
            args,
            tools,
            destinations: &destinations,
        },
        &mut timing,
        &progress,
        printer,
    );
    drop(progress);
    print_findings(&context, args.explain, printer);
    let placed = placed?;
    printer.messages(&placed.flags.warnings);

    let mut said = vec![plan::render(placed.plan)];
    said.extend(placed.proof.clone());
    said.push(next_steps::of_module(
        &destinations,
        &placed.flags,
        &Interface::of(&module).arguments(),
    ));
    if args.explain {
        said.insert(1, ranking::render(&context.ranking));
    }
    timing.step("write", || placed.write(&destinations))?;
    if args.timing {
        said.push(timing.table());
    }
    printer.report(&said.join("\n"));
    // The process ends here, and the system takes the memory back at once:
    // freeing it operation by operation takes as long as a pass.
    std::mem::forget(module);
    std::mem::forget(session);
    Ok(())
}

/// Remarks and warnings come before the report. Remarks are the evidence for
/// what was decided: a line each, with the rest of it when it was asked for.
pub(super) fn print_findings(context: &Context, explain: bool, printer: &Printer) {
    for diagnostic in &context.remarks {
        if diagnostic.severity == Severity::Remark && !explain {
            printer.message(&Diagnostic {
                place: None,
                offending: None,
                notes: Vec::new(),
                ..diagnostic.clone()
            });
        } else {
            printer.message(diagnostic);
        }
    }
}

/// The reference is made of IN once more.
pub(super) fn not_read_again() -> Failure {
    Failure::usage(
        Diagnostic::error("the proof of values reads IN again, and IN is no file")
            .help("give IN as a file, or prove the placement alone: --verify=placement"),
    )
}

/// The arguments, what proves with them, and where everything goes.
struct Asked<'a> {
    args: &'a PlaceArgs,
    tools: Tools,
    destinations: &'a Destinations,
}

/// A placed module, ready to be written.
struct Placed<'a> {
    contents: Vec<u8>,
    plan: &'a Plan,
    flags: Flags,
    source: Option<Source>,
    proof: Option<String>,
}

impl<'a> Placed<'a> {
    fn of(
        module: &Module<'_>,
        context: &'a Context,
        asked: &Asked<'_>,
        timing: &mut Timing,
        progress: &Progress,
        printer: &mut Printer,
    ) -> Result<Self, Failure> {
        let Asked {
            args,
            tools,
            destinations,
        } = *asked;
        let plan = context
            .plan
            .as_ref()
            .ok_or_else(|| Failure::bug("select-mapping left no plan behind"))?;
        let request = context
            .settings
            .request
            .as_ref()
            .ok_or_else(|| Failure::bug("nothing was asked"))?;
        let mut flags = Flags::of(plan, &request.platform, context.hoisting_flags());
        let source = args
            .input
            .as_deref()
            .and_then(|input| plan_file::source(input, &args.decision));
        if args.output.embed_targets || destinations.module.is_none() {
            let placement = context
                .placement
                .as_ref()
                .ok_or_else(|| Failure::bug("select-mapping left no placement behind"))?;
            let warnings = timing.step("embed-targets", || {
                targets::embed(module, placement, &plan.devices)
            })?;
            flags = flags.without_devices(&plan.devices);
            flags.warnings.extend(warnings);
        }

        progress.step("write");
        let bytecode = args.output.emit_bytecode;
        let contents = timing.step("serialize", || module_file::serialize(module, bytecode));
        let mut proof = None;
        if let Some(what) = args.proof.verify {
            progress.step("iree-compile --compile-to=stream");
            let mut said = timing.step("verify-placement", || {
                verify_placement::prove(tools, module, &contents, &flags.compile)
            })?;
            if what == Proof::All {
                let source = source.as_ref().ok_or_else(not_read_again)?;
                let subject = verify::Subject {
                    name: destinations.module.as_deref().unwrap_or(Path::new("out")),
                    placed: module,
                    asked: &args.proof.values(),
                    contents: &contents,
                    source,
                    compile_flags: flags.compile.iter().map(OsString::from).collect(),
                    run_flags: flags.run.clone(),
                    program: None,
                    tools,
                };
                said.push('\n');
                said.push_str(&timing.step("verify values", || {
                    verify::prove_values(&subject, progress, printer)
                })?);
            }
            proof = Some(said);
        }
        Ok(Self {
            contents,
            plan,
            flags,
            source,
            proof,
        })
    }

    /// Puts every file into place, OUT last.
    fn write(self, destinations: &Destinations) -> Result<(), Failure> {
        let mut outputs = Vec::new();
        let mut add = |path: &Option<PathBuf>, contents: &dyn Fn() -> Result<String, Failure>| {
            if let Some(path) = path {
                outputs.push(Output {
                    path: path.clone(),
                    contents: contents()?.into_bytes(),
                });
            }
            Ok::<(), Failure>(())
        };
        add(&destinations.compile_flags, &|| {
            Ok(self.flags.compile_file())
        })?;
        add(&destinations.run_flags, &|| Ok(self.flags.run_file()))?;
        add(&destinations.plan, &|| {
            Ok(to_json(self.plan, self.source.as_ref())?)
        })?;
        add(&destinations.graph, &|| Ok(dot::of(self.plan)))?;
        match &destinations.module {
            Some(path) => {
                outputs.push(Output {
                    path: path.clone(),
                    contents: self.contents,
                });
                output::write_all(&outputs)
            }
            None => {
                output::write_all(&outputs)?;
                to_stdout(&self.contents)
                    .map_err(|error| Failure::io("cannot write to standard output", &error))
            }
        }
    }
}
