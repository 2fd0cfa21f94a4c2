//! Puts one step in place of several.

use std::collections::{HashMap, HashSet};

use prost::{DecodeError, Message};

use super::schema::{FLOAT, Graph, Node, Tensor, ValueInfo};

/// One step in place of several.
pub(super) struct Fusion {
    /// Which step it takes the place of; it takes that one's results over.
    pub(super) node: Node,
    /// The results of the steps that it replaces. Those that others take are made all the same.
    pub(super) replaced: Vec<String>,
    /// Results that have another name now.
    pub(super) renamed: Vec<(String, String)>,
}

/// Carries fusions out, each at the place of a step of the graph.
pub(super) fn fuse(graph: &mut Graph, fusions: HashMap<usize, Fusion>) -> Result<(), DecodeError> {
    let mut wanted = HashSet::new();
    for output in &graph.output {
        wanted.insert(ValueInfo::decode(output.clone())?.name);
    }
    let mut replaced = HashSet::new();
    let mut renamed = HashMap::new();
    for (at, fusion) in fusions {
        graph.node[at] = fusion.node;
        replaced.extend(fusion.replaced);
        renamed.extend(fusion.renamed);
    }
    let mut kept = Vec::with_capacity(graph.node.len());
    for mut node in std::mem::take(&mut graph.node).into_iter().rev() {
        let is_replaced = node.output.iter().all(|name| replaced.contains(name));
        if is_replaced && !node.output.iter().any(|name| wanted.contains(name)) {
            continue;
        }
        for input in &mut node.input {
            if let Some(name) = renamed.get(input) {
                input.clone_from(name);
            }
        }
        wanted.extend(node.input.iter().cloned());
        kept.push(node);
    }
    kept.reverse();
    graph.node = kept;
    Ok(())
}

/// A graph to look things up in.
pub(super) struct View<'a> {
    makers: HashMap<&'a str, &'a Node>,
    takers: HashMap<&'a str, Vec<&'a Node>>,
    /// The constant scalars that are two.
    twos: HashSet<String>,
    outputs: HashSet<String>,
}

impl<'a> View<'a> {
    pub(super) fn of(graph: &'a Graph) -> Result<Self, DecodeError> {
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

    /// The steps that take `name`; none if it is a result of the graph.
    pub(super) fn takers(&self, name: &str) -> &[&'a Node] {
        match self.takers.get(name) {
            Some(takers) if !self.outputs.contains(name) => takers,
            _ => &[],
        }
    }

    /// The graph's own copy of the name of something that it makes.
    pub(super) fn name(&self, name: &str) -> Option<&'a str> {
        let (&name, _) = self.makers.get_key_value(name)?;
        Some(name)
    }

    pub(super) fn is_two(&self, name: &str) -> bool {
        self.twos.contains(name)
    }

    /// Whether a step of this kind makes `name`.
    pub(super) fn is_made_by(&self, name: &str, op_type: &str) -> bool {
        self.makers
            .get(name)
            .is_some_and(|maker| maker.op_type == op_type)
    }

    /// What a step of this kind takes to make `name`.
    pub(super) fn made_by<const N: usize>(
        &self,
        name: &str,
        op_type: &str,
    ) -> Option<[&'a str; N]> {
        let maker = self.makers.get(name)?;
        if maker.op_type != op_type {
            return None;
        }
        let inputs: Vec<&str> = maker.input.iter().map(String::as_str).collect();
        inputs.try_into().ok()
    }

    /// The same for a step whose two inputs may be in either order: the one for which `is_first`
    /// gives something, and the other.
    pub(super) fn either<T>(
        &self,
        name: &str,
        op_type: &str,
        is_first: impl Fn(&'a str) -> Option<T>,
    ) -> Option<(T, &'a str)> {
        let [a, b] = self.made_by(name, op_type)?;
        let first = |first, other| Some((is_first(first)?, other));
        first(a, b).or_else(|| first(b, a))
    }

    /// All that is made on the way from `inputs` to `name`.
    pub(super) fn steps(&self, name: &'a str, inputs: &[&str]) -> Vec<String> {
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

impl Tensor {
    fn is_two(&self) -> bool {
        self.data_type == FLOAT
            && self.dims.is_empty()
            && (self.float_data == [2.0] || self.raw_data == 2.0f32.to_le_bytes()[..])
    }
}
