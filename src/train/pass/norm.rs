//! Batch-norms: forward, back to the input, along a tangent, and in reverse over values and tangents.

use super::Mode;
use crate::matrix::Scalar;
use crate::train::architecture::Norm;
use crate::train::network::{Network, Running, VARIANCE_FLOOR};

/// Entries that are summed side by side.
const LANES: usize = 16;

/// One channel's statistics and constants.
#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    gain: f64,
    mean: f64,
    variance: f64,
    root: f64,
}

/// What a batch-norm remembers of a batch.
#[derive(Debug)]
pub struct Normalised<T> {
    /// x = (z − mean)/root, `[n × size]`; empty at inference.
    x: Vec<T>,
    /// At inference `gain` is the factor.
    channels: Vec<Channel>,
    size: usize,
}

/// w = (ż − mean(ż))/root `[n × size]`, and ρ = mean(x·w) per channel.
pub struct Tangent<T> {
    w: Vec<T>,
    rho: Vec<f64>,
}

impl<T: Scalar> Normalised<T> {
    /// Normalises z `[n × size]`.
    pub fn new(network: &Network<T>, norm: &Norm, z: &[T], mode: Mode) -> (Normalised<T>, Vec<T>) {
        let size = network.architecture.size(norm.from);
        let mut normalised = Normalised { x: vec![], channels: vec![Channel::default(); norm.channels], size };
        let mut made = z.to_vec();
        if mode == Mode::Inference {
            for (c, (a, b)) in network.inference_norm(norm).into_iter().enumerate() {
                let (a, b) = (T::of(f64::from(a)), T::of(f64::from(b)));
                normalised.channels[c].gain = a.wide();
                normalised.change(c, &mut made, |z| a * z + b);
            }
            return (normalised, made);
        }
        let (gains, biases) = network.parameters[norm.at.clone()].split_at(norm.channels);
        for c in 0..norm.channels {
            let count = normalised.count(z);
            let mean = normalised.fold(c, z, sum) / count;
            let shift = T::of(mean);
            let variance = normalised.fold(c, z, |z| sum_of(z, z, |a, _| (a - shift) * (a - shift))) / count;
            let root = (variance + VARIANCE_FLOOR).sqrt();
            normalised.channels[c] = Channel { gain: gains[c].wide(), mean, variance, root };
            let inverse = T::of(1.0 / root);
            normalised.change(c, &mut made, |z| (z - shift) * inverse);
        }
        normalised.x = made.clone();
        for c in 0..norm.channels {
            normalised.change(c, &mut made, |x| gains[c] * x + biases[c]);
        }
        (normalised, made)
    }

    /// Mean and variance of every channel, where they are the batch's.
    pub fn statistics(&self) -> Option<Vec<Running>> {
        let running = |channel: &Channel| Running { mean: channel.mean, variance: channel.variance };
        (!self.x.is_empty()).then(|| self.channels.iter().map(running).collect())
    }

    /// Turns the adjoint of the result into that of z, in place.
    pub fn pull_back(&self, adjoint: &mut [T]) {
        for (c, channel) in self.channels.iter().enumerate() {
            if self.x.is_empty() {
                let factor = T::of(channel.gain);
                self.change(c, adjoint, |a| a * factor);
                continue;
            }
            let gain = T::of(channel.gain / channel.root);
            let count = self.count(adjoint);
            let mean = T::of(self.fold(c, adjoint, sum) / count);
            let along = T::of(self.dot(c, adjoint, &self.x) / count);
            self.change_by(c, adjoint, &self.x, |a, x| (a - mean - along * x) * gain);
        }
    }

    /// The tangent of the result along ż.
    pub fn tangent(&self, tangent: &[T]) -> (Tangent<T>, Vec<T>) {
        assert!(!self.x.is_empty(), "weights are trained with the batch's statistics");
        let mut w = tangent.to_vec();
        let mut rho = Vec::with_capacity(self.channels.len());
        for (c, channel) in self.channels.iter().enumerate() {
            let mean = T::of(self.fold(c, tangent, sum) / self.count(tangent));
            let inverse = T::of(1.0 / channel.root);
            self.change(c, &mut w, |z| (z - mean) * inverse);
            rho.push(self.dot(c, &w, &self.x) / self.count(tangent));
        }
        let mut made = w.clone();
        for (c, channel) in self.channels.iter().enumerate() {
            let (gain, rho) = (T::of(channel.gain), T::of(rho[c]));
            self.change_by(c, &mut made, &self.x, |w, x| gain * (w - rho * x));
        }
        (Tangent { w, rho }, made)
    }

    /// Backwards over values and, where there are any, tangents; adds to the gradient of gains and biases.
    pub fn reverse(&self, along: Option<&Tangent<T>>, value: &mut [T], tangent: &mut [T], out: &mut [T]) {
        assert!(!self.x.is_empty(), "weights are trained with the batch's statistics");
        match along {
            Some(along) => self.reverse_both(along, value, tangent, out),
            None => {
                for c in 0..self.channels.len() {
                    out[c] += T::of(self.dot(c, value, &self.x));
                    out[self.channels.len() + c] += T::of(self.fold(c, value, sum));
                }
                self.pull_back(value);
            }
        }
    }

    /// y = γx + β, ẏ = γ(w − ρx), ρ = mean(xw), x = (z − mean)/root, w = (ż − mean(ż))/root.
    fn reverse_both(&self, along: &Tangent<T>, value: &mut [T], tangent: &mut [T], out: &mut [T]) {
        let (x, w, count) = (&self.x, &along.w, self.count(value));
        for (c, channel) in self.channels.iter().enumerate() {
            let (gain, rho) = (channel.gain, along.rho[c]);
            let tangent_x = self.dot(c, tangent, x);
            out[c] += T::of(self.dot(c, value, x) + self.dot(c, tangent, w) - rho * tangent_x);
            out[self.channels.len() + c] += T::of(self.fold(c, value, sum));
            let (g, r, share) = (T::of(gain), T::of(rho), T::of(-gain * tangent_x / count));
            self.change_by(c, tangent, x, |t, _| g * t);
            self.change_by(c, value, tangent, |v, p| g * v - r * p);
            self.change_by(c, value, w, |v, w| v + share * w);
            self.change_by(c, tangent, x, |p, x| p + share * x);
            let root_bar = -(self.dot(c, value, x) + self.dot(c, tangent, w)) / channel.root;
            // x has mean 0, so the root's own share needs no centring.
            let inverse = T::of(1.0 / channel.root);
            let [value_mean, tangent_mean] = [&*value, &*tangent].map(|s| T::of(self.fold(c, s, sum) / count));
            let pull = T::of(root_bar / count);
            self.change_by(c, value, x, |v, x| (v - value_mean) * inverse + pull * x);
            self.change(c, tangent, |t| (t - tangent_mean) * inverse);
        }
    }

    /// Entries of one channel.
    fn count(&self, values: &[T]) -> f64 {
        (values.len() / self.channels.len()) as f64
    }

    /// The places of a channel in one sample.
    fn stretch(&self, c: usize) -> std::ops::Range<usize> {
        let each = self.size / self.channels.len();
        c * each..(c + 1) * each
    }

    fn change(&self, c: usize, values: &mut [T], f: impl Fn(T) -> T) {
        let at = self.stretch(c);
        for row in values.chunks_exact_mut(self.size) {
            row[at.clone()].iter_mut().for_each(|v| *v = f(*v));
        }
    }

    fn change_by(&self, c: usize, values: &mut [T], others: &[T], f: impl Fn(T, T) -> T) {
        let at = self.stretch(c);
        for (row, others) in values.chunks_exact_mut(self.size).zip(others.chunks_exact(self.size)) {
            row[at.clone()].iter_mut().zip(&others[at.clone()]).for_each(|(v, &o)| *v = f(*v, o));
        }
    }

    fn fold(&self, c: usize, values: &[T], f: impl Fn(&[T]) -> f64) -> f64 {
        let at = self.stretch(c);
        values.chunks_exact(self.size).map(|row| f(&row[at.clone()])).sum()
    }

    fn dot(&self, c: usize, a: &[T], b: &[T]) -> f64 {
        let at = self.stretch(c);
        let rows = a.chunks_exact(self.size).zip(b.chunks_exact(self.size));
        rows.map(|(a, b)| sum_of(&a[at.clone()], &b[at.clone()], |a, b| a * b)).sum()
    }
}

/// Σ f(a, b), in lanes of this precision, which are added up in f64.
fn sum_of<T: Scalar>(a: &[T], b: &[T], f: impl Fn(T, T) -> T) -> f64 {
    let mut lanes = [T::ZERO; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += f(a[lane], b[lane]);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(&a, &b)| f(a, b).wide()).sum();
    lanes.iter().map(|lane| lane.wide()).sum::<f64>() + rest
}

/// Σ values.
pub fn sum<T: Scalar>(values: &[T]) -> f64 {
    sum_of(values, values, |a, _| a)
}
