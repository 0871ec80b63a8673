//! The plan as a graph for Graphviz: subgraphs, their devices, and what
//! crosses between them.

use std::collections::BTreeMap;

use cost::Partition;
use cost::plan::Plan;
use cost::workload::Per;
use petgraph::dot::{Config, Dot};
use petgraph::graph::DiGraph;

/// The graph in the DOT language, one colour per device.
pub fn of(plan: &Plan) -> String {
    const COLOURS: [&str; 6] = [
        "lightblue",
        "lightgreen",
        "lightsalmon",
        "khaki",
        "plum",
        "lightgray",
    ];
    let mut graph: DiGraph<(String, &str), String> = DiGraph::new();
    let mut nodes = BTreeMap::new();
    for (role, placed) in &plan.roles {
        let device = plan
            .devices
            .iter()
            .position(|device| device.pu == placed.pu);
        let colour = COLOURS[device.unwrap_or_default() % COLOURS.len()];
        let latency = placed
            .latency
            .as_ref()
            .map(|latency| format!("\\n{:.3} ms per pass", latency.seconds * 1e3))
            .unwrap_or_default();
        let label = format!("{role}\\non {}{latency}", placed.pu);
        nodes.insert(*role, graph.add_node((label, colour)));
    }
    for crossing in &plan.crossings {
        let node = |role: Partition| nodes.get(&role).copied();
        if let (Some(from), Some(to)) = (node(crossing.from), node(crossing.to)) {
            let often = match crossing.per {
                Per::Draft => "per draft",
                Per::Round => "per round",
                Per::Once => "once",
            };
            let label = format!("{}\\n{} bytes {often}", crossing.what, crossing.bytes);
            graph.add_edge(from, to, label);
        }
    }
    let edge = |_, edge: petgraph::graph::EdgeReference<'_, String>| label(edge.weight());
    let node = |_, (_, (text, colour)): (_, &(String, &str))| {
        format!(
            "{}, shape=box, style=filled, fillcolor={colour}",
            label(text)
        )
    };
    let config = [Config::NodeNoLabel, Config::EdgeNoLabel];
    format!(
        "{:?}",
        Dot::with_attr_getters(&graph, &config, &edge, &node)
    )
}

/// `label="…"`, with line breaks that are already written as Graphviz has them.
fn label(text: &str) -> String {
    format!("label=\"{}\"", text.replace('"', "\\\""))
}
