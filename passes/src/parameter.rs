//! Parameters: weights that lie in an archive and not in the module.

use std::fmt;

use dialects::vocabulary::GLOBAL;
use dialects::{Attribute, Module, Op};

/// A parameter of an archive: `scope::key`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parameter {
    /// The archive's name, empty where the IR names none.
    pub scope: String,
    /// The parameter's name in it.
    pub key: String,
}

impl fmt::Display for Parameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scope.is_empty() {
            write!(formatter, "\"{}\"", self.key)
        } else {
            write!(formatter, "\"{}\"::\"{}\"", self.scope, self.key)
        }
    }
}

/// The text of a parameter's attribute, in parts.
struct Text<'t> {
    before: &'t str,
    names: &'t str,
    after: &'t str,
}

/// Takes `#flow.parameter.named<"scope"::"key"> : …`, of the flow or the stream
/// dialect, apart. IREE prints the names as they are, with what is in them.
fn apart(text: &str) -> Option<Text<'_>> {
    let start = ["#flow.parameter.named<\"", "#stream.parameter.named<\""]
        .iter()
        .find_map(|prefix| text.starts_with(prefix).then_some(prefix.len()))?;
    let end = text.rfind("\"> : ").or_else(|| text.rfind("\", {"))?;
    Some(Text {
        before: text.get(..start)?,
        names: text.get(start..end)?,
        after: text.get(end..)?,
    })
}

impl Parameter {
    /// The parameter that the value of a global names, if it is one.
    pub fn of(value: Attribute<'_>) -> Option<Self> {
        // The text of a constant may be long.
        if value.is_dense() {
            return None;
        }
        let text = value.to_string();
        let names = apart(&text)?.names;
        let (scope, key) = names.split_once("\"::\"").unwrap_or(("", names));
        Some(Self {
            scope: scope.to_owned(),
            key: key.to_owned(),
        })
    }

    /// The parameter that backs `global`, if one does.
    pub fn behind(global: Op<'_>) -> Option<Self> {
        let value = global.is(GLOBAL).then(|| global.attribute("initial_value"));
        value.flatten().and_then(Self::of)
    }
}

/// Has `global` take its parameter from the archive `scope`.
pub fn set_scope(module: &Module<'_>, global: Op<'_>, scope: &str) {
    let value = global.attribute("initial_value");
    let (Some(parameter), Some(value)) = (Parameter::behind(global), value) else {
        return;
    };
    let text = value.to_string();
    let renamed = apart(&text).and_then(|text| {
        let [scope, key] = [scope, &parameter.key].map(|name| {
            let name = name.replace('\\', "\\\\");
            name.replace('"', "\\22")
        });
        let text = format!("{}{scope}\"::\"{key}{}", text.before, text.after);
        module.parse_attribute(&text)
    });
    if let Some(renamed) = renamed {
        global.set_attribute("initial_value", renamed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialects::Session;

    #[test]
    fn names_hold_what_they_like() {
        let session = Session::new();
        let text = r#"
util.global private @a = #flow.parameter.named<"model"::"layer<0>.w"> : tensor<4xf32>
util.global private @b = #flow.parameter.named<"say \22b\22::c"> : tensor<4xf32>
util.global private @c = dense<0.0> : tensor<4xf32>
"#;
        let module = Module::from_source(&session, text.as_bytes()).expect("IR");
        let behind = |at: usize| Parameter::behind(module.body().ops()[at]);
        let named = |scope: &str, key: &str| {
            let (scope, key) = (scope.to_owned(), key.to_owned());
            Some(Parameter { scope, key })
        };
        assert_eq!(behind(0), named("model", "layer<0>.w"));
        assert_eq!(behind(1), named("", "say \"b\"::c"));
        assert_eq!(behind(2), None);
        set_scope(&module, module.body().ops()[0], "other");
        set_scope(&module, module.body().ops()[1], "other");
        assert_eq!(behind(0), named("other", "layer<0>.w"));
        assert_eq!(behind(1), named("other", "say \"b\"::c"));
    }
}
