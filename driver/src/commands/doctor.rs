//! `specplace doctor`: which IREE this is, which devices it finds, and what
//! each unit of a platform computes rightly.
//!
//! Each unit gets small computations in each type, compiled with its own flags
//! and run on its own device, with a time limit for each. Right results are
//! computed here, on the CPU, without IREE. With `-o` the platform is written
//! without the types that failed, so that nothing is placed where it would go
//! wrong.

mod checks;
mod probe;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cost::Platform;
use cost::workload::DType;
use serde::Serialize;

use crate::args::DoctorArgs;
use crate::iree::{self, Surroundings};
use crate::message::{Failure, Message};
use crate::output::{self, Output, Scratch};
use crate::printer::{Printer, to_stdout};
use crate::progress::Progress;
use crate::runtime::Tool;
use crate::version::Version;

use checks::DTYPES;
use probe::{Bench, Outcome};

/// What was found.
#[derive(Debug, Serialize)]
struct Findings {
    /// The version of each of IREE's parts, and what may be expected of it.
    iree: BTreeMap<&'static str, Part>,
    /// The devices that IREE's runtime finds.
    devices: Vec<Device>,
    platform: String,
    units: Vec<Unit>,
}

#[derive(Debug, Serialize)]
struct Part {
    path: PathBuf,
    version: Option<String>,
    support: String,
}

#[derive(Debug, Serialize)]
struct Device {
    /// For `--device=`.
    uri: String,
    name: String,
}

#[derive(Debug, Serialize)]
struct Unit {
    name: String,
    device: String,
    /// By type, by check.
    checks: BTreeMap<String, BTreeMap<&'static str, Outcome>>,
}

/// Runs the verb.
///
/// # Errors
///
/// A [`Failure`]: IREE is not installed, or nothing is left to place on.
pub fn run(args: &DoctorArgs, printer: &Printer) -> anyhow::Result<()> {
    let platform = Platform::load(&args.platform).map_err(Failure::from)?;
    if let Some(path) = &args.output {
        output::check_writable(path)?;
    }
    let compiler = Tool::find("iree-compile")?;
    let runner = Tool::find("iree-run-module")?;
    let folder = Scratch::new()?;
    let bench = Bench {
        compiler: &compiler,
        runner: &runner,
        folder: folder.path(),
        platform: &platform,
    };
    let progress = Progress::start(printer);
    progress.step("list devices");
    let mut findings = Findings {
        iree: parts(&compiler, &runner),
        devices: devices(&runner)?,
        platform: platform.name.clone(),
        units: Vec::new(),
    };
    let mut checked = platform.clone();
    for unit in &platform.pus {
        let mut checks = BTreeMap::new();
        for dtype in DTYPES {
            progress.step(format!("{}: {dtype}", unit.name));
            let outcomes = bench.check(unit, dtype)?;
            let bad = outcomes
                .iter()
                .find(|(kind, outcome)| outcome.is_bad() && kind.decides(dtype));
            if let Some((kind, outcome)) = bad {
                forbid(&mut checked, &unit.name, dtype, kind.name(), outcome);
            }
            let outcomes = outcomes
                .into_iter()
                .map(|(kind, outcome)| (kind.name(), outcome))
                .collect();
            checks.insert(dtype.as_str().to_owned(), outcomes);
        }
        findings.units.push(Unit {
            name: unit.name.clone(),
            device: unit.iree.runtime_device.clone(),
            checks,
        });
    }
    drop(progress);
    for warning in drop_useless(&mut checked)? {
        printer.message(&warning);
    }
    let text = if args.json {
        serde_json::to_string_pretty(&findings)? + "\n"
    } else {
        render(&findings, &platform, &checked)
    };
    if let Some(path) = &args.output {
        output::write_all(&[Output {
            path: path.clone(),
            contents: checked.to_yaml().map_err(Failure::from)?.into_bytes(),
        }])?;
    }
    to_stdout(text.as_bytes())
        .map_err(|error| Failure::io("cannot write to standard output", &error))?;
    if let Some(path) = &args.output {
        printer.report(&format!("wrote {}", path.display()));
    }
    Ok(())
}

fn parts(compiler: &Tool, runner: &Tool) -> BTreeMap<&'static str, Part> {
    let library = iree::find_library(&Surroundings::of_process()).ok();
    let part = |path: PathBuf| {
        let version = Version::of(&path);
        Part {
            support: version.as_ref().map_or_else(
                || "of a version that it does not say".to_owned(),
                |version| version.support().to_string(),
            ),
            version: version.map(|version| version.text),
            path,
        }
    };
    let mut parts = BTreeMap::from([
        ("iree-compile", part(compiler.path().to_path_buf())),
        ("iree-run-module", part(runner.path().to_path_buf())),
    ]);
    parts.extend(library.map(|path| (iree::LIBRARY, part(path))));
    parts
}

/// What `--dump_devices` lists.
fn devices(runner: &Tool) -> Result<Vec<Device>, Failure> {
    let (done, _) = runner.run_well(&["--dump_devices".into()])?;
    let mut devices: Vec<Device> = Vec::new();
    let mut lines = done.stdout.lines();
    while let Some(line) = lines.next() {
        if let Some(uri) = line.strip_prefix("# --device=") {
            let name = lines.next().unwrap_or_default();
            devices.push(Device {
                uri: uri.trim_end_matches("://").to_owned(),
                name: name.trim_start_matches('#').trim().to_owned(),
            });
        }
    }
    Ok(devices)
}

/// Takes a type from a unit, and says why.
fn forbid(platform: &mut Platform, unit: &str, dtype: DType, kind: &str, outcome: &Outcome) {
    let Some(unit) = platform.pus.iter_mut().find(|each| each.name == unit) else {
        return;
    };
    if !unit.dtypes.remove(&dtype) {
        return;
    }
    unit.peak.remove(&dtype);
    let said = format!("{dtype} {kind}: {}", outcome.short());
    unit.dtypes_note = Some(match unit.dtypes_note.take() {
        Some(before) if before.contains("specplace doctor: ") => format!("{before}, {said}"),
        Some(before) => format!("{before}; specplace doctor: {said}"),
        None => format!("specplace doctor: {said}"),
    });
}

/// A unit that can compute in nothing any more is no unit.
fn drop_useless(platform: &mut Platform) -> Result<Vec<Message>, Failure> {
    let useless: BTreeSet<String> = platform
        .pus
        .iter()
        .filter(|unit| unit.peak.is_empty())
        .map(|unit| unit.name.clone())
        .collect();
    if useless.len() == platform.pus.len() {
        return Err(Failure::impossible(vec![
            Message::error(format!(
                "no unit of the platform {} computes anything rightly",
                platform.name
            ))
            .help("`specplace doctor --json` tells what each of them did"),
        ]));
    }
    platform.pus.retain(|unit| !useless.contains(&unit.name));
    platform
        .links
        .retain(|link| !link.between.iter().any(|name| useless.contains(name)));
    if useless.contains(&platform.control)
        && let Some(first) = platform.pus.first()
    {
        platform.control.clone_from(&first.name);
    }
    Ok(useless
        .iter()
        .map(|name| {
            Message::warning(format!(
                "{name} computes rightly in no type of which the platform gives a rate: it is left out"
            ))
        })
        .collect())
}

fn render(findings: &Findings, platform: &Platform, checked: &Platform) -> String {
    let mut text = String::new();
    for (name, part) in &findings.iree {
        text.push_str(&format!(
            "{name:<20} {:<18} {}\n{:<20} {}\n",
            part.version.as_deref().unwrap_or("?"),
            part.support,
            "",
            part.path.display()
        ));
    }
    text.push_str("\ndevices that IREE's runtime finds\n");
    for device in &findings.devices {
        text.push_str(&format!("  --device={}  {}\n", device.uri, device.name));
    }
    text.push_str(&format!("\nchecks of the platform {}\n", findings.platform));
    // What was said of several checks is repeated once.
    let mut notes: Vec<(&str, &str, Vec<String>)> = Vec::new();
    for unit in &findings.units {
        text.push_str(&format!(
            "  {} (--device={})\n    {:<6}",
            unit.name, unit.device, ""
        ));
        for kind in checks::Kind::ALL {
            text.push_str(&format!(" {:<17}", kind.name()));
        }
        text = text.trim_end().to_owned();
        text.push('\n');
        for dtype in DTYPES {
            let Some(outcomes) = unit.checks.get(dtype.as_str()) else {
                continue;
            };
            let mut line = format!("    {dtype:<6}");
            for kind in checks::Kind::ALL {
                let outcome = outcomes.get(kind.name());
                let word = outcome.map_or_else(|| "-".to_owned(), Outcome::short);
                line.push_str(&format!(" {word:<17}"));
                if let Some(said) = outcome.and_then(Outcome::said) {
                    let check = format!("{dtype} {}", kind.name());
                    let known = notes
                        .iter_mut()
                        .find(|(name, other, _)| *name == unit.name && *other == said);
                    match known {
                        Some((_, _, checks)) => checks.push(check),
                        None => notes.push((&unit.name, said, vec![check])),
                    }
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    if !notes.is_empty() {
        text.push_str("\nwhat was said\n");
        for (unit, said, checks) in notes {
            text.push_str(&format!("  {unit}, {}:\n    {said}\n", checks.join(", ")));
        }
    }
    let lost: Vec<String> = platform
        .pus
        .iter()
        .filter_map(|unit| {
            let left = checked.pu(&unit.name).map(|unit| &unit.dtypes);
            let gone: Vec<&str> = unit
                .dtypes
                .iter()
                .filter(|dtype| left.is_none_or(|left| !left.contains(dtype)))
                .map(|dtype| dtype.as_str())
                .collect();
            (!gone.is_empty()).then(|| format!("  {}: {}", unit.name, gone.join(" ")))
        })
        .collect();
    if lost.is_empty() {
        text.push_str("\nevery type that the platform gives a unit is right there, as far as it was checked\n");
    } else {
        text.push_str(&format!(
            "\nto be avoided (-o platform.yaml writes a platform without them)\n{}\n",
            lost.join("\n")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_taken_from_the_unit() {
        let mut platform = Platform::load("reference").unwrap();
        let wrong = Outcome::Wrong { error: 0.5 };
        forbid(&mut platform, "cpu", DType::F16, "matmul", &wrong);
        forbid(&mut platform, "cpu", DType::I8, "matmul", &Outcome::TooLong);
        // The GPU never had it.
        forbid(&mut platform, "gpu", DType::F16, "matmul", &wrong);
        let unit = platform.pu("cpu").unwrap();
        assert!(!unit.dtypes.contains(&DType::F16) && !unit.peak.contains_key(&DType::I8));
        assert_eq!(
            unit.dtypes_note.as_deref(),
            Some("specplace doctor: f16 matmul: WRONG (50 %), i8 matmul: TOO LONG")
        );
        assert!(drop_useless(&mut platform).unwrap().is_empty());
        let text = platform.to_yaml().unwrap();
        assert!(Platform::from_yaml("checked.yaml", &text).is_ok());
    }

    #[test]
    fn a_unit_without_types_goes() {
        let mut platform = Platform::load("reference").unwrap();
        let lost = Outcome::LostDevice;
        forbid(&mut platform, "gpu", DType::F32, "matmul", &lost);
        assert_eq!(drop_useless(&mut platform).unwrap().len(), 1);
        assert!(platform.pu("gpu").is_none() && platform.links.is_empty());
        let text = platform.to_yaml().unwrap();
        assert!(Platform::from_yaml("checked.yaml", &text).is_ok());
        platform.pus[0].peak.clear();
        assert!(drop_useless(&mut platform).is_err());
    }
}
