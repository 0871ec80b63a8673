//! Names of operations and attributes that specplace reads or writes, in one
//! place, so that a renamed one is one line to change.

/// `specplace.role = "drafter"` on any operation: its role, as the user or an
/// earlier pass gave it.
pub const ROLE: &str = "specplace.role";

/// On the global that stands for the draft length while it is open.
pub const DRAFT_LENGTH: &str = "specplace.draft_length";

/// IREE's affinity attribute on operations of its HAL and Stream dialects.
pub const AFFINITY: &str = "affinity";

/// IREE's affinity attribute on functions and globals (Stream dialect).
pub const STREAM_AFFINITY: &str = "stream.affinity";

/// IREE's affinity attribute on arguments and results of public functions.
pub const ABI_AFFINITY: &str = "iree.abi.affinity";

/// The marker in its resolved form: the identity, to a device by name.
pub const TRANSFER: &str = "flow.tensor.transfer";

/// Where a transfer goes.
pub const TRANSFER_TARGET: &str = "target";

/// A function.
pub const FUNC: &str = "func.func";

/// IREE's own kind of function, as its input phase writes it.
pub const UTIL_FUNC: &str = "util.func";

/// A call of a [`FUNC`].
pub const CALL: &str = "func.call";

/// A call of a [`UTIL_FUNC`].
pub const UTIL_CALL: &str = "util.call";

/// A global: a weight, a device, or state.
pub const GLOBAL: &str = "util.global";

/// Reads a global.
pub const GLOBAL_LOAD: &str = "util.global.load";

/// Takes the address of a global.
pub const GLOBAL_ADDRESS: &str = "util.global.address";

/// Writes a global.
pub const GLOBAL_STORE: &str = "util.global.store";

/// What runs once, when a module is loaded, and stores what it makes in globals.
pub const INITIALIZER: &str = "util.initializer";
