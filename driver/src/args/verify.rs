//! The arguments of `specplace verify`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::whole;

const EXAMPLES: &str = "\
Examples:
  specplace in.mlir -o out.mlir --alpha 0.9
  specplace verify out.mlir --parameters model=model.irpa
  With tokens of your own, and against what PyTorch decoded:
    specplace verify out.mlir --parameters model=model.irpa --input @tokens.npy --input @n.npy \\
      --expected greedy.npy
  Keep what is compiled, so that the next time takes seconds:
    specplace verify out.mlir --parameters model=model.irpa --artifacts kept

Exit status: 0 proven; 1 OUT is placed wrongly, computes something else, or a tool failed; 2 wrong usage, \
unreadable input, I/O, or a missing tool.";

/// `specplace verify OUT`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VerifyValuesArgs {
    /// The placed module, as specplace wrote it
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// IN, which OUT was placed from [default: as the plan says]
    #[arg(long, value_name = "IN")]
    pub reference: Option<PathBuf>,
    /// The flags for iree-compile [default: OUT with .flags for its extension]
    #[arg(long, value_name = "FILE")]
    pub flags: Option<PathBuf>,
    /// The flags for iree-run-module [default: OUT with .run.flags for its extension]
    #[arg(long, value_name = "FILE")]
    pub run_flags: Option<PathBuf>,
    /// The plan, which says what OUT was placed from [default: OUT with .plan.json for its extension]
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,

    #[command(flatten)]
    #[allow(
        missing_docs,
        reason = "clap would print it as the help of the first flag"
    )]
    pub values: ValuesArgs,
}

/// What `--verify` proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Proof {
    /// Where everything is.
    Placement,
    /// That, and what it computes; the devices have to be on this machine.
    All,
}

/// What is proven before OUT is written.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct ProofArgs {
    /// Prove that everything is where the plan says, and that it computes what IN does, as `specplace
    /// verify` does; without the proof, OUT is not written. With =placement the first alone, for
    /// devices that are not on this machine
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true,
          default_missing_value = "all", value_enum)]
    pub verify: Option<Proof>,
    /// The weights for --verify; those of a scope that is not given are random
    #[arg(long, value_name = "SCOPE=FILE.irpa", requires = "verify")]
    pub parameters: Vec<String>,
}

impl ProofArgs {
    /// How values are proven with these: random inputs, for every function.
    pub fn values(&self) -> ValuesArgs {
        ValuesArgs {
            parameters: self.parameters.clone(),
            ..ValuesArgs::default()
        }
    }
}

/// What is run, and what it is compared with.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Values")]
pub struct ValuesArgs {
    /// The weights; those of a scope that is not given are random, from a fixed seed
    #[arg(long, value_name = "SCOPE=FILE.irpa")]
    pub parameters: Vec<String>,
    /// An input of the function, as iree-run-module takes them: @FILE.npy, 1x3xi64=1,2,3 [default:
    /// random tokens, from a fixed seed]
    #[arg(long = "input", visible_alias = "inputs", value_name = "VALUE")]
    pub inputs: Vec<String>,
    /// The function to run [default: all of them, or with --input the only one, or `generate`]
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// What the function's first result is by someone else, such as PyTorch's greedy decoding:
    /// tokens are compared as far as both go
    #[arg(long, value_name = "FILE.npy", requires = "inputs")]
    pub expected: Option<PathBuf>,
    /// How often each function of OUT is run: races show now and then
    #[arg(long, value_name = "N", default_value_t = 5, allow_negative_numbers = true,
          value_parser = whole::<u32>(1, u32::MAX.into()))]
    pub runs: u32,
    /// Keep compiled modules in this folder, which is made, and use those that are there
    #[arg(long, value_name = "DIR")]
    pub artifacts: Option<PathBuf>,
    /// Where inputs and results are kept if values differ [default: OUT with .worst for its
    /// extension]
    #[arg(long, value_name = "DIR")]
    pub worst: Option<PathBuf>,
}

impl Default for ValuesArgs {
    fn default() -> Self {
        Self {
            parameters: Vec::new(),
            inputs: Vec::new(),
            function: None,
            expected: None,
            runs: 5,
            artifacts: None,
            worst: None,
        }
    }
}
