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
