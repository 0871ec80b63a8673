// resolve-markers: every form of placement operator becomes a transfer to the
// role, or a role on a global; a draft length becomes the load of a global.

// RUN: split-file %s %t
// RUN: cd %t

// Our own operator is the identity on its first operand and names the role in
// its second. Torch lowering refuses operators that it does not know, but
// leaves transfers alone. `host` is another word for control.
// RUN: specplace opt --pass resolve-markers place.mlir | FileCheck place.mlir
//--- place.mlir
// CHECK-LABEL: func.func @place
// CHECK-SAME:      (%[[TOKENS:.+]]: !torch.vtensor<[1,4],si64>, %[[X:.+]]: !torch.vtensor<[2,3],f32>)
// CHECK-NOT:     torch.operator
// CHECK:         %[[IN:.+]] = torch_c.to_builtin_tensor %[[TOKENS]] : !torch.vtensor<[1,4],si64> -> tensor<1x4xi64>
// CHECK:         %[[MARKED:.+]] = flow.tensor.transfer %[[IN]] : tensor<1x4xi64> to #hal.device.promise<@drafter>
// CHECK:         %[[OUT:.+]] = torch_c.from_builtin_tensor %[[MARKED]] : tensor<1x4xi64> -> !torch.vtensor<[1,4],si64>
// CHECK:         %[[X_IN:.+]] = torch_c.to_builtin_tensor %[[X]]
// CHECK:         %[[X_MARKED:.+]] = flow.tensor.transfer %[[X_IN]] : tensor<2x3xf32> to #hal.device.promise<@control>
// CHECK:         %[[X_OUT:.+]] = torch_c.from_builtin_tensor %[[X_MARKED]]
// CHECK:         return %[[OUT]], %[[X_OUT]]
func.func @place(%tokens: !torch.vtensor<[1,4],si64>, %x: !torch.vtensor<[2,3],f32>) -> (!torch.vtensor<[1,4],si64>, !torch.vtensor<[2,3],f32>) {
  %drafter = torch.constant.str "drafter"
  %host = torch.constant.str "host"
  %0 = torch.operator "torch.specplace.place"(%tokens, %drafter) : (!torch.vtensor<[1,4],si64>, !torch.str) -> !torch.vtensor<[1,4],si64>
  %1 = torch.operator "torch.specplace.place"(%x, %host) : (!torch.vtensor<[2,3],f32>, !torch.str) -> !torch.vtensor<[2,3],f32>
  return %0, %1 : !torch.vtensor<[1,4],si64>, !torch.vtensor<[2,3],f32>
}

// In a loop body a marker is found as well, and stays where it stands.
// RUN: specplace opt --pass resolve-markers loop.mlir | FileCheck loop.mlir
//--- loop.mlir
// CHECK-LABEL: func.func @loop
// CHECK:         torch.prim.Loop
// CHECK:           flow.tensor.transfer %{{.+}} : tensor<4xf32> to #hal.device.promise<@target>
// CHECK:           torch.prim.Loop.condition
func.func @loop(%x: !torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32> {
  %true = torch.constant.bool true
  %n = torch.constant.int 3
  %target = torch.constant.str "target"
  %0 = torch.prim.Loop %n, %true, init(%x) {
  ^bb0(%i: !torch.int, %y: !torch.vtensor<[4],f32>):
    %1 = torch.operator "torch.specplace.place"(%y, %target) : (!torch.vtensor<[4],f32>, !torch.str) -> !torch.vtensor<[4],f32>
    torch.prim.Loop.condition %true, iter(%1 : !torch.vtensor<[4],f32>)
  } : (!torch.int, !torch.bool, !torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32>
  return %0 : !torch.vtensor<[4],f32>
}

// iree-turbine's operator names a device first. A device whose name is a role
// has that role; any other keeps turbine's spelling of its name, with a
// warning, since the plan overrides it.
// RUN: specplace opt --pass resolve-markers turbine.mlir 2>&1 | FileCheck turbine.mlir
//--- turbine.mlir
// CHECK:       warning: placement on @__device_1 is overridden: the name is no role
// CHECK-NEXT:    help: say what it is with --role __device_1=drafter|target|control, or honour it with --keep-placement
// CHECK-LABEL: func.func @turbine
// CHECK:         flow.tensor.transfer %{{.+}} : tensor<4xf32> to #hal.device.promise<@target>
// CHECK:         flow.tensor.transfer %{{.+}} : tensor<4xf32> to #hal.device.promise<@__device_1>
func.func @turbine(%x: !torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32> {
  %target = torch.constant.str "target"
  %0 = torch.operator "torch.iree.transfer_to_logical_device"(%target, %x) : (!torch.str, !torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32>
  %other = torch.constant.str "1"
  %1 = torch.operator "torch.iree.transfer_to_logical_device"(%other, %0) : (!torch.str, !torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32>
  return %1 : !torch.vtensor<[4],f32>
}

// The same with the role given: by the name that turbine was called with, or
// by the one that the message shows.
// RUN: specplace opt --pass resolve-markers turbine.mlir --role 1=control 2>&1 | FileCheck turbine.mlir --check-prefix=GIVEN
// RUN: specplace opt --pass resolve-markers turbine.mlir --role __device_1=control 2>&1 | FileCheck turbine.mlir --check-prefix=GIVEN
// GIVEN-NOT: warning
// GIVEN:     flow.tensor.transfer %{{.+}} : tensor<4xf32> to #hal.device.promise<@control>
//
// Or honoured as the user's own placement.
// RUN: specplace opt --pass resolve-markers turbine.mlir --keep-placement 2>&1 | FileCheck turbine.mlir --check-prefix=KEPT
// KEPT-NOT: warning
// KEPT:     remark: device @__device_1 of the input is kept as placed (--keep-placement)
// KEPT:     flow.tensor.transfer %{{.+}} : tensor<4xf32> to #hal.device.promise<@__device_1>

// What could not be written is refused; with a role its name does not matter.
// RUN: sed 's/"1"/"my gpu"/' turbine.mlir > spaced.mlir
// RUN: not specplace opt --pass resolve-markers spaced.mlir 2>&1 | FileCheck spaced.txt
// RUN: specplace opt --pass resolve-markers spaced.mlir --role "my gpu=control" 2>&1 | FileCheck spaced.txt --check-prefix=KNOWN
//--- spaced.txt
KNOWN-NOT: warning
KNOWN:     flow.tensor.transfer %{{.+}} : tensor<4xf32> to #hal.device.promise<@control>
CHECK: spaced.mlir:[[#]]:8: error: 'my gpu' is no name for a device
CHECK: help: use letters, digits and underscores, or say which role it is with --role 'my gpu=drafter|target|control'

// Turbine's traits. What a parameter's affinity says becomes its role; that of
// an interface goes, since interfaces are control's, and other attributes of
// the interface stay.
// RUN: specplace opt --pass resolve-markers traits.mlir 2>&1 | FileCheck traits.mlir
//--- traits.mlir
// CHECK:       warning: placement on @__device_0 is overridden
// CHECK:       util.global private @w {specplace.role = "target"} = #flow.parameter.named<"model"::"w"> : tensor<4xf32>
// CHECK:       util.global private @v = #flow.parameter.named<"model"::"v"> : tensor<4xf32>
// CHECK:       func.func @traits(%{{.+}}: tensor<4xf32> {other.attribute}) -> tensor<4xf32> {
// CHECK:         flow.tensor.transfer %{{.+}} : tensor<4xf32> to #hal.device.promise<@drafter>
util.global private @w {stream.affinity = #hal.device.promise<@__device_target>} = #flow.parameter.named<"model"::"w"> : tensor<4xf32>
util.global private @v {stream.affinity = #hal.device.affinity<@__device_0>} = #flow.parameter.named<"model"::"v"> : tensor<4xf32>
func.func @traits(%x: tensor<4xf32> {iree.abi.affinity = #hal.device.promise<@__device_drafter>, other.attribute}) -> (tensor<4xf32> {iree.abi.affinity = #hal.device.promise<@__device_drafter>}) {
  %0 = flow.tensor.transfer %x : tensor<4xf32> to #hal.device.promise<@__device_drafter>
  return %0 : tensor<4xf32>
}

// The draft length is a global that holds its bound, mutable so that no
// canonicalizer folds it before the plan is made. Two with one bound are one.
// RUN: specplace opt --pass resolve-markers length.mlir | FileCheck length.mlir
//--- length.mlir
// CHECK:       util.global private mutable @specplace.draft_length = dense<8> : tensor<i64>
// CHECK-NOT:   util.global
// CHECK-LABEL: func.func @length
// CHECK:         %[[A:.+]] = util.global.load @specplace.draft_length : tensor<i64>
// CHECK:         %[[A_TORCH:.+]] = torch_c.from_builtin_tensor %[[A]] : tensor<i64> -> !torch.vtensor<[],si64>
// CHECK:         %[[B:.+]] = util.global.load @specplace.draft_length : tensor<i64>
// CHECK:         %[[B_TORCH:.+]] = torch_c.from_builtin_tensor %[[B]]
// CHECK:         return %[[A_TORCH]], %[[B_TORCH]]
func.func @length() -> (!torch.vtensor<[],si64>, !torch.vtensor<[],si64>) {
  %max = torch.constant.int 8
  %0 = torch.operator "torch.specplace.draft_length"(%max) : (!torch.int) -> !torch.vtensor<[],si64>
  %1 = torch.operator "torch.specplace.draft_length"(%max) : (!torch.int) -> !torch.vtensor<[],si64>
  return %0, %1 : !torch.vtensor<[],si64>, !torch.vtensor<[],si64>
}

// All errors of a module are reported, each at its operator.
// RUN: not specplace opt --pass resolve-markers errors.mlir 2>&1 | FileCheck errors.mlir
//--- errors.mlir
func.func @errors(%x: !torch.vtensor<[4],f32>, %unranked: !torch.vtensor<*,f32>, %name: !torch.str, %n: !torch.int) -> !torch.vtensor<[4],f32> {
  %nobody = torch.constant.str "nobody"
  %drafter = torch.constant.str "drafter"
  %zero = torch.constant.int 0
  %four = torch.constant.int 4
  %eight = torch.constant.int 8
  // CHECK:      errors.mlir:[[#@LINE+4]]:8: error: the name in a placement operator is not a constant string
  // CHECK:      %0 = torch.operator "torch.specplace.place"
  // CHECK-NEXT: ^
  // CHECK:      help: pass the role as a Python string literal, such as "drafter"
  %0 = torch.operator "torch.specplace.place"(%x, %name) : (!torch.vtensor<[4],f32>, !torch.str) -> !torch.vtensor<[4],f32>
  // CHECK:      errors.mlir:[[#@LINE+2]]:8: error: 'nobody' is not a role
  // CHECK:      help: use drafter, target or control (host), or give the name a role with --role nobody=drafter
  %1 = torch.operator "torch.specplace.place"(%0, %nobody) : (!torch.vtensor<[4],f32>, !torch.str) -> !torch.vtensor<[4],f32>
  // CHECK:      errors.mlir:[[#@LINE+1]]:8: error: a placement operator needs a tensor of known rank and dtype
  %2 = torch.operator "torch.specplace.place"(%unranked, %drafter) : (!torch.vtensor<*,f32>, !torch.str) -> !torch.vtensor<*,f32>
  // CHECK:      errors.mlir:[[#@LINE+1]]:8: error: a placement operator takes a value and a name
  %3 = torch.operator "torch.specplace.place"(%x) : (!torch.vtensor<[4],f32>) -> !torch.vtensor<[4],f32>
  // CHECK:      errors.mlir:[[#@LINE+2]]:8: error: the bound of draft_length is not a positive constant
  // CHECK:      help: pass it as a Python integer literal of at least 1
  %4 = torch.operator "torch.specplace.draft_length"(%n) : (!torch.int) -> !torch.vtensor<[],si64>
  // CHECK:      errors.mlir:[[#@LINE+1]]:8: error: the bound of draft_length is not a positive constant
  %5 = torch.operator "torch.specplace.draft_length"(%zero) : (!torch.int) -> !torch.vtensor<[],si64>
  %6 = torch.operator "torch.specplace.draft_length"(%eight) : (!torch.int) -> !torch.vtensor<[],si64>
  // CHECK:      errors.mlir:[[#@LINE+2]]:8: error: two draft lengths with different bounds, 8 and 4
  // CHECK:      help: one module has one draft length: give both the same bound
  %7 = torch.operator "torch.specplace.draft_length"(%four) : (!torch.int) -> !torch.vtensor<[],si64>
  return %1 : !torch.vtensor<[4],f32>
}

// A function that is a role by attribute, by the command line, or by a name
// that speaks of one while it returns floats: its arguments are marked with
// the role, and its logits end it. `@append_draft` is no model.
// RUN: specplace opt --pass resolve-markers functions.mlir --target @big | FileCheck functions.mlir
//--- functions.mlir
// CHECK-LABEL: func.func @given(
// CHECK-SAME:      %[[A:.+]]: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xi64>) {
// CHECK:         %[[MARKED:.+]] = flow.tensor.transfer %[[A]] : tensor<4xi64> to #hal.device.promise<@drafter>
// CHECK:         %[[LOGITS:.+]] = arith.sitofp %[[MARKED]]
// CHECK:         %[[ENDED:.+]] = flow.tensor.transfer %[[LOGITS]] : tensor<4xf32> to #hal.device.promise<@control>
// CHECK:         return %[[ENDED]], %[[MARKED]]
func.func @given(%tokens: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xi64>) attributes {specplace.role = "drafter"} {
  %0 = arith.sitofp %tokens : tensor<4xi64> to tensor<4xf32>
  return %0, %tokens : tensor<4xf32>, tensor<4xi64>
}
// CHECK-LABEL: func.func @big(
// CHECK:         flow.tensor.transfer %{{.+}} : tensor<4xi64> to #hal.device.promise<@target>
func.func @big(%tokens: tensor<4xi64>) -> tensor<4xf32> {
  %0 = arith.sitofp %tokens : tensor<4xi64> to tensor<4xf32>
  return %0 : tensor<4xf32>
}
// CHECK-LABEL: func.func @drafter_forward$1(
// CHECK:         flow.tensor.transfer %{{.+}} : tensor<4xi64> to #hal.device.promise<@drafter>
func.func @drafter_forward$1(%tokens: tensor<4xi64>) -> tensor<4xf32> {
  %0 = arith.sitofp %tokens : tensor<4xi64> to tensor<4xf32>
  return %0 : tensor<4xf32>
}
// CHECK-LABEL: func.func @append_draft(
// CHECK-NOT:     flow.tensor.transfer
func.func @append_draft(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  return %tokens : tensor<4xi64>
}

// A role on a Torch operation goes to its operands, since lowering makes other
// operations of it; one on an operation of linalg's level stays.
// RUN: specplace opt --pass resolve-markers operations.mlir | FileCheck operations.mlir
//--- operations.mlir
// CHECK-LABEL: func.func @operations
// CHECK:         %[[MARKED:.+]] = flow.tensor.transfer %{{.+}} : tensor<4xf32> to #hal.device.promise<@target>
// CHECK:         %[[TORCH:.+]] = torch_c.from_builtin_tensor %[[MARKED]]
// CHECK:         torch.aten.neg %[[TORCH]] : !torch.vtensor<[4],f32> -> !torch.vtensor<[4],f32>
// CHECK:         arith.negf %{{.+}} {specplace.role = "drafter"} : tensor<4xf32>
func.func @operations(%x: !torch.vtensor<[4],f32>, %y: tensor<4xf32>) -> (!torch.vtensor<[4],f32>, tensor<4xf32>) {
  %0 = torch.aten.neg %x {specplace.role = "target"} : !torch.vtensor<[4],f32> -> !torch.vtensor<[4],f32>
  %1 = arith.negf %y {specplace.role = "drafter"} : tensor<4xf32>
  return %0, %1 : !torch.vtensor<[4],f32>, tensor<4xf32>
}

// A role attribute that names none.
// RUN: not specplace opt --pass resolve-markers attribute.mlir 2>&1 | FileCheck attribute.mlir
//--- attribute.mlir
// CHECK: attribute.mlir:[[#@LINE+2]]:1: error: 'draftr' is not a role
// CHECK: help: use drafter, target or control
func.func @f() attributes {specplace.role = "draftr"} {
  return
}

// A value of dynamic shape: a transfer takes the sizes as well. What is wrong
// with such a module is for a later pass to say.
// RUN: specplace opt --pass resolve-markers dynamic.mlir | FileCheck dynamic.mlir
//--- dynamic.mlir
// CHECK: %[[X:.+]] = torch_c.to_builtin_tensor
// CHECK: %[[SIZE:.+]] = tensor.dim %[[X]], %{{.+}} : tensor<1x?xi64>
// CHECK: flow.tensor.transfer %[[X]] : tensor<1x?xi64>{%[[SIZE]]} to #hal.device.promise<@drafter>
func.func @dynamic(%tokens: !torch.vtensor<[1,?],si64>) -> !torch.vtensor<[1,?],si64> {
  %drafter = torch.constant.str "drafter"
  %0 = torch.operator "torch.specplace.place"(%tokens, %drafter) : (!torch.vtensor<[1,?],si64>, !torch.str) -> !torch.vtensor<[1,?],si64>
  return %0 : !torch.vtensor<[1,?],si64>
}

// An operator may have regions; what they hold goes with it, however much that
// is. It has been met by then, among all that the module holds.
// RUN: awk '/constant.int/ { for (n = 0; n < 3000; n++) { sub(/%%int[0-9]+/, "%%int" n); print } next } 1' %S/../data/cases/nested_operator.mlir > %t/nested.mlir
// RUN: specplace opt --pass resolve-markers %t/nested.mlir | FileCheck %s --check-prefix=NESTED
// NESTED-NOT:  torch.constant.int
// NESTED:      flow.tensor.transfer {{.*}} to #hal.device.promise<@drafter>
// NESTED-NOT:  torch.operator
