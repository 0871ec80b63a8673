//! specplace's ground in MLIR: handles to walk and rewrite IR with, builders, and the
//! vocabulary of the operations and attributes that specplace reads and writes.
//!
//! It speaks MLIR's C API alone, and so works in whatever program hosts MLIR: it takes
//! the context that is there, and a module that may be somebody else's. What only
//! IREE's library has is in the crate `iree`.
//!
//! This crate knows no policy: which operation belongs to which device is decided in
//! `cost` and applied in `passes`.

// Nothing that input can reach may panic; tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]
#![allow(unsafe_code, reason = "it speaks to MLIR's C API")]

pub mod affinity;
pub mod build;
pub mod clock;
pub mod hal;
pub mod ir;
pub mod linalg;
pub mod module;
pub mod ops;
pub mod session;
pub mod vocabulary;

pub use diagnostics::{Diagnostic, Place, Severity};
pub use ir::{Attribute, Block, Location, Op, Region, Type, Value};
pub use module::{Module, OwnedModule};
pub use session::Session;
