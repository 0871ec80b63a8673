//! `platform.yaml` as it is written, turned into a [`Platform`].

use super::validate;
use crate::FileError;
use crate::yaml::{self, Document};
use cost::platform::{
    Cannot, IreeTarget, Link, Memory, OpSet, Platform, Power, ProcessingUnit, PuKind,
};
use cost::units::{
    Bytes, BytesPerSecond, Count, Fraction, OpsPerSecond, Quantity, Seconds, Source,
};
use cost::workload::DType;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[allow(dead_code, reason = "checked before this is read")]
    version: u64,
    name: String,
    #[serde(default)]
    description: String,
    processing_units: Vec<Unit>,
    #[serde(default)]
    memories: Vec<Memory>,
    #[serde(default)]
    links: Vec<Link>,
    control: Option<String>,
    round_overhead: Option<Quantity<Seconds>>,
    #[serde(default)]
    compile_flags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unit {
    name: String,
    kind: PuKind,
    resources: Resources,
    memory: MemoryRef,
    #[serde(deserialize_with = "yaml::unique")]
    peak: BTreeMap<DType, Quantity<OpsPerSecond>>,
    efficiency: Option<Quantity<Fraction>>,
    bandwidth: Quantity<BytesPerSecond>,
    bandwidth_per_resource: Option<Quantity<BytesPerSecond>>,
    dispatch_overhead: Option<Quantity<Seconds>>,
    read_back: Option<Quantity<Seconds>>,
    dtypes: Option<BTreeSet<DType>>,
    dtypes_note: Option<String>,
    #[serde(default)]
    ops: OpSet,
    #[serde(default)]
    cannot: Vec<Cannot>,
    power: Option<Power>,
    iree: Target,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    name: Option<String>,
    count: Quantity<Count>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    device: Device,
    runtime_device: String,
    #[serde(default)]
    compile_flags: Vec<String>,
    #[serde(default)]
    module_flags: Vec<String>,
    #[serde(default)]
    runtime_flags: Vec<String>,
    #[serde(default)]
    restrict_flags: Vec<String>,
}

/// `memory: dram` refers to a memory of the file; `memory: 2 GiB` is one of the PU's own.
enum MemoryRef {
    Named(String),
    Own(Quantity<Bytes>),
}

impl<'de> Deserialize<'de> for MemoryRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RefVisitor;
        impl<'de> Visitor<'de> for RefVisitor {
            type Value = MemoryRef;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a memory, or a size such as 2 GiB")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<MemoryRef, E> {
                if text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) {
                    Quantity::deserialize(de::value::StrDeserializer::new(text)).map(MemoryRef::Own)
                } else {
                    Ok(MemoryRef::Named(text.to_owned()))
                }
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<MemoryRef, E> {
                Quantity::deserialize(de::value::U64Deserializer::new(value)).map(MemoryRef::Own)
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<MemoryRef, E> {
                Quantity::deserialize(de::value::I64Deserializer::new(value)).map(MemoryRef::Own)
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<MemoryRef, E> {
                Quantity::deserialize(de::value::F64Deserializer::new(value)).map(MemoryRef::Own)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MemoryRef, A::Error> {
                Quantity::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(MemoryRef::Own)
            }
        }
        deserializer.deserialize_any(RefVisitor)
    }
}

/// `local` or `local[1]`.
struct Device {
    alias: String,
    ordinal: Option<u32>,
}

impl<'de> Deserialize<'de> for Device {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DeviceVisitor;
        impl Visitor<'_> for DeviceVisitor {
            type Value = Device;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an IREE target device such as local, local[1] or vulkan")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Device, E> {
                let parsed = match text.split_once('[') {
                    None => Some((text, None)),
                    Some((alias, rest)) => rest
                        .strip_suffix(']')
                        .and_then(|ordinal| ordinal.parse().ok())
                        .map(|ordinal| (alias, Some(ordinal))),
                };
                match parsed {
                    Some((alias, ordinal))
                        if !alias.is_empty()
                            && alias
                                .chars()
                                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) =>
                    {
                        Ok(Device {
                            alias: alias.to_owned(),
                            ordinal,
                        })
                    }
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_str(DeviceVisitor)
    }
}

pub(super) fn platform(document: &Document) -> Result<Platform, FileError> {
    let read: File = document.read()?;
    let mut memories = read.memories;
    let mut pus = Vec::with_capacity(read.processing_units.len());
    for unit in read.processing_units {
        let memory = match unit.memory {
            MemoryRef::Named(name) => name,
            MemoryRef::Own(capacity) => {
                memories.push(Memory {
                    name: unit.name.clone(),
                    capacity,
                });
                unit.name.clone()
            }
        };
        let dtypes = unit
            .dtypes
            .unwrap_or_else(|| unit.peak.keys().copied().collect());
        pus.push(ProcessingUnit {
            name: unit.name,
            kind: unit.kind,
            count: unit.resources.count,
            resource: unit
                .resources
                .name
                .unwrap_or_else(|| default_resource(unit.kind).into()),
            memory,
            peak: unit.peak,
            efficiency: unit.efficiency.unwrap_or_else(|| {
                Quantity::new(1.0, Source::Assumed, Some("the file gives none".into()))
            }),
            bandwidth: unit.bandwidth,
            bandwidth_per_resource: unit.bandwidth_per_resource,
            dispatch_overhead: unit.dispatch_overhead.unwrap_or_else(none_given),
            read_back: unit.read_back,
            dtypes,
            dtypes_note: unit.dtypes_note,
            ops: unit.ops,
            cannot: unit.cannot,
            power: unit.power,
            iree: IreeTarget {
                alias: unit.iree.device.alias,
                ordinal: unit.iree.device.ordinal,
                compile_flags: unit.iree.compile_flags,
                module_flags: unit.iree.module_flags,
                runtime_device: unit.iree.runtime_device,
                runtime_flags: unit.iree.runtime_flags,
                restrict_flags: unit.iree.restrict_flags,
            },
        });
    }
    let control = read.control.or_else(|| {
        let cpu = pus.iter().find(|pu| pu.kind == PuKind::Cpu);
        cpu.or(pus.first()).map(|pu| pu.name.clone())
    });
    let platform = Platform {
        name: read.name,
        description: read.description,
        origin: document.file().to_owned(),
        pus,
        memories,
        links: read.links,
        control: control.unwrap_or_default(),
        round_overhead: read.round_overhead.unwrap_or_else(none_given),
        compile_flags: read.compile_flags,
    };
    validate::platform(&platform, document)?;
    Ok(platform)
}

fn none_given() -> Quantity<Seconds> {
    Quantity::new(0.0, Source::Assumed, Some("the file gives none".into()))
}

fn default_resource(kind: PuKind) -> &'static str {
    match kind {
        PuKind::Cpu => "cores",
        PuKind::Gpu => "shader cores",
        PuKind::Npu => "PEs",
    }
}
