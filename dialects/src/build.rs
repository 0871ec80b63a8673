//! Building operations.

use mlir_sys::{
    MlirContext, MlirNamedAttribute, mlirIdentifierGet, mlirLocationGetContext,
    mlirNamedAttributeGet, mlirOperationCreate, mlirOperationStateAddAttributes,
    mlirOperationStateAddOperands, mlirOperationStateAddOwnedRegions, mlirOperationStateAddResults,
    mlirOperationStateGet, mlirRegionCreate,
};

use crate::ir::{Attribute, Location, Op, Type, Value, string_ref};

/// An operation in the making; [`OpBuilder::build`] makes it, detached.
#[must_use]
pub struct OpBuilder<'m> {
    name: String,
    location: Location<'m>,
    operands: Vec<Value<'m>>,
    results: Vec<Type<'m>>,
    attributes: Vec<(String, Attribute<'m>)>,
    regions: usize,
}

impl<'m> OpBuilder<'m> {
    /// Starts an operation of the given full name, such as `func.call`.
    pub fn new(name: &str, location: Location<'m>) -> Self {
        Self {
            name: name.to_owned(),
            location,
            operands: Vec::new(),
            results: Vec::new(),
            attributes: Vec::new(),
            regions: 0,
        }
    }

    /// Adds operands.
    pub fn operands(mut self, operands: &[Value<'m>]) -> Self {
        self.operands.extend_from_slice(operands);
        self
    }

    /// Adds result types.
    pub fn results(mut self, results: &[Type<'m>]) -> Self {
        self.results.extend_from_slice(results);
        self
    }

    /// Adds an attribute.
    pub fn attribute(mut self, name: &str, attribute: Attribute<'m>) -> Self {
        self.attributes.push((name.to_owned(), attribute));
        self
    }

    /// Gives it that many empty regions.
    pub fn regions(mut self, count: usize) -> Self {
        self.regions = count;
        self
    }

    /// Makes the operation, detached.
    ///
    /// # Panics
    ///
    /// If MLIR refuses it: an operation name that is not registered, or
    /// attributes its dialect rejects. Both are mistakes in specplace, never
    /// in its input.
    pub fn build(self) -> Op<'m> {
        let operands: Vec<_> = self.operands.iter().map(|value| value.raw()).collect();
        let results: Vec<_> = self.results.iter().map(|each| each.raw()).collect();
        // SAFETY: all arrays live until mlirOperationCreate has copied them;
        // the regions are new and become the operation's.
        unsafe {
            let context: MlirContext = mlirLocationGetContext(self.location.raw());
            let attributes: Vec<MlirNamedAttribute> = self
                .attributes
                .iter()
                .map(|(name, attribute)| {
                    mlirNamedAttributeGet(
                        mlirIdentifierGet(context, string_ref(name)),
                        attribute.raw(),
                    )
                })
                .collect();
            let regions: Vec<_> = (0..self.regions).map(|_| mlirRegionCreate()).collect();
            let mut state = mlirOperationStateGet(string_ref(&self.name), self.location.raw());
            mlirOperationStateAddOperands(&mut state, operands.len() as isize, operands.as_ptr());
            mlirOperationStateAddResults(&mut state, results.len() as isize, results.as_ptr());
            mlirOperationStateAddAttributes(
                &mut state,
                attributes.len() as isize,
                attributes.as_ptr(),
            );
            mlirOperationStateAddOwnedRegions(&mut state, regions.len() as isize, regions.as_ptr());
            let raw = mlirOperationCreate(&mut state);
            assert!(!raw.ptr.is_null(), "MLIR refused to build {}", self.name);
            Op::from_raw(raw)
        }
    }
}
