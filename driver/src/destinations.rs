//! Where each file that is written goes, and that it destroys none that is read.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use diagnostics::{Diagnostic, Failure};
use files::platform::BUILTIN_NAMES;

use crate::args::{DecisionArgs, OutputArgs};
use crate::input::is_standard_stream;
use crate::output::{self, with_suffix};

/// A file that a run writes, and what asks for it: `--plan-out`.
pub type Written<'a> = (&'a str, &'a Path);

/// The files that a run reads, each with what names it: `IN`, `--platform`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs(Vec<(&'static str, PathBuf)>);

impl Inputs {
    /// What decisions are made from. Names that are no files, as of built-in
    /// platforms, do no harm: only what is there can be destroyed.
    pub fn of(decision: &DecisionArgs) -> Self {
        let mut inputs = Self::default();
        if !BUILTIN_NAMES.contains(&decision.platform.as_str()) {
            inputs.add("--platform", &decision.platform);
        }
        if let Some(profile) = &decision.profile {
            inputs.add("--profile", profile);
        }
        if let Some(given) = &decision.acceptance {
            inputs.add("--acceptance", given);
            if let Some((file, _)) = given.rsplit_once(':') {
                inputs.add("--acceptance", file);
            }
        }
        inputs
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, what: &'static str, path: impl AsRef<Path>) -> Self {
        self.add(what, path);
        self
    }

    fn add(&mut self, what: &'static str, path: impl AsRef<Path>) {
        let path = path.as_ref();
        if is_standard_stream(path) {
            return;
        }
        if let Ok(path) = fs::canonicalize(path) {
            self.0.push((what, path));
        }
    }
}

/// Finds out before the work begins whether all of `outputs` can be written,
/// each to a file of its own that is none of `inputs`.
///
/// # Errors
///
/// A [`Failure`] of status 2 that names the file.
pub fn check<'a>(
    outputs: impl IntoIterator<Item = Written<'a>>,
    inputs: &Inputs,
) -> Result<(), Failure> {
    let outputs: Vec<Written<'_>> = outputs.into_iter().collect();
    let mut seen: Vec<(&str, PathBuf)> = Vec::new();
    for &(what, path) in &outputs {
        if is_standard_stream(path) {
            return Err(Failure::usage(
                Diagnostic::error(format!("{what} cannot go to standard output"))
                    .help("name a file for it"),
            ));
        }
        // What is written to and never replaced can be shared.
        if output::is_special(path) {
            continue;
        }
        let shown = path.display();
        let resolved = output::behind_links(path).map_err(|error| output::failure(path, &error))?;
        if let Some((other, _)) = seen.iter().find(|(_, before)| *before == resolved) {
            return Err(Failure::usage(
                Diagnostic::error(format!(
                    "{shown} would be written twice, by {other} and by {what}"
                ))
                .help("give each a name of its own"),
            ));
        }
        if let Some((read, _)) = inputs.0.iter().find(|(_, input)| *input == resolved) {
            return Err(Failure::usage(
                Diagnostic::error(format!("{shown} is {read} and would be replaced by {what}"))
                    .help(format!("name another file for {what}")),
            ));
        }
        seen.push((what, resolved));
    }
    outputs
        .iter()
        .try_for_each(|(_, path)| output::check_writable(path))
}

/// Where the plan goes: where it was asked for, or else beside OUT, if that is a file.
pub fn plan_of(asked: Option<&Path>, out: Option<&Path>) -> Option<PathBuf> {
    let beside = || {
        let file = out.filter(|out| !output::is_special(out))?;
        Some(with_suffix(file, files::plan::SUFFIX))
    };
    asked.map(Path::to_path_buf).or_else(beside)
}

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
    /// replace what is read (OUT may replace IN), or when one cannot be written.
    pub fn of(args: &OutputArgs, input: &Path, decision: &DecisionArgs) -> Result<Self, Failure> {
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
            plan: plan_of(args.plan_out.as_deref(), module.as_deref()),
            module,
            graph: args.dot.clone(),
        };
        let mut inputs = Inputs::of(decision);
        // In place, since OUT is written whole or not at all.
        let in_place = |module: &Path| {
            matches!((output::behind_links(module), output::behind_links(input)),
                     (Ok(one), Ok(other)) if one == other)
        };
        if !destinations.module.as_deref().is_some_and(in_place) {
            inputs.add("IN", input);
        }
        check(destinations.written(), &inputs)?;
        if destinations.module.is_none() && args.emit_bytecode && io::stdout().is_terminal() {
            return Err(Failure::usage(
                Diagnostic::error("bytecode is not for a terminal")
                    .help("name a file with -o, or lead standard output into one"),
            ));
        }
        Ok(destinations)
    }

    /// All of it, with what asks for it.
    pub fn written(&self) -> impl Iterator<Item = Written<'_>> {
        [
            ("-o", &self.module),
            (
                "the flags of iree-compile (--flags-out)",
                &self.compile_flags,
            ),
            ("the flags of iree-run-module", &self.run_flags),
            ("--plan-out", &self.plan),
            ("--dot", &self.graph),
        ]
        .into_iter()
        .filter_map(|(what, path)| Some((what, path.as_deref()?)))
    }
}

#[cfg(test)]
mod tests {
    use diagnostics::Status;

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

    fn found(args: &OutputArgs, input: &Path) -> Result<Destinations, Failure> {
        Destinations::of(args, input, &DecisionArgs::default())
    }

    #[test]
    fn flags_lie_beside_out() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.mlir");
        let found = found(&args(folder.path(), "out.mlir"), &input).unwrap();
        assert_eq!(found.compile_flags, Some(folder.path().join("out.flags")));
        assert_eq!(found.run_flags, Some(folder.path().join("out.run.flags")));
    }

    #[test]
    fn standard_output_has_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.mlir");
        let mut args = args(folder.path(), "-");
        assert_eq!(found(&args, &input).unwrap(), Destinations::default());
        args.flags_out = Some(folder.path().join("x.flags"));
        let found = found(&args, &input).unwrap();
        assert_eq!(found.run_flags, Some(folder.path().join("x.run.flags")));
    }

    #[test]
    fn names_must_differ() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.mlir");
        fs::write(&input, "").unwrap();
        // In place is fine, since OUT is written whole or not at all.
        assert!(found(&args(folder.path(), "in.mlir"), &input).is_ok());
        assert!(found(&args(folder.path(), "out.flags"), &input).is_err());
        for out in ["out.mlir", "in.mlir"] {
            let mut to_input = args(folder.path(), out);
            to_input.dot = Some(folder.path().join("./in.mlir"));
            assert!(found(&to_input, &input).is_err());
        }
    }

    #[test]
    fn what_is_read_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a:b.yaml");
        fs::write(&file, "").unwrap();
        let text = file.display().to_string();
        for decision in [
            DecisionArgs {
                platform: text.clone(),
                ..DecisionArgs::default()
            },
            DecisionArgs {
                profile: Some(file.clone()),
                ..DecisionArgs::default()
            },
            DecisionArgs {
                acceptance: Some(text.clone()),
                ..DecisionArgs::default()
            },
            DecisionArgs {
                acceptance: Some(format!("{text}:task")),
                ..DecisionArgs::default()
            },
        ] {
            let failure = check([("-o", &*file)], &Inputs::of(&decision)).unwrap_err();
            assert_eq!(failure.status, Status::Usage);
            assert!(failure.to_string().contains("would be replaced by -o"));
        }
        // Two may be written to the same device, and it may be read.
        let null = Path::new("/dev/null");
        let inputs = Inputs::default().with("IN", null);
        assert!(check([("--csv", null), ("--json", null)], &inputs).is_ok());
    }
}
