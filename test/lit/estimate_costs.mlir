// estimate-costs: what one forward pass of each role computes and moves, and
// what crosses between roles. The workload is JSON in specplace.workload.

// RUN: split-file %s %t
// RUN: cd %t

// A multiply-add is two operations, at each point of the loops (here 4x8x16);
// elementwise work counts its operations, but is fused into what it follows and
// so is no dispatch; a lookup is a dispatch without arithmetic. A conversion
// computes nothing, but is a type that the device must have. Weights count
// whole, whatever is read of them.
// RUN: specplace opt --pass identify-roles,estimate-costs -q models.mlir | %venv/bin/python %S/Inputs/workload.py | FileCheck models.mlir
// The drafter's logits are a result of the function: there is no draft that
// verification would make harmless.
// RUN: specplace opt --pass identify-roles,estimate-costs models.mlir -o - 2>&1 >/dev/null | FileCheck models.mlir --check-prefix=NUMBERS
//--- models.mlir
// NUMBERS: models.mlir:[[#]]:8: remark: the drafter's numbers are used as they are, and not as tokens to be verified: it stays, whatever the draft length
// CHECK:      "crossings": [
// CHECK:        "bytes": 32,
// CHECK-NEXT:   "carried": false,
// CHECK-NEXT:   "count": 1,
// CHECK-NEXT:   "elements": 4,
// CHECK-NEXT:   "enters": true,
// CHECK-NEXT:   "from": "control",
// CHECK-NEXT:   "integer": true,
// CHECK-NEXT:   "leaves": false,
// CHECK-NEXT:   "per": "round",
// CHECK-NEXT:   "to": "drafter",
// CHECK-NEXT:   "value": [[#]],
// CHECK-NEXT:   "what": "tensor<4xi64>"
// CHECK:        "from": "target",
// CHECK-NEXT:   "integer": false,
// CHECK-NEXT:   "leaves": true,
// CHECK-NEXT:   "per": "round",
// CHECK-NEXT:   "to": "control",
// CHECK:        "what": "tensor<4x16xf32>"
// CHECK:      "sequence_length": 4,
// CHECK-NEXT: "state": null,
// CHECK:      "drafter": {
// CHECK:        "calls_in_module": 1,
// CHECK:        "dispatches": 2,
// CHECK-NEXT:   "dtypes": [
// CHECK-NEXT:     "f32"
// CHECK-NEXT:   ],
// CHECK-NEXT:   "flops": {
// CHECK-NEXT:     "f32": 1088
// CHECK:        "op_kinds": [
// CHECK-NEXT:     "linalg.fill",
// CHECK-NEXT:     "linalg.generic",
// CHECK-NEXT:     "linalg.matmul"
// CHECK-NEXT:   ],
// CHECK-NEXT:   "weight_bytes": 1024
// CHECK:      "target": {
// CHECK:        "dispatches": 1,
// CHECK:        "dtypes": [
// CHECK-DAG:      "f32"
// CHECK-DAG:      "f16"
// CHECK:        "flops": {
// CHECK-NEXT:     "f16": 2048,
// CHECK-NEXT:     "f32": 2048
// CHECK:        "weight_bytes": 1024
#row = affine_map<(i, j) -> (i)>
#all = affine_map<(i, j) -> (i, j)>
util.global private @embed = #flow.parameter.named<"model"::"drafter.embed"> : tensor<16x8xf32>
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<8x16xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<32x16xf16>
func.func @step(%tokens: tensor<4xi64>, %x: tensor<4x32xf16>) -> (tensor<4x16xf32>, tensor<4x16xf32>) {
  %embed = util.global.load @embed : tensor<16x8xf32>
  %d = util.global.load @d : tensor<8x16xf32>
  %t = util.global.load @t : tensor<32x16xf16>
  %zero = arith.constant 0.0 : f32
  // A lookup: no arithmetic, but a dispatch that moves its result.
  %looked_up = tensor.empty() : tensor<4x8xf32>
  %marked = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %0 = linalg.generic {indexing_maps = [#row, #all], iterator_types = ["parallel", "parallel"]} ins(%marked : tensor<4xi64>) outs(%looked_up : tensor<4x8xf32>) {
  ^bb0(%token: i64, %out: f32):
    %row = arith.index_cast %token : i64 to index
    %column = linalg.index 1 : index
    %e = tensor.extract %embed[%row, %column] : tensor<16x8xf32>
    linalg.yield %e : f32
  } -> tensor<4x8xf32>
  %empty = tensor.empty() : tensor<4x16xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x16xf32>) -> tensor<4x16xf32>
  %1 = linalg.matmul ins(%0, %d : tensor<4x8xf32>, tensor<8x16xf32>) outs(%filled : tensor<4x16xf32>) -> tensor<4x16xf32>
  // Elementwise: arithmetic, but no dispatch of its own.
  %2 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]} ins(%1 : tensor<4x16xf32>) outs(%empty : tensor<4x16xf32>) {
  ^bb0(%value: f32, %out: f32):
    %exp = math.exp %value : f32
    linalg.yield %exp : f32
  } -> tensor<4x16xf32>
  %in = flow.tensor.transfer %x : tensor<4x32xf16> to #hal.device.promise<@target>
  %3 = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%in, %t : tensor<4x32xf16>, tensor<32x16xf16>) outs(%filled : tensor<4x16xf32>) {
  ^bb0(%a: f16, %b: f16, %sum: f32):
    %product = arith.mulf %a, %b : f16
    %wide = arith.extf %product : f16 to f32
    %next = arith.addf %sum, %wide : f32
    linalg.yield %next : f32
  } -> tensor<4x16xf32>
  return %2, %3 : tensor<4x16xf32>, tensor<4x16xf32>
}

// What each operation does and in which types, whatever its name: a platform's
// table speaks of it (diagnostics/infeasible.mlir). What is computed of values
// alone that stand in the module is not the device's work.
// RUN: specplace opt --pass identify-roles,estimate-costs -q kinds.mlir | %venv/bin/python %S/Inputs/workload.py | tr -d '\n ' | FileCheck kinds.mlir
//--- kinds.mlir
// CHECK:      "drafter":{{.*}}"computes":{"argmax":["f32"],"arith.addf":["f32"],"arith.cmpf":["f32"],"arith.maximumf":["f32"],"arith.mulf":["f32"],
// CHECK-SAME: "depthwise-convolution":["f32"],"elementwise":["f32"],"gather":["f32"],"iree_linalg_ext.scatter":["f32"],
// CHECK-SAME: "reduction":["f32"],"scatter":["f32"]
// CHECK-SAME: "target":{{.*}}"computes":{"arith.addi":["i64"],"elementwise":["i64"]}
#all = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
util.global private @mask = dense_resource<mask> : tensor<4x4xi8>
util.global private @w = #flow.parameter.named<"model"::"drafter.w"> : tensor<4x3x3xf32>
func.func @step(%tokens: tensor<4xi64>, %x: tensor<1x4x6x6xf32>) -> (tensor<4xi64>, tensor<4x4xf32>, tensor<4xf32>, tensor<4xi64>) {
  %mask = util.global.load @mask : tensor<4x4xi8>
  %w = util.global.load @w : tensor<4x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %c0_i8 = arith.constant 0 : i8
  %c0_i64 = arith.constant 0 : i64
  %bits = tensor.empty() : tensor<4x4xi1>
  %allowed = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]} ins(%mask : tensor<4x4xi8>) outs(%bits : tensor<4x4xi1>) {
  ^bb0(%in: i8, %out: i1):
    %bit = arith.cmpi ne, %in, %c0_i8 : i8
    linalg.yield %bit : i1
  } -> tensor<4x4xi1>
  %marked = flow.tensor.transfer %x : tensor<1x4x6x6xf32> to #hal.device.promise<@drafter>
  %ids = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %empty = tensor.empty() : tensor<1x4x4x4xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %c = linalg.depthwise_conv_2d_nchw_chw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>} ins(%marked, %w : tensor<1x4x6x6xf32>, tensor<4x3x3xf32>) outs(%filled : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %flat = tensor.collapse_shape %c [[0, 1, 2], [3]] : tensor<1x4x4x4xf32> into tensor<16x4xf32>
  %square = tensor.empty() : tensor<4x4xf32>
  %rows = linalg.generic {indexing_maps = [#row, #all, #all], iterator_types = ["parallel", "parallel"]} ins(%ids, %allowed : tensor<4xi64>, tensor<4x4xi1>) outs(%square : tensor<4x4xf32>) {
  ^bb0(%id: i64, %may: i1, %out: f32):
    %i = arith.index_cast %id : i64 to index
    %j = linalg.index 1 : index
    %e = tensor.extract %flat[%i, %j] : tensor<16x4xf32>
    %s = arith.mulf %e, %e : f32
    %v = arith.select %may, %s, %zero : f32
    linalg.yield %v : f32
  } -> tensor<4x4xf32>
  %column = tensor.expand_shape %ids [[0, 1]] output_shape [4, 1] : tensor<4xi64> into tensor<4x1xi64>
  %put = iree_linalg_ext.scatter dimension_map = [0] unique_indices(true) ins(%rows, %column : tensor<4x4xf32>, tensor<4x1xi64>) outs(%rows : tensor<4x4xf32>) {
  ^bb0(%new: f32, %old: f32):
    iree_linalg_ext.yield %new : f32
  } -> tensor<4x4xf32>
  %line = tensor.empty() : tensor<4xf32>
  %low = linalg.fill ins(%zero : f32) outs(%line : tensor<4xf32>) -> tensor<4xf32>
  %most = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]} ins(%put : tensor<4x4xf32>) outs(%low : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %m = arith.maximumf %in, %out : f32
    linalg.yield %m : f32
  } -> tensor<4xf32>
  %places = tensor.empty() : tensor<4xi64>
  %first = linalg.fill ins(%c0_i64 : i64) outs(%places : tensor<4xi64>) -> tensor<4xi64>
  %best:2 = linalg.generic {indexing_maps = [#all, #row, #row], iterator_types = ["parallel", "reduction"]} ins(%put : tensor<4x4xf32>) outs(%low, %first : tensor<4xf32>, tensor<4xi64>) {
  ^bb0(%in: f32, %out: f32, %at: i64):
    %j = linalg.index 1 : index
    %here = arith.index_cast %j : index to i64
    %m = arith.maximumf %in, %out : f32
    %better = arith.cmpf ogt, %in, %out : f32
    %a = arith.select %better, %here, %at : i64
    linalg.yield %m, %a : f32, i64
  } -> (tensor<4xf32>, tensor<4xi64>)
  %t = flow.tensor.transfer %best#1 : tensor<4xi64> to #hal.device.promise<@target>
  %checked = arith.addi %t, %t : tensor<4xi64>
  return %checked, %put, %most, %best#1 : tensor<4xi64>, tensor<4x4xf32>, tensor<4xf32>, tensor<4xi64>
}
{-#
  dialect_resources: {
    builtin: {
      mask: "0x0400000001000000010100000101010001010101"
    }
  }
#-}

// Tensors that were quantised are multiplied as integers, whatever became of their
// shape: IREE scales the sums, and neither makes nor moves the floats. What is
// quantised takes five operations an element.
// RUN: specplace opt --pass identify-roles,estimate-costs -q quantised.mlir | %venv/bin/python %S/Inputs/workload.py | FileCheck quantised.mlir
//--- quantised.mlir
// CHECK:      "target": {
// CHECK:        "bytes_moved": 672,
// CHECK:        "dispatches": 1,
// CHECK:        "dtypes": [
// CHECK-DAG:      "i8"
// CHECK-DAG:      "i32"
// CHECK-DAG:      "f32"
// CHECK:        "flops": {
// CHECK-NEXT:     "f32": 160,
// CHECK-NEXT:     "i32": 1024
// CHECK:        "weight_bytes": 128
#all = affine_map<(i, j) -> (i, j)>
#one = affine_map<(i, j) -> ()>
util.global private @w = #flow.parameter.named<"model"::"target.w"> : tensor<16x8xi8>
func.func @step(%tokens: tensor<4xi64>, %x: tensor<4x8xf32>) -> (tensor<4xi64>, tensor<4x16xf32>) {
  %draft = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %drafted = arith.addi %draft, %draft : tensor<4xi64>
  %w = util.global.load @w : tensor<16x8xi8>
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant 0.02 : f32
  %in = flow.tensor.transfer %x : tensor<4x8xf32> to #hal.device.promise<@target>
  %integers = tensor.empty() : tensor<4x8xi8>
  %q = iree_linalg_ext.quantize_affine <indexing_maps = [#all, #one, #all], quant_min = -128, quant_max = 127> ins(%in, %scale : tensor<4x8xf32>, f32) outs(%integers : tensor<4x8xi8>) -> tensor<4x8xi8>
  %floats = tensor.empty() : tensor<4x8xf32>
  %dq = iree_linalg_ext.dequantize_affine <indexing_maps = [#all, #one, #all], quant_min = -128, quant_max = 127> ins(%q, %scale : tensor<4x8xi8>, f32) outs(%floats : tensor<4x8xf32>) -> tensor<4x8xf32>
  %weights = tensor.empty() : tensor<16x8xf32>
  %dw = iree_linalg_ext.dequantize_affine <indexing_maps = [#all, #one, #all], quant_min = -128, quant_max = 127> ins(%w, %scale : tensor<16x8xi8>, f32) outs(%weights : tensor<16x8xf32>) -> tensor<16x8xf32>
  %turned = tensor.empty() : tensor<8x16xf32>
  %t = linalg.transpose ins(%dw : tensor<16x8xf32>) outs(%turned : tensor<8x16xf32>) permutation = [1, 0]
  %empty = tensor.empty() : tensor<4x16xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x16xf32>) -> tensor<4x16xf32>
  %y = linalg.matmul ins(%dq, %t : tensor<4x8xf32>, tensor<8x16xf32>) outs(%filled : tensor<4x16xf32>) -> tensor<4x16xf32>
  return %drafted, %y : tensor<4xi64>, tensor<4x16xf32>
}

// Two drafts written down are one pass that is called twice, and a draft length
// of two that only a new export can change.
// RUN: specplace opt --pass identify-roles,estimate-costs -q unrolled.mlir | %venv/bin/python %S/Inputs/workload.py | FileCheck unrolled.mlir
//--- unrolled.mlir
// CHECK:      "draft_length": {
// CHECK-NEXT:   "unrolled": {
// CHECK-NEXT:     "gamma": 2
// CHECK:      "control": {
// CHECK:      "drafter": {
// CHECK:        "calls_in_module": 2,
// CHECK:        "weight_bytes": 16
// CHECK:      "target": {
// CHECK:        "calls_in_module": 1,
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

// A loop over drafts that draft_length bounds has room for as many as the
// global says. The loop's body is one pass.
// RUN: specplace opt --pass identify-roles,estimate-costs -q symbolic.mlir | %venv/bin/python %S/Inputs/workload.py | FileCheck symbolic.mlir
//--- symbolic.mlir
// CHECK:      "draft_length": {
// CHECK-NEXT:   "symbolic": {
// CHECK-NEXT:     "max": 8
// CHECK:      "drafter": {
// CHECK:        "calls_in_module": 1,
util.global private mutable @specplace.draft_length = dense<8> : tensor<i64>
func.func @symbolic(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %length = util.global.load @specplace.draft_length : tensor<i64>
  %drafts:2 = scf.while (%i = %zero, %now = %tokens) : (i64, tensor<4xi64>) -> (i64, tensor<4xi64>) {
    %n = tensor.extract %length[] : tensor<i64>
    %go = arith.cmpi slt, %i, %n : i64
    scf.condition(%go) %i, %now : i64, tensor<4xi64>
  } do {
  ^bb0(%i: i64, %now: tensor<4xi64>):
    %d = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
    %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
    %j = arith.addi %i, %one : i64
    scf.yield %j, %draft : i64, tensor<4xi64>
  }
  %t = flow.tensor.transfer %drafts#1 : tensor<4xi64> to #hal.device.promise<@target>
  %x = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %verified = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}

// The same loop with a bound that specplace cannot see counts as one draft. It
// is a loop, not unrolled: a draft length that is given is what is expected.
// RUN: sed 's/mutable @specplace.draft_length/mutable @bound/; s/@specplace.draft_length/@bound/' symbolic.mlir > hidden.mlir
// RUN: specplace opt --pass identify-roles,estimate-costs hidden.mlir 2>&1 | FileCheck symbolic.mlir --check-prefix=HIDDEN
// HIDDEN: warning: the drafts are made in a loop whose length specplace cannot see; they are counted as one
// HIDDEN: help: bound the loop by torch.ops.specplace.draft_length(max)
// RUN: specplace opt --pass identify-roles,estimate-costs -q hidden.mlir | %venv/bin/python %S/Inputs/workload.py | FileCheck symbolic.mlir --check-prefix=LOOP
// LOOP: "draft_length": "loop"
// RUN: specplace hidden.mlir -o hidden_out.mlir --alpha 0.9 --gamma 5 2>&1 | FileCheck symbolic.mlir --check-prefix=FIVE
// FIVE: draft length {{ *}}5 (expected: the module's own loop ends the drafts)

// Functions that are called one after the other draft each for itself, and what
// crosses in them does not add up.
// RUN: specplace opt --pass identify-roles,estimate-costs -q %data/cases/two_entries.mlir | %venv/bin/python %S/Inputs/workload.py | FileCheck entries.txt
//--- entries.txt
CHECK:     "from": "drafter",
CHECK:     "count": 1,
CHECK-NOT: "from": "drafter",
CHECK:     "draft_length": {
CHECK-NEXT:  "unrolled": {
CHECK-NEXT:    "gamma": 1

// What crosses is followed through loops, and crosses as often as it is made,
// or read if that is rarer. Tokens that come from outside enter the drafter
// once, and those that it makes itself do not cross. What control makes of them
// crosses for each draft that reads it; what goes round after round to the
// target crosses once a round; what drafts only read is theirs once a round.
// RUN: specplace opt --pass identify-roles,estimate-costs -q often.mlir | %venv/bin/python %S/Inputs/crossings.py | FileCheck often.mlir
//--- often.mlir
// CHECK:      1 tensor<4xi64> drafter -> target, round, carried
// CHECK-NEXT: 1 tensor<4xi64> drafter -> control, once, leaves, carried
// CHECK-NEXT: 1 tensor<4xi64> control -> drafter, once, enters, carried
// CHECK-NEXT: 1 tensor<4xi64> control -> target, once, enters, carried
// CHECK-NEXT: 1 tensor<2xi64> control -> drafter, round
// CHECK-NEXT: 1 tensor<3xi64> target -> control, round
// CHECK-NEXT: 1 tensor<1xi64> control -> drafter, draft
// CHECK-NOT:  ->
util.global private mutable @specplace.draft_length = dense<8> : tensor<i64>
func.func @often(%tokens: tensor<4xi64>, %pair: tensor<2xi64>, %limit: i64) -> tensor<4xi64> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %at = arith.constant 0 : index
  %length = util.global.load @specplace.draft_length : tensor<i64>
  %rounds:2 = scf.while (%r = %zero, %before = %tokens) : (i64, tensor<4xi64>) -> (i64, tensor<4xi64>) {
    %again = arith.cmpi slt, %r, %limit : i64
    scf.condition(%again) %r, %before : i64, tensor<4xi64>
  } do {
  ^bb0(%r: i64, %before: tensor<4xi64>):
    // Once a round, for all drafts.
    %doubled = arith.addi %pair, %pair : tensor<2xi64>
    %drafts:2 = scf.while (%i = %zero, %now = %before) : (i64, tensor<4xi64>) -> (i64, tensor<4xi64>) {
      %n = tensor.extract %length[] : tensor<i64>
      %go = arith.cmpi slt, %i, %n : i64
      scf.condition(%go) %i, %now : i64, tensor<4xi64>
    } do {
    ^bb0(%i: i64, %now: tensor<4xi64>):
      // Once a draft.
      %place = tensor.from_elements %i : tensor<1xi64>
      %x = arith.sitofp %now {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
      %p = arith.sitofp %doubled {specplace.role = "drafter"} : tensor<2xi64> to tensor<2xf32>
      %q = arith.sitofp %place {specplace.role = "drafter"} : tensor<1xi64> to tensor<1xf32>
      %pp = tensor.concat dim(0) %p, %p {specplace.role = "drafter"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
      %qq = tensor.concat dim(0) %q, %q, %q, %q {specplace.role = "drafter"} : (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<4xf32>
      %y = arith.addf %x, %pp {specplace.role = "drafter"} : tensor<4xf32>
      %z = arith.addf %y, %qq {specplace.role = "drafter"} : tensor<4xf32>
      %draft = arith.fptosi %z {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
      %j = arith.addi %i, %one : i64
      scf.yield %j, %draft : i64, tensor<4xi64>
    }
    %t = tensor.extract_slice %drafts#1[0] [3] [1] {specplace.role = "target"} : tensor<4xi64> to tensor<3xi64>
    %v = arith.sitofp %t {specplace.role = "target"} : tensor<3xi64> to tensor<3xf32>
    %w = arith.fptosi %v {specplace.role = "target"} : tensor<3xf32> to tensor<3xi64>
    // Control reads it, for a scalar.
    %sum = arith.addi %w, %w : tensor<3xi64>
    %s = tensor.extract %sum[%at] : tensor<3xi64>
    %next = arith.addi %r, %s : i64
    scf.yield %next, %drafts#1 : i64, tensor<4xi64>
  }
  return %rounds#1 : tensor<4xi64>
}

// Models in functions of their own have no draft length: whoever calls them
// has one.
// RUN: specplace opt --pass identify-roles,estimate-costs -q apart.mlir | %venv/bin/python %S/Inputs/workload.py | FileCheck apart.mlir
//--- apart.mlir
// CHECK:      "draft_length": "absent"
func.func @one(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.negf %x {specplace.role = "drafter"} : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @two(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.addf %x, %y {specplace.role = "target"} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Nothing can be counted without roles.
// RUN: not specplace opt --pass estimate-costs unrolled.mlir 2>&1 | FileCheck apart.mlir --check-prefix=ORDER
// ORDER: error: no operation has a role: what is marked computes nothing but constants, or nothing that is used
// ORDER: help: mark what depends on the tokens; with --pass, name identify-roles before estimate-costs

// Nor with a shape that is not static.
// RUN: not specplace opt --pass identify-roles,estimate-costs -q dynamic.mlir 2>&1 | FileCheck dynamic.mlir
//--- dynamic.mlir
func.func @dynamic(%x: tensor<?xf32>, %y: tensor<4xf32>) -> (tensor<?xf32>, tensor<4xf32>) {
  // CHECK: dynamic.mlir:[[#@LINE+2]]:8: error: the shapes of an operation are not static
  // CHECK: help: export the module with a fixed sequence length
  %0 = arith.negf %x {specplace.role = "drafter"} : tensor<?xf32>
  %1 = arith.negf %y {specplace.role = "target"} : tensor<4xf32>
  return %0, %1 : tensor<?xf32>, tensor<4xf32>
}

// Complex numbers have a size like any others, and so have those of four bits,
// two to a byte. A bound of the draft length that no round can reach is as good
// as any.
// RUN: specplace opt --pass identify-roles,estimate-costs -q sizes.mlir | %venv/bin/python %S/Inputs/workload.py | FileCheck sizes.mlir
//--- sizes.mlir
// CHECK: "max": 4294967295
// CHECK: "drafter": {
// CHECK: "weight_bytes": 32
// CHECK: "target": {
// CHECK: "weight_bytes": 5
util.global private mutable @specplace.draft_length = dense<9223372036854775807> : tensor<i64>
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xcomplex<f32>>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<9xi4>
func.func @sizes(%x: tensor<4xf32>, %y: tensor<9xf32>) -> (tensor<4xf32>, tensor<9xf32>, tensor<i64>) {
  %dw = util.global.load @d : tensor<4xcomplex<f32>>
  %tw = util.global.load @t : tensor<9xi4>
  %n = util.global.load @specplace.draft_length : tensor<i64>
  %empty = tensor.empty() : tensor<4xf32>
  %c = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} ins(%x, %dw : tensor<4xf32>, tensor<4xcomplex<f32>>) outs(%empty : tensor<4xf32>) attrs = {specplace.role = "drafter"} {
  ^bb0(%in: f32, %weight: complex<f32>, %out: f32):
    %re = complex.re %weight : complex<f32>
    %sum = arith.addf %in, %re : f32
    linalg.yield %sum : f32
  } -> tensor<4xf32>
  %e = arith.sitofp %tw {specplace.role = "target"} : tensor<9xi4> to tensor<9xf32>
  %f = arith.mulf %e, %y {specplace.role = "target"} : tensor<9xf32>
  return %c, %f, %n : tensor<4xf32>, tensor<9xf32>, tensor<i64>
}

// Another sequence length than the module's is what the user wants to be told.
// RUN: specplace opt --pass resolve-markers,lower-torch,identify-roles,estimate-costs --seq-len 4096 %examples/pair/generate_symbolic.mlir -o length.mlir 2>&1 | FileCheck length.txt
// RUN: specplace opt --pass resolve-markers,lower-torch,identify-roles,estimate-costs --seq-len 63 %examples/pair/generate_symbolic.mlir -o length.mlir 2>&1 | FileCheck length.txt --check-prefix=OWN
//--- length.txt
CHECK: warning: --seq-len 4096 stands in for the 63 tokens that the module computes on
CHECK: help: the profile is read there; FLOPs and bytes are the module's own
OWN: remark:
OWN-NOT: warning: --seq-len
