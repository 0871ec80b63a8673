// A loop that carries an i64 beside its i1 carries the i1 as i64 too: IREE
// 3.13's VM register allocator lets the one overwrite the other while a branch
// copies them, and the loop sees a false condition.

// RUN: specplace %s -o - --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu,control=cpu -q | FileCheck %s

func.func @loop(%tokens: tensor<4xi64>, %rounds: tensor<i64>) -> tensor<4xi64> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %limit = tensor.extract %rounds[] : tensor<i64>
  %some = arith.cmpi slt, %zero, %limit : i64
  // CHECK: func.func @loop(
  // CHECK: [[WIDE:%.*]] = arith.extui %{{.*}} : i1 to i64
  // CHECK: scf.while ([[CARRIED:%.*]] = [[WIDE]], %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) : (i64, !hal.buffer_view, i64) -> (!hal.buffer_view, i64)
  // CHECK-NEXT: [[AGAIN:%.*]] = arith.trunci [[CARRIED]] : i64 to i1
  // CHECK-NEXT: scf.condition([[AGAIN]])
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
