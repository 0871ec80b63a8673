//! Calls of which only one runs.
//!
//! MLIR merges branches that are the same, calls and all: of a call in either
//! branch of a conditional, IREE keeps two or one.

use std::collections::HashMap;

use dialects::ir::Op;

use crate::structure::is_choice;

/// A branch of a conditional.
type Branch<'m> = (Op<'m>, usize);

/// How many of these calls are left at least where of each conditional only the
/// branch with the most of them counts.
pub(super) fn fewest(calls: &[Op<'_>]) -> usize {
    // By the branches around calls, from the outermost to the innermost, how many.
    let mut counts: HashMap<Vec<Branch>, usize> = HashMap::new();
    for call in calls {
        *counts.entry(branches_around(*call)).or_default() += 1;
    }
    let deepest = counts.keys().map(Vec::len).max().unwrap_or_default();
    // From the inside out: a conditional counts as its fullest branch, where it stands.
    for depth in (1..=deepest).rev() {
        let mut most: HashMap<(Vec<Branch>, Op), usize> = HashMap::new();
        for (path, count) in counts.extract_if(|path, _| path.len() == depth) {
            if let Some(((conditional, _), around)) = path.split_last() {
                let most = most.entry((around.to_vec(), *conditional)).or_default();
                *most = count.max(*most);
            }
        }
        for ((around, _), count) in most {
            *counts.entry(around).or_default() += count;
        }
    }
    counts.into_values().sum()
}

fn branches_around(call: Op<'_>) -> Vec<Branch<'_>> {
    let mut branches = Vec::new();
    let mut inner = call;
    while let Some(outer) = inner.parent() {
        if is_choice(outer) {
            let branch = outer
                .blocks()
                .iter()
                .position(|block| Some(*block) == inner.block());
            branches.extend(branch.map(|branch| (outer, branch)));
        }
        inner = outer;
    }
    branches.reverse();
    branches
}
