//! A form in which other exporters write a loop: the weights enter it as
//! values that every round hands on to the next, unchanged.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

/// How a weight becomes a value of Torch.
const WEIGHT: &str = " = torch_c.from_builtin_tensor ";

/// Has the loop of `generate_place.mlir` carry the weights that its body reads.
/// The text is that of the exporter, a line for each operation.
///
/// # Errors
///
/// Where the text has another form.
pub fn weights(text: &str) -> Result<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let types: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| {
            let (name, operation) = line.trim_start().split_once(WEIGHT)?;
            Some((name, operation.rsplit_once(" -> ")?.1))
        })
        .collect();
    // The loop, the arguments of its block, a call of the body, one of the
    // condition, the condition as a scalar, what goes on, the types.
    let at = lines
        .iter()
        .position(|line| line.contains("torch.prim.Loop "))
        .context("no loop")?;
    ensure!(
        lines.len() > at + 6 && lines[at + 5].contains("torch.prim.Loop.condition"),
        "the loop has another form"
    );
    let arguments = lines[at + 2]
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .context("no call of the body")?
        .0
        .to_owned();
    let read: Vec<&str> = arguments
        .split(", ")
        .filter(|value| types.contains_key(value))
        .collect();
    ensure!(read.len() > 20, "only {} weights are read", read.len());

    let list = |each: &dyn Fn(&str) -> String| -> String {
        read.iter()
            .map(|value| format!(", {}", each(value)))
            .collect()
    };
    let inside = |value: &str| format!("%weight{}", &value[1..]);
    let outer = list(&|value| value.to_owned());
    let inner = list(&|value| inside(value));
    let typed = list(&|value| format!("{}: {}", inside(value), types[value]));
    let only_types = list(&|value| types[value].to_owned());

    let (results, rest) = lines[at].split_once(" = ").context("no results")?;
    let (name, count) = results.split_once(':').context("one result")?;
    let count: usize = count.parse().context("the loop's results")?;
    let rest = rest.replacen(") {", &format!("{outer}) {{"), 1);
    lines[at] = format!("{name}:{} = {rest}", count + read.len());
    lines[at + 1] = lines[at + 1].replacen("):", &format!("{typed}):"), 1);
    for line in &mut lines[at + 2..=at + 3] {
        let (head, call) = line.split_once('(').context("no call")?;
        let (values, tail) = call.split_once(')').context("no call")?;
        let values: Vec<String> = values
            .split(", ")
            .map(|value| {
                if types.contains_key(value) {
                    inside(value)
                } else {
                    value.to_owned()
                }
            })
            .collect();
        *line = format!("{head}({}){tail}", values.join(", "));
    }
    lines[at + 5] = lines[at + 5].replacen(" : ", &format!("{inner} : "), 1);
    let end = lines[at + 5]
        .rfind(')')
        .context("no end of the condition")?;
    lines[at + 5].insert_str(end, &only_types);
    lines[at + 6] = lines[at + 6].replacen(") -> (", &format!("{only_types}) -> ("), 1);
    let end = lines[at + 6].rfind(')').context("no end of the loop")?;
    lines[at + 6].insert_str(end, &only_types);
    lines.push(String::new());
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_weight_goes_round() -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let text = fs::read_to_string(root.join("examples/pair/generate_place.mlir"))?;
        let carried = weights(&text)?;
        let line = |part: &str| {
            carried
                .lines()
                .find(|line| line.contains(part))
                .unwrap_or_default()
                .matches("%weight")
                .count()
        };
        assert_eq!(line("torch.prim.Loop.condition"), 64);
        assert_eq!(line("func.call @while_loop_body_graph_0("), 64);
        assert!(weights("func.func @f() { return }").is_err());
        Ok(())
    }
}
