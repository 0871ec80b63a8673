// gather-slices: slices that begin inside of a vector of four elements are read and
// written element by element on units that IREE makes SPIR-V for.

// DEFINE: %{plan} = resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping,fold-draft-length,outline-subgraphs
// DEFINE: %{decision} = --alpha 0.9 --gamma 1 --platform imx95

// RUN: split-file %s %t
// RUN: cd %t

// A slice at 2 of a row of 44; one of three dimensions fewer than what it is cut from,
// at 3 pairs; and one at a place that is computed.
// RUN: specplace opt --pass %{plan},gather-slices %{decision} --pin drafter=gpu,target=cpu,control=cpu -q read.mlir | FileCheck read.mlir
// On a CPU nothing is.
// RUN: specplace opt --pass %{plan},gather-slices %{decision} --pin drafter=cpu,target=cpu,control=cpu -q read.mlir -o same.mlir
// RUN: specplace opt --pass %{plan} %{decision} --pin drafter=cpu,target=cpu,control=cpu -q read.mlir | diff - same.mlir
//--- read.mlir
// CHECK-LABEL: func.func private @drafter_0(
// CHECK:         linalg.generic {{.*}} outs(%{{.+}} : tensor<64x40xf32>) {
// CHECK-NEXT:    ^bb0(%{{.+}}: f32):
// CHECK-NEXT:      %[[ROW:.+]] = linalg.index 0 : index
// CHECK:           %[[COLUMN:.+]] = linalg.index 1 : index
// CHECK-NEXT:      %[[AT:.+]] = arith.addi %[[COLUMN]], %c2{{.*}} : index
// CHECK-NEXT:      %[[ELEMENT:.+]] = tensor.extract %{{.+}}[%{{.+}}, %[[AT]]] : tensor<64x44xf32>
// CHECK-NEXT:      linalg.yield %[[ELEMENT]] : f32
// CHECK:         linalg.generic {{.*}} outs(%{{.+}} : tensor<8x2xf32>) {
// CHECK:           tensor.extract %{{.+}}[%c0{{.*}}, %{{.+}}, %{{.+}}] : tensor<1x12x2xf32>
// CHECK:         linalg.generic {{.*}} outs(%{{.+}} : tensor<64x8xf32>) {
// CHECK:           tensor.extract %{{.+}}[%{{.+}}, %{{.+}}] : tensor<64x44xf32>
// These begin with a vector, end inside of one, or leave none.
// CHECK-NOT:     tensor.extract %
// CHECK:         tensor.extract_slice %{{.+}}[0, 4] [64, 40] [1, 1]
// CHECK-NOT:     tensor.extract %
// CHECK:         tensor.extract_slice %{{.+}}[0, 3] [64, 39] [1, 1]
// CHECK-NOT:     tensor.extract %
// CHECK:         tensor.extract_slice %{{.+}}[3, 0] [40, 44] [1, 1]
// CHECK-NOT:     tensor.extract %
// CHECK:         tensor.extract_slice %{{.+}}[0, 1] [64, 20] [1, 2]
// CHECK-NOT:     tensor.extract %
// CHECK:         return
func.func @read(%x: tensor<64x44xf32>, %y: tensor<1x12x2xf32>, %at: tensor<1xi64>) -> (tensor<64x40xf32>, tensor<8x2xf32>, tensor<64x8xf32>, tensor<64x40xf32>, tensor<64x39xf32>, tensor<40x44xf32>, tensor<64x20xf32>) {
  %c0 = arith.constant 0 : index
  %p = flow.tensor.transfer %x : tensor<64x44xf32> to #hal.device.promise<@drafter>
  %q = flow.tensor.transfer %y : tensor<1x12x2xf32> to #hal.device.promise<@drafter>
  %w = flow.tensor.transfer %at : tensor<1xi64> to #hal.device.promise<@drafter>
  %rows = arith.mulf %p, %p : tensor<64x44xf32>
  %pairs = arith.mulf %q, %q : tensor<1x12x2xf32>
  %token = tensor.extract %w[%c0] : tensor<1xi64>
  %place = arith.index_cast %token : i64 to index
  %a = tensor.extract_slice %rows[0, 2] [64, 40] [1, 1] : tensor<64x44xf32> to tensor<64x40xf32>
  %b = tensor.extract_slice %pairs[0, 3, 0] [1, 8, 2] [1, 1, 1] : tensor<1x12x2xf32> to tensor<8x2xf32>
  %c = tensor.extract_slice %rows[0, %place] [64, 8] [1, 1] : tensor<64x44xf32> to tensor<64x8xf32>
  %d = tensor.extract_slice %rows[0, 4] [64, 40] [1, 1] : tensor<64x44xf32> to tensor<64x40xf32>
  %e = tensor.extract_slice %rows[0, 3] [64, 39] [1, 1] : tensor<64x44xf32> to tensor<64x39xf32>
  %f = tensor.extract_slice %rows[3, 0] [40, 44] [1, 1] : tensor<64x44xf32> to tensor<40x44xf32>
  %g = tensor.extract_slice %rows[0, 1] [64, 20] [1, 2] : tensor<64x44xf32> to tensor<64x20xf32>
  %t = flow.tensor.transfer %a : tensor<64x40xf32> to #hal.device.promise<@target>
  %v = arith.mulf %t, %t : tensor<64x40xf32>
  return %v, %b, %c, %d, %e, %f, %g : tensor<64x40xf32>, tensor<8x2xf32>, tensor<64x8xf32>, tensor<64x40xf32>, tensor<64x39xf32>, tensor<40x44xf32>, tensor<64x20xf32>
}

// What is inserted or padded: each element is chosen between the part and what is
// around it.
// RUN: specplace opt --pass %{plan},gather-slices %{decision} --pin drafter=gpu,target=cpu,control=cpu -q written.mlir | FileCheck written.mlir
//--- written.mlir
// CHECK-LABEL: func.func private @drafter_0(
// CHECK-NOT:     tensor.insert_slice
// CHECK:         %[[SUM:.+]] = arith.addf
// CHECK:         linalg.generic {{.*}} ins(%[[SUM]] : tensor<64x44xf32>) outs(%{{.+}} : tensor<64x44xf32>) {
// CHECK-NEXT:    ^bb0(%[[OLD:.+]]: f32, %{{.+}}: f32):
// CHECK:           %[[COLUMN:.+]] = linalg.index 1 : index
// CHECK-NEXT:      %[[PLACE:.+]] = arith.subi %[[COLUMN]], %c2{{.*}} : index
// CHECK-NEXT:      arith.cmpi ult, %[[PLACE]], %c40{{.*}} : index
// CHECK:           %[[NEW:.+]] = tensor.extract %{{.+}}[%{{.+}}, %{{.+}}] : tensor<64x40xf32>
// CHECK-NEXT:      arith.select %{{.+}}, %[[NEW]], %[[OLD]] : f32
// CHECK-NOT:     tensor.pad
// CHECK:         linalg.generic {{.*}} outs(%{{.+}} : tensor<64x44xf32>) {
// CHECK:           arith.select %{{.+}}, %{{.+}}, %cst{{.*}} : f32
// CHECK-NOT:     tensor.pad
// CHECK:         return
func.func @written(%x: tensor<64x40xf32>, %y: tensor<64x44xf32>) -> (tensor<64x44xf32>, tensor<64x44xf32>) {
  %zero = arith.constant 0.0 : f32
  %p = flow.tensor.transfer %x : tensor<64x40xf32> to #hal.device.promise<@drafter>
  %q = flow.tensor.transfer %y : tensor<64x44xf32> to #hal.device.promise<@drafter>
  %part = arith.mulf %p, %p : tensor<64x40xf32>
  %sum = arith.addf %q, %q : tensor<64x44xf32>
  %a = tensor.insert_slice %part into %sum[0, 2] [64, 40] [1, 1] : tensor<64x40xf32> into tensor<64x44xf32>
  %b = tensor.pad %part low[0, 2] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<64x40xf32> to tensor<64x44xf32>
  %t = flow.tensor.transfer %a : tensor<64x44xf32> to #hal.device.promise<@target>
  %v = arith.mulf %t, %t : tensor<64x44xf32>
  return %v, %b : tensor<64x44xf32>, tensor<64x44xf32>
}
