//! Handles to IR: small, `Copy`, and as free to rewrite with as MLIR's own.
//!
//! melior's references borrow in ways that rewriting cannot keep (an
//! operation that is moved while its operands are being looked at). These
//! handles instead carry one lifetime, that of the module they live in, and
//! rewriting goes through shared references, as in C++.
//!
//! **Invariant.** What a handle points at lives for as long as the handle can:
//! operations that are erased wait (`graveyard.rs`) until a module is borrowed
//! mutably, and are destroyed then.

mod attribute;
mod block;
pub(crate) mod graveyard;
mod location;
mod op;
mod types;
mod value;
mod walk;

pub use attribute::Attribute;
pub use block::{Block, Region};
pub use location::Location;
pub use op::Op;
pub use types::Type;
pub use value::{Use, Value};
pub use walk::Walk;

use std::ffi::c_void;

use mlir_sys::MlirStringRef;

/// A list that is nearly always short, such as the operands of an operation:
/// passes ask for it once or more per operation, and most need no memory for
/// it then.
pub type Few<T> = smallvec::SmallVec<[T; 4]>;

/// A view of `text` for the length of a call.
pub(crate) fn string_ref(text: &str) -> MlirStringRef {
    MlirStringRef {
        data: text.as_ptr().cast(),
        length: text.len(),
    }
}

/// Copies a string that MLIR owns.
///
/// # Safety
///
/// `raw` points at `length` readable bytes, or has length 0.
pub(crate) unsafe fn owned_string(raw: MlirStringRef) -> String {
    if raw.length == 0 {
        return String::new();
    }
    // SAFETY: by the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(raw.data.cast::<u8>(), raw.length) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// A view of a string that MLIR owns; empty if it is no UTF-8, which only
/// damaged bytecode has.
///
/// # Safety
///
/// `raw` points at `length` readable bytes that live through `'a`, or has
/// length 0.
pub(crate) unsafe fn borrowed_str<'a>(raw: MlirStringRef) -> &'a str {
    if raw.length == 0 {
        return "";
    }
    // SAFETY: by the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(raw.data.cast::<u8>(), raw.length) };
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The `MlirStringCallback` that appends to the `Vec<u8>` it is given.
pub(crate) unsafe extern "C" fn append_to_bytes(piece: MlirStringRef, user_data: *mut c_void) {
    if piece.length == 0 {
        return;
    }
    // SAFETY: the printing functions below pass a pointer to a live Vec, and
    // MLIR passes a piece that is readable during the call.
    unsafe {
        let bytes = &mut *user_data.cast::<Vec<u8>>();
        bytes.extend_from_slice(std::slice::from_raw_parts(
            piece.data.cast::<u8>(),
            piece.length,
        ));
    }
}

/// Runs a C printing function and returns what it printed.
pub(crate) fn printed(print: impl FnOnce(mlir_sys::MlirStringCallback, *mut c_void)) -> String {
    printed_into(Vec::new(), print)
}

/// As [`printed`], into what was allocated already.
pub(crate) fn printed_into(
    mut bytes: Vec<u8>,
    print: impl FnOnce(mlir_sys::MlirStringCallback, *mut c_void),
) -> String {
    print(Some(append_to_bytes), (&raw mut bytes).cast());
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
