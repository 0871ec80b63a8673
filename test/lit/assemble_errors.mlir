// What cannot be assembled: one message each, with the places of both passes
// where two do not fit together, and no OUT.

// RUN: split-file %s %t
// RUN: cd %t

// Two that do not fit together.
// RUN: not specplace assemble --target good.mlir --drafter misfit.mlir -o out.mlir 2>&1 | FileCheck misfit.mlir
//--- misfit.mlir
// CHECK:      good.mlir:1:1: error: the vocabularies differ: the target knows 9 tokens, the drafter 10
// CHECK:      good.mlir:1:1: note: target @forward: 9 tokens
// CHECK:      misfit.mlir:[[#@LINE+8]]:1: note: drafter @misfit: 10 tokens
// CHECK:      help: a drafter needs the target's tokenizer
// CHECK:      good.mlir:1:1: error: the rows differ in length: the target takes 12 tokens, the drafter 16
// CHECK:      good.mlir:1:1: note: target @forward: [1,12]
// CHECK:      misfit.mlir:[[#@LINE+4]]:1: note: drafter @misfit: [1,16]
// CHECK:      help: export both for the same sequence length
// CHECK-NOT:  error

func.func @misfit(%tokens: tensor<1x16xi64>) -> tensor<1x16x10xf32> {
  %logits = tensor.empty() : tensor<1x16x10xf32>
  return %logits : tensor<1x16x10xf32>
}

// The same function twice, also by another name of its file.
// RUN: not specplace assemble --target good.mlir --drafter ./good.mlir@forward -o out.mlir 2>&1 | FileCheck good.mlir
//--- good.mlir
func.func @forward(%tokens: tensor<1x12xi64>) -> tensor<1x12x9xf32> {
  %logits = tensor.empty() : tensor<1x12x9xf32>
  return %logits : tensor<1x12x9xf32>
}
// CHECK: good.mlir:1:1: error: the target and the drafter are the same function, @forward of good.mlir
// CHECK: note: target @forward
// CHECK: note: drafter @forward
// CHECK: help: name two: --target FILE@FUNCTION --drafter FILE@FUNCTION

// A function that is not there, and one of several.
// RUN: not specplace assemble --target several.mlir@none --drafter good.mlir -o out.mlir 2>&1 | FileCheck several.mlir --check-prefix=NONE
// RUN: not specplace assemble --target several.mlir --drafter good.mlir -o out.mlir 2>&1 | FileCheck several.mlir --check-prefix=WHICH
// RUN: not specplace assemble --target good.mlir --drafter empty.mlir -o out.mlir 2>&1 | FileCheck several.mlir --check-prefix=EMPTY
//--- several.mlir
// NONE:  error: several.mlir has no function @none
// NONE:  help: it has @one, @two
// WHICH: error: which function of several.mlir is the target?
// WHICH: | @one, @two
// WHICH: help: say it: --target several.mlir@FUNCTION
// EMPTY: error: empty.mlir has no function with a body
// EMPTY: help: give a module with a forward pass from tokens to logits
func.func @one(%tokens: tensor<1x12xi64>) -> tensor<1x12xi64> {
  return %tokens : tensor<1x12xi64>
}
func.func @two(%tokens: tensor<1x12xi64>) -> tensor<1x12xi64> {
  return %tokens : tensor<1x12xi64>
}
//--- empty.mlir
module {}

// Inputs that are no row of tokens.
// RUN: not specplace assemble --target tokens.mlir@floats --drafter good.mlir -o out.mlir 2>&1 | FileCheck tokens.mlir --check-prefix=FLOATS
// RUN: not specplace assemble --target tokens.mlir@bytes --drafter good.mlir -o out.mlir 2>&1 | FileCheck tokens.mlir --check-prefix=BYTES
// RUN: not specplace assemble --target tokens.mlir@rank --drafter good.mlir -o out.mlir 2>&1 | FileCheck tokens.mlir --check-prefix=RANK
// RUN: not specplace assemble --target good.mlir --drafter tokens.mlir@batch -o out.mlir 2>&1 | FileCheck tokens.mlir --check-prefix=BATCH
// RUN: not specplace assemble --target tokens.mlir@short --drafter good.mlir -o out.mlir 2>&1 | FileCheck tokens.mlir --check-prefix=SHORT
// RUN: not specplace assemble --target tokens.mlir@masked --drafter good.mlir -o out.mlir 2>&1 | FileCheck tokens.mlir --check-prefix=MASKED
// RUN: not specplace assemble --target dynamic.mlir --drafter good.mlir -o out.mlir 2>&1 | FileCheck dynamic.mlir
//--- tokens.mlir
// FLOATS: tokens.mlir:[[#@LINE+2]]:1: error: target @floats: its input is tensor<1x12xf32>, not a row of integer tokens
// FLOATS: help: export it with tokens of type int64 or int32 in one row of a fixed length, [1,S]
func.func @floats(%tokens: tensor<1x12xf32>) -> tensor<1x12x9xf32> {
  %logits = tensor.empty() : tensor<1x12x9xf32>
  return %logits : tensor<1x12x9xf32>
}
// BYTES: tokens.mlir:[[#@LINE+1]]:1: error: target @bytes: its input is tensor<1x12xi8>, not a row of integer tokens
func.func @bytes(%tokens: tensor<1x12xi8>) -> tensor<1x12x9xf32> {
  %logits = tensor.empty() : tensor<1x12x9xf32>
  return %logits : tensor<1x12x9xf32>
}
// RANK: tokens.mlir:[[#@LINE+1]]:1: error: target @rank: its tokens are tensor<12xi64>, not one row [1,S]
func.func @rank(%tokens: tensor<12xi64>) -> tensor<1x12x9xf32> {
  %logits = tensor.empty() : tensor<1x12x9xf32>
  return %logits : tensor<1x12x9xf32>
}
// BATCH: tokens.mlir:[[#@LINE+4]]:1: error: drafter @batch: its batch is 2 rows, tensor<2x12xi64>
// BATCH: help: export it for a batch of one: tokens [1,S]
// BATCH: tokens.mlir:[[#@LINE+2]]:1: error: drafter @batch: its batch is 2 rows of logits, tensor<2x12x9xf32>
// BATCH: help: export it for a batch of one: logits [1,S,V]
func.func @batch(%tokens: tensor<2x12xi64>) -> tensor<2x12x9xf32> {
  %logits = tensor.empty() : tensor<2x12x9xf32>
  return %logits : tensor<2x12x9xf32>
}
// SHORT: tokens.mlir:[[#@LINE+2]]:1: error: target @short: its row is 1 token long
// SHORT: help: export it for a row that has room for a prompt and what follows it
func.func @short(%tokens: tensor<1x1xi64>) -> tensor<1x1x9xf32> {
  %logits = tensor.empty() : tensor<1x1x9xf32>
  return %logits : tensor<1x1x9xf32>
}
// MASKED: tokens.mlir:[[#@LINE+2]]:1: error: target @masked: it takes 2 inputs, not tokens alone
// MASKED: help: export a forward pass of the tokens alone: masks, positions and the like inside it
func.func @masked(%tokens: tensor<1x12xi64>, %mask: tensor<1x12xi1>) -> tensor<1x12x9xf32> {
  %logits = tensor.empty() : tensor<1x12x9xf32>
  return %logits : tensor<1x12x9xf32>
}
//--- dynamic.mlir
// CHECK: dynamic.mlir:[[#@LINE+4]]:1: error: target @dynamic: tensor<1x?xi64> has no fixed shape
// CHECK: help: export it for a fixed length, without dynamic_shapes
// CHECK: dynamic.mlir:[[#@LINE+2]]:1: error: target @dynamic: tensor<1x?x9xf32> has no fixed shape

func.func @dynamic(%tokens: tensor<1x?xi64>) -> tensor<1x?x9xf32> {
  %c1 = arith.constant 1 : index
  %length = tensor.dim %tokens, %c1 : tensor<1x?xi64>
  %logits = tensor.empty(%length) : tensor<1x?x9xf32>
  return %logits : tensor<1x?x9xf32>
}

// Results that are no logits.
// RUN: not specplace assemble --target logits.mlir@tokens --drafter good.mlir -o out.mlir 2>&1 | FileCheck logits.mlir --check-prefix=TOKENS
// RUN: not specplace assemble --target logits.mlir@last --drafter good.mlir -o out.mlir 2>&1 | FileCheck logits.mlir --check-prefix=LAST
// RUN: not specplace assemble --target logits.mlir@fewer --drafter good.mlir -o out.mlir 2>&1 | FileCheck logits.mlir --check-prefix=FEWER
// RUN: not specplace assemble --target logits.mlir@hidden --drafter good.mlir -o out.mlir 2>&1 | FileCheck logits.mlir --check-prefix=HIDDEN
//--- logits.mlir
// TOKENS: logits.mlir:[[#@LINE+2]]:1: error: target @tokens: its result is tensor<1x12xi64>, not logits
// TOKENS: help: return logits [1,S,V] as floats (f16, bf16, f32 or f64), before any softmax or argmax
func.func @tokens(%tokens: tensor<1x12xi64>) -> tensor<1x12xi64> {
  return %tokens : tensor<1x12xi64>
}
// LAST: logits.mlir:[[#@LINE+1]]:1: error: target @last: its result is tensor<1x9xf32>, not logits
func.func @last(%tokens: tensor<1x12xi64>) -> tensor<1x9xf32> {
  %logits = tensor.empty() : tensor<1x9xf32>
  return %logits : tensor<1x9xf32>
}
// FEWER: logits.mlir:[[#@LINE+2]]:1: error: target @fewer: it makes logits for 1 position of 12 tokens
// FEWER: help: return the logits of every position
func.func @fewer(%tokens: tensor<1x12xi64>) -> tensor<1x1x9xf32> {
  %logits = tensor.empty() : tensor<1x1x9xf32>
  return %logits : tensor<1x1x9xf32>
}
// HIDDEN: logits.mlir:[[#@LINE+2]]:1: error: target @hidden: it returns 2 results, not logits alone
// HIDDEN: help: return the logits alone (of a Hugging Face model: model(tokens, use_cache=False).logits)
func.func @hidden(%tokens: tensor<1x12xi64>) -> (tensor<1x12x9xf32>, tensor<1x12x8xf32>) {
  %logits = tensor.empty() : tensor<1x12x9xf32>
  %states = tensor.empty() : tensor<1x12x8xf32>
  return %logits, %states : tensor<1x12x9xf32>, tensor<1x12x8xf32>
}

// State between calls, in its four forms.
// RUN: not specplace assemble --target good.mlir --drafter state.mlir@grown -o out.mlir 2>&1 | FileCheck state.mlir --check-prefix=GROWN
// RUN: not specplace assemble --target good.mlir --drafter state.mlir@cache -o out.mlir 2>&1 | FileCheck state.mlir --check-prefix=CACHE
// RUN: not specplace assemble --target good.mlir --drafter state.mlir@global -o out.mlir 2>&1 | FileCheck state.mlir --check-prefix=GLOBAL
// RUN: not specplace assemble --target good.mlir --drafter state.mlir@torch -o out.mlir 2>&1 | FileCheck state.mlir --check-prefix=TORCH
//--- state.mlir
util.global private mutable @step = dense<0.0> : tensor<9xf32>
// CACHE: state.mlir:[[#@LINE+3]]:1: error: the drafter takes and returns tensor<1x12x8xf32>, as a KV cache is passed
// CACHE: note: drafter @cache
// CACHE: help: specplace assembles forward passes without state for now
func.func @cache(%tokens: tensor<1x12xi64>, %keys: tensor<1x12x8xf32>) -> (tensor<1x12x9xf32>, tensor<1x12x8xf32>) {
  %logits = tensor.empty() : tensor<1x12x9xf32>
  return %logits, %keys : tensor<1x12x9xf32>, tensor<1x12x8xf32>
}
// GROWN: state.mlir:[[#@LINE+2]]:1: error: the drafter takes tensor<1x2x5x8xf32> and returns tensor<1x2x17x8xf32>, as a KV cache is passed
// GROWN: help: specplace assembles forward passes without state for now
func.func @grown(%tokens: tensor<1x12xi64>, %keys: tensor<1x2x5x8xf32>) -> (tensor<1x12x9xf32>, tensor<1x2x17x8xf32>) {
  %logits = tensor.empty() : tensor<1x12x9xf32>
  %longer = tensor.empty() : tensor<1x2x17x8xf32>
  return %logits, %longer : tensor<1x12x9xf32>, tensor<1x2x17x8xf32>
}
func.func @global(%tokens: tensor<1x12xi64>) -> tensor<1x12x9xf32> {
  %logits = tensor.empty() : tensor<1x12x9xf32>
  %step = util.global.load @step : tensor<9xf32>
  // GLOBAL: state.mlir:[[#@LINE+3]]:3: error: the drafter keeps state between calls, such as a KV cache
  // GLOBAL: util.global.store
  // GLOBAL: note: drafter @global
  util.global.store %step, @step : tensor<9xf32>
  return %logits : tensor<1x12x9xf32>
}
func.func @torch(%tokens: !torch.vtensor<[1,12],si64>, %keys: !torch.tensor<[1,12,8],f32>, %new: !torch.vtensor<[1,12,8],f32>) -> !torch.vtensor<[1,12,8],f32> {
  // TORCH: state.mlir:[[#@LINE+2]]:3: error: the drafter keeps state between calls, such as a KV cache
  // TORCH: torch.overwrite.tensor.contents
  torch.overwrite.tensor.contents %new overwrites %keys : !torch.vtensor<[1,12,8],f32>, !torch.tensor<[1,12,8],f32>
  return %new : !torch.vtensor<[1,12,8],f32>
}

// Side effects, branches without structure, and IREE's own input phase.
// RUN: not specplace assemble --target good.mlir --drafter effects.mlir@calls -o out.mlir 2>&1 | FileCheck effects.mlir --check-prefix=CALLS
// RUN: not specplace assemble --target good.mlir --drafter effects.mlir@branches -o out.mlir 2>&1 | FileCheck effects.mlir --check-prefix=BRANCHES
// RUN: not specplace assemble --target good.mlir --drafter wrapped.mlir -o out.mlir 2>&1 | FileCheck wrapped.mlir
//--- effects.mlir
func.func private @log(tensor<1x12xi64>)
func.func @calls(%tokens: tensor<1x12xi64>) -> tensor<1x12x9xf32> {
  // CALLS: effects.mlir:[[#@LINE+2]]:3: error: drafter @calls: 'func.call' does more than compute
  // CALLS: help: a forward pass that is called again must have no effects but its logits
  call @log(%tokens) : (tensor<1x12xi64>) -> ()
  %logits = tensor.empty() : tensor<1x12x9xf32>
  return %logits : tensor<1x12x9xf32>
}
// BRANCHES: effects.mlir:[[#@LINE+2]]:1: error: drafter @branches: its control flow has no structure (cf)
// BRANCHES: help: export it without branches on data, or with scf
func.func @branches(%tokens: tensor<1x12xi64>) -> tensor<1x12x9xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : i64
  %first = tensor.extract %tokens[%c0, %c0] : tensor<1x12xi64>
  %one = arith.cmpi eq, %first, %c1 : i64
  %logits = tensor.empty() : tensor<1x12x9xf32>
  cf.cond_br %one, ^bb1, ^bb2(%logits : tensor<1x12x9xf32>)
^bb1:
  %zero = arith.constant 0.0 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%logits : tensor<1x12x9xf32>) -> tensor<1x12x9xf32>
  cf.br ^bb2(%zeros : tensor<1x12x9xf32>)
^bb2(%result: tensor<1x12x9xf32>):
  return %result : tensor<1x12x9xf32>
}
//--- wrapped.mlir
// CHECK: wrapped.mlir:[[#@LINE+2]]:1: error: @forward is no longer as it was exported: IREE's input phase has wrapped it
// CHECK: help: give the module as the exporter wrote it, before iree-compile
util.func public @forward(%view: !hal.buffer_view) -> !hal.buffer_view {
  util.return %view : !hal.buffer_view
}

// Options that do not fit the models.
// RUN: not specplace assemble --target good.mlir --drafter two.mlir --eos 3,9 -o out.mlir 2>&1 | FileCheck two.mlir --check-prefix=EOS
// RUN: not specplace assemble --target good.mlir --drafter two.mlir --max-gamma 0 -o out.mlir 2>&1 | FileCheck two.mlir --check-prefix=GAMMA
// RUN: not specplace assemble --target - --drafter - -o out.mlir 2>&1 < good.mlir | FileCheck two.mlir --check-prefix=TWICE
// RUN: not specplace assemble --target good.mlir@ --drafter two.mlir -o out.mlir 2>&1 | FileCheck two.mlir --check-prefix=NAMELESS
//--- two.mlir
// EOS:      good.mlir:1:1: error: the end-of-sequence token 9 is outside of the vocabulary of 9 tokens
// EOS:      help: give its number in the tokenizer: --eos TOKEN
// GAMMA:    error: invalid value '0' for '--max-gamma <N>'
// TWICE:    error: standard input cannot be read twice
// NAMELESS: error: --target `good.mlir@` names no file and function
func.func @forward(%tokens: tensor<1x12xi64>) -> tensor<1x12x9xf32> {
  %logits = tensor.empty() : tensor<1x12x9xf32>
  return %logits : tensor<1x12x9xf32>
}

// RUN: not test -e out.mlir
