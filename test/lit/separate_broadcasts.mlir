// separate-broadcasts: what spreads a reduction's result over a loop that stands before
// its dimensions, or between them, is dispatched by itself on units that IREE makes
// SPIR-V for.

// DEFINE: %{plan} = resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping,fold-draft-length,outline-subgraphs
// DEFINE: %{decision} = --alpha 0.9 --gamma 1 --platform imx95

// RUN: split-file %s %t
// RUN: cd %t

// Values repeated for each of two heads, behind a transposition, of which IREE makes
// one operation with the product; a row less the sums of its columns.
// Rows less their sums are right, and so is what repeats a loop of size 1.
// RUN: specplace opt --pass %{plan},separate-broadcasts %{decision} --pin drafter=gpu,target=cpu,control=cpu -q in.mlir | FileCheck in.mlir
// On a CPU nothing is.
// RUN: specplace opt --pass %{plan},separate-broadcasts %{decision} --pin drafter=cpu,target=cpu,control=cpu -q in.mlir -o same.mlir
// RUN: specplace opt --pass %{plan} %{decision} --pin drafter=cpu,target=cpu,control=cpu -q in.mlir | diff - same.mlir
//--- in.mlir
// CHECK-LABEL: func.func private @drafter_0(
// CHECK-NOT:     flow.dispatch.region
// CHECK:         %[[VALUES:.+]] = linalg.transpose
// CHECK:         %[[REPEATED:.+]] = flow.dispatch.region -> (tensor<2x3x40x8xf32>) {
// CHECK-NEXT:      %[[MADE:.+]] = linalg.generic {{.*}} ins(%[[VALUES]] : tensor<2x40x8xf32>)
// CHECK:           flow.return %[[MADE]] : tensor<2x3x40x8xf32>
// CHECK-NEXT:    }
// CHECK-NOT:     flow.dispatch.region
// CHECK:         %[[SUMS:.+]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK:         flow.dispatch.region -> (tensor<2x24x8xf32>) {
// CHECK-NEXT:      linalg.generic {{.*}} ins(%{{.+}}, %[[SUMS]] : tensor<2x24x8xf32>, tensor<2x8xf32>)
// CHECK-NOT:     flow.dispatch.region
// CHECK:         return
func.func @forms(%x: tensor<40x32xf32>, %w: tensor<32x16xf32>, %y: tensor<2x24x8xf32>) -> (tensor<2x3x40x8xf32>, tensor<2x24x8xf32>, tensor<2x40x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %p = flow.tensor.transfer %x : tensor<40x32xf32> to #hal.device.promise<@drafter>
  %e0 = tensor.empty() : tensor<40x16xf32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<40x16xf32>) -> tensor<40x16xf32>
  %product = linalg.matmul ins(%p, %w : tensor<40x32xf32>, tensor<32x16xf32>) outs(%f0 : tensor<40x16xf32>) -> tensor<40x16xf32>
  %heads = tensor.expand_shape %product [[0], [1, 2]] output_shape [40, 2, 8] : tensor<40x16xf32> into tensor<40x2x8xf32>
  %e1 = tensor.empty() : tensor<2x40x8xf32>
  %values = linalg.transpose ins(%heads : tensor<40x2x8xf32>) outs(%e1 : tensor<2x40x8xf32>) permutation = [1, 0, 2]
  %e2 = tensor.empty() : tensor<2x3x40x8xf32>
  %repeated = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%values : tensor<2x40x8xf32>) outs(%e2 : tensor<2x3x40x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x3x40x8xf32>
  %q = flow.tensor.transfer %y : tensor<2x24x8xf32> to #hal.device.promise<@drafter>
  %e3 = tensor.empty() : tensor<2x8xf32>
  %f3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<2x8xf32>) -> tensor<2x8xf32>
  %sums = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%q : tensor<2x24x8xf32>) outs(%f3 : tensor<2x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<2x8xf32>
  %e4 = tensor.empty() : tensor<2x24x8xf32>
  %less = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q, %sums : tensor<2x24x8xf32>, tensor<2x8xf32>) outs(%e4 : tensor<2x24x8xf32>) {
  ^bb0(%in: f32, %sum: f32, %out: f32):
    %d = arith.subf %in, %sum : f32
    linalg.yield %d : f32
  } -> tensor<2x24x8xf32>
  %e5 = tensor.empty() : tensor<2x40xf32>
  %f5 = linalg.fill ins(%zero : f32) outs(%e5 : tensor<2x40xf32>) -> tensor<2x40xf32>
  %rows = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%values : tensor<2x40x8xf32>) outs(%f5 : tensor<2x40xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<2x40xf32>
  %right = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%values, %rows : tensor<2x40x8xf32>, tensor<2x40xf32>) outs(%e1 : tensor<2x40x8xf32>) {
  ^bb0(%in: f32, %sum: f32, %out: f32):
    %d = arith.subf %in, %sum : f32
    linalg.yield %d : f32
  } -> tensor<2x40x8xf32>
  %t = flow.tensor.transfer %repeated : tensor<2x3x40x8xf32> to #hal.device.promise<@target>
  %r = arith.mulf %t, %t : tensor<2x3x40x8xf32>
  return %r, %less, %right : tensor<2x3x40x8xf32>, tensor<2x24x8xf32>, tensor<2x40x8xf32>
}

// RUN: not specplace opt --pass separate-broadcasts in.mlir 2>&1 | FileCheck in.mlir --check-prefix=ORDER
// ORDER: error: no placement to separate broadcasts for: select-mapping did not run

// Rows that are normed, with heads brought to the front: IREE makes one operation of
// both, which reads the sums in another order. What reorders right behind a reduction is
// made a part of that, and right, but not what computes with it in that order.
// RUN: specplace opt --pass %{plan},separate-broadcasts %{decision} --pin drafter=gpu,target=cpu,control=cpu -q order.mlir | FileCheck order.mlir
//--- order.mlir
// CHECK-LABEL: func.func private @drafter_0(
// CHECK:         %[[SUMS:.+]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK-NOT:     flow.dispatch.region
// CHECK:         %[[NORMED:.+]] = linalg.generic {{.*}} ins(%{{.+}}, %[[SUMS]] : tensor<40x4x16xf32>, tensor<40x4xf32>)
// CHECK:         flow.dispatch.region -> (tensor<4x40x16xf32>) {
// CHECK-NEXT:      linalg.transpose ins(%[[NORMED]] : tensor<40x4x16xf32>)
// CHECK-NOT:     flow.dispatch.region
// CHECK:         %[[TURNED:.+]] = linalg.transpose ins(%[[SUMS]] : tensor<40x4xf32>)
// CHECK:         flow.dispatch.region -> (tensor<4x40xf32>) {
// CHECK-NEXT:      linalg.generic {{.*}} ins(%[[TURNED]] : tensor<4x40xf32>)
// CHECK-NOT:     flow.dispatch.region
// CHECK:         return
func.func @order(%x: tensor<40x4x16xf32>) -> (tensor<4x40x16xf32>, tensor<4x40xf32>) {
  %zero = arith.constant 0.0 : f32
  %p = flow.tensor.transfer %x : tensor<40x4x16xf32> to #hal.device.promise<@drafter>
  %e0 = tensor.empty() : tensor<40x4xf32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<40x4xf32>) -> tensor<40x4xf32>
  %sums = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%p : tensor<40x4x16xf32>) outs(%f0 : tensor<40x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<40x4xf32>
  %e1 = tensor.empty() : tensor<40x4x16xf32>
  %normed = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p, %sums : tensor<40x4x16xf32>, tensor<40x4xf32>) outs(%e1 : tensor<40x4x16xf32>) {
  ^bb0(%in: f32, %sum: f32, %out: f32):
    %d = arith.divf %in, %sum : f32
    linalg.yield %d : f32
  } -> tensor<40x4x16xf32>
  %e2 = tensor.empty() : tensor<4x40x16xf32>
  %heads = linalg.transpose ins(%normed : tensor<40x4x16xf32>) outs(%e2 : tensor<4x40x16xf32>) permutation = [1, 0, 2]
  %e3 = tensor.empty() : tensor<4x40xf32>
  %turned = linalg.transpose ins(%sums : tensor<40x4xf32>) outs(%e3 : tensor<4x40xf32>) permutation = [1, 0]
  %exponents = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%turned : tensor<4x40xf32>) outs(%e3 : tensor<4x40xf32>) {
  ^bb0(%in: f32, %out: f32):
    %d = math.exp %in : f32
    linalg.yield %d : f32
  } -> tensor<4x40xf32>
  %t = flow.tensor.transfer %heads : tensor<4x40x16xf32> to #hal.device.promise<@target>
  %r = arith.mulf %t, %t : tensor<4x40x16xf32>
  return %r, %exponents : tensor<4x40x16xf32>, tensor<4x40xf32>
}
