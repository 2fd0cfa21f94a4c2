//! The part of a model that leads to one of the values inside it.

use std::collections::HashSet;

use prost::bytes::Bytes;
use prost::{DecodeError, Message};

use super::schema::{Model, ValueInfo};

/// The model without what does not lead to `value`, which becomes its only output. A value that is not there is told
/// when the result is loaded.
///
/// # Errors
/// `model` is no ONNX model.
pub(crate) fn up_to(value: &str, model: Bytes) -> Result<Vec<u8>, DecodeError> {
    let mut model = Model::decode(model)?;
    if let Some(graph) = &mut model.graph {
        let mut needed = HashSet::from([value.to_owned()]);
        // Nodes stand in the order of execution, so what one needs comes before it.
        let mut kept: Vec<_> = std::mem::take(&mut graph.node)
            .into_iter()
            .rev()
            .filter(|node| {
                let is_needed = node.output.iter().any(|output| needed.contains(output));
                if is_needed {
                    needed.extend(node.input.iter().cloned());
                }
                is_needed
            })
            .collect();
        kept.reverse();
        graph.node = kept;
        let output = ValueInfo {
            name: value.to_owned(),
            r#type: None,
        };
        graph.output = vec![output.encode_to_vec().into()];
    }
    Ok(model.encode_to_vec())
}

#[cfg(test)]
mod unit {
    use super::*;
    use crate::graph::schema::{Graph, Node};

    #[test]
    fn only_what_leads_to_the_value_is_left() {
        let node = |name: &str, input: &[&str], output: &str| Node {
            name: name.to_owned(),
            input: input.iter().map(ToString::to_string).collect(),
            output: vec![output.to_owned()],
            ..Node::default()
        };
        let model = Model {
            graph: Some(Graph {
                node: vec![
                    node("first", &["in", "weights"], "a"),
                    node("aside", &["a"], "b"),
                    node("second", &["a"], "c"),
                    node("last", &["b", "c"], "out"),
                ],
                output: vec![Bytes::from_static(b"\x0a\x03out")],
                ..Graph::default()
            }),
            ..Model::default()
        };
        let cut = up_to("c", model.encode_to_vec().into()).expect("a model");
        let graph = Model::decode(&cut[..]).expect("a model").graph;
        let graph = graph.expect("a graph");
        let nodes: Vec<_> = graph.node.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(nodes, ["first", "second"]);
        assert_eq!(graph.output, [Bytes::from_static(b"\x0a\x01c")]);
        assert!(up_to("c", Bytes::from_static(b"no model")).is_err());
    }
}
