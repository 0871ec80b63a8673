//! The platform that cases are placed on, and what its devices say when they
//! are lost.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::process::{self, Finished};
use crate::tools::COMPILE_LIMIT;

/// Names the platform file to test on, absolute or from the top of the
/// checkout. Its GPU is called `gpu`, its CPU devices `cpu`, `cpu2` and `cpu3`.
pub const VARIABLE: &str = "SPECPLACE_E2E_PLATFORM";

/// The platform where [`VARIABLE`] is not set: any machine has its devices.
pub(crate) const DEFAULT: &str = "test/e2e/platforms/three-cpus-and-vulkan.yaml";

/// What the GPU is called.
pub const GPU: &str = "gpu";

/// Units without which there is nothing to test.
const NEEDED: &[&str] = &["cpu", GPU];

/// What drivers say of a device that they lost, through no fault of the
/// module: by the name of the driver. A CUDA kernel that reads out of bounds
/// (`CUDA_ERROR_ILLEGAL_ADDRESS`, `CUDA_ERROR_LAUNCH_FAILED`) is the module's
/// own fault, and so not among them.
const LOST: &[(&str, &[&str])] = &[
    // IREE makes DATA_LOSS of that error, and a fence keeps no more of it.
    (
        "vulkan",
        &[
            "VK_ERROR_DEVICE_LOST",
            "DATA_LOSS; while invoking native function hal.fence.await",
        ],
    ),
    (
        "cuda",
        &[
            "CUDA_ERROR_DEVICE_UNAVAILABLE",
            "CUDA_ERROR_ECC_UNCORRECTABLE",
            "CUDA_ERROR_NVLINK_UNCORRECTABLE",
            "CUDA_ERROR_SYSTEM_NOT_READY",
        ],
    ),
    (
        "hip",
        &["hipErrorECCNotCorrectable", "hipErrorDeviceNotReady"],
    ),
];

/// A platform file, and what it calls its units.
#[derive(Clone, Debug)]
pub struct Platform {
    /// The file.
    pub file: PathBuf,
    /// Its name.
    pub name: String,
    /// The runtime device of each unit.
    units: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Read {
    name: String,
    processing_units: Vec<Unit>,
}

#[derive(Deserialize)]
struct Unit {
    name: String,
    iree: Device,
}

#[derive(Deserialize)]
struct Device {
    runtime_device: String,
}

impl Platform {
    /// Reads the platform that [`VARIABLE`] names, or the one that any machine
    /// has, with the program under test.
    pub fn find(root: &Path, specplace: &Path) -> Result<Self> {
        let given = env::var_os(VARIABLE).filter(|value| !value.is_empty());
        let file = root.join(given.unwrap_or_else(|| DEFAULT.into()));
        let arguments = [
            OsString::from("platforms"),
            file.clone().into(),
            "--json".into(),
        ];
        let said = process::run(specplace, &arguments, root, COMPILE_LIMIT)?.success()?;
        let read: Read = serde_json::from_str(&said.stdout)
            .with_context(|| format!("what was printed of {}", file.display()))?;
        let platform = Self {
            file,
            name: read.name,
            units: read
                .processing_units
                .into_iter()
                .map(|unit| (unit.name, unit.iree.runtime_device))
                .collect(),
        };
        let missing = platform.missing(NEEDED);
        ensure!(
            missing.is_empty(),
            "{} has no unit called {}: the cases place models on `cpu` and `gpu` (and, where there are such, \
             `cpu2` and `cpu3`)",
            platform.file.display(),
            missing.join(", ")
        );
        Ok(platform)
    }

    /// Those of some units that it does not have.
    pub fn missing<'u>(&self, units: &[&'u str]) -> Vec<&'u str> {
        let mut missing: Vec<&str> = units
            .iter()
            .copied()
            .filter(|unit| !self.units.contains_key(*unit))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// The driver of a unit: `vulkan` of `vulkan://0`.
    fn driver(&self, unit: &str) -> Option<&str> {
        let device = self.units.get(unit)?;
        Some(device.split("://").next().unwrap_or(device))
    }

    /// Fails with what is missing unless this machine has a device for every
    /// unit: `listed` is what IREE's runtime finds.
    pub fn check_devices(&self, listed: &[String]) -> Result<()> {
        for unit in self.units.keys() {
            let driver = self.driver(unit).unwrap_or_default();
            ensure!(
                listed.iter().any(|device| device.starts_with(driver)),
                "the platform {} wants a {driver} device for its unit {unit}; IREE finds none here, only {}; what is missing: {}",
                self.name,
                listed.join(", "),
                what_is_missing(driver)
            );
        }
        Ok(())
    }

    /// Whether a run on some units ended because a driver lost its device:
    /// what it said.
    pub fn lost_device(&self, units: &[&str], finished: &Finished) -> Option<&'static str> {
        if finished.status.success() {
            return None;
        }
        let drivers: Vec<&str> = units.iter().filter_map(|unit| self.driver(unit)).collect();
        LOST.iter()
            .filter(|(driver, _)| drivers.contains(driver))
            .flat_map(|(_, phrases)| *phrases)
            .copied()
            .find(|phrase| finished.stderr.contains(phrase))
    }
}

/// What a machine without a driver's device lacks.
fn what_is_missing(driver: &str) -> &'static str {
    match driver {
        "vulkan" => {
            "a Vulkan driver, such as that of the card, or lavapipe (`make setup` installs it, \
             mesa-vulkan-drivers), which runs on any machine"
        }
        "cuda" => "an NVIDIA card with its driver (libcuda.so.1, which `nvidia-smi` would show)",
        "hip" => "an AMD card with its driver and ROCm (libamdhip64.so)",
        "metal" => "macOS",
        _ => "a device of that driver (`iree-run-module --list_devices`)",
    }
}

/// The text of a platform file with these methods of crossing for every link.
pub fn with_methods(platform: &str, methods: Option<&str>) -> String {
    let mut text = String::new();
    for line in platform.lines() {
        // Before the key, whose value may go on in the next lines.
        if let (Some(methods), Some((indent, _))) = (methods, line.split_once("mappable_by:")) {
            text.push_str(&format!("{indent}methods: {methods}\n"));
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;
    use std::time::Duration;

    use super::*;

    fn platform(gpu: &str) -> Platform {
        Platform {
            file: PathBuf::new(),
            name: "made up".to_owned(),
            units: [("cpu", "local-task"), ("gpu", gpu)]
                .map(|(unit, device)| (unit.to_owned(), device.to_owned()))
                .into(),
        }
    }

    fn ended(status: i32, stderr: &str) -> Finished {
        Finished {
            command: String::new(),
            status: ExitStatus::from_raw(status << 8),
            stdout: String::new(),
            stderr: stderr.to_owned(),
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn a_lost_device_is_told_from_a_wrong_module() {
        let units = ["cpu", "gpu"];
        let lost = |gpu: &str, status, said: &str| {
            platform(gpu)
                .lost_device(&units, &ended(status, said))
                .is_some()
        };
        assert!(lost("vulkan", 1, "… VK_ERROR_DEVICE_LOST …"));
        assert!(lost("vulkan://1", 1, "VK_ERROR_DEVICE_LOST"));
        assert!(lost(
            "vulkan",
            1,
            "DATA_LOSS; while invoking native function hal.fence.await; …"
        ));
        assert!(!lost("vulkan", 1, "DATA_LOSS; the file is cut off"));
        assert!(!lost("vulkan", 0, "VK_ERROR_DEVICE_LOST"));
        assert!(!lost("cuda", 1, "VK_ERROR_DEVICE_LOST"));
        assert!(lost("cuda", 1, "CUDA_ERROR_ECC_UNCORRECTABLE"));
        assert!(!lost("cuda", 1, "CUDA_ERROR_ILLEGAL_ADDRESS"));
        let on_the_cpu =
            platform("vulkan").lost_device(&["cpu"], &ended(1, "VK_ERROR_DEVICE_LOST"));
        assert_eq!(on_the_cpu, None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let listed = ["local-sync://", "local-task://"].map(str::to_owned);
        let error = platform("cuda").check_devices(&listed).unwrap_err();
        assert!(error.to_string().contains("NVIDIA"), "{error}");
        assert!(platform("local-sync").check_devices(&listed).is_ok());
        assert_eq!(
            platform("cuda").missing(&["cpu3", "gpu", "cpu2", "cpu3"]),
            ["cpu2", "cpu3"]
        );
    }
}
