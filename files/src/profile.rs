//! Reading, checking and writing `profile.yaml` (see [`cost::profile`]).

use crate::FileError;
use crate::yaml::{Document, Step, slurp};
use cost::profile::{Measurement, Point, Profile};
use std::collections::BTreeSet;

/// Reads a profile from a file.
///
/// # Errors
/// [`FileError::Read`] when it cannot be read, [`FileError::Wrong`] with line and column when it
/// is wrong.
pub fn load(path: &str) -> Result<Profile, FileError> {
    from_yaml(path, &slurp(path)?)
}

/// The profile as YAML that [`from_yaml`] reads.
///
/// # Errors
/// [`FileError::Unwritable`] if it cannot be written, which takes a value that no reading
/// produces.
pub fn to_yaml(profile: &Profile) -> Result<String, FileError> {
    serde_yaml::to_string(profile).map_err(|error| FileError::Unwritable {
        what: "the profile".to_owned(),
        reason: error.to_string(),
    })
}

/// Reads a profile from text; `file` names it in errors.
///
/// # Errors
/// [`FileError::Wrong`] for unknown keys, wrong units, latencies that are not positive, two
/// latencies for one point.
pub fn from_yaml(file: &str, text: &str) -> Result<Profile, FileError> {
    let document = Document::parse(file, text)?;
    let mut profile: Profile = document.read()?;
    profile.origin = file.into();
    let fail = |path: &[Step<'_>], message: String, help: Option<&str>| {
        Err(document.wrong(path, message, help.map(str::to_owned)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::with_place;

    #[test]
    fn bad_profiles_are_refused_where_they_are_bad() {
        let complaint = |measurement: &str| {
            let text = format!("version: 1\nmeasurements:\n  - {measurement}\n");
            let error = from_yaml("p.yaml", &text).unwrap_err();
            format!(
                "{} | {}",
                with_place(&error),
                error.help().unwrap_or_default()
            )
        };
        let point = |latency: &str| {
            format!(
                "{{ role: target, pu: cpu, points: [{{ sequence_length: 16, latency: {latency} }}] }}"
            )
        };
        assert_eq!(
            complaint(&point("0 s")),
            "p.yaml:3:71: a forward pass takes time: the latency cannot be 0 s | leave out what was not measured"
        );
        assert!(complaint(&point("-3 ms")).starts_with("p.yaml:3:71: measurements[0].points[0].latency: `-3 ms`: a time must be finite and not negative"));
        assert!(complaint(&point("3 MB")).contains("`3 MB` is a size, where a time is wanted"));
        assert!(complaint(&point(".nan")).contains("finite"));
        assert!(
            complaint("{ role: targett, pu: cpu, points: [] }").contains("did you mean `target`?")
        );
        assert!(complaint("{ role: target, pu: cpu, points: [] }").contains("at least one point"));
        assert!(
            complaint("{ role: target, pu: cpu, points: [{ sequence_length: 0, latency: 1 s }] }")
                .contains("empty sequence")
        );
        let twice = "{ role: target, pu: cpu, points: [{ sequence_length: 1, latency: 1 s }, { sequence_length: 1, latency: 2 s }] }";
        assert!(complaint(twice).contains("two points for a sequence length of 1"));
        let series = "{ role: target, pu: cpu, points: [{ sequence_length: 1, latency: 1 s }] }";
        assert!(
            complaint(&format!("{series}\n  - {series}"))
                .contains("p.yaml:4:5: target on cpu was measured twice")
        );
        assert!(complaint("{ role: target, pu: cpu, points: [{ sequence_length: 3, new_tokens: 4, latency: 1 s }] }").contains("do not fit"));
        assert!(complaint("{ role: target, pu: cpu, variant: { cpu: 0 }, points: [{ sequence_length: 3, latency: 1 s }] }").contains("nothing runs on 0 resources of cpu"));
    }
}
