//! Operations.

use std::ffi::c_void;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::mem;
use std::sync::OnceLock;

use mlir_sys::{
    MlirOperation, mlirIdentifierStr, mlirOpPrintingFlagsAssumeVerified, mlirOpPrintingFlagsCreate,
    mlirOpPrintingFlagsDestroy, mlirOpPrintingFlagsElideLargeElementsAttrs,
    mlirOpPrintingFlagsElideLargeResourceString, mlirOpPrintingFlagsSkipRegions,
    mlirOpPrintingFlagsUseLocalScope, mlirOperationClone, mlirOperationGetAttribute,
    mlirOperationGetAttributeByName, mlirOperationGetBlock, mlirOperationGetLocation,
    mlirOperationGetName, mlirOperationGetNextInBlock, mlirOperationGetNumAttributes,
    mlirOperationGetNumOperands, mlirOperationGetNumRegions, mlirOperationGetNumResults,
    mlirOperationGetNumSuccessors, mlirOperationGetOperand, mlirOperationGetParentOperation,
    mlirOperationGetRegion, mlirOperationGetResult, mlirOperationGetSuccessor,
    mlirOperationMoveBefore, mlirOperationPrint, mlirOperationPrintWithFlags,
    mlirOperationRemoveAttributeByName, mlirOperationRemoveFromParent,
    mlirOperationSetAttributeByName, mlirOperationSetOperand, mlirOperationSetOperands,
};

use super::{
    Attribute, Block, Few, Location, Region, Value, borrowed_str, graveyard, owned_string, printed,
    printed_into, string_ref,
};

/// `mlirOperationIsStructurallyEquivalent`, which mlir-sys (LLVM 22) does not
/// have yet.
type Equivalence = unsafe extern "C" fn(MlirOperation, MlirOperation, u32) -> bool;

/// It, if the library has it: IREE 3.13 does, 3.6 does not, and a library that
/// lacks what is linked by name is not loaded at all.
fn equivalence() -> Option<Equivalence> {
    static FOUND: OnceLock<Option<Equivalence>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let name = c"mlirOperationIsStructurallyEquivalent";
        // SAFETY: a look-up by name among the libraries that are loaded.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        // SAFETY: it is MLIR's function of that name, which has this type.
        (!found.is_null()).then(|| unsafe { mem::transmute::<*mut c_void, Equivalence>(found) })
    })
}

/// `MLIR_OPERATION_EQUIVALENCE_IGNORE_LOCATIONS`.
const IGNORE_LOCATIONS: u32 = 1;

/// An operation.
#[derive(Clone, Copy, Debug)]
pub struct Op<'m> {
    raw: MlirOperation,
    module: PhantomData<&'m ()>,
}

impl<'m> Op<'m> {
    pub(crate) fn from_raw(raw: MlirOperation) -> Self {
        Self {
            raw,
            module: PhantomData,
        }
    }

    pub(crate) fn raw(self) -> MlirOperation {
        self.raw
    }

    /// Its name with the dialect, such as `linalg.generic`.
    pub fn name(self) -> &'m str {
        // SAFETY: the operation is alive by the handle invariant; the
        // identifier lives as long as the context, which outlives the module.
        unsafe { borrowed_str(mlirIdentifierStr(mlirOperationGetName(self.raw))) }
    }

    /// Whether it has this name.
    pub fn is(self, name: &str) -> bool {
        self.name_bytes() == name.as_bytes()
    }

    /// Whether it is of one of these dialects.
    pub fn is_of(self, dialects: &[&str]) -> bool {
        let name = self.name_bytes();
        let length = name.iter().position(|byte| *byte == b'.');
        let dialect = &name[..length.unwrap_or(name.len())];
        dialects.iter().any(|each| each.as_bytes() == dialect)
    }

    /// Its name, not looked at whether it is UTF-8: names are compared often.
    fn name_bytes(self) -> &'m [u8] {
        // SAFETY: as for `name`; MLIR's strings have a length and no gaps.
        unsafe {
            let raw = mlirIdentifierStr(mlirOperationGetName(self.raw));
            std::slice::from_raw_parts(raw.data.cast::<u8>(), raw.length)
        }
    }

    /// Where it came from.
    pub fn location(self) -> Location<'m> {
        // SAFETY: the operation is alive.
        Location::of_op(unsafe { mlirOperationGetLocation(self.raw) }, self)
    }

    /// Its operands.
    pub fn operands(self) -> Few<Value<'m>> {
        // SAFETY: indices are below the count.
        unsafe {
            (0..mlirOperationGetNumOperands(self.raw))
                .map(|index| Value::from_raw(mlirOperationGetOperand(self.raw, index)))
                .collect()
        }
    }

    /// The operand at `index`, if there are so many.
    pub fn operand(self, index: usize) -> Option<Value<'m>> {
        // SAFETY: the index is below the count.
        unsafe {
            ((index as isize) < mlirOperationGetNumOperands(self.raw))
                .then(|| Value::from_raw(mlirOperationGetOperand(self.raw, index as isize)))
        }
    }

    /// Replaces the operand at `index`, which must exist.
    pub fn set_operand(self, index: usize, value: Value<'m>) {
        // SAFETY: the operation is alive.
        let count = unsafe { mlirOperationGetNumOperands(self.raw) };
        assert!(
            (index as isize) < count,
            "operand {index} of {}",
            self.name()
        );
        // SAFETY: the index was just checked.
        unsafe { mlirOperationSetOperand(self.raw, index as isize, value.raw()) }
    }

    /// Replaces all operands.
    pub fn set_operands(self, values: &[Value<'m>]) {
        let raw: Vec<_> = values.iter().map(|value| value.raw()).collect();
        // SAFETY: the array is copied.
        unsafe { mlirOperationSetOperands(self.raw, raw.len() as isize, raw.as_ptr()) }
    }

    /// Its results.
    pub fn results(self) -> Few<Value<'m>> {
        // SAFETY: indices are below the count.
        unsafe {
            (0..mlirOperationGetNumResults(self.raw))
                .map(|index| Value::from_raw(mlirOperationGetResult(self.raw, index)))
                .collect()
        }
    }

    /// The result at `index`, if there are so many.
    pub fn result(self, index: usize) -> Option<Value<'m>> {
        // SAFETY: the index is below the count.
        unsafe {
            ((index as isize) < mlirOperationGetNumResults(self.raw))
                .then(|| Value::from_raw(mlirOperationGetResult(self.raw, index as isize)))
        }
    }

    /// The region at `index`, if there are so many.
    pub(crate) fn region(self, index: isize) -> Option<Region<'m>> {
        // SAFETY: the index is below the count.
        unsafe {
            (index < mlirOperationGetNumRegions(self.raw))
                .then(|| Region::from_raw(mlirOperationGetRegion(self.raw, index)))
        }
    }

    /// Its regions.
    pub fn regions(self) -> impl Iterator<Item = Region<'m>> {
        // SAFETY: indices are below the count.
        let count = unsafe { mlirOperationGetNumRegions(self.raw) };
        (0..count).map(move |index| {
            // SAFETY: as above.
            Region::from_raw(unsafe { mlirOperationGetRegion(self.raw, index) })
        })
    }

    /// The blocks of all its regions.
    pub fn blocks(self) -> Few<Block<'m>> {
        self.regions().flat_map(Region::blocks).collect()
    }

    /// The blocks that may run after it, where it is a branch.
    pub fn successors(self) -> Few<Block<'m>> {
        // SAFETY: indices are below the count.
        unsafe {
            (0..mlirOperationGetNumSuccessors(self.raw))
                .map(|index| Block::from_raw(mlirOperationGetSuccessor(self.raw, index)))
                .collect()
        }
    }

    /// Whether it has regions, be they empty.
    pub fn has_regions(self) -> bool {
        // SAFETY: the operation is alive.
        unsafe { mlirOperationGetNumRegions(self.raw) > 0 }
    }

    /// Whether it has a region with a block in it.
    pub fn has_body(self) -> bool {
        self.regions()
            .any(|region| region.blocks().next().is_some())
    }

    /// The attribute `name`, inherent or not.
    pub fn attribute(self, name: &str) -> Option<Attribute<'m>> {
        // SAFETY: null means absent.
        let raw = unsafe { mlirOperationGetAttributeByName(self.raw, string_ref(name)) };
        (!raw.ptr.is_null()).then(|| Attribute::from_raw(raw))
    }

    /// All its attributes with their names.
    pub fn attributes(self) -> Vec<(String, Attribute<'m>)> {
        // SAFETY: indices are below the count.
        unsafe {
            (0..mlirOperationGetNumAttributes(self.raw))
                .map(|index| {
                    let named = mlirOperationGetAttribute(self.raw, index);
                    (
                        owned_string(mlirIdentifierStr(named.name)),
                        Attribute::from_raw(named.attribute),
                    )
                })
                .collect()
        }
    }

    /// Sets the attribute `name`.
    pub fn set_attribute(self, name: &str, attribute: Attribute<'m>) {
        // SAFETY: both are alive, in one context.
        unsafe { mlirOperationSetAttributeByName(self.raw, string_ref(name), attribute.raw()) }
    }

    /// Removes the attribute `name`; says whether it was there.
    pub fn remove_attribute(self, name: &str) -> bool {
        // SAFETY: removing an absent attribute does nothing.
        unsafe { mlirOperationRemoveAttributeByName(self.raw, string_ref(name)) }
    }

    /// The string value of the attribute `name`.
    pub fn string_attribute(self, name: &str) -> Option<String> {
        self.attribute(name)?.as_string()
    }

    /// Its symbol name, without `@`, if it defines one.
    pub fn symbol_name(self) -> Option<String> {
        self.string_attribute("sym_name")
    }

    /// As [`Op::symbol_name`], without a copy: empty for a name that is no UTF-8.
    pub fn symbol(self) -> Option<&'m str> {
        self.attribute("sym_name")?.as_str()
    }

    /// Whether it defines the symbol `name`, given without `@`.
    pub fn is_symbol(self, name: &str) -> bool {
        self.attribute("sym_name").and_then(Attribute::as_str) == Some(name)
    }

    /// Whether it is a symbol visible from outside the module.
    pub fn is_public(self) -> bool {
        !matches!(
            self.attribute("sym_visibility").and_then(Attribute::as_str),
            Some("private" | "nested")
        )
    }

    /// The block it is in.
    pub fn block(self) -> Option<Block<'m>> {
        // SAFETY: null means that it is detached.
        let raw = unsafe { mlirOperationGetBlock(self.raw) };
        (!raw.ptr.is_null()).then(|| Block::from_raw(raw))
    }

    /// The operation whose region holds it.
    pub fn parent(self) -> Option<Op<'m>> {
        // SAFETY: null means that there is none.
        let raw = unsafe { mlirOperationGetParentOperation(self.raw) };
        (!raw.ptr.is_null()).then(|| Op::from_raw(raw))
    }

    /// The way to it from the module: names of operations, and symbols where
    /// they have one.
    pub fn path(self) -> String {
        let step = |op: Op<'m>| match op.symbol_name() {
            Some(symbol) => format!("@{symbol}"),
            None => op.name().to_owned(),
        };
        let mut steps = vec![step(self)];
        let mut outer = self.parent();
        while let Some(op) = outer {
            outer = op.parent();
            // The module goes without saying.
            if outer.is_some() {
                steps.push(step(op));
            }
        }
        steps.reverse();
        steps.join("/")
    }

    /// The ancestor of it (or itself) that stands in `block`, if any.
    pub fn ancestor_in(self, block: Block<'m>) -> Option<Op<'m>> {
        let mut op = self;
        loop {
            if op.block()? == block {
                return Some(op);
            }
            op = op.parent()?;
        }
    }

    /// The operation that follows it in its block.
    pub fn next_in_block(self) -> Option<Op<'m>> {
        // SAFETY: the operation is alive; null ends the list.
        let raw = unsafe { mlirOperationGetNextInBlock(self.raw) };
        (!raw.ptr.is_null()).then(|| Op::from_raw(raw))
    }

    /// A detached copy, regions and all. Operands stay what they were.
    #[must_use]
    pub fn duplicate(self) -> Op<'m> {
        // SAFETY: the copy is detached; inserting it gives it an owner.
        Op::from_raw(unsafe { mlirOperationClone(self.raw) })
    }

    /// Inserts the detached operation `op` right before this one.
    pub fn insert_before(self, op: Op<'m>) {
        let block = self.block().expect("the anchor stands in a block");
        // SAFETY: this operation is in a block, which takes ownership.
        unsafe {
            mlir_sys::mlirBlockInsertOwnedOperationBefore(block.raw(), self.raw, op.raw);
        }
    }

    /// Inserts the detached operation `op` right after this one.
    pub fn insert_after(self, op: Op<'m>) {
        let block = self.block().expect("the anchor stands in a block");
        // SAFETY: as above.
        unsafe {
            mlir_sys::mlirBlockInsertOwnedOperationAfter(block.raw(), self.raw, op.raw);
        }
    }

    /// Moves it right before `other`.
    pub fn move_before(self, other: Op<'m>) {
        // SAFETY: both are in blocks of one module.
        unsafe { mlirOperationMoveBefore(self.raw, other.raw) }
    }

    /// Takes it out of its block without erasing it.
    pub fn detach(self) {
        // SAFETY: a detached operation has no owner until it is inserted.
        unsafe { mlirOperationRemoveFromParent(self.raw) }
    }

    /// Erases it with its regions. Its results must have no uses left. Handles to
    /// it, and to what it holds, may still be asked, and find that nothing reads
    /// anything there; [`Op::is_in_module`] tells them from others.
    pub fn erase(self) {
        debug_assert!(
            self.results().into_iter().all(Value::is_unused),
            "{} is erased while it is used",
            self.name()
        );
        graveyard::retire(self);
    }

    /// Whether it stands in a module, and was neither erased nor is yet to be
    /// inserted, nor is what holds it.
    pub fn is_in_module(self) -> bool {
        let mut outermost = self;
        while let Some(outer) = outermost.parent() {
            outermost = outer;
        }
        outermost.is("builtin.module")
    }

    /// Its text, regions included.
    pub fn to_text(self) -> String {
        printed(|callback, data| {
            // SAFETY: the operation is alive; the data lives through the call.
            unsafe { mlirOperationPrint(self.raw, callback, data) }
        })
    }

    /// As [`Op::to_text`], without the check that otherwise comes before
    /// every print: for an operation that the verifier has just passed. Room
    /// for `expected` bytes is made at once.
    pub fn to_text_verified(self, expected: usize) -> String {
        printed_into(Vec::with_capacity(expected), |callback, data| {
            // SAFETY: the flags are destroyed after their only use.
            unsafe {
                let flags = mlirOpPrintingFlagsCreate();
                mlirOpPrintingFlagsAssumeVerified(flags);
                mlirOperationPrintWithFlags(self.raw, flags, callback, data);
                mlirOpPrintingFlagsDestroy(flags);
            }
        })
    }

    /// Whether the other operation is the same, regions and all, wherever the
    /// two came from: equal names, attributes and types, and values that are
    /// made alike inside or are one and the same outside.
    pub fn is_equivalent_to(self, other: Op<'m>) -> bool {
        match equivalence() {
            // SAFETY: both are alive, and comparing reads them only.
            Some(same) => unsafe { same(self.raw, other.raw, IGNORE_LOCATIONS) },
            None => self.to_text() == other.to_text(),
        }
    }

    /// One line of it for a message: no regions, large constants elided.
    pub fn summary(self) -> String {
        let text = printed(|callback, data| {
            // SAFETY: as above.
            unsafe {
                let flags = mlirOpPrintingFlagsCreate();
                mlirOpPrintingFlagsSkipRegions(flags);
                mlirOpPrintingFlagsUseLocalScope(flags);
                mlirOpPrintingFlagsElideLargeElementsAttrs(flags, 8);
                mlirOpPrintingFlagsElideLargeResourceString(flags, 8);
                mlirOperationPrintWithFlags(self.raw, flags, callback, data);
                mlirOpPrintingFlagsDestroy(flags);
            }
        });
        let line = text.lines().next().unwrap_or_default().trim();
        match line.char_indices().nth(160) {
            Some((end, _)) => format!("{} …", &line[..end]),
            None => line.to_owned(),
        }
    }
}

impl PartialEq for Op<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.raw.ptr == other.raw.ptr
    }
}

impl Eq for Op<'_> {}

impl Hash for Op<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.ptr.hash(state);
    }
}

impl fmt::Display for Op<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.summary())
    }
}
