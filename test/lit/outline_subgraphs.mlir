// outline-subgraphs: each subgraph in a function of its own that is never
// inlined. IREE honours an affinity only on such functions: one on a function
// that is inlined leaves buffers that devices share unawares, and wrong tokens
// now and then.

// RUN: split-file %s %t
// RUN: cd %t

// Two drafts are the same function, called twice. Between them control adds a
// token, so that the drafter is left and entered again: a group is convex.
// What is computed from a weight alone is copied into each group that reads
// it, instead of crossing. A scalar that is read from a tensor stays, and so
// does what is computed from it.
// RUN: specplace opt --pass outline-subgraphs straight.mlir | FileCheck straight.mlir
//--- straight.mlir
// CHECK-LABEL: func.func @straight
// CHECK-SAME:      %[[TOKENS:.+]]: tensor<4xi64>, %[[N:.+]]: i64)
// CHECK-NOT:     util.global.load
// CHECK:         %[[DRAFT:.+]] = call @drafter_0(%[[TOKENS]])
// CHECK:         %[[WITH:.+]] = call @control_0(%[[TOKENS]], %[[DRAFT]])
// CHECK:         %[[SECOND:.+]] = call @drafter_0(%[[WITH]])
// CHECK:         %[[VERIFIED:.+]] = call @target_0(%[[SECOND]])
// CHECK:         %[[SCALAR:.+]] = tensor.extract %[[VERIFIED]]
// CHECK:         %[[SUM:.+]] = arith.addi %[[SCALAR]], %[[N]] : i64
// CHECK:         return %[[VERIFIED]], %[[WITH]], %[[SUM]]
//
// CHECK:       func.func private @drafter_0(%{{.+}}: tensor<4xi64>) -> tensor<4xi64> attributes {noinline, specplace.role = "drafter"} {
// CHECK-NOT:     specplace.role
// CHECK:         %[[W:.+]] = util.global.load @w
// CHECK:         %[[NEGATED:.+]] = arith.negf %[[W]]
// CHECK:         arith.mulf %{{.+}}, %[[NEGATED]]
// CHECK:       func.func private @control_0({{.*}}) -> tensor<4xi64> attributes {noinline, specplace.role = "control"} {
// CHECK-NEXT:    arith.addi
// CHECK-NOT:   func.func private @drafter_1
// CHECK:       func.func private @target_0({{.*}}) -> tensor<4xi64> attributes {noinline, specplace.role = "target"} {
// CHECK:         util.global.load @w
// CHECK:         arith.negf
util.global private @w = #flow.parameter.named<"model"::"w"> : tensor<4xf32>
func.func @straight(%tokens: tensor<4xi64>, %n: i64) -> (tensor<4xi64>, tensor<4xi64>, i64) {
  %w = util.global.load @w : tensor<4xf32>
  %negated = arith.negf %w : tensor<4xf32>
  %x0 = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %y0 = arith.mulf %x0, %negated {specplace.role = "drafter"} : tensor<4xf32>
  %draft0 = arith.fptosi %y0 {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
  %with0 = arith.addi %tokens, %draft0 : tensor<4xi64>
  %x1 = arith.sitofp %with0 {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %y1 = arith.mulf %x1, %negated {specplace.role = "drafter"} : tensor<4xf32>
  %draft1 = arith.fptosi %y1 {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
  %x = arith.sitofp %draft1 {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %negated {specplace.role = "target"} : tensor<4xf32>
  %v = arith.fptosi %y {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
  %last = arith.constant 3 : index
  %s = tensor.extract %v[%last] : tensor<4xi64>
  %sum = arith.addi %s, %n : i64
  return %v, %with0, %sum : tensor<4xi64>, tensor<4xi64>, i64
}

// Control flow stays where it is; the blocks in it are grouped one by one, and
// what they capture becomes an argument. A constant tensor that control flow
// hands on must exist at run time, and so is control's.
// RUN: specplace opt --pass outline-subgraphs loop.mlir | FileCheck loop.mlir
//--- loop.mlir
// CHECK-LABEL: func.func @loop
// CHECK-SAME:      %[[TOKENS:.+]]: tensor<4xi64>, %[[N:.+]]: i64)
// CHECK:         %[[BEFORE:.+]]:2 = call @control_0(%[[TOKENS]])
// CHECK:         scf.while (%{{.+}} = %{{.+}}, %{{.+}} = %[[BEFORE]]#1)
// CHECK:           arith.cmpi slt, %{{.+}}, %[[N]] : i64
// CHECK:         ^bb0(%{{.+}}: i64, %[[NOW:.+]]: tensor<4xi64>):
// CHECK:           arith.addi %{{.+}} : i64
// CHECK:           %[[DRAFT:.+]] = func.call @drafter_0(%[[NOW]])
// CHECK:           %[[NEXT:.+]] = func.call @control_1(%[[DRAFT]], %[[BEFORE]]#0)
// CHECK:           scf.yield %{{.+}}, %[[NEXT]]
// CHECK:       func.func private @control_0(
// CHECK:         arith.constant dense<0> : tensor<4xi64>
func.func @loop(%tokens: tensor<4xi64>, %n: i64) -> tensor<4xi64> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %zeros = arith.constant dense<0> : tensor<4xi64>
  %offset = arith.addi %tokens, %tokens : tensor<4xi64>
  %r:2 = scf.while (%i = %zero, %now = %zeros) : (i64, tensor<4xi64>) -> (i64, tensor<4xi64>) {
    %go = arith.cmpi slt, %i, %n : i64
    scf.condition(%go) %i, %now : i64, tensor<4xi64>
  } do {
  ^bb0(%i: i64, %now: tensor<4xi64>):
    %x = arith.sitofp %now {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
    %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
    %next = arith.addi %draft, %offset : tensor<4xi64>
    %j = arith.addi %i, %one : i64
    scf.yield %j, %next : i64, tensor<4xi64>
  }
  return %r#1 : tensor<4xi64>
}

// A body may capture what is an operand of its operation, too: both are the
// argument then.
// RUN: specplace opt --pass outline-subgraphs captured.mlir | FileCheck captured.mlir
//--- captured.mlir
// CHECK:       func.func private @target_0(%[[ROWS:.+]]: tensor<4xf32>) -> tensor<4xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[ROWS]] : tensor<4xf32>)
// CHECK:           tensor.extract %[[ROWS]][
// CHECK:       func.func private @drafter_0(%[[ROWS:.+]]: tensor<4xf32>) -> tensor<4xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[ROWS]] : tensor<4xf32>)
// CHECK:           tensor.extract %[[ROWS]][
#same = affine_map<(d0) -> (d0)>
func.func @captured(%rows: tensor<4xf32>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  %verified = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel"]} ins(%rows : tensor<4xf32>) outs(%empty : tensor<4xf32>) attrs = {specplace.role = "target"} {
  ^bb0(%row: f32, %out: f32):
    %at = linalg.index 0 : index
    %picked = tensor.extract %rows[%at] : tensor<4xf32>
    %sum = arith.addf %row, %picked : f32
    linalg.yield %sum : f32
  } -> tensor<4xf32>
  %drafted = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel"]} ins(%verified : tensor<4xf32>) outs(%empty : tensor<4xf32>) attrs = {specplace.role = "drafter"} {
  ^bb0(%row: f32, %out: f32):
    %at = linalg.index 0 : index
    %picked = tensor.extract %verified[%at] : tensor<4xf32>
    %product = arith.mulf %row, %picked : f32
    linalg.yield %product : f32
  } -> tensor<4xf32>
  return %drafted : tensor<4xf32>
}

// Names that the module has already are not taken again.
// RUN: specplace opt --pass outline-subgraphs taken.mlir | FileCheck taken.mlir
//--- taken.mlir
// CHECK: func.func @drafter_0
// CHECK:   call @drafter_1
// CHECK: func.func private @drafter_1
func.func @drafter_0(%tokens: tensor<4xi64>) -> tensor<4xf32> {
  %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  return %x : tensor<4xf32>
}

// A load of a global that is written keeps its place behind the store.
// RUN: specplace opt --pass outline-subgraphs %S/../data/cases/store_then_load.mlir | FileCheck %s --check-prefix=STATE
// STATE:       %[[MADE:.+]] = call @drafter_0(
// STATE-NEXT:  util.global.store %[[MADE]], @state
// STATE-NEXT:  %[[READ:.+]] = util.global.load @state
// STATE-NEXT:  call @target_0(%[[READ]])
