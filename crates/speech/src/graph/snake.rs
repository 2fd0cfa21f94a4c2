//! Finds the stretches of a vocoder that normalise, bend by the snake activation and quantise.
//!
//! ONNX has no operator for either, so some fifteen steps go over the same samples, each through
//! all of memory, and those that take means and sines on one thread.

use super::SIGNED;
use super::fusion::{Fusion, View};
use super::operator::NormalisedSnake;
use super::schema::Node;

/// One operator in place of a stretch that `quantiser` ends.
pub(super) fn fusion(view: &View<'_>, quantiser: &Node) -> Option<Fusion> {
    let [bytes, scale, zero_point] = quantiser.output.as_slice() else {
        return None;
    };
    let [bent] = view.made_by(bytes, "DynamicQuantizeLinear")?;
    let are_convolved = [bytes, zero_point].into_iter().all(|name| {
        let takers = view.takers(name);
        let is_convolution = |taker: &&Node| taker.is_convolution_of(bytes, zero_point);
        !takers.is_empty() && takers.iter().all(is_convolution)
    });
    if !are_convolved {
        return None;
    }
    let Snake {
        value,
        alpha,
        reciprocal,
    } = Snake::of(view, bent)?;
    let (normal, gain, shift) = scaled(view, value)?;
    let (x, epsilon) = normalised(view, normal)?;
    let inputs = [x, gain, shift, alpha, reciprocal, epsilon];
    let signed = [bytes, zero_point].map(|name| (name.clone(), format!("{name}{SIGNED}")));
    let outputs = [signed[0].1.clone(), scale.clone(), signed[1].1.clone()];
    Some(Fusion {
        node: NormalisedSnake::node(inputs, outputs),
        replaced: view.steps(bent, &inputs),
        renamed: signed.into(),
    })
}

/// `value + reciprocal * sin(alpha * value)²`
struct Snake<'a> {
    value: &'a str,
    alpha: &'a str,
    reciprocal: &'a str,
}

impl<'a> Snake<'a> {
    fn of(view: &View<'a>, name: &str) -> Option<Self> {
        let ((sine, reciprocal), value) = view.either(name, "Add", |wave| {
            view.either(wave, "Mul", |squared| {
                let [sine, exponent] = view.made_by(squared, "Pow")?;
                view.is_two(exponent).then_some(sine)
            })
        })?;
        let [angle] = view.made_by(sine, "Sin")?;
        let ((), alpha) = view.either(angle, "Mul", |factor| (factor == value).then_some(()))?;
        Some(Self {
            value,
            alpha,
            reciprocal,
        })
    }
}

/// `gain * normal + shift`, of which gives the three.
fn scaled<'a>(view: &View<'a>, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let ((normal, gain), shift) = view.either(name, "Add", |scaled| {
        view.either(scaled, "Mul", |normal| {
            view.is_made_by(normal, "Div").then_some(normal)
        })
    })?;
    Some((normal, gain, shift))
}

/// `(x - mean) / sqrt(variance + epsilon)`, of which gives `x` and `epsilon`.
fn normalised<'a>(view: &View<'a>, name: &str) -> Option<(&'a str, &'a str)> {
    let [centred, deviation] = view.made_by(name, "Div")?;
    let [x, mean] = view.made_by(centred, "Sub")?;
    let [raised] = view.made_by(deviation, "Sqrt")?;
    let mean_of = |name: &str| {
        let [of, _axes] = view.made_by(name, "ReduceMean")?;
        Some(of)
    };
    let (squares, epsilon) = view.either(raised, "Add", mean_of)?;
    let is_variance = view.made_by(squares, "Mul")? == [centred, centred];
    (mean_of(mean)? == x && is_variance).then_some((x, epsilon))
}
