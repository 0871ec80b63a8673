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

mod ways;

use crate::platform::{Link, Platform};
use crate::workload::CrossingDemand;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use ways::{Value, sorted};

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
            Method::SharedBuffer | Method::MappedCopy => self.can_share(link),
            Method::Transfer => self.transfers(a, b),
            Method::HostCopy | Method::HostScalars => true,
        }
    }

    /// Whether the two ends of a link can use one buffer.
    pub fn can_share(&self, link: &Link) -> bool {
        let [a, b] = &link.between;
        let owner = self.crossing_owner(a, b);
        self.can_use(owner, a) && self.can_use(owner, b)
    }

    fn transfers(&self, a: &str, b: &str) -> bool {
        let driver = |name: &str| self.pu(name).map(|pu| pu.iree.alias.as_str());
        driver(a) == Some(TRANSFERRING_DRIVER) && driver(b) == Some(TRANSFERRING_DRIVER)
    }
}

#[cfg(test)]
mod tests;
