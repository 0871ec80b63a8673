// Stages that cannot be: status 1 or 2, both witnesses, what to do, and no OUT.

// RUN: split-file %s %t
// RUN: cd %t

// Back to an earlier stage: it would have to run both before and after the
// later one.
// RUN: %exits 1 specplace back.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck back.mlir
// RUN: not test -e out.mlir
//--- back.mlir
func.func @back(%tokens: tensor<4xi64>) -> tensor<4xf32> {
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target.0>
  %h0 = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  // CHECK: back.mlir:[[#@LINE+7]]:9: error: target.0 needs a value of target.1, which comes after it
  // CHECK: back.mlir:[[#@LINE+3]]:9: note: target.1: it follows from a value marked 'target.1'
  // CHECK: back.mlir:[[#@LINE+4]]:9: note: target.0: it follows from a value marked 'target.0'
  // CHECK: help: the stages of a model run in the order of their numbers: number them so, or give what comes back here a stage of its own, such as target.2
  %m1 = flow.tensor.transfer %h0 : tensor<4xf32> to #hal.device.promise<@target.1>
  %h1 = arith.negf %m1 : tensor<4xf32>
  %m0 = flow.tensor.transfer %h1 : tensor<4xf32> to #hal.device.promise<@target.0>
  %h2 = arith.negf %m0 : tensor<4xf32>
  return %h2 : tensor<4xf32>
}

// A weight that was given to one stage and is read by another only.
// RUN: %exits 1 specplace weight.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck weight.mlir
// RUN: not test -e out.mlir
//--- weight.mlir
// CHECK: weight.mlir:[[#@LINE+14]]:9: error: one operation is claimed by the target.1 and by the target.0
// CHECK: note: target.1: it follows from a value marked 'target.1'
// CHECK: weight.mlir:[[#@LINE+1]]:1: note: target.0: it reads 'model::a', which was given to the target.0
util.global private @a {specplace.role = "target.0"} = #flow.parameter.named<"model"::"a"> : tensor<4xf32>
func.func @weight(%tokens: tensor<4xi64>) -> tensor<4xf32> {
  %w = util.global.load @a : tensor<4xf32>
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target.0>
  %h0 = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %m1 = flow.tensor.transfer %h0 : tensor<4xf32> to #hal.device.promise<@target.1>
  %h1 = arith.negf %m1 : tensor<4xf32>

  %h2 = arith.mulf %h1, %w : tensor<4xf32>
  return %h2 : tensor<4xf32>
}

// A stage of one model and another model are two models still.
// RUN: %exits 1 specplace models.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck models.mlir
// RUN: not test -e out.mlir
//--- models.mlir
func.func @models(%tokens: tensor<4xi64>) -> tensor<4xf32> {
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %t = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@target.1>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  // CHECK: models.mlir:[[#@LINE+1]]:8: error: one operation is claimed by the drafter and by the target.1
  %z = arith.addf %x, %y : tensor<4xf32>
  return %z : tensor<4xf32>
}

// What is no stage.
// RUN: %exits 1 specplace control.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck control.mlir
//--- control.mlir
module {
  func.func @f(%x: !torch.vtensor<[4],si64>) -> !torch.vtensor<[4],si64> {
    %str = torch.constant.str "control.1"
    // CHECK: control.mlir:[[#@LINE+2]]:10: error: 'control.1' is not a role
    // CHECK: help: use drafter, target or control (host), or give the name a role with --role control.1=drafter; a stage of a model is target.1
    %0 = torch.operator "torch.specplace.place"(%x, %str) : (!torch.vtensor<[4],si64>, !torch.str) -> !torch.vtensor<[4],si64>
    return %0 : !torch.vtensor<[4],si64>
  }
}

// Wishes for stages that are none, or that the module does not have.
// RUN: %exits 2 specplace back.mlir -o out.mlir --alpha 0.9 --pin control.1=cpu 2>&1 | FileCheck wishes.txt --check-prefix=CONTROL
// RUN: %exits 2 specplace back.mlir -o out.mlir --alpha 0.9 --pin target.one=cpu 2>&1 | FileCheck wishes.txt --check-prefix=NUMBER
// RUN: %exits 1 specplace %examples/pair/generate_symbolic.mlir -o out.mlir --alpha 0.9 --pin target.1=cpu 2>&1 | FileCheck wishes.txt --check-prefix=MISSING
// RUN: not test -e out.mlir
//--- wishes.txt
CONTROL: `control.1` is not a role: control has no stages: stages are of the drafter or the target: target.0, target.1
NUMBER: `target.one` is not a role: a stage is a whole number: for example target.0
MISSING: error: the module has no target.1 to place
MISSING: help: its target is one piece: name target
