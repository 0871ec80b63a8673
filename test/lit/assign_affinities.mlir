// assign-affinities: devices, and what is on them.

// DEFINE: %{plan} = resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping,fold-draft-length,outline-subgraphs,insert-crossings
// DEFINE: %{decision} = --alpha 0.9 --gamma 1

// A device that another one falls back on stays, and a unit may be called like a
// function of ours, which then has another name.
// RUN: specplace %data/cases/device_fallback.mlir -o %t.fallback.mlir -q --platform two-cpus --pin drafter=cpu2,target=cpu --alpha 0.7
// RUN: FileCheck %s --check-prefix=FALLBACK --input-file=%t.fallback.mlir
// FALLBACK: @base = #hal.device.alias<"local"[0]>
// FALLBACK: @other = #hal.device.fallback<@base>
// RUN: specplace %data/step_place.mlir -o %t.named.mlir -q --platform %data/cases/unit_named_like_a_function.yaml --pin drafter=drafter_0,target=cpu --alpha 0.7
// RUN: FileCheck %s --check-prefix=NAMED --input-file=%t.named.mlir
// NAMED: @drafter_0 = #hal.device.alias<"local"[1]>
// NAMED: func.func private @drafter_1({{.*}}specplace.role = "drafter", stream.affinity = #hal.device.affinity<@drafter_0>}

// RUN: split-file %s %t
// RUN: cd %t

// One global per device in use, control's first, since IREE allocates inputs on
// the first. Each has its ordinal: two devices of one specification are merged
// by IREE without a word. They are referred to by affinity and not by promise,
// which would not keep the global alive.
//
// Outlined functions are on their role's device, and the weights that they read
// with them: a weight that disagrees with its readers does not compile. Public
// functions, their arguments and results are on control's: without that,
// control's device can vanish.
//
// A weight that two devices read becomes two globals: IREE cannot initialise
// one on both.
// RUN: specplace opt --pass %{plan},assign-affinities %{decision} --platform two-cpus --pin drafter=cpu2,target=cpu,control=cpu step.mlir 2>&1 | FileCheck step.mlir
//--- step.mlir
// CHECK:       remark: 'model::embedding' is read on two devices: @cpu2 gets a copy of its own, 16 bytes
// CHECK:       util.global private @cpu = #hal.device.alias<"local"[0]> : !hal.device
// CHECK-NEXT:  util.global private @cpu2 = #hal.device.alias<"local"[1]> : !hal.device
// CHECK-DAG:   util.global private @d {stream.affinity = #hal.device.affinity<@cpu2>} = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
// CHECK-DAG:   util.global private @t {stream.affinity = #hal.device.affinity<@cpu>} = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
// CHECK-DAG:   util.global private @embedding {stream.affinity = #hal.device.affinity<@cpu>} = #flow.parameter.named<"model"::"embedding"> : tensor<4xf32>
// CHECK-DAG:   util.global private @embedding$cpu2 {stream.affinity = #hal.device.affinity<@cpu2>} = #flow.parameter.named<"model"::"embedding"> : tensor<4xf32>
// CHECK-NOT:   @unused
// CHECK:       func.func @step(%{{.+}}: tensor<4xi64> {iree.abi.affinity = #hal.device.affinity<@cpu>, other.attribute}, %{{.+}}: i64) -> (tensor<4xi64> {iree.abi.affinity = #hal.device.affinity<@cpu>}) attributes {stream.affinity = #hal.device.affinity<@cpu>}
// CHECK:       func.func private @drafter_0({{.*}} attributes {noinline, specplace.role = "drafter", stream.affinity = #hal.device.affinity<@cpu2>}
// CHECK:         util.global.load @embedding$cpu2
// CHECK:         util.global.load @d
// CHECK:       func.func private @target_0({{.*}} attributes {noinline, specplace.role = "target", stream.affinity = #hal.device.affinity<@cpu>}
// CHECK:         util.global.load @embedding :
// CHECK:         util.global.load @t
// What allocates names its device itself.
// CHECK:       func.func private @specplace.allocate_cpu({{.*}} attributes {noinline} {
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
util.global private @embedding = #flow.parameter.named<"model"::"embedding"> : tensor<4xf32>
util.global private @unused = #flow.parameter.named<"model"::"unused"> : tensor<4xf32>
func.func @step(%tokens: tensor<4xi64> {other.attribute}, %n: i64) -> tensor<4xi64> {
  %e = util.global.load @embedding : tensor<4xf32>
  %d = util.global.load @d : tensor<4xf32>
  %t = util.global.load @t : tensor<4xf32>
  %marked = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %marked : tensor<4xi64> to tensor<4xf32>
  %embedded = arith.mulf %x, %e : tensor<4xf32>
  %y = arith.mulf %embedded, %d : tensor<4xf32>
  %draft = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %verify = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %z = arith.sitofp %verify : tensor<4xi64> to tensor<4xf32>
  %looked_up = arith.mulf %z, %e : tensor<4xf32>
  %w = arith.mulf %looked_up, %t : tensor<4xf32>
  %verified = arith.fptosi %w : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}

// Where a unit has one device of its kind, its alias has no ordinal to give.
// RUN: specplace opt --pass %{plan},assign-affinities %{decision} --pin drafter=cpu,target=gpu,control=cpu -q step.mlir | FileCheck unlike.txt
//--- unlike.txt
CHECK:      util.global private @cpu = #hal.device.alias<"local"> : !hal.device
CHECK-NEXT: util.global private @gpu = #hal.device.alias<"vulkan"> : !hal.device

// On one device only that one is declared, and no weight is doubled.
// RUN: specplace opt --pass %{plan},assign-affinities %{decision} --platform two-cpus --pin drafter=cpu2,target=cpu2,control=cpu2 -q step.mlir | FileCheck one.txt
//--- one.txt
CHECK-NOT:  @cpu {{.*}}!hal.device
CHECK:      util.global private @cpu2 = #hal.device.alias<"local"[1]> : !hal.device
CHECK-NOT:  @embedding$

// A symbol that the module has already is not taken for a device.
// RUN: sed 's/@embedding/@cpu/g' step.mlir > taken.mlir
// RUN: specplace opt --pass %{plan},assign-affinities %{decision} --platform two-cpus --pin drafter=cpu,target=cpu,control=cpu -q taken.mlir | FileCheck taken.txt
//--- taken.txt
CHECK: util.global private @cpu_device = #hal.device.alias<"local"[0]> : !hal.device
CHECK: util.global private @cpu {stream.affinity = #hal.device.affinity<@cpu_device>}

// RUN: not specplace opt --pass assign-affinities step.mlir 2>&1 | FileCheck order.txt
//--- order.txt
CHECK: error: no placement to apply: select-mapping did not run

// Nor for a function to call: what allocates gets another name, too.
// RUN: sed 's/@unused = /@specplace.allocate_cpu = /' step.mlir > allocates.mlir
// RUN: specplace opt --pass %{plan},assign-affinities %{decision} --platform two-cpus --pin drafter=cpu2,target=cpu,control=cpu -q allocates.mlir | FileCheck allocates.txt
//--- allocates.txt
CHECK: call @specplace.allocate_cpu_(
CHECK: func.func private @specplace.allocate_cpu_(

// What a unit is called need not be an identifier.
// RUN: sed 's/cpu2/cpu-2/g' %examples/platforms/two-cpus.yaml > dash.yaml
// RUN: specplace opt --pass %{plan},assign-affinities %{decision} --platform dash.yaml --pin drafter=cpu-2,target=cpu,control=cpu -q step.mlir | FileCheck dash.txt
//--- dash.txt
CHECK: util.global private @"cpu-2" = #hal.device.alias<"local"[1]> : !hal.device
CHECK: func.func private @drafter_0({{.*}}stream.affinity = #hal.device.affinity<@"cpu-2">}

// What an initializer makes of weights is made on each device that reads it, of
// weights that lie there, by a copy of the initializer that stores nothing else.
// RUN: specplace opt --pass %{plan},assign-affinities %{decision} --platform two-cpus --pin drafter=cpu2,target=cpu,control=cpu initializers.mlir 2>&1 | FileCheck initializers.mlir
//--- initializers.mlir
// CHECK-DAG: remark: 'model::scale' is read on two devices: @cpu2 gets a copy of its own, 16 bytes
// CHECK-DAG: remark: 'table' is read on two devices: @cpu2 gets a copy of its own, 16 bytes
// CHECK-DAG: util.global private @scale {stream.affinity = #hal.device.affinity<@cpu>} = #flow.parameter.named<"model"::"scale">
// CHECK-DAG: util.global private @scale$cpu2 {stream.affinity = #hal.device.affinity<@cpu2>} = #flow.parameter.named<"model"::"scale">
// CHECK-DAG: util.global private @table {stream.affinity = #hal.device.affinity<@cpu>} : tensor<4xf32>
// CHECK-DAG: util.global private @table$cpu2 {stream.affinity = #hal.device.affinity<@cpu2>} : tensor<4xf32>
// CHECK-DAG: util.global private @drafts {stream.affinity = #hal.device.affinity<@cpu2>} : tensor<4xf32>
// CHECK-NOT: @unread
// CHECK:      util.initializer attributes {stream.affinity = #hal.device.affinity<@cpu>} {
// CHECK-NEXT:   %[[SCALE:.+]] = util.global.load @scale : tensor<4xf32>
// CHECK-NEXT:   %[[TABLE:.+]] = arith.addf %[[SCALE]], %[[SCALE]] : tensor<4xf32>
// CHECK-NEXT:   util.global.store %[[TABLE]], @table : tensor<4xf32>
// CHECK-NEXT:   util.return
// CHECK:      util.initializer attributes {stream.affinity = #hal.device.affinity<@cpu2>} {
// CHECK:        %[[SCALE:.+]] = util.global.load @scale$cpu2 : tensor<4xf32>
// CHECK:        util.global.store %{{.+}}, @table$cpu2 : tensor<4xf32>
// CHECK:        util.global.store %{{.+}}, @drafts : tensor<4xf32>
// CHECK-NOT:  util.initializer
// CHECK:      func.func private @drafter_0
// CHECK:        util.global.load @table$cpu2
// CHECK:      func.func private @target_0
// CHECK:        util.global.load @table :
util.global private @scale = #flow.parameter.named<"model"::"scale"> : tensor<4xf32>
util.global private @table : tensor<4xf32>
util.global private @drafts : tensor<4xf32>
util.global private @unread : tensor<4xf32>
util.initializer {
  %scale = util.global.load @scale : tensor<4xf32>
  %table = arith.addf %scale, %scale : tensor<4xf32>
  util.global.store %table, @table : tensor<4xf32>
  %drafts = arith.mulf %scale, %table : tensor<4xf32>
  util.global.store %drafts, @drafts : tensor<4xf32>
  util.return
}
// Nobody reads what it makes.
util.initializer {
  %table = util.global.load @table : tensor<4xf32>
  %unread = arith.negf %table : tensor<4xf32>
  util.global.store %unread, @unread : tensor<4xf32>
  util.return
}
func.func @step(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %s = util.global.load @table : tensor<4xf32>
  %d = util.global.load @drafts : tensor<4xf32>
  %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %g = arith.mulf %x, %s {specplace.role = "drafter"} : tensor<4xf32>
  %h = arith.addf %g, %d {specplace.role = "drafter"} : tensor<4xf32>
  %draft = arith.fptosi %h {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
  %y = arith.sitofp %draft {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %t = arith.mulf %y, %s {specplace.role = "target"} : tensor<4xf32>
  %v = arith.fptosi %t {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
  return %v : tensor<4xi64>
}

// One that does more than compute runs once.
// RUN: not specplace opt --pass %{plan},assign-affinities %{decision} --platform two-cpus --pin drafter=cpu2,target=cpu,control=cpu -q effects.mlir 2>&1 | FileCheck effects.mlir
// RUN: specplace opt --pass %{plan},assign-affinities %{decision} --platform two-cpus --pin drafter=cpu,target=cpu,control=cpu -q effects.mlir | FileCheck effects.mlir --check-prefix=ONE
//--- effects.mlir
// CHECK: effects.mlir:[[#@LINE+4]]:1: error: what an initializer stores is read on two devices, cpu, cpu2, but it does more than compute, and cannot run twice
// CHECK: help: pin the roles that read it to one device with --pin
// ONE: util.initializer attributes {stream.affinity = #hal.device.affinity<@cpu>} {
util.global private @table : tensor<4xf32>
util.initializer {
  %ones = arith.constant dense<1.0> : tensor<4xf32>
  %table = util.optimization_barrier %ones : tensor<4xf32>
  util.global.store %table, @table : tensor<4xf32>
  util.return
}
func.func @step(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %s = util.global.load @table : tensor<4xf32>
  %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %h = arith.mulf %x, %s {specplace.role = "drafter"} : tensor<4xf32>
  %draft = arith.fptosi %h {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
  %y = arith.sitofp %draft {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %t = arith.mulf %y, %s {specplace.role = "target"} : tensor<4xf32>
  %v = arith.fptosi %t {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
  return %v : tensor<4xi64>
}
