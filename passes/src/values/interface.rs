//! What functions take and give.

use std::fmt;

use dialects::ir::{Op, Type};

/// How a value enters or leaves a function at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// As a tensor of any rank.
    Tensor,
    /// As a number.
    Scalar,
}

/// A value at the border of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// How it crosses the border.
    pub carrier: Carrier,
    /// The sizes of its dimensions, `None` where they are dynamic.
    pub shape: Vec<Option<u64>>,
    /// The type of its elements, as IREE writes it: `i64`, `f32`, `bf16`.
    pub element: String,
}

impl Port {
    /// The port of a value of this type.
    pub fn of(r#type: Type<'_>) -> Self {
        let size = |size: Option<i64>| size.and_then(|size| u64::try_from(size).ok());
        Self {
            carrier: if r#type.is_tensor() {
                Carrier::Tensor
            } else {
                Carrier::Scalar
            },
            shape: r#type
                .shape()
                .unwrap_or_default()
                .into_iter()
                .map(size)
                .collect(),
            element: r#type.element().to_string(),
        }
    }

    /// Whether it holds floats.
    pub fn is_float(&self) -> bool {
        self.element.starts_with('f') || self.element.starts_with("bf")
    }

    /// Whether it holds integers, truth values among them.
    pub fn is_integer(&self) -> bool {
        self.element.starts_with('i')
    }
}

impl fmt::Display for Port {
    /// `1x?xf32`, as in MLIR.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for size in &self.shape {
            match size {
                Some(size) => write!(formatter, "{size}x")?,
                None => formatter.write_str("?x")?,
            }
        }
        formatter.write_str(&self.element)
    }
}

/// A public function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name, as in IN.
    pub name: String,
    /// What it takes.
    pub arguments: Vec<Port>,
    /// What it gives.
    pub results: Vec<Port>,
    /// The function of the reference that does the same without drafts, where
    /// there are drafts.
    pub greedy: Option<String>,
}

/// The ports of a function's type.
pub fn ports(function: Op<'_>) -> Option<(Vec<Port>, Vec<Port>)> {
    let (inputs, results) = function
        .attribute("function_type")?
        .as_type()?
        .as_function()?;
    let all = |types: Vec<Type<'_>>| types.into_iter().map(Port::of).collect();
    Some((all(inputs), all(results)))
}
