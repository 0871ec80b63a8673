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
        // SAFETY: every function is called on a location of the kind that was
        // just checked, and locations live as long as their context.
        unsafe {
            if mlirLocationIsAFileLineColRange(self.raw) {
                let file = mlirLocationFileLineColRangeGetFilename(self.raw);
                let line = mlirLocationFileLineColRangeGetStartLine(self.raw);
                let column = mlirLocationFileLineColRangeGetStartColumn(self.raw);
                return Some(Place {
                    file: owned_string(mlirIdentifierStr(file)),
                    line: usize::try_from(line).unwrap_or_default(),
                    column: usize::try_from(column).unwrap_or_default(),
                });
            }
            if mlirLocationIsAName(self.raw) {
                return Self::from_raw(mlirLocationNameGetChildLoc(self.raw)).in_file();
            }
            if mlirLocationIsACallSite(self.raw) {
                return Self::from_raw(mlirLocationCallSiteGetCallee(self.raw)).in_file();
            }
            if mlirLocationIsAFused(self.raw) {
                let count = mlirLocationFusedGetNumLocations(self.raw) as usize;
                let mut parts = vec![self.raw; count];
                mlirLocationFusedGetLocations(self.raw, parts.as_mut_ptr());
                return parts
                    .into_iter()
                    .find_map(|part| Self::from_raw(part).in_file());
            }
        }
        None
    }
}
