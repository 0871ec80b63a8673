// specplace compile: placing and compiling in one process.

// DEFINE: %{decision} = --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu,control=cpu

// RUN: split-file %s %t
// RUN: cd %t

// The program, and what iree-run-module needs to be told. Nothing else is left.
// RUN: specplace compile step.mlir -o out.vmfb %{decision} 2>&1 | FileCheck %s --check-prefix=DONE
// RUN: ls | FileCheck %s --check-prefix=FILES --implicit-check-not=out
// RUN: iree-run-module --flagfile=out.run.flags --module=out.vmfb --function=step --input=4xi64=1,2,3,4 | FileCheck %s --check-prefix=RESULT
// DONE: plan for two-cpus
// DONE: wrote out.vmfb, out.run.flags, out.plan.json
// DONE: specplace run out.vmfb --tokens ...
// FILES: out.plan.json
// FILES: out.run.flags
// FILES: out.vmfb
// RESULT: 4xi64=6 12 18 24

// The same program as from specplace and iree-compile: byte for byte where the
// placed module has IN's locations, as bytecode has.
// RUN: specplace step.mlir -o two.mlirbc --emit-bytecode -q %{decision}
// RUN: iree-compile two.mlirbc @two.flags -o two.vmfb
// RUN: cmp out.vmfb two.vmfb

// Text has none, and the same program comes out of it but for what says where
// each instruction comes from.
// RUN: specplace step.mlir -o text.mlir -q %{decision}
// RUN: iree-compile text.mlir @text.flags -o text.vmfb
// RUN: not cmp out.vmfb text.vmfb
// RUN: iree-compile text.mlir @text.flags -o text.vmfb --iree-vm-bytecode-module-strip-source-map --iree-llvmcpu-debug-symbols=false
// RUN: specplace compile step.mlir -o plain.vmfb -q %{decision} -- --iree-vm-bytecode-module-strip-source-map --iree-llvmcpu-debug-symbols=false
// RUN: cmp plain.vmfb text.vmfb

// With a proof on the way, and a file for each phase.
// RUN: specplace compile step.mlir -o proven.vmfb %{decision} --verify --dump-phases phases 2>&1 | FileCheck %s --check-prefix=PROVEN
// RUN: cmp out.vmfb proven.vmfb
// RUN: ls phases | FileCheck %s --check-prefix=PHASES
// PROVEN: placement proven: 4 dispatches
// PHASES-DAG: .1.input.mlir
// PHASES-DAG: .7.stream.mlir
// PHASES-DAG: .12.vm.mlir

// A flag of one's own takes the place of the plan's.
// RUN: specplace compile step.mlir -o o1.vmfb -q %{decision} -- --iree-opt-level=O1 2>&1 | FileCheck %s --check-prefix=OWN
// OWN: warning: --iree-opt-level=O2 of the plan gives way to what follows --

// Flags that IREE does not have are wrong usage.
// RUN: sh -c 'specplace compile step.mlir -o no.vmfb -q %{decision} -- --iree-no-such-flag; test $? = 2' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: specplace compile: Unknown command line argument '--iree-no-such-flag'
// RUN: not ls no.vmfb no.run.flags no.plan.json

// What IREE says points into IN, and the placed module is left for a report, in a
// folder of its own.
// RUN: mkdir kept
// DEFINE: %{kept} = env TMPDIR=kept
// RUN: %{kept} not specplace compile wrong.mlir -o wrong.vmfb -q %{decision} 2>&1 | FileCheck %s --check-prefix=WRONG
// RUN: cat kept/specplace-*/wrong.placed.mlir | FileCheck %s --check-prefix=PLACED
// RUN: not ls wrong.vmfb wrong.run.flags
// WRONG: wrong.mlir:16:14: error: failed to legalize operation
// WRONG: help: the placed module is in [[FILE:.*/kept/specplace-.*/wrong.placed.mlir]]; `iree-compile [[FILE]] --iree-
// PLACED: func.func private @target_0

// So it is when IREE crashes, as it does on targets that it does not know …
// RUN: %{kept} sh -c 'specplace compile step.mlir -o crash.vmfb -q %{decision} -- --iree-llvmcpu-target-triple=foo-bar; test $? = 1' 2>&1 | FileCheck %s --check-prefix=CRASH
// RUN: cat kept/specplace-*/crash.placed.mlir | FileCheck %s --check-prefix=PLACED
// RUN: not ls crash.vmfb crash.run.flags
// … or when it ends the process itself.
// RUN: %{kept} sh -c 'specplace compile step.mlir -o exit.vmfb -q %{decision} -- --iree-llvmcpu-target-cpu=nope; test $? = 1' 2>&1 | FileCheck %s --check-prefix=CRASH
// RUN: cat kept/specplace-*/exit.placed.mlir | FileCheck %s --check-prefix=PLACED
// CRASH: error: IREE crashed while it compiled the placed module
// CRASH: help: the placed module is in {{.*}}/kept/specplace-{{.*}}/{{crash|exit}}.placed.mlir
// RUN: ls -a | FileCheck %s --check-prefix=LEFT
// LEFT-NOT: .tmp

// A program that cannot be written is no crash of IREE's, and leaves nothing.
// RUN: sh -c 'specplace compile step.mlir -o /dev/full -q %{decision}; test $? = 2' 2>&1 | FileCheck %s --check-prefix=FULL --implicit-check-not=crash
// RUN: ls | FileCheck %s --check-prefix=NOTHING
// NOTHING-NOT: placed
// FULL: error: cannot write /dev/full: No space left on device
// FULL: help: free space there, or write elsewhere

//--- step.mlir
util.global private @d = dense<2.0> : tensor<4xf32>
util.global private @t = dense<3.0> : tensor<4xf32>
func.func @step(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %d = util.global.load @d : tensor<4xf32>
  %t = util.global.load @t : tensor<4xf32>
  %marked = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %marked : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %d : tensor<4xf32>
  %draft = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %verify = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %z = arith.sitofp %verify : tensor<4xi64> to tensor<4xf32>
  %w = arith.mulf %z, %t : tensor<4xf32>
  %verified = arith.fptosi %w : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}
//--- wrong.mlir
util.global private @d = dense<2.0> : tensor<4xf32>
util.global private @t = dense<3.0> : tensor<4xf32>
func.func @step(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %d = util.global.load @d : tensor<4xf32>
  %t = util.global.load @t : tensor<4xf32>
  %marked = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %marked : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %d : tensor<4xf32>
  %draft = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %verify = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %z = arith.sitofp %verify : tensor<4xi64> to tensor<4xf32>
  %w = arith.mulf %z, %t : tensor<4xf32>
  %empty = tensor.empty() : tensor<4xi64>
  %verified = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} ins(%w : tensor<4xf32>) outs(%empty : tensor<4xi64>) {
  ^bb0(%in: f32, %out: i64):
    %small = arith.truncf %in : f32 to f6E2M3FN
    %bits = arith.bitcast %small : f6E2M3FN to i6
    %index = arith.index_cast %bits : i6 to index
    %made = arith.index_cast %index : index to i64
    linalg.yield %made : i64
  } -> tensor<4xi64>
  return %verified : tensor<4xi64>
}
