//! The faults of IREE that OUT is guarded against, and how to take each guard
//! away.

use crate::modules::*;

/// A fault of IREE, and what keeps OUT from it.
pub struct Guard {
    pub name: &'static str,
    pub module: Module,
    pub pins: &'static str,
    /// Takes the guard out of OUT, or out of the flags.
    pub remove: fn(&str) -> String,
    pub shows: Shows,
}

/// What is placed.
pub enum Module {
    /// `examples/pair/generate_symbolic.mlir`, at γ = 4.
    Example,
    /// The text of a module.
    Text {
        text: &'static str,
        gamma: &'static str,
        /// The function to run, and its inputs.
        call: &'static [&'static str],
        /// By which methods values may cross, if not by those of the platform.
        methods: Option<&'static str>,
    },
    /// The text of a module that has functions of its own for subgraphs.
    Outlined(&'static str),
}

impl Module {
    const fn text(text: &'static str, call: &'static [&'static str]) -> Self {
        Self::Text {
            text,
            gamma: "1",
            call,
            methods: None,
        }
    }
}

/// How the loss of a guard shows.
pub enum Shows {
    /// `verify-placement` says this, of its own or as iree-compile's message.
    InProof(&'static str),
    /// The module does not load or run, with this message.
    AtRun(&'static str),
    /// A run does not end, or ends with another result.
    InResult,
}

/// Every line of `text` changed by `edit`; a line that becomes empty goes.
fn lines(text: &str, edit: impl FnMut(&str) -> String) -> String {
    let edited: Vec<String> = text.lines().map(edit).collect();
    let left = edited.iter().filter(|line| !line.is_empty());
    left.map(|line| format!("{line}\n")).collect()
}

/// `text` without the lines that contain one of `parts`.
fn without(text: &str, parts: &[&str]) -> String {
    lines(text, |line| {
        let goes = parts.iter().any(|part| line.contains(part));
        if goes { String::new() } else { line.to_owned() }
    })
}

/// What comes after `before` in a line, up to a character that ends a name.
fn name_after<'t>(line: &'t str, before: &str) -> Option<&'t str> {
    let (_, rest) = line.split_once(before)?;
    rest.split([' ', ',', ')', ':']).next()
}

/// Lets IREE see through the barriers that `goes` chooses, by the line in front
/// of them, their own, and the next: a region that yields what it is given, which
/// IREE folds, comes in place of each.
fn see_through(text: &str, goes: impl Fn(&str, &str, &str) -> bool) -> String {
    let mut before = "";
    let mut left = String::new();
    let mut all = text.lines().peekable();
    while let Some(line) = all.next() {
        let after = all.peek().copied().unwrap_or_default();
        let barrier = line.split_once(" = util.optimization_barrier ");
        let barrier = barrier.and_then(|(names, of)| Some((names, of.split_once(" : ")?)));
        left.push_str(&match barrier {
            Some((names, (values, types))) if goes(before, line, after) => format!(
                "{names} = scf.execute_region -> ({types}) {{\n\
                 scf.yield {values} : {types}\n}}"
            ),
            _ => line.to_owned(),
        });
        left.push('\n');
        before = line;
    }
    left
}

/// Lets IREE see what calls are given.
fn see_through_to_calls(text: &str) -> String {
    see_through(text, |_, _, after| after.contains("call @"))
}

/// Hands on a view itself, where OUT has another view of the same buffer in its
/// place, in the lines with `branch`.
fn hand_on_itself(text: &str, branch: &str) -> String {
    let buffer = text.split_once("hal.buffer_view.buffer<");
    let view = buffer.and_then(|(_, rest)| rest.split(' ').next());
    let other = buffer
        .and_then(|(_, rest)| rest.split_once("= hal.buffer_view.create"))
        .and_then(|(before, _)| before.split_whitespace().last());
    let (Some(view), Some(other)) = (view, other) else {
        return text.to_owned();
    };
    lines(text, |line| match line.contains(branch) {
        true => line.replace(other, view),
        false => line.to_owned(),
    })
}

pub const GUARDS: &[Guard] = &[
    Guard {
        // MaterializeTargetDevices merges devices of one specification.
        name: "ordinals keep two devices of one kind apart",
        module: Module::Example,
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| {
            lines(text, |line| match line.contains("hal.device.alias") {
                true => line.replace("[1]", "[0]"),
                false => line.to_owned(),
            })
        },
        shows: Shows::InProof("device"),
    },
    Guard {
        // The inliner moves the body to where the call is, on its device.
        name: "noinline keeps a subgraph on its device",
        module: Module::Example,
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| {
            lines(text, |line| {
                match line.contains("func.func private @drafter_") {
                    true => line.replace("noinline, ", ""),
                    false => line.to_owned(),
                }
            })
        },
        shows: Shows::InProof("@drafter_0"),
    },
    Guard {
        // ElideAsyncCopies drops the copy that protects an imported buffer.
        name: "a later use keeps imported buffers intact",
        module: Module::Example,
        pins: "drafter=cpu,target=cpu,control=cpu",
        remove: |text| {
            lines(text, |line| {
                let keeps = line.contains("util.optimization_barrier") && line.contains("tensor<");
                if keeps {
                    String::new()
                } else {
                    line.to_owned()
                }
            })
        },
        shows: Shows::InProof("borrowed"),
    },
    Guard {
        // A write that nothing waits for is dead, and its call with it.
        name: "the wait keeps the write of a crossing",
        module: Module::Example,
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| {
            without(
                text,
                &[
                    "hal.fence.create",
                    "hal.tensor.barrier",
                    "hal.fence.await",
                    "util.status.check_ok",
                ],
            )
        },
        shows: Shows::InProof("@drafter_0"),
    },
    Guard {
        // LinkExecutables keeps one device's variant of a shared executable.
        name: "executables of unlike devices are not linked",
        module: Module::Text {
            text: IN_COMMON,
            gamma: "2",
            call: &["--function=twice", "--input=8x4xi64=1", "--input=6xi64=1"],
            methods: None,
        },
        pins: "drafter=gpu,target=cpu,control=cpu",
        remove: |text| without(text, &["link-executables"]),
        shows: Shows::AtRun("variant"),
    },
    Guard {
        // IPO drops an argument that the last call passes twice, in all calls.
        name: "a barrier keeps an argument that one call passes twice",
        module: Module::Outlined(TWICE),
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: see_through_to_calls,
        shows: Shows::InProof("passes 1 arguments and yields 1 results; emitted were 2 and 1"),
    },
    Guard {
        // A marker hid from MLIR, but not from IREE, that the loop hands on
        // what it was given.
        name: "a barrier keeps arguments that turn out to be equal",
        module: Module::text(UNCHANGED, &[]),
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: see_through_to_calls,
        shows: Shows::InProof("passes 2 arguments and yields 0 results; emitted were 3 and 0"),
    },
    Guard {
        // Where the caller itself waits for what it read, a call that uses that
        // moves behind one that reads what it writes.
        name: "elements are read by functions of their own",
        module: Module::text(CHOSEN, &[]),
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| {
            let bare = see_through_to_calls(text);
            // The barrier behind a call, and what is there instead.
            let mut read = ("nothing yet".to_owned(), String::new());
            lines(&bare, |line| {
                let call = line.split_once(" = call @control_extract_0(");
                let arguments = call.and_then(|(_, call)| call.split_once(')'));
                if let (Some((name, _)), Some((view, at))) =
                    (call, arguments.and_then(|(all, _)| all.split_once(", ")))
                {
                    let name = name.trim();
                    let tensor = name.replace('%', "%read_");
                    read = (
                        format!("util.optimization_barrier {name} : i64"),
                        format!("tensor.extract {tensor}[{at}] : tensor<4xi64>"),
                    );
                    return format!(
                        "{tensor} = hal.tensor.import on(#hal.device.affinity<@cpu>) {view} : \
                         !hal.buffer_view -> tensor<4xi64>"
                    );
                }
                line.replace(&read.0, &read.1)
            })
        },
        shows: Shows::InProof("in @chosen out of the order in which calls are written"),
    },
    Guard {
        // IPO drops a result that nobody reads.
        name: "a barrier keeps results that turn out to be unused",
        module: Module::text(UNREAD, &[]),
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| see_through(text, |before, _, _| before.contains("call @drafter_0(")),
        shows: Shows::InProof("passes 1 arguments and yields 0 results; emitted were 1 and 1"),
    },
    Guard {
        // IREE finds two elements to be one, and with it a branch dead.
        name: "a barrier keeps calls where a condition turns out to be known",
        module: Module::text(CHOSEN_AGAIN, &[]),
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| see_through(text, |_, line, _| line.ends_with(" : i1")),
        shows: Shows::InProof("@drafter_0 (drafter) is gone"),
    },
    Guard {
        // IREE knows no device of what is behind a barrier, if nothing computes
        // there.
        name: "a barrier names the device of what is made of scalars",
        module: Module::Text {
            text: RESHAPED,
            gamma: "2",
            call: &[],
            methods: Some("[host-scalars, mapped-copy]"),
        },
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| {
            lines(text, |line| {
                let line = line.replace("flow.tensor.barrier", "util.optimization_barrier");
                let (bare, _) = line.split_once(" on #").unwrap_or((&line, ""));
                if line.contains("%from_elements") {
                    bare.to_owned()
                } else {
                    line
                }
            })
        },
        shows: Shows::InProof("is on no device"),
    },
    Guard {
        // IPO replaces two equal results that are an argument, and loses one.
        name: "a barrier keeps results that are equal",
        module: Module::Text {
            text: SAME_NUMBERS,
            gamma: "1",
            call: &[],
            methods: Some("[host-scalars, mapped-copy]"),
        },
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| see_through(text, |_, _, after| after.contains("return ")),
        shows: Shows::InProof("operand is unlinked"),
    },
    Guard {
        // What an alias results in may be a copy of IREE's own, on the device
        // that wrote: a buffer that Vulkan does not use.
        name: "the buffer that was written is read, not what an alias results in",
        module: Module::text(HAND_OVER, &["--function=hand_over", "--input=4xi64=3"]),
        pins: "drafter=cpu,target=gpu,control=cpu",
        remove: |text| {
            let mut inside = false;
            lines(text, |line| {
                inside |= line.contains("func.func private @drafter_0");
                if line.contains("func.func private @drafter_0") {
                    return line.replace(") attributes", ") -> !hal.buffer_view attributes");
                }
                if line.contains("call @drafter_0(") {
                    let call = line.trim().replace("-> ()", "-> !hal.buffer_view");
                    return format!("%exported = {call}");
                }
                if let Some(read) = name_after(line, "call @target_0(") {
                    return line.replacen(read, "%exported", 1);
                }
                if inside && line.contains("hal.tensor.alias") {
                    let written = name_after(line.trim(), "").unwrap_or_default();
                    return format!(
                        "{line}\n%exported = hal.tensor.export on(#hal.device.affinity<@cpu>) \
                         {written} : tensor<4xi64> -> !hal.buffer_view"
                    );
                }
                if inside && line.trim() == "return" {
                    inside = false;
                    return "return %exported : !hal.buffer_view".to_owned();
                }
                line.to_owned()
            })
        },
        shows: Shows::AtRun("buffer is not backed by the Vulkan HAL"),
    },
    Guard {
        // A parameter that functions on two devices read is on either of them.
        name: "a weight of two devices is one of each",
        module: Module::text(SHARED_WEIGHT, &[]),
        pins: "drafter=gpu,target=cpu,control=cpu",
        remove: |text| text.replace("util.global.load @w$gpu", "util.global.load @w"),
        shows: Shows::InProof("leaves the choice of device to IREE"),
    },
    Guard {
        // Functions go where a weight is that they read, whatever they say; and
        // if nothing else names its device, iree-compile fails in the end
        // (MaterializeInterfaces: "undefined global").
        name: "a weight is on the device of its readers",
        module: Module::text(SHARED_WEIGHT, &[]),
        pins: "drafter=cpu,target=cpu,control=cpu",
        remove: |text| {
            lines(text, |line| {
                if line.contains("util.global private @cpu =") {
                    let second = line.replace("@cpu ", "@cpu2 ").replace("[0]", "[1]");
                    format!("{line}\n{second}")
                } else if line.contains("util.global private @w ") {
                    line.replace("@cpu>", "@cpu2>")
                } else {
                    line.to_owned()
                }
            })
        },
        shows: Shows::InProof("is on @cpu2, planned on @cpu"),
    },
    Guard {
        // The VM's register allocator lets a branch overwrite an i64 by an i1
        // before it has copied it.
        name: "a loop carries integers of one width",
        module: Module::text(
            COUNTS,
            &["--function=count", "--input=4xi64=1", "--input=5"],
        ),
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| {
            lines(text, |line| {
                let widened = ["arith.extui ", "arith.trunci "]
                    .iter()
                    .find_map(|name| line.split_once(name));
                if let Some((result, operand)) = widened {
                    let bit = operand.split(' ').next().unwrap_or_default();
                    return format!("{result}arith.ori {bit}, {bit} : i1");
                }
                match line.contains("scf.while") || line.contains("scf.yield") {
                    true => line.replacen("i64, i64, i64, i64, ", "i64, i64, i64, i1, ", 1),
                    false => line.to_owned(),
                }
            })
        },
        shows: Shows::InResult,
    },
    Guard {
        // The VM moves a reference into the first of the values that it
        // becomes where a branch hands it on twice.
        name: "a view that a branch hands on twice is two views",
        module: Module::text(
            STARTS_ALIKE,
            &["--function=carry", "--input=4xi64=1", "--input=3"],
        ),
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| hand_on_itself(text, "scf.for"),
        shows: Shows::AtRun("ref is null"),
    },
    Guard {
        // The VM gives what a conditional results in the register of what it
        // yields, and empties that at the last use of either.
        name: "a conditional yields another view of what comes from outside",
        module: Module::text(CHOOSES, &["--function=choose", "--input=4xi64=1"]),
        pins: "drafter=cpu,target=cpu,control=cpu",
        remove: |text| hand_on_itself(text, "scf.yield"),
        shows: Shows::AtRun("ref is null"),
    },
    Guard {
        // IPO loses one of two equal results that are an argument.
        name: "an argument is returned twice from behind a barrier",
        module: Module::text(RETURNS_TWICE, &[]),
        pins: "drafter=cpu,target=cpu,control=cpu",
        remove: |text| see_through(text, |_, line, _| line.ends_with(" : tensor<4xi64>")),
        shows: Shows::InProof("operand is unlinked"),
    },
    Guard {
        // ElideAsyncCopies lets a sort overwrite an iota that another one reads.
        name: "a sort overwrites a copy of its own",
        module: Module::text(
            SORTS_SHARE_AN_IOTA,
            &["--function=sort_twice", "--input=1x8xi64=3,1,2,9,5,4,8,7"],
        ),
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| see_through(text, |_, line, _| line.ends_with(" : i1")),
        shows: Shows::InResult,
    },
    Guard {
        // HoistIntoGlobals keeps what is computed of weights, if that is at most
        // 1 MiB larger than they are.
        name: "a bound for what is computed ahead keeps weights from being widened",
        module: Module::text(WIDENED_WEIGHT, &[]),
        pins: "drafter=cpu2,target=cpu,control=cpu",
        remove: |text| without(text, &["max-size-increase-threshold"]),
        shows: Shows::InProof("that it computes of weights when the module is loaded"),
    },
    Guard {
        // A sum and the zero that it begins with are handed out to threads in the
        // order of the loops of each, with no barrier between them.
        name: "loops in the order of the result keep a sum with its zero",
        module: Module::text(
            DEPTHWISE,
            &[
                "--function=convolve",
                "--input=1x80x43xf32=1",
                "--input=80x4xf32=1",
            ],
        ),
        pins: "drafter=gpu,target=cpu,control=cpu",
        remove: |text| {
            let loops = "affine_map<(d0, d1, d2, d3) -> ";
            [
                ("(d0, d1, d2 + d3)>", "(d0, d2, d1 + d3)>"),
                ("(d1, d3)>", "(d2, d3)>"),
                ("(d0, d1, d2)>", "(d0, d2, d1)>"),
            ]
            .iter()
            .fold(text.to_owned(), |text, (ordered, as_written)| {
                text.replace(
                    &format!("{loops}{ordered}"),
                    &format!("{loops}{as_written}"),
                )
            })
        },
        shows: Shows::InResult,
    },
];
