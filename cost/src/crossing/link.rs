//! What a link between two processing units lets devices do with each other's buffers.

use crate::platform::{Link, Method, Platform};

/// IREE's driver whose devices take each other's buffers as the source of a transfer.
const TRANSFERRING_DRIVER: &str = "local";

impl Platform {
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
    pub fn is_possible(&self, link: &Link, method: Method) -> bool {
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

    pub(super) fn transfers(&self, a: &str, b: &str) -> bool {
        let driver = |name: &str| self.pu(name).map(|pu| pu.iree.alias.as_str());
        driver(a) == Some(TRANSFERRING_DRIVER) && driver(b) == Some(TRANSFERRING_DRIVER)
    }
}
