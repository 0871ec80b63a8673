//! One message: what happened, where, which text offended, what to do next.

use std::fmt;

use crate::Place;

/// How grave a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Belongs to the diagnostic before it.
    Note,
    /// Something the user may like to know.
    Remark,
    /// The work goes on, but the user should know.
    Warning,
    /// The work cannot go on.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Severity::Note => "note",
            Severity::Remark => "remark",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// One message: what happened, where, which text offended, what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// Where in the input, if that is known.
    pub place: Option<Place>,
    /// What happened, in one sentence.
    pub message: String,
    /// The text or operation in question, if there is one.
    pub offending: Option<String>,
    /// What belongs to it, each with its own place.
    pub notes: Vec<Diagnostic>,
    /// The user's next step, if there is one to name.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A message of the given severity without place, notes or help.
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            place: None,
            message: message.into(),
            offending: None,
            notes: Vec::new(),
            help: None,
        }
    }

    /// An error.
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    /// A warning.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message)
    }

    /// A remark.
    pub fn remark(message: impl Into<String>) -> Self {
        Self::new(Severity::Remark, message)
    }

    /// A note.
    pub fn note(message: impl Into<String>) -> Self {
        Self::new(Severity::Note, message)
    }

    /// Points the message at `place`.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// Shows `text` as what offended.
    #[must_use]
    pub fn offending(mut self, text: impl Into<String>) -> Self {
        self.offending = Some(text.into());
        self
    }

    /// Adds the next step.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn with_note(mut self, note: Diagnostic) -> Self {
        self.notes.push(note);
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{place}: ")?;
        }
        write!(formatter, "{}: {}", self.severity, self.message)?;
        if let Some(text) = &self.offending {
            write!(formatter, "\n  | {text}")?;
        }
        for note in &self.notes {
            write!(formatter, "\n{note}")?;
        }
        if let Some(help) = &self.help {
            write!(formatter, "\n  = help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}
