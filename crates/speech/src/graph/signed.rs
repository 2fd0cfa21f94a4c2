//! Gives the inputs of integer convolutions a sign.
//!
//! The quantiser gives unsigned bytes, and the models come with unsigned weights. x86 processors
//! multiply unsigned bytes by signed ones (VNNI, AMX), and ONNX Runtime has a fast kernel for just
//! that; for two unsigned sides it widens everything first. A byte and its zero point moved down
//! by 128 together stand for the same number, so the sums are the same to the last bit.

use std::collections::{HashMap, HashSet};

use prost::Message;
use prost::bytes::Bytes;

use super::SIGNED;
use super::schema::{ATTRIBUTE_INT, Attribute, Graph, INT8, Node, Tensor, UINT8};

/// What is taken off; no exporter gives a value this name.
const OFFSET: &str = "128#signed";

pub(super) fn sign_convolutions(graph: &mut Graph) {
    // Whatever else a convolution takes its input from may not be bytes without a sign.
    let quantised: HashMap<String, String> = graph
        .node
        .iter()
        .filter(|node| node.op_type == "DynamicQuantizeLinear")
        .filter_map(|node| Some((node.output.first()?.clone(), node.output.get(2)?.clone())))
        .collect();
    let mut signed = HashSet::new();
    let mut nodes = Vec::with_capacity(graph.node.len());
    for mut node in std::mem::take(&mut graph.node) {
        let zero_point = node.input.first().and_then(|input| quantised.get(input));
        if zero_point.is_some_and(|zero_point| node.is_convolution_of(&node.input[0], zero_point)) {
            for input in [0, 2] {
                let unsigned = std::mem::take(&mut node.input[input]);
                node.input[input] = format!("{unsigned}{SIGNED}");
                if signed.insert(unsigned.clone()) {
                    nodes.extend(that_sign(&unsigned));
                }
            }
        }
        nodes.push(node);
    }
    graph.node = nodes;
    if !signed.is_empty() {
        graph.initializer.push(offset().encode_to_vec().into());
    }
}

/// Flipping the highest bit takes 128 off, when the result is read with a sign.
fn that_sign(unsigned: &str) -> [Node; 2] {
    let flipped = format!("{unsigned}#flipped");
    let node = |op_type: &str, input: &[&str], output: &str| Node {
        input: input.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        name: format!("{output}#{op_type}"),
        op_type: op_type.to_owned(),
        ..Node::default()
    };
    let mut cast = node("Cast", &[&flipped], &format!("{unsigned}{SIGNED}"));
    cast.attribute.push(to_int8().encode_to_vec().into());
    [node("BitwiseXor", &[unsigned, OFFSET], &flipped), cast]
}

/// A scalar of one byte.
fn offset() -> Tensor {
    Tensor {
        data_type: UINT8,
        name: OFFSET.to_owned(),
        raw_data: Bytes::from_static(&[128]),
        ..Tensor::default()
    }
}

fn to_int8() -> Attribute {
    Attribute {
        name: "to".to_owned(),
        i: INT8.into(),
        r#type: ATTRIBUTE_INT,
        ..Attribute::default()
    }
}
