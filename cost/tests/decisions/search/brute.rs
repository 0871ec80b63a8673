//! The search equals an enumeration written down naively, on random platforms, workloads and
//! wishes.

use crate::common::*;
use cost::platform::{IreeTarget, Link, Memory, OpSet, ProcessingUnit, PuKind};
use cost::speedup::expected_tokens;
use cost::units::Quantity;
use proptest::prelude::*;

/// A processing unit in round numbers.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    count: u32,
    f32_rate: f64,
    i8_rate: Option<f64>,
    bandwidth: f64,
    overhead: f64,
    memory: f64,
    shared: bool,
}

pub(crate) fn unit() -> impl Strategy<Value = Unit> {
    let rates = (
        1.0..100.0f64,
        prop::option::of(1.0..100.0f64),
        1.0..100.0f64,
        0.0..1.0f64,
    );
    (1u32..4, rates, 0.5..6.0f64, any::<bool>()).prop_map(
        |(count, (f32_rate, i8_rate, bandwidth, overhead), memory, shared)| Unit {
            count,
            f32_rate,
            i8_rate,
            bandwidth,
            overhead,
            memory,
            shared,
        },
    )
}

pub(crate) fn platform(units: &[Unit]) -> Platform {
    let mut platform = two(1.0);
    platform.memories = vec![Memory {
        name: "shared".into(),
        capacity: Quantity::given(4e9),
    }];
    platform.links.clear();
    platform.pus = units
        .iter()
        .enumerate()
        .map(
            |(
                index,
                Unit {
                    count,
                    f32_rate,
                    i8_rate,
                    bandwidth,
                    overhead,
                    memory,
                    shared,
                },
            )| {
                let name = format!("pu{index}");
                if !shared {
                    platform.memories.push(Memory {
                        name: name.clone(),
                        capacity: Quantity::given(memory * 1e9),
                    });
                }
                let i8_peak = i8_rate.map(|rate| (DType::I8, Quantity::given(rate * 1e9)));
                let peak: BTreeMap<_, _> = [(DType::F32, Quantity::given(f32_rate * 1e9))]
                    .into_iter()
                    .chain(i8_peak)
                    .collect();
                ProcessingUnit {
                    kind: PuKind::Cpu,
                    count: Quantity::given(f64::from(*count)),
                    resource: "cores".into(),
                    memory: if *shared {
                        "shared".into()
                    } else {
                        name.clone()
                    },
                    dtypes: peak.keys().copied().collect(),
                    peak,
                    efficiency: Quantity::given(0.5),
                    bandwidth: Quantity::given(bandwidth * 1e9),
                    bandwidth_per_resource: None,
                    read_back: None,
                    dispatch_overhead: Quantity::given(overhead * 1e-3),
                    dtypes_note: None,
                    ops: OpSet::default(),
                    cannot: vec![],
                    power: None,
                    iree: IreeTarget {
                        alias: "local".into(),
                        ordinal: Some(index as u32),
                        compile_flags: vec![],
                        module_flags: vec![],
                        runtime_device: "local-task".into(),
                        runtime_flags: vec![],
                        restrict_flags: vec![],
                    },
                    name,
                }
            },
        )
        .collect();
    platform.control = "pu0".into();
    for a in 0..units.len() {
        for b in a + 1..units.len() {
            platform.links.push(Link {
                between: [format!("pu{a}"), format!("pu{b}")],
                latency: Quantity::given(1e-3),
                bandwidth: Quantity::given(1e9),
                unified_memory: false,
                transparent_access: false,
                mappable_by: vec![],
                owner: None,
                methods: None,
            });
        }
    }
    platform
}

pub(crate) fn any_demand() -> impl Strategy<Value = SubgraphDemand> {
    (
        1u64..10_000_000_000,
        0u64..3_000_000_000,
        0u64..100,
        any::<bool>(),
    )
        .prop_map(|(flops, bytes, dispatches, int8)| {
            let dtype = if int8 { DType::I8 } else { DType::F32 };
            SubgraphDemand {
                flops: BTreeMap::from([(dtype, flops)]),
                weight_bytes: bytes,
                bytes_moved: bytes,
                activation_peak_bytes: bytes / 7,
                dispatches,
                dtypes: BTreeSet::from([dtype]),
                ..SubgraphDemand::default()
            }
        })
}

/// max(FLOPs/(peak·eff), bytes/bandwidth) + dispatches·overhead, written out again.
pub(crate) fn seconds(demand: &SubgraphDemand, pu: &ProcessingUnit, active: u32) -> Option<f64> {
    let (dtype, flops) = demand.flops.first_key_value()?;
    let peak = pu.peak.get(dtype)?.value * f64::from(active);
    let compute = *flops as f64 / (peak * pu.efficiency.value);
    let memory = demand.bytes_moved as f64 / pu.bandwidth.value;
    Some(compute.max(memory) + demand.dispatches as f64 * pu.dispatch_overhead.value)
}

/// How many resources of each PU a variant has: variants are counted in mixed radix, so that no
/// enumeration of the search's own is trusted here.
pub(crate) fn counts_of(platform: &Platform, variant: u64) -> Vec<u32> {
    let mut code = variant;
    let digits = platform.pus.iter().map(|pu| {
        let digit = code % u64::from(pu.resources());
        code /= u64::from(pu.resources());
        digit as u32 + 1
    });
    digits.collect()
}

pub(crate) fn fits(platform: &Platform, placed: &[(&SubgraphDemand, &ProcessingUnit)]) -> bool {
    platform.memories.iter().all(|memory| {
        let here = || {
            placed
                .iter()
                .filter(|(_, pu)| pu.memory == memory.name)
                .map(|(demand, _)| demand)
        };
        let weights: u64 = here().map(|demand| demand.weight_bytes).sum();
        let activations = here()
            .map(|demand| demand.activation_peak_bytes)
            .max()
            .unwrap_or(0);
        (weights + activations) as f64 <= memory.capacity.value
    })
}

/// The least time per token, and how many mappings with a drafter are legal.
fn brute(request: &Request) -> (Option<f64>, u64) {
    let platform = &request.platform;
    let (drafter, target) = (
        &request.workload.subgraphs[&Partition::DRAFTER],
        &request.workload.subgraphs[&Partition::TARGET],
    );
    let allowed = |role: Partition, pu: &ProcessingUnit| {
        request.pins.get(&role).is_none_or(|to| *to == pu.name)
            && !request.forbid.contains(&(role, pu.name.clone()))
    };
    let mut least: Option<f64> = None;
    let mut legal = 0;
    let mut take =
        |seconds: f64| least = Some(least.map_or(seconds, |best: f64| best.min(seconds)));
    let v = platform.variant_count();
    for variant in 0..v {
        let counts = counts_of(platform, variant);
        for (t, on) in platform
            .pus
            .iter()
            .enumerate()
            .filter(|(_, pu)| allowed(Partition::TARGET, pu))
        {
            let Some(t_target) = seconds(target, on, counts[t]) else {
                continue;
            };
            if fits(platform, &[(target, on)]) {
                take(t_target);
            }
            for (d, of) in platform
                .pus
                .iter()
                .enumerate()
                .filter(|(_, pu)| allowed(Partition::DRAFTER, pu))
            {
                let Some(t_draft) = seconds(drafter, of, counts[d]) else {
                    continue;
                };
                if !fits(platform, &[(target, on), (drafter, of)]) {
                    continue;
                }
                legal += 1;
                for gamma in 1..=8 {
                    take(
                        (f64::from(gamma) * t_draft + t_target)
                            / expected_tokens(request.alpha, gamma),
                    );
                }
            }
        }
    }
    (least, legal)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn equals_brute_force(
        units in prop::collection::vec(unit(), 1..4),
        drafter in any_demand(),
        target in any_demand(),
        alpha in 0.0..=1.0f64,
        pin in prop::option::of((any::<bool>(), 0usize..3)),
        forbid in prop::option::of((any::<bool>(), 0usize..3)),
    ) {
        let platform = platform(&units);
        let role = |is_target| if is_target { Partition::TARGET } else { Partition::DRAFTER };
        let name = |index: usize| format!("pu{}", index % units.len());
        let mut request = Request::new(workload(drafter, target), platform, alpha);
        request.pins = pin.into_iter().map(|(is_target, index)| (role(is_target), name(index))).collect();
        request.forbid = forbid.into_iter().map(|(is_target, index)| (role(is_target), name(index))).collect();
        let (least, legal) = brute(&request);
        match decide(&request) {
            Ok(plan) => {
                let least = least.unwrap() * 1e3;
                prop_assert!((plan.time.per_token_ms - least).abs() <= 1e-9 * least, "{} {least}", plan.time.per_token_ms);
                prop_assert_eq!(plan.points_evaluated, legal);
                prop_assert_eq!(plan.ruled_out.iter().map(|r| r.points).sum::<u64>() + legal, plan.points);
                prop_assert_eq!(plan.points, request.platform.variant_count() * (units.len() * units.len()) as u64);
                prop_assert!(plan.runner_up.as_ref().is_none_or(|next| next.slower >= -1e-9));
                prop_assert!(plan.sensitivity.alpha.is_some_and(|i| i.low <= alpha && i.high.is_none_or(|high| alpha <= high)));
                prop_assert!(render(&plan).lines().all(|line| line.chars().count() <= 100), "{}", render(&plan));
                prop_assert_eq!(&serde_json::from_str::<Plan>(&serde_json::to_string_pretty(&plan).unwrap()).unwrap(), &plan);
                // Asking twice answers the same.
                prop_assert_eq!(decide(&request).unwrap(), plan);
            }
            // A pinned drafter that can be nowhere is refused although the target could run alone.
            Err(SearchError::Infeasible(_)) => prop_assert!(least.is_none() || legal == 0 && request.pins.contains_key(&Partition::DRAFTER)),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
