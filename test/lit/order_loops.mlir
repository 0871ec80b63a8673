// order-loops: the loops over what a reduction results in run in the order of its
// dimensions; otherwise IREE's code for SPIR-V loses addends.

// RUN: split-file %s %t
// RUN: cd %t

// A depthwise convolution, positions before channels: channels first, with its
// strides and dilations, and our attributes, and the bias that it begins with.
// RUN: specplace opt --pass order-loops depthwise.mlir | FileCheck depthwise.mlir
//--- depthwise.mlir
// CHECK-DAG:  #[[X:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 * 2 + d4 * 3, d3 + d5)>
// CHECK-DAG:  #[[W:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d1, d4, d5)>
// CHECK-DAG:  #[[R:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3)>
// CHECK-LABEL: func.func @depthwise(
// CHECK-SAME:      %[[INPUT:.+]]: tensor<1x80x20x9xf32>, %[[FILTER:.+]]: tensor<80x4x3xf32>, %[[BIAS:.+]]: tensor<1x80x5x7xf32>)
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#[[X]], #[[W]], #[[R]]]
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]
// CHECK-SAME:      ins(%[[INPUT]], %[[FILTER]] : {{.*}}) outs(%[[BIAS]] : {{.*}}) attrs = {specplace.role = "drafter"}
// CHECK:           %[[PRODUCT:.+]] = arith.mulf %in, %in_{{.*}} : f32
// CHECK:           %[[SUM:.+]] = arith.addf %out, %[[PRODUCT]] : f32
// CHECK:           linalg.yield %[[SUM]] : f32
func.func @depthwise(%x: tensor<1x80x20x9xf32>, %w: tensor<80x4x3xf32>, %b: tensor<1x80x5x7xf32>) -> tensor<1x80x5x7xf32> {
  %r = linalg.depthwise_conv_2d_nchw_chw {dilations = dense<[3, 1]> : vector<2xi64>, strides = dense<[2, 1]> : vector<2xi64>, specplace.role = "drafter"}
    ins(%x, %w : tensor<1x80x20x9xf32>, tensor<80x4x3xf32>) outs(%b : tensor<1x80x5x7xf32>) -> tensor<1x80x5x7xf32>
  return %r : tensor<1x80x5x7xf32>
}

// A generic reduction: what its body asks of its loops follows them, and several
// results stay together.
// RUN: specplace opt --pass order-loops index.mlir | FileCheck index.mlir
//--- index.mlir
// CHECK-DAG:  #[[ALL:.+]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG:  #[[KEPT:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func.func @index(
// CHECK:         linalg.generic {indexing_maps = [#[[ALL]], #[[KEPT]], #[[KEPT]]], iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK:           linalg.index 2
// CHECK:           linalg.index 1
// CHECK:           linalg.index 0
func.func @index(%x: tensor<5x7x3xf32>, %s: tensor<5x7xf32>, %p: tensor<5x7xindex>) -> (tensor<5x7xf32>, tensor<5x7xindex>) {
  %r:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d2, d1, d0)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d2, d1)>], iterator_types = ["reduction", "parallel", "parallel"]} ins(%x : tensor<5x7x3xf32>) outs(%s, %p : tensor<5x7xf32>, tensor<5x7xindex>) {
  ^bb0(%in: f32, %sum: f32, %place: index):
    %summed = linalg.index 0 : index
    %column = linalg.index 1 : index
    %row = linalg.index 2 : index
    %a = arith.addi %summed, %column : index
    %b = arith.muli %a, %row : index
    %c = arith.addi %b, %place : index
    %d = arith.addf %in, %sum : f32
    linalg.yield %d, %c : f32, index
  } -> (tensor<5x7xf32>, tensor<5x7xindex>)
  return %r#0, %r#1 : tensor<5x7xf32>, tensor<5x7xindex>
}

// What is in order stays as it is, and so does what sums nothing up, or has
// results in two orders.
// RUN: specplace opt --pass order-loops left.mlir | FileCheck left.mlir
//--- left.mlir
// CHECK-DAG:  #[[TURNED:.+]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-DAG:  #[[KEPT:.+]] = affine_map<(d0, d1, d2) -> (d1, d0)>
// CHECK-LABEL: func.func @left(
// CHECK:         linalg.matmul
// CHECK:         linalg.depthwise_conv_1d_nwc_wc
// CHECK:         linalg.generic {indexing_maps = [#{{.+}}, #[[TURNED]]], iterator_types = ["parallel", "parallel"]}
// CHECK:         linalg.generic {indexing_maps = [#{{.+}}, #[[KEPT]], #{{.+}}], iterator_types = ["parallel", "parallel", "reduction"]}
func.func @left(%a: tensor<4x8xf32>, %b: tensor<8x5xf32>, %c: tensor<4x5xf32>, %x: tensor<1x9x8xf32>, %w: tensor<4x8xf32>, %y: tensor<1x6x8xf32>, %z: tensor<5x4xf32>, %v: tensor<4x5x3xf32>)
    -> (tensor<1x6x8xf32>, tensor<5x4xf32>, tensor<5x4xf32>, tensor<4x5xf32>) {
  %m = linalg.matmul ins(%a, %b : tensor<4x8xf32>, tensor<8x5xf32>) outs(%c : tensor<4x5xf32>) -> tensor<4x5xf32>
  %r = linalg.depthwise_conv_1d_nwc_wc {dilations = dense<1> : vector<1xi64>, strides = dense<1> : vector<1xi64>}
    ins(%x, %w : tensor<1x9x8xf32>, tensor<4x8xf32>) outs(%y : tensor<1x6x8xf32>) -> tensor<1x6x8xf32>
  %t = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1, d0)>], iterator_types = ["parallel", "parallel"]} ins(%m : tensor<4x5xf32>) outs(%z : tensor<5x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<5x4xf32>
  %two:2 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d1, d0)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%v : tensor<4x5x3xf32>) outs(%t, %m : tensor<5x4xf32>, tensor<4x5xf32>) {
  ^bb0(%in: f32, %one: f32, %other: f32):
    %s = arith.addf %in, %one : f32
    %u = arith.addf %in, %other : f32
    linalg.yield %s, %u : f32, f32
  } -> (tensor<5x4xf32>, tensor<4x5xf32>)
  return %r, %t, %two#0, %two#1 : tensor<1x6x8xf32>, tensor<5x4xf32>, tensor<5x4xf32>, tensor<4x5xf32>
}
