//! Where each file of a placement goes.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use crate::args::OutputArgs;
use crate::input::is_standard_stream;
use crate::message::{Failure, Message};
use crate::output::{self, with_suffix};

/// Everything that one run writes. What is `None` is not written; a module of
/// `None` goes to stdout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations {
    /// OUT.
    pub module: Option<PathBuf>,
    /// Flags for iree-compile.
    pub compile_flags: Option<PathBuf>,
    /// Flags for iree-run-module.
    pub run_flags: Option<PathBuf>,
    /// The plan as JSON.
    pub plan: Option<PathBuf>,
    /// The graph for Graphviz.
    pub graph: Option<PathBuf>,
}

impl Destinations {
    /// What the arguments say.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when two files would have the same name, when one would
    /// replace IN (OUT itself may), or when one cannot be written.
    pub fn of(args: &OutputArgs, input: &Path) -> Result<Self, Failure> {
        let out = args.output.as_deref().unwrap_or(Path::new("-"));
        let module = (!is_standard_stream(out)).then(|| out.to_path_buf());
        // Flags lie beside OUT; what is no file has no place beside it.
        let compile_flags = args.flags_out.clone().or_else(|| {
            module
                .as_deref()
                .filter(|module| !output::is_special(module))
                .map(|module| with_suffix(module, ".flags"))
        });
        let destinations = Self {
            run_flags: compile_flags
                .as_deref()
                .map(|flags| with_suffix(flags, ".run.flags")),
            compile_flags,
            module,
            plan: args.plan_out.clone(),
            graph: args.dot.clone(),
        };
        destinations.check(input)?;
        if destinations.module.is_none() && args.emit_bytecode && io::stdout().is_terminal() {
            return Err(Failure::usage(
                Message::error("bytecode is not for a terminal")
                    .help("name a file with -o, or lead standard output into one"),
            ));
        }
        Ok(destinations)
    }

    /// Finds out before the work begins whether all of it can be written.
    ///
    /// # Errors
    ///
    /// As for [`Destinations::of`].
    pub fn check(&self, input: &Path) -> Result<(), Failure> {
        self.check_distinct(input)?;
        self.all().try_for_each(output::check_writable)
    }

    fn all(&self) -> impl Iterator<Item = &Path> {
        [
            &self.module,
            &self.compile_flags,
            &self.run_flags,
            &self.plan,
            &self.graph,
        ]
        .into_iter()
        .filter_map(|path| path.as_deref())
    }

    fn check_distinct(&self, input: &Path) -> Result<(), Failure> {
        let mut seen: Vec<PathBuf> = Vec::new();
        for path in self.all() {
            if is_standard_stream(path) {
                return Err(Failure::usage(
                    Message::error("only the module can go to standard output")
                        .help("name a file for the flags, the plan and the graph"),
                ));
            }
            let resolved = resolved(path);
            let shared = seen.contains(&resolved) && !output::is_special(path);
            if shared {
                return Err(Failure::usage(
                    Message::error(format!("{} would be written twice", path.display()))
                        .help("give OUT, its flags, the plan and the graph names of their own"),
                ));
            }
            let is_module = self.module.as_deref() == Some(path);
            if !is_module && !is_standard_stream(input) && resolved == self::resolved(input) {
                return Err(Failure::usage(
                    Message::error(format!("{} is IN and would be replaced", path.display()))
                        .help("name another file"),
                ));
            }
            seen.push(resolved);
        }
        Ok(())
    }
}

/// The same for every way to write the same path, whether or not the file is
/// there yet.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(resolved) = fs::canonicalize(path) {
        return resolved;
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(folder: &Path, out: &str) -> OutputArgs {
        OutputArgs {
            output: Some(if out == "-" {
                out.into()
            } else {
                folder.join(out)
            }),
            emit_bytecode: false,
            embed_targets: false,
            flags_out: None,
            plan_out: None,
            dot: None,
        }
    }

    #[test]
    fn flags_lie_beside_out() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.mlir");
        let found = Destinations::of(&args(folder.path(), "out.mlir"), &input).unwrap();
        assert_eq!(found.compile_flags, Some(folder.path().join("out.flags")));
        assert_eq!(found.run_flags, Some(folder.path().join("out.run.flags")));
    }

    #[test]
    fn standard_output_has_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.mlir");
        let mut args = args(folder.path(), "-");
        assert_eq!(
            Destinations::of(&args, &input).unwrap(),
            Destinations::default()
        );
        args.flags_out = Some(folder.path().join("x.flags"));
        let found = Destinations::of(&args, &input).unwrap();
        assert_eq!(found.run_flags, Some(folder.path().join("x.run.flags")));
    }

    #[test]
    fn names_must_differ() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.mlir");
        fs::write(&input, "").unwrap();
        // In place is fine, since OUT is written whole or not at all.
        assert!(Destinations::of(&args(folder.path(), "in.mlir"), &input).is_ok());
        assert!(Destinations::of(&args(folder.path(), "out.flags"), &input).is_err());
        let mut to_input = args(folder.path(), "out.mlir");
        to_input.dot = Some(folder.path().join("./in.mlir"));
        assert!(Destinations::of(&to_input, &input).is_err());
    }
}
