//! Design variants, and how they are written.

use std::collections::BTreeMap;

/// How many resources of each PU are available, by PU name: one design variant.
pub type Variant = BTreeMap<String, u32>;

/// A variant as `--variant` takes it: `cpu=4,gpu=1`.
pub fn variant_text(variant: &Variant) -> String {
    let counts = variant.iter().map(|(pu, count)| format!("{pu}={count}"));
    counts.collect::<Vec<_>>().join(",")
}

/// Reads `cpu=1,gpu=1`, as `--variant` has it.
///
/// # Errors
/// [`NoVariant`] for anything else, or a name given twice.
pub fn parse_variant(text: &str) -> Result<Variant, NoVariant> {
    let mut variant = Variant::new();
    for part in text.split(',') {
        let parsed = part
            .split_once('=')
            .and_then(|(name, count)| Some((name.trim(), count.trim().parse::<u32>().ok()?)));
        let Some((name, count)) = parsed.filter(|(name, _)| !name.is_empty()) else {
            return Err(NoVariant::Part {
                given: part.to_owned(),
            });
        };
        if variant.insert(name.to_owned(), count).is_some() {
            return Err(NoVariant::Twice {
                given: text.to_owned(),
                name: name.to_owned(),
                count,
            });
        }
    }
    Ok(variant)
}

/// A text that is no variant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVariant {
    /// A part of it is no name with a number.
    #[error("`{given}` is not NAME=COUNT")]
    Part {
        /// The part.
        given: String,
    },
    /// It has a processing unit twice.
    #[error("`{given}` gives {name} twice")]
    Twice {
        /// The text.
        given: String,
        /// The processing unit.
        name: String,
        /// The second number.
        count: u32,
    },
}

impl NoVariant {
    /// The next step.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Part { .. } => "for example: cpu=1,gpu=1".to_owned(),
            Self::Twice { name, count, .. } => {
                format!("keep one of them, for example {name}={count}")
            }
        })
    }
}

/// A variant with more resources of a processing unit than there are, or with none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`--variant {name}={count}`: {name} has {has}")]
pub struct TooMany {
    /// The processing unit.
    pub name: String,
    /// The number in question.
    pub count: u32,
    /// What it has, in words: `4 cores`.
    pub has: String,
    /// How many may be used, in words.
    pub usable: String,
}

impl TooMany {
    /// The next step.
    pub fn help(&self) -> Option<String> {
        let Self { name, usable, .. } = self;
        Some(match self.count {
            0 => format!("to keep the models off it: --forbid drafter={name},target={name}"),
            _ => usable.clone(),
        })
    }
}
