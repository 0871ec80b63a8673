// lower-torch: a mask that is a constant is read as words, not as booleans or
// bytes, which IREE's SPIR-V puts together wrongly.

// RUN: split-file %s %t
// RUN: cd %t

// Booleans, bytes compared with zero and cut to length, bytes of a global that are
// turned around and broadcast: each is computed here.
// RUN: specplace opt --pass lower-torch masks.mlir | FileCheck masks.mlir
//--- masks.mlir
// CHECK-LABEL: func.func @booleans(
// CHECK-DAG:     %[[WORDS:.+]] = arith.constant dense<{{\[}}[1, 0], [1, 1]]> : tensor<2x2xi32>
// CHECK:         linalg.generic {{.*}} ins(%{{.+}}, %[[WORDS]] : tensor<2x2xf32>, tensor<2x2xi32>)
// CHECK:         ^bb0(%[[X:.+]]: f32, %[[WORD:.+]]: i32, %{{.+}}: f32):
// CHECK:           %[[BIT:.+]] = arith.cmpi ne, %[[WORD]], %c0_i32 : i32
// CHECK:           arith.select %[[BIT]], %[[X]], %{{.+}} : f32
#m = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (0, d1)>
func.func @booleans(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %mask = arith.constant dense<[[true, false], [true, true]]> : tensor<2x2xi1>
  %none = arith.constant -1.0 : f32
  %empty = tensor.empty() : tensor<2x2xf32>
  %r = linalg.generic {indexing_maps = [#m, #m, #m], iterator_types = ["parallel", "parallel"]} ins(%x, %mask : tensor<2x2xf32>, tensor<2x2xi1>) outs(%empty : tensor<2x2xf32>) {
  ^bb0(%a: f32, %k: i1, %o: f32):
    %s = arith.select %k, %a, %none : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}

// The second and third column of the second and third row.
// CHECK-LABEL: func.func @bytes(
// CHECK-DAG:     %[[WORDS:.+]] = arith.constant dense<{{\[}}[0, 1], [1, 0]]> : tensor<2x2xi32>
// CHECK-NOT:     i8
// CHECK:         linalg.generic {{.*}} ins(%{{.+}}, %[[WORDS]] : tensor<2x2xf32>, tensor<2x2xi32>)
func.func @bytes(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %bytes = arith.constant dense<[[1, 1, 1], [1, 0, -1], [1, 2, 0]]> : tensor<3x3xi8>
  %zero = arith.constant 0 : i8
  %none = arith.constant -1.0 : f32
  %bits = tensor.empty() : tensor<3x3xi1>
  %mask = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%bytes : tensor<3x3xi8>) outs(%bits : tensor<3x3xi1>) {
  ^bb0(%k: i8, %o: i1):
    %b = arith.cmpi ne, %k, %zero : i8
    linalg.yield %b : i1
  } -> tensor<3x3xi1>
  %cut = tensor.extract_slice %mask[1, 1] [2, 2] [1, 1] : tensor<3x3xi1> to tensor<2x2xi1>
  %empty = tensor.empty() : tensor<2x2xf32>
  %r = linalg.generic {indexing_maps = [#m, #m, #m], iterator_types = ["parallel", "parallel"]} ins(%x, %cut : tensor<2x2xf32>, tensor<2x2xi1>) outs(%empty : tensor<2x2xf32>) {
  ^bb0(%a: f32, %k: i1, %o: f32):
    %s = arith.select %k, %a, %none : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}

// CHECK-LABEL: func.func @broadcast(
// CHECK-DAG:     %[[WORDS:.+]] = arith.constant dense<{{\[}}[0, 0, 1], [0, 0, 0]]> : tensor<2x3xi32>
// CHECK:         linalg.generic {{.*}} ins(%{{.+}}, %[[WORDS]] : tensor<2x3xf32>, tensor<2x3xi32>)
util.global private @padding = dense_resource<padding> : tensor<1x3xi8>
func.func @broadcast(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %bytes = util.global.load @padding : tensor<1x3xi8>
  %other = arith.constant dense<[[true, true, true], [true, false, false]]> : tensor<2x3xi1>
  %true = arith.constant true
  %zero = arith.constant 0 : i8
  %none = arith.constant -1.0 : f32
  %bits = tensor.empty() : tensor<2x3xi1>
  %mask = linalg.generic {indexing_maps = [#row, #m, #m], iterator_types = ["parallel", "parallel"]} ins(%bytes, %other : tensor<1x3xi8>, tensor<2x3xi1>) outs(%bits : tensor<2x3xi1>) {
  ^bb0(%k: i8, %l: i1, %o: i1):
    %b = arith.cmpi eq, %k, %zero : i8
    %c = arith.xori %b, %true : i1
    %d = arith.andi %c, %l : i1
    linalg.yield %d : i1
  } -> tensor<2x3xi1>
  %empty = tensor.empty() : tensor<2x3xf32>
  %r = linalg.generic {indexing_maps = [#m, #m, #m], iterator_types = ["parallel", "parallel"]} ins(%x, %mask : tensor<2x3xf32>, tensor<2x3xi1>) outs(%empty : tensor<2x3xf32>) {
  ^bb0(%a: f32, %k: i1, %o: f32):
    %s = arith.select %k, %a, %none : f32
    linalg.yield %s : f32
  } -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}
{-#
  dialect_resources: {
    builtin: {
      padding: "0x01000000000001"
    }
  }
#-}

// Bytes that are numbers stay bytes, and so do booleans that follow from inputs,
// and a global that is written.
// RUN: specplace opt --pass lower-torch left.mlir | FileCheck left.mlir
//--- left.mlir
// CHECK-LABEL: func.func @left(
// CHECK-NOT:     i32
#m = affine_map<(d0) -> (d0)>
util.global private mutable @written = dense<true> : tensor<2xi1>
func.func @left(%x: tensor<2xi8>, %y: tensor<2xi1>) -> (tensor<2xi8>, tensor<2xi1>) {
  %weights = arith.constant dense<[3, -5]> : tensor<2xi8>
  %mask = util.global.load @written : tensor<2xi1>
  util.global.store %y, @written : tensor<2xi1>
  %none = tensor.empty() : tensor<2xi8>
  %bits = tensor.empty() : tensor<2xi1>
  %r = linalg.generic {indexing_maps = [#m, #m, #m], iterator_types = ["parallel"]} ins(%x, %weights : tensor<2xi8>, tensor<2xi8>) outs(%none : tensor<2xi8>) {
  ^bb0(%a: i8, %k: i8, %o: i8):
    %s = arith.addi %a, %k : i8
    linalg.yield %s : i8
  } -> tensor<2xi8>
  %t = linalg.generic {indexing_maps = [#m, #m, #m], iterator_types = ["parallel"]} ins(%y, %mask : tensor<2xi1>, tensor<2xi1>) outs(%bits : tensor<2xi1>) {
  ^bb0(%a: i1, %k: i1, %o: i1):
    %s = arith.andi %a, %k : i1
    linalg.yield %s : i1
  } -> tensor<2xi1>
  return %r, %t : tensor<2xi8>, tensor<2xi1>
}
