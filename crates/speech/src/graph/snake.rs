//! Finds the stretches of a vocoder that normalise, bend by the snake activation and quantise, and
//! puts one operator in their place.
//!
//! ONNX has no operator for either, so some fifteen steps go over the same samples, each through
//! all of memory, and those that take means and sines on one thread.

use std::collections::{HashMap, HashSet};

use prost::{DecodeError, Message};

use super::SIGNED;
use super::operator;
use super::schema::{FLOAT, Graph, Node, Tensor, ValueInfo};

/// Puts one operator in place of each stretch; whether there was any.
pub(super) fn fuse(graph: &mut Graph) -> Result<bool, DecodeError> {
    let view = View::of(graph)?;
    let stretches: HashMap<usize, Stretch> = graph
        .node
        .iter()
        .enumerate()
        .filter_map(|(at, node)| Some((at, view.stretch(node)?)))
        .collect();
    if stretches.is_empty() {
        return Ok(false);
    }
    let outputs = view.outputs;
    let mut replaced = HashSet::new();
    let mut signed = HashSet::new();
    for (at, stretch) in stretches {
        let quantiser = &mut graph.node[at];
        signed.extend([quantiser.output[0].clone(), quantiser.output[2].clone()]);
        replaced.extend(stretch.steps);
        *quantiser = operator::node(stretch.inputs, std::mem::take(&mut quantiser.output));
    }
    for node in &mut graph.node {
        for input in &mut node.input {
            if signed.contains(input) {
                input.push_str(SIGNED);
            }
        }
    }
    drop_unused(graph, &replaced, outputs);
    Ok(true)
}

/// Drops those of the replaced steps whose results nobody else takes.
fn drop_unused(graph: &mut Graph, replaced: &HashSet<String>, outputs: HashSet<String>) {
    let mut wanted = outputs;
    let mut kept = Vec::with_capacity(graph.node.len());
    for node in std::mem::take(&mut graph.node).into_iter().rev() {
        let is_replaced = node.output.iter().all(|name| replaced.contains(name));
        if is_replaced && !node.output.iter().any(|name| wanted.contains(name)) {
            continue;
        }
        wanted.extend(node.input.iter().cloned());
        kept.push(node);
    }
    kept.reverse();
    graph.node = kept;
}

/// What one operator takes the place of.
struct Stretch {
    /// In the order in which the operator takes them.
    inputs: [String; 6],
    /// The results of the steps before the quantiser.
    steps: Vec<String>,
}

/// A graph to look things up in.
struct View<'a> {
    makers: HashMap<&'a str, &'a Node>,
    takers: HashMap<&'a str, Vec<&'a Node>>,
    /// The constant scalars that are two.
    twos: HashSet<String>,
    outputs: HashSet<String>,
}

impl<'a> View<'a> {
    fn of(graph: &'a Graph) -> Result<Self, DecodeError> {
        let mut view = View {
            makers: HashMap::new(),
            takers: HashMap::new(),
            twos: HashSet::new(),
            outputs: HashSet::new(),
        };
        for node in &graph.node {
            for name in &node.output {
                view.makers.insert(name, node);
            }
            for name in &node.input {
                view.takers.entry(name).or_default().push(node);
            }
        }
        for tensor in &graph.initializer {
            // Most are weights, and long.
            if tensor.len() < 128 {
                let tensor = Tensor::decode(tensor.clone())?;
                if tensor.is_two() {
                    view.twos.insert(tensor.name);
                }
            }
        }
        for output in &graph.output {
            view.outputs.insert(ValueInfo::decode(output.clone())?.name);
        }
        Ok(view)
    }

    /// The step of this kind that makes `name`, and what it takes.
    fn made_by<const N: usize>(&self, name: &str, op_type: &str) -> Option<[&'a str; N]> {
        let maker = self.makers.get(name)?;
        if maker.op_type != op_type || !maker.domain.is_empty() {
            return None;
        }
        let inputs: Vec<&str> = maker.input.iter().map(String::as_str).collect();
        inputs.try_into().ok()
    }

    /// The same for a step whose two inputs may be in either order: the one for which `is_first`
    /// gives something, and the other.
    fn either<T>(
        &self,
        name: &str,
        op_type: &str,
        is_first: impl Fn(&'a str) -> Option<T>,
    ) -> Option<(T, &'a str)> {
        let [a, b] = self.made_by(name, op_type)?;
        let first = |first, other| Some((is_first(first)?, other));
        first(a, b).or_else(|| first(b, a))
    }

    fn stretch(&self, quantiser: &Node) -> Option<Stretch> {
        if quantiser.op_type != "DynamicQuantizeLinear" {
            return None;
        }
        let [bent] = quantiser.input.as_slice() else {
            return None;
        };
        let [bytes, _scale, zero_point] = quantiser.output.as_slice() else {
            return None;
        };
        let are_convolved = [bytes, zero_point].into_iter().all(|name| {
            let takers = self.takers.get(name.as_str());
            takers.is_some_and(|takers| {
                let mut takers = takers.iter();
                takers.all(|taker| taker.is_convolution_of(bytes, zero_point))
            }) && !self.outputs.contains(name)
        });
        if !are_convolved {
            return None;
        }
        let Snake {
            value,
            alpha,
            reciprocal,
        } = self.snake(bent)?;
        let (normal, gain, shift) = self.scaled(value)?;
        let (x, epsilon) = self.normalised(normal)?;
        let inputs = [x, gain, shift, alpha, reciprocal, epsilon];
        Some(Stretch {
            steps: self.steps(bent, &inputs),
            inputs: inputs.map(str::to_owned),
        })
    }

    /// `value + reciprocal * sin(alpha * value)²`
    fn snake(&self, name: &str) -> Option<Snake<'a>> {
        let ((sine, reciprocal), value) = self.either(name, "Add", |wave| {
            self.either(wave, "Mul", |squared| {
                let [sine, exponent] = self.made_by(squared, "Pow")?;
                self.twos.contains(exponent).then_some(sine)
            })
        })?;
        let [angle] = self.made_by(sine, "Sin")?;
        let ((), alpha) = self.either(angle, "Mul", |factor| (factor == value).then_some(()))?;
        Some(Snake {
            value,
            alpha,
            reciprocal,
        })
    }

    /// `gain * normal + shift`, of which gives the three.
    fn scaled(&self, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
        let ((normal, gain), shift) = self.either(name, "Add", |scaled| {
            self.either(scaled, "Mul", |normal| {
                self.made_by::<2>(normal, "Div").map(|_| normal)
            })
        })?;
        Some((normal, gain, shift))
    }

    /// `(x - mean) / sqrt(variance + epsilon)`, of which gives `x` and `epsilon`.
    fn normalised(&self, name: &str) -> Option<(&'a str, &'a str)> {
        let [centred, deviation] = self.made_by(name, "Div")?;
        let [x, mean] = self.made_by(centred, "Sub")?;
        let [raised] = self.made_by(deviation, "Sqrt")?;
        let (squares, epsilon) = self.either(raised, "Add", |variance| self.mean(variance))?;
        let is_variance = self.made_by(squares, "Mul")? == [centred, centred];
        (self.mean(mean)? == x && is_variance).then_some((x, epsilon))
    }

    fn mean(&self, name: &str) -> Option<&'a str> {
        let [of, _axes] = self.made_by(name, "ReduceMean")?;
        Some(of)
    }

    /// All that is made on the way from `inputs` to `name`.
    fn steps(&self, name: &str, inputs: &[&str]) -> Vec<String> {
        let mut steps = Vec::new();
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            let maker = self.makers.get(name).filter(|_| !inputs.contains(&name));
            if let Some(maker) = maker {
                steps.push(name.to_owned());
                open.extend(maker.input.iter().map(String::as_str));
            }
        }
        steps
    }
}

struct Snake<'a> {
    value: &'a str,
    alpha: &'a str,
    reciprocal: &'a str,
}

impl Tensor {
    fn is_two(&self) -> bool {
        self.data_type == FLOAT
            && self.dims.is_empty()
            && (self.float_data == [2.0] || self.raw_data == 2.0f32.to_le_bytes()[..])
    }
}
