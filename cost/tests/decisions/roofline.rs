//! Estimates on the platforms that are built in.

use crate::common::*;
use cost::roofline::*;

fn demand(flops: u64, bytes: u64, dispatches: u64) -> SubgraphDemand {
    SubgraphDemand {
        flops: BTreeMap::from([(DType::F32, flops)]),
        bytes_moved: bytes,
        dispatches,
        ..SubgraphDemand::default()
    }
}

fn bound(latency: &Latency) -> Bound {
    match latency.source {
        LatencySource::Roofline { bound, .. } => bound,
        LatencySource::Measured { .. } => panic!("not a roofline"),
    }
}

#[test]
fn the_greater_of_both_and_the_overhead() {
    let platform = files::platform::load("reference").unwrap();
    let cpu = platform.pu("cpu").unwrap();
    // 2 cores: 64 GFLOP/s at 50 %, 20 GB/s.
    let l = estimate(&demand(32_000_000_000, 1_000_000_000, 0), cpu, 2).unwrap();
    assert!((l.seconds - 1.0).abs() < 1e-12 && bound(&l) == Bound::Compute);
    let l = estimate(&demand(32_000_000, 40_000_000_000, 100), cpu, 2).unwrap();
    assert!((l.seconds - 2.0004).abs() < 1e-12 && bound(&l) == Bound::Memory);
    let l = estimate(&demand(1, 1, 1000), cpu, 2).unwrap();
    assert!(bound(&l) == Bound::Dispatch);
    // One core draws half the bandwidth.
    let l = estimate(&demand(0, 10_000_000_000, 0), cpu, 1).unwrap();
    assert!((l.seconds - 1.0).abs() < 1e-12);
}

#[test]
fn a_missing_type_has_no_latency() {
    let platform = files::platform::load("imx95").unwrap();
    let gpu = platform.pu("gpu").unwrap();
    let int8 = SubgraphDemand {
        flops: BTreeMap::from([(DType::I8, 10)]),
        ..SubgraphDemand::default()
    };
    assert_eq!(estimate(&int8, gpu, 1), None);
    assert_eq!(missing_dtypes(&int8, gpu), [DType::I8]);
    // Index arithmetic is supported without a peak of its own.
    let index = SubgraphDemand {
        flops: BTreeMap::from([(DType::I64, 10)]),
        ..SubgraphDemand::default()
    };
    assert!(estimate(&index, gpu, 1).is_some());
}
