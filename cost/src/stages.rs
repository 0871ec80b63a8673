//! Finer partitions: models cut into stages, each placed on its own.
//!
//! With m stages the space has v·N^m points, which no one enumerates for m = 64. A round's time is
//! a sum over stages and over values that pass between them, so that for one variant and one γ the
//! best placement is a shortest path through the stage graph; memory capacities make it a shortest
//! path with resources. [`solve`] bounds every (variant, γ) by the path without capacities, then
//! solves them in the order of those bounds until the next bound is no better than what was found:
//! the result is proven, or comes with its optimality gap. [`heft`](problem::Problem::heft) is the
//! heuristic to compare with.
//!
//! What counts: time of each stage, and of each value that changes PUs. Values inside a model cross
//! in every pass of it, those between models once per round. Control and the host's overhead do not
//! count here.

mod error;
mod exact;
mod graph;
mod layers;
pub mod problem;
mod split;
mod visited;

pub use error::StagesError;
pub use exact::{Bound, Effort, Solved};
pub use graph::{MOST_STAGES, StageDemand, StageEdge, StageGraph};

use crate::platform::{Platform, Variant};
use crate::profile::Profile;
use crate::roofline;
use crate::search::{MOST_LATENCIES, Request};
use crate::speedup::expected_tokens;
use crate::workload::Role;
use problem::{Edge, Problem, Stage};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Instant;

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageOptions {
    /// Each model runs through each PU at most once.
    pub contiguous: bool,
    /// Give up proving after so many steps: a step is one stage of one partial path that is looked
    /// at, under one PU. Never after some time, which would make the plan depend on the machine.
    pub steps: u64,
    /// Partial placements kept per stage; beyond, the worst are dropped and the gap says so.
    pub labels: usize,
}

impl Default for StageOptions {
    fn default() -> Self {
        Self {
            contiguous: false,
            steps: 2_000_000_000,
            labels: 100_000,
        }
    }
}

/// The best placement of stages that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StagePlan {
    /// Stages.
    pub m: usize,
    /// v.
    pub variants: usize,
    /// log10 of v·N^m.
    pub log10_points: f64,
    /// Resources in use.
    pub variant: Variant,
    /// γ*.
    pub gamma: u32,
    /// Stage and PU, in order; the drafter's are absent when γ is 0.
    pub places: Vec<(String, String)>,
    /// Milliseconds per token.
    pub per_token_ms: f64,
    /// Nothing takes less than this many.
    pub bound_ms: f64,
    /// Whether it is proven that nothing takes less time.
    pub proven: bool,
    /// How much less something might take, as a fraction; 0 when proven.
    pub gap: f64,
    /// Milliseconds per token of the HEFT heuristic, where it finds a placement.
    pub heft_ms: Option<f64>,
    /// Bytes of weights in each memory.
    pub memory: Vec<(String, u64)>,
    /// (variant, γ) pairs for which a capacity had to be reckoned with.
    pub solved: usize,
    /// Partial placements that were looked at.
    pub labels: u64,
    /// Steps that were taken, see [`StageOptions::steps`].
    pub steps: u64,
    /// Whether the search ended since it had taken all steps that it may.
    pub out_of_steps: bool,
    /// Seconds it took.
    #[serde(skip)]
    pub seconds: f64,
    /// What it rests on.
    pub assumptions: Vec<String>,
}

/// Finds the best placement of stages, draft length and variant. `allows` filters variants.
///
/// # Errors
/// [`StagesError`]: no placement is possible, the stage graph is too wide for the exact method, or
/// there are too many variants, with how many.
pub fn solve(
    request: &Request,
    graph: &StageGraph,
    gammas: &[u32],
    options: &StageOptions,
    allows: impl Fn(&Variant) -> bool,
) -> Result<StagePlan, StagesError> {
    let started = Instant::now();
    let all = request.all_variants(
        gammas.len() as u64,
        "pairs of a variant and a draft length",
        "fix the resources of some processing units, or try fewer draft lengths: --variant cpu=4, --max-gamma 4",
    )?;
    let variants: Vec<Variant> = all.into_iter().filter(allows).collect();
    let platform = &request.platform;
    let latencies = variants
        .len()
        .saturating_mul(graph.stages.len())
        .saturating_mul(platform.pus.len());
    if latencies > MOST_LATENCIES {
        return Err(StagesError::Latencies {
            latencies,
            most: MOST_LATENCIES,
        });
    }
    let frame = frame(request, graph, options.contiguous);
    let tables: Vec<Vec<Stage>> = variants
        .iter()
        .map(|variant| stages(request, graph, variant))
        .collect();
    let under = |stages: &Vec<Stage>, gamma: u32| {
        let whole = Problem {
            stages: stages.clone(),
            ..frame.clone()
        };
        whole.with_draft_length(gamma)
    };
    let mut best: Option<(f64, usize, u32, Vec<usize>)> = None;
    let mut queue = BinaryHeap::new();
    for (index, stages) in tables.iter().enumerate() {
        for gamma in gammas {
            let problem = under(stages, *gamma);
            let tokens = expected_tokens(request.alpha, *gamma);
            queue.push(Case {
                bound: problem.relaxed()? / tokens,
                index,
                gamma: *gamma,
                priced: false,
            });
            if let Some((cost, places)) = problem.heft()
                && best.as_ref().is_none_or(|best| cost / tokens < best.0)
            {
                best = Some((cost / tokens, index, *gamma, places));
            }
        }
    }
    let heft = best.as_ref().map_or(f64::INFINITY, |best| best.0);
    // What may still be better than the best: the least bound that was not refuted.
    let (mut open, mut solved, mut labels) = (f64::INFINITY, 0, 0);
    let mut steps = 0u64;
    while let Some(case) = queue.pop() {
        let least = best.as_ref().map_or(f64::INFINITY, |best| best.0);
        if case.bound >= least * (1.0 - 1e-9) || !case.bound.is_finite() {
            break;
        }
        if steps > options.steps {
            open = open.min(case.bound);
            break;
        }
        let Some(stages) = tables.get(case.index) else {
            continue;
        };
        let tokens = expected_tokens(request.alpha, case.gamma);
        let problem = under(stages, case.gamma);
        if !case.priced {
            // The bound without capacities is cheap; one with prices comes before a solution.
            let bound = problem.priced_bound(least * tokens)?;
            steps += bound.steps;
            queue.push(Case {
                bound: case.bound.max(bound.seconds / tokens),
                priced: true,
                ..case
            });
            continue;
        }
        let effort = Effort {
            labels: options.labels,
            steps: options.steps.saturating_sub(steps),
        };
        let found = problem.exact(least * tokens, &effort)?;
        solved += 1;
        labels += found.labels;
        steps += found.steps;
        if let Some((seconds, places)) = found.best {
            best = Some((seconds / tokens, case.index, case.gamma, places));
        }
        if !found.proven {
            open = open.min(found.bound.max(case.bound * tokens) / tokens);
        }
    }
    let Some((seconds, index, gamma, places)) = best else {
        return Err(nothing(request, graph));
    };
    let bound = open.min(seconds);
    let pu = |index: usize| platform.pus.get(index);
    let placed: Vec<(&StageDemand, usize)> = graph
        .stages
        .iter()
        .filter(|stage| gamma > 0 || stage.role != Role::Drafter)
        .zip(places)
        .collect();
    let memory = platform.memories.iter().map(|memory| {
        let here = placed
            .iter()
            .filter(|(_, at)| pu(*at).is_some_and(|pu| pu.memory == memory.name));
        let bytes = here.map(|(stage, _)| stage.demand.weight_bytes);
        (memory.name.clone(), bytes.fold(0, u64::saturating_add))
    });
    Ok(StagePlan {
        m: graph.stages.len(),
        variants: variants.len(),
        log10_points: (variants.len() as f64).log10()
            + graph.stages.len() as f64 * (platform.pus.len() as f64).log10(),
        variant: variants.get(index).cloned().unwrap_or_default(),
        gamma,
        memory: memory.collect(),
        places: placed
            .iter()
            .map(|(stage, at)| {
                let name = pu(*at).map_or_else(String::new, |pu| pu.name.clone());
                (stage.name.clone(), name)
            })
            .collect(),
        per_token_ms: seconds * 1e3,
        bound_ms: bound * 1e3,
        proven: bound >= seconds * (1.0 - 1e-9),
        gap: (seconds / bound - 1.0).max(0.0),
        heft_ms: heft.is_finite().then_some(heft * 1e3),
        solved,
        labels,
        steps,
        out_of_steps: steps > options.steps,
        seconds: started.elapsed().as_secs_f64(),
        assumptions: assumptions(request),
    })
}

/// A variant with a draft length, and what is known about it. The least bound comes first.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Case {
    bound: f64,
    index: usize,
    gamma: u32,
    /// Whether the bound knows about capacities.
    priced: bool,
}

impl Eq for Case {}

impl PartialOrd for Case {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Case {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_bound = other.bound.total_cmp(&self.bound);
        by_bound.then((other.index, other.gamma).cmp(&(self.index, self.gamma)))
    }
}

fn assumptions(request: &Request) -> Vec<String> {
    let mut said = vec![
        format!("latencies of stages are rooflines of the platform {} ({})", request.platform.name, request.platform.origin),
        "a value that changes units inside a model costs its crossing in every pass; between models once per round".to_owned(),
        "weights fill memories; activations, control and the host's overhead do not count".to_owned(),
    ];
    if request.workload.sequence_length.is_none() {
        said.push("how many tokens a pass takes is not known: where models are cut evenly, one token is taken to go from the drafter to the target".to_owned());
    }
    if let (Some(profile), Some(first)) = (&request.profile, said.first_mut()) {
        *first = format!(
            "where {} has a model's latency on a unit, its stages share it as their rooflines do; elsewhere the roofline alone",
            profile.origin
        );
    }
    said
}

/// The stages under one variant, passes not yet multiplied by γ.
fn stages(request: &Request, graph: &StageGraph, variant: &Variant) -> Vec<Stage> {
    let n = request.platform.pus.len();
    let scale: Vec<(Role, Vec<f64>)> = Role::MODELS
        .into_iter()
        .map(|role| {
            let factor = |pu: usize| calibration(request, graph, variant, role, pu);
            (role, (0..n).map(factor).collect())
        })
        .collect();
    let factor = |role: Role, pu: usize| {
        let of = scale.iter().find(|(of, _)| *of == role);
        of.and_then(|(_, factors)| factors.get(pu))
            .copied()
            .unwrap_or(1.0)
    };
    let stages = graph.stages.iter().map(|stage| Stage {
        model: usize::from(stage.role == Role::Target),
        passes: 1.0,
        bytes: stage.demand.weight_bytes as f64,
        seconds: (0..n)
            .map(|pu| {
                latency(request, stage, variant, pu).unwrap_or(f64::INFINITY)
                    * factor(stage.role, pu)
            })
            .collect(),
    });
    stages.collect()
}

/// What all variants have in common: everything but the stages.
fn frame(request: &Request, graph: &StageGraph, contiguous: bool) -> Problem {
    let platform = &request.platform;
    let n = platform.pus.len();
    let edges = graph.edges.iter().map(|edge| Edge {
        from: edge.from,
        to: edge.to,
        passes: 1.0,
        seconds: (0..n * n)
            .map(|pair| crossing(platform, pair / n, pair % n, edge.bytes))
            .collect(),
    });
    let memory = |name: &str| {
        platform
            .memories
            .iter()
            .position(|memory| memory.name == name)
    };
    let mut capacities: Vec<f64> = platform
        .memories
        .iter()
        .map(|memory| memory.capacity.value)
        .collect();
    let mut within: Vec<Vec<usize>> = platform
        .pus
        .iter()
        .map(|pu| memory(&pu.memory).into_iter().collect())
        .collect();
    for (name, limit) in &request.memory_limits {
        if let Some(pu) = platform.pus.iter().position(|pu| pu.name == *name) {
            if let Some(within) = within.get_mut(pu) {
                within.push(capacities.len());
            }
            capacities.push(*limit as f64);
        }
    }
    Problem {
        pus: n,
        stages: vec![],
        edges: edges.collect(),
        capacities,
        within,
        contiguous,
    }
}

/// Seconds of one pass of a stage; `None` where it cannot be.
fn latency(request: &Request, stage: &StageDemand, variant: &Variant, pu: usize) -> Option<f64> {
    let pu = request.platform.pus.get(pu)?;
    let pinned = request.pin_of(stage.role.into());
    if pinned.is_some_and(|to| *to != pu.name)
        || request.forbids(stage.role.into(), &pu.name)
        || crate::search::capability(stage.role, &stage.demand, pu).is_some()
        || request.probed(stage.role.into(), &pu.name).is_some()
    {
        return None;
    }
    let active = variant
        .get(&pu.name)
        .copied()
        .unwrap_or_else(|| pu.resources());
    Some(roofline::estimate(&stage.demand, pu, active)?.seconds)
}

/// What a model's measured latency on a PU is of the sum of its stages' rooflines there.
fn calibration(
    request: &Request,
    graph: &StageGraph,
    variant: &Variant,
    role: Role,
    pu: usize,
) -> f64 {
    let measured = |profile: &Profile| {
        let name = &request.platform.pus.get(pu)?.name;
        let dtype = request.workload.whole(role)?.dominant_dtype();
        let length = request.workload.sequence_length;
        let found = profile.latency(role, name, variant, dtype, length, None);
        Some(found.ok()?.seconds)
    };
    let sum: Option<f64> = graph
        .stages
        .iter()
        .filter(|stage| stage.role == role)
        .map(|stage| latency(request, stage, variant, pu))
        .sum();
    match (request.profile.as_ref().and_then(measured), sum) {
        (Some(measured), Some(sum)) if sum > 0.0 => measured / sum,
        _ => 1.0,
    }
}

fn crossing(platform: &Platform, from: usize, to: usize, bytes: u64) -> f64 {
    let name = |pu: usize| platform.pus.get(pu).map(|pu| pu.name.as_str());
    let route = name(from)
        .zip(name(to))
        .and_then(|(from, to)| platform.route(from, to));
    route.map_or(f64::INFINITY, |route| route.seconds(bytes))
}

fn nothing(request: &Request, graph: &StageGraph) -> StagesError {
    let platform = request.platform.name.clone();
    let stuck = graph.stages.iter().find(|stage| {
        let full = request.platform.full_variant();
        (0..request.platform.pus.len()).all(|pu| latency(request, stage, &full, pu).is_none())
    });
    if let Some(stage) = stuck {
        return StagesError::Stuck {
            stage: stage.name.clone(),
            platform,
        };
    }
    let weights = graph.stages.iter().map(|stage| stage.demand.weight_bytes);
    StagesError::NoPlace {
        stages: graph.stages.len() as u64,
        weights: weights.fold(0, u64::saturating_add),
        platform,
        levers: levers(request),
    }
}

/// What could make room for stages that can each run somewhere.
fn levers(request: &Request) -> String {
    let platform = &request.platform;
    let names = || platform.pus.iter().map(|pu| pu.name.as_str());
    let linked = names().all(|a| names().all(|b| a == b || platform.route(a, b).is_some()));
    let held = !request.pins.is_empty() || !request.forbid.is_empty();
    let found = [
        Some("raise a memory limit"),
        held.then_some("take back what --pin and --forbid say"),
        (!linked).then_some("describe the links between units"),
        (platform.memories.len() > 1).then_some("cut the models into more stages"),
    ];
    let found: Vec<&str> = found.into_iter().flatten().collect();
    format!("{}, or quantise the models", found.join(", "))
}
