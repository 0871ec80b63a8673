//! A placement of stages, for the terminal and the report.

use std::fmt::Write as _;

use cost::stages::StagePlan;
use cost::{bytes, digits};

use super::variant;

/// The text.
pub fn render(alpha: f64, plan: &StagePlan) -> String {
    let mut text = format!(
        "stages: m = {} on {} variants, about 10^{:.0} points, α = {}\n",
        plan.m,
        plan.variants,
        plan.log10_points,
        digits(alpha)
    );
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "  best: {} ms per token with γ = {} ({}), {}",
        digits(plan.per_token_ms),
        plan.gamma,
        variant(&plan.variant),
        if plan.proven {
            "proven: nothing is faster".to_owned()
        } else {
            format!(
                "not proven: nothing is faster than {} ms, a gap of {:.2} %",
                digits(plan.bound_ms),
                plan.gap * 100.0
            )
        }
    );
    if plan.out_of_steps {
        let _ = writeln!(
            text,
            "  the search stopped after {} steps, its limit: fewer stages, variants or draft lengths (--variant, --max-gamma) are proven sooner",
            plan.steps
        );
    }
    for (first, last, pu) in runs(&plan.places) {
        let stages = if first == last {
            first.to_owned()
        } else {
            format!("{first} to {last}")
        };
        let _ = writeln!(text, "    {stages} on {pu}");
    }
    let memory = plan.memory.iter().filter(|(_, size)| *size > 0);
    let memory: Vec<String> = memory
        .map(|(name, size)| format!("{} in {name}", bytes(*size as f64)))
        .collect();
    if !memory.is_empty() {
        let _ = writeln!(text, "  weights: {}", memory.join(", "));
    }
    let _ = writeln!(
        text,
        "  the HEFT heuristic: {}",
        plan.heft_ms.map_or_else(
            || "finds no placement that fits".to_owned(),
            |ms| format!(
                "{} ms, {:.1} % slower",
                digits(ms),
                (ms / plan.per_token_ms - 1.0) * 100.0
            )
        )
    );
    let _ = writeln!(
        text,
        "  {} (variant, γ) pairs solved with {} partial placements, the others excluded by their bounds, in {:.2} s",
        plan.solved, plan.labels, plan.seconds
    );
    for sentence in &plan.assumptions {
        let _ = writeln!(text, "  - {sentence}");
    }
    text
}

/// Neighbours in one place, together.
fn runs(places: &[(String, String)]) -> Vec<(&str, &str, &str)> {
    let mut runs: Vec<(&str, &str, &str)> = Vec::new();
    for (stage, pu) in places {
        let model = |name: &str| name.split('.').next().unwrap_or("").to_owned();
        match runs.last_mut() {
            Some((first, last, at)) if *at == pu && model(first) == model(stage) => *last = stage,
            _ => runs.push((stage, stage, pu)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_joined() {
        let place = |stage: &str, pu: &str| (stage.to_owned(), pu.to_owned());
        let places = [
            place("drafter.0", "cpu"),
            place("target.0", "cpu"),
            place("target.1", "cpu"),
            place("target.2", "gpu"),
        ];
        let expected = [
            ("drafter.0", "drafter.0", "cpu"),
            ("target.0", "target.1", "cpu"),
            ("target.2", "target.2", "gpu"),
        ];
        assert_eq!(runs(&places), expected);
    }
}
