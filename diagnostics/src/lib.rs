//! What specplace tells its user: messages, and with which status a program ends.
//!
//! Every layer says what is wrong as a [`Diagnostic`]; a command that ends without
//! having done its work gives a [`Failure`], which holds some of them and a
//! [`Status`]. This crate knows none of the others, and none of them has another
//! form of message.

#![forbid(unsafe_code)]
// Nothing that input can reach may panic; tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

mod diagnostic;
mod failure;
mod place;
mod status;

pub use diagnostic::{Diagnostic, Severity};
pub use failure::{Failure, reason};
pub use place::Place;
pub use status::Status;
