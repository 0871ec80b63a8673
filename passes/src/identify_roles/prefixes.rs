//! What the weights' names begin with: for whoever has to say which model is which.

use std::collections::BTreeMap;

use cost::{bytes, counted};
use dialects::ops::Global;
use dialects::{Diagnostic, Module};

use crate::weight_name::WeightName;

/// More are not listed.
const MOST: usize = 8;

/// Weights of one beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weights {
    count: u64,
    bytes: u64,
}

/// A note that lists the beginnings of the names of weights, the largest first;
/// `None` of a module without weights.
pub(super) fn note(module: &Module<'_>) -> Option<Diagnostic> {
    let weights: Vec<(String, u64)> = module
        .body()
        .ops()
        .into_iter()
        .filter_map(Global::of)
        .filter_map(|global| {
            let r#type = global.r#type()?;
            let size = r#type.is_tensor().then(|| r#type.byte_count())??;
            Some((WeightName::of(global).key().to_owned(), size))
        })
        .collect();
    let mut listed: Vec<(String, Weights)> = grouped(&weights).into_iter().collect();
    listed.sort_by(|(a, one), (b, other)| other.bytes.cmp(&one.bytes).then(a.cmp(b)));
    let rest = listed.len().saturating_sub(MOST);
    let mut words: Vec<String> = listed
        .iter()
        .take(MOST)
        .map(|(prefix, weights)| {
            format!(
                "{prefix} ({}, {})",
                counted(weights.count, "weight"),
                bytes(weights.bytes as f64)
            )
        })
        .collect();
    if rest > 0 {
        words.push(format!("{rest} more"));
    }
    (!words.is_empty()).then(|| {
        Diagnostic::note(format!(
            "the names of weights begin with {}",
            words.join(", ")
        ))
    })
}

/// The weights by what their names begin with, cut at the first dot that tells some of
/// them apart.
fn grouped(weights: &[(String, u64)]) -> BTreeMap<String, Weights> {
    let mut depth = 1;
    loop {
        let mut groups: BTreeMap<String, Weights> = BTreeMap::new();
        for (name, size) in weights {
            let group = groups.entry(beginning(name, depth)).or_default();
            group.count += 1;
            group.bytes = group.bytes.saturating_add(*size);
        }
        let longer = weights
            .iter()
            .any(|(name, _)| name.split('.').count() > depth + 1);
        if groups.len() != 1 || !longer {
            return groups;
        }
        depth += 1;
    }
}

/// The first parts of a name, with the dot that a prefix needs to mean no longer word.
fn beginning(name: &str, depth: usize) -> String {
    match name.match_indices('.').nth(depth - 1) {
        Some((end, _)) => name[..=end].to_owned(),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: &[(&str, u64)]) {
        let weights: Vec<(String, u64)> =
            names.iter().map(|name| ((*name).to_owned(), 4)).collect();
        let found: Vec<(String, u64)> = grouped(&weights)
            .into_iter()
            .map(|(prefix, weights)| (prefix, weights.count))
            .collect();
        let expected: Vec<(String, u64)> = expected
            .iter()
            .map(|(prefix, count)| ((*prefix).to_owned(), *count))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn names_are_cut_where_they_part() {
        check(
            &["big.0.w", "big.1.w", "small.0.w"],
            &[("big.", 2), ("small.", 1)],
        );
        check(
            &["m.big.0.w", "m.big.1.w", "m.small.0.w"],
            &[("m.big.", 2), ("m.small.", 1)],
        );
        check(&["w", "x"], &[("w", 1), ("x", 1)]);
        check(&["a.w"], &[("a.", 1)]);
        check(&[], &[]);
    }
}
