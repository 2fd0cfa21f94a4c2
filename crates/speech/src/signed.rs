//! Rewrites a quantised model so that its convolutions use the processor's 8-bit dot products.
//!
//! The quantiser gives unsigned bytes, and the models come with unsigned weights. x86 processors
//! multiply unsigned bytes by signed ones (VNNI, AMX), and ONNX Runtime has a fast kernel for just
//! that; for two unsigned sides it widens everything first. A byte and its zero point moved down
//! by 128 together stand for the same number, so the sums are the same to the last bit.

use std::collections::HashSet;

use prost::Message;
use prost::bytes::Bytes;

/// Whether the rewritten model is faster here. Without dot products the kernel for mixed signs
/// saturates at 16 bits, so the sums would be wrong as well.
pub(crate) fn is_worthwhile() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// The model with signed inputs to its integer convolutions.
///
/// # Errors
/// `model` is no ONNX model.
pub(crate) fn rewrite(model: Bytes) -> Result<Vec<u8>, prost::DecodeError> {
    let mut model = Model::decode(model)?;
    if let Some(graph) = &mut model.graph {
        graph.sign_convolutions();
    }
    Ok(model.encode_to_vec())
}

/// Added to and taken from names of the model; no exporter writes it.
const SIGNED: &str = "#signed";
const OFFSET: &str = "128#signed";

impl Graph {
    fn sign_convolutions(&mut self) {
        // Whatever else a convolution takes its input from may not be bytes without a sign.
        let quantised: HashSet<String> = self
            .node
            .iter()
            .filter(|node| node.op_type == "DynamicQuantizeLinear")
            .flat_map(|node| node.output.iter().cloned())
            .collect();
        let mut signed = HashSet::new();
        let mut nodes = Vec::with_capacity(self.node.len());
        for mut node in std::mem::take(&mut self.node) {
            if node.is_convolution_of(&quantised) {
                for input in [0, 2] {
                    let unsigned = std::mem::take(&mut node.input[input]);
                    node.input[input] = format!("{unsigned}{SIGNED}");
                    if signed.insert(unsigned.clone()) {
                        nodes.extend(Node::that_sign(&unsigned));
                    }
                }
            }
            nodes.push(node);
        }
        self.node = nodes;
        if !signed.is_empty() {
            self.initializer
                .push(Tensor::offset().encode_to_vec().into());
        }
    }
}

impl Node {
    /// Whether this is an integer convolution whose input and zero point are both among these.
    fn is_convolution_of(&self, quantised: &HashSet<String>) -> bool {
        let is_quantised =
            |input| (self.input.get(input)).is_some_and(|name: &String| quantised.contains(name));
        self.op_type == "ConvInteger" && is_quantised(0) && is_quantised(2)
    }

    /// Flipping the highest bit takes 128 off, when the result is read with a sign.
    fn that_sign(unsigned: &str) -> [Self; 2] {
        let flipped = format!("{unsigned}#flipped");
        let node = |op_type: &str, input: &[&str], output: &str| Self {
            input: input.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: format!("{output}#{op_type}"),
            op_type: op_type.to_owned(),
            ..Self::default()
        };
        let mut cast = node("Cast", &[&flipped], &format!("{unsigned}{SIGNED}"));
        cast.attribute
            .push(Attribute::to_int8().encode_to_vec().into());
        [node("BitwiseXor", &[unsigned, OFFSET], &flipped), cast]
    }
}

impl Tensor {
    /// A scalar of one byte.
    fn offset() -> Self {
        Self {
            data_type: UINT8,
            name: OFFSET.to_owned(),
            raw_data: vec![128],
        }
    }
}

impl Attribute {
    fn to_int8() -> Self {
        Self {
            name: "to".to_owned(),
            i: INT8.into(),
            r#type: ATTRIBUTE_INT,
        }
    }
}

// What follows is ONNX's schema as far as it is needed here, with every field of the three outer
// messages, so that none is lost; what is only passed on stays encoded.

const UINT8: i32 = 2;
const INT8: i32 = 3;
const ATTRIBUTE_INT: i32 = 2;

#[derive(Message)]
struct Model {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(string, tag = "2")]
    producer_name: String,
    #[prost(string, tag = "3")]
    producer_version: String,
    #[prost(string, tag = "4")]
    domain: String,
    #[prost(int64, tag = "5")]
    model_version: i64,
    #[prost(string, tag = "6")]
    doc_string: String,
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
    #[prost(bytes = "bytes", repeated, tag = "8")]
    opset_import: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "14")]
    metadata_props: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "20")]
    training_info: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "25")]
    functions: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "26")]
    configuration: Vec<Bytes>,
}

#[derive(Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    initializer: Vec<Bytes>,
    #[prost(string, tag = "10")]
    doc_string: String,
    #[prost(bytes = "bytes", repeated, tag = "11")]
    input: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "12")]
    output: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "13")]
    value_info: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "14")]
    quantization_annotation: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "15")]
    sparse_initializer: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "16")]
    metadata_props: Vec<Bytes>,
}

#[derive(Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    attribute: Vec<Bytes>,
    #[prost(string, tag = "6")]
    doc_string: String,
    #[prost(string, tag = "7")]
    domain: String,
    #[prost(string, tag = "8")]
    overload: String,
    #[prost(bytes = "bytes", repeated, tag = "9")]
    metadata_props: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "10")]
    device_configurations: Vec<Bytes>,
}

#[derive(Message)]
struct Tensor {
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

#[derive(Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int64, tag = "3")]
    i: i64,
    #[prost(int32, tag = "20")]
    r#type: i32,
}

#[cfg(test)]
mod tests {
    use ort::value::TensorRef;

    use super::*;
    use crate::runtime::Runtime;

    fn node(op_type: &str, input: &[&str], output: &[&str]) -> Node {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Node {
            input: names(input),
            output: names(output),
            op_type: op_type.to_owned(),
            ..Node::default()
        }
    }

    fn shown(node: &[Node]) -> String {
        let lines = node.iter().map(|node| {
            let Node {
                input,
                output,
                op_type,
                ..
            } = node;
            format!("{} = {op_type}({})\n", output.join(", "), input.join(", "))
        });
        lines.collect()
    }

    #[test]
    fn quantised_inputs_of_convolutions_are_signed_once() {
        let model = Model {
            ir_version: 9,
            graph: Some(Graph {
                node: vec![
                    node("DynamicQuantizeLinear", &["x"], &["q", "scale", "zero"]),
                    node("MatMulInteger", &["q", "w", "zero", "wz"], &["m"]),
                    node("ConvInteger", &["q", "w", "zero", "wz"], &["a"]),
                    node("ConvInteger", &["q", "v", "zero", "vz"], &["b"]),
                    node("ConvInteger", &["given", "w", "zero", "wz"], &["c"]),
                    node("ConvInteger", &["q", "w"], &["d"]),
                ],
                input: vec![Bytes::from_static(b"an input")],
                ..Graph::default()
            }),
            ..Model::default()
        };
        let rewritten = rewrite(model.encode_to_vec().into()).unwrap();
        let rewritten = Model::decode(rewritten.as_slice()).unwrap();
        assert_eq!(rewritten.ir_version, 9);
        let graph = rewritten.graph.unwrap();
        assert_eq!(graph.input, [Bytes::from_static(b"an input")]);
        assert_eq!(graph.initializer.len(), 1);
        insta::assert_snapshot!(shown(&graph.node));
    }

    /// Sums of integers are exact, so the sound must be too. Speaks where dot products are there.
    #[test]
    fn the_rewritten_model_makes_the_same_sound() {
        let dir = std::env::var_os("MODELS_DIR")
            .expect("MODELS_DIR is not set: run `cargo xtask setup`, and set it to its models");
        let dir = std::path::Path::new(&dir);
        let runtime = Runtime::start(&dir.join("onnxruntime/libonnxruntime.so")).unwrap();
        let path = dir.join("kokoro/kokoro-v1.0.int8.onnx");
        let style = std::fs::read(dir.join("kokoro/voices/af_heart.bin")).unwrap();
        let style: Vec<f32> = style[..1024]
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect();
        let say = |mut session: ort::session::Session| {
            let tokens = [0i64, 50, 83, 54, 156, 57, 135, 0];
            let inputs = ort::inputs![
                "tokens" => TensorRef::from_array_view(([1, tokens.len()], &tokens[..])).unwrap(),
                "style" => TensorRef::from_array_view(([1usize, 256], style.as_slice())).unwrap(),
                "speed" => TensorRef::from_array_view(([1usize], &[1.0f32][..])).unwrap(),
            ];
            let outputs = session.run(inputs).unwrap();
            let (_, sound) = outputs["audio"].try_extract_tensor::<f32>().unwrap();
            sound.to_vec()
        };
        let given = say(runtime.load(path.clone(), 2).unwrap());
        let rewritten = say(runtime.load_quantised(path, 2).unwrap());
        assert!(given.len() > 10_000, "{} samples", given.len());
        assert!(given == rewritten, "the sounds differ");
    }

    #[test]
    fn what_is_no_model_is_refused() {
        assert!(rewrite(Bytes::from_static(b"\x3a\xff")).is_err());
    }
}
