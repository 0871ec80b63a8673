//! Proves that IREE placed a module as planned.
//!
//! Reads two modules and changes neither: the placed IR that specplace wrote,
//! from which it takes what is expected ([`Expectation`]), and what
//! `iree-compile --compile-to=stream` made of it, in which every dispatch,
//! allocation and parameter load carries the device that it will use
//! ([`check`]).
//!
//! That "everything has a device" proves nothing: a function that was inlined
//! runs on its caller's device, two devices of one spec are silently merged
//! into one, and a weight can sit with the default device while its users are
//! elsewhere. So expected and actual device are compared, for every function,
//! executable, dispatch, parameter and constant; and, since IREE's
//! interprocedural optimisation can drop arguments and results that it takes
//! for equal, the arity of every call with what was emitted. And no function
//! may write into a buffer that it was only lent.

mod actual;
mod alternatives;
mod borrowed;
mod expectation;
mod report;
mod resources;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use dialects::Attribute;
use dialects::affinity::unquoted;

pub use actual::check;
pub use expectation::{Expectation, PlannedFunction};
pub use report::{DeviceUse, Report};

/// Names of devices.
pub type Devices = BTreeSet<String>;

/// The names of the resources in a constant: `dense_resource<NAME>`, alone or
/// inside a composite.
fn resource_names(attribute: Attribute<'_>) -> Vec<String> {
    let text = attribute.to_string();
    let mut names = Vec::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find("dense_resource<") {
        rest = &rest[start + "dense_resource<".len()..];
        let name = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted).map(|(name, _)| name),
            None => rest.find('>').map(|end| rest[..end].to_owned()),
        };
        names.extend(name);
    }
    names
}

/// `@a, @b`.
fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("@{name}")).collect();
    if names.is_empty() {
        "no device".to_owned()
    } else {
        names.join(", ")
    }
}
