//! What IREE says while it compiles, as diagnostics.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Mutex;

use diagnostics::{Diagnostic, Place, Severity};

/// The API's callback for diagnostics. `data` is the list that is added to.
pub(super) unsafe extern "C" fn collect(
    severity: c_int,
    message: *const c_char,
    size: usize,
    data: *mut c_void,
) {
    if message.is_null() || data.is_null() {
        return;
    }
    // SAFETY: the API passes `size` readable bytes, and the list that was
    // registered with this callback, which is shared behind a lock: passes run
    // on IREE's threads.
    let (text, list) = unsafe {
        let bytes = std::slice::from_raw_parts(message.cast::<u8>(), size);
        let list = &*data.cast::<Mutex<Vec<Diagnostic>>>();
        (String::from_utf8_lossy(bytes), list)
    };
    if let Ok(mut list) = list.lock() {
        list.push(parsed(severity, &text));
    }
}

/// Takes what was collected.
pub(super) fn taken(list: &Mutex<Vec<Diagnostic>>) -> Vec<Diagnostic> {
    list.lock()
        .map(|mut list| std::mem::take(&mut *list))
        .unwrap_or_default()
}

/// The API gives one text with places and notes in it.
fn parsed(severity: c_int, text: &str) -> Diagnostic {
    let severity = match severity {
        0 => Severity::Note,
        1 => Severity::Warning,
        3 => Severity::Remark,
        _ => Severity::Error,
    };
    // A message may hold empty lines of its own; what follows one begins a new
    // part only if it begins with a place.
    let mut parts: Vec<(Option<Place>, String)> = Vec::new();
    for paragraph in text.split("\n\n") {
        let begins = placed(paragraph);
        match (begins, parts.last_mut()) {
            (Some((place, rest)), _) => parts.push((place, rest.to_owned())),
            (None, Some((_, last))) => {
                last.push_str("\n\n");
                last.push_str(paragraph);
            }
            (None, None) => parts.push((None, paragraph.to_owned())),
        }
    }
    let mut parts = parts.into_iter();
    let (place, message) = parts.next().unwrap_or_default();
    let mut diagnostic = Diagnostic::new(severity, message).at(place);
    for (place, message) in parts {
        diagnostic = diagnostic.with_note(Diagnostic::note(message).at(place));
    }
    diagnostic
}

/// `file:12:3: text` or `loc(unknown): text`, taken apart.
fn placed(text: &str) -> Option<(Option<Place>, &str)> {
    if text.starts_with("loc(") {
        let (_, rest) = text.split_once("): ")?;
        return Some((None, rest));
    }
    let line_end = text.find('\n').unwrap_or(text.len());
    let (head, _) = text[..line_end].split_once(": ")?;
    let mut parts = head.rsplitn(3, ':');
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    let file = parts.next()?.to_owned();
    let rest = &text[head.len() + 2..];
    Some((Some(Place { file, line, column }), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_notes() {
        let said = parsed(
            2,
            "a/in.mlir:12:3: failed to legalize\n\na/in.mlir:1:1: called from\n\nloc(unknown): see current operation",
        );
        assert_eq!(said.severity, Severity::Error);
        assert_eq!(said.message, "failed to legalize");
        let place = said.place.unwrap();
        assert_eq!(
            (place.file.as_str(), place.line, place.column),
            ("a/in.mlir", 12, 3)
        );
        assert_eq!(said.notes.len(), 2);
        assert_eq!(said.notes[0].message, "called from");
        assert_eq!(said.notes[1].place, None);
    }

    #[test]
    fn other_texts_stay_whole() {
        let said = parsed(1, "no place: but a colon\n\nand a second paragraph");
        assert_eq!(said.place, None);
        assert_eq!(
            said.message,
            "no place: but a colon\n\nand a second paragraph"
        );
        assert!(said.notes.is_empty());
    }
}
