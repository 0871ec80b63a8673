//! Walks over what operations hold.

use super::{Block, Op};

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
            Regions(Op<'m>, isize),
            Block(Block<'m>),
            Ops(Block<'m>, std::vec::IntoIter<Op<'m>>),
        }
        if visit(self) == Walk::Over {
            return;
        }
        let mut rest = vec![Rest::Regions(self, 0)];
        while let Some(next) = rest.pop() {
            match next {
                Rest::Regions(op, index) => {
                    if let Some(region) = op.region(index) {
                        rest.push(Rest::Regions(op, index + 1));
                        rest.extend(region.first_block().map(Rest::Block));
                    }
                }
                Rest::Block(block) => {
                    rest.extend(block.next_in_region().map(Rest::Block));
                    rest.push(Rest::Ops(block, block.ops().into_iter()));
                }
                Rest::Ops(block, mut ops) => {
                    if let Some(op) = ops.next() {
                        rest.push(Rest::Ops(block, ops));
                        if op.block() == Some(block) && visit(op) == Walk::Into {
                            rest.push(Rest::Regions(op, 0));
                        }
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
