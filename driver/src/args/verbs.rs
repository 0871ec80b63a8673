//! The arguments of the verbs that have IREE do something.

use std::path::PathBuf;

use clap::Args;

use super::values::whole;
use super::{DecisionArgs, ProofArgs};

/// `specplace compile IN -o OUT.vmfb --alpha A -- FLAGS`.
#[derive(Clone, Debug, Args)]
pub struct CompileArgs {
    /// The module: .mlir, .mlirbc, either of them as .gz, or - for stdin
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// Flags for IREE's compiler, beside those of the plan. A flag that the plan has too replaces
    /// it. Those of iree-compile as a program (-o, --compile-to, --output-format ...) are not known
    /// here
    #[arg(last = true, value_name = "IREE-FLAGS")]
    pub iree_flags: Vec<String>,

    /// The program for iree-run-module. iree-run-module's flags go beside it, as .run.flags, and
    /// the plan, as .plan.json
    #[arg(
        short,
        long = "output",
        value_name = "OUT.vmfb",
        help_heading = "Output"
    )]
    pub output: PathBuf,
    /// Where the plan goes, as JSON [default: OUT.vmfb with .plan.json for its extension]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub plan_out: Option<PathBuf>,
    /// Write the subgraphs, their devices and what crosses between them as a Graphviz graph
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub dot: Option<PathBuf>,
    /// Write the IR after each of IREE's phases to files in this folder, which is made
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub dump_phases: Option<PathBuf>,
    #[command(flatten)]
    #[allow(
        missing_docs,
        reason = "clap would print it as the help of the first flag"
    )]
    pub proof: ProofArgs,
    /// Try with iree-compile, model by model, what the plan puts where, and rule out what fails
    #[arg(long, help_heading = "Decision")]
    pub probe: bool,
    /// Print the evidence for each role, and every mapping with its cost
    #[arg(long, help_heading = "Output")]
    pub explain: bool,
    /// Print the time of each pass, on the clock and on the processor
    #[arg(long, help_heading = "Output")]
    pub timing: bool,

    #[command(flatten)]
    #[allow(
        missing_docs,
        reason = "clap would print it as the help of the first flag"
    )]
    pub decision: DecisionArgs,
}

/// `specplace run OUT.vmfb`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// The program, as `specplace compile` or iree-compile wrote it
    #[arg(value_name = "OUT.vmfb")]
    pub program: PathBuf,
    /// More flags for iree-run-module and iree-benchmark-module
    #[arg(last = true, value_name = "IREE-FLAGS")]
    pub iree_flags: Vec<String>,

    /// The flags for iree-run-module: the devices, in the order of the module [default: OUT with
    /// .run.flags for its extension]
    #[arg(long, value_name = "FILE")]
    pub run_flags: Option<PathBuf>,
    /// The plan, which says the draft length [default: OUT with .plan.json for its extension]
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The function to call [default: the only one, or `generate`]
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// The weights
    #[arg(long, value_name = "SCOPE=FILE.irpa")]
    pub parameters: Vec<String>,

    /// The prompt, as text
    #[arg(
        long,
        value_name = "TEXT",
        requires = "tokenizer",
        conflicts_with = "tokens",
        help_heading = "Input"
    )]
    pub prompt: Option<String>,
    /// The prompt, as tokens: numbers, or a .npy file
    #[arg(long, value_name = "@FILE.npy|N,N,...", help_heading = "Input")]
    pub tokens: Option<String>,
    /// From text to tokens and back: a tokenizer.json
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub tokenizer: Option<PathBuf>,
    /// How many of the tokens are the prompt [default: all but the zeros at the end]
    #[arg(long, value_name = "N", help_heading = "Input", allow_negative_numbers = true,
          value_parser = whole::<u64>(1, u64::MAX))]
    pub length: Option<u64>,
    /// Stop at so many tokens, prompt and all, where the function takes a limit [default: as many as
    /// fit]
    #[arg(long, value_name = "N", help_heading = "Input", allow_negative_numbers = true,
          value_parser = whole::<u64>(1, u64::MAX))]
    pub limit: Option<u64>,

    /// How many timed runs; 0 for none
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Output",
          allow_negative_numbers = true, value_parser = whole::<u32>(0, u32::MAX.into()))]
    pub repeat: u32,
    /// The draft length that the program was compiled for, which the acceptance rate depends on
    /// [default: as the plan says]
    #[arg(long, value_name = "N", help_heading = "Output", allow_negative_numbers = true,
          value_parser = whole::<u32>(0, u32::MAX.into()))]
    pub gamma: Option<u32>,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// `specplace doctor`.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// The machine whose units are checked: a built-in one, or a platform file
    #[arg(long, value_name = "NAME|FILE", default_value = "host")]
    pub platform: String,
    /// Take whatever flags for IREE's programs the platform file has, also those that write files
    /// or start programs
    #[arg(long)]
    pub trust_platform: bool,
    /// Write the platform without the types and operations that fail
    #[arg(short, long = "output", value_name = "PLATFORM.yaml")]
    pub output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
