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

// What IREE is known not to compile for a unit, or to compute wrongly there, in
// the release that is installed: the platform's table, with the way out.
// RUN: specplace platforms two-cpus > known.yaml
// RUN: sed -i '0,/^  iree:/s//  cannot:\n  - { op: contraction, types: [f16], iree: "3.13..", outcome: wrong, note: "multiply in f32", found_by: "specplace doctor" }\n&/' known.yaml
// RUN: %exits 1 specplace %s -o out.mlir --alpha 0.9 --platform known.yaml --pin target=cpu 2>&1 | FileCheck %s --check-prefix=TABLE
// RUN: not test -e out.mlir
// TABLE: error: no mapping onto the platform two-cpus is possible
// TABLE: target has contraction in f16, which is computed wrongly on cpu with IREE 3.13.. (found by specplace doctor)
// TABLE: help: multiply in f32; export target without contraction in f16; let `specplace doctor` look again
// Elsewhere, in another type, and in releases that it does not speak of, it may be.
// RUN: specplace %s -o out.mlir --alpha 0.9 --platform known.yaml --pin target=cpu2 --explain 2>&1 | FileCheck %s --check-prefix=ELSEWHERE
// ELSEWHERE: plan for two-cpus
// RUN: sed -e 's/"3.13.."/"..3.12"/' known.yaml > before.yaml
// RUN: specplace %s -o out.mlir --alpha 0.9 --platform before.yaml --pin target=cpu 2>&1 | FileCheck %s --check-prefix=ELSEWHERE
// RUN: sed -e 's/types: .f16./types: [bf16]/' known.yaml > type.yaml
// RUN: specplace %s -o out.mlir --alpha 0.9 --platform type.yaml --pin target=cpu 2>&1 | FileCheck %s --check-prefix=ELSEWHERE
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
