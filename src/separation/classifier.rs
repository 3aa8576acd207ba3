//! The perfect classifier that hyperplanes make: f(x) = Σ max(0, aₖ·x − tₖ) − c, input-convex.

use super::classes::{Class, Classes};
use super::hyperplane::Hyperplane;
use crate::model::{Dense, Graph, Kink, Layer, ModelError};

/// The network, and the least of Σ max(0, aₖ·x − tₖ) over the sensitive points; every other point has 0 there.
pub struct Classifier {
    /// With f > 0 at every sensitive point and f < 0 at every other one, in exact arithmetic.
    pub graph: Graph,
    /// Twice c, which lies between the classes.
    pub gap: f64,
    /// The largest error of float32 sums, in any order, at any of the points.
    pub rounding: f64,
}

/// The network of hyperplanes beyond one of which every sensitive point lies, and no other point; `None` where a sensitive
/// point does not, by more than its rounding.
///
/// # Errors
/// When a number is not finite.
pub fn classifier(planes: &[Hyperplane], classes: &Classes) -> Result<Option<Classifier>, ModelError> {
    let sum = |i: usize| planes.iter().map(|plane| plane.beyond(classes.row(i)).max(0.0)).sum::<f64>();
    let gap = classes.rows(Class::Sensitive).map(sum).fold(f64::INFINITY, f64::min);
    if gap.is_nan() || gap <= 0.0 || gap.is_infinite() {
        return Ok(None);
    }
    let half = (gap / 2.0) as f32;
    if half <= 0.0 || f64::from(half) >= gap {
        return Ok(None);
    }
    let mut graph = Graph::new("input", &classes.shape);
    let d = classes.size();
    let flat = if classes.shape.len() == 1 { 0 } else { graph.push_reshape("flatten", 0, &[d])? };
    let cut = Dense {
        rows: planes.len(),
        cols: d,
        weight: planes.iter().flat_map(|plane| plane.coefficients.iter().copied()).collect(),
        bias: planes.iter().map(|plane| -plane.threshold + 0.0).collect(),
    };
    let cut = graph.push("hyperplanes", Layer::Dense(cut), &[flat])?;
    let beyond = graph.push("beyond", Layer::Kink(Kink::RELU), &[cut])?;
    let read = Dense { rows: 1, cols: planes.len(), weight: vec![1.0; planes.len()], bias: vec![-half] };
    graph.push("output", Layer::Dense(read), &[beyond])?;
    Ok(Some(Classifier { graph, gap, rounding: rounding(planes, classes) }))
}

/// γ of float32 for d products and the threshold, times their sizes, over all hyperplanes; the largest over the points.
fn rounding(planes: &[Hyperplane], classes: &Classes) -> f64 {
    let unit = f64::from(f32::EPSILON) / 2.0;
    let gamma = (classes.size() + 2) as f64 * unit;
    let size = |i: usize| {
        let of = |plane: &Hyperplane| {
            let products = plane.coefficients.iter().zip(classes.row(i));
            products.map(|(&a, &x)| (f64::from(a) * f64::from(x)).abs()).sum::<f64>() + f64::from(plane.threshold).abs()
        };
        planes.iter().map(of).sum::<f64>()
    };
    gamma / (1.0 - gamma) * (0..classes.len()).map(size).fold(0.0, f64::max)
}
