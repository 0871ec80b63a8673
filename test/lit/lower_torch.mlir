// lower-torch: Torch to linalg on tensors with scf control flow.

// RUN: split-file %s %t
// RUN: cd %t

// Functions stay func.funcs with builtin tensors in their signatures (IREE's
// own torch-to-iree would make them util.funcs of its asynchronous ABI and
// drop the attributes that placement needs), loops become scf, private
// functions are inlined, and markers and roles survive. That the entry which
// iree-compile adds for Torch input is not there is a remark.
// RUN: specplace opt --pass lower-torch torch.mlir 2>&1 | FileCheck torch.mlir
//--- torch.mlir
// CHECK:       remark: @main keeps its signature, but not the @main$async entry that iree-compile adds for Torch input
// CHECK:       util.global private @w {specplace.role = "target"}
// CHECK:       func.func @main(%[[X:.+]]: tensor<4x4xf32>) -> tensor<4x4xf32> attributes {noinline}
// CHECK-DAG:     %[[W:.+]] = util.global.load @w : tensor<4x4xf32>
// CHECK-DAG:     %[[MARKED:.+]] = flow.tensor.transfer %[[X]] : tensor<4x4xf32> to #hal.device.promise<@target>
// CHECK:         %[[LOOP:.+]] = scf.for {{.*}} iter_args(%[[Y:.+]] = %[[MARKED]])
// CHECK:           linalg.matmul ins(%[[Y]], %[[W]]
// CHECK:           scf.yield
// CHECK:         return %[[LOOP]] : tensor<4x4xf32>
// CHECK-NOT:   func.func private @layer
util.global private @w {specplace.role = "target"} = #flow.parameter.named<"model"::"w"> : tensor<4x4xf32>
func.func @main(%x: !torch.vtensor<[4,4],f32>) -> !torch.vtensor<[4,4],f32> attributes {noinline} {
  %weight = util.global.load @w : tensor<4x4xf32>
  %w = torch_c.from_builtin_tensor %weight : tensor<4x4xf32> -> !torch.vtensor<[4,4],f32>
  %true = torch.constant.bool true
  %max = torch.constant.int 3
  %b = torch_c.to_builtin_tensor %x : !torch.vtensor<[4,4],f32> -> tensor<4x4xf32>
  %t = flow.tensor.transfer %b : tensor<4x4xf32> to #hal.device.promise<@target>
  %f = torch_c.from_builtin_tensor %t : tensor<4x4xf32> -> !torch.vtensor<[4,4],f32>
  %0 = torch.prim.Loop %max, %true, init(%f) {
  ^bb0(%i: !torch.int, %y: !torch.vtensor<[4,4],f32>):
    %1 = func.call @layer(%y, %w) : (!torch.vtensor<[4,4],f32>, !torch.vtensor<[4,4],f32>) -> !torch.vtensor<[4,4],f32>
    torch.prim.Loop.condition %true, iter(%1 : !torch.vtensor<[4,4],f32>)
  } : (!torch.int, !torch.bool, !torch.vtensor<[4,4],f32>) -> !torch.vtensor<[4,4],f32>
  return %0 : !torch.vtensor<[4,4],f32>
}
func.func private @layer(%x: !torch.vtensor<[4,4],f32>, %w: !torch.vtensor<[4,4],f32>) -> !torch.vtensor<[4,4],f32> {
  %0 = torch.aten.mm %x, %w : !torch.vtensor<[4,4],f32>, !torch.vtensor<[4,4],f32> -> !torch.vtensor<[4,4],f32>
  return %0 : !torch.vtensor<[4,4],f32>
}

// The draft length is still open after lowering: its global is read, and no
// canonicalizer has replaced it by its bound.
// RUN: specplace opt --pass resolve-markers,lower-torch -q length.mlir | FileCheck length.mlir
//--- length.mlir
// CHECK:       util.global private mutable @specplace.draft_length = dense<8> : tensor<i64>
// CHECK:       func.func @main() -> tensor<i64>
// CHECK:         %[[LENGTH:.+]] = util.global.load @specplace.draft_length : tensor<i64>
// CHECK:         return %[[LENGTH]]
func.func @main() -> !torch.vtensor<[],si64> {
  %max = torch.constant.int 8
  %0 = torch.operator "torch.specplace.draft_length"(%max) : (!torch.int) -> !torch.vtensor<[],si64>
  return %0 : !torch.vtensor<[],si64>
}

// What was quantised by PT2E stays so: IREE knows the pairs of quantising and
// dequantising, and multiplies integers, which is 8 bits wide what comes in and 32
// what comes out. Older exports have operators of another namespace for it.
// RUN: specplace opt --pass lower-torch -q quantised.mlir | FileCheck quantised.mlir
// RUN: specplace opt --pass lower-torch -q quantised.mlir | iree-compile - --compile-to=flow --iree-hal-target-device=local --iree-hal-local-target-device-backends=llvm-cpu | FileCheck quantised.mlir --check-prefix=INTEGERS
// RUN: specplace opt --pass lower-torch -q quantised_before.mlir | iree-compile - --compile-to=flow --iree-hal-target-device=local --iree-hal-local-target-device-backends=llvm-cpu | FileCheck quantised.mlir --check-prefix=INTEGERS
//--- quantised.mlir
// CHECK:      iree_linalg_ext.quantize_affine
// CHECK:      %[[X:.+]] = iree_linalg_ext.dequantize_affine
// CHECK:      %[[W:.+]] = iree_linalg_ext.dequantize_affine
// CHECK:      linalg.matmul ins(%[[X]], %[[W]]
// INTEGERS:   func.func @{{.*}}i8xi8xi32(
// INTEGERS:     linalg.{{.*}}ins(%{{.+}}, %{{.+}} : tensor<4x8xi8>, tensor<8x16xi8>) outs(%{{.+}} : tensor<4x16xi32>)
func.func @qdq(%x: !torch.vtensor<[4,8],f32>, %w: !torch.vtensor<[8,16],si8>) -> !torch.vtensor<[4,16],f32> {
  %xs = torch.constant.float 3.000000e-02
  %ws = torch.constant.float 2.000000e-02
  %zp = torch.constant.int 0
  %min = torch.constant.int -128
  %max = torch.constant.int 127
  %dtype = torch.constant.int 1
  %none = torch.constant.none
  %out = torch.derefine %none : !torch.none to !torch.optional<int>
  %q = torch.quantized_decomposed.quantize_per_tensor %x, %xs, %zp, %min, %max, %dtype : !torch.vtensor<[4,8],f32>, !torch.float, !torch.int, !torch.int, !torch.int, !torch.int -> !torch.vtensor<[4,8],si8>
  %xd = torch.quantized_decomposed.dequantize_per_tensor %q, %xs, %zp, %min, %max, %dtype, %out : !torch.vtensor<[4,8],si8>, !torch.float, !torch.int, !torch.int, !torch.int, !torch.int, !torch.optional<int> -> !torch.vtensor<[4,8],f32>
  %wd = torch.quantized_decomposed.dequantize_per_tensor %w, %ws, %zp, %min, %max, %dtype, %out : !torch.vtensor<[8,16],si8>, !torch.float, !torch.int, !torch.int, !torch.int, !torch.int, !torch.optional<int> -> !torch.vtensor<[8,16],f32>
  %y = torch.aten.mm %xd, %wd : !torch.vtensor<[4,8],f32>, !torch.vtensor<[8,16],f32> -> !torch.vtensor<[4,16],f32>
  return %y : !torch.vtensor<[4,16],f32>
}
//--- quantised_before.mlir
func.func @qdq(%x: !torch.vtensor<[4,8],f32>, %w: !torch.vtensor<[8,16],si8>) -> !torch.vtensor<[4,16],f32> {
  %xs = torch.constant.float 3.000000e-02
  %ws = torch.constant.float 2.000000e-02
  %zp = torch.constant.int 0
  %min = torch.constant.int -128
  %max = torch.constant.int 127
  %dtype = torch.constant.int 1
  %none = torch.constant.none
  %out = torch.derefine %none : !torch.none to !torch.optional<int>
  %q = torch.operator "torch.quantized_decomposed.quantize_per_tensor"(%x, %xs, %zp, %min, %max, %dtype) : (!torch.vtensor<[4,8],f32>, !torch.float, !torch.int, !torch.int, !torch.int, !torch.int) -> !torch.vtensor<[4,8],si8>
  %xd = torch.operator "torch.quantized_decomposed.dequantize_per_tensor"(%q, %xs, %zp, %min, %max, %dtype, %none) : (!torch.vtensor<[4,8],si8>, !torch.float, !torch.int, !torch.int, !torch.int, !torch.int, !torch.none) -> !torch.vtensor<[4,8],f32>
  %wd = torch.operator "torch.quantized_decomposed.dequantize_per_tensor"(%w, %ws, %zp, %min, %max, %dtype, %none) : (!torch.vtensor<[8,16],si8>, !torch.float, !torch.int, !torch.int, !torch.int, !torch.int, !torch.none) -> !torch.vtensor<[8,16],f32>
  %y = torch.aten.mm %xd, %wd : !torch.vtensor<[4,8],f32>, !torch.vtensor<[8,16],f32> -> !torch.vtensor<[4,16],f32>
  return %y : !torch.vtensor<[4,16],f32>
}

// Random numbers are made from a seed that is a variable of the module.
// RUN: specplace opt --pass lower-torch -q random.mlir | FileCheck random.mlir
//--- random.mlir
// CHECK:     util.global private mutable @global_seed
// CHECK-NOT: torch_c.
// CHECK:     util.global.store %{{.+}}, @global_seed
// CHECK-NOT: torch_c.
func.func @random(%x: !torch.vtensor<[2],f32>) -> !torch.vtensor<[2],f32> {
  %none = torch.constant.none
  %0 = torch.aten.rand_like %x, %none, %none, %none, %none, %none : !torch.vtensor<[2],f32>, !torch.none, !torch.none, !torch.none, !torch.none, !torch.none -> !torch.vtensor<[2],f32>
  return %0 : !torch.vtensor<[2],f32>
}

// IR without Torch is not lowered; only calls are inlined, so that later
// passes see whole functions. There is no remark, since nothing is missing.
// RUN: specplace opt --pass lower-torch linalg.mlir 2>&1 | FileCheck linalg.mlir
//--- linalg.mlir
// CHECK-NOT:   remark
// CHECK:       func.func @main
// CHECK-NEXT:    %[[R:.+]] = arith.negf %{{.+}} {specplace.role = "target"} : tensor<4xf32>
// CHECK-NEXT:    return %[[R]]
// CHECK-NOT:   func.func private
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @layer(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @layer(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.negf %x {specplace.role = "target"} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// A weight that the body of an operation loads for itself is loaded in front of
// it: later passes look at what enters an operation, and IREE finds no global
// that has a device from within a dispatch.
// RUN: specplace opt --pass lower-torch inside.mlir | FileCheck inside.mlir
// RUN: specplace inside.mlir -o placed.mlir -q --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu,control=cpu
// RUN: specplace verify-placement --with-iree placed.mlir 2>&1 | FileCheck inside.mlir --check-prefix=PROVEN
//--- inside.mlir
// CHECK:       %[[W:.+]] = util.global.load @inside : tensor<4xi64>
// CHECK:       linalg.generic
// CHECK-NOT:     util.global.load
// CHECK:         tensor.extract %[[W]]
// PROVEN: placement proven: 2 dispatches and 1 parameter on 2 devices
util.global private @inside = #flow.parameter.named<"model"::"inside"> : tensor<4xi64>
func.func @step(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %marked = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %draft = arith.addi %marked, %marked : tensor<4xi64>
  %verify = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %empty = tensor.empty() : tensor<4xi64>
  %verified = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%verify : tensor<4xi64>) outs(%empty : tensor<4xi64>) {
  ^bb0(%token: i64, %out: i64):
    %at = linalg.index 0 : index
    %weight = util.global.load @inside : tensor<4xi64>
    %element = tensor.extract %weight[%at] : tensor<4xi64>
    %sum = arith.addi %token, %element : i64
    linalg.yield %sum : i64
  } -> tensor<4xi64>
  return %verified : tensor<4xi64>
}

// Tensors of f64 are what iree-compile would make of them, which is f32 unless
// the platform has it keep them. Scalars alone are left to it.
// RUN: specplace opt --pass lower-torch doubles.mlir 2>&1 | FileCheck doubles.mlir
// RUN: sed 's/^compile_flags: .*/compile_flags: [--iree-input-demote-f64-to-f32=false]/' %examples/platforms/two-cpus.yaml > doubles.yaml
// RUN: specplace opt --pass lower-torch doubles.mlir --platform doubles.yaml --alpha 0.9 2>&1 | FileCheck doubles.mlir --check-prefix=KEPT
//--- doubles.mlir
// CHECK:     remark: tensors of f64 become f32, as iree-compile makes them
// CHECK-NEXT: help: to keep them, give --iree-input-demote-f64-to-f32=false in the platform's compile_flags
// CHECK:     func.func @doubles(%{{.+}}: tensor<4xf32>, %{{.+}}: f32) -> tensor<4xf32>
// CHECK-NOT: f64
// KEPT-NOT: remark: tensors of f64
// KEPT:     func.func @doubles(%{{.+}}: tensor<4xf64>, %{{.+}}: f64) -> tensor<4xf64>
func.func @doubles(%x: tensor<4xf64>, %s: f64) -> tensor<4xf64> {
  %y = arith.addf %x, %x : tensor<4xf64>
  return %y : tensor<4xf64>
}

// RUN: specplace opt --pass lower-torch scalars.mlir 2>&1 | FileCheck scalars.mlir
//--- scalars.mlir
// CHECK-NOT: remark: tensors of f64
// CHECK:     func.func @scalars(%{{.+}}: f64) -> f64
func.func @scalars(%s: f64) -> f64 {
  %t = arith.addf %s, %s : f64
  return %t : f64
}

// A power of an integer is computed in f64 by Torch's lowering, between tensors of
// f32. iree-compile computes it in f32, and so does the plan, which may then put it on
// a GPU; the epsilons beside it, which are constants, alone change nothing.
// RUN: specplace opt --pass lower-torch powers.mlir 2>&1 | FileCheck powers.mlir
// RUN: specplace opt --pass lower-torch powers.mlir --platform doubles.yaml --alpha 0.9 2>&1 | FileCheck powers.mlir --check-prefix=POWERS-KEPT
//--- powers.mlir
// CHECK:      remark: what is computed in f64 is computed in f32, as iree-compile does it
// CHECK-NEXT: help: to keep f64, give --iree-input-demote-f64-to-f32=false in the platform's compile_flags
// CHECK:      arith.sitofp %{{.+}} : i32 to f32
// CHECK:      math.powf %{{.+}}, %{{.+}} : f32
// CHECK-NOT:  f64
// POWERS-KEPT-NOT: remark
// POWERS-KEPT:     math.powf %{{.+}}, %{{.+}} : f64
func.func @powers(%base: tensor<4xf32>, %exponent: tensor<4xi32>) -> tensor<4xf32> {
  %empty = tensor.empty() : tensor<4xf32>
  %power = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%base, %exponent : tensor<4xf32>, tensor<4xi32>) outs(%empty : tensor<4xf32>) {
  ^bb0(%b: f32, %e: i32, %out: f32):
    %wide = arith.extf %b : f32 to f64
    %float = arith.sitofp %e : i32 to f64
    %raised = math.powf %wide, %float : f64
    %narrow = arith.truncf %raised : f64 to f32
    linalg.yield %narrow : f32
  } -> tensor<4xf32>
  return %power : tensor<4xf32>
}

// RUN: specplace opt --pass lower-torch epsilon.mlir 2>&1 | FileCheck epsilon.mlir
//--- epsilon.mlir
// CHECK-NOT: remark
// CHECK:     arith.constant 1.000000e-05 : f64
func.func @epsilon(%x: tensor<4xf32>) -> tensor<4xf32> {
  %epsilon = arith.constant 1.0e-5 : f64
  %empty = tensor.empty() : tensor<4xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %narrow = arith.truncf %epsilon : f64 to f32
    %added = arith.addf %in, %narrow : f32
    linalg.yield %added : f32
  } -> tensor<4xf32>
  return %sum : tensor<4xf32>
}

// Shapes that Torch's lowering forgets around a concatenation are found again:
// torch.roll casts its parts to `?`. Two in a row, so that one shape tells the
// next, and the pass of a whole model that rolls its rows is placed.
// RUN: specplace opt --pass lower-torch rolled.mlir | FileCheck rolled.mlir
// RUN: specplace %data/cases/roll/step_roll_exported.mlir -o rolled_out.mlir --alpha 0.9 --gamma 2 --platform two-cpus -q
// RUN: iree-compile rolled_out.mlir @rolled_out.flags -o rolled.vmfb
//--- rolled.mlir
// CHECK-NOT: ?
func.func @rolled(%x: !torch.vtensor<[1,8],f32>) -> !torch.vtensor<[1,8],f32> {
  %int1 = torch.constant.int 1
  %int3 = torch.constant.int 3
  %one = torch.prim.ListConstruct %int1 : (!torch.int) -> !torch.list<int>
  %three = torch.prim.ListConstruct %int3 : (!torch.int) -> !torch.list<int>
  %0 = torch.aten.roll %x, %one, %one : !torch.vtensor<[1,8],f32>, !torch.list<int>, !torch.list<int> -> !torch.vtensor<[1,8],f32>
  // CHECK: tensor.concat dim(1) %{{.+}}, %{{.+}} : (tensor<1x1xf32>, tensor<1x7xf32>) -> tensor<1x8xf32>
  // CHECK: tensor.concat dim(1) %{{.+}}, %{{.+}} : (tensor<1x3xf32>, tensor<1x5xf32>) -> tensor<1x8xf32>
  %1 = torch.aten.roll %0, %three, %one : !torch.vtensor<[1,8],f32>, !torch.list<int>, !torch.list<int> -> !torch.vtensor<[1,8],f32>
  return %1 : !torch.vtensor<[1,8],f32>
}

// What is joined of parts of known length has a known length, whoever wrote
// down that it has none.
// RUN: specplace opt --pass lower-torch joined.mlir | FileCheck joined.mlir
//--- joined.mlir
// CHECK-NOT: ?
func.func @joined(%x: tensor<2x3xf32>) -> tensor<2x12xf32> {
  %f = tensor.cast %x : tensor<2x3xf32> to tensor<?x?xf32>
  %0 = tensor.concat dim(1) %f, %f : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  // CHECK: tensor.concat dim(1) %{{.+}}, %{{.+}} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x6xf32>
  // CHECK: tensor.concat dim(1) %{{.+}}, %{{.+}} : (tensor<2x6xf32>, tensor<2x6xf32>) -> tensor<2x12xf32>
  %1 = tensor.concat dim(1) %0, %0 : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %2 = tensor.cast %1 : tensor<?x?xf32> to tensor<2x12xf32>
  return %2 : tensor<2x12xf32>
}

// Operators that only their author knows are named all at once.
// RUN: not specplace opt --pass lower-torch unknown.mlir 2>&1 | FileCheck unknown.mlir
//--- unknown.mlir
func.func @main(%x: !torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32> {
  // CHECK: unknown.mlir:[[#@LINE+2]]:8: error: the Torch operator 'torch.mylib.swish' is not known
  // CHECK: help: decompose it at export
  %0 = torch.operator "torch.mylib.swish"(%x) : (!torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32>
  // CHECK: unknown.mlir:[[#@LINE+2]]:8: error: the Torch operator 'torch.aten.__ixor__.Tensor' is not known
  // CHECK: help: decompose it at export: {{.*}}[torch.ops.aten.__ixor__.Tensor]
  %1 = torch.operator "torch.aten.__ixor__.Tensor"(%0) : (!torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32>
  return %1 : !torch.vtensor<[4],f32>
}

// What IREE's lowering refuses is told in its words, at the operation.
// RUN: not specplace opt --pass lower-torch refused.mlir 2>&1 | FileCheck refused.mlir
//--- refused.mlir
func.func @main(%x: !torch.vtensor<[4,4],f32>) -> !torch.vtensor<[4,4],f32> {
  // CHECK: refused.mlir:[[#@LINE+2]]:8: error: failed to legalize operation 'torch.aten.erfinv'
  // CHECK: help: IREE's Torch lowering does not take this operation
  %0 = torch.aten.erfinv %x : !torch.vtensor<[4,4],f32> -> !torch.vtensor<[4,4],f32>
  return %0 : !torch.vtensor<[4,4],f32>
}

// The operation is named, too, where the constant that IREE names is of no place in the input, since IREE
// made it; and what IREE refuses each time that it makes the module canonical is told
// once.
// RUN: not specplace opt --pass lower-torch nowhere.mlir 2>&1 | FileCheck nowhere.mlir --implicit-check-not=error: --implicit-check-not=torch.constant
//--- nowhere.mlir
func.func @main(%x: !torch.vtensor<[4],complex<f32>>) -> !torch.vtensor<[4],complex<f32>> {
  %none = torch.constant.none loc(unknown)
  %type = torch.constant.int 10 loc(unknown)
  %layout = torch.constant.int 0 loc(unknown)
  %cpu = torch.constant.device "cpu" loc(unknown)
  // CHECK: nowhere.mlir:[[#@LINE+3]]:3: error: 'torch.aten._assert_tensor_metadata' op Failed to canonicalize
  // CHECK: nowhere.mlir:[[#@LINE+2]]:3: error: IREE's Torch lowering does not take 'torch.aten._assert_tensor_metadata'
  // CHECK: help: it checks, and computes nothing: leave it out at export, {{.*}}torch.ops.aten._assert_tensor_metadata.default
  torch.aten._assert_tensor_metadata %x, %none, %none, %type, %cpu, %layout : !torch.vtensor<[4],complex<f32>>, !torch.none, !torch.none, !torch.int, !torch.Device, !torch.int
  return %x : !torch.vtensor<[4],complex<f32>>
}

// Where IREE names a constant, the message names the operation that uses it, which
// nobody lowered, its line, and the next step.
// RUN: not specplace opt --pass lower-torch %data/cases/and_not_lowered.mlir 2>&1 | FileCheck user.mlir --check-prefix=AND
// RUN: not specplace opt --pass lower-torch %data/cases/topk_unsorted.mlir 2>&1 | FileCheck user.mlir --check-prefix=TOPK
// RUN: not specplace opt --pass lower-torch user.mlir 2>&1 | FileCheck user.mlir
//--- user.mlir
// AND-NOT:   literal
// AND:       and_not_lowered.mlir:11:10: error: IREE's Torch lowering does not take 'torch.aten.__and__.Tensor'
// AND:       help: {{.*}}: write torch.bitwise_and(a, b) for a & b, or decompose it at export
// AND-SAME:  torch.ops.aten.__and__.Tensor
// AND-NOT:   error
// TOPK-NOT:  constant.bool
// TOPK:      topk_unsorted.mlir:7:25: error: IREE's Torch lowering does not take 'torch.aten.topk' with sorted=False
// TOPK:      help: give it sorted=True
// TOPK-NOT:  error
// All of them are named, each once, and only those.
// CHECK-NOT: error
// CHECK:     user.mlir:[[#@LINE+6]]:8: error: IREE's Torch lowering does not take 'torch.aten.__and__.Tensor'
// CHECK:     user.mlir:[[#@LINE+8]]:8: error: IREE's Torch lowering does not take 'torch.aten.__and__.Tensor'
// CHECK-NOT: error
func.func @main(%x: !torch.vtensor<[4],i1>) -> !torch.vtensor<[4],i1> {
  %true = torch.vtensor.literal(dense<true> : tensor<i1>) : !torch.vtensor<[],i1>
  %not = torch.aten.logical_not %x : !torch.vtensor<[4],i1> -> !torch.vtensor<[4],i1>
  %0 = torch.aten.__and__.Tensor %true, %not : !torch.vtensor<[],i1>, !torch.vtensor<[4],i1> -> !torch.vtensor<[4],i1>
  %false = torch.vtensor.literal(dense<false> : tensor<i1>) : !torch.vtensor<[],i1>
  %1 = torch.aten.logical_not %0 : !torch.vtensor<[4],i1> -> !torch.vtensor<[4],i1>
  %2 = torch.aten.__and__.Tensor %false, %1 : !torch.vtensor<[],i1>, !torch.vtensor<[4],i1> -> !torch.vtensor<[4],i1>
  return %2 : !torch.vtensor<[4],i1>
}

// Attention becomes matrix products and a softmax, in all its forms and for one
// query as for many: IREE's own, tile by tile, does not compile for SPIR-V.
// RUN: specplace opt --pass lower-torch -q attention.mlir | FileCheck attention.mlir
//--- attention.mlir
// CHECK-LABEL: func.func @attention
// CHECK-NOT:     attention <
// CHECK:         math.exp2
// CHECK-NOT:     attention <
// CHECK:         return %{{.+}} : tensor<4x40x16xf32>
#q = affine_map<(b, m, n, k, s) -> (b, m, k)>
#k = affine_map<(b, m, n, k, s) -> (b, s, k)>
#v = affine_map<(b, m, n, k, s) -> (b, s, n)>
#scale = affine_map<(b, m, n, k, s) -> ()>
#out = affine_map<(b, m, n, k, s) -> (b, m, n)>
func.func @attention(%q: tensor<4x40x16xf32>, %k: tensor<4x40x16xf32>, %v: tensor<4x40x16xf32>) -> tensor<4x40x16xf32> {
  %scale = arith.constant 0.25 : f32
  %e = tensor.empty() : tensor<4x40x16xf32>
  %0 = iree_linalg_ext.attention <indexing_maps = [#q, #k, #v, #scale, #out]> ins(%q, %k, %v, %scale : tensor<4x40x16xf32>, tensor<4x40x16xf32>, tensor<4x40x16xf32>, f32) outs(%e : tensor<4x40x16xf32>) {
  ^bb0(%score: f32):
    iree_linalg_ext.yield %score : f32
  } -> tensor<4x40x16xf32>
  return %0 : tensor<4x40x16xf32>
}
// CHECK-LABEL: func.func @one_query
// CHECK-NOT:     attention <
// CHECK:         math.exp2
// CHECK-NOT:     attention <
// CHECK:         return %{{.+}} : tensor<4x1x16xf32>
func.func @one_query(%q: tensor<4x1x16xf32>, %k: tensor<4x40x16xf32>, %v: tensor<4x40x16xf32>) -> tensor<4x1x16xf32> {
  %scale = arith.constant 0.25 : f32
  %e = tensor.empty() : tensor<4x1x16xf32>
  %0 = iree_linalg_ext.attention <indexing_maps = [#q, #k, #v, #scale, #out]> ins(%q, %k, %v, %scale : tensor<4x1x16xf32>, tensor<4x40x16xf32>, tensor<4x40x16xf32>, f32) outs(%e : tensor<4x1x16xf32>) {
  ^bb0(%score: f32):
    iree_linalg_ext.yield %score : f32
  } -> tensor<4x1x16xf32>
  return %0 : tensor<4x1x16xf32>
}

// A small constant of narrow floats stands in its operation, or global, and
// compiles; as a resource it does not. Others stay where they are.
// RUN: specplace opt --pass lower-torch -q narrow.mlir | FileCheck narrow.mlir
// RUN: specplace opt --pass lower-torch -q %S/../data/cases/bf16_constant/bf.mlir | iree-compile - --iree-hal-target-device=local --iree-hal-local-target-device-backends=llvm-cpu -o narrow.vmfb
// RUN: iree-run-module --device=local-sync --module=narrow.vmfb --function=main --input=40x8xf32=2 | FileCheck narrow.mlir --check-prefix=RAN
//--- narrow.mlir
// RAN:   40x8xf32=[2 2 2 2 2 2 2 2]
// CHECK: util.global private @g = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xbf16>
// CHECK-DAG: arith.constant dense<[3.000000e+00, 4.000000e+00]> : tensor<2xbf16>
// CHECK-DAG: arith.constant dense_resource<wide> : tensor<2xf32>
util.global private @g = dense_resource<global> : tensor<2xbf16>
func.func @main() -> (tensor<2xbf16>, tensor<2xbf16>, tensor<2xf32>) {
  %g = util.global.load @g : tensor<2xbf16>
  %c = arith.constant dense_resource<"a constant: \"0x"> : tensor<2xbf16>
  %w = arith.constant dense_resource<wide> : tensor<2xf32>
  return %g, %c, %w : tensor<2xbf16>, tensor<2xbf16>, tensor<2xf32>
}
{-# dialect_resources: { builtin: {
  global: "0x04000000803F0040",
  "a constant: \"0x": "0x0400000040408040",
  wide: "0x040000000000803F00000040"
} } #-}

// A pad that adds at one end and takes off at the other is a slice and a pad: MLIR folds
// one whose result is as large as what it pads to that. One that only adds stays.
// RUN: specplace opt --pass lower-torch -q pads.mlir | FileCheck pads.mlir
// RUN: specplace opt --pass lower-torch -q pads.mlir | iree-compile - --iree-hal-target-device=local --iree-hal-local-target-device-backends=llvm-cpu -o pads.vmfb
// RUN: iree-run-module --device=local-sync --module=pads.vmfb --function=later "--input=1x4x2xf32=1 2 3 4 5 6 7 8" | FileCheck pads.mlir --check-prefix=LATER
// RUN: iree-run-module --device=local-sync --module=pads.vmfb --function=both "--input=1x4x2xf32=1 2 3 4 5 6 7 8" | FileCheck pads.mlir --check-prefix=BOTH
//--- pads.mlir
// LATER: 1x4x2xf32={{\[}}[0 0][1 2][3 4][5 6]]
// CHECK-LABEL: func.func @later(
// CHECK:         %[[LEFT:.+]] = tensor.extract_slice %{{.+}}[0, 0, 0] [1, 3, 2] [1, 1, 1]
// CHECK:         tensor.pad %[[LEFT]] low[0, 1, 0] high[0, 0, 0]
func.func @later(%x: !torch.vtensor<[1,4,2],f32>) -> !torch.vtensor<[1,4,2],f32> {
  %int0 = torch.constant.int 0
  %int1 = torch.constant.int 1
  %int-1 = torch.constant.int -1
  %ends = torch.prim.ListConstruct %int0, %int0, %int1, %int-1 : (!torch.int, !torch.int, !torch.int, !torch.int) -> !torch.list<int>
  %constant = torch.constant.str "constant"
  %zero = torch.constant.float 0.0
  %y = torch.aten.pad %x, %ends, %constant, %zero : !torch.vtensor<[1,4,2],f32>, !torch.list<int>, !torch.str, !torch.float -> !torch.vtensor<[1,4,2],f32>
  return %y : !torch.vtensor<[1,4,2],f32>
}
// BOTH: 1x3x3xf32={{\[}}[3 4 7][5 6 7][7 8 7]]
// CHECK-LABEL: func.func @both(
// CHECK:         %[[LEFT:.+]] = tensor.extract_slice %{{.+}}[0, 1, 0] [1, 3, 2] [1, 1, 1]
// CHECK:         tensor.pad %[[LEFT]] low[0, 0, 0] high[0, 0, 1]
func.func @both(%x: !torch.vtensor<[1,4,2],f32>) -> !torch.vtensor<[1,3,3],f32> {
  %int0 = torch.constant.int 0
  %int1 = torch.constant.int 1
  %int-1 = torch.constant.int -1
  %ends = torch.prim.ListConstruct %int0, %int1, %int-1, %int0 : (!torch.int, !torch.int, !torch.int, !torch.int) -> !torch.list<int>
  %seven = torch.constant.float 7.0
  %y = torch.aten.constant_pad_nd %x, %ends, %seven : !torch.vtensor<[1,4,2],f32>, !torch.list<int>, !torch.float -> !torch.vtensor<[1,3,3],f32>
  return %y : !torch.vtensor<[1,3,3],f32>
}
// CHECK-LABEL: func.func @only_added(
// CHECK-NOT:     tensor.extract_slice
// CHECK:         tensor.pad %{{.+}} low[0, 1, 0] high[0, 1, 0]
func.func @only_added(%x: !torch.vtensor<[1,4,2],f32>) -> !torch.vtensor<[1,6,2],f32> {
  %int0 = torch.constant.int 0
  %int1 = torch.constant.int 1
  %ends = torch.prim.ListConstruct %int0, %int0, %int1, %int1 : (!torch.int, !torch.int, !torch.int, !torch.int) -> !torch.list<int>
  %seven = torch.constant.float 7.0
  %y = torch.aten.constant_pad_nd %x, %ends, %seven : !torch.vtensor<[1,4,2],f32>, !torch.list<int>, !torch.float -> !torch.vtensor<[1,6,2],f32>
  return %y : !torch.vtensor<[1,6,2],f32>
}
