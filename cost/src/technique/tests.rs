//! Each expectation against a simulation of the technique's rules, written down separately.

use super::*;
use crate::speedup::refined;
use proptest::prelude::*;

/// A small generator of our own (xorshift64*), so that simulations repeat exactly.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
    fn happens(&mut self, chance: f64) -> bool {
        self.next() < chance
    }
}

const ROUNDS: u32 = 60_000;
const COSTS: Costs = Costs {
    draft: 0.3,
    target: 1.0,
};

/// Mean tokens and seconds of a round that `play` plays.
fn simulated(mut play: impl FnMut(&mut Random) -> (u32, f64)) -> Round {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut tokens, mut seconds) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        let (more, time) = play(&mut random);
        tokens += f64::from(more);
        seconds += time;
    }
    Round {
        tokens: tokens / f64::from(ROUNDS),
        seconds: seconds / f64::from(ROUNDS),
    }
}

fn agrees(technique: &dyn Technique, simulation: Round) {
    let expected = technique.round(&COSTS);
    let name = technique.name();
    assert!(
        (expected.tokens / simulation.tokens - 1.0).abs() < 0.015,
        "{name}: {expected:?} {simulation:?}"
    );
    assert!(
        (expected.seconds / simulation.seconds - 1.0).abs() < 0.015,
        "{name}: {expected:?} {simulation:?}"
    );
    assert!(!technique.source().is_empty() && !technique.assumes().is_empty());
}

#[test]
fn sequential_and_self_speculation() {
    let draft = |random: &mut Random, gamma: u32| {
        1 + (0..gamma).take_while(|_| random.happens(0.7)).count() as u32
    };
    let technique = Sequential {
        alpha: 0.7,
        gamma: 4,
    };
    agrees(
        &technique,
        simulated(|random| (draft(random, 4), 4.0 * 0.3 + 1.0)),
    );
    let technique = SelfSpeculation {
        alpha: 0.7,
        gamma: 3,
        c: 0.45,
    };
    agrees(
        &technique,
        simulated(|random| (draft(random, 3), 3.0 * 0.45 + 1.0)),
    );
}

#[test]
fn overlapped() {
    // While the target verifies round n, the drafter drafts round n+1, in vain unless all of n was
    // accepted.
    let (alpha, gamma) = (0.85, 3);
    let mut ready = false;
    let simulation = simulated(|random| {
        let accepted = (0..gamma).take_while(|_| random.happens(alpha)).count() as u32;
        // What this round's drafting took beyond what ran beside the last verification.
        let drafting = f64::from(gamma) * COSTS.draft;
        let waited = if ready {
            (drafting - COSTS.target).max(0.0)
        } else {
            drafting
        };
        ready = accepted == gamma;
        (accepted + 1, waited + COSTS.target)
    });
    agrees(&Overlapped { alpha, gamma }, simulation);
}

#[test]
fn adaptive() {
    let (alpha, recall, false_alarm, longest) = (0.75, 0.6, 0.1, 6);
    let simulation = simulated(|random| {
        let (mut passes, mut accepted, mut good) = (0u32, 0, true);
        while passes < longest {
            passes += 1;
            good = good && random.happens(alpha);
            if random.happens(if good { false_alarm } else { recall }) {
                break;
            }
            accepted += u32::from(good);
        }
        (accepted + 1, f64::from(passes) * 0.3 + 1.0)
    });
    agrees(
        &Adaptive::detector(alpha, recall, false_alarm, longest),
        simulation,
    );
}

#[test]
fn an_oracle_is_never_worse() {
    for gamma in 1..10 {
        let plain = Sequential { alpha: 0.8, gamma };
        let oracle = Adaptive::oracle(0.8, gamma);
        assert!((plain.round(&COSTS).tokens - oracle.round(&COSTS).tokens).abs() < 1e-12);
        assert!(oracle.per_token(&COSTS) <= plain.per_token(&COSTS) + 1e-12);
    }
}

#[test]
fn tree() {
    let ranks = vec![0.6, 0.2, 0.05];
    let tree = best_tree(&ranks, 9, 4);
    let walk = |random: &mut Random, tree: &refined::Tree| {
        let (mut node, mut accepted) = (tree.clone(), 0);
        loop {
            let mut left = random.next();
            let rank = ranks.iter().position(|chance| {
                left -= chance;
                left < 0.0
            });
            match rank.and_then(|rank| node.children.get(rank).cloned()) {
                Some(child) => (node, accepted) = (child, accepted + 1),
                None => return accepted + 1,
            }
        }
    };
    let seconds = f64::from(tree.depth()) * 0.3 + 1.0;
    let simulation = simulated(|random| (walk(random, &tree), seconds));
    agrees(
        &Tree {
            tree,
            ranks: ranks.clone(),
        },
        simulation,
    );
}

/// Every tree of exactly `size` nodes in which ranks are used in order.
fn all_trees(size: usize, width: usize, depth: u32) -> Vec<refined::Tree> {
    forests(size, width, depth)
        .into_iter()
        .map(|children| refined::Tree { children })
        .collect()
}

fn forests(size: usize, width: usize, depth: u32) -> Vec<Vec<refined::Tree>> {
    if size == 0 {
        return vec![vec![]];
    }
    if width == 0 || depth == 0 {
        return vec![];
    }
    (1..=size)
        .flat_map(|first| {
            let firsts = all_trees(first - 1, width.max(3), depth - 1);
            let rests = forests(size - first, width - 1, depth);
            firsts
                .into_iter()
                .flat_map(move |tree| {
                    rests.clone().into_iter().map(move |mut rest| {
                        rest.insert(0, tree.clone());
                        rest
                    })
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn the_best_tree_is_the_best_of_all(a in 0.05..0.9f64, b in 0.0..1.0f64, c in 0.0..1.0f64, size in 1usize..7, depth in 1u32..4) {
        // Descending, and together at most 1.
        let second = a.min(1.0 - a) * b;
        let third = second.min(1.0 - a - second).max(0.0) * c;
        let ranks = [a, second, third];
        let found = refined::expected_tokens_of_tree(&best_tree(&ranks, size, depth), &ranks);
        let best = (0..=size)
            .flat_map(|size| all_trees(size, 3, depth))
            .map(|tree| refined::expected_tokens_of_tree(&tree, &ranks))
            .fold(1.0, f64::max);
        prop_assert!((found - best).abs() < 1e-12, "{found} {best}");
    }

    #[test]
    fn one_rank_is_a_sequence(alpha in 0.01..0.99f64, gamma in 1u32..20) {
        let tree = best_tree(&[alpha], gamma as usize, 64);
        prop_assert_eq!(&tree, &refined::Tree::chain(gamma));
        let as_tree = Tree { tree, ranks: vec![alpha] }.round(&COSTS);
        let plain = Sequential { alpha, gamma }.round(&COSTS);
        prop_assert!((as_tree.tokens - plain.tokens).abs() < 1e-12 && as_tree.seconds == plain.seconds);
    }
}
