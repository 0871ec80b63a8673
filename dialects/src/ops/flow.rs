//! IREE's flow dialect: transfers between devices, and parameters of archives.

use std::fmt;

use crate::affinity;
use crate::ir::{Attribute, Type, Value};
use crate::session::Session;
use crate::vocabulary::{TRANSFER, TRANSFER_TARGET};

view! {
    /// `flow.tensor.transfer`: the identity, to a device by name.
    Transfer: TRANSFER
}

impl<'m> Transfer<'m> {
    /// The device, or the role, that it goes to.
    pub fn device(self) -> Option<String> {
        affinity::device_of(self.0.attribute(TRANSFER_TARGET)?)
    }

    /// Has it go to the device of `affinity`.
    pub fn set_target(self, affinity: Attribute<'m>) {
        self.0.set_attribute(TRANSFER_TARGET, affinity);
    }

    /// What it takes and what it gives.
    pub fn ends(self) -> Option<(Value<'m>, Value<'m>)> {
        Some((self.0.operand(0)?, self.0.result(0)?))
    }
}

/// A parameter: a weight that lies in an archive and not in the module. Names hold
/// whatever they like, `::` too.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parameter {
    /// The archive's name, empty where the IR names none.
    pub scope: String,
    /// The parameter's name in it.
    pub key: String,
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

impl Parameter {
    /// The parameter that the value of a global names, if it is one. No call of MLIR
    /// takes the attribute apart, so that its text is read.
    pub fn of(value: Attribute<'_>) -> Option<Self> {
        // A constant may be long, and is none.
        let text = (!value.is_dense()).then(|| value.to_string())?;
        apart(&text).map(|(_, parameter, _)| parameter)
    }

    /// The attribute `value`, which names a parameter, with this one in its place.
    pub fn put_into<'m>(
        &self,
        session: &'m Session,
        value: Attribute<'m>,
    ) -> Option<Attribute<'m>> {
        self.put(session, value, None)
    }

    /// The attribute `value`, which names this parameter, its bytes read as a tensor of
    /// another type.
    pub fn read_as<'m>(
        &self,
        session: &'m Session,
        value: Attribute<'m>,
        r#type: Type<'m>,
    ) -> Option<Attribute<'m>> {
        self.put(session, value, Some(r#type))
    }

    fn put<'m>(
        &self,
        session: &'m Session,
        value: Attribute<'m>,
        r#type: Option<Type<'m>>,
    ) -> Option<Attribute<'m>> {
        let text = value.to_string();
        let (before, _, after) = apart(&text)?;
        let after = match r#type {
            Some(other) => format!("{} : {other}", after.rsplit_once(" : ")?.0),
            None => after.to_owned(),
        };
        let [scope, key] = [&self.scope, &self.key].map(|name| {
            let name = name.replace('\\', "\\\\");
            name.replace('"', "\\22")
        });
        let names = match scope.is_empty() {
            true => key,
            false => format!("{scope}\"::\"{key}"),
        };
        Attribute::parse(session, &format!("{before}{names}{after}"))
    }
}

/// Quoted, as in IR.
impl fmt::Display for Parameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scope.is_empty() {
            write!(formatter, "\"{}\"", self.key)
        } else {
            write!(formatter, "\"{}\"::\"{}\"", self.scope, self.key)
        }
    }
}
