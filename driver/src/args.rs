//! The command line, all of it.

mod exploration;
mod read;
mod values;
mod verbs;
mod verify;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use values::whole;

pub use exploration::ExploreArgs;
pub use values::{Gamma, Pin, Pins, RoleName};
pub use verbs::{CompileArgs, DoctorArgs, RunArgs};
pub use verify::{Proof, ProofArgs, ValuesArgs, VerifyValuesArgs};

const ABOUT: &str = "Places speculative sampling on unlike processors";

const LONG_ABOUT: &str = "\
Places speculative sampling (a target model, a drafter and the control flow between them, in one MLIR \
module) on unlike processors.

It finds drafter, target and control in IN, evaluates the cost model for every mapping of them to the \
platform's processing units and every draft length, and writes OUT: IR that iree-compile places that way. \
Beside OUT it writes what the next two commands need, out.flags and out.run.flags, and the plan, out.plan.json; it also \
goes to stderr.";

const EXAMPLES: &str = "\
Examples:
  specplace in.mlir -o out.mlir --alpha 0.9
  iree-compile out.mlir @out.flags -o out.vmfb
  iree-run-module --flagfile=out.run.flags --module=out.vmfb ...

  Decide for the i.MX 95 with one CPU core:
    specplace in.mlir -o out.mlir --alpha 0.9 --platform imx95 --variant cpu=1,gpu=1
  Put the drafter on the GPU whatever the model says:
    specplace in.mlir -o out.mlir --alpha 0.9 --pin drafter=gpu,target=cpu
  Put nothing where IREE does not compile it, whatever the platform file says:
    specplace in.mlir -o out.mlir --alpha 0.9 --platform board.yaml --probe
  In a pipe:
    iree-compile --compile-to=input in.mlir -o - | specplace - -o - --alpha 0.9 | iree-compile - ...
  Look at the IR after two passes:
    specplace opt --pass resolve-markers,identify-roles in.mlir

Exit status: 0 done; 1 cannot be placed, the proof of placement failed, or a tool failed; 2 wrong usage, \
unreadable input, I/O, or a missing tool.";

/// The command line of `specplace`.
#[derive(Debug, Parser)]
#[command(
    name = "specplace",
    bin_name = "specplace",
    version,
    about = ABOUT,
    long_about = LONG_ABOUT,
    after_help = EXAMPLES,
    override_usage = "specplace [OPTIONS] IN -o OUT --alpha A\n       specplace VERB ...",
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    /// Another verb than placing a module.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// Placing a module.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// How to talk.
    #[command(flatten)]
    pub talk: TalkArgs,
}

impl Cli {
    /// The verb as it is typed; `specplace` alone places.
    pub fn verb_name(&self) -> &'static str {
        match self.verb {
            None => "specplace",
            Some(Verb::Assemble(_)) => "specplace assemble",
            Some(Verb::Compile(_)) => "specplace compile",
            Some(Verb::Doctor(_)) => "specplace doctor",
            Some(Verb::Explore(_)) => "specplace explore",
            Some(Verb::Opt(_)) => "specplace opt",
            Some(Verb::Platforms(_)) => "specplace platforms",
            Some(Verb::Run(_)) => "specplace run",
            Some(Verb::Verify(_)) => "specplace verify",
            Some(Verb::VerifyPlacement(_)) => "specplace verify-placement",
        }
    }
}

/// What `specplace` does beside placing a module.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Place a module and compile it with IREE, in one process
    #[command(
        override_usage = "specplace compile IN -o OUT.vmfb --alpha A [OPTIONS] [-- IREE-FLAGS...]"
    )]
    Compile(Box<CompileArgs>),
    #[allow(missing_docs, reason = "the verb's own help would be hidden by it")]
    Explore(Box<ExploreArgs>),
    /// Find out what IREE and this machine's devices can do
    Doctor(DoctorArgs),
    /// Run a compiled program, and print tokens, speed and acceptance
    #[command(override_usage = "specplace run OUT.vmfb [OPTIONS] [-- IREE-FLAGS...]")]
    Run(Box<RunArgs>),
    /// Run single passes and print the IR
    Opt(Box<OptArgs>),
    /// Prove that OUT is placed as planned and computes what IN does
    Verify(Box<VerifyValuesArgs>),
    /// Prove that iree-compile places OUT as planned
    VerifyPlacement(VerifyArgs),
    /// Make one speculative module of two forward passes
    Assemble(AssembleArgs),
    /// List the built-in platforms, or show one
    Platforms(PlatformsArgs),
}

/// How much is printed, in which colours, and how long IREE may take.
#[derive(Clone, Debug, Args)]
pub struct TalkArgs {
    /// Colour messages
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN",
          help_heading = "Messages", display_order = 900)]
    pub color: Colour,
    /// Print errors and warnings only
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Messages",
        display_order = 901
    )]
    pub quiet: bool,
    /// How long each of IREE's programs may run before it is ended, in seconds; 0 is without end.
    /// (doctor's checks have shorter limits of their own)
    #[arg(long, global = true, value_name = "SECONDS", help_heading = "Messages", display_order = 902,
          default_value_t = tools::USUAL_LIMIT.as_secs(), allow_negative_numbers = true,
          value_parser = whole::<u64>(0, u64::MAX))]
    pub tool_limit: u64,
}

impl TalkArgs {
    /// How long each of IREE's programs may run; `None` is without end.
    pub fn limit(&self) -> Option<Duration> {
        (self.tool_limit > 0).then(|| Duration::from_secs(self.tool_limit))
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `specplace IN -o OUT --alpha A`.
#[derive(Clone, Debug, Args)]
pub struct PlaceArgs {
    /// The module: .mlir, .mlirbc, either of them as .gz, or - for stdin
    #[arg(value_name = "IN", required = true)]
    pub input: Option<PathBuf>,

    #[command(flatten)]
    #[allow(
        missing_docs,
        reason = "clap would print it as the help of the first flag"
    )]
    pub output: OutputArgs,

    #[command(flatten)]
    #[allow(missing_docs, reason = "as above")]
    pub decision: DecisionArgs,

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
    pub proof: ProofArgs,
}

/// What is written, and where.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// The placed module, or - for stdout
    #[arg(short, long = "output", value_name = "OUT", required = true)]
    pub output: Option<PathBuf>,
    /// Write OUT as MLIR bytecode
    #[arg(long)]
    pub emit_bytecode: bool,
    /// Declare the devices with the targets they are compiled for, so that iree-compile needs no
    /// flags for them; OUT then depends on this machine where a flag says `host` [default when OUT
    /// is -]
    #[arg(long)]
    pub embed_targets: bool,
    /// Where iree-compile's flags go [default: OUT with .flags for its extension; iree-run-module's
    /// beside it as .run.flags]
    #[arg(long, value_name = "FILE")]
    pub flags_out: Option<PathBuf>,
    /// Where the plan goes, as JSON [default: OUT with .plan.json for its extension; none where OUT is
    /// -]
    #[arg(long, value_name = "FILE")]
    pub plan_out: Option<PathBuf>,
    /// Write the subgraphs, their devices and what crosses between them as a Graphviz graph
    #[arg(long, value_name = "FILE")]
    pub dot: Option<PathBuf>,
}

/// What the plan is made from: the acceptance rate, and everything about the
/// machine and the module that the user knows better.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Decision")]
pub struct DecisionArgs {
    /// How often the target accepts a drafted token that it looks at: accepted / (accepted +
    /// rejected), from 0 to 1 or in %. vLLM and SGLang print another rate, accepted / drafted: give
    /// it as --accepted-per-draft
    #[arg(
        long,
        value_name = "A",
        allow_negative_numbers = true,
        conflicts_with = "acceptance"
    )]
    pub alpha: Option<String>,
    /// Accepted / drafted tokens, as servers print it (of a mean acceptance length L it is (L - 1) /
    /// N), in place of --alpha; it is converted by Eq. 1
    #[arg(
        long,
        value_name = "X",
        allow_negative_numbers = true,
        conflicts_with_all = ["alpha", "acceptance"]
    )]
    pub accepted_per_draft: Option<String>,
    /// The tokens that a round drafted where --accepted-per-draft was measured [default: --gamma]
    #[arg(long, value_name = "N", allow_negative_numbers = true, requires = "accepted_per_draft",
          value_parser = whole::<u32>(1, u32::MAX.into()))]
    pub drafted: Option<u32>,
    /// Acceptance as measured, of one task where the file holds several
    #[arg(long, value_name = "FILE[:TASK]")]
    pub acceptance: Option<String>,
    /// The machine: a built-in one (`specplace platforms` lists them), or a platform file
    #[arg(long, value_name = "NAME|FILE", default_value = "reference")]
    pub platform: String,
    /// Take whatever flags for IREE's programs the platform file has, also those that write files
    /// or start programs
    #[arg(long)]
    pub trust_platform: bool,
    /// Latencies as measured; without them they are estimated
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Cores (shaders, PEs) to use of each unit [default: every variant is tried]
    #[arg(long, value_name = "PU=N,...")]
    pub variant: Option<String>,
    /// The sequence length for which the profile's measurements are looked up [default: the module's
    /// own]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u64>(1, u64::MAX))]
    pub seq_len: Option<u64>,
    /// The draft length
    #[arg(
        long,
        value_name = "auto|N",
        default_value = "auto",
        allow_negative_numbers = true
    )]
    pub gamma: Gamma,
    /// The longest draft to consider [default: what IN has room for, up to 4096; 16 without a loop]
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = whole::<u32>(0, u32::MAX.into()))]
    pub max_gamma: Option<u32>,
    /// Put a role, or a stage of a model (target.1), on a unit, whatever the model says
    #[arg(long, value_name = "ROLE=PU,...")]
    pub pin: Vec<Pins>,
    /// Keep a role off a unit
    #[arg(long, value_name = "ROLE=PU,...")]
    pub forbid: Vec<Pins>,
    /// What a device or marker name in IN stands for: a role, or a stage of a model
    #[arg(long, value_name = "NAME=ROLE")]
    pub role: Vec<RoleName>,
    /// Keep the devices that IN names, where the names are no roles
    #[arg(long)]
    pub keep_placement: bool,
    /// The drafter: a function, or how its parameters' names begin
    #[arg(long, value_name = "@SYMBOL|PREFIX")]
    pub drafter: Option<String>,
    /// The target: a function, or how its parameters' names begin
    #[arg(long, value_name = "@SYMBOL|PREFIX")]
    pub target: Option<String>,
    /// What refines Eq. (1): verify, transfer, per-position, overlapped, joined by + [default: eq1,
    /// which is nothing]
    #[arg(
        long,
        value_name = "MODEL+...",
        default_value = "eq1",
        hide_default_value = true
    )]
    pub cost_model: String,
}

/// `specplace opt`.
#[derive(Clone, Debug, Args)]
pub struct OptArgs {
    /// The module, or - for stdin
    #[arg(value_name = "IN", required_unless_present = "list")]
    pub input: Option<PathBuf>,
    /// The passes to run, in this order
    #[arg(
        long = "pass",
        value_name = "PASS,...",
        value_delimiter = ',',
        required_unless_present = "list"
    )]
    pub passes: Vec<String>,
    /// List the passes
    #[arg(long)]
    pub list: bool,
    /// Where the IR goes
    #[arg(short, long = "output", value_name = "OUT", default_value = "-")]
    pub output: PathBuf,
    /// Write MLIR bytecode
    #[arg(long)]
    pub emit_bytecode: bool,
    /// Print the IR to stderr after each pass
    #[arg(long)]
    pub print_after_all: bool,
    /// Print the time of each pass, on the clock and on the processor
    #[arg(long)]
    pub timing: bool,
    #[command(flatten)]
    #[allow(
        missing_docs,
        reason = "clap would print it as the help of the first flag"
    )]
    pub decision: DecisionArgs,
}

/// `specplace verify-placement`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// The placed module
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// Have iree-compile compile OUT as far as its stream phase [default]
    #[arg(long, conflicts_with = "stream")]
    pub with_iree: bool,
    /// The flags for iree-compile [default: OUT with .flags for its extension]
    #[arg(long, value_name = "FILE", conflicts_with = "stream")]
    pub flags: Option<PathBuf>,
    /// Check this stream-phase IR instead of asking iree-compile for it
    #[arg(long, value_name = "FILE")]
    pub stream: Option<PathBuf>,
}

/// `specplace assemble`.
#[derive(Clone, Debug, Args)]
pub struct AssembleArgs {
    /// The target's forward pass: tokens [1,S] to logits [1,S,V]
    #[arg(long, value_name = "FILE[@FUNCTION]")]
    pub target: String,
    /// The drafter's, with the same tokens
    #[arg(long, value_name = "FILE[@FUNCTION]")]
    pub drafter: String,
    /// The speculative module, or - for stdout
    #[arg(short, long = "output", value_name = "OUT")]
    pub output: PathBuf,
    /// The longest draft that placement may choose
    #[arg(long, value_name = "N", default_value_t = 16, allow_negative_numbers = true,
          value_parser = whole::<u32>(1, 4096))]
    pub max_gamma: u32,
    /// Tokens that end a sequence
    #[arg(long, value_name = "TOKEN,...", value_delimiter = ',', allow_negative_numbers = true,
          value_parser = whole::<u64>(0, u64::MAX))]
    pub eos: Vec<u64>,
    /// Add inputs (reference tokens [1,S], a bit per position [1,S], a mode) that impose which
    /// drafts are accepted, to time models without meaningful weights
    #[arg(long)]
    pub impose_acceptance: bool,
    /// Write OUT as MLIR bytecode
    #[arg(long)]
    pub emit_bytecode: bool,
}

/// `specplace platforms`.
#[derive(Clone, Debug, Args)]
pub struct PlatformsArgs {
    /// The one to show: a name or a file
    #[arg(value_name = "NAME|FILE")]
    pub name: Option<String>,
    /// As JSON
    #[arg(long, requires = "name")]
    pub json: bool,
}
