//! Makes a convolution of a short-time Fourier transform.
//!
//! ONNX Runtime computes the operator on one thread, from the definition. Each number of a short
//! frame's spectrum is a weighted sum of the frame, so a convolution with windowed waves is the same.

use std::collections::HashMap;
use std::f64::consts::TAU;

use prost::bytes::Bytes;
use prost::{DecodeError, Message};

use super::schema::{ATTRIBUTE_INTS, Attribute, FLOAT, Graph, INT64, Node, Tensor};

/// Longer frames are for a fast transform.
const LONGEST: usize = 64;

pub(super) fn convolve_spectra(graph: &mut Graph) -> Result<(), DecodeError> {
    let wanted: Vec<&str> = graph
        .node
        .iter()
        .filter(|node| node.op_type == "STFT")
        .flat_map(|node| node.input.iter().map(String::as_str))
        .collect();
    let mut constants = HashMap::new();
    for tensor in &graph.initializer {
        // Weights are long, and none of them is looked for.
        if tensor.len() < 1_024 {
            let tensor = Tensor::decode(tensor.clone())?;
            if wanted.contains(&tensor.name.as_str()) {
                constants.insert(tensor.name.clone(), tensor);
            }
        }
    }
    let mut nodes = Vec::with_capacity(graph.node.len());
    for node in std::mem::take(&mut graph.node) {
        match Transform::of(&node, &constants)? {
            Some(transform) => {
                let (steps, weights) = transform.as_convolution();
                nodes.extend(steps);
                let weights = weights.iter().map(|tensor| tensor.encode_to_vec().into());
                graph.initializer.extend(weights);
            }
            None => nodes.push(node),
        }
    }
    graph.node = nodes;
    Ok(())
}

/// From a signal [1, samples] to its spectra [1, frames, bins, 2].
struct Transform {
    signal: String,
    spectra: String,
    step: i64,
    window: Vec<f32>,
}

impl Transform {
    fn of(node: &Node, constants: &HashMap<String, Tensor>) -> Result<Option<Self>, DecodeError> {
        let ([signal, step, window, length], [spectra], [one_sided]) = (
            node.input.as_slice(),
            node.output.as_slice(),
            node.attribute.as_slice(),
        ) else {
            return Ok(None);
        };
        let one_sided = Attribute::decode(one_sided.clone())?;
        let is_one_sided = one_sided.name == "onesided" && one_sided.i == 1;
        let constant = |name: &str| constants.get(name);
        let (Some(step), Some(window), Some(length)) = (
            constant(step).and_then(Tensor::whole_number),
            constant(window).and_then(Tensor::numbers),
            constant(length).and_then(Tensor::whole_number),
        ) else {
            return Ok(None);
        };
        let fits = length == window.len() as i64 && window.len() <= LONGEST;
        Ok(
            (node.op_type == "STFT" && is_one_sided && fits).then(|| Self {
                signal: signal.clone(),
                spectra: spectra.clone(),
                step,
                window,
            }),
        )
    }

    fn as_convolution(&self) -> ([Node; 4], [Tensor; 3]) {
        let named = |part: &str| format!("{}#{part}", self.spectra);
        let length = self.window.len();
        let bins = length / 2 + 1;
        let mut waves = Vec::with_capacity(2 * bins * length);
        for bin in 0..bins {
            let angle = |at: usize| TAU * (bin * at) as f64 / length as f64;
            let window = || self.window.iter().enumerate();
            waves.extend(window().map(|(at, &weight)| weight * angle(at).cos() as f32));
            waves.extend(window().map(|(at, &weight)| weight * -angle(at).sin() as f32));
        }
        let step = |op_type: &str, input: [String; 2], output: String| Node {
            name: format!("{output}#{op_type}"),
            input: input.into(),
            output: vec![output],
            op_type: op_type.to_owned(),
            ..Node::default()
        };
        let mut convolution = step("Conv", [named("signal"), named("waves")], named("rows"));
        convolution
            .attribute
            .push(integers("strides", &[self.step]));
        let mut transposition = Node {
            input: vec![named("rows")],
            ..step("Transpose", Default::default(), named("columns"))
        };
        transposition.attribute.push(integers("perm", &[0, 2, 1]));
        let steps = [
            step(
                "Reshape",
                [self.signal.clone(), named("as one row")],
                named("signal"),
            ),
            convolution,
            transposition,
            step(
                "Reshape",
                [named("columns"), named("as pairs")],
                self.spectra.clone(),
            ),
        ];
        let dims = [2 * bins as i64, 1, length as i64];
        let weights = [
            Tensor::of_numbers(named("waves"), &dims, &waves),
            Tensor::of_sizes(named("as one row"), &[1, 1, -1]),
            // 0 stands for what it was.
            Tensor::of_sizes(named("as pairs"), &[0, 0, bins as i64, 2]),
        ];
        (steps, weights)
    }
}

fn integers(name: &str, ints: &[i64]) -> Bytes {
    let attribute = Attribute {
        name: name.to_owned(),
        ints: ints.to_vec(),
        r#type: ATTRIBUTE_INTS,
        ..Attribute::default()
    };
    attribute.encode_to_vec().into()
}

impl Tensor {
    fn whole_number(&self) -> Option<i64> {
        let is_one = self.data_type == INT64 && self.dims.iter().product::<i64>() == 1;
        match self.int64_data[..] {
            [number] if is_one => Some(number),
            [] if is_one => Some(i64::from_le_bytes(self.raw_data[..].try_into().ok()?)),
            _ => None,
        }
    }

    fn numbers(&self) -> Option<Vec<f32>> {
        if self.data_type != FLOAT {
            return None;
        }
        if !self.float_data.is_empty() {
            return Some(self.float_data.clone());
        }
        let (numbers, rest) = self.raw_data.as_chunks::<4>();
        rest.is_empty().then(|| {
            numbers
                .iter()
                .map(|&number| f32::from_le_bytes(number))
                .collect()
        })
    }

    fn of_numbers(name: String, dims: &[i64], numbers: &[f32]) -> Self {
        let bytes: Vec<u8> = numbers.iter().flat_map(|each| each.to_le_bytes()).collect();
        Self {
            name,
            data_type: FLOAT,
            dims: dims.to_vec(),
            raw_data: bytes.into(),
            ..Self::default()
        }
    }

    fn of_sizes(name: String, sizes: &[i64]) -> Self {
        let bytes: Vec<u8> = sizes.iter().flat_map(|each| each.to_le_bytes()).collect();
        Self {
            name,
            data_type: INT64,
            dims: vec![sizes.len() as i64],
            raw_data: bytes.into(),
            ..Self::default()
        }
    }
}
