//! From a histogram of accepted drafts to an acceptance rate.

/// What a histogram says about α.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// α̂ = A / (A + R).
    pub alpha: f64,
    /// Its 95 % interval (Wilson's score interval, as if all decisions were independent; they
    /// cluster by prompt, so the truth is wider).
    pub interval: (f64, f64),
    /// A: drafted tokens that were accepted.
    pub accepted: u128,
    /// R: rounds that ended in a rejection.
    pub rejected: u128,
    /// Rounds in all.
    pub rounds: u128,
    /// αᵢ: of the rounds that accepted i−1 drafts, the share that accepted the i-th. Ends where no
    /// round came.
    pub per_position: Vec<f64>,
    /// Accepted over drafted, which some report as the acceptance rate: smaller, since drafts after
    /// a rejection count as if they had been looked at.
    pub accepted_per_drafted: f64,
}

/// 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Estimates α from `histogram`, the number of rounds in which 0, 1, … γ drafts were accepted;
/// `None` when no draft was ever decided on.
///
/// Every draft that verification looked at was accepted or was the one rejection that ended its
/// round, so with A acceptances and R rounds that ended in a rejection the maximum-likelihood
/// estimate of a constant α is A/(A+R). A round that accepted all γ drafts ended for lack of
/// drafts: it has acceptances and no rejection.
pub fn estimate(histogram: &[u64]) -> Option<Estimate> {
    let (_, ended) = histogram.split_last()?;
    // In 128 bits no file is long enough for these sums to overflow: a histogram of 2^32 counts of
    // 2^64 comes to 2^127.
    let total = |counts: &[u64]| counts.iter().map(|count| u128::from(*count)).sum::<u128>();
    let accepted: u128 = (0u128..)
        .zip(histogram)
        .map(|(k, rounds)| u128::from(*rounds) * k)
        .sum();
    let (rejected, rounds) = (total(ended), total(histogram));
    let decided = accepted + rejected;
    if decided == 0 {
        return None;
    }
    let alpha = accepted as f64 / decided as f64;
    let mut reached = rounds;
    let mut per_position = Vec::with_capacity(ended.len());
    for stopped in ended {
        if reached == 0 {
            break;
        }
        let went_on = reached - u128::from(*stopped);
        per_position.push(went_on as f64 / reached as f64);
        reached = went_on;
    }
    let drafted = rounds as f64 * ended.len() as f64;
    Some(Estimate {
        alpha,
        interval: wilson(alpha, decided as f64),
        accepted,
        rejected,
        rounds,
        per_position,
        accepted_per_drafted: accepted as f64 / drafted,
    })
}

/// Wilson, *Probable Inference, the Law of Succession, and Statistical Inference*, JASA 1927.
fn wilson(share: f64, n: f64) -> (f64, f64) {
    let z2 = Z * Z;
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speedup::{expected_tokens, refined::expected_tokens_per_position};
    use proptest::prelude::*;

    #[test]
    fn counts_what_was_looked_at() {
        // The shared trained pair at γ = 4: 15 rounds.
        let e = estimate(&[3, 4, 2, 3, 3]).unwrap();
        assert_eq!((e.accepted, e.rejected, e.rounds), (29, 12, 15));
        assert!((e.alpha - 29.0 / 41.0).abs() < 1e-12);
        assert!((e.accepted_per_drafted - 29.0 / 60.0).abs() < 1e-12);
        assert!(e.interval.0 < e.alpha && e.alpha < e.interval.1);
        // Tokens per round, exactly: accepted ones and the target's own.
        assert!(
            (expected_tokens_per_position(&e.per_position) - (29.0 + 15.0) / 15.0).abs() < 1e-12
        );
    }

    #[test]
    fn ends() {
        assert_eq!(estimate(&[]), None);
        assert_eq!(estimate(&[44]), None, "γ = 0 decides nothing");
        assert_eq!(estimate(&[0, 0, 0]), None);
        assert_eq!(estimate(&[0, 0, 7]).unwrap().alpha, 1.0);
        assert_eq!(estimate(&[7, 0, 0]).unwrap().alpha, 0.0);
        assert_eq!(estimate(&[7, 0, 0]).unwrap().per_position, [0.0]);
        let greatest = estimate(&[u64::MAX, u64::MAX]).unwrap();
        assert_eq!(
            (greatest.alpha, greatest.rounds),
            (0.5, 2 * u128::from(u64::MAX))
        );
        let rejected = estimate(&[u64::MAX, 1]).unwrap();
        assert_eq!(
            (rejected.accepted, rejected.rejected),
            (1, u128::from(u64::MAX))
        );
        assert!(rejected.alpha < 1e-19);
        // Two decimals of a published example: 9 of 10, Wilson.
        let (low, high) = wilson(0.9, 10.0);
        assert_eq!(
            (format!("{low:.3}"), format!("{high:.3}")),
            ("0.596".into(), "0.982".into())
        );
    }

    proptest! {
        #[test]
        fn finds_the_alpha_that_made_the_histogram(alpha in 0.05..0.95f64, gamma in 1u32..10) {
            // The expected histogram of 10^6 rounds, rounded.
            let mut histogram: Vec<u64> = (0..gamma).map(|k| (1e6 * alpha.powi(k as i32) * (1.0 - alpha)).round() as u64).collect();
            histogram.push((1e6 * alpha.powi(gamma as i32)).round() as u64);
            let e = estimate(&histogram).unwrap();
            prop_assert!((e.alpha - alpha).abs() < 1e-3);
            prop_assert!(e.accepted_per_drafted <= e.alpha + 1e-9);
            prop_assert!((expected_tokens(alpha, gamma) - (e.accepted + e.rounds) as f64 / e.rounds as f64).abs() < 1e-2);
        }
    }
}
