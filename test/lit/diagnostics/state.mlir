// A module that keeps state between calls is not placed, with a profile neither:
// status 1, and what shows the state.

// RUN: split-file %s %t
// RUN: cd %t

// A cache in a global. A cost model that knows of caches changes nothing.
// RUN: %exits 1 specplace global.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck global.mlir
// RUN: %exits 1 specplace global.mlir -o out.mlir --alpha 0.9 --platform two-cpus --cost-model verify --profile profile.yaml 2>&1 | FileCheck global.mlir
// RUN: not test -e out.mlir
//--- global.mlir
util.global private mutable @cache = dense<0.0> : tensor<4xf32>
func.func @global(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %old = util.global.load @cache : tensor<4xf32>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %new = arith.addf %old, %y : tensor<4xf32>
  // CHECK: global.mlir:[[#@LINE+3]]:3: error: the module keeps state between calls (the global @cache is written at run time), which specplace does not place yet
  // CHECK: global.mlir:[[#@LINE+2]]:3: note: the global @cache is written at run time
  // CHECK: help: export the models without their caches
  util.global.store %new, @cache : tensor<4xf32>
  %verified = arith.fptosi %new : tensor<4xf32> to tensor<4xi64>
  return %verified : tensor<4xi64>
}

// A cache that is passed in, written in part, through a loop, and passed out.
// RUN: %exits 1 specplace passed.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck passed.mlir
// RUN: not test -e out.mlir
//--- passed.mlir
// CHECK: passed.mlir:[[#@LINE+1]]:1: error: the module keeps state between calls (@passed writes a part of its argument 1, tensor<8xf32>, and returns it, as a cache is passed)
func.func @passed(%tokens: tensor<4xi64>, %cache: tensor<8xf32>, %n: index) -> (tensor<4xi64>, tensor<8xf32>) {
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %verified = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %new = scf.for %i = %c0 to %n step %c1 iter_args(%c = %cache) -> tensor<8xf32> {
    %next = tensor.insert_slice %y into %c[%i] [4] [1] : tensor<4xf32> into tensor<8xf32>
    scf.yield %next : tensor<8xf32>
  }
  return %verified, %new : tensor<4xi64>, tensor<8xf32>
}

// The same by torch.where.
// RUN: %exits 1 specplace chosen.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck chosen.mlir
//--- chosen.mlir
// CHECK: chosen.mlir:[[#@LINE+1]]:1: error: the module keeps state between calls (@chosen writes a part of its argument 1, tensor<4xf32>, and returns it, as a cache is passed)
func.func @chosen(%tokens: tensor<4xi64>, %cache: tensor<4xf32>, %where: tensor<4xi1>) -> (tensor<4xi64>, tensor<4xf32>) {
  %d = flow.tensor.transfer %tokens : tensor<4xi64> to #hal.device.promise<@drafter>
  %x = arith.sitofp %d : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x : tensor<4xf32> to tensor<4xi64>
  %t = flow.tensor.transfer %draft : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.sitofp %t : tensor<4xi64> to tensor<4xf32>
  %verified = arith.fptosi %y : tensor<4xf32> to tensor<4xi64>
  %new = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>, affine_map<(a) -> (a)>], iterator_types = ["parallel"]} ins(%where, %y : tensor<4xi1>, tensor<4xf32>) outs(%cache : tensor<4xf32>) {
  ^bb0(%w: i1, %a: f32, %b: f32):
    %s = arith.select %w, %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %verified, %new : tensor<4xi64>, tensor<4xf32>
}

// An argument that is written in place, as torch.export makes of a mutated
// input.
// RUN: %exits 1 specplace %data/cases/overwrite.mlir -o out.mlir --alpha 0.9 2>&1 | FileCheck overwrite.txt
//--- overwrite.txt
CHECK: overwrite.mlir:15:3: error: the module keeps state between calls (@step writes its argument 1 in place)

// Exploring is on paper, where a profile is enough.
// RUN: %exits 1 specplace explore global.mlir --alpha 0.9 2>&1 | FileCheck explore.txt
//--- explore.txt
CHECK: error: the module keeps state between calls (the global @cache is written at run time): Eq. (1) assumes that verifying γ+1 tokens costs one forward pass
CHECK: help: measure the target with 1 and γ+1 new tokens, then use `--cost-model verify --profile FILE`
//--- profile.yaml
version: 1
platform: two-cpus
description: invented
iree: "3.13.0"
measurements:
  - role: target
    pu: cpu
    variant: { cpu: 1 }
    dtype: f32
    points:
      - { sequence_length: 4, new_tokens: 1, latency: { value: 2 ms, source: stated, note: "x" } }
      - { sequence_length: 4, new_tokens: 2, latency: { value: 3 ms, source: stated, note: "x" } }
  - role: drafter
    pu: cpu2
    variant: { cpu2: 1 }
    dtype: f32
    points:
      - { sequence_length: 4, new_tokens: 1, latency: { value: 0.5 ms, source: stated, note: "x" } }
