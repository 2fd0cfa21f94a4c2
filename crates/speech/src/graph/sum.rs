//! Finds the steps that make numbers of the sums of an integer convolution, and those that add them
//! to what was there before: four small ones, each through all of memory.

use super::fusion::{Fusion, View};
use super::operator::ScaledSum;
use super::schema::Node;

/// One operator in place of the steps of which `last` is the last.
pub(super) fn fusion(view: &View<'_>, last: &Node) -> Option<Fusion> {
    let [output] = last.output.as_slice() else {
        return None;
    };
    let ((numbers, scaled), before) = match last.op_type.as_str() {
        "Mul" if !is_added(view, output) => {
            let numbers = view.name(output)?;
            ((numbers, Scaled::of(view, numbers)?), None)
        }
        "Add" => {
            let (found, before) = view.either(output, "Add", |numbers| {
                let scaled = Scaled::of(view, numbers)?;
                is_added(view, numbers).then_some((numbers, scaled))
            })?;
            (found, Some(before))
        }
        _ => return None,
    };
    let Scaled { sums, bias, scale } = scaled;
    Some(Fusion {
        node: ScaledSum::node([sums, bias, scale], before, output),
        replaced: view.steps(numbers, &[sums, bias, scale]),
        renamed: Vec::new(),
    })
}

/// Whether all that becomes of these numbers is that something is added.
fn is_added(view: &View<'_>, numbers: &str) -> bool {
    matches!(view.takers(numbers), [taker] if taker.op_type == "Add")
}

/// `(sums + bias) * scale`, where sums and bias are integers.
struct Scaled<'a> {
    sums: &'a str,
    bias: &'a str,
    scale: &'a str,
}

impl<'a> Scaled<'a> {
    fn of(view: &View<'a>, name: &str) -> Option<Self> {
        let ((sums, bias), scale) = view.either(name, "Mul", |wide| {
            let [biased] = view.made_by(wide, "Cast")?;
            view.either(biased, "Add", |sums| {
                view.is_made_by(sums, "ConvInteger").then_some(sums)
            })
        })?;
        Some(Self { sums, bias, scale })
    }
}
