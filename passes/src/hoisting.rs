//! What IREE would compute of weights ahead of time, and keep beside them.
//!
//! iree-compile computes once, when a module is loaded, what depends on no input
//! (`--iree-opt-const-expr-hoisting`), as long as that is at most 1 MiB larger
//! than what it is computed of. Masks and rotary tables are meant; a quantised
//! weight that is widened is meant as little as a second copy of it is. A lower
//! bound keeps such copies away, and lets the tables be.

use dialects::Module;
use dialects::ir::{Op, Type, Value};
use dialects::ops::GlobalLoad;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::structure::{Free, functions, placed_ops};

/// By how many bytes what IREE computes ahead may be larger than what it is
/// computed of, if nothing else is said.
const DEFAULT: u64 = 1 << 20;

/// A weight of fewer bytes is a vector, of which copies cost nothing; so is a
/// growth of fewer bytes.
pub const SMALL: u64 = 4 << 10;

/// With it, iree-compile takes the transposition and the broadcast of a weight into
/// the product that reads them, as it does at `--iree-opt-level=O2`; without it, it
/// keeps a transposed copy of every weight.
pub const GENERALIZE: &str = "--iree-opt-generalize-matmul=true";

/// The option of iree-compile that [`threshold`] is the value of.
pub const OPTION: &str = "--iree-opt-const-expr-max-size-increase-threshold";

/// By how many bytes what IREE computes ahead may grow for no weight to be kept
/// widened; `None` if its own bound does.
pub fn threshold(module: &Module<'_>) -> Option<u64> {
    let mut free = Free::new(module);
    let mut known = FxHashMap::default();
    let mut least = DEFAULT + 1;
    for op in functions(module).into_iter().flat_map(placed_ops) {
        if free.is_free(op) {
            continue;
        }
        for value in free.inputs(op) {
            let Some(source) = value.defining_op().filter(|op| free.is_free(*op)) else {
                continue;
            };
            let growth = known
                .entry(value)
                .or_insert_with(|| growth(&mut free, value, source));
            if let Some(growth) = *growth {
                least = least.min(growth);
            }
        }
    }
    (least <= DEFAULT).then(|| least - 1)
}

/// By how many bytes `value` is larger than the weights that `source` computes
/// it of, if both are of some size.
fn growth<'m>(free: &mut Free<'m>, value: Value<'m>, source: Op<'m>) -> Option<u64> {
    let mut weights = 0;
    let mut seen: FxHashSet<Op<'m>> = FxHashSet::default();
    let mut names = FxHashSet::default();
    let mut pending = vec![source];
    while let Some(op) = pending.pop() {
        if !seen.insert(op) {
            continue;
        }
        if let Some(load) = GlobalLoad::of(op)
            && names.insert(load.global())
        {
            weights += op.result(0).map(Value::r#type).and_then(Type::byte_count)?;
        }
        pending.extend(free.inputs(op).into_iter().filter_map(Value::defining_op));
    }
    let growth = value.r#type().byte_count()?.checked_sub(weights)?;
    (weights >= SMALL && growth >= SMALL).then_some(growth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialects::OwnedModule;

    /// A module whose function reads what is made of a weight of 64 × 64
    /// integers of `bits`, and a mask of constants.
    fn threshold_of(bits: u32, to: &str) -> Option<u64> {
        let text = format!(
            "util.global private @w = #flow.parameter.named<\"model\"::\"w\"> : tensor<64x64xi{bits}>
             func.func @f(%x: tensor<64x64x{to}>) -> (tensor<64x64x{to}>, tensor<64x64x{to}>) {{
               %w = util.global.load @w : tensor<64x64xi{bits}>
               %wide = arith.extsi %w : tensor<64x64xi{bits}> to tensor<64x64x{to}>
               %mask = arith.constant dense<1> : tensor<64x64x{to}>
               %a = arith.muli %x, %wide : tensor<64x64x{to}>
               %b = arith.muli %x, %mask : tensor<64x64x{to}>
               return %a, %b : tensor<64x64x{to}>, tensor<64x64x{to}>
             }}"
        );
        let session = iree::session();
        let module = OwnedModule::from_source(&session, text.as_bytes()).unwrap();
        threshold(&module)
    }

    #[test]
    fn a_widened_weight_is_kept_from_being_hoisted() {
        assert_eq!(threshold_of(8, "i32"), Some(3 * 64 * 64 - 1));
        assert_eq!(threshold_of(8, "i64"), Some(7 * 64 * 64 - 1));
    }

    #[test]
    fn small_weights_and_tables_may_be() {
        // Half a byte for each element, and rounded up.
        assert_eq!(threshold_of(1, "i8"), None);
    }
}
