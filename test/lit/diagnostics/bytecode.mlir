// Bytecode has no lines: a message says which operation it is about by symbol
// and path, and the operation is shown, once. A file that is cut off is named
// without a line that it does not have.
// RUN: split-file %s %t && cd %t
// RUN: iree-opt in.mlir --strip-debuginfo --emit-bytecode -o in.mlirbc
// RUN: not specplace in.mlirbc -o out.mlir --alpha 0.9 2>&1 | FileCheck in.mlir --match-full-lines --check-prefix=BYTECODE
// RUN: head -c 200 in.mlirbc > short.mlirbc
// RUN: not specplace short.mlirbc -o out.mlir --alpha 0.9 2>&1 | FileCheck in.mlir --check-prefix=SHORT
// RUN: not specplace in.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck in.mlir --check-prefix=TEXT
//--- in.mlir
// BYTECODE: @twice/scf.if/torch.operator: error: a placement operator takes a value and a name
// BYTECODE-NEXT:   | %{{.*}} = torch.operator "torch.specplace.place"(%{{.*}}) : {{.*}}
// BYTECODE-NOT: torch.specplace.place

// SHORT: short.mlirbc: error:
// SHORT-NOT: :0

// TEXT: in.mlir:[[#@LINE+8]]:16: error: a placement operator takes a value and a name
// TEXT-NEXT: |
// TEXT-NEXT: %written = torch.operator "torch.specplace.place"
// TEXT-NEXT: ^
// TEXT-NOT: torch.specplace.place
func.func @twice(%x: tensor<4xi64>, %go: i1) -> tensor<4xi64> {
  %0 = torch_c.from_builtin_tensor %x : tensor<4xi64> -> !torch.vtensor<[4],si64>
  %r = scf.if %go -> !torch.vtensor<[4],si64> {
    %written = torch.operator "torch.specplace.place"(%0) : (!torch.vtensor<[4],si64>) -> !torch.vtensor<[4],si64>
    scf.yield %written : !torch.vtensor<[4],si64>
  } else {
    scf.yield %0 : !torch.vtensor<[4],si64>
  }
  %2 = torch_c.to_builtin_tensor %r : !torch.vtensor<[4],si64> -> tensor<4xi64>
  return %2 : tensor<4xi64>
}
