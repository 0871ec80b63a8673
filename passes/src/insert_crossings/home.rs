//! Where a value lives at run time, between the functions that make and read
//! it.

use std::collections::BTreeSet;

use cost::crossing::{Crossing, Rest};

/// The form in which all values of a class are handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// On one device, as IREE allocates it there.
    Local(String),
    /// In a buffer of `owner` that several devices use.
    Shared {
        /// The device that allocates it.
        owner: String,
        /// The devices that use it; for others the host makes copies.
        users: BTreeSet<String>,
        /// The devices whose results are copied into it, instead of being
        /// written there by the function that makes them.
        copiers: BTreeSet<String>,
        /// The device on which control reads it.
        reader: String,
    },
    /// As scalars, on the host.
    Scalars,
    /// On the device that makes it; functions of others transfer it.
    Lent(String),
}

impl Home {
    /// The home of a value that crosses so; control is on the device
    /// `control`, and takes part if one of its ends says so.
    pub fn new(crossing: Crossing, control: &str, controls: bool) -> Self {
        match crossing.rest {
            Rest::Home(device) => Home::Local(device),
            Rest::Scalars => Home::Scalars,
            Rest::Lent(device) => Home::Lent(device),
            Rest::Buffer {
                owner,
                users,
                copiers,
            } => Home::Shared {
                reader: if controls {
                    control.to_owned()
                } else {
                    owner.clone()
                },
                owner,
                users,
                copiers,
            },
        }
    }

    /// The device on which an operation of control imports the value, unless
    /// it is scalars.
    pub fn reader(&self) -> Option<&str> {
        match self {
            Home::Local(device) | Home::Lent(device) => Some(device),
            Home::Shared { reader, .. } => Some(reader),
            Home::Scalars => None,
        }
    }

    /// Whether a function on `device` writes such a result into a buffer that
    /// it is given.
    pub fn is_written_by(&self, device: &str) -> bool {
        matches!(self, Home::Shared { copiers, .. } if !copiers.contains(device))
    }
}

/// How a function takes one of its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a view of a buffer that its device can use.
    View,
    /// As scalars, of which it makes a tensor.
    Scalars,
    /// As a view of another device's buffer, from which it transfers.
    Lent(String),
}
