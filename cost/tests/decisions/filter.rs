//! Which part of the space is looked at.

use cost::explore::{Filter, limit_memory};

#[test]
fn conditions() {
    let platform = files::platform::load("imx95").unwrap();
    let filter = Filter::parse(["cpu<=2,gamma!=3", "cpu>0"], &platform).unwrap();
    assert!(filter.allows("cpu", 2) && !filter.allows("cpu", 3) && filter.allows("gpu", 1));
    assert!(filter.allows_gamma(2) && !filter.allows_gamma(3));
    for (text, part) in [
        ("cpu", "is not a condition"),
        ("cpu<=two", "is not a condition"),
        ("gpuu<2", "no processing unit `gpuu`"),
    ] {
        let error = Filter::parse([text], &platform).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn limits() {
    let mut platform = files::platform::load("imx95").unwrap();
    let mut limits = std::collections::BTreeMap::new();
    limit_memory("gpu=2GiB", &mut platform, &mut limits).unwrap();
    assert_eq!(limits["gpu"], 2 << 30);
    limit_memory("dram=4 GB", &mut platform, &mut limits).unwrap();
    assert_eq!(platform.memories[0].capacity.value, 4e9);
    for (text, part) in [
        ("gpu", "NAME=SIZE"),
        ("gpu=2s", "is a time, where a size is wanted"),
        ("gpu=-1GB", "greater than zero"),
        ("drm=1GB", "neither a processing unit nor a memory `drm`"),
    ] {
        let error = limit_memory(text, &mut platform, &mut limits).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}
