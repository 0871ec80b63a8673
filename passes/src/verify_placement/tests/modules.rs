//! A placed module, and what IREE makes of it.

/// Two functions on two devices, a weight on each, and a public function.
pub const PLACED: &str = r#"
module attributes {specplace.plan = {control = "cpu", draft_length = 1 : i64, drafter = "gpu", target = "cpu"}} {
util.global private @cpu = #hal.device.alias<"local"[0]> : !hal.device
util.global private @gpu = #hal.device.alias<"vulkan"> : !hal.device
util.global private @d.w = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @t.w = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
util.global private @unused = #flow.parameter.named<"model"::"unused"> : tensor<4xf32>
func.func private @drafter_0(%v: !hal.buffer_view, %s: !hal.buffer)
    attributes {noinline, specplace.role = "drafter", stream.affinity = #hal.device.affinity<@gpu>} {
  %x = hal.tensor.import on(#hal.device.affinity<@gpu>) %v : !hal.buffer_view -> tensor<4xf32>
  %w = util.global.load @d.w : tensor<4xf32>
  %y = arith.addf %x, %w : tensor<4xf32>
  %z = hal.tensor.alias on(#hal.device.affinity<@gpu>) %y : tensor<4xf32> to %s : !hal.buffer
  return
}
func.func private @target_0(%v: !hal.buffer, %u: !hal.buffer) -> !hal.buffer_view
    attributes {noinline, specplace.role = "target", stream.affinity = #hal.device.affinity<@cpu>} {
  %x = hal.tensor.import on(#hal.device.affinity<@cpu>) %v : !hal.buffer -> tensor<4xf32>
  %x2 = hal.tensor.import on(#hal.device.affinity<@cpu>) %u : !hal.buffer -> tensor<4xf32>
  %w = util.global.load @t.w : tensor<4xf32>
  %y0 = arith.addf %x, %w : tensor<4xf32>
  %y = arith.addf %y0, %x2 : tensor<4xf32>
  %r = hal.tensor.export on(#hal.device.affinity<@cpu>) %y : tensor<4xf32> -> !hal.buffer_view
  return %r : !hal.buffer_view
}
func.func public @main(%v: !hal.buffer_view, %s: !hal.buffer, %t: !hal.buffer) -> (!hal.buffer_view, !hal.buffer_view)
    attributes {stream.affinity = #hal.device.affinity<@cpu>} {
  func.call @drafter_0(%v, %s) : (!hal.buffer_view, !hal.buffer) -> ()
  %r = func.call @target_0(%s, %t) : (!hal.buffer, !hal.buffer) -> !hal.buffer_view
  %r2 = func.call @target_0(%t, %t) : (!hal.buffer, !hal.buffer) -> !hal.buffer_view
  return %r, %r2 : !hal.buffer_view, !hal.buffer_view
}
}
"#;

/// What IREE makes of [`PLACED`] when all is well, cut to what is compared.
pub const STREAM: &str = r#"
module attributes {stream.affinity.default = #hal.device.affinity<@cpu>} {
  util.global private @cpu = #hal.device.target<"local", {ordinal = 0 : index}> : !hal.device
  util.global private @gpu = #hal.device.target<"vulkan"> : !hal.device
  util.global private @dw : !stream.resource<constant>
  util.global private @tw : !stream.resource<constant>
  util.initializer {
    %c0 = arith.constant 0 : i64
    %c16 = arith.constant 16 : index
    %scope = util.buffer.constant : !util.buffer = "model"
    %d = util.buffer.constant : !util.buffer = "drafter.w"
    %t = util.buffer.constant : !util.buffer = "target.w"
    %rd, %td = stream.cmd.parameter.load on(#hal.device.affinity<@gpu>) {
      %scope::%d[%c0] : !stream.resource<constant>{%c16}
    } => !stream.timepoint
    %rt, %tt = stream.cmd.parameter.load on(#hal.device.affinity<@cpu>) {
      %scope::%t[%c0] : !stream.resource<constant>{%c16}
    } => !stream.timepoint
    %both = stream.timepoint.join max(%td, %tt) => !stream.timepoint
    %ready:2 = stream.timepoint.await sync %both => %rd, %rt : !stream.resource<constant>{%c16}, !stream.resource<constant>{%c16}
    util.global.store %ready#0, @dw : !stream.resource<constant>
    util.global.store %ready#1, @tw : !stream.resource<constant>
    util.return
  }
  stream.executable private @add {
    stream.executable.export public @entry workgroups() -> (index, index, index) {
      %c1 = arith.constant 1 : index
      stream.return %c1, %c1, %c1 : index, index, index
    }
    builtin.module {
      func.func @entry(%arg0: !stream.binding, %arg1: !stream.binding, %arg2: !stream.binding) {
        return
      }
    }
  }
  util.func private @drafter_0(%v: !hal.buffer_view, %s: !hal.buffer) attributes {inlining_policy = #util.inline.never} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %w = util.global.load immutable @dw : !stream.resource<constant>
    %x = stream.tensor.import on(#hal.device.affinity<@gpu>) %v : !hal.buffer_view -> tensor<4xf32> in !stream.resource<external>{%c16}
    %y = stream.tensor.import on(#hal.device.affinity<@gpu>) consume %s : !hal.buffer -> tensor<4xf32> in !stream.resource<external>{%c16}
    %done = stream.cmd.execute on(#hal.device.affinity<@gpu>) with(%x as %a: !stream.resource<external>{%c16}, %w as %b: !stream.resource<constant>{%c16}, %y as %c: !stream.resource<external>{%c16}) {
      stream.cmd.dispatch @add::@entry {
        ro %a[%c0 for %c16] : !stream.resource<external>{%c16},
        ro %b[%c0 for %c16] : !stream.resource<constant>{%c16},
        wo %c[%c0 for %c16] : !stream.resource<external>{%c16}
      }
    } => !stream.timepoint
    util.return
  }
  util.func private @target_0(%v: !hal.buffer, %u: !hal.buffer) -> !hal.buffer_view attributes {inlining_policy = #util.inline.never} {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %w = util.global.load immutable @tw : !stream.resource<constant>
    %x = stream.tensor.import on(#hal.device.affinity<@cpu>) %v : !hal.buffer -> tensor<4xf32> in !stream.resource<external>{%c16}
    %y, %allocated = stream.resource.alloca uninitialized on(#hal.device.affinity<@cpu>) : !stream.resource<external>{%c16} => !stream.timepoint
    %done = stream.cmd.execute on(#hal.device.affinity<@cpu>) await(%allocated) => with(%x as %a: !stream.resource<external>{%c16}, %w as %b: !stream.resource<constant>{%c16}, %y as %c: !stream.resource<external>{%c16}) {
      stream.cmd.dispatch @add::@entry {
        ro %a[%c0 for %c16] : !stream.resource<external>{%c16},
        ro %b[%c0 for %c16] : !stream.resource<constant>{%c16},
        wo %c[%c0 for %c16] : !stream.resource<external>{%c16}
      }
    } => !stream.timepoint
    %ready = stream.timepoint.await %done => %y : !stream.resource<external>{%c16}
    %r = stream.tensor.export on(#hal.device.affinity<@cpu>) %ready : tensor<4xf32> in !stream.resource<external>{%c16} -> !hal.buffer_view
    util.return %r : !hal.buffer_view
  }
  util.func public @main(%v: !hal.buffer_view, %s: !hal.buffer, %t: !hal.buffer) -> (!hal.buffer_view, !hal.buffer_view) {
    util.call @drafter_0(%v, %s) : (!hal.buffer_view, !hal.buffer) -> ()
    %r = util.call @target_0(%s, %t) : (!hal.buffer, !hal.buffer) -> !hal.buffer_view
    %r2 = util.call @target_0(%t, %t) : (!hal.buffer, !hal.buffer) -> !hal.buffer_view
    util.return %r, %r2 : !hal.buffer_view, !hal.buffer_view
  }
}
"#;
