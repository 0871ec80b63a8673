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

/// Three significant digits, as tables want them.
pub fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.0995 || v == 0.0 => format!("{value:.2}"),
        v if v >= 0.001 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

/// Bytes with a binary prefix.
pub fn bytes(value: u64) -> String {
    let (mut size, mut unit) = (value as f64, 0);
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    while size >= 1024.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    let digits = if unit == 0 {
        format!("{size:.0}")
    } else {
        digits(size)
    };
    format!("{digits} {}", units[unit])
}
