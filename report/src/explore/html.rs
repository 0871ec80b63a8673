//! The report: one HTML page that needs no other file.

use cost::explore::{Exploration, Method, Numbers, Outcome, Row, TechniqueRow};
use cost::{bytes, digits};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::plots::{self, Figure};
use super::{table, variant};
use crate::plan;

/// More rows than this stay in the CSV and JSON forms.
const MOST_ROWS: usize = 200;

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1{font-size:1.6rem}h2{font-size:1.3rem;border-bottom:1px solid #ccc;margin-top:2.5rem}h3{font-size:1.05rem}\
table{border-collapse:collapse;font-size:.85rem;margin:1rem 0}th,td{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:left}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}tr.out{color:#999}\
pre{font-size:.78rem;background:#f6f6f6;padding:1rem;overflow-x:auto}figure{margin:1.5rem 0}figcaption{font-size:.85rem;color:#555}\
.scroll{max-height:28rem;overflow:auto}";

/// A page in the report's style.
pub fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) }
                meta name="viewport" content="width=device-width,initial-scale=1";
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (body)
            }
        }
    };
    page.into_string()
}

/// The report. Texts about `stages`, then `extra` figures, come before the assumptions.
///
/// # Errors
/// What plotters says.
pub fn render(
    exploration: &Exploration,
    stages: &[String],
    extra: &[Figure],
) -> Result<String, String> {
    let e = exploration;
    let sections = e.outcomes.iter().map(|outcome| section(e, outcome));
    let sections: Vec<Markup> = sections.collect::<Result<_, _>>()?;
    let body = html! {
        (summary(e))
        @for section in &sections { (section) }
        @if !stages.is_empty() {
            h2 { "Models cut into stages" }
            @for text in stages { pre { (text) } }
        }
        @if !extra.is_empty() {
            h2 { "How the search grows" }
            @for each in extra { (figure(each)) }
        }
        (list("Ruled out", &table::ruled_out(e)))
        (list("Warnings", &e.warnings()))
        (list("Assumptions and their sources", &e.assumptions()))
    };
    Ok(page(&format!("Design space of {}", e.platform), &body))
}

/// What was searched, and how.
fn summary(e: &Exploration) -> Markup {
    html! {
        p {
            (e.variants) " variants × " (e.pus) sup { (e.partitions) } " mappings = "
            b { (e.size) " points" }
            "; cost model " (e.cost_model.to_string()) "; least " (e.objective.to_string()) "; "
            @match e.method {
                Method::Factored => { "searched exactly with " (e.evaluated) " evaluations" }
                _ => "every legal point evaluated"
            }
            "; γ in "
            @match (e.draft_lengths.first(), e.draft_lengths.last()) {
                (Some(low), Some(high)) => { (low) "…" (high) }
                _ => "0"
            }
            ". Platform " (e.platform) " (" (e.platform_origin) ")"
            @if let Some(file) = &e.profile { ", latencies from " (file) }
            "."
        }
    }
}

fn section(exploration: &Exploration, outcome: &Outcome) -> Result<Markup, String> {
    let figures = plots::all(exploration, outcome)?;
    let bests: Vec<&Row> = outcome.variants.iter().map(|best| &best.best).collect();
    let shown: Vec<&Row> = outcome.rows.iter().take(MOST_ROWS).collect();
    Ok(html! {
        h2 { "α = " (digits(outcome.rate.alpha)) }
        p { (outcome.rate.source) }
        h3 { "Plan" }
        pre { (plan::render(&outcome.plan)) }
        @if bests.len() > 1 {
            h3 { "Best of each design variant" }
            (rows(&bests))
        }
        h3 { "Plots" }
        @for each in &figures { (figure(each)) }
        @for shift in &outcome.shifts {
            p {
                (format!(
                    "Were α {:.2}, the plan would take {} ms per token ({:+.1} %), and the best plan {} ms: a regret of {:.1} %.",
                    shift.alpha,
                    digits(shift.planned_ms),
                    shift.change * 100.0,
                    digits(shift.best_ms),
                    shift.regret * 100.0
                ))
            }
        }
        @if !outcome.techniques.is_empty() {
            h3 { "Other ways to speculate with the mapping that drafts best" }
            (techniques(&outcome.techniques))
        }
        h3 {
            @if outcome.rows.len() > MOST_ROWS {
                "The best " (MOST_ROWS) " of " (outcome.rows.len()) " points"
            } @else {
                "Every point"
            }
        }
        .scroll { (rows(&shown)) }
    })
}

fn techniques(rows: &[TechniqueRow]) -> Markup {
    html! {
        table {
            tr {
                th { "technique" }
                th { "parameters" }
                th.n { "tokens per round" }
                th.n { "ms per token" }
                th.n { "speedup" }
                th { "assumes" }
                th { "source" }
            }
            @for row in rows {
                tr {
                    td { (row.name) }
                    td { (row.parameters) }
                    td.n { (format!("{:.2}", row.tokens)) }
                    td.n { (digits(row.per_token_ms)) }
                    td.n { (format!("{:.2}", row.speedup)) }
                    td { (row.assumes) }
                    td { (row.source) }
                }
            }
        }
    }
}

fn rows(rows: &[&Row]) -> Markup {
    html! {
        table {
            tr {
                @for name in ["variant", "drafter", "target"] { th { (name) } }
                @for name in ["γ*", "c", "Eq. (1)", "over baseline", "ms per token", "memory", "mJ per token"] {
                    th.n { (name) }
                }
                th { "latencies" }
            }
            @for row in rows {
                @let drafter = row.drafter.as_deref().unwrap_or("–");
                @match &row.numbers {
                    Some(n) => tr {
                        td { (variant(&row.variant)) }
                        td {
                            @if n.gamma == 0 && row.drafter.is_some() {
                                "(" (drafter) ")"
                            } @else {
                                (drafter)
                            }
                        }
                        td { (row.target) }
                        @for number in numbers(n) { td.n { (number) } }
                        td { (n.source) }
                    }
                    None => tr.out {
                        td { (variant(&row.variant)) }
                        td { (drafter) }
                        td { (row.target) }
                        td colspan="8" { (row.ruled_out.as_deref().unwrap_or("–")) }
                    }
                }
            }
        }
    }
}

fn numbers(n: &Numbers) -> [String; 7] {
    [
        n.gamma.to_string(),
        n.c.map_or_else(|| "–".into(), |c| format!("{c:.3}")),
        format!("{:.2}", n.eq1),
        format!("{:.2}", n.over_baseline),
        digits(n.per_token_ms),
        bytes(n.memory_bytes as f64),
        n.energy_mj.map_or_else(|| "–".into(), digits),
    ]
}

/// A figure with its caption.
pub fn figure(figure: &Figure) -> Markup {
    html! {
        figure {
            (PreEscaped(&figure.svg))
            figcaption { (figure.caption) }
        }
    }
}

fn list(title: &str, sentences: &[String]) -> Markup {
    html! {
        @if !sentences.is_empty() {
            h2 { (title) }
            ul { @for sentence in sentences { li { (sentence) } } }
        }
    }
}
