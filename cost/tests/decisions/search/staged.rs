//! Models in stages: each is placed on its own, and the sums are right.

use super::brute::{any_demand, counts_of, fits, platform, seconds, unit};
use super::pinned;
use crate::common::*;
use cost::speedup::expected_tokens;
use cost::units::Quantity;
use cost::workload::{CrossingDemand, SharedWeights};
use proptest::prelude::*;

const FIRST: Partition = Partition::stage(Role::Target, 0);
const SECOND: Partition = Partition::stage(Role::Target, 1);

/// A drafter in one piece and a target in two.
fn cut(drafter: SubgraphDemand, first: SubgraphDemand, second: SubgraphDemand) -> Workload {
    let mut cut = workload(drafter, first.clone());
    cut.subgraphs.remove(&Partition::TARGET);
    cut.subgraphs.extend([(FIRST, first), (SECOND, second)]);
    cut.crossings = vec![CrossingDemand::new(
        FIRST,
        SECOND,
        1_000_000,
        Per::Round,
        "hidden state",
    )];
    cut
}

const GB: u64 = 1_000_000_000;

#[test]
fn a_target_that_fits_no_memory_fits_two() {
    // 4 GB and 1 GB there are, and 4.5 GB are needed.
    let whole = workload(demand(1, 0), demand(1_000_000_000, 9 * GB / 2));
    let error = decide(&Request::new(whole, two(2.0), 0.9)).unwrap_err();
    assert!(error.to_string().contains("ram holds"), "{error}");

    let half = demand(500_000_000, 9 * GB / 2 - 9 * GB / 10);
    let other = demand(500_000_000, 9 * GB / 10);
    let request = Request::new(cut(demand(1, 0), half, other), two(2.0), 0.9);
    let plan = decide(&request).unwrap();
    assert_eq!(
        (plan.pu_of(FIRST), plan.pu_of(SECOND)),
        (Some("cpu"), Some("gpu"))
    );
    assert_eq!(plan.pu_of(Role::Target), None);
    // N^m: two units, three partitions. The drafter may be on either.
    assert_eq!((plan.points, plan.points_evaluated), (8, 2));
    // No unit holds the whole target, so the baseline is in stages, too.
    assert_eq!(plan.time.baseline_pu, "cpu+gpu");
    assert!(!render(&plan).contains("on one unit"), "{}", render(&plan));
    assert!(
        render(&plan).contains("target.0 on cpu, target.1 on gpu"),
        "{}",
        render(&plan)
    );
}

#[test]
fn what_stages_share_is_there_once_on_a_pu_and_on_each() {
    let half = || demand(1_000_000, 6 * GB / 10);
    let tied = |bytes| {
        let mut workload = cut(demand(1, 0), half(), half());
        let readers = [FIRST, SECOND].into();
        workload.shared_weights = vec![SharedWeights { readers, bytes }];
        pinned(
            Request::new(workload, two(2.0), 0.9),
            &[(Partition::TARGET, "gpu")],
        )
    };
    // 1 GB there is: the halves fit together if they have 0.2 GB in common.
    assert!(decide(&tied(2 * GB / 10)).is_ok());
    let error = decide(&tied(GB / 10)).unwrap_err().to_string();
    assert!(
        error.contains("gpu holds") && error.contains("target.1 477 MiB"),
        "{error}"
    );
    let whole = |bytes| tied(bytes).workload.whole(Role::Target).unwrap();
    assert_eq!(whole(GB / 10).weight_bytes, 11 * GB / 10);
    // Apart, each has its own copy.
    let mut apart = tied(6 * GB / 10);
    apart.pins = [(FIRST, "gpu".to_owned()), (SECOND, "cpu".to_owned())].into();
    apart.memory_limits = [("cpu".to_owned(), 6 * GB / 10)].into();
    assert!(decide(&apart).is_ok());
    apart.memory_limits = [("cpu".to_owned(), 6 * GB / 10 - 1)].into();
    assert!(decide(&apart).is_err());
}

#[test]
fn what_both_models_share_is_there_once_on_a_pu() {
    let tied = |bytes| {
        let mut workload = workload(demand(1, 6 * GB / 10), demand(10_000_000, 6 * GB / 10));
        let readers = [Partition::DRAFTER, Partition::TARGET].into();
        workload.shared_weights = vec![SharedWeights { readers, bytes }];
        let on_gpu = [(Partition::DRAFTER, "gpu"), (Partition::TARGET, "gpu")];
        pinned(Request::new(workload, two(2.0), 0.9), &on_gpu)
    };
    // 1 GB there is. The plan counts what is shared with the one that comes first.
    let plan = decide(&tied(2 * GB / 10)).unwrap();
    let weights: Vec<u64> = plan.roles.values().map(|role| role.weight_bytes).collect();
    assert_eq!(weights[..2], [6 * GB / 10, 4 * GB / 10]);
    assert!(decide(&tied(GB / 10)).is_err());
}

#[test]
fn a_model_takes_as_long_as_its_stages() {
    let stages = |gpu| cut(demand(1_000_000, 0), demand(600_000_000, 0), gpu);
    let mut request = Request::new(stages(demand(400_000_000, 0)), two(2.0), 0.9);
    request.gamma = GammaChoice::Fixed(0);
    // 0.6 GFLOP at 1 GFLOP/s, then 0.4 at 2.
    request = pinned(request, &[(FIRST, "cpu"), (SECOND, "gpu")]);
    let plan = decide(&request).unwrap();
    assert!((plan.time.per_token_ms - 800.0).abs() < 1e-6);
    let seconds = |stage: &Partition| plan.roles[stage].latency.as_ref().unwrap().seconds;
    assert!((seconds(&FIRST) - 0.6).abs() < 1e-9 && (seconds(&SECOND) - 0.2).abs() < 1e-9);
    // Its best run on one unit is the whole on the faster.
    assert_eq!(plan.time.baseline_pu, "gpu");
    assert!((plan.time.baseline_ms - 500.0).abs() < 1e-6);
    assert_eq!(
        request.workload.whole(Role::Target).unwrap().flops[&DType::F32],
        1_000_000_000
    );

    // The hidden state costs at least 1 ms and 1 MB at 1 GB/s, in every round, where crossings
    // count.
    let crossing = &plan.crossings[0];
    assert_eq!(
        (crossing.from, crossing.to, crossing.per),
        (FIRST, SECOND, Per::Round)
    );
    assert!(crossing.each_ms >= 2.0);
    request.model.transfer = true;
    let counted = decide(&request).unwrap();
    let more = counted.time.per_token_ms - plan.time.per_token_ms;
    assert!((more - crossing.each_ms).abs() < 1e-6, "{more}");
}

#[test]
fn wishes_for_a_model_are_for_its_stages() {
    let stages = || cut(demand(1, 0), demand(GB, 0), demand(GB, 0));
    let places = |pins: &[(Partition, &str)]| {
        let plan = decide(&pinned(Request::new(stages(), two(2.0), 0.9), pins)).unwrap();
        [FIRST, SECOND].map(|stage| plan.pu_of(stage).unwrap().to_owned())
    };
    assert_eq!(places(&[(Partition::TARGET, "cpu")]), ["cpu", "cpu"]);
    assert_eq!(
        places(&[(Partition::TARGET, "cpu"), (SECOND, "gpu")]),
        ["cpu", "gpu"]
    );
    let mut request = Request::new(stages(), two(2.0), 0.9);
    request.forbid.insert((Partition::TARGET, "gpu".into()));
    let plan = decide(&request).unwrap();
    assert_eq!(
        (plan.pu_of(FIRST), plan.pu_of(SECOND)),
        (Some("cpu"), Some("cpu"))
    );

    let third = Partition::stage(Role::Target, 2);
    let error = decide(&pinned(request.clone(), &[(third, "cpu")])).unwrap_err();
    assert_eq!(error.to_string(), "the module has no target.2 to place");
    assert_eq!(
        error.help().as_deref(),
        Some("it has target.0 and target.1")
    );
    request.forbid = [(Partition::stage(Role::Drafter, 0), "cpu".to_owned())].into();
    let error = decide(&request).unwrap_err();
    assert_eq!(
        error.help().as_deref(),
        Some("its drafter is one piece: name drafter")
    );
}

#[test]
fn stages_are_measured_one_by_one() {
    let profile = "version: 1\nmeasurements:\n  \
        - { role: target.0, pu: cpu, points: [{ sequence_length: 63, latency: 30 ms }] }\n  \
        - { role: target.1, pu: gpu, points: [{ sequence_length: 63, latency: 12 ms }] }\n  \
        - { role: drafter, pu: cpu, points: [{ sequence_length: 63, latency: 5 ms }] }\n";
    let mut request = Request::new(cut(demand(1, 0), demand(1, 0), demand(1, 0)), two(2.0), 0.5);
    request.profile = Some(files::profile::from_yaml("p.yaml", profile).unwrap());
    request.gamma = GammaChoice::Fixed(0);
    let plan = decide(&request).unwrap();
    assert_eq!(
        (plan.pu_of(FIRST), plan.pu_of(SECOND)),
        (Some("cpu"), Some("gpu"))
    );
    assert!((plan.time.per_token_ms - 42.0).abs() < 1e-9);
    // What only a whole target was measured for is no measurement of its stages.
    let error =
        files::profile::from_yaml("p.yaml", &profile.replace("target.1", "target.x")).unwrap_err();
    assert!(
        error.to_string().contains("a stage is a whole number"),
        "{error}"
    );
}

/// The least time per token over every place of every stage, written out again.
fn brute(request: &Request) -> (Option<f64>, u64) {
    let platform = &request.platform;
    let n = platform.pus.len();
    let models: Vec<(&Partition, &SubgraphDemand)> = request.workload.subgraphs.iter().collect();
    let (mut least, mut legal): (Option<f64>, u64) = (None, 0);
    for variant in 0..platform.variant_count() {
        let counts = counts_of(platform, variant);
        for mapping in 0..n.pow(models.len() as u32) {
            let at = |index: usize| mapping / n.pow(index as u32) % n;
            let placed = |drafts: bool| -> Vec<_> {
                let of = models.iter().enumerate();
                of.filter(|(_, (part, _))| drafts || part.role == Role::Target)
                    .map(|(index, (_, demand))| (*demand, &platform.pus[at(index)]))
                    .collect()
            };
            let time = |role: Role| -> Option<f64> {
                let of = models.iter().enumerate();
                of.filter(|(_, (part, _))| part.role == role)
                    .map(|(index, (_, demand))| {
                        seconds(demand, &platform.pus[at(index)], counts[at(index)])
                    })
                    .sum()
            };
            let mut take = |new: f64| least = Some(least.map_or(new, |old: f64| old.min(new)));
            let Some(t_target) = time(Role::Target) else {
                continue;
            };
            if fits(platform, &placed(false)) {
                take(t_target);
            }
            if let Some(t_draft) = time(Role::Drafter)
                && fits(platform, &placed(true))
            {
                legal += 1;
                for gamma in 1..=8 {
                    let round = f64::from(gamma) * t_draft + t_target;
                    take(round / expected_tokens(request.alpha, gamma));
                }
            }
        }
    }
    (least, legal)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn stages_equal_brute_force(
        units in prop::collection::vec(unit(), 1..4),
        demands in prop::collection::vec(any_demand(), 4),
        cut_drafter in any::<bool>(),
        alpha in 0.0..=1.0f64,
    ) {
        let mut subgraphs = BTreeMap::from([(FIRST, demands[0].clone()), (SECOND, demands[1].clone())]);
        if cut_drafter {
            subgraphs.insert(Partition::stage(Role::Drafter, 0), demands[2].clone());
            subgraphs.insert(Partition::stage(Role::Drafter, 7), demands[3].clone());
        } else {
            subgraphs.insert(Partition::DRAFTER, demands[2].clone());
        }
        let m = subgraphs.len() as u32;
        let mut request = Request::new(workload(demand(0, 0), demand(0, 0)), platform(&units), alpha);
        request.workload.subgraphs = subgraphs;
        let (least, legal) = brute(&request);
        match decide(&request) {
            Ok(plan) => {
                let least = least.unwrap() * 1e3;
                prop_assert!((plan.time.per_token_ms - least).abs() <= 1e-9 * least, "{} {least}", plan.time.per_token_ms);
                prop_assert_eq!(plan.points_evaluated, legal);
                prop_assert_eq!(plan.points, request.platform.variant_count() * (units.len() as u64).pow(m));
                prop_assert_eq!(plan.points, request.space_size());
                prop_assert!(render(&plan).lines().all(|line| line.chars().count() <= 100), "{}", render(&plan));
                prop_assert_eq!(&serde_json::from_str::<Plan>(&serde_json::to_string_pretty(&plan).unwrap()).unwrap(), &plan);
                // The two methods without points agree.
                let gammas = request.draft_lengths().unwrap();
                let kernel = Kernel::build(&request, &gammas, |_, _| true).unwrap();
                let close = |seconds: f64| (seconds * 1e3 - least).abs() <= 1e-9 * least;
                prop_assert!(close(kernel.sweep(alpha).best.unwrap().seconds));
                prop_assert!(close(kernel.factored(alpha).0[0].seconds));
            }
            Err(SearchError::Infeasible(_)) => prop_assert_eq!(least, None),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn too_many_stages_are_refused_before_they_are_tried() {
    let mut many = workload(demand(1, 0), demand(1, 0));
    many.subgraphs = (0..20)
        .map(|stage| (Partition::stage(Role::Target, stage), demand(1, 0)))
        .collect();
    let request = Request::new(many, two(1.0), 0.5);
    for error in [
        decide(&request).unwrap_err(),
        Kernel::build(&request, &[0], |_, _| true).unwrap_err(),
    ] {
        assert!(error.to_string().contains("1048576"), "{error}");
        assert_eq!(
            error.help().as_deref(),
            Some("cut the models into fewer stages")
        );
    }
}

/// With thousands of mappings most are left out of the re-searching; the intervals are those of all.
#[test]
fn intervals_of_many_mappings_are_right() {
    let names = ["pu0", "pu1", "pu2", "pu3"];
    let mut platform = two(3.0);
    let cpu = platform.pus.remove(0);
    platform.pus.clear();
    platform.links.clear();
    for (index, name) in names.into_iter().enumerate() {
        let mut pu = cpu.clone();
        pu.name = name.to_owned();
        pu.iree.ordinal = Some(index as u32);
        let rate = Quantity::given((1.0 + index as f64) * 1e9);
        pu.peak = BTreeMap::from([(DType::F32, rate)]);
        platform.pus.push(pu);
    }
    platform.control = "pu0".into();
    let mut request = Request::new(workload(demand(0, 0), demand(0, 0)), platform, 0.6);
    request.workload.subgraphs = (0..4)
        .map(|stage| {
            let stage = Partition::stage(Role::Target, stage);
            (stage, demand(GB, GB / 100))
        })
        .chain([(Partition::DRAFTER, demand(GB, GB / 100))])
        .collect();
    let gammas = request.draft_lengths().unwrap();
    // Nothing links the units, so that crossings would be in the way; there are none.
    let space = Space::build(&request, &gammas).unwrap();
    assert_eq!(space.size, 1024);
    let mut evaluator = Evaluator::new(&request, &space, &gammas);
    let best = evaluator.best().unwrap();
    let found = sensitivity(&evaluator, &best, request.alpha, best.point.c());
    let alpha = found.alpha.unwrap();
    let mut same = |alpha: f64| {
        evaluator.set_alpha(alpha);
        let now = evaluator.best().unwrap();
        now.point.mapping() == best.point.mapping() && now.gamma == best.gamma
    };
    let high = alpha.high.unwrap();
    assert!(same(alpha.low + 1e-6) && same(high - 1e-6));
    assert!(alpha.low == 0.0 || !same(alpha.low - 1e-6));
    assert!(high == 1.0 || !same(high + 1e-6));
    assert!(undominated(&space.points, &best).len() < space.points.len() / 10);
}
