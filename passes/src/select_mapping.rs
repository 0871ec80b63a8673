//! `select-mapping`: evaluates the cost model over the whole design space and
//! keeps the plan.
//!
//! The deciding is [`cost::search`]; this pass only hands it the workload.
//! Left behind: the plan in the context, and in the module's
//! `specplace.plan` what the rewriting passes act on.

use std::collections::BTreeMap;

use cost::Partition;
use dialects::ir::Attribute;
use dialects::{Diagnostic, Module};

use crate::placement::Placement;
use crate::settings::Context;
use crate::state;

/// The module attribute that tells device by role and the draft length.
pub const PLAN: &str = "specplace.plan";

/// Runs the pass.
///
/// # Errors
///
/// No workload yet (`estimate-costs` did not run), no request (no α given), state
/// that is kept between calls,
/// and whatever [`cost::search`] says, such as that no mapping is feasible.
pub fn run(module: &mut Module<'_>, context: &mut Context) -> Result<(), Vec<Diagnostic>> {
    let Some(workload) = context.workload.clone() else {
        return Err(vec![
            Diagnostic::error("no workload to decide on: estimate-costs did not run")
                .help("run the passes in order: --pass …,estimate-costs,select-mapping"),
        ]);
    };
    let Some(request) = &context.settings.request else {
        return Err(vec![
            Diagnostic::error("no acceptance rate to decide with")
                .help("give --alpha A or --acceptance FILE[:TASK]"),
        ]);
    };
    if let Some(evidence) = state::evidence(module) {
        return Err(vec![state::refusal(evidence)]);
    }
    let mut request = cost::Request {
        workload,
        ..request.clone()
    };
    keep_placement(&mut request, context)?;
    let plan = cost::search(&request).map_err(|error| vec![Diagnostic::from(&error)])?;
    let mapping: BTreeMap<Partition, String> = plan
        .roles
        .iter()
        .map(|(role, place)| (*role, place.pu.clone()))
        .collect();
    let placement = Placement::new(module, &request.platform, &mapping);
    let session = module.session();
    let mut entries = Attribute::empty_dictionary(session);
    let gamma = Attribute::i64(session, plan.gamma.into());
    entries = entries.with(session, "draft_length", gamma);
    for role in mapping.keys() {
        let symbol = Attribute::string(session, placement.symbol_of(*role));
        entries = entries.with(session, &role.to_string(), symbol);
    }
    module.op().set_attribute(PLAN, entries);
    context.placement = Some(placement);
    context.plan = Some(plan);
    Ok(())
}

/// Pins roles to the devices that the input names for them.
fn keep_placement(request: &mut cost::Request, context: &Context) -> Result<(), Vec<Diagnostic>> {
    for (role, name) in &context.kept {
        let units = &request.platform.pus;
        // iree-turbine counts its devices: @__device_1 is the second.
        let numbered = || {
            let number: usize = name.strip_prefix("__device_")?.parse().ok()?;
            units.get(number)
        };
        let Some(unit) = units
            .iter()
            .find(|unit| unit.name == *name)
            .or_else(numbered)
        else {
            let known: Vec<&str> = units.iter().map(|unit| unit.name.as_str()).collect();
            return Err(vec![
                Diagnostic::error(format!(
                    "the input places the {role} on @{name}, which platform '{}' lacks",
                    request.platform.name
                ))
                .help(format!(
                    "name its device one of {}, give another --platform, or leave out \
                     --keep-placement",
                    known.join(", ")
                )),
            ]);
        };
        match request.pin_of(*role) {
            Some(pin) if *pin != unit.name => {
                return Err(vec![
                    Diagnostic::error(format!(
                        "--pin puts the {role} on {pin}, but --keep-placement keeps it on {} \
                         (@{name} of the input)",
                        unit.name
                    ))
                    .help("leave out one of them"),
                ]);
            }
            _ => {
                request.pins.insert(*role, unit.name.clone());
            }
        }
    }
    Ok(())
}
