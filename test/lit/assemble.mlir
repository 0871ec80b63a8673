// Two forward passes become one speculative module.

// RUN: split-file %s %t
// RUN: specplace assemble --target %t/two.mlir --drafter %t/two.mlir -o %t/out.mlir --max-gamma 4 2>&1 | FileCheck %s --check-prefix=SAID
// RUN: FileCheck %s --check-prefix=OUT --input-file=%t/out.mlir

// The drafter's logits are read at one position, the target's at five, and all
// is cut to those but what mixes positions (here, what asks for their number).
// SAID:      remark: target @target_forward: logits at 5 positions of 12, which saves {{.*}} % of a pass
// SAID:      note: 'linalg.generic' is computed at all positions
// SAID:      remark: drafter @drafter_forward: logits at 1 position of 12, which saves {{.*}} % of a pass
// SAID:      next:
// SAID-NEXT: specplace {{.*}}out.mlir -o OUT --alpha A

// The draft length stays open, each weight says whose it is, and what both
// read belongs to neither.
// OUT-DAG:   util.global private mutable @specplace.draft_length = dense<4> : tensor<i64>
// OUT-DAG:   util.global private @target.head {specplace.role = "target"}
// OUT-DAG:   util.global private @embedding = #flow.parameter.named<"model"::"embedding"> : tensor<9x8xf32>

// OUT:       func.func public @generate(%arg0: tensor<1x12xi64>, %arg1: tensor<i64>, %arg2: tensor<i64>) -> (tensor<1x12xi64>, tensor<i64>, tensor<i64>, tensor<5xi64>)
// Rounds, and in them drafts: nothing but scf.condition before each body.
// OUT:         scf.while
// OUT-NEXT:      scf.condition
// OUT:           util.global.load @specplace.draft_length
// OUT:           scf.while
// OUT-NEXT:        scf.condition
// OUT:             flow.tensor.transfer %{{.*}} : tensor<1x12xi64> to #hal.device.promise<@drafter>
// Of the drafter, which looks at each position by itself, all is cut.
// OUT:             tensor.extract_slice %{{.*}} [1, 1] [1, 1] {specplace.role = "drafter"} : tensor<1x12xi64> to tensor<1x1xi64>
// OUT:             linalg.batch_matmul {specplace.role = "drafter"} ins(%{{.*}}, %{{.*}} : tensor<1x1x8xf32>, tensor<1x8x9xf32>)
// OUT:             scf.yield {{.*}} : i1, tensor<1x12xi64>, i64
// OUT:           flow.tensor.transfer %{{.*}} : tensor<1x12xi64> to #hal.device.promise<@target>
// OUT:           linalg.batch_matmul {specplace.role = "target"} ins(%{{.*}}, %{{.*}} : tensor<1x5x8xf32>, tensor<1x8x9xf32>)
// OUT-NOT:       tensor<1x12x9xf32>
// Tokens leave the target, never logits.
// OUT:           flow.tensor.transfer %{{.*}} : tensor<1x5xi64> to #hal.device.promise<@control>
// OUT:       func.func public @step(%arg0: tensor<1x12xi64>, %arg1: tensor<i64>, %arg2: tensor<i64>) -> (tensor<1x12xi64>, tensor<i64>, tensor<i64>, tensor<5xi64>)
// OUT-NOT:   func.call
// OUT-NOT:   func.func

// Its roles need no flags: it can be placed as it is.
// RUN: specplace opt --pass resolve-markers,lower-torch,identify-roles,estimate-costs %t/out.mlir -o %t/roles.mlir
// RUN: FileCheck %s --check-prefix=ROLES --input-file=%t/roles.mlir
// ROLES: sequence_length\22:12

// Placed, one call of control a round is all that is left beside the models, and
// one that reads whether there is to be another round: the draft length is a
// scalar constant, read from no buffer.
// RUN: specplace %t/out.mlir -o %t/placed.mlir --alpha 0.9 --gamma 3 --pin drafter=cpu,target=cpu
// RUN: FileCheck %s --check-prefix=PLACED --input-file=%t/placed.mlir
// PLACED:      scf.while
// PLACED-NOT:    func.call @control
// PLACED:        arith.minsi %c3_i64
// PLACED:        scf.while
// PLACED:          func.call @drafter_0
// PLACED-NEXT:     util.optimization_barrier
// PLACED-NEXT:     arith.extui
// PLACED-NEXT:     scf.yield
// PLACED:        func.call @target_0
// PLACED-NEXT:   util.optimization_barrier
// PLACED-NEXT:   util.optimization_barrier
// PLACED-NEXT:   func.call @control_{{[0-9]}}
// PLACED:        func.call @control_extract_0
// PLACED-NOT:    call
// PLACED:        scf.yield

// Bytecode in, bytecode out; the function is named where it must be.
// RUN: specplace opt --pass lower-torch %t/two.mlir --emit-bytecode -o %t/two.mlirbc
// RUN: specplace assemble --target %t/two.mlirbc@target_forward --drafter %t/two.mlirbc@drafter_forward --max-gamma 4 --emit-bytecode -o %t/out.mlirbc
// RUN: specplace opt --pass lower-torch %t/out.mlirbc | FileCheck %s --check-prefix=OUT

// The row bounds the draft: of 12 positions, one is the prompt's.
// RUN: specplace assemble --target %t/two.mlir --drafter %t/two.mlir -o %t/out.mlir 2>&1 | FileCheck %s --check-prefix=BOUND
// BOUND: remark: drafts are at most 11 tokens long: the row holds 12

// An end-of-sequence token ends what is kept of a draft.
// RUN: specplace assemble --target %t/two.mlir --drafter %t/two.mlir --eos 3,4 -o - 2>/dev/null | FileCheck %s --check-prefix=EOS
// EOS:     arith.constant 3 : i64
// EOS:     arith.ori
// EOS:     arith.addi
// EOS:     arith.select

// Imposed acceptance: a reference, a bit per position, and a mode.
// RUN: specplace assemble --target %t/two.mlir --drafter %t/two.mlir --impose-acceptance -o - 2>/dev/null | FileCheck %s --check-prefix=IMPOSED
// IMPOSED: func.func public @generate(%arg0: tensor<1x12xi64>, %arg1: tensor<i64>, %arg2: tensor<i64>, %arg3: tensor<1x12xi64>, %arg4: tensor<1x12xi64>, %arg5: tensor<i64>)

// Two files whose names clash: globals are renamed, and so is a scope whose
// keys mean other weights. Half-precision logits and i32 tokens fit as well.
// RUN: specplace assemble --target %t/one.mlir --drafter %t/other.mlir -o %t/out.mlir --max-gamma 2 2>&1 | FileCheck %s --check-prefix=CLASH
// CLASH:      one.mlir:{{.*}}: remark: the token types differ: the loop holds i64 and converts for the other
// CLASH:      note: target @forward: i64
// CLASH:      note: drafter @forward: i32
// CLASH:      remark: the types of the logits differ
// CLASH:      other.mlir:{{.*}}: remark: both modules have @head: the drafter's is now @drafter.head
// CLASH:      warning: both modules have a parameter "model"::"head": the scope of the drafter's parameters is now "drafter"
// CLASH:      help: run with --parameters=model=TARGET.irpa --parameters=drafter=DRAFTER.irpa
// RUN: FileCheck %s --check-prefix=RENAMED --input-file=%t/out.mlir
// RENAMED-DAG: util.global private @head {specplace.role = "target"} = #flow.parameter.named<"model"::"head"> : tensor<9x8xf32>
// RENAMED-DAG: util.global private @drafter.head {specplace.role = "drafter"} = #flow.parameter.named<"drafter"::"head"> : tensor<9x8xf16>

// A pass whose positions cannot be told apart is kept whole, and said so.
// RUN: specplace assemble --target %t/one.mlir --drafter %t/mixed.mlir -o - --max-gamma 2 2>&1 >/dev/null | FileCheck %s --check-prefix=WHOLE
// WHOLE: remark: drafter @forward: logits at all 12 positions, of which 1 is read
// WHOLE: note: 'linalg.generic' is computed at all positions

// Placement operators within a pass say nothing here.
// RUN: specplace assemble --target %t/one.mlir --drafter %t/marked.mlir -o %t/out.mlir --max-gamma 2 2>&1 | FileCheck %s --check-prefix=MARKED
// RUN: FileCheck %s --check-prefix=MARKED-OUT --input-file=%t/out.mlir
// MARKED: warning: 1 placement operator in drafter @forward is ignored: all of it is the drafter
// MARKED: remark: drafter @forward: logits at 1 position of 12, which saves 0.0 % of a pass (0 FLOP of 0 FLOP and 0 B of 0 B of intermediate results)
// The loop's own alone are left, in each of its two functions.
// MARKED-OUT-COUNT-2: promise<@target>
// MARKED-OUT-NOT: promise<@target>

// Rotary angles as complex numbers: seeing pairs of floats as complex numbers
// and back only computes. The tokens are those of greedy decoding.
// RUN: specplace assemble --target %data/cases/complex_rope/min.mlir --drafter %data/cases/complex_rope/min_drafter.mlir -o %t/rope.mlir -q
// RUN: specplace %t/rope.mlir -o %t/rope_out.mlir --alpha 0.9 --gamma 2 --platform two-cpus --pin drafter=cpu2,target=cpu -q
// RUN: iree-compile %t/rope_out.mlir @%t/rope_out.flags -o %t/rope.vmfb
// RUN: iree-run-module --flagfile=%t/rope_out.run.flags --module=%t/rope.vmfb --function=generate --input=1x8xi64=1,3,1,0,0,0,0,0 --input=i64=3 --input=i64=7 | FileCheck %s --check-prefix=ROPE
// ROPE: 1x8xi64=[1 3 1 2 2 2 2 0]

// Tokens that are shifted by torch.roll have a known shape.
// RUN: specplace assemble --target %data/cases/roll/min.mlir --drafter %data/cases/roll/min_drafter.mlir -o %t/roll.mlir 2>&1 | FileCheck %s --check-prefix=ROLL
// ROLL: remark: target @forward: logits at 8 positions of 8

// What quantises, and where the largest element of each position is, are computed
// at the positions that are read.
// RUN: specplace assemble --target %t/one.mlir --drafter %t/quantised.mlir -o %t/out.mlir --max-gamma 2 2>&1 | FileCheck %s --check-prefix=QUANTISED
// RUN: FileCheck %s --check-prefix=QUANTISED-OUT --input-file=%t/out.mlir
// QUANTISED: remark: drafter @forward: logits at 1 position of 12
// QUANTISED-NOT: computed at all positions
// QUANTISED-OUT: iree_linalg_ext.quantize_affine {{.*}} tensor<1x1x8xi8>
// QUANTISED-OUT: iree_linalg_ext.dequantize_affine {{.*}} tensor<1x1x8xf32>
// QUANTISED-OUT: iree_linalg_ext.arg_compare {{.*}}dimension(2) ins(%{{.+}} : tensor<1x1x8xf32>) outs(%{{.+}}, %{{.+}} : tensor<1x1xf32>, tensor<1x1xi32>)

//--- quantised.mlir
util.global private @embedding = #flow.parameter.named<"model"::"embedding"> : tensor<9x8xf32>
util.global private @head = #flow.parameter.named<"model"::"head"> : tensor<1x8x9xf32>

#row = affine_map<(d0, d1, d2) -> (d0, d1)>
#whole = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#one = affine_map<(d0, d1, d2) -> ()>

func.func @forward(%tokens: tensor<1x12xi64>) -> tensor<1x12x9xf32> {
  %embedding = util.global.load @embedding : tensor<9x8xf32>
  %head = util.global.load @head : tensor<1x8x9xf32>
  %zero = arith.constant 0.0 : f32
  %first = arith.constant 0 : i32
  %scale = arith.constant 0.02 : f32
  %empty = tensor.empty() : tensor<1x12x8xf32>
  %x = linalg.generic {indexing_maps = [#row, #whole], iterator_types = ["parallel", "parallel", "parallel"]} ins(%tokens : tensor<1x12xi64>) outs(%empty : tensor<1x12x8xf32>) {
  ^bb0(%in: i64, %out: f32):
    %row = arith.index_cast %in : i64 to index
    %column = linalg.index 2 : index
    %value = tensor.extract %embedding[%row, %column] : tensor<9x8xf32>
    linalg.yield %value : f32
  } -> tensor<1x12x8xf32>
  %integers = tensor.empty() : tensor<1x12x8xi8>
  %q = iree_linalg_ext.quantize_affine <indexing_maps = [#whole, #one, #whole], quant_min = -128, quant_max = 127> ins(%x, %scale : tensor<1x12x8xf32>, f32) outs(%integers : tensor<1x12x8xi8>) -> tensor<1x12x8xi8>
  %dq = iree_linalg_ext.dequantize_affine <indexing_maps = [#whole, #one, #whole], quant_min = -128, quant_max = 127> ins(%q, %scale : tensor<1x12x8xi8>, f32) outs(%empty : tensor<1x12x8xf32>) -> tensor<1x12x8xf32>
  %values = tensor.empty() : tensor<1x12xf32>
  %least = linalg.fill ins(%zero : f32) outs(%values : tensor<1x12xf32>) -> tensor<1x12xf32>
  %places = tensor.empty() : tensor<1x12xi32>
  %start = linalg.fill ins(%first : i32) outs(%places : tensor<1x12xi32>) -> tensor<1x12xi32>
  %largest:2 = iree_linalg_ext.arg_compare dimension(2) ins(%dq : tensor<1x12x8xf32>) outs(%least, %start : tensor<1x12xf32>, tensor<1x12xi32>) {
  ^bb0(%a: f32, %b: f32):
    %greater = arith.cmpf ogt, %a, %b : f32
    iree_linalg_ext.yield %greater : i1
  } -> tensor<1x12xf32>, tensor<1x12xi32>
  %y = linalg.generic {indexing_maps = [#whole, #row, #whole], iterator_types = ["parallel", "parallel", "parallel"]} ins(%dq, %largest#1 : tensor<1x12x8xf32>, tensor<1x12xi32>) outs(%empty : tensor<1x12x8xf32>) {
  ^bb0(%in: f32, %place: i32, %out: f32):
    %f = arith.sitofp %place : i32 to f32
    %sum = arith.addf %in, %f : f32
    linalg.yield %sum : f32
  } -> tensor<1x12x8xf32>
  %space = tensor.empty() : tensor<1x12x9xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%space : tensor<1x12x9xf32>) -> tensor<1x12x9xf32>
  %logits = linalg.batch_matmul ins(%y, %head : tensor<1x12x8xf32>, tensor<1x8x9xf32>) outs(%zeros : tensor<1x12x9xf32>) -> tensor<1x12x9xf32>
  return %logits : tensor<1x12x9xf32>
}

//--- two.mlir
util.global private @embedding = #flow.parameter.named<"model"::"embedding"> : tensor<9x8xf32>
util.global private @target.head = #flow.parameter.named<"model"::"target.head"> : tensor<1x8x9xf32>
util.global private @drafter.head = #flow.parameter.named<"model"::"drafter.head"> : tensor<1x8x9xf32>

#row = affine_map<(d0, d1, d2) -> (d0, d1)>
#whole = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#mean = affine_map<(d0, d1, d2) -> (d0, 0, d2)>

func.func @drafter_forward(%tokens: tensor<1x12xi64>) -> tensor<1x12x9xf32> {
  %embedding = util.global.load @embedding : tensor<9x8xf32>
  %head = util.global.load @drafter.head : tensor<1x8x9xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x12x8xf32>
  %x = linalg.generic {indexing_maps = [#row, #whole], iterator_types = ["parallel", "parallel", "parallel"]} ins(%tokens : tensor<1x12xi64>) outs(%empty : tensor<1x12x8xf32>) {
  ^bb0(%in: i64, %out: f32):
    %row = arith.index_cast %in : i64 to index
    %column = linalg.index 2 : index
    %value = tensor.extract %embedding[%row, %column] : tensor<9x8xf32>
    linalg.yield %value : f32
  } -> tensor<1x12x8xf32>
  %space = tensor.empty() : tensor<1x12x9xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%space : tensor<1x12x9xf32>) -> tensor<1x12x9xf32>
  %logits = linalg.batch_matmul ins(%x, %head : tensor<1x12x8xf32>, tensor<1x8x9xf32>) outs(%zeros : tensor<1x12x9xf32>) -> tensor<1x12x9xf32>
  return %logits : tensor<1x12x9xf32>
}

func.func @target_forward(%tokens: tensor<1x12xi64>) -> tensor<1x12x9xf32> {
  %embedding = util.global.load @embedding : tensor<9x8xf32>
  %head = util.global.load @target.head : tensor<1x8x9xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x12x8xf32>
  %x = linalg.generic {indexing_maps = [#row, #whole], iterator_types = ["parallel", "parallel", "parallel"]} ins(%tokens : tensor<1x12xi64>) outs(%empty : tensor<1x12x8xf32>) {
  ^bb0(%in: i64, %out: f32):
    %row = arith.index_cast %in : i64 to index
    %column = linalg.index 2 : index
    %value = tensor.extract %embedding[%row, %column] : tensor<9x8xf32>
    linalg.yield %value : f32
  } -> tensor<1x12x8xf32>
  %one = tensor.empty() : tensor<1x1x8xf32>
  %none = linalg.fill ins(%zero : f32) outs(%one : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
  %mean = linalg.generic {indexing_maps = [#whole, #mean], iterator_types = ["parallel", "reduction", "parallel"]} ins(%x : tensor<1x12x8xf32>) outs(%none : tensor<1x1x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %sum = arith.addf %in, %out : f32
    linalg.yield %sum : f32
  } -> tensor<1x1x8xf32>
  %mixed = linalg.generic {indexing_maps = [#whole, #mean, #whole], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %mean : tensor<1x12x8xf32>, tensor<1x1x8xf32>) outs(%empty : tensor<1x12x8xf32>) {
  ^bb0(%in: f32, %mean_in: f32, %out: f32):
    %at = linalg.index 1 : index
    %number = arith.index_cast %at : index to i32
    %scale = arith.sitofp %number : i32 to f32
    %scaled = arith.mulf %mean_in, %scale : f32
    %sum = arith.addf %in, %scaled : f32
    linalg.yield %sum : f32
  } -> tensor<1x12x8xf32>
  %space = tensor.empty() : tensor<1x12x9xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%space : tensor<1x12x9xf32>) -> tensor<1x12x9xf32>
  %logits = linalg.batch_matmul ins(%mixed, %head : tensor<1x12x8xf32>, tensor<1x8x9xf32>) outs(%zeros : tensor<1x12x9xf32>) -> tensor<1x12x9xf32>
  return %logits : tensor<1x12x9xf32>
}

//--- one.mlir
util.global private @head = #flow.parameter.named<"model"::"head"> : tensor<9x8xf32>
func.func @forward(%tokens: tensor<1x12xi64> {iree.abi.affinity = #hal.device.promise<@__device_target>}) -> tensor<1x12x9xf32> {
  %head = util.global.load @head : tensor<9x8xf32>
  %empty = tensor.empty() : tensor<1x12x9xf32>
  %x = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%tokens : tensor<1x12xi64>) outs(%empty : tensor<1x12x9xf32>) {
  ^bb0(%in: i64, %out: f32):
    %row = arith.index_cast %in : i64 to index
    %c0 = arith.constant 0 : index
    %value = tensor.extract %head[%row, %c0] : tensor<9x8xf32>
    linalg.yield %value : f32
  } -> tensor<1x12x9xf32>
  return %x : tensor<1x12x9xf32>
}

//--- other.mlir
util.global private @head = #flow.parameter.named<"model"::"head"> : tensor<9x8xf16>
func.func @forward(%tokens: tensor<1x12xi32>) -> tensor<1x12x9xf16> {
  %head = util.global.load @head : tensor<9x8xf16>
  %empty = tensor.empty() : tensor<1x12x9xf16>
  %x = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%tokens : tensor<1x12xi32>) outs(%empty : tensor<1x12x9xf16>) {
  ^bb0(%in: i32, %out: f16):
    %row = arith.index_cast %in : i32 to index
    %c0 = arith.constant 0 : index
    %value = tensor.extract %head[%row, %c0] : tensor<9x8xf16>
    linalg.yield %value : f16
  } -> tensor<1x12x9xf16>
  return %x : tensor<1x12x9xf16>
}

//--- marked.mlir
func.func @forward(%tokens: tensor<1x12xi64>) -> tensor<1x12x9xf32> {
  %marked = flow.tensor.transfer %tokens : tensor<1x12xi64> to #hal.device.promise<@target>
  %logits = tensor.empty() : tensor<1x12x9xf32>
  return %logits : tensor<1x12x9xf32>
}

//--- mixed.mlir
func.func @forward(%tokens: tensor<1x12xi64>) -> tensor<1x12x9xf32> {
  %empty = tensor.empty() : tensor<1x12x9xf32>
  %x = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%tokens : tensor<1x12xi64>) outs(%empty : tensor<1x12x9xf32>) {
  ^bb0(%in: i64, %out: f32):
    %at = linalg.index 1 : index
    %number = arith.index_cast %at : index to i64
    %sum = arith.addi %in, %number : i64
    %value = arith.sitofp %sum : i64 to f32
    linalg.yield %value : f32
  } -> tensor<1x12x9xf32>
  return %x : tensor<1x12x9xf32>
}
