//! `select-mapping`: evaluates the cost model over the whole design space and
//! keeps the plan.
//!
//! The deciding is [`cost::decide_and_rank`]; this pass only hands it the workload.
//! Left behind: the plan, and in the module's `specplace.plan` what the rewriting
//! passes act on.

use std::collections::BTreeMap;

use cost::workload::{DraftLengthForm, Workload};
use cost::{Partition, Plan, Platform, Ranking};
use dialects::ir::Attribute;
use dialects::{Diagnostic, Module};

use crate::identify_roles::kept;
use crate::placement::Placement;
use crate::settings::Settings;
use crate::state;

/// The module attribute that tells device by role and the draft length.
pub const PLAN: &str = "specplace.plan";

/// What was decided.
#[derive(Debug)]
pub struct Decision {
    /// The plan.
    pub plan: Plan,
    /// How the mappings compare, as far as [`Settings::ranks`] asks for it.
    pub ranking: Ranking,
    /// The plan in the terms of the rewriting passes.
    pub placement: Placement,
}

/// The draft length of a placed module, and how it can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DraftLength {
    /// The number of drafts.
    pub gamma: u32,
    /// How the module has it.
    pub form: DraftLengthForm,
}

/// Runs the pass.
///
/// # Errors
///
/// No request (no α given), state that is kept between calls,
/// and whatever [`cost::decide_and_rank`] says, such as that no mapping is feasible.
pub fn run(
    module: &mut Module<'_>,
    settings: &Settings,
    workload: Workload,
) -> Result<Decision, Vec<Diagnostic>> {
    let Some(request) = &settings.request else {
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
    let kept = kept::take(module);
    if settings.keep_placement {
        keep_placement(&mut request, &kept)?;
    }
    let (plan, ranking) = cost::decide_and_rank(&request, settings.ranks)
        .map_err(|error| vec![Diagnostic::from(&cost::CostError::from(error))])?;
    let mapping: BTreeMap<Partition, String> = plan
        .roles
        .iter()
        .map(|(role, place)| (*role, place.pu.clone()))
        .collect();
    let placement = Placement::new(module, &request.platform, &mapping);
    let session = module.session();
    let mut entries = Attribute::empty_dictionary(session);
    let gamma = Attribute::i64(session, plan.gamma.into());
    entries = entries.with(session, DRAFT_LENGTH_ENTRY, gamma);
    for role in mapping.keys() {
        let symbol = Attribute::string(session, placement.symbol_of(*role));
        entries = entries.with(session, &role.to_string(), symbol);
    }
    module.op().set_attribute(PLAN, entries);
    Ok(Decision {
        plan,
        ranking,
        placement,
    })
}

/// The entry of [`PLAN`] that holds the number of drafts; the others are devices.
const DRAFT_LENGTH_ENTRY: &str = "draft_length";

/// The number of drafts that an earlier run of the pass left in the module; `None` if
/// it left none.
pub fn draft_length_in(module: &Module<'_>) -> Option<u32> {
    let length = module.op().attribute(PLAN)?.entry(DRAFT_LENGTH_ENTRY)?;
    u32::try_from(length.as_integer()?).ok()
}

/// The placement that an earlier run of the pass left in the module, on the units of
/// `platform`; `None` if it left none, or one on units that the platform lacks.
pub fn placement_in(module: &Module<'_>, platform: &Platform) -> Option<Placement> {
    let entries = module.op().attribute(PLAN)?.entries().into_iter();
    let devices: BTreeMap<Partition, String> = entries
        .filter(|(name, _)| name != DRAFT_LENGTH_ENTRY)
        .map(|(role, symbol)| Some((role.parse().ok()?, symbol.as_string()?)))
        .collect::<Option<_>>()?;
    Placement::of_symbols(platform, &devices)
}

/// Pins roles to the devices that the input names for them.
fn keep_placement(
    request: &mut cost::Request,
    kept: &BTreeMap<Partition, String>,
) -> Result<(), Vec<Diagnostic>> {
    for (role, name) in kept {
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
