//! `--probe`: what a platform's table does not know is tried before planning.
//!
//! The best plan is made, and iree-compile is given each model of it alone, for the
//! unit that it is on. Where that fails, the unit is ruled out for the model, with
//! what was said, and the next best plan is made; until everything compiles, or
//! nothing is left. So only what would be chosen is compiled, and each of it once.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use cost::search::Probed;
use diagnostics::{Diagnostic, Failure};
use passes::values::{alone, parts_of};
use passes::{Context, Settings};
use specplace_driver::flags::Flags;
use specplace_driver::input::is_standard_stream;
use specplace_driver::printer::Printer;
use specplace_driver::progress::Progress;
use tools::{Scratch, Tool, Tools};

use crate::module_file;
use crate::pass_runner::{self, Timing};

/// Adds to `settings` what IREE does not compile, until the best plan that is left
/// compiles. Where no plan is left, planning once more says why.
///
/// # Errors
///
/// A [`Failure`]: IN cannot be read twice, or not at all, or iree-compile cannot be
/// started.
pub fn rule_out(
    settings: &mut Settings,
    input: &Path,
    tools: Tools,
    timing: &mut Timing,
    printer: &mut Printer,
) -> Result<(), Failure> {
    if is_standard_stream(input) {
        return Err(Failure::usage(
            Diagnostic::error("--probe places IN more than once, and stdin can be read once")
                .help("give IN as a file"),
        ));
    }
    let tool = tools.find("iree-compile")?;
    let scratch = Scratch::new()?;
    let mut compiled = HashSet::new();
    loop {
        let found = timing.step("probe", || {
            let trial = Trial {
                tool: &tool,
                folder: scratch.path(),
                input,
            };
            trial.run(settings, &mut compiled, printer)
        })?;
        match (found, &mut settings.request) {
            (Some(found), Some(request)) if !request.probed.contains(&found) => {
                request.probed.push(found);
            }
            _ => return Ok(()),
        }
    }
}

struct Trial<'a> {
    tool: &'a Tool,
    folder: &'a Path,
    input: &'a Path,
}

impl Trial<'_> {
    /// Plans, and compiles what was not compiled before; gives the first that fails.
    fn run(
        &self,
        settings: &Settings,
        compiled: &mut HashSet<u64>,
        printer: &mut Printer,
    ) -> Result<Option<Probed>, Failure> {
        let session = iree::session();
        let mut module = module_file::read(&session, self.input, printer)?;
        let mut context = Context::new(settings.clone());
        let progress = Progress::start(printer);
        let mut timing = Timing::start();
        let placed = pass_runner::place(&mut module.lend(), &mut context, &mut timing, &progress);
        // What is wrong is said when it is placed for good.
        let (Ok(()), Some(plan), Some(request)) =
            (placed, &context.plan, &context.settings.request)
        else {
            return Ok(None);
        };
        let flags = Flags::of(plan, &request.platform, context.hoisting_flags());
        let contents = module.to_bytecode();
        for (part, device) in parts_of(&module) {
            let session = iree::session();
            let module = iree::read(&session, &contents).map_err(Failure::unreadable)?;
            if !alone(&module, part, &device) {
                continue;
            }
            let alone = module.to_bytecode();
            let mut hasher = DefaultHasher::new();
            (&alone, &flags.compile).hash(&mut hasher);
            if !compiled.insert(hasher.finish()) {
                continue;
            }
            let Some(place) = plan.roles.get(&part) else {
                continue;
            };
            let pu = &place.pu;
            progress.step(format!("iree-compile {part} for {pu}"));
            if let Some(said) = self.fails(&alone, &flags.compile)? {
                return Ok(Some(Probed {
                    role: part,
                    pu: pu.clone(),
                    said,
                }));
            }
        }
        Ok(None)
    }

    /// What iree-compile says first of a module that it does not compile.
    fn fails(&self, contents: &[u8], flags: &[String]) -> Result<Option<String>, Failure> {
        let source = self.folder.join("probe.mlirbc");
        fs::write(&source, contents)
            .map_err(|error| Failure::io(format!("cannot write {}", source.display()), &error))?;
        let mut arguments: Vec<OsString> = vec![source.into()];
        arguments.extend(flags.iter().map(OsString::from));
        arguments.extend(["-o".into(), self.folder.join("probe.vmfb").into()]);
        let (done, status) = self.tool.run_in_time(&arguments, None)?;
        Ok((!status.success()).then(|| done.first_error()))
    }
}
