//! End-to-end tests: a real module is placed by the `specplace` program,
//! compiled by `iree-compile`, run by `iree-run-module` on real devices, and
//! its tokens are compared with plain greedy decoding of the target.
//!
//! What is tried is a table, [`cases`]: modules × mappings × draft lengths. A
//! short series (`make test`) takes part of it, few times; the long one
//! (`make prove`) all of it, twenty or fifty times over.
//!
//! A run that loses its GPU (lavapipe does, now and then) is repeated, counted
//! and printed. A wrong result never is.

#![forbid(unsafe_code)]

pub mod arrays;
pub mod carried;
pub mod case;
pub mod cases;
pub mod greedy;
pub mod module;
pub mod placed;
pub mod platform;
pub mod process;
pub mod report;
pub mod tools;
pub mod trials;
pub mod zoo;
