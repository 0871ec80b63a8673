//! Reading YAML so that every complaint names its place: file, line, column.

use crate::CostError;
use crate::text::closest;
use diagnostics::Place;
use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess,
    VariantAccess as _, Visitor,
};
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::fs::File;
use std::io::Read as _;
use std::marker::PhantomData;

/// Separates a message from its help inside a serde error, which has room for one text only.
const HELP: char = '\u{1}';

/// The one version of every file format that this crate reads and writes.
pub(crate) const VERSION: u64 = 1;

/// A message that carries its help through serde.
pub(crate) fn with_help(message: impl Display, help: &str) -> String {
    format!("{message}{HELP}{help}")
}

/// Reads a document into `T`, after checking that its `version` is one we know.
pub(crate) fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, CostError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: Option<serde_yaml::Value>,
    }
    shallow(file, text)?;
    // Before anything else, so that a file of a later format is not reported as a list of unknown
    // keys.
    let head: Versioned = serde_yaml::from_str(text).map_err(|error| convert(file, &error))?;
    match head.version {
        None => Err(at(
            file,
            text,
            &[],
            "the file has no `version`",
            Some(format!("write `version: {VERSION}` at its top")),
        )),
        Some(version) if version.as_u64() == Some(VERSION) => read_unversioned(file, text),
        Some(version) => {
            let version = serde_yaml::to_string(&version).unwrap_or_default();
            let message = format!(
                "this is version `{}` of the format, and only version {VERSION} is known",
                version.trim()
            );
            Err(at(file, text, &[Step::Key("version")], message, None))
        }
    }
}

/// Reads a document that carries no `version`; JSON is YAML, too.
pub(crate) fn read_unversioned<T: DeserializeOwned>(
    file: &str,
    text: &str,
) -> Result<T, CostError> {
    shallow(file, text)?;
    let read = serde_yaml::from_str(text).map_err(|error| convert(file, &error))?;
    // serde refuses a field of a struct that is there twice, and lets the last of equal keys of a
    // map win without a word. So the document is walked once more, whatever its types.
    match Unique.deserialize(serde_yaml::Deserializer::from_str(text)) {
        Err(error) if error.to_string().contains(HELP) => Err(convert(file, &error)),
        _ => Ok(read),
    }
}

/// How many brackets may be open at once. No format of ours has more than a dozen, and
/// the parser's time grows with the square of them.
const OPEN: usize = 1000;

/// Refuses a document with too many open brackets. Those in texts count, too.
fn shallow(file: &str, text: &str) -> Result<(), CostError> {
    let mut open = 0_usize;
    for (line, content) in text.lines().enumerate() {
        for (column, letter) in content.chars().enumerate() {
            match letter {
                '[' | '{' => open += 1,
                ']' | '}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > OPEN {
                return Err(CostError::File {
                    place: Place {
                        file: file.into(),
                        line: line + 1,
                        column: column + 1,
                    },
                    message: format!("more than {OPEN} brackets are open here"),
                    help: Some("close each of them; no file of this format is so deep".into()),
                });
            }
        }
    }
    Ok(())
}

/// A key that a map has already.
fn twice(key: impl Display) -> String {
    with_help(
        format_args!("`{key}` is there twice"),
        "keep one of them, or give one another name",
    )
}

/// Reads a map whose keys have several names, so that two texts may be one key: `f32` and `fp32`.
/// Keys that are equal as they stand are refused everywhere.
///
/// # Errors
/// A key that is there twice, at its place.
pub(crate) fn unique<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + Display,
    V: Deserialize<'de>,
{
    struct Entries<K, V>(PhantomData<(K, V)>);
    impl<'de, K, V> Visitor<'de> for Entries<K, V>
    where
        K: Deserialize<'de> + Ord + Display,
        V: Deserialize<'de>,
    {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some(key) = entries.next_key::<K>()? {
                if map.contains_key(&key) {
                    return Err(A::Error::custom(twice(key)));
                }
                map.insert(key, entries.next_value()?);
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Entries(PhantomData))
}

/// Reads anything, and fails at a key that its map has already.
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! nothing_to_see {
    ($($method:ident: $type:ty),*) => { $(fn $method<E: serde::de::Error>(self, _: $type) -> Result<(), E> { Ok(()) })* };
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    nothing_to_see!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Unique)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while entries.next_key_seed(Key(&mut seen))?.is_some() {
            entries.next_value_seed(Unique)?;
        }
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        let (IgnoredAny, value) = tagged.variant()?;
        value.newtype_variant_seed(Unique)
    }
}

/// A key of a map, by its text; fails inside the key, so that the error has its place.
struct Key<'a>(&'a mut BTreeSet<String>);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<(), E> {
        if self.0.insert(key.to_owned()) {
            Ok(())
        } else {
            Err(E::custom(twice(key)))
        }
    }
}

/// No file that a person writes is larger, and a device may be endless.
const LARGEST: u64 = 64 << 20;

/// Reads the file at `path` whole.
pub(crate) fn slurp(path: &str) -> Result<String, CostError> {
    let read = || {
        let mut text = String::new();
        let read = File::open(path)?
            .take(LARGEST + 1)
            .read_to_string(&mut text)?;
        if u64::try_from(read).is_ok_and(|read| read > LARGEST) {
            let what = format!("it is larger than {} MiB", LARGEST >> 20);
            return Err(std::io::Error::other(what));
        }
        Ok(text)
    };
    read().map_err(|source| CostError::Read {
        path: path.into(),
        source,
    })
}

/// A serde error as ours: location, message, help, and a suggestion when a name was mistyped.
fn convert(file: &str, error: &serde_yaml::Error) -> CostError {
    let (line, column) = error.location().map_or((1, 1), |l| (l.line(), l.column()));
    let text = error.to_string();
    let text = text
        .strip_suffix(&format!(" at line {line} column {column}"))
        .unwrap_or(&text);
    let (message, help) = match text.split_once(HELP) {
        Some((message, help)) => (message.to_owned(), Some(help.to_owned())),
        None => (in_words(text), did_you_mean(text)),
    };
    CostError::File {
        place: Place {
            file: file.into(),
            line,
            column,
        },
        message,
        help,
    }
}

/// What serde says of a value that is not of the type wanted, without the names of Rust's types:
/// "invalid type: integer `3`, expected struct Point" is "the number 3 stands where a map of keys and
/// values is wanted". Anything else stays as it is.
fn in_words(message: &str) -> String {
    // A variant is something else here: the resources in use.
    let message = message.replacen("unknown variant `", "unknown value `", 1);
    let kinds = ["invalid type: ", "invalid value: ", "invalid length "];
    let Some((at, kind)) = kinds
        .iter()
        .find_map(|kind| Some((message.find(kind)?, *kind)))
    else {
        return message;
    };
    let (path, rest) = message.split_at(at);
    let rest = rest.strip_prefix(kind).unwrap_or(rest);
    let Some((given, wanted)) = rest.rsplit_once(", expected ") else {
        return message;
    };
    let given = match kind {
        "invalid length " => format!("a list of {given}"),
        _ => given_in_words(given),
    };
    format!(
        "{path}{given} stands where {} is wanted",
        wanted_in_words(wanted)
    )
}

fn given_in_words(given: &str) -> String {
    // "as u128" follows an integer that is too large for the usual type.
    let quoted = || Some(given.split_once('`')?.1.rsplit_once('`')?.0);
    let number = ["integer `", "floating point `"];
    match given {
        "sequence" => "a list".into(),
        "map" => "a map of keys and values".into(),
        "unit value" | "Option value" => "nothing".into(),
        _ if number.iter().any(|number| given.starts_with(number)) => {
            quoted().map_or_else(|| given.to_owned(), |number| format!("the number {number}"))
        }
        _ => match given.strip_prefix("string ") {
            Some(text) => format!("the text {text}"),
            None => given.strip_prefix("boolean ").unwrap_or(given).to_owned(),
        },
    }
}

fn wanted_in_words(wanted: &str) -> String {
    let whole = |most: u64| format!("a whole number from 0 to {most}");
    match wanted {
        "u8" => whole(u8::MAX.into()),
        "u16" => whole(u16::MAX.into()),
        "u32" => whole(u32::MAX.into()),
        "u64" | "usize" => whole(u64::MAX),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" => "a text".into(),
        "a map" => "a map of keys and values".into(),
        "a sequence" => "a list".into(),
        _ if wanted.starts_with("struct ") || wanted.starts_with("internally tagged ") => {
            "a map of keys and values".into()
        }
        _ => match wanted.strip_prefix("an array of length ") {
            Some(length) => format!("a list of {length}"),
            None => wanted.to_owned(),
        },
    }
}

/// serde says "unknown field `x`, expected one of `a`, `b`": the text before and after "expected"
/// holds all we need.
fn did_you_mean(message: &str) -> Option<String> {
    let (head, expected) = message.split_once(", expected ")?;
    if !head.contains("unknown ") {
        return None;
    }
    let quoted = |text: &str| {
        text.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let given = quoted(head).pop()?;
    let candidates = quoted(expected);
    let best = closest(&given, candidates.iter().map(String::as_str))?;
    Some(format!("did you mean `{best}`?"))
}

/// One step down into a document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

/// An error about the value at `path` in `text`, found after the document was read.
pub(crate) fn at(
    file: &str,
    text: &str,
    path: &[Step<'_>],
    message: impl Into<String>,
    help: Option<String>,
) -> CostError {
    let (line, column) = locate(text, path).unwrap_or((1, 1));
    CostError::File {
        place: Place {
            file: file.into(),
            line,
            column,
        },
        message: message.into(),
        help,
    }
}

/// Line and column of the value at `path`, or of the innermost value on the way to it that exists.
///
/// serde keeps no positions, but its errors have one. So the document is read again with a visitor
/// that walks down `path` and fails there on purpose: exact, and paid for only when there is an
/// error to report.
fn locate(text: &str, path: &[Step<'_>]) -> Option<(usize, usize)> {
    let error = Walk(path)
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .err()?;
    error.location().map(|l| (l.line(), l.column()))
}

struct Walk<'a>(&'a [Step<'a>]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! here {
    ($($method:ident: $type:ty),*) => { $(fn $method<E: serde::de::Error>(self, _: $type) -> Result<(), E> { Err(E::custom("here")) })* };
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    here!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Err(E::custom("here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if let Some((Step::Item(wanted), rest)) = self.0.split_first() {
            for _ in 0..*wanted {
                items.next_element::<IgnoredAny>()?;
            }
            items.next_element_seed(Walk(rest))?;
        }
        Err(A::Error::custom("here"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        if let Some((Step::Key(wanted), rest)) = self.0.split_first() {
            while let Some(key) = entries.next_key::<String>()? {
                if key == *wanted {
                    entries.next_value_seed(Walk(rest))?;
                } else {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Err(A::Error::custom("here"))
    }
}

#[cfg(test)]
mod tests;
