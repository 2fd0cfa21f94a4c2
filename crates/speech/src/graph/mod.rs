//! Changes models as they are loaded: rewrites a synthesiser's graph, so that it runs faster and sounds the same, and
//! cuts off the part of a graph that is not needed.

mod cut;
mod fusion;
mod operator;
mod schema;
mod signed;
mod snake;
mod spectrum;
mod sum;

use prost::bytes::Bytes;
use prost::{DecodeError, Message};

pub(crate) use cut::up_to;
pub(crate) use operator::operators;
use schema::{Graph, Model, Node};

/// The model, faster, to be run with [`operators`].
///
/// # Errors
/// `model` is no ONNX model.
pub(crate) fn rewrite(model: Bytes) -> Result<Vec<u8>, DecodeError> {
    rewrite_for(has_dot_products(), model)
}

fn rewrite_for(has_dot_products: bool, model: Bytes) -> Result<Vec<u8>, DecodeError> {
    let mut model = Model::decode(model)?;
    if let Some(graph) = &mut model.graph {
        spectrum::convolve_spectra(graph)?;
        if has_dot_products {
            fuse(graph)?;
            signed::sign_convolutions(graph);
            model.opset_import.push(operator::opset());
        }
    }
    Ok(model.encode_to_vec())
}

fn fuse(graph: &mut Graph) -> Result<(), DecodeError> {
    let view = fusion::View::of(graph)?;
    let fusions = graph.node.iter().enumerate().filter_map(|(at, node)| {
        let fusion = snake::fusion(&view, node).or_else(|| sum::fusion(&view, node))?;
        Some((at, fusion))
    });
    let fusions = fusions.collect();
    fusion::fuse(graph, fusions)
}

/// Whether the processor multiplies bytes with a sign by such without one. Where it does not, the
/// kernel for mixed signs saturates at 16 bits, so the sums would be wrong, and other processors
/// were not measured.
fn has_dot_products() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// What is added to the name of a value to get that of the same value with a sign; no exporter
/// writes it.
const SIGNED: &str = "#signed";

impl Node {
    /// Whether this is an integer convolution of this value with this zero point.
    fn is_convolution_of(&self, value: &str, zero_point: &str) -> bool {
        let input = |at: usize| self.input.get(at).map(String::as_str);
        self.op_type == "ConvInteger" && input(0) == Some(value) && input(2) == Some(zero_point)
    }
}

#[cfg(test)]
mod tests;
