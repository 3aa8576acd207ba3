//! Coordinates in which the points' covariance is about the identity: plain descent stalls in any others.

use super::classes::Classes;
use crate::matrix::{Threads, View, multiply};

/// What is added to the variance of every coordinate, whose variance is 1.
const RIDGE: f64 = 1e-7;
/// Columns per step of the factorisation.
const BLOCK: usize = 64;

/// Points z = L⁻¹ (x − μ)/s with a last coordinate 1 behind them, L the Cholesky factor of the covariance of (x − μ)/s.
pub struct Whitened {
    /// Number of coordinates of a raw point.
    size: usize,
    /// `[n × (size + 1)]`.
    rows: Vec<f32>,
    scale: Vec<f64>,
    /// Lower triangle, `[size × size]`.
    factor: Vec<f64>,
}

impl Whitened {
    /// Whitens the points of both classes together.
    pub fn new(classes: &Classes) -> Whitened {
        let (d, n) = (classes.size(), classes.len());
        let mut mean = vec![0.0; d];
        for i in 0..n {
            mean.iter_mut().zip(classes.row(i)).for_each(|(mean, &x)| *mean += f64::from(x) / n as f64);
        }
        let mut scale = vec![0.0; d];
        for i in 0..n {
            let terms = scale.iter_mut().zip(classes.row(i)).zip(&mean);
            terms.for_each(|((scale, &x), mean)| *scale += (f64::from(x) - mean).powi(2) / n as f64);
        }
        for scale in &mut scale {
            *scale = if *scale > 0.0 { scale.sqrt() } else { 1.0 };
        }
        let mut points = Vec::with_capacity(n * d);
        for i in 0..n {
            let entries = classes.row(i).iter().zip(mean.iter().zip(&scale));
            points.extend(entries.map(|(&x, (mean, scale))| (f64::from(x) - mean) / scale));
        }
        let mut factor = vec![0.0; d * d];
        let view = View::new(&points, n, d);
        multiply(&mut factor, false, view.transposed(), view, Threads::Pool);
        factor.iter_mut().for_each(|entry| *entry /= n as f64);
        (0..d).for_each(|i| factor[i * d + i] += RIDGE);
        cholesky(&mut factor, d);
        forward(&factor, d, &mut points);
        let mut rows = Vec::with_capacity(n * (d + 1));
        for point in points.chunks_exact(d) {
            rows.extend(point.iter().map(|&z| z as f32));
            rows.push(1.0);
        }
        Whitened { size: d, rows, scale, factor }
    }

    /// Number of coordinates of a whitened point, the last 1 included.
    pub fn width(&self) -> usize {
        self.size + 1
    }

    /// A whitened point.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.rows[i * self.width()..(i + 1) * self.width()]
    }

    /// Coefficients of the raw coordinates, but for a constant the same function: w with w·x = v·z + c.
    pub fn raw(&self, v: &[f64]) -> Vec<f64> {
        let d = self.size;
        let mut w = v[..d].to_vec();
        // Back substitution with the transpose of L.
        for i in (0..d).rev() {
            w[i] /= self.factor[i * d + i];
            let (known, row) = (w[i], &self.factor[i * d..i * d + i]);
            w[..i].iter_mut().zip(row).for_each(|(w, l)| *w -= l * known);
        }
        w.iter_mut().zip(&self.scale).for_each(|(w, scale)| *w /= scale);
        w
    }
}

/// Replaces the lower triangle of a positive definite matrix `[n × n]` by its Cholesky factor, block by block.
fn cholesky(a: &mut [f64], n: usize) {
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        for i in start..n {
            for j in start..end.min(i + 1) {
                let (head, tail) = a.split_at_mut(i * n);
                let row = &mut tail[..n];
                let known = |other: &[f64]| row[start..j].iter().zip(&other[start..j]).map(|(x, y)| x * y).sum::<f64>();
                row[j] = match i == j {
                    true => (row[j] - known(row)).max(1e-300).sqrt(),
                    false => {
                        let other = &head[j * n..j * n + n];
                        (row[j] - known(other)) / other[j]
                    }
                };
            }
        }
        if end < n {
            let panel = View::new(&a[end * n..], n - end, n).columns(start..end);
            let mut product = vec![0.0; (n - end) * (n - end)];
            multiply(&mut product, false, panel, panel.transposed(), Threads::Pool);
            for (row, product) in a[end * n..].chunks_exact_mut(n).zip(product.chunks_exact(n - end)) {
                row[end..].iter_mut().zip(product).for_each(|(entry, product)| *entry -= product);
            }
        }
    }
}

/// Replaces every row x of `points` `[m × n]` by L⁻¹ x.
fn forward(factor: &[f64], n: usize, points: &mut [f64]) {
    let m = points.len() / n;
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        if start > 0 {
            let known = View::new(points, m, n).columns(0..start);
            let block = View::new(&factor[start * n..end * n], end - start, n).columns(0..start);
            let mut product = vec![0.0; m * (end - start)];
            multiply(&mut product, false, known, block.transposed(), Threads::Pool);
            for (row, product) in points.chunks_exact_mut(n).zip(product.chunks_exact(end - start)) {
                row[start..end].iter_mut().zip(product).for_each(|(entry, product)| *entry -= product);
            }
        }
        for row in points.chunks_exact_mut(n) {
            for i in start..end {
                let known: f64 = row[start..i].iter().zip(&factor[i * n + start..i * n + i]).map(|(x, l)| x * l).sum();
                row[i] = (row[i] - known) / factor[i * n + i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;

    fn classes(n: usize, d: usize) -> Classes {
        let entry = |i: usize| ((i * 7919 + (i / d) * 104_729) % 1009) as f32 / 7.0;
        let mut inputs: Vec<f32> = (0..n * d).map(entry).collect();
        // Coordinates that depend on each other, and a constant one.
        for row in inputs.chunks_exact_mut(d) {
            row[1] += row[0] * 3.0;
            row[d - 1] = 4.0;
        }
        let sensitive = (0..n).map(|i| i % 3 == 0).collect();
        Classes::of(&Dataset { shape: vec![d], inputs, sensitive })
    }

    #[test]
    fn whitened_points_have_the_covariance_1() {
        let (n, d) = (900, 150);
        let whitened = Whitened::new(&classes(n, d));
        for i in 0..d - 1 {
            for j in 0..=i {
                let term = |k: usize| f64::from(whitened.row(k)[i]) * f64::from(whitened.row(k)[j]);
                let covariance = (0..n).map(term).sum::<f64>() / n as f64;
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((covariance - expected).abs() < 1e-3, "{i} {j}: {covariance}");
            }
        }
    }

    #[test]
    fn raw_coefficients_give_the_same_differences() {
        let (n, d) = (300, 90);
        let classes = classes(n, d);
        let whitened = Whitened::new(&classes);
        let v: Vec<f64> = (0..d).map(|i| ((i * 31) % 17) as f64 / 8.0 - 1.0).collect();
        let w = whitened.raw(&v);
        let raw = |i: usize| classes.row(i).iter().zip(&w).map(|(&x, w)| f64::from(x) * w).sum::<f64>();
        let of = |i: usize| whitened.row(i).iter().zip(&v).map(|(&z, v)| f64::from(z) * v).sum::<f64>();
        for i in 1..n {
            let (one, other) = (raw(i) - raw(0), of(i) - of(0));
            assert!((one - other).abs() < 2e-3 * (1.0 + other.abs()), "{i}: {one} {other}");
        }
    }
}
