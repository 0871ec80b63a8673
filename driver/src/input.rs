//! Reading IN: a file or stdin, text or bytecode, compressed or not.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::message::{Failure, Message, reason};

/// What makes a file bytecode (MLIR's own magic number).
pub const BYTECODE: &[u8] = b"ML\xefR";

/// How MLIR gets to see IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// MLIR maps the file itself, which is the fastest way.
    File(PathBuf),
    /// Held in memory: stdin, what had to be decompressed, or a file whose
    /// name MLIR could not be given.
    Memory {
        /// What messages call it.
        name: String,
        /// All of it.
        bytes: Vec<u8>,
    },
}

/// Whether `path` means stdin or stdout.
pub fn is_standard_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Opens IN far enough to know that it is there and worth giving to MLIR.
///
/// # Errors
///
/// A [`Failure`] when it is missing, a folder, unreadable, empty, or
/// compressed and damaged.
pub fn open(path: &Path) -> Result<Input, Failure> {
    if is_standard_stream(path) {
        let mut bytes = Vec::new();
        io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::io("cannot read standard input", &error))?;
        let name = "<stdin>".to_owned();
        return in_memory(name, bytes);
    }

    let fail = |error: &io::Error| unreadable(path, error);
    let found = fs::metadata(path).map_err(|error| fail(&error))?;
    if found.is_dir() {
        return Err(fail(&ErrorKind::IsADirectory.into()));
    }
    let mut file = File::open(path).map_err(|error| fail(&error))?;
    let mut head = Vec::new();
    file.by_ref()
        .take(2)
        .read_to_end(&mut head)
        .map_err(|error| fail(&error))?;
    let direct = found.is_file() && !is_gzip(&head) && !head.is_empty();
    if direct && path.to_str().is_some() {
        return Ok(Input::File(path.to_path_buf()));
    }
    let mut bytes = head;
    file.read_to_end(&mut bytes).map_err(|error| fail(&error))?;
    in_memory(path.display().to_string(), bytes)
}

fn in_memory(name: String, bytes: Vec<u8>) -> Result<Input, Failure> {
    let bytes = if is_gzip(&bytes) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(bytes.as_slice())
            .read_to_end(&mut plain)
            .map_err(|error| Failure::io(format!("cannot decompress {name}"), &error))?;
        plain
    } else {
        bytes
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Failure::usage(
            Message::error(format!("{name} is empty")).help(
                "give it a module of IR; was the program that should have written it successful?",
            ),
        ));
    }
    Ok(Input::Memory { name, bytes })
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let message = Message::error(format!("cannot read {}: {}", path.display(), reason(error)));
    let help = match error.kind() {
        ErrorKind::IsADirectory => Some("name the .mlir file in it"),
        ErrorKind::NotFound => Some("IN is a file of MLIR, as text or bytecode, or - for stdin"),
        _ => None,
    };
    Failure::usage(Message {
        help: help.map(str::to_owned),
        ..message
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn plain_files_are_left_to_mlir() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, "a.mlir", b"module {}");
        assert_eq!(open(&path).unwrap(), Input::File(path));
    }

    #[test]
    fn compressed_files_are_decompressed() {
        let folder = tempfile::tempdir().unwrap();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"module {}").unwrap();
        let compressed = encoder.finish().unwrap();
        let path = file(&folder, "a.mlir.gz", &compressed);
        match open(&path).unwrap() {
            Input::Memory { bytes, .. } => assert_eq!(bytes, b"module {}"),
            other => panic!("{other:?}"),
        }
        let path = file(&folder, "b.mlir.gz", &compressed[..compressed.len() - 9]);
        let failure = open(&path).unwrap_err();
        assert!(failure.to_string().contains("cannot decompress"));
    }

    #[test]
    fn nothing_to_read_is_an_error_with_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let empty = file(&folder, "empty.mlir", b"");
        for (path, text) in [
            (empty, "is empty"),
            (folder.path().to_path_buf(), "directory"),
            (folder.path().join("none"), "No such file"),
        ] {
            let failure = open(&path).unwrap_err();
            assert_eq!(failure.code, Failure::USAGE);
            assert!(failure.to_string().contains(text), "{failure}");
        }
    }
}
