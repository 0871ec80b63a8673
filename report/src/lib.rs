//! What was found, for people: plans and design spaces in words, tables, CSV, HTML, SVG and dot.
//!
//! It takes values of `cost` and gives text; it decides nothing, opens no file, and knows neither
//! MLIR nor terminals. A plan is at most 100 columns wide, a table of a design space 110.

#![forbid(unsafe_code)]
// Nothing that input can reach may panic; tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

pub mod dot;
pub mod explore;
pub mod layout;
pub mod plan;
pub mod ranking;
