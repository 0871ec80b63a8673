// A module in which roles cannot be told: status 1, the evidence there is, what
// to do, and no OUT.

// RUN: split-file %s %t
// RUN: cd %t

// No role at all: nothing is marked or named, and there is no structure to go
// by. The functions that were looked at are named.
// RUN: %exits 1 specplace none.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck none.mlir
// RUN: not test -e out.mlir
//--- none.mlir
// CHECK:      error: no drafter and no target were found in the module
// CHECK-NEXT: | looked at @main, @other
// CHECK-NEXT: help: mark them with torch.ops.specplace.place(x, "drafter") and (x, "target"), or name them: --drafter PREFIX --target PREFIX
func.func @main(%x: tensor<4xi64>) -> tensor<4xi64> {
  %0 = arith.addi %x, %x : tensor<4xi64>
  return %0 : tensor<4xi64>
}
func.func @other(%x: tensor<4xi64>) -> tensor<4xi64> {
  return %x : tensor<4xi64>
}

// What the names of weights begin with tells what PREFIX may be.
// RUN: %exits 1 specplace prefixes.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck prefixes.mlir
//--- prefixes.mlir
// CHECK: error: no drafter and no target were found in the module
// CHECK: note: the names of weights begin with m.big. (2 weights, 24 B), m.tiny. (1 weight, 8 B)
// CHECK: help: mark them with
util.global private @a = #flow.parameter.named<"m"::"m.big.0.w"> : tensor<4xf32>
util.global private @b = #flow.parameter.named<"m"::"m.big.1.w"> : tensor<2xf32>
util.global private @c = #flow.parameter.named<"m"::"m.tiny.0.w"> : tensor<2xf32>
func.func @main() -> (tensor<4xf32>, tensor<2xf32>, tensor<2xf32>) {
  %a = util.global.load @a : tensor<4xf32>
  %b = util.global.load @b : tensor<2xf32>
  %c = util.global.load @c : tensor<2xf32>
  return %a, %b, %c : tensor<4xf32>, tensor<2xf32>, tensor<2xf32>
}

// Nothing to look at.
// RUN: echo 'module {}' | %exits 1 specplace - -o out.mlir --alpha 0.9 2>&1 | FileCheck empty.txt
// RUN: not test -e out.mlir
//--- empty.txt
CHECK: error: no drafter and no target were found in the module
CHECK: the module has no function with a body

// One role: what was found is shown, and how to tell the other.
// RUN: %exits 1 specplace one.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck one.mlir
// RUN: not test -e out.mlir
//--- one.mlir
func.func @one(%tokens: tensor<4xi64>) -> tensor<4xf32> {
  // CHECK: error: only the drafter was found in the module, no target
  // CHECK: one.mlir:[[#@LINE+2]]:8: note: drafter: it follows from a value marked 'drafter'
  // CHECK: help: mark the target with torch.ops.specplace.place(x, "target"), or name it: --target PREFIX or --target @FUNCTION
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@__device_drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  return %x : tensor<4xf32>
}

// Device names say nothing of roles by themselves: a warning says so, and which
// two flags help.
// RUN: %exits 1 specplace devices.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck devices.mlir
// RUN: not test -e out.mlir
//--- devices.mlir
// CHECK: warning: placement on @__device_0 is overridden: the name is no role
// CHECK: help: say what it is with --role __device_0=drafter|target|control, or honour it with --keep-placement
// CHECK: warning: placement on @__device_1 is overridden
// CHECK: error: no drafter and no target were found in the module
func.func @devices(%tokens: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@__device_0>
  %x = arith.sitofp %a : tensor<4xi64> to tensor<4xf32>
  %b = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@__device_1>
  %y = arith.sitofp %b : tensor<4xi64> to tensor<4xf32>
  return %x, %y : tensor<4xf32>, tensor<4xf32>
}

// Two models claim one operation: both witnesses are shown.
// RUN: %exits 1 specplace conflict.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck conflict.mlir
// RUN: not test -e out.mlir
//--- conflict.mlir
// CHECK: conflict.mlir:[[#@LINE+11]]:8: error: one operation is claimed by the drafter and by the target
// CHECK: conflict.mlir:[[#@LINE+3]]:1: note: drafter: it reads 'model::drafter.w', whose name speaks of the drafter
// CHECK: conflict.mlir:[[#@LINE+3]]:1: note: target: it reads 'model::target.w', whose name speaks of the target
// CHECK: help: mark the value that passes from one model to the other with torch.ops.specplace.place(x, ROLE)
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @conflict(%x: tensor<4xi64>) -> tensor<4xf32> {
  %d = util.global.load @d : tensor<4xf32>
  %t = util.global.load @t : tensor<4xf32>
  %e = arith.sitofp %x : tensor<4xi64> to tensor<4xf32>
  %0 = arith.mulf %e, %d : tensor<4xf32>
  %1 = arith.mulf %0, %t : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// Marked, but gone before roles are looked for: that it should be marked would
// be the wrong advice.
// RUN: %exits 1 specplace dead.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck dead.mlir
//--- dead.mlir
// CHECK: error: only the target was found in the module, no drafter
// CHECK: help: the drafter is marked, but what is computed there is read by nothing, or is constant: return what depends on it
util.global private @d = #flow.parameter.named<"model"::"draft.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"w"> : tensor<4xf32>
func.func @dead(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %dw : tensor<4xf32>
  %draft = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@target>
  %p = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %q = arith.mulf %p, %tw : tensor<4xf32>
  %verified = arith.fptosi %q : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}
