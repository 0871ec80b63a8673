//! Words for people: suggestions, lists and numbers with units.

use std::fmt::{self, Display};

/// The candidate most like `given`, when it is like enough to be meant.
pub fn closest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&given, &candidate.to_ascii_lowercase()),
                candidate,
            )
        })
        .filter(|(similarity, _)| *similarity > 0.75)
        // `max_by` keeps the last of equals; reversing keeps the first, so that the answer follows
        // the given order.
        .fold(None, |best: Option<(f64, &str)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        })
        .map(|(_, candidate)| candidate)
}

/// `did you mean X? ` followed by the list of what there is.
pub fn suggestion<'a>(
    given: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let all = if candidates.is_empty() {
        format!("there are no {what}")
    } else {
        format!("{what}: {}", candidates.join(", "))
    };
    match closest(given, candidates.iter().copied()) {
        Some(best) => format!("did you mean `{best}`? ({all})"),
        None => all,
    }
}

/// A message with the next step, for whoever has room for one text only: `{}` prints the message,
/// `{:#}` both, as `message: next step`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithHelp {
    message: String,
    help: Option<String>,
}

impl WithHelp {
    /// A message with its next step, if there is one.
    pub fn new(message: impl Display, help: impl Into<Option<String>>) -> Self {
        Self {
            message: message.to_string(),
            help: help.into(),
        }
    }
}

impl fmt::Display for WithHelp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) if f.alternate() => write!(f, ": {help}"),
            _ => Ok(()),
        }
    }
}

/// A text that should be one of a few names, and is none of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {what}")]
pub struct Misnamed {
    /// The text.
    pub given: String,
    /// What it should name, with its article (`a role`).
    pub what: &'static str,
    /// The names that there are, the likeliest first.
    pub known: String,
}

impl Misnamed {
    /// Of `plural` there are `known`; the likeliest is suggested.
    pub(crate) fn new<'a>(
        given: &str,
        what: &'static str,
        plural: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            given: given.to_owned(),
            what,
            known: suggestion(given, plural, known),
        }
    }

    /// The next step.
    pub fn help(&self) -> Option<String> {
        Some(self.known.clone())
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.split_last() {
        None => "nothing".into(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// So many of what `noun` names in the singular: `1 device`, `2 dispatches`.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let ending = match noun {
        _ if count == N::from(1) => "",
        _ if noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{count} {noun}{ending}")
}

/// So many of what `plural` names in the plural: `1 core`, `4 cores`; a name without an s at its end
/// stays as it is.
pub fn of_plural(count: u32, plural: &str) -> String {
    match plural.strip_suffix('s') {
        Some(one) if count == 1 => format!("1 {one}"),
        _ => format!("{count} {plural}"),
    }
}

/// Bytes with a binary prefix, three significant digits: `1.50 GiB`.
pub fn bytes(value: f64) -> String {
    scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
}

/// A number with a decimal prefix and the unit: `12.0 GB/s`.
pub fn metric(value: f64, unit: &str) -> String {
    let steps: Vec<String> = ["", "k", "M", "G", "T", "P"]
        .iter()
        .map(|prefix| format!("{prefix}{unit}"))
        .collect();
    scaled(
        value,
        1000.0,
        &steps.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

/// Seconds in the unit a reader would choose: `3.2 ms`.
pub fn seconds(value: f64) -> String {
    match value {
        0.0 => "0 s".into(),
        v if v.abs() >= 1.0 => format!("{} s", digits(v)),
        v if v.abs() >= 1e-3 => format!("{} ms", digits(v * 1e3)),
        v if v.abs() >= 1e-6 => format!("{} us", digits(v * 1e6)),
        v => format!("{} ns", digits(v * 1e9)),
    }
}

/// Watts in the unit a reader would choose: `350 mW`.
pub(crate) fn watts(value: f64) -> String {
    if value == 0.0 || value.abs() >= 1.0 {
        format!("{} W", digits(value))
    } else {
        format!("{} mW", digits(value * 1e3))
    }
}

/// Three significant digits, as tables want them; two decimals between 0.1 and
/// 1, and none of large numbers, up to those that are too long to be read.
pub fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 1e12 => format!("{value:.2e}"),
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.0995 || v == 0.0 => format!("{value:.2}"),
        v if v >= 0.001 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

fn scaled(mut value: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while value.abs() >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    if unit == 0 && value.fract() == 0.0 {
        format!("{value:.0} {name}")
    } else {
        format!("{} {name}", digits(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_alike() {
        assert_eq!(
            closest("bandwith", ["latency", "bandwidth"]),
            Some("bandwidth")
        );
        assert_eq!(closest("zzz", ["latency", "bandwidth"]), None);
    }

    #[test]
    fn the_next_step_is_in_the_alternate_form() {
        let both = WithHelp::new("wrong", "do that".to_owned());
        assert_eq!(format!("{both} | {both:#}"), "wrong | wrong: do that");
        let alone = WithHelp::new("wrong", None);
        assert_eq!(format!("{alone} | {alone:#}"), "wrong | wrong");
    }

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!(counted(1usize, "dispatch"), "1 dispatch");
        assert_eq!(counted(0usize, "dispatch"), "0 dispatches");
        assert_eq!(counted(2u64, "device"), "2 devices");
        assert_eq!(of_plural(1, "PEs"), "1 PE");
        assert_eq!(of_plural(4, "shader cores"), "4 shader cores");
        assert_eq!(of_plural(1, "silicon"), "1 silicon");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(bytes(1536.0 * 1024.0 * 1024.0), "1.50 GiB");
        assert_eq!(bytes(12.0), "12 B");
        assert_eq!(metric(12e9, "B/s"), "12.0 GB/s");
        assert_eq!(seconds(0.0032), "3.20 ms");
        assert_eq!(seconds(999.6e-3), "1000 ms");
        assert_eq!(
            [digits(0.0), digits(0.079), digits(0.41), digits(4.1e-5)],
            ["0.00", "0.0790", "0.41", "4.10e-5"]
        );
        assert_eq!(
            [digits(123_456_789.0), digits(1.8e22)],
            ["123456789", "1.80e22"]
        );
        assert_eq!(list(["a", "b", "c"]), "a, b and c");
    }
}
