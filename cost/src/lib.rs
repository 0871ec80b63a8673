//! What speculative sampling costs on a platform, and which placement pays.
//!
//! This crate is the *deciding* half of specplace: it takes numbers about a module ([`workload`]),
//! about the machine ([`platform`], [`profile`]) and about the models ([`acceptance`]), evaluates
//! the whole design space ([`mod@search`]) and answers with a [`plan`]. It is pure Rust, opens no
//! files (`files` does), and never knows MLIR.
//!
//! Rooms import in one direction only, from [`mod@error`] and [`decide()`] down to words and units;
//! `cost/tests/rooms.rs` holds us to it.
//!
//! All quantities are SI base units in `f64` or `u64` (seconds, bytes, bytes per second, operations
//! per second) unless a name says otherwise (`…_ms`). Determinism: the same inputs give the same
//! plan, byte for byte.
//!
//! ```
//! use cost::speedup;
//! // The paper's headline configuration: c = 0.41, alpha = 0.90.
//! let best = speedup::best_draft_length(0.90, 0.41, 8);
//! assert_eq!(best.gamma, 4);
//! assert!((best.speedup - 1.55).abs() < 0.005);
//! ```

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
pub mod crossing;
mod decide;
pub mod error;
pub mod explore;
pub mod plan;
pub mod platform;
pub mod profile;
pub mod roofline;
pub mod rounding;
pub mod search;
pub mod simulate;
pub mod speedup;
pub mod stages;
pub mod technique;
mod text;
pub mod units;
pub mod workload;

pub use decide::{Ranked, Ranking, decide, decide_and_rank};
pub use error::CostError;
pub use plan::Plan;
pub use platform::Platform;
pub use search::Request;
pub use text::{
    Misnamed, WithHelp, bytes, closest, counted, digits, list, metric, of_plural, seconds,
    suggestion,
};
pub use workload::{Partition, Role, Workload};
