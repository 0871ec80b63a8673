//! Diagnostics of `dialects` and `passes`, as messages.

use dialects::{Diagnostic, Severity};
use specplace_driver::message::{self, Failure, Message, Place};

/// The message that a diagnostic is.
pub fn message(diagnostic: &Diagnostic) -> Message {
    Message {
        severity: match diagnostic.severity {
            Severity::Error => message::Severity::Error,
            Severity::Warning => message::Severity::Warning,
            Severity::Remark => message::Severity::Remark,
            Severity::Note => message::Severity::Note,
        },
        place: diagnostic.place.as_ref().map(|place| Place {
            file: place.file.clone(),
            line: to_usize(place.line),
            column: to_usize(place.column),
        }),
        text: diagnostic.message.clone(),
        offending: diagnostic.offending.clone(),
        notes: diagnostic.notes.iter().map(message).collect(),
        help: diagnostic.help.clone(),
    }
}

/// The IR could not be read.
pub fn unreadable(diagnostics: &[Diagnostic]) -> Failure {
    Failure {
        messages: diagnostics.iter().map(message).collect(),
        code: Failure::USAGE,
    }
}

/// The IR was read, but cannot be placed.
pub fn impossible(diagnostics: &[Diagnostic]) -> Failure {
    Failure::impossible(diagnostics.iter().map(message).collect())
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
