//! Other ways to speculate, at the mapping that drafts best.

use crate::search::{Choice, Evaluator, Request};
use crate::technique::{
    Adaptive, Costs, Overlapped, SelfSpeculation, Sequential, Technique, Tree, best_tree,
};
use crate::workload::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One technique with the parameters that suit it best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TechniqueRow {
    /// Its name.
    pub name: String,
    /// Its parameters, in words.
    pub parameters: String,
    /// Tokens per round.
    pub tokens: f64,
    /// Milliseconds per token.
    pub per_token_ms: f64,
    /// Against the same target without speculation.
    pub speedup: f64,
    /// What it assumes beyond Eq. (1).
    pub assumes: String,
    /// Where it is from.
    pub source: String,
}

/// The verification budget of trees: verifying more tokens is no longer one pass in practice.
const LARGEST_TREE: usize = 64;

/// The rows for the mapping that drafts best; none without one. `self_c` and `ranks` are the
/// [query](super::Query)'s.
pub(super) fn rows(
    request: &Request,
    evaluator: &Evaluator<'_>,
    drafting: Option<Choice>,
    self_c: Option<f64>,
    ranks: Option<&[f64]>,
) -> Vec<TechniqueRow> {
    let Some(choice) = drafting else {
        return vec![];
    };
    let alpha = request.alpha;
    let costs = Costs::new(choice.point.t_draft, choice.point.t_target);
    let longest = evaluator.gammas().last().unwrap_or(0);
    let lengths = || 1..=longest;
    let mut rows = Vec::new();
    let mut best_of = |candidates: Vec<(Box<dyn Technique>, String)>| {
        let best = candidates
            .into_iter()
            .map(|(technique, parameters)| (technique.per_token(&costs), technique, parameters))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((seconds, technique, parameters)) = best {
            rows.push(TechniqueRow {
                name: technique.name().to_owned(),
                parameters,
                tokens: technique.round(&costs).tokens,
                per_token_ms: seconds * 1e3,
                speedup: costs.target / seconds,
                assumes: technique.assumes().to_owned(),
                source: technique.source().to_owned(),
            });
        }
    };
    let boxed = |technique| -> Box<dyn Technique> { technique };
    best_of(
        lengths()
            .map(|gamma| {
                let technique = Sequential { alpha, gamma };
                (boxed(Box::new(technique)), format!("γ = {gamma}"))
            })
            .collect(),
    );
    best_of(
        lengths()
            .map(|longest| {
                let technique = Adaptive::oracle(alpha, longest);
                let words = format!("at most {longest}, stopping exactly before a rejection");
                (boxed(Box::new(technique)), words)
            })
            .collect(),
    );
    // One PU cannot do both at once.
    let pus = |role, place| -> BTreeSet<usize> {
        let spread = request.spread(role, place).into_iter();
        spread.map(|(_, pu)| pu).collect()
    };
    let target = pus(Role::Target, choice.point.target);
    let apart = choice
        .point
        .drafter
        .is_none_or(|place| pus(Role::Drafter, place).is_disjoint(&target));
    best_of(
        lengths()
            .filter(|_| apart)
            .map(|gamma| {
                let technique = Overlapped { alpha, gamma };
                (boxed(Box::new(technique)), format!("γ = {gamma}"))
            })
            .collect(),
    );
    best_of(
        lengths()
            .filter_map(|gamma| Some((gamma, self_c?)))
            .map(|(gamma, c)| {
                let technique = SelfSpeculation { alpha, gamma, c };
                let words = format!("γ = {gamma}, c = {c}, the same α");
                (boxed(Box::new(technique)), words)
            })
            .collect(),
    );
    if let Some(ranks) = ranks {
        best_of(
            lengths()
                .map(|depth| {
                    let tree = best_tree(ranks, LARGEST_TREE, depth);
                    let words = format!("{} tokens, {} deep", tree.size(), tree.depth());
                    let technique = Tree {
                        tree,
                        ranks: ranks.to_vec(),
                    };
                    (boxed(Box::new(technique)), words)
                })
                .collect(),
        );
    }
    rows
}
