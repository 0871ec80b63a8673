// insert-crossings: each method by which a value crosses, as the links of the
// platform allow it. What is not shown here (shared buffers) is in
// insert_crossings.mlir.

// DEFINE: %{passes} = identify-roles,estimate-costs,select-mapping,fold-draft-length,outline-subgraphs,insert-crossings
// DEFINE: %{decision} = --alpha 0.9 --gamma 1 -q --pin drafter=cpu2,target=cpu,control=cpu

// RUN: split-file %s %t
// RUN: cd %t

// Copied by a device: the drafter exports its result where it is, and a function
// on its device copies it into the buffer that both use.
// RUN: sed 's/METHODS/[mapped-copy]/' platform.yaml > copied.yaml
// RUN: specplace opt --pass %{passes} %{decision} --platform copied.yaml cross.mlir > copied.out
// RUN: FileCheck copied.txt --input-file=copied.out
// RUN: FileCheck copied.txt --input-file=copied.out --check-prefix=DRAFTER
// RUN: FileCheck copied.txt --input-file=copied.out --check-prefix=COPY
//--- copied.txt
CHECK:      %[[RETURNED:.+]] = call @drafter_0(%{{.+}}) : (!hal.buffer_view) -> !hal.buffer_view
CHECK-NEXT: %[[MADE:.+]] = util.optimization_barrier %[[RETURNED]] : !hal.buffer_view
CHECK:      %[[GIVEN:.+]]:2 = util.optimization_barrier %[[MADE]], %{{.+}} : !hal.buffer_view, !hal.buffer
CHECK-NEXT: call @drafter_copy_0(%[[GIVEN]]#0, %[[GIVEN]]#1) : (!hal.buffer_view, !hal.buffer) -> ()
CHECK:      call @target_0(%[[VIEW:.+]]) : (!hal.buffer_view)

DRAFTER:     func.func private @drafter_0(%{{.+}}: !hal.buffer_view) -> !hal.buffer_view
DRAFTER-NOT:   hal.tensor.alias
DRAFTER:       return

COPY:      func.func private @drafter_copy_0(%[[FROM:.+]]: !hal.buffer_view, %[[TO:.+]]: !hal.buffer) attributes {noinline, specplace.role = "drafter"}
COPY-NEXT:   %[[X:.+]] = hal.tensor.import on(#hal.device.affinity<@cpu2>) %[[FROM]] : !hal.buffer_view -> tensor<2x2xi64>
COPY-NEXT:   hal.tensor.alias on(#hal.device.affinity<@cpu2>) %[[X]] : tensor<2x2xi64> to %[[TO]] : !hal.buffer
COPY:        hal.fence.await

// Copied by the host, word by word, from a buffer of the one into a buffer of
// the other: both are made before the loop, since nobody reads them after it.
// RUN: sed 's/METHODS/[host-copy]/' platform.yaml > bounced.yaml
// RUN: specplace opt --pass %{passes} %{decision} --platform bounced.yaml cross.mlir | FileCheck bounced.txt
//--- bounced.txt
CHECK-DAG:  %[[THERE:.+]] = call @specplace.allocate_cpu2
CHECK-DAG:  %[[HERE:.+]] = call @specplace.allocate_cpu(
CHECK:      call @drafter_0(%{{.+}}, %[[OUT:.+]]) : (!hal.buffer_view, !hal.buffer) -> ()
CHECK:      call @specplace.copy_i32(%[[FROM:.+]], %[[INTO:.+]], %{{.+}}) : (!hal.buffer_view, !hal.buffer, index) -> ()
CHECK:      call @target_0(
CHECK:      func.func private @specplace.copy_i32(
CHECK:        scf.for
CHECK:          hal.buffer.load
CHECK:          hal.buffer.store

// As scalars: the drafter returns them and the target makes a tensor of them,
// in one dimension first (IREE fills beyond an i8 tensor of two), behind a barrier
// that names its device, since IREE knows of none where nothing computes. No
// buffer, no fence. What enters is read back by a function of control's: beside a wait in
// the caller, IREE moves calls that use its scalars behind those that do not,
// even where these read what those write.
// RUN: sed 's/METHODS/[host-scalars, mapped-copy]/' platform.yaml > scalars.yaml
// RUN: specplace opt --pass %{passes} %{decision} --platform scalars.yaml cross.mlir > scalars.out
// RUN: FileCheck scalars.txt --input-file=scalars.out
// RUN: FileCheck scalars.txt --input-file=scalars.out --check-prefix=DRAFTER
// RUN: FileCheck scalars.txt --input-file=scalars.out --check-prefix=TARGET
//--- scalars.txt
CHECK-NOT:  allocate
CHECK:      %[[READ:.+]]:4 = call @control_read_0(%{{.+}}) : (!hal.buffer_view) -> (i64, i64, i64, i64)
CHECK-NEXT: %[[KNOWN:.+]]:4 = util.optimization_barrier %[[READ]]#0, %[[READ]]#1, %[[READ]]#2, %[[READ]]#3
CHECK-NEXT: %[[PASSED:.+]]:4 = util.optimization_barrier %[[KNOWN]]#0, %[[KNOWN]]#1, %[[KNOWN]]#2, %[[KNOWN]]#3
CHECK:      %[[MADE:.+]]:4 = call @drafter_0(%[[PASSED]]#0, %[[PASSED]]#1, %[[PASSED]]#2, %[[PASSED]]#3) : (i64, i64, i64, i64) -> (i64, i64, i64, i64)
CHECK-NEXT: %[[DRAFT:.+]]:4 = util.optimization_barrier %[[MADE]]#0, %[[MADE]]#1, %[[MADE]]#2, %[[MADE]]#3
CHECK-NEXT: %[[ON:.+]]:4 = util.optimization_barrier %[[DRAFT]]#0, %[[DRAFT]]#1, %[[DRAFT]]#2, %[[DRAFT]]#3
CHECK:      call @target_0(%[[ON]]#0, %[[ON]]#1, %[[ON]]#2, %[[ON]]#3) : (i64, i64, i64, i64)
CHECK-NOT:  allocate

DRAFTER:      func.func private @drafter_0(
DRAFTER:        %[[ROW:.+]] = flow.tensor.reshape %{{.+}} : tensor<2x2xi64> -> tensor<4xi64>
DRAFTER-NEXT:   %[[AT:.+]] = arith.constant 0 : index
DRAFTER-NEXT:   %[[FIRST:.+]] = tensor.extract %[[ROW]][%[[AT]]] : tensor<4xi64>
DRAFTER:        %[[APART:.+]]:4 = util.optimization_barrier %[[FIRST]], %{{.+}}, %{{.+}}, %{{.+}} : i64, i64, i64, i64
DRAFTER:        return %[[APART]]#0, %[[APART]]#1, %[[APART]]#2, %[[APART]]#3 : i64, i64, i64, i64

TARGET:      func.func private @target_0(%[[A:.+]]: i64, %[[B:.+]]: i64, %[[C:.+]]: i64, %[[D:.+]]: i64)
TARGET-NEXT:   %[[ROW:.+]] = tensor.from_elements %[[A]], %[[B]], %[[C]], %[[D]] : tensor<4xi64>
TARGET-NEXT:   %[[HERE:.+]] = flow.tensor.barrier %[[ROW]] : tensor<4xi64> on #hal.device.affinity<@cpu>
TARGET-NEXT:   flow.tensor.reshape %[[HERE]] : tensor<4xi64> -> tensor<2x2xi64>

// By IREE: the reader imports the other device's buffer there, and transfers.
// RUN: sed 's/METHODS/[transfer]/' platform.yaml > lent.yaml
// RUN: specplace opt --pass %{passes} %{decision} --platform lent.yaml cross.mlir > lent.out
// RUN: FileCheck lent.txt --input-file=lent.out
// RUN: FileCheck lent.txt --input-file=lent.out --check-prefix=TARGET
//--- lent.txt
CHECK-NOT:  allocate
CHECK:      %[[RETURNED:.+]] = call @drafter_0(%{{.+}}) : (!hal.buffer_view) -> !hal.buffer_view
CHECK-NEXT: %[[MADE:.+]] = util.optimization_barrier %[[RETURNED]] : !hal.buffer_view
CHECK-NEXT: call @target_0(%[[MADE]]) : (!hal.buffer_view)
CHECK-NOT:  allocate

TARGET:      func.func private @target_0(%[[LENT:.+]]: !hal.buffer_view) -> !hal.buffer_view
TARGET-NEXT:   %[[THERE:.+]] = hal.tensor.import on(#hal.device.affinity<@cpu2>) %[[LENT]] : !hal.buffer_view -> tensor<2x2xi64>
TARGET-NEXT:   %[[HERE:.+]] = flow.tensor.transfer %[[THERE]] : tensor<2x2xi64> to #hal.device.affinity<@cpu>
TARGET:        hal.tensor.export on(#hal.device.affinity<@cpu>)
TARGET-NEXT:   util.optimization_barrier %[[THERE]] : tensor<2x2xi64>

//--- cross.mlir
func.func @cross(%tokens: tensor<2x2xi64>) -> tensor<2x2xi64> {
  %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<2x2xi64> to tensor<2x2xf32>
  %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<2x2xf32> to tensor<2x2xi64>
  %y = arith.sitofp %draft {specplace.role = "target"} : tensor<2x2xi64> to tensor<2x2xf32>
  %v = arith.fptosi %y {specplace.role = "target"} : tensor<2x2xf32> to tensor<2x2xi64>
  return %v : tensor<2x2xi64>
}

// One function that is called twice takes an argument in one form. Where one
// call has it as scalars, the other reads its own back.
// RUN: specplace opt --pass %{passes} %{decision} --platform scalars.yaml twice.mlir | FileCheck twice.mlir
//--- twice.mlir
// CHECK-LABEL: func.func @twice
// CHECK:         %[[MADE:.+]]:2 = call @drafter_0(
// CHECK-NEXT:    %[[DRAFT:.+]]:2 = util.optimization_barrier %[[MADE]]#0, %[[MADE]]#1
// CHECK-NEXT:    %[[PASSED:.+]]:2 = util.optimization_barrier %[[DRAFT]]#0, %[[DRAFT]]#1
// CHECK-NEXT:    %[[RETURNED:.+]] = call @target_0(%[[PASSED]]#0, %[[PASSED]]#1) : (i64, i64) -> !hal.buffer_view
// CHECK-NEXT:    %[[FIRST:.+]] = util.optimization_barrier %[[RETURNED]] : !hal.buffer_view
// CHECK:         %[[READ:.+]]:2 = call @[[READER:.+_read_0]](%[[FIRST]]) : (!hal.buffer_view) -> (i64, i64)
// CHECK-NEXT:    %[[KNOWN:.+]]:2 = util.optimization_barrier %[[READ]]#0, %[[READ]]#1
// CHECK-NEXT:    %[[AGAIN:.+]]:2 = util.optimization_barrier %[[KNOWN]]#0, %[[KNOWN]]#1
// CHECK:         call @target_0(%[[AGAIN]]#0, %[[AGAIN]]#1) : (i64, i64) -> !hal.buffer_view
// CHECK:       func.func private @[[READER]](%[[VIEW:.+]]: !hal.buffer_view) -> (i64, i64) attributes {noinline, specplace.role = "{{.+}}"}
// CHECK-NEXT:    %[[X:.+]] = hal.tensor.import on(#hal.device.affinity<@cpu>) %[[VIEW]] : !hal.buffer_view -> tensor<2xi64>
// CHECK:         %[[A:.+]] = tensor.extract %[[X]]
// CHECK:         %[[B:.+]] = tensor.extract %[[X]]
// CHECK:         util.optimization_barrier %[[X]]
// CHECK:         %[[APART:.+]]:2 = util.optimization_barrier %[[A]], %[[B]] : i64, i64
// CHECK:         return %[[APART]]#0, %[[APART]]#1
func.func private @target_0(%a: tensor<2xi64>) -> tensor<2xi64> attributes {noinline, specplace.role = "target"} {
  %0 = arith.addi %a, %a {specplace.role = "target"} : tensor<2xi64>
  return %0 : tensor<2xi64>
}
func.func @twice(%tokens: tensor<2xi64>) -> tensor<2xi64> {
  %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<2xi64> to tensor<2xf32>
  %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<2xf32> to tensor<2xi64>
  %v = call @target_0(%draft) : (tensor<2xi64>) -> tensor<2xi64>
  %w = call @target_0(%v) : (tensor<2xi64>) -> tensor<2xi64>
  return %w : tensor<2xi64>
}

// What control reads of a tensor that crossed as scalars is one of them.
// RUN: specplace opt --pass %{passes} %{decision} --platform scalars.yaml element.mlir | FileCheck element.mlir
//--- element.mlir
// CHECK-LABEL: func.func @element(
// CHECK-SAME:      tensor<2x2xi64>, %[[AT:[a-z0-9]+]]: index
// CHECK:         %[[RETURNED:.+]]:4 = call @drafter_0(
// CHECK-NEXT:    %[[MADE:.+]]:4 = util.optimization_barrier %[[RETURNED]]#0, %[[RETURNED]]#1, %[[RETURNED]]#2, %[[RETURNED]]#3 : i64, i64, i64, i64
// CHECK-NOT:     tensor.extract
// CHECK:         %[[ROW:.+]] = arith.muli %{{.+}}, %[[TWO:.+]] : index
// CHECK:         %[[FIRST:.+]] = arith.addi %[[ROW]], %[[AT]] : index
// CHECK:         %[[NEXT_ROW:.+]] = arith.muli %[[FIRST]], %{{.+}} : index
// CHECK:         %[[PLACE:.+]] = arith.addi %[[NEXT_ROW]], %{{.+}} : index
// CHECK:         %[[ONE:.+]] = arith.constant 1 : index
// CHECK:         %[[IS_ONE:.+]] = arith.cmpi eq, %[[PLACE]], %[[ONE]] : index
// CHECK:         %[[OF_TWO:.+]] = arith.select %[[IS_ONE]], %[[MADE]]#1, %[[MADE]]#0 : i64
// CHECK:         %[[OF_THREE:.+]] = arith.select %{{.+}}, %[[MADE]]#2, %[[OF_TWO]] : i64
// CHECK:         %[[OF_ALL:.+]] = arith.select %{{.+}}, %[[MADE]]#3, %[[OF_THREE]] : i64
// CHECK:         return %{{.+}}, %[[MADE]]#2, %[[OF_ALL]] : tensor<2x2xi64>, i64, i64
func.func @element(%tokens: tensor<2x2xi64>, %at: index) -> (tensor<2x2xi64>, i64, i64) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<2x2xi64> to tensor<2x2xf32>
  %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<2x2xf32> to tensor<2x2xi64>
  %y = arith.sitofp %draft {specplace.role = "target"} : tensor<2x2xi64> to tensor<2x2xf32>
  %v = arith.fptosi %y {specplace.role = "target"} : tensor<2x2xf32> to tensor<2x2xi64>
  %known = tensor.extract %draft[%one, %zero] : tensor<2x2xi64>
  %asked = tensor.extract %draft[%at, %zero] : tensor<2x2xi64>
  return %v, %known, %asked : tensor<2x2xi64>, i64, i64
}

// Two drafts are made by one function, and so rest in one form: what the one
// alone could cross as is not legal for the other, which a loop carries. The
// plan did not know that the two are one function, and a remark says so.
// RUN: specplace opt --pass %{passes} --alpha 0.9 --gamma 2 --pin drafter=cpu2,target=cpu,control=cpu2 --platform scalars.yaml merged.mlir 2>&1 | FileCheck merged.mlir
//--- merged.mlir
// CHECK: remark: tensor<2xi64> crosses from cpu2 to cpu as mapped copy, which the plan does not list: functions or control flow have it in common with another value
func.func @merged(%a: tensor<2xi64>, %b: tensor<2xi64>, %n: index) -> (tensor<2xi64>, tensor<2xi64>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %x = arith.sitofp %a {specplace.role = "drafter"} : tensor<2xi64> to tensor<2xf32>
  %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<2xf32> to tensor<2xi64>
  %y = arith.sitofp %draft {specplace.role = "target"} : tensor<2xi64> to tensor<2xf32>
  %v = arith.fptosi %y {specplace.role = "target"} : tensor<2xf32> to tensor<2xi64>
  %r = scf.for %i = %zero to %n step %one iter_args(%now = %b) -> (tensor<2xi64>) {
    %p = arith.sitofp %now {specplace.role = "drafter"} : tensor<2xi64> to tensor<2xf32>
    %q = arith.fptosi %p {specplace.role = "drafter"} : tensor<2xf32> to tensor<2xi64>
    scf.yield %q : tensor<2xi64>
  }
  return %v, %r : tensor<2xi64>, tensor<2xi64>
}

// A single number that a loop carries is carried as a scalar.
// RUN: specplace opt --pass %{passes} %{decision} --platform scalars.yaml carried.mlir | FileCheck carried.mlir
//--- carried.mlir
// CHECK-LABEL: func.func @carried
// CHECK:         %[[READ:.+]] = call @control_read_0(%{{.+}}) : (!hal.buffer_view) -> i64
// CHECK-NEXT:    %[[FIRST:.+]] = util.optimization_barrier %[[READ]] : i64
// CHECK:         scf.for {{.*}} iter_args(%[[NOW:.+]] = %[[FIRST]]) -> (i64)
// CHECK:           %[[PASSED:.+]] = util.optimization_barrier %[[NOW]] : i64
// CHECK:           %[[DRAFT:.+]] = func.call @drafter_0(%[[PASSED]]) : (i64) -> i64
// CHECK-NEXT:      %[[KEPT:.+]] = util.optimization_barrier %[[DRAFT]] : i64
// CHECK-NEXT:      %[[ON:.+]] = util.optimization_barrier %[[KEPT]] : i64
// CHECK-NEXT:      %[[RETURNED:.+]] = func.call @target_0(%[[ON]]) : (i64) -> i64
// CHECK-NEXT:      %[[NEXT:.+]] = util.optimization_barrier %[[RETURNED]] : i64
// CHECK:           scf.yield %[[NEXT]] : i64
func.func @carried(%token: tensor<i64>, %n: index) -> tensor<i64> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %r = scf.for %i = %zero to %n step %one iter_args(%now = %token) -> (tensor<i64>) {
    %x = arith.sitofp %now {specplace.role = "drafter"} : tensor<i64> to tensor<f32>
    %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<f32> to tensor<i64>
    %y = arith.sitofp %draft {specplace.role = "target"} : tensor<i64> to tensor<f32>
    %v = arith.fptosi %y {specplace.role = "target"} : tensor<f32> to tensor<i64>
    scf.yield %v : tensor<i64>
  }
  return %r : tensor<i64>
}

// What no allowed method can carry leaves no mapping.
// RUN: sed 's/METHODS/[host-scalars]/' platform.yaml > few.yaml
// RUN: not specplace many.mlir -o many.out %{decision} --platform few.yaml 2>&1 | FileCheck many.mlir
//--- many.mlir
// CHECK: error: no mapping onto the platform two is possible
// CHECK: tensor<64xi64> can cross between cpu and cpu2 by none of the methods that their link allows
// CHECK: help: {{.*}}allow more `methods` on the link between cpu and cpu2
func.func @many(%tokens: tensor<64xi64>) -> tensor<64xi64> {
  %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<64xi64> to tensor<64xf32>
  %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<64xf32> to tensor<64xi64>
  %y = arith.sitofp %draft {specplace.role = "target"} : tensor<64xi64> to tensor<64xf32>
  %v = arith.fptosi %y {specplace.role = "target"} : tensor<64xf32> to tensor<64xi64>
  return %v : tensor<64xi64>
}

// The plan says how each value crosses, what that costs, and how often.
// RUN: specplace cross.mlir -o cross.out %{decision} --platform scalars.yaml --plan-out plan.json
// RUN: FileCheck plan.txt --input-file=plan.json
//--- plan.txt
CHECK:      "from_pu": "cpu",
CHECK-NEXT: "to_pu": "cpu2",
CHECK-NEXT: "method": "host-scalars",
CHECK-NEXT: "owner": null,
CHECK:      "bytes": 32,
CHECK-NEXT: "per": "draft",
CHECK-NEXT: "count": 1,
CHECK-NEXT: "what": "tensor<2x2xi64>",
CHECK-NEXT: "each_ms": 0.006

//--- platform.yaml
version: 1
name: two
processing_units:
  - { name: cpu, kind: cpu, resources: { count: 1 }, memory: ram, peak: { f32: 1 GFLOP/s }, dtypes: [f32, i64, i32, index], bandwidth: 10 GB/s, read_back: 2 us,
      iree: { device: 'local[0]', runtime_device: local-task } }
  - { name: cpu2, kind: cpu, resources: { count: 1 }, memory: ram, peak: { f32: 1 GFLOP/s }, dtypes: [f32, i64, i32, index], bandwidth: 10 GB/s, read_back: 2 us,
      iree: { device: 'local[1]', runtime_device: local-task } }
memories:
  - { name: ram, capacity: 1 GiB }
links:
  - { between: [cpu, cpu2], latency: 50 us, bandwidth: 1 GB/s, unified_memory: true, methods: METHODS }
