//! The modules that the proof of values compiles beside OUT.
//!
//! Placement proven says where a model computes, and not what. So each placed
//! subgraph of OUT becomes a function that can be called by itself, on its own
//! device ([`probe`]), and the same subgraph of IN, which no pass after
//! `outline-subgraphs` has touched, becomes one of a module that knows nothing of
//! placement ([`reference`]). That module also has the public functions of IN at
//! the planned draft length, which print what each subgraph is called with, and
//! once more without drafts: plain greedy decoding of the target.
//!
//! Comparing what they compute is not done here: it needs a runtime.

mod arithmetic;
mod interface;
mod logits;
mod probe;
mod reference;

use std::collections::BTreeMap;

pub use cost::rounding::Arithmetic;
pub use interface::{Carrier, Function, Port};
pub use probe::{Probe, alone, models_of, not_of_this_input, parts_of, probe};
pub use reference::{Options, Reference, Weight, reference};

/// A subgraph of a model as a public function, in both modules under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subgraph {
    /// Its function in OUT, such as `drafter_0`.
    pub name: String,
    /// The public function that computes it alone.
    pub entry: String,
    /// The role, or stage of one, that it serves.
    pub role: String,
    /// What it takes.
    pub arguments: Vec<Port>,
    /// What it gives: the subgraph's own results, and behind them the floats
    /// that its integer results are chosen from.
    pub results: Vec<Port>,
    /// How many of the results are the subgraph's own.
    pub own: usize,
    /// For each of its own results, which result the choice was made from: the
    /// logits behind tokens.
    pub chosen_from: Vec<Option<usize>>,
    /// What rounding depends on.
    pub arithmetic: Arithmetic,
}

/// The subgraphs by their function's name.
pub type Subgraphs = BTreeMap<String, Subgraph>;
