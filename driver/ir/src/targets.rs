//! Devices declared with the code they are compiled for, so that iree-compile
//! needs no flags for them.
//!
//! An alias (`#hal.device.alias<"local"[1]>`) leaves the target to flags.
//! What it stands for is asked of IREE itself, in a session that has the
//! device's own flags, so that two devices of one kind may have two targets.

use std::collections::BTreeMap;

use cost::plan::DevicePlan;
use diagnostics::{Diagnostic, Failure};
use dialects::{Module, OwnedModule};
use iree::embed::{Compiler, Phase};
use passes::assign_affinities::embed_targets;
use passes::placement::{Device, Placement};

/// Declares every device of `module` with its target. What could not be told
/// to IREE this way comes back as a warning.
///
/// # Errors
///
/// A [`Failure`] of status 1: this IREE has no compiler for a device.
pub fn embed(
    module: &Module<'_>,
    placement: &Placement,
    devices: &[DevicePlan],
) -> Result<Vec<Diagnostic>, Failure> {
    let mut targets = BTreeMap::new();
    let mut warnings = Vec::new();
    for device in &placement.devices {
        let planned = devices
            .iter()
            .find(|planned| planned.alias == device.alias && planned.ordinal == device.ordinal);
        let flags = planned.map_or(&[][..], |planned| &planned.compile_flags);
        let target = resolve(module, device, flags, &mut warnings)?;
        targets.insert(device.symbol.clone(), target);
    }
    embed_targets(module, &targets).map_err(Failure::impossible)?;
    Ok(warnings)
}

/// The target of one device, as the text of an attribute.
fn resolve(
    module: &Module<'_>,
    device: &Device,
    flags: &[String],
    warnings: &mut Vec<Diagnostic>,
) -> Result<String, Failure> {
    let mut compiler = Compiler::new();
    for flag in flags {
        if let Err(said) = compiler.set_flag(flag) {
            warnings.push(
                Diagnostic::warning(format!(
                    "{flag} cannot be written into OUT: {}",
                    said.replace('\n', " ")
                ))
                .help("give it to iree-compile"),
            );
        }
    }
    // A device that no function names is dropped before it is resolved.
    let question = format!(
        "util.global private @device = {} : !hal.device\n\
         util.func public @ask() -> !hal.device {{\n  \
         %0 = util.global.load @device : !hal.device\n  \
         util.return %0 : !hal.device\n}}\n",
        device.declaration()
    );
    let fail = |diagnostics: Vec<Diagnostic>| no_target(device, flags, &diagnostics);
    let mut invocation = compiler
        .read("<device>", question.as_bytes())
        .map_err(fail)?;
    invocation.compile_to(Phase::Preprocessing).map_err(fail)?;
    let answer = invocation
        .ir()
        .map_err(|said| fail(vec![Diagnostic::error(said)]))?;
    let answer = OwnedModule::from_source(module.session(), answer.as_bytes()).map_err(fail)?;
    let target = answer
        .body()
        .ops()
        .into_iter()
        .find(|op| op.symbol_name().as_deref() == Some("device"))
        .and_then(|op| op.attribute("initial_value"))
        .map(|value| value.to_string());
    target.ok_or_else(|| fail(vec![Diagnostic::error("IREE's answer has no device in it")]))
}

fn no_target(device: &Device, flags: &[String], said: &[Diagnostic]) -> Failure {
    let said: Vec<&str> = said.iter().map(|each| each.message.as_str()).collect();
    Failure::impossible(vec![
        Diagnostic::error(format!(
            "IREE cannot compile for @{} ({})",
            device.symbol,
            device.declaration()
        ))
        .with_note(Diagnostic::note(format!("IREE said: {}", said.join("; "))))
        .help(format!(
            "the platform gives this device the flags `{}`; this IREE has compilers for {}",
            flags.join(" "),
            iree::embed::target_backends().join(", ")
        )),
    ])
}
