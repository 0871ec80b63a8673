//! The work of one operation.

use std::collections::{BTreeMap, BTreeSet};

use cost::workload::DType;
use dialects::ir::{Op, Type, Value, Walk};
use dialects::linalg::loop_sizes;

/// Floats to integers of few bits, with a scale, and back.
const QUANTIZE: &str = "iree_linalg_ext.quantize_affine";
const DEQUANTIZE: &str = "iree_linalg_ext.dequantize_affine";

/// What it takes to quantize one element: a division, a rounding, an addition,
/// and two comparisons.
const QUANTIZING: u64 = 5;

/// What one operation computes and moves.
#[derive(Default)]
pub struct Work {
    /// Operations by the type they are done in; a multiply-add is two.
    pub flops: BTreeMap<DType, u64>,
    /// The types that it computes in or converts between.
    pub dtypes: BTreeSet<DType>,
    /// Bytes read and written, if it becomes a dispatch.
    pub bytes_moved: u64,
    /// Bytes of what it reads and writes, whoever holds them.
    pub live_bytes: u64,
    /// Whether it becomes a dispatch of its own.
    pub dispatches: bool,
    /// A type that it computes in and that the cost model has no name for, so that its
    /// work is not among `flops`.
    pub unknown: Option<String>,
}

/// Counts the work of `op`; `None` if a shape is dynamic.
pub fn work(op: Op<'_>) -> Option<Work> {
    let mut work = Work::default();
    let mut read = 0u64;
    for operand in op.operands() {
        // An output that only gives the shape is written, not read.
        let read_from = !operand
            .defining_op()
            .is_some_and(|op| op.is("tensor.empty"));
        if read_from && operand.r#type().is_tensor() {
            // IREE dequantizes where the floats are used.
            let stored = quantized(operand).unwrap_or(operand);
            read = read.saturating_add(stored.r#type().byte_count()?);
        }
    }
    let mut written = 0u64;
    for result in op.results() {
        if result.r#type().is_tensor() {
            written = written.saturating_add(result.r#type().byte_count()?);
        }
    }
    work.live_bytes = read.saturating_add(written);
    let name = op.name();
    if name == DEQUANTIZE {
        return Some(Work::default());
    }
    if name == QUANTIZE {
        quantize(op, &mut work);
    } else if name == "iree_linalg_ext.attention" || name == "iree_linalg_ext.online_attention" {
        work.dispatches = true;
        attention(op, &mut work);
    } else if let Some(sizes) = loop_sizes(op) {
        let points = product(&sizes);
        let reads_tables = body(op, points, &mut work);
        let elements = op
            .results()
            .iter()
            .filter_map(|result| result.r#type().element_count())
            .max()
            .unwrap_or(0);
        // Fewer results than loop points means a contraction or reduction.
        let reduces = points > elements.max(1);
        if reduces {
            in_integers(op, &mut work);
        }
        work.dispatches = reduces || reads_tables;
    } else {
        // Scans, scatters, concatenations and the like move what they touch.
        work.dispatches = name.starts_with("iree_linalg_ext.") || name == "tensor.concat";
        let elements = op
            .results()
            .first()
            .and_then(|result| result.r#type().element_count())
            .unwrap_or(0);
        body(op, elements, &mut work);
        // Arithmetic on whole tensors, as it is written by hand.
        arithmetic(op, elements, &mut work);
    }
    if work.dispatches {
        // A lookup reads the rows it needs and not the whole table, which is
        // captured and no operand.
        work.bytes_moved = work.live_bytes;
    }
    Some(work)
}

impl Work {
    /// The cost model's name for the type of the elements; where it has none, that is
    /// noted, so that the work does not count as none.
    fn known(&mut self, r#type: Type<'_>) -> Option<DType> {
        let dtype = dtype_of(r#type);
        if dtype.is_none() {
            self.unknown = Some(r#type.element().to_string());
        }
        dtype
    }
}

fn quantize(op: Op<'_>, work: &mut Work) {
    let (Some(input), Some(result)) = (op.operand(0), op.result(0)) else {
        return;
    };
    if let Some(dtype) = work.known(input.r#type()) {
        let elements = input.r#type().element_count().unwrap_or(0);
        work.flops
            .insert(dtype, elements.saturating_mul(QUANTIZING));
        work.dtypes.insert(dtype);
    }
    let made = work.known(result.r#type());
    work.dtypes.extend(made);
}

/// A product of two tensors that were integers before they were dequantized:
/// IREE multiplies the integers, and scales the sums.
fn in_integers(op: Op<'_>, work: &mut Work) {
    let factors: Option<Vec<Value<'_>>> =
        op.operands().into_iter().take(2).map(quantized).collect();
    let Some(factors) = factors.filter(|factors| factors.len() == 2) else {
        return;
    };
    let flops = work.flops.values().copied().fold(0, u64::saturating_add);
    work.flops = BTreeMap::from([(DType::I32, flops)]);
    work.dtypes = BTreeSet::from([DType::I32]);
    let dtypes = factors.into_iter().map(|value| dtype_of(value.r#type()));
    work.dtypes.extend(dtypes.flatten());
}

/// The integers that a tensor of floats was dequantized from, whatever its shape
/// has become since.
fn quantized(value: Value<'_>) -> Option<Value<'_>> {
    let mut value = value;
    loop {
        let op = value.defining_op()?;
        let reshapes = matches!(
            op.name(),
            "linalg.transpose" | "tensor.expand_shape" | "tensor.collapse_shape"
        );
        value = op.operand(0)?;
        if op.is(DEQUANTIZE) {
            return Some(value);
        } else if !reshapes {
            return None;
        }
    }
}

/// How many points loops of these sizes have; the most there can be, where there
/// are more.
pub fn product(sizes: &[u64]) -> u64 {
    sizes
        .iter()
        .fold(1u64, |product, size| product.saturating_mul(*size))
}

/// Adds the arithmetic of the operation's body, done at each of `points`; says
/// whether the body looks up elements of a table.
fn body(op: Op<'_>, points: u64, work: &mut Work) -> bool {
    let mut reads_tables = false;
    op.walk(&mut |nested| {
        if nested != op {
            arithmetic(nested, points, work);
            reads_tables |= nested.is("tensor.extract");
        }
        Walk::Into
    });
    reads_tables
}

/// Adds one arithmetic operation, done at each of `points`.
fn arithmetic(op: Op<'_>, points: u64, work: &mut Work) {
    let Some(r#type) = computed_type(op) else {
        return;
    };
    let Some(dtype) = work.known(r#type) else {
        return;
    };
    if !is_conversion(op.name()) {
        let sum = work.flops.entry(dtype).or_insert(0);
        *sum = sum.saturating_add(points);
    }
    work.dtypes.insert(dtype);
}

/// The type that `op` computes in or converts from; `None` if it does not
/// compute, or computes places of elements.
pub fn computed_in(op: Op<'_>) -> Option<DType> {
    dtype_of(computed_type(op)?)
}

fn computed_type(op: Op<'_>) -> Option<Type<'_>> {
    let name = op.name();
    let computes = name.starts_with("math.")
        || name.starts_with("complex.")
        || name.starts_with("arith.") && !is_free_of_charge(name);
    let operand = op.operand(0).filter(|_| computes)?;
    // IREE folds the conversion of a constant (Torch writes epsilons in f64),
    // so that no device is asked to do it.
    let folded = is_conversion(name)
        && operand
            .defining_op()
            .is_some_and(|op| op.is("arith.constant"));
    let element = operand.r#type().element();
    (!folded && !element.is_index()).then_some(element)
}

fn is_conversion(name: &str) -> bool {
    matches!(
        name,
        "arith.truncf"
            | "arith.extf"
            | "arith.trunci"
            | "arith.extsi"
            | "arith.extui"
            | "arith.sitofp"
            | "arith.uitofp"
            | "arith.fptosi"
            | "arith.fptoui"
    )
}

/// Moves, which cost nothing beside arithmetic.
fn is_free_of_charge(name: &str) -> bool {
    matches!(
        name,
        "arith.constant" | "arith.index_cast" | "arith.select" | "arith.bitcast"
    )
}

/// Two contractions, query by key and weights by value: the softmax between
/// them is small beside them.
fn attention(op: Op<'_>, work: &mut Work) {
    let operands = op.operands().into_iter().take(3);
    let shapes: Vec<_> = operands
        .filter_map(|operand| operand.r#type().sizes())
        .collect();
    let computed = op.operand(0).and_then(|query| work.known(query.r#type()));
    let ([query, key, value], Some(dtype)) = (shapes.as_slice(), computed) else {
        return;
    };
    let (Some(depth), Some(width)) = (query.last(), value.last()) else {
        return;
    };
    let rows = product(query) / depth.max(&1);
    let columns = key.iter().rev().nth(1).copied().unwrap_or(1);
    let flops = [columns, depth.saturating_add(*width), 2]
        .into_iter()
        .fold(rows, u64::saturating_mul);
    work.flops.insert(dtype, flops);
    work.dtypes.insert(dtype);
}

/// The cost model's name for a scalar type.
pub fn dtype_of(r#type: Type<'_>) -> Option<DType> {
    let element = r#type.element();
    match element.common_float() {
        Some(name) => name.parse().ok(),
        None => element.to_string().parse().ok(),
    }
}
