// widen-booleans: booleans that are computed are kept as i32 on a unit whose words
// have 32 bits: IREE's SPIR-V reads and writes the bytes that they are wrongly.

// DEFINE: %{plan} = resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping,fold-draft-length,outline-subgraphs
// DEFINE: %{decision} = --alpha 0.9 --gamma 1 --platform imx95

// RUN: split-file %s %t
// RUN: cd %t

// A reduction, what moves its elements, and what chooses by them.
// RUN: specplace opt --pass %{plan},widen-booleans %{decision} --pin drafter=gpu,target=cpu -q any.mlir | FileCheck any.mlir
// On a CPU they stay.
// RUN: specplace opt --pass %{plan},widen-booleans %{decision} --pin drafter=cpu,target=cpu -q any.mlir -o bits.mlir
// RUN: specplace opt --pass %{plan} %{decision} --pin drafter=cpu,target=cpu -q any.mlir | diff - bits.mlir
//--- any.mlir
// CHECK-LABEL: func.func private @drafter_0(
// CHECK:         %[[FALSE:.+]] = arith.extui %false{{.*}} : i1 to i32
// CHECK:         %[[FILL:.+]] = linalg.fill ins(%[[FALSE]] : i32) outs(%{{.+}} : tensor<7xi32>)
// CHECK:         %[[ANY:.+]] = linalg.generic {{.*}} outs(%[[FILL]] : tensor<7xi32>)
// CHECK-NEXT:    ^bb0(%[[IN:.+]]: f32, %[[OUT:.+]]: i32):
// CHECK-NEXT:      %[[MORE:.+]] = arith.cmpf ogt, %[[IN]]
// CHECK-NEXT:      %[[WORD:.+]] = arith.extui %[[MORE]] : i1 to i32
// CHECK-NEXT:      %[[OR:.+]] = arith.ori %[[WORD]], %[[OUT]] : i32
// CHECK-NEXT:      linalg.yield %[[OR]] : i32
// CHECK:         %[[SLICE:.+]] = tensor.extract_slice %[[ANY]]{{.*}} : tensor<7xi32> to tensor<5xi32>
// What has no form on words keeps its booleans, between two conversions.
// CHECK:         %[[BITS:.+]] = arith.trunci %[[SLICE]] : tensor<5xi32> to tensor<5xi1>
// CHECK:         %[[BOTH:.+]] = arith.xori %[[BITS]], %{{.+}} : tensor<5xi1>
// CHECK:         %[[WORDS:.+]] = arith.extui %[[BOTH]] : tensor<5xi1> to tensor<5xi32>
// CHECK:         linalg.generic {{.*}} ins(%{{.+}}, %[[WORDS]] : tensor<5xf32>, tensor<5xi32>)
// CHECK-NEXT:    ^bb0(%{{.+}}: f32, %[[READ:.+]]: i32, %{{.+}}: f32):
// CHECK-NEXT:      %[[ZERO:.+]] = arith.constant 0 : i32
// CHECK-NEXT:      %[[BIT:.+]] = arith.cmpi ne, %[[READ]], %[[ZERO]] : i32
// CHECK-NEXT:      arith.select %[[BIT]]
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<7x13xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<5xf32>
#both = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>
#row = affine_map<(d0) -> (d0)>
func.func @step(%x: tensor<7x13xf32>) -> tensor<5xf32> {
  %dw = util.global.load @d : tensor<7x13xf32>
  %tw = util.global.load @t : tensor<5xf32>
  %given = flow.tensor.transfer %x : tensor<7x13xf32> to #hal.device.promise<@drafter>
  %p = arith.mulf %given, %dw : tensor<7x13xf32>
  %q = tensor.extract_slice %p[0, 0] [5, 1] [1, 1] : tensor<7x13xf32> to tensor<5xf32>
  %false = arith.constant false
  %one = arith.constant 1.0 : f32
  %least = arith.constant -3.0 : f32
  %seen = arith.constant dense<[true, false, true, true, false]> : tensor<5xi1>
  %e = tensor.empty() : tensor<7xi1>
  %fill = linalg.fill ins(%false : i1) outs(%e : tensor<7xi1>) -> tensor<7xi1>
  %any = linalg.generic {indexing_maps = [#both, #rows], iterator_types = ["parallel", "reduction"]} ins(%p : tensor<7x13xf32>) outs(%fill : tensor<7xi1>) {
  ^bb0(%a: f32, %o: i1):
    %g = arith.cmpf ogt, %a, %one : f32
    %h = arith.ori %g, %o : i1
    linalg.yield %h : i1
  } -> tensor<7xi1>
  %slice = tensor.extract_slice %any[1] [5] [1] : tensor<7xi1> to tensor<5xi1>
  %both = arith.xori %slice, %seen : tensor<5xi1>
  %none = tensor.empty() : tensor<5xf32>
  %d = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel"]} ins(%q, %both : tensor<5xf32>, tensor<5xi1>) outs(%none : tensor<5xf32>) {
  ^bb0(%a: f32, %k: i1, %o: f32):
    %s = arith.select %k, %a, %least : f32
    linalg.yield %s : f32
  } -> tensor<5xf32>
  %t = flow.tensor.transfer %d : tensor<5xf32> to #hal.device.promise<@target>
  %v = arith.mulf %t, %tw : tensor<5xf32>
  return %v : tensor<5xf32>
}

// Booleans that come over the border of a function are bytes, of which values have to
// be proven.
// RUN: specplace opt --pass %{plan},widen-booleans %{decision} --pin drafter=gpu,target=cpu border.mlir -o - 2>&1 >/dev/null | FileCheck border.mlir
//--- border.mlir
// CHECK: warning: @drafter_0 takes tensor<7xi1>, and IREE's code for @gpu reads and writes booleans wrongly in some shapes
// CHECK: help: let `specplace verify OUT` prove its values; or pass it as i32 (0 and 1) and compare it with zero where it is read, or pin drafter to a CPU
#row = affine_map<(d0) -> (d0)>
func.func @step(%x: tensor<7xf32>, %m: tensor<7xi1>) -> tensor<7xf32> {
  %p = flow.tensor.transfer %x : tensor<7xf32> to #hal.device.promise<@drafter>
  %zero = arith.constant 0.0 : f32
  %none = tensor.empty() : tensor<7xf32>
  %d = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel"]} ins(%p, %m : tensor<7xf32>, tensor<7xi1>) outs(%none : tensor<7xf32>) {
  ^bb0(%a: f32, %k: i1, %o: f32):
    %s = arith.select %k, %a, %zero : f32
    linalg.yield %s : f32
  } -> tensor<7xf32>
  %t = flow.tensor.transfer %d : tensor<7xf32> to #hal.device.promise<@target>
  %v = arith.mulf %t, %t : tensor<7xf32>
  return %v : tensor<7xf32>
}

// The pass needs to know what is where.
// RUN: not specplace opt --pass widen-booleans any.mlir 2>&1 | FileCheck order.txt
//--- order.txt
CHECK: error: no placement to widen booleans for: select-mapping did not run
CHECK: help: run the passes in order: --pass …,select-mapping,…,widen-booleans
