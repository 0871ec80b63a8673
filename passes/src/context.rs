//! What a run of the pipeline has beside the IR.
//!
//! Each pass takes and gives what its own type says. What one has given waits here for
//! those that take it; where nothing waits, since the pass ran in another process, it
//! is read back from where that one left it in the IR.

use std::collections::BTreeSet;

use cost::{Plan, Ranking, Role, Workload};
use dialects::{Diagnostic, Module};

use crate::estimate_costs;
use crate::placement::Placement;
use crate::select_mapping::{self, DraftLength};
use crate::settings::{Handover, Settings};

/// Warnings and remarks: what passes have to say, and do not print.
pub type Remarks = Vec<Diagnostic>;

/// What a run of the pipeline has beside the IR. Only the table of passes
/// ([`crate::pipeline::PASSES`]) and who runs it see it.
#[derive(Debug, Default)]
pub struct Context {
    /// The user's decisions.
    pub settings: Settings,
    /// Warnings and remarks so far.
    pub remarks: Remarks,
    /// The roles that `resolve-markers` saw markers of.
    pub(crate) marked: BTreeSet<Role>,
    /// What `estimate-costs` counted.
    pub workload: Option<Workload>,
    /// What `select-mapping` chose. What of it rewriting passes need is read back from
    /// the IR; the plan itself is not.
    pub plan: Option<Plan>,
    /// How the mappings compare, as far as [`Settings::ranks`] asks for it.
    pub ranking: Ranking,
    /// The plan in the terms of the rewriting passes.
    pub placement: Option<Placement>,
    /// By how many bytes what IREE computes ahead may grow, where its own bound
    /// would let it widen weights, as `assign-affinities` found.
    pub(crate) hoisting_threshold: Option<u64>,
}

impl Context {
    /// Starts with the user's decisions.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// What `estimate-costs` counted, in this run or an earlier one.
    ///
    /// # Errors
    ///
    /// It did not run.
    pub(crate) fn counted(&self, module: &Module<'_>) -> Result<Workload, Vec<Diagnostic>> {
        match &self.workload {
            Some(workload) => Ok(workload.clone()),
            None => estimate_costs::left_in(module),
        }
    }

    /// The draft length that `select-mapping` chose, in this run or an earlier one.
    ///
    /// # Errors
    ///
    /// It did not run.
    pub(crate) fn draft_length(&self, module: &Module<'_>) -> Result<DraftLength, Vec<Diagnostic>> {
        if let Some(plan) = &self.plan {
            return Ok(DraftLength {
                gamma: plan.gamma,
                form: plan.draft_length,
            });
        }
        let Some(gamma) = select_mapping::draft_length_in(module) else {
            return Err(vec![
                Diagnostic::error("no draft length to fold: select-mapping did not run")
                    .help("run the passes in order: --pass …,select-mapping,fold-draft-length"),
            ]);
        };
        let form = self.counted(module)?.draft_length;
        Ok(DraftLength { gamma, form })
    }

    /// What `select-mapping` chose, in this run or an earlier one, for the pass `pass` to
    /// do what `to` says.
    ///
    /// # Errors
    ///
    /// It did not run, or the platform is not given on whose units it placed.
    pub(crate) fn decided(
        &mut self,
        module: &Module<'_>,
        to: &str,
        pass: &str,
    ) -> Result<Decided<'_>, Vec<Diagnostic>> {
        let placement = match &mut self.placement {
            Some(placement) => placement,
            none => none.insert(left_in(module, &self.settings, to, pass)?),
        };
        Ok(Decided {
            placement,
            plan: self.plan.as_ref(),
            handover: self.settings.handover,
            remarks: &mut self.remarks,
        })
    }

    /// What iree-compile is told so that it keeps no copies of weights: products
    /// that read a transposed weight as it lies, and a bound where weights would be
    /// widened. IREE 3.6 is told nothing.
    pub fn hoisting_flags(&self) -> Vec<String> {
        if self.settings.handover == Handover::Tensors {
            return Vec::new();
        }
        let bound = self
            .hoisting_threshold
            .map(|bytes| format!("{}={bytes}", crate::hoisting::OPTION));
        let mut flags = vec![crate::hoisting::GENERALIZE.to_owned()];
        flags.extend(bound);
        flags
    }
}

/// What passes after `select-mapping` work with.
pub(crate) struct Decided<'c> {
    /// Who is where.
    pub placement: &'c Placement,
    /// The plan, if it was made in this run.
    pub plan: Option<&'c Plan>,
    /// What the IREE that is installed takes.
    pub handover: Handover,
    /// Where their remarks go.
    pub remarks: &'c mut Remarks,
}

/// The placement that an earlier run of `select-mapping` left in the module.
fn left_in(
    module: &Module<'_>,
    settings: &Settings,
    to: &str,
    pass: &str,
) -> Result<Placement, Vec<Diagnostic>> {
    let request = settings.request.as_ref();
    let found = request.and_then(|asked| select_mapping::placement_in(module, &asked.platform));
    found.ok_or_else(|| {
        vec![match module.op().attribute(select_mapping::PLAN) {
            None => Diagnostic::error(format!("no placement to {to}: select-mapping did not run"))
                .help(format!(
                    "run the passes in order: --pass …,select-mapping,…,{pass}"
                )),
            Some(plan) => Diagnostic::error(format!(
                "no placement to {to}: {} of the module names no devices of a platform that is \
                 given",
                select_mapping::PLAN
            ))
            .offending(plan.to_string())
            .help("give --platform and --alpha as they were given to select-mapping"),
        }]
    })
}
