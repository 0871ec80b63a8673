//! From text to tokens and back.

use std::path::Path;

use diagnostics::{Diagnostic, Failure};

/// A tokenizer.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 2: there is no such file, or it is none.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))?;
        let inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| {
            Failure::usage(
                Diagnostic::error(format!("{} is no tokenizer: {error}", path.display()))
                    .help("it is the file tokenizer.json that lies beside a model"),
            )
        })?;
        Ok(Self { inner })
    }

    /// The tokens of a prompt, with what the model wants before and after.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of status 2 for text that the tokenizer cannot take.
    pub fn tokens(&self, text: &str) -> Result<Vec<i64>, Failure> {
        let encoding = self.inner.encode(text, true).map_err(|error| {
            Failure::usage(
                Diagnostic::error(format!("the tokenizer does not take this prompt: {error}"))
                    .help("is it the tokenizer of this model? Otherwise give --tokens"),
            )
        })?;
        Ok(encoding.get_ids().iter().map(|id| i64::from(*id)).collect())
    }

    /// The text of tokens. Numbers that are none are left out.
    pub fn text(&self, tokens: &[i64]) -> String {
        let ids: Vec<u32> = tokens
            .iter()
            .filter_map(|token| u32::try_from(*token).ok())
            .collect();
        self.inner.decode(&ids, false).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use diagnostics::Status;

    use super::*;

    #[test]
    fn there_and_back() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/pair");
        let tokenizer = Tokenizer::load(&folder.join("tokenizer.json")).unwrap();
        let text = "    def main(self):\n        return None\n";
        let tokens = tokenizer.tokens(text).unwrap();
        assert!(tokens.len() > 3 && tokens.len() < text.len());
        assert_eq!(tokenizer.text(&tokens), text);
        assert_eq!(tokenizer.text(&[-1]), "");
    }

    #[test]
    fn what_is_no_tokenizer_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        std::fs::write(&path, "{}").unwrap();
        let Err(failure) = Tokenizer::load(&path) else {
            panic!("it is empty");
        };
        assert_eq!(failure.status, Status::Usage);
        assert!(
            failure
                .to_string()
                .contains("tokenizer.json is no tokenizer")
        );
    }

    /// One that knows a single word, and has no token for the others.
    #[test]
    fn a_prompt_that_has_no_tokens_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        let text = r#"{"model": {"type": "WordLevel", "vocab": {"yes": 0}, "unk_token": "?"}}"#;
        std::fs::write(&path, text).unwrap();
        let tokenizer = Tokenizer::load(&path).unwrap();
        assert_eq!(tokenizer.tokens("yes").unwrap(), [0]);
        let failure = tokenizer.tokens("no").unwrap_err();
        assert_eq!(failure.status, Status::Usage);
        let said = failure.to_string();
        assert!(
            said.starts_with("the tokenizer does not take this prompt: "),
            "{said}"
        );
    }
}
