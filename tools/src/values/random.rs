//! Inputs and weights that nobody gave: random, and the same in every run.

use fastrand::Rng;

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
    pub(crate) fn weight(&mut self, shape: &[u64], element: &str) -> Option<Value> {
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
}
