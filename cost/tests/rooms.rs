//! The rooms of this crate import in one direction only: no file imports, by way of others, one
//! that imports it, and neither does a room, which is a file right below the root with all below
//! it.
//!
//! A file may hold others below it (`search.rs` and `search/legal.rs`); that it names them, or
//! exports what they have, is no import. Who imports such a name imports the file that it is from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Names that stand one after the other: `crate::search::Request`.
type Names = Vec<String>;

#[derive(Debug, Default)]
struct File {
    /// Names that it uses, from the crate's root on.
    uses: Vec<Names>,
    /// Names that it exports from elsewhere, with where they are.
    exports: BTreeMap<String, Names>,
}

#[test]
fn imports_go_one_way() {
    let files = read();
    assert!(files.len() > 60, "only {} files were found", files.len());
    let mut imports = Imports::new();
    for (name, file) in &files {
        let used = file.uses.iter();
        let used = used.filter_map(|names| file_of(&files, names, 0));
        imports.insert(name, used.filter(|used| used != name).collect());
    }
    // What this test looks at is really there.
    assert!(imports["search::legal"].contains("search::request"));
    assert!(imports["decide"].contains("search::space"));
    // A room is a file right below the root, with all that is below it.
    let mut rooms = Imports::new();
    for (file, used) in &imports {
        let room = room_of(file);
        let used = used.iter().map(|used| room_of(used));
        let others = used.filter(|used| *used != room);
        rooms.entry(room).or_default().extend(others);
    }
    for (what, imports) in [("files", imports), ("rooms", rooms)] {
        let circle = circle(imports);
        assert!(
            circle.is_empty(),
            "these {what} import each other: {circle:#?}"
        );
    }
}

/// What each file or room imports.
type Imports<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn room_of(file: &str) -> &str {
    file.split("::").next().unwrap_or_default()
}

/// What is left when whatever imports nothing that is left, or is imported by nothing that is left,
/// is taken away, again and again.
fn circle(mut left: Imports<'_>) -> Imports<'_> {
    loop {
        let names: BTreeSet<&str> = left.keys().copied().collect();
        for used in left.values_mut() {
            used.retain(|used| names.contains(used));
        }
        let imported: BTreeSet<&str> = left.values().flatten().copied().collect();
        left.retain(|name, used| !used.is_empty() && imported.contains(name));
        if left.len() == names.len() {
            return left;
        }
    }
}

/// The file that a name is from.
fn file_of<'a>(
    files: &'a BTreeMap<String, File>,
    names: &[String],
    depth: usize,
) -> Option<&'a str> {
    (0..=names.len()).rev().find_map(|length| {
        let (path, rest) = names.split_at(length);
        let (name, file) = files.get_key_value(&path.join("::"))?;
        let exported = rest.first().and_then(|first| file.exports.get(first));
        match exported.filter(|_| depth < 5) {
            Some(exported) => file_of(
                files,
                &[exported.as_slice(), &rest[1..]].concat(),
                depth + 1,
            ),
            None => Some(name.as_str()),
        }
    })
}

/// Every file by its path: `search::legal`, and nothing for the root.
fn read() -> BTreeMap<String, File> {
    let mut texts = BTreeMap::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        "",
        &mut texts,
    );
    let paths: BTreeSet<String> = texts.keys().cloned().collect();
    texts
        .into_iter()
        .map(|(path, text)| {
            let file = parse(&path, &text, &paths);
            (path, file)
        })
        .collect()
}

fn collect(folder: &Path, above: &str, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let name = match above {
            "" if stem == "lib" => String::new(),
            "" => stem.to_owned(),
            above => format!("{above}::{stem}"),
        };
        if path.is_dir() {
            collect(&path, &name, texts);
        } else {
            texts.insert(name, code(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The text without comments and unit tests.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines();
    lines
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

fn parse(path: &str, text: &str, paths: &BTreeSet<String>) -> File {
    let mut file = File::default();
    let mut rest = text;
    let mut body = String::new();
    while let Some(at) = rest.find("use ") {
        let (before, statement) = rest.split_at(at);
        let end = statement.find(';').unwrap_or(statement.len());
        let lead = before.rsplit('\n').next().unwrap_or_default().trim();
        body.push_str(before);
        if !(lead.is_empty() || lead.starts_with("pub")) {
            // A word in a text.
            rest = &statement["use ".len()..];
            continue;
        }
        let mut names = Vec::new();
        tree(&[], &statement["use ".len()..end], &mut names);
        for names in names
            .iter()
            .filter_map(|names| absolute(path, names, paths))
        {
            match names.last() {
                Some(last) if lead.starts_with("pub") => {
                    file.exports.insert(last.clone(), names);
                }
                _ => file.uses.push(names),
            }
        }
        rest = &statement[end..];
    }
    body.push_str(rest);
    // Paths that stand in the code itself.
    let word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    for text in body
        .split(|letter| !word(letter))
        .filter(|it| it.contains("::"))
    {
        let names: Names = text.split("::").map(str::to_owned).collect();
        file.uses.extend(absolute(path, &names, paths));
    }
    file
}

/// The names of `a::{b, c::d}`.
fn tree(above: &[String], text: &str, names: &mut Vec<Names>) {
    let mut depth = 0;
    let parts = text.split(|letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let (head, inner) = match part.split_once('{') {
            Some((head, inner)) => (head, inner.trim_end().strip_suffix('}')),
            None => (part.split(" as ").next().unwrap_or(part), None),
        };
        let head = head
            .split("::")
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let path: Names = above
            .iter()
            .cloned()
            .chain(head.map(str::to_owned))
            .collect();
        match inner {
            Some(inner) => tree(&path, inner, names),
            None => names.push(path),
        }
    }
}

/// The names from the crate's root on; `None` for those of other crates.
fn absolute(path: &str, names: &[String], paths: &BTreeSet<String>) -> Option<Names> {
    let mut here: Names = path.split("::").map(str::to_owned).collect();
    here.retain(|name| !name.is_empty());
    let first = names.first()?;
    if first == "crate" {
        return Some(names[1..].to_vec());
    }
    let above = names.iter().take_while(|name| *name == "super").count();
    if above > 0 || first == "self" {
        here.truncate(here.len().saturating_sub(above));
        let rest = names.iter().skip(above).filter(|name| *name != "self");
        return Some(here.into_iter().chain(rest.cloned()).collect());
    }
    let below: Names = here.into_iter().chain([first.clone()]).collect();
    let is_below = paths.contains(&below.join("::"));
    is_below.then(|| {
        below
            .into_iter()
            .chain(names[1..].iter().cloned())
            .collect()
    })
}
