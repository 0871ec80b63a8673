//! Which flags a platform file may give to IREE's programs.
//!
//! A platform file is data, and may come from a stranger. A flag is more: some of
//! IREE's write files wherever they are told, read them, or start programs and load
//! libraries. So a file may give the flags listed here, which say what code is made
//! and how devices are used; whoever gives others says that the file is trusted.

use crate::FileError;
use crate::yaml::{Document, Step};
use cost::Platform;

/// How the names of flags begin, and how those that are harmless go on.
type Family = (&'static str, &'static str);

/// For iree-compile. None names a file, a folder, a program or a pipeline of passes.
const COMPILE: &[Family] = &[
    (
        "--iree-hal-",
        "executable-debug-level external-resources-mappable force-indirect-command-buffers \
         indirect-command-buffers link-executables local-host-device-backends \
         local-target-device-backends memoization target-device",
    ),
    (
        "--iree-llvmcpu-",
        "debug-symbols disable-arm-sme-tiling disable-distribution disable-vector-peeling \
         distribution-size enable-inner-tiled enable-llvm-ukernels \
         enable-scalable-vectorization enable-ukernels fail-on-large-vector \
         fail-on-out-of-bounds-stack-allocation force-arm-streaming link-ukernel-bitcode \
         loop-interleaving loop-unrolling loop-vectorization matmul-tile-bytes \
         max-allowed-number-of-native-vectors mlir-opt-level number-of-threads \
         reassociate-fp-reductions riscv-aggressive-distribution skip-intermediate-roundings \
         slp-vectorization stack-allocation-assumed-vscale stack-allocation-limit target-abi \
         target-cpu target-cpu-features target-data-layout target-float-abi target-triple \
         target-vector-width-in-bytes use-decompose-softmax-fuse use-fast-min-max-ops \
         vector-pproc-strategy vscale-range",
    ),
    (
        "--iree-vmvx-",
        "enable-microkernels skip-intermediate-roundings",
    ),
    ("--iree-vulkan-", "dispatch-abi target target-features"),
    ("--iree-spirv-", "index-bits"),
    ("--iree-cuda-", "target target-features"),
    ("--iree-hip-", "target target-features waves-per-eu"),
    (
        "--iree-rocm-",
        "denormal-fp-math-f32 enable-tensor-ukernels enable-ukernels llvm-global-isel \
         llvm-slp-vec specialize-dispatches target target-features use-spirv waves-per-eu",
    ),
    ("--iree-metal-", "compile-to-metallib target-platform"),
    (
        "--iree-llvmgpu-",
        "enable-shared-memory-reuse enable-small-float-emulation prefetch-num-stages \
         shared-memory-limit use-direct-load",
    ),
    (
        "--iree-codegen-llvmgpu-",
        "enable-outer-reduction-tile-and-fuse use-direct-convolution use-igemm \
         use-reduction-vector-distribution use-tile-and-fuse-convolution \
         use-tile-and-fuse-matmul use-vector-distribution vectorize-pipeline",
    ),
    (
        "--iree-codegen-",
        "linalg-max-constant-fold-elements mmt4d-use-intrinsics",
    ),
    (
        "--iree-opt-",
        "aggressively-propagate-transposes const-eval const-expr-hoisting \
         const-expr-max-size-increase-threshold data-tiling generalize-matmul level \
         numeric-precision-reduction outer-dim-concat strip-assertions",
    ),
    (
        "--iree-input-",
        "demote-f32-to-f16 demote-f64-to-f32 demote-i64-to-i32 promote-bf16-to-f32 \
         promote-f16-to-f32",
    ),
    (
        "--iree-dispatch-creation-",
        "block-matmul-producer-fusion data-tiling element-wise-fuse-multi-reduction \
         enable-aggressive-fusion enable-aggressive-reshape-movement \
         enable-early-trunc-fusion enable-fuse-horizontal-contractions \
         enable-fuse-padding-into-linalg-consumer-ops \
         enable-fuse-padding-into-linalg-producer-ops enable-split-reduction fuse-multi-use \
         opt-level split-argmax-threshold split-argmax-tile-size split-matmul-reduction \
         split-reduction-low-parallelism topk-split-reduction",
    ),
    (
        "--iree-flow-",
        "enable-pad-handling inline-constants-max-byte-length zero-fill-empty-tensors",
    ),
    (
        "--iree-global-opt-",
        "data-tiling enable-attention-v-transpose enable-early-materialization \
         enable-qdq-to-integer-math enable-quantized-matmul-reassociation \
         enable-sink-transpose-through-pad propagate-transposes \
         propagate-transposes-through-conv use-im2col-for-convs",
    ),
    (
        "--iree-stream-",
        "affinity-solver-max-iterations emulate-memset partitioning-favor \
         resource-alias-mutable-bindings resource-index-bits resource-max-allocation-size \
         resource-max-range resource-memory-model resource-min-offset-alignment",
    ),
    (
        "--iree-scheduling-",
        "initialization-mode optimize-bindings",
    ),
    (
        "--iree-vm-",
        "bytecode-module-strip-debug-ops bytecode-module-strip-source-map target-extension-f32 \
         target-extension-f64 target-index-bits target-truncate-unsupported-floats",
    ),
];

/// For iree-run-module and iree-benchmark-module.
const RUN: &[Family] = &[
    (
        "--task_topology_",
        "cpu_ids distribution favor group_count max_group_count mode nodes performance_level",
    ),
    ("--task_worker_", "local_memory spin_us stack_size"),
    (
        "--cuda_",
        "allow_inline_execution async_allocations default_index use_streams",
    ),
    (
        "--hip_",
        "allow_inline_execution async_allocations async_caching default_index use_streams",
    ),
    (
        "--vulkan_",
        "buffer_device_addresses debug_utils debug_verbosity dedicated_compute_queue \
         dispatch_abi robust_buffer_access sparse_binding sparse_residency validation_layers",
    ),
];

/// What `iree.runtime_device` may begin with. Others may read or write files.
const DRIVERS: [&str; 7] = [
    "local-sync",
    "local-task",
    "vulkan",
    "cuda",
    "hip",
    "amdgpu",
    "metal",
];

const HELP: &str = "a flag may write files or start programs (SECURITY.md says which may stand here): read what it does, \
                    and if you trust the file, add --trust-platform";

/// Refuses a platform whose file gives IREE's programs what is not listed.
pub(super) fn check(platform: &Platform, document: &Document) -> Result<(), FileError> {
    let refuse = |path: &[Step<'_>], what: String| {
        let message = format!("{what} is nothing that a platform file may say by itself");
        Err(document.wrong(path, message, Some(HELP.into())))
    };
    let flag = |flag: &str| format!("the flag `{}`", flag.escape_debug());
    if let Some((item, found)) = odd(&platform.compile_flags, COMPILE) {
        return refuse(&[Step::Key("compile_flags"), Step::Item(item)], flag(found));
    }
    for (index, unit) in platform.pus.iter().enumerate() {
        let iree = &unit.iree;
        for (key, flags, listed) in [
            ("compile_flags", &iree.compile_flags, COMPILE),
            ("module_flags", &iree.module_flags, COMPILE),
            ("runtime_flags", &iree.runtime_flags, RUN),
            ("restrict_flags", &iree.restrict_flags, RUN),
        ] {
            if let Some((item, found)) = odd(flags, listed) {
                let path = [
                    Step::Key("processing_units"),
                    Step::Item(index),
                    Step::Key("iree"),
                    Step::Key(key),
                    Step::Item(item),
                ];
                return refuse(&path, flag(found));
            }
        }
        if !is_device(&iree.runtime_device) {
            let path = [
                Step::Key("processing_units"),
                Step::Item(index),
                Step::Key("iree"),
                Step::Key("runtime_device"),
            ];
            return refuse(
                &path,
                format!("the device `{}`", iree.runtime_device.escape_debug()),
            );
        }
    }
    Ok(())
}

/// The first flag that is not listed.
fn odd<'a>(flags: &'a [String], listed: &[Family]) -> Option<(usize, &'a str)> {
    let mut flags = flags.iter().map(String::as_str).enumerate();
    flags.find(|(_, flag)| !is_listed(flag, listed))
}

fn is_listed(flag: &str, listed: &[Family]) -> bool {
    let name = flag.split_once('=').map_or(flag, |(name, _)| name);
    listed.iter().any(|(family, rest)| {
        name.strip_prefix(family)
            .is_some_and(|name| rest.split_whitespace().any(|listed| listed == name))
    })
}

/// `vulkan`, or `vulkan://0`: a driver, and which of its devices.
fn is_device(given: &str) -> bool {
    let (driver, which) = given.split_once("://").unwrap_or((given, ""));
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.:,".contains(letter);
    DRIVERS.contains(&driver) && which.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{BUILTIN_NAMES, load, to_yaml};

    #[test]
    fn what_names_files_or_programs_is_not_listed() {
        for flag in [
            "--iree-llvmcpu-embedded-linker-path=/tmp/x",
            "--iree-llvmcpu-system-linker-path=/tmp/x",
            "--iree-llvmcpu-link-embedded=false",
            "--iree-llvmcpu-static-library-output-path=x",
            "--iree-opt-export-parameters=x",
            "--iree-opt-splat-parameters=x",
            "--iree-hal-dump-executable-files-to=/tmp",
            "--iree-hal-substitute-executable-object=a=b",
            "--iree-load-plugin=x.so",
            "--iree-cuda-use-ptxas-from=/tmp/x",
            "--iree-codegen-tuning-spec-path=x",
            "--iree-preprocessing-pass-pipeline=x",
            "--iree-vm-bytecode-source-listing=x",
            "--mlir-print-ir-after-all",
            "--help",
            "-o=x",
            "-o",
            "@/etc/passwd",
            "x.mlir",
            "",
            "--",
            "--iree-opt-",
            "--iree-opt-level O2",
            " --iree-opt-level=O2",
        ] {
            assert!(!is_listed(flag, COMPILE), "{flag}");
        }
        for flag in [
            "--executable_plugin=x.so",
            "--output=@x",
            "--flagfile=x",
            "--module=x",
            "--hip_dylib_path=x",
            "--vulkan_libvulkan_search_path=x",
            "--device_profiling_output=x",
            "--help",
            "--iree-opt-level=O2",
        ] {
            assert!(!is_listed(flag, RUN), "{flag}");
        }
    }

    #[test]
    fn what_says_how_code_is_made_is_listed() {
        for flag in [
            "--iree-opt-level=O2",
            "--iree-llvmcpu-target-cpu=host",
            "--iree-hal-local-target-device-backends=llvm-cpu",
            "--iree-input-demote-f64-to-f32=false",
            "--iree-dispatch-creation-enable-aggressive-fusion=false",
        ] {
            assert!(is_listed(flag, COMPILE), "{flag}");
        }
        assert!(is_listed("--task_topology_cpu_ids={ids}", RUN));
    }

    #[test]
    fn devices_are_a_driver_and_a_number() {
        for device in ["local-task", "vulkan", "cuda://0", "hip://GPU-0a:1"] {
            assert!(is_device(device), "{device}");
        }
        for device in [
            "",
            "replay://x",
            "vulkan://../x",
            "vulkan?x=y",
            "local-task --output=@x",
        ] {
            assert!(!is_device(device), "{device}");
        }
    }

    /// Everything of ours is data in this sense, and so is what the machine says.
    #[test]
    fn what_is_built_in_may_stand_in_a_file() {
        for name in BUILTIN_NAMES {
            let platform = load(name).unwrap();
            let text = to_yaml(&platform).unwrap();
            let document = Document::parse("p.yaml", &text).unwrap();
            assert!(check(&platform, &document).is_ok(), "{name}");
        }
    }
}
