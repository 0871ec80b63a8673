//! Modules from files and into files.

use std::fs;
use std::path::Path;

use diagnostics::{Failure, Status};
use dialects::{Module, OwnedModule, Session};
use iree::crash;
use specplace_driver::input::{self, BYTECODE, Input};
use specplace_driver::printer::Printer;
use tools::Scratch;

use crate::pass_runner::crashed;

/// What MLIR calls a source that it reads from memory.
const FROM_MEMORY: &str = "-";

/// Reads IN. `path` may be `-`.
///
/// # Errors
///
/// A [`Failure`] of status 2: IN is not there, or is no IR.
pub fn read<'s>(
    session: &'s Session,
    path: &Path,
    printer: &mut Printer,
) -> Result<OwnedModule<'s>, Failure> {
    let reading = |name: &str| crashed(&format!("while it read {name}"));
    let (parsed, name) = match input::open(path)? {
        Input::File(path) => {
            let name = path.display().to_string();
            let parsed = crash::saying(&reading(&name), Status::Impossible.code(), || {
                iree::read_file(session, &path)
            });
            (parsed, name)
        }
        Input::Memory { name, bytes } => {
            let mut file = FROM_MEMORY.to_owned();
            let parsed = if printer.holds(FROM_MEMORY) {
                // MLIR gives all that it reads from memory one name: what comes second
                // needs a file, to be told from the first.
                let folder = Scratch::new()?;
                let path = folder.path().join("in.mlir");
                fs::write(&path, &bytes).map_err(|error| {
                    Failure::io(format!("cannot write {}", path.display()), &error)
                })?;
                file = path.display().to_string();
                crash::saying(&reading(&name), Status::Impossible.code(), || {
                    iree::read_file(session, &path)
                })
            } else {
                crash::saying(&reading(&name), Status::Impossible.code(), || {
                    iree::read(session, &bytes)
                })
            };
            if !bytes.starts_with(BYTECODE) {
                printer.hold_source(file, name.clone(), bytes);
            }
            (parsed, name)
        }
    };
    parsed.map_err(|diagnostics| explained(Failure::unreadable(diagnostics), &name))
}

/// Adds the next step to what MLIR's parser says.
fn explained(mut failure: Failure, name: &str) -> Failure {
    // Advice for mlir-opt, and wrong: IREE could not compile such a module.
    const FOREIGN: [&str; 2] = ["unregistered dialect", "-allow-unregistered-dialect"];
    let mut help = format!(
        "{name} is not a module that this IREE can read: was it written by another version, or is it cut off?"
    );
    for message in &mut failure.messages {
        if FOREIGN
            .iter()
            .any(|advice| message.message.contains(advice))
        {
            message.message = "this operation is of a dialect that IREE does not know".to_owned();
            help = "bring it to Torch or to IREE's input phase first; names are checked letter by letter".to_owned();
        }
    }
    if let Some(last) = failure
        .messages
        .last_mut()
        .filter(|last| last.help.is_none())
    {
        last.help = Some(help);
    }
    failure
}

/// The module, which has been verified, as it goes into a file.
pub fn serialize(module: &Module<'_>, bytecode: bool) -> Vec<u8> {
    if bytecode {
        return module.to_bytecode();
    }
    let mut text = module.to_text_verified().into_bytes();
    if text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    text
}
