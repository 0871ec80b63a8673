//! What an exploration looks like: tables, CSV, and a report with plots.

pub mod csv;
pub mod growth;
pub mod html;
pub mod plot;
pub mod plots;
pub mod stages;
pub mod table;

use cost::platform::Variant;

/// `cpu=1, gpu=1`.
pub fn variant(variant: &Variant) -> String {
    let counts = variant.iter().map(|(pu, count)| format!("{pu}={count}"));
    counts.collect::<Vec<_>>().join(", ")
}
