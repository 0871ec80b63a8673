//! What one round of drafting and verifying takes, and what it yields: the only place where these
//! formulas stand.

use crate::speedup::expected_tokens;
use crate::speedup::refined::expected_tokens_per_position;

/// The parts of a round's time, in seconds, under Eq. (1) and the refinements that only add to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// Each draft, with what crosses for it.
    pub(super) draft: f64,
    /// The verification, with what crosses for it.
    pub(super) verify: f64,
    /// What the host spends besides.
    pub(super) host: f64,
}

impl Round {
    /// The models alone: Eq. (1), or with `verify` where t_target is multiplied by v(γ).
    #[inline]
    pub(super) fn new(draft: f64, verify: f64) -> Self {
        Self {
            draft,
            verify,
            host: 0.0,
        }
    }

    /// The same with crossings, and what the host spends: `transfer`.
    #[inline]
    pub(super) fn with_transfer(self, per_draft: f64, per_round: f64, host: f64) -> Self {
        Self {
            draft: self.draft + per_draft,
            verify: self.verify + per_round,
            host,
        }
    }

    /// Seconds of so many rounds with so many drafts in all, where what is drafted is verified
    /// afterwards: γ·t_draft + t_verify + h of one round, and of γ/E drafts in 1/E rounds those of
    /// a token.
    #[inline]
    pub(super) fn seconds(self, drafts: f64, rounds: f64) -> f64 {
        drafts * self.draft + rounds * self.plain()
    }

    /// Seconds without drafts, whatever one would take.
    #[inline]
    pub(super) fn plain(self) -> f64 {
        self.verify + self.host
    }
}

/// E(α, γ): the tokens of a round; by position where that is known, whatever α is.
pub fn tokens(alpha: f64, per_position: Option<&[f64]>, gamma: u32) -> f64 {
    match by_position(per_position, gamma) {
        Some(alphas) => expected_tokens_per_position(&alphas),
        None => expected_tokens(alpha, gamma),
    }
}

/// The chance that all γ drafts of a round are accepted.
pub(super) fn all_accepted(alpha: f64, per_position: Option<&[f64]>, gamma: u32) -> f64 {
    match by_position(per_position, gamma) {
        Some(alphas) => alphas.iter().product(),
        None => alpha.powf(f64::from(gamma)),
    }
}

/// The chances of γ drafts, the last that is known repeated; `None` where none is.
fn by_position(known: Option<&[f64]>, gamma: u32) -> Option<Vec<f64>> {
    let known = known?;
    let rest = std::iter::repeat(*known.last()?);
    let alphas = known.iter().copied().chain(rest);
    Some(alphas.take(gamma as usize).collect())
}
