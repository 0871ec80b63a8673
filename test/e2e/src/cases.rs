//! The table of cases.

use crate::case::{Case, Cpu, Mapping};
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

/// The drafter on Vulkan.
const DRAFTER_ON_VULKAN: Mapping = Mapping {
    name: "drafter-on-vulkan",
    drafter: "gpu",
    target: "cpu",
    control: "cpu",
};

/// The target on Vulkan.
const TARGET_ON_VULKAN: Mapping = Mapping {
    name: "target-on-vulkan",
    drafter: "cpu",
    target: "gpu",
    control: "cpu",
};

/// Both models on Vulkan, the control flow on the CPU.
const BOTH_ON_VULKAN: Mapping = Mapping {
    name: "both-on-vulkan",
    drafter: "gpu",
    target: "gpu",
    control: "cpu",
};

/// The control flow on Vulkan, with the drafter.
const CONTROL_ON_VULKAN: Mapping = Mapping {
    name: "control-on-vulkan",
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
    DRAFTER_ON_VULKAN,
    TARGET_ON_VULKAN,
    BOTH_ON_VULKAN,
    CONTROL_ON_VULKAN,
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
];

/// What `make test` takes: every module, every mapping and every draft length
/// of the symbolic one at least once, but few of their combinations, since a
/// compilation takes seconds.
const SHORT: &[(Module, Option<u32>, Mapping)] = &[
    (Module::GenerateSymbolic, Some(0), TARGET_ON_CPU2),
    (Module::GenerateSymbolic, Some(1), CONTROL_ON_VULKAN),
    (Module::GenerateSymbolic, Some(4), DRAFTER_ON_CPU2),
    (Module::GenerateSymbolic, Some(4), DRAFTER_ON_VULKAN),
    (Module::GenerateSymbolic, Some(8), THREE_CPUS),
    (Module::GeneratePlace, Some(4), DRAFTER_ON_CPU2),
    (Module::GeneratePlace, Some(4), TARGET_ON_VULKAN),
    (Module::StepPlace, Some(4), BOTH_ON_VULKAN),
    (Module::StepTransfer, Some(4), ONE_DEVICE),
    (Module::StepTransferTraits, Some(4), TARGET_ON_CPU2),
    (Module::ClonedFunctions, Some(3), DRAFTER_ON_CPU2),
    (Module::AnonymousWeights, Some(3), DRAFTER_ON_CPU2),
    (Module::AnonymousNoMarkers, Some(3), TARGET_ON_CPU2),
    (Module::TwoForwards, None, DRAFTER_ON_CPU2),
];

/// The cases of `make test`.
pub fn short() -> Vec<Case> {
    SHORT
        .iter()
        .map(|(module, gamma, mapping)| Case {
            module: *module,
            gamma: *gamma,
            mapping: *mapping,
            cpu: Cpu::LocalTask,
        })
        .collect()
}

/// The cases of `make prove`: the whole table, and the CPU devices that run on
/// the caller's thread for the modules that generate. Without speculation
/// there is no drafter to move.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (module, gammas) in MODULES {
        for gamma in *gammas {
            for mapping in MAPPINGS {
                if *gamma == Some(0) && mapping.target == "cpu" && *mapping != ONE_DEVICE {
                    continue;
                }
                for cpu in [Cpu::LocalTask, Cpu::LocalSync] {
                    if cpu == Cpu::LocalTask || module.generates() {
                        cases.push(Case {
                            module: *module,
                            gamma: *gamma,
                            mapping: *mapping,
                            cpu,
                        });
                    }
                }
            }
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_series_leaves_nothing_out() {
        let (all, short) = (all(), short());
        for case in &short {
            assert!(all.contains(case), "{case} is not in the table");
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
}
