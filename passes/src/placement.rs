//! Which device each role is on, as the rewriting passes need it.

use std::collections::{BTreeMap, BTreeSet};

use cost::{Platform, Role};
use dialects::Module;
use dialects::ir::{Attribute, Op};

/// A device that the placed module declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name on the platform.
    pub unit: String,
    /// Its symbol in the module, without `@`.
    pub symbol: String,
    /// IREE's name for its kind: `local`, `vulkan`.
    pub alias: String,
    /// Which of several devices of that kind. IREE silently merges devices
    /// with one specification.
    pub ordinal: Option<u32>,
}

/// The devices in use and who is on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Control's device first, since IREE allocates inputs on the first.
    pub devices: Vec<Device>,
    of: BTreeMap<Role, usize>,
    /// By pair of symbols: which of the two owns the buffer of a crossing.
    owners: BTreeMap<(String, String), String>,
}

impl Placement {
    /// The placement that `mapping` (role to unit of `platform`) means. Units
    /// that the platform lacks are left out; the search never names one.
    pub fn new(
        module: &Module<'_>,
        platform: &Platform,
        mapping: &BTreeMap<Role, String>,
    ) -> Self {
        let taken: BTreeSet<String> = module
            .body()
            .ops()
            .into_iter()
            .filter_map(Op::symbol_name)
            .collect();
        let mut placement = Self {
            devices: Vec::new(),
            of: BTreeMap::new(),
            owners: BTreeMap::new(),
        };
        for role in [Role::Control, Role::Drafter, Role::Target] {
            let Some(unit) = mapping.get(&role).and_then(|name| platform.pu(name)) else {
                continue;
            };
            let known = placement
                .devices
                .iter()
                .position(|device| device.unit == unit.name);
            let index = known.unwrap_or_else(|| {
                let mut symbol = unit.name.clone();
                while taken.contains(&symbol) {
                    symbol.push_str("_device");
                }
                placement.devices.push(Device {
                    unit: unit.name.clone(),
                    symbol,
                    alias: unit.iree.alias.clone(),
                    ordinal: unit.iree.ordinal,
                });
                placement.devices.len() - 1
            });
            placement.of.insert(role, index);
        }
        for one in &placement.devices {
            for other in &placement.devices {
                let owner = platform.crossing_owner(&one.unit, &other.unit);
                let symbol = if owner == one.unit {
                    &one.symbol
                } else {
                    &other.symbol
                };
                placement
                    .owners
                    .insert((one.symbol.clone(), other.symbol.clone()), symbol.clone());
            }
        }
        placement
    }

    /// The symbol of the device that `role` is on. A role that the plan left
    /// out (a drafter at γ = 0) is where control is.
    pub fn symbol_of(&self, role: Role) -> &str {
        let index = self
            .of
            .get(&role)
            .or_else(|| self.of.get(&Role::Control))
            .copied()
            .unwrap_or(0);
        self.devices.get(index).map_or("", |device| &device.symbol)
    }

    /// Which of several devices owns a buffer that all of them use: the one
    /// that the others' links leave as owner most often, the first of equals.
    pub fn owner<'a>(&'a self, symbols: &BTreeSet<&'a str>) -> &'a str {
        let mut wins: BTreeMap<&str, usize> = BTreeMap::new();
        for one in symbols {
            for other in symbols {
                if one < other
                    && let Some(owner) =
                        self.owners.get(&((*one).to_owned(), (*other).to_owned()))
                {
                    *wins.entry(owner).or_insert(0) += 1;
                }
            }
        }
        self.devices
            .iter()
            .map(|device| device.symbol.as_str())
            .filter(|symbol| symbols.contains(symbol))
            .max_by(|one, other| {
                // Of equals the first wins: max_by would take the last.
                let wins = |symbol: &str| wins.get(symbol).copied().unwrap_or(0);
                wins(one).cmp(&wins(other)).then(std::cmp::Ordering::Greater)
            })
            .unwrap_or_default()
    }
}

/// `#hal.device.affinity<@symbol>`. An affinity, unlike a promise, keeps the
/// device's global alive.
pub fn affinity<'m>(module: &'m Module<'_>, symbol: &str) -> Attribute<'m> {
    module
        .parse_attribute(&format!("#hal.device.affinity<@{symbol}>"))
        .expect("a device affinity is an attribute of IREE's HAL dialect")
}
