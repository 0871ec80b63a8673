//! Reading IN: a file or stdin, text or bytecode, compressed or not.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use diagnostics::{Diagnostic, Failure, reason};
use flate2::read::MultiGzDecoder;

/// What makes a file bytecode (MLIR's own magic number).
pub const BYTECODE: &[u8] = b"ML\xefR";

/// How much tells what a file is.
const HEAD: u64 = 4;

/// Whether something was read that cannot be read again.
static USED_UP: AtomicBool = AtomicBool::new(false);

/// Whether this process has read something that it could not read again: standard
/// input, or a pipe.
pub fn was_used_up() -> bool {
    USED_UP.load(Ordering::Relaxed)
}

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

/// Refuses a pipe where the same is read again, by us or by a program that we start:
/// a second reader would wait for ever.
///
/// # Errors
///
/// That it is one. What is not there is told by who reads it.
pub fn readable_again(path: &Path) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
        return Err(io::Error::other(
            "it is no file, and is read more than once",
        ));
    }
    Ok(())
}

/// Opens IN far enough to know that it is there and worth giving to MLIR.
///
/// # Errors
///
/// A [`Failure`] when it is missing, a folder, unreadable, empty, or
/// compressed and damaged.
pub fn open(path: &Path) -> Result<Input, Failure> {
    if is_standard_stream(path) {
        USED_UP.store(true, Ordering::Relaxed);
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
    if !found.is_file() {
        USED_UP.store(true, Ordering::Relaxed);
    }
    let mut file = File::open(path).map_err(|error| fail(&error))?;
    let mut head = Vec::new();
    file.by_ref()
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(|error| fail(&error))?;
    check_encoding(&path.display().to_string(), &head)?;
    // What begins with nothing may hold nothing else.
    let direct = found.is_file() && !is_gzip(&head) && !head.iter().all(is_nothing);
    if direct && path.to_str().is_some() {
        return Ok(Input::File(path.to_path_buf()));
    }
    let mut bytes = head;
    file.read_to_end(&mut bytes).map_err(|error| fail(&error))?;
    in_memory(path.display().to_string(), bytes)
}

fn in_memory(name: String, bytes: Vec<u8>) -> Result<Input, Failure> {
    let bytes = if is_gzip(&bytes) {
        decompressed(&name, &bytes)?
    } else {
        bytes
    };
    check_encoding(&name, &bytes)?;
    if bytes.iter().all(is_nothing) {
        let what = if bytes.contains(&0) {
            "holds zeros and nothing else"
        } else {
            "is empty"
        };
        return Err(Failure::usage(
            Diagnostic::error(format!("{name} {what}")).help(
                "give it a module of IR; was the program that should have written it successful?",
            ),
        ));
    }
    Ok(Input::Memory { name, bytes })
}

fn is_nothing(byte: &u8) -> bool {
    *byte == 0 || byte.is_ascii_whitespace()
}

/// Up to so many bytes, text that is compressed may be anything.
const LARGE: u64 = 1 << 30;

/// Beyond [`LARGE`], no module grows by more than this, and whatever does was made to
/// fill the memory.
const GROWTH: u64 = 100;

fn decompressed(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let compressed = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let most = compressed.saturating_mul(GROWTH).max(LARGE);
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(bytes)
        .take(most.saturating_add(1))
        .read_to_end(&mut plain);
    match read {
        Ok(read) if u64::try_from(read).is_ok_and(|read| read > most) => Err(Failure::usage(
            Diagnostic::error(format!(
                "{name} grows to more than {} MiB from {} KiB",
                most >> 20,
                compressed.div_ceil(1 << 10)
            ))
            .help("if it is a module all the same, decompress it first: gunzip"),
        )),
        Ok(_) => Ok(plain),
        Err(error) => Err(damaged(name, &error)),
    }
}

/// MLIR reads UTF-8 without a mark. Of anything else it would say that its first
/// character is wrong, which nobody sees in an editor.
fn check_encoding(name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let (encoding, iconv) = match bytes {
        [0xef, 0xbb, 0xbf, ..] => ("UTF-8 with a byte order mark", None),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => ("UTF-32", Some("UTF-32")),
        [0xff, 0xfe, ..] => ("UTF-16", Some("UTF-16")),
        [0xfe, 0xff, ..] => ("UTF-16", Some("UTF-16")),
        // Without a mark, as the beginning of text in ASCII looks.
        [1..=0x7f, 0, 1..=0x7f, 0, ..] => ("UTF-16", Some("UTF-16LE")),
        [0, 1..=0x7f, 0, 1..=0x7f, ..] => ("UTF-16", Some("UTF-16BE")),
        _ => return Ok(()),
    };
    Err(Failure::usage(
        Diagnostic::error(format!("{name} is in {encoding}, which MLIR does not read")).help(
            match iconv {
                Some(from) => {
                    format!("convert it: iconv -f {from} -t UTF-8 {name}, or save it as UTF-8")
                }
                None => "save it as UTF-8 without the mark".to_owned(),
            },
        ),
    ))
}

fn damaged(name: &str, error: &io::Error) -> Failure {
    let help = match error.kind() {
        ErrorKind::UnexpectedEof => "the file is cut off: copy or compress it once more",
        ErrorKind::OutOfMemory => {
            "decompress it first (gunzip): a file of its own is not held in memory"
        }
        _ => "the file is damaged: copy or compress it once more",
    };
    Failure::usage(
        Diagnostic::error(format!("cannot decompress {name}: {}", reason(error))).help(help),
    )
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let message = Diagnostic::error(format!("cannot read {}: {}", path.display(), reason(error)));
    let help = match error.kind() {
        ErrorKind::IsADirectory => Some("name the .mlir file in it"),
        ErrorKind::NotFound => Some("IN is a file of MLIR, as text or bytecode, or - for stdin"),
        ErrorKind::PermissionDenied => {
            Some("let this user read it (`ls -l` shows who may), or give a copy")
        }
        _ => None,
    };
    Failure::usage(Diagnostic {
        help: help.map(str::to_owned),
        ..message
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use diagnostics::Status;

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
        assert!(
            failure.messages[0]
                .help
                .as_ref()
                .unwrap()
                .contains("cut off")
        );
        // A checksum that is another.
        let mut wrong = compressed.clone();
        let at = wrong.len() - 8;
        wrong[at] ^= 1;
        let failure = open(&file(&folder, "c.mlir.gz", &wrong)).unwrap_err();
        assert!(
            failure.messages[0]
                .help
                .as_ref()
                .unwrap()
                .contains("damaged")
        );
    }

    /// The system lets an administrator read everything.
    #[test]
    fn what_may_not_be_read_has_a_next_step() {
        let failure = unreadable(Path::new("a.mlir"), &ErrorKind::PermissionDenied.into());
        assert!(failure.messages[0].help.as_ref().unwrap().contains("ls -l"));
    }

    #[test]
    fn encodings_are_named() {
        let utf16 = |swap: bool| -> Vec<u8> {
            let units = "module {}".encode_utf16();
            units
                .flat_map(|unit| {
                    if swap {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect()
        };
        for (bytes, name) in [
            (utf16(false), "UTF-16"),
            (utf16(true), "UTF-16"),
            ([b"\xff\xfe".to_vec(), utf16(false)].concat(), "UTF-16"),
            ([b"\xfe\xff".to_vec(), utf16(true)].concat(), "UTF-16"),
            (b"\xff\xfe\0\0m\0\0\0".to_vec(), "UTF-32"),
            (b"\xef\xbb\xbfmodule {}".to_vec(), "UTF-8 with a byte"),
        ] {
            let failure = check_encoding("a.mlir", &bytes).unwrap_err();
            let text = format!("a.mlir is in {name}");
            assert!(failure.to_string().starts_with(&text), "{failure}");
        }
        for fine in [
            b"".as_slice(),
            b"m",
            BYTECODE,
            b"module {}",
            "// \u{e9}".as_bytes(),
        ] {
            assert!(check_encoding("a.mlir", fine).is_ok());
        }
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
            assert_eq!(failure.status, Status::Usage);
            assert!(failure.to_string().contains(text), "{failure}");
        }
    }
}
