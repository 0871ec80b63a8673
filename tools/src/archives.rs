//! Parameter archives: the weights of a model, as IREE's runtime reads them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use diagnostics::{Diagnostic, Failure};
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};

use crate::values::{Data, Dice, Value};

/// A file of weights, `SCOPE=FILE` or the file alone, can be read; what it holds
/// is the runtime's to say.
///
/// # Errors
///
/// A [`Failure`] of status 2 with the reason why it cannot.
pub fn check_weights(given: &str) -> Result<(), Failure> {
    let path = given.split_once('=').map_or(given, |(_, path)| path);
    if path.is_empty() {
        return Err(Failure::usage(
            Diagnostic::error(format!("--parameters `{given}` names no file"))
                .help("for example: --parameters model=model.irpa"),
        ));
    }
    // Opening a pipe would wait for its writer.
    let opened = fs::metadata(path).and_then(|found| {
        if found.is_file() {
            fs::File::open(path)?;
        }
        Ok(())
    });
    opened.map_err(|error| Failure::io(format!("cannot read {path}"), &error))
}

/// A weight that nobody gave.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    /// Its name in the archive.
    pub name: &'w str,
    /// Its sizes.
    pub shape: &'w [u64],
    /// The type of its elements.
    pub element: &'w str,
    /// Whether it is the mask of an attention. One of floats, which is added to scores,
    /// then shuts later positions, as in any model that can be verified: its last two
    /// dimensions are the position and what it looks at.
    pub is_mask: bool,
}

/// A mask of floats that lets a position see itself and earlier ones.
fn causal(shape: &[u64], element: &str) -> Option<Value> {
    let [.., rows, columns] = shape else {
        return None;
    };
    // As low as f16 goes, and far below what adds to a softmax.
    const SHUT: f64 = -65504.0;
    if element.starts_with('i') {
        return None;
    }
    let pairs = usize::try_from(shape.iter().product::<u64>()).ok()?;
    let (rows, columns) = (
        usize::try_from(*rows).ok()?,
        usize::try_from(*columns).ok()?,
    );
    let one = |at: usize| {
        let (row, column) = (at / columns % rows, at % columns);
        if column > row { SHUT } else { 0.0 }
    };
    Some(Value {
        shape: shape.to_vec(),
        element: element.to_owned(),
        data: Data::Floats((0..pairs).map(one).collect()),
    })
}

/// Writes an archive of random weights that IREE's runtime reads.
///
/// # Errors
///
/// A [`Failure`]: it cannot be written, or a weight is of a type that is not
/// known here.
pub fn write_weights<'w>(
    path: &Path,
    weights: impl IntoIterator<Item = Wanted<'w>>,
    seed: u64,
) -> Result<(), Failure> {
    let mut dice = Dice::new(seed);
    let mut made: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for wanted in weights {
        let Wanted {
            name,
            shape,
            element,
            ..
        } = wanted;
        let mask = wanted.is_mask.then(|| causal(shape, element)).flatten();
        let value = mask
            .or_else(|| dice.weight(shape, element))
            .ok_or_else(|| {
                Failure::usage(
                    Diagnostic::error(format!("there are no random weights of {element} ({name})"))
                        .help("give the weights: --parameters SCOPE=FILE.irpa"),
                )
            })?;
        let sizes = shape.iter().map(|size| *size as usize).collect();
        made.push((name.to_owned(), dtype(element), sizes, value.to_bytes()));
    }
    let views: Result<Vec<(&str, TensorView<'_>)>, _> = made
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            Ok((
                name.as_str(),
                TensorView::new(*dtype, shape.clone(), bytes)?,
            ))
        })
        .collect();
    views
        .and_then(|views| serialize_to_file(views, None::<HashMap<String, String>>, path))
        .map_err(|error| {
            Failure::usage(Diagnostic::error(format!(
                "random weights cannot be written to {}: {error}",
                path.display()
            )))
        })
}

fn dtype(element: &str) -> Dtype {
    match element {
        "i1" => Dtype::BOOL,
        "i8" => Dtype::I8,
        "i16" => Dtype::I16,
        "i32" => Dtype::I32,
        "i64" => Dtype::I64,
        "f16" => Dtype::F16,
        "bf16" => Dtype::BF16,
        "f64" => Dtype::F64,
        _ => Dtype::F32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let wanted = |name, shape, element| Wanted {
            name,
            shape,
            element,
            is_mask: name == "mask",
        };
        let weights = [
            wanted("a", &[2, 3], "f32"),
            wanted("b", &[4], "bf16"),
            wanted("c", &[], "i64"),
            wanted("mask", &[1, 2, 2], "f32"),
        ];
        write_weights(&path, weights, 1).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(read.tensor("a").unwrap().shape(), [2, 3]);
        assert_eq!(read.tensor("b").unwrap().data().len(), 8);
        let mask: Vec<f32> = read
            .tensor("mask")
            .unwrap()
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        assert_eq!(mask, [0.0, -65504.0, 0.0, 0.0]);
        let unknown = [wanted("a", &[1], "q4")];
        assert!(write_weights(&path, unknown, 1).is_err());
    }
}
