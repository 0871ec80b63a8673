//! Which part of the space is looked at: `cpu<=2`, `gamma<=4`.

use crate::platform::{Platform, Variant};
use crate::text::suggestion;
use crate::{CostError, units};

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
    /// [`CostError::Argument`] for anything that is not NAME OPERATOR NUMBER, or a name that is
    /// neither a PU of the platform nor `gamma`.
    pub fn parse<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        platform: &Platform,
    ) -> Result<Self, CostError> {
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

fn condition(text: &str, platform: &Platform) -> Result<Condition, CostError> {
    let found = OPERATORS.iter().find_map(|(operator, comparison)| {
        let (what, number) = text.split_once(operator)?;
        let what = what.trim();
        // `cpu=<2` is no condition on a unit called `cpu=`.
        let named = !what.contains(['<', '>', '=', '!']);
        let number = number.trim().parse::<u32>().ok()?;
        named.then_some((what, *comparison, number))
    });
    let Some((what, comparison, number)) = found else {
        return Err(CostError::argument(
            format!("`{text}` is not a condition"),
            "write a processing unit (or gamma), one of < <= > >= == !=, and a whole number: cpu<=2"
                .to_owned(),
        ));
    };
    if what != GAMMA && platform.pu(what).is_none() {
        let names = platform.pus.iter().map(|pu| pu.name.as_str());
        return Err(CostError::argument(
            format!(
                "`{text}`: the platform {} has no processing unit `{what}`",
                platform.name
            ),
            suggestion(what, "names", names.chain([GAMMA])),
        ));
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
/// [`CostError::Argument`] for anything but NAME=SIZE, a size that is none, or a name that the
/// platform has neither for a memory nor for a PU.
pub fn limit_memory(
    text: &str,
    platform: &mut Platform,
    limits: &mut std::collections::BTreeMap<String, u64>,
) -> Result<(), CostError> {
    let Some((name, size)) = text
        .split_once('=')
        .map(|(name, size)| (name.trim(), size.trim()))
        .filter(|(name, _)| !name.is_empty())
    else {
        return Err(CostError::argument(
            format!("`{text}` is not NAME=SIZE"),
            "for example: gpu=2GiB".to_owned(),
        ));
    };
    let bytes = units::bytes(size).map_err(|why| {
        CostError::argument(
            format!("`{text}`: {why}"),
            "for example: gpu=2GiB".to_owned(),
        )
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
        None => Err(CostError::argument(
            format!("`{text}`: the platform has neither a processing unit nor a memory `{name}`"),
            suggestion(name, "names", known.iter().map(String::as_str)),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let platform = Platform::load("imx95").unwrap();
        let filter = Filter::parse(["cpu<=2,gamma!=3", "cpu>0"], &platform).unwrap();
        assert!(filter.allows("cpu", 2) && !filter.allows("cpu", 3) && filter.allows("gpu", 1));
        assert!(filter.allows_gamma(2) && !filter.allows_gamma(3));
        for (text, part) in [
            ("cpu", "is not a condition"),
            ("cpu<=two", "is not a condition"),
            ("gpuu<2", "no processing unit `gpuu`"),
        ] {
            let error = Filter::parse([text], &platform).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn limits() {
        let mut platform = Platform::load("imx95").unwrap();
        let mut limits = std::collections::BTreeMap::new();
        limit_memory("gpu=2GiB", &mut platform, &mut limits).unwrap();
        assert_eq!(limits["gpu"], 2 << 30);
        limit_memory("dram=4 GB", &mut platform, &mut limits).unwrap();
        assert_eq!(platform.memories[0].capacity.value, 4e9);
        for (text, part) in [
            ("gpu", "NAME=SIZE"),
            ("gpu=2s", "is a time, where a size is wanted"),
            ("gpu=-1GB", "greater than zero"),
            ("drm=1GB", "neither a processing unit nor a memory `drm`"),
        ] {
            let error = limit_memory(text, &mut platform, &mut limits).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
