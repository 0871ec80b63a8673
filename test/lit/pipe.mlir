// specplace in a pipe between two runs of iree-compile: nothing but IR goes
// through it, and what comes out needs no flags. The operators are
// iree-turbine's: torch.specplace.* do not survive IREE's own input phase, and
// a module with those is given to specplace as it was exported.

// RUN: iree-compile --compile-to=input %data/step_transfer.mlir -o - \
// RUN:   | specplace - -o - --alpha 0.9 --platform two-cpus --pin drafter=cpu2,target=cpu,control=cpu 2> %t.said \
// RUN:   | tee %t.mlir | iree-compile - -o %t.vmfb
// RUN: FileCheck %s --check-prefix=DEVICES --input-file=%t.mlir
// RUN: FileCheck %s --check-prefix=SAID --input-file=%t.said
// RUN: iree-run-module --device=local-task --device=local-task --module=%t.vmfb --function=spec_step \
// RUN:   --parameters=model=%data/step.irpa --input=@%data/step_tokens.npy --input=@%data/step_n.npy \
// RUN:   | FileCheck %s --check-prefix=TOKENS

// Each device says what is compiled for it, as IREE itself resolved the flags.
// DEVICES-DAG: #hal.executable.target<"llvm-cpu", "embedded-elf-{{.*}}", {{{.*}}cpu = "{{.+}}", cpu_features = "{{.+}}"{{.*}}native_vector_size = {{[0-9]+}} : i64, target_triple = "
// DEVICES-DAG: #hal.device.target<"local", {ordinal = 0 : index}, [#
// DEVICES-DAG: #hal.device.target<"local", {ordinal = 1 : index}, [#
// DEVICES: util.global private @cpu = #
// DEVICES: util.global private @cpu2 = #

// The devices' flags are not asked for again.
// SAID: iree-compile - --iree-hal-link-executables=false
// SAID-NOT: --iree-llvmcpu-target-cpu

// TOKENS: 1x63xi64=[172 47 117 192 323 251 195 359 9 211 277 242 292 87 70 472 88 396 314 193 311 445
// TOKENS: i64=21

// A file keeps the aliases, so that it does not depend on the machine …
// RUN: specplace %data/step_transfer.mlir -o %t.file.mlir --alpha 0.9 --platform two-cpus -q
// RUN: FileCheck %s --check-prefix=ALIAS --input-file=%t.file.mlir
// RUN: FileCheck %s --check-prefix=FLAGS --input-file=%t.file.flags
// ALIAS: #hal.device.alias<"local"[{{[01]}}]>
// ALIAS-NOT: #hal.device.target
// FLAGS: --iree-llvmcpu-target-cpu=host

// … unless it is asked to say its targets.
// RUN: specplace %data/step_transfer.mlir -o %t.full.mlir --embed-targets --alpha 0.9 --platform two-cpus -q
// RUN: FileCheck %s --check-prefix=FULL --input-file=%t.full.mlir
// RUN: FileCheck %s --check-prefix=FEWER --input-file=%t.full.flags
// FULL: #hal.device.target<"local", {ordinal = {{[01]}} : index}, [#
// FULL-NOT: #hal.device.alias
// FEWER: --iree-hal-link-executables=false
// FEWER-NOT: --iree-llvmcpu-target-cpu
// FEWER-NOT: --iree-hal-local-target-device-backends

// A device that no flag gives a compiler is refused by name.
// RUN: sed '/--iree-hal-local-target-device-backends/d; /--iree-llvmcpu-target-cpu/d; s/compile_flags:$/compile_flags: []/' %examples/platforms/two-cpus.yaml > %t.yaml
// RUN: not specplace %data/step_transfer.mlir -o - --alpha 0.9 --platform %t.yaml 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: IREE cannot compile for @{{cpu2?}} (#hal.device.alias<"local"[{{[01]}}]>)
// NONE: does not provide any executable targets
