//! Names for what passes make: functions, devices, copies of globals.

use std::collections::{HashMap, HashSet};

use cost::Partition;
use dialects::Module;
use dialects::ir::{Attribute, Op};

use crate::select_mapping::PLAN;

/// The symbols of a module, and what is added to them.
pub struct Symbols {
    taken: HashSet<String>,
    counts: HashMap<String, usize>,
}

impl Symbols {
    /// Those that the module has, and those of the devices in its plan, which are
    /// declared last.
    pub fn of(module: &Module<'_>) -> Self {
        let symbols = module.body().ops().into_iter().filter_map(Op::symbol_name);
        let plan = module.op().attribute(PLAN).map(Attribute::entries);
        let devices = plan.into_iter().flatten();
        Self {
            taken: symbols
                .chain(devices.filter_map(|(_, device)| device.as_string()))
                .collect(),
            counts: HashMap::new(),
        }
    }

    /// `wanted`, or that with `suffix` behind it as often as it takes for nothing
    /// to have the name.
    pub fn free(&mut self, wanted: &str, suffix: &str) -> String {
        let mut name = wanted.to_owned();
        while !self.taken.insert(name.clone()) {
            name.push_str(suffix);
        }
        name
    }

    /// A name that nothing has, for the next function of this kind: `drafter_0`,
    /// or `target_1_0` for the first of stage 1, since a dot would not be in an
    /// identifier; `control_read_0` if `purpose` is `_read`.
    pub fn fresh(&mut self, role: Partition, purpose: &str) -> String {
        let prefix = format!("{}{purpose}", role.to_string().replace('.', "_"));
        let count = self.counts.entry(prefix.clone()).or_insert(0);
        loop {
            let name = format!("{prefix}_{count}");
            *count += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}
