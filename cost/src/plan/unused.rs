//! What a profile measured and this decision cannot use, with the reason.
//!
//! A hole in a profile is filled or rules a place out, and the plan says so there. This is the other
//! side: a measurement that answers no question is most often a slip (the module was exported for
//! another sequence length, a core was miscounted), and without a word it would look as if it had
//! counted.

use super::context::Context;
use crate::platform::{Variant, variant_text};
use crate::profile::{HoleReason, Measurement, Profile};
use crate::search::Request;
use crate::text::list;
use crate::workload::SubgraphDemand;

/// One sentence for each place of a partition whose measurements all do not apply, and for each
/// measurement of a variant that the platform cannot have. Processing units that the platform lacks
/// are somebody else's sentence.
pub(super) fn measurements(context: &Context<'_>, profile: &Profile) -> Vec<String> {
    let request = context.request;
    let mut said: Vec<String> = Vec::new();
    for measured in &profile.measurements {
        if request.platform.pu(&measured.pu).is_none() {
            continue;
        }
        let why = impossible(request, measured).or_else(|| unanswered(context, profile, measured));
        if let Some(why) = why {
            let sentence = format!(
                "the profile's latency of {} on {} is not used: {why}",
                measured.role, measured.pu
            );
            if !said.contains(&sentence) {
                said.push(sentence);
            }
        }
    }
    said
}

/// Why no module on this platform could use it.
fn impossible(request: &Request, measured: &Measurement) -> Option<String> {
    if !request.workload.subgraphs.contains_key(&measured.role) {
        let mut has = request
            .workload
            .partitions_of(measured.role.role)
            .peekable();
        return Some(match has.peek() {
            Some(_) => format!("the module has {} instead", list(has)),
            None => "the module has none".into(),
        });
    }
    measured.variant.iter().find_map(|(name, count)| {
        let given = format!("it was measured with {name}={count}");
        match request.platform.pu(name) {
            None => Some(format!(
                "{given}, and the platform {} has no {name}",
                request.platform.name
            )),
            Some(pu) if *count > pu.resources() => {
                // The resource has a name in the plural, which may be anything.
                Some(format!(
                    "{given}, and {name} has {}",
                    pu.counted(pu.resources())
                ))
            }
            Some(_) => None,
        }
    })
}

/// Why nothing that was measured of this partition on this unit answers, under any variant.
fn unanswered(context: &Context<'_>, profile: &Profile, measured: &Measurement) -> Option<String> {
    let request = context.request;
    let role = measured.role;
    // Verification is priced by these points, whatever a whole pass costs.
    let verifies = request.model.verify && measured.points.iter().any(|p| p.new_tokens.is_some());
    if verifies {
        return None;
    }
    let demand = request.workload.subgraphs.get(&role);
    let ask = |variant: &Variant| {
        profile.latency(
            role,
            &measured.pu,
            variant,
            demand.and_then(SubgraphDemand::dominant_dtype),
            request.workload.sequence_length,
            request.workload.state.as_ref().map(|_| 1),
        )
    };
    let mut holes = Vec::new();
    for variant in &context.space.variants {
        match ask(variant) {
            Ok(_) => return None,
            Err(hole) => holes.push(hole),
        }
    }
    // Where some variant fits, what is wrong besides is the better answer.
    holes.sort_by_key(|hole| hole.reason == HoleReason::Variant);
    let hole = holes.into_iter().next()?;
    Some(match (&hole.reason, &request.variant) {
        (HoleReason::Variant, Some(given)) => {
            format!(
                "{}, and the variant is {}",
                hole.detail,
                variant_text(given)
            )
        }
        _ => hole.detail,
    })
}
