//! `specplace doctor`: which IREE this is, which devices it finds, and what
//! each unit of a platform computes rightly.
//!
//! Each unit gets small computations in each type, compiled with its own flags
//! and run on its own device, with a time limit for each. Right results are
//! computed here, on the CPU, without IREE. With `-o` the platform is written
//! without the types that failed, and with a table of the operations that did, so
//! that nothing is placed where it would go wrong.

mod checks;
mod probe;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use cost::Platform;
use diagnostics::{Diagnostic, Failure};
use serde::Serialize;
use tools::find::{self, Surroundings};
use tools::version::Version;
use tools::{Scratch, Tool, Tools};

use crate::args::DoctorArgs;
use crate::output::{self, Output, no_json};
use crate::printer::{Printer, to_stdout};
use crate::progress::Progress;
use crate::request::load_platform;

use checks::DTYPES;
use probe::{Bench, Outcome};
use verdict::{Outcomes, Verdict};

/// How long the list of devices may take: a driver that hangs hangs here first.
const LIST_LIMIT: Duration = Duration::from_secs(60);

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
    /// What follows for placing.
    verdict: Verdict,
}

/// Runs the verb.
///
/// # Errors
///
/// A [`Failure`]: IREE is not installed, or nothing is left to place on.
pub fn run(args: &DoctorArgs, tools: Tools, printer: &Printer) -> Result<(), Failure> {
    let platform = load_platform(&args.platform, args.trust_platform)?;
    if let Some(path) = &args.output {
        output::check_writable(path)?;
    }
    let compiler = tools.find("iree-compile")?;
    let runner = tools.find("iree-run-module")?;
    let folder = Scratch::new()?;
    let progress = Progress::start(printer);
    progress.step("list devices");
    let mut findings = Findings {
        iree: parts(&compiler, &runner),
        devices: devices(&runner)?,
        platform: platform.name.clone(),
        units: Vec::new(),
    };
    let bench = Bench {
        compiler: &compiler,
        runner: &runner,
        folder: folder.path(),
        platform: &platform,
        software: software(&findings.devices),
    };
    let release = Version::of(compiler.path()).map(|version| version.release());
    let mut checked = platform.clone();
    let mut units = Vec::new();
    for (unit, checked) in platform.pus.iter().zip(&mut checked.pus) {
        let mut outcomes = Outcomes::new();
        for dtype in DTYPES {
            progress.step(format!("{}: {dtype}", unit.name));
            outcomes.insert(dtype, bench.check(unit, dtype)?);
        }
        let verdict = Verdict::of(unit, &outcomes, release);
        verdict.apply(checked, release);
        let named = |outcomes: Vec<(checks::Kind, Outcome)>| {
            let outcomes = outcomes.into_iter();
            outcomes
                .map(|(kind, outcome)| (kind.name(), outcome))
                .collect()
        };
        units.push(Unit {
            name: unit.name.clone(),
            device: unit.iree.runtime_device.clone(),
            checks: outcomes
                .into_iter()
                .map(|(dtype, outcomes)| (dtype.as_str().to_owned(), named(outcomes)))
                .collect(),
            verdict,
        });
    }
    findings.units = units;
    drop(progress);
    for warning in drop_useless(&mut checked)? {
        printer.message(&warning);
    }
    let text = if args.json {
        serde_json::to_string_pretty(&findings).map_err(no_json)? + "\n"
    } else {
        render(&findings, args.output.is_some())
    };
    if let Some(path) = &args.output {
        output::write_all(&[Output {
            path: path.clone(),
            contents: files::platform::to_yaml(&checked)?.into_bytes(),
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
    let library = find::find_library(&Surroundings::of_process()).ok();
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
    parts.extend(library.map(|path| (find::LIBRARY, part(path))));
    parts
}

/// The Vulkan device that is none, if there is no other.
fn software(devices: &[Device]) -> Option<&str> {
    let mut vulkan = devices
        .iter()
        .filter(|device| device.uri.starts_with("vulkan"));
    let first = vulkan
        .next()
        .filter(|device| device.name.contains("llvmpipe"))?;
    vulkan.next().is_none().then_some(first.name.as_str())
}

/// What `--dump_devices` lists.
fn devices(runner: &Tool) -> Result<Vec<Device>, Failure> {
    let (done, _) = runner.run_well_within(&["--dump_devices".into()], Some(LIST_LIMIT))?;
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

/// A unit that can compute in nothing any more is no unit.
fn drop_useless(platform: &mut Platform) -> Result<Vec<Diagnostic>, Failure> {
    let useless: BTreeSet<String> = platform
        .pus
        .iter()
        .filter(|unit| unit.peak.is_empty())
        .map(|unit| unit.name.clone())
        .collect();
    if useless.len() == platform.pus.len() {
        return Err(Failure::impossible(vec![
            Diagnostic::error(format!(
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
            Diagnostic::warning(format!(
                "{name} computes rightly in no type of which the platform gives a rate: it is left out"
            ))
        })
        .collect())
}

fn render(findings: &Findings, is_written: bool) -> String {
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
            "  {} (--device={})\n    {:<13}",
            unit.name, unit.device, ""
        ));
        for dtype in DTYPES {
            text.push_str(&format!(" {:<16}", dtype.as_str()));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        for kind in checks::Kind::ALL {
            let mut line = format!("    {:<13}", kind.name());
            for dtype in DTYPES {
                let outcomes = unit.checks.get(dtype.as_str());
                let outcome = outcomes.and_then(|outcomes| outcomes.get(kind.name()));
                let word = outcome.map_or_else(|| "-".to_owned(), Outcome::short);
                line.push_str(&format!(" {word:<16}"));
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
            text.push_str(&format!("  {unit}, {}:\n    {said}\n", some_of(&checks)));
        }
    }
    text.push_str("\nwhat it means for placing\n");
    for unit in &findings.units {
        let mut lines = unit.verdict.lines();
        if unit.verdict.not_here {
            lines.push("not all could be tried on this machine".to_owned());
        } else if lines.is_empty() {
            lines.push("all is right".to_owned());
        }
        for line in lines {
            text.push_str(&format!("  {}: {line}\n", unit.name));
        }
    }
    text.push_str(&last_line(findings, is_written));
    text
}

/// The first of many checks, and how many more there are.
fn some_of(checks: &[String]) -> String {
    const SOME: usize = 6;
    match checks.get(SOME..) {
        Some(rest) if rest.len() > 1 => {
            let first: Vec<&str> = checks.iter().take(SOME).map(String::as_str).collect();
            format!("{} and {} more", first.join(", "), rest.len())
        }
        _ => checks.join(", "),
    }
}

/// Whether the platform can be trusted as it is.
fn last_line(findings: &Findings, is_written: bool) -> String {
    let name = &findings.platform;
    let bad = findings.units.iter().any(|unit| unit.verdict.is_bad());
    match (bad, is_written) {
        (false, _) => {
            format!(
                "\n{name} lets no unit do what was seen to go wrong, as far as it was checked\n"
            )
        }
        (true, true) => {
            format!(
                "\n{name} lets units do what goes wrong here; the platform that is written does not\n"
            )
        }
        (true, false) => format!(
            "\n{name} lets units do what goes wrong here; -o platform.yaml writes a platform that does not\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cost::workload::DType;

    #[test]
    fn a_unit_without_types_goes() {
        let mut platform = files::platform::load("reference").unwrap();
        assert!(drop_useless(&mut platform).unwrap().is_empty());
        for unit in platform.pus.iter_mut().filter(|unit| unit.name == "gpu") {
            let lost = Verdict {
                types: BTreeMap::from([(DType::F32, "matmul: LOST DEVICE".to_owned())]),
                ..Verdict::default()
            };
            lost.apply(unit, None);
        }
        assert_eq!(drop_useless(&mut platform).unwrap().len(), 1);
        assert!(platform.pu("gpu").is_none() && platform.links.is_empty());
        let text = files::platform::to_yaml(&platform).unwrap();
        assert!(files::platform::from_yaml("checked.yaml", &text).is_ok());
        platform.pus[0].peak.clear();
        assert!(drop_useless(&mut platform).is_err());
    }
}
