// Compares what was placed with what iree-compile's stream phase makes of it.
// The modules are small, but IREE itself compiles them: what is reported is
// what it really does with each mistake.

// RUN: split-file %s %t
// RUN: cd %t

// Two functions on two CPU devices, a buffer of the second one crossing, a
// parameter on each: everything is where it was planned.
// RUN: iree-compile --compile-to=stream right.mlir @flags -o right.stream.mlir
// RUN: specplace verify-placement right.mlir --stream right.stream.mlir 2>&1 | FileCheck %s --check-prefix=RIGHT
// RIGHT:      placement proven: 2 dispatches and 2 parameters on 2 devices
// RIGHT-NEXT: device spec roles functions dispatches executables parameters bytes constants
// RIGHT-NEXT: @cpu "local"[0] target 1 1 1 1 256 0
// RIGHT-NEXT: @cpu2 "local"[1] drafter 1 1 1 1 256 0

// The same, iree-compile being asked by specplace.
// RUN: specplace verify-placement right.mlir --with-iree --flags flags 2>&1 | FileCheck %s --check-prefix=RIGHT

// Two devices of one spec: IREE merges them without a word.
// RUN: sed 's/"local"\[.\]/"local"/' right.mlir > merged.mlir
// RUN: iree-compile --compile-to=stream merged.mlir @flags -o merged.stream.mlir
// RUN: not specplace verify-placement merged.mlir --stream merged.stream.mlir 2>&1 | FileCheck %s --check-prefix=MERGED
// MERGED: device @cpu2 is gone: IREE has @cpu
// MERGED: give each its ordinal

// Functions that may be inlined are: their work then counts as the caller's.
// RUN: sed 's/noinline, //' right.mlir > inlined.mlir
// RUN: iree-compile --compile-to=stream inlined.mlir @flags -o inlined.stream.mlir
// RUN: not specplace verify-placement inlined.mlir --stream inlined.stream.mlir 2>&1 | FileCheck %s --check-prefix=INLINED
// INLINED: stream.cmd.execute of @main is on @cpu2, planned on @cpu

// What was planned for one device and compiled for the other.
// RUN: sed 's/affinity<@cpu>/affinity<@other>/g; s/affinity<@cpu2>/affinity<@cpu>/g; s/affinity<@other>/affinity<@cpu2>/g' right.stream.mlir > swapped.stream.mlir
// RUN: not specplace verify-placement right.mlir --stream swapped.stream.mlir 2>&1 | FileCheck %s --check-prefix=SWAPPED
// SWAPPED-DAG: stream.cmd.execute of @drafter_0 (drafter) is on @cpu, planned on @cpu2
// SWAPPED-DAG: stream.cmd.execute of @target_0 (target) is on @cpu2, planned on @cpu
// SWAPPED-DAG: parameter "model"::"drafter.w" is loaded to @cpu, planned on @cpu2

// A call that passes one value twice makes IREE's IPO pass drop the argument
// in every call (util-ipo, 3.13.0). No affinity is wrong, but the result is.
// RUN: iree-compile --compile-to=stream repeated.mlir @flags -o repeated.stream.mlir
// RUN: not specplace verify-placement repeated.mlir --stream repeated.stream.mlir 2>&1 | FileCheck %s --check-prefix=REPEATED
// REPEATED: a call to @f passes 1 arguments and yields 1 results; emitted were 2 and 1

// With an optimization barrier on the repeated operand all is well.
// RUN: iree-compile --compile-to=stream guarded.mlir @flags -o guarded.stream.mlir
// RUN: specplace verify-placement guarded.mlir --stream guarded.stream.mlir 2>&1 | FileCheck %s --check-prefix=GUARDED
// GUARDED: placement proven

// A module that carries a plan is held to that, and not only to its own
// attributes: here both devices changed places after the plan was made.
// RUN: sed -e '/^#cpu2 = /a module attributes {specplace.plan = {control = "cpu", drafter = "cpu2", target = "cpu"}} {' -e '$a }' right.mlir > planned.mlir
// RUN: specplace verify-placement planned.mlir --with-iree --flags flags 2>&1 | FileCheck %s --check-prefix=PLANNED
// PLANNED-NOT: carries no plan
// PLANNED:     placement proven: 2 dispatches
// PLANNED-NOT: carries no plan
// RUN: sed 's/drafter = "cpu2"/drafter = "cpu"/; s/target = "cpu"/"target.1" = "cpu"/' planned.mlir > moved.mlir
// RUN: not specplace verify-placement moved.mlir --with-iree --flags flags 2>&1 | FileCheck %s --check-prefix=MOVED
// MOVED-DAG: error: @drafter_0 (drafter) is put on @cpu2, but the module's plan has the drafter on @cpu
// MOVED-DAG: error: the module's plan has the target.1 on @cpu, but no function is the target.1's

// Inline weights lie where they are used: in the stream phase of this module
// somebody moved one.
// RUN: not specplace verify-placement inline.mlir --stream inline.stream.mlir 2>&1 | FileCheck %s --check-prefix=INLINE
// INLINE: error: inline constant drafter.w lies on @cpu, planned on @cpu2
//--- inline.mlir
util.global private @cpu = #hal.device.alias<"local"[0]> : !hal.device
util.global private @cpu2 = #hal.device.alias<"local"[1]> : !hal.device
util.global private @w = dense_resource<drafter.w> : tensor<4xf32>
func.func private @f(%v: !hal.buffer) -> !hal.buffer_view attributes {noinline, stream.affinity = #hal.device.affinity<@cpu2>} {
  %x = hal.tensor.import on(#hal.device.affinity<@cpu2>) %v : !hal.buffer -> tensor<4xf32>
  %w = util.global.load @w : tensor<4xf32>
  %y = arith.addf %x, %w : tensor<4xf32>
  %r = hal.tensor.export on(#hal.device.affinity<@cpu2>) %y : tensor<4xf32> -> !hal.buffer_view
  return %r : !hal.buffer_view
}
func.func public @main(%v: !hal.buffer) -> !hal.buffer_view attributes {stream.affinity = #hal.device.affinity<@cpu>} {
  %r = func.call @f(%v) : (!hal.buffer) -> !hal.buffer_view
  return %r : !hal.buffer_view
}
{-# dialect_resources: { builtin: { drafter.w: "0x040000000000803F0000803F0000803F0000803F" } } #-}
//--- inline.stream.mlir
util.global private @cpu = #hal.device.target<"local", {ordinal = 0 : index}> : !hal.device
util.global private @cpu2 = #hal.device.target<"local", {ordinal = 1 : index}> : !hal.device
util.global private @c : !stream.resource<constant>
util.initializer {
  %c0 = arith.constant 0 : index
  %c0_i64 = arith.constant 0 : i64
  %0 = stream.timepoint.immediate => !stream.timepoint
  %buffer_cst = util.buffer.constant <alignment = 64> : !util.buffer = #util.composite<16xi8, [
    dense_resource<drafter.w> : tensor<4xf32>,
]>
  %c16 = arith.constant 16 : index
  %did_map, %result = stream.resource.try_map on(#hal.device.affinity<@cpu>) %buffer_cst[%c0] : !util.buffer -> i1, !stream.resource<constant>{%c16}
  cf.cond_br %did_map, ^bb2(%0, %result : !stream.timepoint, !stream.resource<constant>), ^bb1
^bb1:
  %1 = stream.resource.alloc uninitialized on(#hal.device.affinity<@cpu>) : !stream.resource<constant>{%c16}
  %file = stream.file.constant on(#hal.device.affinity<@cpu>) %buffer_cst[%c0 for %c16] : !util.buffer{%c16} -> !stream.file
  %2 = stream.file.read on(#hal.device.affinity<@cpu>) await(%0) => %file[%c0_i64], %1[%c0], %c16 : !stream.file -> !stream.resource<constant>{%c16} => !stream.timepoint
  cf.br ^bb2(%2, %1 : !stream.timepoint, !stream.resource<constant>)
^bb2(%3: !stream.timepoint, %4: !stream.resource<constant>):
  %5 = stream.timepoint.await sync %3 => %4 : !stream.resource<constant>{%c16}
  util.global.store %5, @c : !stream.resource<constant>
  util.return
}
util.func private @f(%v: !hal.buffer) -> !hal.buffer_view attributes {inlining_policy = #util.inline.never} {
  %c16 = arith.constant 16 : index
  %c0 = arith.constant 0 : index
  %w = util.global.load immutable @c : !stream.resource<constant>
  %y, %allocated = stream.resource.alloca uninitialized on(#hal.device.affinity<@cpu2>) : !stream.resource<external>{%c16} => !stream.timepoint
  %done = stream.cmd.execute on(#hal.device.affinity<@cpu2>) await(%allocated) => with(%w as %b: !stream.resource<constant>{%c16}, %y as %c: !stream.resource<external>{%c16}) {
    stream.cmd.copy %b[%c0], %c[%c0], %c16 : !stream.resource<constant>{%c16} -> !stream.resource<external>{%c16}
  } => !stream.timepoint
  %ready = stream.timepoint.await %done => %y : !stream.resource<external>{%c16}
  %r = stream.tensor.export on(#hal.device.affinity<@cpu2>) %ready : tensor<4xf32> in !stream.resource<external>{%c16} -> !hal.buffer_view
  util.return %r : !hal.buffer_view
}
util.func public @main(%v: !hal.buffer) -> !hal.buffer_view {
  %r = util.call @f(%v) : (!hal.buffer) -> !hal.buffer_view
  util.return %r : !hal.buffer_view
}

// The placed module itself is no stream phase.
// RUN: not specplace verify-placement right.mlir --stream right.mlir 2>&1 | FileCheck %s --check-prefix=PHASE
// PHASE: output of an earlier phase
// PHASE: iree-compile --compile-to=stream

//--- flags
--iree-hal-local-target-device-backends=llvm-cpu
--iree-llvmcpu-target-cpu=host
--iree-hal-link-executables=false

//--- right.mlir
#cpu = #hal.device.affinity<@cpu>
#cpu2 = #hal.device.affinity<@cpu2>
util.global private @cpu = #hal.device.alias<"local"[0]> : !hal.device
util.global private @cpu2 = #hal.device.alias<"local"[1]> : !hal.device
util.global private @drafter.w = #flow.parameter.named<"model"::"drafter.w"> : tensor<64xf32>
util.global private @target.w = #flow.parameter.named<"model"::"target.w"> : tensor<64xf32>
func.func private @buffer(%size: index) -> !hal.buffer attributes {noinline, specplace.helper} {
  %allocator, %queue = hal.device.resolve on(#cpu2) : !hal.allocator, i64
  %type = hal.memory_type<"HostVisible|HostCoherent|DeviceVisible"> : i32
  %usage = hal.buffer_usage<"TransferSource|TransferTarget|Transfer|DispatchStorageRead|DispatchStorageWrite|DispatchStorage|MappingScoped|MappingPersistent|MappingAccessRandom|Mapping"> : i32
  %buffer = hal.allocator.allocate<%allocator : !hal.allocator> affinity(%queue) type(%type) usage(%usage) : !hal.buffer{%size}
  return %buffer : !hal.buffer
}
func.func private @drafter_0(%v: !hal.buffer_view, %s: !hal.buffer) attributes {noinline, specplace.role = "drafter", stream.affinity = #cpu2} {
  %x = hal.tensor.import on(#cpu2) %v : !hal.buffer_view -> tensor<64xf32>
  %w = util.global.load @drafter.w : tensor<64xf32>
  %y = arith.addf %x, %w : tensor<64xf32>
  %alias = hal.tensor.alias on(#cpu2) %y : tensor<64xf32> to %s : !hal.buffer
  %device = hal.device.resolve on(#cpu2) : !hal.device
  %fence = hal.fence.create device(%device : !hal.device) flags("None") : !hal.fence
  %joined = hal.tensor.barrier join(%alias : tensor<64xf32>) => %fence : !hal.fence
  %forever = arith.constant -1 : i32
  %status = hal.fence.await until([%fence]) timeout_millis(%forever) flags("None") : i32
  util.status.check_ok %status, "drafter_0"
  return
}
func.func private @target_0(%s: !hal.buffer) -> !hal.buffer_view attributes {noinline, specplace.role = "target", stream.affinity = #cpu} {
  %x = hal.tensor.import on(#cpu) %s : !hal.buffer -> tensor<64xf32>
  %w = util.global.load @target.w : tensor<64xf32>
  %y = arith.mulf %x, %w : tensor<64xf32>
  %r = hal.tensor.export on(#cpu) %y : tensor<64xf32> -> !hal.buffer_view
  return %r : !hal.buffer_view
}
func.func public @main(%x: tensor<64xf32> {iree.abi.affinity = #cpu}) -> (tensor<64xf32> {iree.abi.affinity = #cpu}) attributes {stream.affinity = #cpu} {
  %size = arith.constant 256 : index
  %v = hal.tensor.export on(#cpu) %x : tensor<64xf32> -> !hal.buffer_view
  %s = call @buffer(%size) : (index) -> !hal.buffer
  call @drafter_0(%v, %s) : (!hal.buffer_view, !hal.buffer) -> ()
  %r = call @target_0(%s) : (!hal.buffer) -> !hal.buffer_view
  %y = hal.tensor.import on(#cpu) %r : !hal.buffer_view -> tensor<64xf32>
  return %y : tensor<64xf32>
}

//--- repeated.mlir
util.global private @cpu = #hal.device.alias<"local"> : !hal.device
util.func private @f(%a: i32, %b: i32) -> i32 attributes {inlining_policy = #util.inline.never, stream.affinity = #hal.device.affinity<@cpu>} {
  %c100 = arith.constant 100 : i32
  %0 = arith.muli %a, %c100 : i32
  %1 = arith.addi %0, %b : i32
  util.return %1 : i32
}
util.func public @main(%x: i32, %y: i32) -> (i32, i32) attributes {stream.affinity = #hal.device.affinity<@cpu>} {
  %r0 = util.call @f(%x, %y) : (i32, i32) -> i32
  %r1 = util.call @f(%r0, %r0) : (i32, i32) -> i32
  util.return %r0, %r1 : i32, i32
}

//--- guarded.mlir
util.global private @cpu = #hal.device.alias<"local"> : !hal.device
util.func private @f(%a: i32, %b: i32) -> i32 attributes {inlining_policy = #util.inline.never, stream.affinity = #hal.device.affinity<@cpu>} {
  %c100 = arith.constant 100 : i32
  %0 = arith.muli %a, %c100 : i32
  %1 = arith.addi %0, %b : i32
  util.return %1 : i32
}
util.func public @main(%x: i32, %y: i32) -> (i32, i32) attributes {stream.affinity = #hal.device.affinity<@cpu>} {
  %r0 = util.call @f(%x, %y) : (i32, i32) -> i32
  %b0 = util.optimization_barrier %r0 : i32
  %b1 = util.optimization_barrier %r0 : i32
  %r1 = util.call @f(%b0, %b1) : (i32, i32) -> i32
  util.return %r0, %r1 : i32, i32
}
