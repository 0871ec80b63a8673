//! Finding IREE: its compiler library, and its tools.
//!
//! Everything here works where IREE is not installed: the answer is then
//! [`NotFound`], which says where it was looked for.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use diagnostics::{Diagnostic, Failure};

use crate::process;

/// The library that holds MLIR and IREE's dialects.
pub const LIBRARY: &str = "libIREECompiler.so";

/// Names the library, or the folder it lies in, before every other place.
pub const LIBRARY_VARIABLE: &str = "SPECPLACE_IREE_LIBRARY";

/// How long Python may take to say where a package is.
const PYTHON_LIMIT: Duration = Duration::from_secs(10);

/// Where the runtime wheel has its programs, in IREE's package.
const RUNTIME: &str = "_runtime_libs";

/// What `LD_LIBRARY_PATH` was before the launcher put IREE's folder into
/// it; the tools that we start get it back (see [`tool`]).
pub const OUTER_PATH_VARIABLE: &str = "SPECPLACE_OUTER_LD_LIBRARY_PATH";

/// The dynamic linker's own variable.
pub const LINKER_VARIABLE: &str = "LD_LIBRARY_PATH";

/// IREE releases are installed with this, as the message says that names it.
pub const INSTALL: &str = "pip install iree-base-compiler==3.13.0 iree-base-runtime==3.13.0";

/// Where a search looks: taken from the process once, so that tests can make
/// up others.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// [`LIBRARY_VARIABLE`].
    pub library: Option<OsString>,
    /// `VIRTUAL_ENV`, as `activate` sets it.
    pub virtual_env: Option<OsString>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// The current directory.
    pub directory: Option<PathBuf>,
    /// This program's file.
    pub program: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        Self {
            library: set(LIBRARY_VARIABLE),
            virtual_env: set("VIRTUAL_ENV"),
            path: set("PATH"),
            directory: env::current_dir().ok(),
            program: env::current_exe().ok(),
        }
    }
}

/// IREE's library was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// Every place that was looked at, in order.
    pub looked: Vec<String>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "IREE's compiler library ({LIBRARY}) was not found"
        )
    }
}

impl std::error::Error for NotFound {}

impl From<NotFound> for Failure {
    fn from(error: NotFound) -> Self {
        let looked = error.looked.join("\n  ");
        Self::usage(
            Diagnostic::error(error.to_string())
                .with_note(Diagnostic::note(format!("looked in\n  {looked}")))
                .help(format!(
                    "install it with `{INSTALL}` (in a checkout of specplace: `make setup`), or set {LIBRARY_VARIABLE} to it",
                )),
        )
    }
}

/// Finds the library.
///
/// The order is from what the user said to what can be guessed:
/// [`LIBRARY_VARIABLE`] (which excludes the rest), the active virtual
/// environment, the one that holds the `iree-compile` on PATH, a `.venv` in
/// the current directory or beside this program or above it, and last
/// whatever `python3` can import.
///
/// # Errors
///
/// [`NotFound`], with the places.
pub fn find_library(surroundings: &Surroundings) -> Result<PathBuf, NotFound> {
    let mut looked = Vec::new();
    if let Some(given) = &surroundings.library {
        return match library_at(Path::new(given)) {
            Some(file) => Ok(file),
            None => {
                looked.push(format!(
                    "${LIBRARY_VARIABLE}: {} is neither it nor a folder that holds it",
                    given.display()
                ));
                Err(NotFound { looked })
            }
        };
    }

    match &surroundings.virtual_env {
        Some(root) => {
            if let Some(file) = in_environment(Path::new(root)) {
                return Ok(file);
            }
            looked.push(format!("$VIRTUAL_ENV: {}", root.display()));
        }
        None => looked.push("$VIRTUAL_ENV: not set".to_owned()),
    }

    match on_path("iree-compile", surroundings.path.as_deref()) {
        Some(tool) => {
            if let Some(file) = near_tool(&tool) {
                return Ok(file);
            }
            looked.push(format!("beside iree-compile: {}", tool.display()));
        }
        None => looked.push("iree-compile: not on PATH".to_owned()),
    }

    let beside_program = surroundings.program.iter().flat_map(|program| {
        let program = fs::canonicalize(program).unwrap_or_else(|_| program.clone());
        program
            .ancestors()
            .skip(1)
            .map(Path::to_path_buf)
            .collect::<Vec<_>>()
    });
    for folder in surroundings.directory.iter().cloned().chain(beside_program) {
        let root = folder.join(".venv");
        if let Some(file) = in_environment(&root) {
            return Ok(file);
        }
        looked.push(root.display().to_string());
    }

    match ask_python(surroundings) {
        Some(folder) => {
            if let Some(file) = library_at(&folder.join("_mlir_libs")) {
                return Ok(file);
            }
            looked.push(format!("what python3 imports: {}", folder.display()));
        }
        None => looked.push("python3: cannot import iree.compiler".to_owned()),
    }
    Err(NotFound { looked })
}

/// One of IREE's programs (`iree-compile`, `iree-run-module`): the native one
/// of the wheels, which needs no Python to start, or the one on PATH. Those of
/// the runtime are found without the compiler, too.
pub fn find_tool(name: &str, surroundings: &Surroundings) -> Option<PathBuf> {
    let library = find_library(surroundings).ok();
    let compiler = library.as_deref().and_then(Path::parent);
    let beside_compiler = compiler
        .and_then(|folder| folder.parent()?.parent())
        .map(|folder| folder.join(RUNTIME));
    let environments = surroundings.virtual_env.iter().map(PathBuf::from);
    let installed = environments
        .chain(surroundings.directory.iter().map(|at| at.join(".venv")))
        .flat_map(|root| packages_in(&root))
        .map(|packages| packages.join("iree").join(RUNTIME));
    compiler
        .map(Path::to_path_buf)
        .into_iter()
        .chain(beside_compiler)
        .chain(installed)
        .map(|folder| folder.join(name))
        .find(|tool| tool.is_file())
        .or_else(|| on_path(name, surroundings.path.as_deref()))
}

/// Starts to build a command that runs `program` as the user's shell would:
/// without what the launcher added to the environment.
pub fn tool(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some(outer) = env::var_os(OUTER_PATH_VARIABLE) {
        if outer.is_empty() {
            command.env_remove(LINKER_VARIABLE);
        } else {
            command.env(LINKER_VARIABLE, outer);
        }
        command.env_remove(OUTER_PATH_VARIABLE);
    }
    command
}

/// The library when `path` is it, or is a folder with it in it.
fn library_at(path: &Path) -> Option<PathBuf> {
    let candidate = if path.is_dir() {
        path.join(LIBRARY)
    } else if path.file_name() == Some(OsStr::new(LIBRARY)) {
        path.to_path_buf()
    } else {
        // The dynamic linker looks for the name, so a link of another name
        // helps only when what it points to has the right one.
        fs::canonicalize(path)
            .ok()
            .filter(|file| file.file_name() == Some(OsStr::new(LIBRARY)))?
    };
    is_elf(&candidate).then_some(candidate)
}

/// Whether the file is a program or library at all: anything else would end in
/// a message of the dynamic linker.
fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut magic))
        .is_ok()
        && magic == *b"\x7fELF"
}

/// The library in a virtual environment (or any prefix that Python installs
/// packages in).
fn in_environment(root: &Path) -> Option<PathBuf> {
    packages_in(root)
        .into_iter()
        .find_map(|packages| library_at(&packages.join("iree/compiler/_mlir_libs")))
}

/// The folders of packages in an environment, the newest Python's first.
fn packages_in(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for lib in ["lib", "lib64"] {
        let mut versions: Vec<PathBuf> = fs::read_dir(root.join(lib))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name()
                    .and_then(OsStr::to_str)
                    .is_some_and(|name| name.starts_with("python"))
            })
            .collect();
        // Several are rare; the order must not depend on the file system.
        versions.sort();
        for version in versions.iter().rev() {
            // Debian's own Python says dist-packages.
            for packages in ["site-packages", "dist-packages"] {
                found.push(version.join(packages));
            }
        }
    }
    found
}

/// The library that belongs to an `iree-compile`: beside it when it is the
/// native one, else in the environment whose `bin` holds it, also through
/// links.
fn near_tool(tool: &Path) -> Option<PathBuf> {
    let resolved = fs::canonicalize(tool).ok();
    [Some(tool), resolved.as_deref()]
        .into_iter()
        .flatten()
        .find_map(|tool| {
            let folder = tool.parent()?;
            library_at(folder).or_else(|| in_environment(folder.parent()?))
        })
}

fn on_path(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    env::split_paths(path?)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The folder of the package `iree.compiler`, without importing it.
fn ask_python(surroundings: &Surroundings) -> Option<PathBuf> {
    const QUESTION: &str = "import importlib.util as u\n\
        s = u.find_spec('iree.compiler')\n\
        print(next(iter(s.submodule_search_locations)))";
    let python = on_path("python3", surroundings.path.as_deref())?;
    let mut command = Command::new(python);
    command.args(["-c", QUESTION]);
    let answer = process::run(command, None, Some(PYTHON_LIMIT)).ok()?;
    let folder = String::from_utf8(answer.stdout).ok()?;
    let folder = folder.trim_end();
    let is_well = answer.status.is_some_and(|status| status.success());
    (is_well && !folder.is_empty()).then(|| PathBuf::from(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A virtual environment with a library that at least begins like one.
    fn environment(root: &Path) -> PathBuf {
        let folder = root.join("lib/python3.11/site-packages/iree/compiler/_mlir_libs");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(LIBRARY);
        fs::write(&file, b"\x7fELF...").unwrap();
        file
    }

    fn path_of(folder: &Path) -> Option<OsString> {
        Some(folder.as_os_str().to_owned())
    }

    #[test]
    fn what_the_user_names_comes_first_and_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let file = environment(&temporary.path().join("a"));
        environment(&temporary.path().join("b"));
        let mut surroundings = Surroundings {
            library: path_of(&file),
            virtual_env: path_of(&temporary.path().join("b")),
            ..Surroundings::default()
        };
        assert_eq!(find_library(&surroundings).unwrap(), file);

        surroundings.library = path_of(file.parent().unwrap());
        assert_eq!(find_library(&surroundings).unwrap(), file);

        surroundings.library = Some("/nonexistent".into());
        let error = find_library(&surroundings).unwrap_err();
        assert_eq!(error.looked.len(), 1, "{error:?}");
        assert!(error.looked[0].contains("/nonexistent"));
    }

    #[test]
    fn a_file_that_is_no_library_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let file = temporary.path().join(LIBRARY);
        fs::write(&file, "text").unwrap();
        let surroundings = Surroundings {
            library: path_of(&file),
            ..Surroundings::default()
        };
        assert!(find_library(&surroundings).is_err());
    }

    #[test]
    fn the_active_environment_the_tool_and_the_ancestors() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().join(".venv");
        let file = environment(&root);

        let active = Surroundings {
            virtual_env: path_of(&root),
            ..Surroundings::default()
        };
        assert_eq!(find_library(&active).unwrap(), file);

        fs::create_dir(root.join("bin")).unwrap();
        fs::write(root.join("bin/iree-compile"), "#!/bin/sh\n").unwrap();
        let on_path = Surroundings {
            path: path_of(&root.join("bin")),
            ..Surroundings::default()
        };
        assert_eq!(find_library(&on_path).unwrap(), file);

        // A link to the tool, as pipx makes them.
        let links = temporary.path().join("links");
        fs::create_dir(&links).unwrap();
        std::os::unix::fs::symlink(root.join("bin/iree-compile"), links.join("iree-compile"))
            .unwrap();
        let linked = Surroundings {
            path: path_of(&links),
            ..Surroundings::default()
        };
        let found = find_library(&linked).unwrap();
        assert_eq!(
            fs::canonicalize(found).unwrap(),
            fs::canonicalize(&file).unwrap()
        );

        let program = temporary.path().join("target/release/specplace");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(&program, "").unwrap();
        let beside = Surroundings {
            program: Some(program),
            ..Surroundings::default()
        };
        let found = find_library(&beside).unwrap();
        assert_eq!(
            fs::canonicalize(found).unwrap(),
            fs::canonicalize(&file).unwrap()
        );
    }

    #[test]
    fn the_runtime_is_found_with_and_without_the_compiler() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().join(".venv");
        let tool = root.join("lib/python3.11/site-packages/iree/_runtime_libs/iree-run-module");
        fs::create_dir_all(tool.parent().unwrap()).unwrap();
        fs::write(&tool, "").unwrap();
        let surroundings = Surroundings {
            virtual_env: path_of(&root),
            ..Surroundings::default()
        };
        let found = || find_tool("iree-run-module", &surroundings);
        assert_eq!(found(), Some(tool.clone()));
        environment(&root);
        assert_eq!(found(), Some(tool));
    }

    #[test]
    fn nothing_found_tells_every_place() {
        let temporary = tempfile::tempdir().unwrap();
        let surroundings = Surroundings {
            path: path_of(temporary.path()),
            directory: Some(temporary.path().to_path_buf()),
            ..Surroundings::default()
        };
        let looked = find_library(&surroundings).unwrap_err().looked.join("\n");
        for place in ["VIRTUAL_ENV", "iree-compile", ".venv", "python3"] {
            assert!(looked.contains(place), "{place} missing in {looked}");
        }
    }
}
