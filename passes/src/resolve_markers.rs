//! `resolve-markers`: brings every form of placement operator into one.
//!
//! | found | left behind |
//! |---|---|
//! | `torch.operator "torch.specplace.place"(%x, %role)` | a transfer of %x to the role |
//! | `torch.operator "torch.iree.transfer_to_logical_device"(%name, %x)` | a transfer of %x to the role or device |
//! | `flow.tensor.transfer … to #hal.device.promise<@__device_drafter>` | the same, to `@drafter` |
//! | `specplace.role` on a function, `--drafter/--target @function`, or a name like `@drafter_forward` on one that returns floats | transfers of its arguments to the role, and of its float results to control |
//! | `specplace.role` on a Torch operation | transfers of its operands to the role |
//! | `stream.affinity` on globals, `iree.abi.affinity` on arguments and results | `specplace.role` on the global; on an interface, nothing |
//! | `torch.operator "torch.specplace.draft_length"(%max)` | a load of the global `@specplace.draft_length`, which holds %max |
//!
//! A transfer, `flow.tensor.transfer %x : T to #hal.device.promise<@role>`,
//! survives Torch lowering, which refuses operators that it does not know
//! (IREE's `torch-to-iree`). The draft length becomes a global since a global
//! keeps its place through lowering while its value is still open; the value
//! it starts with makes the module right even if nobody folds it.
//!
//! A device name that is no role is left as it is; `identify-roles` then asks
//! for `--role` or `--keep-placement` where it matters.

mod given;
pub(crate) mod torch;

use std::collections::BTreeSet;
use std::fmt::Display;

use cost::{Partition, Role};
use dialects::affinity::{self, device_of, is_identifier, promised};
use dialects::build::OpBuilder;
use dialects::hal::Inserter;
use dialects::ir::{Attribute, Op, Type, Value};
use dialects::ops::Transfer;
use dialects::vocabulary::{
    ABI_AFFINITY, DRAFT_LENGTH, GLOBAL, GLOBAL_LOAD, ROLE, STREAM_AFFINITY, TRANSFER,
    TRANSFER_TARGET,
};
use dialects::{Diagnostic, Module};

use crate::context::Remarks;
use crate::names::{model_role_in, role_of_device};
use crate::outline_subgraphs::is_outlined;
use crate::settings::{Selector, Settings};
use crate::structure::{functions, is_function, outer_ops};
use torch::{builtin_tensor, constant_integer, constant_string};

/// Runs the pass; gives the roles that are marked.
///
/// # Errors
///
/// A name given on the command line that selects nothing; a marker whose role
/// is no constant string, or no role; a draft length that is no constant or not
/// positive; two draft lengths with different bounds; a module that specplace
/// has placed already.
pub fn run(
    module: &mut Module<'_>,
    settings: &Settings,
    remarks: &mut Remarks,
) -> Result<BTreeSet<Role>, Vec<Diagnostic>> {
    refuse_placed(module)?;
    given::check_selectors(module, settings)?;
    let mut resolver = Resolver {
        module,
        settings,
        errors: Vec::new(),
        unresolved: BTreeSet::new(),
        met: BTreeSet::new(),
        marked: BTreeSet::new(),
        draft_length: None,
    };
    resolver.globals();
    resolver.operators();
    resolver.functions();
    let Resolver {
        errors,
        unresolved,
        met,
        marked,
        ..
    } = resolver;
    if !errors.is_empty() {
        return Err(errors);
    }
    let unmet = given::unmet_names(&settings.role_names, &met);
    remarks.extend(unmet);
    for name in unresolved {
        if settings.keep_placement {
            remarks.push(Diagnostic::remark(format!(
                "device @{name} of the input is kept as placed (--keep-placement)"
            )));
        } else {
            remarks.push(
                Diagnostic::warning(format!(
                    "placement on @{name} is overridden: the name is no role"
                ))
                .help(format!(
                    "say what it is with --role {name}=drafter|target|control, \
                     or honour it with --keep-placement"
                )),
            );
        }
    }
    Ok(marked)
}

/// Placing what specplace has placed would outline its functions once more.
fn refuse_placed(module: &Module<'_>) -> Result<(), Vec<Diagnostic>> {
    let outlined = functions(module)
        .into_iter()
        .find(|function| is_outlined(*function) && function.attribute(STREAM_AFFINITY).is_some());
    match outlined {
        None => Ok(()),
        Some(function) => Err(vec![
            Diagnostic::error("the module has been placed already")
                .at(function.location().place())
                .offending(function.summary())
                .help("place the module that it was made from"),
        ]),
    }
}

struct Resolver<'a, 's> {
    module: &'a Module<'s>,
    settings: &'a Settings,
    errors: Vec<Diagnostic>,
    unresolved: BTreeSet<String>,
    /// The names by which the module places anything.
    met: BTreeSet<String>,
    /// The roles that are marked.
    marked: BTreeSet<Role>,
    draft_length: Option<i64>,
}

impl<'a> Resolver<'a, '_> {
    /// The role that a name in the module stands for, if it is no mere device's.
    fn role_of(&mut self, name: &str) -> Option<Partition> {
        self.met.insert(name.to_owned());
        let role = role_of_device(name, &self.settings.role_names)?;
        self.marked.insert(role.role);
        Some(role)
    }

    /// Turns affinities of globals and interfaces into roles.
    fn globals(&mut self) {
        for op in self.module.body().ops() {
            if op.is(GLOBAL) {
                if let Some(name) = affinity::of_symbol(op) {
                    match self.role_of(&name) {
                        Some(role) => {
                            let role = role.to_string();
                            op.set_attribute(ROLE, Attribute::string(self.module.session(), &role));
                            op.remove_attribute(STREAM_AFFINITY);
                        }
                        None => self.leave_unresolved(op, &name),
                    }
                }
                continue;
            }
            for list in ["arg_attrs", "res_attrs"] {
                self.interface(op, list);
            }
        }
    }

    /// Interfaces belong to control, which is where the plan puts them; their
    /// affinities would only contradict it.
    fn interface(&mut self, op: Op<'a>, list: &str) {
        let Some(dictionaries) = op.attribute(list) else {
            return;
        };
        let mut kept = Vec::new();
        let mut changed = false;
        for dictionary in dictionaries.elements() {
            if let Some(name) = dictionary.entry(ABI_AFFINITY).and_then(device_of) {
                changed = true;
                if self.role_of(&name).is_none() {
                    self.unresolved.insert(name);
                }
                kept.push(dictionary.without(self.module.session(), ABI_AFFINITY));
            } else {
                kept.push(dictionary);
            }
        }
        if changed {
            op.set_attribute(list, Attribute::array(self.module.session(), &kept));
        }
    }

    fn leave_unresolved(&mut self, op: Op<'a>, name: &str) {
        self.unresolved.insert(name.to_owned());
        if !self.settings.keep_placement {
            op.remove_attribute(STREAM_AFFINITY);
        }
    }

    fn operators(&mut self) {
        for op in outer_ops(self.module) {
            // An operator takes with it what its regions hold.
            if !(op.is(TRANSFER) || op.is("torch.operator")) || !op.is_in_module() {
                continue;
            }
            if let Some(transfer) = Transfer::of(op) {
                self.transfer(transfer);
            } else if op.is("torch.operator") {
                match op.string_attribute("name").as_deref() {
                    Some("torch.specplace.place") => self.operator(op, 0, 1),
                    Some("torch.iree.transfer_to_logical_device") => self.operator(op, 1, 0),
                    Some("torch.specplace.draft_length") => self.draft_length(op),
                    _ => {}
                }
            }
        }
    }

    fn transfer(&mut self, transfer: Transfer<'a>) {
        let Some(name) = transfer.device() else {
            return;
        };
        match self.role_of(&name) {
            Some(role) => transfer.set_target(promised(self.module, role)),
            None => {
                self.unresolved.insert(name);
            }
        }
    }

    /// A Torch operator that is the identity on operand `value` and names a
    /// role or device, a `!torch.str` constant, in operand `name`.
    fn operator(&mut self, op: Op<'a>, value: usize, name: usize) {
        let (Some(value), Some(name), Some(result)) =
            (op.operand(value), op.operand(name), op.result(0))
        else {
            self.errors.push(
                Diagnostic::error("a placement operator takes a value and a name")
                    .at(op.location().place())
                    .offending(op.summary()),
            );
            return;
        };
        let Some(text) = constant_string(name) else {
            self.errors.push(
                Diagnostic::error("the name in a placement operator is not a constant string")
                    .at(op.location().place())
                    .offending(op.summary())
                    .help("pass the role as a Python string literal, such as \"drafter\""),
            );
            return;
        };
        let is_ours = op.string_attribute("name").as_deref() == Some("torch.specplace.place");
        let symbol = match self.role_of(&text) {
            Some(role) => role.to_string(),
            None if is_ours => {
                self.errors.push(
                    Diagnostic::error(format!("'{text}' is not a role"))
                        .at(op.location().place())
                        .offending(op.summary())
                        .help(format!(
                            "use drafter, target or control (host), or give the name a role \
                             with --role {text}=drafter; a stage of a model is target.1"
                        )),
                );
                return;
            }
            None if !is_identifier(&text) => {
                self.errors.push(
                    Diagnostic::error(format!("'{text}' is no name for a device"))
                        .at(op.location().place())
                        .offending(op.summary())
                        .help(format!(
                            "use letters, digits and underscores, or say which role it is with \
                             --role '{text}=drafter|target|control'"
                        )),
                );
                return;
            }
            None => {
                let symbol = format!("__device_{text}");
                self.unresolved.insert(symbol.clone());
                symbol
            }
        };
        let Some(marked) = self.mark(value, &symbol, op) else {
            self.errors.push(
                Diagnostic::error("a placement operator needs a tensor of known rank and dtype")
                    .at(op.location().place())
                    .offending(op.summary()),
            );
            return;
        };
        result.replace_all_uses_with(marked);
        op.erase();
    }

    /// A transfer of `value` to `symbol`, before `anchor`, of the same type as
    /// `value`. `None` where that is no tensor of known rank and dtype.
    fn mark(&self, value: Value<'a>, symbol: impl Display, anchor: Op<'a>) -> Option<Value<'a>> {
        let tensor = builtin_tensor(self.module, value.r#type())?;
        let inserter = Inserter::before(self.module, anchor);
        let is_torch = value.r#type() != tensor;
        let builtin = if is_torch {
            inserter.value(
                inserter
                    .start("torch_c.to_builtin_tensor")
                    .operands(&[value])
                    .results(&[tensor]),
            )
        } else {
            value
        };
        // A transfer takes the sizes of its dynamic dimensions as well.
        let index = Type::index(self.module.session());
        let mut operands = vec![builtin];
        for (at, size) in tensor.shape()?.into_iter().enumerate() {
            if size.is_none() {
                let at = inserter.index(u64::try_from(at).ok()?);
                operands.push(
                    inserter.value(
                        inserter
                            .start("tensor.dim")
                            .operands(&[builtin, at])
                            .results(&[index]),
                    ),
                );
            }
        }
        let transferred = inserter.value(
            inserter
                .start(TRANSFER)
                .operands(&operands)
                .results(&[tensor])
                .attribute(TRANSFER_TARGET, promised(self.module, symbol)),
        );
        Some(if is_torch {
            inserter.value(
                inserter
                    .start("torch_c.from_builtin_tensor")
                    .operands(&[transferred])
                    .results(&[value.r#type()]),
            )
        } else {
            transferred
        })
    }

    /// Roles given to whole functions and to single Torch operations. Both
    /// must become markers: lowering inlines the one and rewrites the other.
    fn functions(&mut self) {
        for op in outer_ops(self.module) {
            let given = match op
                .string_attribute(ROLE)
                .map(|text| (text.parse::<Partition>(), text))
            {
                Some((Ok(role), _)) => Some(role),
                Some((Err(_), text)) => {
                    self.errors.push(
                        Diagnostic::error(format!("'{text}' is not a role"))
                            .at(op.location().place())
                            .offending(op.summary())
                            .help("use drafter, target or control, or a stage: target.1"),
                    );
                    continue;
                }
                None => None,
            };
            if is_function(op) {
                if let Some(role) = given.or_else(|| self.role_of_function(op)) {
                    self.mark_function(op, role);
                }
            } else if let Some(role) = given
                && op.name().starts_with("torch.")
            {
                for (index, operand) in op.operands().into_iter().enumerate() {
                    if let Some(marked) = self.mark(operand, role, op) {
                        op.set_operand(index, marked);
                    }
                }
                op.remove_attribute(ROLE);
            }
        }
    }

    fn role_of_function(&self, function: Op<'a>) -> Option<Partition> {
        let name = function.symbol_name()?;
        let selected = |selector: &Option<Selector>| matches!(selector, Some(Selector::Symbol(symbol)) if *symbol == name);
        if selected(&self.settings.drafter) {
            return Some(Partition::DRAFTER);
        }
        if selected(&self.settings.target) {
            return Some(Partition::TARGET);
        }
        // `@append_draft` speaks of drafts too; only what returns logits is a
        // model.
        let returns = function.blocks().first()?.terminator()?.operands();
        let makes_floats = returns.into_iter().any(|value| self.is_float(value));
        makes_floats.then(|| model_role_in(&name).map(Partition::whole))?
    }

    fn is_float(&self, value: Value<'a>) -> bool {
        builtin_tensor(self.module, value.r#type())
            .is_some_and(|tensor| tensor.element().is_float())
    }

    fn mark_function(&mut self, function: Op<'a>, role: Partition) {
        self.marked.insert(role.role);
        let Some((body, terminator)) = function
            .blocks()
            .first()
            .and_then(|body| Some((*body, body.terminator()?)))
        else {
            return;
        };
        for (index, value) in terminator.operands().into_iter().enumerate() {
            if self.is_float(value)
                && let Some(marked) = self.mark(value, Partition::CONTROL, terminator)
            {
                terminator.set_operand(index, marked);
            }
        }
        let first = body.ops()[0];
        for argument in body.arguments() {
            let uses = argument.uses();
            if let Some(marked) = self.mark(argument, role, first) {
                for each in uses {
                    each.op.set_operand(each.index, marked);
                }
            }
        }
        function.remove_attribute(ROLE);
    }

    fn draft_length(&mut self, op: Op<'a>) {
        let location = op.location();
        let max = op.operand(0).and_then(constant_integer);
        let Some(max) = max.filter(|max| *max > 0) else {
            self.errors.push(
                Diagnostic::error("the bound of draft_length is not a positive constant")
                    .at(location.place())
                    .offending(op.summary())
                    .help("pass it as a Python integer literal of at least 1"),
            );
            return;
        };
        let number = Type::integer(self.module.session(), 64);
        let (Some(result), Some(tensor)) = (op.result(0), Type::tensor(&[], number)) else {
            return;
        };
        match self.draft_length {
            Some(before) if before != max => {
                self.errors.push(
                    Diagnostic::error(format!(
                        "two draft lengths with different bounds, {before} and {max}"
                    ))
                    .at(location.place())
                    .offending(op.summary())
                    .help("one module has one draft length: give both the same bound"),
                );
                return;
            }
            Some(_) => {}
            None => {
                self.draft_length = Some(max);
                self.module
                    .body()
                    .prepend(draft_length_global(self.module, max, tensor, location));
            }
        }
        let load = OpBuilder::new(GLOBAL_LOAD, location)
            .results(&[tensor])
            .attribute(
                "global",
                Attribute::symbol(self.module.session(), DRAFT_LENGTH),
            )
            .build();
        op.insert_before(load);
        let from = OpBuilder::new("torch_c.from_builtin_tensor", location)
            .operands(&load.results())
            .results(&[result.r#type()])
            .build();
        op.insert_before(from);
        result.replace_all_uses_with(from.results()[0]);
        op.erase();
    }
}

fn draft_length_global<'m>(
    module: &'m Module<'_>,
    max: i64,
    tensor: Type<'m>,
    location: dialects::Location<'m>,
) -> Op<'m> {
    let session = module.session();
    OpBuilder::new(GLOBAL, location)
        .attribute("sym_name", Attribute::string(session, DRAFT_LENGTH))
        .attribute("sym_visibility", Attribute::string(session, "private"))
        .attribute("type", Attribute::of_type(tensor))
        .attribute(
            "initial_value",
            Attribute::constant(tensor, max).expect("a tensor of integers"),
        )
        // Mutable, so that nothing folds the load before the plan is made.
        .attribute("is_mutable", Attribute::unit(session))
        .build()
}
