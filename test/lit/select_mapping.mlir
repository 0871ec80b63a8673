// select-mapping: hands the workload to the cost model and keeps its plan. The
// deciding itself is tested in cost/; here is what reaches it and comes back.

// RUN: split-file %s %t
// RUN: cd %t

// What the rewriting passes act on: a device by role and the draft length.
// Drafts are unrolled here, so that two or none are the only choices, and
// nobody accepts anything at an acceptance rate of 0.
// RUN: specplace opt --pass identify-roles,estimate-costs,select-mapping -q step.mlir --alpha 0 | FileCheck step.mlir --check-prefix=NONE
// RUN: specplace opt --pass identify-roles,estimate-costs,select-mapping -q step.mlir --alpha 0.9 --gamma 2 --platform two-cpus --pin drafter=cpu2,target=cpu --pin control=cpu | FileCheck step.mlir --check-prefix=PINNED
//--- step.mlir
// NONE:   specplace.plan = {control = "cpu", draft_length = 0 : i64, target = "{{.+}}"}
// PINNED: specplace.plan = {control = "cpu", draft_length = 2 : i64, drafter = "cpu2", target = "cpu"}
util.global private @d = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @step(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %dw = util.global.load @d : tensor<4xf32>
  %tw = util.global.load @t : tensor<4xf32>
  %d0 = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x0 = arith.sitofp %d0 : tensor<4xi64> to tensor<4xf32>
  %y0 = arith.mulf %x0, %dw : tensor<4xf32>
  %draft0 = arith.fptosi %y0 : tensor<4xf32> to tensor<4xi64>
  %with0 = arith.addi %tokens, %draft0 : tensor<4xi64>
  %d1 = flow.tensor.transfer %with0 : tensor<4xi64> to #hal.device.promise<@drafter>
  %x1 = arith.sitofp %d1 : tensor<4xi64> to tensor<4xf32>
  %y1 = arith.mulf %x1, %dw : tensor<4xf32>
  %draft1 = arith.fptosi %y1 : tensor<4xf32> to tensor<4xi64>
  %with1 = arith.addi %with0, %draft1 : tensor<4xi64>
  %t = flow.tensor.transfer %with1 : tensor<4xi64> to #hal.device.promise<@target>
  %x = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %tw : tensor<4xf32>
  %verified = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %equal = arith.cmpi eq, %verified, %draft1 : tensor<4xi64>
  %r = arith.select %equal, %verified, %tokens : tensor<4xi1>, tensor<4xi64>
  return %r : tensor<4xi64>
}

// A length that the module was not exported with.
// RUN: not specplace opt --pass identify-roles,estimate-costs,select-mapping -q step.mlir --alpha 0.9 --gamma 3 2>&1 | FileCheck length.txt
//--- length.txt
CHECK: error: the module's drafts are unrolled: it drafts 2 tokens or none, not 3
CHECK: help: use a draft length of 2 or 0, or export the module with a symbolic draft length

// A bound below that length leaves none, and the plan says so.
// RUN: specplace %data/step_place.mlir -o %t/bounded.mlir --alpha 0.9 --max-gamma 3 2>&1 | FileCheck bound.txt
//--- bound.txt
CHECK: plan for reference {{.*}}: do not speculate (γ = 0), target on cpu
CHECK: no speculation: the module's drafts are unrolled, so that it drafts 4 tokens or none, and the
CHECK-NEXT: greatest draft length was set to 3.

// With an open draft length every acceptance rate has its own: none where
// nothing is accepted, all that the module has room for where everything is,
// and not more than the user allows.
// RUN: specplace opt --pass resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping -q %examples/pair/generate_symbolic.mlir --alpha 0 | FileCheck open.txt --check-prefix=NONE
// RUN: specplace opt --pass resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping -q %examples/pair/generate_symbolic.mlir --alpha 1 | FileCheck open.txt --check-prefix=ALL
// RUN: specplace opt --pass resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping -q %examples/pair/generate_symbolic.mlir --alpha 1 --max-gamma 5 | FileCheck open.txt --check-prefix=FIVE

// What a profile measured is not passed over for an estimate, though it be of
// the drafter alone; and what it measured elsewhere is named.
// RUN: specplace %examples/pair/generate_symbolic.mlir -o %t/measured.mlir --alpha 0.7 --profile drafter.yaml 2>&1 | FileCheck drafter.yaml
//--- drafter.yaml
# CHECK: speculate with γ = 1, drafter on cpu, target on cpu
# CHECK: drafter cpu 2.00 ms measured
# CHECK: the profile's latency of target on cpu is not used: it was measured at 16 tokens
# CHECK: 8 × the profile has no latency of drafter on gpu: it was not measured there
version: 1
measurements:
  - { role: drafter, pu: cpu, points: [{ sequence_length: 63, latency: 2 ms }] }
  - { role: target, pu: cpu, points: [{ sequence_length: 16, latency: 5 ms }] }
//--- open.txt
NONE: draft_length = 0 : i64
ALL: draft_length = 8 : i64
FIVE: draft_length = 5 : i64

// Devices that the input names, and the user keeps, are pins. iree-turbine
// counts its devices: @__device_1 is the platform's second unit.
// RUN: specplace opt --pass resolve-markers,identify-roles,estimate-costs,select-mapping -q kept.mlir --alpha 0.9 --gamma 1 --platform two-cpus --keep-placement | FileCheck kept.mlir
//--- kept.mlir
// CHECK: specplace.plan = {control = "cpu", draft_length = 1 : i64, drafter = "cpu2", target = "cpu"}
util.global private @d {stream.affinity = #hal.device.promise<@__device_1>} = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t {stream.affinity = #hal.device.promise<@cpu>} = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
func.func @kept(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %d = util.global.load @d : tensor<4xf32>
  %t = util.global.load @t : tensor<4xf32>
  %x = arith.sitofp %tokens : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %d : tensor<4xf32>
  %draft = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %z = arith.sitofp %draft : tensor<4xi64> to tensor<4xf32>
  %w = arith.mulf %z, %t : tensor<4xf32>
  %verified = arith.fptosi %w : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}

// They must be there, and not be contradicted.
// RUN: sed 's/@cpu>/@npu>/' kept.mlir > missing.mlir
// RUN: not specplace opt --pass resolve-markers,identify-roles,estimate-costs,select-mapping -q missing.mlir --alpha 0.9 --gamma 1 --platform two-cpus --keep-placement 2>&1 | FileCheck kept.txt --check-prefix=MISSING
// RUN: not specplace opt --pass resolve-markers,identify-roles,estimate-costs,select-mapping -q kept.mlir --alpha 0.9 --gamma 1 --platform two-cpus --keep-placement --pin target=cpu2 2>&1 | FileCheck kept.txt --check-prefix=PIN
// RUN: not specplace opt --pass resolve-markers,identify-roles,estimate-costs,select-mapping -q torn.mlir --alpha 0.9 --gamma 1 --platform two-cpus --keep-placement 2>&1 | FileCheck torn.mlir
//--- torn.mlir
// CHECK: torn.mlir:[[#@LINE+7]]:8: error: the input places the drafter on two devices, @__device_1 and @cpu
// CHECK: torn.mlir:[[#@LINE+5]]:8: note: @__device_1 is named here
// CHECK: help: a role is on one device: leave out --keep-placement, or name the roles with --role DEVICE=ROLE
util.global private @a {stream.affinity = #hal.device.promise<@__device_1>} = #flow.parameter.named<"model"::"drafter.a"> : tensor<4xf32>
util.global private @b {stream.affinity = #hal.device.promise<@cpu>} = #flow.parameter.named<"model"::"drafter.b"> : tensor<4xf32>
func.func @torn(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %a = util.global.load @a : tensor<4xf32>
  %b = util.global.load @b : tensor<4xf32>
  %x = arith.sitofp %tokens : tensor<4xi64> to tensor<4xf32>
  %y = arith.mulf %x, %a : tensor<4xf32>
  %z = arith.mulf %y, %b : tensor<4xf32>
  %draft = arith.fptosi %z : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %u = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %v = arith.mulf %u, %u : tensor<4xf32>
  %verified = arith.fptosi %v : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}
//--- kept.txt
MISSING: error: the input places the target on @npu, which platform 'two-cpus' lacks
MISSING: help: name its device one of cpu, cpu2, give another --platform, or leave out --keep-placement
PIN: error: --pin puts the target on cpu2, but --keep-placement keeps it on cpu (@cpu of the input)
PIN: help: leave out one of them

// Out of order, and without an acceptance rate.
// RUN: not specplace opt --pass select-mapping step.mlir --alpha 0.9 2>&1 | FileCheck order.txt --check-prefix=ORDER
// RUN: not specplace opt --pass identify-roles,estimate-costs,select-mapping -q step.mlir 2>&1 | FileCheck order.txt --check-prefix=ALPHA
//--- order.txt
ORDER: error: no workload to decide on: estimate-costs did not run
ORDER: help: run the passes in order
ALPHA: error: no acceptance rate to decide with
ALPHA: help: give --alpha A or --acceptance FILE[:TASK]
