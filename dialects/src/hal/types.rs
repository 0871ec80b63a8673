//! The types of IREE's HAL dialect, which MLIR's C API does not make: they are parsed,
//! here and nowhere else.

use crate::ir::Type;
use crate::session::Session;

fn named<'m>(session: &'m Session, text: &str) -> Type<'m> {
    Type::parse(session, text).expect("a type of IREE's HAL dialect")
}

/// `!hal.buffer_view`.
pub fn buffer_view(session: &Session) -> Type<'_> {
    named(session, "!hal.buffer_view")
}

/// `!hal.buffer`.
pub fn buffer(session: &Session) -> Type<'_> {
    named(session, "!hal.buffer")
}

/// `!hal.device`.
pub fn device(session: &Session) -> Type<'_> {
    named(session, "!hal.device")
}

/// `!hal.allocator`.
pub fn allocator(session: &Session) -> Type<'_> {
    named(session, "!hal.allocator")
}

/// `!hal.fence`.
pub fn fence(session: &Session) -> Type<'_> {
    named(session, "!hal.fence")
}
