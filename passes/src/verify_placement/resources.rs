//! Reading the stream dialect: what an operation's resources are and where
//! they come from.

use dialects::affinity;
use dialects::ops::GlobalLoad;
use dialects::{Block, Op, Value};
use rustc_hash::FxHashSet;

use super::Devices;

pub(super) fn is_resource(value: Value<'_>) -> bool {
    value.r#type().to_string().starts_with("!stream.resource<")
}

/// The device of the execution that a dispatch is part of.
pub(super) fn execution_device(dispatch: Op<'_>) -> Option<String> {
    let mut op = dispatch;
    loop {
        if let Some(device) = affinity::of_operation(op) {
            return Some(device);
        }
        op = op.parent()?;
    }
}

/// The executable of `@executable::@entry`.
pub(super) fn executable_name(entry: &str) -> String {
    entry
        .split("::")
        .next()
        .unwrap_or(entry)
        .trim_start_matches('@')
        .to_owned()
}

/// The size of segment `index` of an operation's operands.
pub(super) fn segment(op: Op<'_>, index: usize) -> Option<usize> {
    let sizes = op.attribute("operandSegmentSizes")?.i32_numbers()?;
    usize::try_from(*sizes.get(index)?).ok()
}

/// The text of a `util.buffer.constant` that holds a string.
pub(super) fn buffer_text(value: Value<'_>) -> Option<String> {
    let op = value.defining_op()?;
    op.is("util.buffer.constant")
        .then(|| op.string_attribute("value"))
        .flatten()
}

/// Whether an execution does nothing with a resource that it captures but copy
/// from it.
pub(super) fn is_only_copied_from(execute: Op<'_>, resource: Value<'_>) -> bool {
    let captured = execute
        .operands()
        .into_iter()
        .filter(|each| is_resource(*each));
    let inside = execute
        .blocks()
        .into_iter()
        .flat_map(Block::arguments)
        .filter(|each| is_resource(*each));
    captured
        .zip(inside)
        .filter(|(outside, _)| *outside == resource)
        .flat_map(|(_, argument)| argument.uses())
        .all(|each| {
            each.op.is("stream.cmd.copy") && each.index == 0 || each.op.is("stream.cmd.invalidate")
        })
}

/// The devices on which the storage of a resource was made, as far as that
/// can be seen inside its function. A global's is known by its stores.
pub(super) fn origins(value: Value<'_>) -> Devices {
    let mut devices = Devices::new();
    for source in sources(value) {
        if let Some(op) = source.defining_op()
            && let Some(device) = affinity::of_operation(op)
        {
            devices.insert(device);
        }
    }
    devices
}

/// The globals that a resource was loaded from.
pub(super) fn loaded_globals(value: Value<'_>) -> Vec<String> {
    sources(value)
        .into_iter()
        .filter_map(Value::defining_op)
        .filter_map(|op| Some(GlobalLoad::of(op)?.global()?.to_owned()))
        .collect()
}

/// Follows a resource back to where it came to life, through what only waits
/// for it, cuts it, or passes it between blocks.
pub(super) fn sources(value: Value<'_>) -> Vec<Value<'_>> {
    let mut found = Vec::new();
    let mut seen = FxHashSet::default();
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        if !seen.insert(value) {
            continue;
        }
        if let Some((block, index)) = value.block_argument() {
            waiting.extend(passed(block, index));
            continue;
        }
        let Some(op) = value.defining_op() else {
            continue;
        };
        let index = value.result_index().unwrap_or_default();
        if op.is("stream.timepoint.await") || op.is("stream.timepoint.barrier") {
            waiting.extend(op.operand(index));
        } else if op.is("stream.resource.subview") {
            waiting.extend(op.operand(0));
        } else if op.is("arith.select") {
            waiting.extend(op.operand(1));
            waiting.extend(op.operand(2));
        } else {
            found.push(value);
        }
    }
    found
}

/// The values that branches pass as argument `index` of `block`.
pub(super) fn passed<'m>(block: Block<'m>, index: usize) -> Vec<Value<'m>> {
    let Some(parent) = block.parent_op() else {
        return Vec::new();
    };
    let mut values = Vec::new();
    for terminator in parent.blocks().into_iter().filter_map(Block::terminator) {
        let targets = terminator.successors();
        if !targets.contains(&block) {
            continue;
        }
        let operands = terminator.operands();
        let segments: Vec<usize> = if terminator.is("cf.br") {
            vec![0, operands.len()]
        } else if terminator.is("cf.cond_br") {
            (0..3)
                .filter_map(|each| segment(terminator, each))
                .collect()
        } else {
            continue;
        };
        let mut start = segments[0];
        for (target, size) in targets.iter().zip(&segments[1..]) {
            if *target == block && index < *size {
                values.extend(operands.get(start + index).copied());
            }
            start += size;
        }
    }
    values
}
