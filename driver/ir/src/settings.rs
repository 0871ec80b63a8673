//! From the command line to what the passes follow.

use diagnostics::{Diagnostic, Failure};
use passes::{Handover, Selector, Settings};
use specplace_driver::args::DecisionArgs;
use specplace_driver::request;
use tools::version;

/// The user's decisions.
///
/// # Errors
///
/// A [`Failure`] of status 2 for a decision that makes no sense.
pub fn of(args: &DecisionArgs) -> Result<Settings, Failure> {
    let mut settings = Settings {
        keep_placement: args.keep_placement,
        drafter: selector("--drafter", args.drafter.as_deref())?,
        target: selector("--target", args.target.as_deref())?,
        sequence_length: args.seq_len,
        request: request::build(args)?,
        handover: match version::installed() {
            Some(version) if version.hands_tensors_on() => Handover::Tensors,
            _ => Handover::Buffers,
        },
        trial: iree::crash::trial(),
        ..Settings::default()
    };
    for given in &args.role {
        let before = settings.role_names.insert(given.name.clone(), given.role);
        if before.is_some_and(|before| before != given.role) {
            return Err(Failure::usage(
                Diagnostic::error(format!("--role gives `{}` two roles", given.name))
                    .help("give each name once"),
            ));
        }
    }
    Ok(settings)
}

fn selector(flag: &str, text: Option<&str>) -> Result<Option<Selector>, Failure> {
    match text {
        Some("" | "@") => Err(Failure::usage(
            Diagnostic::error(format!("{flag} names nothing"))
                .help("give @FUNCTION, or how the names of its parameters begin"),
        )),
        Some(text) => Ok(Some(Selector::parse(text))),
        None => Ok(None),
    }
}
