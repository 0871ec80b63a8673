//! Which device each role, or each stage of it, is on, as the rewriting passes
//! need it.

use std::collections::{BTreeMap, BTreeSet};

use cost::crossing::{Crossing, End, Method, Parcel, Rest};
use cost::platform::ProcessingUnit;
use cost::{Partition, Platform};
use dialects::Module;
use dialects::ir::Op;

use crate::outline_subgraphs::is_outlined;
use crate::roles::role_attribute;
use crate::structure::functions;
use crate::symbols::Symbols;

/// A device that the placed module declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its symbol in the module, without `@`.
    pub symbol: String,
    /// The processing unit of the platform that it is.
    pub unit: String,
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

/// What is put behind the name of a unit as often as it takes to be a symbol of its own.
const SUFFIX: &str = "_device";

/// The devices in use and who is on them.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// Control's device first, since IREE allocates inputs on the first.
    pub devices: Vec<Device>,
    of: BTreeMap<Partition, usize>,
    /// Whose links say how values cross.
    platform: Platform,
}

impl Placement {
    /// The placement that `mapping` (partition to unit of `platform`) means. Units
    /// that the platform lacks are left out; the search never names one.
    pub fn new(
        module: &Module<'_>,
        platform: &Platform,
        mapping: &BTreeMap<Partition, String>,
    ) -> Self {
        let mut symbols = Symbols::of(module);
        let mut free = |unit: &ProcessingUnit| symbols.free(&unit.name, SUFFIX);
        Self::with_symbols(platform, mapping, &mut free)
    }

    /// The placement that `devices` (partition to symbol of a device) means, as
    /// [`Placement::new`] named them. `None` if it named none of them so.
    pub fn of_symbols(platform: &Platform, devices: &BTreeMap<Partition, String>) -> Option<Self> {
        let unit_of = |symbol: &str| {
            let stem = symbol.trim_end_matches(SUFFIX);
            platform.pu(symbol).or_else(|| platform.pu(stem))
        };
        let mut mapping = BTreeMap::new();
        let mut symbols = BTreeMap::new();
        for (partition, symbol) in devices {
            let unit = unit_of(symbol)?.name.clone();
            symbols.insert(unit.clone(), symbol.clone());
            mapping.insert(*partition, unit);
        }
        let mut known =
            |unit: &ProcessingUnit| symbols.get(&unit.name).cloned().unwrap_or_default();
        Some(Self::with_symbols(platform, &mapping, &mut known))
    }

    fn with_symbols(
        platform: &Platform,
        mapping: &BTreeMap<Partition, String>,
        symbol: &mut impl FnMut(&ProcessingUnit) -> String,
    ) -> Self {
        let mut placement = Self {
            devices: Vec::new(),
            of: BTreeMap::new(),
            platform: platform.clone(),
        };
        let control = mapping.get(&Partition::CONTROL);
        let mut units: Vec<_> = platform
            .pus
            .iter()
            .filter(|unit| mapping.values().any(|name| *name == unit.name))
            .collect();
        units.sort_by_key(|unit| Some(&unit.name) != control);
        for (index, unit) in units.into_iter().enumerate() {
            placement.devices.push(Device {
                symbol: symbol(unit),
                unit: unit.name.clone(),
                alias: unit.iree.alias.clone(),
                ordinal: unit.iree.ordinal,
            });
            for (role, name) in mapping {
                if *name == unit.name {
                    placement.of.insert(*role, index);
                }
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

    /// Whether the device that a partition is on computes with words of 32 bits, as
    /// [`ProcessingUnit::has_narrow_words`] says.
    fn has_narrow_words(&self, partition: impl Into<Partition>) -> bool {
        let symbol = self.symbol_of(partition);
        let device = self.devices.iter().find(|device| device.symbol == symbol);
        let unit = device.and_then(|device| self.platform.pu(&device.unit));
        unit.is_some_and(ProcessingUnit::has_narrow_words)
    }

    /// The functions that were outlined for devices that compute with words of 32 bits,
    /// and what each is for.
    pub fn on_narrow_words<'m>(&self, module: &'m Module<'_>) -> Vec<(Op<'m>, Partition)> {
        functions(module)
            .into_iter()
            .filter(|function| is_outlined(*function))
            .filter_map(|function| Some((function, role_attribute(function)?)))
            .filter(|(_, partition)| self.has_narrow_words(*partition))
            .collect()
    }

    /// A partition that is on this device, what a function of it is for: control
    /// if it is there, or if none is.
    pub fn partition_on(&self, symbol: &str) -> Partition {
        if self.symbol_of(Partition::CONTROL) == symbol {
            return Partition::CONTROL;
        }
        let mut placed = self.of.iter();
        let found = placed.find(|(_, index)| {
            let device = self.devices.get(**index);
            device.is_some_and(|device| device.symbol == symbol)
        });
        found.map_or(Partition::CONTROL, |(partition, _)| *partition)
    }

    /// How a value crosses from all that make it to all that read it, by `methods` only: what
    /// [`Platform::crossing_among`] answers, with symbols of devices in place of units.
    pub fn crossing(
        &self,
        makers: &BTreeSet<End>,
        readers: &BTreeSet<End>,
        parcel: Parcel,
        methods: &[Method],
    ) -> Option<Crossing> {
        let units = |ends: &BTreeSet<End>| -> Vec<End> {
            ends.iter().map(|end| self.with_unit(end)).collect()
        };
        let found =
            self.platform
                .crossing_among(&units(makers), &units(readers), parcel, methods)?;
        let symbols = |names: BTreeSet<String>| -> BTreeSet<String> {
            names.iter().map(|name| self.symbol(name)).collect()
        };
        let rest = match found.rest {
            Rest::Home(unit) => Rest::Home(self.symbol(&unit)),
            Rest::Buffer {
                owner,
                users,
                copiers,
            } => Rest::Buffer {
                owner: self.symbol(&owner),
                users: symbols(users),
                copiers: symbols(copiers),
            },
            Rest::Scalars => Rest::Scalars,
            Rest::Lent(unit) => Rest::Lent(self.symbol(&unit)),
        };
        Some(Crossing { rest, ..found })
    }

    fn with_unit(&self, end: &End) -> End {
        let device = self.devices.iter().find(|each| each.symbol == end.pu);
        End {
            pu: device.map_or_else(|| end.pu.clone(), |device| device.unit.clone()),
            inside: end.inside,
        }
    }

    fn symbol(&self, unit: &str) -> String {
        let device = self.devices.iter().find(|each| each.unit == unit);
        device.map_or_else(|| unit.to_owned(), |device| device.symbol.clone())
    }
}
