//! Forward, input-gradient, tangent and reverse passes over a batch.
//!
//! With G = ∇_ψ Σ_j v_j g(ψ_j) and a penalty ρ(G), the derivative of ρ in the weights is that of ⟨H, G⟩ with
//! H = ∂ρ/∂G held fixed, which is the derivative of Σ_j v_j ġ_j, where ġ is the tangent of g along H. So one tangent
//! pass and one reverse pass over values and tangents give the gradient of loss and penalty together, batch-norm in
//! training mode (with its cross terms) included. ReLU's second derivative is 0.

use super::network::{Layer, Network, VARIANCE_FLOOR};
use super::product::{times, times_transposed, transposed_times};
use crate::matrix::Scalar;

/// Which statistics a batch-norm uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Those of the batch.
    Training,
    /// The running ones, folded into two f32 constants.
    Inference,
}

/// What a batch-norm in training mode remembers: x = (z − mean)/root over all entries of the batch.
#[derive(Clone, Debug)]
struct Normalised<T> {
    /// `[n × rows]`.
    x: Vec<T>,
    mean: f64,
    variance: f64,
    root: f64,
}

#[derive(Clone, Debug)]
struct LayerPass<T> {
    /// `[n × rows]`: is the unit's pre-activation positive?
    active: Vec<bool>,
    /// `[n × rows]`: what the next layer reads.
    output: Vec<T>,
    normalised: Option<Normalised<T>>,
    /// Inference-mode batch-norm's factor.
    factor: Option<T>,
}

/// A forward pass over a batch of n samples.
#[derive(Clone, Debug)]
pub struct Pass<'a, T> {
    network: &'a Network<T>,
    /// `[n × inputs]`.
    psi: &'a [T],
    n: usize,
    hidden: Vec<LayerPass<T>>,
    logits: Vec<T>,
}

impl<'a, T: Scalar> Pass<'a, T> {
    /// Evaluates g on ψ `[n × inputs]`.
    pub fn new(network: &'a Network<T>, psi: &'a [T], mode: Mode) -> Self {
        let architecture = &network.architecture;
        let n = psi.len() / architecture.inputs();
        assert_eq!(psi.len(), n * architecture.inputs(), "a batch of {} coordinates", architecture.inputs());
        let mut pass = Pass { network, psi, n, hidden: Vec::new(), logits: vec![] };
        for (k, layer) in architecture.layers().iter().enumerate() {
            let below = pass.hidden.last().map_or(&[][..], |below| &below.output);
            let mut t = linear(network, layer, below, psi, n);
            let bias = &network.parameters[layer.bias.clone()];
            for row in t.chunks_exact_mut(layer.rows) {
                for (t, &b) in row.iter_mut().zip(bias) {
                    *t += b;
                }
            }
            if k + 1 == architecture.layers().len() {
                pass.logits = t;
            } else {
                pass.hidden.push(activate(network, k, t, mode));
            }
        }
        pass
    }

    /// g, `[n]`.
    pub fn logits(&self) -> &[T] {
        &self.logits
    }

    /// Mean and variance of the batch at every batch-norm (training mode).
    pub fn statistics(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.hidden.iter().filter_map(|layer| layer.normalised.as_ref()).map(|norm| (norm.mean, norm.variance))
    }

    /// G = ∇_ψ Σ_j v_j g_j, `[n × inputs]`, for v `[n]`.
    pub fn input_gradient(&self, v: &[T]) -> Vec<T> {
        let layers = self.network.architecture.layers();
        let mut gradient = vec![T::ZERO; self.psi.len()];
        let mut s = v.to_vec();
        for k in (0..layers.len()).rev() {
            let layer = &layers[k];
            times(&mut gradient, true, &s, self.weights(&layer.pass), layer.rows);
            if k == 0 {
                break;
            }
            let mut below = vec![T::ZERO; self.n * layer.below];
            times(&mut below, false, &s, self.weights(&layer.hidden), layer.rows);
            self.through_norm(k - 1, &mut below);
            mask(&mut below, &self.hidden[k - 1].active);
            s = below;
        }
        gradient
    }

    /// Turns the adjoint of layer k's output into that of relu(t), in place.
    fn through_norm(&self, k: usize, adjoint: &mut [T]) {
        let layer = &self.hidden[k];
        if let Some(factor) = layer.factor {
            adjoint.iter_mut().for_each(|a| *a = *a * factor);
        }
        if let Some(norm) = &layer.normalised {
            let gain = self.gain(k) / norm.root;
            let count = adjoint.len() as f64;
            let mean = sum(adjoint) / count;
            let along = dot(adjoint, &norm.x) / count;
            for (a, &x) in adjoint.iter_mut().zip(&norm.x) {
                *a = (*a - T::of(mean) - T::of(along) * x) * T::of(gain);
            }
        }
    }

    /// The gradient of Σ_j e_j g_j + ⟨H, G⟩ in every parameter, where G = [`Pass::input_gradient`] of v and e, v are
    /// `[n]`, H `[n × inputs]`. Added to `out` `[parameters]`.
    pub fn parameter_gradient(&self, e: &[T], v: &[T], h: &[T], out: &mut [T]) {
        let layers = self.network.architecture.layers();
        let tangents = self.tangents(h);
        // Adjoints of the values, then of the tangents: [2n × rows], so that one product serves both.
        let mut s = [e, v].concat();
        let both = [self.psi, h].concat();
        for k in (0..layers.len()).rev() {
            let layer = &layers[k];
            transposed_times(&mut out[layer.pass.clone()], true, &s, &both, 2 * self.n);
            for row in s[..self.n * layer.rows].chunks_exact(layer.rows) {
                for (out, &s) in out[layer.bias.clone()].iter_mut().zip(row) {
                    *out += s;
                }
            }
            if k == 0 {
                break;
            }
            let below = [&self.hidden[k - 1].output[..], &tangents[k - 1].output].concat();
            transposed_times(&mut out[layer.hidden.clone()], true, &s, &below, 2 * self.n);
            let mut adjoint = vec![T::ZERO; 2 * self.n * layer.below];
            times(&mut adjoint, false, &s, self.weights(&layer.hidden), layer.rows);
            let (value, tangent) = adjoint.split_at_mut(self.n * layer.below);
            self.reverse_norm(k - 1, &tangents[k - 1], value, tangent, out);
            mask(value, &self.hidden[k - 1].active);
            mask(tangent, &self.hidden[k - 1].active);
            s = adjoint;
        }
    }

    /// Through layer k's batch-norm backwards, over values and tangents.
    fn reverse_norm(&self, k: usize, along: &Tangent<T>, value: &mut [T], tangent: &mut [T], out: &mut [T]) {
        let layer = &self.hidden[k];
        let Some(norm) = &layer.normalised else {
            debug_assert!(layer.factor.is_none(), "weights are trained with the batch's statistics");
            return;
        };
        let (gain, count) = (self.gain(k), value.len() as f64);
        let (x, w, rho) = (&norm.x, &along.w, along.rho);
        let value_x = dot(value, x);
        let (tangent_w, tangent_x) = (dot(tangent, w), dot(tangent, x));
        let at = self.network.architecture.layers()[k].gain.expect("a normalised layer has a gain");
        out[at] += T::of(value_x + tangent_w - rho * tangent_x);
        out[at + 1] += T::of(sum(value));
        // y = γx + β, ẏ = γ(w − ρx), ρ = mean(xw), x = (z − mean)/root, w = (ż − mean(ż))/root.
        let rho_bar = -gain * tangent_x;
        let (g, r, share) = (T::of(gain), T::of(rho), T::of(rho_bar / count));
        for (((value, tangent), &x), &w) in value.iter_mut().zip(tangent.iter_mut()).zip(x).zip(w) {
            let p = g * *tangent;
            *value = g * *value - r * p + share * w;
            *tangent = p + share * x;
        }
        let root_bar = -(dot(value, x) + dot(tangent, w)) / norm.root;
        let (value_mean, tangent_mean) = (sum(value) / count, sum(tangent) / count);
        // x has mean 0, so the root's own share needs no centring.
        let inverse = T::of(1.0 / norm.root);
        let (value_mean, tangent_mean, pull) = (T::of(value_mean), T::of(tangent_mean), T::of(root_bar / count));
        for ((value, tangent), &x) in value.iter_mut().zip(tangent.iter_mut()).zip(x) {
            *value = (*value - value_mean) * inverse + pull * x;
            *tangent = (*tangent - tangent_mean) * inverse;
        }
    }

    /// The tangents of every hidden layer along H.
    fn tangents(&self, h: &[T]) -> Vec<Tangent<T>> {
        let layers = self.network.architecture.layers();
        let mut tangents: Vec<Tangent<T>> = Vec::new();
        for (k, layer) in layers[..layers.len() - 1].iter().enumerate() {
            let below = tangents.last().map_or(&[][..], |below| &below.output);
            let mut output = linear(self.network, layer, below, h, self.n);
            mask(&mut output, &self.hidden[k].active);
            let (mut w, mut rho) = (vec![], 0.0);
            if let Some(norm) = &self.hidden[k].normalised {
                let mean = T::of(sum(&output) / output.len() as f64);
                w = output.iter().map(|&z| (z - mean) * T::of(1.0 / norm.root)).collect();
                rho = dot(&w, &norm.x) / output.len() as f64;
                let gain = T::of(self.gain(k));
                for ((out, &w), &x) in output.iter_mut().zip(&w).zip(&norm.x) {
                    *out = gain * (w - T::of(rho) * x);
                }
            }
            tangents.push(Tangent { output, w, rho });
        }
        tangents
    }

    fn weights(&self, range: &std::ops::Range<usize>) -> &[T] {
        &self.network.parameters[range.clone()]
    }

    fn gain(&self, k: usize) -> f64 {
        let at = self.network.architecture.layers()[k].gain.expect("a normalised layer has a gain");
        self.network.parameters[at].wide()
    }
}

/// ż of one hidden layer, with w = (ż − mean)/root and ρ = mean(x·w) where there is a batch-norm.
struct Tangent<T> {
    output: Vec<T>,
    w: Vec<T>,
    rho: f64,
}

/// below · Aᵀ + ψ · Uᵀ, `[n × rows]`.
fn linear<T: Scalar>(network: &Network<T>, layer: &Layer, below: &[T], psi: &[T], n: usize) -> Vec<T> {
    let mut t = vec![T::ZERO; n * layer.rows];
    times_transposed(&mut t, false, psi, &network.parameters[layer.pass.clone()], network.architecture.inputs());
    if layer.below > 0 {
        times_transposed(&mut t, true, below, &network.parameters[layer.hidden.clone()], layer.below);
    }
    t
}

fn activate<T: Scalar>(network: &Network<T>, k: usize, mut t: Vec<T>, mode: Mode) -> LayerPass<T> {
    let active: Vec<bool> = t.iter().map(|&t| t > T::ZERO).collect();
    mask(&mut t, &active);
    let Some(at) = network.architecture.layers()[k].gain else {
        return LayerPass { active, output: t, normalised: None, factor: None };
    };
    if mode == Mode::Inference {
        let (a, b) = network.inference_norm(k).expect("a layer with a gain has a batch-norm");
        let (a, b) = (T::of(f64::from(a)), T::of(f64::from(b)));
        t.iter_mut().for_each(|z| *z = a * *z + b);
        return LayerPass { active, output: t, normalised: None, factor: Some(a) };
    }
    let count = t.len() as f64;
    let mean = sum(&t) / count;
    let variance = t.iter().map(|&z| (z.wide() - mean).powi(2)).sum::<f64>() / count;
    let root = (variance + VARIANCE_FLOOR).sqrt();
    let x: Vec<T> = t.iter().map(|&z| (z - T::of(mean)) * T::of(1.0 / root)).collect();
    let (gain, bias) = (network.parameters[at], network.parameters[at + 1]);
    let output = x.iter().map(|&x| gain * x + bias).collect();
    LayerPass { active, output, normalised: Some(Normalised { x, mean, variance, root }), factor: None }
}

fn mask<T: Scalar>(values: &mut [T], active: &[bool]) {
    for (value, &active) in values.iter_mut().zip(active) {
        if !active {
            *value = T::ZERO;
        }
    }
}

fn sum<T: Scalar>(values: &[T]) -> f64 {
    values.iter().map(|v| v.wide()).sum()
}

fn dot<T: Scalar>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a.wide() * b.wide()).sum()
}
