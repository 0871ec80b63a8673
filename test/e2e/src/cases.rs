//! The table of cases.

use crate::case::{Case, Mapping};
use crate::module::Module;

/// Everything on one device.
const ONE_DEVICE: Mapping = Mapping {
    name: "one-device",
    drafter: "cpu",
    target: "cpu",
    control: "cpu",
};

/// The drafter on a CPU device of its own.
const DRAFTER_ON_CPU2: Mapping = Mapping {
    name: "drafter-on-cpu2",
    drafter: "cpu2",
    target: "cpu",
    control: "cpu",
};

/// The target on a CPU device of its own.
const TARGET_ON_CPU2: Mapping = Mapping {
    name: "target-on-cpu2",
    drafter: "cpu",
    target: "cpu2",
    control: "cpu",
};

/// Each role on a CPU device of its own.
const THREE_CPUS: Mapping = Mapping {
    name: "three-cpus",
    drafter: "cpu2",
    target: "cpu3",
    control: "cpu",
};

/// The drafter on the GPU.
const DRAFTER_ON_GPU: Mapping = Mapping {
    name: "drafter-on-gpu",
    drafter: "gpu",
    target: "cpu",
    control: "cpu",
};

/// The target on the GPU.
const TARGET_ON_GPU: Mapping = Mapping {
    name: "target-on-gpu",
    drafter: "cpu",
    target: "gpu",
    control: "cpu",
};

/// Both models on the GPU, the control flow on the CPU.
const BOTH_ON_GPU: Mapping = Mapping {
    name: "both-on-gpu",
    drafter: "gpu",
    target: "gpu",
    control: "cpu",
};

/// The control flow on the GPU, with the drafter.
const CONTROL_ON_GPU: Mapping = Mapping {
    name: "control-on-gpu",
    drafter: "gpu",
    target: "cpu",
    control: "gpu",
};

/// Every mapping that is tried.
pub const MAPPINGS: &[Mapping] = &[
    ONE_DEVICE,
    DRAFTER_ON_CPU2,
    TARGET_ON_CPU2,
    THREE_CPUS,
    DRAFTER_ON_GPU,
    TARGET_ON_GPU,
    BOTH_ON_GPU,
    CONTROL_ON_GPU,
];

/// Every module that is tried, with the draft lengths it is tried with: those
/// that the shared results are for of a symbolic one, its own and none of an
/// unrolled one.
pub const MODULES: &[(Module, &[Option<u32>])] = &[
    (
        Module::GenerateSymbolic,
        &[Some(0), Some(1), Some(4), Some(8)],
    ),
    (Module::GeneratePlace, &[Some(4), Some(0)]),
    (Module::StepPlace, &[Some(4), Some(0)]),
    (Module::StepTransfer, &[Some(4)]),
    (Module::StepTransferTraits, &[Some(4)]),
    (Module::ClonedFunctions, &[Some(3), Some(0)]),
    (Module::AnonymousWeights, &[Some(3)]),
    (Module::AnonymousNoMarkers, &[Some(3)]),
    (Module::TwoForwards, &[None]),
    (Module::GenerateCarried, &[Some(4)]),
    (Module::Assembled, &[Some(4)]),
];

/// The forms that are run [`PROVEN_TIMES`] over, on CPU and GPU and on two CPU
/// devices: every form that exporters make, and four more.
const PROVEN: &[(Module, &[u32])] = &[
    (Module::GenerateSymbolic, &[0, 1, 4, 8]),
    (Module::GeneratePlace, &[4]),
    (Module::StepPlace, &[4]),
    (Module::StepTransfer, &[4]),
    (Module::StepTransferTraits, &[4]),
    (Module::ClonedFunctions, &[3]),
    (Module::AnonymousWeights, &[3]),
    (Module::GenerateCarried, &[4]),
    (Module::Assembled, &[4]),
];

/// The runs of those in the long series, on each kind of CPU device.
pub const PROVEN_TIMES: usize = 50;

/// The runs of every other case: half of them on each kind of CPU device.
const OTHER_TIMES: usize = 20;

/// The runs of a case of the short series, on each kind of CPU device.
const SHORT_TIMES: usize = 2;

/// What `make test` takes: every module, every mapping and every draft length
/// of the symbolic one at least once, but few of their combinations, since a
/// compilation takes seconds.
const SHORT: &[(Module, Option<u32>, Mapping)] = &[
    (Module::GenerateSymbolic, Some(0), TARGET_ON_CPU2),
    (Module::GenerateSymbolic, Some(1), CONTROL_ON_GPU),
    (Module::GenerateSymbolic, Some(4), DRAFTER_ON_CPU2),
    (Module::GenerateSymbolic, Some(4), DRAFTER_ON_GPU),
    (Module::GenerateSymbolic, Some(8), THREE_CPUS),
    (Module::GeneratePlace, Some(4), DRAFTER_ON_CPU2),
    (Module::GeneratePlace, Some(4), TARGET_ON_GPU),
    (Module::StepPlace, Some(4), BOTH_ON_GPU),
    (Module::StepTransfer, Some(4), ONE_DEVICE),
    (Module::StepTransferTraits, Some(4), TARGET_ON_CPU2),
    (Module::ClonedFunctions, Some(3), DRAFTER_ON_CPU2),
    (Module::AnonymousWeights, Some(3), DRAFTER_ON_CPU2),
    (Module::AnonymousNoMarkers, Some(3), TARGET_ON_CPU2),
    (Module::GeneratePlace, Some(0), TARGET_ON_CPU2),
    (Module::TwoForwards, None, DRAFTER_ON_CPU2),
    (Module::GenerateCarried, Some(4), DRAFTER_ON_GPU),
    (Module::Assembled, Some(4), DRAFTER_ON_CPU2),
];

/// The cases of `make test`.
pub fn short() -> Vec<Case> {
    SHORT
        .iter()
        .map(|(module, gamma, mapping)| Case {
            module: *module,
            gamma: *gamma,
            mapping: *mapping,
            times: SHORT_TIMES,
        })
        .collect()
}

/// How often a case of the long series runs on each kind of CPU device.
fn times(module: Module, gamma: Option<u32>, mapping: Mapping) -> usize {
    // Without speculation there is no drafter to move.
    let proven = if gamma == Some(0) {
        [TARGET_ON_CPU2, TARGET_ON_GPU]
    } else {
        [DRAFTER_ON_CPU2, DRAFTER_ON_GPU]
    };
    let named = PROVEN.iter().any(|(named, gammas)| {
        *named == module && gamma.is_some_and(|gamma| gammas.contains(&gamma))
    });
    if named && proven.contains(&mapping) {
        PROVEN_TIMES
    } else {
        OTHER_TIMES.div_ceil(2)
    }
}

/// The cases of `make prove`: the whole table. Those that are run most often
/// come first.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (module, gammas) in MODULES {
        for gamma in *gammas {
            for mapping in MAPPINGS {
                // Without speculation there is no drafter to move.
                if *gamma == Some(0) && mapping.target == "cpu" && *mapping != ONE_DEVICE {
                    continue;
                }
                let times = times(*module, *gamma, *mapping);
                // The variants of a form that is in the table already.
                let variant = matches!(module, Module::GenerateCarried | Module::Assembled);
                if variant && times < PROVEN_TIMES {
                    continue;
                }
                cases.push(Case {
                    module: *module,
                    gamma: *gamma,
                    mapping: *mapping,
                    times,
                });
            }
        }
    }
    cases.sort_by_key(|case| std::cmp::Reverse(case.times));
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_series_leaves_nothing_out() {
        let (all, short) = (all(), short());
        let same = |one: &Case, other: &Case| one.to_string() == other.to_string();
        for case in &short {
            let listed = all.iter().any(|other| same(case, other));
            assert!(listed, "{case} is not in the table");
        }
        for (module, gammas) in MODULES {
            let tried = |gamma: Option<u32>| {
                short
                    .iter()
                    .any(|case| case.module == *module && (gamma.is_none() || case.gamma == gamma))
            };
            assert!(tried(None), "{} is not in the short series", module.name());
            if *module == Module::GenerateSymbolic {
                for gamma in *gammas {
                    assert!(tried(*gamma), "γ = {gamma:?} is not in the short series");
                }
            }
        }
        for mapping in MAPPINGS {
            let tried = short.iter().any(|case| case.mapping == *mapping);
            assert!(tried, "{} is not in the short series", mapping.name);
        }
    }

    #[test]
    fn every_form_is_proven_on_two_cpus_and_on_cpu_and_gpu() {
        let all = all();
        for (module, gammas) in PROVEN {
            for gamma in *gammas {
                let proven: Vec<&Case> = all
                    .iter()
                    .filter(|case| case.module == *module && case.gamma == Some(*gamma))
                    .filter(|case| case.times == PROVEN_TIMES)
                    .collect();
                let on_gpu = proven.iter().filter(|case| case.mapping.uses_gpu()).count();
                assert_eq!(
                    (proven.len(), on_gpu),
                    (2, 1),
                    "{} γ = {gamma}",
                    module.name()
                );
            }
        }
        assert!(all.iter().all(|case| 2 * case.times >= OTHER_TIMES));
    }
}
