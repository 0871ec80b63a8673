// Stages of one model, from the marker to the buffer that their hidden state
// crosses in.

// RUN: split-file %s %t
// RUN: cd %t

// A stage takes what follows from its marker. What reads values of several
// stages, as at the end of a skip connection, belongs to the latest. Tokens end
// the last one. What no stage is named for comes first: it is stage 0.
// RUN: specplace opt --pass identify-roles step.mlir 2>&1 | FileCheck step.mlir --check-prefix=ROLES
// Each stage is counted on its own, and what one hands to the next crosses once
// per pass, every value of it.
// RUN: specplace opt --pass identify-roles,estimate-costs -q step.mlir | FileCheck step.mlir --check-prefix=COSTS
// Each has a place.
// RUN: specplace opt --pass identify-roles,estimate-costs,select-mapping -q step.mlir --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu,target.1=cpu2 --pin control=cpu | FileCheck step.mlir --check-prefix=PLAN
// A function for each stage; between two devices the hidden state is written
// into a buffer that both can use, on one device it is handed on as a view.
// RUN: specplace step.mlir -o split.mlir -q --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu,target.1=cpu2 --pin control=cpu
// RUN: FileCheck step.mlir --check-prefix=SPLIT < split.mlir
// RUN: specplace verify-placement --with-iree split.mlir 2>&1 | FileCheck step.mlir --check-prefix=PROVEN
// RUN: specplace step.mlir -o one.mlir -q --alpha 0.9 --gamma 1 --platform two-cpus --pin drafter=cpu2,target=cpu --pin control=cpu
// RUN: FileCheck step.mlir --check-prefix=ONE < one.mlir
//--- step.mlir
// ROLES:         remark: target.0: 2 operations
// ROLES-NEXT:    step.mlir:{{[0-9]+}}:8: note: 2 because each follows from a value marked 'target'
// ROLES:         remark: target.1: 3 operations
// ROLES-NEXT:    step.mlir:{{[0-9]+}}:8: note: 3 because each follows from a value marked 'target.1'
// ROLES-LABEL: func.func @step
// ROLES-NOT:     flow.tensor.transfer
// ROLES:         arith.sitofp %{{.+}} {specplace.role = "drafter"}
// ROLES:         arith.fptosi %{{.+}} {specplace.role = "drafter"}
// ROLES:         arith.sitofp %{{.+}} {specplace.role = "target.0"}
// ROLES:         arith.mulf %{{.+}} {specplace.role = "target.0"}
// ROLES:         arith.mulf %{{.+}} {specplace.role = "target.1"}
// ROLES:         arith.addf %{{.+}} {specplace.role = "target.1"}
// ROLES:         arith.fptosi %{{.+}} {specplace.role = "target.1"}
// ROLES:         arith.select %{{[^{]+}} : tensor<4xi1>, tensor<4xi64>
//
// COSTS-DAG:   \22target.0\22:{\22flops\22:{\22f32\22:4},\22weight_bytes\22:16
// COSTS-DAG:   \22target.1\22:{\22flops\22:{\22f32\22:8},\22weight_bytes\22:16
// COSTS-DAG:   {\22from\22:\22control\22,\22to\22:\22target.0\22,\22bytes\22:32,\22per\22:\22round\22,\22what\22:\22tensor<4xi64>\22,
// COSTS-DAG:   {\22from\22:\22target.0\22,\22to\22:\22target.1\22,\22bytes\22:16,\22per\22:\22round\22,\22what\22:\22tensor<4xf32>\22,{{[^}]+}}},{\22from\22:\22target.0\22,\22to\22:\22target.1\22,\22bytes\22:16
// COSTS-DAG:   {\22from\22:\22target.1\22,\22to\22:\22control\22,\22bytes\22:32,
//
// PLAN: specplace.plan = {control = "cpu", draft_length = 1 : i64, drafter = "cpu2", target.0 = "cpu", target.1 = "cpu2"}
//
// SPLIT-DAG:   util.global private @t0 {stream.affinity = #hal.device.affinity<@cpu>}
// SPLIT-DAG:   util.global private @t1 {stream.affinity = #hal.device.affinity<@cpu2>}
// SPLIT-LABEL: func.func @step
// SPLIT:         %[[BYTES:.+]] = arith.constant 16 : index
// SPLIT-NEXT:    %[[SIZE:.+]] = util.optimization_barrier %[[BYTES]] : index
// SPLIT-NEXT:    %[[ALLOCATED:.+]] = call @specplace.allocate_cpu(%[[SIZE]])
// SPLIT-NEXT:    %[[BUFFER:.+]] = util.optimization_barrier %[[ALLOCATED]] : !hal.buffer
// SPLIT:         %[[HIDDEN:.+]] = hal.buffer_view.create buffer(%[[BUFFER]] :
// SPLIT:         %[[GIVEN:.+]]:3 = util.optimization_barrier %{{.+}}, %[[BUFFER]], %{{.+}} :
// SPLIT-NEXT:    call @target_0_0(%[[GIVEN]]#0, %[[GIVEN]]#1, %[[GIVEN]]#2)
// SPLIT-NEXT:    %[[APART:.+]]:3 = util.optimization_barrier %{{.+}}, %[[HIDDEN]], %{{.+}} :
// SPLIT-NEXT:    call @target_1_0({{.*}}%[[APART]]#1,
// SPLIT:       func.func private @target_0_0({{.+}}) attributes {noinline, specplace.role = "target.0", stream.affinity = #hal.device.affinity<@cpu>}
// SPLIT:         hal.tensor.alias on(#hal.device.affinity<@cpu>) %{{.+}} : tensor<4xf32> to %{{.+}} : !hal.buffer
// SPLIT:         hal.fence.await
// SPLIT:       func.func private @target_1_0({{.+}}) attributes {noinline, specplace.role = "target.1", stream.affinity = #hal.device.affinity<@cpu2>}
// SPLIT:         hal.tensor.import on(#hal.device.affinity<@cpu2>) %{{.+}} : !hal.buffer_view -> tensor<4xf32>
//
// PROVEN:      placement proven: {{.+}} on 2 devices
// PROVEN:      @cpu   "local"[0]  control+target.0
// PROVEN:      @cpu2  "local"[1]  drafter+target.1
//
// ONE-LABEL: func.func @step
// ONE:         %[[RETURNED:.+]]:2 = call @target_0_0(
// ONE-NEXT:    %[[HIDDEN:.+]]:2 = util.optimization_barrier %[[RETURNED]]#0, %[[RETURNED]]#1
// ONE-NEXT:    %[[APART:.+]]:2 = util.optimization_barrier {{.*}}%[[HIDDEN]]#
// ONE-NEXT:    call @target_1_0({{.*}}%[[APART]]#
util.global private @t0 = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
util.global private @t1 = dense<[5.0, 6.0, 7.0, 8.0]> : tensor<4xf32>
func.func @step(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %w0 = util.global.load @t0 : tensor<4xf32>
  %w1 = util.global.load @t1 : tensor<4xf32>
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %with = arith.addi %tokens, %draft : tensor<4xi64>
  %t = flow.tensor.transfer %with : tensor<4xi64> to #hal.device.promise<@target>
  %embedded = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %h0 = arith.mulf %embedded, %w0 : tensor<4xf32>
  %m = flow.tensor.transfer %h0 : tensor<4xf32> to #hal.device.promise<@__device_target_1>
  %h1 = arith.mulf %m, %w1 : tensor<4xf32>
  %skip = arith.addf %h1, %embedded : tensor<4xf32>
  %verified = arith.fptosi %skip : tensor<4xf32> to tensor<4xi64>
  %equal = arith.cmpi eq, %verified, %draft : tensor<4xi64>
  %r = arith.select %equal, %verified, %tokens : tensor<4xi1>, tensor<4xi64>
  return %r : tensor<4xi64>
}

// Weights may tell: a stage starts at the first of its weights. A weight of
// stage 0 that the last stage reads, too (a tied embedding), is shared.
// RUN: specplace opt --pass resolve-markers,identify-roles -q weights.mlir | FileCheck weights.mlir
// RUN: specplace opt --pass resolve-markers,identify-roles,estimate-costs -q weights.mlir | FileCheck weights.mlir --check-prefix=SHARED
//--- weights.mlir
// SHARED: \22shared_weights\22:[{\22readers\22:[\22target.0\22,\22target.1\22],\22bytes\22:16}]
// CHECK-LABEL: func.func @weights
// CHECK:         arith.sitofp %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.sitofp %{{[^{]+}} : tensor<4xi64> to tensor<4xf32>
// CHECK:         arith.mulf %{{.+}} {specplace.role = "target.0"}
// CHECK:         arith.negf %{{.+}} {specplace.role = "target.0"}
// CHECK:         arith.mulf %{{.+}} {specplace.role = "target.1"}
// CHECK:         arith.mulf %{{.+}} {specplace.role = "target.1"}
util.global private @embedding {stream.affinity = #hal.device.promise<@__device_target.0>} = #flow.parameter.named<"model"::"a"> : tensor<4xf32>
util.global private @second {specplace.role = "target.1"} = #flow.parameter.named<"model"::"b"> : tensor<4xf32>
func.func @weights(%tokens: tensor<4xi64>) -> tensor<4xf32> {
  %embedding = util.global.load @embedding : tensor<4xf32>
  %second = util.global.load @second : tensor<4xf32>
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %float = arith.sitofp %draft : tensor<4xi64> to tensor<4xf32>
  %h0 = arith.mulf %float, %embedding : tensor<4xf32>
  %h1 = arith.negf %h0 : tensor<4xf32>
  %h2 = arith.mulf %h1, %second : tensor<4xf32>
  %logits = arith.mulf %h2, %embedding : tensor<4xf32>
  return %logits : tensor<4xf32>
}

// So is what both models read.
// RUN: specplace opt --pass identify-roles,estimate-costs -q models.mlir | FileCheck models.mlir
//--- models.mlir
// CHECK: \22shared_weights\22:[{\22readers\22:[\22drafter\22,\22target\22],\22bytes\22:16}]
util.global private @embedding = #flow.parameter.named<"model"::"a"> : tensor<4xf32>
func.func @models(%tokens: tensor<4xi64>) -> tensor<4xf32> {
  %embedding = util.global.load @embedding : tensor<4xf32>
  %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %h = arith.mulf %x, %embedding {specplace.role = "drafter"} : tensor<4xf32>
  %draft = arith.fptosi %h {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
  %y = arith.sitofp %draft {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %logits = arith.mulf %y, %embedding {specplace.role = "target"} : tensor<4xf32>
  return %logits : tensor<4xf32>
}

// The command line and functions may tell as well.
// RUN: specplace opt --pass resolve-markers,lower-torch,identify-roles -q functions.mlir --role late=target.1 | FileCheck functions.mlir
//--- functions.mlir
// CHECK-LABEL: func.func @functions
// CHECK:         arith.sitofp %{{.+}} {specplace.role = "drafter"}
// CHECK:         arith.sitofp %{{.+}} {specplace.role = "target.0"}
// CHECK:         arith.negf %{{.+}} {specplace.role = "target.1"}
// CHECK:         arith.mulf %{{.+}} {specplace.role = "target.2"}
func.func @functions(%tokens: tensor<4xi64>) -> tensor<4xf32> {
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %h0 = func.call @first(%draft) : (tensor<4xi64>) -> tensor<4xf32>
  %late = flow.tensor.transfer %h0 : tensor<4xf32> to #hal.device.promise<@late>
  %h1 = arith.negf %late : tensor<4xf32>
  %h2 = func.call @last(%h1) : (tensor<4xf32>) -> tensor<4xf32>
  return %h2 : tensor<4xf32>
}
func.func private @first(%x: tensor<4xi64>) -> tensor<4xf32> attributes {specplace.role = "target.0"} {
  %0 = arith.sitofp %x : tensor<4xi64> to tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @last(%x: tensor<4xf32>) -> tensor<4xf32> attributes {specplace.role = "target.2"} {
  %0 = arith.mulf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Who only says that the model goes on says nothing of stages: a function that
// is the target's continues the stage that its argument has. What a later stage
// alone reads, and nothing but the model's name is known of, is that stage's:
// made there, it need not cross.
// RUN: specplace opt --pass resolve-markers,lower-torch,identify-roles goes_on.mlir 2>&1 | FileCheck goes_on.mlir
//--- goes_on.mlir
// CHECK:         remark: target.1: 3 operations
// CHECK-DAG:     note: 2 because each follows from a value marked 'target.1'
// CHECK-DAG:     note: 1 because it is read by the target.1 alone
// CHECK-LABEL: func.func @goes_on
// CHECK:         arith.sitofp %{{.+}} {specplace.role = "target.0"}
// CHECK:         arith.sitofp %{{[^{]+}} : tensor<4xi64> to tensor<4xf32>
// CHECK:         arith.mulf %{{.+}} {specplace.role = "target.1"}
// CHECK:         arith.addf %{{.+}} {specplace.role = "target.1"}
// CHECK:         arith.negf %{{.+}} {specplace.role = "target.1"}
util.global private @positions = #flow.parameter.named<"model"::"target.positions"> : tensor<4xf32>
func.func @goes_on(%tokens: tensor<4xi64>, %places: tensor<4xi64>) -> tensor<4xf32> {
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %h0 = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %table = util.global.load @positions : tensor<4xf32>
  %at = arith.sitofp %places : tensor<4xi64> to tensor<4xf32>
  %rows = arith.mulf %at, %table : tensor<4xf32>
  %m = flow.tensor.transfer %h0 : tensor<4xf32> to #hal.device.promise<@target.1>
  %h1 = arith.addf %m, %rows : tensor<4xf32>
  %h2 = func.call @head(%h1) : (tensor<4xf32>) -> tensor<4xf32>
  return %h2 : tensor<4xf32>
}
func.func private @head(%x: tensor<4xf32>) -> tensor<4xf32> attributes {specplace.role = "target"} {
  %0 = arith.negf %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Both models may be cut, and what a round hands to the next is no way back:
// the state that the loop carries comes from the last stage and goes to the
// first.
// RUN: specplace opt --pass identify-roles -q loop.mlir | FileCheck loop.mlir
//--- loop.mlir
// CHECK-LABEL: func.func @loop
// CHECK:         arith.addf %{{.+}} {specplace.role = "drafter.0"}
// CHECK:         arith.negf %{{.+}} {specplace.role = "drafter.3"}
// CHECK:         arith.negf %{{.+}} {specplace.role = "target"}
func.func @loop(%state: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %start = flow.tensor.transfer %state : tensor<4xf32> to #hal.device.promise<@drafter.0>
  %end = scf.for %i = %zero to %n step %one iter_args(%s = %start) -> (tensor<4xf32>) {
    %a = arith.addf %s, %s : tensor<4xf32>
    %m = flow.tensor.transfer %a : tensor<4xf32> to #hal.device.promise<@drafter.3>
    %b = arith.negf %m : tensor<4xf32>
    scf.yield %b : tensor<4xf32>
  }
  %t = flow.tensor.transfer %end : tensor<4xf32> to #hal.device.promise<@target>
  %r = arith.negf %t : tensor<4xf32>
  return %r : tensor<4xf32>
}
