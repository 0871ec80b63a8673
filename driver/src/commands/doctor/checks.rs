//! Small computations whose right results are known without IREE.

use cost::workload::DType;

/// A computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `a · b + a`, element by element.
    Elementwise,
    /// A product of matrices.
    Matmul,
    /// Attention of a row over itself, with a residual.
    Attention,
    /// Tokens into a model, and out of it.
    Lookup,
}

/// Rows of the operands.
const ROWS: usize = 16;
/// Columns of the first, rows of the second.
const INNER: usize = 32;
/// Tokens in a row.
const TOKENS: usize = 63;

/// The types that are checked.
pub const DTYPES: [DType; 5] = [DType::F32, DType::F16, DType::BF16, DType::I8, DType::I64];

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Elementwise,
        Self::Matmul,
        Self::Attention,
        Self::Lookup,
    ];

    /// Its name, which is its function's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elementwise => "elementwise",
            Self::Matmul => "matmul",
            Self::Attention => "attention",
            Self::Lookup => "lookup",
        }
    }

    /// Whether it makes sense for a type.
    pub fn is_for(self, dtype: DType) -> bool {
        match self {
            Self::Elementwise => true,
            // Nobody multiplies matrices of tokens.
            Self::Matmul => dtype != DType::I64,
            Self::Attention => dtype.is_float(),
            Self::Lookup => dtype == DType::I64,
        }
    }

    /// Whether a unit that fails this is to be kept from the type. It is not
    /// for arithmetic on i64: a model needs the type for its tokens, which it
    /// only looks up, and IREE's SPIR-V does the one without the other.
    pub fn decides(self, dtype: DType) -> bool {
        dtype != DType::I64 || self == Self::Lookup
    }

    fn sizes(self) -> [[usize; 2]; 2] {
        match self {
            Self::Elementwise => [[ROWS, INNER], [ROWS, INNER]],
            Self::Matmul => [[ROWS, INNER], [INNER, ROWS]],
            Self::Attention => [[ROWS, INNER], [INNER, INNER]],
            Self::Lookup => [[1, TOKENS], [INNER, ROWS]],
        }
    }

    /// The operands. Sums and products of whole numbers this small are exact
    /// in every type, so that any difference is an error.
    fn operands(self) -> [Vec<f64>; 2] {
        let value = |which: usize, at: usize| {
            // Without a pattern that transposing or repeating would keep.
            let mixed = (at * 2_654_435_761 + which * 40_503 + (at / 7) * 97) >> 3;
            match self {
                Self::Elementwise => (mixed % 7) as f64 - 3.0,
                Self::Matmul => (mixed % 3) as f64 - 1.0,
                Self::Attention => ((mixed % 17) as f64 - 8.0) / 8.0,
                Self::Lookup if which == 0 => (mixed % INNER) as f64,
                Self::Lookup => (mixed % 101) as f64 - 50.0,
            }
        };
        let [a, b] = self.sizes();
        let make = |which: usize, [rows, columns]: [usize; 2]| {
            (0..rows * columns).map(|at| value(which, at)).collect()
        };
        [make(0, a), make(1, b)]
    }

    /// What iree-run-module is given.
    pub fn inputs(self, dtype: DType) -> [String; 2] {
        let [a, b] = self.operands();
        let [sa, sb] = self.sizes();
        let flag = |dtype: DType, values: &[f64], [rows, columns]: [usize; 2]| {
            let values: Vec<String> = values.iter().map(f64::to_string).collect();
            format!("--input={rows}x{columns}x{dtype}={}", values.join(","))
        };
        let table = if self == Self::Lookup {
            DType::F32
        } else {
            dtype
        };
        [flag(dtype, &a, sa), flag(table, &b, sb)]
    }

    /// The right result.
    pub fn expected(self) -> Vec<f64> {
        let [a, b] = self.operands();
        match self {
            Self::Elementwise => a.iter().zip(&b).map(|(a, b)| a * b + a).collect(),
            Self::Matmul => product(&a, &b, INNER),
            Self::Attention => attention(&a, &b),
            Self::Lookup => a.iter().map(|id| largest(&b, *id as usize)).collect(),
        }
    }

    /// How far off a result may be, by the largest value of the right one.
    pub fn tolerance(self, dtype: DType) -> f64 {
        match (self, dtype) {
            (Self::Elementwise | Self::Matmul | Self::Lookup, _) => 0.0,
            (Self::Attention, DType::F16) => 2e-2,
            (Self::Attention, DType::BF16) => 1e-1,
            (Self::Attention, _) => 1e-4,
        }
    }

    /// Its function.
    pub fn function(self, dtype: DType) -> String {
        let t = dtype.as_str();
        let float = dtype.is_float();
        match self {
            Self::Elementwise => {
                let (mul, add) = if float {
                    ("arith.mulf", "arith.addf")
                } else {
                    ("arith.muli", "arith.addi")
                };
                format!(
                    "func.func @elementwise(%a: tensor<16x32x{t}>, %b: tensor<16x32x{t}>) -> tensor<16x32x{t}> {{\n  \
                     %p = {mul} %a, %b : tensor<16x32x{t}>\n  %r = {add} %p, %a : tensor<16x32x{t}>\n  \
                     return %r : tensor<16x32x{t}>\n}}\n"
                )
            }
            Self::Matmul => {
                // Quantised models multiply bytes and add words.
                let sum = if dtype == DType::I8 { "i32" } else { t };
                let zero = if float { "0.0" } else { "0" };
                format!(
                    "func.func @matmul(%a: tensor<16x32x{t}>, %b: tensor<32x16x{t}>) -> tensor<16x16x{sum}> {{\n  \
                     %z = arith.constant {zero} : {sum}\n  %e = tensor.empty() : tensor<16x16x{sum}>\n  \
                     %f = linalg.fill ins(%z : {sum}) outs(%e : tensor<16x16x{sum}>) -> tensor<16x16x{sum}>\n  \
                     %r = linalg.matmul ins(%a, %b : tensor<16x32x{t}>, tensor<32x16x{t}>) \
                     outs(%f : tensor<16x16x{sum}>) -> tensor<16x16x{sum}>\n  \
                     return %r : tensor<16x16x{sum}>\n}}\n"
                )
            }
            Self::Attention => {
                // f32 is as wide as it gets.
                let (widen, narrow) = if dtype == DType::F32 {
                    (
                        "%wide = arith.addf %in, %zf : f32".to_owned(),
                        "%v = arith.addf %wide, %zf : f32".to_owned(),
                    )
                } else {
                    (
                        format!("%wide = arith.extf %in : {t} to f32"),
                        format!("%v = arith.truncf %wide : f32 to {t}"),
                    )
                };
                ATTENTION
                    .replace("$WIDEN", &widen)
                    .replace("$NARROW", &narrow)
                    .replace("$T", t)
            }
            Self::Lookup => LOOKUP.to_owned(),
        }
    }
}

/// softmax(x w xᵀ / 4) x + x, with the softmax in f32, as models have it that
/// compute in half precision otherwise.
const ATTENTION: &str = "\
#rows = affine_map<(d0, d1) -> (d0)>
#all = affine_map<(d0, d1) -> (d0, d1)>
func.func @attention(%x: tensor<16x32x$T>, %w: tensor<32x32x$T>) -> tensor<16x32x$T> {
  %z = arith.constant 0.0 : $T
  %zf = arith.constant 0.0 : f32
  %least = arith.constant -3.0e38 : f32
  %e = tensor.empty() : tensor<16x32x$T>
  %zero = linalg.fill ins(%z : $T) outs(%e : tensor<16x32x$T>) -> tensor<16x32x$T>
  %se = tensor.empty() : tensor<16x16x$T>
  %szero = linalg.fill ins(%z : $T) outs(%se : tensor<16x16x$T>) -> tensor<16x16x$T>
  %te = tensor.empty() : tensor<32x16x$T>
  %fe = tensor.empty() : tensor<16x16xf32>
  %re = tensor.empty() : tensor<16xf32>
  %rzero = linalg.fill ins(%zf : f32) outs(%re : tensor<16xf32>) -> tensor<16xf32>
  %rleast = linalg.fill ins(%least : f32) outs(%re : tensor<16xf32>) -> tensor<16xf32>
  %q = linalg.matmul ins(%x, %w : tensor<16x32x$T>, tensor<32x32x$T>) outs(%zero : tensor<16x32x$T>) -> tensor<16x32x$T>
  %t = linalg.transpose ins(%x : tensor<16x32x$T>) outs(%te : tensor<32x16x$T>) permutation = [1, 0]
  %s = linalg.matmul ins(%q, %t : tensor<16x32x$T>, tensor<32x16x$T>) outs(%szero : tensor<16x16x$T>) -> tensor<16x16x$T>
  %scaled = linalg.generic {indexing_maps = [#all, #all], iterator_types = [\"parallel\", \"parallel\"]} ins(%s : tensor<16x16x$T>) outs(%fe : tensor<16x16xf32>) {
  ^bb0(%in: $T, %out: f32):
    $WIDEN
    %quarter = arith.constant 0.25 : f32
    %v = arith.mulf %wide, %quarter : f32
    linalg.yield %v : f32
  } -> tensor<16x16xf32>
  %most = linalg.generic {indexing_maps = [#all, #rows], iterator_types = [\"parallel\", \"reduction\"]} ins(%scaled : tensor<16x16xf32>) outs(%rleast : tensor<16xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.maximumf %in, %out : f32
    linalg.yield %v : f32
  } -> tensor<16xf32>
  %powers = linalg.generic {indexing_maps = [#all, #rows, #all], iterator_types = [\"parallel\", \"parallel\"]} ins(%scaled, %most : tensor<16x16xf32>, tensor<16xf32>) outs(%fe : tensor<16x16xf32>) {
  ^bb0(%in: f32, %m: f32, %out: f32):
    %d = arith.subf %in, %m : f32
    %v = math.exp %d : f32
    linalg.yield %v : f32
  } -> tensor<16x16xf32>
  %sums = linalg.generic {indexing_maps = [#all, #rows], iterator_types = [\"parallel\", \"reduction\"]} ins(%powers : tensor<16x16xf32>) outs(%rzero : tensor<16xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.addf %in, %out : f32
    linalg.yield %v : f32
  } -> tensor<16xf32>
  %p = linalg.generic {indexing_maps = [#all, #rows, #all], iterator_types = [\"parallel\", \"parallel\"]} ins(%powers, %sums : tensor<16x16xf32>, tensor<16xf32>) outs(%se : tensor<16x16x$T>) {
  ^bb0(%in: f32, %sum: f32, %out: $T):
    %wide = arith.divf %in, %sum : f32
    $NARROW
    linalg.yield %v : $T
  } -> tensor<16x16x$T>
  %o = linalg.matmul ins(%p, %x : tensor<16x16x$T>, tensor<16x32x$T>) outs(%zero : tensor<16x32x$T>) -> tensor<16x32x$T>
  %r = arith.addf %o, %x : tensor<16x32x$T>
  return %r : tensor<16x32x$T>
}
";

/// The rows of a table by number, and of each where its largest value is: how
/// tokens go into a model and come out of it.
const LOOKUP: &str = "\
#row = affine_map<(d0, d1) -> (d0)>
#both = affine_map<(d0, d1) -> (d0, d1)>
func.func @lookup(%ids: tensor<1x63xi64>, %table: tensor<32x16xf32>) -> tensor<1x63xi64> {
  %z = arith.constant 0 : i64
  %least = arith.constant -3.0e38 : f32
  %flat = tensor.collapse_shape %ids [[0, 1]] : tensor<1x63xi64> into tensor<63xi64>
  %e = tensor.empty() : tensor<63x16xf32>
  %ie = tensor.empty() : tensor<63xi64>
  %fe = tensor.empty() : tensor<63xf32>
  %none = linalg.fill ins(%z : i64) outs(%ie : tensor<63xi64>) -> tensor<63xi64>
  %lowest = linalg.fill ins(%least : f32) outs(%fe : tensor<63xf32>) -> tensor<63xf32>
  %rows = linalg.generic {indexing_maps = [#row, #both], iterator_types = [\"parallel\", \"parallel\"]} ins(%flat : tensor<63xi64>) outs(%e : tensor<63x16xf32>) {
  ^bb0(%id: i64, %out: f32):
    %i = arith.index_cast %id : i64 to index
    %j = linalg.index 1 : index
    %v = tensor.extract %table[%i, %j] : tensor<32x16xf32>
    linalg.yield %v : f32
  } -> tensor<63x16xf32>
  %r:2 = linalg.generic {indexing_maps = [#both, #row, #row], iterator_types = [\"parallel\", \"reduction\"]} ins(%rows : tensor<63x16xf32>) outs(%lowest, %none : tensor<63xf32>, tensor<63xi64>) {
  ^bb0(%v: f32, %best: f32, %at: i64):
    %j = linalg.index 1 : index
    %i = arith.index_cast %j : index to i64
    %better = arith.cmpf ogt, %v, %best : f32
    %b = arith.select %better, %v, %best : f32
    %a = arith.select %better, %i, %at : i64
    linalg.yield %b, %a : f32, i64
  } -> (tensor<63xf32>, tensor<63xi64>)
  %out = tensor.expand_shape %r#1 [[0, 1]] output_shape [1, 63] : tensor<63xi64> into tensor<1x63xi64>
  return %out : tensor<1x63xi64>
}
";

/// Where the first of the largest values of a row is.
fn largest(table: &[f64], row: usize) -> f64 {
    let row = &table[row * ROWS..(row + 1) * ROWS];
    let mut best = 0;
    for (at, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = at;
        }
    }
    best as f64
}

/// The product of matrices that share a size.
fn product(a: &[f64], b: &[f64], inner: usize) -> Vec<f64> {
    let columns = b.len() / inner;
    a.chunks(inner)
        .flat_map(|row| {
            (0..columns).map(move |column| {
                row.iter()
                    .enumerate()
                    .map(|(at, value)| value * b[at * columns + column])
                    .sum()
            })
        })
        .collect()
}

fn attention(x: &[f64], w: &[f64]) -> Vec<f64> {
    let q = product(x, w, INNER);
    let transposed: Vec<f64> = (0..INNER)
        .flat_map(|column| (0..ROWS).map(move |row| x[row * INNER + column]))
        .collect();
    let mut scores = product(&q, &transposed, INNER);
    for row in scores.chunks_mut(ROWS) {
        let most = row.iter().copied().fold(f64::MIN, f64::max);
        row.iter_mut()
            .for_each(|value| *value = ((*value - most) * 0.25).exp());
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|value| *value /= sum);
    }
    let mixed = product(&scores, x, ROWS);
    mixed.iter().zip(x).map(|(mixed, x)| mixed + x).collect()
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

/// How far a result is off, by the largest value of the right one; infinitely
/// where it has another size or is no number.
pub fn error(result: &[f64], expected: &[f64]) -> f64 {
    if result.len() != expected.len() || result.iter().any(|value| !value.is_finite()) {
        return f64::INFINITY;
    }
    let largest = expected
        .iter()
        .fold(1e-30_f64, |most, value| most.max(value.abs()));
    let off = result
        .iter()
        .zip(expected)
        .fold(0.0_f64, |most, (one, other)| most.max((one - other).abs()));
    off / largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_stay_exact_in_every_type() {
        for kind in [Kind::Elementwise, Kind::Matmul, Kind::Lookup] {
            let expected = kind.expected();
            // bf16 has eight bits of a number, and i8 seven.
            assert!(
                expected
                    .iter()
                    .all(|value| value.abs() <= 127.0 && value.fract() == 0.0)
            );
            let zeros = expected.iter().filter(|value| **value == 0.0).count();
            assert!(zeros < expected.len() / 2, "{kind:?}");
        }
    }

    #[test]
    fn attention_mixes() {
        let expected = Kind::Attention.expected();
        let [x, _] = Kind::Attention.operands();
        assert!(error(&x, &expected) > 0.05, "the residual alone would pass");
        let means: f64 = expected.iter().sum();
        assert!(means.is_finite());
    }

    #[test]
    fn results_are_compared() {
        let text = "EXEC @f\nresult[0]: hal.buffer_view\n2x2xf16=[1 -2][3.5 4]\n";
        assert_eq!(printed(text), Some(vec![1.0, -2.0, 3.5, 4.0]));
        assert_eq!(printed("EXEC @f"), None);
        assert_eq!(error(&[1.0, 4.0], &[1.0, 4.0]), 0.0);
        assert_eq!(error(&[1.0, 3.0], &[1.0, 4.0]), 0.25);
        assert!(error(&[1.0], &[1.0, 4.0]).is_infinite());
        assert!(error(&[f64::NAN, 4.0], &[1.0, 4.0]).is_infinite());
    }
}
