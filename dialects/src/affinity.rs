//! Affinities: on which device something is. MLIR's C API does not look into IREE's
//! attributes, so that their text is read and written, here and nowhere else.

use std::fmt::Display;

use crate::ir::{Attribute, Op};
use crate::module::Module;
use crate::vocabulary::{AFFINITY, STREAM_AFFINITY};

/// `#hal.device.affinity<@symbol>`. An affinity, unlike a promise, keeps the
/// device's global alive.
pub fn on_device<'m>(module: &'m Module<'_>, symbol: &str) -> Attribute<'m> {
    // As MLIR writes it: what is no identifier (`cpu-2`) stands in quotes.
    let symbol = Attribute::symbol(module.session(), symbol);
    module
        .parse_attribute(&format!("#hal.device.affinity<{symbol}>"))
        .expect("a device affinity is an attribute of IREE's HAL dialect")
}

/// `#hal.device.promise<@name>`, of a name that [`is_identifier`].
pub fn promised<'m>(module: &'m Module<'_>, name: impl Display) -> Attribute<'m> {
    module
        .parse_attribute(&format!("#hal.device.promise<@{name}>"))
        .expect("a device promise is an attribute of IREE's HAL dialect")
}

/// The device that an operation of the HAL or Stream dialect names.
pub fn of_operation(op: Op<'_>) -> Option<String> {
    device_of(op.attribute(AFFINITY)?)
}

/// The device that a function or a global is on.
pub fn of_symbol(op: Op<'_>) -> Option<String> {
    device_of(op.attribute(STREAM_AFFINITY)?)
}

/// The device that an affinity attribute names: the symbol of
/// `#hal.device.affinity<@gpu>` or `#hal.device.promise<@gpu>`, with or
/// without queues. `None` for anything else, such as `#hal.device.optimal`.
pub fn device_of(affinity: Attribute<'_>) -> Option<String> {
    let text = affinity.to_string();
    let rest = ["#hal.device.affinity<@", "#hal.device.promise<@"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))?;
    match rest.strip_prefix('"') {
        Some(quoted) => unquoted(quoted).map(|(name, _)| name),
        None => {
            let end = rest.find([',', '>'])?;
            Some(rest[..end].to_owned())
        }
    }
}

/// Whether it can follow `@` as it is: IREE 3.13 prints promises without the
/// quotes that others need, and does not read that back.
pub fn is_identifier(name: &str) -> bool {
    name.chars()
        .all(|each| each.is_ascii_alphanumeric() || matches!(each, '_' | '$' | '.'))
}

/// Reads an MLIR string up to its closing quote, the opening one being
/// consumed; returns it with what follows.
pub fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut bytes = Vec::new();
    let raw = text.as_bytes();
    let mut at = 0;
    loop {
        match raw.get(at)? {
            b'"' => {
                let name = String::from_utf8_lossy(&bytes).into_owned();
                return Some((name, &text[at + 1..]));
            }
            b'\\' => match raw.get(at + 1)? {
                escaped @ (b'"' | b'\\') => {
                    bytes.push(*escaped);
                    at += 2;
                }
                b'n' => {
                    bytes.push(b'\n');
                    at += 2;
                }
                b't' => {
                    bytes.push(b'\t');
                    at += 2;
                }
                _ => {
                    let digits = text.get(at + 1..at + 3)?;
                    bytes.push(u8::from_str_radix(digits, 16).ok()?);
                    at += 3;
                }
            },
            byte => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
}
