//! The dimensions a quantity can have, and the units each is written in.

use crate::text;

/// A dimension: its units, its bounds and how it is shown.
pub trait Dimension {
    /// What it is, with an article (`a bandwidth`).
    const WHAT: &'static str;
    /// How to write one.
    const EXAMPLE: &'static str;
    /// Symbols of the unit without prefix, and what one of it is in base units.
    const UNITS: &'static [(&'static str, f64)];
    /// The prefixes that make sense with it.
    const PREFIXES: &'static [(&'static str, f64)];

    /// The bound that a value violates, in words.
    ///
    /// # Errors
    /// The words, to follow [`Dimension::WHAT`].
    fn check(value: f64) -> Result<(), &'static str>;

    /// The value for people.
    fn show(value: f64) -> String;
}

const NONE: &[(&str, f64)] = &[("", 1.0)];
const SMALL: &[(&str, f64)] = &[
    ("", 1.0),
    ("m", 1e-3),
    ("u", 1e-6),
    ("µ", 1e-6),
    ("μ", 1e-6),
    ("n", 1e-9),
];
const POWER: &[(&str, f64)] = &[
    ("", 1.0),
    ("m", 1e-3),
    ("u", 1e-6),
    ("µ", 1e-6),
    ("μ", 1e-6),
    ("k", 1e3),
];
const LARGE: &[(&str, f64)] = &[
    ("", 1.0),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
];
const LARGE_OR_BINARY: &[(&str, f64)] = &[
    ("", 1.0),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
];

// The bounds are far beyond any machine, and so far within what a float holds that no time that is
// reckoned from quantities inside of them is infinite, or 0 where it should not be.

/// Greater than zero, and within bounds that `words` name.
fn within(value: f64, least: f64, most: f64, words: &'static str) -> Result<(), &'static str> {
    if !value.is_finite() || value <= 0.0 {
        Err("must be finite and greater than zero")
    } else if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(words)
    }
}

/// The same, or zero.
fn within_or_zero(
    value: f64,
    least: f64,
    most: f64,
    words: &'static str,
) -> Result<(), &'static str> {
    if !value.is_finite() || value < 0.0 {
        Err("must be finite and not negative")
    } else if value == 0.0 {
        Ok(())
    } else {
        within(value, least, most, words)
    }
}

macro_rules! dimension {
    ($(#[$doc:meta])* $name:ident, $what:literal, $example:literal, $units:expr, $prefixes:expr, $check:expr, $show:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {}

        impl Dimension for $name {
            const WHAT: &'static str = $what;
            const EXAMPLE: &'static str = $example;
            const UNITS: &'static [(&'static str, f64)] = $units;
            const PREFIXES: &'static [(&'static str, f64)] = $prefixes;
            fn check(value: f64) -> Result<(), &'static str> {
                $check(value)
            }
            fn show(value: f64) -> String {
                $show(value)
            }
        }
    };
}

dimension!(
    /// A size in bytes, up to 1000 PB.
    Bytes, "a size", "2 GiB", &[("B", 1.0)], LARGE_OR_BINARY,
    |v| within(v, 1.0, 1e18, "must lie between 1 B and 1000 PB"), text::bytes
);
dimension!(
    /// A time in seconds that may be zero, or lies between 1 fs and 30 years.
    Seconds, "a time", "50 us", &[("s", 1.0)], SMALL,
    |v| within_or_zero(v, 1e-15, 1e9, "must be 0, or lie between 1e-15 s and 1e9 s (30 years)"), text::seconds
);
dimension!(
    /// A rate in bytes per second, from 1 B/s to 1000 PB/s.
    BytesPerSecond, "a bandwidth", "12 GB/s", &[("B/s", 1.0), ("bit/s", 0.125)], LARGE_OR_BINARY,
    |v| within(v, 1.0, 1e18, "must lie between 1 B/s and 1000 PB/s"), |v| text::metric(v, "B/s")
);
dimension!(
    /// A rate in arithmetic operations per second; a multiply-add counts as two. From 1
    /// to 10²¹.
    OpsPerSecond, "a rate of operations", "16 GFLOP/s", &[("FLOP/s", 1.0), ("FLOPS", 1.0), ("OP/s", 1.0), ("OPS", 1.0)], LARGE,
    |v| within(v, 1.0, 1e21, "must lie between 1 OP/s and 1e21 OP/s"), |v| text::metric(v, "OP/s")
);
dimension!(
    /// A share of a whole, at least a millionth and at most one.
    Fraction, "a fraction", "0.5 (or 50 %)", &[("%", 0.01)], NONE,
    |v: f64| if (1e-6..=1.0).contains(&v) { Ok(()) } else { Err("must be at least 0.000001 and at most 1") }, text::digits
);
dimension!(
    /// A probability, from zero to one.
    Probability, "a probability", "0.9 (or 90 %)", &[("%", 0.01)], NONE,
    |v: f64| if (0.0..=1.0).contains(&v) { Ok(()) } else { Err("must lie between 0 and 1") }, text::digits
);
dimension!(
    /// A number of things.
    Count, "a count", "4", &[], NONE,
    |v: f64| if (1.0..=65536.0).contains(&v) && v.fract() == 0.0 { Ok(()) } else { Err("must be a whole number from 1 to 65536") },
    |v: f64| format!("{v:.0}")
);

dimension!(
    /// An electric power that may be zero, or lies between 1 nW and 1 GW.
    Watts, "a power", "1.5 W", &[("W", 1.0)], POWER,
    |v| within_or_zero(v, 1e-9, 1e9, "must be 0, or lie between 1e-9 W and 1e9 W"), text::watts
);

/// Reads a number with an optional unit of dimension `D`, into base units.
pub(crate) fn parse<D: Dimension>(text: &str) -> Result<f64, String> {
    let trimmed = text.trim();
    // The longest prefix that is a number: `5e-6s` ends its number after the exponent, `5 EB`
    // before the unit.
    let ends = trimmed
        .char_indices()
        .map(|(at, _)| at)
        .chain([trimmed.len()]);
    let split = ends.rev().find_map(|at| {
        trimmed.get(..at).and_then(|head| {
            head.trim_end()
                .parse::<f64>()
                .ok()
                .map(|number| (number, at))
        })
    });
    let Some((number, at)) = split else {
        return Err(format!("`{text}` is not {}", D::WHAT));
    };
    let unit = trimmed.get(at..).unwrap_or_default().trim();
    if unit.is_empty() {
        return Ok(number);
    }
    match factor::<D>(unit) {
        Some(factor) => Ok(number * factor),
        None => Err(mismatch::<D>(text, unit)),
    }
}

fn factor<D: Dimension>(unit: &str) -> Option<f64> {
    D::UNITS.iter().find_map(|(symbol, one)| {
        let prefix = unit.strip_suffix(symbol)?;
        D::PREFIXES
            .iter()
            .find(|(name, _)| *name == prefix)
            .map(|(_, times)| times * one)
    })
}

/// A unit of something else deserves to be told what it is; a unit of nothing, that it is unknown.
fn mismatch<D: Dimension>(text: &str, unit: &str) -> String {
    fn of<T: Dimension>(unit: &str) -> Option<&'static str> {
        factor::<T>(unit).map(|_| T::WHAT)
    }
    let other = of::<Bytes>(unit)
        .or(of::<Seconds>(unit))
        .or(of::<BytesPerSecond>(unit))
        .or(of::<OpsPerSecond>(unit))
        .or(of::<Watts>(unit))
        .or(of::<Fraction>(unit));
    match other {
        Some(other) => format!("`{text}` is {other}, where {} is wanted", D::WHAT),
        None => format!(
            "`{unit}` in `{text}` is not a unit of {}",
            D::WHAT.trim_start_matches("a ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_prefixes() {
        assert_eq!(parse::<Bytes>("2 GiB"), Ok(2.0 * 1024.0 * 1024.0 * 1024.0));
        assert_eq!(parse::<Bytes>("1.5GB"), Ok(1.5e9));
        assert_eq!(parse::<Bytes>("1e3"), Ok(1e3));
        assert!((parse::<Seconds>("50 us").unwrap() - 50e-6).abs() < 1e-18);
        assert!((parse::<Seconds>("5e-6s").unwrap() - 5e-6).abs() < 1e-18);
        assert!((parse::<Seconds>("3µs").unwrap() - 3e-6).abs() < 1e-18);
        assert_eq!(parse::<BytesPerSecond>("8 Gbit/s"), Ok(1e9));
        assert_eq!(parse::<OpsPerSecond>("2 TOPS"), Ok(2e12));
        assert!((parse::<Fraction>("50 %").unwrap() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_no_machine_has_is_refused() {
        assert!(Seconds::check(0.0).is_ok() && Seconds::check(1e-15).is_ok());
        assert!(Watts::check(0.0).is_ok() && Bytes::check(1.0).is_ok());
        for wrong in [-1.0, 1e308, f64::INFINITY, f64::NAN, 1e-300] {
            assert!(Seconds::check(wrong).is_err(), "{wrong}");
            assert!(Bytes::check(wrong).is_err(), "{wrong}");
            assert!(BytesPerSecond::check(wrong).is_err(), "{wrong}");
            assert!(OpsPerSecond::check(wrong).is_err(), "{wrong}");
            assert!(Fraction::check(wrong).is_err(), "{wrong}");
            assert!(Watts::check(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn mismatches_say_what_was_given() {
        assert_eq!(
            parse::<BytesPerSecond>("12 GB").unwrap_err(),
            "`12 GB` is a size, where a bandwidth is wanted"
        );
        assert_eq!(
            parse::<Seconds>("12 GB/s").unwrap_err(),
            "`12 GB/s` is a bandwidth, where a time is wanted"
        );
        assert_eq!(
            parse::<Bytes>("3 ms").unwrap_err(),
            "`3 ms` is a time, where a size is wanted"
        );
        assert_eq!(
            parse::<Bytes>("3 mB").unwrap_err(),
            "`mB` in `3 mB` is not a unit of size"
        );
        assert_eq!(parse::<Bytes>("many").unwrap_err(), "`many` is not a size");
        assert!(parse::<Bytes>("").is_err());
    }
}
