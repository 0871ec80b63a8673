// identify-roles: where a role starts, how it spreads, where it ends.
//
// Most cases compute on small tensors in place of models: an integer becomes a
// float (as embeddings are looked up), weights are applied, and the float
// becomes an integer again (as argmax makes tokens).

// RUN: split-file %s %t
// RUN: cd %t

// What a model makes for itself stays with it: the index that a router chooses
// of, what is computed of it, and what it looks up of a table that nobody
// named, a float. So does a mask of the tokens. The target is one function.
// RUN: specplace opt --pass identify-roles routed.mlir | FileCheck routed.mlir
// RUN: specplace routed.mlir -o routed_out.mlir --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu -q
// RUN: FileCheck routed.mlir --check-prefix=OUT < routed_out.mlir
// RUN: iree-compile routed_out.mlir @routed_out.flags -o routed.vmfb
// RUN: iree-run-module --flagfile=routed_out.run.flags --module=routed.vmfb --function=routed --input=4xi64=1,2,3,4 | FileCheck routed.mlir --check-prefix=RAN
// RUN: specplace %data/cases/router_indices.mlir -o router_out.mlir --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu -q
// RUN: FileCheck routed.mlir --check-prefix=OUT < router_out.mlir
//--- routed.mlir
// RAN:     4xi64=0 0 -4 6
// OUT-NOT: call @control_0
// OUT:     call @target_0
// OUT-NOT: call @target
// OUT:     func.func private
#r = affine_map<(a) -> (a)>
func.func @routed(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %table = arith.constant dense<[1.5, 2.5, 3.5, 4.5]> : tensor<4xf32>
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %df = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %dt = arith.fptosi %df : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %dt : tensor<4xi64> to #hal.device.promise<@target>
  %x = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %zero = arith.constant dense<0> : tensor<4xi64>
  %three = arith.constant dense<3> : tensor<4xi64>
  // CHECK: arith.cmpi {{.*}}{specplace.role = "target"}
  %pad = arith.cmpi eq, %t, %zero : tensor<4xi64>
  // CHECK: arith.extui {{.*}}{specplace.role = "target"}
  %mask = arith.extui %pad : tensor<4xi1> to tensor<4xi64>
  // CHECK: arith.fptosi {{.*}}{specplace.role = "target"}
  %chosen = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  // CHECK: arith.andi {{.*}}{specplace.role = "target"}
  %expert = arith.andi %chosen, %three : tensor<4xi64>
  // CHECK: linalg.generic {{.*}}specplace.role = "target"
  %e = tensor.empty() : tensor<4xf32>
  %row = linalg.generic {indexing_maps = [#r, #r], iterator_types = ["parallel"]} ins(%expert : tensor<4xi64>) outs(%e : tensor<4xf32>) {
  ^bb0(%i: i64, %o: f32):
    %k = arith.index_cast %i : i64 to index
    %w = tensor.extract %table[%k] : tensor<4xf32>
    linalg.yield %w : f32
  } -> tensor<4xf32>
  // CHECK: math.sin {{.*}}{specplace.role = "target"}
  %activated = math.sin %row : tensor<4xf32>
  %y = arith.mulf %activated, %x : tensor<4xf32>
  %m = arith.sitofp %mask : tensor<4xi64> to tensor<4xf32>
  %z = arith.addf %y, %m : tensor<4xf32>
  %out = arith.fptosi %z : tensor<4xf32> to tensor<4xi64>
  // CHECK: arith.addi %{{.+}}, %{{.+}} : tensor<4xi64>
  %next = arith.addi %out, %out : tensor<4xi64>
  return %next : tensor<4xi64>
}

// Tokens are no such integers: what one draft makes, and the next one alone
// reads, is control's, so that each draft is a call of one function.
// RUN: specplace opt --pass identify-roles drafts.mlir | FileCheck drafts.mlir
//--- drafts.mlir
util.global private @drafter.w = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @target.w = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @drafts(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %one = arith.constant dense<1> : tensor<4xi64>
  %dw = util.global.load @drafter.w : tensor<4xf32>
  %tw = util.global.load @target.w : tensor<4xf32>
  %x0 = arith.sitofp %tokens : tensor<4xi64> to tensor<4xf32>
  %y0 = arith.mulf %x0, %dw : tensor<4xf32>
  %d0 = arith.fptosi %y0 : tensor<4xf32> to tensor<4xi64>
  // CHECK: arith.addi %{{.+}}, %{{.+}} : tensor<4xi64>
  %row = arith.addi %d0, %one : tensor<4xi64>
  %x1 = arith.sitofp %row : tensor<4xi64> to tensor<4xf32>
  %y1 = arith.mulf %x1, %dw : tensor<4xf32>
  %d1 = arith.fptosi %y1 : tensor<4xf32> to tensor<4xi64>
  %t = arith.sitofp %d1 : tensor<4xi64> to tensor<4xf32>
  %u = arith.mulf %t, %tw : tensor<4xf32>
  %v = arith.fptosi %u : tensor<4xf32> to tensor<4xi64>
  return %v : tensor<4xi64>
}

// A marker gives its role to what follows from its value, up to the tokens.
// Whoever reads tokens only is control, and so has no role attribute. A
// `control` marker on logits ends the model only there: what makes tokens of
// them stays with the model, so that whole logits do not cross.
// RUN: specplace opt --pass identify-roles markers.mlir 2>&1 | FileCheck markers.mlir
//--- markers.mlir
// CHECK-DAG:   remark: 'control' marks 1 float value(s), logits; what is computed from them up to the tokens stays with the model
// CHECK-DAG:   remark: drafter: 3 operations
// CHECK-DAG:   markers.mlir:{{[0-9]+}}:8: note: 3 because each follows from a value marked 'drafter'
// CHECK-DAG:   remark: target: 4 operations
// CHECK-LABEL: func.func @markers
// CHECK-NOT:     flow.tensor.transfer
// CHECK:         arith.sitofp %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.mulf %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.fptosi %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.addi %{{[^{]+}} : tensor<4xi64>
// CHECK:         arith.sitofp %{{.+}} {specplace.role = "target"}
// CHECK:         arith.mulf %{{.+}} {specplace.role = "target"}
// CHECK:         arith.negf %{{.+}} {specplace.role = "target"}
// CHECK:         arith.fptosi %{{.+}} {specplace.role = "target"}
// CHECK:         arith.cmpi eq, %{{[^{]+}} : tensor<4xi64>
// CHECK:         arith.select %{{[^{]+}} : tensor<4xi1>, tensor<4xi64>
util.global private @w = #flow.parameter.named<"model"::"w"> : tensor<4xf32>
func.func @markers(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %w = util.global.load @w : tensor<4xf32>
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %0 = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %1 = arith.mulf %0, %w : tensor<4xf32>
  %draft = arith.fptosi %1 : tensor<4xf32> to tensor<4xi64>
  %all = arith.addi %draft, %tokens : tensor<4xi64>
  %t = flow.tensor.transfer %all : tensor<4xi64> to #hal.device.promise<@target>
  %2 = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %3 = arith.mulf %2, %w : tensor<4xf32>
  %logits = flow.tensor.transfer %3 : tensor<4xf32> to #hal.device.promise<@control>
  %4 = arith.negf %logits : tensor<4xf32>
  %argmax = arith.fptosi %4 : tensor<4xf32> to tensor<4xi64>
  %equal = arith.cmpi eq, %draft, %argmax : tensor<4xi64>
  %r = arith.select %equal, %argmax, %tokens : tensor<4xi1>, tensor<4xi64>
  return %r : tensor<4xi64>
}

// Where both models' logits meet after `control` markers, as in stochastic
// acceptance, the operation is control's and no conflict.
// RUN: specplace opt --pass identify-roles -q meet.mlir | FileCheck meet.mlir
//--- meet.mlir
// CHECK-LABEL: func.func @meet
// CHECK:         arith.sitofp %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.sitofp %{{.+}} {specplace.role = "target"}
// CHECK:         arith.subf %{{[^{]+}} : tensor<4xf32>
func.func @meet(%tokens: tensor<4xi64>) -> tensor<4xf32> {
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %q = flow.tensor.transfer %x : tensor<4xf32> to #hal.device.promise<@control>
  %t = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %p = flow.tensor.transfer %y : tensor<4xf32> to #hal.device.promise<@control>
  %0 = arith.subf %p, %q : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Roles follow values through control flow: a weight that enters a loop as an
// argument, and a result that leaves it.
// RUN: specplace opt --pass identify-roles -q loop.mlir | FileCheck loop.mlir
//--- loop.mlir
// CHECK-LABEL: func.func @loop
// CHECK:         scf.while
// CHECK:           arith.mulf %{{.+}} {specplace.role = "drafter"}
// CHECK:           arith.fptosi %{{.+}} {specplace.role = "drafter"}
// CHECK:           arith.addi %{{[^{]+}} : i32
// CHECK:         arith.negf %{{.+}} {specplace.role = "drafter"}
func.func @loop(%tokens: tensor<4xi64>, %w: tensor<4xf32>, %n: i32) -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %d = flow.tensor.transfer %w : tensor<4xf32> to #hal.device.promise<@drafter>
  %t = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %r:3 = scf.while (%i = %zero, %now = %tokens, %weight = %d) : (i32, tensor<4xi64>, tensor<4xf32>) -> (i32, tensor<4xi64>, tensor<4xf32>) {
    %go = arith.cmpi slt, %i, %n : i32
    scf.condition(%go) %i, %now, %weight : i32, tensor<4xi64>, tensor<4xf32>
  } do {
  ^bb0(%i: i32, %now: tensor<4xi64>, %weight: tensor<4xf32>):
    %0 = arith.sitofp %now : tensor<4xi64> to tensor<4xf32>
    %1 = arith.mulf %0, %weight : tensor<4xf32>
    %next = arith.fptosi %1 : tensor<4xf32> to tensor<4xi64>
    %j = arith.addi %i, %one : i32
    scf.yield %j, %next, %weight : i32, tensor<4xi64>, tensor<4xf32>
  }
  %z = arith.negf %r#2 : tensor<4xf32>
  return %z, %y : tensor<4xf32>, tensor<4xf32>
}

// Without markers, weights tell: by `specplace.role`, by the name of their
// parameter (or of the global itself), through what is computed from weights
// alone, which belongs to nobody and gets no role.
// RUN: specplace opt --pass identify-roles names.mlir 2>&1 | FileCheck names.mlir
//--- names.mlir
// CHECK-DAG:   note: 4 because each reads 'model::drafter.w', whose name speaks of the drafter
// CHECK-DAG:   note: 3 because each reads 'model::w', which was given to the target
// CHECK-LABEL: func.func @names
// CHECK:         arith.sitofp %{{[^{]+}} : tensor<4xi64>
// CHECK:         arith.mulf %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.addf %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.mulf %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.fptosi %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.negf %{{[^{]+}} : tensor<4xf32>
// CHECK:         arith.mulf %{{.+}} {specplace.role = "target"}
// CHECK:         arith.addf %{{.+}} {specplace.role = "target"}
// CHECK:         arith.fptosi %{{.+}} {specplace.role = "target"}
util.global private @a = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @b = #stream.parameter.named<"model"::"draft.w"> : tensor<4xf32>
util.global private @c {specplace.role = "target"} = #flow.parameter.named<"model"::"w"> : tensor<4xf32>
util.global private @target_head = dense<1.0> : tensor<4xf32>
func.func @names(%tokens: tensor<4xi64>) -> (tensor<4xi64>, tensor<4xi64>) {
  %a = util.global.load @a : tensor<4xf32>
  %b = util.global.load @b : tensor<4xf32>
  %c = util.global.load @c : tensor<4xf32>
  %h = util.global.load @target_head : tensor<4xf32>
  %0 = arith.sitofp %tokens : tensor<4xi64> to tensor<4xf32>
  %1 = arith.mulf %0, %a : tensor<4xf32>
  %2 = arith.addf %1, %1 : tensor<4xf32>
  %3 = arith.mulf %2, %b : tensor<4xf32>
  %d = arith.fptosi %3 : tensor<4xf32> to tensor<4xi64>
  %negated = arith.negf %c : tensor<4xf32>
  %4 = arith.mulf %0, %negated : tensor<4xf32>
  %5 = arith.addf %4, %h : tensor<4xf32>
  %t = arith.fptosi %5 : tensor<4xf32> to tensor<4xi64>
  return %d, %t : tensor<4xi64>, tensor<4xi64>
}

// The command line has the last word about weights: a prefix of their names,
// with the parameter's scope or without it, or the symbol of one global.
// RUN: specplace opt --pass identify-roles given.mlir --drafter target. --target @b 2>&1 | FileCheck given.mlir
// RUN: specplace opt --pass identify-roles given.mlir --drafter model::target --target @b 2>&1 | FileCheck given.mlir
//--- given.mlir
// CHECK-DAG: note: 1 because it reads 'model::target.w', which was given to the drafter
// CHECK-DAG: note: 1 because it reads 'model::drafter.w', which was given to the target
util.global private @a = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
util.global private @b {specplace.role = "drafter"} = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
func.func @given(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = util.global.load @a : tensor<4xf32>
  %b = util.global.load @b : tensor<4xf32>
  %0 = arith.mulf %x, %a : tensor<4xf32>
  %1 = arith.mulf %x, %b : tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// A role written on an operation is taken as it is, on integers too, which
// spreading never gives one.
// RUN: specplace opt --pass identify-roles operations.mlir 2>&1 | FileCheck operations.mlir
//--- operations.mlir
// CHECK-DAG:   1 because it has specplace.role = "drafter"
// CHECK-DAG:   2 because each has specplace.role = "target"
// CHECK-LABEL: func.func @operations
// CHECK:         arith.trunci %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.sitofp %{{.+}} {specplace.role = "target"}
// CHECK:         arith.negf %{{.+}} {specplace.role = "target"}
func.func @operations(%tokens: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xi32>) {
  %0 = arith.trunci %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xi32>
  %1 = arith.sitofp %tokens {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %2 = arith.negf %1 : tensor<4xf32>
  return %2, %0 : tensor<4xf32>, tensor<4xi32>
}

// Nothing is named and nothing is marked: there are two sizes of models that
// start with a lookup by integer tokens, and the bigger one is the target.
// RUN: specplace opt --pass identify-roles structure.mlir 2>&1 | FileCheck structure.mlir
//--- structure.mlir
// CHECK-DAG:   note: 3 because each belongs to a model that starts at an embedding lookup and holds 256 bytes of weights, which is the smaller of two
// CHECK-DAG:   1 because it belongs to a model that starts at an embedding lookup and holds 512 bytes of weights, which is the bigger of two
// CHECK-LABEL: func.func @structure
// CHECK:         linalg.generic {{.*}}specplace.role = "drafter"
// CHECK:         tensor.extract_slice {{.*}}specplace.role = "drafter"
// CHECK:         arith.fptosi {{.*}}specplace.role = "drafter"
// CHECK:         linalg.generic {{.*}}specplace.role = "target"
#row = affine_map<(i, j) -> (i)>
#all = affine_map<(i, j) -> (i, j)>
util.global private @a = #flow.parameter.named<"model"::"a"> : tensor<16x4xf32>
util.global private @b = #flow.parameter.named<"model"::"b"> : tensor<16x8xf32>
func.func @structure(%tokens: tensor<4xi64>) -> (tensor<4xi64>, tensor<4x8xf32>) {
  %a = util.global.load @a : tensor<16x4xf32>
  %b = util.global.load @b : tensor<16x8xf32>
  %narrow = tensor.empty() : tensor<4x4xf32>
  %0 = linalg.generic {indexing_maps = [#row, #all], iterator_types = ["parallel", "parallel"]} ins(%tokens : tensor<4xi64>) outs(%narrow : tensor<4x4xf32>) {
  ^bb0(%token: i64, %out: f32):
    %row = arith.index_cast %token : i64 to index
    %column = linalg.index 1 : index
    %e = tensor.extract %a[%row, %column] : tensor<16x4xf32>
    linalg.yield %e : f32
  } -> tensor<4x4xf32>
  %first = tensor.extract_slice %0[0, 0] [4, 1] [1, 1] : tensor<4x4xf32> to tensor<4xf32>
  %draft = arith.fptosi %first : tensor<4xf32> to tensor<4xi64>
  %wide = tensor.empty() : tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#row, #all], iterator_types = ["parallel", "parallel"]} ins(%draft : tensor<4xi64>) outs(%wide : tensor<4x8xf32>) {
  ^bb0(%token: i64, %out: f32):
    %row = arith.index_cast %token : i64 to index
    %column = linalg.index 1 : index
    %e = tensor.extract %b[%row, %column] : tensor<16x8xf32>
    linalg.yield %e : f32
  } -> tensor<4x8xf32>
  return %draft, %1 : tensor<4xi64>, tensor<4x8xf32>
}

// A weight that both models read, such as a tied embedding, is shared and no
// contradiction, whatever it is called.
// RUN: specplace opt --pass identify-roles -q shared.mlir | FileCheck shared.mlir
//--- shared.mlir
// CHECK-LABEL: func.func @shared
// CHECK:         arith.mulf %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.mulf %{{.+}} {specplace.role = "target"}
util.global private @t = #flow.parameter.named<"model"::"target.embedding"> : tensor<4xf32>
func.func @shared(%tokens: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xf32>) {
  %w = util.global.load @t : tensor<4xf32>
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %0 = arith.mulf %x, %w : tensor<4xf32>
  %t = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %1 = arith.mulf %y, %w : tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// A weight that only the other model reads is one: a marker claims the
// operation for the drafter, the weight's name for the target.
// RUN: not specplace opt --pass identify-roles contradiction.mlir 2>&1 | FileCheck contradiction.mlir
//--- contradiction.mlir
// CHECK: contradiction.mlir:[[#@LINE+9]]:8: error: one operation is claimed by the drafter and by the target
// CHECK: contradiction.mlir:[[#@LINE+6]]:8: note: drafter: it follows from a value marked 'drafter'
// CHECK: contradiction.mlir:[[#@LINE+2]]:1: note: target: it reads 'model::target.w', whose name speaks of the target
// CHECK: help: mark the value that passes from one model to the other
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @contradiction(%tokens: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xf32>) {
  %w = util.global.load @t : tensor<4xf32>
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %0 = arith.mulf %x, %w : tensor<4xf32>
  %t = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  return %0, %y : tensor<4xf32>, tensor<4xf32>
}

// Of a quantised model the integers of few bits are activations, and so is what
// is added up of them, until it is scaled back. Tokens end the spread as before,
// of whatever width.
// RUN: specplace opt --pass identify-roles quantised.mlir 2>&1 | FileCheck quantised.mlir
//--- quantised.mlir
// CHECK-LABEL: func.func @quantised
// CHECK:         arith.fptosi %{{.+}} {specplace.role = "drafter"} : tensor<4x4xf32> to tensor<4x4xi8>
// CHECK:         linalg.matmul {specplace.role = "drafter"} ins(%{{.+}}, %{{.+}} : tensor<4x4xi8>, tensor<4x4xi8>)
// CHECK:         arith.addi %{{.+}} {specplace.role = "drafter"} : tensor<4x4xi32>
// CHECK:         arith.sitofp %{{.+}} {specplace.role = "drafter"} : tensor<4x4xi32> to tensor<4x4xf32>
// CHECK:         %[[TOKENS:.+]] = arith.fptosi %{{.+}} {specplace.role = "drafter"} : tensor<4x4xf32> to tensor<4x4xi32>
// CHECK:         arith.addi %[[TOKENS]], %[[TOKENS]] : tensor<4x4xi32>
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4x4xi8>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4x4xf32>
func.func @quantised(%tokens: tensor<4x4xi32>) -> (tensor<4x4xi32>, tensor<4x4xi32>) {
  %dw = util.global.load @d : tensor<4x4xi8>
  %tw = util.global.load @t : tensor<4x4xf32>
  %zeros = arith.constant dense<0> : tensor<4x4xi32>
  %offset = arith.constant dense<3> : tensor<4x4xi32>
  %d = flow.tensor.transfer %tokens : tensor<4x4xi32> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4x4xi32> to tensor<4x4xf32>
  %q = arith.fptosi %x : tensor<4x4xf32> to tensor<4x4xi8>
  %sum = linalg.matmul ins(%q, %dw : tensor<4x4xi8>, tensor<4x4xi8>) outs(%zeros : tensor<4x4xi32>) -> tensor<4x4xi32>
  %moved = arith.addi %sum, %offset : tensor<4x4xi32>
  %y = arith.sitofp %moved : tensor<4x4xi32> to tensor<4x4xf32>
  %draft = arith.fptosi %y : tensor<4x4xf32> to tensor<4x4xi32>
  %both = arith.addi %draft, %draft : tensor<4x4xi32>
  %t = flow.tensor.transfer %both : tensor<4x4xi32> to #hal.device.promise<@target>
  %p = arith.sitofp %t : tensor<4x4xi32> to tensor<4x4xf32>
  %r = arith.mulf %p, %tw : tensor<4x4xf32>
  %verified = arith.fptosi %r : tensor<4x4xf32> to tensor<4x4xi32>
  return %verified, %both : tensor<4x4xi32>, tensor<4x4xi32>
}

// Two models of one size in nested loops, with nothing but a draft length: the
// one in the inner loop drafts.
// RUN: specplace opt --pass resolve-markers,lower-torch,identify-roles -q %data/cases/unmarked_loop/spec.mlir.gz | FileCheck nest.txt
//--- nest.txt
CHECK: scf.while
CHECK: scf.while
CHECK: specplace.role = "drafter"
CHECK: specplace.role = "target"
CHECK-NOT: specplace.role = "drafter"

// A weight that an initializer makes of others is whose those are.
// RUN: specplace opt --pass identify-roles made.mlir 2>&1 | FileCheck made.mlir
//--- made.mlir
// CHECK: arith.mulf %{{.+}} {specplace.role = "drafter"}
// CHECK: arith.mulf %{{.+}} {specplace.role = "target"}
util.global private @a = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @b = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
util.global private @c : tensor<4xf32>
util.global private @d : tensor<4xf32>
util.global private @e : tensor<4xf32>
util.initializer {
  %a = util.global.load @a : tensor<4xf32>
  %c = arith.negf %a : tensor<4xf32>
  util.global.store %c, @c : tensor<4xf32>
  util.return
}
util.initializer {
  %b = util.global.load @b : tensor<4xf32>
  %d = arith.negf %b : tensor<4xf32>
  util.global.store %d, @d : tensor<4xf32>
  util.return
}
util.initializer {
  %d = util.global.load @d : tensor<4xf32>
  %e = arith.negf %d : tensor<4xf32>
  util.global.store %e, @e : tensor<4xf32>
  util.return
}
func.func @made(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %c = util.global.load @c : tensor<4xf32>
  %e = util.global.load @e : tensor<4xf32>
  %x = arith.sitofp %tokens : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %c : tensor<4xf32>
  %draft = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %z = arith.sitofp %draft : tensor<4xi64> to tensor<4xf32>
  %w = arith.mulf %z, %e : tensor<4xf32>
  %verified = arith.fptosi %w : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}
