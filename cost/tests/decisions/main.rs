//! The decisions of this crate, on platforms and profiles as users write them: hand-made cases,
//! and an independent brute force.

mod common;
mod crossing;
mod explore;
mod filter;
mod formulas;
mod plan;
mod profile;
mod roofline;
mod search;
mod stages;
