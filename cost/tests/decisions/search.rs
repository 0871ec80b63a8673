//! The search against hand-made cases and against an independent brute force.

pub mod brute;
mod greatest;
mod holes;
mod refusals;
mod staged;

use crate::common::*;

pub fn pinned(mut request: Request, pins: &[(Partition, &str)]) -> Request {
    request.pins = pins
        .iter()
        .map(|(role, pu)| (*role, (*pu).to_owned()))
        .collect();
    request
}

#[test]
fn never_ranked_by_the_papers_s() {
    // The target is four times slower on the GPU and the drafter as fast: c is four times smaller
    // there, S = 3.4, and yet every token takes longer.
    let mut platform = two(1.0);
    let gpu = platform.pus.get_mut(1).unwrap();
    gpu.peak
        .insert(DType::F16, cost::units::Quantity::given(0.25e9));
    gpu.dtypes.insert(DType::F16);
    let cpu = platform.pus.get_mut(0).unwrap();
    cpu.peak
        .insert(DType::F16, cost::units::Quantity::given(1e9));
    cpu.dtypes.insert(DType::F16);
    let target = SubgraphDemand {
        flops: BTreeMap::from([(DType::F16, 1_000_000_000)]),
        ..SubgraphDemand::default()
    };
    let request = Request::new(workload(demand(200_000_000, 0), target), platform, 0.9);
    let plan = decide(&request).unwrap();
    assert_eq!(plan.pu_of(Partition::TARGET), Some("cpu"));
    let slow = pinned(
        request,
        &[(Partition::TARGET, "gpu"), (Partition::DRAFTER, "gpu")],
    );
    let slow = decide(&slow).unwrap();
    assert!(
        slow.speedup.eq1 > plan.speedup.eq1 * 1.5,
        "its S looks splendid"
    );
    assert!(slow.time.per_token_ms > plan.time.per_token_ms * 1.5);
    assert!(
        slow.speedup.over_baseline < plan.speedup.over_baseline / 1.5,
        "and the baseline shows it"
    );
}

#[test]
fn without_speculation_the_drafter_takes_no_memory() {
    // Target and drafter together do not fit anywhere; the target alone does.
    let request = Request::new(
        workload(demand(1, 3_000_000_000), demand(100, 3_000_000_000)),
        two(1.0),
        0.99,
    );
    let plan = decide(&request).unwrap();
    assert_eq!(
        (plan.gamma, plan.speculate, plan.pu_of(Partition::DRAFTER)),
        (0, false, None)
    );
    assert_eq!(
        (plan.points, plan.points_evaluated, plan.alone_evaluated),
        (4, 0, 1)
    );
    assert!(
        plan.why.contains("no mapping with a drafter is legal"),
        "{}",
        plan.why
    );
    assert_eq!(
        plan.ruled_out.iter().map(|ruled| ruled.points).sum::<u64>(),
        4
    );
}

#[test]
fn a_loop_that_ends_its_drafts_is_no_unrolled_one() {
    let mut w = workload(demand(100, 0), demand(1000, 0));
    w.draft_length = DraftLengthForm::Loop;
    let mut request = Request::new(w, two(1.0), 0.9);
    let plan = decide(&request).unwrap();
    assert_eq!(
        (plan.gamma, plan.draft_lengths_tried.as_slice()),
        (1, [0, 1].as_slice())
    );
    assert!(plan.why.contains("own loop decides"), "{}", plan.why);
    assert!(!plan.why.contains("unrolled"), "{}", plan.why);
    request.gamma = GammaChoice::Fixed(5);
    assert_eq!(decide(&request).unwrap().gamma, 5);
}

#[test]
fn unrolled_drafts_are_that_many_or_none() {
    let mut w = workload(demand(100, 0), demand(1000, 0));
    w.draft_length = DraftLengthForm::Unrolled { gamma: 3 };
    let mut request = Request::new(w, two(1.0), 0.9);
    let plan = decide(&request).unwrap();
    assert_eq!(
        (plan.gamma, plan.draft_lengths_tried.as_slice()),
        (3, [0, 3].as_slice())
    );
    assert!(plan.why.contains("unrolled"), "{}", plan.why);
    // S(0.3, 1, 0.2) > 1, but three drafts do not pay.
    request.alpha = 0.3;
    request
        .workload
        .subgraphs
        .insert(Partition::DRAFTER, demand(200, 0));
    let plan = decide(&request).unwrap();
    assert_eq!(plan.gamma, 0);
    assert!(plan.why.contains("unrolled"), "{}", plan.why);
    request.gamma = GammaChoice::Fixed(2);
    let error = decide(&request).unwrap_err();
    assert!(
        error.to_string().contains("drafts 3 tokens or none, not 2"),
        "{error}"
    );
}

#[test]
fn a_bound_below_unrolled_drafts_leaves_none() {
    let mut w = workload(demand(100, 0), demand(1000, 0));
    w.draft_length = DraftLengthForm::Unrolled { gamma: 20 };
    let mut request = Request::new(w, two(1.0), 0.99);
    // Nobody bounds it: the default is for modules that do not say.
    assert_eq!(decide(&request).unwrap().draft_lengths_tried, [0, 20]);
    request.gamma = GammaChoice::Auto { max: 20 };
    assert_eq!(decide(&request).unwrap().gamma, 20);
    for max in [19, 3] {
        request.gamma = GammaChoice::Auto { max };
        let plan = decide(&request).unwrap();
        assert_eq!(
            (plan.gamma, plan.draft_lengths_tried.as_slice()),
            (0, [0].as_slice())
        );
        assert_eq!(
            plan.why,
            format!(
                "no speculation: the module's drafts are unrolled, so that it drafts 20 tokens or none, and the greatest draft length was set to {max}."
            )
        );
    }
    request.gamma = GammaChoice::Auto { max: 0 };
    let plan = decide(&request).unwrap();
    assert!(
        plan.gamma == 0 && plan.why.contains("was set to 0"),
        "{}",
        plan.why
    );
}

#[test]
fn separate_forwards_keep_both_models() {
    let mut w = workload(demand(500, 0), demand(1000, 0));
    w.draft_length = DraftLengthForm::Absent;
    let plan = decide(&Request::new(w, two(4.0), 0.1)).unwrap();
    assert_eq!(plan.gamma, 0);
    // Even unused, the drafter is placed, and on the faster unit.
    assert_eq!(plan.pu_of(Partition::DRAFTER), Some("gpu"));
    assert!(plan.why.contains("advice"), "{}", plan.why);
}

#[test]
fn a_fixed_draft_length_is_kept_however_bad() {
    let mut request = Request::new(workload(demand(1000, 0), demand(1000, 0)), two(1.0), 0.1);
    request.gamma = GammaChoice::Fixed(8);
    let plan = decide(&request).unwrap();
    assert_eq!(plan.gamma, 8);
    assert!(plan.speedup.over_baseline < 1.0);
    request.gamma = GammaChoice::Fixed(9);
    assert!(
        decide(&request)
            .unwrap_err()
            .to_string()
            .contains("at most 8")
    );
    request.gamma = GammaChoice::Fixed(u32::MAX);
    assert!(
        decide(&request)
            .unwrap_err()
            .to_string()
            .contains("4294967295 is too long")
    );
    request.gamma = GammaChoice::Auto { max: 2 };
    assert_eq!(decide(&request).unwrap().draft_lengths_tried, [0, 1, 2]);
}

#[test]
fn automatic_lengths_end_with_the_modules_room() {
    let tried = |form, gamma| {
        let mut w = workload(demand(1, 0), demand(1000, 0));
        w.draft_length = form;
        let request = Request {
            gamma,
            ..Request::new(w, two(1.0), 0.999)
        };
        decide(&request).unwrap()
    };
    let room = |max| DraftLengthForm::Symbolic { max };
    let any = |form| tried(form, GammaChoice::Any);
    let up_to = |plan: &Plan| plan.draft_lengths_tried.last().copied();
    let plan = any(room(62));
    assert_eq!((plan.gamma, up_to(&plan)), (62, Some(62)));
    assert!(
        render(&plan).contains("62 (the module has room for 62)"),
        "{}",
        render(&plan)
    );
    assert_eq!(up_to(&any(room(u32::MAX))), Some(LONGEST_DRAFT));
    // A bound is a bound, and no length that must be possible.
    let bounded = |form, max| tried(form, GammaChoice::Auto { max });
    for max in [9, 5000, u32::MAX] {
        assert_eq!(up_to(&bounded(room(8), max)), Some(8), "{max}");
    }
    assert_eq!(
        up_to(&bounded(DraftLengthForm::Absent, u32::MAX)),
        Some(LONGEST_DRAFT)
    );
    let plan = bounded(room(62), 16);
    assert_eq!(plan.gamma, 16);
    assert!(
        render(&plan).contains("16 (the module has room for 62; only 0 to 16 were tried)"),
        "{}",
        render(&plan)
    );
    // Without a room of its own the default holds, and a best at its end is one.
    let plan = any(DraftLengthForm::Absent);
    assert_eq!((plan.gamma, up_to(&plan)), (16, Some(DEFAULT_MAX_GAMMA)));
    assert!(
        render(&plan).contains("16 (advice: the module has no loop; only 0 to 16 were tried)"),
        "{}",
        render(&plan)
    );
}

#[test]
fn ops_pins_and_forbidden_places_rule_out() {
    let mut platform = two(100.0);
    platform
        .pus
        .get_mut(1)
        .unwrap()
        .ops
        .unsupported
        .insert("tm_tensor.*".into());
    let mut target = demand(1000, 0);
    target.op_kinds.insert("tm_tensor.topk".into());
    let mut request = Request::new(workload(demand(10, 0), target), platform, 0.9);
    let plan = decide(&request).unwrap();
    assert_eq!(
        (
            plan.pu_of(Partition::TARGET),
            plan.pu_of(Partition::DRAFTER)
        ),
        (Some("cpu"), Some("gpu"))
    );
    assert!(
        plan.ruled_out
            .iter()
            .any(|ruled| ruled.words.contains("tm_tensor.topk"))
    );
    request.forbid.insert((Partition::DRAFTER, "gpu".into()));
    let plan = decide(&request).unwrap();
    assert_eq!(plan.pu_of(Partition::DRAFTER), Some("cpu"));
    assert!(
        plan.ruled_out
            .iter()
            .any(|ruled| ruled.words == "drafter is forbidden on gpu")
    );
    assert_eq!(
        plan.ruled_out.iter().map(|r| r.points).sum::<u64>() + plan.points_evaluated,
        plan.points
    );
}

#[test]
fn what_is_known_to_go_wrong_rules_out() {
    let mut platform = two(100.0);
    let entry = r#"{ "op": "sort", "types": ["f16", "i64"], "iree": "3.13", "outcome": "wrong", "note": "sort in f32" }"#;
    let entry = serde_json::from_str(entry).unwrap();
    platform.pus.get_mut(1).unwrap().cannot.push(entry);
    let mut target = demand(1000, 0);
    let types = [DType::F32, DType::I64].into();
    target.computes.insert("sort".into(), types);
    let request =
        |platform: Platform| Request::new(workload(demand(10, 0), target.clone()), platform, 0.9);
    let ruled_out = |plan: &Plan| -> Vec<String> {
        let words = plan.ruled_out.iter().map(|ruled| ruled.words.clone());
        words.collect()
    };
    // Of a release that is not known, everything counts.
    for release in [None, Some((3, 13))] {
        let plan = decide(&request(platform.clone().under(release))).unwrap();
        assert_eq!(plan.pu_of(Partition::TARGET), Some("cpu"));
        assert_eq!(plan.pu_of(Partition::DRAFTER), Some("gpu"));
        assert_eq!(
            ruled_out(&plan),
            [
                "target has sort in i64, which is computed wrongly on gpu with IREE 3.13 (the platform's table says so)"
            ]
        );
    }
    let plan = decide(&request(platform.clone().under(Some((3, 14))))).unwrap();
    assert!(ruled_out(&plan).is_empty());
    let mut pinned = request(platform);
    pinned.pins.insert(Partition::TARGET, "gpu".into());
    let error = decide(&pinned).unwrap_err();
    assert!(
        error.help().unwrap().starts_with("sort in f32; "),
        "{error}"
    );
}

#[test]
fn what_was_seen_not_to_compile_rules_out() {
    let demands = || workload(demand(10, 0), demand(1000, 0));
    let mut request = Request::new(demands(), two(100.0), 0.9);
    request.probed.push(Probed {
        role: Partition::TARGET,
        pu: "gpu".into(),
        said: "no".into(),
    });
    let plan = decide(&request).unwrap();
    assert_eq!(plan.pu_of(Partition::TARGET), Some("cpu"));
    assert!(
        plan.ruled_out.iter().any(
            |ruled| ruled.words == "IREE does not compile target for gpu, as --probe found: no"
        )
    );
    request.pins.insert(Partition::TARGET, "gpu".into());
    assert!(decide(&request).is_err());
}

#[test]
fn ties_go_to_less() {
    // Equal units: everything on one device, the first; c = α exactly: no speculation.
    let plan = decide(&Request::new(
        workload(demand(100, 0), demand(1000, 0)),
        two(1.0),
        0.9,
    ))
    .unwrap();
    assert_eq!(
        (
            plan.pu_of(Partition::DRAFTER),
            plan.pu_of(Partition::TARGET)
        ),
        (Some("cpu"), Some("cpu"))
    );
    assert_eq!(plan.devices.len(), 1);
    let plan = decide(&Request::new(
        workload(demand(500, 0), demand(1000, 0)),
        two(1.0),
        0.5,
    ))
    .unwrap();
    assert_eq!(plan.gamma, 0);
}

#[test]
fn the_full_machine_unless_a_smaller_one_is_faster() {
    let platform = files::platform::load("reference").unwrap();
    // Bound by memory, which two cores saturate: all variants from two cores up take the same time.
    let w = workload(demand(0, 10_000_000), demand(0, 1_000_000_000));
    let mut request = Request::new(w, platform, 0.9);
    request.forbid.insert((Partition::TARGET, "gpu".into()));
    let plan = decide(&request).unwrap();
    assert_eq!(plan.variant.get("cpu"), Some(&4));
    assert!(
        plan.devices[0]
            .run_flags
            .iter()
            .all(|flag| !flag.contains("topology")),
        "{:?}",
        plan.devices[0].run_flags
    );
    request.variant = Some(parse_variant("cpu=2").unwrap());
    let plan = decide(&request).unwrap();
    assert!(
        plan.devices[0]
            .run_flags
            .contains(&"--task_topology_cpu_ids=0,1".to_owned()),
        "{:?}",
        plan.devices[0].run_flags
    );
}

#[test]
fn crossings_place_control_and_count_when_asked() {
    let crossing = |from, to, bytes, per| CrossingDemand::new(from, to, bytes, per, "x");
    let mut w = workload(demand(1_000_000, 0), demand(10_000_000, 0));
    w.crossings = vec![
        crossing(
            Partition::DRAFTER,
            Partition::CONTROL,
            1_000_000,
            Per::Draft,
        ),
        crossing(Partition::CONTROL, Partition::TARGET, 8, Per::Round),
        crossing(Partition::CONTROL, Partition::TARGET, 1 << 40, Per::Once),
    ];
    // Pinned apart: a token costs 2 ms to cross (1 ms and 1 MB at 1 GB/s), per draft, so control
    // joins the drafter although the host is the CPU.
    let mut request = pinned(
        Request::new(w, two(1.0), 0.9),
        &[(Partition::DRAFTER, "gpu"), (Partition::TARGET, "cpu")],
    );
    let plan = decide(&request).unwrap();
    assert_eq!(plan.pu_of(Partition::CONTROL), Some("gpu"));
    assert_eq!(
        plan.crossings.len(),
        2,
        "the drafter's stays on the GPU: {:?}",
        plan.crossings
    );
    assert_eq!(
        plan.devices.first().map(|device| device.pu.as_str()),
        Some("gpu"),
        "inputs go to control's device"
    );
    // 10 ms of target, 1 ms of drafter, and on top 1 ms to the target and 1 ms to the host.
    request.model.transfer = true;
    request.gamma = GammaChoice::Fixed(4);
    let with = decide(&request).unwrap();
    let expected =
        (4.0 * 1.0 + 10.0 + 1.0 + 1.0 + 2.0 * 8.0 / 1e6) / speedup::expected_tokens(0.9, 4);
    assert!(
        (with.time.per_token_ms - expected).abs() < 1e-3,
        "{} {expected}",
        with.time.per_token_ms
    );
    assert!(with.speedup.refined < with.speedup.eq1);
    // Pinned control stays.
    request.pins.insert(Partition::CONTROL, "cpu".into());
    assert_eq!(
        decide(&request).unwrap().pu_of(Partition::CONTROL),
        Some("cpu")
    );
    // Without a link there is no way across.
    request.platform.links.clear();
    let error = decide(&request).unwrap_err();
    assert!(error.to_string().contains("nothing connects"), "{error}");
}

#[test]
fn sensitivity_ends_where_the_choice_changes() {
    let mut request = Request::new(workload(demand(410, 0), demand(1000, 0)), two(1.0), 0.9);
    request.forbid = Role::MODELS
        .map(|role| (role.into(), "gpu".to_owned()))
        .into();
    let plan = decide(&request).unwrap();
    assert_eq!(plan.gamma, 4);
    let at = |alpha: f64, drafter: f64| {
        let mut other = request.clone();
        other.alpha = alpha;
        // Scaled to keep fractions of an operation.
        other.workload = workload(demand((drafter * 1e9) as u64, 0), demand(1_000_000_000, 0));
        decide(&other).unwrap().gamma
    };
    let alpha = plan.sensitivity.alpha.unwrap();
    let (low, high) = (alpha.low, alpha.high.unwrap());
    assert!(low < 0.9 && 0.9 < high);
    assert_eq!((at(low + 1e-6, 0.41), at(high - 1e-6, 0.41)), (4, 4));
    assert_ne!(at(low - 1e-6, 0.41), 4);
    assert_ne!(at(high + 1e-6, 0.41), 4);
    let c = plan.sensitivity.c.unwrap();
    let (low, high) = (c.low, c.high.unwrap());
    assert_eq!((at(0.9, low + 1e-6), at(0.9, high - 1e-6)), (4, 4));
    assert_ne!(at(0.9, low - 1e-6), 4);
    assert_ne!(at(0.9, high + 1e-6), 4);
    // Speculation as such pays while c < α.
    let speculation = plan.sensitivity.alpha_speculation.unwrap();
    assert!((speculation.low - 0.41).abs() < 1e-6 && speculation.high == Some(1.0));
    let speculation = plan.sensitivity.c_speculation.unwrap();
    assert!((speculation.high.unwrap() - 0.9).abs() < 1e-6 && speculation.low == 0.0);
    // With an equal unit beside it, slowing the drafter's unit down changes the mapping at once,
    // and the verdict never.
    let both = decide(&Request {
        forbid: BTreeSet::new(),
        ..request.clone()
    })
    .unwrap();
    assert!((both.sensitivity.c.unwrap().high.unwrap() - 0.41).abs() < 1e-6);
    assert_eq!(both.sensitivity.c_speculation.unwrap().high, None);
    // Where it does not pay, the threshold is c = α.
    let plan = decide(&Request {
        alpha: 0.17,
        ..request
    })
    .unwrap();
    assert_eq!(plan.gamma, 0);
    assert!((plan.sensitivity.c.unwrap().low - 0.17).abs() < 1e-6);
    assert!((plan.sensitivity.alpha.unwrap().high.unwrap() - 0.41).abs() < 1e-6);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 60, ..Default::default() })]
    #[test]
    fn stopping_where_time_rises_misses_nothing(
        alphas in proptest::collection::vec(0.0..=1.0f64, 1..6),
        c in 0.0005..1.0f64,
        by_position in proptest::prelude::any::<bool>(),
    ) {
        let mut w = workload(demand((c * 1e9) as u64, 0), demand(1_000_000_000, 0));
        w.draft_length = DraftLengthForm::Symbolic { max: 300 };
        let mut request = Request::new(w, two(1.0), alphas[0]);
        request.model.per_position = by_position;
        request.per_position = by_position.then(|| alphas.clone());
        let plan = decide(&request).unwrap();
        let full = (0..=300).map(|gamma| {
            let known = request.per_position.as_deref();
            let tokens = tokens(alphas[0], known, gamma);
            (f64::from(gamma) * (c * 1e9).floor() / 1e9 + 1.0) * 1e3 / tokens
        });
        let least = full.fold(f64::INFINITY, f64::min);
        proptest::prop_assert!((plan.time.per_token_ms - least).abs() <= 1e-8 * least, "{} {least}", plan.time.per_token_ms);
    }
}
