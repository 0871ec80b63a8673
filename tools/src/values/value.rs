//! A tensor or number outside of a program.

use std::fs;
use std::path::Path;

use diagnostics::{Diagnostic, Failure};
use half::{bf16, f16};

/// The elements, row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Integers and truth values.
    Integers(Vec<i64>),
    /// Floats of any width.
    Floats(Vec<f64>),
}

/// A tensor; without dimensions it is a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Its sizes.
    pub shape: Vec<u64>,
    /// The type of its elements, as IREE writes it: `i64`, `f32`, `bf16`.
    pub element: String,
    /// Its elements.
    pub data: Data,
}

impl Value {
    /// `1x63xi64`, as IREE's programs take it.
    pub fn type_text(&self) -> String {
        let sizes: String = self.shape.iter().map(|size| format!("{size}x")).collect();
        format!("{sizes}{}", self.element)
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::Integers(values) => values.len(),
            Data::Floats(values) => values.len(),
        }
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its integers, if it holds some.
    pub fn integers(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Integers(values) => Some(values),
            Data::Floats(_) => None,
        }
    }

    /// The bytes of one element; `None` of a type that is not known here.
    pub fn width(element: &str) -> Option<usize> {
        Some(match element {
            "i1" | "i8" => 1,
            "i16" | "f16" | "bf16" => 2,
            "i32" | "f32" => 4,
            "i64" | "f64" => 8,
            _ => return None,
        })
    }

    /// Its elements as IREE lays them out.
    pub fn to_bytes(&self) -> Vec<u8> {
        let element = self.element.as_str();
        let mut bytes = Vec::new();
        match &self.data {
            Data::Integers(values) => {
                let width = Self::width(element).unwrap_or(8);
                for value in values {
                    bytes.extend(&value.to_le_bytes()[..width]);
                }
            }
            Data::Floats(values) => {
                for value in values {
                    match element {
                        "f16" => bytes.extend(f16::from_f64(*value).to_le_bytes()),
                        "bf16" => bytes.extend(bf16::from_f64(*value).to_le_bytes()),
                        "f32" => bytes.extend((*value as f32).to_le_bytes()),
                        _ => bytes.extend(value.to_le_bytes()),
                    }
                }
            }
        }
        bytes
    }

    /// Reads what a program wrote with `--output=@FILE.bin`. Sizes that are not
    /// known are worked out where there is one of them.
    ///
    /// # Errors
    ///
    /// A [`Failure`]: the file cannot be read, or holds something else.
    pub fn read(path: &Path, shape: &[Option<u64>], element: &str) -> Result<Self, Failure> {
        let bytes = fs::read(path)
            .map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))?;
        Self::from_bytes(&bytes, shape, element).ok_or_else(|| {
            Failure::impossible(vec![Diagnostic::error(format!(
                "a result of {} bytes is no tensor of {element} of the shape {shape:?}",
                bytes.len()
            ))])
        })
    }

    fn from_bytes(bytes: &[u8], shape: &[Option<u64>], element: &str) -> Option<Self> {
        let width = Self::width(element)?;
        if !bytes.len().is_multiple_of(width) {
            return None;
        }
        let count = (bytes.len() / width) as u64;
        let known: u64 = shape.iter().flatten().product();
        let open = shape.iter().filter(|size| size.is_none()).count();
        let rest = match open {
            0 => 1,
            1 => count.checked_div(known)?,
            _ => return None,
        };
        if known.checked_mul(rest)? != count {
            return None;
        }
        let parts = bytes.chunks_exact(width);
        let is_float = element.starts_with('f') || element.starts_with("bf");
        let data = if is_float {
            Data::Floats(
                parts
                    .map(|part| match *part {
                        [a, b] if element == "bf16" => bf16::from_le_bytes([a, b]).to_f64(),
                        [a, b] => f16::from_le_bytes([a, b]).to_f64(),
                        [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
                        _ => f64::from_le_bytes(part.try_into().unwrap_or_default()),
                    })
                    .collect(),
            )
        } else {
            Data::Integers(
                parts
                    .map(|part| match *part {
                        [a] if element == "i1" => i64::from(a != 0),
                        [a] => i64::from(i8::from_le_bytes([a])),
                        [a, b] => i64::from(i16::from_le_bytes([a, b])),
                        [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
                        _ => i64::from_le_bytes(part.try_into().unwrap_or_default()),
                    })
                    .collect(),
            )
        };
        Some(Self {
            shape: shape.iter().map(|size| size.unwrap_or(rest)).collect(),
            element: element.to_owned(),
            data,
        })
    }

    /// Reads `1x3xi64=[1 2 3]`, as IREE prints and takes it.
    pub fn parse(text: &str) -> Option<Self> {
        let (r#type, elements) = text.split_once('=')?;
        let (sizes, element) = r#type.rsplit_once('x').unwrap_or(("", r#type));
        let shape: Vec<u64> = sizes
            .split('x')
            .filter(|size| !size.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        Self::width(element)?;
        let words = elements
            .split(|letter: char| letter.is_whitespace() || "[],".contains(letter))
            .filter(|word| !word.is_empty());
        let data = if element.starts_with('i') {
            Data::Integers(words.map(str::parse).collect::<Result<_, _>>().ok()?)
        } else {
            Data::Floats(words.map(str::parse).collect::<Result<_, _>>().ok()?)
        };
        let mut value = Self {
            shape,
            element: element.to_owned(),
            data,
        };
        let count = usize::try_from(value.shape.iter().product::<u64>()).ok()?;
        if value.len() == 1 && count != 1 {
            // One element stands for all of them.
            match &mut value.data {
                Data::Integers(values) => values.resize(count, values[0]),
                Data::Floats(values) => values.resize(count, values[0]),
            }
        }
        (value.len() == count).then_some(value)
    }
}

/// What `flow.tensor.trace` printed: for each time the key and the values.
pub fn parse_traces(stderr: &str) -> Vec<(String, Vec<Value>)> {
    let mut traces: Vec<(String, Vec<Value>)> = Vec::new();
    let mut within = false;
    for line in stderr.lines() {
        let key = line
            .strip_prefix("=== ")
            .and_then(|rest| rest.strip_suffix(" ==="));
        if let Some(key) = key {
            traces.push((key.to_owned(), Vec::new()));
            within = true;
        } else if line.is_empty() {
            within = false;
        } else if within && let Some((_, values)) = traces.last_mut() {
            values.extend(Value::parse(line));
        }
    }
    traces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_iree_prints_is_understood() {
        let printed = "warning: x\n=== values_of_drafter_0 ===\n1x3xi64=[7 8 9]\n\
                       2x2xf32=[2.5 1][0 -1E-05]\ni64=4\n\n=== b ===\ni1=1\n\n";
        let traces = parse_traces(printed);
        assert_eq!(traces.len(), 2);
        assert_eq!(traces[0].0, "values_of_drafter_0");
        let values = &traces[0].1;
        assert_eq!(values[0].integers(), Some(&[7, 8, 9][..]));
        assert_eq!(values[1].data, Data::Floats(vec![2.5, 1.0, 0.0, -1e-5]));
        assert_eq!((values[2].shape.len(), values[2].len()), (0, 1));
    }

    #[test]
    fn bytes_there_and_back() {
        for text in [
            "2x2xi8=[-1 2][3 4]",
            "3xbf16=1 -2 0.5",
            "f16=0.25",
            "2xi1=[0 1]",
            "4xf32=2",
        ] {
            let value = Value::parse(text).unwrap();
            let shape: Vec<_> = value.shape.iter().copied().map(Some).collect();
            let bytes = value.to_bytes();
            assert_eq!(
                Value::from_bytes(&bytes, &shape, &value.element),
                Some(value),
                "{text}"
            );
        }
        assert_eq!(Value::from_bytes(&[0; 6], &[Some(2)], "f32"), None);
        let open = Value::from_bytes(&[0; 8], &[Some(1), None], "i32").unwrap();
        assert_eq!(open.shape, [1, 2]);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "x", "2xi64=[1 2 3]", "2xq8=1", "2xi64=[a b]"] {
            assert_eq!(Value::parse(text), None, "{text}");
        }
    }
}
