//! `stages.yaml`.
//!
//! ```yaml
//! version: 1
//! stages:                       # each after what it needs
//!   - { name: target.0, role: target, demand: { flops: { f32: 1000000 }, weight_bytes: 4096, bytes_moved: 5000 } }
//!   - { name: target.1, role: target, demand: { flops: { i8: 1000000 }, dtypes: [i8], op_kinds: [linalg.matmul] } }
//! edges:
//!   - { from: target.0, to: target.1, bytes: 512 B }
//! ```

use crate::FileError;
use crate::yaml::{Document, Step, slurp};
use cost::stages::{StageDemand, StageEdge, StageGraph};
use cost::suggestion;
use cost::units::{Bytes, Quantity};
use cost::workload::{Role, SubgraphDemand};
use serde::Deserialize;

/// A file of stages, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StageFile {
    #[allow(dead_code, reason = "checked before this is read")]
    version: u64,
    stages: Vec<Named>,
    #[serde(default)]
    edges: Vec<Between>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    role: Role,
    demand: SubgraphDemand,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Between {
    from: String,
    to: String,
    bytes: Quantity<Bytes>,
}

/// Reads `stages.yaml`.
///
/// # Errors
/// [`FileError::Read`] when it cannot be read; [`FileError::Wrong`] with line and column for
/// unknown keys, unknown or repeated names, stages of control, and a stage that comes before
/// what it needs.
pub fn load(path: &str) -> Result<StageGraph, FileError> {
    from_yaml(path, &slurp(path)?)
}

/// As [`load`], from text; `file` names it in errors.
///
/// # Errors
/// [`FileError::Wrong`], as there.
pub fn from_yaml(file: &str, text: &str) -> Result<StageGraph, FileError> {
    let document = Document::parse(file, text)?;
    let read: StageFile = document.read()?;
    let fail = |path: &[Step<'_>], message: String, help: Option<String>| {
        Err(document.wrong(path, message, help))
    };
    let mut graph = StageGraph::default();
    for (index, stage) in read.stages.into_iter().enumerate() {
        let at = |key| [Step::Key("stages"), Step::Item(index), Step::Key(key)];
        if stage.role == Role::Control {
            let message = "control is no model, and has no stages".to_owned();
            return fail(&at("role"), message, None);
        }
        if graph.stages.iter().any(|other| other.name == stage.name) {
            let message = format!("there are two stages `{}`", stage.name);
            return fail(&at("name"), message, None);
        }
        graph.stages.push(StageDemand {
            name: stage.name,
            role: stage.role,
            demand: stage.demand,
        });
    }
    if !graph.stages.iter().any(|stage| stage.role == Role::Target) {
        let message = "there is no stage of the target".to_owned();
        return fail(&[Step::Key("stages")], message, None);
    }
    for (index, edge) in read.edges.iter().enumerate() {
        let at = |key| [Step::Key("edges"), Step::Item(index), Step::Key(key)];
        let find = |name: &str| graph.stages.iter().position(|stage| stage.name == name);
        let ends = [("from", &edge.from), ("to", &edge.to)];
        for (key, name) in ends {
            if find(name).is_none() {
                let names = graph.stages.iter().map(|stage| stage.name.as_str());
                let help = suggestion(name, "stages", names);
                return fail(&at(key), format!("there is no stage `{name}`"), Some(help));
            }
        }
        let (Some(from), Some(to)) = (find(&edge.from), find(&edge.to)) else {
            continue;
        };
        if from >= to {
            let message = format!("{} comes before {}, which it needs", edge.to, edge.from);
            let help = "put stages in the order in which they run; a loop is one stage".into();
            return fail(&at("to"), message, Some(help));
        }
        graph.edges.push(StageEdge {
            from,
            to,
            bytes: edge.bytes.value as u64,
        });
    }
    Ok(graph)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_their_faults_located() {
        let good = "version: 1\nstages:\n  - { name: target.0, role: target, demand: { weight_bytes: 10 } }\n  - { name: target.1, role: target, demand: {} }\nedges:\n  - { from: target.0, to: target.1, bytes: 2 KiB }\n";
        let graph = from_yaml("s.yaml", good).unwrap();
        assert_eq!((graph.stages.len(), graph.edges[0].bytes), (2, 2048));
        for (from, to, part) in [
            (
                "from: target.0, to: target.1",
                "from: target.1, to: target.0",
                "comes before",
            ),
            (
                "from: target.0",
                "from: tarket.0",
                "there is no stage `tarket.0`",
            ),
            ("name: target.1", "name: target.0", "two stages `target.0`"),
            ("role: target", "role: control", "control is no model"),
            (
                "bytes: 2 KiB",
                "bytes: 2 ms",
                "is a time, where a size is wanted",
            ),
            ("demand: {}", "demands: {}", "unknown field `demands`"),
        ] {
            let error = from_yaml("s.yaml", &good.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert!(error.place().is_some());
        }
    }
}
