//! Reading YAML so that every complaint names its place: file, line, column.
//!
//! saphyr-parser gives the parts of a document with their places, and we keep them in a tree
//! (`tree.rs`) that serde reads (`deserialize.rs`); what serde finds wrong stays typed until it is
//! said (`complaint.rs`). Crates that do all of this at once exist, serde-saphyr among them: they
//! say what is wrong in words of their own, without the path to it, and drop the places of what was
//! read, which we need for what is found afterwards.

mod complaint;
mod deserialize;
mod tree;

use crate::FileError;
use complaint::Complaint;
use cost::WithHelp;
use diagnostics::Place;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::fs::File;
use std::io::Read as _;
use std::marker::PhantomData;
use std::path::Path;
use tree::{At, Node, Value};

/// The one version of every file format that this crate reads and writes.
pub(crate) const VERSION: u64 = 1;

/// What to do about a key that its map has already.
const ONCE: &str = "keep one of them, or give one another name";

/// No file that a person writes is larger, and a device may be endless.
const LARGEST: u64 = 64 << 20;

/// Reads the file at `path` whole.
pub(crate) fn slurp(path: impl AsRef<Path>) -> Result<String, FileError> {
    let path = path.as_ref();
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
    read().map_err(|source| FileError::Read {
        path: path.display().to_string(),
        source,
    })
}

/// One step down into a document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

/// A document whose values know their places.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    file: String,
    root: Node,
}

impl Document {
    /// Reads the text of `file`, which names it in complaints.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, FileError> {
        let root = tree::parse(text).map_err(|fault| FileError::Wrong {
            place: place(file, fault.at),
            message: fault.message,
            help: fault.help.map(str::to_owned),
        })?;
        Ok(Self {
            file: file.to_owned(),
            root,
        })
    }

    /// Of what was never written: complaints have the place of its beginning.
    #[cfg(test)]
    pub(crate) fn unwritten(name: &str) -> Self {
        Self {
            file: name.to_owned(),
            root: Node::absent(),
        }
    }

    /// How the file is called in complaints.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The value, after checking that `version` is one we know.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, FileError> {
        // Before anything else, so that a file of a later format is not reported as a list of
        // unknown keys.
        let version = match &*self.root.value {
            Value::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.text() == Some("version"))
                .map(|(_, version)| version),
            Value::Absent => None,
            Value::Scalar { .. } | Value::List(_) => return self.read_unversioned(),
        };
        let known = version.map(|it| Option::<u64>::deserialize(deserialize::Reader::new(it)));
        match (version, known) {
            (Some(_), Some(Ok(Some(VERSION)))) => self.read_unversioned(),
            (None, _) | (_, Some(Ok(None))) => Err(self.wrong(
                &[],
                "the file has no `version`",
                Some(format!("write `version: {VERSION}` at its top")),
            )),
            (Some(version), _) => {
                let given = version.text().unwrap_or("a list or a map");
                let message = format!(
                    "this is version `{given}` of the format, and only version {VERSION} is known"
                );
                Err(self.wrong(&[Step::Key("version")], message, None))
            }
        }
    }

    /// The value, of a document that carries no `version`; JSON is YAML, too.
    pub(crate) fn read_unversioned<T: DeserializeOwned>(&self) -> Result<T, FileError> {
        T::deserialize(deserialize::Reader::new(&self.root)).map_err(|complaint| {
            let Complaint { at, message, help } = complaint;
            FileError::Wrong {
                place: place(&self.file, at.unwrap_or(At::START)),
                message,
                help,
            }
        })
    }

    /// An error about the value at `path`, or about the innermost value on the way to it that
    /// exists.
    pub(crate) fn wrong(
        &self,
        path: &[Step<'_>],
        message: impl Into<String>,
        help: Option<String>,
    ) -> FileError {
        FileError::Wrong {
            place: place(&self.file, self.locate(path)),
            message: message.into(),
            help,
        }
    }

    fn locate(&self, path: &[Step<'_>]) -> At {
        let mut node = &self.root;
        for step in path {
            let inner = match (step, &*node.value) {
                (Step::Key(wanted), Value::Map(entries)) => {
                    let mut entries = entries.iter();
                    let found = entries.find(|(key, _)| key.text() == Some(wanted));
                    found.map(|(_, value)| value)
                }
                (Step::Item(index), Value::List(items)) => items.get(*index),
                _ => None,
            };
            match inner {
                Some(inner) => node = inner,
                None => break,
            }
        }
        node.at
    }
}

fn place(file: &str, at: At) -> Place {
    Place {
        file: file.to_owned(),
        line: at.line,
        column: at.column,
    }
}

/// Reads a map whose keys have several names, so that two texts may be one key: `f32` and `fp32`.
/// Keys that are equal as they stand are refused everywhere.
///
/// # Errors
/// A key that is there twice, at the place of its map.
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
                    let message = format!("`{key}` is there twice");
                    return Err(A::Error::custom(WithHelp::new(message, ONCE.to_owned())));
                }
                map.insert(key, entries.next_value()?);
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Entries(PhantomData))
}

#[cfg(test)]
mod tests;
