//! `specplace explore`, which needs no IREE unless there is IN.

mod common;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use common::{names, repository, specplace};
use predicates::prelude::*;
use predicates::str::contains;

/// `specplace explore` with the paper's data.
fn paper() -> Command {
    let folder = repository().join("examples/paper");
    let mut command = specplace();
    command
        .args(["explore", "--platform", "imx95", "--workload"])
        .arg(folder.join("workload.yaml"))
        .arg("--profile")
        .arg(folder.join("profile.yaml"));
    command
}

fn refused(mut command: Command, code: i32, parts: &[&str]) {
    let mut assert = command.assert().code(code).stdout("");
    for part in parts {
        assert = assert.stderr(contains(*part));
    }
    assert.stderr(contains("panicked").not());
}

#[test]
fn the_papers_space() {
    let folder = tempfile::tempdir().unwrap();
    paper()
        .current_dir(&folder)
        .args(["--alpha", "0.9,0.17", "--csv", "x.csv", "--json", "x.json"])
        .args(["--html", "x.html", "--ranks", "0.9,0.05", "--self-c", "0.5"])
        .assert()
        .success()
        .stdout(contains("v·N^m = 24 points"))
        .stdout(contains("12 × target computes in i8, which gpu lacks"))
        .stdout(contains("self-speculation"))
        .stdout(contains("γ=2").or(contains("1.10")));
    assert_eq!(names(folder.path()), ["x.csv", "x.html", "x.json"]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    // A line for each point and rate, and the names of the columns.
    let csv = read("x.csv");
    assert_eq!(csv.lines().count(), 2 * 24 + 1);
    let one_core: Vec<&str> = csv
        .lines()
        .filter(|line| line.starts_with("0.9,1,1,gpu,cpu,"))
        .collect();
    assert!(
        one_core[0].starts_with("0.9,1,1,gpu,cpu,cpu,4,0.41"),
        "{one_core:?}"
    );
    let json: serde_json::Value = serde_json::from_str(&read("x.json")).unwrap();
    assert_eq!(json["size"], 24);
    assert_eq!(json["outcomes"].as_array().unwrap().len(), 2);
    let html = read("x.html");
    assert!(html.matches("<svg ").count() >= 8);
    // Self-contained: nothing is loaded from elsewhere.
    for forbidden in ["<script", "<link", "<img", "src=", "@import"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn wishes_are_heard() {
    paper()
        .args([
            "--alpha",
            "0.9",
            "--where",
            "cpu<=2",
            "--forbid",
            "drafter@cpu",
        ])
        .assert()
        .success()
        .stdout(contains("v = 2 variants"))
        .stdout(contains("drafter is forbidden on cpu"));
    paper()
        .args(["--alpha", "0.9", "--memory", "gpu=2GiB", "--top", "3"])
        .assert()
        .success()
        .stdout(contains("the limit of gpu holds 2.00 GiB"));
    let acceptance = repository().join("examples/paper/acceptance.yaml");
    paper()
        .arg("--acceptance")
        .arg(acceptance)
        .assert()
        .success()
        .stdout(contains("α = 0.58").and(contains("α = 0.94")));
}

#[test]
fn a_profile_alone_is_enough() {
    specplace()
        .args([
            "explore",
            "--platform",
            "imx95",
            "--alpha",
            "0.9",
            "--profile",
        ])
        .arg(repository().join("examples/paper/profile.yaml"))
        .assert()
        .success()
        .stdout(contains("24 points"));
}

#[test]
fn wrong_usage_is_named() {
    let with = |arguments: &[&str]| {
        let mut command = paper();
        command.args(arguments);
        command
    };
    refused(with(&[]), 2, &["no acceptance rate", "--alpha A,..."]);
    refused(
        with(&["--alpha", "0.9,1.7"]),
        2,
        &["between 0 and 1", "1.7"],
    );
    refused(
        with(&["--alpha", "0.9", "--objective", "speed"]),
        2,
        &["`speed`", "latency"],
    );
    refused(
        with(&["--alpha", "0.9", "--objective", "energy"]),
        2,
        &["power", "active_per_resource"],
    );
    refused(
        with(&["--alpha", "0.9", "--where", "cpu~2"]),
        2,
        &["`cpu~2` is not a condition"],
    );
    refused(
        with(&["--alpha", "0.9", "--where", "cpu>6"]),
        2,
        &["no design variant"],
    );
    refused(
        with(&["--alpha", "0.9", "--memory", "gpu=2ms"]),
        2,
        &["is a time, where a size is wanted"],
    );
    refused(
        with(&["--alpha", "0.9", "--method", "guess"]),
        2,
        &["`guess` is not a method"],
    );
    refused(
        with(&["--alpha", "0.9", "--ranks", "0.9,0.9"]),
        2,
        &["add up to more than 1"],
    );
    refused(
        with(&["--alpha", "0.9", "--csv", "/nonexistent/x.csv"]),
        2,
        &["/nonexistent/x.csv"],
    );
    refused(
        with(&["--alpha", "0.9", "--forbid", "target@cpu"]),
        1,
        &["no mapping", "target is forbidden on cpu"],
    );
    let mut bare = specplace();
    bare.args(["explore", "--alpha", "0.9"]);
    refused(
        bare,
        2,
        &["nothing says what the models demand", "--workload"],
    );
}

#[test]
fn stages_are_placed_and_proven() {
    let folder = tempfile::tempdir().unwrap();
    let workload = repository().join("examples/paper/workload.yaml");
    let reference = |arguments: &[&str]| {
        let mut command = specplace();
        command
            .current_dir(&folder)
            .args([
                "explore",
                "--platform",
                "two-cpus",
                "--alpha",
                "0.9",
                "--workload",
            ])
            .arg(&workload)
            .args(arguments);
        command
    };
    reference(&["--stages", "8", "--json", "s.json", "--html", "s.html"])
        .assert()
        .success()
        .stdout(contains("stages: m = 16").and(contains("proven: nothing is faster")))
        .stdout(contains("HEFT"));
    let text = fs::read_to_string(folder.path().join("s.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["stages"][0]["proven"], true);
    refused(
        reference(&["--stages", "0"]),
        2,
        &["cannot be cut into 0 stages"],
    );
    refused(reference(&["--stages", "none.yaml"]), 2, &["none.yaml"]);
    fs::write(folder.path().join("s.yaml"), "version: 1\nstages: [{ name: a, role: target, demand: {} }]\nedges: [{ from: a, to: b, bytes: 1 }]\n").unwrap();
    refused(
        reference(&["--stages", "s.yaml"]),
        2,
        &["s.yaml:3", "there is no stage `b`"],
    );
    refused(reference(&["--contiguous"]), 2, &["--stages"]);
}

/// The profile of the paper with one text replaced by another.
fn damaged(folder: &Path, from: &str, to: &str) -> Command {
    let profile = repository().join("examples/paper/profile.yaml");
    let text = fs::read_to_string(profile).unwrap();
    assert!(text.contains(from));
    let file = folder.join("profile.yaml");
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
    let mut command = specplace();
    command
        .args([
            "explore",
            "--platform",
            "imx95",
            "--alpha",
            "0.9",
            "--profile",
        ])
        .arg(file);
    command
}

#[test]
fn bad_profiles_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let with = |from: &str, to: &str| damaged(folder.path(), from, to);
    refused(
        with("value: 410 ms", "value: 0 ms"),
        2,
        &["a forward pass takes time", "profile.yaml:"],
    );
    refused(
        with("value: 410 ms", "value: -1 ms"),
        2,
        &["must be finite and not negative"],
    );
    refused(
        with("value: 410 ms", "value: 410 MB"),
        2,
        &["is a size, where a time is wanted"],
    );
    refused(
        with("points:", "pionts:"),
        2,
        &["unknown field `pionts`", "did you mean `points`?"],
    );
    // A hole: what is not measured is ruled out, and said.
    with("role: drafter\n    pu: gpu", "role: drafter\n    pu: npu")
        .assert()
        .success()
        .stdout(contains(
            "the profile has no latency of drafter on gpu: it was not measured there",
        ))
        .stderr(contains(
            "the profile measures npu, which the platform imx95 does not have",
        ));
    // Latencies that fall with the length by more than their spread: a warning.
    with(
        "      - { sequence_length: 63, latency: { value: 410 ms",
        "      - { sequence_length: 32, latency: 900 ms, spread: 10 ms }\n      - { sequence_length: 63, latency: { value: 410 ms",
    )
    .args(["--seq-len", "63"])
    .assert()
    .success()
    .stderr(contains("the latency falls from 900 ms at 32 tokens to 410 ms at 63, by more than its spread"));
}

#[test]
fn too_large_a_space_offers_the_other_method() {
    let folder = tempfile::tempdir().unwrap();
    let board = fs::read_to_string(repository().join("examples/platforms/imx95.yaml")).unwrap();
    let large = board
        .replacen("value: 6, source", "value: 60000, source", 1)
        .replacen("value: 1, source", "value: 30, source", 1);
    let file = folder.path().join("large.yaml");
    fs::write(&file, large).unwrap();
    let with = |arguments: &[&str]| {
        let mut command = specplace();
        command
            .args(["explore", "--alpha", "0.9", "--workload"])
            .arg(repository().join("examples/paper/workload.yaml"))
            .arg("--platform")
            .arg(&file)
            .args(arguments);
        command
    };
    refused(
        with(&["--method", "exhaustive"]),
        2,
        &["7200000 points", "--method factored"],
    );
    refused(
        with(&["--cost-model", "overlapped"]),
        2,
        &["7200000 points", "only the exhaustive method is exact"],
    );
    with(&[])
        .assert()
        .success()
        .stdout(contains("7200000 points").and(contains("factored:")));
}

#[test]
fn damaged_workloads_are_located() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.json");
    for (text, part) in [
        ("{", "w.json:"),
        (
            "{\"subgraphs\": {}, \"draft_length\": {\"symbolic\": {\"max\": 3}}}",
            "no target",
        ),
        (
            "{\"subgraphs\": {\"targt\": {}}, \"draft_length\": \"absent\"}",
            "targt",
        ),
        ("{\"sequence_length\": -3}", "w.json:1"),
    ] {
        fs::write(&file, text).unwrap();
        let mut command = specplace();
        command
            .args(["explore", "--alpha", "0.9", "--workload"])
            .arg(&file);
        let output = command.assert().failure().stdout("").get_output().clone();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            stderr.contains(part) && !stderr.contains("panicked"),
            "{stderr}"
        );
    }
}
