//! How often the target accepts what the drafter proposes, as `acceptance.yaml` has it.
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

pub use estimate::{Estimate, estimate};

use crate::text::suggestion;
use crate::units::{Probability, Quantity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A file of acceptance rates.
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
    /// [`NoTask`], listing what there is, when nothing or more than one thing is meant.
    pub fn select(&self, choice: Option<&str>) -> Result<Selected, NoTask> {
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
        let file = || self.origin.clone();
        match (wanted.as_slice(), choice) {
            ([(task, quantisation, entry)], _) => {
                self.resolve(format!("{task}/{quantisation}"), entry)
            }
            ([], Some(choice)) => Err(NoTask::Unknown {
                file: file(),
                choice: choice.to_owned(),
                tasks: self.tasks.keys().cloned().collect(),
                choices: self.names(),
            }),
            (_, Some(choice)) => Err(NoTask::Several {
                file: file(),
                choice: choice.to_owned(),
                choices: self.names(),
            }),
            (_, None) => Err(NoTask::NoChoice {
                file: file(),
                choices: self.names(),
            }),
        }
    }

    fn resolve(&self, name: String, entry: &Entry) -> Result<Selected, NoTask> {
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
                return Err(NoTask::Empty { name });
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

/// No entry, or none that means one rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTask {
    /// Nothing has this name.
    #[error("there is no task `{choice}`; {file} holds: {}", choices.join(", "))]
    Unknown {
        /// The file.
        file: String,
        /// What was asked.
        choice: String,
        /// Every task in the file.
        tasks: Vec<String>,
        /// Every `task/quantisation` in it.
        choices: Vec<String>,
    },
    /// A task with several quantisations.
    #[error(
        "`{choice}` was measured with several quantisations and none is chosen; {file} holds: {}",
        choices.join(", ")
    )]
    Several {
        /// The file.
        file: String,
        /// The task.
        choice: String,
        /// Every `task/quantisation` in the file.
        choices: Vec<String>,
    },
    /// Several tasks, and nothing was asked.
    #[error("none of several tasks is chosen; {file} holds: {}", choices.join(", "))]
    NoChoice {
        /// The file.
        file: String,
        /// Every `task/quantisation` in it.
        choices: Vec<String>,
    },
    /// An entry that says nothing, which no file has.
    #[error("{name} has neither a histogram nor a rate")]
    Empty {
        /// `task/quantisation`.
        name: String,
    },
}

impl NoTask {
    /// The next step.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unknown {
                choice,
                tasks,
                choices,
                ..
            } => {
                let known = choices.iter().chain(tasks).map(String::as_str);
                Some(suggestion(choice, "choices", known))
            }
            Self::Several { file, .. } | Self::NoChoice { file, .. } => {
                Some(format!("write {file}:TASK/QUANTISATION"))
            }
            Self::Empty { .. } => None,
        }
    }
}
