//! Finding the latency that answers a question, or saying why there is none.

use super::{Measurement, Point, Profile};
use crate::platform::{Variant, variant_text};
use crate::text::{counted, list, seconds};
use crate::units::Source;
use crate::workload::{DType, Partition};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// A latency that was measured, or lies between two that were.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Seconds of one forward pass.
    pub seconds: f64,
    /// Its standard deviation, where the profile has it.
    pub spread: Option<f64>,
    /// Where it comes from, in words.
    pub how: String,
    /// What its numbers are worth: the least certain of the points used.
    pub source: Source,
    /// Set when the profile's type is not the module's: both, in words.
    pub dtype_mismatch: Option<String>,
}

/// Why a profile has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoleReason {
    /// The role was never measured on the PU.
    Never,
    /// Only with other resources.
    Variant,
    /// Only in other types.
    DType,
    /// Only at other sequence lengths, so that an answer would be extrapolated.
    SequenceLength,
    /// No sequence length is known, and it was measured at several.
    UnknownLength,
    /// Not with so many new tokens.
    NewTokens,
}

/// A measurement that a profile lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// The role.
    pub role: Partition,
    /// The PU.
    pub pu: String,
    /// Why.
    pub reason: HoleReason,
    /// The same with particulars, in words.
    pub detail: String,
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the profile has no latency of {} on {}: {}",
            self.role, self.pu, self.detail
        )
    }
}

impl Profile {
    /// What looks wrong but may be data: latencies that fall as the sequence grows by more than
    /// their spreads.
    pub fn warnings(&self) -> Vec<String> {
        falling(self)
    }

    /// The latency of one forward pass of `role` on `pu` under `variant`, with `length` tokens of
    /// which `new_tokens` are new (all when `None`).
    ///
    /// `dtype` is the type that most of the module's arithmetic is in; it chooses between series,
    /// and when there is only one series of another type that one is taken and the mismatch noted
    /// (quantised models still look like f32 before IREE's later phases). Of several series whose
    /// variants fit, the one that names most PUs wins, then the first in the file. With no
    /// `length`, a series with a single length answers.
    ///
    /// # Errors
    /// The [`Hole`]: what is missing, and why nothing stands in for it.
    pub fn latency(
        &self,
        role: impl Into<Partition>,
        pu: &str,
        variant: &Variant,
        dtype: Option<DType>,
        length: Option<u64>,
        new_tokens: Option<u32>,
    ) -> Result<Measured, Hole> {
        let role = role.into();
        let hole = |reason, detail| Hole {
            role,
            pu: pu.to_owned(),
            reason,
            detail,
        };
        let all: Vec<&Measurement> = self
            .measurements
            .iter()
            .filter(|m| m.role == role && m.pu == pu)
            .collect();
        if all.is_empty() {
            return Err(hole(HoleReason::Never, "it was not measured there".into()));
        }
        let fits = |m: &&Measurement| {
            m.variant
                .iter()
                .all(|(pu, count)| variant.get(pu) == Some(count))
        };
        let fitting: Vec<&Measurement> = all.iter().copied().filter(fits).collect();
        if fitting.is_empty() {
            let had = list(
                all.iter()
                    .map(|m| show(&m.variant))
                    .collect::<BTreeSet<_>>(),
            );
            return Err(hole(
                HoleReason::Variant,
                format!("it was measured only with {had}"),
            ));
        }
        let matching: Vec<&Measurement> = fitting
            .iter()
            .copied()
            .filter(|m| m.dtype.is_none() || dtype.is_none() || m.dtype == dtype)
            .collect();
        let types: BTreeSet<DType> = fitting.iter().filter_map(|m| m.dtype).collect();
        let (series, dtype_mismatch) = match (matching.is_empty(), dtype, types.first()) {
            (true, Some(wanted), Some(only)) if types.len() == 1 => (
                fitting,
                Some(format!(
                    "measured in {only}, the module's arithmetic is mostly {wanted}"
                )),
            ),
            (true, Some(wanted), _) => {
                return Err(hole(
                    HoleReason::DType,
                    format!("it was measured in {}, not in {wanted}", list(&types)),
                ));
            }
            _ => (matching, None),
        };
        // `max_by_key` keeps the last of equals, so search from the end to keep the first of the
        // file.
        let Some(best) = series.into_iter().rev().max_by_key(|m| m.variant.len()) else {
            return Err(hole(HoleReason::Never, "it was not measured there".into()));
        };
        let points: Vec<&Point> = best
            .points
            .iter()
            .filter(|p| p.new_tokens == new_tokens)
            .collect();
        let answer = match new_tokens {
            None if !points.is_empty() => at_length(&points, length),
            // Without points for whole sequences, or with the number of new tokens asked for, the
            // second axis decides.
            None => {
                return Err(hole(
                    HoleReason::NewTokens,
                    "it was measured only with a KV cache".into(),
                ));
            }
            Some(new) => at_new_tokens(&best.points, length, new),
        };
        let (seconds, spread, how, source) =
            answer.map_err(|(reason, detail)| hole(reason, detail))?;
        let iree = best
            .iree
            .as_ref()
            .or(self.iree.as_ref())
            .map(|version| format!(", IREE {version}"))
            .unwrap_or_default();
        Ok(Measured {
            seconds,
            spread,
            how: format!("{how}{iree}"),
            source,
            dtype_mismatch,
        })
    }
}

fn show(variant: &Variant) -> String {
    if variant.is_empty() {
        return "any variant".into();
    }
    variant_text(variant)
}

type Answer = Result<(f64, Option<f64>, String, Source), (HoleReason, String)>;

/// The latency at one sequence length, linear between the two nearest points.
fn at_length(points: &[&Point], length: Option<u64>) -> Answer {
    let mut points = points.to_vec();
    points.sort_by_key(|p| p.sequence_length);
    let Some(length) = length else {
        return match points.as_slice() {
            [only] => Ok(exactly(only)),
            _ => Err((
                HoleReason::UnknownLength,
                "it was measured at several sequence lengths, and the module's is not known".into(),
            )),
        };
    };
    if let Some(point) = points.iter().find(|p| p.sequence_length == length) {
        return Ok(exactly(point));
    }
    let below = points.iter().rev().find(|p| p.sequence_length < length);
    let above = points.iter().find(|p| p.sequence_length > length);
    match (below, above) {
        (Some(a), Some(b)) => {
            let weight = (length - a.sequence_length) as f64
                / (b.sequence_length - a.sequence_length) as f64;
            Ok(between(
                a,
                b,
                weight,
                &format!("{} and {} tokens", a.sequence_length, b.sequence_length),
            ))
        }
        _ => {
            let range = list(points.iter().map(|p| p.sequence_length));
            Err((
                HoleReason::SequenceLength,
                format!(
                    "it was measured at {range} token{}, and {length} would be extrapolated",
                    if range == "1" { "" } else { "s" }
                ),
            ))
        }
    }
}

/// The latency for some new tokens at the module's sequence length (the nearest measured one),
/// linear between the two nearest counts.
fn at_new_tokens(points: &[Point], length: Option<u64>, new: u32) -> Answer {
    let with_cache: Vec<&Point> = points.iter().filter(|p| p.new_tokens.is_some()).collect();
    let counts: BTreeSet<u32> = with_cache.iter().filter_map(|p| p.new_tokens).collect();
    let at = |count: u32| {
        let points: Vec<&Point> = with_cache
            .iter()
            .copied()
            .filter(|p| p.new_tokens == Some(count))
            .collect();
        at_length(&points, length)
    };
    if counts.contains(&new) {
        return at(new);
    }
    match (counts.range(..new).next_back(), counts.range(new..).next()) {
        (Some(&low), Some(&high)) => {
            let (a, b) = (at(low)?, at(high)?);
            let weight = f64::from(new - low) / f64::from(high - low);
            Ok((
                mix(a.0, b.0, weight),
                a.1.zip(b.1).map(|(a, b)| mix(a, b, weight)),
                format!("between {low} and {high} new tokens"),
                less_certain(a.3, b.3),
            ))
        }
        _ if counts.is_empty() => Err((
            HoleReason::NewTokens,
            format!(
                "it was not measured with {} (no point has `new_tokens`)",
                counted(new, "new token")
            ),
        )),
        _ => Err((
            HoleReason::NewTokens,
            format!(
                "it was measured with {} new tokens, and {new} would be extrapolated",
                list(&counts)
            ),
        )),
    }
}

fn exactly(point: &Point) -> (f64, Option<f64>, String, Source) {
    let how = format!("at {}", counted(point.sequence_length, "token"));
    (
        point.latency.value,
        point.spread.as_ref().map(|s| s.value),
        how,
        measured(point.latency.source),
    )
}

fn between(a: &Point, b: &Point, weight: f64, ends: &str) -> (f64, Option<f64>, String, Source) {
    let spread = a
        .spread
        .as_ref()
        .zip(b.spread.as_ref())
        .map(|(a, b)| mix(a.value, b.value, weight));
    let source = less_certain(measured(a.latency.source), measured(b.latency.source));
    (
        mix(a.latency.value, b.latency.value, weight),
        spread,
        format!("between {ends}"),
        source,
    )
}

fn mix(a: f64, b: f64, weight: f64) -> f64 {
    a + (b - a) * weight
}

/// In a profile, a number without a word about its origin was measured.
fn measured(source: Source) -> Source {
    if source == Source::Given {
        Source::Measured
    } else {
        source
    }
}

fn less_certain(a: Source, b: Source) -> Source {
    let rank = |source| match source {
        Source::Measured => 0,
        Source::Stated => 1,
        Source::Given => 2,
        Source::Inferred => 3,
        Source::Assumed => 4,
    };
    if rank(a) >= rank(b) { a } else { b }
}

/// Latencies that fall as the sequence grows by more than both spreads together.
fn falling(profile: &Profile) -> Vec<String> {
    let mut warnings = Vec::new();
    for m in &profile.measurements {
        let mut points: Vec<&Point> = m.points.iter().collect();
        points.sort_by_key(|p| (p.new_tokens, p.sequence_length));
        for (a, b) in points
            .iter()
            .zip(points.iter().skip(1))
            .filter(|(a, b)| a.new_tokens == b.new_tokens)
        {
            let spread = [a, b]
                .iter()
                .filter_map(|p| p.spread.as_ref())
                .map(|s| s.value)
                .sum::<f64>();
            if a.latency.value - b.latency.value > spread {
                warnings.push(format!(
                    "{} on {}: the latency falls from {} at {} to {} at {}, by more than its spread",
                    m.role,
                    m.pu,
                    seconds(a.latency.value),
                    counted(a.sequence_length, "token"),
                    seconds(b.latency.value),
                    b.sequence_length
                ));
            }
        }
    }
    warnings
}
