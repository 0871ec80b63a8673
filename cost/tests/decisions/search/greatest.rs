//! Counts as great as a number can be, which a file may hold: sums of them stay there.

use crate::common::*;
use cost::explore::{Filter, Method, Objective, Query, Rate, explore};
use cost::stages::{StageGraph, StageOptions, solve};
use cost::workload::SharedWeights;
use proptest::prelude::*;

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(u64::MAX / 2 + 1),
        Just(u64::MAX - 1),
        Just(u64::MAX)
    ]
}

fn any_great_demand() -> impl Strategy<Value = SubgraphDemand> {
    (count(), count(), count(), count(), count()).prop_map(
        |(flops, weights, moved, peak, dispatches)| SubgraphDemand {
            bytes_moved: moved,
            activation_peak_bytes: peak,
            dispatches,
            ..demand(flops, weights)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_count_is_too_great(
        demands in prop::collection::vec(any_great_demand(), 4),
        bytes in prop::collection::vec(count(), 4),
        // So many bytes hold everything, or nothing.
        room in prop_oneof![Just(1.0), Just(1e30)],
    ) {
        let mut great = workload(demands[0].clone(), demands[1].clone());
        great.subgraphs.remove(&Partition::TARGET);
        let stages: Vec<Partition> = (0..3).map(|stage| Partition::stage(Role::Target, stage)).collect();
        great.subgraphs.extend(stages.iter().copied().zip(demands[1..].iter().cloned()));
        great.sequence_length = Some(bytes[0]);
        let shared = |bytes: &u64| SharedWeights { readers: stages.iter().copied().collect(), bytes: *bytes };
        great.shared_weights = bytes[..2].iter().map(shared).collect();
        great.crossings = (0..2)
            .map(|_| CrossingDemand {
                count: bytes[2],
                ..CrossingDemand::new(Partition::CONTROL, Partition::DRAFTER, bytes[3], Per::Draft, "tokens")
            })
            .collect();
        let mut platform = two(1.0);
        for memory in &mut platform.memories {
            memory.capacity = cost::units::Quantity::given(room);
        }
        let mut request = Request::new(great, platform, 0.9);
        request.model.transfer = true;
        request.gamma = GammaChoice::Fixed(2);
        request.pins = BTreeMap::from([(Partition::DRAFTER, "gpu".into()), (Partition::CONTROL, "cpu".into())]);
        if let Ok(plan) = decide(&request) {
            prop_assert!(!render(&plan).is_empty());
        }
        let rate = Rate { alpha: 0.9, source: "given".into(), per_position: None };
        let query = Query {
            request: request.clone(),
            rates: vec![rate],
            objective: Objective::default(),
            filter: Filter::default(),
            method: Method::Auto,
            ranks: None,
            self_c: None,
        };
        let _ = explore(&query);
        let graph = StageGraph::evenly(&request.workload, 3).unwrap();
        match solve(&request, &graph, &[0, 2], &StageOptions::default(), |_| true) {
            Ok(plan) => prop_assert!(room > 1.0 || plan.memory.iter().all(|(_, bytes)| *bytes <= 1)),
            Err(error) => prop_assert!(error.to_string().contains("no placement"), "{error}"),
        }
    }
}

#[test]
fn weights_that_all_share_are_there_once_however_great() {
    let mut great = workload(demand(1, 1), demand(1, 1));
    great.subgraphs.remove(&Partition::TARGET);
    let stages: BTreeSet<Partition> = (0..3)
        .map(|stage| Partition::stage(Role::Target, stage))
        .collect();
    for stage in &stages {
        great.subgraphs.insert(*stage, demand(1, u64::MAX));
    }
    let shared = SharedWeights {
        readers: stages,
        bytes: u64::MAX,
    };
    great.shared_weights = vec![shared.clone(), shared];
    assert_eq!(great.whole(Role::Target).unwrap().weight_bytes, 0);
    great.shared_weights.clear();
    assert_eq!(great.whole(Role::Target).unwrap().weight_bytes, u64::MAX);
}
