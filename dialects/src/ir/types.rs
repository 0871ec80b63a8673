//! Types.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use mlir_sys::{
    MlirType, mlirAttributeGetNull, mlirComplexTypeGetElementType, mlirFloatTypeGetWidth,
    mlirFunctionTypeGet, mlirFunctionTypeGetInput, mlirFunctionTypeGetNumInputs,
    mlirFunctionTypeGetNumResults, mlirFunctionTypeGetResult, mlirIndexTypeGet, mlirIntegerTypeGet,
    mlirIntegerTypeGetWidth, mlirLocationUnknownGet, mlirRankedTensorTypeGet,
    mlirRankedTensorTypeGetChecked, mlirRankedTensorTypeGetEncoding, mlirShapedTypeGetDimSize,
    mlirShapedTypeGetDynamicSize, mlirShapedTypeGetElementType, mlirShapedTypeGetRank,
    mlirTypeEqual, mlirTypeGetContext, mlirTypeIsABF16, mlirTypeIsAComplex, mlirTypeIsAF16,
    mlirTypeIsAF32, mlirTypeIsAF64, mlirTypeIsAFloat, mlirTypeIsAFunction, mlirTypeIsAIndex,
    mlirTypeIsAInteger, mlirTypeIsARankedTensor, mlirTypeIsATensor, mlirTypeParseGet,
    mlirTypePrint,
};

use super::{Few, printed, string_ref};
use crate::session::Session;

/// The type of a value. Uniqued by its context.
#[derive(Clone, Copy)]
pub struct Type<'m> {
    raw: MlirType,
    module: PhantomData<&'m ()>,
}

impl<'m> Type<'m> {
    pub(crate) fn from_raw(raw: MlirType) -> Self {
        Self {
            raw,
            module: PhantomData,
        }
    }

    pub(crate) fn raw(self) -> MlirType {
        self.raw
    }

    /// Parses a type from its textual form; `None` if it is not one.
    pub fn parse(session: &'m Session, text: &str) -> Option<Self> {
        // SAFETY: the context is alive, the text lives through the call.
        let raw = unsafe { mlirTypeParseGet(session.raw(), string_ref(text)) };
        (!raw.ptr.is_null()).then(|| Self::from_raw(raw))
    }

    /// A signless integer of so many bits.
    pub fn integer(session: &'m Session, bits: u32) -> Self {
        // SAFETY: the context is alive.
        Self::from_raw(unsafe { mlirIntegerTypeGet(session.raw(), bits) })
    }

    /// `index`.
    pub fn index(session: &'m Session) -> Self {
        // SAFETY: the context is alive.
        Self::from_raw(unsafe { mlirIndexTypeGet(session.raw()) })
    }

    /// A tensor of these sizes, `None` for those that are dynamic; `None` if there are
    /// no tensors of such elements.
    pub fn tensor(sizes: &[Option<i64>], element: Type<'m>) -> Option<Self> {
        // SAFETY: the element type is alive, and so is its context; the sizes are copied.
        // A null encoding is none, and a null type the answer to elements that cannot be.
        unsafe {
            let dynamic = mlirShapedTypeGetDynamicSize();
            let sizes: Vec<i64> = sizes.iter().map(|size| size.unwrap_or(dynamic)).collect();
            let location = mlirLocationUnknownGet(mlirTypeGetContext(element.raw));
            let raw = mlirRankedTensorTypeGetChecked(
                location,
                sizes.len() as isize,
                sizes.as_ptr(),
                element.raw,
                mlirAttributeGetNull(),
            );
            (!raw.ptr.is_null()).then(|| Self::from_raw(raw))
        }
    }

    /// A function type.
    pub fn function(session: &'m Session, inputs: &[Type<'m>], results: &[Type<'m>]) -> Self {
        let inputs: Vec<MlirType> = inputs.iter().map(|each| each.raw).collect();
        let results: Vec<MlirType> = results.iter().map(|each| each.raw).collect();
        // SAFETY: the arrays live through the call and are copied.
        Self::from_raw(unsafe {
            mlirFunctionTypeGet(
                session.raw(),
                inputs.len() as isize,
                inputs.as_ptr(),
                results.len() as isize,
                results.as_ptr(),
            )
        })
    }

    /// The inputs and results of a function type.
    pub fn as_function(self) -> Option<(Vec<Type<'m>>, Vec<Type<'m>>)> {
        // SAFETY: only on a function type, with indices below the counts.
        unsafe {
            if !mlirTypeIsAFunction(self.raw) {
                return None;
            }
            let inputs = (0..mlirFunctionTypeGetNumInputs(self.raw))
                .map(|index| Self::from_raw(mlirFunctionTypeGetInput(self.raw, index)))
                .collect();
            let results = (0..mlirFunctionTypeGetNumResults(self.raw))
                .map(|index| Self::from_raw(mlirFunctionTypeGetResult(self.raw, index)))
                .collect();
            Some((inputs, results))
        }
    }

    /// Whether it is a builtin tensor, ranked or not.
    pub fn is_tensor(self) -> bool {
        // SAFETY: a query on a live type.
        unsafe { mlirTypeIsATensor(self.raw) }
    }

    /// The dimensions of a ranked tensor, `None` for those that are dynamic.
    pub fn shape(self) -> Option<Few<Option<i64>>> {
        // SAFETY: only on a ranked tensor, with indices below the rank.
        unsafe {
            if !mlirTypeIsARankedTensor(self.raw) {
                return None;
            }
            let dynamic = mlirShapedTypeGetDynamicSize();
            Some(
                (0..mlirShapedTypeGetRank(self.raw))
                    .map(|index| {
                        let size = mlirShapedTypeGetDimSize(self.raw, index as isize);
                        (size != dynamic).then_some(size)
                    })
                    .collect(),
            )
        }
    }

    /// The element type of a tensor, or the type itself.
    pub fn element(self) -> Type<'m> {
        if self.is_tensor() {
            // SAFETY: a tensor has an element type.
            Self::from_raw(unsafe { mlirShapedTypeGetElementType(self.raw) })
        } else {
            self
        }
    }

    /// The same with another element type: a ranked tensor of it, or `element`
    /// itself in place of what is no tensor. `None` for an unranked tensor.
    pub fn with_element(self, element: Type<'m>) -> Option<Self> {
        if !self.is_tensor() {
            return Some(element);
        }
        // SAFETY: only on a ranked tensor, with indices below the rank; the sizes are
        // copied. A null encoding is none.
        unsafe {
            if !mlirTypeIsARankedTensor(self.raw) {
                return None;
            }
            let rank = mlirShapedTypeGetRank(self.raw);
            let sizes: Vec<i64> = (0..rank)
                .map(|index| mlirShapedTypeGetDimSize(self.raw, index as isize))
                .collect();
            let encoding = mlirRankedTensorTypeGetEncoding(self.raw);
            let raw = mlirRankedTensorTypeGet(
                sizes.len() as isize,
                sizes.as_ptr(),
                element.raw,
                encoding,
            );
            Some(Self::from_raw(raw))
        }
    }

    /// The dimensions of a tensor with a static shape; `None` for any other type.
    pub fn sizes(self) -> Option<Few<u64>> {
        let sizes = self.shape()?.into_iter();
        sizes.map(|size| u64::try_from(size?).ok()).collect()
    }

    /// The number of elements of a tensor with a static shape.
    pub fn element_count(self) -> Option<u64> {
        let mut sizes = self.sizes()?.into_iter();
        sizes.try_fold(1u64, u64::checked_mul)
    }

    /// Whether it is a floating-point scalar.
    pub fn is_float(self) -> bool {
        // SAFETY: a query on a live type.
        unsafe { mlirTypeIsAFloat(self.raw) }
    }

    /// Whether it is an integer scalar of any width or sign.
    pub fn is_integer(self) -> bool {
        // SAFETY: a query on a live type.
        unsafe { mlirTypeIsAInteger(self.raw) }
    }

    /// Whether it is `index`.
    pub fn is_index(self) -> bool {
        // SAFETY: a query on a live type.
        unsafe { mlirTypeIsAIndex(self.raw) }
    }

    /// The name of a common floating-point scalar, without printing it.
    pub fn common_float(self) -> Option<&'static str> {
        // SAFETY: queries on a live type.
        unsafe {
            if mlirTypeIsAF32(self.raw) {
                Some("f32")
            } else if mlirTypeIsAF16(self.raw) {
                Some("f16")
            } else if mlirTypeIsABF16(self.raw) {
                Some("bf16")
            } else if mlirTypeIsAF64(self.raw) {
                Some("f64")
            } else {
                None
            }
        }
    }

    /// The width in bits of an integer, a floating-point type, or a complex
    /// type of these; of `index`, the 64 that it has in IREE.
    pub fn bit_width(self) -> Option<u32> {
        // SAFETY: queries on a live type; each is asked for what it has only
        // after it was seen to be of that kind.
        unsafe {
            if mlirTypeIsAInteger(self.raw) {
                Some(mlirIntegerTypeGetWidth(self.raw))
            } else if mlirTypeIsAFloat(self.raw) {
                Some(mlirFloatTypeGetWidth(self.raw))
            } else if mlirTypeIsAIndex(self.raw) {
                Some(64)
            } else if mlirTypeIsAComplex(self.raw) {
                let part = Self::from_raw(mlirComplexTypeGetElementType(self.raw));
                part.bit_width()?.checked_mul(2)
            } else {
                None
            }
        }
    }

    /// The bytes that a tensor of static shape occupies in a dense, row-major
    /// buffer as IREE lays it out: elements of two or four bits are packed, all
    /// others take whole bytes, those of one bit too.
    pub fn byte_count(self) -> Option<u64> {
        let bits = match self.element().bit_width()? {
            packed @ (2 | 4) => packed,
            other => other.next_multiple_of(8),
        };
        let bits = self.element_count()?.checked_mul(u64::from(bits))?;
        Some(bits.div_ceil(8))
    }
}

impl PartialEq for Type<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // SAFETY: both are alive.
        unsafe { mlirTypeEqual(self.raw, other.raw) }
    }
}

impl Eq for Type<'_> {}

impl Hash for Type<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Types are uniqued by their context.
        self.raw.ptr.hash(state);
    }
}

impl fmt::Display for Type<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&printed(|callback, data| {
            // SAFETY: the type is alive; the callback's data lives through
            // the call.
            unsafe { mlirTypePrint(self.raw, callback, data) }
        }))
    }
}

impl fmt::Debug for Type<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
