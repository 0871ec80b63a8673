//! Weights that initializers make of other weights: each device makes those that it
//! reads, the placement is proven, and the values are those of plain IREE.

use std::fs;

use anyhow::{Context, Result, ensure};
use e2e::process;
use e2e::tools::{COMPILE_LIMIT, Tools};

const CPUS: &str = "--platform two-cpus --pin drafter=cpu2,target=cpu";
const DRAFTER_ON_GPU: &str = "--platform reference --pin drafter=gpu,target=cpu";
const TARGET_ON_GPU: &str = "--platform reference --pin drafter=cpu,target=gpu";

/// Parameters that each variant declares, and one of the archive under a name that
/// tells nothing.
const PARAMETERS: &str = r#"
util.global private @drafter.own = #flow.parameter.named<"model"::"drafter.table"> : tensor<32x32xf32>
util.global private @scale = #flow.parameter.named<"model"::"target.scale"> : tensor<32x1xf32>
util.global private @matrix = #flow.parameter.named<"model"::"target.mix"> : tensor<32x32xf32>
"#;

/// `%made`, the rows of `%matrix` scaled.
const MADE: &str = "
  %matrix = util.global.load @matrix : tensor<32x32xf32>
  %scale = util.global.load @scale : tensor<32x1xf32>
  %empty = tensor.empty() : tensor<32x32xf32>
  %made = linalg.generic {indexing_maps = [affine_map<(a,b)->(a,b)>, affine_map<(a,b)->(a,0)>, affine_map<(a,b)->(a,b)>], iterator_types = [\"parallel\",\"parallel\"]} ins(%matrix, %scale : tensor<32x32xf32>, tensor<32x1xf32>) outs(%empty : tensor<32x32xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %x = arith.mulf %a, %b : f32
    linalg.yield %x : f32
  } -> tensor<32x32xf32>
";

/// A module of two models, whose tables are what `tables` says, and which declares
/// `globals`. The models and their loop are those of the case in test/data.
fn module(tools: &Tools, globals: &str, tables: [&str; 2]) -> Result<String> {
    let case = fs::read_to_string(tools.root.join("test/data/cases/initializer.mlir"))?;
    let begin = case
        .find("util.global private @target.mix")
        .context("the case has another form")?;
    let [drafter, target] = tables;
    let models = case[begin..]
        .replace("load @drafter.table", &format!("load @{drafter}"))
        .replace("load @target.table", &format!("load @{target}"));
    Ok(format!("{PARAMETERS}{globals}{models}"))
}

/// Both proofs of `text`, placed as each of `decisions` says.
fn proven(tools: &Tools, text: &str, decisions: &[&str]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("in.mlir"), text)?;
    let specplace = |words: &str| {
        let words = process::words(words);
        process::run(&tools.specplace, &words, folder.path(), COMPILE_LIMIT)?.success()
    };
    let weights = tools.root.join("test/data/cases/initializer.irpa");
    for decision in decisions {
        specplace(&format!("in.mlir -o out.mlir --alpha 0.7 -q {decision}"))?;
        let words = format!(
            "verify out.mlir --runs 2 --parameters model={}",
            weights.display()
        );
        let said = specplace(&words)?.stderr;
        for part in ["placement proven", "values proven", "2 of 2 runs"] {
            ensure!(said.contains(part), "{decision}: no '{part}':\n{said}");
        }
    }
    Ok(())
}

/// An initializer that stores what `body` makes.
fn initializer(body: &str) -> String {
    format!("util.initializer {{{body}  util.return\n}}\n")
}

fn store(value: &str, global: &str) -> String {
    format!("  util.global.store %{value}, @{global} : tensor<32x32xf32>\n")
}

fn declared(global: &str) -> String {
    format!("util.global private @{global} : tensor<32x32xf32>\n")
}

#[test]
fn a_table_that_is_dequantised() -> Result<()> {
    let tools = Tools::find()?;
    let case = fs::read_to_string(tools.root.join("test/data/cases/initializer.mlir"))?;
    // On Vulkan's default target IREE computes i8 wrongly, and so it is refused there.
    proven(&tools, &case, &[CPUS, DRAFTER_ON_GPU])
}

#[test]
fn one_table_that_both_models_read() -> Result<()> {
    let tools = Tools::find()?;
    let globals = declared("table") + &initializer(&(MADE.to_owned() + &store("made", "table")));
    let text = module(&tools, &globals, ["table", "table"])?;
    proven(&tools, &text, &[CPUS, TARGET_ON_GPU])
}

#[test]
fn two_tables_of_one_initializer() -> Result<()> {
    let tools = Tools::find()?;
    let twice = "  %twice = arith.addf %made, %made : tensor<32x32xf32>\n";
    let body = [MADE, twice, &store("made", "one"), &store("twice", "two")].concat();
    let globals = declared("one") + &declared("two") + &initializer(&body);
    let text = module(&tools, &globals, ["one", "two"])?;
    proven(&tools, &text, &[CPUS, DRAFTER_ON_GPU])
}

#[test]
fn a_table_that_is_made_of_one_that_is_made() -> Result<()> {
    let tools = Tools::find()?;
    let second = "
  %half = util.global.load @half : tensor<32x32xf32>
  %ones = util.global.load @ones : tensor<32x32xf32>
  %whole = arith.addf %half, %ones : tensor<32x32xf32>
";
    let globals = [
        declared("half"),
        "util.global private @ones = dense<1.0> : tensor<32x32xf32>\n".to_owned(),
        declared("whole"),
        initializer(&(MADE.to_owned() + &store("made", "half"))),
        initializer(&(second.to_owned() + &store("whole", "whole"))),
    ];
    let text = module(&tools, &globals.concat(), ["drafter.own", "whole"])?;
    proven(&tools, &text, &[CPUS, TARGET_ON_GPU])
}

#[test]
fn a_table_of_a_constant_and_a_scalar() -> Result<()> {
    let tools = Tools::find()?;
    let scalar = "
  %scale = util.global.load @scale : tensor<32x1xf32>
  %zero = arith.constant 0 : index
  %factor = tensor.extract %scale[%zero, %zero] : tensor<32x1xf32>
  util.global.store %factor, @factor : f32
";
    let filled = "
  %matrix = util.global.load @matrix : tensor<32x32xf32>
  %factor = util.global.load @factor : f32
  %half = arith.constant dense<0.5> : tensor<32x32xf32>
  %empty = tensor.empty() : tensor<32x32xf32>
  %factors = linalg.fill ins(%factor : f32) outs(%empty : tensor<32x32xf32>) -> tensor<32x32xf32>
  %scaled = arith.mulf %matrix, %factors : tensor<32x32xf32>
";
    let globals = [
        "util.global private @factor : f32\n".to_owned(),
        declared("half"),
        declared("scaled"),
        initializer(scalar),
        initializer(&[filled, &store("half", "half"), &store("scaled", "scaled")].concat()),
    ];
    let text = module(&tools, &globals.concat(), ["scaled", "half"])?;
    proven(&tools, &text, &[CPUS, TARGET_ON_GPU])
}

#[test]
fn functions_of_the_other_kind() -> Result<()> {
    let tools = Tools::find()?;
    let globals = declared("table") + &initializer(&(MADE.to_owned() + &store("made", "table")));
    let text = module(&tools, &globals, ["drafter.own", "table"])?
        .replace("func.func", "util.func")
        .replace("func.call", "util.call")
        .replace("\n  return", "\n  util.return");
    proven(&tools, &text, &[CPUS])
}
