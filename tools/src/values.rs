//! Values at run time: in files, in what a program prints, made up, and
//! compared.
//!
//! What is compared comes from two computations of one thing, on two devices or
//! in two orders, so that equality is asked for of integers alone; floats may
//! differ by what rounding explains (`cost::rounding`).

mod compare;
mod random;
mod value;

pub use compare::{Comparison, compare, nearly_tied, tied_in};
pub use random::Dice;
pub use value::{Data, Value, parse_traces};
