// insert-crossings: buffers instead of tensors between outlined functions. Each
// case names the fault of IREE (3.13.0) that what we emit guards against.

// DEFINE: %{plan} = identify-roles,estimate-costs,select-mapping,fold-draft-length,outline-subgraphs
// DEFINE: %{decision} = --alpha 0.9 --gamma 1 --platform two-cpus -q

// RUN: split-file %s %t
// RUN: cd %t

// The drafter is on another device than control and the target.
//
// No outlined function takes or gives a tensor, and no loop carries one: IREE's
// IPO pass can merge tensor arguments and timepoints of functions that are not
// inlined, and so race.
//
// What the drafter makes crosses: it writes into a buffer that its caller
// allocates on the device that owns crossings (alias), and waits for the write
// (fence, barrier, await, and a check of the outcome): without a wait, IREE
// removes the writing call as dead. Nothing is exported of what an alias
// results in, since that may be a copy of IREE's own on another device.
//
// What comes from outside goes into such a buffer by a copy of control's.
//
// What the target makes stays on its device: a view is exported there, which
// copies nothing.
//
// What is imported is used once more at the end: IREE's ElideAsyncCopies takes
// the last reader of an import for its owner, and lets it write in place, over
// a buffer that others still read. A result goes through a barrier of its own:
// the IPO pass would merge it with an equal one, or with the argument it is.
//
// What control reads of a tensor is read in a function of its own: IREE
// (ScheduleExecution) sorts the operations of a block where it waits, and moves
// calls that use what it waited for behind others that share their buffers.
//
// What a call passes and what it returns goes behind a barrier, since IPO forgets
// what turns out to be equal, constant or unused; and so does a condition on which
// a call depends, since IREE forgets calls where it finds it false.
// RUN: specplace opt --pass %{plan},insert-crossings %{decision} --pin drafter=cpu2,target=cpu,control=cpu cross.mlir > crossed.mlir
// RUN: FileCheck cross.mlir --input-file=crossed.mlir
// RUN: FileCheck cross.mlir --input-file=crossed.mlir --check-prefix=DRAFTER
// RUN: FileCheck cross.mlir --input-file=crossed.mlir --check-prefix=TARGET
// RUN: FileCheck cross.mlir --input-file=crossed.mlir --check-prefix=HELPERS
//--- cross.mlir
// CHECK-LABEL: func.func @cross(
// CHECK-SAME:      %[[TOKENS:.+]]: tensor<4xi64>, %{{.+}}: i64) -> (tensor<4xi64>, i64)
// CHECK:         %[[ENTERED:.+]] = hal.tensor.export on(#hal.device.affinity<@cpu>) %[[TOKENS]] : tensor<4xi64> -> !hal.buffer_view
// CHECK:         %[[BYTES:.+]] = arith.constant 32 : index
// CHECK-NEXT:    %[[SIZE:.+]] = util.optimization_barrier %[[BYTES]] : index
// CHECK-NEXT:    %[[ALLOCATED:.+]] = call @specplace.allocate_cpu(%[[SIZE]]) : (index) -> !hal.buffer
// CHECK-NEXT:    %[[SHARED:.+]] = util.optimization_barrier %[[ALLOCATED]] : !hal.buffer
// CHECK-NEXT:    %[[COPIED:.+]]:2 = util.optimization_barrier %[[ENTERED]], %[[SHARED]] : !hal.buffer_view, !hal.buffer
// CHECK-NEXT:    call @control_copy_0(%[[COPIED]]#0, %[[COPIED]]#1) : (!hal.buffer_view, !hal.buffer) -> ()
// CHECK:         %[[FIRST:.+]] = hal.buffer_view.create buffer(%[[SHARED]] : !hal.buffer)
// CHECK:         %[[DONE:.+]]:2 = scf.while (%{{.+}} = %{{.+}}, %{{.+}} = %[[FIRST]]) : (i64, !hal.buffer_view) -> (i64, !hal.buffer_view) {
// CHECK:           %[[LESS:.+]] = arith.cmpi slt
// CHECK-NEXT:      %[[GO:.+]] = util.optimization_barrier %[[LESS]] : i1
// CHECK-NEXT:      scf.condition(%[[GO]])
// CHECK:         ^bb0(%{{.+}}: i64, %[[NOW:.+]]: !hal.buffer_view):
// CHECK:           %[[MADE:.+]] = func.call @specplace.allocate_cpu(
// CHECK-NEXT:      %[[WRITTEN:.+]] = util.optimization_barrier %[[MADE]] : !hal.buffer
// CHECK:           %[[NEXT:.+]] = hal.buffer_view.create buffer(%[[WRITTEN]] : !hal.buffer)
// CHECK:           %[[GIVEN:.+]]:2 = util.optimization_barrier %[[NOW]], %[[WRITTEN]] : !hal.buffer_view, !hal.buffer
// CHECK-NEXT:      func.call @drafter_0(%[[GIVEN]]#0, %[[GIVEN]]#1) : (!hal.buffer_view, !hal.buffer) -> ()
// CHECK:           scf.yield %{{.+}}, %[[NEXT]] : i64, !hal.buffer_view
// CHECK:         %[[RETURNED:.+]] = call @target_0(%[[DONE]]#1) : (!hal.buffer_view) -> !hal.buffer_view
// CHECK-NEXT:    %[[VERIFIED:.+]] = util.optimization_barrier %[[RETURNED]] : !hal.buffer_view
// CHECK:         %[[PASSED:.+]]:2 = util.optimization_barrier %[[VERIFIED]], %{{.+}} : !hal.buffer_view, index
// CHECK:         %[[LAST:.+]] = call @control_extract_0(%[[PASSED]]#0, %[[PASSED]]#1) : (!hal.buffer_view, index) -> i64
// CHECK-NEXT:    %[[KNOWN:.+]] = util.optimization_barrier %[[LAST]] : i64
// CHECK:         %[[LEAVES:.+]] = hal.tensor.import on(#hal.device.affinity<@cpu>) %[[VERIFIED]] : !hal.buffer_view -> tensor<4xi64>
// CHECK:         return %[[LEAVES]], %[[KNOWN]]
// CHECK-NOT:   func.func private @{{.+}}tensor<
//
// DRAFTER:      func.func private @drafter_0(%[[IN:.+]]: !hal.buffer_view, %[[OUT:.+]]: !hal.buffer) attributes {noinline, specplace.role = "drafter"}
// DRAFTER-NEXT:   %[[X:.+]] = hal.tensor.import on(#hal.device.affinity<@cpu2>) %[[IN]] : !hal.buffer_view -> tensor<4xi64>
// DRAFTER-NOT:    hal.tensor.export
// DRAFTER:        %[[ALIAS:.+]] = hal.tensor.alias on(#hal.device.affinity<@cpu2>) %{{.+}} : tensor<4xi64> to %[[OUT]] : !hal.buffer
// DRAFTER-NEXT:   %[[DEVICE:.+]] = hal.device.resolve on(#hal.device.affinity<@cpu2>) : !hal.device
// DRAFTER-NEXT:   %[[FENCE:.+]] = hal.fence.create device(%[[DEVICE]] : !hal.device)
// DRAFTER-NEXT:   hal.tensor.barrier join(%[[ALIAS]] : tensor<4xi64>) => %[[FENCE]] : !hal.fence
// DRAFTER-NEXT:   %[[FOREVER:.+]] = arith.constant -1 : i32
// DRAFTER-NEXT:   %[[STATUS:.+]] = hal.fence.await until([%[[FENCE]]]) timeout_millis(%[[FOREVER]])
// DRAFTER-NEXT:   util.status.check_ok %[[STATUS]], "a crossing could not be written"
// DRAFTER-NEXT:   util.optimization_barrier %[[X]] : tensor<4xi64>
// DRAFTER-NEXT:   return
//
// TARGET:      func.func private @target_0(%[[IN:.+]]: !hal.buffer_view) -> !hal.buffer_view attributes {noinline, specplace.role = "target"}
// TARGET-NEXT:   %[[X:.+]] = hal.tensor.import on(#hal.device.affinity<@cpu>) %[[IN]]
// TARGET:        %[[RESULT:.+]] = hal.tensor.export on(#hal.device.affinity<@cpu>) %{{.+}} : tensor<4xi64> -> !hal.buffer_view
// TARGET-NEXT:   util.optimization_barrier %[[X]]
// TARGET-NEXT:   %[[APART:.+]] = util.optimization_barrier %[[RESULT]] : !hal.buffer_view
// TARGET-NEXT:   return %[[APART]]
//
// Host-visible memory; MappingPersistent is what IREE's local-sync asks for.
// HELPERS:      func.func private @specplace.allocate_cpu(%[[SIZE:.+]]: index) -> !hal.buffer attributes {noinline}
// HELPERS-NEXT:   hal.device.resolve on(#hal.device.affinity<@cpu>) : !hal.allocator, i64
// HELPERS-NEXT:   hal.memory_type<"HostVisible|HostCoherent|DeviceVisible">
// HELPERS-NEXT:   hal.buffer_usage<"{{.*}}MappingPersistent{{.*}}">
// HELPERS-NEXT:   hal.allocator.allocate{{.*}}!hal.buffer{%[[SIZE]]}
// HELPERS:      func.func private @control_copy_0(%{{.+}}: !hal.buffer_view, %[[TO:.+]]: !hal.buffer) attributes {noinline, specplace.role = "control"}
// HELPERS:        hal.tensor.alias on(#hal.device.affinity<@cpu>) %{{.+}} : tensor<4xi64> to %[[TO]] : !hal.buffer
// HELPERS:        hal.fence.await
// HELPERS:      func.func private @control_extract_0(%[[VIEW:.+]]: !hal.buffer_view, %[[AT:.+]]: index) -> i64 attributes {noinline, specplace.role = "control"}
// HELPERS-NEXT:   %[[X:.+]] = hal.tensor.import on(#hal.device.affinity<@cpu>) %[[VIEW]] : !hal.buffer_view -> tensor<4xi64>
// HELPERS-NEXT:   %[[ELEMENT:.+]] = tensor.extract %[[X]][%[[AT]]] : tensor<4xi64>
// HELPERS-NEXT:   util.optimization_barrier %[[X]] : tensor<4xi64>
// HELPERS-NEXT:   util.optimization_barrier %[[AT]] : index
// HELPERS-NEXT:   %[[APART:.+]] = util.optimization_barrier %[[ELEMENT]] : i64
// HELPERS-NEXT:   return %[[APART]] : i64
func.func @cross(%tokens: tensor<4xi64>, %n: i64) -> (tensor<4xi64>, i64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %r:2 = scf.while (%i = %zero, %now = %tokens) : (i64, tensor<4xi64>) -> (i64, tensor<4xi64>) {
    %go = arith.cmpi slt, %i, %n : i64
    scf.condition(%go) %i, %now : i64, tensor<4xi64>
  } do {
  ^bb0(%i: i64, %now: tensor<4xi64>):
    %x = arith.sitofp %now {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
    %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
    %j = arith.addi %i, %one : i64
    scf.yield %j, %draft : i64, tensor<4xi64>
  }
  %y = arith.sitofp %r#1 {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %v = arith.fptosi %y {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
  %last = arith.constant 3 : index
  %s = tensor.extract %v[%last] : tensor<4xi64>
  return %v, %s : tensor<4xi64>, i64
}

// A value that does not outlive a round of the loop needs one buffer for all
// rounds, which is allocated before the loop.
// RUN: specplace opt --pass %{plan},insert-crossings %{decision} --pin drafter=cpu2,target=cpu,control=cpu once.mlir | FileCheck once.mlir
//--- once.mlir
// CHECK-LABEL: func.func @once
// CHECK:         %[[ALLOCATED:.+]] = call @specplace.allocate_cpu
// CHECK-NEXT:    %[[BUFFER:.+]] = util.optimization_barrier %[[ALLOCATED]] : !hal.buffer
// CHECK:         %[[VIEW:.+]] = hal.buffer_view.create buffer(%[[BUFFER]] : !hal.buffer)
// CHECK:         scf.for
// CHECK-NOT:       @specplace.allocate_cpu
// CHECK:           %[[GIVEN:.+]]:2 = util.optimization_barrier %{{.+}}, %[[BUFFER]] : !hal.buffer_view, !hal.buffer
// CHECK-NEXT:      func.call @drafter_0(%[[GIVEN]]#0, %[[GIVEN]]#1)
// CHECK:           func.call @target_0(%[[VIEW]])
func.func @once(%tokens: tensor<4xi64>, %n: index) -> i64 {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %start = arith.constant 0 : i64
  %r = scf.for %i = %zero to %n step %one iter_args(%sum = %start) -> (i64) {
    %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
    %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
    %y = arith.sitofp %draft {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
    %v = arith.fptosi %y {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
    %s = tensor.extract %v[%zero] : tensor<4xi64>
    %next = arith.addi %sum, %s : i64
    scf.yield %next : i64
  }
  return %r : i64
}

// What control makes of the draft is the draft in another shape, for which IREE
// copies nothing: it lies in the draft's buffer. The loop carries it, so that
// the buffer is not written again in the next round, but allocated in each.
// RUN: specplace opt --pass %{plan},insert-crossings %{decision} --pin drafter=cpu2,target=cpu,control=cpu reshaped.mlir | FileCheck reshaped.mlir
//--- reshaped.mlir
// CHECK-LABEL: func.func @reshaped
// CHECK:         scf.for
// CHECK:           %[[ALLOCATED:.+]] = func.call @specplace.allocate_cpu
// CHECK-NEXT:      %[[BUFFER:.+]] = util.optimization_barrier %[[ALLOCATED]] : !hal.buffer
// CHECK:           util.optimization_barrier %{{.+}}, %[[BUFFER]] : !hal.buffer_view, !hal.buffer
// CHECK-NEXT:      func.call @drafter_0(
func.func @reshaped(%tokens: tensor<4xi64>, %start: tensor<1x4xi64>, %n: index) -> tensor<1x4xi64> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %r:2 = scf.for %i = %zero to %n step %one iter_args(%previous = %start, %sum = %start) -> (tensor<1x4xi64>, tensor<1x4xi64>) {
    %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
    %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
    %drafted = tensor.expand_shape %draft [[0, 1]] output_shape [1, 4] : tensor<4xi64> into tensor<1x4xi64>
    %both = arith.muli %previous, %drafted : tensor<1x4xi64>
    %next = arith.addi %sum, %both : tensor<1x4xi64>
    scf.yield %drafted, %next : tensor<1x4xi64>, tensor<1x4xi64>
  }
  %y = arith.sitofp %r#1 {specplace.role = "target"} : tensor<1x4xi64> to tensor<1x4xf32>
  %v = arith.fptosi %y {specplace.role = "target"} : tensor<1x4xf32> to tensor<1x4xi64>
  return %v : tensor<1x4xi64>
}

// Two values that a loop carries start as the same view: the second becomes a
// view of its own, of the same buffer. IREE's VM would move the reference into
// the first, and leave none for the second.
// RUN: specplace opt --pass %{plan},insert-crossings %{decision} --pin drafter=cpu,target=cpu,control=cpu reshaped.mlir > again.out
// RUN: FileCheck again.txt --input-file=again.out
//--- again.txt
CHECK: %[[VIEW:.+]] = hal.tensor.export
CHECK: %[[BUFFER:.+]] = hal.buffer_view.buffer<%[[VIEW]] : !hal.buffer_view> : !hal.buffer
CHECK: %[[APART:.+]] = util.optimization_barrier %[[BUFFER]] : !hal.buffer
CHECK: %[[AGAIN:.+]] = hal.buffer_view.create buffer(%[[APART]] : !hal.buffer)
CHECK: scf.for {{.*}} iter_args(%{{.+}} = %[[VIEW]], %{{.+}} = %[[AGAIN]])

// A conditional that yields a value from outside yields another view of it: the
// VM would give what the conditional results in the same register, and empty
// that at the last use of either.
// RUN: specplace opt --pass %{plan},insert-crossings %{decision} --pin drafter=cpu,target=cpu,control=cpu chosen.mlir | FileCheck chosen.mlir
//--- chosen.mlir
// CHECK-LABEL: func.func @chosen
// CHECK:         %[[VIEW:.+]] = hal.tensor.export
// CHECK:         scf.if
// CHECK:           %[[BUFFER:.+]] = hal.buffer_view.buffer<%[[VIEW]] : !hal.buffer_view> : !hal.buffer
// CHECK:           %[[APART:.+]] = util.optimization_barrier %[[BUFFER]] : !hal.buffer
// CHECK:           %[[AGAIN:.+]] = hal.buffer_view.create buffer(%[[APART]] : !hal.buffer)
// CHECK:           scf.yield %[[AGAIN]] : !hal.buffer_view
// CHECK:         } else {
// CHECK:           %[[RETURNED:.+]] = func.call @drafter_0(%[[VIEW]])
// CHECK-NEXT:      %[[DRAFTED:.+]] = util.optimization_barrier %[[RETURNED]] : !hal.buffer_view
// CHECK:           scf.yield %[[DRAFTED]] : !hal.buffer_view
func.func @chosen(%tokens: tensor<4xi64>, %c: i1) -> (tensor<4xi64>, tensor<4xi64>) {
  %r = scf.if %c -> (tensor<4xi64>) {
    scf.yield %tokens : tensor<4xi64>
  } else {
    %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
    %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
    scf.yield %draft : tensor<4xi64>
  }
  %y = arith.sitofp %r {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %v = arith.fptosi %y {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
  return %v, %tokens : tensor<4xi64>, tensor<4xi64>
}

// An argument that is returned twice is returned once from behind a barrier:
// IREE's IPO pass would lose the other.
// RUN: specplace opt --pass %{plan},insert-crossings %{decision} --pin drafter=cpu2,target=cpu,control=cpu returned.mlir | FileCheck returned.mlir
//--- returned.mlir
// CHECK-LABEL: func.func @returned
// CHECK:         %[[SAME:.+]] = hal.tensor.import on(#hal.device.affinity<@cpu>) %[[VIEW:.+]] : !hal.buffer_view
// CHECK:         %[[AGAIN:.+]] = hal.tensor.import on(#hal.device.affinity<@cpu>) %[[VIEW]] : !hal.buffer_view
// CHECK:         %[[APART:.+]] = util.optimization_barrier %[[AGAIN]] : tensor<4xi64>
// CHECK:         return %[[SAME]], %[[APART]], %{{.+}} : tensor<4xi64>, tensor<4xi64>, tensor<4xi64>
func.func @returned(%tokens: tensor<4xi64>) -> (tensor<4xi64>, tensor<4xi64>, tensor<4xi64>) {
  %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
  %y = arith.sitofp %draft {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %v = arith.fptosi %y {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
  return %tokens, %tokens, %v : tensor<4xi64>, tensor<4xi64>, tensor<4xi64>
}

// On one device nothing crosses: no buffer is allocated and nobody waits.
// RUN: specplace opt --pass %{plan},insert-crossings %{decision} --pin drafter=cpu,target=cpu,control=cpu cross.mlir | FileCheck one.txt
//--- one.txt
CHECK-NOT: hal.allocator.allocate
CHECK-NOT: hal.fence
CHECK-NOT: hal.tensor.alias
CHECK:     call @drafter_0(%{{.+}}) : (!hal.buffer_view) -> !hal.buffer_view

// Of a CPU and a GPU whose memory the CPU can map, the GPU owns the buffers:
// the only owner that is proven between the two.
// RUN: specplace opt --pass %{plan},insert-crossings --alpha 0.9 --gamma 1 --platform reference -q --pin drafter=cpu,target=gpu,control=cpu cross.mlir | FileCheck owner.txt
//--- owner.txt
CHECK: call @specplace.allocate_gpu
CHECK: hal.device.resolve on(#hal.device.affinity<@gpu>) : !hal.allocator, i64

// What a call passes goes through an optimization barrier: of arguments that are
// equal in one call, IREE's IPO pass would otherwise forget one in every call of
// the function, also where the values differ.
// RUN: specplace opt --pass %{plan},insert-crossings %{decision} --pin drafter=cpu2,target=cpu,control=cpu twice.mlir | FileCheck twice.mlir
//--- twice.mlir
// CHECK-LABEL: func.func @twice
// CHECK:         %[[ALLOCATED:.+]] = call @specplace.allocate_cpu
// CHECK-NEXT:    %[[BUFFER:.+]] = util.optimization_barrier %[[ALLOCATED]] : !hal.buffer
// CHECK:         %[[DRAFT:.+]] = hal.buffer_view.create buffer(%[[BUFFER]] : !hal.buffer)
// CHECK-DAG:     %[[ONE:.+]] = arith.constant 1 : i64
// CHECK-DAG:     %[[SAME:.+]] = arith.constant 1 : i64
// CHECK:         call @drafter_0(
// CHECK:         %[[APART:.+]]:4 = util.optimization_barrier %[[DRAFT]], %[[DRAFT]], %[[ONE]], %[[SAME]] :
// CHECK:         call @target_0(%[[APART]]#0, %[[APART]]#1, %[[APART]]#2, %[[APART]]#3)
func.func private @target_0(%a: tensor<4xi64>, %b: tensor<4xi64>, %i: i64, %j: i64) -> tensor<4xi64> attributes {noinline, specplace.role = "target"} {
  %0 = arith.subi %a, %b {specplace.role = "target"} : tensor<4xi64>
  return %0 : tensor<4xi64>
}
func.func @twice(%tokens: tensor<4xi64>) -> tensor<4xi64> {
  %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
  %one = arith.constant 1 : i64
  %same = arith.constant 1 : i64
  %v = call @target_0(%draft, %draft, %one, %same) : (tensor<4xi64>, tensor<4xi64>, i64, i64) -> tensor<4xi64>
  return %v : tensor<4xi64>
}

// What the module has under a name that we would give keeps it.
// RUN: specplace opt --pass %{plan},insert-crossings %{decision} --pin drafter=cpu2,target=cpu,control=cpu taken.mlir | FileCheck taken.mlir
//--- taken.mlir
// CHECK-LABEL: func.func @taken
// CHECK:         call @control_extract_0(%{{.+}}) : (i64) -> i64
// CHECK:         call @control_extract_1(%{{.+}}, %{{.+}}) : (!hal.buffer_view, index) -> i64
func.func private @control_extract_0(%number: i64) -> i64 {
  return %number : i64
}
func.func @taken(%tokens: tensor<4xi64>, %n: i64) -> (i64, i64) {
  %own = call @control_extract_0(%n) : (i64) -> i64
  %x = arith.sitofp %tokens {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %draft = arith.fptosi %x {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
  %y = arith.sitofp %draft {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %v = arith.fptosi %y {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
  %last = arith.constant 3 : index
  %s = tensor.extract %v[%last] : tensor<4xi64>
  return %own, %s : i64, i64
}

// Unstructured control flow cannot be followed.
// RUN: not specplace opt --pass %{plan},insert-crossings %{decision} branches.mlir 2>&1 | FileCheck branches.mlir
//--- branches.mlir
// CHECK: branches.mlir:[[#@LINE+2]]:1: error: the function has unstructured control flow (cf)
// CHECK: help: give specplace the module with scf control flow, as it is exported
func.func @branches(%x: tensor<4xi64>, %c: i1) -> tensor<4xf32> {
  %d = arith.sitofp %x {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  cf.cond_br %c, ^yes, ^no
^yes:
  %t = arith.sitofp %x {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  cf.br ^no
^no:
  return %d : tensor<4xf32>
}

// What fits into no buffer is refused where it is made.
// RUN: not specplace opt --pass %{plan},insert-crossings %{decision} unfit.mlir 2>&1 | FileCheck unfit.mlir --check-prefix=DYNAMIC
// RUN: sed 's/?xi64/0xi64/g' unfit.mlir > empty.mlir
// RUN: not specplace opt --pass %{plan},insert-crossings %{decision} empty.mlir 2>&1 | FileCheck unfit.mlir --check-prefix=EMPTY
// RUN: not specplace opt --pass %{plan},insert-crossings %{decision} indices.mlir 2>&1 | FileCheck indices.mlir
//--- unfit.mlir
// DYNAMIC: unfit.mlir:[[#]]:{{[0-9]+}}: error: tensor<?xi64> passes between subgraphs, but its size in bytes is not known
// DYNAMIC: help: export the module with static shapes (a fixed sequence length)
// EMPTY: empty.mlir:[[#]]:{{[0-9]+}}: error: tensor<0xi64> passes between subgraphs, but holds nothing
// EMPTY: help: leave it out: IREE forgets tensors without elements
func.func @unfit(%x: tensor<4xi64>, %n: index, %z: tensor<?xi64>) -> (tensor<4xi64>, tensor<?xi64>) {
  %a = arith.sitofp %x {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %b = arith.fptosi %a {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
  %c = arith.sitofp %b {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %d = arith.fptosi %c {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
  return %d, %z : tensor<4xi64>, tensor<?xi64>
}
//--- indices.mlir
// CHECK: indices.mlir:[[#]]:{{[0-9]+}}: error: tensor<4xindex> passes between subgraphs, but what its elements are in memory is up to each device
// CHECK: help: cast it to i64 where it is made, and back where it is read
func.func @indices(%x: tensor<4xi64>) -> tensor<4xi64> {
  %a = arith.sitofp %x {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xf32>
  %b = arith.fptosi %a {specplace.role = "drafter"} : tensor<4xf32> to tensor<4xi64>
  %i = arith.index_cast %b {specplace.role = "drafter"} : tensor<4xi64> to tensor<4xindex>
  %j = arith.index_cast %i {specplace.role = "target"} : tensor<4xindex> to tensor<4xi64>
  %c = arith.sitofp %j {specplace.role = "target"} : tensor<4xi64> to tensor<4xf32>
  %d = arith.fptosi %c {specplace.role = "target"} : tensor<4xf32> to tensor<4xi64>
  return %d : tensor<4xi64>
}

// RUN: not specplace opt --pass identify-roles,estimate-costs,select-mapping,insert-crossings %{decision} cross.mlir 2>&1 | FileCheck early.txt
//--- early.txt
CHECK: cross.mlir:[[#]]:{{[0-9]+}}: error: an operation of a model is in no function of its own
CHECK: help: run the passes in order: --pass …,outline-subgraphs,insert-crossings

// RUN: not specplace opt --pass insert-crossings cross.mlir 2>&1 | FileCheck order.txt
//--- order.txt
CHECK: error: no placement to apply: select-mapping did not run
