//! The models of `test/data/zoo`, as specplace takes them.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::process::{self, Finished};
use crate::tools::{COMPILE_LIMIT, Tools};

/// Puts the module of a model into `folder`, assembled unless its exporter wrote
/// the loop as well; returns the name of the file.
pub fn prepare(tools: &Tools, model: &str, folder: &Path) -> Result<&'static str> {
    let zoo = tools.root.join("test/data/zoo").join(model);
    let marked = zoo.join("spec.mlir.gz");
    if marked.is_file() {
        fs::copy(&marked, folder.join("in.mlir.gz"))?;
        return Ok("in.mlir.gz");
    }
    let file = |name: &str| zoo.join(name).display().to_string();
    let (target, drafter) = (file("target.mlir.gz"), file("drafter.mlir.gz"));
    let assemble = ["assemble", "--target", &target, "--drafter", &drafter];
    specplace(tools, folder, &[&assemble[..], &["-o", "in.mlir"]].concat())?.success()?;
    Ok("in.mlir")
}

/// Runs specplace in `folder`, however that ends.
pub fn specplace(tools: &Tools, folder: &Path, arguments: &[&str]) -> Result<Finished> {
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    process::run(&tools.specplace, &arguments, folder, COMPILE_LIMIT)
}
