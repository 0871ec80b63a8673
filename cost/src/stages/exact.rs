//! Shortest paths through the stage graph, with memory as a resource.
//!
//! Stages are placed in order. What the rest of the path depends on is where the stages are that
//! still have consumers: for a chain the last one, so that there are N states; for a graph N to the
//! power of its width. Without capacities that is dynamic programming. With them, partial
//! placements (labels) of one state compete in time and in bytes of each memory: a label that
//! another beats in all of them goes, and so does one whose lower bound is no better than the best
//! whole placement. The bound is the path of least time + Σ λ·bytes from there on, less λ times the
//! room that is left, for prices λ found by subgradients (Lagrangian relaxation).
//!
//! Source: Handler and Zang, *A Dual Algorithm for the Constrained Shortest Path Problem*, Networks
//! 1980; Dumitrescu and Boland, *Improved Preprocessing, Labeling and Scaling Algorithms for the
//! Weight-Constrained Shortest Path Problem*, Networks 2003.

use super::error::StagesError;
use super::layers::{Layer, Priced};
use super::problem::Problem;
use super::visited::Visited;

/// Rounds of the subgradient method.
const ROUNDS: usize = 60;
/// Labels of one state that a label is compared with.
const RIVALS: usize = 100;
/// Price vectors kept for bounds.
const PRICES: usize = 6;

/// How much may be spent on a proof. Counted, and not timed: the same inputs give the same
/// placement on every machine, under every load.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Labels kept per stage.
    pub labels: usize,
    /// Steps after which it narrows down and stops. A step is one stage of one partial path that is
    /// looked at, under one PU.
    pub steps: u64,
}

/// What the exact method found.
#[derive(Clone, Debug, PartialEq)]
pub struct Solved {
    /// Seconds of a round and the PU of each stage; `None` when nothing better than the given
    /// limit was found.
    pub best: Option<(f64, Vec<usize>)>,
    /// Whether nothing is better.
    pub proven: bool,
    /// Nothing takes less.
    pub bound: f64,
    /// Labels that were made.
    pub labels: u64,
    /// Steps that were taken.
    pub steps: u64,
}

/// A bound, and what it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Seconds that no round takes less than.
    pub seconds: f64,
    /// Steps that were taken.
    pub steps: u64,
}

struct Label {
    seconds: f64,
    used: Vec<f64>,
    state: usize,
    /// By model; nothing where placements need not be contiguous.
    visited: [Visited; 2],
    parent: usize,
    pu: usize,
    bound: f64,
}

impl Problem {
    /// Seconds of the best round without capacities and contiguity: a lower bound.
    ///
    /// # Errors
    /// [`StagesError::Wide`] for a graph that is too wide.
    pub fn relaxed(&self) -> Result<f64, StagesError> {
        let layers = self.layers()?;
        let none = vec![0.0; self.capacities.len()];
        let rest = self.rest(&layers, &none);
        Ok(rest
            .first()
            .and_then(|states| states.first())
            .copied()
            .unwrap_or(0.0))
    }

    /// Seconds of a round that nothing beats, by prices for memory; `limit` is what others reached.
    ///
    /// # Errors
    /// [`StagesError::Wide`] for a graph that is too wide.
    pub fn priced_bound(&self, limit: f64) -> Result<Bound, StagesError> {
        let layers = self.layers()?;
        let (mut best, mut upper) = (None, limit);
        let (priced, steps) = self.prices(&layers, &mut best, &mut upper);
        let bounds = priced.iter().map(|priced| {
            let start = priced.rest.first().and_then(|states| states.first());
            let room = priced.prices.iter().zip(&self.capacities);
            start.copied().unwrap_or(0.0)
                - room.map(|(price, capacity)| price * capacity).sum::<f64>()
        });
        Ok(Bound {
            seconds: bounds.fold(0.0, f64::max),
            steps,
        })
    }

    /// The best round of less than `limit` seconds: with few labels first, for a good placement to
    /// prune with, then with as many as the effort allows.
    ///
    /// # Errors
    /// [`StagesError::Wide`] for a graph that is too wide.
    pub fn exact(&self, limit: f64, effort: &Effort) -> Result<Solved, StagesError> {
        let mut found: Option<Solved> = None;
        for labels in [200, 5_000, usize::MAX] {
            let labels = labels.min(effort.labels);
            let upper = found
                .as_ref()
                .and_then(|found| found.best.as_ref())
                .map_or(limit, |(cost, _)| *cost);
            let spent = found.as_ref().map_or(0, |found| found.steps);
            let steps = effort.steps.saturating_sub(spent);
            let next = self.labelled(upper, &Effort { labels, steps })?;
            found = Some(match found {
                None => next,
                // A wider search that finds nothing better confirms what the narrow one found.
                Some(before) => Solved {
                    best: next.best.or(before.best),
                    proven: next.proven,
                    bound: before.bound.max(next.bound.min(upper)),
                    labels: before.labels + next.labels,
                    steps: before.steps + next.steps,
                },
            });
            let done = |found: &Solved| found.proven || found.steps > effort.steps;
            if labels == effort.labels || found.as_ref().is_some_and(done) {
                break;
            }
        }
        found.ok_or(StagesError::NoLabel)
    }

    /// One pass of the labelling method.
    fn labelled(&self, limit: f64, effort: &Effort) -> Result<Solved, StagesError> {
        let layers = self.layers()?;
        let mut best: Option<(f64, Vec<usize>)> = self.heft().filter(|(cost, _)| *cost < limit);
        let mut upper = best.as_ref().map_or(limit, |(cost, _)| *cost);
        let (priced, mut steps) = self.prices(&layers, &mut best, &mut upper);
        let capacity: Vec<f64> = self.capacities.clone();
        let bound_of = |label: &Label, next: usize| {
            let bounds = priced.iter().map(|priced| {
                let rest = priced
                    .rest
                    .get(next)
                    .and_then(|states| states.get(label.state));
                let room: f64 = priced
                    .prices
                    .iter()
                    .zip(capacity.iter().zip(&label.used))
                    .map(|(price, (capacity, used))| price * (capacity - used))
                    .sum();
                rest.copied().unwrap_or(f64::INFINITY) - room
            });
            label.seconds + bounds.fold(f64::NEG_INFINITY, f64::max)
        };
        let mut made: Vec<Vec<Label>> = vec![vec![Label {
            seconds: 0.0,
            used: vec![0.0; self.capacities.len()],
            state: 0,
            visited: Default::default(),
            parent: 0,
            pu: 0,
            bound: 0.0,
        }]];
        let per_label = (self.pus * priced.len()) as u64;
        let (mut dropped, mut count) = (f64::INFINITY, 0u64);
        for (index, layer) in layers.iter().enumerate() {
            let mut next: Vec<Label> = Vec::new();
            let before = made.last().map_or(&[] as &[Label], Vec::as_slice);
            for (parent, label) in before.iter().enumerate() {
                for pu in 0..self.pus {
                    let Some(mut label) = self.extended(layer, index, label, parent, pu) else {
                        continue;
                    };
                    label.bound = bound_of(&label, index + 1);
                    // Bounds are sums in another order than costs; rounding must not cut a proof.
                    if label.bound < upper * (1.0 - 1e-12) {
                        next.push(label);
                    }
                }
            }
            count += next.len() as u64;
            steps += before.len() as u64 * per_label;
            self.undominated(&mut next, layer.states);
            let late = steps > effort.steps;
            let keep = if late {
                effort.labels.min(64)
            } else {
                effort.labels
            };
            if next.len() > keep {
                next.sort_by(|a, b| a.bound.total_cmp(&b.bound));
                for label in next.drain(keep..) {
                    dropped = dropped.min(label.bound);
                }
            }
            made.push(next);
        }
        let last = made.last().map_or(&[] as &[Label], Vec::as_slice);
        let ends = last.iter().enumerate();
        let end = ends.min_by(|a, b| a.1.seconds.total_cmp(&b.1.seconds));
        if let Some((at, label)) = end
            && label.seconds < upper
        {
            best = Some((label.seconds, path(&made, at)));
            upper = label.seconds;
        }
        let bound = dropped.min(upper);
        Ok(Solved {
            proven: bound >= upper * (1.0 - 1e-12) || !bound.is_finite(),
            best,
            bound,
            labels: count,
            steps,
        })
    }

    fn extended(
        &self,
        layer: &Layer,
        index: usize,
        label: &Label,
        parent: usize,
        pu: usize,
    ) -> Option<Label> {
        let (seconds, state) = *layer.steps.get(label.state * self.pus + pu)?;
        let stage = self.stages.get(index)?;
        if !seconds.is_finite() {
            return None;
        }
        let mut visited = label.visited.clone();
        if self.contiguous && !visited.get_mut(stage.model)?.go(pu) {
            return None;
        }
        let mut used = label.used.clone();
        for capacity in self.within.get(pu)? {
            let used = used.get_mut(*capacity)?;
            *used += stage.bytes;
            if *used > *self.capacities.get(*capacity)? {
                return None;
            }
        }
        Some(Label {
            seconds: label.seconds + seconds,
            used,
            state,
            visited,
            parent,
            pu,
            bound: 0.0,
        })
    }

    /// Removes labels that another of the same state beats in time and in every memory that can
    /// overflow.
    fn undominated(&self, labels: &mut Vec<Label>, states: usize) {
        let total: f64 = self.stages.iter().map(|stage| stage.bytes).sum();
        let binding: Vec<usize> = (0..self.capacities.len())
            .filter(|index| {
                self.capacities
                    .get(*index)
                    .is_some_and(|capacity| *capacity < total)
            })
            .collect();
        labels.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let mut kept: Vec<Vec<(Vec<f64>, [Visited; 2])>> = vec![Vec::new(); states];
        let contiguous = self.contiguous;
        labels.retain(|label| {
            let Some(kept) = kept.get_mut(label.state) else {
                return false;
            };
            let used: Vec<f64> = binding
                .iter()
                .filter_map(|index| label.used.get(*index).copied())
                .collect();
            // To overlook that a label is beaten costs time, never the proof.
            let beaten = kept.iter().rev().take(RIVALS).any(|(other, visited)| {
                other.iter().zip(&used).all(|(a, b)| a <= b)
                    && (!contiguous
                        || visited
                            .iter()
                            .zip(&label.visited)
                            .all(|(a, b)| a.is_as_free(b)))
            });
            if !beaten {
                // One memory: only the least so far can beat what is slower.
                if binding.len() == 1 && !contiguous {
                    kept.clear();
                }
                kept.push((used, label.visited.clone()));
            }
            !beaten
        });
    }

    /// Prices for memories, by subgradients, and the steps that it took; whole placements met on
    /// the way become `best`.
    fn prices(
        &self,
        layers: &[Layer],
        best: &mut Option<(f64, Vec<usize>)>,
        upper: &mut f64,
    ) -> (Vec<Priced>, u64) {
        let per_round: u64 = layers.iter().map(|layer| layer.steps.len() as u64).sum();
        let mut steps = 0;
        let mut prices = vec![0.0; self.capacities.len()];
        let mut all: Vec<(f64, Priced)> = Vec::new();
        let mut step = 1.0;
        let mut highest = f64::NEG_INFINITY;
        for _ in 0..ROUNDS {
            let rest = self.rest(layers, &prices);
            steps += per_round;
            let priced = Priced {
                prices: prices.clone(),
                rest,
            };
            let places = self.follow(layers, &priced);
            let mut used = vec![0.0; self.capacities.len()];
            for (stage, pu) in self.stages.iter().zip(&places) {
                for capacity in self.within.get(*pu).into_iter().flatten() {
                    if let Some(used) = used.get_mut(*capacity) {
                        *used += stage.bytes;
                    }
                }
            }
            if let Some(cost) = self.cost(&places)
                && cost < *upper
            {
                (*upper, *best) = (cost, Some((cost, places)));
            }
            let over: Vec<f64> = used
                .iter()
                .zip(&self.capacities)
                .map(|(u, c)| u - c)
                .collect();
            let paid: f64 = prices
                .iter()
                .zip(&self.capacities)
                .map(|(p, c)| p * c)
                .sum();
            let start = priced.rest.first().and_then(|states| states.first());
            let bound = start.copied().unwrap_or(0.0) - paid;
            if bound > highest * (1.0 + 1e-9) + 1e-300 {
                highest = bound;
            } else {
                step *= 0.7;
            }
            all.push((bound, priced));
            let norm: f64 = over
                .iter()
                .zip(&prices)
                .filter(|(over, price)| **over > 0.0 || **price > 0.0)
                .map(|(over, _)| over * over)
                .sum();
            let done = over
                .iter()
                .zip(&prices)
                .all(|(over, price)| *over <= 0.0 && *price == 0.0);
            if done || norm == 0.0 || !bound.is_finite() || bound >= *upper {
                break;
            }
            let aim = if upper.is_finite() {
                *upper
            } else {
                1.1 * bound.abs()
            };
            let length = step * (aim - bound).max(1e-4 * aim.abs()) / norm;
            for (price, over) in prices.iter_mut().zip(&over) {
                *price = f64::max(0.0, *price + length * over);
            }
        }
        // The first is without prices, and exact where no capacity binds.
        let mut rest = all.split_off(1.min(all.len()));
        rest.sort_by(|a, b| b.0.total_cmp(&a.0));
        rest.truncate(PRICES);
        all.extend(rest);
        (all.into_iter().map(|(_, priced)| priced).collect(), steps)
    }
}

fn path(made: &[Vec<Label>], end: usize) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = end;
    for layer in made.iter().skip(1).rev() {
        let Some(label) = layer.get(at) else { break };
        places.push(label.pu);
        at = label.parent;
    }
    places.reverse();
    places
}
