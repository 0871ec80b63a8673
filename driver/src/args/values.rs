//! Values of flags that have an inner form: `drafter=gpu,target=cpu`.

use std::str::FromStr;

use cost::workload::NoPartition;
use cost::{Partition, WithHelp};

/// `--gamma auto|N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gamma {
    /// The model chooses.
    #[default]
    Auto,
    /// This one.
    Fixed(u32),
}

impl FromStr for Gamma {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        text.parse()
            .map(Self::Fixed)
            .map_err(|_| "a draft length is `auto` or a whole number (0: do not draft)".into())
    }
}

/// A parser for whole numbers from `least` to `most`. Its flag has to allow
/// negative numbers, or clap's advice would be to give them after `--`.
pub fn whole<N: TryFrom<u64>>(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.trim().parse::<u64>().ok();
        number
            .filter(|number| (least..=most).contains(number))
            .and_then(|number| N::try_from(number).ok())
            .ok_or_else(|| match most {
                // As large as the type takes: nobody will come that far.
                0xffff_ffff.. => format!("a whole number from {least} on is wanted"),
                _ => format!("a whole number from {least} to {most} is wanted"),
            })
    }
}

/// One of `--pin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// What is pinned.
    pub role: Partition,
    /// Where to: a PU of the platform.
    pub unit: String,
}

/// `--pin drafter=gpu,target=cpu`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins(pub Vec<Pin>);

impl FromStr for Pins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(|item| {
                // `--forbid target@gpu` reads better than an equals sign.
                let item = item.replacen('@', "=", 1);
                let (role, unit) = pair(&item, "ROLE=PU")?;
                Ok(Pin {
                    role: parse_role(role)?,
                    unit: unit.to_owned(),
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// `--role NAME=ROLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleName {
    /// The name in IN, without a sigil.
    pub name: String,
    /// What it stands for.
    pub role: Partition,
}

impl FromStr for RoleName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, role) = pair(text, "NAME=ROLE")?;
        Ok(Self {
            // Symbols are written with their sigil in IR.
            name: name.trim_start_matches('@').to_owned(),
            role: parse_role(role)?,
        })
    }
}

fn pair<'a>(item: &'a str, form: &str) -> Result<(&'a str, &'a str), String> {
    item.split_once('=')
        .map(|(left, right)| (left.trim(), right.trim()))
        .filter(|(left, right)| !left.is_empty() && !right.is_empty())
        .ok_or_else(|| format!("`{item}` is not of the form {form}"))
}

fn parse_role(text: &str) -> Result<Partition, String> {
    text.parse()
        .map_err(|error: NoPartition| format!("{:#}", WithHelp::new(&error, error.help())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!("auto".parse(), Ok(Gamma::Auto));
        assert_eq!("0".parse(), Ok(Gamma::Fixed(0)));
        let name: RoleName = "@__device_0=host".parse().unwrap();
        assert_eq!(
            (name.name.as_str(), name.role),
            ("__device_0", Partition::CONTROL)
        );
    }

    #[test]
    fn whole_numbers_say_their_range() {
        assert_eq!(whole::<u32>(0, 4096)("4096"), Ok(4096));
        let error = whole::<u32>(1, 4096)("0").unwrap_err();
        assert_eq!(error, "a whole number from 1 to 4096 is wanted");
        for wrong in ["-1", "0", "many", "4294967296", "1.5", ""] {
            let error = whole::<u32>(1, u32::MAX.into())(wrong).unwrap_err();
            assert_eq!(error, "a whole number from 1 on is wanted", "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("drafter", "ROLE=PU"),
            ("draftr=gpu", "drafter"),
            ("=x", "ROLE=PU"),
        ] {
            let error = text.parse::<Pins>().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert!("-1".parse::<Gamma>().is_err());
    }
}
