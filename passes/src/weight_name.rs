//! What a weight is called: by its parameter's name, which exporters give it, and by its
//! global's.

use std::fmt;

use dialects::ops::{Global, Parameter};

/// The names of a weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightName {
    symbol: String,
    parameter: Option<Parameter>,
}

impl WeightName {
    /// Those of what `global` holds.
    pub fn of(global: Global<'_>) -> Self {
        Self {
            symbol: global.name().to_owned(),
            parameter: global.parameter(),
        }
    }

    /// The global's name, without `@`.
    pub fn symbol(&self) -> &str {
        &self.symbol
    }

    /// The parameter's name in its archive; the global's, if it is none of an archive.
    pub fn key(&self) -> &str {
        match &self.parameter {
            Some(parameter) => &parameter.key,
            None => &self.symbol,
        }
    }
}

/// `scope::key`, or what there is of it.
impl fmt::Display for WeightName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.parameter {
            Some(Parameter { scope, key }) if !scope.is_empty() => {
                write!(formatter, "{scope}::{key}")
            }
            _ => formatter.write_str(self.key()),
        }
    }
}

#[cfg(test)]
mod tests {
    use dialects::OwnedModule;

    use super::*;
    use crate::settings::Selector;

    const GLOBALS: &str = r#"
util.global private @a = #flow.parameter.named<"model"::"drafter::layers.0::w"> : tensor<4xf32>
util.global private @b = #flow.parameter.named<"drafter::w"> : tensor<4xf32>
util.global private @c = dense<0.0> : tensor<4xf32>
"#;

    fn names() -> Vec<WeightName> {
        let session = iree::session();
        let module = OwnedModule::from_source(&session, GLOBALS.as_bytes()).expect("IR");
        let globals = module.body().ops().into_iter().filter_map(Global::of);
        globals.map(WeightName::of).collect()
    }

    #[test]
    fn keys_keep_the_colons_that_they_hold() {
        let names = names();
        let keys: Vec<&str> = names.iter().map(WeightName::key).collect();
        assert_eq!(keys, ["drafter::layers.0::w", "drafter::w", "c"]);
        let written: Vec<String> = names.iter().map(WeightName::to_string).collect();
        assert_eq!(written, ["model::drafter::layers.0::w", "drafter::w", "c"]);
    }

    #[test]
    fn prefixes_are_of_the_whole_key() {
        let selected = |prefix: &str| -> Vec<bool> {
            let selector = Selector::parse(prefix);
            let names = names();
            names
                .iter()
                .map(|name| selector.selects_weight(name))
                .collect()
        };
        assert_eq!(selected("drafter::"), [true, true, false]);
        assert_eq!(selected("drafter::layers"), [true, false, false]);
        assert_eq!(selected("model::drafter::layers.0"), [true, false, false]);
        // No name begins so: this is in the middle of one.
        assert_eq!(selected("w"), [false, false, false]);
        assert_eq!(selected("layers"), [false, false, false]);
        assert_eq!(selected("c"), [false, false, true]);
    }
}
