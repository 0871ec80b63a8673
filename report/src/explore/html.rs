//! The report: one HTML file that needs no other.

use cost::explore::{Exploration, Method, Numbers, Outcome, Row};
use cost::{bytes, digits};

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
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>{STYLE}</style></head>\n\
         <body>\n<h1>{}</h1>\n{body}</body></html>\n",
        escape(title),
        escape(title)
    )
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
    let mut body = format!(
        "<p>{} variants × {}<sup>{}</sup> mappings = <b>{} points</b>; cost model {}; least {}; {}; γ in {}. \
         Platform {} ({}){}.</p>\n",
        e.variants,
        e.pus,
        e.partitions,
        e.size,
        e.cost_model,
        e.objective,
        match e.method {
            Method::Factored => format!("searched exactly with {} evaluations", e.evaluated),
            _ => "every legal point evaluated".into(),
        },
        match (e.draft_lengths.first(), e.draft_lengths.last()) {
            (Some(low), Some(high)) => format!("{low}…{high}"),
            _ => "0".into(),
        },
        escape(&e.platform),
        escape(&e.platform_origin),
        e.profile.as_ref().map_or_else(String::new, |file| format!(
            ", latencies from {}",
            escape(file)
        ))
    );
    for outcome in &e.outcomes {
        body.push_str(&section(e, outcome)?);
    }
    if !stages.is_empty() {
        body.push_str("<h2>Models cut into stages</h2>\n");
    }
    for text in stages {
        body.push_str(&format!("<pre>{}</pre>\n", escape(text)));
    }
    if !extra.is_empty() {
        body.push_str("<h2>How the search grows</h2>\n");
        body.extend(extra.iter().map(figure));
    }
    body.push_str(&list("Ruled out", &table::ruled_out(e)));
    body.push_str(&list("Warnings", &e.warnings()));
    body.push_str(&list("Assumptions and their sources", &e.assumptions()));
    Ok(page(&format!("Design space of {}", e.platform), &body))
}

fn section(exploration: &Exploration, outcome: &Outcome) -> Result<String, String> {
    let mut text = format!(
        "<h2>α = {}</h2>\n<p>{}</p>\n<h3>Plan</h3>\n<pre>{}</pre>\n",
        digits(outcome.rate.alpha),
        escape(&outcome.rate.source),
        escape(&plan::render(&outcome.plan))
    );
    if outcome.variants.len() > 1 {
        text.push_str("<h3>Best of each design variant</h3>\n");
        let bests: Vec<&Row> = outcome.variants.iter().map(|best| &best.best).collect();
        text.push_str(&rows(&bests));
    }
    text.push_str("<h3>Plots</h3>\n");
    text.extend(plots::all(exploration, outcome)?.iter().map(figure));
    for shift in &outcome.shifts {
        text.push_str(&format!(
            "<p>Were α {:.2}, the plan would take {} ms per token ({:+.1} %), and the best plan {} ms: a regret of {:.1} %.</p>\n",
            shift.alpha,
            digits(shift.planned_ms),
            shift.change * 100.0,
            digits(shift.best_ms),
            shift.regret * 100.0
        ));
    }
    if !outcome.techniques.is_empty() {
        text.push_str("<h3>Other ways to speculate with the mapping that drafts best</h3>\n<table><tr><th>technique<th>parameters<th class=n>tokens per round<th class=n>ms per token<th class=n>speedup<th>assumes<th>source</tr>\n");
        for row in &outcome.techniques {
            text.push_str(&format!(
                "<tr><td>{}<td>{}<td class=n>{:.2}<td class=n>{}<td class=n>{:.2}<td>{}<td>{}</tr>\n",
                escape(&row.name),
                escape(&row.parameters),
                row.tokens,
                digits(row.per_token_ms),
                row.speedup,
                escape(&row.assumes),
                escape(&row.source)
            ));
        }
        text.push_str("</table>\n");
    }
    let shown: Vec<&Row> = outcome.rows.iter().take(MOST_ROWS).collect();
    text.push_str(&format!(
        "<h3>{}</h3>\n<div class=scroll>{}</div>\n",
        if outcome.rows.len() > MOST_ROWS {
            format!("The best {MOST_ROWS} of {} points", outcome.rows.len())
        } else {
            "Every point".to_owned()
        },
        rows(&shown)
    ));
    Ok(text)
}

fn rows(rows: &[&Row]) -> String {
    let mut text = String::from(
        "<table><tr><th>variant<th>drafter<th>target<th class=n>γ*<th class=n>c<th class=n>Eq. (1)<th class=n>over baseline<th class=n>ms per token<th class=n>memory<th class=n>mJ per token<th>latencies</tr>\n",
    );
    for row in rows {
        let place = |pu: &Option<String>| escape(pu.as_deref().unwrap_or("–"));
        match &row.numbers {
            Some(n) => text.push_str(&format!(
                "<tr><td>{}<td>{}<td>{}{}<td>{}</tr>\n",
                escape(&variant(&row.variant)),
                if n.gamma == 0 && row.drafter.is_some() {
                    format!("({})", place(&row.drafter))
                } else {
                    place(&row.drafter)
                },
                escape(&row.target),
                numbers(n),
                escape(&n.source)
            )),
            None => text.push_str(&format!(
                "<tr class=out><td>{}<td>{}<td>{}<td colspan=8>{}</tr>\n",
                escape(&variant(&row.variant)),
                place(&row.drafter),
                escape(&row.target),
                place(&row.ruled_out)
            )),
        }
    }
    text.push_str("</table>\n");
    text
}

fn numbers(n: &Numbers) -> String {
    let cell = |text: String| format!("<td class=n>{text}");
    [
        n.gamma.to_string(),
        n.c.map_or_else(|| "–".into(), |c| format!("{c:.3}")),
        format!("{:.2}", n.eq1),
        format!("{:.2}", n.over_baseline),
        digits(n.per_token_ms),
        bytes(n.memory_bytes as f64),
        n.energy_mj.map_or_else(|| "–".into(), digits),
    ]
    .map(cell)
    .concat()
}

/// A figure with its caption.
pub fn figure(figure: &Figure) -> String {
    format!(
        "<figure>{}<figcaption>{}</figcaption></figure>\n",
        figure.svg,
        escape(&figure.caption)
    )
}

fn list(title: &str, sentences: &[String]) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    let items: String = sentences
        .iter()
        .map(|sentence| format!("<li>{}</li>\n", escape(sentence)))
        .collect();
    format!("<h2>{title}</h2>\n<ul>\n{items}</ul>\n")
}

/// Text that HTML takes for text.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
