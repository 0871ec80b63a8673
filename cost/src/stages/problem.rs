//! The numbers of one variant and one draft length, the heuristic, and enumeration.

use super::visited::Visited;

/// A stage to be placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// 0 for the drafter, 1 for the target.
    pub model: usize,
    /// How often it runs in a round.
    pub passes: f64,
    /// Bytes of weights.
    pub bytes: f64,
    /// Seconds of one pass on each PU; infinite where it cannot run.
    pub seconds: Vec<f64>,
}

/// A value between stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// The producer.
    pub from: usize,
    /// The consumer; always greater.
    pub to: usize,
    /// How often it passes in a round.
    pub passes: f64,
    /// Seconds from PU a to PU b at `a * N + b`; infinite where there is no way.
    pub seconds: Vec<f64>,
}

/// Stages, in an order in which each comes after what it needs, and what bounds their placement.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// N.
    pub pus: usize,
    /// The stages.
    pub stages: Vec<Stage>,
    /// What passes between them.
    pub edges: Vec<Edge>,
    /// Bytes that may lie in each memory, or count against each limit.
    pub capacities: Vec<f64>,
    /// The capacities that each PU's weights count against.
    pub within: Vec<Vec<usize>>,
    /// Each model runs through each PU at most once.
    pub contiguous: bool,
}

impl Problem {
    /// The same with the drafter running γ times in a round; without it at γ = 0.
    pub fn with_draft_length(&self, gamma: u32) -> Self {
        let mut problem = self.clone();
        if gamma == 0 {
            let kept: Vec<usize> = (0..self.stages.len())
                .filter(|index| {
                    self.stages
                        .get(*index)
                        .is_some_and(|stage| stage.model == 1)
                })
                .collect();
            let index = |old: usize| kept.iter().position(|kept| *kept == old);
            problem.stages = kept
                .iter()
                .filter_map(|index| self.stages.get(*index).cloned())
                .collect();
            problem.edges = self
                .edges
                .iter()
                .filter_map(|edge| {
                    Some(Edge {
                        from: index(edge.from)?,
                        to: index(edge.to)?,
                        ..edge.clone()
                    })
                })
                .collect();
            return problem;
        }
        let model = |index: usize| self.stages.get(index).map_or(1, |stage| stage.model);
        for stage in problem.stages.iter_mut().filter(|stage| stage.model == 0) {
            stage.passes = f64::from(gamma);
        }
        for edge in &mut problem.edges {
            if model(edge.from) == 0 && model(edge.to) == 0 {
                edge.passes = f64::from(gamma);
            }
        }
        problem
    }

    /// Seconds of stage `index` on `pu` in a round.
    pub(super) fn node(&self, index: usize, pu: usize) -> f64 {
        let stage = self.stages.get(index);
        stage
            .and_then(|stage| Some(stage.passes * stage.seconds.get(pu)?))
            .unwrap_or(f64::INFINITY)
    }

    /// Seconds of a value in a round.
    pub(super) fn link(&self, edge: &Edge, from: usize, to: usize) -> f64 {
        let seconds = edge.seconds.get(from * self.pus + to);
        seconds.map_or(f64::INFINITY, |seconds| edge.passes * seconds)
    }

    /// Seconds of a round with each stage where `places` says; `None` when it is not allowed.
    pub fn cost(&self, places: &[usize]) -> Option<f64> {
        let mut used = vec![0.0; self.capacities.len()];
        let mut total = 0.0;
        let mut visited: [Visited; 2] = Default::default();
        for (index, (stage, pu)) in self.stages.iter().zip(places).enumerate() {
            total += self.node(index, *pu);
            for capacity in self.within.get(*pu)? {
                *used.get_mut(*capacity)? += stage.bytes;
            }
            if self.contiguous && !visited.get_mut(stage.model)?.go(*pu) {
                return None;
            }
        }
        for edge in &self.edges {
            total += self.link(edge, *places.get(edge.from)?, *places.get(edge.to)?);
        }
        let fits = used
            .iter()
            .zip(&self.capacities)
            .all(|(used, capacity)| used <= capacity);
        (fits && total.is_finite()).then_some(total)
    }

    /// The best of all N^m placements, and how many there are. For small problems.
    pub fn exhaustive(&self) -> (Option<(f64, Vec<usize>)>, u64) {
        let mut places = vec![0; self.stages.len()];
        let (mut best, mut visited): (Option<(f64, Vec<usize>)>, u64) = (None, 0);
        loop {
            visited += 1;
            if let Some(cost) = self.cost(&places)
                && best.as_ref().is_none_or(|(least, _)| cost < *least)
            {
                best = Some((cost, places.clone()));
            }
            let advanced = places.iter_mut().rev().find_map(|digit| {
                *digit += 1;
                if *digit < self.pus {
                    return Some(());
                }
                *digit = 0;
                None
            });
            if advanced.is_none() {
                return (best, visited);
            }
        }
    }

    /// The HEFT heuristic: stages by upward rank (mean time on from here to the end), each placed
    /// where it finishes first and still fits. Returns the round's time and the placement; `None`
    /// when it runs into a wall that looking ahead would have avoided.
    ///
    /// Source: Topcuoglu, Hariri and Wu, *Performance-Effective and Low-Complexity Task Scheduling
    /// for Heterogeneous Computing*, IEEE TPDS 2002, with memory capacities added.
    pub fn heft(&self) -> Option<(f64, Vec<usize>)> {
        let m = self.stages.len();
        let mut rank = vec![0.0f64; m];
        for index in (0..m).rev() {
            let allowed: Vec<f64> = (0..self.pus)
                .map(|pu| self.node(index, pu))
                .filter(|seconds| seconds.is_finite())
                .collect();
            let mean = allowed.iter().sum::<f64>() / (allowed.len().max(1) as f64);
            let after = self
                .edges
                .iter()
                .filter(|edge| edge.from == index)
                .map(|edge| {
                    let pairs = edge.seconds.iter().filter(|seconds| seconds.is_finite());
                    let (sum, count) =
                        pairs.fold((0.0, 0.0), |(sum, count), s| (sum + s, count + 1.0));
                    edge.passes * sum / f64::max(count, 1.0)
                        + rank.get(edge.to).copied().unwrap_or(0.0)
                });
            let after = after.fold(0.0, f64::max);
            if let Some(rank) = rank.get_mut(index) {
                *rank = mean + after;
            }
        }
        let mut order: Vec<usize> = (0..m).collect();
        let of = |index: &usize| rank.get(*index).copied().unwrap_or(0.0);
        order.sort_by(|a, b| of(b).total_cmp(&of(a)).then(a.cmp(b)));
        let mut places = vec![usize::MAX; m];
        let mut finish = vec![0.0f64; m];
        let mut free = vec![0.0f64; self.pus];
        let mut used = vec![0.0; self.capacities.len()];
        for index in order {
            let bytes = self.stages.get(index)?.bytes;
            let mut best: Option<(f64, usize)> = None;
            for pu in 0..self.pus {
                let fits = self.within.get(pu)?.iter().all(|capacity| {
                    let limit = self
                        .capacities
                        .get(*capacity)
                        .copied()
                        .unwrap_or(f64::INFINITY);
                    used.get(*capacity).copied().unwrap_or(0.0) + bytes <= limit
                });
                let mut ready = free.get(pu).copied().unwrap_or(0.0);
                for edge in self.edges.iter().filter(|edge| edge.to == index) {
                    let from = *places.get(edge.from)?;
                    if from != usize::MAX {
                        let arrives = finish.get(edge.from)? + self.link(edge, from, pu);
                        ready = ready.max(arrives);
                    }
                }
                let end = ready + self.node(index, pu);
                if fits && end.is_finite() && best.is_none_or(|(least, _)| end < least) {
                    best = Some((end, pu));
                }
            }
            let (end, pu) = best?;
            *places.get_mut(index)? = pu;
            *finish.get_mut(index)? = end;
            *free.get_mut(pu)? = end;
            for capacity in self.within.get(pu)? {
                *used.get_mut(*capacity)? += bytes;
            }
        }
        Some((self.cost(&places)?, places))
    }
}
