//! Drafts whose length is decided while drafting.

use super::{Costs, Round, Technique};

/// Adaptive draft length: the drafter stops when its next token looks unlikely to be accepted.
///
/// Source: Huang et al., *SpecDec++: Boosting Speculative Decoding via Adaptive Candidate Lengths*,
/// 2024 (a classifier stops the draft); Kim et al., *Speculative Decoding with Big Little Decoder*,
/// NeurIPS 2023 (a threshold on confidence). The expectation is ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptive {
    alpha: f64,
    /// The chance that a token which would be rejected ends the draft.
    recall: f64,
    /// The chance that a token which would be accepted ends it.
    false_alarm: f64,
    longest: u32,
}

impl Adaptive {
    /// A detector that looks at each token after it was drafted and drops it, ending the draft,
    /// with chance `recall` when it would be rejected and `false_alarm` when it would be accepted.
    /// What follows a token that would be rejected is detected like it.
    pub fn detector(alpha: f64, recall: f64, false_alarm: f64, longest: u32) -> Self {
        Self {
            alpha,
            recall,
            false_alarm,
            longest,
        }
    }

    /// The bound: a detector that is always right. It drafts one token that it drops, unless it
    /// reaches the longest draft.
    pub fn oracle(alpha: f64, longest: u32) -> Self {
        Self::detector(alpha, 1.0, 0.0, longest)
    }

    /// Expected tokens and passes of the drafter in a round.
    fn expectation(&self) -> (f64, f64) {
        // `good`: the chance that the draft goes on and all of it so far would be accepted;
        // `bad`: that it goes on although something in it would be rejected.
        let (mut good, mut bad) = (1.0, 0.0);
        let (mut tokens, mut passes) = (1.0, 0.0);
        for _ in 0..self.longest {
            passes += good + bad;
            let kept = good * self.alpha * (1.0 - self.false_alarm);
            bad = (bad + good * (1.0 - self.alpha)) * (1.0 - self.recall);
            good = kept;
            tokens += good;
        }
        (tokens, passes)
    }
}

impl Technique for Adaptive {
    fn name(&self) -> &'static str {
        "adaptive length"
    }
    fn source(&self) -> &'static str {
        "Huang et al. (SpecDec++), 2024; Kim et al. (BiLD), NeurIPS 2023"
    }
    fn assumes(&self) -> &'static str {
        "a detector as good as said, for nothing; a perfect one is a bound, no real detector reaches it"
    }
    fn round(&self, costs: &Costs) -> Round {
        let (tokens, passes) = self.expectation();
        Round {
            tokens,
            seconds: passes * costs.draft + costs.target,
        }
    }
}
