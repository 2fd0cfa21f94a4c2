use std::path::PathBuf;

use ort::value::TensorRef;
use prost::Message;
use prost::bytes::Bytes;

use super::schema::{
    ATTRIBUTE_INT, Attribute, Dimension, FLOAT, Graph, INT64, Model, Node, Opset, Shape, Tensor,
    TensorType, Type, ValueInfo,
};
use super::{rewrite, rewrite_for};
use crate::runtime::Runtime;

fn models() -> PathBuf {
    std::env::var_os("MODELS_DIR")
        .expect("MODELS_DIR is not set: run `cargo xtask setup`, and set it to its models")
        .into()
}

fn node(op_type: &str, input: &[&str], output: &[&str]) -> Node {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Node {
        input: names(input),
        output: names(output),
        op_type: op_type.to_owned(),
        ..Node::default()
    }
}

/// What becomes of a graph with these steps and the result "sound".
fn rewritten(node: Vec<Node>) -> String {
    let scalar = |name: &str, value: f32| {
        let tensor = Tensor {
            data_type: FLOAT,
            name: name.to_owned(),
            raw_data: value.to_le_bytes().to_vec().into(),
            ..Tensor::default()
        };
        tensor.encode_to_vec().into()
    };
    let sound = ValueInfo {
        name: "sound".to_owned(),
        ..ValueInfo::default()
    };
    let model = Model {
        ir_version: 9,
        graph: Some(Graph {
            node,
            initializer: vec![scalar("two", 2.0), scalar("three", 3.0)],
            output: vec![sound.encode_to_vec().into()],
            ..Graph::default()
        }),
        ..Model::default()
    };
    let model = rewrite_for(true, model.encode_to_vec().into()).unwrap();
    let model = Model::decode(model.as_slice()).unwrap();
    assert_eq!(model.ir_version, 9);
    let graph = model.graph.unwrap();
    assert_eq!(graph.output.len(), 1);
    let lines = graph.node.iter().map(|node| {
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
    insta::assert_snapshot!(rewritten(vec![
        node("DynamicQuantizeLinear", &["x"], &["q", "scale", "zero"]),
        node("MatMulInteger", &["q", "w", "zero", "wz"], &["m"]),
        node("ConvInteger", &["q", "w", "zero", "wz"], &["a"]),
        node("ConvInteger", &["q", "v", "zero", "vz"], &["b"]),
        node("ConvInteger", &["given", "w", "zero", "wz"], &["c"]),
        node("ConvInteger", &["q", "w"], &["d"]),
    ]));
}

/// Normalised, bent by the snake, quantised and convolved; `exponent` is that of the sine.
fn snake(exponent: &str) -> Vec<Node> {
    vec![
        node("ReduceMean", &["x", "axes"], &["mean"]),
        node("Sub", &["x", "mean"], &["centred"]),
        node("Mul", &["centred", "centred"], &["square"]),
        node("ReduceMean", &["square", "axes"], &["variance"]),
        node("Add", &["variance", "epsilon"], &["raised"]),
        node("Sqrt", &["raised"], &["deviation"]),
        node("Div", &["centred", "deviation"], &["normal"]),
        node("Mul", &["gain", "normal"], &["scaled"]),
        node("Add", &["scaled", "shift"], &["value"]),
        node("Mul", &["alpha", "value"], &["angle"]),
        node("Sin", &["angle"], &["sine"]),
        node("Pow", &["sine", exponent], &["squared"]),
        node("Mul", &["reciprocal", "squared"], &["wave"]),
        node("Add", &["value", "wave"], &["bent"]),
        node("DynamicQuantizeLinear", &["bent"], &["q", "scale", "zero"]),
        node("ConvInteger", &["q", "w", "zero", "wz"], &["sum"]),
        node("Cast", &["sum"], &["wide"]),
        node("Mul", &["wide", "scale"], &["sound"]),
    ]
}

#[test]
fn a_snake_becomes_one_step() {
    insta::assert_snapshot!(rewritten(snake("two")));
}

#[test]
fn what_others_take_of_a_snake_is_still_made() {
    let mut with_others = snake("two");
    with_others.push(node("Neg", &["value"], &["other"]));
    insta::assert_snapshot!(rewritten(with_others));
}

#[test]
fn what_is_no_snake_stays() {
    let stays = |node: Vec<Node>| rewritten(node).contains("= Sin(angle)");
    assert!(stays(snake("three")), "another power");
    let mut others = snake("two");
    others.push(node("MatMulInteger", &["q", "w", "zero", "wz"], &["m"]));
    assert!(stays(others), "its bytes are not only convolved");
    let mut swapped = snake("two");
    swapped[1] = node("Sub", &["mean", "x"], &["centred"]);
    assert!(stays(swapped), "another difference");
    assert!(!stays(snake("two")));
}

/// The sums of a convolution made numbers, `last` being the step that takes them.
fn sums(last: Node) -> String {
    rewritten(vec![
        node("ConvInteger", &["q", "w", "zero", "wz"], &["sum"]),
        node("Add", &["sum", "bias"], &["biased"]),
        node("Cast", &["biased"], &["wide"]),
        node("Mul", &["wide", "scale"], &["numbers"]),
        last,
    ])
}

#[test]
fn sums_become_numbers_in_one_step_with_what_is_added() {
    insta::assert_snapshot!(sums(node("Add", &["before", "numbers"], &["sound"])), @r"
    sum = ConvInteger(q, w, zero, wz)
    sound = ScaledSum(sum, bias, scale, before)
    ");
    insta::assert_snapshot!(sums(node("Tanh", &["numbers"], &["sound"])), @r"
    sum = ConvInteger(q, w, zero, wz)
    numbers = ScaledSum(sum, bias, scale)
    sound = Tanh(numbers)
    ");
}

/// A model that makes spectra of frames of 20 samples, 5 apart.
fn stft() -> Vec<u8> {
    let sizes = |name: &str, sizes: i64| Tensor {
        name: name.to_owned(),
        data_type: INT64,
        raw_data: sizes.to_le_bytes().to_vec().into(),
        ..Tensor::default()
    };
    let window = (0..20).map(|n| (n as f32 * 0.157).sin()).collect();
    let window = Tensor {
        name: "window".to_owned(),
        data_type: FLOAT,
        dims: vec![20],
        float_data: window,
        ..Tensor::default()
    };
    let one_sided = Attribute {
        name: "onesided".to_owned(),
        i: 1,
        r#type: ATTRIBUTE_INT,
        ..Attribute::default()
    };
    let mut stft = node("STFT", &["signal", "step", "window", "length"], &["sound"]);
    stft.attribute.push(one_sided.encode_to_vec().into());
    let value = |name: &str, dimensions: &[&str]| {
        let dim = dimensions.iter().map(|&param| Dimension {
            param: param.to_owned(),
        });
        let tensor = TensorType {
            element: FLOAT,
            shape: Some(Shape { dim: dim.collect() }),
        };
        let value = ValueInfo {
            name: name.to_owned(),
            r#type: Some(Type {
                tensor: Some(tensor),
            }),
        };
        value.encode_to_vec().into()
    };
    let model = Model {
        ir_version: 9,
        opset_import: vec![
            Opset {
                domain: String::new(),
                version: 20,
            }
            .encode_to_vec()
            .into(),
        ],
        graph: Some(Graph {
            name: "spectra".to_owned(),
            node: vec![stft],
            initializer: [sizes("step", 5), window, sizes("length", 20)]
                .map(|tensor| tensor.encode_to_vec().into())
                .into(),
            input: vec![value("signal", &["one", "samples"])],
            output: vec![value("sound", &["one", "frames", "bins", "parts"])],
            ..Graph::default()
        }),
        ..Model::default()
    };
    model.encode_to_vec()
}

/// Against the definition, by the runtime itself.
#[test]
fn spectra_by_convolution_are_those_of_the_operator() {
    let dir = models();
    let runtime = Runtime::start(&dir.join("onnxruntime/libonnxruntime.so")).unwrap();
    let (given, convolved) = (stft(), rewrite(stft().into()).unwrap());
    let steps = |model: &[u8]| {
        let graph = Model::decode(model).unwrap().graph.unwrap();
        let steps = graph.node.into_iter().map(|node| node.op_type);
        steps.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(steps(&given), "STFT");
    assert_eq!(steps(&convolved), "Reshape Conv Transpose Reshape");
    let signal: Vec<f32> = (0..100).map(|n| ((n * n) as f32 * 0.1).sin()).collect();
    let spectra = |model: &[u8]| {
        let mut session = runtime
            .builder(1)
            .unwrap()
            .commit_from_memory(model)
            .unwrap();
        let signal = TensorRef::from_array_view(([1, signal.len()], &signal[..])).unwrap();
        let outputs = session.run(ort::inputs!["signal" => signal]).unwrap();
        let (shape, spectra) = outputs["sound"].try_extract_tensor::<f32>().unwrap();
        (shape.to_vec(), spectra.to_vec())
    };
    let (shape, expected) = spectra(&given);
    let (as_convolved, found) = spectra(&convolved);
    assert_eq!(shape, [1, 17, 11, 2]);
    assert_eq!(shape, as_convolved);
    for (expected, found) in expected.iter().zip(&found) {
        assert!((expected - found).abs() < 1e-4, "{found} is not {expected}");
    }
}

/// Its course of loudness is compared, not its samples: the phases of its source and the rounding
/// to bytes at every step make it so sensitive that a window changed by a millionth makes other
/// samples, a difference 12 dB below the sound, of which nothing is heard.
#[test]
fn the_rewritten_model_makes_the_same_sound() {
    let dir = models();
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
    let rewritten = say(runtime.load_synthesis(path, 2).unwrap());
    assert_eq!(given.len(), rewritten.len());
    assert!(given.len() > 10_000, "{} samples", given.len());
    let loudness = |sound: &[f32]| -> Vec<f32> {
        let windows = sound.chunks(240);
        let power = windows.map(|window| window.iter().map(|each| each * each).sum::<f32>());
        power
            .map(|power| 10.0 * (power / 240.0).max(1e-7).log10())
            .collect()
    };
    let (given, rewritten) = (loudness(&given), loudness(&rewritten));
    let differences: Vec<f32> = given
        .iter()
        .zip(rewritten)
        .map(|(a, b)| (a - b).abs())
        .collect();
    let mean = differences.iter().sum::<f32>() / differences.len() as f32;
    assert!(mean < 0.5, "the loudness differs by {mean} dB");
}

#[test]
fn what_is_no_model_is_refused() {
    assert!(rewrite(Bytes::from_static(b"\x3a\xff")).is_err());
}
