//! What a plan says, in JSON and in words.

use crate::common::*;
use cost::speedup::{expected_tokens, speedup};
use cost::workload::{CrossingDemand, DType};

fn request() -> Request {
    let mut workload = workload(
        demand(41_000_000, 3_000_000),
        demand(100_000_000, 10_000_000),
    );
    let crossing = |from, to, per| CrossingDemand::new(from, to, 504, per, "tokens i64[1,63]");
    workload.crossings = vec![
        crossing(Partition::CONTROL, Partition::DRAFTER, Per::Draft),
        crossing(Partition::CONTROL, Partition::TARGET, Per::Round),
    ];
    let mut request = Request::new(workload, two(1.0), 0.9);
    request.pins = BTreeMap::from([
        (Partition::DRAFTER, "gpu".into()),
        (Partition::TARGET, "cpu".into()),
        (Partition::CONTROL, "cpu".into()),
    ]);
    request
}

#[test]
fn the_numbers_agree_with_each_other() {
    let plan = decide(&request()).unwrap();
    let c = plan.c.unwrap();
    assert!((c - 0.41).abs() < 1e-9);
    let per_token = |role| plan.roles[&role].latency.as_ref().unwrap().seconds * 1e3;
    let expected = (f64::from(plan.gamma) * per_token(Partition::DRAFTER)
        + per_token(Partition::TARGET))
        / expected_tokens(0.9, plan.gamma);
    assert!((plan.time.per_token_ms - expected).abs() < 1e-9 * expected);
    assert!((plan.speedup.eq1 - speedup(0.9, plan.gamma, c)).abs() < 1e-12);
    assert_eq!(plan.speedup.eq1, plan.speedup.by_model["eq1"]);
    assert!(
        (plan.time.without_speculation_ms / plan.time.per_token_ms - plan.speedup.refined).abs()
            < 1e-9
    );
    assert!(
        (plan.time.baseline_ms / plan.time.per_token_ms - plan.speedup.over_baseline).abs() < 1e-9
    );
    // Pins leave no other mapping with a drafter, but the target alone is one.
    let next = plan.runner_up.as_ref().unwrap();
    assert_eq!((next.gamma, next.mapping.len()), (0, 1));
    assert!((next.per_token_ms / plan.time.per_token_ms - 1.0 - next.slower).abs() < 1e-9);
}

#[test]
fn what_is_needed_to_apply_it_is_there() {
    let plan = decide(&request()).unwrap();
    let symbols: Vec<&str> = plan
        .devices
        .iter()
        .map(|device| device.pu.as_str())
        .collect();
    assert_eq!(symbols, ["cpu", "gpu"]);
    assert_eq!(
        plan.devices[0].roles,
        [Partition::TARGET, Partition::CONTROL]
    );
    assert_eq!(plan.crossings.len(), 1);
    assert_eq!(
        (
            plan.crossings[0].from_pu.as_str(),
            plan.crossings[0].to_pu.as_str()
        ),
        ("cpu", "gpu")
    );
    // Latency, 504 bytes over the link, and 126 words that the host copies: the platform says of
    // neither device that it maps the other's memory.
    assert!((plan.crossings[0].each_ms - (1.000504 + 126.0 * 0.25e-3)).abs() < 1e-9);
}

#[test]
fn two_devices_of_one_kind_are_both_named() {
    let mut request = request();
    request.platform = files::platform::load("two-cpus").unwrap();
    request.pins.insert(Partition::DRAFTER, "cpu2".into());
    let plan = decide(&request).unwrap();
    assert_eq!(
        plan.devices
            .iter()
            .map(|d| (d.alias.as_str(), d.ordinal))
            .collect::<Vec<_>>(),
        [("local", Some(0)), ("local", Some(1))]
    );
    // Flags that both need stand once.
    assert_eq!(
        plan.compile_flags,
        [
            "--iree-opt-level=O2",
            "--iree-hal-local-target-device-backends=llvm-cpu",
            "--iree-llvmcpu-target-cpu=host"
        ]
    );
}

#[test]
fn json_reads_back() {
    let plan = decide(&request()).unwrap();
    let json = serde_json::to_string_pretty(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["roles"]["drafter"]["pu"], "gpu");
    assert_eq!(
        value["roles"]["drafter"]["latency"]["source"]["kind"],
        "roofline"
    );
    assert_eq!(value["cost_model"], "eq1");
    assert_eq!(value["draft_length"]["symbolic"]["max"], 8);
}

#[test]
fn the_rendering_says_it_all_in_a_hundred_columns() {
    let mut request = request();
    request.alpha_source = "translation/f16 of acceptance.yaml, ".repeat(10);
    let text = render(&decide(&request).unwrap());
    for part in [
        "plan for two (cpu=1,gpu=1): speculate with γ = 4, drafter on gpu, target on cpu",
        "c = 0.41 is below α = 0.90: drafting 4 tokens yields 4.10 tokens per round",
        "pinned",
        "roofline, compute",
        "1.55 × by Eq. (1); 1.55 × over the best run without speculation on one unit",
        "transfer",
        "runner-up            target on cpu, γ = 0",
        "choice holds for     α from",
        "evaluated            1 of 4 mappings, 1 of the target alone, 9 draft lengths",
        "assumptions:",
        "ruled out (3 of 4 mappings):",
        "2 × drafter is pinned to gpu",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
}

#[test]
fn without_speculation_it_says_why_and_warns_of_idle_pins() {
    let mut low = request();
    low.alpha = 0.17;
    let plan = decide(&low).unwrap();
    assert!(
        plan.why
            .starts_with("no speculation: it pays only where c is below α, and c is at least 0.41"),
        "{}",
        plan.why
    );
    assert!(
        plan.warnings[0].contains("the drafter is pinned to gpu, but does not pay"),
        "{:?}",
        plan.warnings
    );
    let mut none = request();
    none.gamma = GammaChoice::Fixed(0);
    assert!(
        decide(&none)
            .unwrap()
            .why
            .contains("a draft length of 0 was asked for")
    );
    let mut alone = request();
    alone.workload.subgraphs.remove(&Partition::DRAFTER);
    alone.pins.clear();
    assert!(
        decide(&alone)
            .unwrap()
            .why
            .contains("the module has no drafter")
    );
    // Worth it on the slow unit, but the fast one is faster without.
    let mut other = request();
    other.pins.clear();
    other.platform = two(10.0);
    let int8 = |demand: &mut cost::workload::SubgraphDemand| {
        demand.dtypes.insert(DType::I8);
    };
    int8(
        other
            .workload
            .subgraphs
            .get_mut(&Partition::DRAFTER)
            .unwrap(),
    );
    other.platform.pus[0].dtypes.insert(DType::I8);
    let plan = decide(&other).unwrap();
    assert_eq!(
        (plan.gamma, plan.pu_of(Partition::TARGET)),
        (0, Some("gpu"))
    );
    assert!(
        plan.why.contains("is not below α = 0.90") && plan.why.contains("where c is below α"),
        "{}",
        plan.why
    );
    other.forbid.insert((Partition::DRAFTER, "cpu".into()));
    other
        .workload
        .subgraphs
        .insert(Partition::DRAFTER, demand(1_000_000, 0));
    other
        .workload
        .subgraphs
        .get_mut(&Partition::TARGET)
        .unwrap()
        .weight_bytes = 1_000_000_000;
    other.alpha = 0.5;
    other.platform.memories[1].capacity.value = 1_000_500_000.0;
    other
        .workload
        .subgraphs
        .get_mut(&Partition::DRAFTER)
        .unwrap()
        .weight_bytes = 1_000_000;
    // The drafter fits beside nothing: it can only be on the GPU, the target only on the CPU.
    let plan = decide(&other).unwrap();
    assert!(
        plan.why.contains("the target alone on gpu is faster still"),
        "{}",
        plan.why
    );
}

#[test]
fn the_runner_up_is_of_all_variants_and_the_baseline_of_one() {
    // With four cores the target alone takes 3 ms; with three, beside a fast drafter, it goes to
    // the GPU.
    let one = |role: &str, pu: &str, cores: &str, ms: &str| {
        format!(
            "  - {{ role: {role}, pu: {pu}, variant: {{ {cores} }}, points: [{{ sequence_length: 63, latency: {ms} ms }}] }}\n"
        )
    };
    let text = [
        "version: 1\nmeasurements:\n".to_owned(),
        one("target", "cpu", "cpu: 4", "3"),
        one("target", "cpu", "cpu: 3", "8"),
        one("target", "gpu", "gpu: 1", "5"),
        one("drafter", "cpu", "cpu: 4", "2.5"),
        one("drafter", "cpu", "cpu: 3", "0.5"),
    ]
    .concat();
    let demands = workload(demand(41_000_000, 3_000), demand(100_000_000, 10_000));
    let mut request = Request::new(demands, files::platform::load("reference").unwrap(), 0.7);
    request.profile = Some(files::profile::from_yaml("p.yaml", &text).unwrap());
    let plan = decide(&request).unwrap();
    let cores = |variant: &Variant| variant.get("cpu").copied();
    assert_eq!(cores(&plan.variant), Some(3));
    assert!((plan.time.baseline_ms - 5.0).abs() < 1e-9);
    let next = plan.runner_up.as_ref().unwrap();
    assert_eq!(
        (cores(&next.variant), next.gamma, next.mapping.len()),
        (Some(4), 0, 1)
    );
    assert!((next.per_token_ms - 3.0).abs() < 1e-9, "{next:?}");
    let text = render(&plan)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for part in [
        "over the best run without speculation on one unit with these resources (5.00 ms on gpu)",
        "runner-up target on cpu with cpu=4,gpu=1, γ = 0: 3.00 ms per token",
    ] {
        assert!(text.contains(part), "{text}");
    }
    // One variant needs no such words.
    request.variant = Some(cost::platform::parse_variant("cpu=3,gpu=1").unwrap());
    let plan = decide(&request).unwrap();
    let text = render(&plan)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        text.contains("on one unit (5.00 ms on gpu)") && !text.contains(" with cpu="),
        "{text}"
    );
    // Plans from before it said its variant read still.
    let old: String = serde_json::to_string_pretty(&plan).unwrap().replacen(
        "\"runner_up\": {\n    \"variant\"",
        "\"runner_up\": {\n    \"unknown\"",
        1,
    );
    assert_eq!(
        serde_json::from_str::<Plan>(&old)
            .unwrap()
            .runner_up
            .unwrap()
            .variant,
        Variant::new()
    );
}

#[test]
fn one_is_said_in_the_singular() {
    let mut request = request();
    request.gamma = GammaChoice::Fixed(1);
    request.platform.links.clear();
    request.pins.insert(Partition::DRAFTER, "cpu".into());
    let text = render(&decide(&request).unwrap());
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "drafting 1 token yields",
        "1 draft length devices",
        "(1 of 1 core)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
