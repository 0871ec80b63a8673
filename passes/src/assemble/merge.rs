//! Brings what two forward passes refer to into one module, without clashes
//! of names.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cost::Role;
use dialects::ir::{Attribute, Op, Walk};
use dialects::ops::{Global, GlobalStore, Parameter};
use dialects::vocabulary::{GLOBAL, ROLE};
use dialects::{Diagnostic, Module};

/// Moves functions, and what they refer to, into one module.
pub struct Merger<'m> {
    module: &'m Module<'m>,
    /// Top-level symbols of the module, with the file that they came from.
    taken: BTreeMap<String, Option<String>>,
    parameters: BTreeSet<Parameter>,
    /// What was renamed.
    pub remarks: Vec<Diagnostic>,
}

impl<'m> Merger<'m> {
    /// Moves into `module`.
    pub fn new(module: &'m Module<'_>) -> Self {
        let module: &'m Module<'m> = module;
        Self {
            module,
            taken: module
                .body()
                .ops()
                .into_iter()
                .filter_map(Op::symbol_name)
                .map(|name| (name, None))
                .collect(),
            parameters: BTreeSet::new(),
            remarks: Vec::new(),
        }
    }

    /// Moves `function` of `file` and what it refers to; the declaration
    /// `name` in the module gives way to it.
    pub fn take(
        &mut self,
        from: &'m Module<'_>,
        function: Op<'m>,
        role: Role,
        file: &str,
        name: &str,
    ) {
        let needed = closure(from, function);
        // Two functions of one file share what they refer to.
        let (shared, new): (Vec<Op>, Vec<Op>) = needed.into_iter().partition(|op| {
            op.symbol_name().is_some_and(|symbol| {
                self.taken
                    .get(&symbol)
                    .is_some_and(|origin| origin.as_deref() == Some(file))
            })
        });
        let renamed = self.rename_symbols(&new, role, file);
        self.rename_parameters(&new, role);
        for op in new.iter().chain([&function]) {
            retarget(self.module, *op, &renamed);
        }
        for op in &new {
            op.detach();
            if op.is(GLOBAL) {
                op.set_attribute(
                    ROLE,
                    Attribute::string(self.module.session(), role.as_str()),
                );
                self.module.body().prepend(*op);
            } else {
                self.module.body().append(*op);
            }
        }
        // A weight of both is nobody's.
        for op in &shared {
            let Some(symbol) = op.symbol_name() else {
                continue;
            };
            if let Some(global) = crate::structure::global(self.module, &symbol) {
                global.op().remove_attribute(ROLE);
            }
        }
        let declaration = self
            .module
            .body()
            .ops()
            .into_iter()
            .find(|op| op.symbol_name().as_deref() == Some(name));
        if let Some(declaration) = declaration {
            declaration.erase();
        }
        function.detach();
        let session = self.module.session();
        function.set_attribute("sym_name", Attribute::string(session, name));
        function.set_attribute("sym_visibility", Attribute::string(session, "private"));
        self.module.body().append(function);
    }

    fn rename_symbols(
        &mut self,
        ops: &[Op<'m>],
        role: Role,
        file: &str,
    ) -> BTreeMap<String, String> {
        let mut renamed = BTreeMap::new();
        for op in ops {
            let Some(symbol) = op.symbol_name() else {
                continue;
            };
            let mut name = symbol.clone();
            let mut number = 0;
            while self.taken.contains_key(&name) {
                name = match number {
                    0 => format!("{role}.{symbol}"),
                    _ => format!("{role}.{number}.{symbol}"),
                };
                number += 1;
            }
            self.taken.insert(name.clone(), Some(file.to_owned()));
            if name != symbol {
                op.set_attribute("sym_name", Attribute::string(self.module.session(), &name));
                renamed.insert(symbol, name);
            }
        }
        if let Some((from, to)) = renamed.first_key_value() {
            let place = ops
                .iter()
                .find(|op| op.symbol_name().as_ref() == Some(to))
                .and_then(|op| op.location().place());
            let more = match renamed.len() {
                1 => String::new(),
                count => format!(", and {} more alike", count - 1),
            };
            self.remarks.push(
                Diagnostic::remark(format!(
                    "both modules have @{from}: the {role}'s is now @{to}{more}"
                ))
                .at(place),
            );
        }
        renamed
    }

    /// Gives the parameters of a scope another scope where one of them is also
    /// a parameter of what is there already: two files hold them.
    fn rename_parameters(&mut self, ops: &[Op<'m>], role: Role) {
        let globals: Vec<(Global, Parameter)> = ops
            .iter()
            .filter_map(|op| Global::of(*op))
            .filter_map(|global| Some((global, global.parameter()?)))
            .collect();
        let own: BTreeSet<&Parameter> = globals.iter().map(|(_, parameter)| parameter).collect();
        // By scope, one parameter to show for each.
        let clashing: BTreeMap<&str, &Parameter> = own
            .iter()
            .filter(|parameter| self.parameters.contains(**parameter))
            .map(|parameter| (parameter.scope.as_str(), *parameter))
            .collect();
        let all = self.parameters.iter().chain(own.iter().copied());
        let mut scopes: HashSet<String> = all.map(|each| each.scope.clone()).collect();
        for (before, parameter) in clashing {
            let mut name = role.as_str().to_owned();
            let mut number = 2;
            while !scopes.insert(name.clone()) {
                name = format!("{role}{number}");
                number += 1;
            }
            let session = self.module.session();
            for (global, parameter) in globals.iter().filter(|(_, each)| each.scope == before) {
                let renamed = Parameter {
                    scope: name.clone(),
                    key: parameter.key.clone(),
                };
                let value = global.initial_value();
                if let Some(value) = value.and_then(|value| renamed.put_into(session, value)) {
                    global.set_initial_value(value);
                }
            }
            let flag = |scope: &str, file: &str| {
                if scope.is_empty() {
                    format!("--parameters={file}")
                } else {
                    format!("--parameters={scope}={file}")
                }
            };
            self.remarks.push(
                Diagnostic::warning(format!(
                    "both modules have a parameter {parameter}: the scope of the {role}'s \
                     parameters is now \"{name}\""
                ))
                .help(format!(
                    "run with {} {}",
                    flag(before, "TARGET.irpa"),
                    flag(&name, "DRAFTER.irpa")
                )),
            );
        }
        // As they are called now.
        let globals = globals
            .into_iter()
            .filter_map(|(global, _)| global.parameter());
        self.parameters.extend(globals);
    }
}

/// The top-level operations that `function` refers to, by name or through
/// initializers, in module order, without itself.
fn closure<'m>(module: &'m Module<'_>, function: Op<'m>) -> Vec<Op<'m>> {
    let all = module.body().ops();
    let mut names: BTreeSet<String> = symbols_in(function);
    let mut chosen: HashSet<Op> = HashSet::new();
    loop {
        let before = chosen.len();
        for op in &all {
            let named = op.symbol_name().is_some_and(|name| names.contains(&name));
            let initializes = op.is("util.initializer")
                && op.nested().into_iter().any(|nested| {
                    let store = GlobalStore::of(nested).and_then(GlobalStore::global);
                    store.is_some_and(|name| names.contains(name))
                });
            if *op != function && (named || initializes) && chosen.insert(*op) {
                names.extend(symbols_in(*op));
            }
        }
        if chosen.len() == before {
            break;
        }
    }
    all.into_iter().filter(|op| chosen.contains(op)).collect()
}

fn symbols_in(op: Op<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    op.walk(&mut |nested| {
        names.extend(
            nested
                .attributes()
                .into_iter()
                .filter_map(|(_, each)| each.as_symbol()),
        );
        Walk::Into
    });
    names
}

fn retarget(module: &Module<'_>, op: Op<'_>, renamed: &BTreeMap<String, String>) {
    if renamed.is_empty() {
        return;
    }
    op.walk(&mut |nested| {
        for (attribute, value) in nested.attributes() {
            if let Some(name) = value.as_symbol().and_then(|name| renamed.get(&name)) {
                nested.set_attribute(&attribute, Attribute::symbol(module.session(), name));
            }
        }
        Walk::Into
    });
}
