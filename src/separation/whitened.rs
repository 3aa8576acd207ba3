//! The points of both classes whitened, in float32, with a last coordinate 1 behind them.

use super::classes::Classes;
use crate::data::Whitening;

/// What is added to the variance of every standardised coordinate.
const RIDGE: f64 = 1e-7;

/// Whitened points.
pub struct Whitened {
    whitening: Whitening,
    /// Number of coordinates, the last one included.
    width: usize,
    /// `[n × width]`.
    rows: Vec<f32>,
}

impl Whitened {
    /// Whitens the points of both classes together.
    pub fn new(classes: &Classes) -> Whitened {
        let size = classes.size();
        let (whitening, points) = Whitening::fit(classes.values(), size, RIDGE);
        let mut rows = Vec::with_capacity(classes.len() * (size + 1));
        for point in points.chunks_exact(size) {
            rows.extend(point.iter().map(|&z| z as f32));
            rows.push(1.0);
        }
        Whitened { whitening, width: size + 1, rows }
    }

    /// Number of coordinates of a whitened point, the last 1 included.
    pub fn width(&self) -> usize {
        self.width
    }

    /// A whitened point.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.rows[i * self.width..(i + 1) * self.width]
    }

    /// Coefficients of the raw coordinates, but for a constant the same function.
    pub fn raw(&self, v: &[f64]) -> Vec<f64> {
        self.whitening.raw(v).0
    }
}
