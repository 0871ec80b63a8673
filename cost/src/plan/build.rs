//! From the best choice to a plan.

use super::context::Context;
use super::words;
use super::{
    CrossingPlan, DevicePlan, PLAN_VERSION, Plan, RolePlan, RunnerUp, Speedups, Times, VariantPlan,
};
use crate::crossing::End;
use crate::search::{Choice, CostModel, Evaluator, Point, Request, Space, sensitivity};
use crate::speedup::speedup;
use crate::workload::{Partition, Role};
use std::collections::BTreeMap;

/// The best run without speculation under each variant: on a single PU, unless the target fits
/// none and only its stages have a place.
fn baselines(
    request: &Request,
    space: &Space,
    evaluator: &Evaluator<'_>,
) -> BTreeMap<usize, Point> {
    let mut best: BTreeMap<usize, (bool, f64, Point)> = BTreeMap::new();
    for point in &space.alone {
        let split = request.only_pu(Role::Target, point.target).is_none();
        let new = (split, evaluator.plain(point), *point);
        let less = |old: &(bool, f64, Point)| {
            let time = new.1.total_cmp(&old.1);
            new.0.cmp(&old.0).then(time).is_lt()
        };
        if best.get(&point.variant).is_none_or(less) {
            best.insert(point.variant, new);
        }
    }
    best.into_iter()
        .map(|(variant, (_, _, point))| (variant, point))
        .collect()
}

/// The plan for the choice `best`.
pub(crate) fn build(
    request: &Request,
    space: &Space,
    evaluator: &Evaluator<'_>,
    best: Choice,
) -> Plan {
    let here = |point: &Point| point.variant == best.point.variant;
    let speculating = evaluator
        .best_speculating(true, here)
        .or_else(|| evaluator.best_speculating(true, |_| true));
    let baselines = baselines(request, space, evaluator);
    let context = Context {
        request,
        space,
        evaluator,
        best,
        speculating,
        baselines,
    };
    let c = if best.gamma > 0 {
        best.point.c()
    } else {
        speculating.and_then(|choice| choice.point.c())
    };
    let devices = devices(&context);
    Plan {
        version: PLAN_VERSION,
        platform: request.platform.name.clone(),
        platform_origin: request.platform.origin.clone(),
        sequence_length: request.workload.sequence_length,
        alpha: request.alpha,
        alpha_source: request.alpha_source.clone(),
        cost_model: request.model,
        draft_length: request.workload.draft_length,
        gamma: best.gamma,
        speculate: best.gamma > 0,
        c,
        tokens_per_round: evaluator.tokens(best.gamma).unwrap_or(1.0),
        variant: context.variant(best.point.variant),
        roles: context
            .placed()
            .into_iter()
            .map(|(role, pu)| (role, role_plan(&context, role, pu)))
            .collect(),
        compile_flags: compile_flags(&context, &devices),
        devices,
        crossings: crossings(&context),
        speedup: speedups(&context),
        time: times(&context),
        why: words::why(&context),
        runner_up: runner_up(&context),
        sensitivity: sensitivity(evaluator, &best, request.alpha, c),
        variants: variants(&context),
        points: space.size,
        points_evaluated: space.legal,
        alone_evaluated: space
            .points
            .iter()
            .filter(|point| point.drafter.is_none())
            .count() as u64,
        draft_lengths_tried: evaluator.gammas().collect(),
        ruled_out: space.ruled_out.clone(),
        assumptions: words::assumptions(&context),
        warnings: words::warnings(&context),
    }
}

fn role_plan(context: &Context<'_>, role: Partition, pu: usize) -> RolePlan {
    let workload = &context.request.workload;
    let demand = workload.subgraphs.get(&role);
    // What it shares with one before it on the same PU is there already.
    let there = context.placed().into_iter();
    let there = there
        .take_while(|(other, _)| *other != role)
        .filter(|(_, at)| *at == pu)
        .map(|(other, _)| other)
        .collect();
    RolePlan {
        pu: context.name(pu).to_owned(),
        latency: context
            .space
            .latency(context.best.point.variant, role, pu)
            .cloned(),
        memory: context
            .pu(pu)
            .map_or_else(String::new, |pu| pu.memory.clone()),
        weight_bytes: workload.weights_beside(role, &there),
        activation_bytes: demand.map_or(0, |demand| demand.activation_peak_bytes),
        reason: words::reason(context, role, pu),
    }
}

fn devices(context: &Context<'_>) -> Vec<DevicePlan> {
    let placed = context.placed();
    let control = context.best.point.control;
    let order = [control]
        .into_iter()
        .chain((0..context.platform().pus.len()).filter(|index| *index != control));
    let used = order.filter_map(|index| {
        let roles: Vec<Partition> = placed
            .iter()
            .filter(|(_, pu)| *pu == index)
            .map(|(role, _)| *role)
            .collect();
        Some((context.pu(index)?, roles)).filter(|(_, roles)| !roles.is_empty())
    });
    used.map(|(pu, roles)| {
        let active = context.active(context.best.point.variant, pu);
        DevicePlan {
            pu: pu.name.clone(),
            alias: pu.iree.alias.clone(),
            ordinal: pu.iree.ordinal,
            active,
            of: pu.resources(),
            resource: pu.resource.clone(),
            compile_flags: pu.iree.compile_flags.clone(),
            runtime_device: pu.iree.runtime_device.clone(),
            run_flags: pu.iree.run_flags(active, pu.resources()),
            roles,
        }
    })
    .collect()
}

/// The platform's, the module's and the devices' flags, each once: iree-compile refuses
/// repetitions.
fn compile_flags(context: &Context<'_>, devices: &[DevicePlan]) -> Vec<String> {
    let platform = context.platform();
    let units = || devices.iter().filter_map(|device| platform.pu(&device.pu));
    let all = platform
        .compile_flags
        .iter()
        .chain(units().flat_map(|unit| &unit.iree.module_flags))
        .chain(units().flat_map(|unit| &unit.iree.compile_flags));
    all.fold(Vec::new(), |mut unique: Vec<String>, flag| {
        if !unique.contains(flag) {
            unique.push(flag.clone());
        }
        unique
    })
}

/// What crosses, alike values in one row.
fn crossings(context: &Context<'_>) -> Vec<CrossingPlan> {
    let placed: BTreeMap<Partition, usize> = context.placed().into_iter().collect();
    let platform = context.platform();
    let pu = |role| Some(context.name(*placed.get(&role)?));
    let mut rows: Vec<CrossingPlan> = Vec::new();
    for value in context.request.workload.values() {
        let demands: Vec<_> = value
            .into_iter()
            .filter_map(|demand| Some((demand, pu(demand.from)?, pu(demand.to)?)))
            .collect();
        let Some(crossing) = platform.crossing_of(&demands) else {
            continue;
        };
        for (demand, from, to) in demands {
            let leg = crossing.leg(&End::maker(demand, from), &End::reader(demand, to));
            let (Some(leg), Some(route)) = (leg, platform.route(from, to)) else {
                continue;
            };
            let links = || route.links.iter().flatten();
            let row = CrossingPlan {
                from: demand.from,
                to: demand.to,
                from_pu: from.to_owned(),
                to_pu: to.to_owned(),
                method: leg.method,
                owner: crossing
                    .owner()
                    .filter(|_| leg.method.shares())
                    .map(str::to_owned),
                via: route.links[1].map(|_| platform.control.clone()),
                unified_memory: links().all(|link| link.unified_memory),
                transparent_access: links().all(|link| link.transparent_access),
                bytes: demand.bytes,
                per: demand.per,
                count: demand.count,
                what: demand.what.clone(),
                each_ms: leg.seconds * 1e3,
            };
            let like = |known: &CrossingPlan| {
                let count = known.count;
                *known
                    == CrossingPlan {
                        count,
                        ..row.clone()
                    }
            };
            match rows.iter_mut().find(|known| like(known)) {
                Some(known) => known.count = known.count.saturating_add(row.count),
                None => rows.push(row),
            }
        }
    }
    rows
}

fn speedups(context: &Context<'_>) -> Speedups {
    let Context {
        request,
        space,
        evaluator,
        best,
        ..
    } = context;
    let plain = evaluator.plain_beside(&best.point);
    let c = best.point.c().unwrap_or(0.0);
    let single = |model: CostModel| {
        let mut alone = Request {
            model,
            ..(*request).clone()
        };
        if model.per_position && alone.per_position.is_none() {
            alone.model = CostModel::EQ1;
        }
        let with = Evaluator::new(&alone, space, &[best.gamma]);
        let choice = with.best_of(&best.point)?;
        Some(with.plain_beside(&best.point) / choice.seconds)
    };
    let mut by_model = BTreeMap::from([("eq1".to_owned(), speedup(request.alpha, best.gamma, c))]);
    let on = CostModel::EQ1;
    let refinements = [
        (
            "transfer",
            CostModel {
                transfer: true,
                ..on
            },
            true,
        ),
        (
            "overlapped",
            CostModel {
                overlapped: true,
                ..on
            },
            true,
        ),
        (
            "per-position",
            CostModel {
                per_position: true,
                ..on
            },
            request.per_position.is_some(),
        ),
        // Its table exists only when it was asked for.
        (
            "verify",
            CostModel { verify: true, ..on },
            request.model.verify,
        ),
    ];
    let known = refinements.into_iter().filter(|(_, _, known)| *known);
    by_model.extend(known.filter_map(|(name, model, _)| Some((name.to_owned(), single(model)?))));
    Speedups {
        eq1: speedup(request.alpha, best.gamma, c),
        refined: plain / best.seconds,
        over_baseline: context
            .baselines
            .get(&best.point.variant)
            .map_or(plain, |baseline| evaluator.plain(baseline))
            / best.seconds,
        by_model,
    }
}

fn times(context: &Context<'_>) -> Times {
    let plain = context.evaluator.plain_beside(&context.best.point);
    let best = context.best.point;
    let baseline = context.baselines.get(&best.variant).copied();
    let baseline = baseline.unwrap_or(best);
    Times {
        per_token_ms: context.best.seconds * 1e3,
        without_speculation_ms: plain * 1e3,
        baseline_ms: context.evaluator.plain(&baseline) * 1e3,
        baseline_pu: context.request.place_name(Role::Target, baseline.target),
    }
}

fn runner_up(context: &Context<'_>) -> Option<RunnerUp> {
    let chosen = &context.best.point;
    let next = context
        .evaluator
        .best_where(|point| point.mapping() != chosen.mapping())?;
    Some(RunnerUp {
        variant: context.variant(next.point.variant),
        mapping: context.mapping(&next.point),
        gamma: next.gamma,
        c: next.point.c(),
        per_token_ms: next.seconds * 1e3,
        slower: next.seconds / context.best.seconds - 1.0,
    })
}

fn variants(context: &Context<'_>) -> Vec<VariantPlan> {
    let best = context.evaluator.best_by(|point| point.variant);
    let plan = |best: Choice| VariantPlan {
        variant: context.variant(best.point.variant),
        mapping: context.mapping(&best.point),
        gamma: best.gamma,
        c: best.point.c(),
        eq1: speedup(
            context.request.alpha,
            best.gamma,
            best.point.c().unwrap_or(0.0),
        ),
        per_token_ms: best.seconds * 1e3,
        over_baseline: context
            .baselines
            .get(&best.point.variant)
            .map_or(1.0, |plain| context.evaluator.plain(plain) / best.seconds),
    };
    best.into_iter().map(plan).collect()
}
