// No mapping is possible: status 1, which demand exceeds which bound, and the
// levers that would help; no OUT.

// RUN: rm -rf %t && mkdir %t
// RUN: cd %t

// A type that the unit lacks, and a pin that leaves no other unit.
// RUN: %exits 1 specplace %s -o out.mlir --alpha 0.9 --pin target=gpu 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not test -e out.mlir
// TYPE: error: no mapping onto the platform reference is possible
// TYPE: target computes in f16, which gpu lacks
// TYPE: target is pinned to gpu
// TYPE: help: export target without f16; name a platform whose gpu has f16; do not pin target to gpu; or choose another platform

// More memory than there is: how much is needed for what, and how much there is.
// RUN: sed 's/100000/900000000/g' %s > huge.mlir
// RUN: %exits 1 specplace huge.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck %s --check-prefix=MEMORY
// RUN: not test -e out.mlir
// MEMORY: error: no mapping onto the platform reference is possible
// MEMORY: ram holds 16.0 GiB and 20.1 GiB are needed: drafter 64 B of weights
// MEMORY: help: give ram more memory; quantise drafter and target to a smaller type; place drafter and target in different memories
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4x4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<100000x4xf16>
func.func @step(%tokens: tensor<4x4xf32>, %x: tensor<4x100000xf16>) -> (tensor<4x4xi64>, tensor<4x4xi64>) {
  %d = util.global.load @d : tensor<4x4xf32>
  %t = util.global.load @t : tensor<100000x4xf16>
  %e = tensor.empty() : tensor<4x4xf32>
  %f = tensor.empty() : tensor<4x4xf16>
  %0 = linalg.matmul ins(%tokens, %d : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = linalg.matmul ins(%x, %t : tensor<4x100000xf16>, tensor<100000x4xf16>) outs(%f : tensor<4x4xf16>) -> tensor<4x4xf16>
  %2 = arith.fptosi %0 : tensor<4x4xf32> to tensor<4x4xi64>
  %3 = arith.fptosi %1 : tensor<4x4xf16> to tensor<4x4xi64>
  return %2, %3 : tensor<4x4xi64>, tensor<4x4xi64>
}
