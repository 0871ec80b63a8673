//! Brings what two forward passes refer to into one module, without clashes
//! of names.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use dialects::ir::{Attribute, Op, Walk};
use dialects::vocabulary::{GLOBAL, GLOBAL_STORE, ROLE};
use dialects::{Diagnostic, Module};

use cost::Role;

/// A parameter: its scope, if it has one, and its key.
type Parameter = (Option<String>, String);

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
                global.remove_attribute(ROLE);
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
        let own: BTreeSet<Parameter> = ops.iter().filter_map(|op| parameter(*op)).collect();
        let clashing: BTreeMap<Option<String>, String> = own
            .intersection(&self.parameters)
            .map(|(scope, key)| (scope.clone(), key.clone()))
            .collect();
        let mut scopes: HashSet<Option<String>> = self
            .parameters
            .iter()
            .chain(&own)
            .map(|(scope, _)| scope.clone())
            .collect();
        for (scope, key) in clashing {
            let mut name = role.as_str().to_owned();
            let mut number = 2;
            while scopes.contains(&Some(name.clone())) {
                name = format!("{role}{number}");
                number += 1;
            }
            scopes.insert(Some(name.clone()));
            for op in ops {
                if parameter(*op).is_some_and(|(each, _)| each == scope) {
                    set_scope(self.module, *op, &name);
                }
            }
            let before = scope.clone().unwrap_or_default();
            let flag = |scope: &str, file: &str| {
                if scope.is_empty() {
                    format!("--parameters={file}")
                } else {
                    format!("--parameters={scope}={file}")
                }
            };
            self.remarks.push(
                Diagnostic::warning(format!(
                    "both modules have a parameter \"{before}\"::\"{key}\": the scope of the \
                     {role}'s parameters is now \"{name}\""
                ))
                .help(format!(
                    "run with {} {}",
                    flag(&before, "TARGET.irpa"),
                    flag(&name, "DRAFTER.irpa")
                )),
            );
        }
        self.parameters
            .extend(ops.iter().filter_map(|op| parameter(*op)));
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
                    nested.is(GLOBAL_STORE)
                        && nested
                            .attribute("global")
                            .and_then(Attribute::as_symbol)
                            .is_some_and(|name| names.contains(&name))
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

/// What stands before the names of a parameter in its attribute, of the flow
/// and of the stream dialect alike.
const PARAMETER: &str = "parameter.named<";

/// The parameter that backs a global.
fn parameter(global: Op<'_>) -> Option<Parameter> {
    if !global.is(GLOBAL) {
        return None;
    }
    let value = global.attribute("initial_value")?;
    if value.is_dense() {
        return None;
    }
    let text = value.to_string();
    let start = text.find(PARAMETER)? + PARAMETER.len();
    let end = text[start..].find('>')? + start;
    let mut names = text[start..end]
        .split("::")
        .map(|name| name.trim().trim_matches('"').to_owned());
    match (names.next(), names.next()) {
        (Some(scope), Some(key)) => Some((Some(scope), key)),
        (Some(key), None) => Some((None, key)),
        _ => None,
    }
}

fn set_scope(module: &Module<'_>, global: Op<'_>, scope: &str) {
    let Some(value) = global.attribute("initial_value") else {
        return;
    };
    let text = value.to_string();
    let Some(start) = text.find(PARAMETER).map(|at| at + PARAMETER.len()) else {
        return;
    };
    let rest = text[start..]
        .find('>')
        .and_then(|end| text[start..start + end].find("::"))
        .map_or(start, |at| start + at + "::".len());
    let renamed = format!("{}\"{scope}\"::{}", &text[..start], &text[rest..]);
    if let Some(attribute) = module.parse_attribute(&renamed) {
        global.set_attribute("initial_value", attribute);
    }
}
