//! Whether two values are one but for rounding.

use super::value::{Data, Value};

/// How two values of one result compare.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Comparison {
    /// The largest difference of floats, as a part of the largest absolute value
    /// expected. Infinite where one of two is no number and the other is.
    pub difference: f64,
    /// How many rows of floats have their largest value at the same place, of
    /// how many; or how many integers are equal, of how many.
    pub equal: (usize, usize),
    /// The element that differs most, or the first integer that differs.
    pub at: Option<usize>,
}

/// Compares two values of one result; `None` where they have other shapes or
/// types. Rows go along the last dimension.
pub fn compare(actual: &Value, expected: &Value) -> Option<Comparison> {
    if actual.shape != expected.shape {
        return None;
    }
    match (&actual.data, &expected.data) {
        (Data::Integers(actual), Data::Integers(expected)) => {
            let equal = actual.iter().zip(expected).filter(|(a, b)| a == b).count();
            Some(Comparison {
                difference: 0.0,
                equal: (equal, expected.len()),
                at: actual.iter().zip(expected).position(|(a, b)| a != b),
            })
        }
        (Data::Floats(actual), Data::Floats(expected_values)) => {
            Some(floats(actual, expected_values, row_length(expected)))
        }
        _ => None,
    }
}

/// How long the rows of a value are.
fn row_length(value: &Value) -> usize {
    let last = value.shape.last().copied().unwrap_or(1);
    usize::try_from(last).unwrap_or(1).max(1)
}

fn floats(actual: &[f64], expected: &[f64], row: usize) -> Comparison {
    // Masks are made of infinities, or of the most negative number.
    let scale = expected
        .iter()
        .map(|value| value.abs())
        .filter(|value| *value < 1e30)
        .fold(0f64, f64::max);
    let scale = if scale > 0.0 { scale } else { 1.0 };
    let mut worst = Comparison::default();
    for (at, (a, b)) in actual.iter().zip(expected).enumerate() {
        let difference = if a == b || a.is_nan() && b.is_nan() {
            0.0
        } else if a.is_finite() && b.is_finite() {
            (a - b).abs() / scale
        } else {
            f64::INFINITY
        };
        if difference > worst.difference {
            worst.difference = difference;
            worst.at = Some(at);
        }
    }
    let rows = actual.chunks(row).zip(expected.chunks(row));
    let same = rows.clone().filter(|(a, b)| argmax(a) == argmax(b)).count();
    worst.equal = (same, rows.count());
    worst
}

/// The first of the largest.
fn argmax(row: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = index;
        }
    }
    best
}

/// Whether every choice that differs was between logits so close that the bound
/// on rounding, `bound` of the largest of them, does not tell them apart. `logits`
/// has a row for each choice, and its rows are as long as there are tokens.
/// `None` where the choices do not belong to rows of these logits.
pub fn nearly_tied(chosen: &Value, expected: &Value, logits: &Value, bound: f64) -> Option<bool> {
    let (chosen, expected) = (chosen.integers()?, expected.integers()?);
    let Data::Floats(values) = &logits.data else {
        return None;
    };
    let row = row_length(logits);
    if chosen.len() != expected.len() || values.len() != chosen.len() * row {
        return None;
    }
    let scale = values.iter().map(|value| value.abs()).fold(0f64, f64::max);
    let mut tied = true;
    for ((a, b), row) in chosen.iter().zip(expected).zip(values.chunks(row)) {
        if a == b {
            continue;
        }
        let logit = |token: &i64| row.get(usize::try_from(*token).ok()?).copied();
        match (logit(a), logit(b)) {
            // Both logits may be off by the bound.
            (Some(a), Some(b)) => tied &= (a - b).abs() <= 2.0 * bound * scale,
            _ => tied = false,
        }
    }
    Some(tied)
}

/// Whether a row of these logits has one of two tokens for its largest, and the
/// other so close that the bound on rounding does not tell them apart.
pub fn tied_in(logits: &Value, one: i64, other: i64, bound: f64) -> bool {
    let Data::Floats(values) = &logits.data else {
        return false;
    };
    let (Ok(one), Ok(other)) = (usize::try_from(one), usize::try_from(other)) else {
        return false;
    };
    let scale = values.iter().map(|value| value.abs()).fold(0f64, f64::max);
    values.chunks(row_length(logits)).any(|row| {
        let best = argmax(row);
        let pair = row.get(one).zip(row.get(other));
        (best == one || best == other)
            && pair.is_some_and(|(a, b)| (a - b).abs() <= 2.0 * bound * scale)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::parse(text).unwrap()
    }

    #[test]
    fn floats_differ_by_a_part_of_the_largest() {
        let expected = value("2x2xf32=[1 -4][2 3]");
        let found = compare(&value("2x2xf32=[1.5 -4][2 1]"), &expected).unwrap();
        assert_eq!(found.difference, 0.5);
        assert_eq!((found.at, found.equal), (Some(3), (1, 2)));
        assert_eq!(compare(&expected, &expected).unwrap().difference, 0.0);
    }

    #[test]
    fn what_is_no_number_is_far_from_every_number() {
        let expected = value("2xf32=1 2");
        let found = compare(&value("2xf32=1 nan"), &expected).unwrap();
        assert_eq!(found.difference, f64::INFINITY);
        let both = value("2xf32=-inf nan");
        assert_eq!(compare(&both, &both).unwrap().difference, 0.0);
        // A mask does not make all else look small.
        let masked = value("3xf32=1 2 -3.4028235e38");
        let found = compare(&value("3xf32=1 1 -3.4028235e38"), &masked).unwrap();
        assert_eq!(found.difference, 0.5);
    }

    #[test]
    fn integers_are_equal_or_not() {
        let found = compare(&value("3xi64=1 2 3"), &value("3xi64=1 5 3")).unwrap();
        assert_eq!((found.equal, found.at), ((2, 3), Some(1)));
        assert_eq!(compare(&value("3xi64=1"), &value("2xi64=1")), None);
        assert_eq!(compare(&value("3xi64=1"), &value("3xf32=1")), None);
    }

    #[test]
    fn tokens_are_tied_where_one_of_them_is_chosen() {
        let logits = value("2x3xf32=[1 0.99 0][0 1 5]");
        assert!(tied_in(&logits, 1, 0, 2e-3));
        assert!(!tied_in(&logits, 1, 0, 1e-5));
        assert!(!tied_in(&logits, 1, 2, 1e-3));
        assert!(!tied_in(&logits, 7, 0, 1.0));
    }

    #[test]
    fn a_choice_between_equals_is_no_fault() {
        let logits = value("2x3xf32=[1 1.0001 0][5 2 1]");
        let first = |chosen: &str| nearly_tied(&value(chosen), &value("2xi64=1 0"), &logits, 1e-4);
        assert_eq!(first("2xi64=0 0"), Some(true));
        assert_eq!(first("2xi64=2 0"), Some(false));
        assert_eq!(first("2xi64=0 1"), Some(false));
        assert_eq!(first("2xi64=9 0"), Some(false));
        assert_eq!(first("3xi64=0"), None);
    }
}
