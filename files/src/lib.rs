//! The files that users write: platforms, profiles, acceptance rates, stages, workloads; and the plan,
//! which we write.
//!
//! `cost` decides with values; this crate makes those values of text, and text of them. Every
//! complaint names its place: file, line and column. It also holds what needs no file, the
//! platforms that are built in, and what looks at this machine, the platform `host`.
//!
//! YAML is read in two steps: `yaml.rs` makes a tree of it in which every value knows its place,
//! and serde makes the types of `cost` of that tree.

#![forbid(unsafe_code)]
// Nothing that input can reach may panic; tests may.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod acceptance;
mod error;
pub mod plan;
pub mod platform;
pub mod profile;
pub mod stages;
pub mod workload;
mod yaml;

pub use error::FileError;
