//! What must hold between the parts of a platform, each complaint at its place in the file.

use crate::FileError;
use crate::yaml::{Document, Step};
use cost::Platform;
use cost::platform::Method;
use cost::suggestion;
use std::collections::BTreeSet;

pub(super) fn platform(platform: &Platform, document: &Document) -> Result<(), FileError> {
    let fail = |path: &[Step<'_>], message: String, help: Option<String>| {
        Err(document.wrong(path, message, help))
    };
    let pu_names = || platform.pus.iter().map(|pu| pu.name.as_str());

    if platform.pus.is_empty() {
        return fail(
            &[Step::Key("processing_units")],
            "a platform needs at least one processing unit".into(),
            None,
        );
    }
    if let Some((item, flag)) = broken(&platform.compile_flags) {
        let path = [Step::Key("compile_flags"), Step::Item(item)];
        return fail(&path, not_one_line("a flag", flag), Some(ONE_LINE.into()));
    }
    let mut memories = BTreeSet::new();
    for (index, memory) in platform.memories.iter().enumerate() {
        if !memories.insert(&memory.name) {
            let path = [Step::Key("memories"), Step::Item(index), Step::Key("name")];
            return fail(
                &path,
                format!("there are two memories `{}`", memory.name),
                None,
            );
        }
    }
    let (mut names, mut devices) = (BTreeSet::new(), BTreeSet::new());
    for (index, pu) in platform.pus.iter().enumerate() {
        let unit = |key: &'static str| {
            [
                Step::Key("processing_units"),
                Step::Item(index),
                Step::Key(key),
            ]
        };
        if !is_symbol(&pu.name) {
            let help = "letters, digits, `_` and `-`, with a letter first; it becomes a device symbol in the IR";
            return fail(
                &unit("name"),
                format!("`{}` cannot name a processing unit", pu.name),
                Some(help.into()),
            );
        }
        if !names.insert(&pu.name) {
            return fail(
                &unit("name"),
                format!("there are two processing units `{}`", pu.name),
                None,
            );
        }
        let iree = &pu.iree;
        let runtime_device = std::slice::from_ref(&iree.runtime_device);
        for (key, texts) in [
            ("compile_flags", iree.compile_flags.as_slice()),
            ("module_flags", &iree.module_flags),
            ("runtime_device", runtime_device),
            ("runtime_flags", &iree.runtime_flags),
            ("restrict_flags", &iree.restrict_flags),
        ] {
            let Some((item, text)) = broken(texts) else {
                continue;
            };
            let [units, this, _] = unit("iree");
            let at = [
                units,
                this,
                Step::Key("iree"),
                Step::Key(key),
                Step::Item(item),
            ];
            let (path, what) = match key {
                "runtime_device" => (at.get(..4), "a device"),
                _ => (at.get(..), "a flag"),
            };
            let message = not_one_line(what, text);
            return fail(path.unwrap_or(&at), message, Some(ONE_LINE.into()));
        }
        for (item, entry) in pu.cannot.iter().enumerate() {
            let Some((key, message, help)) = entry.complaint() else {
                continue;
            };
            let [units, this, cannot] = unit("cannot");
            let path = [units, this, cannot, Step::Item(item), Step::Key(key)];
            return fail(&path, message, Some(help));
        }
        // Two devices of the same spec are merged by iree-compile without a word, and the placement
        // is gone.
        if !devices.insert(pu.iree.device()) {
            let device = pu.iree.device();
            let path = [
                Step::Key("processing_units"),
                Step::Item(index),
                Step::Key("iree"),
                Step::Key("device"),
            ];
            let help = format!("give them ordinals: {0}[0] and {0}[1]", pu.iree.alias);
            return fail(
                &path,
                format!(
                    "two processing units are the IREE device `{device}`, and iree-compile would merge them"
                ),
                Some(help),
            );
        }
        if platform.memory(&pu.memory).is_none() {
            let help = suggestion(
                &pu.memory,
                "memories",
                platform.memories.iter().map(|memory| memory.name.as_str()),
            );
            return fail(
                &unit("memory"),
                format!("there is no memory `{}`", pu.memory),
                Some(format!("{help}; or write a size")),
            );
        }
        if pu.peak.is_empty() {
            return fail(
                &unit("peak"),
                "give the peak rate of at least one type".into(),
                Some("peak: { f32: 16 GFLOP/s }".into()),
            );
        }
        if let Some(dtype) = pu.peak.keys().find(|dtype| !pu.dtypes.contains(dtype)) {
            return fail(
                &unit("dtypes"),
                format!("`peak` has {dtype}, which `dtypes` lacks"),
                Some(format!("add {dtype} to one or take it from the other")),
            );
        }
    }
    let mut pairs = BTreeSet::new();
    for (index, link) in platform.links.iter().enumerate() {
        let part = |key: &'static str| [Step::Key("links"), Step::Item(index), Step::Key(key)];
        let [a, b] = &link.between;
        for name in link.between.iter().chain(&link.mappable_by) {
            let key = if link.between.contains(name) {
                "between"
            } else {
                "mappable_by"
            };
            if platform.pu(name).is_none() {
                return fail(
                    &part(key),
                    format!("there is no processing unit `{name}`"),
                    Some(suggestion(name, "processing units", pu_names())),
                );
            }
            if key == "mappable_by" {
                return fail(
                    &part(key),
                    format!("`{name}` is not at either end of this link"),
                    Some(format!("its ends are {a} and {b}")),
                );
            }
        }
        if a == b {
            return fail(
                &part("between"),
                format!("a link joins two different processing units, not `{a}` and itself"),
                None,
            );
        }
        if let Some(owner) = &link.owner {
            let other = if owner == a { b } else { a };
            if owner != a && owner != b {
                return fail(
                    &part("owner"),
                    format!("`{owner}` is not at either end of this link"),
                    Some(suggestion(owner, "its ends", [a.as_str(), b.as_str()])),
                );
            }
            if !platform.can_use(owner, other) {
                return fail(
                    &part("owner"),
                    format!("{owner} cannot own the buffers of this link: {other} cannot map them"),
                    Some(format!(
                        "`mappable_by` names who can map the other's memory: add {other}, or leave `owner` out"
                    )),
                );
            }
        }
        if let Some(methods) = &link.methods {
            if methods.is_empty() {
                return fail(
                    &part("methods"),
                    "a link allows one method at least".into(),
                    Some("leave `methods` out to allow all that are usual".into()),
                );
            }
            for (at, method) in methods.iter().enumerate() {
                let item = [
                    Step::Key("links"),
                    Step::Item(index),
                    Step::Key("methods"),
                    Step::Item(at),
                ];
                if methods.iter().take(at).any(|earlier| earlier == method) {
                    return fail(&item, format!("`{}` is there twice", method.as_str()), None);
                }
                if !platform.is_possible(link, *method) {
                    let why = match method {
                        Method::Transfer => {
                            "IREE transfers between two of its `local` devices only"
                        }
                        _ => {
                            "neither can use a buffer of the other (`mappable_by`, `unified_memory`)"
                        }
                    };
                    return fail(
                        &item,
                        format!("`{}` cannot work between {a} and {b}", method.as_str()),
                        Some(format!("{why}; host-copy always works")),
                    );
                }
            }
        }
        if !pairs.insert(if a < b { (a, b) } else { (b, a) }) {
            return fail(
                &part("between"),
                format!("there are two links between {a} and {b}"),
                None,
            );
        }
    }
    if platform.pu(&platform.control).is_none() {
        let help = suggestion(&platform.control, "processing units", pu_names());
        return fail(
            &[Step::Key("control")],
            format!("there is no processing unit `{}`", platform.control),
            Some(help),
        );
    }
    Ok(())
}

/// The first text that is not one line. Flags are written to files that hold one in each line, and
/// what came after a line break would be another flag.
fn broken(texts: &[String]) -> Option<(usize, &String)> {
    let mut numbered = texts.iter().enumerate();
    numbered.find(|(_, text)| text.chars().any(char::is_control))
}

fn not_one_line(what: &str, text: &str) -> String {
    format!(
        "{what} is one line without control characters, not `{}`",
        text.escape_debug()
    )
}

const ONE_LINE: &str =
    "write each flag as an item of its own, and none as a block (`|` keeps the line's end)";

fn is_symbol(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}
