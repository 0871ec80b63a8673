//! Which operations compute positions apart from each other.

use dialects::Module;
use dialects::ir::{Attribute, Op, Type};
use dialects::linalg::{Access, accesses};
use dialects::vocabulary::TRANSFER;

use crate::structure::reassociation;

/// How an operation is cut to some positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// By operand: the dimension that holds the positions; `None` for an
    /// operand that every position reads in full.
    pub operands: Vec<Option<usize>>,
    /// By result: the dimension that holds them.
    pub results: Vec<Option<usize>>,
}

/// How to cut `op`, of whose results only some positions are read, along the
/// given dimensions (`None` for a result that is not read). `None` if it is
/// not known to compute them apart from each other.
pub fn rule(op: Op<'_>, read: &[Option<usize>]) -> Option<Rule> {
    match op.name() {
        "tensor.expand_shape" => expand(op, one(read)?),
        "tensor.collapse_shape" => collapse(op, one(read)?),
        "tensor.concat" => concat(op, one(read)?),
        "tensor.extract_slice" => extract_slice(op, one(read)?),
        "tensor.empty" if op.operands().is_empty() => Some(Rule {
            operands: Vec::new(),
            results: vec![Some(one(read)?)],
        }),
        "iree_linalg_ext.attention"
        | "iree_linalg_ext.quantize_affine"
        | "iree_linalg_ext.dequantize_affine" => structured(op, read),
        "iree_linalg_ext.arg_compare" => arg_compare(op, read),
        name if name.starts_with("linalg.") => structured(op, read),
        name if name.starts_with("arith.") || name.starts_with("math.") => elementwise(op, read),
        // A marker of a stage.
        TRANSFER => elementwise(op, read),
        _ => None,
    }
}

fn one(read: &[Option<usize>]) -> Option<usize> {
    match read {
        [Some(dimension)] => Some(*dimension),
        _ => None,
    }
}

/// A structured operation: the positions are a loop of its own that all of its
/// results have, and that no operand has but as a dimension.
fn structured(op: Op<'_>, read: &[Option<usize>]) -> Option<Rule> {
    let accesses = accesses(op)?;
    if accesses
        .iter()
        .flatten()
        .any(|each| *each == Access::Computed)
    {
        return None;
    }
    let inputs = accesses.len().checked_sub(op.results().len())?;
    let outputs = &accesses[inputs..];
    let mut position = None;
    for (output, dimension) in outputs.iter().zip(read) {
        let Some(dimension) = dimension else {
            continue;
        };
        match output.get(*dimension)? {
            Access::Loop(number) if position.is_none_or(|known| known == *number) => {
                position = Some(*number);
            }
            _ => return None,
        }
    }
    let position = position?;
    // The body must not ask which position it is at.
    let asks = op.nested().into_iter().any(|nested| {
        nested.name().ends_with(".index")
            && nested
                .attribute("dim")
                .and_then(Attribute::as_integer)
                .is_none_or(|dim| usize::try_from(dim) == Ok(position))
    });
    if asks {
        return None;
    }
    let at = |access: &Vec<Access>| -> Option<Option<usize>> {
        let mut places = access
            .iter()
            .enumerate()
            .filter(|(_, each)| **each == Access::Loop(position))
            .map(|(at, _)| at);
        let first = places.next();
        places.next().is_none().then_some(first)
    };
    let operands: Vec<Option<usize>> = accesses.iter().map(at).collect::<Option<_>>()?;
    // A result without the loop is reduced over it: it mixes positions.
    let results: Vec<Option<usize>> = operands[inputs..].to_vec();
    results
        .iter()
        .all(Option::is_some)
        .then_some(Rule { operands, results })
}

/// The largest element along one dimension, and where it is; the results do not
/// have that dimension.
fn arg_compare(op: Op<'_>, read: &[Option<usize>]) -> Option<Rule> {
    let along = usize::try_from(op.attribute("dimension")?.as_integer()?).ok()?;
    let mut dimensions = read.iter().flatten();
    let position = *dimensions.next()?;
    // Where elements are numbered by an input of their own, there is one more.
    if op.operands().len() != 3 || dimensions.any(|other| *other != position) {
        return None;
    }
    let within = position + usize::from(position >= along);
    Some(Rule {
        operands: vec![Some(within), Some(position), Some(position)],
        results: vec![Some(position); 2],
    })
}

/// `arith` and `math` on whole tensors.
fn elementwise(op: Op<'_>, read: &[Option<usize>]) -> Option<Rule> {
    let dimension = one(read)?;
    let shape = op.result(0)?.r#type().shape()?;
    let operands = op.operands();
    let alike = !operands.is_empty()
        && operands
            .iter()
            .all(|operand| operand.r#type().shape().as_ref() == Some(&shape));
    alike.then(|| Rule {
        operands: vec![Some(dimension); operands.len()],
        results: vec![Some(dimension)],
    })
}

/// The dimension of the finer shape that alone makes up a group with others
/// of size 1.
fn sole(group: &[usize], shape: &[Option<i64>]) -> Option<usize> {
    let mut long = group
        .iter()
        .copied()
        .filter(|at| shape.get(*at) != Some(&Some(1)));
    let first = long.next();
    if long.next().is_some() {
        return None;
    }
    first
}

fn expand(op: Op<'_>, read: usize) -> Option<Rule> {
    let shape = op.result(0)?.r#type().shape()?;
    let groups = reassociation(op)?;
    let source = groups.iter().position(|group| group.contains(&read))?;
    (sole(&groups[source], &shape)? == read).then_some(())?;
    let mut operands = vec![None; op.operands().len()];
    *operands.first_mut()? = Some(source);
    Some(Rule {
        operands,
        results: vec![Some(read)],
    })
}

fn collapse(op: Op<'_>, read: usize) -> Option<Rule> {
    let shape = op.operand(0)?.r#type().shape()?;
    let groups = reassociation(op)?;
    let source = sole(groups.get(read)?, &shape)?;
    Some(Rule {
        operands: vec![Some(source)],
        results: vec![Some(read)],
    })
}

fn concat(op: Op<'_>, read: usize) -> Option<Rule> {
    let along = op.attribute("dim")?.as_integer()?;
    (usize::try_from(along) != Ok(read)).then(|| Rule {
        operands: vec![Some(read); op.operands().len()],
        results: vec![Some(read)],
    })
}

/// A slice that takes the dimension whole.
fn extract_slice(op: Op<'_>, read: usize) -> Option<Rule> {
    let source = op.operand(0)?.r#type().shape()?;
    let result = op.result(0)?.r#type().shape()?;
    if op.operands().len() != 1 || source.len() != result.len() || source[read] != result[read] {
        return None;
    }
    Some(Rule {
        operands: vec![Some(read)],
        results: vec![Some(read)],
    })
}

/// Brings the attributes of a cut operation, whose types are already those of
/// `count` positions, in line with them.
pub fn adjust_attributes(module: &Module<'_>, op: Op<'_>, rule: &Rule, count: u64) {
    let name = match op.name() {
        "tensor.expand_shape" => "static_output_shape",
        "tensor.extract_slice" => "static_sizes",
        _ => return,
    };
    let (Some(Some(dimension)), Some(mut sizes)) = (
        rule.results.first(),
        op.attribute(name).and_then(Attribute::i64_numbers),
    ) else {
        return;
    };
    if let Some(size) = sizes.get_mut(*dimension) {
        *size = i64::try_from(count).unwrap_or(i64::MAX);
    }
    op.set_attribute(name, Attribute::i64_array(module.session(), &sizes));
}

/// The tensor type with another size in one dimension.
pub fn with_size(whole: Type<'_>, dimension: usize, size: u64) -> Type<'_> {
    let mut sizes = whole.shape().unwrap_or_default();
    if let Some(each) = sizes.get_mut(dimension) {
        *each = i64::try_from(size).ok();
    }
    Type::tensor(&sizes, whole.element()).expect("a tensor type with one size changed")
}
