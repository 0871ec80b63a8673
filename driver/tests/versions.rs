//! Releases of IREE that cannot do everything are refused by name.

mod common;

use std::fs;
use std::os::unix::fs::symlink;

use common::{names, repository, specplace};
use predicates::prelude::*;
use predicates::str::contains;

/// The library, in a wheel that says it is another release.
#[test]
fn what_3_6_cannot_do_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let libraries = folder.path().join("iree/compiler/_mlir_libs");
    fs::create_dir_all(&libraries).unwrap();
    let real = repository()
        .canonicalize()
        .unwrap()
        .join(".venv/lib/python3.11/site-packages/iree/compiler/_mlir_libs/libIREECompiler.so");
    let library = libraries.join("libIREECompiler.so");
    symlink(real, &library).unwrap();
    fs::write(
        folder.path().join("iree/compiler/version.py"),
        "VERSION = \"3.6.0rc20250718\"\n",
    )
    .unwrap();
    let out = tempfile::tempdir().unwrap();
    let module = repository()
        .canonicalize()
        .unwrap()
        .join("test/data/step_place.mlir");
    for verb in [&[][..], &["compile"]] {
        specplace()
            .current_dir(out.path())
            .env("SPECPLACE_IREE_LIBRARY", &library)
            .args(verb)
            .arg(&module)
            .args(["-o", "out.x", "--alpha", "0.9"])
            .assert()
            .code(2)
            .stderr(contains(
                "IREE 3.6.0rc20250718 does not take placed modules",
            ))
            .stderr(contains("noinline").and(contains("iree-base-compiler==3.13.0")));
        assert!(names(out.path()).is_empty());
    }
    // A plan can be made.
    specplace()
        .current_dir(out.path())
        .env("SPECPLACE_IREE_LIBRARY", &library)
        .args(["opt", "--pass"])
        .arg("resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping")
        .arg(&module)
        .args(["--alpha", "0.9"])
        .assert()
        .success()
        .stdout(contains("specplace.plan"));
}
