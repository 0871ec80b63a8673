// narrow-indices: what is proven to fit is computed in i32 on a unit whose words
// have 32 bits: IREE's SPIR-V lacks vector operations on i64 for many GPUs.

// DEFINE: %{plan} = resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping,fold-draft-length,outline-subgraphs
// DEFINE: %{decision} = --alpha 0.9 --gamma 1 --platform imx95

// RUN: split-file %s %t
// RUN: cd %t

// Positions, a mask of them, a running sum, indices that a sort moves and the
// table of positions are i32. The signature is not, nor are tokens that are
// only looked up, nor what is too large, or may be.
// RUN: specplace opt --pass %{plan},narrow-indices %{decision} --pin drafter=gpu,target=cpu -q step.mlir | FileCheck step.mlir
// On a CPU nothing is.
// RUN: specplace opt --pass %{plan},narrow-indices %{decision} --pin drafter=cpu,target=cpu -q step.mlir -o wide.mlir
// RUN: specplace opt --pass %{plan} %{decision} --pin drafter=cpu,target=cpu -q step.mlir | diff - wide.mlir
//--- step.mlir
// CHECK-LABEL: func.func private @drafter_0(
// CHECK-SAME:      %[[TOKENS:[^:]+]]: tensor<8xi64>) -> tensor<8xi64>
// CHECK:         %[[EMBEDDED:.+]] = linalg.generic {{.*}} ins(%[[TOKENS]] : tensor<8xi64>)
// CHECK-NEXT:    ^bb0(%[[TOKEN:.+]]: i64, %{{.+}}: f32):
// CHECK-NEXT:      arith.index_cast %[[TOKEN]] : i64 to index
// CHECK:         %[[IOTA:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<8xi32>)
// CHECK:           %[[INDEX:.+]] = linalg.index 0
// CHECK-NEXT:      arith.index_cast %[[INDEX]] : index to i32
// CHECK:         %[[MASK:.+]] = linalg.generic {{.*}} ins(%[[IOTA]], %{{.+}} : tensor<8xi32>, tensor<8xi32>)
// CHECK:           arith.cmpi sle, %{{.+}}, %{{.+}} : i32
// CHECK:           arith.extui %{{.+}} : i1 to i32
// CHECK:         iree_linalg_ext.scan {{.*}} ins(%[[MASK]] : tensor<8xi32>) outs(%{{.+}}, %{{.+}} : tensor<8xi32>, tensor<i32>)
// CHECK:           arith.addi %{{.+}}, %{{.+}} : i32
// What fits and is added to what does not is widened.
// CHECK:         %[[LARGE:.+]] = linalg.generic {{.*}} ins(%[[IOTA]], %{{.+}}#0 : tensor<8xi32>, tensor<8xi32>) outs(%{{.+}} : tensor<8xi64>)
// CHECK:           %[[SMALL:.+]] = arith.addi %{{.+}}, %{{.+}} : i32
// CHECK-NEXT:      %[[WIDE:.+]] = arith.extsi %[[SMALL]] : i32 to i64
// CHECK-NEXT:      arith.addi %[[WIDE]], %c2147483647_i64 : i64
// CHECK:         arith.sitofp %[[LARGE]] : tensor<8xi64> to tensor<8xf32>
// CHECK:         %[[SORTED:.+]]:2 = iree_linalg_ext.sort {{.*}} : tensor<8xf32>, tensor<8xi32>)
// CHECK-NEXT:    ^bb0(%{{.+}}: f32, %{{.+}}: f32, %{{.+}}: i32, %{{.+}}: i32)
// CHECK:         %[[DRAFT:.+]] = arith.extsi %[[SORTED]]#1 : tensor<8xi32> to tensor<8xi64>
// CHECK:         return %[[DRAFT]]
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<32x4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<8xf32>
#row = affine_map<(d0) -> (d0)>
#both = affine_map<(d0, d1) -> (d0, d1)>
#first = affine_map<(d0, d1) -> (d0)>
func.func @step(%tokens: tensor<8xi64>) -> tensor<8xi64> {
  %d = util.global.load @d : tensor<32x4xf32>
  %t = util.global.load @t : tensor<8xf32>
  %zero = arith.constant 0 : i64
  %zerof = arith.constant 0.0 : f32
  %large = arith.constant 2147483647 : i64
  %marked = flow.tensor.transfer %tokens : tensor<8xi64> to #hal.device.promise<@drafter>
  %e = tensor.empty() : tensor<8x4xf32>
  %embedded = linalg.generic {indexing_maps = [#first, #both], iterator_types = ["parallel", "parallel"]} ins(%marked : tensor<8xi64>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%token: i64, %out: f32):
    %i = arith.index_cast %token : i64 to index
    %j = linalg.index 1 : index
    %v = tensor.extract %d[%i, %j] : tensor<32x4xf32>
    linalg.yield %v : f32
  } -> tensor<8x4xf32>
  %ef = tensor.empty() : tensor<8xf32>
  %none = linalg.fill ins(%zerof : f32) outs(%ef : tensor<8xf32>) -> tensor<8xf32>
  %keys = linalg.generic {indexing_maps = [#both, #first], iterator_types = ["parallel", "reduction"]} ins(%embedded : tensor<8x4xf32>) outs(%none : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.addf %in, %out : f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  %ei = tensor.empty() : tensor<8xi64>
  %iota = linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%ei : tensor<8xi64>) {
  ^bb0(%out: i64):
    %i = linalg.index 0 : index
    %v = arith.index_cast %i : index to i64
    linalg.yield %v : i64
  } -> tensor<8xi64>
  %table = arith.constant dense<[7, 6, 5, 4, 3, 2, 1, 0]> : tensor<8xi64>
  %mask = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel"]} ins(%iota, %table : tensor<8xi64>, tensor<8xi64>) outs(%ei : tensor<8xi64>) {
  ^bb0(%a: i64, %b: i64, %out: i64):
    %is = arith.cmpi sle, %a, %b : i64
    %v = arith.extui %is : i1 to i64
    linalg.yield %v : i64
  } -> tensor<8xi64>
  %es = tensor.empty() : tensor<i64>
  %start = linalg.fill ins(%zero : i64) outs(%es : tensor<i64>) -> tensor<i64>
  %starts = linalg.fill ins(%zero : i64) outs(%ei : tensor<8xi64>) -> tensor<8xi64>
  %sums:2 = iree_linalg_ext.scan {operandSegmentSizes = array<i32: 1, 2>} dimension(0) inclusive(true) ins(%mask : tensor<8xi64>) outs(%starts, %start : tensor<8xi64>, tensor<i64>) {
  ^bb0(%a: i64, %b: i64):
    %v = arith.addi %a, %b : i64
    iree_linalg_ext.yield %v : i64
  } -> tensor<8xi64>, tensor<i64>
  %beyond = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel"]} ins(%iota, %sums#0 : tensor<8xi64>, tensor<8xi64>) outs(%ei : tensor<8xi64>) {
  ^bb0(%a: i64, %b: i64, %out: i64):
    %small = arith.addi %a, %b : i64
    %v = arith.addi %small, %large : i64
    linalg.yield %v : i64
  } -> tensor<8xi64>
  %scale = arith.sitofp %beyond : tensor<8xi64> to tensor<8xf32>
  %scaled = arith.mulf %keys, %scale : tensor<8xf32>
  %sorted:2 = iree_linalg_ext.sort dimension(0) outs(%scaled, %iota : tensor<8xf32>, tensor<8xi64>) {
  ^bb0(%a: f32, %b: f32, %i: i64, %j: i64):
    %v = arith.cmpf ogt, %a, %b : f32
    iree_linalg_ext.yield %v : i1
  } -> tensor<8xf32>, tensor<8xi64>
  %verify = flow.tensor.transfer %sorted#1 : tensor<8xi64> to #hal.device.promise<@target>
  %x = arith.sitofp %verify : tensor<8xi64> to tensor<8xf32>
  %y = arith.mulf %x, %t : tensor<8xf32>
  %z = arith.fptosi %y : tensor<8xf32> to tensor<8xi64>
  return %z : tensor<8xi64>
}

// Tokens that are compared and looked up are indices into the table: they are
// i32 as soon as they are read.
// RUN: specplace opt --pass %{plan},narrow-indices %{decision} --pin drafter=gpu,target=cpu -q compared.mlir | FileCheck compared.mlir
//--- compared.mlir
// CHECK-LABEL: func.func private @drafter_0(
// CHECK-SAME:      %[[TOKENS:[^:]+]]: tensor<8xi64>) -> tensor<8xi64>
// CHECK:         linalg.generic {{.*}} ins(%[[TOKENS]] : tensor<8xi64>)
// CHECK:           %[[TOKEN:.+]] = arith.trunci %{{.+}} : i64 to i32
// CHECK:           arith.cmpi eq, %[[TOKEN]], %c7_i32 : i32
// CHECK:         %[[DRAFT:.+]]:2 = linalg.generic {{.*}} outs(%{{.+}}, %{{.+}} : tensor<8xf32>, tensor<8xi32>)
// CHECK:         %[[WIDE:.+]] = arith.extsi %[[DRAFT]]#1 : tensor<8xi32> to tensor<8xi64>
// CHECK:         return %[[WIDE]] : tensor<8xi64>
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<32x4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<8xf32>
#row = affine_map<(d0) -> (d0)>
#both = affine_map<(d0, d1) -> (d0, d1)>
#first = affine_map<(d0, d1) -> (d0)>
func.func @step(%tokens: tensor<8xi64>) -> tensor<8xi64> {
  %d = util.global.load @d : tensor<32x4xf32>
  %t = util.global.load @t : tensor<8xf32>
  %c7 = arith.constant 7 : i64
  %zero = arith.constant 0 : i64
  %zerof = arith.constant 0.0 : f32
  %marked = flow.tensor.transfer %tokens : tensor<8xi64> to #hal.device.promise<@drafter>
  %e = tensor.empty() : tensor<8x4xf32>
  %embedded = linalg.generic {indexing_maps = [#first, #both], iterator_types = ["parallel", "parallel"]} ins(%marked : tensor<8xi64>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%token: i64, %out: f32):
    %is = arith.cmpi eq, %token, %c7 : i64
    %i = arith.index_cast %token : i64 to index
    %j = linalg.index 1 : index
    %v = tensor.extract %d[%i, %j] : tensor<32x4xf32>
    %w = arith.select %is, %zerof, %v : f32
    linalg.yield %w : f32
  } -> tensor<8x4xf32>
  %ef = tensor.empty() : tensor<8xf32>
  %ei = tensor.empty() : tensor<8xi64>
  %none = linalg.fill ins(%zerof : f32) outs(%ef : tensor<8xf32>) -> tensor<8xf32>
  %nowhere = linalg.fill ins(%zero : i64) outs(%ei : tensor<8xi64>) -> tensor<8xi64>
  %draft:2 = linalg.generic {indexing_maps = [#both, #first, #first], iterator_types = ["parallel", "reduction"]} ins(%embedded : tensor<8x4xf32>) outs(%none, %nowhere : tensor<8xf32>, tensor<8xi64>) {
  ^bb0(%in: f32, %most: f32, %at: i64):
    %j = linalg.index 1 : index
    %i = arith.index_cast %j : index to i64
    %is = arith.cmpf ogt, %in, %most : f32
    %v = arith.select %is, %in, %most : f32
    %w = arith.select %is, %i, %at : i64
    linalg.yield %v, %w : f32, i64
  } -> (tensor<8xf32>, tensor<8xi64>)
  %verify = flow.tensor.transfer %draft#1 : tensor<8xi64> to #hal.device.promise<@target>
  %x = arith.sitofp %verify : tensor<8xi64> to tensor<8xf32>
  %y = arith.mulf %x, %t : tensor<8xf32>
  %z = arith.fptosi %y : tensor<8xf32> to tensor<8xi64>
  return %z : tensor<8xi64>
}

// The same without the look-up: nothing is known of the tokens, and they stay.
// RUN: sed 's/tensor.extract %d.*/arith.uitofp %%token : i64 to f32/' compared.mlir > unknown.mlir
// RUN: specplace opt --pass %{plan},narrow-indices %{decision} --pin drafter=gpu,target=cpu -q unknown.mlir | FileCheck unknown.txt
//--- unknown.txt
CHECK-LABEL: func.func private @drafter_0(
CHECK:         arith.cmpi eq, %{{.+}}, %c7_i64 : i64

// A division of i64 that may be of anything is named: IREE's SPIR-V has none
// where the GPU has none.
// RUN: sed 's/arith.cmpi eq, %%token, %c7 : i64/arith.remsi %%token, %c7 : i64/; s/tensor.extract %d.*/arith.uitofp %is : i64 to f32/; s/arith.select %is, %zerof, %v/arith.addf %zerof, %v/' compared.mlir > divides.mlir
// RUN: specplace opt --pass %{plan},narrow-indices %{decision} --pin drafter=gpu,target=cpu divides.mlir -o divided.mlir 2>&1 | FileCheck divides.txt
//--- divides.txt
CHECK:      divides.mlir:{{[0-9]+}}:{{[0-9]+}}: warning: arith.remsi stays i64 on @gpu: its numbers are not proven to fit in i32
CHECK:      arith.remsi %{{.+}}, %{{.+}} : i64
CHECK:      export it in int32, or pin the model to a CPU

// A sum of tokens stays i64, and so does the fill that it begins with, which IREE knows
// it by.
// RUN: specplace opt --pass %{plan},narrow-indices %{decision} --pin drafter=gpu,target=cpu -q sum.mlir | FileCheck sum.mlir
//--- sum.mlir
// CHECK-LABEL: func.func private @drafter_0(
// CHECK-NOT:     arith.extsi
// CHECK:         %[[ZERO:.+]] = linalg.fill ins(%{{.+}} : i64) outs(%{{.+}} : tensor<i64>)
// CHECK:         linalg.generic {{.*}} outs(%[[ZERO]] : tensor<i64>)
// CHECK-NOT:     arith.extsi
// CHECK:         return
func.func @sum(%tokens: tensor<8xi64>) -> tensor<f32> {
  %zero = arith.constant 0 : i64
  %p = flow.tensor.transfer %tokens : tensor<8xi64> to #hal.device.promise<@drafter>
  %e = tensor.empty() : tensor<i64>
  %f = linalg.fill ins(%zero : i64) outs(%e : tensor<i64>) -> tensor<i64>
  %s = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>], iterator_types = ["reduction"]} ins(%p : tensor<8xi64>) outs(%f : tensor<i64>) {
  ^bb0(%in: i64, %out: i64):
    %sum = arith.addi %in, %out : i64
    linalg.yield %sum : i64
  } -> tensor<i64>
  %x = arith.sitofp %s : tensor<i64> to tensor<f32>
  %t = flow.tensor.transfer %x : tensor<f32> to #hal.device.promise<@target>
  %y = arith.mulf %t, %t : tensor<f32>
  return %y : tensor<f32>
}

// RUN: not specplace opt --pass narrow-indices step.mlir 2>&1 | FileCheck order.txt
//--- order.txt
CHECK: error: no placement to narrow indices for: select-mapping did not run
