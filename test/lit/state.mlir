// What is state, and what is not: modules that are placed, and their values.

// RUN: split-file %s %t
// RUN: cd %t

// A float that goes in and another that comes out are no cache.
// RUN: specplace %data/cases/temperature.mlir -o temperature_out.mlir --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu -q
// RUN: iree-compile temperature_out.mlir @temperature_out.flags -o temperature.vmfb
// RUN: iree-run-module --flagfile=temperature_out.run.flags --module=temperature.vmfb --function=step --input=4xi64=1,2,3,4 --input=f32=3 | FileCheck temperature.txt
//--- temperature.txt
CHECK: 4xi64=2 8 18 32
CHECK: f32=9

// Nor is a score that starts at a threshold.
// RUN: specplace %data/cases/float_scalar.mlir -o score_out.mlir --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu -q
// RUN: iree-compile score_out.mlir @score_out.flags -o score.vmfb
// RUN: iree-run-module --flagfile=score_out.run.flags --module=score.vmfb --function=step --input=4xi64=1,2,3,4 --input=f32=3 | FileCheck score.txt
//--- score.txt
CHECK: 4xi64=1 2 3 4
CHECK: f32=4

// What one call stores and then loads itself is handed on as a value, and the
// store that nobody else reads is gone; before a loop that writes, too, but not
// out of it or behind it. IREE's own simplification moves the last store of @a
// behind the branch that loads it.
// RUN: specplace opt --pass lower-torch handed_on.mlir | FileCheck handed_on.mlir
//--- handed_on.mlir
util.global private mutable @a = dense<0.0> : tensor<4xf32>
util.global private mutable @b = dense<0.0> : tensor<4xf32>
// CHECK-LABEL: func.func @once(%arg0: tensor<4xf32>
// CHECK-NEXT:    %[[SUM:.+]] = arith.addf %arg0, %arg0
// CHECK-NEXT:    return %[[SUM]]
func.func @once(%x: tensor<4xf32>) -> tensor<4xf32> {
  util.global.store %x, @b : tensor<4xf32>
  %y = util.global.load @b : tensor<4xf32>
  %z = arith.addf %y, %y : tensor<4xf32>
  return %z : tensor<4xf32>
}
// CHECK-LABEL: func.func @branch(
// CHECK:         util.global.store %{{.+}}, @a
// CHECK:         scf.if
// CHECK:           util.global.load @a
func.func @branch(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  util.global.store %x, @a : tensor<4xf32>
  %r = scf.if %c -> tensor<4xf32> {
    %q = util.global.load @a : tensor<4xf32>
    scf.yield %q : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
// CHECK-LABEL: func.func @loop(
// CHECK:         util.global.store %arg0, @a
// CHECK:         scf.for
// CHECK:         util.global.load @a
func.func @loop(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  util.global.store %x, @a : tensor<4xf32>
  scf.for %i = %c0 to %n step %c1 {
    %z = tensor.empty() : tensor<4xf32>
    %o = util.global.load @a : tensor<4xf32>
    %p = arith.addf %o, %o : tensor<4xf32>
    util.global.store %p, @a : tensor<4xf32>
  }
  %y = util.global.load @a : tensor<4xf32>
  return %y : tensor<4xf32>
}

// Placed, where it was state before.
// RUN: specplace %data/cases/store_then_load.mlir -o stored_out.mlir --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu -q
// RUN: iree-create-parameters --splat=drafter.w=4xf32=2 --splat=target.w=4xf32=10 --output=w.irpa
// RUN: iree-compile stored_out.mlir @stored_out.flags -o stored.vmfb
// RUN: iree-run-module --flagfile=stored_out.run.flags --module=stored.vmfb --function=step --parameters=model=w.irpa --input=4xf32=1,2,3,4 | FileCheck stored.txt
//--- stored.txt
CHECK: 4xf32=2 4 6 8
CHECK: 4xf32=12 14 16 18

// A scalar stays on the host, in the order given: a counter.
// RUN: specplace counter.mlir -o counter_out.mlir --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu -q
// RUN: iree-compile counter_out.mlir @counter_out.flags -o counter.vmfb
// RUN: iree-run-module --flagfile=counter_out.run.flags --module=counter.vmfb --function=step --input=4xi64=1,2,3,4 | FileCheck counter.txt
//--- counter.txt
CHECK: 4xi64=1 2 3 4
CHECK: i64=40
CHECK: i64=41
//--- counter.mlir
util.global private mutable @calls = 40 : i64
func.func @step(%tokens: tensor<4xi64>) -> (tensor<4xi64>, i64, i64) {
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %verified = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %before = util.global.load @calls : i64
  %one = arith.constant 1 : i64
  %next = arith.addi %before, %one : i64
  util.global.store %next, @calls : i64
  %after = util.global.load @calls : i64
  return %verified, %before, %after : tensor<4xi64>, i64, i64
}
