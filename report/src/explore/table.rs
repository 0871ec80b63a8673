//! An exploration for the terminal.

use std::fmt::Write as _;

use cost::explore::{Exploration, Method, Numbers, Outcome, Row};
use cost::{bytes, digits};

use super::variant;
use crate::layout::{shown, table};

/// No table is wider.
pub const WIDTH: u16 = 110;

/// The whole text; `top` points of each rate are listed.
pub fn render(exploration: &Exploration, top: usize) -> String {
    let mut text = headline(exploration);
    for outcome in &exploration.outcomes {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\nα = {}: {}\n  {}\n\n",
            digits(outcome.rate.alpha),
            outcome.rate.source,
            verdict(outcome)
        );
        if outcome.variants.len() > 1 {
            let _ = writeln!(text, "best of each design variant\n{}\n", variants(outcome));
        }
        let _ = writeln!(text, "{}\n", ranking(exploration, outcome, top));
        text.push_str(&frontiers(outcome));
        text.push_str(&sensitivity(outcome));
        text.push_str(&techniques(outcome));
    }
    section(&mut text, "ruled out", &ruled_out(exploration));
    section(&mut text, "warnings", &exploration.warnings());
    section(&mut text, "assumptions", &exploration.assumptions());
    text
}

fn headline(exploration: &Exploration) -> String {
    let e = exploration;
    let mut placed = e
        .outcomes
        .iter()
        .flat_map(|outcome| outcome.plan.roles.keys());
    let what = if placed.any(|partition| partition.stage.is_some()) {
        "models and stages"
    } else {
        "models"
    };
    let mut text = format!(
        "design space of {} ({}): v = {} variants, N = {} units, m = {} {}: v·N^m = {} points\n",
        e.platform, e.platform_origin, e.variants, e.pus, e.partitions, what, e.size
    );
    let lengths = match (e.draft_lengths.first(), e.draft_lengths.last()) {
        (Some(low), Some(high)) if low != high => format!("γ from {low} to {high}"),
        (Some(only), _) => format!("γ = {only}"),
        _ => String::new(),
    };
    let how = match e.method {
        Method::Factored => format!(
            "factored: {} evaluations stand for all of them, exactly",
            e.evaluated
        ),
        _ => "every legal point evaluated".to_owned(),
    };
    let _ = writeln!(
        text,
        "{lengths}; cost model {}; least {}; {how}, in {:.1} ms",
        e.cost_model,
        e.objective,
        e.seconds * 1e3
    );
    text
}

fn verdict(outcome: &Outcome) -> String {
    let plan = &outcome.plan;
    let places: Vec<String> = plan
        .roles
        .iter()
        .map(|(role, place)| format!("{role} on {}", place.pu))
        .collect();
    format!(
        "best: γ = {}, {} ({}), {} ms per token, {} × its baseline",
        plan.gamma,
        places.join(", "),
        variant(&plan.variant),
        digits(plan.time.per_token_ms),
        digits(plan.speedup.over_baseline)
    )
}

/// `gpu`, or `(gpu)` for a place that stays idle.
fn drafter(row: &Row, numbers: &Numbers) -> String {
    match &row.drafter {
        None => "–".into(),
        Some(pu) if numbers.gamma == 0 => format!("({pu})"),
        Some(pu) => pu.clone(),
    }
}

fn c(numbers: &Numbers) -> String {
    numbers.c.map_or_else(|| "–".into(), |c| format!("{c:.3}"))
}

fn variants(outcome: &Outcome) -> String {
    let mut table = table(
        &[
            "variant",
            "drafter",
            "target",
            "γ*",
            "c",
            "Eq. (1)",
            "over baseline",
            "ms/token",
            "runner-up",
            "slower",
        ],
        &[3, 4, 5, 6, 7, 9],
        WIDTH,
    );
    for best in &outcome.variants {
        let Some(n) = &best.best.numbers else {
            continue;
        };
        let runner_up = best.runner_up.as_ref().and_then(|row| {
            let next = row.numbers.as_ref()?;
            let what = if next.gamma > 0 {
                format!(
                    "{}→{} γ={}",
                    row.drafter.as_deref().unwrap_or("–"),
                    row.target,
                    next.gamma
                )
            } else {
                format!("{} alone", row.target)
            };
            let slower = (next.objective / n.objective - 1.0) * 100.0;
            Some((what, format!("{slower:.1} %")))
        });
        let (runner_up, slower) = runner_up.unwrap_or_else(|| ("–".into(), "–".into()));
        table.add_row(vec![
            variant(&best.variant),
            drafter(&best.best, n),
            best.best.target.clone(),
            n.gamma.to_string(),
            c(n),
            format!("{:.2}", n.eq1),
            format!("{:.2}", n.over_baseline),
            digits(n.per_token_ms),
            runner_up,
            slower,
        ]);
    }
    shown(&table)
}

fn ranking(exploration: &Exploration, outcome: &Outcome, top: usize) -> String {
    let energy = outcome
        .rows
        .iter()
        .any(|row| row.numbers.as_ref().is_some_and(|n| n.energy_mj.is_some()));
    let mut header = vec![
        "#", "variant", "drafter", "target", "γ*", "c", "Eq. (1)", "ms/token", "memory",
    ];
    let mut right = vec![0, 4, 5, 6, 7, 8];
    if energy {
        header.push("mJ/token");
        right.push(9);
    }
    let mut table = table(&header, &right, WIDTH);
    let legal: Vec<(&Row, &Numbers)> = outcome
        .rows
        .iter()
        .filter_map(|row| Some((row, row.numbers.as_ref()?)))
        .collect();
    for (index, (row, n)) in legal.iter().take(top).enumerate() {
        let mut cells = vec![
            (index + 1).to_string(),
            variant(&row.variant),
            drafter(row, n),
            row.target.clone(),
            n.gamma.to_string(),
            c(n),
            format!("{:.2}", n.eq1),
            digits(n.per_token_ms),
            bytes(n.memory_bytes as f64),
        ];
        if energy {
            cells.push(n.energy_mj.map_or_else(|| "–".into(), digits));
        }
        table.add_row(cells);
    }
    let what = if exploration.method == Method::Factored {
        "mappings, each under its best variant"
    } else {
        "points"
    };
    let title = if legal.len() > top {
        format!("the best {top} of {} legal {what}", legal.len())
    } else {
        format!("all {} legal {what}", legal.len())
    };
    format!("{title}\n{}", shown(&table))
}

fn frontiers(outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut add = |name: &str, rows: &[Row], value: &dyn Fn(&Numbers) -> String| {
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "time against {name}: what no other point beats in both"
        );
        for row in rows {
            if let Some(n) = &row.numbers {
                let _ = writeln!(
                    text,
                    "  {:>10} ms  {:>10}  {:.2} ×  {}, drafter {}, target {}, γ = {}",
                    digits(n.per_token_ms),
                    value(n),
                    n.over_baseline,
                    variant(&row.variant),
                    drafter(row, n),
                    row.target,
                    n.gamma
                );
            }
        }
        text.push('\n');
    };
    // Without weights every point takes the same nothing.
    let known = outcome
        .memory_frontier
        .iter()
        .any(|row| row.numbers.as_ref().is_some_and(|n| n.memory_bytes > 0));
    if known {
        add("memory", &outcome.memory_frontier, &|n| {
            bytes(n.memory_bytes as f64)
        });
    }
    add("energy", &outcome.energy_frontier, &|n| {
        n.energy_mj
            .map_or_else(String::new, |mj| format!("{} mJ", digits(mj)))
    });
    text
}

fn sensitivity(outcome: &Outcome) -> String {
    let s = &outcome.plan.sensitivity;
    let interval = |name: &str, interval: &Option<cost::search::Interval>| {
        let interval = (*interval)?;
        Some(match interval.high {
            Some(high) => format!("{name} from {:.3} to {high:.3}", interval.low),
            None => format!("{name} from {:.3} up", interval.low),
        })
    };
    let mut text = String::new();
    let both = |alpha, c| {
        [interval("α", alpha), interval("c", c)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; ")
    };
    let plan = both(&s.alpha, &s.c);
    if !plan.is_empty() {
        let _ = writeln!(text, "the plan stays the best for {plan}");
        let _ = writeln!(
            text,
            "{} stays right for {}",
            if outcome.plan.speculate {
                "speculating"
            } else {
                "not speculating"
            },
            both(&s.alpha_speculation, &s.c_speculation)
        );
    }
    for shift in &outcome.shifts {
        let _ = writeln!(
            text,
            "were α {:.2}: {} ms per token ({:+.1} %), {}",
            shift.alpha,
            digits(shift.planned_ms),
            shift.change * 100.0,
            if shift.regret > 5e-4 {
                format!(
                    "and another plan would be {:.1} % faster",
                    shift.regret / (1.0 + shift.regret) * 100.0
                )
            } else {
                "and no other plan would be faster".into()
            }
        );
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn techniques(outcome: &Outcome) -> String {
    if outcome.techniques.is_empty() {
        return String::new();
    }
    let mut table = table(
        &[
            "technique",
            "parameters",
            "tokens/round",
            "ms/token",
            "speedup",
        ],
        &[2, 3, 4],
        WIDTH,
    );
    for row in &outcome.techniques {
        table.add_row(vec![
            row.name.clone(),
            row.parameters.clone(),
            format!("{:.2}", row.tokens),
            digits(row.per_token_ms),
            format!("{:.2}", row.speedup),
        ]);
    }
    format!(
        "other ways to speculate with the mapping that drafts best (analysis only; what each\nassumes and where it is from stands in the HTML and JSON forms)\n{}\n",
        shown(&table)
    )
}

/// Each reason once, with how many points of one rate it rules out.
pub fn ruled_out(exploration: &Exploration) -> Vec<String> {
    let Some(outcome) = exploration.outcomes.first() else {
        return vec![];
    };
    let ruled = outcome.plan.ruled_out.iter();
    ruled
        .filter(|ruled| ruled.points > 0)
        .map(|ruled| format!("{} × {}", ruled.points, ruled.words))
        .collect()
}

fn section(text: &mut String, title: &str, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}:");
    for sentence in sentences {
        let _ = writeln!(text, "  - {sentence}");
    }
}
