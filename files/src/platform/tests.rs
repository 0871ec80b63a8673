//! Reading platforms: what is accepted, and where and how the rest is refused.

use super::*;
use crate::error::with_place;
use cost::platform::*;
use cost::units::Source;
use cost::workload::DType;

const GOOD: &str = "version: 1
name: board
processing_units:
  - name: cpu
    kind: cpu
    resources: { name: cores, count: 4 }
    memory: ram
    peak: { f32: 8 GFLOP/s }
    bandwidth: { value: 12 GB/s, source: stated, note: data sheet }
    iree: { device: local, runtime_device: local-task }
  - name: npu
    kind: npu
    resources: { count: 2 }
    memory: 512 MiB
    peak: { i8: 1 TOPS }
    dtypes: [i8, i32]
    bandwidth: 4 GB/s
    ops: { supported: [linalg.matmul, 'linalg.conv*'] }
    iree: { device: 'vulkan[1]', runtime_device: vulkan }
memories:
  - { name: ram, capacity: 2 GiB }
links:
  - { between: [cpu, npu], latency: 50 us, bandwidth: 1 GB/s, mappable_by: [cpu] }
";

fn complaint(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let error = from_yaml("p.yaml", &GOOD.replacen(from, to, 1)).unwrap_err();
    assert!(error.place().is_some());
    format!(
        "{} | {}",
        with_place(&error),
        error.help().unwrap_or_default()
    )
}

#[test]
fn a_platform_reads_as_written() {
    let platform = from_yaml("p.yaml", GOOD).unwrap();
    assert_eq!(
        (platform.control.as_str(), platform.variant_count()),
        ("cpu", 8)
    );
    let cpu = platform.pu("cpu").unwrap();
    assert_eq!(
        (cpu.bandwidth.value, cpu.bandwidth.source),
        (12e9, Source::Stated)
    );
    assert_eq!(cpu.bandwidth.provenance(), "(stated: data sheet)");
    let npu = platform.pu("npu").unwrap();
    assert_eq!((npu.memory.as_str(), npu.resource.as_str()), ("npu", "PEs"));
    assert_eq!(
        platform.memory("npu").unwrap().capacity.value,
        512.0 * 1024.0 * 1024.0
    );
    assert_eq!(
        (
            npu.iree.alias.as_str(),
            npu.iree.ordinal,
            npu.iree.device().as_str()
        ),
        ("vulkan", Some(1), "vulkan[1]")
    );
    assert!(
        npu.ops.allows("linalg.matmul")
            && npu.ops.allows("linalg.conv_2d")
            && !npu.ops.allows("linalg.matmul_t")
    );
    // An index type without a peak runs at the slowest one that is stated; an unsupported one not
    // at all.
    assert_eq!(npu.peak_rate(DType::I32, 2), Some(2e12));
    assert_eq!(npu.peak_rate(DType::F32, 2), None);
    // The buffer of a crossing belongs to the side that cannot map the other's memory.
    assert_eq!(
        (
            platform.crossing_owner("cpu", "npu"),
            platform.crossing_owner("npu", "cpu")
        ),
        ("npu", "npu")
    );
    assert!(platform.can_use("npu", "cpu") && !platform.can_use("cpu", "npu"));
}

#[test]
fn unknown_keys_and_values_are_located_with_a_suggestion() {
    let text = complaint("    bandwidth: 4 GB/s", "    bandwith: 4 GB/s");
    assert!(
        text.starts_with("p.yaml:17:5: processing_units[1]: unknown field `bandwith`"),
        "{text}"
    );
    assert!(text.ends_with("| did you mean `bandwidth`?"), "{text}");
    let text = complaint("kind: npu", "kind: nppu");
    assert!(
        text.starts_with("p.yaml:12:11: ") && text.ends_with("did you mean `npu`?"),
        "{text}"
    );
    let text = complaint(
        "{ value: 12 GB/s, source: stated",
        "{ value: 12 GB/s, sorce: stated",
    );
    assert!(
        text.starts_with("p.yaml:9:") && text.ends_with("did you mean `source`?"),
        "{text}"
    );
    let text = complaint("source: stated", "source: guessed");
    assert!(text.contains("unknown value `guessed`"), "{text}");
    let text = complaint("peak: { f32:", "peak: { f33:");
    assert!(
        text.starts_with("p.yaml:8:13: ") && text.contains("did you mean `f32`?"),
        "{text}"
    );
    let text = complaint("memory: ram", "memory: rom");
    assert!(
        text.starts_with("p.yaml:7:13: there is no memory `rom` | ")
            && text.contains("did you mean `ram`?"),
        "{text}"
    );
    let text = complaint("between: [cpu, npu]", "between: [cpu, gpu]");
    assert!(
        text.starts_with("p.yaml:23:16: there is no processing unit `gpu`"),
        "{text}"
    );
    let text = complaint("name: board", "name: board\ncontrol: cpuu");
    assert!(
        text.starts_with("p.yaml:3:10: there is no processing unit `cpuu` | did you mean `cpu`?"),
        "{text}"
    );
}

#[test]
fn units_must_fit_and_numbers_make_sense() {
    let text = complaint("bandwidth: 4 GB/s", "bandwidth: 4 GB");
    assert!(
        text.starts_with("p.yaml:17:16: ")
            && text
                .contains("`4 GB` is a size, where a bandwidth is wanted | for example: 12 GB/s"),
        "{text}"
    );
    let text = complaint("latency: 50 us", "latency: 50 MHz");
    assert!(
        text.contains("`MHz` in `50 MHz` is not a unit of time"),
        "{text}"
    );
    assert!(complaint("count: 4", "count: 0").contains("whole number from 1"));
    assert!(complaint("count: 4", "count: 2.5").contains("whole number"));
    assert!(complaint("8 GFLOP/s", "-8 GFLOP/s").contains("greater than zero"));
    assert!(complaint("8 GFLOP/s", ".inf").contains("greater than zero"));
    assert!(
        complaint("memory: 512 MiB", "memory: 512 MiB/s")
            .contains("`512 MiB/s` is a bandwidth, where a size is wanted")
    );
    assert!(complaint("memory: 512 MiB", "memory: -1").contains("greater than zero"));
    assert!(
        complaint("memory: 512 MiB", "memory: [1]").contains("the name of a memory, or a size")
    );
    assert!(complaint("kind: cpu\n", "kind: cpu\n    efficiency: 120 %\n").contains("at most 1"));
}

#[test]
fn parts_must_be_consistent() {
    assert!(complaint("name: npu", "name: cpu").contains("two processing units `cpu`"));
    assert!(complaint("name: npu", "name: n pu").contains("cannot name a processing unit"));
    let text = complaint("'vulkan[1]'", "local");
    assert!(
        text.contains("iree-compile would merge them | give them ordinals: local[0] and local[1]"),
        "{text}"
    );
    assert!(complaint("'vulkan[1]'", "'vulkan[x]'").contains("an IREE target device such as"));
    assert!(
        complaint("dtypes: [i8, i32]", "dtypes: [i32]")
            .contains("`peak` has i8, which `dtypes` lacks")
    );
    assert!(complaint("peak: { i8: 1 TOPS }", "peak: {}").contains("at least one type"));
    assert!(complaint("between: [cpu, npu]", "between: [cpu, cpu]").contains("two different"));
    assert!(complaint("mappable_by: [cpu]", "mappable_by: [npu, gpu]").contains("`gpu`"));
    let link = "  - { between: [npu, cpu], latency: 1 s, bandwidth: 1 B/s }\nlinks:";
    let text = complaint(
        "links:\n",
        &format!(
            "{}\n",
            link.replacen("  - ", "links:\n  - ", 1)
                .replace("\nlinks:", "")
        ),
    );
    assert!(text.contains("two links between"), "{text}");
    let memory = "memories:\n  - { name: ram, capacity: 1 B }\n";
    assert!(complaint("memories:\n", memory).contains("two memories `ram`"));
    assert!(
        from_yaml("p.yaml", "version: 1\nname: x\nprocessing_units: []\n")
            .unwrap_err()
            .to_string()
            .contains("at least one")
    );
}

#[test]
fn links_say_how_values_cross() {
    let from = "mappable_by: [cpu]";
    let text = GOOD.replace(
        from,
        "mappable_by: [cpu], owner: npu, methods: [mapped-copy, host-copy]",
    );
    let platform = from_yaml("p.yaml", &text).unwrap();
    let link = platform.link("npu", "cpu").unwrap();
    assert_eq!(
        (link.owner.as_deref(), link.methods.as_deref()),
        (
            Some("npu"),
            Some([Method::MappedCopy, Method::HostCopy].as_slice())
        )
    );
    let with = |keys: &str| complaint(from, &format!("{from}, {keys}"));
    let text = with("methods: [shared-bufer]");
    assert!(
        text.contains("unknown value `shared-bufer`")
            && text.ends_with("| did you mean `shared-buffer`?"),
        "{text}"
    );
    assert!(with("metods: [host-copy]").ends_with("| did you mean `methods`?"));
    let text = with("methods: [host-copy, transfer]");
    assert!(
        text.starts_with("p.yaml:")
            && text.contains("`transfer` cannot work between cpu and npu | IREE transfers between"),
        "{text}"
    );
    let text = complaint(from, "methods: [shared-buffer]");
    assert!(
        text.contains("`shared-buffer` cannot work between cpu and npu | neither can use a buffer"),
        "{text}"
    );
    assert!(with("methods: []").contains("allows one method at least"));
    assert!(with("methods: [host-copy, host-copy]").contains("`host-copy` is there twice"));
    let text = with("owner: cpu");
    assert!(
        text.contains("cpu cannot own the buffers of this link: npu cannot map them")
            && text.contains("add npu, or leave `owner` out"),
        "{text}"
    );
    assert!(with("owner: npuu").ends_with("| did you mean `npu`? (its ends: cpu, npu)"));
    let text = complaint(
        "peak: { f32: 8 GFLOP/s }",
        "read_back: 3 GB/s\n    peak: { f32: 8 GFLOP/s }",
    );
    assert!(text.contains("where a time is wanted"), "{text}");
}

#[test]
fn what_is_not_yaml_is_an_error_with_a_place() {
    for text in [
        "",
        "\u{0}",
        "version: 1",
        "[1, 2",
        "version: 1\nname: [",
        "- 1",
        "version: one",
        "a: &a [*a]",
        "\t",
        "version: 1\nversion: 1\n",
        "{{{{",
    ] {
        let error = from_yaml("p.yaml", text).unwrap_err();
        assert!(
            with_place(&error).starts_with("p.yaml:"),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn unknown_platforms_list_the_built_in_ones() {
    let error = load("imx96").unwrap_err();
    assert_eq!(error.to_string(), "there is no platform `imx96`");
    let help = error.help().unwrap();
    assert!(
        help.starts_with("did you mean `imx95`? (built in: reference, imx95, host, two-cpus)"),
        "{help}"
    );
    assert!(matches!(
        load("./none.yaml").unwrap_err(),
        FileError::Read { .. }
    ));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.yaml");
    std::fs::write(&path, GOOD).unwrap();
    assert_eq!(load(path.to_str().unwrap()).unwrap().name, "board");
}

#[test]
fn routes_go_by_way_of_the_control_unit() {
    let mut platform = from_yaml("p.yaml", GOOD).unwrap();
    let mut third = platform.pu("npu").unwrap().clone();
    third.name = "gpu".into();
    platform.pus.push(third);
    assert!(platform.route("gpu", "npu").is_none());
    let mut link = platform.links.first().unwrap().clone();
    link.between = ["gpu".into(), "cpu".into()];
    link.unified_memory = true;
    platform.links.push(link);
    let route = platform.route("gpu", "npu").unwrap();
    // Two latencies; only the link that is not unified copies.
    assert!((route.seconds(1_000_000) - (2.0 * 50e-6 + 1e-3)).abs() < 1e-12);
    assert_eq!(platform.route("npu", "npu").unwrap().seconds(1 << 40), 0.0);
}

#[test]
fn flags_and_devices_are_one_line() {
    let device = "device: local, runtime_device: local-task";
    for (key, to, at) in [
        ("compile_flags", "[--a, \"--b\\n--c\"]", "p.yaml:10:77"),
        ("module_flags", "[\"--b\\n--c\"]", "p.yaml:10:71"),
        ("runtime_flags", "[\"--b\\n--c\"]", "p.yaml:10:72"),
        ("restrict_flags", "[\"--b\\n--c\"]", "p.yaml:10:73"),
    ] {
        let said = complaint(device, &format!("{device}, {key}: {to}"));
        let wanted =
            format!("{at}: a flag is one line without control characters, not `--b\\n--c`");
        assert!(said.starts_with(&wanted), "{said}");
        assert!(said.contains("as an item of its own"), "{said}");
    }
    let said = complaint(device, "device: local, runtime_device: \"local-task\\r\"");
    assert!(
        said.starts_with("p.yaml:10:44: a device is one line") && said.contains("`local-task\\r`"),
        "{said}"
    );
    let said = complaint("name: board", "name: board\ncompile_flags: [\"--x\\n\"]");
    assert!(
        said.starts_with("p.yaml:3:17: a flag is one line"),
        "{said}"
    );
}

#[test]
fn quantities_that_no_machine_has_are_refused_at_their_place() {
    for (from, to, said) in [
        (
            "bandwidth: 4 GB/s",
            "bandwidth: 1e-300",
            "p.yaml:17:16: processing_units[1].bandwidth: `1e-300`: a bandwidth must lie between 1 B/s and 1000 PB/s",
        ),
        (
            "latency: 50 us",
            "latency: 1e308 s",
            "`1e308 s`: a time must be 0, or lie between 1e-15 s and 1e9 s",
        ),
        (
            "latency: 50 us",
            "latency: { value: 1e10 s, source: measured }",
            "`1e10 s`: a time must be 0",
        ),
        (
            "8 GFLOP/s",
            "1e-9",
            "a rate of operations must lie between 1 OP/s",
        ),
        (
            "512 MiB",
            "1e200 GiB",
            "a size must lie between 1 B and 1000 PB",
        ),
    ] {
        let complaint = complaint(from, to);
        assert!(complaint.contains(said), "{complaint}");
    }
}
