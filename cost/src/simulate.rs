//! What a speculative loop does when it is told which drafts are accepted.
//!
//! `specplace assemble --impose-acceptance` makes a module that takes a reference row, a bit per
//! position and a mode: the drafter's token is the reference where the bit is set, another one
//! where not, and the target's is the reference. Models without meaningful weights can so be timed
//! at any acceptance rate, and what the module does must be exactly what [`run`] says.
//!
//! ```
//! use cost::simulate::{Imposed, run};
//! // Positions 0 and 1 are the prompt; of the drafts, only position 3 is wrong.
//! let accepted = [false, false, true, false, true, true, true, true];
//! let simulated = run(&Imposed { accepted: &accepted, start: 2, limit: 8, gamma: 2, gamma_max: 4 });
//! // [draft, own], [draft, draft, own]; then the limit leaves room for one token more.
//! assert_eq!((simulated.length, simulated.rounds), (8, 3));
//! assert_eq!(simulated.histogram, [1, 1, 1, 0, 0]);
//! ```

use crate::speedup::{NoRate, check_alpha};

/// A run with imposed acceptance.
#[derive(Clone, Copy, Debug)]
pub struct Imposed<'a> {
    /// By position of the row: whether a draft there is accepted. Its length is that of the row.
    pub accepted: &'a [bool],
    /// Tokens in the prompt. Without one nothing is generated.
    pub start: usize,
    /// Tokens to stop at; the row's length bounds it.
    pub limit: usize,
    /// The draft length in use.
    pub gamma: usize,
    /// The longest draft that the module has room for: the histogram has one entry more.
    pub gamma_max: usize,
}

/// What a run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// Tokens in the row at the end.
    pub length: usize,
    /// Rounds: passes of the target.
    pub rounds: u64,
    /// Rounds by the number of drafts that they kept.
    pub histogram: Vec<u64>,
    /// Passes of the drafter.
    pub drafts: u64,
}

/// Simulates `@generate` without an end-of-sequence token.
pub fn run(imposed: &Imposed<'_>) -> Simulated {
    let end = imposed.limit.min(imposed.accepted.len());
    let mut simulated = Simulated {
        length: imposed.start,
        rounds: 0,
        histogram: vec![0; imposed.gamma_max + 1],
        drafts: 0,
    };
    while (1..end).contains(&simulated.length) {
        // The target's own token takes the last place.
        let drafts = imposed
            .gamma
            .min(imposed.gamma_max)
            .min(end - simulated.length - 1);
        let kept = imposed
            .accepted
            .iter()
            .skip(simulated.length)
            .take(drafts)
            .take_while(|accepted| **accepted)
            .count();
        if let Some(count) = simulated.histogram.get_mut(kept) {
            *count += 1;
        }
        simulated.drafts += drafts as u64;
        simulated.rounds += 1;
        simulated.length += kept + 1;
    }
    simulated
}

/// Bits for a row of `length` positions, each set with the probability `alpha`: the same for the
/// same seed, on every machine.
///
/// # Errors
///
/// [`NoRate`] for an acceptance rate outside of [0, 1].
pub fn bits(alpha: f64, length: usize, seed: u64) -> Result<Vec<bool>, NoRate> {
    let alpha = check_alpha(alpha)?;
    let mut state = seed;
    Ok((0..length)
        .map(|_| {
            // SplitMix64 (Steele, Lea, Flood 2014), its upper 53 bits as a fraction.
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^= mixed >> 31;
            ((mixed >> 11) as f64) / ((1u64 << 53) as f64) < alpha
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speedup::expected_tokens;

    fn imposed(accepted: &[bool], gamma: usize) -> Simulated {
        run(&Imposed {
            accepted,
            start: 1,
            limit: accepted.len(),
            gamma,
            gamma_max: gamma.max(1),
        })
    }

    #[test]
    fn every_token_is_a_draft_that_was_kept_or_the_targets_own() {
        for gamma in 0..=16 {
            for alpha in [0.0, 0.3, 0.9, 1.0] {
                let accepted = bits(alpha, 500, gamma as u64).unwrap();
                let simulated = imposed(&accepted, gamma);
                let yielded: u64 = (1..)
                    .zip(&simulated.histogram)
                    .map(|(n, count)| n * count)
                    .sum();
                assert_eq!(simulated.length, 500, "it stops exactly at the limit");
                assert_eq!(yielded, 499);
                assert_eq!(simulated.histogram.iter().sum::<u64>(), simulated.rounds);
            }
        }
    }

    #[test]
    fn without_drafts_every_round_yields_one_token() {
        let simulated = imposed(&[true; 20], 0);
        assert_eq!((simulated.rounds, simulated.drafts), (19, 0));
    }

    #[test]
    fn long_runs_yield_what_eq_1_expects() {
        let accepted = bits(0.8, 400_000, 7).unwrap();
        for gamma in [1, 4, 8] {
            let simulated = imposed(&accepted, gamma);
            let mean = 399_999.0 / simulated.rounds as f64;
            let expected = expected_tokens(0.8, gamma as u32);
            assert!(
                (mean / expected - 1.0).abs() < 0.01,
                "{mean} against {expected}"
            );
        }
    }

    #[test]
    fn nothing_to_do_is_done_in_no_rounds() {
        let accepted = [true; 8];
        for (start, limit) in [(0, 8), (8, 8), (5, 5), (6, 3), (9, 12)] {
            let simulated = run(&Imposed {
                accepted: &accepted,
                start,
                limit,
                gamma: 3,
                gamma_max: 3,
            });
            assert_eq!((simulated.length, simulated.rounds), (start, 0));
        }
    }

    #[test]
    fn a_rate_outside_of_0_to_1_is_refused() {
        for alpha in [-0.1, 1.1, f64::NAN] {
            assert!(bits(alpha, 4, 0).is_err());
        }
    }
}
