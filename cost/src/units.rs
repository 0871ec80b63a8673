//! Quantities with units and provenance, as they stand in the YAML files.
//!
//! A quantity is written plainly, as a number in the SI base unit or with a unit (`12 GB/s`, `2
//! GiB`, `50 us`), or with where it comes from:
//!
//! ```yaml
//! bandwidth: 12 GB/s
//! bandwidth: { value: 12 GB/s, source: inferred, note: "LPDDR5 data sheet, 50 %" }
//! ```

mod dimension;

pub(crate) use dimension::parse;
pub use dimension::{
    Bytes, BytesPerSecond, Count, Dimension, Fraction, OpsPerSecond, Probability, Seconds, Watts,
};

use crate::text::WithHelp;
use serde::de::{self, DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// Where a number comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Written in a file without a word about its origin.
    #[default]
    Given,
    /// Stated by the publication or data sheet that the note names.
    Stated,
    /// Derived from what is stated, as the note explains.
    Inferred,
    /// Chosen because nothing is known.
    Assumed,
    /// Measured on the device.
    Measured,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Given => "given",
            Self::Stated => "stated",
            Self::Inferred => "inferred",
            Self::Assumed => "assumed",
            Self::Measured => "measured",
        })
    }
}

/// A number of dimension `D` in SI base units, with its provenance.
pub struct Quantity<D> {
    /// The number, in the base unit of `D`.
    pub value: f64,
    /// Where it comes from.
    pub source: Source,
    /// Which document, section or reasoning.
    pub note: Option<String>,
    dimension: PhantomData<D>,
}

impl<D: Dimension> Quantity<D> {
    /// A quantity with its provenance. `value` is in the base unit and is not checked.
    pub fn new(value: f64, source: Source, note: impl Into<Option<String>>) -> Self {
        Self {
            value,
            source,
            note: note.into(),
            dimension: PhantomData,
        }
    }

    /// A quantity without provenance.
    pub fn given(value: f64) -> Self {
        Self::new(value, Source::Given, None)
    }

    /// `(stated: Sec. IV-B)`, or nothing for a number that was simply given.
    pub fn provenance(&self) -> String {
        match (&self.note, self.source) {
            (None, Source::Given) => String::new(),
            (Some(note), source) => format!("({source}: {note})"),
            (None, source) => format!("({source})"),
        }
    }
}

// Derives would ask the same of `D`, which is only a label.
impl<D> Clone for Quantity<D> {
    fn clone(&self) -> Self {
        Self {
            value: self.value,
            source: self.source,
            note: self.note.clone(),
            dimension: PhantomData,
        }
    }
}

impl<D> PartialEq for Quantity<D> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value && self.source == other.source && self.note == other.note
    }
}

impl<D: Dimension> fmt::Debug for Quantity<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {}", self.provenance())
    }
}

impl<D: Dimension> fmt::Display for Quantity<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&D::show(self.value))
    }
}

impl<D: Dimension> Serialize for Quantity<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        if self.source == Source::Given && self.note.is_none() {
            return serializer.serialize_f64(self.value);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("value", &self.value)?;
        map.serialize_entry("source", &self.source)?;
        if let Some(note) = &self.note {
            map.serialize_entry("note", note)?;
        }
        map.end()
    }
}

impl<'de, D: Dimension> Deserialize<'de> for Quantity<D> {
    fn deserialize<T: Deserializer<'de>>(deserializer: T) -> Result<Self, T::Error> {
        deserializer.deserialize_any(QuantityVisitor {
            plain: false,
            dimension: PhantomData,
        })
    }
}

/// Reads a quantity in either form, or (inside the long form) the plain one only.
struct QuantityVisitor<D> {
    plain: bool,
    dimension: PhantomData<D>,
}

impl<'de, D: Dimension> DeserializeSeed<'de> for QuantityVisitor<D> {
    type Value = Quantity<D>;
    fn deserialize<T: Deserializer<'de>>(self, deserializer: T) -> Result<Quantity<D>, T::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Reads a size such as `2 GiB`, in bytes.
///
/// # Errors
/// What is wrong with the text, in words.
pub fn bytes(text: &str) -> Result<f64, String> {
    let value = dimension::parse::<Bytes>(text)?;
    Bytes::check(value).map_err(|why| format!("{} {why}", Bytes::WHAT))?;
    Ok(value)
}

fn checked<D: Dimension, E: de::Error>(value: f64, text: &str) -> Result<Quantity<D>, E> {
    match D::check(value) {
        Ok(()) => Ok(Quantity::given(value)),
        Err(why) => Err(E::custom(WithHelp::new(
            format_args!("`{text}`: {} {why}", D::WHAT),
            format!("for example: {}", D::EXAMPLE),
        ))),
    }
}

impl<'de, D: Dimension> Visitor<'de> for QuantityVisitor<D> {
    type Value = Quantity<D>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} such as {}", D::WHAT, D::EXAMPLE)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        checked(value as f64, &value.to_string())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        checked(value as f64, &value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        // 1e-300 has three hundred digits otherwise.
        let text = match value.abs() {
            0.0 | 1e-9..1e15 => value.to_string(),
            _ => format!("{value:e}"),
        };
        checked(value, &text)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        match dimension::parse::<D>(text) {
            Ok(value) => checked(value, text),
            Err(why) => Err(E::custom(WithHelp::new(
                why,
                format!("for example: {}", D::EXAMPLE),
            ))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier, rename_all = "lowercase")]
        enum Key {
            Value,
            Source,
            Note,
        }
        if self.plain {
            return Err(de::Error::invalid_type(de::Unexpected::Map, &self));
        }
        let (mut value, mut source, mut note) = (None, None, None);
        while let Some(key) = entries.next_key::<Key>()? {
            match key {
                Key::Value => {
                    value = Some(entries.next_value_seed(QuantityVisitor::<D> {
                        plain: true,
                        dimension: PhantomData,
                    })?)
                }
                Key::Source => source = Some(entries.next_value()?),
                Key::Note => note = Some(entries.next_value()?),
            }
        }
        let mut quantity: Quantity<D> = value.ok_or_else(|| de::Error::missing_field("value"))?;
        quantity.source = source.unwrap_or_default();
        quantity.note = note;
        Ok(quantity)
    }
}
