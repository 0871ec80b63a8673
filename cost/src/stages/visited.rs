//! Where a model has been, for contiguous placements.

use std::iter::successors;
use std::mem::take;
use std::rc::Rc;

/// The PUs that one model has been on, the one it is on first. Partial placements that begin alike
/// have these lists in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Visited(Option<Rc<Visit>>);

#[derive(Debug)]
struct Visit {
    pu: usize,
    before: Visited,
}

impl Visited {
    /// Goes to `pu`, or stays there; `false` where it has left it before.
    pub(super) fn go(&mut self, pu: usize) -> bool {
        if self.pus().next() == Some(pu) {
            return true;
        }
        if self.pus().any(|been| been == pu) {
            return false;
        }
        let before = take(self);
        self.0 = Some(Rc::new(Visit { pu, before }));
        true
    }

    /// Whether it can go on to wherever `other` can.
    pub(super) fn is_as_free(&self, other: &Self) -> bool {
        self.pus().next() == other.pus().next()
            && self.pus().all(|own| other.pus().any(|been| been == own))
    }

    fn pus(&self) -> impl Iterator<Item = usize> + '_ {
        successors(self.0.as_deref(), |visit| visit.before.0.as_deref()).map(|visit| visit.pu)
    }
}
