//! Whether what the user named on the command line is in the module: a name that
//! is nothing's would decide nothing, without a word.

use std::collections::{BTreeMap, BTreeSet};

use cost::{Partition, Role};
use dialects::ops::Global;
use dialects::{Diagnostic, Module};

use crate::settings::{Selector, Settings};
use crate::structure::functions;
use crate::weight_name::WeightName;

/// How many names a message lists.
const LISTED: usize = 6;

/// Checks `--drafter` and `--target`.
///
/// # Errors
///
/// One that selects nothing; both selecting the same.
pub fn check_selectors(module: &Module<'_>, settings: &Settings) -> Result<(), Vec<Diagnostic>> {
    let given = [
        (Role::Drafter, &settings.drafter),
        (Role::Target, &settings.target),
    ];
    let errors: Vec<Diagnostic> = given
        .into_iter()
        .filter_map(|(role, selector)| unmatched(module, role, selector.as_ref()?))
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    match (&settings.drafter, &settings.target) {
        (Some(drafter), Some(target)) if drafter == target => Err(vec![
            Diagnostic::error(format!(
                "--drafter and --target both name {}",
                written(drafter)
            ))
            .help("give each model a function, or a prefix of its weights' names, of its own"),
        ]),
        _ => Ok(()),
    }
}

fn written(selector: &Selector) -> String {
    match selector {
        Selector::Symbol(name) => format!("@{name}"),
        Selector::Prefix(prefix) => prefix.clone(),
    }
}

fn unmatched(module: &Module<'_>, role: Role, selector: &Selector) -> Option<Diagnostic> {
    let globals = module.body().ops().into_iter().filter_map(Global::of);
    let globals: Vec<WeightName> = globals.map(WeightName::of).collect();
    if globals.iter().any(|name| selector.selects_weight(name)) {
        return None;
    }
    let wanted = written(selector);
    let (error, known): (String, Vec<String>) = match selector {
        Selector::Symbol(name) => {
            let functions = functions(module).into_iter();
            let functions: Vec<String> = functions.filter_map(|op| op.symbol_name()).collect();
            if functions.contains(name) {
                return None;
            }
            (
                format!("--{role} {wanted} names no function or global of the module"),
                functions.iter().map(|name| format!("@{name}")).collect(),
            )
        }
        Selector::Prefix(_) => {
            let keys = globals.iter().map(|name| name.key().to_owned());
            (
                format!("--{role} {wanted} names nothing: no parameter or global begins with it"),
                keys.collect(),
            )
        }
    };
    let help = match cost::closest(&wanted, known.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean {meant}?"),
        None if known.is_empty() => "the module has none".to_owned(),
        None => {
            let shown = known.iter().take(LISTED).cloned();
            let more = known.len().saturating_sub(LISTED);
            let rest = (more > 0).then(|| format!("{more} more"));
            let names: Vec<String> = shown.chain(rest).collect();
            format!("there are {}", names.join(", "))
        }
    };
    Some(Diagnostic::error(error).help(help))
}

/// The warnings about roles that were given (`--role NAME=ROLE`) to names that
/// are not among those `met` in the module.
pub fn unmet_names(given: &BTreeMap<String, Partition>, met: &BTreeSet<String>) -> Vec<Diagnostic> {
    let bare = |name: &str| name.strip_prefix("__device_").unwrap_or(name).to_owned();
    let known: BTreeSet<String> = met.iter().map(|name| bare(name)).collect();
    let unmet = given
        .iter()
        .filter(|(name, _)| !known.contains(&bare(name)));
    unmet
        .map(|(name, role)| {
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            let help = match cost::closest(name, names.iter().copied()) {
                Some(meant) => format!("did you mean {meant}?"),
                None if names.is_empty() => "no value of it is placed by name".to_owned(),
                None => format!("it names {}", names.join(", ")),
            };
            Diagnostic::warning(format!(
                "--role {name}={role} decides nothing: the module does not name {name}"
            ))
            .help(help)
        })
        .collect()
}
