//! MLIR's arith dialect: comparisons.

use crate::ir::{Attribute, Op};
use crate::session::Session;

/// How `arith.cmpi` compares, in its own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Predicate {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    UnsignedLess,
    UnsignedAtMost,
    UnsignedGreater,
    UnsignedAtLeast,
}

/// The attribute that holds it.
pub const PREDICATE: &str = "predicate";

impl Predicate {
    /// That of a comparison.
    pub fn of(op: Op<'_>) -> Option<Self> {
        const ALL: [Predicate; 10] = [
            Predicate::Equal,
            Predicate::NotEqual,
            Predicate::Less,
            Predicate::AtMost,
            Predicate::Greater,
            Predicate::AtLeast,
            Predicate::UnsignedLess,
            Predicate::UnsignedAtMost,
            Predicate::UnsignedGreater,
            Predicate::UnsignedAtLeast,
        ];
        let number = op.attribute(PREDICATE)?.as_integer()?;
        ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// As an operation holds it.
    pub fn attribute(self, session: &Session) -> Attribute<'_> {
        Attribute::i64(session, self as i64)
    }
}
