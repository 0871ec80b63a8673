//! What was read, against what was planned.

use std::collections::{BTreeMap, BTreeSet};

use cost::Role;
use dialects::{Diagnostic, Module, Op};

use super::Checker;
use crate::verify_placement::expectation::PlannedFunction;
use crate::verify_placement::listed;

impl Checker<'_, '_> {
    /// What the module asks for is what its plan says: every function of a role
    /// is on that role's device, the public ones are on control's, a model that
    /// was planned has a function, and one that was not has none.
    pub(super) fn check_plan(&mut self) {
        let expectation = self.expectation;
        if expectation.plan.is_empty() {
            self.remarks.push(Diagnostic::remark(
                "the module carries no plan: that everything is where its attributes say is \
                 all that is proven",
            ));
        }
        let control = Role::Control.to_string();
        let mut served = BTreeSet::new();
        for (name, function) in &expectation.functions {
            let Some(device) = &function.device else {
                continue;
            };
            let role = match &function.role {
                Some(role) => role,
                None if function.public => &control,
                None => continue,
            };
            served.insert(role);
            let label = described(name, function);
            match expectation.plan.get(role) {
                Some(planned) if planned == device => {}
                Some(planned) => self.violate(Diagnostic::error(format!(
                    "{label} is put on @{device}, but the module's plan has the {role} on @{planned}"
                ))),
                None if expectation.plan.is_empty() => {}
                None => self.violate(Diagnostic::error(format!(
                    "{label} is there, but the module's plan has no {role}"
                ))),
            }
        }
        for (role, planned) in &expectation.plan {
            if *role != control && !served.contains(role) {
                self.violate(Diagnostic::error(format!(
                    "the module's plan has the {role} on @{planned}, but no function is the {role}'s"
                )));
            }
        }
    }

    /// Every function that must survive did, and every call to it passes and
    /// yields as many values as were emitted.
    pub(super) fn check_functions(&mut self, stream: &Module<'_>) {
        let present: BTreeSet<String> = stream
            .body()
            .ops()
            .into_iter()
            .filter(|op| op.is("util.func") || op.is("func.func"))
            .filter_map(Op::symbol_name)
            .collect();
        let mut found = Vec::new();
        let mut incomparable: Vec<String> = Vec::new();
        for (name, function) in &self.expectation.functions {
            if !function.kept || !function.reachable {
                continue;
            }
            let label = described(name, function);
            if !present.contains(name) {
                found.push(
                    Diagnostic::error(format!("{label} is gone, though it must not be inlined"))
                        .help(
                            "its calls were removed as dead, or `noinline` was dropped on the way",
                        ),
                );
                continue;
            }
            let calls = self.calls.get(name).map(Vec::as_slice).unwrap_or_default();
            if calls.len() < function.calls {
                found.push(Diagnostic::error(format!(
                    "of {} calls to {label}, IREE kept {}",
                    function.calls,
                    calls.len()
                )));
            }
            if function.comparable {
                found.extend(
                    calls
                        .iter()
                        .filter_map(|call| wrong_arity(*call, &label, function)),
                );
            } else if function.device.is_some() {
                incomparable.push(label);
            }
        }
        let said = match incomparable.as_slice() {
            [] => None,
            [label] => Some(format!(
                "{label} passes tensors, so that the arity of its calls cannot be compared"
            )),
            [label, others @ ..] => Some(format!(
                "{label} and {} more pass tensors, so that the arity of their calls cannot be compared",
                others.len()
            )),
        };
        self.remarks.extend(said.map(|said| {
            Diagnostic::remark(said)
                .help("IREE can merge tensors across calls wrongly: pass buffers")
        }));
        self.violations.extend(found);
    }

    pub(super) fn check_executables(&mut self) {
        let mut found = Vec::new();
        let mut twice: BTreeMap<&BTreeSet<String>, Vec<&str>> = BTreeMap::new();
        for (name, (planned, actual)) in &self.executables {
            for device in actual {
                if let Some(found) = self.uses.get_mut(device) {
                    found.executables += 1;
                }
            }
            if planned != actual && !planned.is_empty() {
                found.push(Diagnostic::error(format!(
                    "executable @{name} is dispatched on {}, planned on {}",
                    listed(actual),
                    listed(planned)
                )));
            } else if actual.len() > 1 {
                twice.entry(actual).or_default().push(name);
            }
        }
        // A model that both run has dozens of them.
        self.remarks.extend(twice.iter().map(|(devices, names)| {
            let said = match names.as_slice() {
                [name, others @ ..] if !others.is_empty() => {
                    format!("executable @{name} and {} more are", others.len())
                }
                names => format!("executable @{} is", names.join(", @")),
            };
            Diagnostic::remark(format!(
                "{said} compiled for {}: functions on both hold the same computation",
                listed(*devices)
            ))
        }));
        self.violations.extend(found);
    }

    pub(super) fn check_parameters(&mut self) {
        let mut found = Vec::new();
        for (parameter, (actual, _)) in &self.parameters {
            match self.expectation.parameters.get(parameter) {
                Some(planned) if planned == actual => {}
                Some(planned) => found.push(Diagnostic::error(format!(
                    "parameter {parameter} is loaded to {}, planned on {}",
                    listed(actual),
                    listed(planned)
                ))),
                None => found.push(Diagnostic::error(format!(
                    "parameter {parameter} is loaded to {}, but no function of the placed module reads it",
                    listed(actual)
                ))),
            }
        }
        for (parameter, planned) in &self.expectation.parameters {
            if !self.parameters.contains_key(parameter) {
                found.push(
                    Diagnostic::error(format!(
                        "parameter {parameter} is not loaded at all, planned on {}",
                        listed(planned)
                    ))
                    .help("was it imported into the module with --iree-parameter-import?"),
                );
            }
        }
        self.violations.extend(found);
    }

    /// Constants may be folded away, but what is left lies where it is used.
    pub(super) fn check_constants(&mut self) {
        let mut found = Vec::new();
        for (name, actual) in &self.constants {
            if let Some(planned) = self.expectation.constants.get(name)
                && !actual.is_subset(planned)
            {
                found.push(Diagnostic::error(format!(
                    "inline constant {name} lies on {}, planned on {}",
                    listed(actual),
                    listed(planned)
                )));
            }
        }
        self.violations.extend(found);
    }
}

/// `@drafter_0 (drafter)`.
pub(super) fn described(name: &str, function: &PlannedFunction) -> String {
    match &function.role {
        Some(role) => format!("@{name} ({role})"),
        None => format!("@{name}"),
    }
}

/// IREE's interprocedural optimisation drops arguments and results that it
/// takes for equal in every call, and gets it wrong for a call that passes one
/// value twice (`repeated.mlir` in test/lit/verify_placement.mlir).
fn wrong_arity(call: Op<'_>, label: &str, function: &PlannedFunction) -> Option<Diagnostic> {
    let [arguments, results] = [call.operands().len(), call.results().len()];
    let differs = |actual: usize, emitted: usize, droppable: &BTreeSet<usize>| {
        actual > emitted || actual + droppable.len() < emitted
    };
    if !differs(arguments, function.arguments, &function.droppable_arguments)
        && !differs(results, function.results, &function.droppable_results)
    {
        return None;
    }
    Some(
        Diagnostic::error(format!(
            "a call to {label} passes {arguments} arguments and yields {results} results; \
             emitted were {} and {}",
            function.arguments, function.results
        ))
        .offending(call.summary())
        .help("IREE merged values that it took for equal; results can be silently wrong"),
    )
}
