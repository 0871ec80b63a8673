//! `make paper`: the tables and figures of "Compiler-Assisted Speculative Sampling for Accelerated
//! LLM Inference on Heterogeneous Edge Devices", reckoned again from the data in this folder, and
//! where the paper disagrees with itself.
//!
//!     cargo run -p specplace --example paper -- [REPORT.html]
//!
//! Nothing that is printed as a result is written down here: results come from Eq. (1)
//! (`cost::speedup`) and the search, what the paper prints comes from `published.json`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use comfy_table::Table;
use cost::explore::{Exploration, Filter, Method, Objective, Outcome, Query, Rate, explore};
use cost::profile::Profile;
use cost::{CostError, Platform, Request, Workload};
use diagnostics::Failure;
use maud::html;
use report::explore::html::{figure, page};
use report::explore::plots::Figure;
use report::explore::{self as show, table};
use report::layout;
use serde_json::Value;
use specplace_driver::printer::Printer;

mod figures;
mod questions;

/// The longest draft that is tried.
const LONGEST: u32 = 16;

fn main() -> ExitCode {
    let printer = Printer::new(anstream::ColorChoice::Auto, false);
    let outcome = run().map_err(|error| {
        let bug = |error| Failure::bug(format!("{error:#}"));
        error.downcast::<Failure>().unwrap_or_else(bug)
    });
    specplace_driver::finish(&printer, outcome)
}

fn run() -> anyhow::Result<()> {
    let paper = Paper::read()?;
    let found = paper.explore()?;
    let mut sections: Vec<(&str, String)> = vec![
        ("Data", paper.data()),
        ("The 24 points of Fig. 2(b)", points(&found)),
        ("Table II", paper.table(&found, "alpha_high", "table_2")?),
        ("Table III", paper.table(&found, "alpha_low", "table_3")?),
        (
            "Fig. 6: cost coefficients at the paper's length",
            figures::coefficients(&found),
        ),
        ("Fig. 7: Eq. (1) over α", figures::speedups(&paper)?),
        (
            "Where the paper disagrees with itself",
            questions::all(&paper)?,
        ),
    ];
    sections.push(("What ranking by time per token adds", verdict(&found)));
    for (title, text) in &sections {
        println!(
            "{title}\n{}\n\n{}\n",
            "=".repeat(title.chars().count()),
            text.trim_end()
        );
    }
    if let Some(path) = std::env::args_os().nth(1) {
        let path = PathBuf::from(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let drawn = figures::all(&paper, &found).map_err(anyhow::Error::msg)?;
        fs::write(&path, report(&sections, &drawn))
            .with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {} with the figures", path.display());
    }
    Ok(())
}

/// The data of this folder.
pub struct Paper {
    /// The board.
    pub platform: Platform,
    /// What the two models ask of it.
    pub workload: Workload,
    /// Their latencies, as measured.
    pub profile: Profile,
    published: Value,
    rates: Vec<Rate>,
}

impl Paper {
    fn read() -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/paper");
        let file = |name: &str| {
            let path = folder.join(name);
            path.to_str()
                .map(str::to_owned)
                .context("a path that is not UTF-8")
        };
        let published: Value = serde_json::from_str(&fs::read_to_string(file("published.json")?)?)?;
        let mut rates = Vec::new();
        for task in ["w8a8-target-p90", "w8a8-target-median"] {
            let entry = format!("{}:translation/{task}", file("acceptance.yaml")?);
            let selected = files::acceptance::load(&entry).map_err(Failure::from)?;
            rates.push(Rate {
                alpha: selected.alpha,
                source: selected.how.replace(&format!("{}/", folder.display()), ""),
                per_position: None,
            });
        }
        let mut profile = files::profile::load(&file("profile.yaml")?).map_err(Failure::from)?;
        profile.origin = "profile.yaml".into();
        Ok(Self {
            platform: files::platform::load("imx95").map_err(Failure::from)?,
            workload: files::workload::load(&file("workload.yaml")?).map_err(Failure::from)?,
            profile,
            published,
            rates,
        })
    }

    /// A number that the paper states.
    pub fn stated(&self, key: &str) -> anyhow::Result<f64> {
        let value = self.published[key]["value"].as_f64();
        value.with_context(|| format!("published.json has no {key}"))
    }

    /// Where it states it.
    pub fn source(&self, key: &str) -> &str {
        self.published[key]["source"].as_str().unwrap_or_default()
    }

    /// A row of one of its tables.
    pub fn rows(&self, key: &str) -> Vec<Published> {
        let rows = self.published[key].as_array().into_iter().flatten();
        rows.filter_map(|row| {
            Some(Published {
                cores: row["cores"].as_u64()?.try_into().ok()?,
                gamma: row["gamma"].as_u64()?.try_into().ok()?,
                heterogeneous: row["heterogeneous"].as_bool(),
                speedup: row["speedup"].as_f64()?,
            })
        })
        .collect()
    }

    fn explore(&self) -> anyhow::Result<Exploration> {
        let request = Request {
            profile: Some(self.profile.clone()),
            ..Request::new(self.workload.clone(), self.platform.clone(), 0.0)
        };
        let found = explore(&Query {
            request,
            rates: self.rates.clone(),
            objective: Objective::default(),
            filter: Filter::default(),
            method: Method::Exhaustive,
            ranks: None,
            self_c: None,
        });
        Ok(found.map_err(CostError::from)?)
    }

    /// Every latency with its source.
    fn data(&self) -> String {
        let mut lines = layout::table(
            &["latency of", "on", "with", "ms", "source"],
            &[3],
            table::WIDTH,
        );
        for m in &self.profile.measurements {
            for point in &m.points {
                lines.add_row(vec![
                    m.role.to_string(),
                    m.pu.clone(),
                    show::variant(&m.variant),
                    cost::digits(point.latency.value * 1e3),
                    format!(
                        "{}: {}",
                        point.latency.source,
                        point.latency.note.clone().unwrap_or_default()
                    ),
                ]);
            }
        }
        let mut text = format!("{}\n", layout::shown(&lines));
        for rate in &self.rates {
            text.push_str(&format!("α = {}: {}\n", rate.alpha, rate.source));
        }
        text
    }

    fn table(&self, found: &Exploration, alpha: &str, key: &str) -> anyhow::Result<String> {
        let alpha = self.stated(alpha)?;
        let outcome = found
            .outcomes
            .iter()
            .find(|outcome| outcome.rate.alpha == alpha);
        let outcome = outcome.context("the acceptance file has another α")?;
        let mut lines = header(&[
            "cores",
            "paper: γ",
            "heterogeneous",
            "S",
            "here: γ*",
            "heterogeneous",
            "S by Eq. (1)",
            "c",
            "agrees",
        ]);
        for row in self.rows(key) {
            let Some((own, n)) = of_cores(outcome, row.cores) else {
                continue;
            };
            let apart = own.drafter.as_deref() != Some(own.target.as_str());
            let here = (n.gamma > 0).then_some(apart);
            let same = (row.gamma, row.heterogeneous) == (n.gamma, here)
                && (row.speedup - n.eq1).abs() < 0.005;
            lines.add_row(vec![
                row.cores.to_string(),
                row.gamma.to_string(),
                yes(row.heterogeneous),
                format!("{:.2}", row.speedup),
                n.gamma.to_string(),
                yes(here),
                format!("{:.2}", n.eq1),
                n.c.filter(|_| n.gamma > 0)
                    .map_or_else(|| "NA".into(), |c| format!("{c:.3}")),
                if same { "yes" } else { "no" }.into(),
            ]);
        }
        // What was solved for cannot disagree; that has to be said.
        let implied: Vec<String> = self
            .rows(key)
            .iter()
            .filter(|row| row.cores > 1 && row.gamma > 0)
            .map(|row| row.cores.to_string())
            .collect();
        let caveat = if implied.is_empty() {
            String::new()
        } else {
            format!(
                "Variants {} agree because their c is solved from this table; only variant 1 has a c of its own in the text.\n",
                implied.join(" and ")
            )
        };
        Ok(format!(
            "α = {alpha} ({})\n{}\n{caveat}",
            outcome.rate.source,
            layout::shown(&lines)
        ))
    }
}

/// A row of Table II or III.
pub struct Published {
    /// CPU cores in use.
    pub cores: u32,
    /// The draft length.
    pub gamma: u32,
    /// Whether drafter and target are on two units; none where nothing is drafted.
    pub heterogeneous: Option<bool>,
    /// Over decoding with the target alone.
    pub speedup: f64,
}

fn header(names: &[&str]) -> Table {
    layout::table(names, &(0..names.len()).collect::<Vec<_>>(), table::WIDTH)
}

fn yes(value: Option<bool>) -> String {
    value
        .map_or("NA", |yes| if yes { "yes" } else { "no" })
        .into()
}

fn of_cores(
    outcome: &Outcome,
    cores: u32,
) -> Option<(&cost::explore::Row, &cost::explore::Numbers)> {
    let best = outcome
        .variants
        .iter()
        .find(|best| best.variant.get("cpu") == Some(&cores))?;
    Some((&best.best, best.best.numbers.as_ref()?))
}

fn points(found: &Exploration) -> String {
    let Some(outcome) = found.outcomes.first() else {
        return String::new();
    };
    let mut lines = header(&[
        "cores",
        "drafter",
        "target",
        "c",
        "γ*",
        "S by Eq. (1)",
        "time per token",
    ]);
    let mut rows: Vec<_> = outcome.rows.iter().collect();
    rows.sort_by_key(|row| {
        (
            row.variant.get("cpu").copied(),
            row.target.clone(),
            row.drafter.clone(),
        )
    });
    for row in &rows {
        let mut cells = vec![
            row.variant
                .get("cpu")
                .map_or_else(String::new, u32::to_string),
            row.drafter.clone().unwrap_or_default(),
            row.target.clone(),
        ];
        match &row.numbers {
            Some(n) => cells.extend([
                n.c.map_or_else(String::new, |c| format!("{c:.3}")),
                n.gamma.to_string(),
                format!("{:.2}", n.eq1),
                format!("{:.3}", n.per_token_ms / 1e3),
            ]),
            None => cells.extend(["–", "–", "–", "not possible"].map(str::to_owned)),
        }
        lines.add_row(cells);
    }
    let ruled: Vec<String> = table::ruled_out(found);
    format!(
        "v·N^m = {}·{}^{} = {} points at α = {}; time per token in passes of the target on one core\n{}\nnot possible: {}\n",
        found.variants,
        found.pus,
        found.partitions,
        found.size,
        outcome.rate.alpha,
        layout::shown(&lines),
        ruled.join("; ")
    )
}

fn verdict(found: &Exploration) -> String {
    let Some(outcome) = found.outcomes.first() else {
        return String::new();
    };
    let time = outcome.plan.time.per_token_ms / 1e3;
    let Some((_, one)) = of_cores(outcome, 1) else {
        return String::new();
    };
    format!(
        "S is relative to the same variant's own target. By time per token the whole space's best is {} with γ = {}:\n\
         {:.3} of a one-core pass per token, {:.1} times faster than one core with the GPU at γ = {} ({:.3}).\n\
         The latencies for three to six cores are inferred, see Data; that more cores beat the GPU holds for any of them\n\
         below {:.3}, and c > 1 (Sec. IV-B) says they are below {:.3}.\n",
        show::variant(&outcome.plan.variant),
        outcome.plan.gamma,
        time,
        one.per_token_ms / 1e3 / time,
        one.gamma,
        one.per_token_ms / 1e3,
        one.per_token_ms / 1e3,
        one.draft_ms.unwrap_or_default() / 1e3,
    )
}

fn report(sections: &[(&str, String)], drawn: &[Figure]) -> String {
    let body = html! {
        p {
            "Reckoned from " code { "examples/paper" }
            ": every number there is marked stated, with its section, or inferred, with how."
        }
        @for (title, text) in sections {
            h2 { (title) }
            pre { (text.trim_end()) }
        }
        h2 { "Figures" }
        @for each in drawn { (figure(each)) }
    };
    page("The paper, reproduced and questioned", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables() {
        let paper = Paper::read().unwrap();
        let found = paper.explore().unwrap();
        let high = paper.table(&found, "alpha_high", "table_2").unwrap();
        // All rows but the first agree; the first is the contradiction.
        let verdicts: Vec<bool> = high
            .lines()
            .filter(|line| line.starts_with("| ") && line.contains("1."))
            .map(|line| line.trim_end().ends_with("yes |"))
            .collect();
        assert_eq!(verdicts, [false, true, true, true, true, true], "{high}");
        let low = paper.table(&found, "alpha_low", "table_3").unwrap();
        assert_eq!(low.matches("yes |").count(), 6, "{low}");
        assert_eq!(found.size, 24);
    }

    #[test]
    fn the_contradictions() {
        let paper = Paper::read().unwrap();
        let text = questions::all(&paper).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "1.55 at γ* = 4",
            "1.54 at γ = 5",
            "0.359 (0.35",
            "0.73",
            "0.86",
            "1.95",
            "1.68 at γ = 4",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn the_figures() {
        let paper = Paper::read().unwrap();
        let drawn = figures::all(&paper, &paper.explore().unwrap()).unwrap();
        assert!(drawn.len() >= 4);
    }
}
