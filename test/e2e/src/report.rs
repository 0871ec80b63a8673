//! What came of cases: a row for each, kept in a file as they end, and the
//! table that a series closes with.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Names the file that rows are added to.
pub const VARIABLE: &str = "SPECPLACE_E2E_REPORT";

/// So many lines of a reason are in the table; the log has the rest.
const SHOWN: usize = 12;

/// What came of one case on one kind of CPU device.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Row {
    /// The case.
    pub case: String,
    /// How many runs gave the right result.
    pub right: usize,
    /// How many runs there were to be.
    pub runs: usize,
    /// How many runs the driver ended by losing its device; each was repeated.
    pub lost: usize,
    /// How long specplace took, in seconds.
    pub placing: f64,
    /// How long the proof of placement took.
    pub proving: f64,
    /// How long iree-compile took.
    pub compiling: f64,
    /// The median of the right runs, loading included.
    pub running: f64,
    /// What went wrong first.
    pub failure: Option<String>,
}

impl Row {
    /// Whether every run was right.
    pub fn is_right(&self) -> bool {
        self.failure.is_none() && self.right == self.runs
    }

    /// In words.
    pub fn sentence(&self) -> String {
        format!(
            "{} of {} right, {} lost devices repeated; placed in {:.2} s, proven in {:.2} s, compiled in {:.1} s, \
             run in {:.2} s (median)",
            self.right,
            self.runs,
            self.lost,
            self.placing,
            self.proving,
            self.compiling,
            self.running
        )
    }
}

/// The middle one of some durations, in seconds.
pub fn median(durations: &[Duration]) -> f64 {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    sorted
        .get(sorted.len() / 2)
        .map_or(0.0, Duration::as_secs_f64)
}

/// Adds rows to the file that [`VARIABLE`] names, if it names one.
pub fn keep(rows: &[Row]) -> Result<()> {
    let Some(path) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(());
    };
    let mut text = String::new();
    for row in rows {
        text.push_str(&serde_json::to_string(row)?);
        text.push('\n');
    }
    // In one piece: other cases end at the same time.
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", Path::new(&path).display()))
}

/// Reads what [`keep`] wrote.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("no row: {line}")))
        .collect()
}

/// The table, failures first, each with its reason; then the totals.
pub fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.case.chars().count()).max();
    let width = width.unwrap_or(0).max("case".len());
    let rule = "-".repeat(width + 39);
    let mut text = format!(
        "{:width$}  {:>9}  {:>4}  {:>8}  {:>8}\n",
        "case", "right", "lost", "compile", "run"
    );
    let (right, failed): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.is_right());
    for (title, rows) in [("failed", &failed), ("right", &right)] {
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{rule}\n{title}:");
        for row in rows {
            let _ = writeln!(
                text,
                "{:width$}  {:>9}  {:>4}  {:>6.1} s  {:>6.3} s",
                row.case,
                format!("{} of {}", row.right, row.runs),
                row.lost,
                row.compiling,
                row.running
            );
            let reason = row.failure.as_deref().unwrap_or_default();
            for line in reason.lines().take(SHOWN) {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    let sum = |count: fn(&Row) -> usize| rows.iter().map(count).sum::<usize>();
    let _ = writeln!(
        text,
        "{rule}\n{} of {} runs right in {} cases, {} of them failed; {} more runs lost their device and were repeated",
        sum(|row| row.right),
        sum(|row| row.runs),
        rows.len(),
        failed.len(),
        sum(|row| row.lost)
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(case: &str, right: usize, failure: Option<&str>) -> Row {
        Row {
            case: case.to_owned(),
            right,
            runs: 50,
            lost: 2,
            compiling: 7.25,
            running: 0.1234,
            failure: failure.map(str::to_owned),
            ..Row::default()
        }
    }

    #[test]
    fn failures_come_first_and_lost_devices_are_no_failures() {
        let text = table(&[
            row("first", 50, None),
            row("second", 49, Some("run 7 gave a wrong result\nmore")),
            row("third", 50, None),
        ]);
        let at = |part: &str| {
            text.find(part)
                .unwrap_or_else(|| panic!("no {part} in {text}"))
        };
        assert!(at("second") < at("run 7") && at("run 7") < at("right:"));
        assert!(at("right:") < at("first") && at("first") < at("third"));
        assert!(text.contains("149 of 150 runs right in 3 cases, 1 of them failed; 6 more runs"));
    }

    #[test]
    fn the_median_is_the_middle() {
        let seconds = |all: &[u64]| {
            let all: Vec<Duration> = all.iter().map(|each| Duration::from_secs(*each)).collect();
            median(&all)
        };
        assert!((seconds(&[9, 1, 2]) - 2.0).abs() < 1e-9);
        assert!(seconds(&[]).abs() < 1e-9);
    }
}
