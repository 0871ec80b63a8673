//! The buffers of crossings: allocating them, and filling them.

use cost::Partition;
use dialects::affinity::on_device;
use dialects::hal::{Inserter, types};
use dialects::ir::{Type, Value};
use dialects::{Module, OwnedModule};
use rustc_hash::FxHashMap;

use crate::outline_subgraphs::private_function;
use crate::placement::Placement;
use crate::symbols::Symbols;

/// Calls of helper functions, which are built when they are first needed.
pub struct Buffers<'m, 'p> {
    module: &'m Module<'m>,
    placement: &'p Placement,
    symbols: Symbols,
    /// By device.
    allocators: FxHashMap<String, String>,
    /// By whose device copies, and tensor type.
    writers: FxHashMap<(Partition, String), String>,
    /// By whose device reads back, and tensor type.
    readers: FxHashMap<(Partition, String), String>,
    /// By whose device reads one element, and tensor type.
    extractors: FxHashMap<(Partition, String), String>,
    /// By the type of the words that they copy.
    copiers: FxHashMap<&'static str, String>,
}

impl<'m, 'p> Buffers<'m, 'p> {
    /// Starts without any helper function.
    pub fn new(module: &'m Module<'m>, placement: &'p Placement) -> Self {
        Self {
            module,
            placement,
            symbols: Symbols::of(module),
            allocators: FxHashMap::default(),
            writers: FxHashMap::default(),
            readers: FxHashMap::default(),
            extractors: FxHashMap::default(),
            copiers: FxHashMap::default(),
        }
    }

    /// Allocates a buffer for a tensor of this type on a device.
    pub fn allocate(
        &mut self,
        inserter: &Inserter<'m>,
        owner: &str,
        r#type: Type<'m>,
    ) -> Value<'m> {
        let name = match self.allocators.get(owner) {
            Some(name) => name.clone(),
            None => self.build_allocator(owner),
        };
        let bytes = inserter.index(bytes_of(r#type));
        inserter.call(&name, &[bytes], &[inserter.buffer_type()])[0]
    }

    /// Has the device of `role` copy what `view` shows into `buffer`.
    pub fn write(
        &mut self,
        inserter: &Inserter<'m>,
        role: Partition,
        view: Value<'m>,
        buffer: Value<'m>,
        r#type: Type<'m>,
    ) {
        let name = match self.writers.get(&(role, r#type.to_string())) {
            Some(name) => name.clone(),
            None => self.build_writer(role, r#type),
        };
        inserter.call(&name, &[view, buffer], &[]);
    }

    /// Has the device of `role` read back the elements of what `view` shows.
    ///
    /// A function of its own does that: of the calls that stand beside a wait
    /// for scalars, IREE 3.13 (ScheduleExecution, which sorts a block once it
    /// has put work on devices into it) moves those that use them behind those
    /// that do not, and sees no order in the buffers that they share.
    pub fn read(
        &mut self,
        inserter: &Inserter<'m>,
        role: Partition,
        view: Value<'m>,
        r#type: Type<'m>,
    ) -> Vec<Value<'m>> {
        let name = match self.readers.get(&(role, r#type.to_string())) {
            Some(name) => name.clone(),
            None => self.build_reader(role, r#type),
        };
        inserter.call(&name, &[view], &scalars_of(r#type)).to_vec()
    }

    /// Has the device of `role` read back the element of what `view` shows at
    /// `indices`, in a function of its own as [`Buffers::read`] does.
    pub fn extract(
        &mut self,
        inserter: &Inserter<'m>,
        role: Partition,
        view: Value<'m>,
        r#type: Type<'m>,
        indices: &[Value<'m>],
    ) -> Value<'m> {
        let name = match self.extractors.get(&(role, r#type.to_string())) {
            Some(name) => name.clone(),
            None => self.build_extractor(role, r#type, indices.len()),
        };
        let mut operands = vec![view];
        operands.extend(indices);
        inserter.call(&name, &operands, &[r#type.element()])[0]
    }

    /// Has the host copy what `view` shows into `buffer`, word by word. Both
    /// are visible to it; about 0.25 us a word.
    pub fn copy_on_host(
        &mut self,
        inserter: &Inserter<'m>,
        view: Value<'m>,
        buffer: Value<'m>,
        r#type: Type<'m>,
    ) {
        let bytes = bytes_of(r#type);
        let (word, size) = if bytes.is_multiple_of(4) {
            ("i32", 4)
        } else {
            ("i8", 1)
        };
        let name = match self.copiers.get(word) {
            Some(name) => name.clone(),
            None => self.build_copier(word, size),
        };
        let words = inserter.index(bytes / size);
        inserter.call(&name, &[view, buffer, words], &[]);
    }

    fn build_allocator(&mut self, owner: &str) -> String {
        let name = self
            .symbols
            .free(&format!("specplace.allocate_{owner}"), "_");
        let session = self.module.session();
        let (index, buffer) = (Type::index(session), types::buffer(session));
        let body = private_function(self.module, &name, &[index], &[buffer], None);
        let inserter = Inserter::at_end(self.module, body, self.module.op().location());
        let allocated = inserter.allocate(on_device(self.module, owner), body.arguments()[0]);
        inserter.insert(inserter.start("func.return").operands(&[allocated]));
        self.allocators.insert(owner.to_owned(), name.clone());
        name
    }

    fn build_writer(&mut self, role: Partition, tensor: Type<'m>) -> String {
        let name = self.symbols.fresh(role, "_copy");
        let session = self.module.session();
        let (view, buffer) = (types::buffer_view(session), types::buffer(session));
        let body = private_function(self.module, &name, &[view, buffer], &[], Some(role));
        let device = on_device(self.module, self.placement.symbol_of(role));
        let inserter = Inserter::at_end(self.module, body, self.module.op().location());
        let arguments = body.arguments();
        let imported = inserter.import(device, arguments[0], tensor);
        let written = inserter.alias(device, imported, arguments[1]);
        inserter.wait_for(device, &[written], "a crossing could not be written");
        inserter.keep_intact(&[imported]);
        inserter.insert(inserter.start("func.return"));
        self.writers
            .insert((role, tensor.to_string()), name.clone());
        name
    }

    fn build_reader(&mut self, role: Partition, tensor: Type<'m>) -> String {
        let name = self.symbols.fresh(role, "_read");
        let elements = scalars_of(tensor);
        self.build_reading(&name, role, tensor, 0, &elements, |inserter, given| {
            inserter.extract_all(given[0])
        });
        self.readers
            .insert((role, tensor.to_string()), name.clone());
        name
    }

    fn build_extractor(&mut self, role: Partition, tensor: Type<'m>, rank: usize) -> String {
        let name = self.symbols.fresh(role, "_extract");
        let element = [tensor.element()];
        self.build_reading(&name, role, tensor, rank, &element, |inserter, given| {
            let extract = inserter.start("tensor.extract").operands(given);
            vec![inserter.value(extract.results(&element))]
        });
        self.extractors
            .insert((role, tensor.to_string()), name.clone());
        name
    }

    /// A function on the device of `role` that takes a view of a tensor and
    /// `indices`, and returns what `read` makes of these.
    fn build_reading(
        &self,
        name: &str,
        role: Partition,
        tensor: Type<'m>,
        indices: usize,
        results: &[Type<'m>],
        read: impl Fn(&Inserter<'m>, &[Value<'m>]) -> Vec<Value<'m>>,
    ) {
        let session = self.module.session();
        let mut inputs = vec![types::buffer_view(session)];
        inputs.resize(indices + 1, Type::index(session));
        let body = private_function(self.module, name, &inputs, results, Some(role));
        let device = on_device(self.module, self.placement.symbol_of(role));
        let inserter = Inserter::at_end(self.module, body, self.module.op().location());
        let mut given = body.arguments();
        given[0] = inserter.import(device, given[0], tensor);
        let elements = read(&inserter, &given);
        inserter.keep_intact(&given);
        let apart = inserter.keep_apart(&elements);
        inserter.insert(inserter.start("func.return").operands(&apart));
    }

    fn build_copier(&mut self, word: &'static str, size: u64) -> String {
        let name = self.symbols.free(&format!("specplace.copy_{word}"), "_");
        let text = format!(
            "func.func private @{name}(%view: !hal.buffer_view, %target: !hal.buffer, %words: index) attributes {{noinline}} {{
               %zero = arith.constant 0 : index
               %one = arith.constant 1 : index
               %size = arith.constant {size} : index
               %source = hal.buffer_view.buffer<%view : !hal.buffer_view> : !hal.buffer
               scf.for %i = %zero to %words step %one {{
                 %at = arith.muli %i, %size : index
                 %word = hal.buffer.load<%source : !hal.buffer>[%at] : {word}
                 hal.buffer.store<%target : !hal.buffer>[%at] value(%word : {word})
               }}
               return
             }}"
        );
        let parsed = OwnedModule::from_source(self.module.session(), text.as_bytes())
            .expect("operations as IREE writes them");
        if let Some(function) = parsed.body().ops().first() {
            self.module.adopt(*function);
        }
        self.copiers.insert(word, name.clone());
        name
    }
}

/// The bytes of a tensor that crosses: one whose size is not known was refused
/// (`parcel_of`), and is never taken for one of none.
fn bytes_of(r#type: Type<'_>) -> u64 {
    r#type.byte_count().expect("the size of a parcel is known")
}

/// The types of the elements of a tensor of static shape.
pub fn scalars_of<'m>(tensor: Type<'m>) -> Vec<Type<'m>> {
    let count = tensor.element_count().unwrap_or_default();
    vec![tensor.element(); usize::try_from(count).unwrap_or_default()]
}
