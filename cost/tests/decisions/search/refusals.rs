//! Requests that make no sense or cannot be met, and what is said about them.

use super::pinned;
use crate::common::*;

#[test]
fn bad_requests_say_what_and_what_instead() {
    let good = Request::new(workload(demand(1, 1), demand(2, 2)), two(1.0), 0.5);
    let complaint = |change: &dyn Fn(&mut Request)| {
        let mut request = good.clone();
        change(&mut request);
        let error = decide(&request).unwrap_err();
        format!("{error} | {}", error.help().unwrap_or_default())
    };
    for alpha in [-0.1, 1.01, f64::NAN, f64::INFINITY] {
        assert!(complaint(&|r| r.alpha = alpha).contains("between 0 and 1"));
    }
    let text = complaint(&|r| drop(r.pins.insert(Partition::DRAFTER, "gpuu".into())));
    assert!(
        text.starts_with(
            "`--pin drafter=gpuu`: the platform two has no processing unit `gpuu` | did you mean `gpu`?"
        ),
        "{text}"
    );
    let text = complaint(&|r| r.variant = Some(Variant::from([("cpux".into(), 1)])));
    assert!(text.contains("did you mean `cpu`?"), "{text}");
    let text = complaint(&|r| r.variant = Some(Variant::from([("cpu".into(), 2)])));
    assert_eq!(text, "`--variant cpu=2`: cpu has 1 core | use 1");
    assert!(
        complaint(&|r| r.variant = Some(Variant::from([("cpu".into(), 0)]))).contains("forbid")
    );
    assert!(
        complaint(&|r| {
            r.forbid.insert((Partition::TARGET, "npu".into()));
        })
        .contains("`--forbid target=npu`")
    );
    assert!(
        complaint(&|r| drop(r.workload.subgraphs.remove(&Partition::TARGET))).contains("no target")
    );
    assert!(complaint(&|r| r.model.per_position = true).contains("by position"));
    let text = complaint(&|r| r.workload.state = Some("global @kv_cache is written".into()));
    assert!(
        text.contains("@kv_cache") && text.contains("--cost-model verify"),
        "{text}"
    );
    let text = complaint(&|r| {
        r.workload.state = Some("x".into()).filter(|_| {
            r.model.verify = true;
            true
        })
    });
    assert!(
        text.contains("keeps state"),
        "verify without a profile is not enough: {text}"
    );
    let text = complaint(&|r| {
        drop((
            r.workload.subgraphs.remove(&Partition::DRAFTER),
            r.gamma = GammaChoice::Fixed(2),
        ))
    });
    assert!(text.contains("needs a drafter"), "{text}");
}

#[test]
fn nothing_legal_names_every_demand_and_bound() {
    let mut target = demand(1, 5_000_000_000);
    target.dtypes.insert(DType::I8);
    let error = decide(&Request::new(workload(demand(1, 1), target), two(1.0), 0.5)).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("target computes in i8, which cpu lacks"),
        "{text}"
    );
    assert!(
        text.contains("target computes in i8, which gpu lacks"),
        "{text}"
    );
    let error = decide(&Request::new(
        workload(demand(1, 1), demand(1, 5_000_000_000)),
        two(1.0),
        0.5,
    ))
    .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("ram holds 3.73 GiB and 4.66 GiB are needed"),
        "{text}"
    );
    assert!(text.contains("gpu holds 954 MiB"), "{text}");
    assert!(
        error.help().unwrap().contains("quantise target"),
        "{:?}",
        error.help()
    );
    assert!(error.is_impossible());
}

#[test]
fn a_pin_that_cannot_be_honoured_is_an_error_not_a_silent_zero() {
    let request = Request::new(
        workload(demand(1, 2_000_000_000), demand(1_000_000_000, 1)),
        two(1.0),
        0.9,
    );
    assert_eq!(
        decide(&request).unwrap().pu_of(Partition::DRAFTER),
        Some("cpu")
    );
    let error = decide(&pinned(request, &[(Partition::DRAFTER, "gpu")])).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("gpu holds 954 MiB and 1.86 GiB are needed"),
        "{error}"
    );
    assert!(
        error.help().unwrap().contains("do not pin drafter to gpu"),
        "{:?}",
        error.help()
    );
}

#[test]
fn variants_are_parsed_and_checked() {
    assert_eq!(
        parse_variant("cpu=1, gpu=2").unwrap(),
        Variant::from([("cpu".into(), 1), ("gpu".into(), 2)])
    );
    for bad in ["", "cpu", "cpu=", "cpu=x", "cpu=-1", "=1", "cpu=1,cpu=2"] {
        let error = parse_variant(bad).unwrap_err();
        assert!(error.to_string().contains(&format!("`{bad}`")), "{error}");
        assert!(error.help().is_some(), "{error}");
    }
}

#[test]
fn too_many_points_are_refused_with_their_number() {
    let mut platform = two(1.0);
    for pu in &mut platform.pus {
        pu.count = cost::units::Quantity::given(60000.0);
    }
    let error = decide(&Request::new(
        workload(demand(1, 1), demand(1, 1)),
        platform,
        0.5,
    ))
    .unwrap_err();
    assert!(error.to_string().contains("14400000000 points"), "{error}");
}

/// A profile whose variants name every unit makes each latency depend on all of them.
#[test]
fn too_many_latencies_are_refused_before_they_are_made() {
    let mut platform = two(1.0);
    let first = platform.pus.remove(0);
    platform.pus.clear();
    platform.links.clear();
    for index in 0..4 {
        let mut pu = first.clone();
        pu.name = format!("pu{index}");
        pu.count = cost::units::Quantity::given(65536.0);
        platform.pus.push(pu);
    }
    platform.control = "pu0".into();
    let all = "version: 1\nmeasurements:\n  - { role: target, pu: pu0, variant: { pu0: 1, pu1: 1, pu2: 1, pu3: 1 }, points: [{ sequence_length: 63, latency: 1 s }] }\n";
    for named in [2, 3, 4] {
        let rest = (named..4).map(|index| format!(", pu{index}: 1"));
        let text = rest.fold(all.to_owned(), |text, rest| text.replace(&rest, ""));
        let mut request = Request::new(workload(demand(1, 1), demand(1, 1)), platform.clone(), 0.5);
        request.profile = Some(files::profile::from_yaml("all.yaml", &text).unwrap());
        let error = Kernel::build(&request, &[0, 1], |_, _| true).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("so many resources together"), "{text}");
        assert!(error.help().unwrap().contains("--variant"));
        // Fixed, they are none.
        request.variant = Some((1..4).map(|index| (format!("pu{index}"), 1)).collect());
        assert!(Kernel::build(&request, &[0, 1], |pu, count| pu != "pu0" || count < 10).is_ok());
    }
}
