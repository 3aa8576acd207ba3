//! Coordinates in which the points' covariance is about the identity: plain descent stalls in any others.

use crate::matrix::{Threads, View, multiply};

/// Columns per step of the factorisation.
const BLOCK: usize = 64;

/// z = L⁻¹ (x − μ)/s, with μ and s the means and standard deviations of the coordinates (s = 1 where a coordinate is
/// constant), and L the Cholesky factor of the covariance of (x − μ)/s plus a ridge on its diagonal.
#[derive(Clone, Debug)]
pub struct Whitening {
    mean: Vec<f64>,
    scale: Vec<f64>,
    /// Lower triangle, `[size × size]`.
    factor: Vec<f64>,
}

impl Whitening {
    /// Of the points `[n × size]`, row-major, with the whitened points.
    ///
    /// # Panics
    /// When there are no points.
    pub fn fit(points: &[f32], size: usize, ridge: f64) -> (Whitening, Vec<f64>) {
        let n = points.len() / size;
        assert!(n > 0, "points to be whitened");
        let mut mean = vec![0.0; size];
        for row in points.chunks_exact(size) {
            mean.iter_mut().zip(row).for_each(|(mean, &x)| *mean += f64::from(x) / n as f64);
        }
        let mut scale = vec![0.0; size];
        for row in points.chunks_exact(size) {
            let terms = scale.iter_mut().zip(row).zip(&mean);
            terms.for_each(|((scale, &x), mean)| *scale += (f64::from(x) - mean).powi(2) / n as f64);
        }
        for (j, scale) in scale.iter_mut().enumerate() {
            // Compared by value: the rounded mean of equal numbers may differ from them.
            let is_constant = points.iter().skip(j).step_by(size).all(|&x| x == points[j]);
            *scale = if is_constant { 1.0 } else { scale.sqrt() };
        }
        let mut whitening = Whitening { mean, scale, factor: Vec::new() };
        let mut standard = whitening.standardised(points);
        let mut factor = vec![0.0; size * size];
        let view = View::new(&standard, n, size);
        multiply(&mut factor, false, view.transposed(), view, Threads::Pool);
        factor.iter_mut().for_each(|entry| *entry /= n as f64);
        (0..size).for_each(|i| factor[i * size + i] += ridge);
        cholesky(&mut factor, size);
        forward(&factor, size, &mut standard);
        whitening.factor = factor;
        (whitening, standard)
    }

    /// Whitens points `[n × size]`.
    pub fn apply(&self, points: &[f32]) -> Vec<f64> {
        let mut standard = self.standardised(points);
        forward(&self.factor, self.mean.len(), &mut standard);
        standard
    }

    fn standardised(&self, points: &[f32]) -> Vec<f64> {
        let mut standard = Vec::with_capacity(points.len());
        for row in points.chunks_exact(self.mean.len()) {
            let entries = row.iter().zip(self.mean.iter().zip(&self.scale));
            standard.extend(entries.map(|(&x, (mean, scale))| (f64::from(x) - mean) / scale));
        }
        standard
    }

    /// Coefficients and offset of the same function of raw coordinates: v·z = w·x + c.
    pub fn raw(&self, v: &[f64]) -> (Vec<f64>, f64) {
        let size = self.mean.len();
        let mut w = v[..size].to_vec();
        // Back substitution with the transpose of L.
        for i in (0..size).rev() {
            w[i] /= self.factor[i * size + i];
            let (known, row) = (w[i], &self.factor[i * size..i * size + i]);
            w[..i].iter_mut().zip(row).for_each(|(w, l)| *w -= l * known);
        }
        w.iter_mut().zip(&self.scale).for_each(|(w, scale)| *w /= scale);
        let offset = -w.iter().zip(&self.mean).map(|(w, mean)| w * mean).sum::<f64>();
        (w, offset)
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

    /// Coordinates that depend on each other, and a constant one.
    fn points(n: usize, d: usize) -> Vec<f32> {
        let entry = |i: usize| ((i * 7919 + (i / d) * 104_729) % 1009) as f32 / 7.0;
        let mut points: Vec<f32> = (0..n * d).map(entry).collect();
        for row in points.chunks_exact_mut(d) {
            row[1] += row[0] * 3.0;
            row[d - 1] = 4.0;
        }
        points
    }

    #[test]
    fn whitened_points_have_the_covariance_1() {
        let (n, d) = (900, 150);
        let (_, white) = Whitening::fit(&points(n, d), d, 1e-9);
        for i in 0..d - 1 {
            for j in 0..=i {
                let covariance = white.chunks_exact(d).map(|z| z[i] * z[j]).sum::<f64>() / n as f64;
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((covariance - expected).abs() < 1e-3, "{i} {j}: {covariance}");
            }
        }
    }

    #[test]
    fn raw_coefficients_give_the_same_function() {
        let (n, d) = (300, 90);
        let points = points(n, d);
        let (whitening, white) = Whitening::fit(&points, d, 1e-3);
        assert_eq!(whitening.apply(&points), white);
        let v: Vec<f64> = (0..d).map(|i| ((i * 31) % 17) as f64 / 8.0 - 1.0).collect();
        let (w, offset) = whitening.raw(&v);
        for (x, z) in points.chunks_exact(d).zip(white.chunks_exact(d)) {
            let raw = offset + x.iter().zip(&w).map(|(&x, w)| f64::from(x) * w).sum::<f64>();
            let of = z.iter().zip(&v).map(|(z, v)| z * v).sum::<f64>();
            assert!((raw - of).abs() < 1e-9 * (1.0 + of.abs()), "{raw} {of}");
        }
    }
}
