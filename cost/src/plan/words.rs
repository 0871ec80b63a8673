//! The sentences of a plan.

use super::context::Context;
use super::unused;
use crate::roofline::{self, LatencySource};
use crate::search::{GammaChoice, Reason, legal};
use crate::text::{counted, digits, list, seconds};
use crate::workload::{DraftLengthForm, Partition, Role};
use std::collections::BTreeSet;

/// Why the whole, in a few sentences.
pub(super) fn why(context: &Context<'_>) -> String {
    let choice = &context.best;
    let alpha = digits(context.request.alpha);
    let refined = if context.request.model.is_eq1() {
        String::new()
    } else {
        format!(" (ranked by {})", context.request.model)
    };
    let advice = if context.request.workload.draft_length == DraftLengthForm::Absent {
        " The module has no loop: the draft length is advice for whoever drives it."
    } else {
        ""
    };
    if choice.gamma > 0 {
        let tokens = context.evaluator.tokens(choice.gamma).unwrap_or(1.0);
        let c = choice.point.c().unwrap_or(0.0);
        let round = f64::from(choice.gamma) * c + 1.0;
        let how = match (context.request.gamma, context.request.workload.draft_length) {
            (GammaChoice::Fixed(_), _) => " The draft length was given.",
            (_, DraftLengthForm::Unrolled { .. }) => {
                " The module's drafts are unrolled, so the choice was between this draft length and none."
            }
            (_, DraftLengthForm::Loop) => {
                " The module's own loop decides how many tokens it drafts; one was counted."
            }
            _ => "",
        };
        let verdict = if c < context.request.alpha {
            format!("c = {} is below α = {alpha}", digits(c))
        } else {
            format!(
                "c = {} is not below α = {alpha}, so that speculation does not pay",
                digits(c)
            )
        };
        return format!(
            "{verdict}: drafting {} yields {} tokens per round for the time of {} passes of the target{refined}.{how}{advice}",
            counted(choice.gamma, "token"),
            digits(tokens),
            digits(round)
        );
    }
    format!("{}{refined}.{advice}", why_not(context, &alpha))
}

/// Why there is no speculation.
fn why_not(context: &Context<'_>, alpha: &str) -> String {
    if !context.request.workload.has(Role::Drafter) {
        return "no speculation: the module has no drafter".into();
    }
    match (context.request.gamma, context.request.workload.draft_length) {
        (GammaChoice::Fixed(0), _) => {
            return "no speculation: a draft length of 0 was asked for".into();
        }
        (GammaChoice::Auto { max: 0 }, _) => {
            return "no speculation: the greatest draft length was set to 0".into();
        }
        (_, DraftLengthForm::Unrolled { gamma: 0 } | DraftLengthForm::Symbolic { max: 0 }) => {
            return "no speculation: the module drafts no tokens".into();
        }
        (GammaChoice::Auto { max }, DraftLengthForm::Unrolled { gamma }) if max < gamma => {
            return format!(
                "no speculation: the module's drafts are unrolled, so that it drafts {} or none, and the greatest draft length was set to {max}",
                counted(gamma, "token")
            );
        }
        _ => {}
    }
    let Some(alternative) = &context.speculating else {
        return "no speculation: no mapping with a drafter is legal, for the reasons under `ruled out`".into();
    };
    let c = alternative.point.c().unwrap_or(f64::INFINITY);
    let place = list(
        context
            .mapping(&alternative.point)
            .iter()
            .map(|(role, pu)| format!("{role} on {pu}")),
    );
    let would = format!(
        "{} per token with a draft length of {}, against {}",
        seconds(alternative.seconds),
        alternative.gamma,
        seconds(context.best.seconds)
    );
    // The mapping that speculates best need not be the one with the least c.
    let least = context
        .evaluator
        .points()
        .iter()
        .filter_map(|point| point.c())
        .fold(f64::INFINITY, f64::min);
    if least >= context.request.alpha {
        return format!(
            "no speculation: it pays only where c is below α, and c is at least {} on every legal mapping while α = {alpha}; the best is {place} ({would})",
            digits(least)
        );
    }
    if c >= context.request.alpha {
        return format!(
            "no speculation: the fastest mapping that would speculate is {place}, where c = {} is not \
             below α = {alpha} ({would}); where c is below α, the target is slower by more than \
             speculation gains",
            digits(c)
        );
    }
    if alternative.point.target != context.best.point.target {
        return format!(
            "no speculation: with {place} it would pay there (c = {}), but the target alone on {} is faster still ({would})",
            digits(c),
            context
                .request
                .place_name(Role::Target, context.best.point.target)
        );
    }
    let unrolled = matches!(
        context.request.workload.draft_length,
        DraftLengthForm::Unrolled { .. }
    );
    let cause = if unrolled {
        "the drafts are unrolled, and that many do not pay"
    } else {
        "it does not pay"
    };
    format!(
        "no speculation: {cause} with {place}, c = {} and α = {alpha} ({would})",
        digits(c)
    )
}

/// Why a role is where it is.
pub(super) fn reason(context: &Context<'_>, role: Partition, pu: usize) -> String {
    if context.request.pin_of(role).is_some() {
        return "pinned".into();
    }
    if role == Partition::CONTROL {
        let is_host = context.name(pu) == context.platform().control;
        return if is_host {
            "crossings cost least; the platform's host".into()
        } else {
            "crossings cost least".into()
        };
    }
    let others: Vec<String> = (0..context.platform().pus.len())
        .filter(|other| *other != pu)
        .map(|other| elsewhere(context, role, other))
        .collect();
    if others.is_empty() {
        "the only processing unit".into()
    } else {
        others.join("; ")
    }
}

/// What a role would be like on another PU.
fn elsewhere(context: &Context<'_>, role: Partition, index: usize) -> String {
    let name = context.name(index);
    let demand = context.request.workload.subgraphs.get(&role);
    let (Some(pu), Some(demand)) = (context.pu(index), demand) else {
        return String::new();
    };
    if context.request.forbids(role, name) {
        return format!("forbidden on {name}");
    }
    let alone = [(role, demand, pu)];
    let blocked = legal::capability(role, demand, pu)
        .or_else(|| context.request.probed(role, name))
        .or_else(|| legal::memory(context.request, &alone));
    match blocked {
        Some(Reason::DType { missing, .. }) => return format!("{name} lacks {}", list(missing)),
        Some(Reason::Probed { .. }) => return format!("does not compile for {name}"),
        Some(Reason::Cannot { op, entry, .. }) => {
            return format!("{op} {} on {name}", entry.outcome);
        }
        Some(Reason::BooleanWeights { .. }) => {
            return format!("its boolean weights are read wrongly on {name}");
        }
        Some(Reason::Ops { missing, .. }) => return format!("{name} lacks {}", list(missing)),
        Some(_) => return format!("does not fit {name}'s memory"),
        None => {}
    }
    let variant = context.best.point.variant;
    match context.space.latency(variant, role, index) {
        Some(latency) => format!("{} on {name}", seconds(latency.seconds)),
        None if context.request.profile.is_some() => format!("not measured on {name}"),
        None => format!("not possible on {name} beside the others"),
    }
}

/// What was assumed, each once, in a fixed order.
pub(super) fn assumptions(context: &Context<'_>) -> Vec<String> {
    let request = context.request;
    let mut said: Vec<String> = vec![format!(
        "α = {}: {}",
        digits(request.alpha),
        request.alpha_source
    )];
    if request.profile.is_none() {
        said.push(format!(
            "no profile: latencies are rooflines of the platform {} ({})",
            request.platform.name, request.platform.origin
        ));
    }
    for (role, index) in context.placed() {
        let (Some(pu), Some(demand)) = (context.pu(index), request.workload.subgraphs.get(&role))
        else {
            continue;
        };
        match context
            .space
            .latency(context.best.point.variant, role, index)
            .map(|latency| &latency.source)
        {
            Some(LatencySource::Measured {
                profile,
                how,
                source,
                ..
            }) => said.push(format!(
                "{role} on {}: {source} in {profile}, {how}",
                pu.name
            )),
            Some(LatencySource::Roofline { .. }) => said.extend(roofline::assumptions(
                demand,
                pu,
                context.active(context.best.point.variant, pu),
            )),
            None => {}
        }
    }
    if context.best.gamma > 0 && !request.model.verify {
        said.push(
            "verifying γ+1 tokens costs one pass of the target (no KV cache): Eq. (1)".into(),
        );
    }
    if request.model.verify
        && context
            .space
            .verify
            .get(context.best.point.verify)
            .is_none_or(Vec::is_empty)
    {
        said.push("v(γ) = 1: without a KV cache one pass verifies any draft, and the profile has no `new_tokens`".into());
    }
    if context.best.gamma > 0 && !request.model.transfer {
        said.push("crossings and host overhead do not count: Eq. (1); the cost model `transfer` adds them".into());
    }
    if request.model.overlapped {
        said.push(
            "drafting overlaps verifying: analysis only, the compiled module does not".into(),
        );
    }
    let mut seen = BTreeSet::new();
    said.retain(|sentence| seen.insert(sentence.clone()));
    said
}

/// What to know before trusting it.
pub(super) fn warnings(context: &Context<'_>) -> Vec<String> {
    let request = context.request;
    let mut said = Vec::new();
    // Without speculation the verdict rests on the drafter that was not chosen, too.
    let alternative = context.speculating.filter(|_| context.best.gamma == 0);
    let drafter =
        alternative.and_then(|choice| Some(request.spread(Role::Drafter, choice.point.drafter?)));
    let drafter = drafter.unwrap_or_default();
    let variant = context.best.point.variant;
    let source = |(role, pu)| Some((role, pu, &context.space.latency(variant, role, pu)?.source));
    let mut rests_on = context.placed();
    let placed = context.placed();
    rests_on.extend(drafter.into_iter().filter(|place| !placed.contains(place)));
    let sources: Vec<_> = rests_on.into_iter().filter_map(source).collect();
    if let Some(profile) = &request.profile {
        said.extend(profile.warnings());
        if let Some(measured_on) = profile
            .platform
            .as_ref()
            .filter(|name| **name != request.platform.name)
        {
            said.push(format!(
                "the profile was measured on the platform `{measured_on}`, and this is `{}`",
                request.platform.name
            ));
        }
        for (role, pu, source) in &sources {
            match source {
                LatencySource::Roofline { .. } => said.push(format!(
                    "{role} on {} is a roofline estimate, since the profile lacks it: compared with measurements it is likely too fast",
                    context.name(*pu)
                )),
                LatencySource::Measured { dtype_mismatch: Some(mismatch), .. } => said.push(format!("{role} on {}: {mismatch}", context.name(*pu))),
                LatencySource::Measured { .. } => {}
            }
        }
        said.extend(unused::measurements(context, profile));
        let unknown: BTreeSet<&str> = profile
            .measurements
            .iter()
            .map(|m| m.pu.as_str())
            .filter(|pu| request.platform.pu(pu).is_none())
            .collect();
        if !unknown.is_empty() {
            said.push(format!(
                "the profile measures {}, which the platform {} does not have",
                list(&unknown),
                request.platform.name
            ));
        }
    }
    if let Some((_, pu)) = request
        .pins
        .iter()
        .find(|(what, _)| what.role == Role::Drafter)
        && context.best.point.drafter.is_none()
    {
        said.push(format!("the drafter is pinned to {pu}, but does not pay and leaves the module; give a draft length to keep it"));
    }
    said
}
