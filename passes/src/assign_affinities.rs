//! `assign-affinities`: declares the devices and puts functions, interfaces
//! and weights on them.
//!
//! Left behind: one `util.global private @cpu = #hal.device.alias<"local"[0]>`
//! per device in use, control's first; `stream.affinity` on every outlined
//! function and on every global that one reads; `iree.abi.affinity` on the
//! tensors of public interfaces, without which IREE may drop control's device.
//! A weight that two devices read becomes one global per device: IREE fails
//! on a parameter that is used from two (`util.initializer` does not legalise).
//! So does an initializer that makes weights of weights (`assign_affinities/globals.rs`).

mod globals;

use std::collections::BTreeMap;

use cost::Partition;
use dialects::affinity::on_device;
use dialects::build::OpBuilder;
use dialects::hal::{Inserter, types};
use dialects::ir::{Attribute, Op, Type};
use dialects::vocabulary::{ABI_AFFINITY, GLOBAL, STREAM_AFFINITY};
use dialects::{Diagnostic, Module};

use crate::context::Remarks;
use crate::dead::erase_dead_globals;
use crate::hoisting;
use crate::outline_subgraphs::is_outlined;
use crate::placement::{Device, Placement};
use crate::roles::role_attribute;
use crate::structure::{functions, global, outer_ops};

/// Runs the pass.
///
/// # Errors
///
/// No placement yet (`select-mapping` did not run); a global that two devices read,
/// made by an initializer that does more than compute.
pub fn run(
    module: &mut Module<'_>,
    placement: &Placement,
    remarks: &mut Remarks,
) -> Result<Option<u64>, Vec<Diagnostic>> {
    let module: &Module<'_> = module;
    erase_dead_globals(module);
    globals::place(module, placement, remarks)?;
    for function in functions(module) {
        let role = if is_outlined(function) {
            role_attribute(function).unwrap_or(Partition::CONTROL)
        } else {
            Partition::CONTROL
        };
        let device = on_device(module, placement.symbol_of(role));
        // What allocates for a crossing names its device itself.
        if is_outlined(function) || function.is_public() {
            function.set_attribute(STREAM_AFFINITY, device);
        }
        if function.is_public() {
            place_interface(module, function, device);
        }
    }
    // The ABI's wrapper of asynchronous functions asks for the first device of
    // the module, which is the first by name and not control's.
    for op in outer_ops(module) {
        if op.is("hal.devices.get")
            && let Some(result) = op.result(0)
        {
            let inserter = Inserter::before(module, op);
            let device =
                inserter.device(on_device(module, placement.symbol_of(Partition::CONTROL)));
            result.replace_all_uses_with(device);
            op.erase();
        }
    }
    let threshold = hoisting::threshold(module);
    for device in placement.devices.iter().rev() {
        module.body().prepend(declare(module, device));
    }
    Ok(threshold)
}

fn declare<'m>(module: &'m Module<'_>, device: &Device) -> Op<'m> {
    let session = module.session();
    let alias = module
        .parse_attribute(&format!("{} : !hal.device", device.declaration()))
        .expect("a device alias is an attribute of IREE's HAL dialect");
    let r#type = types::device(session);
    OpBuilder::new(GLOBAL, module.op().location())
        .attribute("sym_name", Attribute::string(session, &device.symbol))
        .attribute("sym_visibility", Attribute::string(session, "private"))
        .attribute("type", Attribute::of_type(r#type))
        .attribute("initial_value", alias)
        .build()
}

/// Declares devices, by symbol, with the text of a `#hal.device.target` in
/// place of the alias: such a module says itself what it is compiled for.
///
/// # Errors
///
/// A device that the module lacks, a text that is no attribute.
pub fn embed_targets(
    module: &Module<'_>,
    targets: &BTreeMap<String, String>,
) -> Result<(), Vec<Diagnostic>> {
    for (symbol, target) in targets {
        let (Some(device), Some(value)) = (global(module, symbol), module.parse_attribute(target))
        else {
            let mut said = module.session().take_diagnostics();
            said.push(
                Diagnostic::error(format!("@{symbol} cannot be declared with its target"))
                    .offending(target.clone()),
            );
            return Err(said);
        };
        device.set_initial_value(value);
    }
    Ok(())
}

/// Puts the tensors of a public function's interface on control's device.
pub(crate) fn place_interface<'m>(module: &'m Module<'_>, function: Op<'m>, device: Attribute<'m>) {
    let Some((inputs, results)) = function
        .attribute("function_type")
        .and_then(|each| each.as_type())
        .and_then(Type::as_function)
    else {
        return;
    };
    for (list, types) in [("arg_attrs", inputs), ("res_attrs", results)] {
        if !types.iter().any(|each| each.is_tensor()) {
            continue;
        }
        let session = module.session();
        let before = function
            .attribute(list)
            .map(Attribute::elements)
            .unwrap_or_default();
        let after: Vec<Attribute> = types
            .iter()
            .enumerate()
            .map(|(index, r#type)| {
                let dictionary = before
                    .get(index)
                    .copied()
                    .unwrap_or_else(|| Attribute::empty_dictionary(session));
                if r#type.is_tensor() {
                    dictionary.with(session, ABI_AFFINITY, device)
                } else {
                    dictionary
                }
            })
            .collect();
        function.set_attribute(list, Attribute::array(session, &after));
    }
}
