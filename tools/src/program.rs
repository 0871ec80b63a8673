//! What a compiled program offers: the functions that a user can call, as
//! iree-dump-module tells them.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;

use diagnostics::Failure;

use crate::tool::Tools;

/// The attribute that holds a declaration.
const DECLARATION: &str = "iree.abi.declaration: ";

/// A tensor's sizes, none where they vary, and its element type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The sizes.
    pub shape: Vec<Option<u64>>,
    /// The element type: `i64`.
    pub element: String,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Its name.
    pub name: String,
    /// Its arguments; none where nothing is known but that there is one.
    pub inputs: Vec<Option<Tensor>>,
    /// How many results it has.
    pub results: usize,
}

/// Why the functions of a program are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The file is no program; what iree-dump-module says of it.
    NoProgram(String),
    /// It cannot be read, or the tool cannot be run.
    Failed(Failure),
}

impl From<Failure> for Unknown {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The functions of a program that a user can call.
///
/// # Errors
///
/// That the file cannot be read or is no program, or that there is no tool to ask.
pub fn functions(program: &Path, tools: Tools) -> Result<Vec<Signature>, Unknown> {
    // Whether it can be read, the tool would say in its own words.
    File::open(program)
        .map_err(|error| Failure::io(format!("cannot read {}", program.display()), &error))?;
    let dump = tools.find("iree-dump-module")?;
    let arguments = [OsString::from("--output=metadata"), program.into()];
    let (done, status) = dump.run_in_time(&arguments, None)?;
    if !status.success() {
        return Err(Unknown::NoProgram(done.last_words()));
    }
    Ok(exported(&done.stdout))
}

/// What iree-dump-module lists: `[  1] step(!vm.ref<?>, …) -> (…)`, each with its
/// attributes below it. A program may be compiled without these.
fn exported(dump: &str) -> Vec<Signature> {
    let lines = dump
        .lines()
        .skip_while(|line| !line.starts_with("Exported Functions"))
        .skip(1)
        .take_while(|line| !line.trim().is_empty());
    let mut found = Vec::new();
    // Whether the last export is one of the user's.
    let mut own = false;
    for line in lines {
        if let Some(text) = line.trim_start().strip_prefix(DECLARATION) {
            let declared = text.split_once("func @").and_then(|(_, text)| parsed(text));
            if let (true, Some(signature), Some(last)) = (own, declared, found.last_mut()) {
                *last = signature;
            }
        } else if let Some((_, text)) = line.split_once("] ") {
            let listed = counted(text);
            own = listed.is_some();
            found.extend(listed);
        }
    }
    found
}

/// `step(!vm.ref<?>, …) -> (…)`, which tells how many there are and no more.
fn counted(text: &str) -> Option<Signature> {
    let (name, rest) = text.split_once('(')?;
    let (inputs, results) = rest.split_once(") -> (")?;
    let count = |list: &str| list.matches("!vm.ref").count();
    // Those with a `$` have fences among their arguments.
    (!name.starts_with("__") && !name.contains('$')).then(|| Signature {
        name: name.to_owned(),
        inputs: vec![None; count(inputs)],
        results: count(results),
    })
}

/// `generate(%input0: tensor<1x63xi64> {…}, …) -> (%output0: …)`.
fn parsed(text: &str) -> Option<Signature> {
    let (name, rest) = text.split_once('(')?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_$.-".contains(letter);
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    let (inputs, rest) = values(rest, "%input")?;
    let results = match rest.trim_start().strip_prefix("-> (") {
        Some(rest) => values(rest, "%output")?.0.len(),
        None => 0,
    };
    Some(Signature {
        name: name.to_owned(),
        inputs,
        results,
    })
}

/// The types of a list of values, and what follows its parenthesis.
fn values<'t>(text: &'t str, prefix: &str) -> Option<(Vec<Option<Tensor>>, &'t str)> {
    let (mut depth, mut end) = (0_usize, None);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | '<' | '{' => depth += 1,
            ')' if depth == 0 => {
                end = Some(at);
                break;
            }
            ')' | '>' | '}' => depth = depth.saturating_sub(1),
            '\0' => return None,
            _ => {}
        }
    }
    let (list, rest) = (&text[..end?], &text[end? + 1..]);
    let types = list
        .split(prefix)
        .skip(1)
        .map(|each| each.split_once(": ").and_then(|(_, each)| tensor(each)))
        .collect();
    Some((types, rest))
}

/// `tensor<1x?xi64> …`.
fn tensor(text: &str) -> Option<Tensor> {
    let (inner, _) = text.strip_prefix("tensor<")?.split_once('>')?;
    let mut parts: Vec<&str> = inner.split('x').collect();
    let element = parts.pop()?.to_owned();
    let shape = parts
        .into_iter()
        .map(|size| {
            if size == "?" {
                Some(None)
            } else {
                size.parse().ok().map(Some)
            }
        })
        .collect::<Option<_>>()?;
    Some(Tensor { shape, element })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: &str = "iree.abi.declaration: sync func @generate(%input0: tensor<1x63xi64> {iree.abi.affinity = #hal.device.affinity<@cpu>}, %input1: tensor<i64>, %input2: tensor<?xf32>) -> (%output0: tensor<1x63xi64> {a = #b.c<(1)>}, %output1: tensor<i64>)";

    #[test]
    fn declarations_tell_types() {
        let dump = format!(
            "Exported Functions:\n  [  0] __init() -> ()\n  [  1] generate(!vm.ref<?>, !vm.ref<?>, \
             !vm.ref<?>) -> (!vm.ref<?>, !vm.ref<?>)\n        {DECLARED}\n        iree.abi.other: x\n\n\
             //=== func @no(%input0: tensor<i64>)\n"
        );
        let found = exported(&dump);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "generate");
        assert_eq!(found[0].results, 2);
        let shapes: Vec<_> = found[0].inputs.iter().flatten().collect();
        assert_eq!(shapes[0].shape, [Some(1), Some(63)]);
        assert_eq!(shapes[1].shape, []);
        assert_eq!(
            (shapes[2].shape.len(), shapes[2].element.as_str()),
            (1, "f32")
        );
    }

    #[test]
    fn without_declarations_there_are_counts() {
        let dump = "Imported Functions:\n  [  0] hal.x(!vm.ref<?>) -> ()\n\nExported Functions:\n  \
                    [  0] f$async(!vm.ref<?>, !vm.ref<?>) -> (!vm.ref<?>)\n        \
                    iree.abi.declaration: async func @f(%input0: tensor<i64>) -> (%output0: tensor<i64>)\n  \
                    [  1] f(!vm.ref<?>) -> (!vm.ref<?>, !vm.ref<?>)\n        \
                    iree.abi.declaration: sync func @f of no form\n  \
                    [  2] __init() -> ()\n\n//=== x(y) -> (z)\n";
        let found = exported(dump);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].inputs.len(), found[0].results), (1, 2));
    }
}
