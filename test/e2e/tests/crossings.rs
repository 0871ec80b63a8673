//! Values of every type, from one element to 32,768, crossing between devices:
//! what arrives is what was sent.

use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};

use e2e::case::PLATFORM;
use e2e::process::{self, Finished};
use e2e::tools::{COMPILE_LIMIT, RUN_LIMIT, Tools};

/// Types and shapes that cross. Nothing computes with them: lavapipe gets f16
/// and i8 arithmetic wrong on IREE's default target, which is no crossing's
/// fault.
const VALUES: &[(&str, usize, usize)] = &[
    ("f32", 8, 4),
    ("f16", 8, 4),
    ("bf16", 8, 4),
    ("i8", 8, 4),
    ("i1", 8, 4),
    ("i32", 8, 4),
    ("i64", 8, 4),
    ("i64", 1, 1),
    ("f32", 64, 512),
];

/// Where drafter, target and control are.
const MAPPINGS: &[[&str; 3]] = &[
    ["cpu2", "cpu", "cpu"],
    ["cpu", "cpu2", "cpu"],
    ["gpu", "cpu", "cpu"],
    ["cpu", "gpu", "cpu"],
    ["gpu", "cpu2", "cpu"],
    ["cpu", "cpu", "gpu"],
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tools = match Tools::find() {
        Ok(tools) => Arc::new(tools),
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    for mapping in MAPPINGS {
        for (how, mapped) in [
            ("through shared buffers", true),
            ("copied by the host", false),
        ] {
            let tools = Arc::clone(&tools);
            let name = format!("{} {how}", mapping.join(","));
            trials.push(Trial::test(name, move || {
                crosses(&tools, mapping, mapped).map_err(|error| Failed::from(format!("{error:#}")))
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Drafter and target each put two of every value one above the other, so that
/// it crosses from control to drafter to target to control. (What came back as
/// it went in would pass for a cache.)
fn module() -> String {
    let mut arguments = Vec::new();
    let mut body = String::new();
    let mut results = Vec::new();
    let mut types = Vec::new();
    for (index, (dtype, rows, columns)) in VALUES.iter().enumerate() {
        if *dtype == "i1" {
            // iree-run-module reads and prints bytes, no bits.
            let bytes = format!("tensor<{rows}x{columns}xi8>");
            let fourfold = format!("tensor<{}x{columns}xi8>", 4 * rows);
            arguments.push(format!("%y{index}: {bytes}"));
            body.push_str(&format!(
                "  %zero = arith.constant dense<0> : {bytes}
  %x{index} = arith.cmpi ne, %y{index}, %zero : {bytes}
"
            ));
            results.push(format!("%g{index}"));
            types.push(fourfold);
        }
        let there = format!("tensor<{rows}x{columns}x{dtype}>");
        let twice = format!("tensor<{}x{columns}x{dtype}>", 2 * rows);
        let fourfold = format!("tensor<{}x{columns}x{dtype}>", 4 * rows);
        if *dtype != "i1" {
            arguments.push(format!("%x{index}: {there}"));
            results.push(format!("%f{index}"));
            types.push(fourfold.clone());
        }
        body.push_str(&format!(
            "  %a{index} = flow.tensor.transfer %x{index} : {there} to #hal.device.promise<@drafter>
  %c{index} = tensor.concat dim(0) %a{index}, %a{index} : ({there}, {there}) -> {twice}
  %d{index} = flow.tensor.transfer %c{index} : {twice} to #hal.device.promise<@target>
  %f{index} = tensor.concat dim(0) %d{index}, %d{index} : ({twice}, {twice}) -> {fourfold}
"
        ));
        if *dtype == "i1" {
            body.push_str(&format!(
                "  %g{index} = arith.extui %f{index} : {fourfold} to tensor<{}x{columns}xi8>\n",
                4 * rows
            ));
        }
    }
    format!(
        "func.func @cross({}) -> ({}) {{\n{body}  return {} : {}\n}}\n",
        arguments.join(", "),
        types.join(", "),
        results.join(", "),
        types.join(", ")
    )
}

/// The type in which a value enters and leaves the module.
fn outside(dtype: &str) -> &str {
    if dtype == "i1" { "i8" } else { dtype }
}

/// Small whole numbers, which every type holds exactly.
fn element(dtype: &str, at: usize) -> f64 {
    let value = if dtype == "i1" { at % 3 % 2 } else { at % 100 };
    value as f64
}

fn inputs() -> Vec<String> {
    VALUES
        .iter()
        .map(|(dtype, rows, columns)| {
            let values: Vec<String> = (0..rows * columns)
                .map(|at| element(dtype, at).to_string())
                .collect();
            format!(
                "--input={rows}x{columns}x{}={}",
                outside(dtype),
                values.join(" ")
            )
        })
        .collect()
}

/// What comes of the inputs, row by row.
fn expected(dtype: &str, rows: usize, columns: usize) -> Vec<f64> {
    let one: Vec<f64> = (0..rows * columns).map(|at| element(dtype, at)).collect();
    one.repeat(4)
}

/// With `mapped`, devices reach each other's buffers as the platform says;
/// without, none can, as it is between two discrete devices.
fn crosses(tools: &Tools, [drafter, target, control]: &[&str; 3], mapped: bool) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let directory = scratch.path();
    let run = |program, arguments: &[String], limit| -> Result<Finished> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        process::run(program, &arguments, directory, limit)
    };
    fs::write(directory.join("in.mlir"), module())?;
    let platform: Vec<String> = fs::read_to_string(tools.root.join(PLATFORM))?
        .lines()
        .filter(|line| mapped || !(line.contains("mappable_by") || line.contains("unified_memory")))
        // Control turns bytes into bits and back, on Vulkan too.
        .map(|line| {
            line.replace(
                "[f32, index, i64, i32, i1]",
                "[f32, index, i64, i32, i8, i1]",
            )
        })
        .collect();
    fs::write(directory.join("platform.yaml"), platform.join("\n"))?;
    run(
        &tools.specplace,
        &[
            // As many drafts as values: nothing ties them to one model.
            format!(
                "in.mlir -o out.mlir --alpha 0.9 --gamma {} --platform platform.yaml",
                VALUES.len()
            ),
            format!("--pin drafter={drafter},target={target},control={control}"),
        ]
        .iter()
        .flat_map(|part| part.split(' ').map(str::to_owned))
        .collect::<Vec<_>>(),
        COMPILE_LIMIT,
    )?
    .success()?;
    let copies = fs::read_to_string(directory.join("out.mlir"))?.contains("@specplace.copy_");
    ensure!(
        copies != mapped,
        "the host {} copy",
        if copies { "does" } else { "does not" }
    );
    run(
        &tools.specplace,
        &["verify-placement", "out.mlir", "--with-iree"].map(str::to_owned),
        COMPILE_LIMIT,
    )?
    .success()?;
    run(
        &tools.iree_compile,
        &["out.mlir", "@out.flags", "-o", "out.vmfb"].map(str::to_owned),
        COMPILE_LIMIT,
    )?
    .success()?;
    let mut arguments = [
        "--flagfile=out.run.flags",
        "--module=out.vmfb",
        "--function=cross",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.extend(inputs());
    let mut finished = run(&tools.iree_run_module, &arguments, RUN_LIMIT)?;
    for _ in 0..3 {
        if !finished.stderr.contains("VK_ERROR_DEVICE_LOST") {
            break;
        }
        println!("the Vulkan device was lost; once more");
        finished = run(&tools.iree_run_module, &arguments, RUN_LIMIT)?;
    }
    let printed = finished.success()?.stdout;
    let arrived: Vec<&str> = printed.lines().filter(|line| line.contains('=')).collect();
    ensure!(
        arrived.len() == VALUES.len(),
        "{} values were sent, {} arrived:\n{printed}",
        VALUES.len(),
        arrived.len()
    );
    for ((dtype, rows, columns), line) in VALUES.iter().zip(arrived) {
        let (shape, values) = line.split_once('=').context("no value is printed")?;
        ensure!(
            shape == format!("{}x{columns}x{}", 4 * rows, outside(dtype)),
            "{dtype} arrived as {shape}"
        );
        let expected = expected(dtype, *rows, *columns);
        let arrived: Vec<f64> = values
            .split(|each: char| "[] ".contains(each))
            .filter_map(|number| number.parse().ok())
            .collect();
        // Long values are cut by iree-run-module; what it shows must agree.
        let shown = arrived.len().min(expected.len());
        ensure!(
            shown > 0
                && expected[..shown] == arrived[..shown]
                && (shown == expected.len() || line.contains("...")),
            "{shape} changed on its way:\nexpected {expected:?}\narrived  {arrived:?}"
        );
    }
    Ok(())
}
