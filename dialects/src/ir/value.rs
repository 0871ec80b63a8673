//! Values: results of operations and arguments of blocks.

use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use mlir_sys::{
    MlirValue, mlirBlockArgumentGetArgNumber, mlirBlockArgumentGetOwner, mlirOpOperandGetNextUse,
    mlirOpOperandGetOperandNumber, mlirOpOperandGetOwner, mlirOpOperandIsNull,
    mlirOpResultGetOwner, mlirOpResultGetResultNumber, mlirValueGetFirstUse, mlirValueGetType,
    mlirValueIsABlockArgument, mlirValueReplaceAllUsesOfWith, mlirValueSetType,
};

use super::{Block, Few, Op, Type};

/// A value.
#[derive(Clone, Copy, Debug)]
pub struct Value<'m> {
    raw: MlirValue,
    module: PhantomData<&'m ()>,
}

/// One use of a value: operand `index` of `op`.
#[derive(Clone, Copy)]
pub struct Use<'m> {
    /// The operation that uses the value.
    pub op: Op<'m>,
    /// Which of its operands the value is.
    pub index: usize,
}

impl<'m> Value<'m> {
    pub(crate) fn from_raw(raw: MlirValue) -> Self {
        Self {
            raw,
            module: PhantomData,
        }
    }

    pub(crate) fn raw(self) -> MlirValue {
        self.raw
    }

    /// Its type.
    pub fn r#type(self) -> Type<'m> {
        // SAFETY: the value is alive by the handle invariant.
        Type::from_raw(unsafe { mlirValueGetType(self.raw) })
    }

    /// Changes its type in place; its users are the caller's to keep valid.
    pub fn set_type(self, r#type: Type<'m>) {
        // SAFETY: both are alive, in one context.
        unsafe { mlirValueSetType(self.raw, r#type.raw()) }
    }

    /// The operation that defines it, unless it is a block argument.
    pub fn defining_op(self) -> Option<Op<'m>> {
        // SAFETY: the owner is asked only of a result.
        unsafe {
            (!mlirValueIsABlockArgument(self.raw))
                .then(|| Op::from_raw(mlirOpResultGetOwner(self.raw)))
        }
    }

    /// The integer that an `arith.constant` makes it, unless that is negative.
    pub fn as_count(self) -> Option<u64> {
        let op = self.defining_op().filter(|op| op.is("arith.constant"))?;
        op.attribute("value")?.as_integer()?.try_into().ok()
    }

    /// Which result of its operation it is, unless it is a block argument.
    pub fn result_index(self) -> Option<usize> {
        // SAFETY: as above.
        unsafe {
            (!mlirValueIsABlockArgument(self.raw))
                .then(|| mlirOpResultGetResultNumber(self.raw) as usize)
        }
    }

    /// The block and the position, if it is a block argument.
    pub fn block_argument(self) -> Option<(Block<'m>, usize)> {
        // SAFETY: asked only of a block argument.
        unsafe {
            mlirValueIsABlockArgument(self.raw).then(|| {
                (
                    Block::from_raw(mlirBlockArgumentGetOwner(self.raw)),
                    mlirBlockArgumentGetArgNumber(self.raw) as usize,
                )
            })
        }
    }

    /// The block in which the value comes to life.
    pub fn block(self) -> Option<Block<'m>> {
        match self.block_argument() {
            Some((block, _)) => Some(block),
            None => self.defining_op().and_then(Op::block),
        }
    }

    /// Its uses, in no particular order.
    pub fn uses(self) -> Few<Use<'m>> {
        let mut uses = Few::new();
        // SAFETY: the list of uses is only read while it is walked.
        unsafe {
            let mut operand = mlirValueGetFirstUse(self.raw);
            while !mlirOpOperandIsNull(operand) {
                uses.push(Use {
                    op: Op::from_raw(mlirOpOperandGetOwner(operand)),
                    index: mlirOpOperandGetOperandNumber(operand) as usize,
                });
                operand = mlirOpOperandGetNextUse(operand);
            }
        }
        uses
    }

    /// Whether nothing uses it.
    pub fn is_unused(self) -> bool {
        // SAFETY: the value is alive.
        unsafe { mlirOpOperandIsNull(mlirValueGetFirstUse(self.raw)) }
    }

    /// Makes every user use `other` instead.
    pub fn replace_all_uses_with(self, other: Value<'m>) {
        // SAFETY: both are alive, in one context.
        unsafe { mlirValueReplaceAllUsesOfWith(self.raw, other.raw) }
    }
}

impl PartialEq for Value<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.raw.ptr == other.raw.ptr
    }
}

impl Eq for Value<'_> {}

impl Hash for Value<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.ptr.hash(state);
    }
}
