//! Convex groups: which operations of a block go together, and in what order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use cost::Partition;
use dialects::ir::Op;

use crate::structure::Reads;

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// It joins a group of its role, or of its stage.
    Of(Partition),
    /// It stays in the block: control flow, scalars, effects.
    Stays,
}

/// An operation to schedule.
pub struct Node<'m> {
    /// The operation.
    pub op: Op<'m>,
    /// What becomes of it.
    pub colour: Colour,
    /// What it reads, as it was before any group was moved.
    pub reads: Reads<'m>,
    /// Indices of the nodes that must come before it.
    pub needs: Vec<usize>,
}

/// The order in which colours are taken when several could go on. Control
/// first: positions and lengths are then known before a model is called, so
/// that the model is called once and not in two halves. The stages of a model
/// follow in the order in which they run.
fn preference(colour: Colour) -> (u8, Option<Partition>) {
    match colour {
        Colour::Of(Partition::CONTROL) => (0, None),
        Colour::Stays => (1, None),
        Colour::Of(model) => (2, Some(model)),
    }
}

/// Puts the nodes into runs of one colour, each as long as dependencies
/// allow. A run is a convex group: whatever it reads was made before it
/// began, and whatever reads it comes after it has ended. `None` if the
/// dependencies form a circle.
pub fn schedule(nodes: &[Node<'_>]) -> Option<Vec<(Colour, Vec<usize>)>> {
    let needs: Vec<(Colour, &[usize])> = nodes
        .iter()
        .map(|node| (node.colour, node.needs.as_slice()))
        .collect();
    runs(&needs)
}

fn runs(needs: &[(Colour, &[usize])]) -> Option<Vec<(Colour, Vec<usize>)>> {
    let mut waiting: Vec<usize> = needs.iter().map(|(_, needs)| needs.len()).collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (at, (_, needed)) in needs.iter().enumerate() {
        for each in *needed {
            users[*each].push(at);
        }
    }
    // By colour, the smallest index first: that keeps the order of the input.
    let mut ready: BTreeMap<_, BinaryHeap<Reverse<usize>>> = BTreeMap::new();
    let make_ready = |ready: &mut BTreeMap<_, BinaryHeap<_>>, at: usize| {
        let colour = preference(needs[at].0);
        ready.entry(colour).or_default().push(Reverse(at));
    };
    for at in (0..needs.len()).filter(|at| waiting[*at] == 0) {
        make_ready(&mut ready, at);
    }
    let mut runs: Vec<(Colour, Vec<usize>)> = Vec::new();
    let mut done = 0;
    while done < needs.len() {
        let preferred = *ready.iter().find(|(_, heap)| !heap.is_empty())?.0;
        let mut run = Vec::new();
        while let Some(Reverse(at)) = ready.get_mut(&preferred).and_then(BinaryHeap::pop) {
            run.push(at);
            for user in &users[at] {
                waiting[*user] -= 1;
                if waiting[*user] == 0 {
                    make_ready(&mut ready, *user);
                }
            }
        }
        let colour = needs[*run.first()?].0;
        done += run.len();
        runs.push((colour, run));
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTROL: Colour = Colour::Of(Partition::CONTROL);
    const DRAFTER: Colour = Colour::Of(Partition::DRAFTER);
    const TARGET: Colour = Colour::Of(Partition::TARGET);

    fn colours(needs: &[(Colour, &[usize])]) -> Vec<Colour> {
        let runs = runs(needs).expect("no circle");
        runs.into_iter().map(|(colour, _)| colour).collect()
    }

    #[test]
    fn a_position_computed_by_control_does_not_split_the_drafter() {
        // 0: embedding, 1: position (control), 2: logits at the position.
        let needs: [(Colour, &[usize]); 3] = [(DRAFTER, &[]), (CONTROL, &[]), (DRAFTER, &[0, 1])];
        assert_eq!(colours(&needs), [CONTROL, DRAFTER]);
    }

    #[test]
    fn a_role_that_is_left_and_entered_again_is_two_groups() {
        let needs: [(Colour, &[usize]); 3] = [(DRAFTER, &[]), (CONTROL, &[0]), (DRAFTER, &[1])];
        assert_eq!(colours(&needs), [DRAFTER, CONTROL, DRAFTER]);
    }

    #[test]
    fn every_run_reads_only_from_earlier_runs_or_itself() {
        let needs: [(Colour, &[usize]); 6] = [
            (CONTROL, &[]),
            (DRAFTER, &[0]),
            (TARGET, &[1]),
            (CONTROL, &[1]),
            (Colour::Stays, &[3]),
            (CONTROL, &[2, 4]),
        ];
        let runs = runs(&needs).expect("no circle");
        let mut seen: Vec<usize> = Vec::new();
        for (_, run) in runs {
            for at in &run {
                assert!(
                    needs[*at]
                        .1
                        .iter()
                        .all(|each| seen.contains(each) || run.contains(each))
                );
            }
            seen.extend(run);
        }
        assert_eq!(seen.len(), needs.len());
    }

    /// What [`runs`] is to do, said plainly: again and again the first of those
    /// that may come next, of the colour that is on, or else of the preferred.
    fn runs_said_plainly(needs: &[(Colour, &[usize])]) -> Vec<(Colour, Vec<usize>)> {
        let mut runs: Vec<(Colour, Vec<usize>)> = Vec::new();
        let mut done = std::collections::BTreeSet::new();
        while done.len() < needs.len() {
            let ready = (0..needs.len()).filter(|at| {
                !done.contains(at) && needs[*at].1.iter().all(|need| done.contains(need))
            });
            let ready: Vec<usize> = ready.collect();
            let goes_on = |(colour, _): &(Colour, Vec<usize>)| {
                ready.iter().copied().find(|at| needs[*at].0 == *colour)
            };
            let (at, same) = match runs.last().and_then(goes_on) {
                Some(at) => (at, true),
                None => {
                    let preferred = ready
                        .iter()
                        .min_by_key(|at| (preference(needs[**at].0), **at));
                    (*preferred.expect("no circle"), false)
                }
            };
            done.insert(at);
            match runs.last_mut().filter(|_| same) {
                Some((_, run)) => run.push(at),
                None => runs.push((needs[at].0, vec![at])),
            }
        }
        runs
    }

    proptest! {
        #[test]
        fn runs_are_as_said(
            nodes in prop::collection::vec((0..4usize, prop::collection::vec(any::<prop::sample::Index>(), 0..3)), 1..40),
        ) {
            const COLOURS: [Colour; 4] = [CONTROL, DRAFTER, TARGET, Colour::Stays];
            let needed: Vec<Vec<usize>> = nodes
                .iter()
                .enumerate()
                .map(|(at, (_, earlier))| {
                    let mut needed: Vec<usize> = match at {
                        0 => Vec::new(),
                        _ => earlier.iter().map(|index| index.index(at)).collect(),
                    };
                    needed.sort_unstable();
                    needed.dedup();
                    needed
                })
                .collect();
            let needs: Vec<(Colour, &[usize])> = nodes
                .iter()
                .zip(&needed)
                .map(|((colour, _), needed)| (COLOURS[*colour], needed.as_slice()))
                .collect();
            prop_assert_eq!(runs(&needs), Some(runs_said_plainly(&needs)));
        }
    }

    #[test]
    fn a_circle_is_found() {
        let needs: [(Colour, &[usize]); 2] = [(CONTROL, &[1]), (DRAFTER, &[0])];
        assert_eq!(runs(&needs), None);
    }
}
