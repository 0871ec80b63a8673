//! What constant masks hold.

use dialects::Module;
use dialects::ir::{Attribute, Op, Value};
use dialects::ops::{Global, GlobalLoad};
use dialects::vocabulary::{GLOBAL, GLOBAL_LOAD};
use half::{bf16, f16};
use rustc_hash::FxHashMap;

use crate::structure::globals;

/// A score that is so much lower than another adds nothing to a softmax: e^-104 is
/// below the smallest f32.
const BLOCKED: f64 = 104.0;

/// The constants of a module.
pub(super) struct Masks<'m> {
    globals: FxHashMap<&'m str, Global<'m>>,
}

impl<'m> Masks<'m> {
    pub(super) fn new(module: &'m Module<'_>) -> Self {
        Self {
            globals: globals(module),
        }
    }

    /// Whether `value` is a constant over pairs of positions that does to some later
    /// position what it does to the position itself.
    pub(super) fn leaves_later_positions_open(&self, value: Value<'m>) -> bool {
        self.constant(value)
            .and_then(|(op, constant)| is_open(op, constant))
            .unwrap_or(false)
    }

    /// The global that `value` is loaded from, also where its shape or type is changed
    /// on the way.
    pub(super) fn global_behind(&self, value: Value<'m>) -> Option<String> {
        let (holder, _) = self.constant(value)?;
        holder.is(GLOBAL).then(|| holder.symbol_name())?
    }

    /// The elements of a constant, also where its shape or type is changed on the way.
    fn constant(&self, value: Value<'m>) -> Option<(Op<'m>, Attribute<'m>)> {
        let mut value = value;
        loop {
            let op = value.defining_op()?;
            match op.name() {
                "tensor.expand_shape"
                | "tensor.collapse_shape"
                | "tensor.cast"
                | "arith.trunci"
                | "arith.extf" => value = op.operand(0)?,
                GLOBAL_LOAD => {
                    let global = self.globals.get(GlobalLoad::of(op)?.global()?)?;
                    return Some((global.op(), global.initial_value()?));
                }
                "arith.constant" => return Some((op, op.attribute("value")?)),
                // i8 in which exporters store booleans, say.
                "linalg.generic" if is_conversion(op) => value = op.operand(0)?,
                _ => return None,
            }
        }
    }
}

/// Whether it does nothing but change the type of each element.
fn is_conversion(op: Op<'_>) -> bool {
    let same = |a: Option<Value<'_>>, b: Option<Value<'_>>| {
        a.zip(b)
            .is_some_and(|(a, b)| a.r#type().shape() == b.r#type().shape())
    };
    op.operands().len() == 2
        && same(op.operand(0), op.result(0))
        && op.nested().iter().all(|inner| {
            ["arith.trunci", "arith.extf", "arith.truncf", "linalg.yield"].contains(&inner.name())
        })
}

/// Whether some position's row has a later column that is as open as the position's
/// own; `None` where the elements cannot be read.
fn is_open(holder: Op<'_>, constant: Attribute<'_>) -> Option<bool> {
    if constant.is_splat() {
        return Some(true);
    }
    let r#type = constant.r#type()?;
    let shape = r#type.shape()?;
    let [.., Some(rows), Some(columns)] = shape.as_slice() else {
        return None;
    };
    let size = usize::try_from(*rows).ok().filter(|_| rows == columns)?;
    let element = r#type.element();
    let is_float = element.is_float();
    let elements = match constant.bytes(holder.location()) {
        Some(bytes) => {
            let (width, read) = reader(&element.to_string())?;
            bytes.chunks_exact(width).map(read).collect()
        }
        None => written_out(&constant.to_string())?,
    };
    let open = |own: f64, later: f64| {
        if is_float {
            later - own > -BLOCKED
        } else {
            later == own
        }
    };
    Some(elements.chunks_exact(size * size).any(|plane| {
        plane.chunks_exact(size).enumerate().any(|(row, pairs)| {
            pairs[row + 1..]
                .iter()
                .any(|later| open(pairs[row], *later))
        })
    }))
}

/// The elements of `dense<[[0, 1], [1, 1]]>`.
fn written_out(text: &str) -> Option<Vec<f64>> {
    let (_, rest) = text.split_once("dense<")?;
    let (elements, _) = rest.rsplit_once(">")?.0.rsplit_once('>')?;
    elements
        .split(['[', ']', ',', ' '])
        .filter(|each| !each.is_empty())
        .map(|each| match each {
            "true" => Some(1.0),
            "false" => Some(0.0),
            number => number.parse().ok(),
        })
        .collect()
}

/// What the bytes of an element stand for, low byte first.
type Reader = fn(&[u8]) -> f64;

/// How many bytes an element has, and how they are read.
fn reader(element: &str) -> Option<(usize, Reader)> {
    Some(match element {
        "f32" => (4, |bytes| {
            let bytes = bytes.try_into().unwrap_or_default();
            f64::from(f32::from_le_bytes(bytes))
        }),
        "f16" => (2, |bytes| {
            f16::from_le_bytes(bytes.try_into().unwrap_or_default()).to_f64()
        }),
        "bf16" => (2, |bytes| {
            bf16::from_le_bytes(bytes.try_into().unwrap_or_default()).to_f64()
        }),
        "i8" => (1, |bytes| bytes.first().copied().map_or(0.0, f64::from)),
        _ => return None,
    })
}
