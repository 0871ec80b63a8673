//! Eq. (1): what speculation is worth, and how many tokens to draft.
//!
//! Source: Leviathan, Kalman and Matias, *Fast Inference from Transformers via Speculative
//! Decoding*, ICML 2023 (expected tokens: Eq. 1; walltime improvement: Theorem 3.8 and Corollary
//! 3.9), which the paper we implement quotes as its Eq. (1):
//!
//! ```text
//! S(α, γ, c) = (1 − α^(γ+1)) / ((1 − α)(γ c + 1)),   c = t_draft / t_target
//! ```
//!
//! Every function here is total: an argument outside its domain (α outside [0, 1], negative or
//! non-finite c) gives NaN, so that a caller who skipped [`check_alpha`] sees it. The refinements,
//! none of which is on unless it is named, are in [`refined`].

pub mod refined;

use crate::units::{self, Probability};

/// Above this draft length the closed form is used instead of the sum; both agree to 1e-12 there.
const SUM_LIMIT: u32 = 64;

/// A draft length and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// γ*.
    pub gamma: u32,
    /// S(α, γ*, c); 1 when γ* is 0.
    pub speedup: f64,
}

/// A text or number that is no acceptance rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the acceptance rate must lie between 0 and 1, not {given}")]
pub struct NoRate {
    /// What was given.
    pub given: String,
}

impl NoRate {
    /// The next step.
    pub fn help(&self) -> Option<String> {
        Some(
            "it is accepted / (accepted + rejected) drafted tokens, those behind a rejected one not counted; \
             for accepted / drafted tokens, as vLLM and SGLang print them, give --accepted-per-draft X --drafted N; \
             or give an acceptance file"
                .into(),
        )
    }
}

/// Accepts α only if it is a probability.
///
/// # Errors
/// [`NoRate`] for NaN, infinities and anything outside [0, 1].
pub fn check_alpha(alpha: f64) -> Result<f64, NoRate> {
    if (0.0..=1.0).contains(&alpha) {
        Ok(alpha)
    } else {
        Err(NoRate {
            given: alpha.to_string(),
        })
    }
}

/// Reads α as the YAML files write it: `0.65`, or `65 %`.
///
/// # Errors
/// [`NoRate`] for anything that is no probability.
pub fn parse_alpha(text: &str) -> Result<f64, NoRate> {
    let wrong = || NoRate {
        given: format!("`{text}`"),
    };
    let alpha = units::parse::<Probability>(text.trim()).map_err(|_| wrong())?;
    check_alpha(alpha).map_err(|_| wrong())
}

/// α from the other acceptance rate, accepted / drafted tokens, which counts the drafts behind the
/// first refused one, too: the α at which (E − 1) / `drafted` is `accepted_per_draft`, where E is
/// [`expected_tokens`] of `drafted` (the model of independent acceptances of Leviathan et al.,
/// Eq. 1).
///
/// (E − 1) / N = (α + α² + … + α^N) / N grows from 0 to 1 with α, so that bisection finds the only
/// solution. NaN where `accepted_per_draft` is no probability or `drafted` is 0.
pub fn alpha_of_accepted_per_draft(accepted_per_draft: f64, drafted: u32) -> f64 {
    if !(0.0..=1.0).contains(&accepted_per_draft) || drafted == 0 {
        return f64::NAN;
    }
    let wanted = accepted_per_draft * f64::from(drafted);
    let accepted = |alpha| alpha * expected_tokens(alpha, drafted - 1);
    let (mut low, mut high) = (0.0, 1.0);
    if accepted(high) <= wanted {
        return high;
    }
    // Every step halves the interval: 64 go below the spacing of f64 near 1.
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if accepted(middle) < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Tokens that one round of drafting γ tokens and verifying them yields on average: (1 − α^(γ+1)) /
/// (1 − α), and γ+1 at α = 1 (Leviathan et al., Eq. 1).
///
/// Computed as the sum 1 + α + … + α^γ, or for long drafts as −expm1((γ+1)·ln α)/(1 − α): near α =
/// 1 the textbook form loses every digit to cancellation.
pub fn expected_tokens(alpha: f64, gamma: u32) -> f64 {
    if !(0.0..=1.0).contains(&alpha) {
        return f64::NAN;
    }
    if gamma <= SUM_LIMIT {
        // Horner from the smallest term, so that small terms are not lost in large ones.
        return (0..gamma).fold(1.0, |sum, _| 1.0 + alpha * sum);
    }
    let rest = 1.0 - alpha;
    if rest == 0.0 {
        f64::from(gamma) + 1.0
    } else {
        -((f64::from(gamma) + 1.0) * (-rest).ln_1p()).exp_m1() / rest
    }
}

/// Eq. (1): how many times faster than plain decoding on the *same target placement*.
///
/// Compare mappings by time per token, never by this: a slower target makes it larger.
pub fn speedup(alpha: f64, gamma: u32, c: f64) -> f64 {
    if !(c.is_finite() && c >= 0.0) {
        return f64::NAN;
    }
    expected_tokens(alpha, gamma) / (f64::from(gamma) * c + 1.0)
}

/// γ*: the draft length in 0..=`gamma_max` with the greatest [`speedup`], the smaller one of
/// equals.
///
/// It is 0, do not speculate, exactly when c ≥ α (given `gamma_max` ≥ 1): S(α, 1, c) = (1+α)/(1+c)
/// exceeds 1 iff c < α, and if one draft does not pay, no more do.
pub fn best_draft_length(alpha: f64, c: f64, gamma_max: u32) -> Best {
    let start = Best {
        gamma: 0,
        speedup: speedup(alpha, 0, c),
    };
    // Past γ = 1/(1−α)·… the numerator saturates, but a full scan is cheap and needs no argument
    // about unimodality.
    (1..=gamma_max).fold(start, |best, gamma| {
        let speedup = speedup(alpha, gamma, c);
        if exceeds(speedup, best.speedup) {
            Best { gamma, speedup }
        } else {
            best
        }
    })
}

/// Whether `a` is greater than `b` by more than rounding: what is equal on paper must stay equal
/// here, or ties would be broken by noise.
pub(crate) fn exceeds(a: f64, b: f64) -> bool {
    a > b && a - b > 1e-12 * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_papers_numbers() {
        // Tab. II says 1.68 at γ = 5 with c = 0.41; Eq. (1) does not (issue: the paper disagrees
        // with itself).
        let best = best_draft_length(0.90, 0.41, 8);
        assert_eq!(best.gamma, 4);
        assert_eq!(format!("{:.2}", best.speedup), "1.55");
        assert_eq!(format!("{:.2}", speedup(0.90, 5, 0.41)), "1.54");
        // What would give 1.68: a smaller c, or the α that was measured afterwards.
        let best = best_draft_length(0.90, 0.358, 8);
        assert_eq!(
            (best.gamma, format!("{:.2}", best.speedup)),
            (4, "1.68".into())
        );
        assert_eq!(format!("{:.2}", speedup(0.90, 5, 0.358)), "1.68");
        assert_eq!(format!("{:.2}", speedup(0.94, 4, 0.41)), "1.68");
        // Tab. III: at α = 0.17 no variant speculates.
        assert_eq!(
            best_draft_length(0.17, 0.41, 16),
            Best {
                gamma: 0,
                speedup: 1.0
            }
        );
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!(expected_tokens(1.0, 7), 8.0);
        assert_eq!(expected_tokens(1.0, 1000), 1001.0);
        assert_eq!(expected_tokens(0.0, 7), 1.0);
        assert_eq!(expected_tokens(0.0, 1000), 1.0);
        assert_eq!(
            best_draft_length(0.5, 0.5, 8).gamma,
            0,
            "c = α is a tie, and ties go to the smaller γ"
        );
        assert_eq!(best_draft_length(1.0, 0.0, 8).gamma, 8);
        assert!(expected_tokens(1.5, 3).is_nan() && expected_tokens(f64::NAN, 3).is_nan());
        assert!(speedup(0.5, 3, -1.0).is_nan() && speedup(0.5, 3, f64::INFINITY).is_nan());
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(check_alpha(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn alpha_is_read_as_in_yaml() {
        for text in ["0.65", "65 %", " 65% "] {
            assert!((parse_alpha(text).unwrap() - 0.65).abs() < 1e-15, "{text}");
        }
        for text in ["65", "101 %", "-1 %", "nan", "inf", "", "%", "0.5 s"] {
            assert!(parse_alpha(text).is_err(), "{text}");
        }
    }

    #[test]
    fn accepted_per_draft_is_another_rate() {
        // One draft: nothing lies behind a refused one, and the rates are the same.
        assert!((alpha_of_accepted_per_draft(0.3, 1) - 0.3).abs() < 1e-15);
        // Two: (α + α²) / 2 = 3/8 at α = 1/2.
        assert!((alpha_of_accepted_per_draft(0.375, 2) - 0.5).abs() < 1e-15);
        assert_eq!(alpha_of_accepted_per_draft(1.0, 5), 1.0);
        assert!(alpha_of_accepted_per_draft(0.0, 5) < 1e-15);
        for (rate, drafted) in [(0.5, 0), (1.1, 4), (-0.1, 4), (f64::NAN, 4)] {
            assert!(alpha_of_accepted_per_draft(rate, drafted).is_nan());
        }
    }

    proptest! {
        #[test]
        fn accepted_per_draft_is_inverted(alpha in 0.0..=1.0f64, drafted in 1u32..300) {
            let rate = (expected_tokens(alpha, drafted) - 1.0) / f64::from(drafted);
            let found = alpha_of_accepted_per_draft(rate.clamp(0.0, 1.0), drafted);
            prop_assert!((found - alpha).abs() < 1e-9, "{found} against {alpha}");
        }

        #[test]
        fn accepted_per_draft_is_at_most_alpha(rate in 0.0..=1.0f64, drafted in 1u32..300) {
            let alpha = alpha_of_accepted_per_draft(rate, drafted);
            prop_assert!((0.0..=1.0).contains(&alpha));
            prop_assert!(alpha >= rate - 1e-12);
            let back = (expected_tokens(alpha, drafted) - 1.0) / f64::from(drafted);
            prop_assert!((back - rate).abs() < 1e-9, "{back} against {rate}");
        }

        #[test]
        fn no_draft_no_change(alpha in 0.0..=1.0f64, c in 0.0..10.0f64) {
            prop_assert_eq!(speedup(alpha, 0, c), 1.0);
        }

        #[test]
        fn gamma_star_is_the_argmax(alpha in 0.0..=1.0f64, c in 0.0..2.0f64, max in 0u32..40) {
            let best = best_draft_length(alpha, c, max);
            prop_assert!(best.gamma <= max);
            for gamma in 0..=max {
                let other = speedup(alpha, gamma, c);
                prop_assert!(other <= best.speedup * (1.0 + 1e-9));
                prop_assert!(gamma >= best.gamma || other < best.speedup);
            }
        }

        #[test]
        fn speculation_pays_iff_c_is_below_alpha(alpha in 0.0..=1.0f64, c in 0.0..2.0f64, max in 1u32..40) {
            prop_assume!((alpha - c).abs() > 1e-9);
            prop_assert_eq!(best_draft_length(alpha, c, max).gamma > 0, c < alpha);
        }

        #[test]
        fn continuous_at_one(gamma in 0u32..2000, exponent in 6i32..16) {
            let near = expected_tokens(1.0 - 10f64.powi(-exponent), gamma);
            let n = f64::from(gamma) + 1.0;
            // E(1−ε) = n − ε n(n−1)/2 + O(ε² n³).
            let expected = n - 10f64.powi(-exponent) * n * (n - 1.0) / 2.0;
            prop_assert!((near - expected).abs() <= 1e-12 * n * n * n.max(1.0) + 1e-9, "{near} against {expected}");
            prop_assert!(near <= n);
        }

        #[test]
        fn sum_and_closed_form_agree(alpha in 0.0..0.999f64, gamma in 0u32..64) {
            let closed = (1.0 - alpha.powi(gamma as i32 + 1)) / (1.0 - alpha);
            prop_assert!((expected_tokens(alpha, gamma) - closed).abs() < 1e-9 * closed);
        }

        #[test]
        fn tokens_grow_with_both_arguments(alpha in 0.0..1.0f64, step in 0.0..0.1f64, gamma in 0u32..200) {
            let more = (alpha + step).min(1.0);
            prop_assert!(expected_tokens(more, gamma) >= expected_tokens(alpha, gamma) * (1.0 - 1e-12));
            prop_assert!(expected_tokens(alpha, gamma + 1) >= expected_tokens(alpha, gamma) * (1.0 - 1e-12));
        }
    }
}
