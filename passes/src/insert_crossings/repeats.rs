//! One view for each value that a branch hands on.
//!
//! IREE 3.13's VM moves a reference whose last use is a branch; where the
//! branch hands it on twice, one of the values that it becomes is null, and
//! the next use of that ends the run ("ref is null"). A loop does so that
//! starts two of the values it carries as one and the same. So every repetition
//! becomes another view of the same buffer, which copies nothing.

use std::collections::HashSet;

use dialects::Module;
use dialects::hal::Inserter;
use dialects::ir::{Op, Type, Value};

use super::{hands_on, view_type};
use crate::structure::{is_control_flow, placed_blocks};

/// Parts what is handed on twice by the control flow of `function`; `tensor`
/// tells the type of what a view shows.
pub fn part<'m>(
    module: &'m Module<'m>,
    function: Op<'m>,
    tensor: impl Fn(Value<'m>) -> Option<Type<'m>>,
) {
    let is_view = |value: &Value<'m>| value.r#type() == view_type(module);
    for block in placed_blocks(function) {
        for op in block.ops() {
            if !is_control_flow(op) && !hands_on(op) {
                continue;
            }
            let mut seen = HashSet::new();
            for (index, view) in op.operands().into_iter().enumerate() {
                if !is_view(&view) || seen.insert(view) {
                    continue;
                }
                if let Some(shown) = tensor(view) {
                    let inserter = Inserter::before(module, op);
                    let buffer = inserter.buffer_of(view);
                    op.set_operand(index, inserter.view_of(buffer, shown));
                }
            }
        }
    }
}
