//! The parts of the report that are about files and commands.

use std::path::Path;

use crate::destinations::Destinations;
use crate::flags::Flags;
use crate::output::with_suffix;
use crate::printer::is_unseen;

/// What was written, and the commands to type next. `arguments` is what only
/// the user can complete on iree-run-module's command line.
pub fn next_steps(destinations: &Destinations, flags: &Flags, arguments: &str) -> String {
    let mut text = wrote(destinations);
    let compile = match &destinations.compile_flags {
        Some(path) => format!("@{}", shell(path)),
        None => words(&flags.compile),
    };
    let run = match &destinations.run_flags {
        Some(path) => format!("--flagfile={}", shell(path)),
        None => words(&flags.run),
    };
    let (module, vmfb) = match &destinations.module {
        Some(path) => (shell(path), shell(&with_suffix(path, ".vmfb"))),
        None => ("-".to_owned(), "out.vmfb".to_owned()),
    };
    text.push_str(&format!(
        "next:\n  iree-compile {module} {compile} -o {vmfb}\n  iree-run-module {run} --module={vmfb}{arguments}\n"
    ));
    text
}

/// What was written, and how to run it: a program needs no compiling.
/// `arguments` is what only the user can complete.
pub fn run_step(destinations: &Destinations, arguments: &str) -> String {
    let mut text = wrote(destinations);
    if let Some(program) = &destinations.module {
        text.push_str(&format!(
            "next:\n  specplace run {}{arguments}\n",
            shell(program)
        ));
    }
    text
}

fn words(flags: &[String]) -> String {
    let words: Vec<String> = flags.iter().map(|flag| shell_word(flag)).collect();
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

/// A path as the shell wants it.
pub fn shell(path: &Path) -> String {
    shell_word(&path.display().to_string())
}

/// Any text as one word of a shell. What cannot be seen, or turns the direction of
/// what follows, is written as bash's `$'…'` has it.
pub fn shell_word(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+=:,@%".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    if !text.chars().any(is_unseen) {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    let escaped: String = text
        .chars()
        .map(|letter| match letter {
            '\'' | '\\' => format!("\\{letter}"),
            _ if is_unseen(letter) => format!("\\U{:08x}", u32::from(letter)),
            _ => letter.to_string(),
        })
        .collect();
    format!("$'{escaped}'")
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
        let text = next_steps(&destinations, &Flags::default(), " --function=f");
        assert!(
            text.contains("iree-compile 'a b/out.mlir' @'a b/out.flags' -o 'a b/out.vmfb'"),
            "{text}"
        );
        assert!(
            text.contains("--flagfile='a b/out.run.flags' --module='a b/out.vmfb' --function=f")
        );
    }

    #[test]
    fn words_are_one_word_and_can_be_seen() {
        for (text, word) in [
            ("f", "f"),
            ("", "''"),
            ("$(touch x)", "'$(touch x)'"),
            ("a'b", "'a'\\''b'"),
            ("a\u{202e}'\\b", "$'a\\U0000202e\\'\\\\b'"),
            ("a\nb", "$'a\\U0000000ab'"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }

    #[test]
    fn without_files_the_flags_are_on_the_line() {
        let flags = Flags {
            compile: vec!["--x".into()],
            run: vec!["--y".into()],
            ..Flags::default()
        };
        let text = next_steps(&Destinations::default(), &flags, "");
        assert!(text.contains("iree-compile - --x -o"), "{text}");
        assert!(!text.contains("wrote"));
    }
}
