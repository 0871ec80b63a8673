//! Interpolation, choice between series, and the reasons for having no answer.

use crate::common::{DType, Quantity, Role, Variant};
use cost::profile::{Hole, HoleReason, Measured, Point};
use cost::units::Source;
use proptest::prelude::*;

const SERIES: &str = "version: 1
iree: 3.13.0
measurements:
  - role: drafter
    pu: cpu
    points:
      - { sequence_length: 16, latency: 100 ms, spread: 10 ms }
      - { sequence_length: 64, latency: 400 ms, spread: 30 ms }
  - { role: drafter, pu: cpu, variant: { cpu: 1 }, points: [{ sequence_length: 16, latency: 300 ms }] }
  - { role: target, pu: cpu, variant: { cpu: 2 }, dtype: f32, points: [{ sequence_length: 16, latency: { value: 1 s, source: inferred } }] }
  - { role: target, pu: gpu, dtype: f32, points: [{ sequence_length: 16, latency: 1 s }] }
  - { role: target, pu: gpu, dtype: f16, points: [{ sequence_length: 16, latency: 2 s }] }
  - role: target
    pu: npu
    points:
      - { sequence_length: 16, new_tokens: 1, latency: 10 ms }
      - { sequence_length: 16, new_tokens: 5, latency: 30 ms }
";

fn ask(
    role: Role,
    pu: &str,
    cpu: u32,
    dtype: Option<DType>,
    length: Option<u64>,
    new: Option<u32>,
) -> Result<Measured, Hole> {
    let variant = Variant::from([("cpu".into(), cpu), ("gpu".into(), 1)]);
    files::profile::from_yaml("p.yaml", SERIES)
        .unwrap()
        .latency(role, pu, &variant, dtype, length, new)
}

fn why(answer: Result<Measured, Hole>) -> HoleReason {
    answer.unwrap_err().reason
}

#[test]
fn linear_between_points_and_nothing_beyond() {
    let at = |length| ask(Role::Drafter, "cpu", 2, None, Some(length), None);
    assert!((at(40).unwrap().seconds - 0.25).abs() < 1e-12);
    assert!((at(40).unwrap().spread.unwrap() - 0.02).abs() < 1e-12);
    assert_eq!(at(40).unwrap().how, "between 16 and 64 tokens, IREE 3.13.0");
    assert_eq!(
        (at(16).unwrap().seconds, at(64).unwrap().seconds),
        (0.1, 0.4)
    );
    assert_eq!(why(at(15)), HoleReason::SequenceLength);
    assert_eq!(why(at(65)), HoleReason::SequenceLength);
    assert_eq!(
        why(ask(Role::Drafter, "cpu", 2, None, None, None)),
        HoleReason::UnknownLength
    );
    let text = at(65).unwrap_err().to_string();
    assert_eq!(
        text,
        "the profile has no latency of drafter on cpu: it was measured at 16 and 64 tokens, and 65 would be extrapolated"
    );
}

#[test]
fn the_most_specific_variant_wins() {
    assert_eq!(
        ask(Role::Drafter, "cpu", 1, None, Some(16), None)
            .unwrap()
            .seconds,
        0.3
    );
    assert_eq!(
        why(ask(Role::Target, "cpu", 1, None, Some(16), None)),
        HoleReason::Variant
    );
    assert_eq!(
        why(ask(Role::Drafter, "npu", 1, None, Some(16), None)),
        HoleReason::Never
    );
}

#[test]
fn types_choose_between_series_and_a_single_one_stands_in() {
    let gpu = |dtype| ask(Role::Target, "gpu", 1, dtype, Some(16), None);
    assert_eq!(gpu(Some(DType::F16)).unwrap().seconds, 2.0);
    assert_eq!(gpu(Some(DType::F32)).unwrap().seconds, 1.0);
    assert_eq!(why(gpu(Some(DType::I8))), HoleReason::DType);
    let cpu = ask(Role::Target, "cpu", 2, Some(DType::I8), Some(16), None).unwrap();
    assert_eq!(
        cpu.dtype_mismatch.as_deref(),
        Some("measured in f32, the module's arithmetic is mostly i8")
    );
    assert_eq!(cpu.source, Source::Inferred);
}

#[test]
fn new_tokens_are_a_second_axis() {
    let npu = |new| ask(Role::Target, "npu", 1, None, Some(16), new);
    assert_eq!(npu(Some(1)).unwrap().seconds, 0.01);
    assert!((npu(Some(3)).unwrap().seconds - 0.02).abs() < 1e-12);
    assert_eq!(why(npu(Some(6))), HoleReason::NewTokens);
    assert_eq!(why(npu(None)), HoleReason::NewTokens);
    assert_eq!(
        why(ask(Role::Drafter, "cpu", 2, None, Some(16), Some(1))),
        HoleReason::NewTokens
    );
}

#[test]
fn falling_latencies_are_a_warning_beyond_their_spread() {
    let warn = |b: &str| {
        let text = format!(
            "version: 1\nmeasurements:\n  - {{ role: target, pu: cpu, points: [{{ sequence_length: 1, latency: 100 ms, spread: 5 ms }}, {{ sequence_length: 2, latency: {b}, spread: 5 ms }}] }}\n"
        );
        files::profile::from_yaml("p.yaml", &text)
            .unwrap()
            .warnings()
            .len()
    };
    assert_eq!((warn("95 ms"), warn("85 ms"), warn("120 ms")), (0, 1, 0));
}

proptest! {
    #[test]
    fn never_outside_the_measured_range(points in prop::collection::btree_map(1u64..1000, 1e-3..10.0f64, 1..8), length in 1u64..1000) {
        let mut profile = files::profile::from_yaml("p.yaml", SERIES).unwrap();
        let first = profile.measurements.get_mut(0).unwrap();
        first.points = points
            .iter()
            .map(|(length, latency)| Point { sequence_length: *length, new_tokens: None, latency: Quantity::given(*latency), spread: None, runs: None })
            .collect();
        let answer = profile.latency(Role::Drafter, "cpu", &Variant::from([("cpu".into(), 2)]), None, Some(length), None);
        let (low, high) = (*points.keys().next().unwrap(), *points.keys().next_back().unwrap());
        prop_assert_eq!(answer.is_ok(), (low..=high).contains(&length));
        if let Ok(found) = answer {
            let (least, most) = points.values().fold((f64::MAX, 0.0f64), |(a, b), v| (a.min(*v), b.max(*v)));
            prop_assert!(least * (1.0 - 1e-12) <= found.seconds && found.seconds <= most * (1.0 + 1e-12));
        }
        // What is written reads back.
        let again = files::profile::from_yaml("p.yaml", &files::profile::to_yaml(&profile).unwrap()).unwrap();
        prop_assert_eq!(again, profile);
    }
}
