//! Small modules of IREE's stream phase, right and wrong. What is wrong in
//! them is what `iree-compile` 3.13.0 was seen to make of mistakes in the
//! placed IR; `test/e2e` shows the same on real modules.

mod modules;

use dialects::ops::Parameter;
use dialects::{OwnedModule, Session};

use super::{Expectation, Report, check};
use modules::{PLACED, STREAM};

fn read<'s>(session: &'s Session, text: &str) -> OwnedModule<'s> {
    OwnedModule::from_source(session, text.as_bytes()).unwrap_or_else(|diagnostics| {
        let all: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        panic!("{}", all.join("\n"))
    })
}

fn compare(placed: &str, stream: &str) -> Report {
    let expectation = Expectation::from_placed_module(&read(&iree::session(), placed));
    check(&expectation, &read(&iree::session(), stream))
}

/// Checks that a report of `STREAM` with `from` replaced by `to` has a
/// violation that says `expected`.
fn caught(from: &str, to: &str, expected: &str) {
    assert!(STREAM.contains(from), "the test replaces {from}");
    assert_violation(&compare(PLACED, &STREAM.replace(from, to)), expected);
}

fn assert_violation(report: &Report, expected: &str) {
    assert!(
        report
            .violations
            .iter()
            .any(|each| each.to_string().contains(expected)),
        "no violation says {expected:?}:\n{}",
        report.render()
    );
}

#[test]
fn expectation_of_a_placed_module() {
    let session = iree::session();
    let expectation = Expectation::from_placed_module(&read(&session, PLACED));
    assert_eq!(
        expectation.devices.keys().collect::<Vec<_>>(),
        ["cpu", "gpu"]
    );
    let drafter = &expectation.functions["drafter_0"];
    assert_eq!(drafter.device.as_deref(), Some("gpu"));
    assert_eq!(drafter.role.as_deref(), Some("drafter"));
    assert!(drafter.kept && drafter.comparable && drafter.reachable);
    assert_eq!(
        (drafter.arguments, drafter.results, drafter.calls),
        (2, 0, 1)
    );
    assert_eq!(expectation.functions["target_0"].calls, 2);

    let parameter = |key: &str| Parameter {
        scope: "model".to_owned(),
        key: key.to_owned(),
    };
    assert_eq!(
        expectation.parameters[&parameter("drafter.w")],
        ["gpu".to_owned()].into()
    );
    // Nobody reads it, so nobody expects it anywhere.
    assert!(!expectation.parameters.contains_key(&parameter("unused")));
}

#[test]
fn right_placement_is_proven() {
    let report = compare(PLACED, STREAM);
    assert!(report.is_proven(), "{}", report.render());
    let gpu = &report.devices[1];
    assert_eq!(gpu.name, "gpu");
    assert_eq!(
        (gpu.dispatches, gpu.parameters, gpu.parameter_bytes),
        (1, 1, 16)
    );
    assert!(
        report
            .render()
            .starts_with("placement proven: 2 dispatches and 2 parameters")
    );
    // Both functions hold the same addition, which IREE compiles for both.
    assert_eq!(report.remarks.len(), 1);
    assert!(
        report
            .render()
            .contains("executable @add is compiled for @cpu, @gpu: functions on both")
    );
}

/// The text from `begin` to the first `end` behind it.
fn part<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let start = text.find(begin).unwrap();
    let length = text[start..].find(end).unwrap() + end.len();
    &text[start..start + length]
}

#[test]
fn executables_on_both_devices_are_one_remark() {
    let executable = part(STREAM, "  stream.executable private @add {", "\n  }\n");
    let more = executable.replace("@add", "@sub");
    let mut stream = STREAM.replace(executable, &format!("{executable}{more}"));
    let dispatch = part(
        STREAM,
        "      stream.cmd.dispatch @add::@entry {",
        "\n      }\n",
    );
    let again = dispatch.replace("@add", "@sub");
    stream = stream.replace(dispatch, &format!("{dispatch}{again}"));
    let report = compare(PLACED, &stream);
    assert!(report.is_proven(), "{}", report.render());
    assert_eq!(report.remarks.len(), 1, "{}", report.render());
    let said = "executable @add and 1 more are compiled for @cpu, @gpu: functions on both";
    assert!(report.render().contains(said), "{}", report.render());
}

#[test]
fn what_goes_back_to_where_it_came_from_needs_no_device() {
    let given_back = |how: &str| {
        STREAM.replace(
            "    util.global.store %ready#0, @dw",
            &format!(
                "    %gone = stream.resource.dealloca {how}%ready#1 : \
                 !stream.resource<constant>{{%c16}} => !stream.timepoint\n    \
                 util.global.store %ready#0, @dw"
            ),
        )
    };
    let report = compare(PLACED, &given_back("origin "));
    assert!(report.is_proven(), "{}", report.render());
    assert_violation(
        &compare(PLACED, &given_back("")),
        "stream.resource.dealloca in an initializer is on no device",
    );
}

#[test]
fn copies_of_weights() {
    // The weight has 32768 bytes, and what is made of it when the module is
    // loaded this type.
    let widened = |to: &str| {
        let with = STREAM.replace("%c16 = arith.constant 16", "%c16 = arith.constant 32768");
        let with = with.replace(
            "    util.global.store %ready#0, @dw",
            "    %space = stream.resource.alloc uninitialized on(#hal.device.affinity<@gpu>) : \
             !stream.resource<constant>{%c16}
    %zero = arith.constant 0 : index
    %made = stream.cmd.execute on(#hal.device.affinity<@gpu>) with(%ready#0 as %a: \
             !stream.resource<constant>{%c16}, %space as %b: !stream.resource<constant>{%c16}) {
      stream.cmd.dispatch @widen::@entry {
        ro %a[%zero for %c16] : !stream.resource<constant>{%c16},
        wo %b[%zero for %c16] : !stream.resource<constant>{%c16}
      }
    } => !stream.timepoint
    util.global.store %ready#0, @dw",
        );
        with.replace(
            "  stream.executable private @add {",
            &format!(
                "  stream.executable private @widen {{
    stream.executable.export public @entry
    builtin.module {{
      func.func @entry(%arg0: !stream.binding, %arg1: !stream.binding) {{
        %c0 = arith.constant 0 : index
        %0 = stream.binding.subspan %arg0[%c0] : !stream.binding -> \
                 !iree_tensor_ext.dispatch.tensor<readonly:tensor<128x256xi8>>
        %1 = stream.binding.subspan %arg1[%c0] : !stream.binding -> \
                 !iree_tensor_ext.dispatch.tensor<writeonly:tensor<{to}>>
        return
      }}
    }}
  }}
  stream.executable private @add {{"
            ),
        )
    };
    assert_violation(
        &compare(PLACED, &widened("128x256xi32")),
        "IREE keeps 131072 bytes on @gpu that it computes of weights when the module is loaded, \
         beside 32768 bytes of weights",
    );
    // The module itself asks for it.
    let asked_for = |device: &str| {
        PLACED.replace(
            "func.func private @drafter_0",
            &format!(
                "util.global private @wide : tensor<128x256xi32>
util.initializer attributes {{stream.affinity = #hal.device.affinity<@{device}>}} {{
  %w = util.global.load @d.w : tensor<4xf32>
  %n = arith.constant dense<1> : tensor<128x256xi8>
  %m = arith.extsi %n : tensor<128x256xi8> to tensor<128x256xi32>
  util.global.store %m, @wide : tensor<128x256xi32>
  util.return
}}
func.func private @drafter_0"
            ),
        )
    };
    let report = compare(&asked_for("gpu"), &widened("128x256xi32"));
    assert!(report.is_proven(), "{}", report.render());
    // What an initializer reads is wanted where it runs.
    assert_violation(
        &compare(&asked_for("cpu"), STREAM),
        "parameter \"model\"::\"drafter.w\" is loaded to @gpu, planned on @cpu, @gpu",
    );
    // What a sum over rows leaves is no copy.
    let report = compare(PLACED, &widened("128xf32"));
    assert!(report.is_proven(), "{}", report.render());
}

#[test]
fn attributes_that_the_plan_does_not_have() {
    let other = PLACED.replace(r#"drafter = "gpu""#, r#"drafter = "cpu""#);
    let report = compare(&other, STREAM);
    assert_violation(
        &report,
        "@drafter_0 (drafter) is put on @gpu, but the module's plan has the drafter on @cpu",
    );
    let more = PLACED.replace(r#"drafter = "gpu""#, r#"drafter = "gpu", target.1 = "cpu""#);
    assert_violation(&compare(&more, STREAM), "no function is the target.1's");
    let less = PLACED.replace(r#"drafter = "gpu", "#, "");
    assert_violation(
        &compare(&less, STREAM),
        "@drafter_0 (drafter) is there, but the module's plan has no drafter",
    );
    let none = PLACED.replace("specplace.plan", "other.plan");
    let report = compare(&none, STREAM);
    assert!(report.is_proven());
    assert!(report.render().contains("the module carries no plan"));
}

#[test]
fn swapped_affinity() {
    caught(
        "%done = stream.cmd.execute on(#hal.device.affinity<@gpu>)",
        "%done = stream.cmd.execute on(#hal.device.affinity<@cpu>)",
        "stream.cmd.execute of @drafter_0 (drafter) is on @cpu, planned on @gpu",
    );
    caught(
        "%done = stream.cmd.execute on(#hal.device.affinity<@gpu>)",
        "%done = stream.cmd.execute on(#hal.device.affinity<@cpu>)",
        "executable @add is dispatched on @cpu, planned on @cpu, @gpu",
    );
}

#[test]
fn function_without_a_device() {
    let placed = PLACED.replace(
        r#"{noinline, specplace.role = "target", stream.affinity = #hal.device.affinity<@cpu>}"#,
        "{noinline}",
    );
    assert!(placed != PLACED);
    assert_violation(
        &compare(&placed, STREAM),
        "@target_0 has no planned device, but a dispatch of it runs on @cpu",
    );
}

#[test]
fn functions_that_pass_tensors() {
    let mut placed = PLACED.to_owned();
    for (from, to) in [
        (
            "@drafter_0(%v: !hal.buffer_view, %s: !hal.buffer)",
            "@drafter_0(%v: !hal.buffer_view, %s: !hal.buffer, %e: tensor<4xf32>)",
        ),
        (
            "%t: !hal.buffer) -> (",
            "%t: !hal.buffer, %e: tensor<4xf32>) -> (",
        ),
        (
            "@drafter_0(%v, %s) : (!hal.buffer_view, !hal.buffer)",
            "@drafter_0(%v, %s, %e) : (!hal.buffer_view, !hal.buffer, tensor<4xf32>)",
        ),
    ] {
        assert!(placed.contains(from), "{from}");
        placed = placed.replace(from, to);
    }
    let report = compare(&placed, STREAM);
    let said = "@drafter_0 (drafter) passes tensors, so that the arity of its calls cannot";
    assert!(report.render().contains(said), "{}", report.render());
}

#[test]
fn dispatch_without_a_device() {
    caught(
        "%done = stream.cmd.execute on(#hal.device.affinity<@gpu>)",
        "%done = stream.cmd.execute",
        "stream.cmd.execute in @drafter_0 (drafter) is on no device",
    );
}

#[test]
fn weight_left_on_the_default_device() {
    let from = "%rd, %td = stream.cmd.parameter.load on(#hal.device.affinity<@gpu>)";
    let to = "%rd, %td = stream.cmd.parameter.load on(#hal.device.affinity<@cpu>)";
    caught(
        from,
        to,
        "parameter \"model\"::\"drafter.w\" is loaded to @cpu, planned on @gpu",
    );
    caught(from, to, "reads the global @dw, which lies on @cpu");
}

#[test]
fn weight_that_no_one_asked_for() {
    caught(
        r#"util.buffer.constant : !util.buffer = "target.w""#,
        r#"util.buffer.constant : !util.buffer = "other.w""#,
        "parameter \"model\"::\"target.w\" is not loaded at all",
    );
    caught(
        r#"util.buffer.constant : !util.buffer = "target.w""#,
        r#"util.buffer.constant : !util.buffer = "other.w""#,
        "parameter \"model\"::\"other.w\" is loaded to @cpu, but no function",
    );
    caught(
        r#"%t = util.buffer.constant : !util.buffer = "target.w""#,
        "%t = util.null : !util.buffer",
        "a parameter is loaded whose name is not a constant",
    );
}

#[test]
fn device_chosen_by_iree() {
    caught(
        "alloca uninitialized on(#hal.device.affinity<@cpu>)",
        "alloca uninitialized on(#hal.device.optimal<[#hal.device.affinity<@cpu>, #hal.device.affinity<@gpu>]>)",
        "stream.resource.alloca in @target_0 (target) leaves the choice of device to IREE",
    );
}

#[test]
fn buffer_of_another_device() {
    caught(
        "%x = stream.tensor.import on(#hal.device.affinity<@cpu>) %v : !hal.buffer ->",
        "%x = stream.tensor.import on(#hal.device.affinity<@gpu>) %v : !hal.buffer ->",
        "uses a buffer that belongs to @gpu",
    );
}

#[test]
fn merged_devices() {
    let merged = STREAM
        .replace(
            "util.global private @gpu = #hal.device.target<\"vulkan\"> : !hal.device",
            "",
        )
        .replace("affinity<@gpu>", "affinity<@cpu>");
    assert_violation(
        &compare(PLACED, &merged),
        "device @gpu is gone: IREE has @cpu",
    );
}

#[test]
fn devices_of_one_spec() {
    caught(
        "#hal.device.target<\"vulkan\">",
        "#hal.device.target<\"local\", {ordinal = 0 : index}>",
        "devices @cpu, @gpu are one and the same",
    );
}

#[test]
fn lost_argument() {
    // What IREE's IPO makes of a call that passes one value twice: see
    // repeated.mlir in test/lit/verify_placement.mlir.
    let merged = STREAM
        .replace(
            "@target_0(%v: !hal.buffer, %u: !hal.buffer)",
            "@target_0(%v: !hal.buffer)",
        )
        .replace(
            "@target_0(%s, %t) : (!hal.buffer, !hal.buffer)",
            "@target_0(%s) : (!hal.buffer)",
        )
        .replace(
            "@target_0(%t, %t) : (!hal.buffer, !hal.buffer)",
            "@target_0(%t) : (!hal.buffer)",
        );
    assert_violation(
        &compare(PLACED, &merged),
        "a call to @target_0 (target) passes 1 arguments and yields 1 results; emitted were 2 and 1",
    );
}

#[test]
fn arguments_that_may_go() {
    // An unused argument, one that is the same constant in every call, and
    // one that repeats another in every call.
    let placed = r#"
util.global private @cpu = #hal.device.alias<"local"> : !hal.device
func.func private @f(%a: i32, %b: i32, %c: i32, %d: i32) -> i32
    attributes {noinline, stream.affinity = #hal.device.affinity<@cpu>} {
  %r = arith.addi %b, %c : i32
  %s = arith.addi %r, %d : i32
  return %s : i32
}
func.func public @main(%x: i32, %y: i32) -> i32 attributes {stream.affinity = #hal.device.affinity<@cpu>} {
  %c = arith.constant 7 : i32
  %r = func.call @f(%y, %x, %x, %c) : (i32, i32, i32, i32) -> i32
  return %r : i32
}
"#;
    let stream = r#"
util.global private @cpu = #hal.device.target<"local"> : !hal.device
util.func private @f(%b: i32) -> i32 attributes {inlining_policy = #util.inline.never} {
  %c7 = arith.constant 7 : i32
  %r = arith.addi %b, %b : i32
  %s = arith.addi %r, %c7 : i32
  util.return %s : i32
}
util.func public @main(%x: i32, %y: i32) -> i32 {
  %r = util.call @f(%x) : (i32) -> i32
  util.return %r : i32
}
"#;
    let report = compare(placed, stream);
    assert!(report.is_proven(), "{}", report.render());
}

#[test]
fn function_that_was_inlined() {
    let placed = PLACED.to_owned();
    let start = STREAM
        .find("util.func private @drafter_0")
        .expect("the drafter");
    let end = STREAM
        .find("util.func private @target_0")
        .expect("the target");
    let gone = format!("{}{}", &STREAM[..start], &STREAM[end..]).replace(
        "util.call @drafter_0(%v, %s) : (!hal.buffer_view, !hal.buffer) -> ()",
        "",
    );
    assert_violation(
        &compare(&placed, &gone),
        "@drafter_0 (drafter) is gone, though it must not be inlined",
    );
}

#[test]
fn call_that_was_removed() {
    caught(
        "util.call @drafter_0(%v, %s) : (!hal.buffer_view, !hal.buffer) -> ()",
        "",
        "of 1 calls to @drafter_0 (drafter), IREE kept 0",
    );
}

#[test]
fn calls_of_branches_that_became_one() {
    let call = "func.call @drafter_0(%v, %s) : (!hal.buffer_view, !hal.buffer) -> ()";
    let choice = |then: &str, otherwise: &str| {
        let chosen = format!(
            "%c = arith.constant true\n %o = util.optimization_barrier %c : i1\n\
             scf.if %o {{\n {then}\n }} else {{\n {otherwise}\n }}"
        );
        compare(&PLACED.replace(call, &chosen), STREAM)
    };
    let twice = format!("{call}\n{call}");
    for report in [choice(call, call), choice(call, ""), choice("", call)] {
        assert!(report.violations.is_empty(), "{:?}", report.violations);
    }
    let removed = "of 2 calls to @drafter_0 (drafter), IREE kept 1";
    assert_violation(&choice(&twice, call), removed);
    assert_violation(&choice(call, &choice_within(call)), removed);
}

/// `call`, and once more in either branch of a conditional.
fn choice_within(call: &str) -> String {
    format!("{call}\n scf.if %o {{\n {call}\n }} else {{\n {call}\n }}")
}

#[test]
fn calls_out_of_order() {
    // What IREE makes of calls beside a wait for scalars, which only one uses.
    let first = "    util.call @drafter_0(%v, %s) : (!hal.buffer_view, !hal.buffer) -> ()\n";
    let second =
        "    %r = util.call @target_0(%s, %t) : (!hal.buffer, !hal.buffer) -> !hal.buffer_view\n";
    caught(
        &format!("{first}{second}"),
        &format!("{second}{first}"),
        "IREE calls @drafter_0 in @main out of the order",
    );
}

#[test]
fn inline_constants() {
    // IREE packs inline constants into one buffer for each device, maps it or
    // reads it from a file, and joins the two ways in a block.
    let placed = r#"
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
"#;
    let stream = r#"
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
  %did_map, %result = stream.resource.try_map on(#hal.device.affinity<@DEVICE>) %buffer_cst[%c0] : !util.buffer -> i1, !stream.resource<constant>{%c16}
  cf.cond_br %did_map, ^bb2(%0, %result : !stream.timepoint, !stream.resource<constant>), ^bb1
^bb1:
  %1 = stream.resource.alloc uninitialized on(#hal.device.affinity<@DEVICE>) : !stream.resource<constant>{%c16}
  %file = stream.file.constant on(#hal.device.affinity<@DEVICE>) %buffer_cst[%c0 for %c16] : !util.buffer{%c16} -> !stream.file
  %2 = stream.file.read on(#hal.device.affinity<@DEVICE>) await(%0) => %file[%c0_i64], %1[%c0], %c16 : !stream.file -> !stream.resource<constant>{%c16} => !stream.timepoint
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
"#;
    let right = compare(placed, &stream.replace("@DEVICE", "@cpu2"));
    assert!(right.is_proven(), "{}", right.render());
    assert_eq!(right.devices[1].constant_bytes, 16);

    let wrong = compare(placed, &stream.replace("@DEVICE", "@cpu"));
    assert_violation(
        &wrong,
        "inline constant drafter.w lies on @cpu, planned on @cpu2",
    );
    assert_violation(&wrong, "reads the global @c, which lies on @cpu");
}

#[test]
fn output_of_another_phase() {
    assert_violation(&compare(PLACED, PLACED), "output of an earlier phase");
}

#[test]
fn quoted_names() {
    let session = iree::session();
    let module = read(
        &session,
        r#"util.global private @w = #flow.parameter.named<"a\22b"::"c\\d"> : tensor<4xf32>
func.func public @main() -> tensor<4xf32> attributes {stream.affinity = #hal.device.promise<@"my gpu">} {
  %w = util.global.load @w : tensor<4xf32>
  return %w : tensor<4xf32>
}"#,
    );
    let expectation = Expectation::from_placed_module(&module);
    let parameter = Parameter {
        scope: "a\"b".to_owned(),
        key: "c\\d".to_owned(),
    };
    assert_eq!(
        expectation.parameters[&parameter],
        ["my gpu".to_owned()].into()
    );
}
