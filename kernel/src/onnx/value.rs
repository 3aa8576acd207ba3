//! What the names of a file stand for.

use crate::number::exact::Float;
use crate::onnx::tensor::Floats;

/// What a name in the file stands for.
#[derive(Clone, Debug)]
pub enum Value {
    /// A node of the graph, and its shape without the batch axis.
    Node(usize, Vec<usize>),
    /// A float constant.
    Floats(Vec<usize>, Floats),
    /// An integer constant; `None` is the batch size.
    Integers(Vec<usize>, Vec<Option<i64>>),
    /// Whether the first of two values is the larger one, entry by entry, of the shape without the batch axis. What it says
    /// where they are equal is left open.
    Larger(Box<[Value; 2]>, Vec<usize>),
    /// A node of the graph, its shape without the batch axis, and behind how many of its axes that stands.
    Moved(usize, Vec<usize>, usize),
    /// A node of the graph and its shape, which has no batch axis: of a batch of one sample.
    Sample(usize, Vec<usize>),
    /// Values of one type.
    Sequence(Vec<Value>),
    /// Infinite, and whether it is above 0.
    Infinite(bool),
    /// Whether something holds that no finite number changes, and the shape without the batch axis.
    Fixed(bool, Vec<usize>),
    /// A value where the first of two is the larger one, 0 elsewhere, of the shape without the batch axis.
    Masked(Box<[Value; 2]>, Vec<usize>, Box<Value>),
    /// A node and its shape, whose first axis is joined with the batch.
    Joined(usize, Vec<usize>),
    /// One integer for every sample.
    Each(i64),
    /// A multiple of an exponential, plus a number.
    Exponential(Exponential),
}

/// factor·e^of + offset, of a node and its shape without the batch axis.
#[derive(Clone, Debug)]
pub struct Exponential {
    pub of: usize,
    pub shape: Vec<usize>,
    pub factor: Float,
    pub offset: Float,
}

impl Value {
    /// A node with the batch axis behind so many others.
    pub fn at(id: usize, shape: Vec<usize>, batch: usize) -> Value {
        if batch == 0 { Value::Node(id, shape) } else { Value::Moved(id, shape, batch) }
    }

    /// A node, its shape without the batch axis, and behind how many axes that stands.
    pub fn placed(&self) -> Option<(usize, &[usize], usize)> {
        match self {
            Value::Node(id, shape) => Some((*id, shape, 0)),
            Value::Moved(id, shape, batch) => Some((*id, shape, *batch)),
            _ => None,
        }
    }
}
