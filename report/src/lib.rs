//! What was found, for people: plans and design spaces in words, tables, CSV, HTML, SVG and dot.
//!
//! It takes values of `cost` and gives text; it decides nothing, opens no file, and knows neither
//! MLIR nor terminals. No line of text for a terminal is longer than 100 columns.

#![forbid(unsafe_code)]
// Nothing that input can reach may panic; tests may.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

pub mod dot;
pub mod explore;
pub mod plan;
pub mod ranking;
mod wrap;
