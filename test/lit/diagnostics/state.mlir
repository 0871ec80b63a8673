// A module that keeps state between calls breaks Eq. (1)'s assumption that
// verifying costs one pass, whatever was kept: status 1, the evidence, and what
// would help.

// RUN: split-file %s %t
// RUN: cd %t

// A cache in a global.
// RUN: %exits 1 specplace global.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck global.mlir
// RUN: not test -e out.mlir
//--- global.mlir
util.global private mutable @cache = dense<0.0> : tensor<4xf32>
func.func @global(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %old = util.global.load @cache : tensor<4xf32>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %new = arith.addf %old, %y : tensor<4xf32>
  // CHECK: error: the module keeps state between calls (the global @cache is written at run time)
  // CHECK: global.mlir:[[#@LINE+2]]:3: note: the global @cache is written at run time
  // CHECK: help: measure the target with 1 and γ+1 new tokens, then use `--cost-model verify --profile FILE`
  util.global.store %new, @cache : tensor<4xf32>
  %verified = arith.fptosi %new : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}

// A cache that is passed in and out.
// RUN: %exits 1 specplace passed.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck passed.mlir
// RUN: not test -e out.mlir
//--- passed.mlir
// CHECK: error: the module keeps state between calls (@passed takes and returns tensor<8xf32>, as a cache is passed)
// CHECK: passed.mlir:[[#@LINE+1]]:1: note: @passed takes and returns tensor<8xf32>
func.func @passed(%tokens: tensor<4xi64>, %cache: tensor<8xf32>) -> (tensor<4xi64>, tensor<8xf32>) {
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %verified = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %new = arith.negf %cache : tensor<8xf32>
  return %verified, %new : tensor<4xi64>, tensor<8xf32>
}

// The cost model that knows the difference needs a measurement to know it from.
// RUN: %exits 1 specplace passed.mlir -o out.mlir --alpha 0.9 --cost-model verify 2>&1 | FileCheck passed.mlir
