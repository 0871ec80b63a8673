//! Where in the user's input a message points.

use std::fmt;

/// A position in a file; line and column count from 1. Where there are no lines
/// (bytecode), the line is 0, and the file may be the path of an operation in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as the user named it, as the IR carries it, or `<builtin:NAME>` for
    /// a platform that is built in.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column, in bytes.
    pub column: usize,
}

impl Place {
    /// An operation's path in the IR, where there are no lines.
    pub fn of_path(path: String) -> Self {
        Self {
            file: path,
            line: 0,
            column: 0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return formatter.write_str(&self.file);
        }
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}
