// A sequence of open length: nothing can be counted, and no buffer allocated
// for a crossing. The line of the export is shown, not one of lowered IR.

// RUN: %exits 1 specplace %s -o %t.out.mlir --alpha 0.9 2>&1 | FileCheck %s
// RUN: not test -e %t.out.mlir
func.func @main(%tokens: !torch.vtensor<[1,?],si64>) -> !torch.vtensor<[1,?],si64> {
  %drafter = torch.constant.str "drafter"
  %target = torch.constant.str "target"
  %int6 = torch.constant.int 6
  %int4 = torch.constant.int 4
  %0 = torch.operator "torch.specplace.place"(%tokens, %drafter) : (!torch.vtensor<[1,?],si64>, !torch.str) -> !torch.vtensor<[1,?],si64>
  // CHECK: dynamic_shape.mlir:[[#@LINE+2]]:8: error: the shapes of an operation are not static
  // CHECK: help: export the module with a fixed sequence length
  %1 = torch.prims.convert_element_type %0, %int6 : !torch.vtensor<[1,?],si64>, !torch.int -> !torch.vtensor<[1,?],f32>
  %2 = torch.prims.convert_element_type %1, %int4 : !torch.vtensor<[1,?],f32>, !torch.int -> !torch.vtensor<[1,?],si64>
  %3 = torch.operator "torch.specplace.place"(%2, %target) : (!torch.vtensor<[1,?],si64>, !torch.str) -> !torch.vtensor<[1,?],si64>
  %4 = torch.prims.convert_element_type %3, %int6 : !torch.vtensor<[1,?],si64>, !torch.int -> !torch.vtensor<[1,?],f32>
  %5 = torch.prims.convert_element_type %4, %int4 : !torch.vtensor<[1,?],f32>, !torch.int -> !torch.vtensor<[1,?],si64>
  return %5 : !torch.vtensor<[1,?],si64>
}
