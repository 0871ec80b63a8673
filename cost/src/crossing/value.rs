//! A value that crosses, its ends and its way.

use crate::platform::Method;
use crate::workload::CrossingDemand;
use std::collections::BTreeSet;

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
