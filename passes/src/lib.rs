//! The passes of specplace, one per file, each `analysis in, IR out`, and the
//! pipeline that they form.
//!
//! Passes hand their findings on in the IR itself, as `specplace.*`
//! attributes, so that the IR can be printed, read and tested after any of
//! them, and the next run on what was printed; see [`pipeline::PASSES`] for the order,
//! and [`context::Context`] for what is beside the IR.

#![forbid(unsafe_code)]
// Nothing that input can reach may panic; tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

pub mod assemble;
pub mod assign_affinities;
mod causality;
pub mod context;
pub mod copy_overwritten;
mod dead;
pub mod effects;
pub mod estimate_costs;
pub mod fold_draft_length;
pub mod gather_slices;
pub mod hoisting;
pub mod identify_roles;
mod initializers;
pub mod insert_crossings;
pub mod lower_torch;
mod names;
pub mod narrow_indices;
pub mod order_loops;
pub mod outline_subgraphs;
pub mod pipeline;
pub mod placement;
pub mod resolve_markers;
mod roles;
pub mod select_mapping;
pub mod separate_broadcasts;
pub mod settings;
mod signature;
pub mod state;
pub mod structure;
mod symbols;
pub mod values;
pub mod verify_placement;
mod weight_name;
pub mod widen_booleans;

pub use context::{Context, Remarks};
pub use pipeline::{PASSES, Pass, find_pass, run_pass, verify};
pub use settings::{Handover, Selector, Settings, Trial};
