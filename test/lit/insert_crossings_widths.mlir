// A loop that carries an i64 beside its i1 carries the i1 as i64 too: IREE
// 3.13's VM register allocator lets the one overwrite the other while a branch
// copies them, and the loop sees a false condition.

// DEFINE: %{decision} = --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu,control=cpu -q
// RUN: split-file %s %t

// RUN: specplace %t/while.mlir -o - %{decision} | FileCheck %t/while.mlir
//--- while.mlir
func.func @loop(%tokens: tensor<4xi64>, %rounds: tensor<i64>) -> tensor<4xi64> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %limit = tensor.extract %rounds[] : tensor<i64>
  %some = arith.cmpi slt, %zero, %limit : i64
  // CHECK: func.func @loop(
  // CHECK: [[WIDE:%.*]] = arith.extui %{{.*}} : i1 to i64
  // CHECK: scf.while ([[CARRIED:%.*]] = [[WIDE]], %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) : (i64, !hal.buffer_view, i64) -> (!hal.buffer_view, i64)
  // CHECK-NEXT: [[AGAIN:%.*]] = arith.trunci [[CARRIED]] : i64 to i1
  // CHECK-NEXT: [[HIDDEN:%.*]] = util.optimization_barrier [[AGAIN]] : i1
  // CHECK-NEXT: scf.condition([[HIDDEN]])
  %done:2 = scf.while (%go = %some, %now = %tokens, %round = %zero) : (i1, tensor<4xi64>, i64) -> (tensor<4xi64>, i64) {
    scf.condition(%go) %now, %round : tensor<4xi64>, i64
  } do {
  ^bb0(%now: tensor<4xi64>, %round: i64):
    %a = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %b = arith.addi %a, %a : tensor<4xi64>
    %c = flow.tensor.transfer %b : tensor<4xi64> to #hal.device.promise<@target>
    %d = arith.muli %c, %c : tensor<4xi64>
    %next = arith.addi %round, %one : i64
    %more = arith.cmpi slt, %next, %limit : i64
    // CHECK: [[MORE:%.*]] = arith.extui %{{.*}} : i1 to i64
    // CHECK-NEXT: scf.yield [[MORE]], %{{.*}}, %{{.*}} : i64, !hal.buffer_view, i64
    scf.yield %more, %d, %next : i1, tensor<4xi64>, i64
  }
  return %done#0 : tensor<4xi64>
}

// A scf.for carries its counter beside what it says, and that is 64 bits wide.
// RUN: specplace %t/for.mlir -o - %{decision} | FileCheck %t/for.mlir
//--- for.mlir
func.func @count(%tokens: tensor<4xi64>, %limit: index) -> (tensor<4xi64>, i1, i64) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %no = arith.constant false
  // CHECK: func.func @count(
  // CHECK: [[NO:%.*]] = arith.extui %{{.*}} : i1 to i64
  // CHECK: [[RESULT:%.*]]:3 = scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, [[FOUND:%.*]] = [[NO]], %{{.*}} = %{{.*}}) -> (!hal.buffer_view, i64, i64)
  // CHECK: arith.trunci [[FOUND]] : i64 to i1
  %sum = arith.constant 0 : i64
  %done:3 = scf.for %i = %zero to %limit step %one iter_args(%now = %tokens, %found = %no, %so_far = %sum) -> (tensor<4xi64>, i1, i64) {
    %a = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %b = arith.addi %a, %a : tensor<4xi64>
    %c = flow.tensor.transfer %b : tensor<4xi64> to #hal.device.promise<@target>
    %d = arith.muli %c, %c : tensor<4xi64>
    %at = arith.index_cast %i : index to i64
    %more = arith.addi %so_far, %at : i64
    %is = arith.cmpi eq, %at, %so_far : i64
    %any = arith.xori %found, %is : i1
    // CHECK: [[ANY:%.*]] = arith.extui %{{.*}} : i1 to i64
    // CHECK-NEXT: scf.yield %{{.*}}, [[ANY]], %{{.*}} : !hal.buffer_view, i64, i64
    scf.yield %d, %any, %more : tensor<4xi64>, i1, i64
  }
  // CHECK: arith.trunci [[RESULT]]#1 : i64 to i1
  return %done#0, %done#1, %done#2 : tensor<4xi64>, i1, i64
}
