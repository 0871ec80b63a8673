//! `specplace explore`.

use std::path::PathBuf;

use clap::Args;

use super::DecisionArgs;
use super::values::whole;

/// What the verb does, for its help.
pub const ABOUT: &str = "\
Lay open the whole design space: every variant, mapping and draft length, ranked

Evaluates all v·N^m points and prints the best of each design variant, the runner-up, the best points, the \
frontier of time against memory (and energy), and how far α and c can move. What the models demand comes from \
IN, from --workload, or, where everything is measured, from --profile alone; only IN needs IREE.

--alpha takes a list (0.9,0.17), and --acceptance FILE without a task takes every task in it.";

/// `specplace explore [IN] --alpha A,…`.
#[derive(Clone, Debug, Args)]
#[command(
    about = "Lay open the whole design space: every variant, mapping and draft length, ranked",
    long_about = ABOUT,
    override_usage = "specplace explore [--platform P] (IN | --workload FILE | --profile FILE) --alpha A,... [OPTIONS]"
)]
pub struct ExploreArgs {
    /// The module, or - for stdin
    #[arg(value_name = "IN", conflicts_with = "workload")]
    pub input: Option<PathBuf>,
    /// What the models demand, as --workload-out writes it
    #[arg(long, value_name = "FILE", help_heading = "Decision")]
    pub workload: Option<PathBuf>,

    #[command(flatten)]
    #[allow(
        missing_docs,
        reason = "clap would print it as the help of the first flag"
    )]
    pub decision: DecisionArgs,

    /// What to minimise: latency, energy, memory, or a product of them (energy*latency)
    #[arg(
        long,
        value_name = "METRIC*...",
        default_value = "latency",
        help_heading = "Space"
    )]
    pub objective: String,
    /// Keep to variants or draft lengths: cpu<=2, gamma>0
    #[arg(long = "where", value_name = "NAME<=N,...", help_heading = "Space")]
    pub conditions: Vec<String>,
    /// What the models may take of a memory, or of a unit's memory
    #[arg(long, value_name = "NAME=SIZE", help_heading = "Space")]
    pub memory: Vec<String>,
    /// How to search: auto, exhaustive, factored (exact as well, for large spaces)
    #[arg(
        long,
        value_name = "METHOD",
        default_value = "auto",
        help_heading = "Space"
    )]
    pub method: String,
    /// Cut each model into stages that are placed one by one: a number, or a file of stages
    #[arg(
        long,
        value_name = "N|FILE",
        help_heading = "Space",
        allow_negative_numbers = true
    )]
    pub stages: Option<String>,
    /// Each model runs through each unit at most once (with --stages)
    #[arg(long, requires = "stages", help_heading = "Space")]
    pub contiguous: bool,
    /// Chances that the target's token is the drafter's 1st, 2nd, … choice, for tree drafting
    #[arg(
        long,
        value_name = "P,...",
        value_delimiter = ',',
        help_heading = "Space",
        allow_negative_numbers = true
    )]
    pub ranks: Vec<f64>,
    /// c of the target with layers left out, for self-speculation
    #[arg(
        long,
        value_name = "C",
        help_heading = "Space",
        allow_negative_numbers = true
    )]
    pub self_c: Option<f64>,

    /// Points to print, the best first; files get all of them
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Output",
          allow_negative_numbers = true, value_parser = whole::<usize>(0, u64::MAX))]
    pub top: usize,
    /// Write every point as CSV
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub csv: Option<PathBuf>,
    /// Write everything as JSON
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Write a report with plots, in one file that needs no other
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// Measure how the time to search grows from 10^2 to 10^9 points, for the report
    #[arg(long, requires = "html", help_heading = "Output")]
    pub growth: bool,
    /// Write what IN demands, for --workload
    #[arg(long, value_name = "FILE", requires = "input", help_heading = "Output")]
    pub workload_out: Option<PathBuf>,
}
