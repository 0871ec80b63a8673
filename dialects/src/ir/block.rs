//! Blocks and regions.

use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use mlir_sys::{
    MlirBlock, MlirRegion, mlirBlockAddArgument, mlirBlockAppendOwnedOperation, mlirBlockCreate,
    mlirBlockGetArgument, mlirBlockGetFirstOperation, mlirBlockGetNextInRegion,
    mlirBlockGetNumArguments, mlirBlockGetParentOperation, mlirBlockGetTerminator,
    mlirBlockInsertOwnedOperation, mlirRegionAppendOwnedBlock, mlirRegionGetFirstBlock,
    mlirRegionTakeBody,
};

use super::{Few, Location, Op, Type, Value};

/// A list of operations with arguments.
#[derive(Clone, Copy, Debug)]
pub struct Block<'m> {
    raw: MlirBlock,
    module: PhantomData<&'m ()>,
}

impl<'m> Block<'m> {
    pub(crate) fn from_raw(raw: MlirBlock) -> Self {
        Self {
            raw,
            module: PhantomData,
        }
    }

    pub(crate) fn raw(self) -> MlirBlock {
        self.raw
    }

    /// Its operations in order, as a snapshot: what is erased or moved meanwhile is
    /// still met in it.
    pub fn ops(self) -> Vec<Op<'m>> {
        std::iter::successors(self.first_op(), |op| op.next_in_block()).collect()
    }

    /// The block that follows it in its region.
    pub(crate) fn next_in_region(self) -> Option<Block<'m>> {
        // SAFETY: the block is alive; null ends the list.
        let raw = unsafe { mlirBlockGetNextInRegion(self.raw) };
        (!raw.ptr.is_null()).then(|| Block::from_raw(raw))
    }

    /// Its first operation.
    pub fn first_op(self) -> Option<Op<'m>> {
        // SAFETY: the block is alive; null means that it is empty.
        let raw = unsafe { mlirBlockGetFirstOperation(self.raw) };
        (!raw.ptr.is_null()).then(|| Op::from_raw(raw))
    }

    /// Its arguments.
    pub fn arguments(self) -> Few<Value<'m>> {
        // SAFETY: indices are below the count.
        unsafe {
            (0..mlirBlockGetNumArguments(self.raw))
                .map(|index| Value::from_raw(mlirBlockGetArgument(self.raw, index)))
                .collect()
        }
    }

    /// Adds an argument at the end.
    pub fn add_argument(self, r#type: Type<'m>, location: Location<'m>) -> Value<'m> {
        // SAFETY: all are alive, in one context.
        Value::from_raw(unsafe { mlirBlockAddArgument(self.raw, r#type.raw(), location.raw()) })
    }

    /// The operation whose region holds the block.
    pub fn parent_op(self) -> Option<Op<'m>> {
        // SAFETY: the block is alive; null means that it is detached.
        let raw = unsafe { mlirBlockGetParentOperation(self.raw) };
        (!raw.ptr.is_null()).then(|| Op::from_raw(raw))
    }

    /// Its last operation, if that is a terminator.
    pub fn terminator(self) -> Option<Op<'m>> {
        // SAFETY: as above.
        let raw = unsafe { mlirBlockGetTerminator(self.raw) };
        (!raw.ptr.is_null()).then(|| Op::from_raw(raw))
    }

    /// Appends a detached operation.
    pub fn append(self, op: Op<'m>) {
        // SAFETY: the block takes ownership of an operation that has no block.
        unsafe { mlirBlockAppendOwnedOperation(self.raw, op.raw()) }
    }

    /// Inserts a detached operation first.
    pub fn prepend(self, op: Op<'m>) {
        // SAFETY: as above.
        unsafe { mlirBlockInsertOwnedOperation(self.raw, 0, op.raw()) }
    }
}

impl PartialEq for Block<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.raw.ptr == other.raw.ptr
    }
}

impl Eq for Block<'_> {}

impl Hash for Block<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.ptr.hash(state);
    }
}

/// A region of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Region<'m> {
    raw: MlirRegion,
    module: PhantomData<&'m ()>,
}

impl<'m> Region<'m> {
    pub(crate) fn from_raw(raw: MlirRegion) -> Self {
        Self {
            raw,
            module: PhantomData,
        }
    }

    /// Its first block.
    pub(crate) fn first_block(self) -> Option<Block<'m>> {
        // SAFETY: the region is alive; null means that it is empty.
        let raw = unsafe { mlirRegionGetFirstBlock(self.raw) };
        (!raw.ptr.is_null()).then(|| Block::from_raw(raw))
    }

    /// Its blocks, in order.
    pub fn blocks(self) -> impl Iterator<Item = Block<'m>> {
        std::iter::successors(self.first_block(), |block| block.next_in_region())
    }

    /// Appends a new block with arguments of the given types.
    pub fn append_block(self, arguments: &[(Type<'m>, Location<'m>)]) -> Block<'m> {
        let types: Vec<_> = arguments.iter().map(|each| each.0.raw()).collect();
        let locations: Vec<_> = arguments.iter().map(|each| each.1.raw()).collect();
        // SAFETY: the arrays are copied; the region takes the new block.
        unsafe {
            let block =
                mlirBlockCreate(arguments.len() as isize, types.as_ptr(), locations.as_ptr());
            mlirRegionAppendOwnedBlock(self.raw, block);
            Block::from_raw(block)
        }
    }

    /// Takes the blocks of another region.
    ///
    /// # Panics
    ///
    /// If it has blocks itself: handles to these would lose what they point at.
    pub fn take_body(self, other: Region<'m>) {
        assert!(
            self.blocks().next().is_none(),
            "a region with blocks takes others"
        );
        // SAFETY: both regions are alive, and the blocks live on in this one.
        unsafe { mlirRegionTakeBody(self.raw, other.raw) }
    }
}
