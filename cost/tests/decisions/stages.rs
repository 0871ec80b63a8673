//! The exact method against enumeration.

use crate::common::*;
use crate::search::brute::{any_demand, platform, unit};
use cost::stages::problem::{Edge, Problem, Stage};
use cost::stages::*;
use proptest::prelude::*;

fn effort() -> Effort {
    Effort {
        labels: 1_000_000,
        steps: u64::MAX,
    }
}

/// Up to 7 stages on up to 3 PUs, chain or not, some places impossible, memories tight.
fn any_problem() -> impl Strategy<Value = Problem> {
    (1usize..4, 1usize..8, any::<bool>())
        .prop_flat_map(|(pus, m, contiguous)| {
            let stage = (
                prop::collection::vec(
                    prop_oneof![9 => 0.1..10.0f64, 1 => Just(f64::INFINITY)],
                    pus,
                ),
                0.0..10.0f64,
                any::<bool>(),
            );
            let edge = (0..m, 0..m, prop::collection::vec(0.0..5.0f64, pus * pus));
            (
                prop::collection::vec(stage, m),
                prop::collection::vec(edge, 0..m + 2),
                prop::collection::vec(5.0..60.0f64, 2),
                prop::collection::vec(0usize..2, pus),
                Just((pus, contiguous)),
            )
        })
        .prop_map(
            |(stages, edges, capacities, within, (pus, contiguous))| Problem {
                pus,
                stages: stages
                    .into_iter()
                    .map(|(seconds, bytes, target)| Stage {
                        model: usize::from(target),
                        passes: if target { 1.0 } else { 3.0 },
                        bytes,
                        seconds,
                    })
                    .collect(),
                edges: edges
                    .into_iter()
                    .filter(|(a, b, _)| a != b)
                    .map(|(a, b, mut seconds)| {
                        for pu in 0..pus {
                            seconds[pu * pus + pu] = 0.0;
                        }
                        Edge {
                            from: a.min(b),
                            to: a.max(b),
                            passes: 1.0,
                            seconds,
                        }
                    })
                    .collect(),
                capacities,
                within: within.into_iter().map(|memory| vec![memory]).collect(),
                contiguous,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn exact_equals_exhaustive(problem in any_problem()) {
        let (best, visited) = problem.exhaustive();
        prop_assert_eq!(visited, (problem.pus as u64).pow(problem.stages.len() as u32));
        let found = problem.exact(f64::INFINITY, &effort()).unwrap();
        prop_assert!(found.proven);
        match (&best, &found.best) {
            (Some((least, _)), Some((cost, places))) => {
                prop_assert!((cost - least).abs() <= 1e-9 * least, "{cost} {least}");
                prop_assert!((problem.cost(places).unwrap() - cost).abs() <= 1e-9 * cost);
                prop_assert!(problem.relaxed().unwrap() <= least * (1.0 + 1e-12));
                // Asked for something better than the best, it proves that there is none.
                let none = problem.exact(least * (1.0 - 1e-9), &effort()).unwrap();
                prop_assert!(none.best.is_none() && none.proven);
            }
            (None, None) => {}
            other => prop_assert!(false, "{other:?}"),
        }
        if let Some((cost, places)) = problem.heft() {
            prop_assert_eq!(problem.cost(&places), Some(cost));
            prop_assert!(cost >= best.unwrap().0 * (1.0 - 1e-12));
        }
        // With few labels it may miss the best, but its bound never lies.
        let hasty = problem.exact(f64::INFINITY, &Effort { labels: 2, ..effort() }).unwrap();
        if let (Some((least, _)), true) = (&problem.exhaustive().0, hasty.bound.is_finite()) {
            prop_assert!(hasty.bound <= least * (1.0 + 1e-9), "{hasty:?} {least}");
        }
    }
}

/// The same as a chain, on as many PUs as `first` and its own, of which the first run nothing.
fn behind(problem: &Problem, first: usize) -> Problem {
    let (few, many) = (problem.pus, first + problem.pus);
    let wide = |seconds: &[f64]| {
        let mut all = vec![f64::INFINITY; first];
        all.extend(seconds);
        all
    };
    let mut wider = problem.clone();
    wider.pus = many;
    for stage in &mut wider.stages {
        stage.seconds = wide(&stage.seconds);
    }
    for edge in &mut wider.edges {
        let rows = edge.seconds.chunks(few).flat_map(wide);
        edge.seconds = vec![f64::INFINITY; first * many]
            .into_iter()
            .chain(rows)
            .collect();
    }
    wider.within = vec![vec![]; first];
    wider.within.extend(problem.within.iter().cloned());
    wider
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn many_units_are_no_other_than_few(mut problem in any_problem(), first in 62usize..130) {
        // The states of what is no chain are too many for so many units.
        problem.edges.retain(|edge| edge.from + 1 == edge.to);
        let wider = behind(&problem, first);
        let shifted = |best: Option<(f64, Vec<usize>)>| {
            best.map(|(cost, places)| (cost, places.iter().map(|pu| pu + first).collect::<Vec<_>>()))
        };
        let (few, many) = (problem.exact(f64::INFINITY, &effort()), wider.exact(f64::INFINITY, &effort()));
        prop_assert_eq!(shifted(few.unwrap().best), many.unwrap().best);
        prop_assert_eq!(shifted(problem.heft()), wider.heft());
        let ahead: Vec<usize> = (0..problem.stages.len()).map(|stage| stage % problem.pus).collect();
        let there: Vec<usize> = ahead.iter().map(|pu| pu + first).collect();
        prop_assert_eq!(problem.cost(&ahead), wider.cost(&there));
    }
}

#[test]
fn a_contiguous_model_uses_units_64_apart() {
    let stage = |quick: usize| Stage {
        model: 1,
        passes: 1.0,
        bytes: 0.0,
        seconds: (0..66)
            .map(|pu| match pu {
                _ if pu == quick => 1.0,
                1 | 65 => 9.0,
                _ => f64::INFINITY,
            })
            .collect(),
    };
    let problem = Problem {
        pus: 66,
        stages: vec![stage(1), stage(65), stage(1)],
        edges: vec![],
        capacities: vec![],
        within: vec![vec![]; 66],
        contiguous: true,
    };
    assert_eq!(problem.cost(&[1, 65, 65]), Some(11.0));
    assert_eq!(problem.cost(&[1, 65, 1]), None, "back where it has been");
    let found = problem.exact(f64::INFINITY, &effort()).unwrap();
    assert!(found.proven);
    assert_eq!(found.best.unwrap().0, 11.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn one_stage_per_model_is_the_search(
        units in prop::collection::vec(unit(), 1..4),
        drafter in any_demand(),
        target in any_demand(),
        alpha in 0.0..=1.0f64,
    ) {
        let mut request = Request::new(workload(drafter, target), platform(&units), alpha);
        for demand in request.workload.subgraphs.values_mut() {
            // The search counts activations, stages do not.
            demand.activation_peak_bytes = 0;
        }
        let mut graph = StageGraph::evenly(&request.workload, 1).unwrap();
        // Eq. (1) has no crossings.
        graph.edges.clear();
        let gammas = request.draft_lengths().unwrap();
        let found = solve(&request, &graph, &gammas, &StageOptions::default(), |_| true);
        match decide(&request) {
            Ok(plan) => {
                let found = found.unwrap();
                prop_assert!(found.proven && found.gap == 0.0);
                prop_assert!((found.per_token_ms - plan.time.per_token_ms).abs() <= 1e-9 * plan.time.per_token_ms, "{found:?}");
                prop_assert!(found.heft_ms.is_none_or(|ms| ms >= found.per_token_ms * (1.0 - 1e-9)));
            }
            Err(_) => prop_assert!(found.is_err()),
        }
    }
}

#[test]
fn stages_sit_only_where_their_types_are() {
    let mut board = two(8.0);
    board.links[0].latency = cost::units::Quantity::given(1e-6);
    let request = Request::new(
        workload(demand(10, 10), demand(8_000_000_000, 800)),
        board,
        0.5,
    );
    let mut graph = StageGraph::evenly(&request.workload, 4).unwrap();
    let gammas = [0];
    let solved =
        |graph: &StageGraph, options| solve(&request, graph, &gammas, &options, |_| true).unwrap();
    let all_gpu = solved(&graph, StageOptions::default());
    assert!(
        all_gpu.places.iter().all(|(_, pu)| pu == "gpu"),
        "{all_gpu:?}"
    );
    // An op that the GPU cannot run, in the middle.
    let middle = graph
        .stages
        .iter()
        .position(|stage| stage.name == "target.2")
        .unwrap();
    graph.stages[middle]
        .demand
        .dtypes
        .insert(cost::workload::DType::I8);
    let error = solve(&request, &graph, &gammas, &StageOptions::default(), |_| {
        true
    })
    .unwrap_err();
    assert!(
        error.to_string().contains("target.2 can run on no unit"),
        "{error}"
    );
    let mut request = request.clone();
    request.platform.pus[0]
        .dtypes
        .insert(cost::workload::DType::I8);
    let places = |contiguous| {
        let options = StageOptions {
            contiguous,
            ..StageOptions::default()
        };
        let plan = solve(&request, &graph, &gammas, &options, |_| true).unwrap();
        plan.places
            .iter()
            .map(|(_, pu)| pu.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(places(false), ["gpu", "gpu", "cpu", "gpu"]);
    assert_eq!(places(true), ["gpu", "gpu", "cpu", "cpu"]);
}

#[test]
fn a_search_that_is_out_of_steps_says_so() {
    // Two tight memories, and stages of sizes that do not divide them: hard to prove.
    let mut board = two(8.0);
    board.links[0].latency = cost::units::Quantity::given(1e-6);
    let memory = |name: &str, bytes: f64| {
        let mut memory = board.memories[0].clone();
        memory.name = name.to_owned();
        memory.capacity = cost::units::Quantity::given(bytes);
        memory
    };
    board.memories = vec![memory("one", 45_000.0), memory("other", 41_000.0)];
    board.pus[0].memory = "one".to_owned();
    board.pus[1].memory = "other".to_owned();
    let request = Request::new(
        workload(demand(10, 10), demand(8_000_000_000, 80_000)),
        board,
        0.5,
    );
    let mut graph = StageGraph::evenly(&request.workload, 24).unwrap();
    for (at, stage) in graph.stages.iter_mut().enumerate() {
        stage.demand.weight_bytes += (at as u64 * 7919) % 211;
    }
    let solved = |steps| {
        let options = StageOptions {
            steps,
            ..StageOptions::default()
        };
        solve(&request, &graph, &[0], &options, |_| true).unwrap()
    };
    let (whole, short) = (solved(u64::MAX), solved(1));
    assert!(!whole.out_of_steps && whole.steps > 1, "{whole:?}");
    assert!(short.out_of_steps && short.steps < whole.steps, "{short:?}");
    // What it says is true, and the same each time.
    assert!(short.per_token_ms >= whole.per_token_ms * (1.0 - 1e-9));
    assert!(short.bound_ms <= whole.per_token_ms * (1.0 + 1e-9));
    let again = solved(1);
    assert_eq!((short.places, short.steps), (again.places, again.steps));
}

#[test]
fn too_many_variants_are_refused_before_they_are_made() {
    let mut board = two(8.0);
    for pu in &mut board.pus {
        pu.count = cost::units::Quantity::given(65536.0);
    }
    let mut request = Request::new(workload(demand(1, 1), demand(1, 1)), board, 0.5);
    let graph = StageGraph::evenly(&request.workload, 2).unwrap();
    let solved = |request: &Request, gammas: &[u32]| {
        solve(request, &graph, gammas, &StageOptions::default(), |_| true)
    };
    let error = solved(&request, &[0, 1]).unwrap_err();
    let text = format!("{error}; {}", error.help().unwrap());
    assert!(text.contains("8589934592 pairs"), "{text}");
    assert!(text.contains("--variant"), "{text}");
    request.platform.pus[0].count = cost::units::Quantity::given(1.0);
    let finer = StageGraph::evenly(&request.workload, 1024).unwrap();
    let error = solve(&request, &finer, &[0], &StageOptions::default(), |_| true).unwrap_err();
    let text = format!("{error}; {}", error.help().unwrap());
    assert!(text.contains("268435456 latencies"), "{text}");
    request.variant = Some(Variant::from([("cpu".into(), 1), ("gpu".into(), 9)]));
    assert_eq!(solved(&request, &[0, 1]).unwrap().variants, 1);
}

#[test]
fn no_stage_is_no_cut() {
    assert!(StageGraph::evenly(&workload(demand(1, 1), demand(1, 1)), 0).is_err());
}
