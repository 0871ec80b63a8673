//! `specplace explore`: the whole design space, for a person or a file. This
//! half needs no IR; with IN, `specplace-ir` finds the workload and comes here.

use std::path::Path;

use ::report::explore::plots::Figure;
use ::report::explore::{csv, growth as growth_report, html, stages, table};
use cost::explore::{Exploration, ExploreError, Filter, Query, Rate, explore, limit_memory};
use cost::platform::Variant;
use cost::search::{DEFAULT_MAX_GAMMA, Reason, SearchError, check_positions};
use cost::stages::{StageGraph, StageOptions, StagePlan, StagesError, solve};
use cost::{CostError, Request, Workload};
use diagnostics::{Diagnostic, Failure, Severity};
use files::workload;

use crate::args::ExploreArgs;
use crate::destinations::{Inputs, check};
use crate::growth;
use crate::output::{self, Output, no_json};
use crate::printer::{Printer, to_stdout};
use crate::request;

/// Runs the verb without IN.
///
/// # Errors
///
/// A [`Failure`]: nothing is written then.
pub fn run(args: &ExploreArgs, printer: &Printer) -> Result<(), Failure> {
    let question = Question::of(args)?;
    let workload = match (&args.workload, &question.request.profile) {
        (Some(path), _) => workload::load(request::text_of(path)?)?,
        (None, Some(profile)) => {
            let longest = args.decision.max_gamma.unwrap_or(DEFAULT_MAX_GAMMA);
            profile.workload(longest)
        }
        (None, None) => {
            return Err(Failure::usage(
                Diagnostic::error("nothing says what the models demand")
                    .help("give a module, --workload FILE, or --profile FILE with all latencies"),
            ));
        }
    };
    question.answer(args, workload, printer)
}

/// Everything that was asked, before it is known what the models demand.
#[derive(Debug)]
pub struct Question {
    request: Request,
    rates: Vec<Rate>,
    filter: Filter,
    objective: cost::explore::Objective,
    method: cost::explore::Method,
    ranks: Option<Vec<f64>>,
    self_c: Option<f64>,
    stages: Option<Stages>,
}

/// How models are cut.
#[derive(Debug)]
enum Stages {
    /// Each into so many, once it is known what the models demand.
    Evenly(u32),
    /// As a file says.
    Given(StageGraph),
}

impl Stages {
    fn of(given: &str) -> Result<Self, Failure> {
        match given.parse::<u32>() {
            Ok(count) => Ok(Self::Evenly(count)),
            Err(_) if given.is_empty() || given.parse::<f64>().is_ok() => {
                Err(StagesError::NoCount {
                    given: given.to_owned(),
                }
                .into())
            }
            Err(_) => Ok(Self::Given(files::stages::load(given)?)),
        }
    }
}

impl Question {
    /// Reads files and checks what can be checked before IN is read.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 2.
    pub fn of(args: &ExploreArgs) -> Result<Self, Failure> {
        check_files(args)?;
        let rates = request::rates(&args.decision)?;
        let first = rates.first().cloned().ok_or(ExploreError::NoRate)?;
        let mut request = request::question(&args.decision, first)?;
        for rate in &rates {
            check_positions(request.model, rate.per_position.as_deref())?;
        }
        for text in &args.memory {
            limit_memory(text, &mut request.platform, &mut request.memory_limits)?;
        }
        let conditions = args.conditions.iter().map(String::as_str);
        Ok(Self {
            filter: Filter::parse(conditions, &request.platform)?,
            objective: args.objective.parse()?,
            method: args.method.parse()?,
            ranks: (!args.ranks.is_empty()).then(|| args.ranks.clone()),
            self_c: args.self_c,
            stages: args.stages.as_deref().map(Stages::of).transpose()?,
            request,
            rates,
        })
    }

    /// Explores, prints, and writes the files.
    ///
    /// # Errors
    ///
    /// A [`Failure`], with status 1 when nothing is legal.
    pub fn answer(
        self,
        args: &ExploreArgs,
        mut workload: Workload,
        printer: &Printer,
    ) -> Result<(), Failure> {
        if let Some(length) = args.decision.seq_len {
            workload.sequence_length = Some(length);
        }
        let query = Query {
            request: Request {
                workload,
                ..self.request
            },
            rates: self.rates,
            objective: self.objective,
            filter: self.filter,
            method: self.method,
            ranks: self.ranks,
            self_c: self.self_c,
        };
        let exploration = match explore(&query) {
            Ok(found) => Some(found),
            Err(error) if self.stages.is_some() && is_for_stages(&error, &query) => {
                let error = CostError::from(error);
                points_are_not_wanted(args, &error)?;
                printer.message(&Diagnostic {
                    severity: Severity::Warning,
                    help: Some("what stages can do without one is below".to_owned()),
                    ..Diagnostic::from(&error)
                });
                None
            }
            Err(error) => return Err(error.into()),
        };
        let staged = match self.stages {
            Some(stages) => staged(stages, args.contiguous, &query)?,
            None => Vec::new(),
        };
        let mut outputs = Vec::new();
        if let Some(path) = &args.workload_out {
            let json = serde_json::to_string_pretty(&query.request.workload).map_err(no_json)?;
            outputs.push(file(path, json + "\n"));
        }
        if let (Some(path), Some(found)) = (&args.csv, &exploration) {
            let pus = query.request.platform.pus.iter();
            let names: Vec<String> = pus.map(|pu| pu.name.clone()).collect();
            let text = csv::render(found, &names)
                .map_err(|error| Failure::bug(format!("CSV cannot be written: {error}")))?;
            outputs.push(file(path, text));
        }
        if let Some(path) = &args.json {
            let mut json = match &exploration {
                Some(found) => serde_json::to_value(found).map_err(no_json)?,
                None => serde_json::json!({}),
            };
            if !staged.is_empty() {
                json["stages"] =
                    serde_json::to_value(staged.iter().map(|(_, plan)| plan).collect::<Vec<_>>())
                        .map_err(no_json)?;
            }
            outputs.push(file(
                path,
                serde_json::to_string_pretty(&json).map_err(no_json)? + "\n",
            ));
        }
        if let (Some(path), Some(found)) = (&args.html, &exploration) {
            outputs.push(file(path, report(args, &query, found, &staged)?));
        }
        output::write_all(&outputs)?;
        for warning in exploration.iter().flat_map(Exploration::warnings) {
            printer.message(&Diagnostic::warning(warning));
        }
        let tables = exploration
            .iter()
            .map(|found| table::render(found, args.top));
        let of_stages = staged
            .iter()
            .map(|(alpha, plan)| stages::render(*alpha, plan));
        let text: Vec<String> = tables.chain(of_stages).collect();
        to_stdout(text.join("\n").as_bytes())
            .map_err(|error| Failure::io("cannot write to standard output", &error))?;
        Ok(())
    }
}

/// Whether whole models fit nowhere because of their weights alone, which is
/// what stages are for: their search knows nothing of activations and control.
fn is_for_stages(error: &ExploreError, query: &Query) -> bool {
    let ExploreError::Search(SearchError::Infeasible(found)) = error else {
        return false;
    };
    let memories = query.request.platform.memories.len();
    let too_small = |reason: &&Reason| matches!(reason, Reason::Memory { .. });
    let mut reasons = found.reasons.iter().filter(too_small).peekable();
    reasons.peek().is_some() && reasons.all(|reason| reason.is_for_stages(memories))
}

/// Without a mapping of whole models there are no points to write or to draw.
fn points_are_not_wanted(args: &ExploreArgs, why: &CostError) -> Result<(), Failure> {
    let wanted = [("--csv", &args.csv), ("--html", &args.html)];
    let wanted: Vec<&str> = wanted
        .into_iter()
        .filter_map(|(flag, path)| path.as_ref().map(|_| flag))
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    Err(Failure::impossible(vec![Diagnostic::from(why).help(
        format!(
            "leave out {}, for which there are no points; the stages, which are placed by \
         themselves, are printed, and go to --json",
            wanted.join(" and ")
        ),
    )]))
}

/// What is written is written to files of their own, none of which is read.
fn check_files(args: &ExploreArgs) -> Result<(), Failure> {
    let outputs = [
        ("--csv", &args.csv),
        ("--json", &args.json),
        ("--html", &args.html),
        ("--workload-out", &args.workload_out),
    ];
    let mut inputs = Inputs::of(&args.decision);
    if let Some(path) = &args.input {
        inputs = inputs.with("IN", path);
    }
    if let Some(path) = &args.workload {
        inputs = inputs.with("--workload", path);
    }
    // A number is no file, whatever lies here under its name.
    if let Some(given) = args.stages.as_ref().filter(|it| it.parse::<u32>().is_err()) {
        inputs = inputs.with("--stages", given);
    }
    let written = outputs.map(|(flag, path)| Some((flag, path.as_deref()?)));
    check(written.into_iter().flatten(), &inputs)
}

/// The best placement of stages for every rate.
fn staged(
    stages: Stages,
    contiguous: bool,
    query: &Query,
) -> Result<Vec<(f64, StagePlan)>, Failure> {
    let gammas = query.draft_lengths()?;
    let graph = match stages {
        Stages::Evenly(count) => StageGraph::evenly(&query.request.workload, count)?,
        Stages::Given(graph) => graph,
    };
    let options = StageOptions {
        contiguous,
        ..StageOptions::default()
    };
    let solved = query.rates.iter().map(|rate| {
        let request = Request {
            alpha: rate.alpha,
            ..query.request.clone()
        };
        let allows = |variant: &Variant| query.filter.allows_variant(variant);
        let plan = solve(&request, &graph, &gammas, &options, allows)?;
        Ok((rate.alpha, plan))
    });
    solved.collect()
}

fn report(
    args: &ExploreArgs,
    query: &Query,
    found: &Exploration,
    staged: &[(f64, StagePlan)],
) -> Result<String, Failure> {
    let mut extra: Vec<Figure> = Vec::new();
    let drawn = |error: String| Failure::usage(Diagnostic::error(format!("cannot draw: {error}")));
    if args.growth {
        let sizes = growth::measure(&query.request)?;
        let stages = growth::measure_stages(&query.request).unwrap_or_default();
        extra.push(growth_report::figure(&sizes, &stages).map_err(drawn)?);
    }
    let texts: Vec<String> = staged
        .iter()
        .map(|(alpha, plan)| stages::render(*alpha, plan))
        .collect();
    html::render(found, &texts, &extra).map_err(drawn)
}

fn file(path: &Path, contents: String) -> Output {
    Output {
        path: path.to_path_buf(),
        contents: contents.into_bytes(),
    }
}
