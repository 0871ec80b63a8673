//! What a user has to give iree-run-module: functions and parameter archives.

use std::collections::BTreeSet;

use dialects::Module;
use specplace_driver::shell;

/// The public functions of a module and the archives its weights come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Functions that can be called, in order.
    pub functions: Vec<String>,
    /// Scopes of external parameters.
    pub archives: BTreeSet<String>,
}

impl Interface {
    /// Reads it from the module.
    pub fn of(module: &Module<'_>) -> Self {
        let mut interface = Self::default();
        for op in module.body().ops() {
            if op.is("util.global") {
                let value = op.attribute("initial_value").map(|value| value.to_string());
                interface
                    .archives
                    .extend(value.as_deref().and_then(archive));
            } else if op.is_public() && op.has_body() && op.name().ends_with(".func") {
                interface.functions.extend(op.symbol_name());
            }
        }
        interface
    }

    /// The arguments of iree-run-module that only the user can complete.
    pub fn arguments(&self) -> String {
        let mut arguments = String::new();
        // The entry that iree-compile adds for asynchronous callers is not the
        // one to type, and a shell would take its `$` for a variable.
        let by_hand = |name: &&String| !name.ends_with("$async");
        if let Some(function) = self.functions.iter().find(by_hand) {
            arguments.push_str(&format!(" --function={}", shell::word(function)));
        }
        for archive in &self.archives {
            arguments.push_str(&format!(" --parameters={}=FILE.irpa", shell::word(archive)));
        }
        arguments.push_str(" --input=...");
        arguments
    }
}

/// The scope in `#flow.parameter.named<"model"::"weight">`.
fn archive(value: &str) -> Option<String> {
    let (_, rest) = value.split_once("parameter.named<\"")?;
    let (scope, rest) = rest.split_once('"')?;
    rest.starts_with("::").then(|| scope.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_have_a_scope() {
        assert_eq!(
            archive(
                "util.global private @w = #flow.parameter.named<\"model\"::\"w\"> : tensor<4xf32>"
            )
            .as_deref(),
            Some("model")
        );
        assert_eq!(
            archive("#stream.parameter.named<\"w\"> : tensor<4xf32>"),
            None
        );
        assert_eq!(archive("dense<0.0> : tensor<4xf32>"), None);
    }

    #[test]
    fn the_entry_for_asynchronous_callers_is_not_named() {
        let interface = Interface {
            functions: vec!["step$async".into(), "step".into()],
            ..Interface::default()
        };
        assert_eq!(interface.arguments(), " --function=step --input=...");
    }
}
