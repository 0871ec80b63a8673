//! Which device each role, or each stage of it, is on, as the rewriting passes
//! need it.

use std::collections::{BTreeMap, BTreeSet};

use cost::{Partition, Platform};
use dialects::Module;
use dialects::ir::{Attribute, Op};

/// A device that the placed module declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its symbol in the module, without `@`.
    pub symbol: String,
    /// IREE's name for its kind: `local`, `vulkan`.
    pub alias: String,
    /// Which of several devices of that kind. IREE silently merges devices
    /// with one specification.
    pub ordinal: Option<u32>,
}

impl Device {
    /// What its global is initialised with: `#hal.device.alias<"local"[0]>`.
    pub fn declaration(&self) -> String {
        let ordinal = self
            .ordinal
            .map(|ordinal| format!("[{ordinal}]"))
            .unwrap_or_default();
        format!("#hal.device.alias<\"{}\"{ordinal}>", self.alias)
    }
}

/// The devices in use and who is on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Control's device first, since IREE allocates inputs on the first.
    pub devices: Vec<Device>,
    of: BTreeMap<Partition, usize>,
    /// By pair of devices: which of the two owns the buffer of a crossing.
    owners: BTreeMap<(usize, usize), usize>,
    /// Pairs of owner and user: the user can use the owner's buffers.
    reach: BTreeSet<(usize, usize)>,
}

impl Placement {
    /// The placement that `mapping` (partition to unit of `platform`) means. Units
    /// that the platform lacks are left out; the search never names one.
    pub fn new(
        module: &Module<'_>,
        platform: &Platform,
        mapping: &BTreeMap<Partition, String>,
    ) -> Self {
        let taken: BTreeSet<String> = module
            .body()
            .ops()
            .into_iter()
            .filter_map(Op::symbol_name)
            .collect();
        let mut names: BTreeMap<usize, String> = BTreeMap::new();
        let mut placement = Self {
            devices: Vec::new(),
            of: BTreeMap::new(),
            owners: BTreeMap::new(),
            reach: BTreeSet::new(),
        };
        let control = mapping.get(&Partition::CONTROL);
        let mut units: Vec<_> = platform
            .pus
            .iter()
            .filter(|unit| mapping.values().any(|name| *name == unit.name))
            .collect();
        units.sort_by_key(|unit| Some(&unit.name) != control);
        for (index, unit) in units.into_iter().enumerate() {
            let mut symbol = unit.name.clone();
            while taken.contains(&symbol) {
                symbol.push_str("_device");
            }
            placement.devices.push(Device {
                symbol,
                alias: unit.iree.alias.clone(),
                ordinal: unit.iree.ordinal,
            });
            for (role, name) in mapping {
                if *name == unit.name {
                    placement.of.insert(*role, index);
                    names.insert(index, unit.name.clone());
                }
            }
        }
        for (one, one_name) in &names {
            for (other, other_name) in &names {
                if platform.can_use(one_name, other_name) {
                    placement.reach.insert((*one, *other));
                }
                let first_owns = platform.crossing_owner(one_name, other_name) == one_name;
                placement
                    .owners
                    .insert((*one, *other), if first_owns { *one } else { *other });
            }
        }
        placement
    }

    /// The symbol of the device that a partition is on. One that the plan left
    /// out (a drafter at γ = 0) is where control is.
    pub fn symbol_of(&self, partition: impl Into<Partition>) -> &str {
        let index = self
            .of
            .get(&partition.into())
            .or_else(|| self.of.get(&Partition::CONTROL))
            .copied()
            .unwrap_or(0);
        self.devices.get(index).map_or("", |device| &device.symbol)
    }

    /// Whether the device `user` can use buffers that `owner` allocated.
    pub fn reaches(&self, owner: &str, user: &str) -> bool {
        let index = |symbol: &str| {
            self.devices
                .iter()
                .position(|device| device.symbol == symbol)
        };
        match (index(owner), index(user)) {
            (Some(owner), Some(user)) => self.reach.contains(&(owner, user)),
            _ => false,
        }
    }

    /// Which of several devices owns a buffer that all of them use: the one
    /// that the others' links leave as owner most often, the first of equals.
    pub fn owner<'a>(&'a self, symbols: &BTreeSet<&'a str>) -> &'a str {
        let users: Vec<usize> = (0..self.devices.len())
            .filter(|index| symbols.contains(self.devices[*index].symbol.as_str()))
            .collect();
        // Whose buffers most can use comes first; then whom the links name.
        let wins = |index: &usize| {
            let count = |counts: &dyn Fn(usize) -> bool| {
                users.iter().filter(|other| counts(**other)).count()
            };
            (
                count(&|other| self.reach.contains(&(*index, other))),
                count(&|other| self.owners.get(&(*index, other)) == Some(index)),
            )
        };
        // Of equals the first: max_by_key would take the last.
        users
            .iter()
            .rev()
            .max_by_key(|index| wins(index))
            .map_or("", |index| &self.devices[*index].symbol)
    }
}

/// `#hal.device.affinity<@symbol>`. An affinity, unlike a promise, keeps the
/// device's global alive.
pub fn affinity<'m>(module: &'m Module<'_>, symbol: &str) -> Attribute<'m> {
    module
        .parse_attribute(&format!("#hal.device.affinity<@{symbol}>"))
        .expect("a device affinity is an attribute of IREE's HAL dialect")
}
