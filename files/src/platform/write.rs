//! A [`Platform`] as `platform.yaml` has it: what [`super::read`] reads.

use crate::FileError;
use crate::yaml::VERSION;
use cost::platform::{
    Cannot, IreeTarget, Link, Memory, OpSet, Platform, Power, ProcessingUnit, PuKind,
};
use cost::units::{BytesPerSecond, Count, Fraction, OpsPerSecond, Quantity, Seconds};
use cost::workload::DType;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Serialize)]
struct File<'a> {
    version: u64,
    name: &'a str,
    description: &'a str,
    processing_units: Vec<Unit<'a>>,
    memories: &'a [Memory],
    links: &'a [Link],
    control: &'a str,
    round_overhead: &'a Quantity<Seconds>,
    compile_flags: &'a [String],
}

#[derive(Serialize)]
struct Unit<'a> {
    name: &'a str,
    kind: PuKind,
    resources: Resources<'a>,
    memory: &'a str,
    peak: &'a BTreeMap<DType, Quantity<OpsPerSecond>>,
    efficiency: &'a Quantity<Fraction>,
    bandwidth: &'a Quantity<BytesPerSecond>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth_per_resource: Option<&'a Quantity<BytesPerSecond>>,
    dispatch_overhead: &'a Quantity<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_back: Option<&'a Quantity<Seconds>>,
    dtypes: &'a BTreeSet<DType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dtypes_note: Option<&'a str>,
    ops: &'a OpSet,
    #[serde(skip_serializing_if = "<[Cannot]>::is_empty")]
    cannot: &'a [Cannot],
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<&'a Power>,
    iree: Target<'a>,
}

#[derive(Serialize)]
struct Resources<'a> {
    name: &'a str,
    count: &'a Quantity<Count>,
}

#[derive(Serialize)]
struct Target<'a> {
    device: String,
    compile_flags: &'a [String],
    module_flags: &'a [String],
    runtime_device: &'a str,
    runtime_flags: &'a [String],
    restrict_flags: &'a [String],
}

/// The platform as a file that [`super::load`] reads: the same platform but for where it came
/// from.
///
/// # Errors
/// [`FileError::Unwritable`] for what YAML cannot hold, which a platform never does.
pub fn to_yaml(platform: &Platform) -> Result<String, FileError> {
    serde_yaml::to_string(&file(platform)).map_err(|error| unwritable(platform, error))
}

/// The same as JSON, which is YAML as well.
///
/// # Errors
/// As there.
pub fn to_json(platform: &Platform) -> Result<String, FileError> {
    // By way of a value, so that keys are in the order of the alphabet.
    serde_json::to_value(file(platform))
        .and_then(|value| serde_json::to_string_pretty(&value))
        .map_err(|error| unwritable(platform, error))
}

fn unwritable(platform: &Platform, error: impl ToString) -> FileError {
    FileError::Unwritable {
        what: format!("the platform {}", platform.name),
        reason: error.to_string(),
    }
}

fn file(platform: &Platform) -> File<'_> {
    // Field by field, so that a new one cannot be forgotten here.
    let Platform {
        name,
        description,
        origin: _,
        pus,
        memories,
        links,
        control,
        round_overhead,
        compile_flags,
    } = platform;
    File {
        version: VERSION,
        name,
        description,
        processing_units: pus.iter().map(unit).collect(),
        memories,
        links,
        control,
        round_overhead,
        compile_flags,
    }
}

fn unit(unit: &ProcessingUnit) -> Unit<'_> {
    let ProcessingUnit {
        name,
        kind,
        count,
        resource,
        memory,
        peak,
        efficiency,
        bandwidth,
        bandwidth_per_resource,
        dispatch_overhead,
        read_back,
        dtypes,
        dtypes_note,
        ops,
        cannot,
        power,
        iree,
    } = unit;
    let IreeTarget {
        alias: _,
        ordinal: _,
        compile_flags,
        module_flags,
        runtime_device,
        runtime_flags,
        restrict_flags,
    } = iree;
    Unit {
        name,
        kind: *kind,
        resources: Resources {
            name: resource,
            count,
        },
        memory,
        peak,
        efficiency,
        bandwidth,
        bandwidth_per_resource: bandwidth_per_resource.as_ref(),
        dispatch_overhead,
        read_back: read_back.as_ref(),
        dtypes,
        dtypes_note: dtypes_note.as_deref(),
        ops,
        cannot,
        power: power.as_ref(),
        iree: Target {
            device: iree.device(),
            compile_flags,
            module_flags,
            runtime_device,
            runtime_flags,
            restrict_flags,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{BUILTIN_NAMES, from_yaml, load};

    #[test]
    fn what_is_written_is_what_is_read() {
        for name in BUILTIN_NAMES {
            let before = load(name).unwrap();
            for text in [to_yaml(&before).unwrap(), to_json(&before).unwrap()] {
                let mut after = from_yaml("written.yaml", &text).unwrap();
                after.origin.clone_from(&before.origin);
                assert_eq!(before, after, "{name}:\n{text}");
            }
        }
    }
}
