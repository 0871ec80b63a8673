//! IREE's util dialect: globals, which hold weights, devices and state.

use super::Parameter;
use crate::ir::{Attribute, Op, Type, Value};
use crate::vocabulary::{GLOBAL, GLOBAL_ADDRESS, GLOBAL_LOAD, GLOBAL_STORE};

/// What names the global that an access is of.
const NAME: &str = "global";

/// What a global begins with.
const INITIAL_VALUE: &str = "initial_value";

view! {
    /// `util.global`: a weight, a device, or state.
    Global: GLOBAL
}

impl<'m> Global<'m> {
    /// Its name, without `@`.
    pub fn name(self) -> &'m str {
        self.0.symbol().unwrap_or_default()
    }

    /// The type of what it holds.
    pub fn r#type(self) -> Option<Type<'m>> {
        self.0.attribute("type")?.as_type()
    }

    /// Whether it declares a device.
    pub fn is_device(self) -> bool {
        self.r#type()
            .is_some_and(|held| !held.is_tensor() && held.to_string() == "!hal.device")
    }

    /// What it holds when the module is loaded, if it says so.
    pub fn initial_value(self) -> Option<Attribute<'m>> {
        self.0.attribute(INITIAL_VALUE)
    }

    /// Has it hold `value` when the module is loaded.
    pub fn set_initial_value(self, value: Attribute<'m>) {
        self.0.set_attribute(INITIAL_VALUE, value);
    }

    /// The parameter of an archive that it holds, if it holds one.
    pub fn parameter(self) -> Option<Parameter> {
        Parameter::of(self.initial_value()?)
    }
}

view! {
    /// `util.global.load`: reads a global.
    GlobalLoad: GLOBAL_LOAD
}

impl<'m> GlobalLoad<'m> {
    /// The name of the global, without `@`.
    pub fn global(self) -> Option<&'m str> {
        self.0.attribute(NAME)?.symbol_name()
    }
}

view! {
    /// `util.global.store`: writes a global.
    GlobalStore: GLOBAL_STORE
}

impl<'m> GlobalStore<'m> {
    /// The name of the global, without `@`.
    pub fn global(self) -> Option<&'m str> {
        self.0.attribute(NAME)?.symbol_name()
    }

    /// What is written.
    pub fn value(self) -> Option<Value<'m>> {
        self.0.operand(0)
    }
}

view! {
    /// `util.global.address`: what a global may be read and written through.
    GlobalAddress: GLOBAL_ADDRESS
}

impl<'m> GlobalAddress<'m> {
    /// The name of the global, without `@`.
    pub fn global(self) -> Option<&'m str> {
        self.0.attribute(NAME)?.symbol_name()
    }
}

/// The name of the global that an operation reads, writes, or takes the address of.
pub fn global_of(op: Op<'_>) -> Option<&str> {
    let accesses = [GLOBAL_LOAD, GLOBAL_STORE, GLOBAL_ADDRESS];
    let accesses = accesses.iter().any(|name| op.is(name));
    accesses.then(|| op.attribute(NAME))??.symbol_name()
}
