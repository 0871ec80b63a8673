//! Exploring agrees with searching, whatever the method.

use crate::common::*;
use crate::search::brute::{any_demand, platform, unit};
use cost::explore::*;
use cost::platform::{Platform, Power};
use cost::units::Quantity;
use cost::workload::Partition;
use proptest::prelude::*;

fn query(platform: Platform, alpha: f64) -> Query {
    let workload = workload(
        demand(300_000_000, 1_000_000),
        demand(1_000_000_000, 5_000_000),
    );
    of(Request::new(workload, platform, alpha))
}

fn of(request: Request) -> Query {
    Query {
        rates: vec![Rate {
            alpha: request.alpha,
            source: "as given".into(),
            per_position: None,
        }],
        request,
        objective: Objective::default(),
        filter: Filter::default(),
        method: Method::Exhaustive,
        ranks: None,
        self_c: None,
    }
}

fn milliseconds(row: &Row) -> f64 {
    row.numbers.as_ref().unwrap().per_token_ms
}

#[test]
fn every_point_has_a_row() {
    let mut query = query(files::platform::load("imx95").unwrap(), 0.9);
    query
        .request
        .forbid
        .insert((Partition::TARGET, "gpu".to_owned()));
    query.rates.push(Rate {
        alpha: 0.17,
        ..query.rates[0].clone()
    });
    let found = explore(&query).unwrap();
    assert_eq!(
        (found.size, found.variants, found.pus, found.partitions),
        (24, 6, 2, 2)
    );
    for outcome in &found.outcomes {
        assert_eq!(outcome.rows.len(), 24);
        let ruled_out = outcome.rows.iter().filter(|row| row.ruled_out.is_some());
        assert_eq!(ruled_out.count(), 12);
        assert_eq!(outcome.variants.len(), 6);
        let legal: Vec<f64> = outcome
            .rows
            .iter()
            .filter(|row| row.ruled_out.is_none())
            .map(milliseconds)
            .collect();
        assert!(
            legal
                .windows(2)
                .all(|pair| pair[0] <= pair[1] * (1.0 + 1e-9))
        );
        assert!((outcome.plan.time.per_token_ms - legal[0]).abs() < 1e-9 * legal[0]);
        for best in &outcome.variants {
            let runner_up = best.runner_up.as_ref().unwrap();
            assert!(milliseconds(runner_up) >= milliseconds(&best.best) * (1.0 - 1e-9));
        }
        assert!(outcome.map.is_some());
    }
    let json = serde_json::to_string(&found).unwrap();
    let mut back: Exploration = serde_json::from_str(&json).unwrap();
    back.seconds = found.seconds;
    assert_eq!(back, found);
}

#[test]
fn filters_narrow_the_space() {
    let platform = files::platform::load("imx95").unwrap();
    let mut query = query(platform.clone(), 0.9);
    query.filter = Filter::parse(["cpu<=2,gamma<=3"], &platform).unwrap();
    let found = explore(&query).unwrap();
    assert_eq!((found.size, found.variants), (8, 2));
    assert_eq!(found.draft_lengths, [0, 1, 2, 3]);
    assert!(
        found.outcomes[0]
            .rows
            .iter()
            .all(|row| row.variant["cpu"] <= 2)
    );
    for (text, part) in [
        ("cpu>6", "no design variant"),
        ("gamma>99", "no draft length"),
    ] {
        query.filter = Filter::parse([text], &platform).unwrap();
        let error = explore(&query).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn limits_of_one_unit_hold() {
    let mut query = query(two(4.0), 0.9);
    let on_gpu = |found: &Exploration| {
        let rows = &found.outcomes[0].rows;
        let both = |row: &&Row| row.drafter.as_deref() == Some("gpu") && row.target == "gpu";
        rows.iter().find(both).unwrap().ruled_out.clone()
    };
    assert_eq!(on_gpu(&explore(&query).unwrap()), None);
    query.request.memory_limits.insert("gpu".into(), 5_500_000);
    let why = on_gpu(&explore(&query).unwrap()).unwrap();
    assert!(why.starts_with("the limit of gpu holds"), "{why}");
}

#[test]
fn energy_and_memory_can_be_minimised() {
    let mut board = two(4.0);
    let mut query = query(board.clone(), 0.9);
    query.objective = "energy".parse().unwrap();
    let error = explore(&query).unwrap_err();
    assert!(error.to_string().contains("needs the power"), "{error}");
    for pu in &mut board.pus {
        let hot = if pu.name == "gpu" { 50.0 } else { 1.0 };
        pu.power = Some(Power {
            idle: Quantity::given(0.0),
            active_per_resource: Quantity::given(hot),
        });
    }
    query.request.platform = board;
    let outcome = explore(&query).unwrap().outcomes.remove(0);
    // The GPU is four times faster and fifty times hotter.
    assert_eq!(outcome.plan.pu_of(Partition::TARGET), Some("cpu"));
    let first = outcome.rows[0].numbers.as_ref().unwrap();
    // One pass of 1 s at 1 W; drafting would save time and cost energy, c = 0.3.
    assert!(first.energy_mj.unwrap() <= 1000.0 + 1e-6, "{first:?}");
    assert!(
        outcome.energy_frontier.len() >= 2,
        "{:?}",
        outcome.energy_frontier
    );
    query.objective = "memory".parse().unwrap();
    let outcome = explore(&query).unwrap().outcomes.remove(0);
    assert_eq!(
        (
            outcome.plan.gamma,
            outcome
                .memory_frontier
                .last()
                .unwrap()
                .numbers
                .as_ref()
                .unwrap()
                .memory_bytes
        ),
        (0, 5_000_000)
    );
    assert!("latncy".parse::<Objective>().is_err());
    assert_eq!(
        "energy*latency".parse::<Objective>().unwrap().to_string(),
        "energy*latency"
    );
}

#[test]
fn large_spaces_are_factored() {
    let mut board = files::platform::load("imx95").unwrap();
    board.pus[0].count = Quantity::given(50_000.0);
    board.pus[1].count = Quantity::given(10.0);
    let mut query = query(board, 0.9);
    let error = explore(&query).unwrap_err();
    let text = format!("{error} {}", error.help().unwrap());
    assert!(
        text.contains("2000000 points") && text.contains("--method factored"),
        "{text}"
    );
    query.method = Method::Auto;
    let found = explore(&query).unwrap();
    assert_eq!((found.method, found.size), (Method::Factored, 2_000_000));
    assert!(found.evaluated < found.size);
    query.request.model.overlapped = true;
    let error = explore(&query).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("only the exhaustive method is exact"),
        "{error}"
    );
}

#[test]
fn methods_agree_about_what_a_profile_lacks() {
    let one = |role: &str| {
        format!(
            "  - {{ role: {role}, pu: cpu, points: [{{ sequence_length: 63, latency: 300 ms }}] }}\n"
        )
    };
    for measured in ["drafter", "target"] {
        let w = workload(demand(500_000_000, 0), demand(1_000_000_000, 0));
        let mut request = Request::new(w, two(2.0), 0.9);
        let text = format!("version: 1\nmeasurements:\n{}", one(measured));
        request.profile = Some(files::profile::from_yaml("p.yaml", &text).unwrap());
        let plan = decide(&request).unwrap();
        // The other model is estimated, this one is not.
        assert_eq!(
            plan.pu_of(measured.parse::<Partition>().unwrap()),
            Some("cpu")
        );
        let gammas = request.draft_lengths().unwrap();
        let kernel = Kernel::build(&request, &gammas, |_, _| true).unwrap();
        let best = kernel.sweep(request.alpha).best.unwrap().seconds * 1e3;
        assert!(
            (best - plan.time.per_token_ms).abs() < 1e-9,
            "{measured}: {best}"
        );
        let found = explore(&Query {
            method: Method::Factored,
            ..of(request)
        })
        .unwrap();
        assert_eq!(found.outcomes[0].plan.roles, plan.roles, "{measured}");
        assert_eq!(found.outcomes[0].plan.time, plan.time, "{measured}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn all_methods_agree(
        units in prop::collection::vec(unit(), 1..4),
        drafter in any_demand(),
        target in any_demand(),
        alpha in 0.0..=1.0f64,
        transfer in any::<bool>(),
    ) {
        let mut request = Request::new(workload(drafter, target), platform(&units), alpha);
        request.model.transfer = transfer;
        let plan = decide(&request);
        let exhaustive = explore(&of(request.clone()));
        let factored = explore(&Query { method: Method::Factored, ..of(request.clone()) });
        match plan {
            Ok(plan) => {
                let (exhaustive, factored) = (exhaustive.unwrap(), factored.unwrap());
                prop_assert_eq!(&exhaustive.outcomes[0].plan, &plan);
                let close = |ms: f64| (ms - plan.time.per_token_ms).abs() <= 1e-9 * plan.time.per_token_ms;
                prop_assert!(close(milliseconds(&exhaustive.outcomes[0].rows[0])));
                prop_assert!(close(milliseconds(&factored.outcomes[0].rows[0])), "{:?}", factored.outcomes[0].rows[0]);
                prop_assert!(close(factored.outcomes[0].plan.time.per_token_ms));
                let kernel = Kernel::build(&request, &request.draft_lengths().unwrap(), |_, _| true).unwrap();
                let swept = kernel.sweep(alpha);
                prop_assert_eq!(swept.visited, kernel.points());
                prop_assert!(close(swept.best.unwrap().seconds * 1e3));
                // The frontier: each row is dominated by none.
                for row in &exhaustive.outcomes[0].memory_frontier {
                    let a = row.numbers.as_ref().unwrap();
                    let beaten = exhaustive.outcomes[0].rows.iter().filter_map(|row| row.numbers.as_ref()).any(|b| {
                        b.per_token_ms < a.per_token_ms && b.memory_bytes <= a.memory_bytes
                    });
                    prop_assert!(!beaten);
                }
            }
            Err(_) => prop_assert!(exhaustive.is_err() && factored.is_err()),
        }
    }
}
