//! How values cross between devices: which methods are legal, what each costs, and which is taken.
//!
//! A value rests in one form wherever it goes: all that control flow hands on as it, and all that
//! calls of one function return as it, have one type in the IR. So it is not each edge alone that
//! chooses, but all edges of a value together ([`Platform::crossing`]): the legal way of the least
//! sum of seconds over them, the earlier in [`Method::ALL`](crate::platform::Method::ALL) of equals.
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

mod link;
mod value;
mod ways;

pub use crate::platform::Method;
pub use value::{Crossing, End, Leg, Parcel, Rest};
pub use ways::SCALAR_SECONDS;

use crate::platform::Platform;
use crate::workload::CrossingDemand;
use std::collections::BTreeSet;
use ways::{Value, sorted};

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
}
