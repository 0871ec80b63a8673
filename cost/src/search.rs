//! The decision: every design variant, every mapping, every draft length, ranked by time per token.
//!
//! The space has v·N^m points (paper, Sec. III-B): v design variants, N processing units, m
//! partitions, which are the two models or the stages they are cut into. Control is placed afterwards, where its crossings cost least. Each legal point is
//! evaluated for every draft length the module allows; a point without a drafter stands for γ = 0.
//!
//! Ranking is by time per token, (γ·t_draft + t_target)/E(α, γ), and never by the speedup S of Eq.
//! (1), which is relative to the mapping's own target latency: a PU on which the target is four
//! times slower has a four times smaller c, a splendid S, and half the tokens per second.

mod check;
mod error;
mod evaluate;
pub(crate) mod legal;
mod model;
mod place;
mod request;
mod round;
mod sensitivity;
mod space;

pub use check::check_positions;
pub use error::SearchError;
pub use evaluate::{Choice, Evaluator};
pub(crate) use legal::capability;
pub use legal::{Infeasible, Reason, RuledOut, Share};
pub use model::CostModel;
pub use request::{DEFAULT_MAX_GAMMA, GammaChoice, HolePolicy, LONGEST_DRAFT, Probed, Request};
pub use round::tokens;
pub(crate) use sensitivity::scaled;
pub use sensitivity::{Interval, Sensitivity, sensitivity, undominated};
pub(crate) use space::kernel::MOST_LATENCIES;
pub use space::kernel::{Kernel, MappingBest, Swept};
pub(crate) use space::size::resident_bytes;
pub use space::{Point, Space};
