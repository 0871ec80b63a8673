// fold-draft-length: the planned draft length as a constant, and no drafter
// where the plan does not speculate.

// RUN: split-file %s %t
// RUN: cd %t

// The open length becomes a constant of the same type wherever it is read (a
// scalar where a scalar is read of it), and its global is gone.
// RUN: specplace opt --pass identify-roles,estimate-costs,select-mapping,fold-draft-length -q open.mlir --alpha 0.9 --gamma 3 | FileCheck open.mlir --check-prefix=THREE
//
// At 0 the loop over drafts never runs: it is removed with the drafter in it,
// and so is the drafter's weight, which nothing reads any more. What the loop
// would have handed on is what it was given.
// RUN: specplace opt --pass identify-roles,estimate-costs,select-mapping,fold-draft-length -q open.mlir --alpha 0.9 --gamma 0 | FileCheck open.mlir --check-prefix=ZERO
//--- open.mlir
// THREE-NOT: @specplace.draft_length
// THREE:     util.global private @d
// THREE:     arith.constant 3 : i64
// THREE-NOT: tensor.extract
// THREE:     scf.while
// THREE:       arith.mulf %{{.+}} {specplace.role = "drafter"}
//
// ZERO-NOT:   util.global private @{{d|specplace}}
// ZERO:       util.global private @t
// ZERO:       func.func @open(%[[TOKENS:.+]]: tensor<4xi64>)
// ZERO-NOT:     scf.while
// ZERO-NOT:     drafter
// ZERO:         arith.sitofp %[[TOKENS]] {specplace.role = "target"}
// ZERO:         return %{{.+}}, %[[TOKENS]]
util.global private mutable @specplace.draft_length = dense<8> : tensor<i64>
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @open(%tokens: tensor<4xi64>) -> (tensor<4xi64>, tensor<4xi64>) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %length = util.global.load @specplace.draft_length : tensor<i64>
  %n = tensor.extract %length[] : tensor<i64>
  // As Torch's while_loop is lowered: the condition is computed before the
  // loop and at the end of its body.
  %any = arith.cmpi slt, %zero, %n : i64
  %drafts:3 = scf.while (%go = %any, %i = %zero, %now = %tokens) : (i1, i64, tensor<4xi64>) -> (i1, i64, tensor<4xi64>) {
    scf.condition(%go) %go, %i, %now : i1, i64, tensor<4xi64>
  } do {
  ^bb0(%go: i1, %i: i64, %now: tensor<4xi64>):
    %m = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %x = arith.sitofp %m : tensor<4xi64> to tensor<4xf32>
    %y = arith.mulf %x, %dw : tensor<4xf32>
    %draft = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
    %j = arith.addi %i, %one : i64
    %more = arith.cmpi slt, %j, %n : i64
    scf.yield %more, %j, %draft : i1, i64, tensor<4xi64>
  }
  %m = flow.tensor.transfer %drafts#2 : tensor<4xi64> to #hal.device.promise<@target>
  %x = arith.sitofp %m : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %tw : tensor<4xf32>
  %verified = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  return %verified, %drafts#2 : tensor<4xi64>, tensor<4xi64>
}

// Unrolled drafts cannot be left out, since control reads them. Each gives way
// to token 0, which is in every vocabulary: verification makes any draft
// harmless, and one accepted by chance was the right token.
// RUN: specplace opt --pass identify-roles,estimate-costs,select-mapping,fold-draft-length -q unrolled.mlir --alpha 0.9 --gamma 0 | FileCheck unrolled.mlir
//--- unrolled.mlir
// CHECK-NOT:   util.global private @d
// CHECK:       util.global private @t
// CHECK-LABEL: func.func @step
// CHECK-NOT:     drafter
// CHECK:         %[[DRAFT0:.+]] = arith.constant dense<0> : tensor<4xi64>
// CHECK:         arith.addi %{{.+}}, %[[DRAFT0]]
// CHECK:         %[[DRAFT1:.+]] = arith.constant dense<0> : tensor<4xi64>
// CHECK:         %[[TOKENS:.+]] = arith.addi %{{.+}}, %[[DRAFT1]]
// CHECK:         arith.sitofp %[[TOKENS]] {specplace.role = "target"}
// CHECK:         arith.cmpi eq, %{{.+}}, %[[DRAFT1]]
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @step(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %d0 = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x0 = arith.sitofp %d0 : tensor<4xi64> to tensor<4xf32>
  %y0 = arith.mulf %x0, %dw : tensor<4xf32>
  %draft0 = arith.fptosi %y0 : tensor<4xf32> to tensor<4xi64>
  %with0 = arith.addi %tokens, %draft0 : tensor<4xi64>
  %d1 = flow.tensor.transfer %with0 : tensor<4xi64> to #hal.device.promise<@drafter>
  %x1 = arith.sitofp %d1 : tensor<4xi64> to tensor<4xf32>
  %y1 = arith.mulf %x1, %dw : tensor<4xf32>
  %draft1 = arith.fptosi %y1 : tensor<4xf32> to tensor<4xi64>
  %with1 = arith.addi %with0, %draft1 : tensor<4xi64>
  %t = flow.tensor.transfer %with1 : tensor<4xi64> to #hal.device.promise<@target>
  %x = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %tw : tensor<4xf32>
  %verified = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %equal = arith.cmpi eq, %verified, %draft1 : tensor<4xi64>
  %r = arith.select %equal, %verified, %tokens : tensor<4xi1>, tensor<4xi64>
  return %r : tensor<4xi64>
}

// Models in functions of their own both stay, whatever the plan says of
// speculation: their caller decides.
// RUN: specplace opt --pass identify-roles,estimate-costs,select-mapping,fold-draft-length -q apart.mlir --alpha 0 | FileCheck apart.mlir
//--- apart.mlir
// CHECK: arith.mulf %{{.+}} {specplace.role = "drafter"}
// CHECK: arith.mulf %{{.+}} {specplace.role = "target"}
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @small(%x: tensor<4xf32>) -> tensor<4xi64> {
  %w = util.global.load @d : tensor<4xf32>
  %0 = arith.mulf %x, %w : tensor<4xf32>
  %1 = arith.fptosi %0 : tensor<4xf32> to tensor<4xi64>
  return %1 : tensor<4xi64>
}
func.func @big(%x: tensor<4xf32>) -> tensor<4xi64> {
  %w = util.global.load @t : tensor<4xf32>
  %0 = arith.mulf %x, %w : tensor<4xf32>
  %1 = arith.fptosi %0 : tensor<4xf32> to tensor<4xi64>
  return %1 : tensor<4xi64>
}

// RUN: not specplace opt --pass fold-draft-length apart.mlir 2>&1 | FileCheck apart.mlir --check-prefix=ORDER
// ORDER: error: no draft length to fold: select-mapping did not run
