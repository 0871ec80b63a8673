//! Texts in lines, and tables of one style.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, wrap};

/// The lines of `text`, wrapped between words where they would be wider, the first after `lead` and
/// the others indented as far. A flag or a name with hyphens stays in one piece.
pub(crate) fn lines(lead: &str, text: &str, width: usize) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return vec![lead.trim_end().to_owned()];
    }
    let indent = " ".repeat(lead.chars().count());
    let options = Options::new(width)
        .initial_indent(lead)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation)
        .word_separator(WordSeparator::AsciiSpace)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let text = words.join(" ");
    let lines = wrap(&text, options).into_iter();
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// A table that is no wider than `width`; `right` are the columns of numbers.
pub fn table(header: &[&str], right: &[usize], width: u16) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_BORDERS_ONLY_CONDENSED);
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(header.to_vec());
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The lines of a table, without blanks at their ends.
pub fn shown(table: &Table) -> String {
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_wide_as_they_may_be() {
        assert_eq!(
            lines("- ", "a  --very-long-flag\nb γ×c d", 9),
            ["- a", "  --very-long-flag", "  b γ×c d"]
        );
        assert_eq!(lines("", "ab cd ef", 5), ["ab cd", "ef"]);
        assert_eq!(lines("name  ", "", 9), ["name"]);
    }
}
