//! How often the target accepts what the drafter proposes, from `acceptance.yaml`.
//!
//! ```yaml
//! version: 1
//! tasks:
//!   translation:                 # a task
//!     f16:                       # a quantisation of the pair
//!       histogram: [3, 4, 2, 3, 3]   # rounds in which 0, 1, … γ drafted tokens were accepted
//!     w8a8:
//!       alpha: { value: 0.17, source: stated, note: "Tab. III" }
//! ```

mod estimate;
mod foreign;
mod read;

pub use estimate::{Estimate, estimate};

use crate::CostError;
use crate::text::suggestion;
use crate::units::{Probability, Quantity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A file of acceptance rates. Made by [`Acceptance::from_yaml`]; writes back as the same YAML.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Version of the format.
    pub version: u64,
    /// One sentence about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// By task, then by quantisation of the pair.
    pub tasks: BTreeMap<String, BTreeMap<String, Entry>>,
    /// The file it came from.
    #[serde(skip)]
    pub origin: String,
}

/// What is known about one task with one quantisation: a histogram, a rate, or both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Rounds by how many drafted tokens were accepted, 0 to γ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Vec<u64>>,
    /// γ of the measurement; the histogram's length minus one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft_length: Option<u32>,
    /// The rate, where it is stated rather than estimated from the histogram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<Quantity<Probability>>,
    /// Prompts it was measured on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// Anything else worth knowing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One entry, chosen, with its rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selected {
    /// `task/quantisation`.
    pub name: String,
    /// The file it came from.
    pub file: String,
    /// α: estimated from the histogram, or stated.
    pub alpha: f64,
    /// 95 % interval of α, where there is a histogram.
    pub interval: Option<(f64, f64)>,
    /// Acceptance by position, where there is a histogram (see [`Estimate::per_position`]).
    pub per_position: Option<Vec<f64>>,
    /// The histogram.
    pub histogram: Option<Vec<u64>>,
    /// Where α comes from, in words.
    pub how: String,
}

impl Acceptance {
    /// Reads acceptance rates from text; `file` names it in errors.
    ///
    /// # Errors
    /// [`CostError::File`] for unknown keys, rates that are no probabilities, empty histograms,
    /// histograms of another length than the draft length says, and stated rates that their own
    /// histogram contradicts; and for what vLLM, SGLang and llama.cpp write, with the flags that say
    /// the same.
    pub fn from_yaml(file: &str, text: &str) -> Result<Self, CostError> {
        read::acceptance(file, text)
    }

    /// Every `task/quantisation` in the file.
    pub fn names(&self) -> Vec<String> {
        self.tasks
            .iter()
            .flat_map(|(task, entries)| {
                entries
                    .keys()
                    .map(move |quantisation| format!("{task}/{quantisation}"))
            })
            .collect()
    }

    /// The entry that `choice` names: `task/quantisation`, or `task` alone when it has one
    /// quantisation; with no choice, the only one there is.
    ///
    /// # Errors
    /// [`CostError::Task`], listing what there is, when nothing or more than one thing is meant.
    pub fn select(&self, choice: Option<&str>) -> Result<Selected, CostError> {
        let all = || {
            self.tasks.iter().flat_map(|(task, entries)| {
                entries
                    .iter()
                    .map(move |(quantisation, entry)| (task, quantisation, entry))
            })
        };
        let wanted: Vec<_> = all()
            .filter(|(task, quantisation, _)| {
                choice.is_none_or(|choice| {
                    choice == task.as_str() || choice == format!("{task}/{quantisation}")
                })
            })
            .collect();
        let fail = |message: String, help: String| {
            Err(CostError::Task {
                file: self.origin.clone(),
                message,
                choices: self.names(),
                help,
            })
        };
        match (wanted.as_slice(), choice) {
            ([(task, quantisation, entry)], _) => {
                self.resolve(format!("{task}/{quantisation}"), entry)
            }
            ([], Some(choice)) => fail(
                format!("there is no task `{choice}`"),
                suggestion(
                    choice,
                    "choices",
                    self.names()
                        .iter()
                        .map(String::as_str)
                        .chain(self.tasks.keys().map(String::as_str)),
                ),
            ),
            (_, Some(choice)) => fail(
                format!("`{choice}` was measured with several quantisations and none is chosen"),
                format!("write {}:TASK/QUANTISATION", self.origin),
            ),
            (_, None) => fail(
                "none of several tasks is chosen".into(),
                format!("write {}:TASK/QUANTISATION", self.origin),
            ),
        }
    }

    fn resolve(&self, name: String, entry: &Entry) -> Result<Selected, CostError> {
        let estimated = entry.histogram.as_deref().and_then(estimate);
        let (alpha, how) = match (&entry.alpha, &estimated) {
            (Some(stated), None) => (
                stated.value,
                format!("{name} of {}, a rate {}", self.origin, stated.provenance())
                    .trim_end()
                    .to_owned(),
            ),
            (_, Some(e)) => (
                e.alpha,
                format!(
                    "{name} of {}: {} accepted, {} rejected, 95 % interval {:.3} to {:.3}",
                    self.origin, e.accepted, e.rejected, e.interval.0, e.interval.1
                ),
            ),
            // Reading refuses such entries; an `Acceptance` made by hand can hold one.
            (None, None) => {
                return Err(CostError::argument(
                    format!("{name} has neither a histogram nor a rate"),
                    None,
                ));
            }
        };
        Ok(Selected {
            name,
            file: self.origin.clone(),
            alpha,
            interval: estimated.as_ref().map(|e| e.interval),
            per_position: estimated.as_ref().map(|e| e.per_position.clone()),
            histogram: entry.histogram.clone(),
            how,
        })
    }
}

/// The entry that `given` names as `FILE[:TASK[/QUANTISATION]]`.
///
/// # Errors
/// [`CostError::Read`], [`CostError::File`] or [`CostError::Task`], as [`Acceptance::from_yaml`]
/// and [`Acceptance::select`] say.
pub fn load(given: &str) -> Result<Selected, CostError> {
    let (file, choice) = match given.rsplit_once(':') {
        // A file whose own name holds a colon is still a file.
        Some((file, choice)) if !std::path::Path::new(given).is_file() => (file, Some(choice)),
        _ => (given, None),
    };
    Acceptance::from_yaml(file, &crate::yaml::slurp(file)?)?.select(choice)
}

/// As [`load`], but a file that holds several entries, of which `given` names none, gives them all.
///
/// # Errors
/// As [`load`].
pub fn load_all(given: &str) -> Result<Vec<Selected>, CostError> {
    if !std::path::Path::new(given).is_file() {
        return load(given).map(|one| vec![one]);
    }
    let acceptance = Acceptance::from_yaml(given, &crate::yaml::slurp(given)?)?;
    acceptance
        .names()
        .iter()
        .map(|name| acceptance.select(Some(name)))
        .collect()
}

#[cfg(test)]
mod tests;
