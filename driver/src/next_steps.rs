//! What was written, and the commands to type next.

use crate::destinations::Destinations;
use crate::flags::Flags;
use crate::output::with_suffix;
use crate::shell;

/// What was written, and the commands to type next. `arguments` is what only
/// the user can complete on iree-run-module's command line.
pub fn of_module(destinations: &Destinations, flags: &Flags, arguments: &str) -> String {
    let mut text = wrote(destinations);
    let compile = match &destinations.compile_flags {
        Some(path) => format!("@{}", shell::path(path)),
        None => words(&flags.compile),
    };
    let run = match &destinations.run_flags {
        Some(path) => format!("--flagfile={}", shell::path(path)),
        None => words(&flags.run),
    };
    let (module, vmfb) = match &destinations.module {
        Some(path) => (shell::path(path), shell::path(&with_suffix(path, ".vmfb"))),
        None => ("-".to_owned(), "out.vmfb".to_owned()),
    };
    text.push_str(&format!(
        "next:\n  iree-compile {module} {compile} -o {vmfb}\n  iree-run-module {run} --module={vmfb}{arguments}\n"
    ));
    text
}

/// What was written, and how to run it: a program needs no compiling.
/// `arguments` is what only the user can complete.
pub fn of_program(destinations: &Destinations, arguments: &str) -> String {
    let mut text = wrote(destinations);
    if let Some(program) = &destinations.module {
        text.push_str(&format!(
            "next:\n  specplace run {}{arguments}\n",
            shell::path(program)
        ));
    }
    text
}

fn words(flags: &[String]) -> String {
    let words: Vec<String> = flags.iter().map(|flag| shell::word(flag)).collect();
    words.join(" ")
}

/// Which files were written.
fn wrote(destinations: &Destinations) -> String {
    let written: Vec<String> = [
        &destinations.module,
        &destinations.compile_flags,
        &destinations.run_flags,
        &destinations.plan,
        &destinations.graph,
    ]
    .into_iter()
    .flatten()
    .map(|path| path.display().to_string())
    .collect();
    if written.is_empty() {
        return String::new();
    }
    format!("wrote {}\n", written.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted() {
        let destinations = Destinations {
            module: Some("a b/out.mlir".into()),
            compile_flags: Some("a b/out.flags".into()),
            run_flags: Some("a b/out.run.flags".into()),
            ..Destinations::default()
        };
        let text = of_module(&destinations, &Flags::default(), " --function=f");
        assert!(
            text.contains("iree-compile 'a b/out.mlir' @'a b/out.flags' -o 'a b/out.vmfb'"),
            "{text}"
        );
        assert!(
            text.contains("--flagfile='a b/out.run.flags' --module='a b/out.vmfb' --function=f")
        );
    }

    #[test]
    fn without_files_the_flags_are_on_the_line() {
        let flags = Flags {
            compile: vec!["--x".into()],
            run: vec!["--y".into()],
            ..Flags::default()
        };
        let text = of_module(&Destinations::default(), &flags, "");
        assert!(text.contains("iree-compile - --x -o"), "{text}");
        assert!(!text.contains("wrote"));
    }
}
