//! What the functions of a compiled program take and give.
//!
//! iree-compile keeps the declaration of each function in the program
//! (`iree.abi.declaration`), types and all, unless the input was Torch, whose
//! lowering in IREE drops it; iree-dump-module then still knows how many
//! values there are.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use diagnostics::{Diagnostic, Failure};
use tools::Tools;

use crate::input::BYTECODE;
use crate::report::shell;

/// What a declaration begins with.
const MARK: &[u8] = b"func @";

/// Longer declarations are cut, and then not understood.
const LONGEST: usize = 1 << 16;

/// How much is looked at to tell IR from a program, which begins in binary.
const HEAD: u64 = 1 << 12;

/// How much is read at a time.
const CHUNK: usize = 1 << 20;

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

/// The functions of a program that a user can call.
///
/// # Errors
///
/// A [`Failure`] of status 2: the file cannot be read, or is no program.
pub fn functions(program: &Path, tools: Tools) -> Result<Vec<Signature>, Failure> {
    let fail = |error: io::Error| Failure::io(format!("cannot read {}", program.display()), &error);
    let mut file = File::open(program).map_err(fail)?;
    let mut head = Vec::new();
    file.by_ref()
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(fail)?;
    // IR has declarations that look like those of programs.
    if is_ir(&head) {
        return Err(Failure::usage(no_program(program)));
    }
    let declared = declarations(head.chain(file)).map_err(fail)?;
    if !declared.is_empty() {
        return Ok(declared);
    }
    let dump = tools.find("iree-dump-module")?;
    let (done, status) = dump.run_in_time(&[OsString::from(program)], None)?;
    if !status.success() {
        return Err(Failure::usage(no_program(program).with_note(
            Diagnostic::note(format!("iree-dump-module said\n{}", done.last_words())),
        )));
    }
    Ok(exported(&done.stdout))
}

fn no_program(given: &Path) -> Diagnostic {
    Diagnostic::error(format!("{} is no compiled program", given.display())).help(format!(
        "compile one: specplace compile IN -o {} --alpha A",
        shell(&given.with_extension("vmfb"))
    ))
}

/// Whether a file that begins like this is text, or MLIR's bytecode.
fn is_ir(head: &[u8]) -> bool {
    head.starts_with(BYTECODE) || !head.contains(&0)
}

/// Every declaration in a file, whatever lies around it.
fn declarations(mut file: impl Read) -> io::Result<Vec<Signature>> {
    let mut found: Vec<Signature> = Vec::new();
    let mut window: Vec<u8> = Vec::new();
    loop {
        let read = file.by_ref().take(CHUNK as u64).read_to_end(&mut window)?;
        let last = read == 0;
        // What may go on in the next chunk is looked at then.
        let end = if last {
            window.len()
        } else {
            window.len().saturating_sub(LONGEST)
        };
        let mut at = 0;
        while let Some(offset) = find(&window[at..], MARK) {
            let start = at + offset;
            if start >= end {
                break;
            }
            at = start + MARK.len();
            let rest = &window[at..(at + LONGEST).min(window.len())];
            let text = String::from_utf8_lossy(rest);
            if let Some(signature) = parsed(&text)
                && !found.iter().any(|other| other.name == signature.name)
            {
                found.push(signature);
            }
        }
        if last {
            return Ok(found);
        }
        window.drain(..end);
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
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

/// What iree-dump-module lists: `[  1] spec_step(!vm.ref<?>, …) -> (…)`.
fn exported(dump: &str) -> Vec<Signature> {
    dump.lines()
        .skip_while(|line| !line.starts_with("Exported Functions"))
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter_map(|line| {
            let (_, line) = line.split_once("] ")?;
            let (name, rest) = line.split_once('(')?;
            let (inputs, results) = rest.split_once(") -> (")?;
            let count = |list: &str| list.matches("!vm.ref").count();
            // Those with a `$` have fences among their arguments.
            (!name.starts_with("__") && !name.contains('$')).then(|| Signature {
                name: name.to_owned(),
                inputs: vec![None; count(inputs)],
                results: count(results),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: &str = "sync func @generate(%input0: tensor<1x63xi64> {iree.abi.affinity = #hal.device.affinity<@cpu>}, %input1: tensor<i64>, %input2: tensor<?xf32>) -> (%output0: tensor<1x63xi64> {a = #b.c<(1)>}, %output1: tensor<i64>)";

    #[test]
    fn declarations_are_found_wherever_they_lie() {
        for before in [0, 10, CHUNK - 3, CHUNK - LONGEST, 2 * CHUNK + 17] {
            let mut bytes = vec![7_u8; before];
            bytes.extend(DECLARED.bytes());
            bytes.push(0);
            bytes.extend(vec![0xff; 5000]);
            let found = declarations(&bytes[..]).unwrap();
            assert_eq!(found.len(), 1, "after {before} bytes");
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
        assert!(
            declarations(&b"func @ nothing of ours(\0"[..])
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_dump_has_counts() {
        let dump = "Imported Functions:\n  [  0] hal.x(!vm.ref<?>) -> ()\n\nExported Functions:\n  \
                    [  0] f$async(!vm.ref<?>, !vm.ref<?>) -> (!vm.ref<?>)\n  [  1] f(!vm.ref<?>) -> \
                    (!vm.ref<?>, !vm.ref<?>)\n  [  2] __init() -> ()\n\n//=== x(y) -> (z)\n";
        let found = exported(dump);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].inputs.len(), found[0].results), (1, 2));
    }
}
