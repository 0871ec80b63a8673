//! What a subgraph is for.

use crate::text::Misnamed;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a subgraph is for. The order is the order of tables: models first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The small model that proposes tokens.
    Drafter,
    /// The big model that verifies them.
    Target,
    /// What drafts, verifies and accepts; not one of the paper's m partitions.
    #[serde(alias = "host")]
    Control,
}

impl Role {
    /// Every role, in table order.
    pub const ALL: [Self; 3] = [Self::Drafter, Self::Target, Self::Control];
    /// The roles that are placed by search: the paper's m = 2 partitions, unless a model is cut into
    /// stages (see [`Partition`](super::Partition)).
    pub const MODELS: [Self; 2] = [Self::Drafter, Self::Target];

    /// What to say of a text that is none.
    pub(super) fn misnamed(text: &str) -> Misnamed {
        let known = ["drafter", "target", "control", "host"];
        Misnamed::new(text, "a role", "roles", known)
    }

    /// The name used in files, on the command line and in IR.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drafter => "drafter",
            Self::Target => "target",
            Self::Control => "control",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Misnamed;

    /// Accepts `drafter`, `target`, `control`, and `host` for control, in any case.
    ///
    /// # Errors
    /// [`Misnamed`] with a suggestion for any other text.
    fn from_str(text: &str) -> Result<Self, Misnamed> {
        match text.to_ascii_lowercase().as_str() {
            "drafter" => Ok(Self::Drafter),
            "target" => Ok(Self::Target),
            "control" | "host" => Ok(Self::Control),
            _ => Err(Self::misnamed(text)),
        }
    }
}
