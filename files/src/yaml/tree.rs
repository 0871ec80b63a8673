//! A YAML document as a tree in which every value knows its place.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many lists and maps may be open at once. No format of ours has more than a dozen.
const DEEPEST: usize = 1000;

/// How many values a document may have, those behind an alias counted again. An alias of a list of
/// aliases grows tenfold with every line.
const MOST: usize = 1 << 20;

/// Line and column, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl At {
    /// Where a document begins.
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

impl From<Marker> for At {
    fn from(marker: Marker) -> Self {
        Self {
            line: marker.line().max(1),
            column: marker.col() + 1,
        }
    }
}

/// What is no YAML, or none that is read here, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: At,
    pub(crate) message: String,
    pub(crate) help: Option<&'static str>,
}

impl Fault {
    fn new(at: At, message: impl Into<String>, help: Option<&'static str>) -> Self {
        Self {
            at,
            message: message.into(),
            help,
        }
    }
}

impl From<ScanError> for Fault {
    fn from(error: ScanError) -> Self {
        Self::new(At::from(*error.marker()), error.info(), None)
    }
}

/// A value with its place; what an alias stands for has the place of its anchor.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Rc<Value>,
    /// Values in it, itself and those behind aliases counted.
    size: usize,
}

#[derive(Debug)]
pub(crate) enum Value {
    /// Nothing at all: an empty document.
    Absent,
    /// A text; `plain` without quotes, so that it may be a number, a boolean or nothing.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    /// Keys with their values, in the order of the document; texts of keys are there once.
    Map(Vec<(Node, Node)>),
}

impl Node {
    fn new(at: At, value: Value) -> Self {
        Self {
            at,
            value: Rc::new(value),
            size: 1,
        }
    }

    /// A document of nothing.
    pub(crate) fn absent() -> Self {
        Self::new(At::START, Value::Absent)
    }

    /// The text, of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &*self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// A list or map that is not closed yet.
struct Open {
    at: At,
    anchor: usize,
    size: usize,
    kind: Kind,
    /// Where it is: `tasks.python`, and empty for the whole document.
    path: String,
}

enum Kind {
    List(Vec<Node>),
    Map {
        entries: Vec<(Node, Node)>,
        seen: BTreeSet<String>,
        key: Option<Node>,
    },
}

impl Open {
    /// The path of the value that comes next.
    fn path_of_next(&self) -> String {
        match &self.kind {
            Kind::List(items) => format!("{}[{}]", self.path, items.len()),
            Kind::Map { key, .. } => {
                let key = key.as_ref().and_then(Node::text).unwrap_or_default();
                if self.path.is_empty() {
                    key.to_owned()
                } else {
                    format!("{}.{key}", self.path)
                }
            }
        }
    }

    fn add(&mut self, node: Node) -> Result<(), Fault> {
        self.size = self.size.saturating_add(node.size);
        match &mut self.kind {
            Kind::List(items) => items.push(node),
            Kind::Map { entries, seen, key } => match key.take() {
                Some(key) => entries.push((key, node)),
                None => {
                    if let Some(text) = node.text()
                        && !seen.insert(text.to_owned())
                    {
                        let path = Some(&self.path).filter(|path| !path.is_empty());
                        let path = path.map_or_else(String::new, |path| format!("{path}: "));
                        return Err(Fault::new(
                            node.at,
                            format!("{path}`{text}` is there twice"),
                            Some(super::ONCE),
                        ));
                    }
                    *key = Some(node);
                }
            },
        }
        Ok(())
    }

    fn close(self) -> (usize, Node) {
        let value = match self.kind {
            Kind::List(items) => Value::List(items),
            Kind::Map { entries, .. } => Value::Map(entries),
        };
        let node = Node {
            size: self.size,
            ..Node::new(self.at, value)
        };
        (self.anchor, node)
    }
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Node, Fault> {
    shallow(text)?;
    let mut reader = Reader::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next?;
        reader.take(event, At::from(span.start))?;
    }
    Ok(reader.root.unwrap_or_else(Node::absent))
}

/// Refuses a document with too many open brackets, before the parser sees them: its time may grow
/// with the square of them. Those in texts count, too.
fn shallow(text: &str) -> Result<(), Fault> {
    let mut open = 0_usize;
    for (line, content) in text.lines().enumerate() {
        for (column, letter) in content.chars().enumerate() {
            match letter {
                '[' | '{' => open += 1,
                ']' | '}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > DEEPEST {
                return Err(Fault::new(
                    At {
                        line: line + 1,
                        column: column + 1,
                    },
                    format!("more than {DEEPEST} brackets are open here"),
                    Some("close each of them; no file of this format is so deep"),
                ));
            }
        }
    }
    Ok(())
}

/// The tree so far.
#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    root: Option<Node>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, at: At) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !is_text(tag.as_ref());
                let value = Value::Scalar {
                    text: text.into_owned(),
                    plain,
                };
                self.put(anchor, Node::new(at, value))
            }
            Event::SequenceStart(anchor, _) => self.begin(at, anchor, Kind::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                let kind = Kind::Map {
                    entries: Vec::new(),
                    seen: BTreeSet::new(),
                    key: None,
                };
                self.begin(at, anchor, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let (anchor, node) = open.close();
                    self.put(anchor, node)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.put(0, node),
                // The parser refuses an alias without an anchor; this is one inside of its own.
                None => Err(Fault::new(at, "an alias stands inside of its anchor", None)),
            },
            Event::DocumentStart(_) if self.root.is_some() => Err(Fault::new(
                At::START,
                "the file holds more than one document",
                Some("take out the line `---`, and what belongs to another file"),
            )),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, at: At, anchor: usize, kind: Kind) -> Result<(), Fault> {
        if self.open.len() >= DEEPEST {
            return Err(Fault::new(
                at,
                format!("more than {DEEPEST} lists and maps lie in each other here"),
                Some("no file of this format is so deep"),
            ));
        }
        let path = self
            .open
            .last()
            .map_or_else(String::new, Open::path_of_next);
        self.open.push(Open {
            at,
            anchor,
            size: 1,
            kind,
            path,
        });
        Ok(())
    }

    fn put(&mut self, anchor: usize, node: Node) -> Result<(), Fault> {
        if node.size > MOST {
            return Err(Fault::new(
                node.at,
                format!("this holds more than {MOST} values, those behind aliases counted"),
                Some("write out what is meant; no file of this format is so large"),
            ));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.add(node)?,
            None => self.root = Some(node),
        }
        Ok(())
    }
}

/// Whether `!!str` makes a text of whatever stands there.
fn is_text(tag: Option<&Cow<'_, Tag>>) -> bool {
    tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str")
}
