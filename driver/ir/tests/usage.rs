//! Wrong usage: status 2, a message that names the flag, and no OUT.

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{folder, names, specplace};
use predicates::prelude::*;
use predicates::str::contains;

/// Runs `specplace in.mlir -o out.mlir …` and expects a refusal that holds all
/// of `parts`.
fn refused(arguments: &[&str], code: i32, parts: &[&str]) {
    let folder = folder();
    let mut assert = specplace()
        .current_dir(&folder)
        .args(["in.mlir", "-o", "out.mlir"])
        .args(arguments)
        .assert()
        .code(code)
        .stdout("");
    for part in parts {
        assert = assert.stderr(contains(*part));
    }
    assert.stderr(contains("panicked").not());
    assert_eq!(names(folder.path()), ["in.mlir"], "{arguments:?}");
}

#[test]
fn exactly_one_source_of_acceptance() {
    refused(&[], 2, &["--alpha", "--acceptance"]);
    refused(
        &["--alpha", "0.9", "--acceptance", "a.yaml"],
        2,
        &["cannot be used with"],
    );
}

#[test]
fn alpha_is_a_probability() {
    for alpha in ["-0.1", "1.5", "NaN", "inf", "nine", ""] {
        refused(&["--alpha", alpha], 2, &["between 0 and 1"]);
    }
}

#[test]
fn acceptance_file_and_task() {
    refused(&["--acceptance", "none.yaml"], 2, &["none.yaml"]);
    let folder = folder();
    let file = folder.path().join("a.yaml");
    std::fs::write(
        &file,
        "version: 1\ntasks:\n  code:\n    f16:\n      histogram: [3, 4]\n  prose:\n    f16:\n      histogram: [3, 4]\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    refused(&["--acceptance", file], 2, &["code/f16", "prose/f16"]);
    refused(
        &["--acceptance", &format!("{file}:cod")],
        2,
        &["`cod`", "did you mean"],
    );
}

#[test]
fn unknown_platform_gets_a_suggestion() {
    refused(
        &["--alpha", "0.9", "--platform", "referense"],
        2,
        &["referense", "did you mean `reference`"],
    );
    refused(
        &["--alpha", "0.9", "--platform", "none.yaml"],
        2,
        &["none.yaml"],
    );
}

#[test]
fn unknown_key_in_a_platform_file_is_shown_with_its_line() {
    let folder = folder();
    let file = folder.path().join("p.yaml");
    std::fs::write(&file, "version: 1\nname: p\nlinkz: []\n").unwrap();
    let file = file.to_str().unwrap();
    refused(
        &["--alpha", "0.9", "--platform", file],
        2,
        &[&format!("{file}:3:1: error:"), "linkz", "^"],
    );
}

#[test]
fn pins_name_a_role_and_a_unit() {
    refused(
        &["--alpha", "0.9", "--pin", "drafter=gpuu"],
        2,
        &["gpuu", "did you mean `gpu`"],
    );
    refused(
        &["--alpha", "0.9", "--pin", "draftr=gpu"],
        2,
        &["draftr", "did you mean `drafter`"],
    );
    refused(&["--alpha", "0.9", "--pin", "drafter"], 2, &["ROLE=PU"]);
    refused(
        &["--alpha", "0.9", "--pin", "drafter=gpu,drafter=cpu"],
        2,
        &["drafter", "twice"],
    );
}

#[test]
fn variants_lengths_and_models() {
    refused(&["--alpha", "0.9", "--variant", "cpu=0"], 2, &["cpu"]);
    refused(
        &["--alpha", "0.9", "--variant", "cpuu=1"],
        2,
        &["cpuu", "did you mean `cpu`"],
    );
    refused(&["--alpha", "0.9", "--variant", "cpu=99999"], 2, &["99999"]);
    refused(&["--alpha", "0.9", "--gamma", "many"], 2, &["auto"]);
    refused(&["--alpha", "0.9", "--seq-len", "0"], 2, &["--seq-len"]);
    refused(
        &["--alpha", "0.9", "--cost-model", "magic"],
        2,
        &["magic", "eq1"],
    );
    refused(
        &["--alpha", "0.9", "--role", "x=nobody"],
        2,
        &["nobody", "drafter"],
    );
    refused(
        &["--alpha", "0.9", "--profile", "none.yaml"],
        2,
        &["none.yaml"],
    );
}

#[test]
fn outputs_do_not_overwrite_each_other() {
    refused(
        &["--alpha", "0.9", "--plan-out", "out.mlir"],
        2,
        &["out.mlir", "twice"],
    );
    refused(
        &["--alpha", "0.9", "--dot", "out.flags"],
        2,
        &["out.flags", "twice"],
    );
    refused(
        &["--alpha", "0.9", "--plan-out", "./in.mlir"],
        2,
        &["in.mlir"],
    );
}

#[test]
fn help_and_version() {
    specplace()
        .arg("--help")
        .assert()
        .success()
        .stdout(contains("Examples:"))
        .stdout(contains("--alpha"))
        // Modules of dynamic shapes are refused.
        .stdout(contains("dynamic").not())
        .stdout(contains("profile's measurements are looked up"));
    specplace()
        .args(["opt", "--help"])
        .assert()
        .success()
        .stdout(contains("--pass"));
    specplace()
        .arg("--version")
        .assert()
        .success()
        .stdout(contains(env!("CARGO_PKG_VERSION")));
    specplace().assert().code(2).stderr(contains("Usage"));
    specplace()
        .arg("--colour")
        .assert()
        .code(2)
        .stderr(contains("--color"));
}

#[test]
fn passes_by_name() {
    specplace()
        .args(["opt", "--list"])
        .assert()
        .success()
        .stdout(contains("resolve-markers"));
    specplace()
        .args(["opt", "--pass", "resolve-marker", "-"])
        .write_stdin("")
        .assert()
        .code(2)
        .stderr(contains("did you mean `resolve-markers`"));
}

#[test]
fn quiet_is_quiet_about_ir_too() {
    let folder = folder();
    let opt = |arguments: &[&str]| {
        let mut command = specplace();
        command
            .current_dir(&folder)
            .args(["opt", "--pass", "lower-torch", "--print-after-all"])
            .args(["in.mlir", "-o", "/dev/null"])
            .args(arguments);
        command.assert().success().stdout("")
    };
    opt(&[]).stderr(contains("IR after lower-torch").and(contains("arith.addf")));
    opt(&["-q"]).stderr("");
}

#[test]
fn platforms_are_listed_and_shown() {
    specplace()
        .arg("platforms")
        .assert()
        .success()
        .stdout(contains("imx95"));
    specplace()
        .args(["platforms", "imx95"])
        .assert()
        .success()
        .stdout(contains("gpu"));
    specplace()
        .args(["platforms", "nowhere"])
        .assert()
        .code(2)
        .stderr(contains("nowhere"));
}
