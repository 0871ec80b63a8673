//! Source locations.

use std::marker::PhantomData;

use mlir_sys::{
    MlirLocation, mlirIdentifierStr, mlirLocationCallSiteGetCallee,
    mlirLocationFileLineColRangeGetFilename, mlirLocationFileLineColRangeGetStartColumn,
    mlirLocationFileLineColRangeGetStartLine, mlirLocationFusedGetLocations,
    mlirLocationFusedGetNumLocations, mlirLocationIsACallSite, mlirLocationIsAFileLineColRange,
    mlirLocationIsAFused, mlirLocationIsAName, mlirLocationNameGetChildLoc,
};

use super::op::Op;
use super::owned_string;
use diagnostics::Place;

/// Where an operation came from.
#[derive(Clone, Copy)]
pub struct Location<'m> {
    raw: MlirLocation,
    /// The operation that was asked, if one was.
    op: Option<Op<'m>>,
    module: PhantomData<&'m ()>,
}

impl<'m> Location<'m> {
    pub(crate) fn from_raw(raw: MlirLocation) -> Self {
        Self {
            raw,
            op: None,
            module: PhantomData,
        }
    }

    /// The location of an operation, which tells its own path where the
    /// location tells no place.
    pub(crate) fn of_op(raw: MlirLocation, op: Op<'m>) -> Self {
        Self {
            op: Some(op),
            ..Self::from_raw(raw)
        }
    }

    pub(crate) fn raw(self) -> MlirLocation {
        self.raw
    }

    /// The first file, line and column that the location leads to: through
    /// names, the callee of a call site, and the first part of a fused one
    /// that has a place. Where none names a file, as in bytecode without debug
    /// information, it is the path of the operation that was asked:
    /// `@generate/scf.while/torch.operator`, without a line.
    pub fn place(self) -> Option<Place> {
        self.in_file()
            .or_else(|| Some(Place::of_path(self.op?.path())))
    }

    /// Where it is in the text of the input, as MLIR's own messages have it; `None` if
    /// it stems from none.
    #[must_use]
    pub fn in_file(self) -> Option<Place> {
        // What is still to be looked at, the next last: input decides how deeply
        // locations are nested.
        let mut pending = vec![self.raw];
        while let Some(raw) = pending.pop() {
            // SAFETY: every function is called on a location of the kind that was
            // just checked, and locations live as long as their context.
            unsafe {
                if mlirLocationIsAFileLineColRange(raw) {
                    let file = mlirLocationFileLineColRangeGetFilename(raw);
                    let line = mlirLocationFileLineColRangeGetStartLine(raw);
                    let column = mlirLocationFileLineColRangeGetStartColumn(raw);
                    return Some(Place {
                        file: owned_string(mlirIdentifierStr(file)),
                        line: usize::try_from(line).unwrap_or_default(),
                        column: usize::try_from(column).unwrap_or_default(),
                    });
                }
                if mlirLocationIsAName(raw) {
                    pending.push(mlirLocationNameGetChildLoc(raw));
                } else if mlirLocationIsACallSite(raw) {
                    pending.push(mlirLocationCallSiteGetCallee(raw));
                } else if mlirLocationIsAFused(raw) {
                    let count = mlirLocationFusedGetNumLocations(raw) as usize;
                    let mut parts = vec![raw; count];
                    mlirLocationFusedGetLocations(raw, parts.as_mut_ptr());
                    pending.extend(parts.into_iter().rev());
                }
            }
        }
        None
    }
}
