//! Right results, computed here in plain loops.

use cost::workload::DType;

use super::Kind;

/// Columns of the first operand of a product, rows of the second.
const INNER: usize = 32;

/// The right result of a computation, whatever the type.
pub fn of(kind: Kind) -> Vec<f64> {
    let operands = kind.operands(DType::F32, DType::I64);
    let values: Vec<&[f64]> = operands.iter().map(|each| each.values.as_slice()).collect();
    match (kind, values.as_slice()) {
        (Kind::Elementwise, [a, b]) => a.iter().zip(*b).map(|(a, b)| a * b + a).collect(),
        (Kind::Matmul, [a, b]) => product(a, b, INNER),
        (Kind::Attention | Kind::AttentionOne, [x, w, keys]) => attention(x, w, keys),
        (Kind::Lookup, [ids, table]) => ids
            .iter()
            .map(|id| largest(&table[*id as usize * 16..][..16]) as f64)
            .collect(),
        (Kind::Conv1d, [x, w]) => convolution(x, w, [4, 1, 18], [6, 1, 3]),
        (Kind::Conv2d, [x, w]) => convolution(x, w, [4, 10, 10], [6, 3, 3]),
        (Kind::Depthwise, [x, w]) => x
            .chunks(100)
            .zip(w.chunks(9))
            .flat_map(|(x, w)| convolution(x, w, [1, 10, 10], [1, 3, 3]))
            .collect(),
        (Kind::Sort, [x]) => x.chunks(8).flat_map(first_two).collect(),
        (Kind::Scatter, [x, ids, rows]) => {
            let mut table = x.to_vec();
            for (id, row) in ids.iter().zip(rows.chunks(16)) {
                table[*id as usize * 16..][..16].copy_from_slice(row);
            }
            table
        }
        (Kind::Gather, [x, ids]) => ids
            .iter()
            .flat_map(|id| x[*id as usize * 16..][..16].to_vec())
            .collect(),
        (Kind::Sum, [x]) => x.chunks(INNER).map(|row| row.iter().sum()).collect(),
        (Kind::Max, [x]) => x.chunks(INNER).map(|row| row[largest(row)]).collect(),
        (Kind::Argmax, [x]) => x.chunks(INNER).map(|row| largest(row) as f64).collect(),
        _ => Vec::new(),
    }
}

/// Where the first of the largest values of a row is.
fn largest(row: &[f64]) -> usize {
    let mut best = 0;
    for (at, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = at;
        }
    }
    best
}

/// Where the two largest values are, the largest first.
fn first_two(row: &[f64]) -> Vec<f64> {
    let mut places: Vec<usize> = (0..row.len()).collect();
    places.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
    places.iter().take(2).map(|at| *at as f64).collect()
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

/// A convolution without padding: `[channels, height, width]` by
/// `[filters, height, width]` of a window over all channels.
fn convolution(x: &[f64], w: &[f64], x_size: [usize; 3], w_size: [usize; 3]) -> Vec<f64> {
    let ([channels, height, width], [filters, down, across]) = (x_size, w_size);
    let mut result = Vec::new();
    for filter in 0..filters {
        for i in 0..=height - down {
            for j in 0..=width - across {
                let mut sum = 0.0;
                for channel in 0..channels {
                    for k in 0..down {
                        for l in 0..across {
                            let x = x[(channel * height + i + k) * width + j + l];
                            let w = w[((filter * channels + channel) * down + k) * across + l];
                            sum += x * w;
                        }
                    }
                }
                result.push(sum);
            }
        }
    }
    result
}

/// softmax(x w keysᵀ / 4) keys + x.
fn attention(x: &[f64], w: &[f64], keys: &[f64]) -> Vec<f64> {
    let tokens = keys.len() / INNER;
    let q = product(x, w, INNER);
    let transposed: Vec<f64> = (0..INNER)
        .flat_map(|column| (0..tokens).map(move |row| keys[row * INNER + column]))
        .collect();
    let mut scores = product(&q, &transposed, INNER);
    for row in scores.chunks_mut(tokens) {
        let most = row.iter().copied().fold(f64::MIN, f64::max);
        row.iter_mut()
            .for_each(|value| *value = ((*value - most) * 0.25).exp());
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|value| *value /= sum);
    }
    let mixed = product(&scores, keys, tokens);
    mixed.iter().zip(x).map(|(mixed, x)| mixed + x).collect()
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
    fn attention_mixes() {
        for kind in [Kind::Attention, Kind::AttentionOne] {
            let expected = kind.expected();
            let x = &kind.operands(DType::F32, DType::I64)[0].values;
            assert!(error(x, &expected) > 0.05, "the residual alone would pass");
            let means: f64 = expected.iter().sum();
            assert!(means.is_finite());
        }
    }

    #[test]
    fn windows_slide() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        // Two channels of three; one filter of two over both.
        let w = [1.0, 10.0, 100.0, 1000.0];
        assert_eq!(convolution(&x, &w, [2, 1, 3], [1, 1, 2]), [5421.0, 6532.0]);
        assert_eq!(first_two(&[1.0, 3.0, 2.0]), [1.0, 2.0]);
    }

    #[test]
    fn results_are_compared() {
        assert_eq!(error(&[1.0, 4.0], &[1.0, 4.0]), 0.0);
        assert_eq!(error(&[1.0, 3.0], &[1.0, 4.0]), 0.25);
        assert!(error(&[1.0], &[1.0, 4.0]).is_infinite());
        assert!(error(&[f64::NAN, 4.0], &[1.0, 4.0]).is_infinite());
    }
}
