// A type that the cost model has no name for: its work would count as none, and the
// plan would be made of half of the truth.

// RUN: %exits 1 specplace %s -o %t.out.mlir --alpha 0.9 2>&1 | FileCheck %s
// RUN: not test -e %t.out.mlir
util.global private @drafter.weight : tensor<4xf80>
func.func @main(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %0 = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %weight = util.global.load @drafter.weight : tensor<4xf80>
  %empty = tensor.empty() : tensor<4xi64>
  // CHECK: unknown_type.mlir:[[#@LINE+2]]:8: error: the cost of computing in f80 is not known
  // CHECK: help: export the model in another type, such as f32
  %1 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} ins(%0, %weight : tensor<4xi64>, tensor<4xf80>) outs(%empty : tensor<4xi64>) {
  ^bb0(%token: i64, %factor: f80, %out: i64):
    %sum = arith.addf %factor, %factor : f80
    %rounded = arith.fptosi %sum : f80 to i64
    %2 = arith.addi %rounded, %token : i64
    linalg.yield %2 : i64
  } -> tensor<4xi64>
  %3 = flow.tensor.transfer %1 : tensor<4xi64> to #hal.device.promise<@target>
  %4 = arith.addi %3, %3 : tensor<4xi64>
  return %4 : tensor<4xi64>
}
