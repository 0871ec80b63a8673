//! What is said about a run.

use std::collections::BTreeMap;

use cost::acceptance::{Estimate, estimate};
use cost::counted;
use diagnostics::Diagnostic;
use serde::Serialize;

use crate::tokenizer::Tokenizer;

use super::call::{Call, Outcome};
use super::timing::Times;

/// All of it, as `--json` prints it. Times are in seconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// The function that was called.
    pub function: String,
    /// The tokens, prompt and all.
    pub tokens: Vec<i64>,
    /// Their text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How many of them are the prompt.
    pub prompt: u64,
    /// How many are new.
    pub generated: u64,
    /// How many rounds of drafting and verifying there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u64>,
    /// How many rounds accepted 0, 1, … drafts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Vec<u64>>,
    /// The draft length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<u32>,
    /// The acceptance rate, with its 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Acceptance>,
    /// The timed runs.
    pub runs: Vec<f64>,
    /// The median of them for each new token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_per_token: Option<f64>,
    /// Time in the dispatches of each role, in one run, as far as CPU devices
    /// keep account.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dispatch_seconds: BTreeMap<String, f64>,
    /// How many runs were repeated because the driver lost its device.
    pub lost_devices: usize,
    /// What the user should know.
    #[serde(skip)]
    pub warnings: Vec<Diagnostic>,
}

/// An acceptance rate.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Acceptance {
    /// α̂.
    pub alpha: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
}

impl Summary {
    /// What can be said without the times.
    pub fn new(
        call: &Call,
        outcome: Outcome,
        gamma: Option<u32>,
        tokenizer: Option<&Tokenizer>,
    ) -> Self {
        // The length was checked against the row.
        let length = usize::try_from(outcome.length).unwrap_or(usize::MAX);
        let tokens = outcome.row[..length.min(outcome.row.len())].to_vec();
        let mut report = Self {
            text: tokenizer.map(|tokenizer| tokenizer.text(&tokens)),
            tokens,
            prompt: call.prompt,
            generated: outcome.length - call.prompt,
            rounds: outcome.rounds,
            gamma,
            ..Self::default()
        };
        if let Some(histogram) = outcome.histogram {
            report.set_histogram(histogram);
        }
        report
    }

    /// Rounds that accepted all γ drafts ended for lack of drafts, so that the
    /// rate depends on γ. The histogram has room for longer drafts.
    fn set_histogram(&mut self, histogram: Vec<u64>) {
        let beyond = |gamma: u32| {
            histogram
                .iter()
                .skip(gamma as usize + 1)
                .any(|count| *count > 0)
        };
        match self.gamma {
            Some(gamma) if beyond(gamma) => {
                self.warnings.push(
                    Diagnostic::warning(format!(
                        "rounds accepted more drafts than the draft length {gamma} allows"
                    ))
                    .help("give the one that the program was compiled for with --gamma"),
                );
            }
            Some(gamma) => {
                let end = histogram.len().min(gamma as usize + 1);
                self.acceptance = estimate(&histogram[..end]).map(
                    |Estimate {
                         alpha, interval, ..
                     }| Acceptance { alpha, interval },
                );
            }
            None => {}
        }
        self.histogram = Some(histogram);
    }

    /// Adds the times.
    pub fn time(&mut self, times: Times) {
        let mut sorted = times.runs.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied();
        self.seconds_per_token = median
            .filter(|_| self.generated > 0)
            .map(|median| median / self.generated as f64);
        self.runs = times.runs;
        self.dispatch_seconds = times.roles;
        self.lost_devices += times.lost;
    }

    /// The report for people.
    pub fn render(&self) -> String {
        let mut lines = Vec::new();
        match &self.text {
            Some(text) => lines.push(text.trim_end_matches('\n').to_owned()),
            None => {
                let tokens: Vec<String> = self.tokens.iter().map(i64::to_string).collect();
                lines.push(tokens.join(" "));
            }
        }
        lines.push(String::new());
        let mut line = format!(
            "tokens      {} new after {} of the prompt",
            self.generated, self.prompt
        );
        if let Some(rounds) = self.rounds.filter(|rounds| *rounds > 0) {
            line.push_str(&format!(
                ", in {rounds} rounds: {:.2} per round",
                self.generated as f64 / rounds as f64
            ));
        }
        lines.push(line);
        lines.extend(self.acceptance_line());
        if let Some(each) = self.seconds_per_token {
            let (least, most) = self.runs.iter().fold((f64::MAX, 0.0_f64), |(a, b), run| {
                (a.min(*run), b.max(*run))
            });
            lines.push(format!(
                "speed       {:.1} tokens/s, {:.3} ms per token (the median of {}; {:.1} to {:.1} ms in all)",
                1.0 / each,
                each * 1e3,
                counted(self.runs.len(), "run"),
                least * 1e3,
                most * 1e3
            ));
        }
        if !self.dispatch_seconds.is_empty() {
            let mut roles: Vec<_> = self.dispatch_seconds.iter().collect();
            roles.sort_by(|one, other| other.1.total_cmp(one.1));
            let each: Vec<String> = roles
                .into_iter()
                .map(|(role, seconds)| format!("{role} {:.2} ms", seconds * 1e3))
                .collect();
            lines.push(format!(
                "dispatches  {} (on CPU devices; GPUs keep no account)",
                each.join(", ")
            ));
        }
        if self.lost_devices > 0 {
            lines.push(format!(
                "lost        the driver lost its device in {}, which were repeated",
                counted(self.lost_devices, "run")
            ));
        }
        lines.join("\n") + "\n"
    }

    fn acceptance_line(&self) -> Option<String> {
        let histogram = self.histogram.as_ref()?;
        let used = histogram.iter().rposition(|count| *count > 0)? + 1;
        let end = self
            .gamma
            .map_or(used, |gamma| used.max(gamma as usize + 1))
            .min(histogram.len());
        let counts: Vec<String> = histogram[..end].iter().map(u64::to_string).collect();
        let rate = match (self.acceptance, self.gamma) {
            (Some(Acceptance { alpha, interval }), _) => {
                format!("{alpha:.2} (95 %: {:.2} to {:.2})", interval.0, interval.1)
            }
            (None, Some(0)) => "nothing is drafted".to_owned(),
            (None, Some(_)) => "unknown".to_owned(),
            (None, None) => "unknown without the draft length (--gamma N)".to_owned(),
        };
        Some(format!(
            "acceptance  {rate}; rounds by drafts accepted, from none: {}",
            counts.join(" ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(gamma: Option<u32>) -> Summary {
        let mut report = Summary {
            generated: 44,
            prompt: 16,
            rounds: Some(15),
            gamma,
            ..Summary::default()
        };
        report.set_histogram(vec![3, 4, 2, 3, 3, 0, 0, 0, 0]);
        report
    }

    #[test]
    fn the_rate_depends_on_the_draft_length() {
        // 29 accepted; 12 rounds ended in a rejection, and with drafts of 8
        // all 15 did.
        let alpha = |gamma| report(Some(gamma)).acceptance.unwrap().alpha;
        assert!((alpha(4) - 29.0 / 41.0).abs() < 1e-12);
        assert!((alpha(8) - 29.0 / 44.0).abs() < 1e-12);
        assert!(report(None).acceptance.is_none());
        assert_eq!(report(Some(2)).warnings.len(), 1);
    }

    #[test]
    fn the_report_reads_well() {
        let mut report = report(Some(4));
        report.time(Times {
            runs: vec![0.088, 0.044, 0.1],
            roles: [("target".into(), 0.03), ("drafter".into(), 0.01)].into(),
            lost: 1,
        });
        let text = report.render();
        for part in [
            "44 new after 16 of the prompt, in 15 rounds: 2.93 per round",
            "0.71 (95 %: ",
            "from none: 3 4 2 3 3\n",
            "500.0 tokens/s, 2.000 ms per token (the median of 3 runs; 44.0 to 100.0 ms in all)",
            "target 30.00 ms, drafter 10.00 ms",
            "lost its device in 1 run,",
        ] {
            assert!(text.contains(part), "{part} missing in\n{text}");
        }
    }
}
