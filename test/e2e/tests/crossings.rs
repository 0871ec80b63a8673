//! Values of every type, from one element to 32,768, crossing between devices
//! by every method: what arrives is what was sent, where the plan says, in
//! straight-line code and round after round of a loop.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use e2e::case::PLATFORM;
use e2e::placed;
use e2e::platform::GPU;
use e2e::process::{self, Finished};
use e2e::tools::{COMPILE_LIMIT, Tools};
use e2e::trials;

#[path = "crossings/values.rs"]
mod values;

use values::{ROUNDS, compare, inputs, module};

/// How many drafts specplace takes the module for: the parts of the drafter
/// that nothing ties together, small ones aside.
const DRAFTS: usize = 6;

/// So many runs in a row may lose the device.
const TRIES: usize = 4;

/// How values cross, and what the platform says to have it so.
struct Way {
    name: &'static str,
    /// What the links allow.
    methods: &'static str,
    /// The one of them that the plan has to name.
    method: &'static str,
    /// What is in OUT, alternatives with a bar between them.
    shows: &'static [&'static str],
    /// What is not.
    hides: &'static [&'static str],
    mappings: &'static [[&'static str; 3]],
}

/// Where drafter, target and control are.
const MAPPINGS: &[[&str; 3]] = &[
    ["cpu2", "cpu", "cpu"],
    ["cpu", "cpu2", "cpu"],
    ["gpu", "cpu", "cpu"],
    ["cpu", "gpu", "cpu"],
    ["gpu", "cpu2", "cpu"],
    ["cpu", "cpu", "gpu"],
];

/// Mappings without a device of another driver.
const CPUS: &[[&str; 3]] = &[
    ["cpu2", "cpu", "cpu"],
    ["cpu", "cpu2", "cpu"],
    ["cpu2", "cpu3", "cpu"],
];

const WAYS: &[Way] = &[
    Way {
        name: "through shared buffers",
        methods: "[shared-buffer, mapped-copy]",
        method: "shared-buffer",
        shows: &["@control_copy_", "hal.tensor.alias"],
        hides: &[
            "@specplace.copy_",
            "tensor.from_elements",
            "flow.tensor.transfer",
        ],
        mappings: MAPPINGS,
    },
    Way {
        name: "copied by devices",
        methods: "[mapped-copy]",
        method: "mapped-copy",
        shows: &[
            "@control_copy_",
            "@drafter_copy_|@target_copy_",
            "hal.tensor.alias",
        ],
        hides: &[
            "@specplace.copy_",
            "tensor.from_elements",
            "flow.tensor.transfer",
        ],
        mappings: MAPPINGS,
    },
    Way {
        name: "copied by the host",
        methods: "[host-copy]",
        method: "host-copy",
        shows: &["@specplace.copy_"],
        hides: &["tensor.from_elements", "flow.tensor.transfer"],
        mappings: MAPPINGS,
    },
    Way {
        name: "as scalars where it can",
        methods: "[host-scalars, mapped-copy]",
        method: "host-scalars",
        shows: &["tensor.from_elements", "tensor.extract", "_copy_0"],
        hides: &["@specplace.copy_", "flow.tensor.transfer"],
        mappings: MAPPINGS,
    },
    Way {
        name: "transferred by IREE where it can",
        methods: "[transfer, mapped-copy]",
        method: "transfer",
        shows: &["flow.tensor.transfer"],
        hides: &["@specplace.copy_", "tensor.from_elements"],
        mappings: CPUS,
    },
];

/// What a test does.
type Check = Box<dyn Fn(&Tools) -> Result<()> + Send>;

fn main() -> ExitCode {
    trials::run(|_| list())
}

fn list() -> Result<Vec<Trial>> {
    let tools = Arc::new(Tools::find()?);
    let mut trials = Vec::new();
    let mut add = |name: String, check: Check| trials.push(trials::trial(name, &tools, check));
    for way in WAYS {
        for mapping in way.mappings {
            let name = format!("{} {}", mapping.join(","), way.name);
            add(name, Box::new(move |tools| crosses(tools, mapping, way)));
        }
    }
    for [drafter, target, control] in [
        &["cpu2", "cpu", "cpu"],
        &["cpu2", "cpu2", "cpu"],
        &["gpu", "cpu", "cpu"],
        &["cpu", "cpu", "cpu"],
    ] {
        let name = format!("{drafter},{target},{control} keeps what is passed on in another shape");
        let mapping = [*drafter, *target, *control];
        add(name, Box::new(move |tools| keeps(tools, &mapping)));
    }
    for owner in ["cpu", "cpu2"] {
        let name = format!("{owner} owns the buffers between two CPU devices");
        add(name, Box::new(move |tools| owns(tools, owner)));
    }
    let name = "Vulkan uses no buffer that a CPU device owns";
    add(name.to_owned(), Box::new(vulkan_uses_its_own));
    let name = "Vulkan transfers from no other device";
    add(name.to_owned(), Box::new(vulkan_does_not_transfer));
    let name = "a transfer at the writing end leaves the device open";
    add(name.to_owned(), Box::new(transfers_only_at_readers));
    let name = "scalars that the caller reads itself disorder its calls";
    add(name.to_owned(), Box::new(scalars_are_read_by_functions));
    Ok(trials)
}

/// A folder with a module that is placed as wanted.
struct Placed<'a> {
    tools: &'a Tools,
    scratch: tempfile::TempDir,
    pins: String,
}

impl<'a> Placed<'a> {
    /// Places `module` on the platform, its lines changed by `edit`.
    fn new(
        tools: &'a Tools,
        module: &str,
        drafts: usize,
        [drafter, target, control]: &[&str; 3],
        edit: impl Fn(&str) -> String,
    ) -> Result<Self> {
        let placed = Self {
            tools,
            scratch: tempfile::tempdir()?,
            pins: format!("drafter={drafter},target={target},control={control}"),
        };
        fs::write(placed.path().join("in.mlir"), module)?;
        let platform: Vec<String> = fs::read_to_string(tools.root.join(PLATFORM))?
            .lines()
            // Control turns bytes into bits and back, on Vulkan too.
            .map(|line| {
                edit(&line.replace(
                    "[f32, index, i64, i32, i1]",
                    "[f32, index, i64, i32, i8, i1]",
                ))
            })
            .collect();
        fs::write(placed.path().join("platform.yaml"), platform.join("\n"))?;
        let words = format!(
            "in.mlir -o out.mlir --alpha 0.9 --gamma {drafts} --platform platform.yaml \
             --pin {} --plan-out plan.json",
            placed.pins
        );
        placed.run(&tools.specplace, &words)?.success()?;
        Ok(placed)
    }

    fn path(&self) -> &Path {
        self.scratch.path()
    }

    fn run(&self, program: &Path, words: &str) -> Result<Finished> {
        process::run(program, &process::words(words), self.path(), COMPILE_LIMIT)
    }

    fn out(&self) -> Result<String> {
        Ok(fs::read_to_string(self.path().join("out.mlir"))?)
    }

    /// The methods that the plan names.
    fn planned(&self) -> Result<BTreeSet<String>> {
        let plan = fs::read_to_string(self.path().join("plan.json"))?;
        let plan: serde_json::Value = serde_json::from_str(&plan)?;
        let crossings = plan["crossings"].as_array().context("no crossings")?;
        let methods = crossings.iter().filter_map(|each| each["method"].as_str());
        Ok(methods.map(str::to_owned).collect())
    }

    /// Proves the placement and compiles it.
    fn compile(&self) -> Result<()> {
        placed::prove(self.tools, self.path(), &self.pins)?;
        placed::compile(self.tools, self.path())?;
        Ok(())
    }

    /// Calls a function, with CPU devices of this kind.
    fn call(&self, function: &str, cpu: &str, inputs: &[String]) -> Result<Finished> {
        let flags = fs::read_to_string(self.path().join("out.run.flags"))?;
        fs::write(
            self.path().join("run.flags"),
            flags.replace("local-task", cpu),
        )?;
        let mut arguments: Vec<OsString> = ["--flagfile=run.flags", "--module=out.vmfb"]
            .map(OsString::from)
            .to_vec();
        arguments.push(format!("--function={function}").into());
        arguments.extend(inputs.iter().map(OsString::from));
        // Tests put a GPU where none was pinned, too.
        placed::run(self.tools, &arguments, self.path(), &[GPU], TRIES, &mut 0)
    }
}

fn crosses(tools: &Tools, mapping: &[&str; 3], way: &Way) -> Result<()> {
    let placed = Placed::new(tools, &module(), DRAFTS, mapping, |line| {
        if line.contains("mappable_by") && !(way.mappings == CPUS && is_mixed(line)) {
            format!("{line}\n    methods: {}", way.methods)
        } else if line.contains("dispatch_overhead") {
            format!("{line}\n    read_back: 1 us")
        } else {
            line.to_owned()
        }
    })?;
    let planned = placed.planned()?;
    ensure!(
        planned.contains(way.method) && planned.iter().all(|each| way.methods.contains(each)),
        "the plan has {planned:?}"
    );
    let out = placed.out()?;
    for text in way.shows {
        let mut texts = text.split('|');
        ensure!(texts.any(|each| out.contains(each)), "OUT has no {text}");
    }
    for text in way.hides {
        ensure!(!out.contains(text), "OUT has {text}");
    }
    placed.compile()?;
    for function in ["cross", "turn"] {
        for cpu in ["local-task", "local-sync"] {
            let mut inputs = inputs();
            if function == "turn" {
                inputs.push(format!("--input=i64={ROUNDS}"));
            }
            let printed = placed.call(function, cpu, &inputs)?.success()?.stdout;
            compare(function, &printed).with_context(|| format!("@{function} on {cpu}"))?;
        }
    }
    Ok(())
}

/// Whether a link is one between a CPU device and the GPU: only the CPU maps.
fn is_mixed(line: &str) -> bool {
    !line.contains(',')
}

/// One value that goes to the drafter and on to the target.
const ONE: &str = "func.func @one(%x: tensor<8x4xi64>) -> tensor<8x4xi64> {
  %a = flow.tensor.transfer %x : tensor<8x4xi64> to #hal.device.promise<@drafter>
  %b = arith.addi %a, %a : tensor<8x4xi64>
  %c = flow.tensor.transfer %b : tensor<8x4xi64> to #hal.device.promise<@target>
  %d = arith.addi %c, %c : tensor<8x4xi64>
  return %d : tensor<8x4xi64>
}
";

const ONE_INPUT: &str = "--input=8x4xi64=1";

/// A loop over drafts, of which it remembers the last in another shape: IREE
/// copies nothing for that, so that it lies where the draft does. It is read
/// after the next draft has been made.
const HISTORY: &str = "
func.func @history(%t: tensor<4xi64>, %n: index) -> (tensor<4xi64>, tensor<1x4xi64>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %start = arith.constant dense<0> : tensor<1x4xi64>
  %r:3 = scf.for %i = %zero to %n step %one iter_args(%now = %t, %last = %start, %sum = %start)
      -> (tensor<4xi64>, tensor<1x4xi64>, tensor<1x4xi64>) {
    %p = flow.tensor.transfer %now : tensor<4xi64> to #hal.device.promise<@drafter>
    %d = arith.addi %p, %p : tensor<4xi64>
    %c = flow.tensor.transfer %d : tensor<4xi64> to #hal.device.promise<@control>
    %e = tensor.expand_shape %c [[0, 1]] output_shape [1, 4] : tensor<4xi64> into tensor<1x4xi64>
    %both = arith.muli %last, %e : tensor<1x4xi64>
    %twice = arith.addi %sum, %sum : tensor<1x4xi64>
    %next = arith.addi %twice, %both : tensor<1x4xi64>
    %k = arith.addi %c, %now : tensor<4xi64>
    scf.yield %k, %e, %next : tensor<4xi64>, tensor<1x4xi64>, tensor<1x4xi64>
  }
  %x = flow.tensor.transfer %r#0 : tensor<4xi64> to #hal.device.promise<@target>
  %y = arith.muli %x, %x : tensor<4xi64>
  return %y, %r#2 : tensor<4xi64>, tensor<1x4xi64>
}
";

fn keeps(tools: &Tools, mapping: &[&str; 3]) -> Result<()> {
    let rounds = 5;
    let (mut now, mut last, mut sum) = (1, 0, 0);
    for _ in 0..rounds {
        let draft = 2 * now;
        sum = 2 * sum + last * draft;
        (last, now) = (draft, now + draft);
    }
    let square = now * now;
    let placed = Placed::new(tools, HISTORY, 1, mapping, str::to_owned)?;
    placed.compile()?;
    for cpu in ["local-task", "local-sync"] {
        let inputs = ["--input=4xi64=1".to_owned(), format!("--input={rounds}")];
        let printed = placed.call("history", cpu, &inputs)?.success()?.stdout;
        for wanted in [
            format!("4xi64={square} {square} {square} {square}"),
            format!("1x4xi64=[{sum} {sum} {sum} {sum}]"),
        ] {
            ensure!(
                printed.contains(&wanted),
                "no {wanted} on {cpu}:\n{printed}"
            );
        }
    }
    Ok(())
}

/// Either of two CPU devices can own what passes between them.
fn owns(tools: &Tools, owner: &str) -> Result<()> {
    let between = "between: [cpu, cpu2]";
    let placed = Placed::new(tools, ONE, 1, &["cpu2", "cpu", "cpu"], |line| {
        line.replace(between, &format!("{between}\n    owner: {owner}"))
    })?;
    let out = placed.out()?;
    for device in ["cpu", "cpu2"] {
        let allocates = out.contains(&format!("@specplace.allocate_{device}("));
        ensure!(
            allocates == (device == owner),
            "@{device} allocates: {allocates}"
        );
    }
    placed.compile()?;
    for cpu in ["local-task", "local-sync"] {
        let finished = placed
            .call("one", cpu, &[ONE_INPUT.to_owned()])?
            .success()?;
        ensure!(finished.stdout.contains("[4 4 4 4]"), "{}", finished.stdout);
    }
    Ok(())
}

/// Why a link between a CPU and a GPU has `mappable_by: [cpu]`: were the GPU
/// said to map the CPU's memory, the module would not run.
fn vulkan_uses_its_own(tools: &Tools) -> Result<()> {
    let placed = Placed::new(tools, ONE, 1, &["gpu", "cpu", "cpu"], |line| {
        line.replace(
            "mappable_by: [cpu]",
            "mappable_by: [cpu, gpu]\n    owner: cpu",
        )
    })?;
    placed.compile()?;
    fails(&placed.call("one", "local-task", &[ONE_INPUT.to_owned()])?)
}

/// What Vulkan says of buffers that are not its own.
fn fails(finished: &Finished) -> Result<()> {
    ensure!(!finished.status.success(), "it runs: {}", finished.stdout);
    ensure!(
        finished.stderr.contains("not backed by the Vulkan HAL"),
        "it fails for another reason:\n{}",
        finished.stderr
    );
    Ok(())
}

/// OUT of [`ONE`] on `cpu` and `cpu2`, as [`Way`]s that transfer have it.
fn transferring(tools: &Tools) -> Result<Placed<'_>> {
    Placed::new(tools, ONE, 1, &["cpu2", "cpu", "cpu"], |line| {
        line.replace(
            "mappable_by: [cpu, cpu2]",
            "mappable_by: [cpu, cpu2]\n    methods: [transfer]",
        )
    })
}

/// Why `transfer` is refused between a CPU and a GPU: with the GPU for the
/// second CPU device it compiles, and does not run.
fn vulkan_does_not_transfer(tools: &Tools) -> Result<()> {
    let placed = transferring(tools)?;
    let moved = placed.out()?.replace("\"local\"[1]", "\"vulkan\"");
    ensure!(moved.contains("vulkan"), "there is no second CPU device");
    fs::write(placed.path().join("out.mlir"), moved)?;
    placed
        .run(&tools.iree_compile, "out.mlir @out.flags -o out.vmfb")?
        .success()?;
    let flags = placed.path().join("out.run.flags");
    let devices = fs::read_to_string(&flags)?;
    let at = devices.rfind("local-task").context("no second device")?;
    fs::write(
        &flags,
        format!("{}vulkan{}", &devices[..at], &devices[at + 10..]),
    )?;
    fails(&placed.call("one", "local-task", &[ONE_INPUT.to_owned()])?)
}

/// Why only what one device makes is transferred: a function that transfers
/// its result to its reader's device leaves the choice of device to IREE.
fn transfers_only_at_readers(tools: &Tools) -> Result<()> {
    let placed = transferring(tools)?;
    placed.compile()?;
    let finished = placed.call("one", "local-task", &[ONE_INPUT.to_owned()])?;
    let printed = finished.success()?.stdout;
    ensure!(printed.contains("[4 4 4 4]"), "{printed}");
    let here = "hal.tensor.export on(#hal.device.affinity<@cpu2>) ";
    let mut edited = Vec::new();
    let mut changed = 0;
    for line in placed.out()?.lines() {
        let Some((before, value)) = line.split_once(here) else {
            edited.push(line.to_owned());
            continue;
        };
        let (value, types) = value.split_once(" : ").context("no type")?;
        let tensor = types.split(" -> ").next().unwrap_or_default();
        edited.push(format!(
            "%moved = flow.tensor.transfer {value} : {tensor} to #hal.device.affinity<@cpu>"
        ));
        edited.push(format!(
            "{before}hal.tensor.export on(#hal.device.affinity<@cpu>) %moved : {types}"
        ));
        changed += 1;
    }
    ensure!(changed == 1, "{changed} results leave the drafter");
    fs::write(placed.path().join("out.mlir"), edited.join("\n"))?;
    let finished = placed.run(&tools.specplace, "verify-placement out.mlir --with-iree")?;
    ensure!(!finished.status.success(), "the placement is proven");
    ensure!(
        finished
            .stderr
            .contains("leaves the choice of device to IREE")
            || finished
                .stdout
                .contains("leaves the choice of device to IREE"),
        "it fails for another reason:\n{}{}",
        finished.stdout,
        finished.stderr
    );
    Ok(())
}

/// Why scalars are read back in functions of their own: inlined, IREE calls the
/// target before what the drafter writes for it.
fn scalars_are_read_by_functions(tools: &Tools) -> Result<()> {
    let module = "func.func @many(%x: tensor<17xi32>) -> tensor<34xi32> {
  %a = tensor.concat dim(0) %x, %x {specplace.role = \"drafter\"} : (tensor<17xi32>, tensor<17xi32>) -> tensor<34xi32>
  %b = arith.addi %a, %a {specplace.role = \"target\"} : tensor<34xi32>
  return %b : tensor<34xi32>
}
";
    let placed = Placed::new(tools, module, 1, &["cpu2", "cpu", "cpu"], |line| {
        if line.contains("dispatch_overhead") {
            return format!("{line}\n    read_back: 1 us");
        }
        line.replace(
            "mappable_by: [cpu, cpu2]",
            "mappable_by: [cpu, cpu2]\n    methods: [host-scalars, mapped-copy]",
        )
    })?;
    placed.compile()?;
    let finished = placed.call("many", "local-task", &["--input=17xi32=1".to_owned()])?;
    let printed = finished.success()?.stdout;
    ensure!(printed.contains("34xi32=2 2 2"), "{printed}");
    let out = placed.out()?;
    let reader = out
        .lines()
        .find(|line| line.contains("func.func private @control_read_0("))
        .context("nobody reads scalars")?;
    let inlined = out.replace(reader, &reader.replace("noinline, ", ""));
    ensure!(inlined != out, "the reader may be inlined anyway");
    fs::write(placed.path().join("out.mlir"), inlined)?;
    let finished = placed.run(&tools.specplace, "verify-placement out.mlir --with-iree")?;
    ensure!(!finished.status.success(), "the placement is proven");
    ensure!(
        format!("{}{}", finished.stdout, finished.stderr).contains("in @many out of the order"),
        "it fails for another reason:\n{}{}",
        finished.stdout,
        finished.stderr
    );
    Ok(())
}
