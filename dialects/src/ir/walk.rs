//! Walks over what operations hold.

use smallvec::SmallVec;

use super::{Block, Op, Region};

/// What [`Op::walk`] does after an operation was visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// Goes into its regions.
    Into,
    /// Leaves its regions out.
    Over,
}

impl<'m> Op<'m> {
    /// Visits it and what its regions hold, outside in, in order. What the
    /// visitor erases or moves to another block before its turn is left out.
    pub fn walk(self, visit: &mut impl FnMut(Op<'m>) -> Walk) {
        /// What is still to be gone through, the innermost last: input decides how
        /// deeply operations are nested, and a stack of calls would end.
        enum Rest<'m> {
            /// The regions of an operation from this one on.
            Regions(Op<'m>, isize),
            /// A block and those behind it.
            Block(Block<'m>),
            /// What is left of a block.
            Ops(Block<'m>, std::vec::IntoIter<Op<'m>>),
        }
        if visit(self) == Walk::Over || !self.has_regions() {
            return;
        }
        // Most walks are shallow, and need no memory for it then.
        let mut rest: SmallVec<[Rest; 4]> = SmallVec::new();
        rest.push(Rest::Regions(self, 0));
        while let Some(next) = rest.last_mut() {
            match next {
                Rest::Regions(op, index) => {
                    let region = op.region(*index);
                    *index += 1;
                    match region.map(Region::first_block) {
                        Some(first) => rest.extend(first.map(Rest::Block)),
                        None => drop(rest.pop()),
                    }
                }
                Rest::Block(block) => {
                    let block = *block;
                    // Where there is one behind it, it takes its place.
                    match block.next_in_region() {
                        Some(following) => *next = Rest::Block(following),
                        None => drop(rest.pop()),
                    }
                    rest.push(Rest::Ops(block, block.ops().into_iter()));
                }
                Rest::Ops(block, ops) => {
                    let holder = ops.find(|op| {
                        op.block() == Some(*block) && visit(*op) == Walk::Into && op.has_regions()
                    });
                    match holder {
                        Some(op) => rest.push(Rest::Regions(op, 0)),
                        None => drop(rest.pop()),
                    }
                }
            }
        }
    }

    /// All operations in its regions, outside in, in order, without itself.
    pub fn nested(self) -> Vec<Op<'m>> {
        let mut ops = Vec::new();
        self.walk(&mut |op| {
            if op != self {
                ops.push(op);
            }
            Walk::Into
        });
        ops
    }
}
