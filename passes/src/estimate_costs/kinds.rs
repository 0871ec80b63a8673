//! What an operation does and in which types, in the words of a platform's table
//! of what IREE cannot do (`cost::platform::KINDS`).
//!
//! Most of a model is `linalg.generic`: what it does is told from its loops and
//! its body.

use std::collections::BTreeSet;

use cost::workload::DType;
use dialects::ir::{Op, Walk};

use super::count::{computed_in, dtype_of};

/// The names under which the table may speak of `op`, each with the types that
/// are meant: its own name, what it does, and the operations in its body.
/// `computed` are the types that it computes in as a whole
/// ([`Work::dtypes`](super::count::Work::dtypes)).
pub fn kinds(op: Op<'_>, computed: &BTreeSet<DType>) -> Vec<(String, BTreeSet<DType>)> {
    let body = Body::of(op);
    // What only moves its first operand works in its type; indices beside it are
    // of another.
    let moved = op.operand(0).and_then(|operand| dtype_of(operand.r#type()));
    let own = if computed.is_empty() {
        moved.into_iter().collect()
    } else {
        computed.clone()
    };
    let mut found = Vec::new();
    let kind = named(op.name()).or_else(|| generic(op, &body));
    found.extend(kind.map(|kind| (kind.to_owned(), own.clone())));
    if !body.looked_up.is_empty() {
        found.push(("gather".to_owned(), body.looked_up));
    }
    found.extend(
        body.operations
            .into_iter()
            .map(|(name, dtype)| (name, BTreeSet::from([dtype]))),
    );
    found.push((op.name().to_owned(), own));
    found
}

/// What operations of other names than `linalg.generic` do.
fn named(name: &str) -> Option<&'static str> {
    const CONTRACTIONS: [&str; 6] = ["matmul", "matvec", "vecmat", "dot", "contract", "mmt4d"];
    if let Some(name) = name.strip_prefix("linalg.") {
        return match name {
            _ if name.starts_with("depthwise_conv") => Some("depthwise-convolution"),
            _ if name.starts_with("conv") => Some("convolution"),
            _ if name.starts_with("pooling") => Some("pooling"),
            _ if CONTRACTIONS.iter().any(|each| name.contains(each)) => Some("contraction"),
            "reduce" => Some("reduction"),
            _ => None,
        };
    }
    match name.strip_prefix("iree_linalg_ext.")? {
        "sort" | "topk" => Some("sort"),
        "scatter" => Some("scatter"),
        "gather" => Some("gather"),
        "scan" => Some("scan"),
        "attention" | "online_attention" => Some("attention"),
        _ => None,
    }
}

/// What an operation does that its name does not tell of.
fn generic(op: Op<'_>, body: &Body) -> Option<&'static str> {
    let reduces = op.attribute("iterator_types").is_some_and(|iterators| {
        let mut iterators = iterators.elements().into_iter();
        iterators.any(|iterator| iterator.to_string().contains("reduction"))
    });
    let has = |names: [&str; 2]| {
        body.operations
            .iter()
            .any(|(name, _)| names.contains(&&**name))
    };
    if !reduces {
        return (!body.operations.is_empty()).then_some("elementwise");
    }
    if op.results().len() > 1 && body.counts {
        Some("argmax")
    } else if has(["arith.mulf", "arith.muli"]) && has(["arith.addf", "arith.addi"]) {
        Some("contraction")
    } else {
        Some("reduction")
    }
}

/// What happens at each point of an operation's loops.
#[derive(Default)]
struct Body {
    /// Arithmetic, by name and type; of an operation without a body, its own.
    operations: BTreeSet<(String, DType)>,
    /// The types of elements that are read at computed places.
    looked_up: BTreeSet<DType>,
    /// Whether it looks at where it is.
    counts: bool,
}

impl Body {
    fn of(op: Op<'_>) -> Self {
        let mut body = Self::default();
        op.walk(&mut |nested| {
            if let Some(dtype) = computed_in(nested) {
                body.operations.insert((nested.name().to_owned(), dtype));
            }
            if nested != op {
                body.counts |= nested.is("linalg.index");
                let element = nested.result(0).filter(|_| nested.is("tensor.extract"));
                let dtype = element.and_then(|element| dtype_of(element.r#type()));
                body.looked_up.extend(dtype);
            }
            Walk::Into
        });
        body
    }
}
