//! Constants of floats narrower than f32.

use dialects::Module;
use dialects::vocabulary::GLOBAL;

use crate::structure::outer_ops;

/// What is larger is weights, which IREE puts into no kernel.
const MOST_BYTES: u64 = 64 << 10;

/// Writes small ones out as `dense<…>`. In IREE's kernels bf16 becomes f32, and
/// what does that to constants cannot read them from the module's resources
/// ("all of {value, result} have same type").
pub fn write_out(module: &Module<'_>) {
    for op in outer_ops(module) {
        let name = if op.is("arith.constant") {
            "value"
        } else if op.is(GLOBAL) {
            "initial_value"
        } else {
            continue;
        };
        let Some(value) = op.attribute(name).filter(|value| value.is_resource()) else {
            continue;
        };
        let Some(r#type) = value.r#type() else {
            continue;
        };
        let element = r#type.element();
        let narrow = element.is_float() && element.bit_width().is_some_and(|bits| bits < 32);
        if narrow
            && r#type.byte_count().is_some_and(|bytes| bytes <= MOST_BYTES)
            && let Some(digits) = value.resource_digits(op.location())
            && let Some(written) =
                module.parse_attribute(&format!("dense<\"0x{digits}\"> : {type}"))
        {
            op.set_attribute(name, written);
        }
    }
}
