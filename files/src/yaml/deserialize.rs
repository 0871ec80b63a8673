//! serde's view of the tree.

use super::complaint::Complaint;
use super::tree::{Node, Value};
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// A value of the tree and the path to it: `tasks.python`, empty for the whole document.
#[derive(Clone)]
pub(super) struct Reader<'de> {
    node: &'de Node,
    path: String,
}

impl<'de> Reader<'de> {
    pub(super) fn new(node: &'de Node) -> Self {
        Self {
            node,
            path: String::new(),
        }
    }

    fn item(&self, node: &'de Node, index: usize) -> Self {
        let path = format!("{}[{index}]", self.path);
        Self { node, path }
    }

    fn entry(&self, key: &Node, node: &'de Node) -> Self {
        let key = key.text().unwrap_or("?");
        let path = match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        };
        Self { node, path }
    }

    /// What a plain text means, as YAML's core schema has it.
    fn scalar<V: Visitor<'de>>(
        &self,
        text: &'de str,
        plain: bool,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        if !plain {
            return visitor.visit_borrowed_str(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return visitor.visit_unit(),
            "true" | "True" | "TRUE" => return visitor.visit_bool(true),
            "false" | "False" | "FALSE" => return visitor.visit_bool(false),
            ".nan" | ".NaN" | ".NAN" => return visitor.visit_f64(f64::NAN),
            _ => {}
        }
        let (sign, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) if text.starts_with('-') => (-1, digits),
            Some(digits) => (1, digits),
            None => (1, text),
        };
        if matches!(digits, ".inf" | ".Inf" | ".INF") {
            return visitor.visit_f64(f64::INFINITY * f64::from(sign));
        }
        if let Some(number) = whole(digits) {
            return match (u64::try_from(number), i128::try_from(number)) {
                (Ok(number), _) if sign > 0 => visitor.visit_u64(number),
                (_, Ok(number)) if sign < 0 => match i64::try_from(-number) {
                    Ok(number) => visitor.visit_i64(number),
                    Err(_) => visitor.visit_i128(-number),
                },
                _ if sign > 0 => visitor.visit_u128(number),
                _ => visitor.visit_borrowed_str(text),
            };
        }
        // `007` is a name, and so are `inf` and `nan`, which Rust would take for numbers.
        let begins = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        if begins
            && !is_name(digits)
            && let Some(number) = text.parse::<f64>().ok().filter(|it| it.is_finite())
        {
            return visitor.visit_f64(number);
        }
        visitor.visit_borrowed_str(text)
    }

    fn any<V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Complaint> {
        match &*self.node.value {
            Value::Absent => visitor.visit_unit(),
            Value::Scalar { text, plain } => self.scalar(text, *plain, visitor),
            Value::List(items) => {
                let length = items.len();
                let mut items = Items {
                    reader: self,
                    items: items.iter().enumerate(),
                };
                let value = visitor.visit_seq(&mut items)?;
                match items.items.len() {
                    0 => Ok(value),
                    left => Err(Complaint::invalid_length(length, &Taken(length - left))),
                }
            }
            Value::Map(entries) => visitor.visit_map(Entries {
                reader: self,
                entries: entries.iter(),
                next: None,
            }),
        }
    }

    fn located<T>(&self, result: Result<T, Complaint>) -> Result<T, Complaint> {
        result.map_err(|complaint| complaint.located(self.node.at, &self.path))
    }
}

/// So many items were wanted, and there are more.
struct Taken(usize);

impl de::Expected for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an array of length {}", self.0)
    }
}

/// A whole number without its sign: decimal, `0x1f`, `0o17` or `0b11`.
fn whole(digits: &str) -> Option<u128> {
    if !digits.starts_with(|first: char| first.is_ascii_digit()) || is_name(digits) {
        return None;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            let signed = digits.starts_with(['+', '-']);
            return (!signed)
                .then(|| u128::from_str_radix(digits, radix).ok())
                .flatten();
        }
    }
    digits.parse().ok()
}

/// `007`: digits alone that begin with a superfluous zero.
fn is_name(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|it| it.is_ascii_digit())
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Complaint;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        self.located(self.any(visitor))
    }

    /// A number may be a name.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        self.located(match &*self.node.value {
            Value::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            _ => self.any(visitor),
        })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        let is_none = match &*self.node.value {
            Value::Absent => true,
            Value::Scalar { text, plain } => {
                *plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        };
        if is_none {
            self.located(visitor.visit_none())
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_newtype_struct(self)
    }

    /// A name, or one name with a value: `{ symbolic: { max: 16 } }`.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.located(match &*self.node.value {
            Value::Scalar { text, .. } => {
                visitor.visit_enum(BorrowedStrDeserializer::<Complaint>::new(text))
            }
            Value::Map(entries) => match entries.as_slice() {
                [(key, value)] => {
                    let inner = self.entry(key, value);
                    visitor.visit_enum(Named { key, inner })
                }
                _ => Err(Complaint::invalid_type(
                    Unexpected::Map,
                    &"one name with its value",
                )),
            },
            Value::Absent | Value::List(_) => self.any(visitor),
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_unit()
    }

    /// An empty document is an empty map. A list is none, though serde would take one for a struct.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        self.located(match &*self.node.value {
            Value::Absent => visitor.visit_map(Entries {
                reader: &self,
                entries: [].iter(),
                next: None,
            }),
            Value::List(_) => Err(Complaint::invalid_type(Unexpected::Seq, &visitor)),
            Value::Scalar { .. } | Value::Map(_) => self.any(visitor),
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        seq tuple tuple_struct
    }
}

struct Items<'a, 'de> {
    reader: &'a Reader<'de>,
    items: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Complaint;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Complaint> {
        let Some((index, node)) = self.items.next() else {
            return Ok(None);
        };
        seed.deserialize(self.reader.item(node, index)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'a, 'de> {
    reader: &'a Reader<'de>,
    entries: std::slice::Iter<'de, (Node, Node)>,
    next: Option<Reader<'de>>,
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Complaint;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Complaint> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.next = Some(self.reader.entry(key, value));
        // What is wrong with a key is said of the map.
        let key = Reader {
            node: key,
            path: self.reader.path.clone(),
        };
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Complaint> {
        let reader = self
            .next
            .take()
            .ok_or_else(|| Complaint::custom("a value was asked for before its key"))?;
        seed.deserialize(reader)
    }
}

/// One name with a value.
struct Named<'de> {
    key: &'de Node,
    inner: Reader<'de>,
}

impl<'de> EnumAccess<'de> for Named<'de> {
    type Error = Complaint;
    type Variant = Reader<'de>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Reader<'de>), Complaint> {
        let name = Reader::new(self.key);
        Ok((seed.deserialize(name)?, self.inner))
    }
}

impl<'de> VariantAccess<'de> for Reader<'de> {
    type Error = Complaint;

    fn unit_variant(self) -> Result<(), Complaint> {
        de::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Complaint> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Complaint> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.deserialize_map(visitor)
    }
}
