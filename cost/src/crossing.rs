//! How values cross between devices: which methods are legal, what each costs, and which is taken.
//!
//! A value rests in one form wherever it goes: all that control flow hands on as it, and all that
//! calls of one function return as it, have one type in the IR. So it is not each edge alone that
//! chooses, but all edges of a value together ([`Platform::crossing`]): the legal way of the least
//! sum of seconds over them, the earlier in [`Method::ALL`] of equals.
//!
//! What is legal follows from IREE 3.13, seen in runs (`test/e2e/tests/crossings.rs` repeats them):
//!
//! - A device uses a buffer of another's only where the link says that it can. IREE's Vulkan uses
//!   none but its own (`buffer is not backed by the Vulkan HAL`), the CPU anything that is mapped.
//! - A function that we make writes its result straight into a shared buffer. What enters the
//!   module from outside lies where it lies, and has to be copied.
//! - Scalars are passed as arguments; a GPU gets them as push constants, of which Vulkan promises
//!   no more than 128 to 256 bytes.
//! - `flow.tensor.transfer` is right inside the function that reads, between two CPU devices: one
//!   copy, in the command buffer of the reader. At the writing end IREE leaves the choice of device
//!   open (`#hal.device.optimal`), and Vulkan refuses the other's buffer. So one device makes all
//!   that the value can be, and nothing outside of functions reads it elsewhere.

use crate::platform::{Link, Platform, ProcessingUnit};
use crate::workload::CrossingDemand;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// How a value gets from one device's memory into another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The producer writes into a buffer that both can use, and nothing is copied.
    SharedBuffer,
    /// The producer's device copies from a buffer of its own into one that both can use.
    MappedCopy,
    /// The host reads scalars from the producer and passes them to the consumer as arguments.
    HostScalars,
    /// The host copies from a buffer of the one into a buffer of the other.
    HostCopy,
    /// The consumer takes the producer's buffer and has IREE transfer it (`flow.tensor.transfer`).
    Transfer,
}

impl Method {
    /// Every method, the one that is preferred of equals first.
    pub const ALL: [Self; 5] = [
        Self::SharedBuffer,
        Self::MappedCopy,
        Self::HostScalars,
        Self::HostCopy,
        Self::Transfer,
    ];

    /// The methods that a link without `methods` allows. A transfer copies at every read, on
    /// unified memory too, where a shared buffer copies nothing: it is for those who ask for it.
    pub const DEFAULT: [Self; 4] = [
        Self::SharedBuffer,
        Self::MappedCopy,
        Self::HostScalars,
        Self::HostCopy,
    ];

    /// The name used in platform files and in `plan.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SharedBuffer => "shared-buffer",
            Self::MappedCopy => "mapped-copy",
            Self::HostScalars => "host-scalars",
            Self::HostCopy => "host-copy",
            Self::Transfer => "transfer",
        }
    }

    /// Whether producer and consumer use one buffer.
    pub fn shares(self) -> bool {
        matches!(self, Self::SharedBuffer | Self::MappedCopy)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SharedBuffer => "shared buffer",
            Self::MappedCopy => "mapped copy",
            Self::HostScalars => "host scalars",
            Self::HostCopy => "copied by the host",
            Self::Transfer => "transfer by IREE",
        })
    }
}

/// What about a value decides how it can cross.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parcel {
    /// Its size.
    pub bytes: u64,
    /// How many numbers it holds; 0 where that is not known.
    pub elements: u64,
    /// Whether they are integers.
    pub integer: bool,
    /// Whether control flow hands it on (a loop carries it, a branch yields it).
    pub carried: bool,
}

/// One end of a value's way: a device, and what reads or writes it there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// The processing unit.
    pub pu: String,
    /// Whether it is a subgraph's function, which can be rewritten; otherwise the module's own
    /// border or its control flow.
    pub inside: bool,
}

impl End {
    /// Where a demand's producer on `pu` makes it.
    pub fn maker(demand: &CrossingDemand, pu: &str) -> Self {
        Self {
            pu: pu.to_owned(),
            inside: !demand.enters,
        }
    }

    /// Where a demand's consumer on `pu` reads it.
    pub fn reader(demand: &CrossingDemand, pu: &str) -> Self {
        Self {
            pu: pu.to_owned(),
            inside: !demand.leaves,
        }
    }
}

/// Where a value rests between the devices that make and read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing crosses: on its only device.
    Home(String),
    /// In a buffer that one device allocates.
    Buffer {
        /// That device.
        owner: String,
        /// Who uses this buffer, the owner included. The others have copies, which the host makes.
        users: BTreeSet<String>,
        /// Whose functions do not write into it themselves, but have their results copied.
        copiers: BTreeSet<String>,
    },
    /// As scalars, on the host.
    Scalars,
    /// In a buffer of the device that makes it, from which every reader transfers.
    Lent(String),
}

/// How one value crosses.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    /// Where it rests.
    pub rest: Rest,
    /// The way from each maker to each reader on another device.
    pub legs: Vec<Leg>,
}

impl Crossing {
    /// Seconds to get once over every leg.
    pub fn seconds(&self) -> f64 {
        self.legs.iter().map(|leg| leg.seconds).sum()
    }

    /// The device that owns the buffer in which the value rests, if it rests in one.
    pub fn owner(&self) -> Option<&str> {
        match &self.rest {
            Rest::Home(pu) | Rest::Buffer { owner: pu, .. } | Rest::Lent(pu) => Some(pu),
            Rest::Scalars => None,
        }
    }

    /// The leg between two ends; `None` on one device.
    pub fn leg(&self, from: &End, to: &End) -> Option<&Leg> {
        self.legs
            .iter()
            .find(|leg| leg.from == *from && leg.to == *to)
    }
}

/// The way of a value from one device to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// Where it is made.
    pub from: End,
    /// Where it is read.
    pub to: End,
    /// How it gets there.
    pub method: Method,
    /// For each time.
    pub seconds: f64,
}

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
/// kernel that fills one element at the other.
const SCALAR_SECONDS: f64 = 1e-6;

/// IREE's driver whose devices take each other's buffers as the source of a transfer.
const TRANSFERRING_DRIVER: &str = "local";

impl Platform {
    /// How a value crosses between all that make it and all that read it: the cheapest legal way.
    /// `None` when there is none, or when an end is no unit of the platform.
    pub fn crossing(&self, makers: &[End], readers: &[End], parcel: Parcel) -> Option<Crossing> {
        self.crossing_among(makers, readers, parcel, &Method::ALL)
    }

    /// How the value of these demands crosses between the units where their roles are: each with
    /// the names of its producer's and its consumer's.
    pub fn crossing_of(&self, demands: &[(&CrossingDemand, &str, &str)]) -> Option<Crossing> {
        let (makers, readers): (Vec<End>, Vec<End>) = demands
            .iter()
            .map(|(demand, from, to)| (End::maker(demand, from), End::reader(demand, to)))
            .unzip();
        let all = demands.iter().map(|(demand, ..)| demand);
        let parcel = all.fold(Parcel::default(), |parcel, demand| Parcel {
            bytes: parcel.bytes.max(demand.bytes),
            elements: parcel.elements.max(demand.elements),
            integer: demand.integer,
            carried: parcel.carried || demand.carried,
        });
        self.crossing(&makers, &readers, parcel)
    }

    /// The same with some of the methods only.
    pub fn crossing_among(
        &self,
        makers: &[End],
        readers: &[End],
        parcel: Parcel,
        methods: &[Method],
    ) -> Option<Crossing> {
        let (makers, readers) = (sorted(makers), sorted(readers));
        let names: BTreeSet<&str> = makers
            .iter()
            .chain(&readers)
            .map(|end| end.pu.as_str())
            .collect();
        if !names.iter().all(|name| self.pu(name).is_some()) {
            return None;
        }
        let value = Value {
            platform: self,
            makers: &makers,
            readers: &readers,
            names,
            parcel,
            methods,
        };
        if let (Some(only), 1) = (value.names.first(), value.names.len()) {
            return Some(Crossing {
                rest: Rest::Home((*only).to_owned()),
                legs: vec![],
            });
        }
        let ways = [
            value.buffer(true),
            value.scalars(),
            value.buffer(false),
            value.lent(),
        ];
        // Of equals the first stays.
        ways.into_iter().flatten().reduce(|best, next| {
            if next.seconds() < best.seconds() {
                next
            } else {
                best
            }
        })
    }

    /// Whether `user` can use buffers that `owner` allocates: the link names who can map the
    /// other's, or else says that they share a memory or see each other's.
    pub fn can_use(&self, owner: &str, user: &str) -> bool {
        owner == user
            || self.link(owner, user).is_some_and(|link| {
                if link.mappable_by.is_empty() {
                    link.unified_memory || link.transparent_access
                } else {
                    link.mappable_by.iter().any(|name| name == user)
                }
            })
    }

    /// Which of two PUs should own the buffer of a crossing: the one that the link names, or else
    /// the one that cannot map the other's memory, so that the other maps its own into it. When
    /// either would do or nothing is known, the first on the platform, whichever way the value
    /// goes.
    pub fn crossing_owner<'a>(&self, a: &'a str, b: &'a str) -> &'a str {
        let link = self.link(a, b);
        if let Some(owner) = link.and_then(|link| link.owner.as_deref()) {
            return if owner == a { a } else { b };
        }
        let maps =
            |pu: &str| link.is_some_and(|link| link.mappable_by.iter().any(|name| name == pu));
        let position = |name: &str| self.pus.iter().position(|pu| pu.name == name);
        match (maps(a), maps(b)) {
            (true, false) => b,
            (false, true) => a,
            _ if position(b) < position(a) => b,
            _ => a,
        }
    }

    /// Whether the link between two PUs allows a method at all, whatever the value. Without a link
    /// of their own, only the host can carry something between them.
    pub fn allows(&self, a: &str, b: &str, method: Method) -> bool {
        match self.link(a, b) {
            None => matches!(method, Method::HostCopy | Method::HostScalars),
            Some(link) => match &link.methods {
                Some(methods) => methods.contains(&method),
                None => Method::DEFAULT.contains(&method),
            },
        }
    }

    /// Whether a method could work over a link, whatever the file allows and whatever the value.
    pub(crate) fn is_possible(&self, link: &Link, method: Method) -> bool {
        let [a, b] = &link.between;
        match method {
            Method::SharedBuffer | Method::MappedCopy => {
                let owner = self.crossing_owner(a, b);
                self.can_use(owner, a) && self.can_use(owner, b)
            }
            Method::Transfer => self.transfers(a, b),
            Method::HostCopy | Method::HostScalars => true,
        }
    }

    fn transfers(&self, a: &str, b: &str) -> bool {
        let driver = |name: &str| self.pu(name).map(|pu| pu.iree.alias.as_str());
        driver(a) == Some(TRANSFERRING_DRIVER) && driver(b) == Some(TRANSFERRING_DRIVER)
    }
}

/// A value whose crossing is looked for.
struct Value<'a> {
    platform: &'a Platform,
    makers: &'a [End],
    readers: &'a [End],
    names: BTreeSet<&'a str>,
    parcel: Parcel,
    methods: &'a [Method],
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
    fn buffer(&self, shared: bool) -> Option<Crossing> {
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
    fn scalars(&self) -> Option<Crossing> {
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
    fn lent(&self) -> Option<Crossing> {
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

fn sorted(ends: &[End]) -> Vec<End> {
    let unique: BTreeSet<&End> = ends.iter().collect();
    unique.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests;
