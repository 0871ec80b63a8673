//! What is placed as one: a role, or one stage of a model.

use super::role::Role;
use crate::text::{Misnamed, WithHelp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A role, or one stage of a model that the user cut: `drafter`, `target.1`. The paper's m counts
/// those that are models. Eq. (1) speaks of roles; whatever places speaks of partitions.
///
/// The order is the order of tables, and of stages in a pass: drafter, target.0, target.1, control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Partition {
    /// What it is for.
    pub role: Role,
    /// Which stage of the model, in the order in which they run; `None` for a model in one piece,
    /// and for control.
    pub stage: Option<u32>,
}

impl Partition {
    /// The drafter in one piece.
    pub const DRAFTER: Self = Self::whole(Role::Drafter);
    /// The target in one piece.
    pub const TARGET: Self = Self::whole(Role::Target);
    /// Control, which has no stages.
    pub const CONTROL: Self = Self::whole(Role::Control);

    /// A role in one piece.
    pub const fn whole(role: Role) -> Self {
        Self { role, stage: None }
    }

    /// One stage of a model.
    pub const fn stage(role: Role, stage: u32) -> Self {
        Self {
            role,
            stage: Some(stage),
        }
    }

    /// Whether it is (a stage of) a model, and not control.
    pub fn is_model(self) -> bool {
        self.role != Role::Control
    }
}

impl From<Role> for Partition {
    fn from(role: Role) -> Self {
        Self::whole(role)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stage {
            None => self.role.fmt(f),
            Some(stage) => f.pad(&format!("{}.{stage}", self.role)),
        }
    }
}

impl FromStr for Partition {
    type Err = NoPartition;

    /// Accepts a role, as [`Role`] reads it, and `target.1` or `drafter.0`.
    ///
    /// # Errors
    /// [`NoPartition`] for any other text, among it stages of control.
    fn from_str(text: &str) -> Result<Self, NoPartition> {
        let Some((role, stage)) = text.split_once('.') else {
            return Ok(Self::whole(text.parse()?));
        };
        let role: Role = role.parse().map_err(|_| Role::misnamed(text))?;
        if role == Role::Control {
            return Err(NoPartition::OfControl {
                given: text.to_owned(),
            });
        }
        let digits = !stage.is_empty() && stage.bytes().all(|byte| byte.is_ascii_digit());
        match stage.parse() {
            Ok(stage) if digits => Ok(Self::stage(role, stage)),
            _ => Err(NoPartition::Number {
                given: text.to_owned(),
                role,
            }),
        }
    }
}

/// A text that names no partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPartition {
    /// What stands before the point, or alone, is no role.
    #[error(transparent)]
    Role(#[from] Misnamed),
    /// A stage of control.
    #[error("`{given}` is not a role: control has no stages")]
    OfControl {
        /// The text.
        given: String,
    },
    /// What stands behind the point is no number of a stage.
    #[error("`{given}` is not a role: a stage is a whole number")]
    Number {
        /// The text.
        given: String,
        /// What stands before the point.
        role: Role,
    },
}

impl NoPartition {
    /// The next step.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Role(error) => error.help(),
            Self::OfControl { .. } => {
                Some("stages are of the drafter or the target: target.0, target.1".to_owned())
            }
            Self::Number { role, .. } => Some(format!("for example {role}.0")),
        }
    }
}

impl From<Partition> for String {
    fn from(partition: Partition) -> Self {
        partition.to_string()
    }
}

impl TryFrom<String> for Partition {
    type Error = WithHelp;

    fn try_from(text: String) -> Result<Self, WithHelp> {
        text.parse()
            .map_err(|error: NoPartition| WithHelp::new(&error, error.help()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_sort_as_in_tables() {
        let texts = [
            "drafter",
            "drafter.0",
            "target.0",
            "target.2",
            "target.10",
            "control",
        ];
        let read: Vec<Partition> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let mut sorted = read.clone();
        sorted.reverse();
        sorted.sort();
        assert_eq!(read, sorted);
        for (text, partition) in texts.iter().zip(&read) {
            assert_eq!(*text, partition.to_string());
            let json = serde_json::to_string(partition).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(
                serde_json::from_str::<Partition>(&json).unwrap(),
                *partition
            );
        }
        assert_eq!("Host".parse::<Partition>().unwrap(), Partition::CONTROL);
    }

    #[test]
    fn what_is_no_partition_is_said() {
        for (text, part) in [
            ("targt", "targt"),
            ("targt.1", "`targt.1` is not a role"),
            ("control.0", "control has no stages"),
            ("target.", "whole number"),
            ("target.+1", "whole number"),
            ("target.-1", "whole number"),
            ("target.99999999999", "whole number"),
            ("target.1.2", "whole number"),
        ] {
            let error = text.parse::<Partition>().unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
