//! Calls of which only one runs.
//!
//! MLIR merges branches that are the same, calls and all: of a call in either
//! branch of a conditional, IREE keeps two or one.

use dialects::ir::Op;

use crate::structure::is_choice;

/// A branch of a conditional.
type Branch<'m> = (Op<'m>, usize);

/// How many of these calls are left at least where of each conditional only the
/// branch with the most of them counts.
pub(super) fn fewest(calls: &[Op<'_>]) -> usize {
    let branches: Vec<Vec<Branch>> = calls.iter().map(|call| branches_around(*call)).collect();
    let branches: Vec<&[Branch]> = branches.iter().map(Vec::as_slice).collect();
    fewest_in(&branches)
}

/// As [`fewest`], for calls of which the branches around them are given, from
/// the outermost to the innermost.
fn fewest_in(calls: &[&[Branch<'_>]]) -> usize {
    let mut count = 0;
    let mut seen: Vec<Op> = Vec::new();
    for call in calls {
        let Some(((conditional, _), _)) = call.split_first() else {
            count += 1;
            continue;
        };
        if seen.contains(conditional) {
            continue;
        }
        seen.push(*conditional);
        let in_branch = |branch: usize| {
            let within: Vec<&[Branch]> = calls
                .iter()
                .filter_map(|call| call.strip_prefix(&[(*conditional, branch)]))
                .collect();
            fewest_in(&within)
        };
        count += (0..conditional.blocks().len())
            .map(in_branch)
            .max()
            .unwrap_or_default();
    }
    count
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
