//! Logistic regression on the same features: the baseline of tabular tasks.

use crate::data::Dataset;

/// Weights `[features]` and a bias; positive is sensitive.
#[derive(Clone, Debug)]
pub struct Logistic {
    weight: Vec<f64>,
    bias: f64,
}

/// Newton steps before giving up on more digits.
const STEPS: usize = 50;

impl Logistic {
    /// Minimises Σ cross-entropy + `ridge`/2 · ‖weight‖² by damped Newton steps.
    pub fn fit(data: &Dataset, ridge: f64) -> Self {
        let d = data.features();
        let mut model = Logistic { weight: vec![0.0; d], bias: 0.0 };
        let mut value = model.objective(data, ridge);
        for _ in 0..STEPS {
            let (gradient, mut hessian) = model.derivatives(data, ridge);
            let mut step = gradient.clone();
            solve(&mut hessian, &mut step);
            let decrease: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
            if decrease < 1e-10 * (1.0 + value) {
                break;
            }
            let mut length = 1.0;
            loop {
                let next = model.moved(&step, -length);
                let found = next.objective(data, ridge);
                if found <= value - 1e-4 * length * decrease {
                    (model, value) = (next, found);
                    break;
                }
                length /= 2.0;
                if length < 1e-10 {
                    return model;
                }
            }
        }
        model
    }

    /// Log-odds of the sensitive class.
    pub fn logit(&self, input: &[f32]) -> f64 {
        self.bias + self.weight.iter().zip(input).map(|(w, &x)| w * f64::from(x)).sum::<f64>()
    }

    /// Fraction of samples that are classified correctly.
    pub fn accuracy(&self, data: &Dataset) -> f64 {
        let right = (0..data.len()).filter(|&i| (self.logit(data.input(i)) > 0.0) == data.sensitive[i]).count();
        right as f64 / data.len().max(1) as f64
    }

    fn moved(&self, step: &[f64], length: f64) -> Logistic {
        let weight = self.weight.iter().zip(step).map(|(w, s)| w + length * s).collect();
        Logistic { weight, bias: self.bias + length * step[self.weight.len()] }
    }

    fn objective(&self, data: &Dataset, ridge: f64) -> f64 {
        let loss = |i: usize| {
            let t = if data.sensitive[i] { -self.logit(data.input(i)) } else { self.logit(data.input(i)) };
            t.max(0.0) + (-t.abs()).exp().ln_1p()
        };
        (0..data.len()).map(loss).sum::<f64>() + ridge / 2.0 * self.weight.iter().map(|w| w * w).sum::<f64>()
    }

    /// Gradient `[d + 1]` and the lower triangle of the Hessian `[(d + 1) × (d + 1)]`; the bias comes last.
    fn derivatives(&self, data: &Dataset, ridge: f64) -> (Vec<f64>, Vec<f64>) {
        let d = self.weight.len();
        let size = d + 1;
        let mut gradient: Vec<f64> = self.weight.iter().map(|w| ridge * w).chain([0.0]).collect();
        // Keeps the bias's curvature above 0 when every sample is classified beyond doubt.
        let mut hessian = vec![0.0; size * size];
        for i in 0..size {
            hessian[i * size + i] = if i < d { ridge } else { 1e-9 };
        }
        let mut row = vec![1.0; size];
        for i in 0..data.len() {
            row.iter_mut().zip(data.input(i)).for_each(|(row, &x)| *row = f64::from(x));
            let probability = 1.0 / (1.0 + (-self.logit(data.input(i))).exp());
            let residual = probability - if data.sensitive[i] { 1.0 } else { 0.0 };
            let curvature = probability * (1.0 - probability);
            for j in 0..size {
                gradient[j] += residual * row[j];
                let factor = curvature * row[j];
                if factor != 0.0 {
                    hessian[j * size..=j * size + j].iter_mut().zip(&row).for_each(|(h, &x)| *h += factor * x);
                }
            }
        }
        (gradient, hessian)
    }
}

/// Solves a positive definite system in place by Cholesky, from the lower triangle `[n × n]`.
fn solve(matrix: &mut [f64], right: &mut [f64]) {
    let n = right.len();
    for i in 0..n {
        for j in 0..=i {
            let (head, tail) = matrix.split_at_mut(i * n);
            let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            if j < i {
                let other = &head[j * n..j * n + j + 1];
                tail[j] = (tail[j] - inner(&tail[..j], &other[..j])) / other[j];
            } else {
                tail[i] = (tail[i] - inner(&tail[..i], &tail[..i])).max(1e-12).sqrt();
            }
        }
    }
    for i in 0..n {
        let known: f64 = (0..i).map(|j| matrix[i * n + j] * right[j]).sum();
        right[i] = (right[i] - known) / matrix[i * n + i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| matrix[j * n + i] * right[j]).sum();
        right[i] = (right[i] - known) / matrix[i * n + i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> Dataset {
        let inputs: Vec<f32> = (0..200).map(|i| ((i * 7919) % 101) as f32 / 50.0 - 1.0).collect();
        let sensitive = inputs.chunks(2).enumerate().map(|(i, x)| x[0] - 2.0 * x[1] > 0.3 || i % 17 == 0).collect();
        Dataset { shape: vec![2], inputs, sensitive }
    }

    /// At the minimum the gradient vanishes, and no small move lowers the objective.
    #[test]
    fn newton_reaches_the_minimum() {
        let data = data();
        let model = Logistic::fit(&data, 1.0);
        let (gradient, _) = model.derivatives(&data, 1.0);
        assert!(gradient.iter().all(|g| g.abs() < 1e-4), "{gradient:?}");
        let least = model.objective(&data, 1.0);
        for move_ in [[0.1, 0.0, 0.0], [0.0, -0.1, 0.0], [0.0, 0.0, 0.1]] {
            assert!(model.moved(&move_, 1.0).objective(&data, 1.0) > least);
        }
        assert!(model.accuracy(&data) > 0.85);
    }

    #[test]
    fn separable_data_and_constant_features_do_no_harm() {
        let data = Dataset { shape: vec![2], inputs: vec![1.0, 0.0, -1.0, 0.0], sensitive: vec![true, false] };
        let model = Logistic::fit(&data, 1e-6);
        assert!(model.weight.iter().all(|w| w.is_finite()));
        assert_eq!(model.accuracy(&data), 1.0);
    }
}
