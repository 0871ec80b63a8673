//! Reading and checking `profile.yaml`.

use super::{Measurement, Point, Profile};
use crate::CostError;
use crate::yaml::{self, Step};
use std::collections::BTreeSet;

pub(super) fn profile(file: &str, text: &str) -> Result<Profile, CostError> {
    let mut profile: Profile = yaml::read(file, text)?;
    profile.origin = file.into();
    let fail = |path: &[Step<'_>], message: String, help: Option<&str>| {
        Err(yaml::at(file, text, path, message, help.map(str::to_owned)))
    };

    if profile.measurements.is_empty() {
        return fail(
            &[Step::Key("measurements")],
            "the profile holds no measurement".into(),
            None,
        );
    }
    for (index, measurement) in profile.measurements.iter().enumerate() {
        let here = [Step::Key("measurements"), Step::Item(index)];
        if profile
            .measurements
            .iter()
            .take(index)
            .any(|other| same_series(measurement, other))
        {
            let message = format!(
                "{} on {} was measured twice for the same variant and type",
                measurement.role, measurement.pu
            );
            return fail(&here, message, Some("keep one, or put all points into it"));
        }
        for (pu, count) in &measurement.variant {
            if *count == 0 {
                return fail(
                    &[here[0], here[1], Step::Key("variant"), Step::Key(pu)],
                    format!("nothing runs on 0 resources of {pu}"),
                    None,
                );
            }
        }
        if measurement.points.is_empty() {
            return fail(
                &[here[0], here[1], Step::Key("points")],
                "a measurement needs at least one point".into(),
                None,
            );
        }
        let mut seen = BTreeSet::new();
        for (item, point) in measurement.points.iter().enumerate() {
            let at = |key: &'static str| {
                [
                    here[0],
                    here[1],
                    Step::Key("points"),
                    Step::Item(item),
                    Step::Key(key),
                ]
            };
            if point.latency.value <= 0.0 {
                let message = format!(
                    "a forward pass takes time: the latency cannot be {}",
                    point.latency
                );
                return fail(
                    &at("latency"),
                    message,
                    Some("leave out what was not measured"),
                );
            }
            if let Some((key, message)) = impossible(point) {
                return fail(&at(key), message, None);
            }
            if !seen.insert((point.sequence_length, point.new_tokens)) {
                let message = format!(
                    "there are two points for a sequence length of {}",
                    point.sequence_length
                );
                return fail(
                    &at("sequence_length"),
                    message,
                    Some("keep their median, and the scatter as its spread"),
                );
            }
        }
    }
    Ok(profile)
}

fn same_series(a: &Measurement, b: &Measurement) -> bool {
    (a.role, &a.pu, &a.variant, a.dtype) == (b.role, &b.pu, &b.variant, b.dtype)
}

fn impossible(point: &Point) -> Option<(&'static str, String)> {
    if point.sequence_length == 0 {
        return Some((
            "sequence_length",
            "an empty sequence has no forward pass".into(),
        ));
    }
    match point.new_tokens {
        Some(0) => Some((
            "new_tokens",
            "a pass with no new token computes nothing".into(),
        )),
        Some(new) if u64::from(new) > point.sequence_length => Some((
            "new_tokens",
            format!(
                "{new} new tokens do not fit a sequence of {}",
                point.sequence_length
            ),
        )),
        _ => None,
    }
}
