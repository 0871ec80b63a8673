//! Text as a shell reads it back.

use std::path::Path;

use crate::printer::is_unseen;

/// A path as the shell wants it.
pub fn path(path: &Path) -> String {
    word(&path.display().to_string())
}

/// Any text as one word of a shell. What cannot be seen, or turns the direction of
/// what follows, is written as bash's `$'…'` has it.
pub fn word(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+=:,@%".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    if !text.chars().any(is_unseen) {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    let escaped: String = text
        .chars()
        .map(|letter| match letter {
            '\'' | '\\' => format!("\\{letter}"),
            _ if is_unseen(letter) => format!("\\U{:08x}", u32::from(letter)),
            _ => letter.to_string(),
        })
        .collect();
    format!("$'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_word_and_can_be_seen() {
        for (text, expected) in [
            ("f", "f"),
            ("", "''"),
            ("$(touch x)", "'$(touch x)'"),
            ("a'b", "'a'\\''b'"),
            ("a\u{202e}'\\b", "$'a\\U0000202e\\'\\\\b'"),
            ("a\nb", "$'a\\U0000000ab'"),
        ] {
            assert_eq!(word(text), expected);
        }
    }
}
