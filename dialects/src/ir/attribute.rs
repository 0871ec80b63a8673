//! Attributes.

mod made;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use mlir_sys::{
    MlirAttribute, mlirArrayAttrGetElement, mlirArrayAttrGetNumElements, mlirAttributeEqual,
    mlirAttributeGetType, mlirAttributeIsAArray, mlirAttributeIsADenseElements,
    mlirAttributeIsADenseI32Array, mlirAttributeIsADenseI64Array,
    mlirAttributeIsADenseResourceElements, mlirAttributeIsADictionary, mlirAttributeIsAElements,
    mlirAttributeIsAFlatSymbolRef, mlirAttributeIsAInteger, mlirAttributeIsAString,
    mlirAttributeIsAType, mlirAttributePrint, mlirDenseArrayGetNumElements,
    mlirDenseElementsAttrGetBoolValue, mlirDenseElementsAttrGetInt8Value,
    mlirDenseElementsAttrGetInt32Value, mlirDenseElementsAttrGetInt64Value,
    mlirDenseElementsAttrGetSplatValue, mlirDenseElementsAttrIsSplat, mlirDenseI32ArrayGetElement,
    mlirDenseI64ArrayGetElement, mlirDictionaryAttrGet, mlirDictionaryAttrGetElement,
    mlirDictionaryAttrGetElementByName, mlirDictionaryAttrGetNumElements,
    mlirElementsAttrGetNumElements, mlirFlatSymbolRefAttrGetValue, mlirIdentifierGet,
    mlirIdentifierStr, mlirIntegerAttrGetValueInt, mlirNamedAttributeGet, mlirStringAttrGetValue,
    mlirTypeAttrGetValue,
};

use super::{Location, Type, borrowed_str, owned_string, printed, string_ref};
use crate::build::OpBuilder;
use crate::session::Session;

/// An attribute: constant data on an operation. Uniqued by its context, so
/// that equality is identity.
#[derive(Clone, Copy)]
pub struct Attribute<'m> {
    raw: MlirAttribute,
    module: PhantomData<&'m ()>,
}

impl<'m> Attribute<'m> {
    pub(crate) fn from_raw(raw: MlirAttribute) -> Self {
        Self {
            raw,
            module: PhantomData,
        }
    }

    pub(crate) fn raw(self) -> MlirAttribute {
        self.raw
    }

    /// The numbers of an `array<i64: …>`; `None` for any other attribute.
    pub fn i64_numbers(self) -> Option<Vec<i64>> {
        // SAFETY: asked only of such an array, below its count.
        unsafe {
            mlirAttributeIsADenseI64Array(self.raw).then(|| {
                let count = mlirDenseArrayGetNumElements(self.raw);
                (0..count)
                    .map(|at| mlirDenseI64ArrayGetElement(self.raw, at))
                    .collect()
            })
        }
    }

    /// The numbers of an `array<i32: …>`; `None` for any other attribute.
    pub fn i32_numbers(self) -> Option<Vec<i32>> {
        // SAFETY: asked only of such an array, below its count.
        unsafe {
            mlirAttributeIsADenseI32Array(self.raw).then(|| {
                let count = mlirDenseArrayGetNumElements(self.raw);
                (0..count)
                    .map(|at| mlirDenseI32ArrayGetElement(self.raw, at))
                    .collect()
            })
        }
    }

    /// A dictionary attribute without its entry `name`.
    #[must_use]
    pub fn without(self, session: &'m Session, name: &str) -> Self {
        // SAFETY: elements are read by index below the count, from a
        // dictionary; the array is copied.
        unsafe {
            if !mlirAttributeIsADictionary(self.raw) {
                return self;
            }
            let kept: Vec<_> = (0..mlirDictionaryAttrGetNumElements(self.raw))
                .map(|index| mlirDictionaryAttrGetElement(self.raw, index))
                .filter(|entry| owned_string(mlirIdentifierStr(entry.name)) != name)
                .collect();
            Self::from_raw(mlirDictionaryAttrGet(
                session.raw(),
                kept.len() as isize,
                kept.as_ptr(),
            ))
        }
    }

    /// A dictionary attribute with the entry `name` set to `value`.
    #[must_use]
    pub fn with(self, session: &'m Session, name: &str, value: Attribute<'m>) -> Self {
        let rest = self.without(session, name);
        // SAFETY: as above.
        unsafe {
            let mut entries: Vec<_> = if mlirAttributeIsADictionary(rest.raw) {
                (0..mlirDictionaryAttrGetNumElements(rest.raw))
                    .map(|index| mlirDictionaryAttrGetElement(rest.raw, index))
                    .collect()
            } else {
                Vec::new()
            };
            let key = mlirIdentifierGet(session.raw(), string_ref(name));
            entries.push(mlirNamedAttributeGet(key, value.raw));
            Self::from_raw(mlirDictionaryAttrGet(
                session.raw(),
                entries.len() as isize,
                entries.as_ptr(),
            ))
        }
    }

    /// The value of a string attribute.
    pub fn as_string(self) -> Option<String> {
        // SAFETY: the value is taken only where the attribute is a string.
        unsafe {
            mlirAttributeIsAString(self.raw).then(|| owned_string(mlirStringAttrGetValue(self.raw)))
        }
    }

    /// The value of a string attribute that is UTF-8, without a copy.
    pub fn as_str(self) -> Option<&'m str> {
        // SAFETY: as above; the attribute's data lives as long as the context.
        unsafe {
            mlirAttributeIsAString(self.raw).then(|| borrowed_str(mlirStringAttrGetValue(self.raw)))
        }
    }

    /// The name, without `@`, of a reference to a top-level symbol.
    pub fn as_symbol(self) -> Option<String> {
        // SAFETY: as above.
        unsafe {
            mlirAttributeIsAFlatSymbolRef(self.raw)
                .then(|| owned_string(mlirFlatSymbolRefAttrGetValue(self.raw)))
        }
    }

    /// As [`Attribute::as_symbol`], without a copy: empty for a name that is no UTF-8.
    pub fn symbol_name(self) -> Option<&'m str> {
        // SAFETY: as above; the attribute's data lives as long as the context.
        unsafe {
            mlirAttributeIsAFlatSymbolRef(self.raw)
                .then(|| borrowed_str(mlirFlatSymbolRefAttrGetValue(self.raw)))
        }
    }

    /// The value of a signless integer or index attribute.
    pub fn as_integer(self) -> Option<i64> {
        // SAFETY: as above. `mlirIntegerAttrGetValueInt` asserts signlessness
        // in debug builds of MLIR only, and sign-extends otherwise.
        unsafe { mlirAttributeIsAInteger(self.raw).then(|| mlirIntegerAttrGetValueInt(self.raw)) }
    }

    /// The type that a type attribute holds.
    pub fn as_type(self) -> Option<Type<'m>> {
        // SAFETY: as above.
        unsafe {
            mlirAttributeIsAType(self.raw).then(|| Type::from_raw(mlirTypeAttrGetValue(self.raw)))
        }
    }

    /// Whether it is a dense constant, whose text may be long.
    pub fn is_dense(self) -> bool {
        // SAFETY: a query on a live attribute.
        unsafe { mlirAttributeIsADenseElements(self.raw) }
    }

    /// Whether it holds the elements of a tensor, in whatever form.
    pub fn is_elements(self) -> bool {
        // SAFETY: a query on a live attribute.
        unsafe { mlirAttributeIsAElements(self.raw) }
    }

    /// The type of what holds the elements of a tensor.
    pub fn r#type(self) -> Option<Type<'m>> {
        // SAFETY: elements are typed.
        self.is_elements()
            .then(|| Type::from_raw(unsafe { mlirAttributeGetType(self.raw) }))
    }

    /// Whether its elements stand in the module's list of resources.
    pub fn is_resource(self) -> bool {
        // SAFETY: a query on a live attribute.
        unsafe { mlirAttributeIsADenseResourceElements(self.raw) }
    }

    /// The bytes of a constant from the module's list of resources, in
    /// hexadecimal digits; `None` for any other attribute, and where they are
    /// not there.
    pub fn resource_digits(self, location: Location<'m>) -> Option<String> {
        if !self.is_resource() {
            return None;
        }
        // The C API gives bytes by element type, of which it knows few. Their
        // text is that of all: an operation that stands nowhere is printed with
        // the resources that it needs.
        let holder = OpBuilder::new("arith.constant", location)
            .attribute("value", self)
            .results(&[self.r#type()?])
            .build();
        let text = holder.to_text();
        holder.erase();
        let (_, blob) = text.rsplit_once(": \"0x")?;
        let (digits, _) = blob.split_once('"')?;
        // The first four bytes tell how the others are to be aligned.
        Some(digits.get(8..)?.to_owned())
    }

    /// The bytes of a constant's elements, the low byte of each first, where MLIR keeps
    /// or writes them as bytes: one from the module's list of resources, or a long
    /// dense one of whole bytes. `None` for any other attribute.
    pub fn bytes(self, location: Location<'m>) -> Option<Vec<u8>> {
        let digits = if self.is_resource() {
            self.resource_digits(location)?
        } else {
            let text = self.is_dense().then(|| self.to_string())?;
            let (_, rest) = text.split_once("dense<\"0x")?;
            rest.split_once('"')?.0.to_owned()
        };
        let pairs = digits.as_bytes().chunks_exact(2);
        pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect()
    }

    /// Whether it is a dense constant with one value throughout.
    pub fn is_splat(self) -> bool {
        // SAFETY: asked only of dense elements.
        unsafe { mlirAttributeIsADenseElements(self.raw) && mlirDenseElementsAttrIsSplat(self.raw) }
    }

    /// The value of a dense integer constant that is the same throughout.
    pub fn splat_integer(self) -> Option<i64> {
        if !self.is_splat() {
            return None;
        }
        // SAFETY: a splat has a splat value, which is asked for its integer
        // only if it is one.
        let value = Self::from_raw(unsafe { mlirDenseElementsAttrGetSplatValue(self.raw) });
        value.as_integer()
    }

    /// The values of a dense constant of i32 or i64, in order, or the one that all
    /// are; `None` for any other attribute.
    pub fn dense_integers(self) -> Option<Vec<i64>> {
        let bits = self.r#type().filter(|_| self.is_dense())?.element();
        let bits = bits.bit_width().filter(|_| bits.is_integer())?;
        // SAFETY: asked only of dense elements of that type, below their count.
        unsafe {
            let count = if self.is_splat() {
                1
            } else {
                mlirElementsAttrGetNumElements(self.raw)
            };
            let count = isize::try_from(count).ok()?;
            match bits {
                32 => Some(
                    (0..count)
                        .map(|at| i64::from(mlirDenseElementsAttrGetInt32Value(self.raw, at)))
                        .collect(),
                ),
                64 => Some(
                    (0..count)
                        .map(|at| mlirDenseElementsAttrGetInt64Value(self.raw, at))
                        .collect(),
                ),
                _ => None,
            }
        }
    }

    /// The values of a dense constant of booleans (0 and 1) or of i8, in order, or the
    /// one that all are; `None` for any other attribute.
    pub fn dense_bytes(self) -> Option<Vec<i8>> {
        let element = self.r#type().filter(|_| self.is_dense())?.element();
        let bits = element.bit_width().filter(|_| element.is_integer())?;
        // SAFETY: asked only of dense elements of that type, below their count.
        unsafe {
            let count = if self.is_splat() {
                1
            } else {
                mlirElementsAttrGetNumElements(self.raw)
            };
            let all = 0..isize::try_from(count).ok()?;
            match bits {
                1 => Some(
                    all.map(|at| i8::from(mlirDenseElementsAttrGetBoolValue(self.raw, at)))
                        .collect(),
                ),
                8 => Some(
                    all.map(|at| mlirDenseElementsAttrGetInt8Value(self.raw, at))
                        .collect(),
                ),
                _ => None,
            }
        }
    }

    /// The elements of an array attribute; nothing for any other kind.
    pub fn elements(self) -> Vec<Attribute<'m>> {
        // SAFETY: indices are below the count, on an array.
        unsafe {
            if !mlirAttributeIsAArray(self.raw) {
                return Vec::new();
            }
            (0..mlirArrayAttrGetNumElements(self.raw))
                .map(|index| Self::from_raw(mlirArrayAttrGetElement(self.raw, index)))
                .collect()
        }
    }

    /// The entries of a dictionary attribute, by name; nothing for any other
    /// kind.
    pub fn entries(self) -> Vec<(String, Attribute<'m>)> {
        // SAFETY: indices are below the count, on a dictionary.
        unsafe {
            if !mlirAttributeIsADictionary(self.raw) {
                return Vec::new();
            }
            (0..mlirDictionaryAttrGetNumElements(self.raw))
                .map(|index| mlirDictionaryAttrGetElement(self.raw, index))
                .map(|entry| {
                    let name = owned_string(mlirIdentifierStr(entry.name));
                    (name, Self::from_raw(entry.attribute))
                })
                .collect()
        }
    }

    /// The entry `name` of a dictionary attribute.
    pub fn entry(self, name: &str) -> Option<Attribute<'m>> {
        // SAFETY: looked up only on a dictionary; null means absent.
        unsafe {
            if !mlirAttributeIsADictionary(self.raw) {
                return None;
            }
            let raw = mlirDictionaryAttrGetElementByName(self.raw, string_ref(name));
            (!raw.ptr.is_null()).then(|| Self::from_raw(raw))
        }
    }
}

impl PartialEq for Attribute<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // SAFETY: both are alive.
        unsafe { mlirAttributeEqual(self.raw, other.raw) }
    }
}

impl Eq for Attribute<'_> {}

impl Hash for Attribute<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.ptr.hash(state);
    }
}

impl fmt::Display for Attribute<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&printed(|callback, data| {
            // SAFETY: the attribute is alive; the callback's data lives
            // through the call.
            unsafe { mlirAttributePrint(self.raw, callback, data) }
        }))
    }
}

impl fmt::Debug for Attribute<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
