//! The ways that a value can take, each with its legs, or `None` where it is not legal.

use super::value::{Crossing, End, Leg, Parcel, Rest};
use crate::platform::{Method, Platform, ProcessingUnit};
use std::collections::BTreeSet;

/// The host copies in words of so many bytes.
const HOST_COPY_WORD_BYTES: u64 = 4;

/// Seconds for each word that the host copies, `hal.buffer.load` and `hal.buffer.store` in a loop:
/// a quarter of a microsecond was seen on x86 with IREE 3.13.
const HOST_COPY_WORD_SECONDS: f64 = 0.25e-6;

/// The most scalars of one value that the host passes, and their bytes: what fits, with a kernel's
/// own, into the push constants of a Vulkan device (32 `i64` did on lavapipe).
const MOST_SCALARS: u64 = 32;
const MOST_SCALAR_BYTES: u64 = 256;

/// Seconds for each scalar beside the wait for the device: a copy of its own at the one end, a
/// fill of one element at the other. Between 0.1 us (local-sync) and 8 us (local-task, on a busy
/// machine) was seen on x86 with IREE 3.13.
pub const SCALAR_SECONDS: f64 = 1e-6;

/// A value whose crossing is looked for.
pub(super) struct Value<'a> {
    pub(super) platform: &'a Platform,
    pub(super) makers: &'a [End],
    pub(super) readers: &'a [End],
    pub(super) names: BTreeSet<&'a str>,
    pub(super) parcel: Parcel,
    pub(super) methods: &'a [Method],
}

impl Value<'_> {
    fn allows(&self, a: &str, b: &str, method: Method) -> bool {
        self.methods.contains(&method) && self.platform.allows(a, b, method)
    }

    /// Whether two users of a buffer may share it by this method: their link says so, or they have
    /// none and meet in a third device's buffer.
    fn share(&self, a: &str, b: &str, method: Method) -> bool {
        match self.platform.link(a, b) {
            Some(_) => self.allows(a, b, method),
            None => self.methods.contains(&method),
        }
    }

    /// In a buffer: shared where the devices can (if that is wanted at all), copied by the host
    /// where not.
    pub(super) fn buffer(&self, shared: bool) -> Option<Crossing> {
        let can_share = |owner: &str, user: &str| {
            owner == user
                || shared
                    && self.platform.can_use(owner, user)
                    && (self.allows(owner, user, Method::SharedBuffer)
                        || self.allows(owner, user, Method::MappedCopy))
        };
        let users = |owner: &str| -> BTreeSet<String> {
            let users = self.names.iter().filter(|user| can_share(owner, user));
            users.map(|user| (*user).to_owned()).collect()
        };
        // Whose buffers most can use comes first; then whom the links name; then the first on the
        // platform (max_by_key would take the last of equals).
        let pus = self.platform.pus.iter().map(|pu| pu.name.as_str());
        let candidates: Vec<&str> = pus.filter(|name| self.names.contains(name)).collect();
        let owner = candidates.into_iter().rev().max_by_key(|owner| {
            let named = self
                .names
                .iter()
                .filter(|other| self.platform.crossing_owner(owner, other) == *owner);
            (users(owner).len(), named.count())
        })?;
        let users = users(owner);
        let mut copiers = BTreeSet::new();
        for maker in self.makers.iter().filter(|end| users.contains(&end.pu)) {
            let all = |method| {
                let mut others = users.iter().filter(|user| **user != maker.pu);
                others.all(|user| self.share(&maker.pu, user, method))
            };
            if users.len() > 1 && !(maker.inside && all(Method::SharedBuffer)) {
                if !all(Method::MappedCopy) {
                    return None;
                }
                if maker.inside {
                    copiers.insert(maker.pu.clone());
                }
            }
        }
        let legs = self.legs(|from, to| {
            let seconds = self
                .platform
                .route(&from.pu, &to.pu)?
                .seconds(self.parcel.bytes);
            let copies = !from.inside || copiers.contains(&from.pu);
            let copy = if copies {
                copying(self.platform.pu(&from.pu)?, self.parcel.bytes)
            } else {
                0.0
            };
            let method = if !(users.contains(&from.pu) && users.contains(&to.pu)) {
                Method::HostCopy
            } else if copies {
                Method::MappedCopy
            } else {
                Method::SharedBuffer
            };
            if method == Method::HostCopy {
                // What enters is copied to where the host can map it first.
                let words = self.parcel.bytes.div_ceil(HOST_COPY_WORD_BYTES) as f64;
                return self
                    .allows(&from.pu, &to.pu, method)
                    .then_some((method, seconds + copy + words * HOST_COPY_WORD_SECONDS));
            }
            Some((method, seconds + copy))
        })?;
        Some(Crossing {
            rest: Rest::Buffer {
                owner: owner.to_owned(),
                users,
                copiers,
            },
            legs,
        })
    }

    /// As scalars: few integers, which one loop variable can carry if any has to.
    pub(super) fn scalars(&self) -> Option<Crossing> {
        let Parcel {
            bytes,
            elements,
            integer,
            carried,
        } = self.parcel;
        let few = (1..=MOST_SCALARS).contains(&elements) && bytes <= MOST_SCALAR_BYTES;
        if !few || !integer || (carried && elements > 1) {
            return None;
        }
        let legs = self.legs(|from, to| {
            let pu = self.platform.pu(&from.pu)?;
            let link = self.platform.link(&from.pu, &to.pu);
            // Unless it is asked for, only where it is known what reading back costs.
            let asked = link.is_some_and(|link| link.methods.is_some());
            if !self.allows(&from.pu, &to.pu, Method::HostScalars)
                || !asked && pu.read_back.is_none()
            {
                return None;
            }
            let waited = match &pu.read_back {
                Some(read_back) => read_back.value,
                None => self.platform.route(&from.pu, &to.pu)?.seconds(0),
            };
            Some((
                Method::HostScalars,
                waited + elements as f64 * SCALAR_SECONDS,
            ))
        })?;
        Some(Crossing {
            rest: Rest::Scalars,
            legs,
        })
    }

    /// Lent by the one device that makes it.
    pub(super) fn lent(&self) -> Option<Crossing> {
        let lender = &self.makers.first()?.pu;
        if self.makers.iter().any(|end| end.pu != *lender) {
            return None;
        }
        let legs = self.legs(|from, to| {
            let legal = to.inside
                && self.allows(&from.pu, &to.pu, Method::Transfer)
                && self.platform.transfers(&from.pu, &to.pu);
            let link = self.platform.link(&from.pu, &to.pu).filter(|_| legal)?;
            // It copies, in unified memory too.
            let copy = self.parcel.bytes as f64 / link.bandwidth.value;
            Some((Method::Transfer, link.latency.value + copy))
        })?;
        Some(Crossing {
            rest: Rest::Lent(lender.clone()),
            legs,
        })
    }

    /// A leg for every maker and every reader on another device; `None` if one has no way.
    fn legs(&self, way: impl Fn(&End, &End) -> Option<(Method, f64)>) -> Option<Vec<Leg>> {
        let mut legs = Vec::new();
        for from in self.makers {
            for to in self.readers.iter().filter(|to| to.pu != from.pu) {
                let (method, seconds) = way(from, to)?;
                legs.push(Leg {
                    from: from.clone(),
                    to: to.clone(),
                    method,
                    seconds,
                });
            }
        }
        Some(legs)
    }
}

/// Seconds for a device to copy within the memory that it works in: a dispatch, and every byte read
/// and written.
fn copying(pu: &ProcessingUnit, bytes: u64) -> f64 {
    pu.dispatch_overhead.value + 2.0 * bytes as f64 / pu.bandwidth.value
}

pub(super) fn sorted(ends: &[End]) -> Vec<End> {
    let unique: BTreeSet<&End> = ends.iter().collect();
    unique.into_iter().cloned().collect()
}
