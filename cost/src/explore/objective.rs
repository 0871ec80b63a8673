//! What is to be small: time, energy, memory, or a product of them.

use crate::text::Misnamed;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// One thing to keep small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Seconds per token.
    Latency,
    /// Joules per token; needs `power` of every PU of the platform.
    Energy,
    /// Bytes of weights and activations, over all memories.
    Memory,
}

impl Metric {
    const ALL: [(&'static str, Self); 3] = [
        ("latency", Self::Latency),
        ("energy", Self::Energy),
        ("memory", Self::Memory),
    ];

    fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, metric)| *metric == self)
            .map_or("latency", |(name, _)| name)
    }
}

/// A product of metrics, least is best. Written `latency`, `energy*latency` and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objective(Vec<Metric>);

impl Default for Objective {
    fn default() -> Self {
        Self(vec![Metric::Latency])
    }
}

impl Objective {
    /// Whether it is time per token alone, which sensitivities are about.
    pub fn is_latency(&self) -> bool {
        self.0 == [Metric::Latency]
    }

    /// Whether it cannot be reckoned without the platform's power.
    pub fn needs_energy(&self) -> bool {
        self.0.contains(&Metric::Energy)
    }

    /// Its value: s, J and B multiplied; infinite where the energy is not known.
    pub fn value(&self, seconds: f64, joules: Option<f64>, bytes: u64) -> f64 {
        self.0
            .iter()
            .map(|metric| match metric {
                Metric::Latency => seconds,
                Metric::Energy => joules.unwrap_or(f64::INFINITY),
                Metric::Memory => bytes as f64,
            })
            .product()
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|metric| metric.name()).collect();
        f.pad(&names.join("*"))
    }
}

impl FromStr for Objective {
    type Err = Misnamed;

    /// # Errors
    /// [`Misnamed`] with a suggestion for a factor that is no metric.
    fn from_str(text: &str) -> Result<Self, Misnamed> {
        text.split('*')
            .map(|part| {
                let part = part.trim();
                let known = Metric::ALL.iter().find(|(name, _)| *name == part);
                known.map(|(_, metric)| *metric).ok_or_else(|| {
                    Misnamed::new(
                        part,
                        "an objective",
                        "objectives, to be multiplied with `*`",
                        Metric::ALL.iter().map(|(name, _)| *name),
                    )
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Serialize for Objective {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

impl<'de> Deserialize<'de> for Objective {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
