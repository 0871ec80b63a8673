//! Which part of the space is looked at: `cpu<=2`, `gamma<=4`.

use super::error::ExploreError;
use crate::platform::{NoUnit, Platform, Variant};
use crate::text::suggestion;
use crate::units;

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
}

/// Longer operators first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Comparison); 7] = [
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("!=", Comparison::Unequal),
    ("==", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
    ("=", Comparison::Equal),
];

/// One condition on the resources of a PU, or on γ.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    /// A PU's name, or `gamma`.
    what: String,
    comparison: Comparison,
    number: u32,
}

impl Condition {
    fn holds(&self, value: u32) -> bool {
        match self.comparison {
            Comparison::Less => value < self.number,
            Comparison::LessOrEqual => value <= self.number,
            Comparison::Greater => value > self.number,
            Comparison::GreaterOrEqual => value >= self.number,
            Comparison::Equal => value == self.number,
            Comparison::Unequal => value != self.number,
        }
    }
}

/// Conditions that must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Vec<Condition>);

/// What stands for the draft length.
const GAMMA: &str = "gamma";

impl Filter {
    /// Reads `cpu<=2` or `cpu<=2,gamma>0` for a platform.
    ///
    /// # Errors
    /// [`ExploreError`] for anything that is not NAME OPERATOR NUMBER, or a name that is
    /// neither a PU of the platform nor `gamma`.
    pub fn parse<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        platform: &Platform,
    ) -> Result<Self, ExploreError> {
        texts
            .into_iter()
            .flat_map(|text| text.split(','))
            .map(|text| condition(text, platform))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether there is nothing to filter.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a PU with so many resources in use passes.
    pub fn allows(&self, pu: &str, count: u32) -> bool {
        self.about(pu).all(|condition| condition.holds(count))
    }

    /// Whether a variant passes.
    pub fn allows_variant(&self, variant: &Variant) -> bool {
        variant.iter().all(|(pu, count)| self.allows(pu, *count))
    }

    /// Whether a draft length passes.
    pub fn allows_gamma(&self, gamma: u32) -> bool {
        self.allows(GAMMA, gamma)
    }

    fn about<'a>(&'a self, what: &'a str) -> impl Iterator<Item = &'a Condition> {
        self.0
            .iter()
            .filter(move |condition| condition.what == what)
    }
}

fn condition(text: &str, platform: &Platform) -> Result<Condition, ExploreError> {
    let found = OPERATORS.iter().find_map(|(operator, comparison)| {
        let (what, number) = text.split_once(operator)?;
        let what = what.trim();
        // `cpu=<2` is no condition on a unit called `cpu=`.
        let named = !what.contains(['<', '>', '=', '!']);
        let number = number.trim().parse::<u32>().ok()?;
        named.then_some((what, *comparison, number))
    });
    let Some((what, comparison, number)) = found else {
        return Err(ExploreError::NoCondition {
            given: text.to_owned(),
        });
    };
    if what != GAMMA && platform.pu(what).is_none() {
        let names = platform.pus.iter().map(|pu| pu.name.as_str());
        return Err(ExploreError::Unit(NoUnit {
            given_as: text.to_owned(),
            name: what.to_owned(),
            platform: platform.name.clone(),
            known: suggestion(what, "names", names.chain([GAMMA])),
        }));
    }
    Ok(Condition {
        what: what.to_owned(),
        comparison,
        number,
    })
}

/// Applies `gpu=2GiB`: the capacity of the memory of that name, or what the roles on the PU of that
/// name may take together.
///
/// # Errors
/// [`ExploreError`] for anything but NAME=SIZE, a size that is none, or a name that the
/// platform has neither for a memory nor for a PU.
pub fn limit_memory(
    text: &str,
    platform: &mut Platform,
    limits: &mut std::collections::BTreeMap<String, u64>,
) -> Result<(), ExploreError> {
    let Some((name, size)) = text
        .split_once('=')
        .map(|(name, size)| (name.trim(), size.trim()))
        .filter(|(name, _)| !name.is_empty())
    else {
        return Err(ExploreError::NoLimit {
            given: text.to_owned(),
        });
    };
    let bytes = units::bytes(size).map_err(|why| ExploreError::NoSize {
        given: text.to_owned(),
        why,
    })?;
    if platform.pu(name).is_some() {
        limits.insert(name.to_owned(), bytes as u64);
        return Ok(());
    }
    let known: Vec<String> = platform
        .pus
        .iter()
        .map(|pu| pu.name.clone())
        .chain(platform.memories.iter().map(|memory| memory.name.clone()))
        .collect();
    match platform
        .memories
        .iter_mut()
        .find(|memory| memory.name == name)
    {
        Some(memory) => {
            memory.capacity = units::Quantity::new(
                bytes,
                units::Source::Given,
                Some(format!("limited on request, {text}")),
            );
            Ok(())
        }
        None => Err(ExploreError::NoMemory {
            given: text.to_owned(),
            name: name.to_owned(),
            known: suggestion(name, "names", known.iter().map(String::as_str)),
        }),
    }
}
