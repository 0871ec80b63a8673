//! Everything that is printed goes through here: messages and reports to
//! stderr, requested output to stdout.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstream::{AutoStream, ColorChoice};
use diagnostics::{Diagnostic, Place, Severity};

/// Longest piece of a source line that is shown. MLIR has lines of megabytes.
const WINDOW: usize = 120;
/// Longest offending text that is shown, in lines and in bytes per line.
const OFFENDING_LINES: usize = 12;

const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

/// Prints to stderr, as quiet and as colourful as the user asked for.
pub struct Printer {
    stream: RefCell<AutoStream<io::Stderr>>,
    quiet: bool,
    held: Vec<Held>,
}

/// Text that stands in no file that could be read again.
struct Held {
    /// What MLIR calls it.
    file: String,
    /// What messages call it.
    name: String,
    text: Vec<u8>,
}

impl Printer {
    /// A printer for this process's stderr.
    pub fn new(colour: ColorChoice, quiet: bool) -> Self {
        Self {
            stream: RefCell::new(AutoStream::new(io::stderr(), colour)),
            quiet,
            held: Vec::new(),
        }
    }

    /// Keeps text that has no file to be read from again (stdin, or what was
    /// decompressed), so that its lines can be shown. MLIR calls it `file`, and
    /// messages call it `name`.
    pub fn hold_source(&mut self, file: String, name: String, text: Vec<u8>) {
        self.held.push(Held { file, name, text });
    }

    /// Whether such text is held that MLIR calls so.
    pub fn holds(&self, file: &str) -> bool {
        self.held(file).is_some()
    }

    fn held(&self, file: &str) -> Option<&Held> {
        self.held.iter().find(|held| held.file == file)
    }

    /// Whether a person is watching.
    pub fn interactive(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Prints a message. Remarks are part of the report, so that `--quiet`
    /// leaves them out.
    pub fn message(&self, message: &Diagnostic) {
        if self.quiet && message.severity < Severity::Warning {
            return;
        }
        self.write(&self.render(message));
    }

    /// Prints several messages.
    pub fn messages<'a>(&self, messages: impl IntoIterator<Item = &'a Diagnostic>) {
        for message in messages {
            self.message(message);
        }
    }

    /// Prints a part of the report, unless `--quiet`.
    pub fn report(&self, text: &str) {
        if !self.quiet {
            self.write(&seen(text));
        }
    }

    fn write(&self, text: &str) {
        let mut stream = self.stream.borrow_mut();
        // There is no one to tell when stderr itself is closed.
        let _ = stream.write_all(text.as_bytes());
        if !text.ends_with('\n') {
            let _ = stream.write_all(b"\n");
        }
        let _ = stream.flush();
    }

    /// The message with its source line, styled.
    fn render(&self, message: &Diagnostic) -> String {
        let mut out = String::new();
        self.render_into(&mut out, message, None);
        out
    }

    /// The line at `above` has just been shown and is not shown again.
    fn render_into(&self, out: &mut String, message: &Diagnostic, above: Option<&Place>) {
        if let Some(place) = &message.place {
            let name = seen(self.shown_name(&place.file));
            out.push_str(&match place.line {
                0 => format!("{BOLD}{name}:{RESET} "),
                line => format!("{BOLD}{name}:{line}:{}:{RESET} ", place.column),
            });
        }
        let colour = match message.severity {
            Severity::Error => "\x1b[1;31m",
            Severity::Warning => "\x1b[1;33m",
            Severity::Remark | Severity::Note => "\x1b[1;36m",
        };
        out.push_str(&format!(
            "{colour}{}{RESET}{BOLD}: {}{RESET}\n",
            message.severity,
            seen(message.message.trim_end())
        ));
        let place = message.place.as_ref().filter(|place| above != Some(place));
        let shown = place.and_then(|place| {
            let line = self.source_line(place)?;
            out.push_str(&snippet(&line, place, message.severity));
            Some(line)
        });
        if let Some(text) = &message.offending {
            let already = shown.is_some_and(|line| {
                line.contains(text.trim()) || same_operation(&line, text.trim())
            });
            if !already {
                for line in text.trim_end().lines().take(OFFENDING_LINES) {
                    out.push_str(&format!("  | {}\n", seen(&cut(line, WINDOW))));
                }
                if text.trim_end().lines().count() > OFFENDING_LINES {
                    out.push_str("  | ...\n");
                }
            }
        }
        for note in &message.notes {
            self.render_into(out, note, message.place.as_ref());
        }
        if let Some(help) = &message.help {
            out.push_str(&format!("  = {BOLD}help{RESET}: {}\n", seen(help)));
        }
    }

    /// The user knows by the name on the command line what MLIR reads from memory.
    fn shown_name<'a>(&'a self, file: &'a str) -> &'a str {
        self.held(file).map_or(file, |held| &held.name)
    }

    fn source_line(&self, place: &Place) -> Option<String> {
        let index = place.line.checked_sub(1)?;
        let line = match self.held(&place.file) {
            Some(held) => {
                let mut lines = held.text.split(|byte| *byte == b'\n');
                lines.nth(index)?.to_vec()
            }
            None => line_of_file(&place.file, index)?,
        };
        // Bytecode has no lines worth showing.
        let line = String::from_utf8(line).ok()?;
        (!line.trim().is_empty() && !line.contains('\0')).then_some(line)
    }
}

/// Whether a letter is not seen, or turns the direction of those around it, so that
/// what is read is not what is there: control characters, and Unicode's marks of
/// direction and of no width (Trojan Source, CVE-2021-42574).
pub fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Text from a module or a file, with what would not be seen written as its number.
/// Lines and tabs stay.
fn seen(text: &str) -> Cow<'_, str> {
    let stays = |letter: char| matches!(letter, '\n' | '\t') || !is_unseen(letter);
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if stays(letter) {
            shown.push(letter);
        } else {
            shown.extend(letter.escape_unicode());
        }
    }
    Cow::Owned(shown)
}

fn line_of_file(file: &str, index: usize) -> Option<Vec<u8>> {
    // A FIFO would block, and can be read once only anyway.
    if !std::fs::metadata(file).ok()?.is_file() {
        return None;
    }
    let mut reader = BufReader::new(File::open(file).ok()?);
    let mut line = Vec::new();
    for _ in 0..=index {
        line.clear();
        if reader.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Some(line)
}

/// The line with a caret under the column.
fn snippet(line: &str, place: &Place, severity: Severity) -> String {
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Remark | Severity::Note => Level::NOTE,
    };
    let column = floor_boundary(line, place.column.saturating_sub(1));
    let mut begin = floor_boundary(line, column.saturating_sub(WINDOW / 2));
    // The indentation is worth its place only when it costs little.
    if line[..begin].trim().is_empty() {
        begin = 0;
    }
    let end = floor_boundary(line, begin + WINDOW);
    let (before, after) = (
        if begin > 0 { "..." } else { "" },
        if end < line.len() { "..." } else { "" },
    );
    let shown = format!("{before}{}{after}", line[begin..end].trim_end());
    let caret = (column - begin + before.len()).min(shown.len());
    let width = word_at(&shown, caret);
    let group = Group::with_level(level).element(
        Snippet::source(shown.as_str())
            .line_start(place.line)
            .annotation(AnnotationKind::Primary.span(caret..caret + width)),
    );
    let mut text = Renderer::styled().term_width(WINDOW + 20).render(&[group]);
    text.push('\n');
    text
}

/// Length of the name, operation or number that begins at `at`, in bytes.
fn word_at(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let mut length = 0;
    let mut letters = rest.char_indices().peekable();
    while let Some((index, letter)) = letters.next() {
        let sigil = index == 0 && "%@#!\"^".contains(letter);
        let next = letters.peek().map(|(_, next)| *next);
        // As in `host-copy`, and not in `i1->i2`.
        let hyphen = letter == '-' && index > 0 && next.is_some_and(char::is_alphanumeric);
        if !(sigil || hyphen || letter.is_alphanumeric() || "_.$".contains(letter)) {
            break;
        }
        length = index + letter.len_utf8();
    }
    match (length, rest.chars().next()) {
        (0, Some(first)) => first.len_utf8(),
        (length, _) => length,
    }
}

/// Whether a line of the source and the printed form of an operation are the
/// same operation: MLIR prints it with other names of values, and aliases
/// written out, which tells nothing that the line does not.
fn same_operation(line: &str, printed: &str) -> bool {
    let name = |text: &str| {
        let text = text.trim_start();
        // Results come first: `%0, %1:2 = op`.
        let operation = match text.split_once(" = ") {
            Some((_, operation)) if text.starts_with('%') => operation,
            _ => text,
        };
        let end = operation.find([' ', '(', '<']).unwrap_or(operation.len());
        operation[..end].trim_matches('"').to_owned()
    };
    let (written, printed) = (name(line), name(printed));
    written.contains('.') && written == printed
}

fn cut(line: &str, most: usize) -> String {
    if line.len() <= most {
        return line.to_owned();
    }
    format!("{}...", &line[..floor_boundary(line, most)])
}

/// The last character boundary that is not after `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Writes requested output to stdout.
///
/// # Errors
///
/// What the system says, as of a closed pipe or a full disk.
pub fn to_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(printer: &Printer, message: &Diagnostic) -> String {
        anstream::adapter::strip_str(&printer.render(message)).to_string()
    }

    fn printer() -> Printer {
        let mut printer = Printer::new(ColorChoice::Never, false);
        printer.hold_source(
            "-".into(),
            "in.mlir.gz".into(),
            b"module {\n  %0 = \"torch.odd\"() : () -> i32\n}\n".to_vec(),
        );
        printer
    }

    fn at(line: usize, column: usize) -> Option<Place> {
        Some(Place {
            file: "-".into(),
            line,
            column,
        })
    }

    #[test]
    fn the_line_is_shown_with_a_caret() {
        let message = Diagnostic {
            place: at(2, 8),
            ..Diagnostic::error("no such op").help("use another")
        };
        assert_eq!(
            plain(&printer(), &message),
            "in.mlir.gz:2:8: error: no such op\n  \
               |\n\
             2 |   %0 = \"torch.odd\"() : () -> i32\n  \
               |        ^^^^^^^^^^\n  \
               = help: use another\n"
        );
    }

    #[test]
    fn a_whole_word_is_marked() {
        assert_eq!(word_at("[host-copy, transfer]", 1), "host-copy".len());
        assert_eq!(word_at("(i1->i2)", 1), "i1".len());
        assert_eq!(word_at("%a = op", 0), "%a".len());
        assert_eq!(word_at("- name", 0), 1);
        assert_eq!(word_at("{}", 0), 1);
        assert_eq!(word_at("", 0), 0);
    }

    #[test]
    fn places_outside_the_text_are_harmless() {
        for (line, column) in [(0, 0), (2, 0), (2, 999), (99, 1)] {
            let message = Diagnostic {
                place: at(line, column),
                ..Diagnostic::error("odd")
            };
            assert!(plain(&printer(), &message).contains("error: odd"));
        }
    }

    #[test]
    fn long_lines_are_cut_around_the_caret() {
        let mut printer = Printer::new(ColorChoice::Never, false);
        let mut text = "é".repeat(100_000);
        text.push_str("%here");
        text.push_str(&"ü".repeat(100_000));
        let column = text.find('%').unwrap() + 1;
        printer.hold_source("-".into(), "x".into(), text.into_bytes());
        for column in [column, column - 2, 5, 2] {
            let message = Diagnostic {
                place: at(1, column),
                ..Diagnostic::error("odd")
            };
            let shown = plain(&printer, &message);
            assert!(shown.len() < 2000, "{}", shown.len());
        }
    }

    #[test]
    fn offending_text_is_shown_once() {
        let mut message = Diagnostic {
            place: at(2, 8),
            offending: Some("\"torch.odd\"() : () -> i32".into()),
            ..Diagnostic::error("no")
        };
        assert_eq!(plain(&printer(), &message).matches("torch.odd").count(), 1);
        message.place = None;
        assert_eq!(plain(&printer(), &message).matches("torch.odd").count(), 1);
        // The same operation as MLIR prints it, with values numbered anew.
        message.place = at(2, 8);
        message.offending = Some("%12 = torch.odd : () -> i32".into());
        assert_eq!(plain(&printer(), &message).matches("torch.odd").count(), 1);
        // Another one, which the line does not show.
        message.offending = Some("%12 = torch.even : i32".into());
        assert!(plain(&printer(), &message).contains("  | %12 = torch.even"));
    }

    #[test]
    fn what_has_no_lines_has_no_line_number() {
        let message = Diagnostic {
            place: Some(Place {
                file: "@f/scf.while/torch.odd".into(),
                line: 0,
                column: 0,
            }),
            ..Diagnostic::error("no")
        };
        assert_eq!(
            plain(&printer(), &message),
            "@f/scf.while/torch.odd: error: no\n"
        );
    }
}
