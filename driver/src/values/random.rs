//! Inputs and weights that nobody gave: random, and the same in every run.

use std::collections::HashMap;
use std::path::Path;

use diagnostics::{Diagnostic, Failure};
use fastrand::Rng;
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};

use super::value::{Data, Value};

/// Random numbers from a fixed seed.
#[derive(Clone, Debug)]
pub struct Dice(Rng);

impl Dice {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// A whole number below `end`, which counts as 1 if it is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0.u64(0..end.max(1))
    }

    /// A number around 0 whose square is `deviation`² in the mean.
    fn around_zero(&mut self, deviation: f64) -> f64 {
        (2.0 * self.0.f64() - 1.0) * deviation * 3f64.sqrt()
    }

    /// A tensor: floats around 0, integers below `end`.
    pub fn value(&mut self, shape: &[u64], element: &str, end: u64) -> Value {
        let count = shape.iter().product::<u64>();
        let data = if element.starts_with('i') {
            let end = if element == "i1" { 2 } else { end };
            Data::Integers((0..count).map(|_| self.below(end) as i64).collect())
        } else {
            Data::Floats((0..count).map(|_| self.around_zero(1.0)).collect())
        };
        Value {
            shape: shape.to_vec(),
            element: element.to_owned(),
            data,
        }
    }

    /// A weight. Matrices are scaled by their width, so that activations keep
    /// their size from layer to layer; vectors, which scale, are around 1.
    /// Quantised weights fill their range, and other integers, which may be
    /// indices, are 0 or 1.
    fn weight(&mut self, shape: &[u64], element: &str) -> Option<Value> {
        Value::width(element)?;
        let count = usize::try_from(shape.iter().product::<u64>()).ok()?;
        let data = match element {
            "i8" => Data::Integers((0..count).map(|_| self.0.i64(-127..=127)).collect()),
            "i1" | "i16" | "i32" | "i64" => {
                Data::Integers((0..count).map(|_| self.0.i64(0..2)).collect())
            }
            _ => {
                let matrix = shape.len() > 1;
                let width = shape.last().copied().unwrap_or(1).max(1) as f64;
                let deviation = if matrix { width.sqrt().recip() } else { 0.1 };
                let middle = if matrix { 0.0 } else { 1.0 };
                let one = |dice: &mut Self| middle + dice.around_zero(deviation);
                Data::Floats((0..count).map(|_| one(self)).collect())
            }
        };
        Some(Value {
            shape: shape.to_vec(),
            element: element.to_owned(),
            data,
        })
    }
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

/// Writes an archive of random weights that
/// IREE's runtime reads.
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
    fn weights_are_the_same_every_time_and_no_row_like_another() {
        let mut one = Dice::new(7);
        let weight = one.weight(&[4, 64], "f32").unwrap();
        assert_eq!(Dice::new(7).weight(&[4, 64], "f32"), Some(weight.clone()));
        let Data::Floats(values) = weight.data else {
            panic!("no floats");
        };
        let rows: Vec<&[f64]> = values.chunks(64).collect();
        assert!(rows.windows(2).all(|pair| pair[0] != pair[1]));
        let square: f64 = values.iter().map(|value| value * value).sum::<f64>() / 256.0;
        assert!((square * 64.0 - 1.0).abs() < 0.3, "{square}");
        assert!(one.weight(&[2], "q3").is_none());
    }

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
