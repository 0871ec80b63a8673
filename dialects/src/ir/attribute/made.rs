//! Attributes that passes make.

use mlir_sys::{
    MlirAttribute, mlirArrayAttrGet, mlirAttributeParseGet, mlirBoolAttrGet,
    mlirDenseElementsAttrInt32Get, mlirDenseElementsAttrInt32SplatGet,
    mlirDenseElementsAttrSplatGet, mlirDenseI32ArrayGet, mlirDenseI64ArrayGet,
    mlirDictionaryAttrGet, mlirFlatSymbolRefAttrGet, mlirFloatAttrDoubleGet, mlirIntegerAttrGet,
    mlirIntegerTypeGet, mlirStringAttrGet, mlirTypeAttrGet, mlirTypeGetContext, mlirUnitAttrGet,
};

use super::Attribute;
use crate::ir::{Type, string_ref};
use crate::session::Session;

impl<'m> Attribute<'m> {
    /// Parses an attribute from its textual form; `None` if it is not one
    /// (the parser's diagnostic then waits in the session).
    pub fn parse(session: &'m Session, text: &str) -> Option<Self> {
        // SAFETY: the context is alive, the text lives through the call.
        let raw = unsafe { mlirAttributeParseGet(session.raw(), string_ref(text)) };
        (!raw.ptr.is_null()).then(|| Self::from_raw(raw))
    }

    /// A string attribute.
    pub fn string(session: &'m Session, text: &str) -> Self {
        // SAFETY: the context is alive, and the text is copied.
        Self::from_raw(unsafe { mlirStringAttrGet(session.raw(), string_ref(text)) })
    }

    /// A reference to the symbol `name`, given without `@`.
    pub fn symbol(session: &'m Session, name: &str) -> Self {
        // SAFETY: the context is alive, and the text is copied.
        Self::from_raw(unsafe { mlirFlatSymbolRefAttrGet(session.raw(), string_ref(name)) })
    }

    /// A type as an attribute.
    pub fn of_type(r#type: Type<'m>) -> Self {
        // SAFETY: the type is alive by its lifetime.
        Self::from_raw(unsafe { mlirTypeAttrGet(r#type.raw()) })
    }

    /// The unit attribute: present or not.
    pub fn unit(session: &'m Session) -> Self {
        // SAFETY: the context is alive.
        Self::from_raw(unsafe { mlirUnitAttrGet(session.raw()) })
    }

    /// An `array<i32: …>`, as operand segment sizes are written.
    pub fn i32_array(session: &'m Session, values: &[i32]) -> Self {
        // SAFETY: the context is alive, and the values are copied.
        Self::from_raw(unsafe {
            mlirDenseI32ArrayGet(session.raw(), values.len() as isize, values.as_ptr())
        })
    }

    /// An array of attributes.
    pub fn array(session: &'m Session, elements: &[Attribute<'m>]) -> Self {
        let raw: Vec<MlirAttribute> = elements.iter().map(|each| each.raw()).collect();
        // SAFETY: the context is alive, and the elements are copied.
        Self::from_raw(unsafe { mlirArrayAttrGet(session.raw(), raw.len() as isize, raw.as_ptr()) })
    }

    /// The empty dictionary.
    pub fn empty_dictionary(session: &'m Session) -> Self {
        // SAFETY: the context is alive; no elements are read.
        Self::from_raw(unsafe { mlirDictionaryAttrGet(session.raw(), 0, std::ptr::null()) })
    }

    /// An i32 constant, or for a tensor of i32 a dense one, with these values or the
    /// one that all are; `None` if they are not as many as it has, or the type is
    /// another.
    pub fn of_i32(r#type: Type<'m>, values: &[i32]) -> Option<Self> {
        let element = r#type.element();
        if !element.is_integer() || element.bit_width() != Some(32) {
            return None;
        }
        // SAFETY: the type was seen to be i32, or a tensor of it with a static shape
        // and as many elements as there are values, which are copied.
        unsafe {
            let raw = match (r#type.is_tensor(), values) {
                (false, [value]) => mlirIntegerAttrGet(r#type.raw(), i64::from(*value)),
                (true, values) => {
                    let count = r#type.element_count()?;
                    match values {
                        [value] => mlirDenseElementsAttrInt32SplatGet(r#type.raw(), *value),
                        values if values.len() as u64 == count => mlirDenseElementsAttrInt32Get(
                            r#type.raw(),
                            values.len() as isize,
                            values.as_ptr(),
                        ),
                        _ => return None,
                    }
                }
                _ => return None,
            };
            Some(Self::from_raw(raw))
        }
    }

    /// An `array<i64: …>`.
    pub fn i64_array(session: &'m Session, values: &[i64]) -> Self {
        // SAFETY: the context is alive, and the values are copied.
        Self::from_raw(unsafe {
            mlirDenseI64ArrayGet(session.raw(), values.len() as isize, values.as_ptr())
        })
    }

    /// A number of an integer type, or of `index`; `None` for any other type.
    pub fn integer(r#type: Type<'m>, value: i64) -> Option<Self> {
        let fits = r#type.is_integer() || r#type.is_index();
        // SAFETY: the type is alive, and one of integers.
        fits.then(|| Self::from_raw(unsafe { mlirIntegerAttrGet(r#type.raw(), value) }))
    }

    /// A number of 64 bits, as dimensions, predicates and flags are written.
    pub fn i64(session: &'m Session, value: i64) -> Self {
        // SAFETY: the context is alive, and the type one of integers.
        Self::from_raw(unsafe { mlirIntegerAttrGet(mlirIntegerTypeGet(session.raw(), 64), value) })
    }

    /// `true` or `false`, which are of `i1`.
    pub fn boolean(session: &'m Session, value: bool) -> Self {
        // SAFETY: the context is alive.
        Self::from_raw(unsafe { mlirBoolAttrGet(session.raw(), value.into()) })
    }

    /// A small number of an integer, an `index` or a floating-point type; `None` for any
    /// other type.
    pub fn number(r#type: Type<'m>, value: i64) -> Option<Self> {
        if !r#type.is_float() {
            return Self::integer(r#type, value);
        }
        // SAFETY: the type is alive, and one of floats.
        Some(Self::from_raw(unsafe {
            mlirFloatAttrDoubleGet(mlirTypeGetContext(r#type.raw()), r#type.raw(), value as f64)
        }))
    }

    /// As [`Attribute::number`]; of a tensor of static shape one that has it throughout.
    pub fn constant(r#type: Type<'m>, value: i64) -> Option<Self> {
        let element = Self::number(r#type.element(), value)?;
        if !r#type.is_tensor() {
            return Some(element);
        }
        r#type.element_count()?;
        // SAFETY: a tensor of static shape, and a number of its element type.
        Some(Self::from_raw(unsafe {
            mlirDenseElementsAttrSplatGet(r#type.raw(), element.raw())
        }))
    }
}
