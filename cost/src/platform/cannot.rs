//! What IREE does not compile for a unit, or computes wrongly there: the table
//! that a platform carries, and `doctor` fills.
//!
//! An entry is of an operation in a type, and of the releases of IREE that it
//! was seen with. It is about what specplace hands to IREE: an operation that a
//! pass rewrites before has no entry.

use crate::text::{WithHelp, list, suggestion};
use crate::workload::DType;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeSet;
use std::fmt;

/// What operations do, whatever their names: most of a model is `linalg.generic`, and its
/// name tells nothing.
pub const KINDS: &[&str] = &[
    "elementwise",
    "reduction",
    "argmax",
    "contraction",
    "convolution",
    "depthwise-convolution",
    "pooling",
    "gather",
    "scatter",
    "sort",
    "scan",
    "attention",
];

/// One entry of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cannot {
    /// One of [`KINDS`], or the name of an operation, whole or with `*` at its end.
    pub op: String,
    /// The element types it is about; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<BTreeSet<DType>>,
    /// The releases of IREE that it was seen with; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iree: Option<Releases>,
    /// What goes wrong.
    pub outcome: Trouble,
    /// What to do about it, or why it is so, for the reader of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who found it, if not the author of the platform: `specplace doctor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_by: Option<String>,
}

/// What goes wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// iree-compile fails.
    DoesNotCompile,
    /// The result is wrong, and nothing says so.
    Wrong,
    /// It compiles, and its run fails or does not end.
    Fails,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::DoesNotCompile => "does not compile",
            Self::Wrong => "is computed wrongly",
            Self::Fails => "fails when it runs",
        })
    }
}

impl Cannot {
    /// Whether `op` must not be in `computes` (see
    /// [`SubgraphDemand::computes`](crate::workload::SubgraphDemand::computes)): the types of the
    /// operation that are ruled out, `None` if it is not the one meant, or in other types.
    pub fn rules_out(&self, op: &str, types: &BTreeSet<DType>) -> Option<Vec<DType>> {
        let named = match self.op.strip_suffix('*') {
            Some(prefix) => op.starts_with(prefix),
            None => self.op == op,
        };
        if !named {
            return None;
        }
        match &self.types {
            None => Some(types.iter().copied().collect()),
            Some(wrong) => {
                let found: Vec<DType> = types.intersection(wrong).copied().collect();
                (!found.is_empty()).then_some(found)
            }
        }
    }

    /// Whether it is about this release; about one that is not known it is.
    pub fn concerns(&self, release: Option<Release>) -> bool {
        match (&self.iree, release) {
            (Some(releases), Some(release)) => releases.contains(release),
            _ => true,
        }
    }

    /// What is wrong with the entry itself, with the key at fault and the next step.
    pub fn complaint(&self) -> Option<(&'static str, String, String)> {
        if !self.op.contains('.') && !KINDS.contains(&self.op.as_str()) {
            let kinds = suggestion(&self.op, "kinds", KINDS.iter().copied());
            return Some((
                "op",
                format!(
                    "`{}` is no kind of operation, and no operation's name",
                    self.op
                ),
                format!("{kinds}; a name has its dialect: linalg.conv_2d*"),
            ));
        }
        if self.types.as_ref().is_some_and(BTreeSet::is_empty) {
            return Some((
                "types",
                "an entry is about one type at least".to_owned(),
                "leave `types` out to mean all".to_owned(),
            ));
        }
        let texts = [("note", &self.note), ("found_by", &self.found_by)];
        let mut texts = texts
            .iter()
            .filter_map(|(key, text)| Some((*key, text.as_ref()?)));
        texts
            .find(|(_, text)| text.chars().any(char::is_control))
            .map(|(key, text)| {
                (
                    key,
                    format!(
                        "this is one line without control characters, not `{}`",
                        text.escape_debug()
                    ),
                    "write it in quotes".to_owned(),
                )
            })
    }
}

impl fmt::Display for Cannot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.op)?;
        if let Some(types) = &self.types {
            write!(f, " in {}", list(types))?;
        }
        write!(f, " {}", self.outcome)?;
        self.iree
            .as_ref()
            .map_or(Ok(()), |releases| write!(f, " (IREE {releases})"))
    }
}

/// A release of IREE, major and minor: 3.13.
pub type Release = (u32, u32);

/// Releases of IREE, written `3.13`, `3.10..3.13`, `3.10..` or `..3.13`, both ends among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Releases {
    first: Option<Release>,
    last: Option<Release>,
}

impl Releases {
    /// This one alone.
    pub fn only(release: Release) -> Self {
        Self {
            first: Some(release),
            last: Some(release),
        }
    }

    /// Whether the release is among them.
    pub fn contains(&self, release: Release) -> bool {
        self.first.is_none_or(|first| first <= release)
            && self.last.is_none_or(|last| release <= last)
    }

    fn parse(text: &str) -> Option<Self> {
        let release = |text: &str| -> Option<Release> {
            let (major, minor) = text.trim().split_once('.')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        };
        let end = |text: &str| match text.trim() {
            "" => Some(None),
            text => release(text).map(Some),
        };
        let Some((first, last)) = text.split_once("..") else {
            return release(text).map(Self::only);
        };
        let (first, last) = (end(first)?, end(last)?);
        let ordered = match (first, last) {
            (None, None) => false,
            (Some(first), Some(last)) => first <= last,
            _ => true,
        };
        ordered.then_some(Self { first, last })
    }
}

impl fmt::Display for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write = |f: &mut fmt::Formatter<'_>, release: Option<Release>| {
            release.map_or(Ok(()), |(major, minor)| write!(f, "{major}.{minor}"))
        };
        write(f, self.first)?;
        if self.first == self.last {
            return Ok(());
        }
        f.write_str("..")?;
        write(f, self.last)
    }
}

impl Serialize for Releases {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Releases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        const HELP: &str = "\"3.13\" is that release, \"3.10..3.13\" those from one to the other, \"3.10..\" and \"..3.13\" have one end";
        impl de::Visitor<'_> for Visitor {
            type Value = Releases;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a release of IREE in quotes, such as \"3.13\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Releases, E> {
                Releases::parse(text).ok_or_else(|| {
                    let message = format_args!("`{text}` names no releases of IREE");
                    E::custom(WithHelp::new(message, HELP.to_owned()))
                })
            }
            // YAML takes 3.10 for 3.1.
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Releases, E> {
                let message = format_args!(
                    "a release of IREE stands in quotes: without them {number} is a number"
                );
                Err(E::custom(WithHelp::new(message, HELP.to_owned())))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn releases(text: &str) -> Option<Releases> {
        serde_json::from_str(&format!("\"{text}\"")).ok()
    }

    #[test]
    fn releases_have_ends() {
        for (text, inside, outside) in [
            ("3.13", &[(3, 13)][..], &[(3, 12), (3, 14), (4, 13)][..]),
            ("3.9..3.13", &[(3, 9), (3, 10), (3, 13)], &[(3, 8), (3, 14)]),
            ("3.10..", &[(3, 10), (4, 0)], &[(3, 9)]),
            ("..3.13", &[(3, 13), (2, 99)], &[(3, 14)]),
        ] {
            let releases = releases(text).unwrap();
            assert_eq!(releases.to_string(), text);
            assert!(
                inside.iter().all(|release| releases.contains(*release)),
                "{text}"
            );
            assert!(
                !outside.iter().any(|release| releases.contains(*release)),
                "{text}"
            );
        }
        for wrong in ["", "..", "3", "3.x", "3.13..3.9", "3.1.2..", "new"] {
            assert_eq!(releases(wrong), None, "{wrong}");
        }
        let number = serde_json::from_str::<Releases>("3.10").unwrap_err();
        assert!(number.to_string().contains("in quotes"), "{number}");
    }

    #[test]
    fn an_entry_is_of_an_operation_in_a_type() {
        let entry = |text: &str| serde_json::from_str::<Cannot>(text).unwrap();
        let types = |types: &[DType]| types.iter().copied().collect::<BTreeSet<_>>();
        let half = entry(
            r#"{ "op": "sort", "types": ["f16", "bf16"], "outcome": "wrong", "iree": "3.13" }"#,
        );
        assert_eq!(
            half.rules_out("sort", &types(&[DType::F16, DType::I64])),
            Some(vec![DType::F16])
        );
        assert_eq!(half.rules_out("sort", &types(&[DType::F32])), None);
        assert_eq!(half.rules_out("sorted", &types(&[DType::F16])), None);
        assert!(half.concerns(None) && half.concerns(Some((3, 13))));
        assert!(!half.concerns(Some((3, 14))));
        assert_eq!(
            half.to_string(),
            "sort in f16 and bf16 is computed wrongly (IREE 3.13)"
        );
        let all = entry(r#"{ "op": "linalg.conv_2d*", "outcome": "does-not-compile" }"#);
        assert_eq!(
            all.rules_out("linalg.conv_2d_nchw_fchw", &types(&[DType::F32])),
            Some(vec![DType::F32])
        );
        // No type is known of it, and all are meant.
        assert_eq!(all.rules_out("linalg.conv_2d", &types(&[])), Some(vec![]));
        assert!(all.concerns(Some((9, 9))) && all.complaint().is_none());
    }

    #[test]
    fn entries_that_mean_nothing_are_refused() {
        let complaint = |text: &str| serde_json::from_str::<Cannot>(text).unwrap().complaint();
        let (key, message, help) =
            complaint(r#"{ "op": "reductoin", "outcome": "wrong" }"#).unwrap();
        assert_eq!(key, "op");
        assert!(message.contains("reductoin") && help.contains("did you mean `reduction`"));
        let (key, ..) = complaint(r#"{ "op": "sort", "types": [], "outcome": "wrong" }"#).unwrap();
        assert_eq!(key, "types");
        let (key, ..) =
            complaint(r#"{ "op": "sort", "outcome": "wrong", "note": "a\nb" }"#).unwrap();
        assert_eq!(key, "note");
    }
}
