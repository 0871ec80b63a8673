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

/// Every mapping that is tried.
pub const MAPPINGS: &[Mapping] = &[
    ONE_DEVICE,
    DRAFTER_ON_CPU2,
    TARGET_ON_CPU2,
    THREE_CPUS,
    DRAFTER_ON_VULKAN,
    TARGET_ON_VULKAN,
];

/// Every module that is tried, with the draft lengths it is tried with: all
/// of a symbolic one's, and for an unrolled one its own and none.
pub const MODULES: &[(Module, &[u32])] = &[
    (Module::GenerateSymbolic, &[0, 1, 4, 8]),
    (Module::GeneratePlace, &[4, 0]),
    (Module::StepPlace, &[4, 0]),
    (Module::StepTransfer, &[4]),
    (Module::StepTransferTraits, &[4]),
];

/// What `make test` takes: every module, every mapping and every draft length
/// at least once, but few of their combinations, since a compilation takes
/// seconds.
const SHORT: &[(Module, u32, Mapping)] = &[
    (Module::GenerateSymbolic, 0, DRAFTER_ON_CPU2),
    (Module::GenerateSymbolic, 1, TARGET_ON_CPU2),
    (Module::GenerateSymbolic, 4, DRAFTER_ON_CPU2),
    (Module::GenerateSymbolic, 4, DRAFTER_ON_VULKAN),
    (Module::GenerateSymbolic, 8, THREE_CPUS),
    (Module::GeneratePlace, 4, ONE_DEVICE),
    (Module::GeneratePlace, 4, DRAFTER_ON_CPU2),
    (Module::GeneratePlace, 4, TARGET_ON_VULKAN),
    (Module::StepPlace, 4, DRAFTER_ON_VULKAN),
    (Module::StepPlace, 0, DRAFTER_ON_CPU2),
    (Module::StepTransfer, 4, DRAFTER_ON_CPU2),
    (Module::StepTransferTraits, 4, TARGET_ON_CPU2),
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
/// the caller's thread for the modules that generate.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (module, gammas) in MODULES {
        for gamma in *gammas {
            for mapping in MAPPINGS {
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
        let all = all();
        for case in short() {
            assert!(all.contains(&case), "{case} is not in the table");
        }
        for (module, gammas) in MODULES {
            assert!(
                short().iter().any(|case| case.module == *module),
                "{} is not in the short series",
                module.name()
            );
            if *module == Module::GenerateSymbolic {
                for gamma in *gammas {
                    assert!(
                        short()
                            .iter()
                            .any(|case| case.module == *module && case.gamma == *gamma),
                        "γ = {gamma} is not in the short series"
                    );
                }
            }
        }
        for mapping in MAPPINGS {
            assert!(
                short().iter().any(|case| case.mapping == *mapping),
                "{} is not in the short series",
                mapping.name
            );
        }
    }
}
