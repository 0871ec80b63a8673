// Valid modules that no exporter makes: specplace places or refuses them, and
// ends by itself either way.

// RUN: %venv/bin/python %S/Inputs/robustness.py --whole %s

// Functions that call themselves and each other.
//--- recursion.mlir
func.func @f(%x: tensor<4xi64>) -> tensor<4xi64> {
  %0 = arith.addi %x, %x {specplace.role = "drafter"} : tensor<4xi64>
  %1 = call @g(%0) : (tensor<4xi64>) -> tensor<4xi64>
  return %1 : tensor<4xi64>
}
func.func @g(%x: tensor<4xi64>) -> tensor<4xi64> {
  %0 = arith.muli %x, %x {specplace.role = "target"} : tensor<4xi64>
  %1 = call @f(%0) : (tensor<4xi64>) -> tensor<4xi64>
  return %1 : tensor<4xi64>
}

// A call of a function that is not here.
//--- external.mlir
func.func private @elsewhere(tensor<4xf32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = arith.sitofp %x {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %1 = call @elsewhere(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = arith.sitofp %x {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}

// No end, and no way out.
//--- unreachable.mlir
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^loop
^loop:
  %0 = arith.negf %x {specplace.role = "drafter"} : tensor<4xf32>
  %1 = arith.negf %x {specplace.role = "target"} : tensor<4xf32>
  cf.br ^loop
}

// Tensors of no elements, of one, and of more than can be counted.
//--- sizes.mlir
func.func @main(%x: tensor<0xi64>, %y: tensor<i64>, %z: tensor<9223372036854775807x9223372036854775807xi64>) -> (tensor<0xi64>, tensor<i64>, tensor<9223372036854775807x9223372036854775807xi64>) {
  %0 = arith.addi %x, %x {specplace.role = "drafter"} : tensor<0xi64>
  %1 = arith.addi %y, %y {specplace.role = "target"} : tensor<i64>
  %2 = arith.addi %z, %z {specplace.role = "target"} : tensor<9223372036854775807x9223372036854775807xi64>
  return %0, %1, %2 : tensor<0xi64>, tensor<i64>, tensor<9223372036854775807x9223372036854775807xi64>
}
//--- many_bytes.mlir
func.func @main(%x: tensor<4611686018427387904xi8>, %y: tensor<4xi64>) -> (tensor<4611686018427387904xi8>, tensor<4xi64>) {
  %0 = arith.addi %x, %x {specplace.role = "drafter"} : tensor<4611686018427387904xi8>
  %1 = arith.addi %0, %x {specplace.role = "drafter"} : tensor<4611686018427387904xi8>
  %2 = arith.addi %y, %y {specplace.role = "target"} : tensor<4xi64>
  return %1, %2 : tensor<4611686018427387904xi8>, tensor<4xi64>
}
//--- empty_tensors.mlir
func.func @main(%x: tensor<0xi64>) -> tensor<0xi64> {
  %0 = arith.sitofp %x {specplace.role = "drafter"} : tensor<0xi64> to tensor<0xf32>
  %1 = arith.fptosi %0 {specplace.role = "drafter"} : tensor<0xf32> to tensor<0xi64>
  %2 = arith.sitofp %1 {specplace.role = "target"} : tensor<0xi64> to tensor<0xf32>
  %3 = arith.fptosi %2 {specplace.role = "target"} : tensor<0xf32> to tensor<0xi64>
  return %3 : tensor<0xi64>
}

// Types that no processing unit was asked about.
//--- types.mlir
func.func @main(%x: tensor<4xi64>, %y: tensor<4xcomplex<f32>>, %z: tensor<4xi3>, %i: tensor<4xindex>) -> (tensor<4xf8E4M3FN>, tensor<4xi3>, tensor<4xindex>) {
  %0 = arith.sitofp %x {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf8E4M3FN>
  %1 = arith.addi %z, %z {specplace.role = "target"} : tensor<4xi3>
  %2 = arith.addi %i, %i {specplace.role = "target"} : tensor<4xindex>
  return %0, %1, %2 : tensor<4xf8E4M3FN>, tensor<4xi3>, tensor<4xindex>
}

// A tensor without rank, a memref, a value that is no tensor.
//--- unranked.mlir
func.func @main(%x: tensor<*xi64>, %m: memref<4xf32>, %y: tensor<4xi64>) -> (tensor<*xi64>, tensor<4xi64>) {
  %0 = arith.addi %y, %y {specplace.role = "drafter"} : tensor<4xi64>
  %1 = arith.muli %y, %y {specplace.role = "target"} : tensor<4xi64>
  return %x, %1 : tensor<*xi64>, tensor<4xi64>
}

// Every kind of structured control flow, and what it hands on.
//--- control.mlir
func.func @main(%x: tensor<4xi64>, %c: i1, %k: index) -> (tensor<4xi64>, tensor<4xi64>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %0 = scf.if %c -> (tensor<4xi64>) {
    %1 = arith.sitofp %x {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
    %2 = arith.fptosi %1 {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
    scf.yield %2 : tensor<4xi64>
  } else {
    scf.yield %x : tensor<4xi64>
  }
  %3 = scf.index_switch %k -> tensor<4xi64>
  case 0 {
    %4 = arith.sitofp %0 {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
    %5 = arith.fptosi %4 {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
    scf.yield %5 : tensor<4xi64>
  }
  default {
    scf.yield %0 : tensor<4xi64>
  }
  %6 = scf.execute_region -> tensor<4xi64> {
    %7 = arith.addi %3, %0 : tensor<4xi64>
    scf.yield %7 : tensor<4xi64>
  }
  %8 = scf.forall (%i) in (4) shared_outs(%out = %6) -> (tensor<4xi64>) {
    scf.forall.in_parallel {
    }
  }
  return %6, %8 : tensor<4xi64>, tensor<4xi64>
}

// Modules in modules.
//--- nested.mlir
module @outer {
  module @inner {
    func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
      %0 = arith.negf %x {specplace.role = "drafter"} : tensor<4xf32>
      %1 = arith.negf %x {specplace.role = "target"} : tensor<4xf32>
      return %0, %1 : tensor<4xf32>, tensor<4xf32>
    }
  }
}

// Attributes of specplace where they mean nothing, and of other kinds.
//--- attributes.mlir
module attributes {specplace.role = 4 : i64, specplace.plan = "none", specplace.workload = {a = 1 : i64}} {
  util.global private @w {specplace.role = ["drafter"], stream.affinity = "x"} = dense<0.0> : tensor<4xf32>
  util.global private @specplace.draft_length = dense<0.0> : tensor<4xf32>
  func.func @main(%x: tensor<4xf32> {iree.abi.affinity = 3 : i32}) -> (tensor<4xi64>, tensor<4xi64>) attributes {specplace.role = 1 : i32, stream.affinity = 4 : i32} {
    %l = util.global.load @specplace.draft_length : tensor<4xf32>
    %0 = arith.addf %x, %l {specplace.role = "drafter"} : tensor<4xf32>
    %1 = arith.fptosi %0 {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
    %2 = arith.fptosi %x {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
    return %1, %2 : tensor<4xi64>, tensor<4xi64>
  }
}

// The draft length in places where none is expected.
//--- length.mlir
util.global private mutable @specplace.draft_length = dense<-1> : tensor<i64>
func.func @main(%x: tensor<4xi64>) -> (tensor<4xi64>, tensor<i64>) {
  %l = util.global.load @specplace.draft_length : tensor<i64>
  util.global.store %l, @specplace.draft_length : tensor<i64>
  %0 = arith.addi %x, %x {specplace.role = "drafter"} : tensor<4xi64>
  %1 = arith.muli %0, %0 {specplace.role = "target"} : tensor<4xi64>
  return %1, %l : tensor<4xi64>, tensor<i64>
}

// Functions that already look like ours.
//--- ours.mlir
func.func private @drafter_0(%x: tensor<4xi64>) -> tensor<4xi64> attributes {noinline, specplace.role = "drafter"} {
  return %x : tensor<4xi64>
}
func.func private @specplace.allocate_cpu() attributes {noinline, specplace.role = "control"} {
  return
}
func.func @main(%x: tensor<4xi64>) -> tensor<4xi64> {
  %0 = call @drafter_0(%x) : (tensor<4xi64>) -> tensor<4xi64>
  call @specplace.allocate_cpu() : () -> ()
  %1 = arith.sitofp %0 {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %2 = arith.sitofp %x {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %3 = arith.fptosi %1 : tensor<4xf32> to tensor<4xi64>
  %4 = arith.fptosi %2 : tensor<4xf32> to tensor<4xi64>
  %5 = arith.addi %3, %4 : tensor<4xi64>
  return %5 : tensor<4xi64>
}

// A module that was placed already.
//--- placed.mlir
util.global private @cpu = #hal.device.alias<"local"[0]> : !hal.device
func.func private @target_0(%x: !hal.buffer_view) -> !hal.buffer_view attributes {noinline, specplace.role = "target", stream.affinity = #hal.device.affinity<@cpu>} {
  %0 = hal.tensor.import on(#hal.device.affinity<@cpu>) %x : !hal.buffer_view -> tensor<4xi64>
  %1 = arith.sitofp %0 {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %2 = arith.fptosi %1 {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
  %3 = hal.tensor.export on(#hal.device.affinity<@cpu>) %2 : tensor<4xi64> -> !hal.buffer_view
  return %3 : !hal.buffer_view
}
func.func @main(%x: tensor<4xi64> {iree.abi.affinity = #hal.device.affinity<@cpu>}) -> tensor<4xi64> attributes {stream.affinity = #hal.device.affinity<@cpu>} {
  %0 = hal.tensor.export on(#hal.device.affinity<@cpu>) %x : tensor<4xi64> -> !hal.buffer_view
  %1 = call @target_0(%0) : (!hal.buffer_view) -> !hal.buffer_view
  %2 = hal.tensor.import on(#hal.device.affinity<@cpu>) %1 : !hal.buffer_view -> tensor<4xi64>
  return %2 : tensor<4xi64>
}

// More work than can be counted.
//--- endless.mlir
func.func @endless(%x: tensor<1073741824x1073741824xf32>, %t: tensor<4xi64>) -> (tensor<1073741824x1073741824xf32>, tensor<4xi64>) {
  %e = tensor.empty() : tensor<1073741824x1073741824xf32>
  %a = linalg.matmul {specplace.role = "drafter"} ins(%x, %x : tensor<1073741824x1073741824xf32>, tensor<1073741824x1073741824xf32>) outs(%e : tensor<1073741824x1073741824xf32>) -> tensor<1073741824x1073741824xf32>
  %b = linalg.matmul {specplace.role = "drafter"} ins(%a, %x : tensor<1073741824x1073741824xf32>, tensor<1073741824x1073741824xf32>) outs(%e : tensor<1073741824x1073741824xf32>) -> tensor<1073741824x1073741824xf32>
  %c = arith.sitofp %t {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %d = arith.fptosi %c {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
  return %b, %d : tensor<1073741824x1073741824xf32>, tensor<4xi64>
}
