//! How the mappings compare, for `--explain`.

use cost::Ranking;
use cost::platform::variant_text;

/// How many mappings are worth reading.
pub const RANKS: usize = 40;

/// Every mapping of the ranking in a line, the fastest first.
pub fn render(ranking: &Ranking) -> String {
    let mut text = format!(
        "every mapping, the fastest first\n  {:<24} {:<10} {:<10} {:<10} {:>5} {:>7} {:>14}\n",
        "resources", "drafter", "target", "control", "gamma", "c", "ms per token"
    );
    for row in &ranking.rows {
        let c = row.c.map_or("-".to_owned(), |c| format!("{c:.3}"));
        text.push_str(&format!(
            "  {:<24} {:<10} {:<10} {:<10} {:>5} {c:>7} {:>14.3}\n",
            variant_text(&row.variant),
            row.drafter.as_deref().unwrap_or("-"),
            row.target,
            row.control,
            row.gamma,
            row.per_token_ms,
        ));
    }
    let more = ranking.total.saturating_sub(ranking.rows.len());
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
    text
}
