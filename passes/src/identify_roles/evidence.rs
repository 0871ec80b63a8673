//! Why a value or an operation has a role.

use cost::{Partition, Role};
use dialects::{Diagnostic, Place};

use crate::weight_name::WeightName;

/// Where a role started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A placement operator.
    Marker,
    /// `specplace.role` on the operation.
    Attribute,
    /// A weight with `specplace.role`, or that `--drafter/--target` selects.
    GivenWeight(WeightName),
    /// A weight whose name speaks of the role.
    NamedWeight(WeightName),
    /// Nothing but what reads it, a later stage of its model.
    Readers,
    /// An embedding lookup that starts a model, with the bytes of its weights.
    Structure(u64),
    /// The nest of loops: drafts are made in an inner one.
    Nest,
}

/// One reason for one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The role, and the stage of it where one is named.
    pub part: Partition,
    /// How it started.
    pub origin: Origin,
    /// Where it started.
    pub place: Option<Place>,
    /// A `control` marker ended the model before this value: what follows
    /// stays with the model only as long as nobody else claims it.
    pub ended: bool,
}

impl Evidence {
    /// The evidence in words.
    pub fn describe(&self) -> String {
        let (part, role) = (self.part, self.part.role);
        match &self.origin {
            Origin::Marker => format!("follows from a value marked '{part}'"),
            Origin::Attribute => format!("has specplace.role = \"{part}\""),
            Origin::GivenWeight(name) => format!("reads '{name}', which was given to the {part}"),
            Origin::NamedWeight(name) => {
                format!("reads '{name}', whose name speaks of the {role}")
            }
            Origin::Readers => format!("is read by the {part} alone"),
            Origin::Nest => format!(
                "belongs to a model that runs {} of two nested loops",
                if role == Role::Target {
                    "in the outer one alone"
                } else {
                    "in the inner one"
                }
            ),
            Origin::Structure(bytes) => format!(
                "belongs to a model that starts at an embedding lookup and holds {bytes} bytes \
                 of weights, which is the {} of two",
                if role == Role::Target {
                    "bigger"
                } else {
                    "smaller"
                }
            ),
        }
    }

    /// The evidence as a note that points at where it started.
    pub fn note(&self) -> Diagnostic {
        Diagnostic::note(format!("{}: it {}", self.part, self.describe())).at(self.place.clone())
    }
}
