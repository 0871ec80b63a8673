//! IREE's programs as processes, and what goes into them and comes out.
//!
//! [`find`] looks for IREE's library and its programs, and [`version`] says which
//! release they are of. A [`Tools`] starts them, each with a limit of time, and ends
//! them when this process ends ([`process`], [`interruption`]); [`Done`] reads what
//! they said. [`arrays`] and [`values`] are tensors in files and in print, and
//! [`archives`] the weights of a model.
//!
//! Nothing here knows MLIR, nor what a program is asked for.

#![forbid(unsafe_code)]
// Nothing that input can reach may panic; tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

pub mod archives;
pub mod arrays;
pub mod find;
pub mod interruption;
pub mod process;
pub mod program;
mod said;
mod scratch;
mod tool;
pub mod values;
pub mod version;

pub use said::{Done, Trouble, said};
pub use scratch::Scratch;
pub use tool::{Tool, Tools, USUAL_LIMIT, prefixed};
