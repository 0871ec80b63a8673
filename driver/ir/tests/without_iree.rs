//! Where IREE is not installed: help works, and the rest says what to install.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use common::{MODULE, names};
use predicates::prelude::*;
use predicates::str::contains;

/// Copies a program in a process of its own. Were the copy open for writing in
/// this one, a program that another test starts at that moment would inherit it,
/// and running the copy would fail now and then: "Text file busy".
fn copy_program(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp")
        .args([from, to])
        .status()
        .unwrap();
    assert!(copied.success());
}

/// Both programs in a folder from which nothing of the repository is found,
/// with nothing on PATH.
fn bare(folder: &Path) -> Command {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let half = Path::new(env!("CARGO_BIN_EXE_specplace-ir"));
    for program in [common::program().as_path(), half] {
        let copy = bin.join(program.file_name().unwrap());
        if !copy.exists() {
            copy_program(program, &copy);
        }
    }
    let work = folder.join("work");
    fs::create_dir_all(&work).unwrap();
    fs::write(work.join("in.mlir"), MODULE).unwrap();
    let mut command = Command::new(bin.join("specplace"));
    command
        .env_clear()
        .env("PATH", "")
        .env("NO_COLOR", "1")
        .current_dir(work);
    command
}

const PLACE: [&str; 5] = ["in.mlir", "-o", "out.mlir", "--alpha", "0.9"];

#[test]
fn help_works() {
    let folder = tempfile::tempdir().unwrap();
    bare(folder.path())
        .arg("--help")
        .assert()
        .success()
        .stdout(contains("Examples:"));
    bare(folder.path()).arg("--version").assert().success();
    bare(folder.path())
        .args(["opt", "--help"])
        .assert()
        .success();
    bare(folder.path())
        .arg("platforms")
        .assert()
        .success()
        .stdout(contains("reference"));
}

#[test]
fn placing_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    bare(folder.path())
        .args(PLACE)
        .assert()
        .code(2)
        .stderr(contains("libIREECompiler.so"))
        .stderr(contains("pip install iree-base-compiler==3.13.0"))
        .stderr(contains("iree-compile: not on PATH"))
        .stderr(contains("error while loading shared libraries").not());
    assert_eq!(names(&folder.path().join("work")), ["in.mlir"]);
}

/// The library alone, without the programs that lie beside it.
#[test]
fn missing_tools_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let library = common::repository()
        .canonicalize()
        .unwrap()
        .join(".venv/lib/python3.11/site-packages/iree/compiler/_mlir_libs/libIREECompiler.so");
    let link = folder.path().join("libIREECompiler.so");
    std::os::unix::fs::symlink(library, link).unwrap();
    let with_library = || {
        let mut command = bare(folder.path());
        command.env("SPECPLACE_IREE_LIBRARY", folder.path());
        command
    };
    with_library();
    let work = folder.path().join("work");
    fs::write(work.join("pair.mlir"), common::PAIR).unwrap();
    with_library()
        .args(["pair.mlir", "-o", "out.mlir", "--alpha", "0.9"])
        .args(["--platform", "two-cpus"])
        .assert()
        .success();
    with_library()
        .args(["verify-placement", "out.mlir"])
        .assert()
        .code(2)
        .stderr(contains("error: iree-compile was not found"))
        .stderr(contains("pip install iree-base-compiler==3.13.0"));

    fs::write(work.join("out.vmfb"), common::PROGRAM).unwrap();
    bare(folder.path())
        .args(["run", "out.vmfb", "--tokens", "1"])
        .args(["--", "--device=local-task"])
        .assert()
        .code(2)
        .stderr(contains("error: iree-run-module was not found"))
        .stderr(contains("pip install iree-base-compiler==3.13.0"));
}

#[test]
fn wrong_usage_is_found_first() {
    let folder = tempfile::tempdir().unwrap();
    bare(folder.path())
        .args(["in.mlir", "-o", "out.mlir"])
        .assert()
        .code(2)
        .stderr(contains("--alpha"))
        .stderr(contains("pip install").not());
}

#[test]
fn a_wrong_setting_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for wrong in ["/nonexistent", "/etc/hostname", "/etc"] {
        bare(folder.path())
            .env("SPECPLACE_IREE_LIBRARY", wrong)
            .args(PLACE)
            .assert()
            .code(2)
            .stderr(contains("SPECPLACE_IREE_LIBRARY"))
            .stderr(contains(wrong));
    }
}

#[test]
fn a_half_installation_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let fake = folder.path().join("libIREECompiler.so");
    fs::write(&fake, b"\x7fELF").unwrap();
    let mut command = bare(folder.path());
    fs::remove_file(folder.path().join("bin/specplace-ir")).unwrap();
    command
        .env("SPECPLACE_IREE_LIBRARY", &fake)
        .args(PLACE)
        .assert()
        .code(2)
        .stderr(contains("specplace-ir is missing"));
}
