//! Ways to speculate, behind one trait: what a round yields and what it takes.
//!
//! Eq. (1) is the sequential one. The others are analyses: the module that is compiled drafts
//! sequentially, and these say what another module would be worth on the same latencies. Every
//! technique is tested against a simulation of its own rules.

mod adaptive;
mod tree;

pub use adaptive::Adaptive;
pub use tree::{Tree, best_tree};

use crate::speedup::expected_tokens;
use crate::speedup::refined::overlapped_round;

/// What passes cost, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// One pass of the drafter.
    pub draft: f64,
    /// One pass of the target, however many drafted tokens it verifies.
    pub target: f64,
}

impl Costs {
    /// The costs of one mapping.
    pub fn new(draft: f64, target: f64) -> Self {
        Self { draft, target }
    }
}

/// The expectation over rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// Tokens that a round yields.
    pub tokens: f64,
    /// Seconds that it takes.
    pub seconds: f64,
}

/// A way to speculate, with its parameters.
pub trait Technique {
    /// Its name.
    fn name(&self) -> &'static str;
    /// The publication it follows.
    fn source(&self) -> &'static str;
    /// What it assumes beyond Eq. (1)'s constant, independent acceptance.
    fn assumes(&self) -> &'static str;
    /// The expected round.
    fn round(&self, costs: &Costs) -> Round;

    /// Seconds per token: the ratio of expectations, to which the long run converges (renewal
    /// reward).
    fn per_token(&self, costs: &Costs) -> f64 {
        let round = self.round(costs);
        round.seconds / round.tokens
    }
}

/// Sequential drafting: γ tokens, one pass each, then one pass of the target. Eq. (1).
///
/// Source: Leviathan, Kalman and Matias, *Fast Inference from Transformers via Speculative
/// Decoding*, ICML 2023, Theorem 3.8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sequential {
    /// α.
    pub alpha: f64,
    /// γ.
    pub gamma: u32,
}

impl Technique for Sequential {
    fn name(&self) -> &'static str {
        "sequential"
    }
    fn source(&self) -> &'static str {
        "Leviathan et al., ICML 2023 (Eq. (1))"
    }
    fn assumes(&self) -> &'static str {
        "nothing"
    }
    fn round(&self, costs: &Costs) -> Round {
        Round {
            tokens: expected_tokens(self.alpha, self.gamma),
            seconds: f64::from(self.gamma) * costs.draft + costs.target,
        }
    }
}

/// Drafting the next round while this one is verified: when all γ drafts are accepted, the next
/// ones are there already.
///
/// Source: Liu et al., *PEARL: Parallel Speculative Decoding with Adaptive Draft Length*, ICLR
/// 2025; Lv et al., *DuoDecoding*, 2025; the expectation is [`overlapped_round`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlapped {
    /// α.
    pub alpha: f64,
    /// γ.
    pub gamma: u32,
}

impl Technique for Overlapped {
    fn name(&self) -> &'static str {
        "overlapped"
    }
    fn source(&self) -> &'static str {
        "Liu et al. (PEARL), ICLR 2025; Lv et al. (DuoDecoding), 2025"
    }
    fn assumes(&self) -> &'static str {
        "both models run at once without slowing each other, and the target's own token after γ accepted ones does not invalidate what was drafted meanwhile"
    }
    fn round(&self, costs: &Costs) -> Round {
        let all = self.alpha.powf(f64::from(self.gamma));
        let drafting = f64::from(self.gamma) * costs.draft;
        Round {
            tokens: expected_tokens(self.alpha, self.gamma),
            seconds: overlapped_round(all, drafting, costs.target),
        }
    }
}

/// Self-speculation: the drafter is the target itself with layers left out, so that one pass costs
/// c of the target's wherever the target is, and no second model is resident.
///
/// Source: Zhang et al., *Draft & Verify: Lossless Large Language Model Acceleration via
/// Self-Speculative Decoding*, ACL 2024; Elhoushi et al., *LayerSkip*, ACL 2024.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelfSpeculation {
    /// α of the shortened model.
    pub alpha: f64,
    /// γ.
    pub gamma: u32,
    /// The share of the target's time that a shortened pass takes.
    pub c: f64,
}

impl Technique for SelfSpeculation {
    fn name(&self) -> &'static str {
        "self-speculation"
    }
    fn source(&self) -> &'static str {
        "Zhang et al. (Draft & Verify), ACL 2024; Elhoushi et al. (LayerSkip), ACL 2024"
    }
    fn assumes(&self) -> &'static str {
        "c and α of the shortened model are as given; nothing of the draft's pass is reused"
    }
    fn round(&self, costs: &Costs) -> Round {
        let own = Costs::new(self.c * costs.target, costs.target);
        Sequential {
            alpha: self.alpha,
            gamma: self.gamma,
        }
        .round(&own)
    }
}

#[cfg(test)]
mod tests;
