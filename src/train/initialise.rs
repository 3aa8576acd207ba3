//! Starting weights.

use super::architecture::{Affine, Architecture, Shape, Term};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, LogNormal, Normal};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// How weights start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialisation {
    /// Hoedt & Klambauer (NeurIPS 2023): log-normal nonnegative weights and a negative bias that keep every layer's
    /// pre-activations centred with variance near 1; passthroughs are LeCun normal.
    #[default]
    Principled,
    /// The feature-convex paper's: nonnegative weights uniform on (0, 0.003), of convolutions on (0, 0.005), the rest
    /// uniform on ±1/√fan-in.
    Uniform,
}

/// Mean, standard deviation and bias of the nonnegative weights of a layer with `fan_in` convex inputs.
pub fn principled(fan_in: usize) -> (f64, f64, f64) {
    let n = fan_in as f64;
    let denominator = 6.0 * (PI - 1.0) + (n - 1.0) * (3.0 * 3f64.sqrt() + 2.0 * PI - 6.0);
    ((6.0 * PI / (n * denominator)).sqrt(), (1.0 / n).sqrt(), -(3.0 * n / denominator).sqrt())
}

/// Fills `parameters`; `scale` is the root mean square of one coordinate of ψ, which LeCun's rule takes to be 1.
pub fn initialise(
    method: Initialisation,
    architecture: &Architecture,
    scale: f64,
    parameters: &mut [f32],
    rng: &mut impl Rng,
) {
    for affine in architecture.affine() {
        match method {
            Initialisation::Principled => fill_principled(affine, scale, parameters, rng),
            Initialisation::Uniform => fill_uniform(affine, parameters, rng),
        }
    }
}

fn fill_principled(affine: &Affine, scale: f64, parameters: &mut [f32], rng: &mut impl Rng) {
    for term in free(affine) {
        let deviation = 1.0 / ((term.shape.fan_in() as f64).sqrt() * scale.max(1e-6));
        let normal = Normal::new(0.0, deviation).expect("a positive deviation");
        parameters[term.weight.clone()].fill_with(|| normal.sample(rng) as f32);
    }
    for term in affine.terms.iter().filter(|term| term.nonnegative) {
        let (mean, deviation, bias) = principled(term.shape.fan_in());
        // A log-normal with the given mean and deviation.
        let spread = (1.0 + (deviation / mean).powi(2)).ln();
        let log_normal = LogNormal::new(mean.ln() - spread / 2.0, spread.sqrt()).expect("a positive deviation");
        parameters[term.weight.clone()].fill_with(|| log_normal.sample(rng) as f32);
        parameters[affine.bias.clone()].fill(bias as f32);
    }
}

fn fill_uniform(affine: &Affine, parameters: &mut [f32], rng: &mut impl Rng) {
    let reach = |term: &Term| 1.0 / (term.shape.fan_in() as f64).sqrt();
    for term in free(affine) {
        let reach = reach(term);
        parameters[term.weight.clone()].fill_with(|| rng.random_range(-reach..reach) as f32);
    }
    let of_bias = free(affine).next().unwrap_or(&affine.terms[0]);
    let reach = reach(of_bias);
    parameters[affine.bias.clone()].fill_with(|| rng.random_range(-reach..reach) as f32);
    for term in affine.terms.iter().filter(|term| term.nonnegative) {
        let most = if matches!(term.shape, Shape::Dense { .. }) { 0.003 } else { 0.005f64 };
        parameters[term.weight.clone()].fill_with(|| rng.random_range(0.0..most) as f32);
    }
}

/// Weights of free sign.
fn free(affine: &Affine) -> impl Iterator<Item = &Term> {
    affine.terms.iter().filter(|term| !term.nonnegative)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn principled_weights_have_the_published_moments() {
        let architecture = Architecture::dense(3, &[400, 300], false, 1);
        let mut parameters = vec![f32::NAN; architecture.parameters()];
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        initialise(Initialisation::Principled, &architecture, 1.0, &mut parameters, &mut rng);
        let affine = architecture.affine().nth(1).unwrap();
        let hidden = affine.terms.iter().find(|term| term.nonnegative).unwrap();
        let weights: Vec<f64> = parameters[hidden.weight.clone()].iter().map(|&w| f64::from(w)).collect();
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let variance = weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / weights.len() as f64;
        let (expected, deviation, bias) = principled(400);
        assert!(weights.iter().all(|&w| w > 0.0));
        assert!((mean / expected - 1.0).abs() < 0.05, "mean {mean}, expected {expected}");
        assert!((variance / deviation.powi(2) - 1.0).abs() < 0.3, "variance {variance}");
        assert!(parameters[affine.bias.clone()].iter().all(|&b| b == bias as f32));
    }

    /// The point of the scheme: pre-activations of a layer fed by its like have mean 0 and variance 1.
    #[test]
    fn principled_layers_stay_centred() {
        let (n, m) = (500, 400);
        let (mean, deviation, bias) = principled(n);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let spread = (1.0 + (deviation / mean).powi(2)).ln();
        let weights = LogNormal::new(mean.ln() - spread / 2.0, spread.sqrt()).unwrap();
        let normal = Normal::new(0.0, 1.0).unwrap();
        let (mut total, mut squares, mut count) = (0.0f64, 0.0f64, 0.0f64);
        for _ in 0..40 {
            let shared: f64 = normal.sample(&mut rng);
            // Correlation 1/2 between units is the scheme's fixed point.
            let z: Vec<f64> = (0..n).map(|_| ((shared + normal.sample(&mut rng)) / 2f64.sqrt()).max(0.0)).collect();
            for _ in 0..m / 8 {
                let t = z.iter().map(|z| z * weights.sample(&mut rng)).sum::<f64>() + bias;
                (total, squares, count) = (total + t, squares + t * t, count + 1.0);
            }
        }
        let centre = total / count;
        assert!(centre.abs() < 0.35, "mean {centre}");
        assert!((squares / count - centre * centre - 1.0).abs() < 0.45, "variance {}", squares / count);
    }
}
