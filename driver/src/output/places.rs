//! Where a path leads: through links, to a file that is there or not, or to what is
//! no file.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// `out.mlir` with its extension replaced: `out.flags`.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or(OsStr::new("out"));
    let mut name = stem.to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Whether `path` is there and is neither a file nor a folder (`/dev/null`, a
/// terminal, a pipe), or leads to a descriptor of a process, whatever that is.
/// Such a thing is written to, never replaced.
pub fn is_special(path: &Path) -> bool {
    descriptor(path).is_some()
        || fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// How many links the system follows before it calls them a loop.
const LINKS: usize = 40;

/// Where a path leads, one link after the other, `path` first. Ends early at a loop.
fn followed(path: &Path) -> impl Iterator<Item = PathBuf> {
    let next = |path: &PathBuf| {
        let link = fs::read_link(path).ok()?;
        Some(folder_of(path).join(link))
    };
    std::iter::successors(Some(path.to_path_buf()), next).take(LINKS)
}

/// The link in /proc that `path` leads to, if it is one of a process's descriptors.
/// What such a link shows is a name, and may be nobody's by now.
fn descriptor(path: &Path) -> Option<PathBuf> {
    followed(path).find(|path| {
        let folder = fs::canonicalize(folder_of(path)).unwrap_or_default();
        folder.starts_with("/proc") && folder.ends_with("fd")
    })
}

/// The file that `path` leads to, there or not: a link stays a link.
///
/// # Errors
///
/// Where the links go in circles.
pub fn behind_links(path: &Path) -> io::Result<PathBuf> {
    if let Ok(path) = fs::canonicalize(path) {
        return Ok(path);
    }
    // A folder has no such links.
    let path = followed(path).last().unwrap_or_else(|| path.to_path_buf());
    if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
        return Err(io::Error::from(rustix::io::Errno::LOOP));
    }
    let folder = fs::canonicalize(folder_of(&path));
    Ok(match (folder, path.file_name()) {
        (Ok(folder), Some(name)) if !names_a_folder(&path) => folder.join(name),
        _ => path,
    })
}

/// Opens what is never replaced. A pipe waits for its reader, once.
pub(super) fn open_special(path: &Path) -> io::Result<File> {
    let Some(descriptor) = descriptor(path) else {
        return OpenOptions::new().write(true).open(path);
    };
    // What a descriptor of ours has written already is before what comes now.
    let own = fs::canonicalize("/proc/self/fd")?;
    let is_own = fs::canonicalize(folder_of(&descriptor))? == own;
    match descriptor.file_name().and_then(OsStr::to_str) {
        Some("1") if is_own => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        Some("2") if is_own => io::stderr().as_fd().try_clone_to_owned().map(File::from),
        _ => OpenOptions::new().append(true).open(path),
    }
}

/// Whether `path` ends in a slash, which [`Path`] does not show: no file has
/// such a name.
pub(super) fn names_a_folder(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"/")
}

pub(super) fn folder_of(path: &Path) -> &Path {
    if names_a_folder(path) {
        return path;
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_beside_out() {
        for (out, flags) in [
            ("out.mlir", "out.flags"),
            ("a/b.mlirbc", "a/b.flags"),
            ("a.b/out", "a.b/out.flags"),
            ("v1.2.mlir", "v1.2.flags"),
        ] {
            assert_eq!(with_suffix(Path::new(out), ".flags"), Path::new(flags));
        }
    }
}
