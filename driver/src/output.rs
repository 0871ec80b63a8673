//! Writing files whole or not at all.
//!
//! All files of one run are written under temporary names beside their
//! destinations first, and renamed only when every one of them is complete on
//! disk. A reader never sees half a file, and a failed run leaves what was
//! there before. What is no file (a device, a pipe, a descriptor such as
//! /dev/stdout) is written to and never replaced.

mod places;

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, PipeReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;

use diagnostics::{Diagnostic, Failure, reason};
use tempfile::NamedTempFile;
use tools::interruption::{Unfinished, undisturbed};

pub use places::{behind_links, is_special, with_suffix};
use places::{folder_of, names_a_folder, open_special};

/// One file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Where, as the user named it.
    pub path: PathBuf,
    /// All of it.
    pub contents: Vec<u8>,
}

/// Finds out before the work begins whether its result can be written.
///
/// # Errors
///
/// A [`Failure`] that says why not.
pub fn check_writable(path: &Path) -> Result<(), Failure> {
    if !is_special(path) {
        return temporary(path).map(drop);
    }
    // A reader of a pipe would take a second opening for another writer, and its
    // end for the end.
    if fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
        return Ok(());
    }
    open_special(path)
        .map(drop)
        .map_err(|error| failure(path, &error))
}

/// Writes all files or none of them.
///
/// The last one is put into place last, so that it can stand for the whole. To an
/// interruption they are one.
///
/// # Errors
///
/// A [`Failure`] that names the file; nothing new is left behind.
pub fn write_all(outputs: &[Output]) -> Result<(), Failure> {
    write_all_and(outputs, None)
}

/// As [`write_all`], with a file after them that is whole but not yet in its
/// place.
///
/// # Errors
///
/// As for [`write_all`].
pub fn write_all_and(outputs: &[Output], last: Option<Staged>) -> Result<(), Failure> {
    let mut staged = Vec::new();
    for output in outputs {
        let fail = |error| failure_of(output, &error);
        let file = Staged::begin(&output.path)?;
        let mut waiting = None;
        match &file.file {
            Some(Temporary { file, .. }) => {
                file.as_file().write_all(&output.contents).map_err(fail)?;
                file.as_file().sync_all().map_err(fail)?;
            }
            // What is written here cannot be taken back, so that it waits
            // until everything else is known to be on disk.
            None => waiting = Some(output),
        }
        staged.push((file, waiting));
    }
    if let Some(last) = last {
        last.sync()?;
        staged.push((last, None));
    }

    // A pipe may make us wait, for which interruptions must not.
    for (_, waiting) in &staged {
        if let Some(output) = waiting {
            write_special(output).map_err(|error| failure_of(output, &error))?;
        }
    }
    let mut listed = Vec::new();
    let files = staged.iter_mut().map(|(file, _)| file);
    // The folder is not synchronised: after a power cut the files may be those
    // of before, but each of them is whole.
    undisturbed(|| put_into_place(files, &mut listed))
}

/// Renames all of them. `listed` keeps what is on the list of interruptions, which
/// must not change meanwhile.
fn put_into_place<'a>(
    files: impl Iterator<Item = &'a mut Staged>,
    listed: &mut Vec<Unfinished>,
) -> Result<(), Failure> {
    let mut created = Vec::new();
    for file in files {
        match file.rename(listed) {
            Ok(new) => created.extend(new),
            Err(failure) => {
                for new in created {
                    let _ = fs::remove_file(new);
                }
                return Err(failure);
            }
        }
    }
    Ok(())
}

/// A file in the making, which is written to by name, or in pieces.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    /// None for what is written to, never replaced.
    file: Option<Temporary>,
}

/// A file beside its destination.
#[derive(Debug)]
struct Temporary {
    file: NamedTempFile,
    /// With links followed: a link stays a link, and what it points to is
    /// replaced.
    destination: PathBuf,
    unfinished: Unfinished,
}

impl Staged {
    /// Begins a file that will be at `path` once it is whole.
    ///
    /// # Errors
    ///
    /// A [`Failure`] that says why it cannot be written.
    pub fn begin(path: &Path) -> Result<Self, Failure> {
        let file = if is_special(path) {
            None
        } else {
            Some(temporary(path)?)
        };
        Ok(Self {
            path: path.to_path_buf(),
            file,
        })
    }

    /// Where it is written to until then.
    pub fn path(&self) -> &Path {
        self.file
            .as_ref()
            .map_or(&self.path, |temporary| temporary.file.path())
    }

    /// Has `write` fill the file through a pipe, of which it gets the name: it
    /// is for writers that end the process where a disk is full, which a pipe
    /// never is.
    ///
    /// # Errors
    ///
    /// A [`Failure`] that says why the file, or the pipe, cannot be written;
    /// within, what `write` gave.
    pub fn fill<T>(&self, write: impl FnOnce(&Path) -> T) -> Result<T, Failure> {
        let fail = |error: io::Error| failure(&self.path, &error);
        let mut file = match &self.file {
            Some(temporary) => temporary.file.as_file().try_clone(),
            None => open_special(&self.path),
        }
        .map_err(fail)?;
        let (reader, writer) = io::pipe().map_err(fail)?;
        let name = PathBuf::from(format!("/proc/self/fd/{}", writer.as_raw_fd()));
        thread::scope(|scope| {
            let copied = scope.spawn(move || drain(reader, &mut file));
            let written = write(&name);
            drop(writer);
            match copied.join() {
                Ok(Ok(())) => Ok(written),
                Ok(Err(error)) => Err(fail(error)),
                Err(_) => Err(fail(io::Error::other("the copy was not finished"))),
            }
        })
    }

    /// Puts the file into place.
    ///
    /// # Errors
    ///
    /// A [`Failure`] that names it; nothing is left behind.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.sync()?;
        let mut listed = Vec::new();
        undisturbed(|| self.rename(&mut listed)).map(drop)
    }

    fn sync(&self) -> Result<(), Failure> {
        match &self.file {
            Some(temporary) => temporary.file.as_file().sync_all(),
            None => Ok(()),
        }
        .map_err(|error| failure(&self.path, &error))
    }

    /// Renames it, and gives its path if there was none before.
    fn rename(&mut self, listed: &mut Vec<Unfinished>) -> Result<Option<PathBuf>, Failure> {
        let Some(Temporary {
            file,
            destination,
            unfinished,
        }) = self.file.take()
        else {
            return Ok(None);
        };
        listed.push(unfinished);
        let new = !destination.exists();
        file.persist(&destination)
            .map_err(|error| failure(&self.path, &error.error))?;
        Ok(new.then_some(destination))
    }
}

/// Copies all of it. After an error the rest is read all the same: the writer
/// must not see the pipe break.
fn drain(mut from: PipeReader, to: &mut File) -> io::Result<()> {
    let copied = io::copy(&mut from, to);
    if copied.is_err() {
        let _ = io::copy(&mut from, &mut io::sink());
    }
    copied.map(drop)
}

fn write_special(output: &Output) -> io::Result<()> {
    let mut file = open_special(&output.path)?;
    file.write_all(&output.contents)?;
    file.flush()
}

/// An empty file beside the destination.
fn temporary(path: &Path) -> Result<Temporary, Failure> {
    if names_a_folder(path) {
        fs::metadata(path).map_err(|error| failure(path, &error))?;
    }
    let destination = behind_links(path).map_err(|error| failure(path, &error))?;
    let mut mode = 0o666;
    if let Ok(found) = fs::metadata(&destination) {
        if found.is_dir() {
            return Err(failure(path, &ErrorKind::IsADirectory.into()));
        }
        // A rename would not ask.
        if found.permissions().readonly() {
            return Err(failure(path, &ErrorKind::PermissionDenied.into()));
        }
        mode = found.permissions().mode();
    }
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(destination.file_name().unwrap_or(OsStr::new("out")));
    let file = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(".tmp")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder_of(&destination))
        .map_err(|error| failure(path, &error))?;
    Ok(Temporary {
        unfinished: Unfinished::new(file.path()),
        file,
        destination,
    })
}

fn failure_of(output: &Output, error: &io::Error) -> Failure {
    let mut failure = failure(&output.path, error);
    if let (true, Some(message)) = (is_full(error), failure.messages.first_mut()) {
        message.help = Some(format!(
            "free {} bytes there, or write elsewhere; nothing was written",
            output.contents.len()
        ));
    }
    failure
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    )
}

/// That a value is none that JSON has, which no value of ours is.
pub fn no_json(error: serde_json::Error) -> Failure {
    Failure::bug(format!("JSON cannot be written: {error}"))
}

/// That a file cannot be written, and why.
pub fn failure(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    let message = Diagnostic::error(format!("cannot write {shown}: {}", reason(error)));
    let folder = folder_of(path);
    let help = match error.kind() {
        ErrorKind::NotFound if !folder.exists() => Some(format!(
            "the folder {} does not exist: make it first",
            folder.display()
        )),
        ErrorKind::IsADirectory => Some("name a file in that folder".to_owned()),
        ErrorKind::FileTooLarge => {
            Some("there is a limit on the size of files (`ulimit -f`): raise it".to_owned())
        }
        _ if is_full(error) => Some("free space there, or write elsewhere".to_owned()),
        _ => None,
    };
    Failure::usage(Diagnostic { help, ..message })
}

#[cfg(test)]
mod tests {
    use diagnostics::Status;

    use super::*;

    fn output(path: &Path, contents: &str) -> Output {
        Output {
            path: path.to_path_buf(),
            contents: contents.into(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn all_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("no/b"));
        let error = write_all(&[output(&a, "1"), output(&b, "2")]).unwrap_err();
        assert_eq!(error.status, Status::Usage);
        assert!(error.messages[0].help.as_ref().unwrap().contains("no"));
        assert!(names(folder.path()).is_empty());

        fs::write(&a, "before").unwrap();
        // The directory is found out only after `a` was staged.
        assert!(write_all(&[output(&a, "1"), output(folder.path(), "2")]).is_err());
        assert_eq!(fs::read_to_string(&a).unwrap(), "before");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_full_device_is_named_and_kept() {
        let full = Path::new("/dev/full");
        let folder = tempfile::tempdir().unwrap();
        let a = folder.path().join("a");
        let error = write_all(&[output(&a, "1"), output(full, "2")]).unwrap_err();
        assert!(
            error.messages[0].message.contains("No space left"),
            "{error}"
        );
        assert!(is_special(full));
        assert!(names(folder.path()).is_empty());
    }

    /// Through a pipe comes what was written, and a full disk is no end of the
    /// writer, however much it writes.
    #[test]
    fn writers_that_want_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let much = vec![7_u8; 1 << 20];
        let staged = Staged::begin(&path).unwrap();
        let written = staged.fill(|name| fs::write(name, &much)).unwrap();
        assert!(written.is_ok() && !path.exists());
        staged.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), much);

        let full = Staged::begin(Path::new("/dev/full")).unwrap();
        let mut written = None;
        let failure = full
            .fill(|name| written = Some(fs::write(name, &much)))
            .unwrap_err();
        assert!(written.unwrap().is_ok());
        assert_eq!(failure.status, Status::Usage);
        assert!(failure.to_string().contains("No space left"), "{failure}");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn devices_links_and_modes_survive() {
        let folder = tempfile::tempdir().unwrap();
        write_all(&[output(Path::new("/dev/null"), "x")]).unwrap();
        assert!(is_special(Path::new("/dev/null")));

        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_all(&[output(&link, "new")]).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn a_slash_at_the_end_is_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let failure = check_writable(&folder.path().join("no/")).unwrap_err();
        assert!(failure.messages[0].help.as_ref().unwrap().contains("no/"));
        fs::create_dir(folder.path().join("no")).unwrap();
        let failure = check_writable(&folder.path().join("no/")).unwrap_err();
        assert!(failure.to_string().ends_with("is a directory"), "{failure}");
    }

    #[test]
    fn what_is_read_only_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o444)).unwrap();
        assert!(check_writable(&file).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    }
}
