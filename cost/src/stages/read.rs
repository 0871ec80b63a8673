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

use super::{StageDemand, StageEdge, StageGraph};
use crate::CostError;
use crate::units::{Bytes, Quantity};
use crate::workload::{Role, SubgraphDemand};
use crate::yaml::{self, Step};
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

impl StageGraph {
    /// Reads `stages.yaml`.
    ///
    /// # Errors
    /// [`CostError::Read`] when it cannot be read; [`CostError::File`] with line and column for
    /// unknown keys, unknown or repeated names, stages of control, and a stage that comes before
    /// what it needs.
    pub fn load(path: &str) -> Result<Self, CostError> {
        Self::from_yaml(path, &yaml::slurp(path)?)
    }

    /// As [`StageGraph::load`], from text; `file` names it in errors.
    ///
    /// # Errors
    /// [`CostError::File`], as there.
    pub fn from_yaml(file: &str, text: &str) -> Result<Self, CostError> {
        let read: StageFile = yaml::read(file, text)?;
        let fail = |path: &[Step<'_>], message: String, help: Option<String>| {
            Err(yaml::at(file, text, path, message, help))
        };
        let mut graph = Self::default();
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
                    let help = crate::text::suggestion(name, "stages", names);
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
}
