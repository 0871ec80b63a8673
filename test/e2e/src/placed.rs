//! What tests do with a module that specplace has placed: look whether it is
//! where it was pinned, have that proven, compile it and run it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use crate::arrays;
use crate::module::Call;
use crate::process::{self, Finished};
use crate::tools::{COMPILE_LIMIT, RUN_LIMIT, Tools};

/// So many runs in a row that lose the device are no bad luck any more.
pub const LOST_IN_A_ROW: usize = 5;

/// Role and unit of each pin of `drafter=cpu2,target=cpu`.
pub fn pinned(pins: &str) -> impl Iterator<Item = (&str, &str)> {
    pins.split(',').filter_map(|pin| pin.split_once('='))
}

/// The units of such pins, some of them twice.
pub fn units(pins: &str) -> Vec<&str> {
    pinned(pins).map(|(_, unit)| unit).collect()
}

/// The pins of what is there at this draft length: without drafts the drafter
/// is gone.
pub fn in_use(pins: &str, gamma: Option<u32>) -> String {
    let stays = |pin: &&str| gamma != Some(0) || !pin.starts_with("drafter");
    pins.split(',').filter(stays).collect::<Vec<_>>().join(",")
}

/// Looks whether every function of `out`, a placed module, is where its role is
/// pinned, and every weight where the model is that its exporter named it after:
/// a part of the drafter that was taken for the target's would compute the same
/// tokens, and be proven. The proof compares what was written with what IREE does;
/// this compares what was asked for with what was written. Returns the roles that
/// have no function.
pub fn check_pins<'p>(out: &str, pins: &'p str) -> Result<Vec<&'p str>> {
    let mut without = Vec::new();
    for (role, unit) in pinned(pins) {
        let wanted = format!("stream.affinity = #hal.device.affinity<@{unit}>");
        let role_of = format!("specplace.role = \"{role}\"");
        let functions = out.lines().filter(|line| line.contains("func.func"));
        let of_role: Vec<&str> = functions.filter(|line| line.contains(&role_of)).collect();
        if of_role.is_empty() {
            without.push(role);
        }
        for line in of_role {
            ensure!(
                line.contains(&wanted),
                "the {role} was pinned to {unit}, but this was written:\n{line}"
            );
        }
        let named = format!("parameter.named<\"model\"::\"{role}.");
        for line in out.lines().filter(|line| line.contains(&named)) {
            ensure!(
                line.contains(&wanted),
                "the {role} was pinned to {unit}, but this is where a weight of its name is:\n{line}"
            );
        }
    }
    Ok(without)
}

/// Looks whether a proof of placement, as it is printed, is one of these pins:
/// a module that ignores them is proven as well, for where it is instead. All
/// that is pinned must be there, but for control, which may compute nothing.
pub fn check_proof(finished: &Finished, pins: &str) -> Result<()> {
    let printed = format!("{}{}", finished.stdout, finished.stderr);
    ensure!(
        printed.contains("placement proven:"),
        "nothing was proven:\n{printed}"
    );
    let rows: Vec<Vec<&str>> = printed
        .lines()
        .filter(|line| line.trim_start().starts_with('@'))
        .map(|line| line.split_whitespace().collect())
        .collect();
    for (role, unit) in pinned(pins) {
        let on: Vec<&str> = rows
            .iter()
            .filter(|row| {
                row.get(2)
                    .is_some_and(|roles| roles.split('+').any(|each| each == role))
            })
            .map(|row| row[0])
            .collect();
        let wanted = format!("@{unit}");
        ensure!(
            on == [wanted.as_str()] || role == "control" && on.is_empty(),
            "the {role} was pinned to {unit}, but this was proven:\n{printed}"
        );
    }
    Ok(())
}

/// Has IREE prove that `out.mlir` in `folder` is placed as it says, and as
/// pinned.
pub fn prove(tools: &Tools, folder: &Path, pins: &str) -> Result<Finished> {
    let arguments = ["verify-placement", "out.mlir", "--with-iree"].map(OsString::from);
    let proof = process::run(&tools.specplace, &arguments, folder, COMPILE_LIMIT)?.success()?;
    check_proof(&proof, pins)?;
    Ok(proof)
}

/// Compiles `out.mlir` in `folder` to `out.vmfb`.
pub fn compile(tools: &Tools, folder: &Path) -> Result<Finished> {
    let arguments = ["out.mlir", "@out.flags", "-o", "out.vmfb"].map(OsString::from);
    process::run(&tools.iree_compile, &arguments, folder, COMPILE_LIMIT)?.success()
}

/// The arguments for `iree-run-module` to call a function of `out.vmfb`, with
/// the flags of the file `flags`.
pub fn arguments_of(call: &Call, flags: &str) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec![
        format!("--flagfile={flags}").into(),
        "--module=out.vmfb".into(),
        format!("--function={}", call.function).into(),
    ];
    if let Some(parameters) = &call.parameters {
        arguments.push(format!("--parameters=model={}", parameters.display()).into());
    }
    let inputs = call.inputs.iter();
    arguments.extend(inputs.map(|path| format!("--input=@{}", path.display()).into()));
    let outputs = call.outputs.iter();
    arguments.extend(outputs.map(|name| format!("--output=@{name}.npy").into()));
    arguments
}

/// Runs a program with `iree-run-module` until it ends, well or not, without
/// losing the device of one of `units`, which lavapipe does now and then
/// whatever it runs. Each loss is added to `lost`, and the last of `tries` in a
/// row is an error.
pub fn run(
    tools: &Tools,
    arguments: &[OsString],
    folder: &Path,
    units: &[&str],
    tries: usize,
    lost: &mut usize,
) -> Result<Finished> {
    for _ in 0..tries {
        let finished = process::run(&tools.iree_run_module, arguments, folder, RUN_LIMIT)?;
        let Some(said) = tools.platform.lost_device(units, &finished) else {
            return Ok(finished);
        };
        *lost += 1;
        println!("{}: a device was lost ({said}); once more", units.join(","));
    }
    bail!("a device was lost {tries} times in a row")
}

/// The integers that a call has written into `folder`, by name.
pub fn read_outputs(folder: &Path, call: &Call) -> Result<BTreeMap<String, Vec<i64>>> {
    call.outputs
        .iter()
        .map(|name| {
            let path = folder.join(format!("{name}.npy"));
            let values = arrays::read_integers(&path)?;
            // What a later run does not write must not pass for its own.
            fs::remove_file(&path)?;
            Ok(((*name).to_owned(), values))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: &str = r#"
  util.global private @d {stream.affinity = #hal.device.affinity<@gpu>} = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
  util.global private @t {stream.affinity = #hal.device.affinity<@cpu>} = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
  func.func private @drafter_0() attributes {noinline, specplace.role = "drafter", stream.affinity = #hal.device.affinity<@gpu>} {
  func.func private @target_0() attributes {noinline, specplace.role = "target", stream.affinity = #hal.device.affinity<@cpu>} {
"#;

    #[test]
    fn functions_and_weights_are_held_to_the_pins() {
        let pins = "drafter=gpu,target=cpu,control=cpu";
        assert_eq!(check_pins(OUT, pins).unwrap(), ["control"]);
        let swapped = OUT.replacen("@gpu", "@cpu", 1);
        let error = check_pins(&swapped, pins).unwrap_err().to_string();
        assert!(error.contains("a weight of its name is"), "{error}");
        let (head, functions) = OUT.split_at(OUT.find("func.func").unwrap());
        let swapped = format!("{head}{}", functions.replacen("@cpu", "@gpu", 1));
        let error = check_pins(&swapped, pins).unwrap_err().to_string();
        assert!(error.contains("this was written"), "{error}");
    }
}
