//! Small computations whose right results are known without IREE.
//!
//! Each has the form in which specplace hands it to IREE: attention is taken
//! apart, a depthwise convolution has its loops in order, and row numbers that are
//! no tokens are i32 where `narrow-indices` makes them so.

mod forms;
mod right;

use cost::workload::DType;

pub use right::error;

/// A computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `a · b + a`, element by element.
    Elementwise,
    /// A product of matrices.
    Matmul,
    /// Attention of the tokens of a row over each other, with a residual.
    Attention,
    /// Attention of one token over a row, as with a cache.
    AttentionOne,
    /// Tokens into a model, and out of it.
    Lookup,
    /// A convolution over positions.
    Conv1d,
    /// A convolution over the plane.
    Conv2d,
    /// A convolution of each channel for itself.
    Depthwise,
    /// Where the largest values are, in their order, as a router's `topk` has it.
    Sort,
    /// Rows of a table replaced.
    Scatter,
    /// Rows of a table by number.
    Gather,
    /// Sums of rows.
    Sum,
    /// The largest value of each row.
    Max,
    /// Where it is.
    Argmax,
}

/// The type in which a unit is handed row numbers, with words of 32 bits or not.
pub fn places(narrow_words: bool) -> DType {
    if narrow_words { DType::I32 } else { DType::I64 }
}

/// The types that are checked.
pub const DTYPES: [DType; 6] = [
    DType::F32,
    DType::F16,
    DType::BF16,
    DType::I8,
    DType::I32,
    DType::I64,
];

/// An input of a computation.
pub struct Operand {
    shape: &'static [usize],
    dtype: DType,
    values: Vec<f64>,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Elementwise,
        Self::Matmul,
        Self::Attention,
        Self::AttentionOne,
        Self::Lookup,
        Self::Conv1d,
        Self::Conv2d,
        Self::Depthwise,
        Self::Sort,
        Self::Scatter,
        Self::Gather,
        Self::Sum,
        Self::Max,
        Self::Argmax,
    ];

    /// Its name in reports, and in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elementwise => "elementwise",
            Self::Matmul => "matmul",
            Self::Attention => "attention",
            Self::AttentionOne => "attention-one",
            Self::Lookup => "lookup",
            Self::Conv1d => "conv1d",
            Self::Conv2d => "conv2d",
            Self::Depthwise => "depthwise",
            Self::Sort => "sort",
            Self::Scatter => "scatter",
            Self::Gather => "gather",
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Argmax => "argmax",
        }
    }

    /// Its function.
    pub fn function_name(self) -> String {
        self.name().replace('-', "_")
    }

    /// What a platform's table calls it (`cost::platform::KINDS`); nothing for
    /// what a model is made of: a unit that fails such a thing is kept from
    /// the type.
    pub fn operation(self) -> Option<&'static str> {
        match self {
            Self::Elementwise
            | Self::Matmul
            | Self::Attention
            | Self::AttentionOne
            | Self::Lookup => None,
            Self::Conv1d | Self::Conv2d => Some("convolution"),
            Self::Depthwise => Some("depthwise-convolution"),
            Self::Sort => Some("sort"),
            Self::Scatter => Some("scatter"),
            Self::Gather => Some("gather"),
            Self::Sum | Self::Max => Some("reduction"),
            Self::Argmax => Some("argmax"),
        }
    }

    /// Whether it makes sense for a type.
    pub fn is_for(self, dtype: DType) -> bool {
        match self {
            Self::Elementwise | Self::Sort | Self::Scatter | Self::Gather | Self::Max => true,
            // Nobody multiplies matrices of tokens, or of positions.
            Self::Matmul | Self::Conv1d | Self::Conv2d | Self::Depthwise => {
                dtype.is_float() || dtype == DType::I8
            }
            // Bytes are added up in words, which is another type's check.
            Self::Sum => dtype != DType::I8,
            Self::Attention | Self::AttentionOne | Self::Argmax => dtype.is_float(),
            Self::Lookup => dtype == DType::I64,
        }
    }

    /// Whether a failure keeps a unit from nothing, since specplace makes no such
    /// thing for it: on a unit of `narrow_words`
    /// (`cost::platform::ProcessingUnit::has_narrow_words`) positions, masks and
    /// indices are i32, and tokens in i64 are only looked up.
    pub fn is_avoided(self, dtype: DType, narrow_words: bool) -> bool {
        dtype == DType::I64 && narrow_words && self != Self::Lookup
    }

    /// The operands, with row numbers in the type `places`. Sums and products of whole numbers this small are exact
    /// in every type, so that any difference is an error.
    pub fn operands(self, dtype: DType, places: DType) -> Vec<Operand> {
        // Without a pattern that transposing or repeating would keep.
        let mixed =
            |which: usize, at: usize| (at * 2_654_435_761 + which * 40_503 + (at / 7) * 97) >> 3;
        let make = |which: usize,
                    shape: &'static [usize],
                    dtype: DType,
                    value: &dyn Fn(usize, usize) -> f64| {
            let values = (0..shape.iter().product()).map(|at| value(at, mixed(which, at)));
            Operand {
                shape,
                dtype,
                values: values.collect(),
            }
        };
        let own = |which, shape, value| make(which, shape, dtype, value);
        let rows = |which, shape, value| make(which, shape, places, value);
        let small = |_, mixed| (mixed % 7) as f64 - 3.0;
        let sign = |_, mixed| (mixed % 3) as f64 - 1.0;
        let wide = |_, mixed| (mixed % 101) as f64 - 50.0;
        let fraction = |_, mixed| ((mixed % 17) as f64 - 8.0) / 8.0;
        let row = |_, mixed| (mixed % 32) as f64;
        // Rows in which each value is there once.
        let once = |at: usize, _| ((at * 5 + (at / 32) * 11) % 32) as f64 - 16.0;
        let once_in_eight = |at: usize, _| ((at * 5 + (at / 8) * 3) % 8) as f64 - 4.0;
        match self {
            Self::Elementwise => vec![own(0, &[16, 32], &small), own(1, &[16, 32], &small)],
            Self::Matmul => vec![own(0, &[16, 32], &sign), own(1, &[32, 16], &sign)],
            Self::Attention => vec![
                own(0, &[16, 32], &fraction),
                own(1, &[32, 32], &fraction),
                own(0, &[16, 32], &fraction),
            ],
            Self::AttentionOne => vec![
                own(3, &[1, 32], &fraction),
                own(1, &[32, 32], &fraction),
                own(0, &[16, 32], &fraction),
            ],
            Self::Lookup => vec![
                make(0, &[1, 63], DType::I64, &row),
                make(1, &[32, 16], DType::F32, &wide),
            ],
            Self::Conv1d => vec![own(0, &[1, 4, 18], &sign), own(1, &[6, 4, 3], &sign)],
            Self::Conv2d => vec![own(0, &[1, 4, 10, 10], &sign), own(1, &[6, 4, 3, 3], &sign)],
            Self::Depthwise => vec![own(0, &[1, 4, 10, 10], &small), own(1, &[4, 3, 3], &small)],
            Self::Sort => vec![own(0, &[63, 8], &once_in_eight)],
            Self::Scatter => vec![
                own(0, &[32, 16], &wide),
                rows(1, &[8, 1], &|at, _| ((at * 11 + 3) % 32) as f64),
                own(2, &[8, 16], &wide),
            ],
            Self::Gather => vec![own(0, &[32, 16], &wide), rows(1, &[63, 1], &row)],
            Self::Sum => vec![own(0, &[16, 32], &small)],
            Self::Max => vec![own(0, &[16, 32], &wide)],
            Self::Argmax => vec![own(0, &[16, 32], &once)],
        }
    }

    /// What iree-run-module is given.
    pub fn inputs(self, dtype: DType, places: DType) -> Vec<String> {
        let flag = |operand: &Operand| {
            let shape: Vec<String> = operand.shape.iter().map(usize::to_string).collect();
            let values: Vec<String> = operand.values.iter().map(f64::to_string).collect();
            let (shape, values) = (shape.join("x"), values.join(","));
            format!("--input={shape}x{}={values}", operand.dtype)
        };
        self.operands(dtype, places).iter().map(flag).collect()
    }

    /// The right result.
    pub fn expected(self) -> Vec<f64> {
        right::of(self)
    }

    /// Its function in a type, with row numbers and the like in the type `places`.
    pub fn function(self, dtype: DType, places: DType) -> String {
        forms::of(self, dtype, places)
    }

    /// How far off a result may be, by the largest value of the right one.
    pub fn tolerance(self, dtype: DType) -> f64 {
        match (self, dtype) {
            (Self::Attention | Self::AttentionOne, DType::F16) => 2e-2,
            (Self::Attention | Self::AttentionOne, DType::BF16) => 1e-1,
            (Self::Attention | Self::AttentionOne, _) => 1e-4,
            _ => 0.0,
        }
    }
}

/// The numbers that iree-run-module prints for one result:
/// `2x2xf16=[1 2][3 4]`.
pub fn printed(text: &str) -> Option<Vec<f64>> {
    let (_, values) = text.lines().find_map(|line| {
        line.split_once("=[")
            .filter(|(shape, _)| shape.contains('x'))
    })?;
    values
        .split(['[', ']', ' '])
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cost::platform::KINDS;

    #[test]
    fn whole_numbers_stay_exact_in_every_type() {
        for kind in Kind::ALL {
            if kind.tolerance(DType::F32) > 0.0 {
                continue;
            }
            let expected = kind.expected();
            // bf16 has eight bits of a number, and i8 seven.
            assert!(
                expected
                    .iter()
                    .all(|value| value.abs() <= 127.0 && value.fract() == 0.0),
                "{kind:?}"
            );
            let zeros = expected.iter().filter(|value| **value == 0.0).count();
            assert!(zeros < expected.len() / 2, "{kind:?}");
            let first = expected.first().copied();
            assert!(
                expected.iter().any(|value| Some(*value) != first),
                "{kind:?} is the same everywhere"
            );
        }
    }

    #[test]
    fn the_table_knows_every_operation() {
        for kind in Kind::ALL {
            assert!(
                kind.operation().is_none_or(|op| KINDS.contains(&op)),
                "{kind:?}"
            );
            assert!(DTYPES.iter().any(|dtype| kind.is_for(*dtype)), "{kind:?}");
        }
    }

    #[test]
    fn results_are_read() {
        let text = "EXEC @f\nresult[0]: hal.buffer_view\n2x2xf16=[1 -2][3.5 4]\n";
        assert_eq!(printed(text), Some(vec![1.0, -2.0, 3.5, 4.0]));
        let text = "1x2x2xi8=[[1 -2][3 4]]\n";
        assert_eq!(printed(text), Some(vec![1.0, -2.0, 3.0, 4.0]));
        assert_eq!(printed("EXEC @f"), None);
    }
}
