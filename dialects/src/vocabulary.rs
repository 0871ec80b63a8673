//! Names of operations and attributes that specplace reads or writes, in one
//! place, so that a renamed one is one line to change.

/// `specplace.role = "drafter"` on any operation: its role, as the user or an
/// earlier pass gave it.
pub const ROLE: &str = "specplace.role";

/// On the global that stands for the draft length while it is open.
pub const DRAFT_LENGTH: &str = "specplace.draft_length";

/// IREE's affinity attribute on functions and globals (Stream dialect).
pub const STREAM_AFFINITY: &str = "stream.affinity";

/// IREE's affinity attribute on arguments and results of public functions.
pub const ABI_AFFINITY: &str = "iree.abi.affinity";
