//! How fast spaces are searched: `cargo bench -p specplace-cost`.
//!
//! - `sweep`: every point visited; throughput is points per second on one core, each with all 17
//!   draft lengths, and the allocations of the whole run (divan counts them) do not grow with it.
//! - `factored`: the same answer for spaces up to 10⁹ points.
//! - `stages`: proven optimum for 64 stages in a chain, 4 units, 48 variants.

use cost::search::Kernel;
use cost::stages::{StageGraph, StageOptions, solve};
use cost::workload::{DType, DraftLengthForm, SubgraphDemand};
use cost::{Partition, Platform, Request, Workload};
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use std::collections::{BTreeMap, BTreeSet};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn demand(flops: u64, bytes: u64) -> SubgraphDemand {
    SubgraphDemand {
        flops: BTreeMap::from([(DType::F32, flops)]),
        weight_bytes: bytes,
        bytes_moved: bytes,
        activation_peak_bytes: 400_000,
        dispatches: 200,
        dtypes: BTreeSet::from([DType::F32]),
        ..SubgraphDemand::default()
    }
}

/// A drafter of 1 and a target of 3 billion parameters at 63 tokens.
fn workload() -> Workload {
    Workload {
        sequence_length: Some(63),
        subgraphs: BTreeMap::from([
            (Partition::DRAFTER, demand(156_000_000_000, 2_400_000_000)),
            (Partition::TARGET, demand(405_000_000_000, 3_200_000_000)),
        ]),
        crossings: vec![],
        draft_length: DraftLengthForm::Symbolic { max: 16 },
        shared_weights: vec![],
        state: None,
    }
}

/// Units of unlike speeds, each with so many resources, all linked.
fn platform(counts: &[u32], own_memory: &str) -> Platform {
    let mut units = String::new();
    let mut links = String::new();
    for (index, count) in counts.iter().enumerate() {
        let rate = [14.0, 64.0, 30.0, 400.0][index % 4];
        // The last one is the fastest, and has little memory of its own.
        let bandwidth = if index == 3 { 100 } else { 25 };
        let memory = if index == 3 { own_memory } else { "dram" };
        units.push_str(&format!(
            "  - name: u{index}\n    kind: cpu\n    resources: {{ count: {count} }}\n    memory: {memory}\n    peak: {{ f32: {rate} GFLOP/s }}\n    bandwidth: {bandwidth} GB/s\n    bandwidth_per_resource: {} GB/s\n    dispatch_overhead: {} us\n    iree: {{ device: 'local[{index}]', runtime_device: local-task }}\n",
            [6, 8, 10, 100][index % 4],
            10 + 10 * index
        ));
        for other in 0..index {
            links.push_str(&format!(
                "  - {{ between: [u{other}, u{index}], latency: 200 us, bandwidth: 10 GB/s }}\n"
            ));
        }
    }
    let text = format!(
        "version: 1\nname: bench\nprocessing_units:\n{units}memories: [{{ name: dram, capacity: 64 GiB }}]\nlinks:\n{links}"
    );
    files::platform::from_yaml("bench.yaml", &text).expect("a platform")
}

fn request(counts: &[u32]) -> Request {
    Request::new(workload(), platform(counts, "dram"), 0.9)
}

/// The paper's kind of space: 2 units, 2 models, and larger ones.
#[divan::bench(args = [[6, 1], [60, 40], [1000, 600], [2000, 1250]])]
fn sweep(bencher: Bencher<'_, '_>, counts: [u32; 2]) {
    let request = request(&counts);
    let gammas = request.draft_lengths().expect("lengths");
    let kernel = Kernel::build(&request, &gammas, |_, _| true).expect("a kernel");
    bencher
        .counter(ItemsCount::new(kernel.points()))
        .bench(|| kernel.sweep(divan::black_box(0.9)));
}

/// The same with 4 units: 24 to 10⁹ points.
#[divan::bench(args = [[6, 1, 1, 1], [10, 10, 5, 2], [60, 40, 20, 10], [100, 100, 80, 80]])]
fn factored(bencher: Bencher<'_, '_>, counts: [u32; 4]) {
    let request = request(&counts);
    let gammas = request.draft_lengths().expect("lengths");
    let kernel = Kernel::build(&request, &gammas, |_, _| true).expect("a kernel");
    bencher
        .counter(ItemsCount::new(kernel.points()))
        .bench(|| kernel.factored(divan::black_box(0.9)));
}

/// Stages of unlike size, so that no two partial placements are alike.
fn chain(seed: u64) -> StageGraph {
    let mut graph = StageGraph::evenly(&workload(), 32).expect("a graph");
    let mut state = seed | 1;
    let mut random = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f64 / (1u64 << 24) as f64
    };
    for stage in &mut graph.stages {
        let (work, size) = (0.3 + 1.4 * random(), 0.3 + 1.4 * random());
        for flops in stage.demand.flops.values_mut() {
            *flops = (*flops as f64 * work) as u64;
        }
        stage.demand.weight_bytes = (stage.demand.weight_bytes as f64 * size) as u64;
        stage.demand.bytes_moved = stage.demand.weight_bytes;
    }
    graph
}

/// m = 64, N = 4, 48 variants; the fastest unit's own memory holds everything, half, a tenth.
#[divan::bench(args = ["64 GiB", "3 GiB", "600 MiB"], sample_count = 10)]
fn stages(bencher: Bencher<'_, '_>, memory: &str) {
    let request = Request::new(workload(), platform(&[6, 4, 2, 1], memory), 0.9);
    let gammas = request.draft_lengths().expect("lengths");
    let graph = chain(7);
    bencher.bench(|| {
        let plan = solve(&request, &graph, &gammas, &StageOptions::default(), |_| {
            true
        });
        let plan = plan.expect("a plan");
        assert!(plan.proven && plan.variants == 48 && plan.m == 64);
        // Where it binds, some stages must be elsewhere.
        assert_eq!(
            memory != "64 GiB",
            plan.places.iter().any(|(_, pu)| pu != "u3")
        );
        plan
    });
}

/// About what one core of a desktop machine takes in a second.
const STEPS_OF_A_SECOND: u64 = 100_000_000;

/// The harder family: every unit has a tight memory of its own, and about a second's steps. What is
/// not proven by then has a gap, which is printed.
#[divan::bench(args = [false, true], sample_count = 1, sample_size = 1)]
fn stages_with_four_tight_memories(bencher: Bencher<'_, '_>, contiguous: bool) {
    let mut platform = platform(&[6, 4, 2, 1], "dram");
    for (index, size) in [1.7e9, 1.6e9, 1.5e9, 1.4e9].into_iter().enumerate() {
        let mut memory = platform.memories[0].clone();
        memory.name = format!("m{index}");
        memory.capacity = cost::units::Quantity::given(size);
        platform.pus[index].memory.clone_from(&memory.name);
        platform.memories.push(memory);
    }
    let request = Request::new(workload(), platform, 0.9);
    let gammas = request.draft_lengths().expect("lengths");
    let graph = chain(7);
    let options = StageOptions {
        contiguous,
        steps: STEPS_OF_A_SECOND,
        ..StageOptions::default()
    };
    bencher.bench(|| {
        let plan = solve(&request, &graph, &gammas, &options, |_| true).expect("a plan");
        let heft = plan
            .heft_ms
            .map_or(f64::NAN, |ms| ms / plan.per_token_ms - 1.0);
        eprintln!(
            "contiguous {contiguous}: proven {}, gap {:.2} % after {} steps in {:.2} s, HEFT {:.1} % slower",
            plan.proven,
            plan.gap * 100.0,
            plan.steps,
            plan.seconds,
            heft * 100.0
        );
        plan
    });
}
