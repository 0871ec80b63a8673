//! Platforms that need no file.
//!
//! Their YAML lives in `examples/platforms/`, once, where users find it to start from; it is
//! compiled in from there.

use super::host;
use crate::FileError;
use cost::Platform;

/// The names that [`super::load`] knows without a file.
pub const BUILTIN_NAMES: &[&str] = &["reference", "imx95", "host", "two-cpus"];

/// The built-in platform of this name, if there is one.
pub(super) fn load(name: &str) -> Option<Result<Platform, FileError>> {
    let text = match name {
        "reference" => include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../examples/platforms/reference.yaml"
        )),
        "imx95" => include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../examples/platforms/imx95.yaml"
        )),
        "two-cpus" => include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../examples/platforms/two-cpus.yaml"
        )),
        "host" => return Some(Ok(host::probe())),
        _ => return None,
    };
    Some(super::from_yaml(&format!("<builtin:{name}>"), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cost::units::Source;

    #[test]
    fn all_load() {
        for name in BUILTIN_NAMES {
            let platform = load(name).unwrap().unwrap();
            assert_eq!(platform.name, *name);
        }
    }

    #[test]
    fn every_number_of_the_papers_board_has_a_source() {
        let platform = load("imx95").unwrap().unwrap();
        let stated_or_inferred = |source: Source, note: &Option<String>, what: &str| {
            assert!(
                matches!(source, Source::Stated | Source::Inferred),
                "{what}: {source}"
            );
            assert!(
                note.as_ref().is_some_and(|note| note.len() > 5),
                "{what} has no note"
            );
        };
        for pu in &platform.pus {
            stated_or_inferred(pu.count.source, &pu.count.note, "count");
            stated_or_inferred(pu.efficiency.source, &pu.efficiency.note, "efficiency");
            stated_or_inferred(pu.bandwidth.source, &pu.bandwidth.note, "bandwidth");
            stated_or_inferred(
                pu.dispatch_overhead.source,
                &pu.dispatch_overhead.note,
                "dispatch overhead",
            );
            if let Some(one) = &pu.bandwidth_per_resource {
                stated_or_inferred(one.source, &one.note, "bandwidth per resource");
            }
            for peak in pu.peak.values() {
                stated_or_inferred(peak.source, &peak.note, "peak");
            }
        }
        for memory in &platform.memories {
            stated_or_inferred(memory.capacity.source, &memory.capacity.note, "capacity");
        }
        for link in &platform.links {
            stated_or_inferred(link.latency.source, &link.latency.note, "latency");
            stated_or_inferred(link.bandwidth.source, &link.bandwidth.note, "bandwidth");
        }
        stated_or_inferred(
            platform.round_overhead.source,
            &platform.round_overhead.note,
            "round overhead",
        );
        assert_eq!(platform.variant_count(), 6);
        assert!(
            !platform
                .pu("gpu")
                .unwrap()
                .dtypes
                .contains(&cost::workload::DType::I8)
        );
    }
}
