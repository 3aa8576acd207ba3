//! Networks as they are written: layers, each of which is a node of a [`Graph`](super::Graph) over maps.

use super::curve::Curve;
use super::map::{Diagonal, Map, Matrix, Pick, blocks, concatenation};
use super::op::{Affine, Kink, Op};

/// A matrix `[out × in]`, row-major, and a bias per row: y = W x + b.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Number of outputs.
    pub rows: usize,
    /// Number of inputs.
    pub cols: usize,
    /// `[rows × cols]`, row-major.
    pub weight: Vec<f32>,
    /// `[rows]`.
    pub bias: Vec<f32>,
}

impl Dense {
    /// Row `i` of the weight.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.weight[i * self.cols..(i + 1) * self.cols]
    }
}

/// What a file says that a node computes from its inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// A fixed vector.
    Constant(Vec<f64>),
    /// A linear layer.
    Dense(Dense),
    /// Any linear operator, and a number per row; none where nothing is added.
    Linear(Map, Vec<f64>),
    /// Elementwise product with a constant.
    Scale(Vec<f64>),
    /// Elementwise sum with a constant.
    Shift(Vec<f64>),
    /// Elementwise quotient by a constant without zeros.
    Divide(Vec<f64>),
    /// Elementwise piecewise-linear activation.
    Kink(Kink),
    /// Elementwise sum of two or more inputs.
    Sum,
    /// Elementwise maximum of two or more inputs.
    Max,
    /// Smooth convex function, elementwise.
    Smooth(Curve),
    /// Concatenation along one axis; `outer` is the number of entries before that axis (1 for the first).
    Concat {
        /// Product of the dimensions before the axis.
        outer: usize,
    },
    /// The same entries under another shape.
    Reshape,
}

impl Layer {
    /// The operation, on inputs of these sizes.
    pub(super) fn op(self, sizes: &[usize]) -> Op {
        let one = |map: Map, offset: Vec<f64>| Op::Affine(Affine::new(vec![map], offset));
        let all = |maps: Vec<Map>| Op::Affine(Affine::new(maps, Vec::new()));
        match self {
            Layer::Constant(values) => Op::Affine(Affine::new(Vec::new(), values)),
            Layer::Dense(Dense { rows, cols, weight, bias }) => {
                one(Map::Dense(Matrix::new(rows, cols, weight)), bias.into_iter().map(f64::from).collect())
            }
            Layer::Linear(map, offset) => one(map, offset),
            Layer::Scale(factors) => one(Map::Diagonal(Diagonal { factors, divides: false }), Vec::new()),
            Layer::Divide(factors) => one(Map::Diagonal(Diagonal { factors, divides: true }), Vec::new()),
            Layer::Shift(offset) => one(Map::Identity(sizes[0]), offset),
            Layer::Reshape => one(Map::Identity(sizes[0]), Vec::new()),
            Layer::Sum => all(sizes.iter().map(|&size| Map::Identity(size)).collect()),
            Layer::Concat { outer } => all(concatenation(outer, sizes).into_iter().map(Map::Pick).collect()),
            Layer::Kink(kink) => Op::Kink(kink),
            Layer::Max => Op::Max,
            Layer::Smooth(curve) => Op::Smooth(curve),
        }
    }

    /// The layer's name in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Layer::Constant(_) => "Constant",
            Layer::Dense(_) => "Dense",
            Layer::Linear(Map::Pick(_), _) => "Pick",
            Layer::Linear(..) => "Conv",
            Layer::Scale(_) => "Scale",
            Layer::Shift(_) => "Shift",
            Layer::Divide(_) => "Divide",
            Layer::Kink(Kink::RELU) => "Relu",
            Layer::Kink(Kink::ABS) => "Abs",
            Layer::Kink(_) => "LeakyRelu",
            Layer::Sum => "Sum",
            Layer::Max => "Max",
            Layer::Smooth(curve) => curve.name(),
            Layer::Concat { .. } => "Concat",
            Layer::Reshape => "Reshape",
        }
    }
}

impl Op {
    /// The layer that this is; `None` for the input, and for sums of maps that no layer has.
    pub fn layer(&self) -> Option<Layer> {
        match self {
            Op::Input => None,
            Op::Kink(kink) => Some(Layer::Kink(*kink)),
            Op::Max => Some(Layer::Max),
            Op::Smooth(curve) => Some(Layer::Smooth(*curve)),
            Op::Affine(affine) => affine.layer(),
        }
    }
}

impl Affine {
    fn layer(&self) -> Option<Layer> {
        let Affine { maps, offset, .. } = self;
        match &maps[..] {
            [] => Some(Layer::Constant(offset.clone())),
            [Map::Identity(_)] if offset.is_empty() => Some(Layer::Reshape),
            [Map::Identity(_)] => Some(Layer::Shift(offset.clone())),
            [Map::Dense(Matrix { rows, cols, weight, .. })] => {
                let bias: Vec<f32> = match offset.is_empty() {
                    true => vec![0.0; *rows],
                    false => offset.iter().map(|&b| b as f32).collect(),
                };
                let exact = bias.iter().zip(offset).all(|(&b, &o)| f64::from(b) == o);
                exact.then(|| Layer::Dense(Dense { rows: *rows, cols: *cols, weight: weight.to_vec(), bias }))
            }
            [map @ (Map::Windows(_) | Map::Pick(_))] => Some(Layer::Linear(map.clone(), offset.clone())),
            _ if !offset.is_empty() => None,
            [Map::Diagonal(Diagonal { factors, divides: false })] => Some(Layer::Scale(factors.clone())),
            [Map::Diagonal(Diagonal { factors, divides: true })] => Some(Layer::Divide(factors.clone())),
            _ if maps.iter().all(|map| matches!(map, Map::Identity(_))) => Some(Layer::Sum),
            _ => {
                let picks: Option<Vec<&Pick>> =
                    maps.iter().map(|map| if let Map::Pick(pick) = map { Some(pick) } else { None }).collect();
                blocks(&picks?).map(|outer| Layer::Concat { outer })
            }
        }
    }
}
