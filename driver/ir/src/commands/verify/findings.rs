//! What the proof of values says.

use std::fs;
use std::path::{Path, PathBuf};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use diagnostics::{Diagnostic, Failure};
use passes::values::{Function, Subgraph};
use tools::values::Value;

/// Whether a run gave what it had to.
pub enum Verdict {
    /// It did.
    Right,
    /// It did but for this: tokens between which rounding decides.
    Tied(String),
    /// It did not, and how.
    Wrong(String),
}

/// How one call of a subgraph compares.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// The largest difference of floats, as a part of the largest value.
    pub difference: f64,
    /// How many rows of floats have the same argmax, of how many.
    pub argmax: (usize, usize),
    /// How many integers are equal, of how many.
    pub integers: (usize, usize),
    /// Integers that differ, where rounding does not tell which is right.
    pub ties: usize,
    /// What rounding does not explain.
    pub wrong: Vec<String>,
}

impl Finding {
    /// Whether something differs that rounding does not explain.
    pub fn is_wrong(&self) -> bool {
        !self.wrong.is_empty()
    }
}

/// A subgraph on its device.
pub struct SubgraphRow {
    name: String,
    role: String,
    device: String,
    bound: f64,
    storage: &'static str,
    calls: usize,
    total: Finding,
}

impl SubgraphRow {
    /// No call yet.
    pub fn new(subgraph: &Subgraph, device: &str) -> Self {
        Self {
            name: subgraph.name.clone(),
            role: subgraph.role.clone(),
            device: device.to_owned(),
            bound: subgraph.arithmetic.bound(),
            storage: subgraph.arithmetic.coarsest.word(),
            calls: 0,
            total: Finding::default(),
        }
    }

    /// Adds one call.
    pub fn add(&mut self, finding: Finding) {
        let total = &mut self.total;
        self.calls += 1;
        total.difference = total.difference.max(finding.difference);
        total.argmax.0 += finding.argmax.0;
        total.argmax.1 += finding.argmax.1;
        total.integers.0 += finding.integers.0;
        total.integers.1 += finding.integers.1;
        total.ties += finding.ties;
        total.wrong.extend(finding.wrong);
    }

    /// Whether a call gave something that rounding does not explain.
    pub fn is_wrong(&self) -> bool {
        self.total.is_wrong()
    }
}

/// A public function of OUT.
pub struct FunctionRow {
    name: String,
    words: String,
    greedy: bool,
    right: u32,
    /// How many runs gave something else.
    pub wrong: u32,
    how: Option<String>,
    tied: Option<String>,
    counts: Option<String>,
}

impl FunctionRow {
    /// No run yet.
    pub fn new(function: &Function, words: &str) -> Self {
        Self {
            name: function.name.clone(),
            words: words.to_owned(),
            greedy: function.greedy.is_some(),
            right: 0,
            wrong: 0,
            how: None,
            tied: None,
            counts: None,
        }
    }

    /// Adds one run.
    pub fn add(&mut self, verdict: Verdict, actual: &[Value]) {
        match verdict {
            Verdict::Right => self.right += 1,
            Verdict::Tied(how) => {
                self.right += 1;
                self.tied.get_or_insert(how);
            }
            Verdict::Wrong(how) => {
                self.wrong += 1;
                self.how.get_or_insert(how);
            }
        }
        let numbers: Vec<String> = actual
            .iter()
            .filter(|value| value.shape.is_empty())
            .filter_map(|value| Some(value.integers()?.first()?.to_string()))
            .collect();
        if let [tokens, rounds] = &numbers[..] {
            self.counts = Some(format!("{tokens} tokens after {rounds} rounds"));
        }
    }
}

/// What came of the proof of values.
#[derive(Default)]
pub struct Report {
    /// One row for each subgraph.
    pub subgraphs: Vec<SubgraphRow>,
    /// One row for each function of OUT.
    pub functions: Vec<FunctionRow>,
    /// How often each function was run.
    pub runs: u32,
    /// The scopes of weights that nobody gave.
    pub random_weights: Vec<String>,
    /// How many copies guard the reference against a fault of IREE.
    pub copies: usize,
    /// Subgraphs that could not be run.
    pub missing: Vec<String>,
    /// Where the worst case is kept.
    pub kept: Option<PathBuf>,
}

impl Report {
    /// Whether all was run, and nothing differs but by rounding. A subgraph that was
    /// never called, in a branch that these inputs do not take, proves nothing.
    fn is_proven(&self) -> bool {
        self.is_right() && self.not_run().next().is_none() && !self.functions.is_empty()
    }

    fn is_right(&self) -> bool {
        !self.subgraphs.iter().any(SubgraphRow::is_wrong)
            && self.functions.iter().all(|row| row.wrong == 0)
    }

    /// The subgraphs of which nothing is known.
    fn not_run(&self) -> impl Iterator<Item = &String> {
        let uncalled = self.subgraphs.iter().filter(|row| row.calls == 0);
        uncalled.map(|row| &row.name).chain(&self.missing)
    }

    /// The failure that it is, if it is one.
    pub fn failure(&self, out: &Path) -> Option<Failure> {
        if self.is_proven() {
            return None;
        }
        let what = if self.is_right() {
            "was not run to prove what it computes"
        } else {
            "does not compute what IN does"
        };
        let mut message = Diagnostic::error(format!("{} {what}", out.display()))
            .with_note(Diagnostic::note(self.render()));
        if let Some(kept) = &self.kept {
            message = message.help(format!(
                "inputs, expected and actual results of the first case are in {}",
                kept.display()
            ));
        }
        Some(Failure::impossible(vec![message]))
    }

    /// As a person reads it.
    pub fn render(&self) -> String {
        let mut text = if self.is_proven() {
            "values proven: each subgraph and each function gives what plain iree-compile of IN does\n"
        } else {
            "values NOT proven\n"
        }
        .to_owned();
        text.push_str(&format!("{}\n", self.table()));
        for row in &self.functions {
            let against = if row.greedy {
                "the reference's results, and its greedy decoding of the target"
            } else {
                "the reference's results"
            };
            let counts = row
                .counts
                .as_ref()
                .map_or_else(String::new, |counts| format!(" ({counts})"));
            text.push_str(&format!(
                "@{}, {}: {} of {} runs give {against}{counts}\n",
                row.name, row.words, row.right, self.runs
            ));
            if let Some(how) = &row.how {
                text.push_str(&format!("  wrong: {how}\n"));
            }
            if let Some(how) = &row.tied {
                text.push_str(&format!(
                    "  rounding: {how}; both logits lie within the bound of each other, and what follows is not compared\n"
                ));
            }
        }
        for row in self.subgraphs.iter().filter(|row| row.is_wrong()) {
            text.push_str(&format!(
                "@{}: wrong: {}\n",
                row.name,
                row.total.wrong.join("; ")
            ));
        }
        for name in self.not_run() {
            text.push_str(&format!(
                "@{name}: no function called it with these inputs; give others with --input\n"
            ));
        }
        if !self.random_weights.is_empty() {
            text.push_str(&format!(
                "weights of {} are random, from a fixed seed\n",
                self.random_weights
                    .iter()
                    .map(|scope| if scope.is_empty() { "no scope" } else { scope })
                    .collect::<Vec<_>>()
                    .join(", ")
            ));
        }
        text.push_str(
            "reference: plain iree-compile of IN for one CPU device, with no flag but its target",
        );
        if self.copies > 0 {
            text.push_str(&format!(
                ", and with copy-overwritten ({}), without which IREE overwrites what others read",
                cost::counted(self.copies as u64, "operand")
            ));
        }
        text.push_str(&format!(
            "\nbound: {} (√(sums · longest) u(f32) + √sums u(type)) of the largest value; see Higham and Mary, SIAM J. \
             Sci. Comput. 41(5), 2019\n",
            cost::rounding::LAMBDA
        ));
        text
    }

    fn table(&self) -> Table {
        const COLUMNS: [&str; 8] = [
            "subgraph",
            "role",
            "device",
            "calls",
            "difference",
            "bound",
            "argmax",
            "integers",
        ];
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(COLUMNS);
        let share = |(equal, all): (usize, usize)| {
            if all == 0 {
                "-".to_owned()
            } else {
                format!("{equal} of {all}")
            }
        };
        for row in &self.subgraphs {
            let found = &row.total;
            let ties = if found.ties > 0 {
                format!(", {} tied", found.ties)
            } else {
                String::new()
            };
            table.add_row([
                format!("@{}", row.name),
                row.role.clone(),
                format!("@{}", row.device),
                row.calls.to_string(),
                if found.argmax.1 == 0 {
                    "-".to_owned()
                } else {
                    format!("{:.1e}", found.difference)
                },
                format!("{:.1e} ({})", row.bound, row.storage),
                share(found.argmax),
                format!("{}{ties}", share(found.integers)),
            ]);
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((2, 0));
            if index >= 3 {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

/// Keeps a case: what it was given, what was expected and what came, as text that
/// iree-run-module takes, in a folder that is made.
pub fn keep(
    folder: &Path,
    name: &str,
    inputs: &[String],
    expected: &[Value],
    actual: &[Value],
) -> Result<(), Failure> {
    let fail = |error: std::io::Error| {
        Failure::io(
            format!("cannot keep the worst case in {}", folder.display()),
            &error,
        )
    };
    fs::create_dir_all(folder).map_err(fail)?;
    for (at, input) in inputs.iter().enumerate() {
        // Files of this run go with it.
        let kept = match input.split_once("=@") {
            Some((r#type, path)) => {
                let file = format!("{name}.input{at}.bin");
                fs::copy(path, folder.join(&file)).map_err(fail)?;
                format!("{type}=@{file}")
            }
            None => input.clone(),
        };
        fs::write(folder.join(format!("{name}.input{at}.txt")), kept + "\n").map_err(fail)?;
    }
    for (what, values) in [("expected", expected), ("actual", actual)] {
        for (at, value) in values.iter().enumerate() {
            let file = folder.join(format!("{name}.{what}{at}.{}.bin", value.type_text()));
            fs::write(file, value.to_bytes()).map_err(fail)?;
        }
    }
    Ok(())
}
