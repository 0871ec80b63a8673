//! What iree-compile and iree-run-module need to be told beside the module.
//!
//! OUT declares its own devices; the rest stands in two files beside it.
//! iree-compile takes `@out.flags`, a response file: one flag per line, quoted
//! as a shell would have it, and no comments (it would take their words for
//! arguments). iree-run-module and iree-benchmark-module take
//! `--flagfile=out.run.flags`, which may have comments.

use cost::Platform;
use cost::plan::{DevicePlan, Plan};
use diagnostics::Diagnostic;

/// Linked executables shared by unlike devices lose one device's variant,
/// which shows only at load.
const ALWAYS: [&str; 1] = ["--iree-hal-link-executables=false"];

/// Flags of which iree-compile takes one value for the whole module.
const SINGLE: [&str; 2] = ["--iree-llvmcpu-target-", "--iree-vulkan-target"];

/// Flags for both programs, in order and without repetition: iree-compile
/// refuses a flag that is given twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// For iree-compile.
    pub compile: Vec<String>,
    /// For iree-run-module and iree-benchmark-module.
    pub run: Vec<String>,
    /// What could not be had.
    pub warnings: Vec<Diagnostic>,
}

impl Flags {
    /// The flags for a module that follows `plan`, which was made for
    /// `platform`, with what the module itself needs, unless the platform says
    /// something else about that.
    pub fn of(plan: &Plan, platform: &Platform, of_module: Vec<String>) -> Self {
        let mut flags = Self::new(&plan.compile_flags, &plan.devices, platform);
        for flag in of_module {
            let name = flag.split('=').next();
            let is_said = flags
                .compile
                .iter()
                .any(|each| each.split('=').next() == name);
            if !is_said {
                flags.add_compile(&flag);
            }
        }
        flags
    }

    fn new(compile: &[String], devices: &[DevicePlan], platform: &Platform) -> Self {
        let mut flags = Self::default();
        for flag in ALWAYS {
            flags.add_compile(flag);
        }
        for flag in compile {
            flags.add_compile(flag);
        }
        flags.add_devices(devices, platform);
        for flag in devices.iter().flat_map(|device| &device.run_flags) {
            if !flags.run.contains(flag) {
                flags.run.push(flag.clone());
            }
        }
        flags
    }

    fn add_compile(&mut self, flag: &str) {
        if self.compile.iter().any(|before| before == flag) {
            return;
        }
        if SINGLE.iter().any(|single| flag.starts_with(single)) {
            let name = |flag: &str| flag.split('=').next().map(str::to_owned);
            let before = self.compile.iter().find(|other| name(other) == name(flag));
            if let Some(before) = before {
                self.warnings.push(
                    Diagnostic::warning(format!(
                        "the platform's units ask iree-compile for {before} and for {flag}, and it takes one: the \
                         first is used"
                    ))
                    .help("give both units a target that serves both"),
                );
                return;
            }
        }
        self.compile.push(flag.to_owned());
    }

    /// One `--device=` per device. An alias with an ordinal, `local[1]`, means
    /// the second device *of that kind*, so that the lower ordinals have to be
    /// there even when nothing is placed on them. The kinds come in the order
    /// of `devices`, control's first: inputs are allocated on the first one.
    fn add_devices(&mut self, devices: &[DevicePlan], platform: &Platform) {
        let mut kinds: Vec<&str> = Vec::new();
        for device in devices {
            if !kinds.contains(&device.alias.as_str()) {
                kinds.push(&device.alias);
            }
        }
        for kind in kinds {
            let of_kind: Vec<&DevicePlan> = devices
                .iter()
                .filter(|device| device.alias == kind)
                .collect();
            let ordinal = |device: &DevicePlan| device.ordinal.unwrap_or(0);
            let last = of_kind.iter().map(|device| ordinal(device)).max();
            for at in 0..=last.unwrap_or(0) {
                let planned = of_kind.iter().find(|device| ordinal(device) == at);
                let name = match planned {
                    Some(device) => Some(&device.runtime_device),
                    None => platform
                        .pus
                        .iter()
                        .map(|unit| &unit.iree)
                        .find(|iree| iree.alias == kind && iree.ordinal.unwrap_or(0) == at)
                        .map(|iree| &iree.runtime_device)
                        .or_else(|| of_kind.first().map(|device| &device.runtime_device)),
                };
                self.run.extend(name.map(|name| format!("--device={name}")));
            }
        }
    }

    /// Without the flags of the devices themselves, which the module then says
    /// (`--embed-targets`).
    #[must_use]
    pub fn without_devices(mut self, devices: &[DevicePlan]) -> Self {
        let said = |flag: &String| {
            devices
                .iter()
                .any(|device| device.compile_flags.contains(flag))
        };
        self.compile.retain(|flag| !said(flag));
        self.warnings.clear();
        self
    }

    /// The response file for iree-compile.
    pub fn compile_file(&self) -> String {
        self.compile
            .iter()
            .map(|flag| format!("{}\n", quoted(flag)))
            .collect()
    }

    /// The flag file for iree-run-module.
    pub fn run_file(&self) -> String {
        let flags: String = self.run.iter().map(|flag| format!("{flag}\n")).collect();
        format!("# For iree-run-module and iree-benchmark-module: --flagfile=THIS\n{flags}")
    }
}

/// As LLVM's response files want it.
fn quoted(flag: &str) -> String {
    if flag.contains(|letter: char| letter.is_whitespace() || "\"'\\".contains(letter)) {
        return format!("\"{}\"", flag.replace('\\', "\\\\").replace('"', "\\\""));
    }
    flag.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flags for `used` units of a platform, control's first, each with
    /// so many resources.
    fn flags(platform: &str, used: &[(&str, u32)]) -> Flags {
        let platform = files::platform::load(platform).unwrap();
        let devices: Vec<DevicePlan> = used
            .iter()
            .map(|(name, active)| {
                let unit = platform.pu(name).unwrap();
                DevicePlan {
                    pu: unit.name.clone(),
                    alias: unit.iree.alias.clone(),
                    ordinal: unit.iree.ordinal,
                    active: *active,
                    of: unit.resources(),
                    resource: unit.resource.clone(),
                    compile_flags: unit.iree.compile_flags.clone(),
                    runtime_device: unit.iree.runtime_device.clone(),
                    run_flags: unit.iree.run_flags(*active, unit.resources()),
                    roles: Vec::new(),
                }
            })
            .collect();
        let compile: Vec<String> = devices
            .iter()
            .flat_map(|device| device.compile_flags.clone())
            .collect();
        Flags::new(&compile, &devices, &platform)
    }

    #[test]
    fn cpu_and_gpu() {
        let flags = flags("reference", &[("cpu", 2), ("gpu", 1)]);
        assert_eq!(
            flags.compile_file(),
            "--iree-hal-link-executables=false\n\
             --iree-hal-local-target-device-backends=llvm-cpu\n\
             --iree-llvmcpu-target-cpu=host\n"
        );
        assert_eq!(
            flags.run,
            [
                "--device=local-task",
                "--device=vulkan",
                "--task_topology_cpu_ids=0,1"
            ]
        );
        assert!(flags.run_file().starts_with("# "));
        assert!(flags.warnings.is_empty());
    }

    #[test]
    fn the_device_of_control_comes_first() {
        let flags = flags("reference", &[("gpu", 1), ("cpu", 99)]);
        assert_eq!(flags.run, ["--device=vulkan", "--device=local-task"]);
    }

    #[test]
    fn one_device_alone() {
        let flags = flags("reference", &[("gpu", 1)]);
        assert_eq!(flags.run, ["--device=vulkan"]);
        assert_eq!(flags.compile, ALWAYS);
    }

    #[test]
    fn lower_ordinals_are_filled() {
        for used in [&[("cpu2", 99)][..], &[("cpu2", 99), ("cpu", 99)]] {
            let flags = flags("two-cpus", used);
            assert_eq!(flags.run, ["--device=local-task", "--device=local-task"]);
            let cpu = flags
                .compile
                .iter()
                .filter(|flag| flag.contains("target-cpu"));
            assert_eq!(cpu.count(), 1, "not twice: {:?}", flags.compile);
        }
    }

    #[test]
    fn contradicting_targets_are_a_warning() {
        let mut flags = Flags::default();
        flags.add_compile("--iree-llvmcpu-target-cpu=host");
        flags.add_compile("--iree-llvmcpu-target-cpu=cortex-a55");
        assert_eq!(flags.compile, ["--iree-llvmcpu-target-cpu=host"]);
        assert_eq!(flags.warnings.len(), 1);
        assert_eq!(
            flags.warnings[0].message,
            "the platform's units ask iree-compile for --iree-llvmcpu-target-cpu=host and for \
             --iree-llvmcpu-target-cpu=cortex-a55, and it takes one: the first is used"
        );
    }

    #[test]
    fn spaces_are_quoted() {
        assert_eq!(quoted("--a=b c"), "\"--a=b c\"");
        assert_eq!(quoted(r#"--a="b\""#), r#""--a=\"b\\\"""#);
    }
}
