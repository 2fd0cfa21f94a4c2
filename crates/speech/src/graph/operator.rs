//! The operators that stand for several steps in one.

use std::sync::{Mutex, PoisonError};

use ort::operator::{
    ComputeContext, Kernel, KernelContext, Operator, OperatorDomain, OperatorInput, OperatorOutput,
};
use ort::value::TensorElementType::{Float32, Int8, Int32};
use ort::value::ValueRef;
use prost::Message;
use prost::bytes::Bytes;
use speech_kernels::{Channel, Quantisation, Range, scale_sums};

use super::schema::{Node, Opset};

const DOMAIN: &str = "insta.speech";

/// What sessions of rewritten models must know.
pub(crate) fn operators() -> ort::Result<OperatorDomain> {
    OperatorDomain::new(DOMAIN)?
        .add(NormalisedSnake)?
        .add(ScaledSum)
}

/// The line of a model that says so.
pub(super) fn opset() -> Bytes {
    let opset = Opset {
        domain: DOMAIN.to_owned(),
        version: 1,
    };
    opset.encode_to_vec().into()
}

fn node(op_type: &str, inputs: &[&str], outputs: Vec<String>) -> Node {
    Node {
        name: format!("{}#{op_type}", outputs[0]),
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: outputs,
        op_type: op_type.to_owned(),
        domain: DOMAIN.to_owned(),
        ..Node::default()
    }
}

/// Normalises each channel, bends it by the snake activation and quantises all: see
/// [`Channel`] and [`Quantisation`].
pub(super) struct NormalisedSnake;

impl NormalisedSnake {
    const NAME: &str = "NormalisedSnake";

    /// Inputs are x [1, channels, samples]; gain, shift, alpha and the reciprocal of alpha, each a
    /// number a channel; epsilon. Outputs are bytes like x, their scale and their zero point.
    pub(super) fn node(inputs: [&str; 6], outputs: [String; 3]) -> Node {
        node(Self::NAME, &inputs, outputs.into())
    }
}

impl Operator for NormalisedSnake {
    type Kernel<'a> = Self;

    fn name(&self) -> &str {
        Self::NAME
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [Float32; 6].map(OperatorInput::required)
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [Int8, Float32, Int8].map(OperatorOutput::required)
    }

    fn create_kernel<'a>(&self, _: &KernelContext<'a>) -> ort::Result<Self> {
        Ok(Self)
    }
}

impl Kernel for NormalisedSnake {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        let x = input(context, 0)?;
        let (rows, x) = Rows::of(&x)?;
        let parameters = [1, 2, 3, 4].map(|at| input(context, at));
        let [gain, shift, alpha, reciprocal] = parameters;
        let (gain, shift, alpha, reciprocal) = (gain?, shift?, alpha?, reciprocal?);
        let gain = rows.parameters::<f32>(&gain)?;
        let shift = rows.parameters::<f32>(&shift)?;
        let alpha = rows.parameters::<f32>(&alpha)?;
        let reciprocal = rows.parameters::<f32>(&reciprocal)?;
        let epsilon = number(&input(context, 5)?)?;

        let mut bytes = output(context, 0, &rows.shape())?;
        let bytes = Cells::of(bytes.try_extract_tensor_mut::<i8>()?.1, rows.length);
        let mut measured = vec![None; rows.count];
        let measured = Cells::of(&mut measured, 1);
        context.par_for(rows.count, 0, |at| {
            let channel = Channel::new(
                &x[rows.range(at)],
                gain[at],
                shift[at],
                alpha[at],
                reciprocal[at],
                epsilon,
            );
            measured.with(at, |cell| cell[0] = Some((channel, channel.range())));
        })?;
        let mut range = Range::EMPTY;
        for at in 0..rows.count {
            measured.with(at, |cell| {
                if let Some((_, of_channel)) = cell[0] {
                    range = range.and(of_channel);
                }
            });
        }
        let quantisation = Quantisation::of(range);
        context.par_for(rows.count, 0, |at| {
            let channel = measured.with(at, |cell| cell[0]);
            if let Some((channel, _)) = channel {
                bytes.with(at, |bytes| channel.quantise(quantisation, bytes));
            }
        })?;
        let mut scale = output(context, 1, &[])?;
        scale.try_extract_tensor_mut::<f32>()?.1[0] = quantisation.scale;
        let mut zero_point = output(context, 2, &[])?;
        zero_point.try_extract_tensor_mut::<i8>()?.1[0] = quantisation.zero_point;
        Ok(())
    }
}

/// `(sums + bias) * scale + before`.
pub(super) struct ScaledSum;

impl ScaledSum {
    const NAME: &str = "ScaledSum";

    /// Inputs are sums [1, channels, samples] and the bias, a number a channel, both integers; the
    /// scale; and, if there is any, what is added, of as many numbers as there are sums. The output
    /// is like the sums.
    pub(super) fn node(inputs: [&str; 3], before: Option<&str>, output: &str) -> Node {
        let inputs: Vec<&str> = inputs.into_iter().chain(before).collect();
        node(Self::NAME, &inputs, vec![output.to_owned()])
    }
}

impl Operator for ScaledSum {
    type Kernel<'a> = Self;

    fn name(&self) -> &str {
        Self::NAME
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [
            OperatorInput::required(Int32),
            OperatorInput::required(Int32),
            OperatorInput::required(Float32),
            OperatorInput::optional(Float32),
        ]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(Float32)]
    }

    fn create_kernel<'a>(&self, _: &KernelContext<'a>) -> ort::Result<Self> {
        Ok(Self)
    }
}

impl Kernel for ScaledSum {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        let sums = input(context, 0)?;
        let (rows, sums) = Rows::of::<i32>(&sums)?;
        let bias = input(context, 1)?;
        let bias = rows.parameters::<i32>(&bias)?;
        let scale = number(&input(context, 2)?)?;
        let before = if context.num_inputs()? > 3 {
            context.input(3)?
        } else {
            None
        };
        let before = match &before {
            Some(before) => Some(before.try_extract_tensor::<f32>()?.1),
            None => None,
        };
        if before.is_some_and(|before| before.len() != sums.len()) {
            return Err(ort::Error::new("what is added is not like the sums"));
        }
        let mut result = output(context, 0, &rows.shape())?;
        let result = Cells::of(result.try_extract_tensor_mut::<f32>()?.1, rows.length);
        context.par_for(rows.count, 0, |at| {
            let range = rows.range(at);
            let before = before.map(|before| &before[range.clone()]);
            result.with(at, |result| {
                scale_sums(&sums[range], bias[at], scale, before, result);
            });
        })
    }
}

/// A tensor [1, channels, samples].
struct Rows {
    count: usize,
    length: usize,
}

impl Rows {
    fn of<'a, T: ort::value::PrimitiveTensorElementType>(
        tensor: &'a ValueRef<'_>,
    ) -> ort::Result<(Self, &'a [T])> {
        let (shape, values) = tensor.try_extract_tensor::<T>()?;
        match shape[..] {
            [1, count, length] if count > 0 && length > 0 => {
                let (count, length) = (count as usize, length as usize);
                Ok((Self { count, length }, values))
            }
            _ => Err(ort::Error::new(format!(
                "{shape:?} is not [1, channels, samples]"
            ))),
        }
    }

    fn shape(&self) -> [i64; 3] {
        [1, self.count as i64, self.length as i64]
    }

    fn range(&self, at: usize) -> std::ops::Range<usize> {
        at * self.length..(at + 1) * self.length
    }

    /// One for each row.
    fn parameters<'a, T: ort::value::PrimitiveTensorElementType>(
        &self,
        tensor: &'a ValueRef<'_>,
    ) -> ort::Result<&'a [T]> {
        let (shape, values) = tensor.try_extract_tensor::<T>()?;
        if values.len() == self.count {
            Ok(values)
        } else {
            let count = self.count;
            Err(ort::Error::new(format!(
                "{shape:?} is not one parameter for each of {count} channels"
            )))
        }
    }
}

/// A slice whose rows are written by whichever thread comes to them.
struct Cells<'a, T>(Vec<Mutex<&'a mut [T]>>);

impl<'a, T> Cells<'a, T> {
    fn of(values: &'a mut [T], length: usize) -> Self {
        Self(values.chunks_exact_mut(length).map(Mutex::new).collect())
    }

    fn with<R>(&self, at: usize, change: impl FnOnce(&mut [T]) -> R) -> R {
        change(&mut self.0[at].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn input(context: &ComputeContext, at: usize) -> ort::Result<ValueRef<'_>> {
    let missing = || ort::Error::new(format!("input {at} is missing"));
    context.input(at)?.ok_or_else(missing)
}

fn output<'a>(
    context: &'a ComputeContext,
    at: usize,
    shape: &[i64],
) -> ort::Result<ort::value::ValueRefMut<'a>> {
    let missing = || ort::Error::new(format!("output {at} is missing"));
    context.output(at, shape.to_vec())?.ok_or_else(missing)
}

fn number(tensor: &ValueRef<'_>) -> ort::Result<f32> {
    match tensor.try_extract_tensor::<f32>()?.1 {
        &[number] => Ok(number),
        numbers => Err(ort::Error::new(format!(
            "{} numbers instead of one",
            numbers.len()
        ))),
    }
}
