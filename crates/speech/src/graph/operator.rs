//! The operator that stands for normalisation, snake activation and quantisation in one.

use std::sync::{Mutex, PoisonError};

use ort::operator::{
    ComputeContext, Kernel, KernelContext, Operator, OperatorDomain, OperatorInput, OperatorOutput,
};
use ort::value::TensorElementType::{Float32, Int8};
use prost::Message;
use prost::bytes::Bytes;
use speech_kernels::{Channel, Quantisation, Range};

use super::SIGNED;
use super::schema::{Node, Opset};

const DOMAIN: &str = "insta.speech";
const NAME: &str = "NormalisedSnake";

/// What sessions of rewritten models must know.
pub(crate) fn operators() -> ort::Result<OperatorDomain> {
    OperatorDomain::new(DOMAIN)?.add(NormalisedSnake)
}

/// The line of a model that says so.
pub(super) fn opset() -> Bytes {
    let opset = Opset {
        domain: DOMAIN.to_owned(),
        version: 1,
    };
    opset.encode_to_vec().into()
}

/// The operator in place of a `DynamicQuantizeLinear` with these outputs, of which the bytes and
/// the zero point get a sign. Inputs are x [1, channels, samples]; gain, shift, alpha and the
/// reciprocal of alpha, each a number a channel; epsilon.
pub(super) fn node(inputs: [String; 6], outputs: Vec<String>) -> Node {
    let mut output = outputs;
    for signed in [0, 2] {
        output[signed].push_str(SIGNED);
    }
    Node {
        name: format!("{}#{NAME}", output[0]),
        input: inputs.into(),
        output,
        op_type: NAME.to_owned(),
        domain: DOMAIN.to_owned(),
        ..Node::default()
    }
}

struct NormalisedSnake;

impl Operator for NormalisedSnake {
    type Kernel<'a> = NormalisedSnake;

    fn name(&self) -> &str {
        NAME
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [Float32; 6].map(OperatorInput::required)
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [Int8, Float32, Int8].map(OperatorOutput::required)
    }

    fn create_kernel<'a>(&self, _: &KernelContext<'a>) -> ort::Result<Self::Kernel<'a>> {
        Ok(Self)
    }
}

impl Kernel for NormalisedSnake {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        let missing = || ort::Error::new("an input or output is missing");
        let input = |at| context.input(at)?.ok_or_else(missing);
        let inputs = [
            input(0)?,
            input(1)?,
            input(2)?,
            input(3)?,
            input(4)?,
            input(5)?,
        ];
        let (shape, x) = inputs[0].try_extract_tensor::<f32>()?;
        let &[1, count, length] = &shape[..] else {
            return Err(ort::Error::new(format!(
                "{shape:?} is not [1, channels, samples]"
            )));
        };
        let (count, length) = (count as usize, length as usize);
        let mut parameters = [&[0.0f32][..]; 5];
        for (parameter, input) in parameters.iter_mut().zip(&inputs[1..]) {
            *parameter = input.try_extract_tensor::<f32>()?.1;
        }
        let [gain, shift, alpha, reciprocal, epsilon] = parameters;
        if [gain, shift, alpha, reciprocal]
            .iter()
            .any(|each| each.len() != count)
        {
            return Err(ort::Error::new("not one parameter a channel"));
        }
        let &[epsilon] = epsilon else {
            return Err(ort::Error::new("epsilon is no single number"));
        };
        let mut bytes = context
            .output(0, [1, count as i64, length as i64])?
            .ok_or_else(missing)?;
        let mut scale = context.output(1, [0i64; 0])?.ok_or_else(missing)?;
        let mut zero_point = context.output(2, [0i64; 0])?.ok_or_else(missing)?;
        if count == 0 || length == 0 {
            return Err(ort::Error::new("nothing to quantise"));
        }

        // Cells, because each is written by whichever thread comes to its channel.
        let channels: Vec<Mutex<Row>> = bytes
            .try_extract_tensor_mut::<i8>()?
            .1
            .chunks_exact_mut(length)
            .map(|bytes| {
                Mutex::new(Row {
                    bytes,
                    measured: None,
                })
            })
            .collect();
        let row = |at: usize| channels[at].lock().unwrap_or_else(PoisonError::into_inner);
        let measure = |at: usize| {
            let channel = Channel::new(
                &x[at * length..][..length],
                gain[at],
                shift[at],
                alpha[at],
                reciprocal[at],
                epsilon,
            );
            row(at).measured = Some((channel, channel.range()));
        };
        context.par_for(count, 0, measure)?;
        let ranges = (0..count).filter_map(|at| Some(row(at).measured?.1));
        let quantisation = Quantisation::of(ranges.fold(Range::EMPTY, Range::and));
        let quantise = |at: usize| {
            let row = &mut *row(at);
            if let Some((channel, _)) = row.measured {
                channel.quantise(quantisation, row.bytes);
            }
        };
        context.par_for(count, 0, quantise)?;
        scale.try_extract_tensor_mut::<f32>()?.1[0] = quantisation.scale;
        zero_point.try_extract_tensor_mut::<i8>()?.1[0] = quantisation.zero_point;
        Ok(())
    }
}

struct Row<'a> {
    bytes: &'a mut [i8],
    measured: Option<(Channel<'a>, Range)>,
}
