//! What a limited release of IREE does not take is refused by name.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use common::{names, repository, specplace};
use predicates::prelude::*;
use predicates::str::contains;

/// The library, in a wheel that says it is 3.6.0.
fn library_of_3_6(folder: &Path) -> PathBuf {
    let libraries = folder.join("iree/compiler/_mlir_libs");
    fs::create_dir_all(&libraries).unwrap();
    let real = repository()
        .canonicalize()
        .unwrap()
        .join(".venv/lib/python3.11/site-packages/iree/compiler/_mlir_libs/libIREECompiler.so");
    let library = libraries.join("libIREECompiler.so");
    symlink(real, &library).unwrap();
    fs::write(
        folder.join("iree/compiler/version.py"),
        "VERSION = \"3.6.0rc20250718\"\n",
    )
    .unwrap();
    library
}

fn module(name: &str) -> PathBuf {
    repository().canonicalize().unwrap().join(name)
}

/// `specplace` with that library, in a folder of its own.
fn with_3_6(library: &Path, out: &Path) -> Command {
    let mut command = specplace();
    command
        .current_dir(out)
        .env("SPECPLACE_IREE_LIBRARY", library);
    command
}

/// CPU devices and no loops: tensors are handed on, and nothing is merged.
#[test]
fn what_3_6_takes_is_placed() {
    let folder = tempfile::tempdir().unwrap();
    let library = library_of_3_6(folder.path());
    let out = tempfile::tempdir().unwrap();
    with_3_6(&library, out.path())
        .arg(module("test/data/step_place.mlir"))
        .args(["-o", "out.mlir", "--alpha", "0.9", "--platform", "two-cpus"])
        .args(["--pin", "drafter=cpu2,target=cpu,control=cpu"])
        .assert()
        .success();
    let text = fs::read_to_string(out.path().join("out.mlir")).unwrap();
    assert!(!text.contains("hal.buffer"), "buffers are handed on");
    for drafter in 0..4 {
        let called = text.matches(&format!("call @drafter_{drafter}(")).count();
        assert_eq!(called, 1, "@drafter_{drafter}");
    }
}

#[test]
fn what_3_6_does_not_take_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let library = library_of_3_6(folder.path());
    let out = tempfile::tempdir().unwrap();
    // In one process it has not been tried.
    with_3_6(&library, out.path())
        .arg("compile")
        .arg(module("test/data/step_place.mlir"))
        .args(["-o", "out.vmfb", "--alpha", "0.9"])
        .assert()
        .code(2)
        .stderr(contains("not for IREE 3.6.0rc20250718"))
        .stderr(contains("lavapipe").and(contains("iree-base-compiler==3.13.0")));
    with_3_6(&library, out.path())
        .arg(module("test/data/step_place.mlir"))
        .args(["-o", "out.mlir", "--alpha", "0.9", "--verify"])
        .assert()
        .code(2)
        .stderr(contains("the proof of placement is not for IREE 3.6.0"));
    for (name, platform, pins, why) in [
        (
            "test/data/step_place.mlir",
            "reference",
            "drafter=cpu,target=gpu",
            "takes modules for CPU devices only",
        ),
        (
            "examples/pair/generate_symbolic.mlir",
            "two-cpus",
            "drafter=cpu2,target=cpu",
            "takes no control flow around models",
        ),
    ] {
        with_3_6(&library, out.path())
            .arg(module(name))
            .args(["-o", "out.mlir", "--alpha", "0.9", "--platform", platform])
            .args(["--pin", pins])
            .assert()
            .code(1)
            .stderr(contains(why).and(contains("3.13.0")));
    }
    assert!(names(out.path()).is_empty());
}
