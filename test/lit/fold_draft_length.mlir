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
// Drafts of a real export that are unrolled go, too, with lookups that assert their
// indices.
// RUN: specplace %examples/pair/generate_place.mlir -o exported.mlir --platform two-cpus --alpha 0.1 --gamma 0 -q
// RUN: not grep drafter_0 exported.mlir
// RUN: grep target_0 exported.mlir
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

// Conditions are computed in the types they have: true is 1 where it is widened
// without a sign, and 256 is nothing in eight bits. A sum of 1 that is doubled
// 80 times is told at once.
// RUN: specplace opt --pass identify-roles,estimate-costs,select-mapping,fold-draft-length -q widths.mlir --alpha 0.9 --gamma 0 | FileCheck widths.mlir
//--- widths.mlir
// CHECK-LABEL: func.func @widened
// CHECK:         scf.while
// CHECK-LABEL: func.func @widened_with_a_sign
// CHECK-NOT:     scf.while
// CHECK-LABEL: func.func @without_a_sign
// CHECK:         scf.while
// CHECK-LABEL: func.func @narrowed
// CHECK-NOT:     scf.while
// CHECK-LABEL: func.func @doubled
// CHECK-NOT:     scf.while
// CHECK-LABEL: func.func @added_up
// CHECK:         scf.while
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @widened(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %true = arith.constant true
  %false = arith.constant false
  %zero = arith.constant 0 : i64
  %many = arith.constant 256 : i64
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %r:2 = scf.while (%go = %true, %now = %tokens) : (i1, tensor<4xi64>) -> (i1, tensor<4xi64>) {
    %w = arith.extui %go : i1 to i64
    %c = arith.cmpi sgt, %w, %zero : i64
    scf.condition(%c) %go, %now : i1, tensor<4xi64>
  } do {
  ^bb0(%go: i1, %now: tensor<4xi64>):
    %d = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
    %y = arith.mulf %x, %dw : tensor<4xf32>
    %next = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
    scf.yield %false, %next : i1, tensor<4xi64>
  }
  %t = flow.tensor.transfer %r#1 : tensor<4xi64> to #hal.device.promise<@target>
  %p = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %q = arith.mulf %p, %tw : tensor<4xf32>
  %verified = arith.fptosi %q : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}
func.func @widened_with_a_sign(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %true = arith.constant true
  %false = arith.constant false
  %zero = arith.constant 0 : i64
  %many = arith.constant 256 : i64
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %r:2 = scf.while (%go = %true, %now = %tokens) : (i1, tensor<4xi64>) -> (i1, tensor<4xi64>) {
    %w = arith.extsi %go : i1 to i64
    %c = arith.cmpi sgt, %w, %zero : i64
    scf.condition(%c) %go, %now : i1, tensor<4xi64>
  } do {
  ^bb0(%go: i1, %now: tensor<4xi64>):
    %d = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
    %y = arith.mulf %x, %dw : tensor<4xf32>
    %next = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
    scf.yield %false, %next : i1, tensor<4xi64>
  }
  %t = flow.tensor.transfer %r#1 : tensor<4xi64> to #hal.device.promise<@target>
  %p = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %q = arith.mulf %p, %tw : tensor<4xf32>
  %verified = arith.fptosi %q : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}
func.func @without_a_sign(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %true = arith.constant true
  %false = arith.constant false
  %zero = arith.constant 0 : i64
  %many = arith.constant 256 : i64
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %r:2 = scf.while (%go = %true, %now = %tokens) : (i1, tensor<4xi64>) -> (i1, tensor<4xi64>) {
    %w = arith.extsi %go : i1 to i64
    %c = arith.cmpi ugt, %w, %zero : i64
    scf.condition(%c) %go, %now : i1, tensor<4xi64>
  } do {
  ^bb0(%go: i1, %now: tensor<4xi64>):
    %d = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
    %y = arith.mulf %x, %dw : tensor<4xf32>
    %next = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
    scf.yield %false, %next : i1, tensor<4xi64>
  }
  %t = flow.tensor.transfer %r#1 : tensor<4xi64> to #hal.device.promise<@target>
  %p = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %q = arith.mulf %p, %tw : tensor<4xf32>
  %verified = arith.fptosi %q : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}
func.func @narrowed(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %true = arith.constant true
  %false = arith.constant false
  %zero = arith.constant 0 : i64
  %many = arith.constant 256 : i64
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %r:2 = scf.while (%go = %true, %now = %tokens) : (i1, tensor<4xi64>) -> (i1, tensor<4xi64>) {
    %w = arith.trunci %many : i64 to i8
    %x = arith.extui %w : i8 to i64
    %c = arith.cmpi ne, %x, %zero : i64
    scf.condition(%c) %go, %now : i1, tensor<4xi64>
  } do {
  ^bb0(%go: i1, %now: tensor<4xi64>):
    %d = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
    %y = arith.mulf %x, %dw : tensor<4xf32>
    %next = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
    scf.yield %false, %next : i1, tensor<4xi64>
  }
  %t = flow.tensor.transfer %r#1 : tensor<4xi64> to #hal.device.promise<@target>
  %p = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %q = arith.mulf %p, %tw : tensor<4xf32>
  %verified = arith.fptosi %q : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}
func.func @doubled(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %true = arith.constant true
  %false = arith.constant false
  %zero = arith.constant 0 : i64
  %many = arith.constant 256 : i64
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %r:2 = scf.while (%go = %true, %now = %tokens) : (i1, tensor<4xi64>) -> (i1, tensor<4xi64>) {
    %x0 = arith.extui %go : i1 to i64
    %x1 = arith.addi %x0, %x0 : i64
    %x2 = arith.addi %x1, %x1 : i64
    %x3 = arith.addi %x2, %x2 : i64
    %x4 = arith.addi %x3, %x3 : i64
    %x5 = arith.addi %x4, %x4 : i64
    %x6 = arith.addi %x5, %x5 : i64
    %x7 = arith.addi %x6, %x6 : i64
    %x8 = arith.addi %x7, %x7 : i64
    %x9 = arith.addi %x8, %x8 : i64
    %x10 = arith.addi %x9, %x9 : i64
    %x11 = arith.addi %x10, %x10 : i64
    %x12 = arith.addi %x11, %x11 : i64
    %x13 = arith.addi %x12, %x12 : i64
    %x14 = arith.addi %x13, %x13 : i64
    %x15 = arith.addi %x14, %x14 : i64
    %x16 = arith.addi %x15, %x15 : i64
    %x17 = arith.addi %x16, %x16 : i64
    %x18 = arith.addi %x17, %x17 : i64
    %x19 = arith.addi %x18, %x18 : i64
    %x20 = arith.addi %x19, %x19 : i64
    %x21 = arith.addi %x20, %x20 : i64
    %x22 = arith.addi %x21, %x21 : i64
    %x23 = arith.addi %x22, %x22 : i64
    %x24 = arith.addi %x23, %x23 : i64
    %x25 = arith.addi %x24, %x24 : i64
    %x26 = arith.addi %x25, %x25 : i64
    %x27 = arith.addi %x26, %x26 : i64
    %x28 = arith.addi %x27, %x27 : i64
    %x29 = arith.addi %x28, %x28 : i64
    %x30 = arith.addi %x29, %x29 : i64
    %x31 = arith.addi %x30, %x30 : i64
    %x32 = arith.addi %x31, %x31 : i64
    %x33 = arith.addi %x32, %x32 : i64
    %x34 = arith.addi %x33, %x33 : i64
    %x35 = arith.addi %x34, %x34 : i64
    %x36 = arith.addi %x35, %x35 : i64
    %x37 = arith.addi %x36, %x36 : i64
    %x38 = arith.addi %x37, %x37 : i64
    %x39 = arith.addi %x38, %x38 : i64
    %x40 = arith.addi %x39, %x39 : i64
    %x41 = arith.addi %x40, %x40 : i64
    %x42 = arith.addi %x41, %x41 : i64
    %x43 = arith.addi %x42, %x42 : i64
    %x44 = arith.addi %x43, %x43 : i64
    %x45 = arith.addi %x44, %x44 : i64
    %x46 = arith.addi %x45, %x45 : i64
    %x47 = arith.addi %x46, %x46 : i64
    %x48 = arith.addi %x47, %x47 : i64
    %x49 = arith.addi %x48, %x48 : i64
    %x50 = arith.addi %x49, %x49 : i64
    %x51 = arith.addi %x50, %x50 : i64
    %x52 = arith.addi %x51, %x51 : i64
    %x53 = arith.addi %x52, %x52 : i64
    %x54 = arith.addi %x53, %x53 : i64
    %x55 = arith.addi %x54, %x54 : i64
    %x56 = arith.addi %x55, %x55 : i64
    %x57 = arith.addi %x56, %x56 : i64
    %x58 = arith.addi %x57, %x57 : i64
    %x59 = arith.addi %x58, %x58 : i64
    %x60 = arith.addi %x59, %x59 : i64
    %x61 = arith.addi %x60, %x60 : i64
    %x62 = arith.addi %x61, %x61 : i64
    %x63 = arith.addi %x62, %x62 : i64
    %x64 = arith.addi %x63, %x63 : i64
    %x65 = arith.addi %x64, %x64 : i64
    %x66 = arith.addi %x65, %x65 : i64
    %x67 = arith.addi %x66, %x66 : i64
    %x68 = arith.addi %x67, %x67 : i64
    %x69 = arith.addi %x68, %x68 : i64
    %x70 = arith.addi %x69, %x69 : i64
    %x71 = arith.addi %x70, %x70 : i64
    %x72 = arith.addi %x71, %x71 : i64
    %x73 = arith.addi %x72, %x72 : i64
    %x74 = arith.addi %x73, %x73 : i64
    %x75 = arith.addi %x74, %x74 : i64
    %x76 = arith.addi %x75, %x75 : i64
    %x77 = arith.addi %x76, %x76 : i64
    %x78 = arith.addi %x77, %x77 : i64
    %x79 = arith.addi %x78, %x78 : i64
    %x80 = arith.addi %x79, %x79 : i64
    %c = arith.cmpi ne, %x80, %zero : i64
    scf.condition(%c) %go, %now : i1, tensor<4xi64>
  } do {
  ^bb0(%go: i1, %now: tensor<4xi64>):
    %d = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
    %y = arith.mulf %x, %dw : tensor<4xf32>
    %next = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
    scf.yield %false, %next : i1, tensor<4xi64>
  }
  %t = flow.tensor.transfer %r#1 : tensor<4xi64> to #hal.device.promise<@target>
  %p = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %q = arith.mulf %p, %tw : tensor<4xf32>
  %verified = arith.fptosi %q : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}
func.func @added_up(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %true = arith.constant true
  %false = arith.constant false
  %zero = arith.constant 0 : i64
  %many = arith.constant 256 : i64
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %r:2 = scf.while (%go = %true, %now = %tokens) : (i1, tensor<4xi64>) -> (i1, tensor<4xi64>) {
    %ones = arith.constant dense<1> : tensor<8xi64>
    %start = arith.constant dense<-1> : tensor<i64>
    %sum = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>], iterator_types = ["reduction"]} ins(%ones : tensor<8xi64>) outs(%start : tensor<i64>) {
    ^bb0(%in: i64, %out: i64):
      %added = arith.addi %in, %out : i64
      linalg.yield %added : i64
    } -> tensor<i64>
    %w = tensor.extract %sum[] : tensor<i64>
    %c = arith.cmpi ne, %w, %zero : i64
    scf.condition(%c) %go, %now : i1, tensor<4xi64>
  } do {
  ^bb0(%go: i1, %now: tensor<4xi64>):
    %d = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
    %y = arith.mulf %x, %dw : tensor<4xf32>
    %next = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
    scf.yield %false, %next : i1, tensor<4xi64>
  }
  %t = flow.tensor.transfer %r#1 : tensor<4xi64> to #hal.device.promise<@target>
  %p = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %q = arith.mulf %p, %tw : tensor<4xf32>
  %verified = arith.fptosi %q : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}

// A loop of the target stays, even one that never runs: the plan has the target.
// RUN: specplace opt --pass identify-roles,estimate-costs,select-mapping,fold-draft-length -q target_loop.mlir --alpha 0.1 | FileCheck target_loop.mlir
//--- target_loop.mlir
// CHECK-LABEL: func.func @idle
// CHECK:         scf.while
// CHECK:           arith.mulf %{{.+}} {specplace.role = "target"}
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @idle(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %true = arith.constant true
  %false = arith.constant false
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %d0 = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x0 = arith.sitofp %d0 : tensor<4xi64> to tensor<4xf32>
  %y0 = arith.mulf %x0, %dw : tensor<4xf32>
  %draft = arith.fptosi %y0 : tensor<4xf32> to tensor<4xi64>
  %with = arith.addi %tokens, %draft : tensor<4xi64>
  %r:2 = scf.while (%go = %true, %now = %with) : (i1, tensor<4xi64>) -> (i1, tensor<4xi64>) {
    scf.condition(%false) %go, %now : i1, tensor<4xi64>
  } do {
  ^bb0(%go: i1, %now: tensor<4xi64>):
    %d = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@target>
    %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
    %y = arith.mulf %x, %tw : tensor<4xf32>
    %next = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
    scf.yield %false, %next : i1, tensor<4xi64>
  }
  return %r#1 : tensor<4xi64>
}

// A scalar of the drafter gives way to zero like a tensor does.
// RUN: specplace opt --pass identify-roles,estimate-costs,select-mapping,fold-draft-length -q scalar.mlir --alpha 0.9 --gamma 0 | FileCheck scalar.mlir
//--- scalar.mlir
// CHECK-LABEL: func.func @sure
// CHECK-NOT:     drafter
// CHECK:         %[[SURE:.+]] = arith.constant false
// CHECK:         arith.select %[[SURE]]
// CHECK:         return %{{.+}}, %[[SURE]]
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @sure(%tokens: tensor<4xi64>) -> (tensor<4xi64>, i1) {
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %c0 = arith.constant 0 : index
  %half = arith.constant 0.5 : f32
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x0 = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %y0 = arith.mulf %x0, %dw : tensor<4xf32>
  %p = tensor.extract %y0[%c0] : tensor<4xf32>
  %sure = arith.cmpf ogt, %p, %half : f32
  %draft = arith.fptosi %y0 : tensor<4xf32> to tensor<4xi64>
  %with = arith.select %sure, %draft, %tokens : tensor<4xi64>
  %t = flow.tensor.transfer %with : tensor<4xi64> to #hal.device.promise<@target>
  %x = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %tw : tensor<4xf32>
  %verified = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  return %verified, %sure : tensor<4xi64>, i1
}

// What has no zero has nothing to stand for it.
// RUN: not specplace opt --pass identify-roles,estimate-costs,select-mapping,fold-draft-length -q complex.mlir --alpha 0.9 --gamma 0 2>&1 | FileCheck complex.mlir
//--- complex.mlir
// CHECK: complex.mlir:[[#]]:8: error: without the drafter nothing can stand for its result of type complex<f32>
// CHECK: help: draft at least one token: --gamma 1
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @sure(%tokens: tensor<4xi64>) -> (tensor<4xi64>, f32) {
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %c0 = arith.constant 0 : index
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x0 = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %y0 = arith.mulf %x0, %dw : tensor<4xf32>
  %p = tensor.extract %y0[%c0] : tensor<4xf32>
  %z = complex.create %p, %p {specplace.role = "drafter"} : complex<f32>
  %sure = complex.re %z : complex<f32>
  %draft = arith.fptosi %y0 : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %x = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %tw : tensor<4xf32>
  %verified = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  return %verified, %sure : tensor<4xi64>, f32
}

// Only IR by hand has a draft length of any other type.
// RUN: not specplace opt --pass identify-roles,estimate-costs,select-mapping,fold-draft-length -q dynamic.mlir --alpha 0.9 2>&1 | FileCheck dynamic.mlir
//--- dynamic.mlir
// CHECK: dynamic.mlir:3:1: error: @specplace.draft_length is specplace's own name, for the most drafts there may be, and this global holds no such number
// CHECK: help: give this global another name, or initialize it: dense<8> : tensor<i64>
util.global private mutable @specplace.draft_length : tensor<?xi64>
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @open(%tokens: tensor<4xi64>) -> (tensor<4xi64>, tensor<?xi64>) {
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %length = util.global.load @specplace.draft_length : tensor<?xi64>
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x0 = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %y0 = arith.mulf %x0, %dw : tensor<4xf32>
  %draft = arith.fptosi %y0 : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %x = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %tw : tensor<4xf32>
  %verified = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  return %verified, %length : tensor<4xi64>, tensor<?xi64>
}
