//! The methods by which a value crosses a link.

use serde::{Deserialize, Serialize};
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
