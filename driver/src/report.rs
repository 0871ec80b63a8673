//! The parts of the report that are about files and commands.

use std::collections::BTreeMap;
use std::path::Path;

use cost::plan::Plan;

use crate::destinations::Destinations;
use crate::flags::Flags;
use crate::output::with_suffix;

/// What was written, and the commands to type next. `arguments` is what only
/// the user can complete on iree-run-module's command line.
pub fn next_steps(destinations: &Destinations, flags: &Flags, arguments: &str) -> String {
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
    let mut text = String::new();
    if !written.is_empty() {
        text.push_str(&format!("wrote {}\n", written.join(", ")));
    }
    let compile = match &destinations.compile_flags {
        Some(path) => format!("@{}", shell(path)),
        None => flags.compile.join(" "),
    };
    let run = match &destinations.run_flags {
        Some(path) => format!("--flagfile={}", shell(path)),
        None => flags.run.join(" "),
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

/// The best of every design variant, for `--explain`.
pub fn ranking(plan: &Plan) -> String {
    let mut text = String::from("the best of each design variant\n");
    let list = |map: &BTreeMap<String, String>| {
        let items: Vec<String> = map
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        items.join(",")
    };
    for variant in &plan.variants {
        let resources = variant
            .variant
            .iter()
            .map(|(unit, count)| (unit.clone(), count.to_string()));
        let mapping = variant
            .mapping
            .iter()
            .map(|(role, unit)| (role.to_string(), unit.clone()));
        text.push_str(&format!(
            "  {:<24} {:<28} gamma {:>2}  {:>10.3} ms per token  {:>5.2} x\n",
            list(&resources.collect()),
            list(&mapping.collect()),
            variant.gamma,
            variant.per_token_ms,
            variant.over_baseline,
        ));
    }
    text
}

/// A path as the shell wants it.
fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+=:,@%".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
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
