//! The roles that operations carry, in `specplace.role`.

use cost::Partition;
use dialects::ir::{Attribute, Op};
use dialects::vocabulary::ROLE;
use rustc_hash::FxHashMap;

/// The role, or stage of one, in an operation's `specplace.role`.
pub fn role_attribute(op: Op<'_>) -> Option<Partition> {
    read(op.attribute(ROLE)?)
}

fn read(attribute: Attribute<'_>) -> Option<Partition> {
    attribute.as_str()?.parse().ok()
}

/// As [`role_attribute`], for passes that ask it of every operation: MLIR has each
/// attribute once, and of a module's roles there are few, so that each is read once.
#[derive(Default)]
pub struct Roles<'m> {
    known: FxHashMap<Attribute<'m>, Option<Partition>>,
}

impl<'m> Roles<'m> {
    /// The role, or stage of one, that an operation carries.
    pub fn of(&mut self, op: Op<'m>) -> Option<Partition> {
        let attribute = op.attribute(ROLE)?;
        let known = self.known.entry(attribute);
        *known.or_insert_with(|| read(attribute))
    }
}
