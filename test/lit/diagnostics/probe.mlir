// --probe: what a platform's table does not know is tried with iree-compile, before
// it is placed. IREE 3.13 does not compile this sort of 16 rows for Vulkan.

// RUN: rm -rf %t && mkdir %t
// RUN: cd %t

// Without it, the fault shows when OUT is compiled.
// RUN: specplace %s -o untried.mlir --alpha 0.9 --gamma 1 --pin drafter=gpu,target=cpu -q
// RUN: not iree-compile untried.mlir @untried.flags -o untried.vmfb 2>&1 | FileCheck %s --check-prefix=UNTRIED
// UNTRIED: error: {{.*}}vector.transfer_read

// With it, what cannot be is refused, with what iree-compile said, and nothing is
// written.
// RUN: %exits 1 specplace %s -o out.mlir --alpha 0.9 --gamma 1 --pin drafter=gpu,target=cpu --probe 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: not test -e out.mlir
// RUN: %exits 1 specplace compile %s -o out.vmfb --alpha 0.9 --gamma 1 --pin drafter=gpu,target=cpu --probe 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: not test -e out.vmfb
// REFUSED: error: no mapping onto the platform reference is possible
// REFUSED: IREE does not compile drafter for gpu, as --probe found: {{.*}}vector.transfer_read
// REFUSED: help: allow drafter on another unit than gpu; export drafter without the operation that iree-compile names

// Where there is another unit, the best plan that compiles is taken. A GPU so fast
// that it would be chosen otherwise:
// RUN: sed -e 's/f32: { value: 500 GFLOP.s,/f32: { value: 500 TFLOP\/s,/; s/dispatch_overhead: { value: 50 us/dispatch_overhead: { value: 1 ns/; s/latency: { value: 300 us/latency: { value: 1 ns/; s/bandwidth: 50 GB/bandwidth: 50 TB/; s/bandwidth: 8 GB/bandwidth: 8 TB/' %examples/platforms/reference.yaml > fast.yaml
// RUN: specplace %s -o fast.mlir --alpha 0.9 --gamma 1 --platform fast.yaml 2>&1 | FileCheck %s --check-prefix=FAST
// RUN: specplace %s -o fast.mlir --alpha 0.9 --gamma 1 --platform fast.yaml --probe 2>&1 | FileCheck %s --check-prefix=OTHER
// FAST:  plan for reference {{.*}}drafter on gpu, target on gpu
// OTHER: plan for reference {{.*}}drafter on cpu, target on gpu
// OTHER: IREE does not compile drafter for gpu, as --probe found
// RUN: iree-compile fast.mlir @fast.flags -o fast.vmfb

// IN is read more than once.
// RUN: %exits 2 specplace - -o out.mlir --alpha 0.9 --probe < %s 2>&1 | FileCheck %s --check-prefix=STDIN
// STDIN: error: --probe places IN more than once, and stdin can be read once
// STDIN: help: give IN as a file
#all = affine_map<(i, j) -> (i, j)>
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<8x32xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<8x32xf32>
func.func @step(%x: tensor<16x8xf32>) -> (tensor<16x32xi32>, tensor<16x32xf32>) {
  %d = util.global.load @d : tensor<8x32xf32>
  %t = util.global.load @t : tensor<8x32xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<16x32xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%empty : tensor<16x32xf32>) -> tensor<16x32xf32>
  %0 = linalg.matmul ins(%x, %d : tensor<16x8xf32>, tensor<8x32xf32>) outs(%filled : tensor<16x32xf32>) -> tensor<16x32xf32>
  %places = tensor.empty() : tensor<16x32xi32>
  %iota = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]} outs(%places : tensor<16x32xi32>) {
  ^bb0(%out: i32):
    %j = linalg.index 1 : index
    %i = arith.index_cast %j : index to i32
    linalg.yield %i : i32
  } -> tensor<16x32xi32>
  %sorted:2 = iree_linalg_ext.sort dimension(1) outs(%0, %iota : tensor<16x32xf32>, tensor<16x32xi32>) {
  ^bb0(%a: f32, %b: f32, %i: i32, %j: i32):
    %first = arith.cmpf oge, %a, %b : f32
    iree_linalg_ext.yield %first : i1
  } -> tensor<16x32xf32>, tensor<16x32xi32>
  %1 = linalg.matmul ins(%x, %t : tensor<16x8xf32>, tensor<8x32xf32>) outs(%filled : tensor<16x32xf32>) -> tensor<16x32xf32>
  return %sorted#1, %1 : tensor<16x32xi32>, tensor<16x32xf32>
}
