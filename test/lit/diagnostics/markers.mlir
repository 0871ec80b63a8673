// Placement operators that cannot be followed, on the whole way: status 1, the
// operator's line, and no OUT. All of them are in resolve_markers.mlir.

// RUN: split-file %s %t
// RUN: cd %t

// RUN: %exits 1 specplace role.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck role.mlir
// RUN: not test -e out.mlir
//--- role.mlir
func.func @main(%x: !torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32> {
  %str = torch.constant.str "drafted"
  // CHECK: role.mlir:[[#@LINE+2]]:8: error: 'drafted' is not a role
  // CHECK: help: use drafter, target or control (host)
  %0 = torch.operator "torch.specplace.place"(%x, %str) : (!torch.vtensor<[4],f32>, !torch.str) -> !torch.vtensor<[4],f32>
  return %0 : !torch.vtensor<[4],f32>
}

// RUN: %exits 1 specplace constant.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck constant.mlir
// RUN: not test -e out.mlir
//--- constant.mlir
func.func @main(%x: !torch.vtensor<[4],f32>, %str: !torch.str) -> !torch.vtensor<[4],f32> {
  // CHECK: constant.mlir:[[#@LINE+1]]:8: error: the name in a placement operator is not a constant string
  %0 = torch.operator "torch.specplace.place"(%x, %str) : (!torch.vtensor<[4],f32>, !torch.str) -> !torch.vtensor<[4],f32>
  return %0 : !torch.vtensor<[4],f32>
}

// An operator that neither IREE nor specplace knows.
// RUN: %exits 1 specplace operator.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck operator.mlir
// RUN: not test -e out.mlir
//--- operator.mlir
func.func @main(%x: !torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32> {
  // CHECK: operator.mlir:[[#@LINE+2]]:8: error: the Torch operator 'torch.specplace.plaice' is not known
  // CHECK: help: decompose it at export, or use torch.ops.specplace.place and torch.ops.specplace.draft_length
  %0 = torch.operator "torch.specplace.plaice"(%x) : (!torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32>
  return %0 : !torch.vtensor<[4],f32>
}

// The name of the draft length's global is ours: one that holds no number bounds
// nothing, and is not taken for a bound of 0.
// RUN: %exits 1 specplace length.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck length.mlir
//--- length.mlir
// CHECK: length.mlir:[[#@LINE+2]]:1: error: @specplace.draft_length is specplace's own name, for the most drafts there may be, and this global holds no such number
// CHECK: help: give this global another name, or initialize it: dense<8> : tensor<i64>
util.global private mutable @specplace.draft_length : tensor<i64>
func.func @length(%tokens: tensor<4xi64>) -> (tensor<4xi64>, tensor<i64>) {
  %n = util.global.load @specplace.draft_length : tensor<i64>
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %y = math.exp %x : tensor<4xf32>
  %i = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %i : tensor<4xi64> to #hal.device.promise<@target>
  %z = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %w = math.exp %z : tensor<4xf32>
  %v = arith.fptosi %w : tensor<4xf32> to tensor<4xi64>
  return %v, %n : tensor<4xi64>, tensor<i64>
}
