//! Builders for the operations of IREE's HAL dialect that carry values
//! between devices.

pub mod types;

use crate::build::OpBuilder;
use crate::ir::{Attribute, Block, Few, Location, Op, Type, Value};
use crate::module::Module;
use crate::ops::Predicate;
use crate::session::Session;
use crate::vocabulary::{TRANSFER, TRANSFER_TARGET};

/// Where operations are inserted: at the end of a block, or before one of its
/// operations.
#[derive(Clone, Copy)]
enum Point<'m> {
    End(Block<'m>),
    Before(Op<'m>),
}

/// Inserts operations at one point, all with one location.
#[derive(Clone, Copy)]
pub struct Inserter<'m> {
    module: &'m Module<'m>,
    location: Location<'m>,
    point: Point<'m>,
}

impl<'m> Inserter<'m> {
    /// Inserts at the end of `block`.
    pub fn at_end(module: &'m Module<'m>, block: Block<'m>, location: Location<'m>) -> Self {
        Self {
            module,
            location,
            point: Point::End(block),
        }
    }

    /// Inserts before `op`, with its location.
    pub fn before(module: &'m Module<'m>, op: Op<'m>) -> Self {
        Self {
            module,
            location: op.location(),
            point: Point::Before(op),
        }
    }

    /// The module that it inserts into.
    pub fn module(&self) -> &'m Module<'m> {
        self.module
    }

    /// Starts an operation with this inserter's location.
    pub fn start(&self, name: &str) -> OpBuilder<'m> {
        OpBuilder::new(name, self.location)
    }

    /// Builds and inserts an operation.
    pub fn insert(&self, builder: OpBuilder<'m>) -> Op<'m> {
        let op = builder.build();
        match self.point {
            Point::End(block) => block.append(op),
            Point::Before(anchor) => anchor.insert_before(op),
        }
        op
    }

    /// Builds and inserts an operation with one result.
    pub fn value(&self, builder: OpBuilder<'m>) -> Value<'m> {
        self.insert(builder).results()[0]
    }

    fn session(&self) -> &'m Session {
        self.module.session()
    }

    /// The bits of an i32.
    fn i32(&self, bits: u32) -> Attribute<'m> {
        let word = Type::integer(self.session(), 32);
        Attribute::integer(word, bits.cast_signed().into()).expect("a number of 32 bits")
    }

    /// `!hal.buffer_view`.
    pub fn view_type(&self) -> Type<'m> {
        types::buffer_view(self.session())
    }

    /// `!hal.buffer`.
    pub fn buffer_type(&self) -> Type<'m> {
        types::buffer(self.session())
    }

    /// A constant of type `index`.
    ///
    /// # Panics
    ///
    /// If it is more than an i64 holds: no size and no place of a tensor is.
    pub fn index(&self, value: u64) -> Value<'m> {
        let index = Type::index(self.session());
        let value = i64::try_from(value).ok();
        let value = value.and_then(|value| Attribute::integer(index, value));
        let value = value.expect("a size or a place");
        self.value(
            self.start("arith.constant")
                .attribute("value", value)
                .results(&[index]),
        )
    }

    /// `hal.tensor.import`: a buffer or buffer view as a tensor on a device.
    pub fn import(
        &self,
        affinity: Attribute<'m>,
        source: Value<'m>,
        tensor: Type<'m>,
    ) -> Value<'m> {
        self.value(
            self.start("hal.tensor.import")
                .operands(&[source])
                .attribute("affinity", affinity)
                .attribute("target_encoding", Attribute::of_type(tensor))
                .attribute(
                    "operandSegmentSizes",
                    Attribute::i32_array(self.module.session(), &[1, 0, 0, 0]),
                )
                .results(&[tensor]),
        )
    }

    /// `flow.tensor.transfer`: a tensor of one device as one of another.
    pub fn transfer(&self, affinity: Attribute<'m>, tensor: Value<'m>) -> Value<'m> {
        self.value(
            self.start(TRANSFER)
                .operands(&[tensor])
                .attribute(TRANSFER_TARGET, affinity)
                .results(&[tensor.r#type()]),
        )
    }

    /// The elements of a tensor of static shape, in row-major order, out of
    /// one dimension (see [`Inserter::from_elements`]).
    pub fn extract_all(&self, tensor: Value<'m>) -> Vec<Value<'m>> {
        let r#type = tensor.r#type();
        let row = self.reshape(tensor, self.row_of(r#type));
        let is_row = row.r#type().shape().is_some_and(|shape| !shape.is_empty());
        (0..r#type.element_count().unwrap_or_default())
            .map(|position| {
                let mut operands = vec![row];
                if is_row {
                    operands.push(self.index(position));
                }
                self.value(
                    self.start("tensor.extract")
                        .operands(&operands)
                        .results(&[r#type.element()]),
                )
            })
            .collect()
    }

    /// Of the elements of a tensor of static shape, in row-major order, the one
    /// at `indices`; `None` if there is no such.
    pub fn choose(
        &self,
        elements: &[Value<'m>],
        tensor: Type<'m>,
        indices: &[Value<'m>],
    ) -> Option<Value<'m>> {
        let sizes = tensor.sizes()?;
        let known = indices.iter().map(|index| index.as_count());
        if let Some(known) = known.collect::<Option<Vec<u64>>>() {
            let places = known.iter().zip(&sizes);
            let at = places.fold(0, |at, (index, size)| at * size + index);
            return elements.get(usize::try_from(at).ok()?).copied();
        }
        let binary = |name: &str, left: Value<'m>, right: Value<'m>| {
            self.value(
                self.start(name)
                    .operands(&[left, right])
                    .results(&[left.r#type()]),
            )
        };
        let mut at = self.index(0);
        for (index, size) in indices.iter().zip(&sizes) {
            let row = binary("arith.muli", at, self.index(*size));
            at = binary("arith.addi", row, *index);
        }
        let mut chosen = *elements.first()?;
        for (position, element) in (0..).zip(elements).skip(1) {
            let is_here = self.value(
                self.start("arith.cmpi")
                    .operands(&[at, self.index(position)])
                    .attribute("predicate", Predicate::Equal.attribute(self.session()))
                    .results(&[Type::integer(self.session(), 1)]),
            );
            chosen = self.value(
                self.start("arith.select")
                    .operands(&[is_here, *element, chosen])
                    .results(&[element.r#type()]),
            );
        }
        Some(chosen)
    }

    /// A tensor of static shape out of its elements, in row-major order, on the
    /// device of `affinity`. They are put in one dimension first, behind a
    /// barrier: of elements in two, into which a reshape behind it would fold,
    /// IREE 3.13 makes fills that reach beyond the tensor. It is a barrier that
    /// names the device, since behind another IREE knows of none where nothing
    /// computes.
    pub fn from_elements(
        &self,
        affinity: Attribute<'m>,
        elements: &[Value<'m>],
        tensor: Type<'m>,
    ) -> Value<'m> {
        let row = self.value(
            self.start("tensor.from_elements")
                .operands(elements)
                .results(&[self.row_of(tensor)]),
        );
        let placed = self.value(
            self.start("flow.tensor.barrier")
                .operands(&[row])
                .attribute(TRANSFER_TARGET, affinity)
                .results(&[row.r#type()]),
        );
        self.reshape(placed, tensor)
    }

    /// The type of the same elements in one dimension; of a single one without
    /// dimensions the type itself.
    fn row_of(&self, tensor: Type<'m>) -> Type<'m> {
        match (tensor.shape(), tensor.element_count()) {
            (Some(shape), Some(count)) if shape.len() > 1 => {
                let row = Type::tensor(&[i64::try_from(count).ok()], tensor.element());
                row.expect("elements that are in a tensor")
            }
            _ => tensor,
        }
    }

    fn reshape(&self, tensor: Value<'m>, to: Type<'m>) -> Value<'m> {
        if tensor.r#type() == to {
            return tensor;
        }
        self.value(
            self.start("flow.tensor.reshape")
                .operands(&[tensor])
                .attribute(
                    "operandSegmentSizes",
                    Attribute::i32_array(self.module.session(), &[1, 0, 0]),
                )
                .results(&[to]),
        )
    }

    /// `hal.tensor.export`: a tensor of a device as a buffer view.
    pub fn export(&self, affinity: Attribute<'m>, tensor: Value<'m>) -> Value<'m> {
        self.value(
            self.start("hal.tensor.export")
                .operands(&[tensor])
                .attribute("affinity", affinity)
                .attribute("source_encoding", Attribute::of_type(tensor.r#type()))
                .results(&[self.view_type()]),
        )
    }

    /// `hal.tensor.alias`: has the tensor's contents written into `buffer`.
    /// Take the result further; what an export of it would return may be a
    /// copy of IREE's on another device.
    pub fn alias(
        &self,
        affinity: Attribute<'m>,
        tensor: Value<'m>,
        buffer: Value<'m>,
    ) -> Value<'m> {
        self.value(
            self.start("hal.tensor.alias")
                .operands(&[tensor, buffer])
                .attribute("affinity", affinity)
                .attribute(
                    "operandSegmentSizes",
                    Attribute::i32_array(self.module.session(), &[1, 0, 1, 0]),
                )
                .results(&[tensor.r#type()]),
        )
    }

    /// The device of an affinity, at run time.
    pub fn device(&self, affinity: Attribute<'m>) -> Value<'m> {
        self.value(
            self.start("hal.device.resolve")
                .attribute("affinity", affinity)
                .results(&[types::device(self.session())]),
        )
    }

    /// Waits on the host until `tensors` are computed on the device of
    /// `affinity` (a `#hal.device.affinity`): a fence, a barrier that joins
    /// them to it, and an unbounded wait. IREE removes a write that nothing
    /// waits for.
    pub fn wait_for(&self, affinity: Attribute<'m>, tensors: &[Value<'m>], message: &str) {
        let session = self.module.session();
        let i32_type = Type::integer(self.session(), 32);
        let device = self.device(affinity);
        let fence = self.value(
            self.start("hal.fence.create")
                .operands(&[device])
                .attribute("flags", Attribute::i64(session, 0))
                .results(&[types::fence(self.session())]),
        );
        let mut operands = tensors.to_vec();
        operands.push(fence);
        let types: Vec<Type> = tensors.iter().map(|each| each.r#type()).collect();
        self.insert(
            self.start("hal.tensor.barrier")
                .operands(&operands)
                .results(&types),
        );
        let forever = self.value(
            self.start("arith.constant")
                .attribute("value", self.i32(u32::MAX))
                .results(&[i32_type]),
        );
        let status = self.value(
            self.start("hal.fence.await")
                .operands(&[forever, fence])
                .attribute("flags", Attribute::i64(session, 0))
                .results(&[i32_type]),
        );
        self.insert(
            self.start("util.status.check_ok")
                .operands(&[status])
                .attribute("message", Attribute::string(session, message)),
        );
    }

    /// Uses `values` once more, with `util.optimization_barrier`, so that
    /// IREE's copy elision (ElideAsyncCopies) sees a reader after whatever
    /// would write into the buffers of tensors, and copies instead. The barrier
    /// itself is dropped later and costs nothing.
    ///
    /// Tensors get one of their own: of a barrier with scalars too, IREE 3.13
    /// gives operands and results unlike lifetimes, and refuses that.
    pub fn keep_intact(&self, values: &[Value<'m>]) {
        let (tensors, others): (Vec<Value>, Vec<Value>) =
            values.iter().partition(|each| each.r#type().is_tensor());
        self.keep_apart(&tensors);
        self.keep_apart(&others);
    }

    /// The values behind a `util.optimization_barrier`: no pass of IREE sees
    /// that one of them equals another, or a constant, or an argument.
    pub fn keep_apart(&self, values: &[Value<'m>]) -> Few<Value<'m>> {
        if values.is_empty() {
            return Few::new();
        }
        let types: Vec<Type> = values.iter().map(|each| each.r#type()).collect();
        self.insert(
            self.start("util.optimization_barrier")
                .operands(values)
                .results(&types),
        )
        .results()
    }

    /// Calls the function of this name so that its signature stays: what it
    /// passes and what it returns goes behind a barrier, since IPO forgets an
    /// argument that turns out to equal another or a constant, and a result
    /// that turns out to be unused. A view alone equals nothing.
    pub fn call(&self, name: &str, operands: &[Value<'m>], results: &[Type<'m>]) -> Few<Value<'m>> {
        let apart = match operands {
            [view] if view.r#type() == self.view_type() => Few::from_slice(operands),
            _ => self.keep_apart(operands),
        };
        let call = self
            .start("func.call")
            .operands(&apart)
            .results(results)
            .attribute("callee", Attribute::symbol(self.module.session(), name));
        self.keep_apart(&self.insert(call).results())
    }

    /// Allocates `bytes` on the device of `affinity`, visible to the host and
    /// mappable for as long as it lives.
    pub fn allocate(&self, affinity: Attribute<'m>, bytes: Value<'m>) -> Value<'m> {
        let i32_type = Type::integer(self.session(), 32);
        let resolved = self
            .insert(
                self.start("hal.device.resolve")
                    .attribute("affinity", affinity)
                    .results(&[
                        types::allocator(self.session()),
                        Type::integer(self.session(), 64),
                    ]),
            )
            .results();
        let memory = self.value(
            self.start("hal.memory_type")
                .attribute("type", self.i32(HOST_VISIBLE_DEVICE_MEMORY))
                .results(&[i32_type]),
        );
        let usage = self.value(
            self.start("hal.buffer_usage")
                .attribute("usage", self.i32(CROSSING_USAGE))
                .results(&[i32_type]),
        );
        self.value(
            self.start("hal.allocator.allocate")
                .operands(&[resolved[0], resolved[1], memory, usage, bytes])
                .results(&[self.buffer_type()]),
        )
    }

    /// The buffer behind a view.
    pub fn buffer_of(&self, view: Value<'m>) -> Value<'m> {
        self.value(
            self.start("hal.buffer_view.buffer")
                .operands(&[view])
                .results(&[self.buffer_type()]),
        )
    }

    /// A view of a whole buffer as a dense tensor of static type.
    ///
    /// # Panics
    ///
    /// If `tensor` has no static shape; callers check that first.
    pub fn view_of(&self, buffer: Value<'m>, tensor: Type<'m>) -> Value<'m> {
        let i32_type = Type::integer(self.session(), 32);
        let shape = tensor.shape().expect("a ranked tensor");
        let bytes = tensor.byte_count().expect("a static shape");
        let mut operands = vec![buffer, self.index(0), self.index(bytes)];
        operands.push(
            self.value(
                self.start("hal.element_type")
                    .attribute("type", Attribute::of_type(tensor.element()))
                    .results(&[i32_type]),
            ),
        );
        operands.push(self.value(self.start("hal.encoding_type").results(&[i32_type])));
        for size in shape.into_iter().flatten() {
            operands.push(self.index(size.unsigned_abs()));
        }
        self.value(
            self.start("hal.buffer_view.create")
                .operands(&operands)
                .results(&[self.view_type()]),
        )
    }
}

/// `HostVisible|HostCoherent|DeviceVisible` in IREE's encoding.
const HOST_VISIBLE_DEVICE_MEMORY: u32 = 22;

/// Every kind of transfer and dispatch, and every kind of mapping.
/// `MappingPersistent` is among them since local-sync asks for it.
const CROSSING_USAGE: u32 = 184_552_451;
