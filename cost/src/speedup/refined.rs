//! Refinements of Eq. (1). None is used unless it is named, and Eq. (1) is always printed beside
//! it. Those that only add to a round's time, `verify` and `transfer`, are at
//! [`crate::search::CostModel`].

/// Per-position acceptance: E = 1 + Σₖ Πᵢ≤ₖ αᵢ, where αᵢ is the chance that the i-th draft is
/// accepted given that all before it were.
///
/// With all αᵢ equal it is [`super::expected_tokens`]. Acceptance does vary with position: a histogram
/// ([`crate::acceptance::Estimate::per_position`]) shows it. Source: Leviathan et al., Sec. 3.1
/// assume i.i.d. acceptance; without that assumption the expectation is this sum by the chain rule.
pub fn expected_tokens_per_position(alphas: &[f64]) -> f64 {
    alphas
        .iter()
        .rev()
        .fold(1.0, |rest, alpha| 1.0 + alpha * rest)
}

/// A tree of drafted tokens. A sequence is a tree of width 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Subtrees under the root (the last accepted token), the drafter's most likely token first.
    pub children: Vec<Tree>,
}

impl Tree {
    /// A chain of γ tokens: sequential drafting.
    pub fn chain(gamma: u32) -> Self {
        Self::uniform(1, gamma)
    }

    /// Every node has `width` children, down to `depth`.
    pub fn uniform(width: u32, depth: u32) -> Self {
        // Built from the leaves up, so that a deep tree costs no stack.
        (0..depth).fold(Self::default(), |below, _| Self {
            children: (0..width).map(|_| below.clone()).collect(),
        })
    }

    /// Drafted tokens in the tree, the root not counted: what one verification has to look at.
    pub fn size(&self) -> usize {
        self.children.iter().map(|child| 1 + child.size()).sum()
    }

    /// Passes of the drafter that it takes to grow it level by level.
    pub fn depth(&self) -> u32 {
        self.children
            .iter()
            .map(|child| 1 + child.depth())
            .max()
            .unwrap_or(0)
    }
}

/// Tokens that verifying a tree yields on average: 1 + Σ over nodes of the product of `ranks` along
/// the path, where `ranks[r]` is the chance that the target's token is the drafter's r-th choice
/// (ranks beyond the list never are).
///
/// With a chain and `ranks = [α]` it is [`super::expected_tokens`]. Source: Chen et al., *SEQUOIA:
/// Scalable and Robust Speculative Decoding*, NeurIPS 2024, Sec. 3 (positional acceptance
/// assumption); trees: Miao et al., *SpecInfer*, ASPLOS 2024.
pub fn expected_tokens_of_tree(tree: &Tree, ranks: &[f64]) -> f64 {
    1.0 + tree
        .children
        .iter()
        .zip(ranks)
        .map(|(child, rank)| rank * expected_tokens_of_tree(child, ranks))
        .sum::<f64>()
}

/// Time of one round when drafting the next round overlaps verifying this one: p·max(γ t_draft,
/// t_verify) + (1−p)(γ t_draft + t_verify), where p is the chance that all γ drafts are accepted,
/// so that the overlapped draft was not in vain (α^γ).
///
/// Analysis only, until crossings are asynchronous. Source: Liu et al., *PEARL: Parallel
/// Speculative Decoding with Adaptive Draft Length*, ICLR 2025 (pre- and post-verify); Lv et al.,
/// *DuoDecoding*, 2025; the expectation is ours.
pub fn overlapped_round(p: f64, drafting: f64, verifying: f64) -> f64 {
    p * drafting.max(verifying) + (1.0 - p) * (drafting + verifying)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speedup::speedup;
    use proptest::prelude::*;

    #[test]
    fn trees() {
        let tree = Tree::uniform(2, 3);
        assert_eq!((tree.size(), tree.depth()), (14, 3));
        // Two choices at every node: 1 + s + s² + s³ with s = 0.6 + 0.2.
        assert!(
            (expected_tokens_of_tree(&tree, &[0.6, 0.2]) - (1.0 + 0.8 + 0.64 + 0.512)).abs()
                < 1e-12
        );
        assert_eq!(
            expected_tokens_of_tree(&tree, &[0.6]),
            expected_tokens_of_tree(&Tree::chain(3), &[0.6])
        );
    }

    #[test]
    fn overlap_is_between_its_extremes() {
        assert_eq!(overlapped_round(1.0, 2.0, 3.0), 3.0);
        assert_eq!(overlapped_round(0.0, 2.0, 3.0), 5.0);
    }

    proptest! {
        #[test]
        fn each_reduces_to_eq_1(alpha in 0.0..=1.0f64, gamma in 0u32..20, c in 0.0..2.0f64) {
            let plain = speedup(alpha, gamma, c);
            let close = |other: f64| (other - plain).abs() <= 1e-12 * plain;
            let tokens = f64::from(gamma) * c + 1.0;
            prop_assert!(close(expected_tokens_per_position(&vec![alpha; gamma as usize]) / tokens));
            prop_assert!(close(expected_tokens_of_tree(&Tree::chain(gamma), &[alpha]) / tokens));
        }
    }
}
