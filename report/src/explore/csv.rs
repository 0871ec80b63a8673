//! Every point as CSV (RFC 4180), a line each.

use cost::explore::{Exploration, Row};

/// The text; columns are named in its first line, with their units.
pub fn render(exploration: &Exploration, pus: &[String]) -> String {
    let counts: Vec<String> = pus.iter().map(|pu| format!("n_{pu}")).collect();
    let mut text = format!(
        "alpha,{},drafter,target,control,gamma,c,tokens_per_round,eq1,over_baseline,draft_ms,target_ms,\
         per_token_ms,memory_bytes,energy_mj,objective,source,ruled_out\n",
        counts.join(",")
    );
    for outcome in &exploration.outcomes {
        for row in &outcome.rows {
            text.push_str(&line(outcome.rate.alpha, row, pus));
            text.push('\n');
        }
    }
    text
}

fn line(alpha: f64, row: &Row, pus: &[String]) -> String {
    let or_nothing = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
    let mut fields = vec![alpha.to_string()];
    fields.extend(pus.iter().map(|pu| {
        let count = row.variant.get(pu);
        count.map_or_else(String::new, u32::to_string)
    }));
    fields.extend([
        row.drafter.clone().unwrap_or_default(),
        row.target.clone(),
        row.control.clone().unwrap_or_default(),
    ]);
    match &row.numbers {
        Some(n) => fields.extend([
            n.gamma.to_string(),
            or_nothing(n.c),
            n.tokens_per_round.to_string(),
            n.eq1.to_string(),
            n.over_baseline.to_string(),
            or_nothing(n.draft_ms),
            n.target_ms.to_string(),
            n.per_token_ms.to_string(),
            n.memory_bytes.to_string(),
            or_nothing(n.energy_mj),
            n.objective.to_string(),
            n.source.clone(),
        ]),
        None => fields.extend(std::iter::repeat_n(String::new(), 12)),
    }
    fields.push(row.ruled_out.clone().unwrap_or_default());
    fields
        .iter()
        .map(|field| quoted(field))
        .collect::<Vec<_>>()
        .join(",")
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_must_be() {
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(quoted("plain"), "plain");
    }
}
