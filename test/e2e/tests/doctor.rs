//! `specplace doctor` on this machine: what a device computes wrongly is found,
//! and a platform without it is written.

use std::ffi::OsString;
use std::fs;

use anyhow::{Context, Result, ensure};
use e2e::process;
use e2e::tools::{COMPILE_LIMIT, Tools};
use serde_json::{Value, json};

#[test]
fn what_is_wrong_is_found_and_left_out() -> Result<()> {
    let tools = Tools::find()?;
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    // The built-in platform, with a type that IREE's default Vulkan target
    // computes wrongly, or not at all.
    let text = fs::read_to_string(tools.root.join("examples/platforms/reference.yaml"))?;
    let claimed = text.replace(
        "dtypes: [f32, index, i64, i32, i1]",
        "dtypes: [f32, f16, index, i64, i32, i1]",
    );
    ensure!(claimed != text, "the platform `reference` has changed");
    // What doctor once wrote and is right by now, and what somebody else wrote.
    let device = "    iree:\n      device: vulkan\n";
    let told = "    cannot:\n      \
        - { op: sort, types: [f32, bf16], iree: \"3.13\", outcome: wrong, found_by: specplace doctor }\n      \
        - { op: scan, types: [f32], outcome: wrong, note: \"the author's\" }\n";
    ensure!(
        claimed.contains(device),
        "the platform `reference` has changed"
    );
    let claimed = claimed.replace(device, &format!("{told}{device}"));
    fs::write(folder.join("claimed.yaml"), claimed)?;

    let run = |arguments: &[&str]| {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        process::run(&tools.specplace, &arguments, folder, COMPILE_LIMIT)?.success()
    };
    let done = run(&[
        "doctor",
        "--platform",
        "claimed.yaml",
        "-o",
        "checked.yaml",
        "--json",
    ])?;
    let said: Value = serde_json::from_str(&done.stdout)?;
    ensure!(
        said["iree"]["iree-compile"]["version"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.13.")),
        "{said}"
    );
    let devices = said["devices"].as_array().context("no devices")?;
    ensure!(
        devices.iter().any(|device| device["uri"] == "local-task"),
        "{said}"
    );
    for unit in said["units"].as_array().context("no units")? {
        let outcome = |dtype: &str, check: &str| unit["checks"][dtype][check]["outcome"].clone();
        for (dtype, check) in [
            ("f32", "elementwise"),
            ("f32", "matmul"),
            ("f32", "attention"),
            ("f32", "attention-one"),
            ("f32", "conv1d"),
            ("f32", "conv2d"),
            ("f32", "depthwise"),
            ("f32", "sort"),
            ("f32", "scatter"),
            ("f32", "gather"),
            ("f32", "sum"),
            ("f32", "max"),
            ("f32", "argmax"),
            ("i32", "elementwise"),
            ("i32", "scatter"),
            ("i64", "lookup"),
        ] {
            ensure!(
                outcome(dtype, check) == "ok",
                "{} {dtype} {check}: {unit}",
                unit["name"]
            );
        }
        if unit["name"] == "cpu" {
            for dtype in ["f16", "bf16", "i8"] {
                ensure!(outcome(dtype, "matmul") == "ok", "cpu {dtype}: {unit}");
                ensure!(outcome(dtype, "conv2d") == "ok", "cpu {dtype}: {unit}");
            }
            ensure!(
                unit["verdict"]["types"] == json!({}) && unit["verdict"]["cannot"] == json!([]),
                "{unit}"
            );
        } else {
            ensure!(
                outcome("f16", "elementwise") == "wrong",
                "f16 has become right on Vulkan's default target: tell the documentation\n{unit}"
            );
            ensure!(unit["verdict"]["types"]["f16"].is_string(), "{unit}");
            // It fails, and is said to fail, with the reason why the type stays.
            ensure!(
                outcome("i64", "elementwise") == "does-not-compile",
                "{unit}"
            );
            let harmless = unit["verdict"]["harmless"].to_string();
            ensure!(
                harmless.contains("elementwise in i64 does not compile")
                    && harmless.contains("positions, masks and indices are i32"),
                "{unit}"
            );
        }
    }

    // The file can be read, and says why.
    let shown = run(&["platforms", "checked.yaml", "--json"])?;
    let checked: Value = serde_json::from_str(&shown.stdout)?;
    let gpu = checked["processing_units"]
        .as_array()
        .and_then(|units| units.iter().find(|unit| unit["name"] == "gpu"))
        .context("the GPU is gone")?;
    let dtypes = gpu["dtypes"].as_array().context("no types")?;
    ensure!(
        !dtypes.contains(&"f16".into()) && dtypes.contains(&"f32".into()),
        "{gpu}"
    );
    ensure!(
        gpu["dtypes_note"]
            .as_str()
            .is_some_and(|note| note.contains("specplace doctor: f16 elementwise: WRONG")),
        "{gpu}"
    );
    let cannot = gpu["cannot"].as_array().context("no table")?;
    ensure!(
        cannot.iter().any(|entry| entry["op"] == "scan"),
        "what others wrote is gone: {gpu}"
    );
    ensure!(
        !cannot
            .iter()
            .any(|entry| entry["op"] == "sort" && entry["types"].to_string().contains("f32")),
        "sorts of f32 are right, and the table has them: {gpu}"
    );

    // What it wrote lets nothing go wrong, and it says so.
    let again = run(&["doctor", "--platform", "checked.yaml"])?;
    ensure!(
        again
            .stdout
            .trim_end()
            .ends_with("lets no unit do what was seen to go wrong, as far as it was checked"),
        "{}",
        again.stdout
    );
    Ok(())
}

/// Code for another processor is compiled, and not taken for wrong.
#[test]
fn another_machines_platform_is_not_here() -> Result<()> {
    let tools = Tools::find()?;
    let scratch = tempfile::tempdir()?;
    let arguments = ["doctor", "--platform", "imx95"].map(OsString::from);
    let done =
        process::run(&tools.specplace, &arguments, scratch.path(), COMPILE_LIMIT)?.success()?;
    ensure!(done.stdout.contains("not here"), "{}", done.stdout);
    ensure!(!done.stdout.contains("cpu: f32"), "{}", done.stdout);
    // Code for a GPU by name tells nothing on a driver that is none.
    ensure!(!done.stdout.contains("gpu: f32"), "{}", done.stdout);
    Ok(())
}
