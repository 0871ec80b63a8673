//! Drafting a tree of alternatives instead of one sequence.

use super::{Costs, Round, Technique};
use crate::speedup::refined::{self, expected_tokens_of_tree};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Tree drafting: the drafter grows a tree level by level, one pass each (a pass scores all nodes
/// of a level), and one pass of the target verifies it whole.
///
/// Source: Miao et al., *SpecInfer*, ASPLOS 2024 (tree verification); Chen et al., *SEQUOIA*,
/// NeurIPS 2024, Sec. 3 (positional acceptance: the chance of a child depends on its rank alone).
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The tree.
    pub tree: refined::Tree,
    /// The chance that the target's token is the drafter's first, second, … choice; together at
    /// most 1.
    pub ranks: Vec<f64>,
}

impl Technique for Tree {
    fn name(&self) -> &'static str {
        "tree"
    }
    fn source(&self) -> &'static str {
        "Miao et al. (SpecInfer), ASPLOS 2024; Chen et al. (SEQUOIA), NeurIPS 2024"
    }
    fn assumes(&self) -> &'static str {
        "a pass of the drafter scores a whole level for the price of one token, and a pass of the target verifies the whole tree for the price of one"
    }
    fn round(&self, costs: &Costs) -> Round {
        Round {
            tokens: expected_tokens_of_tree(&self.tree, &self.ranks),
            seconds: f64::from(self.tree.depth()) * costs.draft + costs.target,
        }
    }
}

/// A node that could be added, by the chance that it is accepted.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    chance: f64,
    /// Its parent among the nodes taken so far; 0 is the root.
    parent: usize,
    rank: usize,
    depth: u32,
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        // Of equals the shallower, then the one whose parent came first.
        let chances = self.chance.total_cmp(&other.chance);
        chances
            .then(other.depth.cmp(&self.depth))
            .then(other.parent.cmp(&self.parent))
            .then(other.rank.cmp(&self.rank))
    }
}

/// The tree of at most `budget` tokens, at most `depth` deep, with the greatest expected accepted
/// length when a child of rank r is accepted with chance `ranks[r]`.
///
/// A node adds the product of the chances along its path, which is never more than its parent's, so
/// that taking the most likely node again and again never takes a child before its parent and is
/// optimal (for a fixed depth; SEQUOIA's dynamic program finds the same trees). `ranks` is put into
/// descending order first. Time O(budget · log(budget · ranks)).
pub fn best_tree(ranks: &[f64], budget: usize, depth: u32) -> refined::Tree {
    let mut ranks: Vec<f64> = ranks
        .iter()
        .copied()
        .filter(|chance| *chance > 0.0)
        .collect();
    ranks.sort_by(|a, b| b.total_cmp(a));
    let mut taken: Vec<Candidate> = Vec::new();
    let mut heap = BinaryHeap::new();
    let open = |heap: &mut BinaryHeap<Candidate>, parent: usize, chance: f64, level: u32| {
        if level < depth
            && let Some(first) = ranks.first()
        {
            heap.push(Candidate {
                chance: chance * first,
                parent,
                rank: 0,
                depth: level + 1,
            });
        }
    };
    open(&mut heap, 0, 1.0, 0);
    while taken.len() < budget
        && let Some(next) = heap.pop()
    {
        taken.push(next);
        open(&mut heap, taken.len(), next.chance, next.depth);
        // The next sibling becomes possible once this one is there.
        if let (Some(this), Some(sibling)) = (ranks.get(next.rank), ranks.get(next.rank + 1)) {
            heap.push(Candidate {
                chance: next.chance / this * sibling,
                rank: next.rank + 1,
                ..next
            });
        }
    }
    // Children come after their parents, so that building from the end needs no recursion.
    let mut nodes: Vec<refined::Tree> = vec![refined::Tree::default(); taken.len() + 1];
    for (index, node) in taken.iter().enumerate().rev() {
        let child = nodes.pop().unwrap_or_default();
        debug_assert_eq!(nodes.len(), index + 1);
        if let Some(parent) = nodes.get_mut(node.parent) {
            parent.children.insert(0, child);
        }
    }
    nodes.pop().unwrap_or_default()
}
