// A module that specplace has placed is not placed once more: its functions
// would be outlined a second time, and its devices declared again.

// RUN: specplace %s -o %t.once.mlir --alpha 0.9 --platform two-cpus --pin drafter=cpu2,target=cpu -q
// RUN: not specplace %t.once.mlir -o %t.twice.mlir --alpha 0.9 --platform two-cpus 2>&1 | FileCheck %s
// RUN: not test -e %t.twice.mlir

// CHECK: error: the module has been placed already
// CHECK: help: place the module that it was made from

func.func @both(%x: tensor<4xi64>) -> tensor<4xi64> {
  %a = flow.tensor.transfer %x : tensor<4xi64> to #hal.device.promise<@drafter>
  %b = arith.addi %a, %a : tensor<4xi64>
  %c = flow.tensor.transfer %b : tensor<4xi64> to #hal.device.promise<@target>
  %d = arith.muli %c, %c : tensor<4xi64>
  return %d : tensor<4xi64>
}
