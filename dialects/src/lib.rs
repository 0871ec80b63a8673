//! The MLIR side of specplace's ground: a context backed by IREE's own
//! library, handles to walk and rewrite IR with, and the vocabulary of the
//! operations and attributes that specplace reads and writes.
//!
//! This crate knows no policy: which operation belongs to which device is
//! decided in `cost` and applied in `passes`. It is the only library crate
//! with `unsafe` code, since it is the one that speaks to the C API.

// Nothing that input can reach may panic; tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]
#![allow(unsafe_code, reason = "it speaks to MLIR's C API")]

pub mod build;
pub mod clock;
pub mod crash;
pub mod embed;
pub mod hal;
pub mod ir;
pub mod linalg;
pub mod memory;
pub mod module;
pub mod session;
pub mod vocabulary;

pub use diagnostics::{Diagnostic, Place, Severity};
pub use ir::{Attribute, Block, Location, Op, Region, Type, Value};
pub use module::Module;
pub use session::Session;
