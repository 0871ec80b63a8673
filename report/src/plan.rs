//! A plan in words and tables.

use crate::layout::{lines, shown, table};
use cost::plan::Plan;
use cost::platform::variant_text;
use cost::roofline::LatencySource;
use cost::search::Interval;
use cost::workload::{DraftLengthForm, Partition, Per};
use cost::{bytes, counted, digits, of_plural};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// No line is longer.
const WIDTH: u16 = 100;
/// More rows than this stay in the JSON form.
const MOST_VARIANTS: usize = 12;

/// The plan for people: tables and sentences, at most 100 columns wide.
pub fn render(plan: &Plan) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(out, "{}\n\n{}\n", headline(plan), paragraph("", &plan.why));
    let _ = write!(out, "\n{}\n", roles(plan));
    if !plan.crossings.is_empty() {
        let _ = write!(out, "\n{}\n", crossings(plan));
    }
    let _ = write!(out, "\n{}\n", numbers(plan));
    if plan.variants.len() > 1 {
        let _ = write!(out, "\n{}\n", variants(plan));
    }
    section(&mut out, "warnings", &plan.warnings);
    section(&mut out, "assumptions", &plan.assumptions);
    let ruled_out: Vec<String> = plan
        .ruled_out
        .iter()
        .map(|ruled| format!("{} × {}", ruled.points, ruled.words))
        .collect();
    section(
        &mut out,
        &format!(
            "ruled out ({} of {})",
            plan.points.saturating_sub(plan.points_evaluated),
            counted(plan.points, "mapping")
        ),
        &ruled_out,
    );
    out
}

fn headline(plan: &Plan) -> String {
    let models: BTreeMap<Partition, String> = plan
        .roles
        .iter()
        .filter(|(role, _)| role.is_model())
        .map(|(role, placed)| (*role, placed.pu.clone()))
        .collect();
    let what = if plan.speculate {
        format!("speculate with γ = {}, {}", plan.gamma, places(&models))
    } else {
        format!("do not speculate (γ = 0), {}", places(&models))
    };
    paragraph(
        "",
        &format!(
            "plan for {} ({}): {what}",
            plan.platform,
            variant_text(&plan.variant)
        ),
    )
}

fn ms(value: f64) -> String {
    format!("{} ms", digits(value))
}

fn places(mapping: &BTreeMap<Partition, String>) -> String {
    mapping
        .iter()
        .map(|(role, pu)| format!("{role} on {pu}"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn roles(plan: &Plan) -> String {
    let mut table = table(
        &[
            "role",
            "on",
            "latency",
            "source",
            "weights + activations",
            "why there",
        ],
        &[],
        WIDTH,
    );
    for (role, placed) in &plan.roles {
        let memory = if placed.weight_bytes == 0 && placed.activation_bytes == 0 {
            "–".to_owned()
        } else {
            format!(
                "{} + {} in {}",
                bytes(placed.weight_bytes as f64),
                bytes(placed.activation_bytes as f64),
                placed.memory
            )
        };
        let latency = placed.latency.as_ref().map(|latency| match latency.source {
            LatencySource::Measured {
                spread: Some(spread),
                ..
            } => format!("{} ± {}", ms(latency.seconds * 1e3), digits(spread * 1e3)),
            _ => ms(latency.seconds * 1e3),
        });
        let source = placed
            .latency
            .as_ref()
            .map(|latency| latency.source.short());
        let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "–".into());
        table.add_row(vec![
            role.to_string(),
            placed.pu.clone(),
            or_dash(latency),
            or_dash(source),
            memory,
            placed.reason.clone(),
        ]);
    }
    shown(&table)
}

fn crossings(plan: &Plan) -> String {
    let mut table = table(
        &["crossing", "value", "how", "bytes", "how often", "each"],
        &[],
        WIDTH,
    );
    for crossing in &plan.crossings {
        let often = match (crossing.per, crossing.count) {
            (Per::Draft, 1) => "per draft".to_owned(),
            (Per::Round, 1) => "per round".to_owned(),
            (Per::Once, 1) => "once".to_owned(),
            (Per::Draft, count) => format!("{count} per draft"),
            (Per::Round, count) => format!("{count} per round"),
            (Per::Once, count) => format!("{count}, once"),
        };
        table.add_row(vec![
            // Which unit each is on, the table above has said.
            format!("{} → {}", crossing.from, crossing.to),
            crossing.what.clone(),
            match &crossing.owner {
                Some(owner) if crossing.method.shares() => {
                    format!("{} on {owner}", crossing.method)
                }
                _ => crossing.method.to_string(),
            },
            bytes(crossing.bytes as f64),
            often,
            ms(crossing.each_ms),
        ]);
    }
    shown(&table)
}

fn numbers(plan: &Plan) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut line = |name: &str, value: String| lines.push((name.to_owned(), value));
    let time = &plan.time;
    line(
        "time per token",
        format!(
            "{} as planned; {} without speculation on the same target",
            ms(time.per_token_ms),
            ms(time.without_speculation_ms)
        ),
    );
    // A target that fits no unit as a whole has no such run, and its stages are all there is.
    let on_one = if plan.variant.contains_key(&time.baseline_pu) {
        " on one unit"
    } else {
        ""
    };
    // It is the variant's own: with other resources the target alone may be faster.
    let with_these = if plan.variants.len() > 1 {
        " with these resources"
    } else {
        ""
    };
    let baseline = format!(
        "{} × over the best run without speculation{on_one}{with_these} ({} on {})",
        digits(plan.speedup.over_baseline),
        ms(time.baseline_ms),
        time.baseline_pu
    );
    line(
        "speedup",
        format!("{} × by Eq. (1); {baseline}", digits(plan.speedup.eq1)),
    );
    let refined: Vec<String> = plan
        .speedup
        .by_model
        .iter()
        .filter(|(name, _)| *name != "eq1")
        .map(|(name, s)| format!("{name} {} ×", digits(*s)))
        .collect();
    if plan.speculate && !refined.is_empty() {
        let on = if plan.cost_model.is_eq1() {
            "none in use".into()
        } else {
            format!("in use: {}", plan.cost_model)
        };
        line("with refinements", format!("{} ({on})", refined.join(", ")));
    }
    let c = plan.c.map_or_else(|| "–".into(), digits);
    let whose = if plan.speculate || plan.c.is_none() {
        ""
    } else {
        " (of the best mapping that would speculate)"
    };
    line(
        "c, α, E",
        format!(
            "c = {c}{whose}, α = {}, {} tokens per round",
            digits(plan.alpha),
            digits(plan.tokens_per_round)
        ),
    );
    line("draft length", draft_length(plan));
    line(
        "runner-up",
        match &plan.runner_up {
            None => "none: no other mapping is legal".into(),
            Some(next) => format!(
                "{}{}, γ = {}: {} per token, {} % slower",
                places(&next.mapping),
                if next.variant == plan.variant {
                    String::new()
                } else {
                    format!(" with {}", variant_text(&next.variant))
                },
                next.gamma,
                ms(next.per_token_ms),
                digits(next.slower * 100.0)
            ),
        },
    );
    line(
        "choice holds for",
        holds(&plan.sensitivity.alpha, &plan.sensitivity.c),
    );
    let verdict = if plan.speculate {
        "speculating"
    } else {
        "not speculating"
    };
    line(
        "and its verdict for",
        format!(
            "{} ({verdict})",
            holds(
                &plan.sensitivity.alpha_speculation,
                &plan.sensitivity.c_speculation
            )
        ),
    );
    line(
        "evaluated",
        format!(
            "{} of {}, {} of the target alone, {}",
            plan.points_evaluated,
            counted(plan.points, "mapping"),
            plan.alone_evaluated,
            counted(plan.draft_lengths_tried.len() as u64, "draft length")
        ),
    );
    let flags: Vec<String> = plan
        .devices
        .iter()
        .map(|device| {
            format!(
                "{} = {} ({} of {})",
                device.pu,
                device.runtime_device,
                device.active,
                of_plural(device.of, &device.resource)
            )
        })
        .collect();
    line("devices", flags.join(", "));
    let indent = lines
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0)
        + 2;
    lines
        .iter()
        .map(|(name, value)| paragraph(&format!("{name:<indent$}"), value))
        .collect::<Vec<_>>()
        .join("\n")
}

fn draft_length(plan: &Plan) -> String {
    // The best of those that were tried need not be the best of all where it is the last.
    let ended = match plan.draft_lengths_tried.as_slice() {
        [0, .., last] if *last == plan.gamma => Some(*last),
        _ => None,
    };
    let only = |room: Option<u32>| match ended {
        Some(last) if room.is_none_or(|room| last < room) => {
            format!("; only 0 to {last} were tried")
        }
        _ => String::new(),
    };
    match plan.draft_length {
        DraftLengthForm::Symbolic { max } => {
            format!(
                "{} (the module has room for {max}{})",
                plan.gamma,
                only(Some(max))
            )
        }
        DraftLengthForm::Unrolled { gamma } => {
            format!("{} (unrolled: {gamma} or none)", plan.gamma)
        }
        DraftLengthForm::Loop => {
            format!(
                "{} (expected: the module's own loop ends the drafts)",
                plan.gamma
            )
        }
        DraftLengthForm::Absent => format!(
            "{} (advice: the module has no loop{})",
            plan.gamma,
            only(None)
        ),
    }
}

fn holds(alpha: &Option<Interval>, c: &Option<Interval>) -> String {
    let show = |name: &str, interval: &Option<Interval>| {
        let interval = (*interval)?;
        Some(match interval.high {
            Some(high) => format!("{name} from {:.3} to {high:.3}", interval.low),
            None => format!("{name} from {:.3} up", interval.low),
        })
    };
    let parts: Vec<String> = [show("α", alpha), show("c", c)]
        .into_iter()
        .flatten()
        .collect();
    if parts.is_empty() {
        "any α and c".into()
    } else {
        parts.join("; ")
    }
}

fn variants(plan: &Plan) -> String {
    let mut table = table(
        &[
            "variant",
            "best mapping",
            "γ",
            "c",
            "Eq. (1)",
            "ms per token",
            "over its baseline",
        ],
        &[],
        WIDTH,
    );
    for best in plan.variants.iter().take(MOST_VARIANTS) {
        table.add_row(vec![
            variant_text(&best.variant),
            places(&best.mapping),
            best.gamma.to_string(),
            best.c.map_or_else(|| "–".into(), digits),
            format!("{} ×", digits(best.eq1)),
            digits(best.per_token_ms),
            format!("{} ×", digits(best.over_baseline)),
        ]);
    }
    let rest = plan.variants.len().saturating_sub(MOST_VARIANTS);
    let more = if rest > 0 {
        format!("\n({} in the JSON form)", counted(rest, "more variant"))
    } else {
        String::new()
    };
    format!("{}{more}", shown(&table))
}

fn section(out: &mut String, title: &str, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    let body: Vec<String> = sentences
        .iter()
        .map(|sentence| paragraph("  - ", sentence))
        .collect();
    let _ = write!(out, "\n{title}:\n{}\n", body.join("\n"));
}

/// `text` after `lead`, wrapped, with the following lines indented as far.
fn paragraph(lead: &str, text: &str) -> String {
    lines(lead, text, usize::from(WIDTH)).join("\n")
}
