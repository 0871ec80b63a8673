//! What linalg operations iterate over.

use mlir_sys::{
    MlirAttribute, mlirAffineDimExprGetPosition, mlirAffineExprIsAConstant, mlirAffineExprIsADim,
    mlirAffineMapAttrGetValue, mlirAffineMapGetNumDims, mlirAffineMapGetNumResults,
    mlirAffineMapGetResult, mlirAttributeIsAAffineMap, mlirLinalgGetIndexingMapsAttribute,
};

use crate::ir::{Attribute, Op};

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
    // SAFETY: the operation is alive; the C API answers with null for what
    // implements no linalg interface.
    let maps: MlirAttribute = unsafe { mlirLinalgGetIndexingMapsAttribute(op.raw()) };
    let maps = if maps.ptr.is_null() {
        op.attribute("indexing_maps")?
    } else {
        Attribute::from_raw(maps)
    };
    let maps = maps.elements();
    if maps.len() != op.operands().len() {
        return None;
    }
    maps.into_iter()
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
