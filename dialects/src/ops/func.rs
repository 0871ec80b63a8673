//! Functions and their calls, of MLIR's func dialect and of IREE's util.

use crate::build::OpBuilder;
use crate::ir::{Attribute, Location, Type, Value};
use crate::session::Session;
use crate::vocabulary::{CALL, UTIL_CALL};

/// What names the function that a call is of.
const CALLEE: &str = "callee";

view! {
    /// `func.call` or `util.call`.
    Call: CALL, UTIL_CALL
}

impl<'m> Call<'m> {
    /// The name of the function, without `@`.
    pub fn callee(self) -> Option<&'m str> {
        self.0.attribute(CALLEE)?.symbol_name()
    }

    /// Has it call the function of this name.
    pub fn set_callee(self, session: &'m Session, name: &str) {
        self.0
            .set_attribute(CALLEE, Attribute::symbol(session, name));
    }

    /// A `func.call` in the making.
    pub fn builder(
        session: &'m Session,
        location: Location<'m>,
        name: &str,
        operands: &[Value<'m>],
        results: &[Type<'m>],
    ) -> OpBuilder<'m> {
        OpBuilder::new(CALL, location)
            .operands(operands)
            .results(results)
            .attribute(CALLEE, Attribute::symbol(session, name))
    }
}
