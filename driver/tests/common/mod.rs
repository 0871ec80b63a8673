//! What the tests of the command line share.
#![allow(dead_code, reason = "each test file uses another part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Once;

use assert_cmd::Command;

/// A module that any pass without needs of its own takes.
pub const MODULE: &str = "\
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.addf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
";

/// A drafter and a target.
pub const PAIR: &str = "\
func.func @both(%x: tensor<4xi64>) -> tensor<4xi64> {
  %a = flow.tensor.transfer %x : tensor<4xi64> to #hal.device.promise<@drafter>
  %b = arith.addi %a, %a : tensor<4xi64>
  %c = flow.tensor.transfer %b : tensor<4xi64> to #hal.device.promise<@target>
  %d = arith.muli %c, %c : tensor<4xi64>
  return %d : tensor<4xi64>
}
";

/// Something like a program.
pub const PROGRAM: &str = "\0PROGRAM\0";

/// The repository, which both packages of the command line lie in.
pub fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_root = |folder: &&Path| folder.join("Cargo.lock").is_file();
    let root = package.ancestors().find(is_root);
    root.expect("a workspace").to_path_buf()
}

/// The file of `specplace`. Cargo builds a package's own program before its tests;
/// to the tests of `specplace-ir` it lies beside theirs.
pub fn program() -> PathBuf {
    if let Some(own) = option_env!("CARGO_BIN_EXE_specplace") {
        return own.into();
    }
    let Some(half) = option_env!("CARGO_BIN_EXE_specplace-ir") else {
        panic!("this is for the packages of the command line");
    };
    let program = Path::new(half).with_file_name("specplace");
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        // `cargo test -p specplace-ir` alone, on a clean checkout.
        if !program.is_file() {
            let mut build = process::Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "--package=specplace", "--bin=specplace"]);
            if !cfg!(debug_assertions) {
                build.arg("--release");
            }
            assert!(build.status().expect("cargo starts").success());
        }
    });
    program
}

/// `specplace`, with IREE from the repository's virtual environment when there
/// is one, and nothing of the caller's own settings.
pub fn specplace() -> Command {
    let mut command = Command::new(program());
    command.env("NO_COLOR", "1").env_remove("LD_LIBRARY_PATH");
    let environment = repository().join(".venv");
    if environment.is_dir() {
        command
            .env("VIRTUAL_ENV", environment)
            .env_remove("SPECPLACE_IREE_LIBRARY");
    }
    command
}

/// A folder of the test's own, with [`MODULE`] as `in.mlir` in it.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("in.mlir"), MODULE).expect("a file in it");
    folder
}

/// The names in a folder, hidden ones too, in order.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}
