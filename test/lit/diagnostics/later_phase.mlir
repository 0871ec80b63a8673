// IR of a later phase of iree-compile is refused by the phase's name. What
// comes before dispatches are formed is taken.

// RUN: rm -rf %t && mkdir %t
// RUN: cd %t

// RUN: iree-compile --compile-to=flow %s -o flow.mlir
// RUN: %exits 1 specplace flow.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck %s --check-prefixes=FLOW,HELP
// RUN: iree-compile --compile-to=stream --iree-hal-target-device=local --iree-hal-local-target-device-backends=llvm-cpu %s -o stream.mlir
// RUN: %exits 1 specplace stream.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck %s --check-prefixes=STREAM,HELP
// RUN: iree-compile --compile-to=hal --iree-hal-target-device=local --iree-hal-local-target-device-backends=llvm-cpu %s -o hal.mlir
// RUN: %exits 1 specplace hal.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck %s --check-prefixes=HAL,HELP
// RUN: iree-compile --compile-to=vm --iree-hal-target-device=local --iree-hal-local-target-device-backends=llvm-cpu %s -o vm.mlir
// RUN: %exits 1 specplace vm.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck %s --check-prefixes=VM,HELP
// RUN: not test -e out.mlir
//
// FLOW:   flow.mlir:{{[0-9]+}}:{{[0-9]+}}: error: the module is in IREE's 'flow' phase
// STREAM: stream.mlir:{{[0-9]+}}:{{[0-9]+}}: error: the module is in IREE's 'stream' phase
// HAL:    hal.mlir:{{[0-9]+}}:{{[0-9]+}}: error: the module is in IREE's 'hal' phase
// VM:     vm.mlir:{{[0-9]+}}:{{[0-9]+}}: error: the module is in IREE's 'vm' phase
// HELP:   help: give specplace the module before dispatches are formed: the exported one, or the output of iree-compile --compile-to=input

// RUN: iree-compile --compile-to=input %s -o input.mlir
// RUN: %exits 1 specplace input.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck %s --check-prefix=INPUT
// INPUT-NOT: phase
// INPUT:     error: no drafter and no target were found in the module
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.addf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
