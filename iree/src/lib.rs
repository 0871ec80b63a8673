//! IREE's compiler library in a process of our own.
//!
//! `dialects` and `passes` work in any host of MLIR. Here is what makes a program the
//! host: a context in which every dialect of IREE is registered ([`session`]), IREE's
//! embedded compiler ([`embed`]), and what holds for the whole process, which a guest
//! must leave alone: what a crash says ([`crash`]), and how much memory reading may
//! take ([`memory`]).
//!
//! Only programs import this crate, and tests that need a session.

// Nothing that input can reach may panic; tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]
#![allow(unsafe_code, reason = "it speaks to IREE's C API and to the system's")]

pub mod crash;
pub mod embed;
mod library;
pub mod memory;
mod reading;

pub use library::{context, session};
pub use reading::{read, read_file};
