//! What serde says of a value that is not of the type wanted, without the names of Rust's types.

use super::tree::At;
use cost::closest;
use serde::de::{self, Expected, Unexpected};
use std::fmt::{self, Display};

/// Why a value of the tree does not become what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// Where; the innermost value that the complaint passed on its way up.
    pub(crate) at: Option<At>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Complaint {
    fn new(message: String, help: Option<String>) -> Self {
        Self {
            at: None,
            message,
            help,
        }
    }

    /// Gives it its place and its path (`tasks.python`, empty for the whole document), unless a
    /// value further inside has done so.
    pub(crate) fn located(mut self, at: At, path: &str) -> Self {
        if self.at.is_none() {
            self.at = Some(at);
            if !path.is_empty() {
                self.message = format!("{path}: {}", self.message);
            }
        }
        self
    }

    /// A name that is none of those there are.
    fn unknown(what: &str, given: &str, known: &'static [&'static str]) -> Self {
        let wanted = match known {
            [] => format!("there are no {what}s"),
            [only] => format!("expected `{only}`"),
            [one, other] => format!("expected `{one}` or `{other}`"),
            _ => {
                let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                format!("expected one of {}", names.join(", "))
            }
        };
        let best = closest(given, known.iter().copied());
        Self::new(
            format!("unknown {what} `{given}`, {wanted}"),
            best.map(|best| format!("did you mean `{best}`?")),
        )
    }
}

impl Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Complaint {}

impl de::Error for Complaint {
    /// What `cost` says of a text comes with the next step in its alternate form
    /// ([`cost::WithHelp`]): serde has room for one text only.
    fn custom<T: Display>(said: T) -> Self {
        let (message, both) = (said.to_string(), format!("{said:#}"));
        let help = both
            .strip_prefix(&message)
            .and_then(|rest| rest.strip_prefix(": "));
        let help = help.map(str::to_owned);
        Self::new(message, help)
    }

    fn invalid_type(given: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(
            format!(
                "{} stands where {} is wanted",
                given_in_words(given),
                wanted_in_words(&wanted.to_string())
            ),
            None,
        )
    }

    fn invalid_value(given: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::invalid_type(given, wanted)
    }

    fn invalid_length(length: usize, wanted: &dyn Expected) -> Self {
        let wanted = wanted_in_words(&wanted.to_string());
        Self::new(
            format!("a list of {length} stands where {wanted} is wanted"),
            None,
        )
    }

    fn unknown_variant(given: &str, known: &'static [&'static str]) -> Self {
        // A variant is something else here: the resources in use.
        Self::unknown("value", given, known)
    }

    fn unknown_field(given: &str, known: &'static [&'static str]) -> Self {
        Self::unknown("field", given, known)
    }
}

fn given_in_words(given: Unexpected<'_>) -> String {
    match given {
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a map of keys and values".into(),
        Unexpected::Unit | Unexpected::Option => "nothing".into(),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number:?}"),
        Unexpected::Str(text) => format!("the text {text:?}"),
        Unexpected::Bool(truth) => format!("`{truth}`"),
        // serde says "integer `…` as u128" of one that is too large for the usual type.
        Unexpected::Other(text) => match text.split('`').nth(1) {
            Some(number) => format!("the number {number}"),
            None => text.to_owned(),
        },
        other => other.to_string(),
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
