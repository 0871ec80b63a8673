//! Weights that are booleans, such as the masks that GPT-2 keeps beside its weights.
//!
//! An archive holds them as bytes. Four of them are read as one word of i32, and taken
//! apart: the bytes of the archive stay as they are. Where there is no multiple of four
//! of them, or where an initializer makes something else of them, planning rules the
//! unit out ([`BooleanWeights::are_uneven`]).

use dialects::Module;
use dialects::build::OpBuilder;
use dialects::hal::Inserter;
use dialects::ir::{Attribute, Op, Type, Value};
use dialects::linalg;
use dialects::ops::arith::PREDICATE;
use dialects::ops::{Global, GlobalLoad, Predicate};
use dialects::vocabulary::GLOBAL_LOAD;
use rustc_hash::FxHashMap;

use super::is_boolean;
use crate::gather_slices::Body;
use crate::initializers::Initializer;
use crate::structure::globals;
use crate::symbols::Symbols;

/// The booleans in a word of 32 bits, each being a byte.
const IN_A_WORD: u64 = 4;

/// How many booleans each parameter holds that holds booleans, by the global's name.
pub struct BooleanWeights(FxHashMap<String, Option<u64>>);

impl BooleanWeights {
    /// Those of the module.
    pub fn of(module: &Module<'_>) -> Self {
        let found = globals(module).into_iter().filter_map(|(name, global)| {
            let r#type = global.r#type()?;
            let held = is_boolean(r#type) && global.parameter().is_some();
            held.then(|| (name.to_owned(), r#type.element_count()))
        });
        Self(found.collect())
    }

    /// Whether some of `weights`, by name, cannot be read as words, or are made of
    /// booleans by an initializer.
    pub fn are_uneven<T>(
        &self,
        weights: &FxHashMap<String, T>,
        initializers: &[Initializer<'_>],
    ) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let is_uneven = |name: &String| {
            let held = self.0.get(name);
            held.is_some_and(|count| !count.is_some_and(|count| count.is_multiple_of(IN_A_WORD)))
        };
        weights.keys().any(is_uneven)
            || initializers.iter().any(|initializer| {
                let makes = |name: &String| weights.contains_key(name);
                initializer.stores.iter().any(makes)
                    && initializer
                        .loads
                        .iter()
                        .any(|name| self.0.contains_key(name))
            })
    }
}

/// Reads weights as words.
pub struct WeightReader<'m> {
    module: &'m Module<'m>,
    globals: FxHashMap<&'m str, Global<'m>>,
    booleans: BooleanWeights,
    symbols: Symbols,
    /// The globals of words, by the name of that of booleans.
    words: FxHashMap<String, String>,
}

impl<'m> WeightReader<'m> {
    /// For the weights of a module.
    pub fn new(module: &'m Module<'_>) -> Self {
        Self {
            module,
            globals: globals(module),
            booleans: BooleanWeights::of(module),
            symbols: Symbols::of(module),
            words: FxHashMap::default(),
        }
    }

    /// Lets `function` read words in place of booleans.
    pub fn read(&mut self, function: Op<'m>) -> Option<()> {
        if self.booleans.0.is_empty() {
            return Some(());
        }
        for op in function.nested() {
            let Some(load) = GlobalLoad::of(op) else {
                continue;
            };
            let name = load.global()?;
            let count = self.booleans.0.get(name).copied().flatten();
            if let Some(count) = count.filter(|count| count.is_multiple_of(IN_A_WORD)) {
                self.take_apart(op, name, count)?;
            }
        }
        Some(())
    }

    fn take_apart(&mut self, load: Op<'m>, name: &str, count: u64) -> Option<()> {
        let words = i64::try_from(count / IN_A_WORD).ok()?;
        let word = Type::integer(self.module.session(), 32);
        let held = Type::tensor(&[Some(words)], word)?;
        let words = match self.words.get(name) {
            Some(words) => words.clone(),
            None => self.declare(name, held)?,
        };
        let inserter = Inserter::before(self.module, load);
        let builder = inserter
            .start(GLOBAL_LOAD)
            .attribute("global", Attribute::symbol(self.module.session(), &words));
        let words = inserter.value(builder.results(&[held]));
        let bits = load.result(0)?;
        let (made, block) = linalg::elementwise(&inserter, &[], bits.r#type())?;
        let body = Body::new(self.module, block, load.location());
        let bit = self.bit(&body, words, &bits.r#type().sizes()?)?;
        block.append(
            OpBuilder::new("linalg.yield", load.location())
                .operands(&[bit])
                .build(),
        );
        bits.replace_all_uses_with(made.result(0)?);
        load.erase();
        Some(())
    }

    /// Whether the byte of the element at this place is not zero.
    fn bit(&self, body: &Body<'m>, words: Value<'m>, sizes: &[u64]) -> Option<Value<'m>> {
        let session = self.module.session();
        let (word, bit) = (Type::integer(session, 32), Type::integer(session, 1));
        let inserter = body.inserter();
        let number = |value: i64| {
            let value = Attribute::integer(word, value)?;
            let builder = inserter.start("arith.constant").attribute("value", value);
            Some(inserter.value(builder.results(&[word])))
        };
        let mut at = inserter.index(0);
        for (loop_number, size) in sizes.iter().enumerate() {
            let row = body.multiply(at, inserter.index(*size));
            at = body.add(row, body.place(loop_number)?);
        }
        let four = inserter.index(IN_A_WORD);
        let index = at.r#type();
        let which = body.make("arith.divui", &[at, four], index);
        let byte = body.make("arith.remui", &[at, four], index);
        let byte = body.make("arith.index_cast", &[byte], word);
        let shift = body.make("arith.muli", &[byte, number(8)?], word);
        let read = body.element(words, &[which]);
        let shifted = body.make("arith.shrui", &[read, shift], word);
        let alone = body.make("arith.andi", &[shifted, number(255)?], word);
        let not_equal = Predicate::NotEqual.attribute(session);
        let builder = inserter
            .start("arith.cmpi")
            .attribute(PREDICATE, not_equal)
            .operands(&[alone, number(0)?]);
        Some(inserter.value(builder.results(&[bit])))
    }

    /// Declares a global of words that is backed by the parameter of a global of booleans.
    fn declare(&mut self, name: &str, held: Type<'m>) -> Option<String> {
        let session = self.module.session();
        let global = *self.globals.get(name)?;
        let value = global
            .parameter()?
            .read_as(session, global.initial_value()?, held)?;
        let words = self.symbols.free(&format!("{name}$words"), "_");
        let copy = global.op().duplicate();
        copy.set_attribute("sym_name", Attribute::string(session, &words));
        copy.set_attribute("type", Attribute::of_type(held));
        copy.set_attribute("initial_value", value);
        global.op().insert_after(copy);
        self.words.insert(name.to_owned(), words.clone());
        Some(words)
    }
}
