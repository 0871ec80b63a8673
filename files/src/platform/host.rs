//! The built-in platform `host`: this machine, as far as it can be known without running anything.
//!
//! Cores, memory and instruction sets are read; rates cannot be, so they are assumed and say so.
//! Whoever wants a decision to rest on more gives a profile. The structure is deterministic: a CPU
//! named `cpu`, and a GPU named `gpu` when a Vulkan driver can be loaded.

use cost::platform::{IreeTarget, Link, Memory, OpSet, Platform, ProcessingUnit, PuKind};
use cost::units::{Bytes, BytesPerSecond, Dimension, Quantity, Source};
use cost::workload::DType;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Without it -O2 makes many modules exceed the shared memory of SPIR-V kernels.
const SMALL_KERNELS: &str = "--iree-dispatch-creation-enable-aggressive-fusion=false";

/// What was found on the machine.
#[derive(Clone, Debug, Default)]
struct Facts {
    cores: u32,
    memory: Option<u64>,
    /// Highest clock rate in hertz.
    clock: Option<f64>,
    /// Words of `/proc/cpuinfo`'s flags (x86) or Features (Arm).
    features: BTreeSet<String>,
    gpu: Option<Gpu>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gpu {
    Hardware,
    /// lavapipe: Vulkan on the CPU's own cores.
    Software,
}

pub(super) fn probe() -> Platform {
    describe(&Facts {
        cores: std::thread::available_parallelism()
            .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
            .min(65536),
        memory: memory(),
        clock: read("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
            .and_then(|khz| khz.trim().parse::<f64>().ok())
            .map(|khz| khz * 1e3),
        features: features(&read("/proc/cpuinfo").unwrap_or_default()),
        gpu: gpu(&icd_files(), has_render_node()),
    })
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Total memory, or less where a control group allows less.
fn memory() -> Option<u64> {
    let total = total_memory(&read("/proc/meminfo")?)?;
    let limit = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    Some(limit.map_or(total, |limit: u64| limit.min(total)))
}

fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

fn features(cpuinfo: &str) -> BTreeSet<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("flags") || line.starts_with("Features"));
    line.and_then(|line| line.split_once(':'))
        .map(|(_, words)| words.split_whitespace().map(str::to_owned).collect())
        .unwrap_or_default()
}

/// Driver manifests where the Vulkan loader looks for them.
fn icd_files() -> Vec<PathBuf> {
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        if let Some(paths) = std::env::var_os(variable) {
            return std::env::split_paths(&paths)
                .filter(|path| path.is_file())
                .collect();
        }
    }
    let mut files: Vec<PathBuf> = [
        "/etc/vulkan/icd.d",
        "/usr/share/vulkan/icd.d",
        "/usr/local/share/vulkan/icd.d",
    ]
    .iter()
    .filter_map(|folder| fs::read_dir(folder).ok())
    .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
    .filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    })
    .collect();
    files.sort();
    files
}

/// Drivers of hardware that is not there are installed all the time (Mesa brings them together); a
/// device node is the sign of hardware.
fn has_render_node() -> bool {
    let node = |folder: &str, prefix: &str| {
        fs::read_dir(folder).is_ok_and(|entries| {
            entries
                .flatten()
                .any(|e| e.file_name().to_string_lossy().starts_with(prefix))
        })
    };
    node("/dev/dri", "renderD")
        || Path::new("/dev/nvidia0").exists()
        || Path::new("/dev/mali0").exists()
}

fn gpu(icds: &[PathBuf], render_node: bool) -> Option<Gpu> {
    let software = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("lvp_"))
    };
    if render_node && icds.iter().any(|icd| !software(icd)) {
        Some(Gpu::Hardware)
    } else {
        icds.iter().any(software).then_some(Gpu::Software)
    }
}

fn assumed<D: Dimension>(value: f64, why: &str) -> Quantity<D> {
    Quantity::new(value, Source::Assumed, Some(why.to_owned()))
}

fn describe(facts: &Facts) -> Platform {
    let capacity: Quantity<Bytes> = match facts.memory {
        Some(bytes) => Quantity::new(
            bytes as f64,
            Source::Measured,
            Some("/proc/meminfo, or the control group's limit".into()),
        ),
        None => assumed(8.0 * 1024f64.powi(3), "the system does not tell"),
    };
    let mut platform = Platform {
        name: "host".into(),
        description: "this machine: structure probed, rates assumed".into(),
        origin: "<probed>".into(),
        pus: vec![cpu(facts)],
        memories: vec![Memory {
            name: "ram".into(),
            capacity,
        }],
        links: vec![],
        control: "cpu".into(),
        round_overhead: assumed(50e-6, "one host wait on local-task"),
        compile_flags: vec!["--iree-opt-level=O2".into()],
    };
    if let Some(gpu) = facts.gpu {
        let software = gpu == Gpu::Software;
        platform.pus.push(vulkan(facts, gpu));
        if !software {
            platform.memories.push(Memory {
                name: "vram".into(),
                capacity: assumed(4.0 * 1024f64.powi(3), "Vulkan is not asked"),
            });
        }
        platform.links.push(Link {
            between: ["cpu".into(), "gpu".into()],
            latency: assumed(300e-6, "a Vulkan dispatch and a host wait"),
            bandwidth: assumed(8e9, "PCIe 3.0 x8, or a copy in memory"),
            unified_memory: software,
            transparent_access: false,
            mappable_by: vec!["cpu".into()],
            owner: None,
            methods: None,
        });
    }
    platform
}

/// f32 operations per cycle of one core: lanes × 2 (multiply-add) × units.
fn f32_per_cycle(features: &BTreeSet<String>) -> (f64, &'static str) {
    let has = |feature: &str| features.contains(feature);
    if has("avx512f") {
        (64.0, "AVX-512, two units")
    } else if has("avx2") && has("fma") {
        (32.0, "AVX2 with FMA, two units")
    } else if has("asimd") {
        (16.0, "NEON, two units")
    } else {
        (8.0, "128-bit vectors")
    }
}

fn cpu(facts: &Facts) -> ProcessingUnit {
    let has = |feature: &str| facts.features.contains(feature);
    let (per_cycle, how) = f32_per_cycle(&facts.features);
    let clock = facts.clock.unwrap_or(2.5e9);
    let clock_how = if facts.clock.is_some() {
        "at the highest clock"
    } else {
        "at 2.5 GHz, the clock is not told"
    };
    let f32_rate = per_cycle * clock;
    let rate = |times: f64, what: &str| {
        assumed(
            f32_rate * times,
            &format!("{what}; f32 has {how}, {clock_how}"),
        )
    };
    let half = if has("avx512_fp16") || has("asimdhp") {
        rate(2.0, "native")
    } else {
        rate(0.5, "converted to f32 and back")
    };
    let brain = if has("avx512_bf16") || has("bf16") {
        rate(2.0, "native")
    } else {
        rate(0.5, "converted to f32 and back")
    };
    let byte = if has("avx512_vnni") || has("avx_vnni") || has("asimddp") {
        rate(4.0, "dot products")
    } else {
        rate(1.0, "widened")
    };
    ProcessingUnit {
        name: "cpu".into(),
        kind: PuKind::Cpu,
        count: Quantity::new(
            f64::from(facts.cores.max(1)),
            Source::Measured,
            Some("what this process may use".into()),
        ),
        resource: "cores".into(),
        memory: "ram".into(),
        peak: BTreeMap::from([
            (DType::F64, rate(0.5, "half the lanes")),
            (DType::F32, rate(1.0, "vectors")),
            (DType::F16, half),
            (DType::BF16, brain),
            (DType::I32, rate(1.0, "as f32")),
            (DType::I8, byte),
        ]),
        efficiency: assumed(0.5, "typical of IREE's f32 kernels"),
        bandwidth: assumed(20e9, "two channels of DDR4, half used"),
        bandwidth_per_resource: Some(assumed::<BytesPerSecond>(10e9, "one core's share")),
        read_back: None,
        dispatch_overhead: assumed(4e-6, "local-task; 2 to 8 us seen on x86"),
        dtypes: DType::ALL
            .iter()
            .copied()
            .filter(|dtype| !matches!(dtype, DType::F8E4M3 | DType::F8E5M2 | DType::F4E2M1))
            .collect(),
        dtypes_note: None,
        ops: OpSet::default(),
        cannot: vec![],
        power: None,
        iree: IreeTarget {
            alias: "local".into(),
            ordinal: None,
            compile_flags: [
                "--iree-hal-local-target-device-backends=llvm-cpu",
                "--iree-llvmcpu-target-cpu=host",
            ]
            .map(String::from)
            .to_vec(),
            module_flags: vec![],
            runtime_device: "local-task".into(),
            runtime_flags: vec![],
            restrict_flags: vec!["--task_topology_cpu_ids={ids}".into()],
        },
    }
}

fn vulkan(facts: &Facts, gpu: Gpu) -> ProcessingUnit {
    let (peak, bandwidth, overhead, memory, why) = match gpu {
        Gpu::Hardware => (
            1e12,
            50e9,
            30e-6,
            "vram",
            "a modest GPU; Vulkan is not asked",
        ),
        Gpu::Software => {
            let cpu = f32_per_cycle(&facts.features).0
                * facts.clock.unwrap_or(2.5e9)
                * f64::from(facts.cores.max(1));
            (
                cpu * 0.25,
                10e9,
                200e-6,
                "ram",
                "lavapipe: Vulkan on the CPU's cores, a quarter of their rate",
            )
        }
    };
    ProcessingUnit {
        name: "gpu".into(),
        kind: PuKind::Gpu,
        count: assumed(1.0, "counted as one"),
        resource: "devices".into(),
        memory: memory.into(),
        peak: BTreeMap::from([(DType::F32, assumed(peak, why))]),
        efficiency: assumed(0.3, "typical of IREE's SPIR-V kernels without tuning"),
        bandwidth: assumed(bandwidth, why),
        bandwidth_per_resource: None,
        read_back: None,
        dispatch_overhead: assumed(overhead, why),
        dtypes: BTreeSet::from([DType::F32, DType::Index, DType::I64, DType::I32, DType::I1]),
        dtypes_note: Some("IREE's default Vulkan target computes f16 and i8 wrongly in places; name a target in a platform file to allow them".into()),
        ops: OpSet::default(),
        cannot: vec![],
        power: None,
        iree: IreeTarget {
            alias: "vulkan".into(),
            ordinal: None,
            compile_flags: vec![],
            module_flags: vec![SMALL_KERNELS.into()],
            runtime_device: "vulkan".into(),
            runtime_flags: vec![],
            restrict_flags: vec![],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::validate;
    use crate::yaml::Document;

    #[test]
    fn reads_linux_files() {
        assert_eq!(
            total_memory("MemFree: 1 kB\nMemTotal:       16384 kB\n"),
            Some(16384 * 1024)
        );
        assert_eq!(total_memory("nothing"), None);
        assert!(features("flags\t: sse avx2 fma\n").contains("fma"));
        assert!(features("").is_empty());
    }

    #[test]
    fn a_driver_without_hardware_is_no_gpu() {
        let icd = |name: &str| PathBuf::from(format!("/usr/share/vulkan/icd.d/{name}.json"));
        assert_eq!(
            gpu(&[icd("intel_icd.x86_64"), icd("lvp_icd.x86_64")], false),
            Some(Gpu::Software)
        );
        assert_eq!(gpu(&[icd("intel_icd.x86_64")], false), None);
        assert_eq!(
            gpu(&[icd("intel_icd.x86_64"), icd("lvp_icd.x86_64")], true),
            Some(Gpu::Hardware)
        );
        assert_eq!(gpu(&[], true), None);
    }

    #[test]
    fn structure_follows_the_facts() {
        let bare = describe(&Facts::default());
        assert_eq!(bare.pus.len(), 1);
        assert_eq!(bare.pu("cpu").map(ProcessingUnit::resources), Some(1));
        let with_gpu = describe(&Facts {
            cores: 8,
            gpu: Some(Gpu::Software),
            ..Facts::default()
        });
        assert_eq!(with_gpu.pus.len(), 2);
        assert!(with_gpu.link("gpu", "cpu").is_some());
        // The probed platform must satisfy what a file has to.
        for platform in [bare, with_gpu, probe()] {
            validate::platform(&platform, &Document::unwritten("<probed>")).unwrap();
        }
    }
}
