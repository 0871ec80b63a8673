// Initializers that IREE does not compile are refused by name, with status 1.

// RUN: split-file %s %t
// RUN: cd %t

// Tensors in a branch: IREE's compiler crashes.
// RUN: %exits 1 specplace branch.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck branch.mlir
// RUN: not test -e out.mlir
//--- branch.mlir
util.global private @w = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
util.global private @made : tensor<4xf32>
util.initializer {
  %w = util.global.load @w : tensor<4xf32>
  %i = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %first = tensor.extract %w[%i] : tensor<4xf32>
  %positive = arith.cmpf ogt, %first, %zero : f32
  // CHECK: branch.mlir:[[#@LINE+2]]:11: error: an initializer computes tensors in a branch or a loop, on which IREE's compiler crashes
  // CHECK: help: store what it makes as a parameter, or compute both branches and select
  %made = scf.if %positive -> tensor<4xf32> {
    %twice = arith.addf %w, %w : tensor<4xf32>
    scf.yield %twice : tensor<4xf32>
  } else {
    scf.yield %w : tensor<4xf32>
  }
  util.global.store %made, @made : tensor<4xf32>
  util.return
}
func.func @step(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %made = util.global.load @made : tensor<4xf32>
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %new = arith.addf %made, %y : tensor<4xf32>
  %verified = arith.fptosi %new : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}

// Torch, which IREE lowers in functions only.
// RUN: %exits 1 specplace torch.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck torch.mlir
//--- torch.mlir
util.global private @w = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
util.global private @made : tensor<4xf32>
util.initializer {
  %w = util.global.load @w : tensor<4xf32>
  %in = torch_c.from_builtin_tensor %w : tensor<4xf32> -> !torch.vtensor<[4],f32>
  // CHECK: torch.mlir:[[#@LINE+2]]:10: error: an initializer holds 'torch.aten.relu', and IREE lowers Torch in functions only
  // CHECK: help: store what it makes as a parameter, or compute it in the function that reads it
  %out = torch.aten.relu %in : !torch.vtensor<[4],f32> -> !torch.vtensor<[4],f32>
  %made = torch_c.to_builtin_tensor %out : !torch.vtensor<[4],f32> -> tensor<4xf32>
  util.global.store %made, @made : tensor<4xf32>
  util.return
}
func.func @step(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %made = util.global.load @made : tensor<4xf32>
  %t = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %new = arith.addf %made, %y : tensor<4xf32>
  %verified = arith.fptosi %new : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}

// What an initializer computes in is what the model computes in, where it runs.
// RUN: %exits 1 specplace %data/cases/initializer.mlir -o out.mlir --alpha 0.9 --platform reference --pin drafter=cpu,target=gpu 2>&1 | FileCheck type.txt
//--- type.txt
CHECK: target computes in i8, which gpu lacks
