//! `specplace IN -o OUT` on real modules: what is written, what is said, and
//! what is left behind when it fails.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{names, repository, specplace};
use predicates::prelude::*;
use predicates::str::contains;

/// One speculative step, drafts unrolled.
fn step() -> PathBuf {
    repository().join("test/data/step_place.mlir")
}

fn place(folder: &Path) -> assert_cmd::Command {
    let mut command = specplace();
    command
        .current_dir(folder)
        .arg(step())
        .args(["--alpha", "0.9"]);
    command
}

#[test]
fn everything_is_written_and_said() {
    let folder = tempfile::tempdir().unwrap();
    place(folder.path())
        .args(["-o", "out.mlir", "--platform", "two-cpus"])
        .args(["--pin", "drafter=cpu2,target=cpu", "--pin", "control=cpu"])
        .args(["--plan-out", "plan.json", "--dot", "graph.dot"])
        .args(["--timing", "--explain"])
        .assert()
        .success()
        .stdout("")
        .stderr(contains("plan for two-cpus"))
        .stderr(contains(
            "wrote out.mlir, out.flags, out.run.flags, plan.json, graph.dot",
        ))
        .stderr(contains("iree-compile out.mlir @out.flags -o out.vmfb"))
        .stderr(contains(
            "--function=spec_step --parameters=model=FILE.irpa",
        ))
        .stderr(contains("select-mapping"))
        .stderr(contains("every mapping"));
    assert_eq!(
        names(folder.path()),
        [
            "graph.dot",
            "out.flags",
            "out.mlir",
            "out.run.flags",
            "plan.json"
        ]
    );
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let flags = read("out.flags");
    // A response file has no comments.
    assert!(flags.lines().all(|line| line.starts_with("--")), "{flags}");
    for flag in [
        "--iree-hal-link-executables=false",
        "--iree-hal-local-target-device-backends=llvm-cpu",
    ] {
        assert_eq!(flags.matches(flag).count(), 1, "{flags}");
    }
    assert_eq!(
        read("out.run.flags").matches("--device=local-task").count(),
        2
    );
    assert!(read("plan.json").contains("\"gamma\""));
    assert!(read("graph.dot").starts_with("digraph"));
    assert!(read("out.mlir").contains("#hal.device.alias<\"local\"[1]>"));
}

#[test]
fn standard_output_holds_nothing_but_ir() {
    let folder = tempfile::tempdir().unwrap();
    let assert = place(folder.path())
        .args(["-o", "-", "--flags-out", "x.flags"])
        .assert()
        .success()
        .stderr(contains("plan for reference"));
    let ir = assert.get_output().stdout.clone();
    assert_eq!(names(folder.path()), ["x.flags", "x.run.flags"]);
    // It is IR again, and so is its bytecode.
    specplace()
        .args(["opt", "--pass", "lower-torch", "-"])
        .write_stdin(ir)
        .assert()
        .success();
    place(folder.path())
        .args(["-o", "out.mlirbc", "--emit-bytecode", "-q"])
        .assert()
        .success()
        .stdout("")
        .stderr("");
    let bytecode = fs::read(folder.path().join("out.mlirbc")).unwrap();
    assert!(bytecode.starts_with(b"ML\xefR"));
}

#[test]
fn the_proof_comes_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    place(folder.path())
        .args([
            "-o",
            "out.mlir",
            "--platform",
            "two-cpus",
            "--verify=placement",
        ])
        .args(["--pin", "drafter=cpu2,target=cpu,control=cpu"])
        .assert()
        .success()
        .stderr(contains("placement proven"));
    specplace()
        .current_dir(folder.path())
        .args(["verify-placement", "out.mlir", "--with-iree"])
        .assert()
        .success()
        .stderr(contains("placement proven"));
    fs::remove_file(folder.path().join("out.flags")).unwrap();
    specplace()
        .current_dir(folder.path())
        .args(["verify-placement", "out.mlir"])
        .assert()
        .code(2)
        .stderr(contains("out.flags is missing"));
}

#[test]
fn what_cannot_be_placed_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("out.mlir"), "before").unwrap();
    specplace()
        .current_dir(folder.path())
        .arg(repository().join("test/data/int8_int_mm.mlir"))
        .args(["-o", "out.mlir", "--alpha", "0.9"])
        .assert()
        .code(1)
        .stdout("")
        .stderr(contains("no drafter and no target"));
    place(folder.path())
        .args(["-o", "out.mlir", "--gamma", "3"])
        .assert()
        .code(1)
        .stderr(contains("unrolled"));
    assert_eq!(names(folder.path()), ["out.mlir"]);
    assert_eq!(
        fs::read_to_string(folder.path().join("out.mlir")).unwrap(),
        "before"
    );
}

/// Whatever the module, the program ends by itself, with a status that it
/// documents, and leaves OUT only when it succeeded.
#[test]
fn every_module_ends_well() {
    let mut modules = Vec::new();
    for folder in ["examples", "test/data", "test/lit"] {
        find(&repository().join(folder), &mut modules);
    }
    assert!(modules.len() > 5, "{modules:?}");
    for module in modules {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.mlir");
        let assert = specplace()
            .arg(&module)
            .arg("-o")
            .arg(&out)
            .args(["--alpha", "0.8"])
            .assert()
            .stdout("")
            .stderr(contains("panicked").not());
        let code = assert.get_output().status.code();
        assert!(
            matches!(code, Some(0..=2)),
            "{}: {code:?}",
            module.display()
        );
        assert_eq!(code == Some(0), out.exists(), "{}", module.display());
    }
}

fn find(folder: &Path, modules: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, modules);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "mlir")
        {
            modules.push(path);
        }
    }
}
