//! Which method is taken, where it is legal, and what it costs.

use crate::common::*;
use cost::crossing::*;
use cost::platform::Method;
use proptest::prelude::*;

/// A CPU beside another one with which it shares memory, and a GPU whose memory both map.
const THREE: &str = "version: 1
name: three
processing_units:
  - { name: cpu, kind: cpu, resources: { count: 1 }, memory: ram, peak: { f32: 1 GFLOP/s }, bandwidth: 10 GB/s, dispatch_overhead: 4 us,
      iree: { device: 'local[0]', runtime_device: local-task } }
  - { name: cpu2, kind: cpu, resources: { count: 1 }, memory: ram, peak: { f32: 1 GFLOP/s }, bandwidth: 10 GB/s,
      iree: { device: 'local[1]', runtime_device: local-task } }
  - { name: gpu, kind: gpu, resources: { count: 1 }, memory: 1 GiB, peak: { f32: 1 GFLOP/s }, bandwidth: 10 GB/s,
      iree: { device: vulkan, runtime_device: vulkan } }
memories:
  - { name: ram, capacity: 1 GiB }
links:
  - { between: [cpu, cpu2], latency: 50 us, bandwidth: 1 GB/s, unified_memory: true }
  - { between: [cpu, gpu], latency: 300 us, bandwidth: 1 GB/s, mappable_by: [cpu] }
  - { between: [cpu2, gpu], latency: 300 us, bandwidth: 1 GB/s, mappable_by: [cpu2] }
";

fn three() -> Platform {
    files::platform::from_yaml("three.yaml", THREE).unwrap()
}

/// `three` with one link's methods given.
fn with_methods(pair: [&str; 2], methods: &[Method]) -> Platform {
    let mut platform = three();
    let link = platform
        .links
        .iter_mut()
        .find(|link| link.between == pair.map(str::to_owned));
    link.unwrap().methods = Some(methods.to_vec());
    platform
}

fn ends(names: &[&str]) -> Vec<End> {
    let end = |name: &&str| End {
        pu: (*name).to_owned(),
        inside: true,
    };
    names.iter().map(end).collect()
}

fn outside(name: &str) -> Vec<End> {
    vec![End {
        pu: name.to_owned(),
        inside: false,
    }]
}

const TOKENS: Parcel = Parcel {
    bytes: 504,
    elements: 63,
    integer: true,
    carried: true,
};

const SCALAR: Parcel = Parcel {
    bytes: 8,
    elements: 1,
    integer: true,
    carried: true,
};

/// The method of the only leg, and its seconds.
fn only(crossing: Option<Crossing>) -> (Method, f64) {
    let crossing = crossing.unwrap();
    assert_eq!(crossing.legs.len(), 1, "{crossing:?}");
    (crossing.legs[0].method, crossing.legs[0].seconds)
}

#[track_caller]
fn costs((found, seconds): (Method, f64), method: Method, expected: f64) {
    assert_eq!(found, method);
    assert!((seconds - expected).abs() < 1e-12, "{seconds} {expected}");
}

#[test]
fn on_one_device_nothing_crosses() {
    let crossing = three().crossing(&ends(&["gpu"]), &ends(&["gpu"]), TOKENS);
    let crossing = crossing.unwrap();
    assert_eq!(crossing.rest, Rest::Home("gpu".into()));
    assert_eq!((crossing.legs.len(), crossing.seconds()), (0, 0.0));
}

#[test]
fn what_is_made_here_goes_into_a_shared_buffer_and_is_not_copied() {
    let platform = three();
    let crossing = platform
        .crossing(&ends(&["cpu"]), &ends(&["cpu2"]), TOKENS)
        .unwrap();
    assert_eq!(crossing.owner(), Some("cpu"));
    // Unified memory: the latency of the link, whatever the size.
    costs(only(Some(crossing)), Method::SharedBuffer, 50e-6);
    // The GPU's memory is its own: 504 bytes pass the link.
    let crossing = platform
        .crossing(&ends(&["cpu"]), &ends(&["gpu"]), TOKENS)
        .unwrap();
    assert_eq!(crossing.owner(), Some("gpu"));
    costs(only(Some(crossing)), Method::SharedBuffer, 300e-6 + 504e-9);
}

#[test]
fn what_enters_is_copied() {
    let platform = three();
    let crossing = platform.crossing(&outside("cpu"), &ends(&["gpu"]), TOKENS);
    // On top of the link, a dispatch and 504 bytes read and written at 10 GB/s.
    let copy = 4e-6 + 2.0 * 504.0 / 10e9;
    costs(only(crossing), Method::MappedCopy, 300e-6 + 504e-9 + copy);
    // So is what is made here, where the link wants it.
    let platform = with_methods(["cpu", "gpu"], &[Method::MappedCopy]);
    let crossing = platform
        .crossing(&ends(&["cpu"]), &ends(&["gpu"]), TOKENS)
        .unwrap();
    assert!(
        matches!(&crossing.rest, Rest::Buffer { copiers, .. } if copiers.contains("cpu")),
        "{crossing:?}"
    );
    costs(
        only(Some(crossing)),
        Method::MappedCopy,
        300e-6 + 504e-9 + copy,
    );
    // And where that is not allowed, what enters cannot cross.
    let platform = with_methods(["cpu", "gpu"], &[Method::SharedBuffer]);
    assert!(
        platform
            .crossing(&outside("cpu"), &ends(&["gpu"]), TOKENS)
            .is_none()
    );
}

#[test]
fn the_host_copies_between_memories_that_nobody_maps() {
    let mut platform = three();
    for link in &mut platform.links {
        link.mappable_by.clear();
    }
    // 300 us and 8 bytes at 1 GB/s, and two words of a quarter of a microsecond.
    let crossing = platform.crossing(&ends(&["cpu"]), &ends(&["gpu"]), SCALAR);
    costs(only(crossing), Method::HostCopy, 300e-6 + 8e-9 + 0.5e-6);
    // Without a link of their own, by way of the control unit.
    platform
        .links
        .retain(|link| link.between != ["cpu2", "gpu"]);
    let crossing = platform.crossing(&ends(&["cpu2"]), &ends(&["gpu"]), SCALAR);
    costs(only(crossing), Method::HostCopy, 350e-6 + 8e-9 + 0.5e-6);
    platform.links.clear();
    let crossing = platform.crossing(&ends(&["cpu2"]), &ends(&["gpu"]), SCALAR);
    assert_eq!(crossing, None);
}

#[test]
fn the_owner_is_what_the_link_says() {
    let mut platform = three();
    let owner = |platform: &Platform, names: [&str; 2]| {
        let crossing = platform.crossing(&ends(&names[..1]), &ends(&names[1..]), TOKENS);
        crossing.unwrap().owner().map(str::to_owned).unwrap()
    };
    // Who cannot map the other's memory owns; of two alike the first on the platform.
    assert_eq!(owner(&platform, ["gpu", "cpu"]), "gpu");
    assert_eq!(owner(&platform, ["cpu2", "cpu"]), "cpu");
    platform.links[0].owner = Some("cpu2".into());
    assert_eq!(owner(&platform, ["cpu2", "cpu"]), "cpu2");
    assert_eq!(owner(&platform, ["cpu", "cpu2"]), "cpu2");
    // In unified memory too, when only one side maps: IREE's Vulkan uses no other's buffer.
    platform.links[1].unified_memory = true;
    assert!(!platform.can_use("cpu", "gpu"));
    assert_eq!(owner(&platform, ["cpu", "gpu"]), "gpu");
    // Of three devices the one whose buffer all can use.
    let crossing = platform
        .crossing(&ends(&["cpu", "cpu2"]), &ends(&["gpu", "cpu"]), TOKENS)
        .unwrap();
    assert_eq!(crossing.owner(), Some("gpu"));
    assert_eq!(crossing.legs.len(), 3);
    let methods = crossing.legs.iter().map(|leg| leg.method);
    assert!(methods.clone().all(|method| method == Method::SharedBuffer));
}

#[test]
fn scalars_are_passed_where_reading_them_back_is_cheaper() {
    let mut platform = three();
    let cross = |platform: &Platform, parcel| {
        only(platform.crossing(&ends(&["cpu"]), &ends(&["gpu"]), parcel))
    };
    // Nothing is known of reading back, so nobody does it unasked.
    assert_eq!(cross(&platform, SCALAR).0, Method::SharedBuffer);
    platform.pus[0].read_back = Some(cost::units::Quantity::given(52e-6));
    costs(
        cross(&platform, SCALAR),
        Method::HostScalars,
        52e-6 + SCALAR_SECONDS,
    );
    let of = |bytes, elements, integer, carried| Parcel {
        bytes,
        elements,
        integer,
        carried,
    };
    let takes = |parcel| cross(&platform, parcel).0 == Method::HostScalars;
    assert!(takes(of(256, 32, true, false)));
    // Too many, too wide, no integers, more than one that a loop carries, of unknown number.
    assert!(!takes(of(264, 33, true, false)));
    assert!(!takes(of(33, 33, true, false)));
    assert!(!takes(of(4, 1, false, false)));
    assert!(!takes(of(16, 2, true, true)));
    assert!(!takes(of(8, 0, true, false)));
    // Where it costs more than a shared buffer, that is taken.
    platform.pus[0].read_back = Some(cost::units::Quantity::given(400e-6));
    assert_eq!(cross(&platform, SCALAR).0, Method::SharedBuffer);
    // Asked for without a cost it waits as long as the link does.
    let platform = with_methods(["cpu", "gpu"], &[Method::HostScalars]);
    costs(
        cross(&platform, SCALAR),
        Method::HostScalars,
        300e-6 + SCALAR_SECONDS,
    );
    let many = platform.crossing(&ends(&["cpu"]), &ends(&["gpu"]), TOKENS);
    assert_eq!(many, None);
}

#[test]
fn transfers_are_for_those_who_ask() {
    let platform = with_methods(["cpu", "cpu2"], &[Method::Transfer]);
    let crossing = platform
        .crossing(&outside("cpu"), &ends(&["cpu2"]), TOKENS)
        .unwrap();
    assert_eq!(crossing.rest, Rest::Lent("cpu".into()));
    // It copies in unified memory too.
    costs(only(Some(crossing)), Method::Transfer, 50e-6 + 504e-9);
    // Two makers, or a reader that is no function.
    let two = platform.crossing(&ends(&["cpu", "cpu2"]), &ends(&["cpu2"]), TOKENS);
    assert_eq!(two, None);
    let leaves = platform.crossing(&ends(&["cpu"]), &outside("cpu2"), TOKENS);
    assert_eq!(leaves, None);
    // What leaves where it was made is in nobody's way.
    let readers = [ends(&["cpu2"]), outside("cpu")].concat();
    assert!(
        platform
            .crossing(&ends(&["cpu"]), &readers, TOKENS)
            .is_some()
    );
}

#[test]
fn names_in_files_and_in_json_agree() {
    for method in Method::ALL {
        let json = serde_json::to_string(&method).unwrap();
        assert_eq!(json, format!("\"{}\"", method.as_str()));
    }
}

fn end() -> impl Strategy<Value = End> {
    let names = prop::sample::select(vec!["cpu", "cpu2", "gpu"]);
    (names, any::<bool>()).prop_map(|(pu, inside)| End {
        pu: pu.to_owned(),
        inside,
    })
}

proptest! {
    /// Whatever is allowed, what is taken is allowed, costs no less than nothing, and no method
    /// alone would have been cheaper.
    #[test]
    fn the_cheapest_legal_way_is_taken(
        makers in prop::collection::vec(end(), 1..4),
        readers in prop::collection::vec(end(), 1..4),
        elements in 0..70u64,
        (integer, carried) in any::<(bool, bool)>(),
        methods in prop::collection::vec(prop::sample::subsequence(Method::ALL.to_vec(), 1..=5), 3),
        (mapped, unified, read_back) in any::<(bool, bool, bool)>(),
    ) {
        let mut platform = three();
        for (link, methods) in platform.links.iter_mut().zip(methods) {
            link.methods = Some(methods);
            link.unified_memory &= unified;
            if !mapped {
                link.mappable_by.clear();
            }
        }
        if read_back {
            platform.pus[0].read_back = Some(cost::units::Quantity::given(52e-6));
        }
        let parcel = Parcel { bytes: 8 * elements, elements, integer, carried };
        let found = platform.crossing(&makers, &readers, parcel);
        prop_assert_eq!(&found, &platform.crossing(&makers, &readers, parcel));
        if let Some(found) = &found {
            for leg in &found.legs {
                prop_assert!(leg.seconds >= 0.0 && leg.from.pu != leg.to.pu);
                prop_assert!(platform.allows(&leg.from.pu, &leg.to.pu, leg.method));
                // Who shares a buffer can use it; what enters is never written in place.
                if leg.method.shares() {
                    let owner = found.owner().unwrap();
                    prop_assert!(platform.can_use(owner, &leg.from.pu));
                    prop_assert!(platform.can_use(owner, &leg.to.pu));
                }
                prop_assert!(leg.method != Method::SharedBuffer || leg.from.inside);
            }
            if found.rest == Rest::Scalars {
                prop_assert!(integer && elements > 0 && (elements == 1 || !carried));
            }
        }
        for method in Method::ALL {
            if let Some(alone) = platform.crossing_among(&makers, &readers, parcel, &[method]) {
                let found = found.as_ref();
                prop_assert!(found.is_some_and(|found| found.seconds() <= alone.seconds()));
            }
        }
    }
}
