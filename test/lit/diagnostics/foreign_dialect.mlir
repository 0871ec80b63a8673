// Dialects that specplace cannot place.

// RUN: split-file %s %t
// RUN: cd %t

// One that IREE does not know: the module cannot even be read.
// RUN: %exits 2 specplace unknown.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck unknown.mlir
// RUN: not test -e out.mlir
//--- unknown.mlir
// CHECK: unknown.mlir:[[#@LINE+2]]:{{[0-9]+}}: error: this operation is of a dialect that IREE does not know
// CHECK: help: bring it to Torch or to IREE's input phase first
"mhlo.something"() : () -> ()

// Ones that IREE takes as input, and lowers first.
// RUN: %exits 1 specplace stablehlo.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck stablehlo.mlir
// RUN: %exits 1 specplace tosa.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck tosa.mlir
// RUN: not test -e out.mlir
//--- stablehlo.mlir
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: stablehlo.mlir:[[#@LINE+2]]:8: error: the module is written in the dialect 'stablehlo', which specplace does not look into
  // CHECK: help: have IREE bring it to linalg first: iree-compile --compile-to=input IN -o -
  %0 = stablehlo.add %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
//--- tosa.mlir
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: tosa.mlir:[[#@LINE+1]]:8: error: the module is written in the dialect 'tosa'
  %0 = tosa.add %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// In bytecode the dialect is a name in a table, and there is no line to show.
// MLIR's advice to mlir-opt is left out.
// RUN: specplace opt --pass resolve-markers --emit-bytecode bytecode.mlir -o good.mlirbc
// RUN: env LC_ALL=C sed 's/arith/wrath/' good.mlirbc > bad.mlirbc
// RUN: %exits 2 specplace bad.mlirbc -o out.mlir --alpha 0.9 2>&1 | FileCheck bytecode.mlir
// RUN: not test -e out.mlir
//--- bytecode.mlir
// CHECK-NOT: allow-unregistered
// CHECK:     error: this operation is of a dialect that IREE does not know
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.addf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
