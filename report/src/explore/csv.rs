//! Every point as CSV (RFC 4180, lines ended as on Unix), a line each.

use cost::explore::{Exploration, Row};
use csv::{Error, Writer, WriterBuilder};

/// The text; columns are named in its first line, with their units.
///
/// # Errors
/// None in memory, where writing does not fail.
pub fn render(exploration: &Exploration, pus: &[String]) -> Result<String, Error> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    let counts = pus.iter().map(|pu| format!("n_{pu}"));
    let header = ["alpha".to_owned()].into_iter().chain(counts);
    let names = [
        "drafter",
        "target",
        "control",
        "gamma",
        "c",
        "tokens_per_round",
        "eq1",
        "over_baseline",
        "draft_ms",
        "target_ms",
        "per_token_ms",
        "memory_bytes",
        "energy_mj",
        "objective",
        "source",
        "ruled_out",
    ];
    writer.write_record(header.chain(names.map(str::to_owned)))?;
    for outcome in &exploration.outcomes {
        for row in &outcome.rows {
            write(&mut writer, outcome.rate.alpha, row, pus)?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write(writer: &mut Writer<Vec<u8>>, alpha: f64, row: &Row, pus: &[String]) -> Result<(), Error> {
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
    writer.write_record(&fields)
}
