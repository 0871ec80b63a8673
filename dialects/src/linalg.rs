//! What linalg operations iterate over, and in which order.

use mlir_sys::{
    MlirAttribute, mlirAffineDimExprGet, mlirAffineDimExprGetPosition, mlirAffineExprCompose,
    mlirAffineExprIsAConstant, mlirAffineExprIsADim, mlirAffineMapAttrGet,
    mlirAffineMapAttrGetValue, mlirAffineMapGet, mlirAffineMapGetContext, mlirAffineMapGetNumDims,
    mlirAffineMapGetNumResults, mlirAffineMapGetNumSymbols, mlirAffineMapGetResult,
    mlirAffineMapMultiDimIdentityGet, mlirAttributeIsAAffineMap,
    mlirLinalgGetIndexingMapsAttribute,
};

use crate::Module;
use crate::build::OpBuilder;
use crate::hal::Inserter;
use crate::ir::{Attribute, Block, Op, Type, Value, Walk};

/// The sizes of the loops of a linalg operation, generic or named. `None` for
/// any other operation, and where a size is dynamic or not the size of an
/// operand (a convolution's window comes from its filter, so that it is one).
pub fn loop_sizes(op: Op<'_>) -> Option<Vec<u64>> {
    if !op.name().starts_with("linalg.") {
        return None;
    }
    // SAFETY: the operation is alive; the C API answers with null for what
    // implements no linalg interface.
    let maps: MlirAttribute = unsafe { mlirLinalgGetIndexingMapsAttribute(op.raw()) };
    if maps.ptr.is_null() {
        return None;
    }
    let mut sizes: Vec<Option<u64>> = Vec::new();
    let maps = Attribute::from_raw(maps).elements();
    for (map, operand) in maps.into_iter().zip(op.operands()) {
        let shape = operand.r#type().shape().unwrap_or_default();
        // SAFETY: the map is asked only after it was seen to be one, and its
        // results by index below their count.
        unsafe {
            if !mlirAttributeIsAAffineMap(map.raw()) {
                return None;
            }
            let map = mlirAffineMapAttrGetValue(map.raw());
            let count = usize::try_from(mlirAffineMapGetNumDims(map)).ok()?;
            sizes.resize(sizes.len().max(count), None);
            for (index, size) in (0..mlirAffineMapGetNumResults(map)).zip(&shape) {
                let expression = mlirAffineMapGetResult(map, index);
                if mlirAffineExprIsADim(expression)
                    && let Some(size) = size.and_then(|size| u64::try_from(size).ok())
                    && let Ok(position) = usize::try_from(mlirAffineDimExprGetPosition(expression))
                    && let Some(slot) = sizes.get_mut(position)
                {
                    *slot = Some(size);
                }
            }
        }
    }
    sizes.into_iter().collect()
}

/// How one dimension of an operand follows from the loops of its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is the loop of this number.
    Loop(usize),
    /// It is always the same element.
    Fixed,
    /// Anything else, such as a sum of loops.
    Computed,
}

/// For every operand of a linalg operation, or of one of IREE's that carries
/// `indexing_maps` as linalg does, how its dimensions follow from the loops.
/// `None` for any other operation.
pub fn accesses(op: Op<'_>) -> Option<Vec<Vec<Access>>> {
    indexing_maps(op)?
        .into_iter()
        .map(|map| {
            // SAFETY: the map is asked only after it was seen to be one, and
            // its results by index below their count.
            unsafe {
                if !mlirAttributeIsAAffineMap(map.raw()) {
                    return None;
                }
                let map = mlirAffineMapAttrGetValue(map.raw());
                (0..mlirAffineMapGetNumResults(map))
                    .map(|index| {
                        let expression = mlirAffineMapGetResult(map, index);
                        Some(if mlirAffineExprIsADim(expression) {
                            let position = mlirAffineDimExprGetPosition(expression);
                            Access::Loop(usize::try_from(position).ok()?)
                        } else if mlirAffineExprIsAConstant(expression) {
                            Access::Fixed
                        } else {
                            Access::Computed
                        })
                    })
                    .collect()
            }
        })
        .collect()
}

/// The indexing map of every operand, of which each is an affine map or nothing
/// that [`accesses`] knows. `None` if there is not one for each.
fn indexing_maps(op: Op<'_>) -> Option<Vec<Attribute<'_>>> {
    // SAFETY: the operation is alive; the C API answers with null for what
    // implements no linalg interface.
    let maps: MlirAttribute = unsafe { mlirLinalgGetIndexingMapsAttribute(op.raw()) };
    let maps = if maps.ptr.is_null() {
        op.attribute("indexing_maps")?
    } else {
        Attribute::from_raw(maps)
    };
    let maps = maps.elements();
    (maps.len() == op.operands().len()).then_some(maps)
}

/// How many loops a linalg operation has, or one of IREE's that carries
/// `indexing_maps` as linalg does. `None` for any other operation.
pub fn loop_count(op: Op<'_>) -> Option<usize> {
    let map = indexing_maps(op)?.first().copied()?;
    // SAFETY: the map is asked only after it was seen to be one.
    let count = unsafe {
        if !mlirAttributeIsAAffineMap(map.raw()) {
            return None;
        }
        mlirAffineMapGetNumDims(mlirAffineMapAttrGetValue(map.raw()))
    };
    usize::try_from(count).ok()
}

/// Puts a `linalg.generic` in the place of a linalg operation, generic or named,
/// that computes the same with its loops in another order: loop `order[i]` becomes
/// loop `i`. Attributes whose name has a dialect, as ours have, are kept. Returns
/// the new operation; `None`, with nothing changed, if `op` is no linalg operation
/// on tensors or `order` does not name each of its loops once.
pub fn reorder_loops<'m>(module: &'m Module<'_>, op: Op<'m>, order: &[usize]) -> Option<Op<'m>> {
    if !op.is_of(&["linalg"]) {
        return None;
    }
    let maps = indexing_maps(op)?;
    let accesses = accesses(op)?;
    let outputs = accesses.get(accesses.len().checked_sub(op.results().len())?..)?;
    let mut places = vec![None; order.len()];
    for (place, number) in order.iter().enumerate() {
        let slot = places.get_mut(*number)?;
        if slot.replace(place).is_some() {
            return None;
        }
    }
    let places: Vec<usize> = places.into_iter().collect::<Option<_>>()?;
    let maps: Vec<Attribute> = maps
        .into_iter()
        .map(|map| reordered(map, &places))
        .collect::<Option<_>>()?;
    let kinds: Option<Vec<Attribute>> = match op.attribute("iterator_types") {
        Some(kinds) => {
            let kinds = kinds.elements();
            order
                .iter()
                .map(|number| kinds.get(*number).copied())
                .collect()
        }
        // A loop that no result has is summed over.
        None => order
            .iter()
            .map(|number| {
                let is_kept = outputs
                    .iter()
                    .flatten()
                    .any(|access| *access == Access::Loop(*number));
                let kind = if is_kept { "parallel" } else { "reduction" };
                module.parse_attribute(&format!("#linalg.iterator_type<{kind}>"))
            })
            .collect(),
    };
    let session = module.session();
    let results: Vec<_> = op
        .results()
        .into_iter()
        .map(|value| value.r#type())
        .collect();
    let mut builder = OpBuilder::new("linalg.generic", op.location())
        .operands(&op.operands())
        .results(&results)
        .attribute("indexing_maps", Attribute::array(session, &maps))
        .attribute("iterator_types", Attribute::array(session, &kinds?))
        .attribute("operandSegmentSizes", op.attribute("operandSegmentSizes")?)
        .regions(1);
    for (name, value) in op.attributes() {
        if name.contains('.') && !name.starts_with("linalg.") {
            builder = builder.attribute(&name, value);
        }
    }
    let body = op.regions().next()?;
    let new = builder.build();
    op.insert_before(new);
    new.regions().next()?.take_body(body);
    new.walk(&mut |nested| {
        if nested.is("linalg.index")
            && let Some(number) = nested.attribute("dim").and_then(Attribute::as_integer)
            && let Some(place) = usize::try_from(number)
                .ok()
                .and_then(|number| places.get(number))
            && let Ok(place) = i64::try_from(*place)
        {
            nested.set_attribute("dim", Attribute::i64(module.session(), place));
        }
        Walk::Into
    });
    for (old, new) in op.results().into_iter().zip(new.results()) {
        old.replace_all_uses_with(new);
    }
    op.erase();
    Some(new)
}

/// A `linalg.generic` that makes each element of a new tensor, of the shape of `inputs`,
/// of theirs at the same place, and its body, which holds nothing yet: its arguments
/// are these elements. `None` if a shape is open.
pub fn elementwise<'m>(
    inserter: &Inserter<'m>,
    inputs: &[Value<'m>],
    result: Type<'m>,
) -> Option<(Op<'m>, Block<'m>)> {
    result.sizes()?;
    let empty = inserter.start("tensor.empty").results(&[result]);
    into(inserter, inputs, inserter.value(empty))
}

/// As [`elementwise`], into a tensor that is there, whose sizes may be open. `None` if
/// even its rank is.
pub fn into<'m>(
    inserter: &Inserter<'m>,
    inputs: &[Value<'m>],
    output: Value<'m>,
) -> Option<(Op<'m>, Block<'m>)> {
    let session = inserter.module().session();
    let rank = output.r#type().shape()?.len();
    let operands = [inputs, &[output]].concat();
    // SAFETY: the context is alive.
    let map = Attribute::from_raw(unsafe {
        let rank = isize::try_from(rank).ok()?;
        mlirAffineMapAttrGet(mlirAffineMapMultiDimIdentityGet(session.raw(), rank))
    });
    let parallel = Attribute::parse(session, "#linalg.iterator_type<parallel>")?;
    let read = i32::try_from(inputs.len()).ok()?;
    let generic = inserter
        .start("linalg.generic")
        .operands(&operands)
        .results(&[output.r#type()])
        .attribute(
            "indexing_maps",
            Attribute::array(session, &vec![map; operands.len()]),
        )
        .attribute(
            "iterator_types",
            Attribute::array(session, &vec![parallel; rank]),
        )
        .attribute(
            "operandSegmentSizes",
            Attribute::i32_array(session, &[read, 1]),
        )
        .regions(1);
    let op = inserter.insert(generic);
    let arguments: Vec<_> = operands
        .iter()
        .map(|value| (value.r#type().element(), op.location()))
        .collect();
    let body = op.regions().next()?.append_block(&arguments);
    Some((op, body))
}

/// The map with loop `i` called `places[i]`.
fn reordered<'m>(map: Attribute<'m>, places: &[usize]) -> Option<Attribute<'m>> {
    // SAFETY: the map is asked only after it was seen to be one, and its results by
    // index below their count; the arrays are copied.
    unsafe {
        if !mlirAttributeIsAAffineMap(map.raw()) {
            return None;
        }
        let map = mlirAffineMapAttrGetValue(map.raw());
        let count = mlirAffineMapGetNumDims(map);
        if usize::try_from(count).ok()? != places.len() || mlirAffineMapGetNumSymbols(map) != 0 {
            return None;
        }
        let context = mlirAffineMapGetContext(map);
        let mut loops = Vec::new();
        for place in places {
            loops.push(mlirAffineDimExprGet(context, isize::try_from(*place).ok()?));
        }
        let renamed = mlirAffineMapGet(context, count, 0, count, loops.as_mut_ptr());
        let mut results: Vec<_> = (0..mlirAffineMapGetNumResults(map))
            .map(|index| mlirAffineExprCompose(mlirAffineMapGetResult(map, index), renamed))
            .collect();
        let length = isize::try_from(results.len()).ok()?;
        let map = mlirAffineMapGet(context, count, 0, length, results.as_mut_ptr());
        Some(Attribute::from_raw(mlirAffineMapAttrGet(map)))
    }
}
