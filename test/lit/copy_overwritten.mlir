// copy-overwritten: a copy of its own for what an operation overwrites, where
// IREE would let it overwrite what others read, too: indices are wrong then,
// and nothing says so.

// RUN: split-file %s %t
// RUN: cd %t

// Two sorts of one iota, and a scatter into it: a copy each, behind a bit of
// its own, so that no two of them are the same. Keys that one sort alone reads,
// computed at run time, are overwritten as they are.
// RUN: specplace opt --pass copy-overwritten shared.mlir | FileCheck shared.mlir
//--- shared.mlir
// CHECK-LABEL: func.func @shared(
// CHECK:         %[[KEYS:.+]] = arith.sitofp
// CHECK:         %[[IOTA:.+]] = linalg.generic
// CHECK:         %[[BIT:.+]] = util.optimization_barrier %{{.+}} : i1
// CHECK:         %[[FIRST:.+]] = linalg.generic {{.*}} ins(%[[IOTA]] : tensor<8xi64>)
// CHECK:           arith.select %[[BIT]], %in, %{{.+}} : i64
// CHECK:         %[[SORTED:.+]]:2 = iree_linalg_ext.sort dimension(0) outs(%[[KEYS]], %[[FIRST]] :
// CHECK:         %[[AGAIN:.+]] = arith.sitofp %[[SORTED]]#1
// CHECK:         %[[BIT:.+]] = util.optimization_barrier %{{.+}} : i1
// CHECK:         %[[SECOND:.+]] = linalg.generic {{.*}} ins(%[[IOTA]] : tensor<8xi64>)
// CHECK:           arith.select %[[BIT]], %in, %{{.+}} : i64
// CHECK:         iree_linalg_ext.sort dimension(0) outs(%[[AGAIN]], %[[SECOND]] :
// CHECK:         %[[THIRD:.+]] = linalg.generic {{.*}} ins(%[[IOTA]] : tensor<8xi64>)
// CHECK:         iree_linalg_ext.scatter {{.*}} outs(%[[THIRD]] :
#m = affine_map<(d0) -> (d0)>
func.func @shared(%tokens: tensor<8xi64>, %updates: tensor<2xi64>, %at: tensor<2x1xi32>) -> (tensor<8xi64>, tensor<8xi64>) {
  %keys = arith.sitofp %tokens : tensor<8xi64> to tensor<8xf32>
  %empty = tensor.empty() : tensor<8xi64>
  %iota = linalg.generic {indexing_maps = [#m], iterator_types = ["parallel"]} outs(%empty : tensor<8xi64>) {
  ^bb0(%o: i64):
    %i = linalg.index 0 : index
    %v = arith.index_cast %i : index to i64
    linalg.yield %v : i64
  } -> tensor<8xi64>
  %a:2 = iree_linalg_ext.sort dimension(0) outs(%keys, %iota : tensor<8xf32>, tensor<8xi64>) {
  ^bb0(%l: f32, %r: f32, %i: i64, %j: i64):
    %less = arith.cmpf olt, %l, %r : f32
    iree_linalg_ext.yield %less : i1
  } -> tensor<8xf32>, tensor<8xi64>
  %again = arith.sitofp %a#1 : tensor<8xi64> to tensor<8xf32>
  %b:2 = iree_linalg_ext.sort dimension(0) outs(%again, %iota : tensor<8xf32>, tensor<8xi64>) {
  ^bb0(%l: f32, %r: f32, %i: i64, %j: i64):
    %less = arith.cmpf olt, %l, %r : f32
    iree_linalg_ext.yield %less : i1
  } -> tensor<8xf32>, tensor<8xi64>
  %c = iree_linalg_ext.scatter dimension_map = [0] unique_indices(true) ins(%updates, %at : tensor<2xi64>, tensor<2x1xi32>) outs(%iota : tensor<8xi64>) {
  ^bb0(%new: i64, %old: i64):
    iree_linalg_ext.yield %new : i64
  } -> tensor<8xi64>
  return %b#1, %c : tensor<8xi64>, tensor<8xi64>
}

// Keys that somebody else reads, too, are copied, floats as well; so is a
// constant that is inserted into. Fills are not, nor is a cache that was passed.
// RUN: specplace opt --pass copy-overwritten others.mlir | FileCheck others.mlir
//--- others.mlir
// CHECK-LABEL: func.func @others(
// CHECK-SAME:      %{{.+}}: tensor<8xf32>, %[[CACHE:.+]]: tensor<8xf32>, %[[ROW:.+]]: tensor<2xf32>)
// CHECK:         %[[KEYS:.+]] = math.exp
// CHECK:         %[[OWN:.+]] = linalg.generic {{.*}} ins(%[[KEYS]] : tensor<8xf32>)
// CHECK:         iree_linalg_ext.sort dimension(0) outs(%[[OWN]] :
// CHECK:         tensor.insert_slice %[[ROW]] into %[[CACHE]]
// CHECK:         %[[CONSTANT:.+]] = linalg.generic {{.*}} ins(%cst
// CHECK:         tensor.insert_slice %[[ROW]] into %[[CONSTANT]]
// CHECK:         %[[ZERO:.+]] = linalg.fill
// CHECK:         tensor.insert_slice %[[ROW]] into %[[ZERO]]
func.func @others(%x: tensor<8xf32>, %cache: tensor<8xf32>, %row: tensor<2xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<4xf32>, tensor<8xf32>) {
  %keys = math.exp %x : tensor<8xf32>
  %sorted = iree_linalg_ext.sort dimension(0) outs(%keys : tensor<8xf32>) {
  ^bb0(%l: f32, %r: f32):
    %less = arith.cmpf olt, %l, %r : f32
    iree_linalg_ext.yield %less : i1
  } -> tensor<8xf32>
  %a = tensor.insert_slice %row into %cache[0] [2] [1] : tensor<2xf32> into tensor<8xf32>
  %constant = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %b = tensor.insert_slice %row into %constant[0] [2] [1] : tensor<2xf32> into tensor<4xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<8xf32>) -> tensor<8xf32>
  %c = tensor.insert_slice %row into %zeros[0] [2] [1] : tensor<2xf32> into tensor<8xf32>
  return %keys, %sorted, %a, %b, %c : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<4xf32>, tensor<8xf32>
}
