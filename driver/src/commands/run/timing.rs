//! How long a call takes, by iree-benchmark-module.

use std::collections::BTreeMap;
use std::ffi::OsString;

use cost::Partition;
use diagnostics::{Diagnostic, Failure};
use serde_json::Value;
use tools::Tool;

/// Times in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times {
    /// One per timed run, in order.
    pub runs: Vec<f64>,
    /// Time in the dispatches of each role, for one run. Only IREE's CPU
    /// devices keep this account; empty where there is none.
    pub roles: BTreeMap<String, f64>,
    /// How often a device was lost, and the measurement repeated.
    pub lost: usize,
}

/// Measures so many runs, and in another one which role the time goes to:
/// keeping account costs time itself.
///
/// # Errors
///
/// A [`Failure`] of status 1 if the program fails.
pub fn measure(tool: &Tool, common: &[OsString], repeat: u32) -> Result<Times, Failure> {
    let mut arguments = common.to_vec();
    // The first one is not counted: it still finds its memory.
    arguments.extend([
        OsString::from("--benchmark_format=json"),
        "--benchmark_min_time=1x".into(),
        format!("--benchmark_repetitions={}", repeat.saturating_add(1)).into(),
    ]);
    let (done, mut lost) = tool.run_well(&arguments)?;
    let mut runs = times_of(&done.stdout, is_whole)?;
    if runs.len() > 1 {
        runs.remove(0);
    }

    arguments.pop();
    arguments.push("--dispatch_statistics=true".into());
    let (done, lost_again) = tool.run_well(&arguments)?;
    lost += lost_again;
    let mut roles = BTreeMap::new();
    for (name, seconds) in times_of(&done.stdout, |name| !is_whole(name))? {
        if let Some(role) = role_of(&name) {
            *roles.entry(role).or_default() += seconds;
        }
    }
    Ok(Times {
        runs: runs.into_iter().map(|(_, seconds)| seconds).collect(),
        roles,
        lost,
    })
}

fn is_whole(name: &str) -> bool {
    name.ends_with("/real_time")
}

/// The role in `BM_generate/target_0_dispatch_14_matmul`: functions are named
/// after it.
fn role_of(name: &str) -> Option<String> {
    let (_, dispatch) = name.split_once('/')?;
    let (function, _) = dispatch.split_once("_dispatch_")?;
    let role = function.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let role = role.strip_suffix('_').unwrap_or(function);
    if role.is_empty() {
        return None;
    }
    // `target_1` of `target_1_0` is a stage. IREE compiles what stages have in
    // common once, under the name of one of them, so that the account is the
    // model's.
    let stage = role
        .rsplit_once('_')
        .and_then(|(model, stage)| format!("{model}.{stage}").parse::<Partition>().ok());
    Some(stage.map_or_else(|| role.to_owned(), |stage| stage.role.to_string()))
}

/// The single runs in what the benchmark printed, in seconds.
fn times_of(json: &str, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, f64)>, Failure> {
    let odd = || {
        Failure::impossible(vec![
            Diagnostic::error("iree-benchmark-module printed what is not understood")
                .with_note(Diagnostic::note(
                    json.lines().take(5).collect::<Vec<_>>().join("\n"),
                ))
                .help("leave the times out with --repeat 0"),
        ])
    };
    // Whatever a driver prints before it is not ours.
    let start = json.find('{').ok_or_else(odd)?;
    let value: Value = serde_json::from_str(&json[start..]).map_err(|_| odd())?;
    let entries = value["benchmarks"].as_array().ok_or_else(odd)?;
    entries
        .iter()
        .filter(|entry| entry["run_type"] == "iteration")
        .filter_map(|entry| Some((entry, entry["name"].as_str()?)))
        .filter(|(_, name)| wanted(name))
        .map(|(entry, name)| {
            let unit = match entry["time_unit"].as_str() {
                Some("ns") => 1e-9,
                Some("us") => 1e-6,
                Some("ms") => 1e-3,
                Some("s") => 1.0,
                _ => return Err(odd()),
            };
            let time = entry["real_time"].as_f64().ok_or_else(odd)?;
            Ok((name.to_owned(), time * unit))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_roles() {
        let json = r#"WARNING: a driver says so
{"benchmarks": [
  {"name": "BM_f/process_time/real_time", "run_type": "iteration", "real_time": 2.5, "time_unit": "ms"},
  {"name": "BM_f/process_time/real_time_mean", "run_type": "aggregate", "real_time": 2.5, "time_unit": "ms"},
  {"name": "BM_f/target_0_dispatch_3_matmul", "run_type": "iteration", "real_time": 1.0, "time_unit": "us"}
]}"#;
        let runs = times_of(json, is_whole).unwrap();
        assert_eq!(runs.len(), 1);
        assert!((runs[0].1 - 2.5e-3).abs() < 1e-12);
        let rest = times_of(json, |name| !is_whole(name)).unwrap();
        let dispatch = rest.iter().find(|(name, _)| role_of(name).is_some());
        assert_eq!(dispatch.unwrap().0, "BM_f/target_0_dispatch_3_matmul");
        let odd_unit = json.replace("\"us\"", "\"weeks\"");
        for odd in ["nothing", "{", "{\"benchmarks\": 1}", &odd_unit] {
            let failure = times_of(odd, |_| true).unwrap_err();
            assert_eq!(
                failure.to_string(),
                "iree-benchmark-module printed what is not understood"
            );
        }
    }

    #[test]
    fn functions_are_named_after_roles() {
        for (name, role) in [
            (
                "BM_f/target_0_dispatch_14_matmul_like_63x192",
                Some("target"),
            ),
            ("BM_f/drafter_12_dispatch_1", Some("drafter")),
            ("BM_f/target_1_0_dispatch_1", Some("target")),
            ("BM_f/main_dispatch_1", Some("main")),
            ("BM_f/process_time/real_time", None),
        ] {
            assert_eq!(role_of(name).as_deref(), role, "{name}");
        }
    }
}
