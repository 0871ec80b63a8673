//! The stage graph as layers of states, and least paths through them.

use super::error::StagesError;
use super::problem::{Edge, Problem};

/// States of one stage beyond which the exact method refuses.
const MOST_STATES: usize = 1 << 16;
/// What one stage adds to a path.
pub(super) struct Layer {
    /// For each state before and each PU: seconds added, and the state after.
    pub steps: Vec<(f64, usize)>,
    /// States after it.
    pub states: usize,
}

/// Prices, with the least priced path from each state on.
pub(super) struct Priced {
    pub prices: Vec<f64>,
    /// By stage (those still to be placed) and state.
    pub rest: Vec<Vec<f64>>,
}

impl Problem {
    /// The stages that later ones still need, after each stage, and what each step adds.
    pub(super) fn layers(&self) -> Result<Vec<Layer>, StagesError> {
        let m = self.stages.len();
        let last_use = |index: usize| {
            let uses = self.edges.iter().filter(|edge| edge.from == index);
            uses.map(|edge| edge.to).max().unwrap_or(index)
        };
        let mut frontier: Vec<usize> = Vec::new();
        let mut layers = Vec::with_capacity(m);
        let mut before = 1usize;
        for index in 0..m {
            let mut after: Vec<usize> = frontier.clone();
            after.push(index);
            after.retain(|stage| last_use(*stage) > index);
            let states = u32::try_from(after.len())
                .ok()
                .and_then(|width| self.pus.checked_pow(width))
                .filter(|states| *states <= MOST_STATES);
            let Some(states) = states else {
                return Err(StagesError::Wide {
                    width: after.len(),
                    pus: self.pus,
                });
            };
            let arriving: Vec<(&Edge, usize)> = self
                .edges
                .iter()
                .filter(|edge| edge.to == index)
                .filter_map(|edge| {
                    let at = frontier.iter().position(|stage| *stage == edge.from)?;
                    Some((edge, at))
                })
                .collect();
            let mut steps = Vec::with_capacity(before * self.pus);
            for state in 0..before {
                for pu in 0..self.pus {
                    let digit = |at: usize| state / self.pus.pow(at as u32) % self.pus;
                    let crossing: f64 = arriving
                        .iter()
                        .map(|(edge, at)| self.link(edge, digit(*at), pu))
                        .sum();
                    let mut code = 0;
                    for (place, stage) in after.iter().enumerate() {
                        let own = frontier.iter().position(|before| before == stage);
                        let value = own.map_or(pu, digit);
                        code += value * self.pus.pow(place as u32);
                    }
                    steps.push((self.node(index, pu) + crossing, code));
                }
            }
            layers.push(Layer { steps, states });
            (frontier, before) = (after, states);
        }
        Ok(layers)
    }

    /// What a byte costs on each PU.
    pub(super) fn tolls(&self, prices: &[f64]) -> Vec<f64> {
        let toll = |within: &Vec<usize>| within.iter().filter_map(|at| prices.get(*at)).sum();
        self.within.iter().map(toll).collect()
    }

    /// The least priced path from each state to the end, by stage.
    pub(super) fn rest(&self, layers: &[Layer], prices: &[f64]) -> Vec<Vec<f64>> {
        let tolls = self.tolls(prices);
        let mut rest: Vec<Vec<f64>> = vec![vec![0.0; layers.last().map_or(1, |last| last.states)]];
        for (layer, stage) in layers.iter().zip(&self.stages).rev() {
            let after = rest.last().map_or(&[] as &[f64], Vec::as_slice);
            let before = layer
                .steps
                .chunks(self.pus)
                .map(|steps| {
                    let steps = steps.iter().zip(&tolls);
                    let costs = steps.map(|((seconds, state), toll)| {
                        seconds
                            + toll * stage.bytes
                            + after.get(*state).copied().unwrap_or(f64::INFINITY)
                    });
                    costs.fold(f64::INFINITY, f64::min)
                })
                .collect();
            rest.push(before);
        }
        rest.reverse();
        rest
    }

    /// The placement along the least priced path.
    pub(super) fn follow(&self, layers: &[Layer], priced: &Priced) -> Vec<usize> {
        let tolls = self.tolls(&priced.prices);
        let (mut state, mut places) = (0, Vec::with_capacity(layers.len()));
        for (index, (layer, stage)) in layers.iter().zip(&self.stages).enumerate() {
            let after = priced.rest.get(index + 1);
            let cost = |pu: usize| {
                let (seconds, next) = layer.steps.get(state * self.pus + pu).copied()?;
                let rest = after?.get(next).copied()?;
                Some((seconds + tolls.get(pu)? * stage.bytes + rest, next))
            };
            let best = (0..self.pus)
                .filter_map(|pu| Some((pu, cost(pu)?)))
                .min_by(|a, b| a.1.0.total_cmp(&b.1.0));
            let Some((pu, (_, next))) = best else { break };
            places.push(pu);
            state = next;
        }
        places
    }
}
