//! What the input-convex network g is made of, step by step; its parameters lie in one flat vector.

use crate::matrix::Scalar;
use crate::model::map::{Axis, Windows};
use std::ops::Range;

/// A batch-norm's gain never falls below this where it multiplies convex functions.
pub const GAIN_FLOOR: f64 = 1e-3;

/// A value on the way: 0 is ψ, k is what step k − 1 makes.
pub type ValueId = usize;

/// The steps from ψ to the heads.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// Entries of every value, ψ first.
    sizes: Vec<usize>,
    steps: Vec<Step>,
    parameters: usize,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The sum of linear operators of values, and a bias.
    Affine(Affine),
    /// max(0, t) of every entry.
    Relu(ValueId),
    /// A batch-norm.
    Norm(Norm),
    /// The sum of two values.
    Sum([ValueId; 2]),
}

/// Σ W·value + b.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// The operators.
    pub terms: Vec<Term>,
    /// One number per channel of the result, which all of its entries share.
    pub bias: Range<usize>,
}

/// One linear operator of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What it is applied to.
    pub from: ValueId,
    /// Its weights, row-major.
    pub weight: Range<usize>,
    /// Never negative, because it is applied to convex functions.
    pub nonnegative: bool,
    /// Matrix or convolution.
    pub shape: Shape,
}

/// How weights become a linear operator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A matrix `[rows × cols]`.
    Dense {
        /// Number of outputs.
        rows: usize,
        /// Number of inputs.
        cols: usize,
    },
    /// A convolution `[outputs, inputs, cells, cells]`.
    Windows {
        /// Of the input and of the output.
        channels: [usize; 2],
        /// Rows and columns.
        axes: [Axis; 2],
    },
}

/// A batch-norm: gain·(z − mean)/root + bias, mean and root over the batch and all entries of a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Norm {
    /// What is normalised.
    pub from: ValueId,
    /// Equal stretches of the value; one for a scalar batch-norm.
    pub channels: usize,
    /// The channels' gains, then their biases.
    pub at: Range<usize>,
    /// Gains stay above [`GAIN_FLOOR`], because they multiply convex functions.
    pub nonnegative: bool,
    /// Which batch-norm of the network this is.
    pub number: usize,
}

impl Norm {
    /// Where the gains lie.
    pub fn gains(&self) -> Range<usize> {
        self.at.start..self.at.start + self.channels
    }
}

impl Shape {
    /// Number of weights.
    pub fn weights(&self) -> usize {
        match self {
            Shape::Dense { rows, cols } => rows * cols,
            Shape::Windows { channels: [inputs, outputs], axes } => inputs * outputs * axes[0].cells * axes[1].cells,
        }
    }

    /// Number of weights that one entry of the result takes.
    pub fn fan_in(&self) -> usize {
        match self {
            Shape::Dense { cols, .. } => *cols,
            Shape::Windows { channels: [inputs, _], axes } => inputs * axes[0].cells * axes[1].cells,
        }
    }

    /// Entries of the result.
    pub fn rows(&self) -> usize {
        match self {
            Shape::Dense { rows, .. } => *rows,
            Shape::Windows { channels: [_, outputs], axes } => outputs * axes[0].output * axes[1].output,
        }
    }

    /// Entries of the value that it is applied to.
    pub fn cols(&self) -> usize {
        match self {
            Shape::Dense { cols, .. } => *cols,
            Shape::Windows { channels: [inputs, _], axes } => inputs * axes[0].input * axes[1].input,
        }
    }

    /// The convolution with these weights, which are rounded to float32.
    pub(super) fn windows<T: Scalar>(&self, weight: &[T]) -> Option<Windows> {
        let Shape::Windows { channels, axes } = *self else { return None };
        Some(Windows::new(1, channels, axes, weight.iter().map(|w| w.wide() as f32).collect()))
    }
}

/// The convolutional part of a network: a first convolution of free sign, then residual blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Convolutions {
    /// ψ: channels, height, width.
    pub input: [usize; 3],
    /// Channels of every convolution's result.
    pub channels: usize,
    /// Number of residual blocks z ↦ relu(A∗z + z).
    pub depth: usize,
    /// Cells along an axis: of the first convolution, and of those in the blocks.
    pub kernels: [usize; 2],
    /// From one place of the first convolution to the next.
    pub stride: usize,
    /// Does every block also see ψ, through a convolution like the first one?
    pub passthrough: bool,
}

/// Steps that are being put together.
struct Builder {
    architecture: Architecture,
    norms: usize,
}

impl Architecture {
    /// Dense: t₀ = U₀ψ + b₀, t_k = A_k z_{k−1} + U_k ψ + b_k, z_k = norm(relu(t_k)), and the heads are the last t. Units of
    /// every hidden layer, and whether a scalar batch-norm follows each.
    pub fn dense(inputs: usize, hidden: &[usize], batch_norm: bool, heads: usize) -> Self {
        Architecture::stretched(inputs, hidden, usize::from(batch_norm), heads)
    }

    /// The same with batch-norms of so many equal stretches of a layer's units; none for 0.
    pub(super) fn stretched(inputs: usize, hidden: &[usize], stretches: usize, heads: usize) -> Self {
        let mut build = Builder::new(inputs);
        let mut below = None;
        for (k, &rows) in hidden.iter().chain([&heads]).enumerate() {
            let hidden_term = below.map(|below| (below, build.dense(below, rows), true));
            let pass = (0, Shape::Dense { rows, cols: inputs }, false);
            let t = build.affine(hidden_term.into_iter().chain([pass]), rows);
            if k < hidden.len() {
                let z = build.push(Step::Relu(t), rows);
                below = Some(if stretches > 0 { build.norm(z, stretches, true) } else { z });
            }
        }
        build.architecture
    }

    /// Convolutional, as the feature-convex paper's: norm, convolution, relu, blocks of norm, residual convolution and relu,
    /// norm, and one nonnegative readout per head; the norms go by channel. `None` where a window has no place.
    pub fn convolutional(shape: &Convolutions, batch_norm: bool, heads: usize) -> Option<Self> {
        let [channels, height, width] = shape.input;
        let axis = |size: usize, cells: usize, stride: usize| {
            Axis::new(size, cells, stride, 1, (cells - 1) / 2, cells - 1 - (cells - 1) / 2)
        };
        let along = |cells: usize, stride: usize| Some([axis(height, cells, stride)?, axis(width, cells, stride)?]);
        let first =
            Shape::Windows { channels: [channels, shape.channels], axes: along(shape.kernels[0], shape.stride)? };
        let Shape::Windows { axes: [a, b], .. } = first else { return None };
        let inner = |output: usize| axis(output, shape.kernels[1], 1);
        let block = Shape::Windows { channels: [shape.channels; 2], axes: [inner(a.output)?, inner(b.output)?] };
        let mut build = Builder::new(channels * height * width);
        let psi = if batch_norm { build.norm(0, channels, false) } else { 0 };
        let t = build.affine([(psi, first, false)], shape.channels);
        let mut z = build.push(Step::Relu(t), first.rows());
        for _ in 0..shape.depth {
            let y = if batch_norm { build.norm(z, shape.channels, true) } else { z };
            let passes = shape.passthrough.then_some((psi, first, false));
            let t = build.affine([(y, block, true)].into_iter().chain(passes), shape.channels);
            let t = build.push(Step::Sum([t, y]), block.rows());
            z = build.push(Step::Relu(t), block.rows());
        }
        let y = if batch_norm { build.norm(z, shape.channels, true) } else { z };
        let readout = build.dense(y, heads);
        build.affine([(y, readout, true)], heads);
        Some(build.architecture)
    }

    /// Coordinates of ψ.
    pub fn inputs(&self) -> usize {
        self.sizes[0]
    }

    /// Entries of a value.
    pub fn size(&self, value: ValueId) -> usize {
        self.sizes[value]
    }

    /// Logits, of which f is the least.
    pub fn heads(&self) -> usize {
        self.sizes[self.steps.len()]
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Length of the flat parameter vector.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// The affine steps, in order.
    pub fn affine(&self) -> impl Iterator<Item = &Affine> {
        self.steps.iter().filter_map(|step| if let Step::Affine(affine) = step { Some(affine) } else { None })
    }

    /// The batch-norms, in order.
    pub fn norms(&self) -> impl Iterator<Item = &Norm> {
        self.steps.iter().filter_map(|step| if let Step::Norm(norm) = step { Some(norm) } else { None })
    }

    /// All linear operators, in order.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.affine().flat_map(|affine| &affine.terms)
    }

    /// Where the heads' biases lie.
    pub fn last_bias(&self) -> Range<usize> {
        self.affine().last().expect("an output step").bias.clone()
    }

    /// Does a batch-norm couple the samples of a batch?
    pub fn batch_norm(&self) -> bool {
        self.norms().next().is_some()
    }

    /// Replaces what would break convexity: negative weights of convex functions by 0, gains below the floor by the floor.
    pub fn project<T: Scalar>(&self, parameters: &mut [T]) {
        for term in self.terms().filter(|term| term.nonnegative) {
            for weight in &mut parameters[term.weight.clone()] {
                // Written so that −0 becomes 0 too; NaN stays, and is reported as a divergence.
                if *weight <= T::ZERO {
                    *weight = T::ZERO;
                }
            }
        }
        let floor = T::of(GAIN_FLOOR);
        for norm in self.norms().filter(|norm| norm.nonnegative) {
            for gain in &mut parameters[norm.gains()] {
                if *gain < floor {
                    *gain = floor;
                }
            }
        }
    }
}

impl Builder {
    fn new(inputs: usize) -> Builder {
        Builder { architecture: Architecture { sizes: vec![inputs], steps: Vec::new(), parameters: 0 }, norms: 0 }
    }

    fn take(&mut self, count: usize) -> Range<usize> {
        let start = self.architecture.parameters;
        self.architecture.parameters += count;
        start..start + count
    }

    fn push(&mut self, step: Step, size: usize) -> ValueId {
        self.architecture.steps.push(step);
        self.architecture.sizes.push(size);
        self.architecture.steps.len()
    }

    fn dense(&self, from: ValueId, rows: usize) -> Shape {
        Shape::Dense { rows, cols: self.architecture.sizes[from] }
    }

    fn affine(&mut self, terms: impl IntoIterator<Item = (ValueId, Shape, bool)>, biases: usize) -> ValueId {
        let mut size = 0;
        let mut taken = Vec::new();
        for (from, shape, nonnegative) in terms {
            size = shape.rows();
            taken.push(Term { from, weight: self.take(shape.weights()), nonnegative, shape });
        }
        let bias = self.take(biases);
        self.push(Step::Affine(Affine { terms: taken, bias }), size)
    }

    fn norm(&mut self, from: ValueId, channels: usize, nonnegative: bool) -> ValueId {
        let at = self.take(2 * channels);
        self.norms += 1;
        let norm = Norm { from, channels, at, nonnegative, number: self.norms - 1 };
        self.push(Step::Norm(norm), self.architecture.sizes[from])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parameter counts that the feature-convex paper states.
    #[test]
    fn the_published_networks_have_their_published_sizes() {
        let dense = Architecture::dense(784, &[200, 50], true, 1);
        // The paper's has two matrices on ψ in its first layer, which add up to one.
        assert_eq!(dense.parameters() + 784 * 200, 363_889);
        let conv = |input, channels, depth, kernels| {
            let shape = Convolutions { input, channels, depth, kernels, stride: 1, passthrough: false };
            Architecture::convolutional(&shape, true, 1).unwrap()
        };
        assert_eq!(conv([1, 28, 28], 4, 2, [5, 3]).parameters(), 3563);
        assert_eq!(conv([6, 32, 32], 16, 4, [11, 3]).parameters(), 37469);
    }

    #[test]
    fn projection_touches_what_convexity_needs_alone() {
        let architecture = Architecture::dense(2, &[2], true, 1);
        let mut parameters = vec![-1.0f32; architecture.parameters()];
        architecture.project(&mut parameters);
        for term in architecture.terms() {
            let expected = if term.nonnegative { 0.0 } else { -1.0 };
            assert!(parameters[term.weight.clone()].iter().all(|&w| w == expected));
        }
        let norm = architecture.norms().next().unwrap();
        assert_eq!(parameters[norm.gains()], [GAIN_FLOOR as f32]);
        assert_eq!(parameters[norm.at.end - 1], -1.0);
    }
}
