//! Profiles in the search: measured first, holes never silent, the paper's numbers.

use super::pinned;
use crate::common::*;
use cost::roofline::LatencySource;

/// The paper's translation task at 63 tokens (Sec. IV-B): with one core c is 0.80 on the CPU alone
/// and 0.41 with the drafter on the GPU. Only ratios are published, so the target takes one second
/// here.
const PAPER: &str = "version: 1
platform: imx95
iree: 3.6.0
measurements:
  - { role: target, pu: cpu, variant: { cpu: 1 }, dtype: i8, points: [{ sequence_length: 63, latency: 17 s }] }
  - { role: drafter, pu: cpu, variant: { cpu: 1 }, points: [{ sequence_length: 63, latency: { value: 13.6 s, source: stated, note: Sec. IV-B } }] }
  - { role: drafter, pu: gpu, variant: { cpu: 1, gpu: 1 }, points: [{ sequence_length: 63, latency: 6.97 s, spread: 10 ms }] }
";

fn is_measured(plan: &Plan, role: Partition) -> bool {
    let source = plan.roles[&role].latency.as_ref().map(|l| &l.source);
    matches!(source, Some(LatencySource::Measured { .. }))
}

fn llama(target_type: DType) -> Workload {
    let bytes = |parameters: u64, dtype| parameters * if dtype == DType::I8 { 1 } else { 2 };
    let pass = |parameters: u64, dtype: DType| SubgraphDemand {
        flops: BTreeMap::from([(dtype, 2 * 63 * parameters)]),
        weight_bytes: bytes(parameters, dtype),
        bytes_moved: bytes(parameters, dtype),
        activation_peak_bytes: 30_000_000,
        dispatches: 300,
        dtypes: BTreeSet::from([dtype, DType::I64, DType::I1]),
        ..SubgraphDemand::default()
    };
    workload(
        pass(1_240_000_000, DType::F16),
        pass(3_210_000_000, target_type),
    )
}

fn paper(alpha: f64) -> Request {
    let mut request = Request::new(
        llama(DType::I8),
        files::platform::load("imx95").unwrap(),
        alpha,
    );
    request.profile = Some(files::profile::from_yaml("paper.yaml", PAPER).unwrap());
    request
}

#[test]
fn the_papers_decision() {
    let plan = decide(&paper(0.90)).unwrap();
    assert_eq!(
        (
            plan.pu_of(Partition::DRAFTER),
            plan.pu_of(Partition::TARGET),
            plan.gamma
        ),
        (Some("gpu"), Some("cpu"), 4)
    );
    assert_eq!(
        (
            format!("{:.2}", plan.speedup.eq1),
            format!("{:.2}", plan.speedup.over_baseline)
        ),
        ("1.55".into(), "1.55".into())
    );
    assert!((plan.c.unwrap() - 0.41).abs() < 1e-9);
    assert_eq!(plan.points, 24);
    assert_eq!(
        plan.variant.get("cpu"),
        Some(&1),
        "the only variant that was measured"
    );
    // int8 on the GPU: 12 points; variants 2 to 6 were not measured: 5 × 2 more.
    assert_eq!(plan.points_evaluated, 2);
    assert!(
        plan.ruled_out
            .iter()
            .any(|ruled| ruled.points == 12 && ruled.words.contains("footnote 3"))
    );
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    assert!(is_measured(&plan, Partition::DRAFTER));
    let low = decide(&paper(0.17)).unwrap();
    assert_eq!((low.gamma, low.pu_of(Partition::DRAFTER)), (0, None));
    assert!(
        low.why.contains("c is at least 0.41") && low.why.contains("α = 0.17"),
        "{}",
        low.why
    );
    assert!((low.c.unwrap() - 0.41).abs() < 1e-9);
}

#[test]
fn the_roofline_of_the_papers_board_is_near_its_ratios() {
    let mut request = Request::new(
        llama(DType::I8),
        files::platform::load("imx95").unwrap(),
        0.9,
    );
    request.variant = Some(parse_variant("cpu=1,gpu=1").unwrap());
    let plan = decide(&request).unwrap();
    assert_eq!(
        (
            plan.pu_of(Partition::DRAFTER),
            plan.pu_of(Partition::TARGET)
        ),
        (Some("gpu"), Some("cpu"))
    );
    assert!((plan.c.unwrap() - 0.41).abs() < 0.05, "{:?}", plan.c);
    request.forbid.insert((Partition::DRAFTER, "gpu".into()));
    assert!((decide(&request).unwrap().c.unwrap() - 0.80).abs() < 0.05);
}

#[test]
fn holes_are_filled_only_when_nothing_else_is_measured() {
    // A role that was never measured is estimated, and the plan warns.
    let mut request = paper(0.90);
    let profile = request.profile.as_mut().unwrap();
    profile.measurements.retain(|m| m.role == Partition::TARGET);
    let plan = decide(&request).unwrap();
    assert!(
        plan.warnings
            .iter()
            .any(|w| w.contains("drafter") && w.contains("roofline estimate")),
        "{:?}",
        plan.warnings
    );
    assert!(
        is_measured(&plan, Partition::TARGET),
        "what was measured is still used"
    );
    assert_eq!(plan.variant.get("cpu"), Some(&1));
    request.holes = HolePolicy::RuleOut;
    assert_eq!(decide(&request).unwrap().gamma, 0);
    // On request every hole is filled: then six cores, estimated, beat one that was measured.
    let mut request = paper(0.90);
    request.holes = HolePolicy::Roofline;
    let plan = decide(&request).unwrap();
    assert_eq!(plan.points_evaluated, 12);
    assert!(!plan.warnings.is_empty());
}

#[test]
fn a_length_that_was_not_measured_is_not_extrapolated() {
    let mut request = paper(0.90);
    request.workload.sequence_length = Some(64);
    request.holes = HolePolicy::RuleOut;
    let error = decide(&request).unwrap_err();
    assert!(
        error.to_string().contains("64 would be extrapolated"),
        "{error}"
    );
    assert!(
        error.help().unwrap().contains("measure target on cpu"),
        "{:?}",
        error.help()
    );
}

#[test]
fn a_profile_of_another_platform_is_pointed_out() {
    let mut request = Request::new(workload(demand(100, 0), demand(1000, 0)), two(1.0), 0.9);
    let text = "version: 1
platform: other
measurements:
  - { role: target, pu: cpu, points: [{ sequence_length: 10, latency: 3 s }, { sequence_length: 100, latency: 1 s }] }
  - { role: drafter, pu: npu, points: [{ sequence_length: 63, latency: 1 s }] }
";
    request.profile = Some(files::profile::from_yaml("p.yaml", text).unwrap());
    let warnings = decide(&request).unwrap().warnings.join("\n");
    for part in [
        "platform `other`",
        "measures npu",
        "latency falls",
        "drafter on cpu is a roofline",
    ] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
}

#[test]
fn a_module_with_a_cache_is_judged_by_measured_verification() {
    let mut request = Request::new(workload(demand(100, 0), demand(1000, 0)), two(1.0), 0.9);
    request.workload.state = Some("global @cache is written".into());
    request.model.verify = true;
    let profile = |v4: f64| {
        format!(
            "version: 1
measurements:
  - role: target
    pu: cpu
    points:
      - {{ sequence_length: 63, new_tokens: 1, latency: 100 ms }}
      - {{ sequence_length: 63, new_tokens: 5, latency: {v4} ms }}
  - {{ role: drafter, pu: cpu, points: [{{ sequence_length: 63, new_tokens: 1, latency: 10 ms }}] }}
"
        )
    };
    request.profile = Some(files::profile::from_yaml("p.yaml", &profile(140.0)).unwrap());
    let plan = decide(&request).unwrap();
    // v(4) = 1.4: S = 4.0951/(0.4 + 1.4); longer drafts were not measured and are not tried.
    assert_eq!(plan.gamma, 4);
    assert!(
        (plan.speedup.refined - 4.0951 / 1.8).abs() < 1e-6,
        "{:?}",
        plan.speedup
    );
    assert!((plan.speedup.eq1 - 4.0951 / 1.4).abs() < 1e-6);
    request.profile = Some(files::profile::from_yaml("p.yaml", &profile(500.0)).unwrap());
    assert_eq!(
        decide(&request).unwrap().gamma,
        0,
        "verifying five tokens costs five passes"
    );
    request.gamma = GammaChoice::Fixed(8);
    assert!(
        decide(&request)
            .unwrap_err()
            .to_string()
            .contains("9 would be extrapolated")
    );
}

/// A drafter that was measured on the CPU, at 63 tokens, and nothing else.
fn drafter_only(latency: &str, rest: &str) -> Request {
    let w = workload(demand(150_000_000, 0), demand(1_000_000_000, 0));
    let mut request = Request::new(w, two(2.0), 0.7);
    let text = format!(
        "version: 1
measurements:
  - {{ role: drafter, pu: cpu, points: [{{ sequence_length: 63, latency: {latency} }}] }}
{rest}"
    );
    request.profile = Some(files::profile::from_yaml("p.yaml", &text).unwrap());
    request
}

#[test]
fn a_drafter_alone_in_the_profile_counts_as_a_target_alone_does() {
    // On the GPU its roofline is 75 ms, faster than what was measured on the CPU.
    let other = "  - { role: target, pu: cpu, points: [{ sequence_length: 16, latency: 1 s }] }\n";
    let impossible = "  - { role: target, pu: cpu, variant: { cpu: 4 }, points: [{ sequence_length: 63, latency: 1 s }] }\n";
    let stage =
        "  - { role: target.1, pu: cpu, points: [{ sequence_length: 63, latency: 1 s }] }\n";
    for rest in ["", other, impossible, stage] {
        let plan = decide(&drafter_only("80 ms", rest)).unwrap();
        assert_eq!(plan.pu_of(Partition::DRAFTER), Some("cpu"), "{rest}");
        assert!(is_measured(&plan, Partition::DRAFTER), "{rest}");
        assert!(
            plan.ruled_out
                .iter()
                .any(|ruled| ruled.words.contains("no latency of drafter on gpu")),
            "{rest} {:?}",
            plan.ruled_out
        );
    }
}

#[test]
fn a_pin_away_from_the_measurements_of_one_model_leaves_those_of_the_other() {
    let rest = "  - { role: target, pu: gpu, points: [{ sequence_length: 63, latency: 1 s }] }\n";
    let request = drafter_only("80 ms", rest);
    let plan = decide(&pinned(request, &[(Partition::TARGET, "cpu")])).unwrap();
    assert_eq!(plan.pu_of(Partition::DRAFTER), Some("cpu"));
}

#[test]
fn measurements_that_answer_nothing_are_pointed_out() {
    let said = |rest: &str| {
        let warnings = decide(&drafter_only("80 ms", rest)).unwrap().warnings;
        warnings
            .into_iter()
            .filter(|w| w.contains("is not used"))
            .collect::<Vec<_>>()
    };
    assert_eq!(said(""), Vec::<String>::new());
    let target = |rest: &str| {
        let said = said(&format!("  - {{ role: {rest} }}\n"));
        assert_eq!(said.len(), 1, "{rest}: {said:?}");
        said.join("")
    };
    assert_eq!(
        target("target, pu: cpu, points: [{ sequence_length: 16, latency: 1 s }]"),
        "the profile's latency of target on cpu is not used: it was measured at 16 tokens, and 63 would be extrapolated"
    );
    assert_eq!(
        target(
            "target, pu: cpu, variant: { cpu: 4 }, points: [{ sequence_length: 63, latency: 1 s }]"
        ),
        "the profile's latency of target on cpu is not used: it was measured with cpu=4, and cpu has 1 core"
    );
    assert_eq!(
        target(
            "target, pu: cpu, variant: { npu: 1 }, points: [{ sequence_length: 63, latency: 1 s }]"
        ),
        "the profile's latency of target on cpu is not used: it was measured with npu=1, and the platform two has no npu"
    );
    assert_eq!(
        target("target.1, pu: cpu, points: [{ sequence_length: 63, latency: 1 s }]"),
        "the profile's latency of target.1 on cpu is not used: the module has target instead"
    );
    assert_eq!(
        target("target, pu: cpu, points: [{ sequence_length: 63, new_tokens: 5, latency: 1 s }]"),
        "the profile's latency of target on cpu is not used: it was measured only with a KV cache"
    );
}
