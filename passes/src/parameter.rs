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

/// Takes `#flow.parameter.named<"scope"::"key"> : …`, of the flow or the stream
/// dialect, apart: what stands before the names, and after them. IREE prints the
/// names as they are, with what is in them.
fn apart(text: &str) -> Option<(&str, Parameter, &str)> {
    let start = ["#flow.parameter.named<\"", "#stream.parameter.named<\""]
        .iter()
        .find_map(|prefix| text.starts_with(prefix).then_some(prefix.len()))?;
    let end = text.rfind("\"> : ").or_else(|| text.rfind("\", {"))?;
    let names = text.get(start..end)?;
    let (scope, key) = names.split_once("\"::\"").unwrap_or(("", names));
    let parameter = Parameter {
        scope: scope.to_owned(),
        key: key.to_owned(),
    };
    Some((text.get(..start)?, parameter, text.get(end..)?))
}

/// The value of a global, as text, unless it is a constant, which may be long.
fn value_of(global: Op<'_>) -> Option<String> {
    let value = global.is(GLOBAL).then(|| global.attribute("initial_value"));
    value.flatten().and_then(text_of)
}

fn text_of(value: Attribute<'_>) -> Option<String> {
    (!value.is_dense()).then(|| value.to_string())
}

impl Parameter {
    /// The parameter that the value of a global names, if it is one.
    pub fn of(value: Attribute<'_>) -> Option<Self> {
        apart(&text_of(value)?).map(|(_, parameter, _)| parameter)
    }

    /// The parameter that backs `global`, if one does.
    pub fn behind(global: Op<'_>) -> Option<Self> {
        apart(&value_of(global)?).map(|(_, parameter, _)| parameter)
    }
}

/// The parameter that backs `global`, as `scope::key`, or the global's name.
pub fn name_of(global: Op<'_>) -> String {
    match Parameter::behind(global) {
        Some(Parameter { scope, key }) if scope.is_empty() => key,
        Some(Parameter { scope, key }) => format!("{scope}::{key}"),
        None => global.symbol_name().unwrap_or_default(),
    }
}

/// What [`name_of`] says without the scope.
pub fn key_of(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// Has `global` take its parameter from the archive `scope`.
pub fn set_scope(module: &Module<'_>, global: Op<'_>, scope: &str) {
    let renamed = value_of(global).and_then(|text| {
        let (before, parameter, after) = apart(&text)?;
        let [scope, key] = [scope, &parameter.key].map(|name| {
            let name = name.replace('\\', "\\\\");
            name.replace('"', "\\22")
        });
        module.parse_attribute(&format!("{before}{scope}\"::\"{key}{after}"))
    });
    if let Some(renamed) = renamed {
        global.set_attribute("initial_value", renamed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialects::OwnedModule;

    #[test]
    fn names_hold_what_they_like() {
        let session = iree::session();
        let text = r#"
util.global private @a = #flow.parameter.named<"model"::"layer<0>.w"> : tensor<4xf32>
util.global private @b = #flow.parameter.named<"say \22b\22::c"> : tensor<4xf32>
util.global private @c = dense<0.0> : tensor<4xf32>
"#;
        let module = OwnedModule::from_source(&session, text.as_bytes()).expect("IR");
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
