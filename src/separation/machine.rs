//! A large-margin machine: the hyperplane that minimises squared hinge losses, by L-BFGS with exact line searches.

use super::whitened::Whitened;
use rayon::prelude::*;
use std::collections::VecDeque;

/// Weight of ‖v‖².
const RIDGE: f64 = 1e-4;
/// Steps that the curvature is remembered of.
const MEMORY: usize = 20;
/// Points per piece of work: a function of nothing but the data, so that results do not depend on threads.
const CHUNK: usize = 512;
/// Newton steps of a line search.
const SEARCH: usize = 30;

/// A point of the machine's training set.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Its number among the whitened points.
    pub row: usize,
    /// 1 to be above the hyperplane, −1 below.
    pub side: f64,
    /// Weight of its loss.
    pub weight: f64,
}

/// Σ weight · max(0, 1 − side · v·z)² + ridge · ‖v‖², to be minimised.
pub struct Machine<'a> {
    points: &'a Whitened,
    samples: &'a [Sample],
}

impl<'a> Machine<'a> {
    /// On these samples.
    pub fn new(points: &'a Whitened, samples: &'a [Sample]) -> Machine<'a> {
        Machine { points, samples }
    }

    /// v·z of every sample.
    fn scores(&self, v: &[f64]) -> Vec<f64> {
        scores(self.points, v, self.samples.iter().map(|sample| sample.row).collect())
    }

    /// Improves `v` by at most so many steps; gives the loss.
    pub fn fit(&self, v: &mut [f64], steps: usize) -> f64 {
        let mut scores = self.scores(v);
        let mut memory: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
        let (mut value, mut gradient) = (self.value(&scores, v), self.gradient(&scores, v));
        for _ in 0..steps {
            let direction = two_loops(&gradient, &memory);
            let moved = self.scores(&direction);
            let length = self.search((&scores, &moved), (v, &direction));
            if length <= 0.0 {
                break;
            }
            let step: Vec<f64> = direction.iter().map(|x| length * x).collect();
            v.iter_mut().zip(&step).for_each(|(v, step)| *v += step);
            scores.iter_mut().zip(&moved).for_each(|(score, moved)| *score += length * moved);
            let next = self.gradient(&scores, v);
            let change: Vec<f64> = next.iter().zip(&gradient).map(|(next, old)| next - old).collect();
            let curvature = inner(&step, &change);
            gradient = next;
            if curvature > 0.0 {
                memory.push_back((step, change, 1.0 / curvature));
            }
            if memory.len() > MEMORY {
                memory.pop_front();
            }
            let found = self.value(&scores, v);
            if value - found < 1e-6 * found {
                return found;
            }
            value = found;
        }
        value
    }

    /// The length of the best step along a direction: the zero of an increasing, piecewise linear derivative.
    fn search(&self, (scores, moved): (&[f64], &[f64]), (v, direction): (&[f64], &[f64])) -> f64 {
        let (square, cross) = (inner(direction, direction), inner(v, direction));
        let derivatives = |length: f64| {
            let (mut first, mut second) = (2.0 * RIDGE * (cross + length * square), 2.0 * RIDGE * square);
            for ((sample, score), moved) in self.samples.iter().zip(scores).zip(moved) {
                let short = 1.0 - sample.side * (score + length * moved);
                if short > 0.0 {
                    first -= 2.0 * sample.weight * short * sample.side * moved;
                    second += 2.0 * sample.weight * moved * moved;
                }
            }
            (first, second)
        };
        let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 0.0);
        for _ in 0..SEARCH {
            let (first, second) = derivatives(length);
            if first < 0.0 {
                low = length
            } else {
                high = length
            }
            let next = length - first / second;
            let inside = next > low && next < high;
            let next = if inside { next } else { (low + if high.is_finite() { high } else { 2.0 * low + 1.0 }) / 2.0 };
            if (next - length).abs() <= 1e-9 * next.abs() {
                return next;
            }
            length = next;
        }
        length
    }

    fn value(&self, scores: &[f64], v: &[f64]) -> f64 {
        let loss = |(sample, score): (&Sample, &f64)| sample.weight * (1.0 - sample.side * score).max(0.0).powi(2);
        self.samples.iter().zip(scores).map(loss).sum::<f64>() + RIDGE * inner(v, v)
    }

    fn gradient(&self, scores: &[f64], v: &[f64]) -> Vec<f64> {
        let part = |(samples, scores): (&[Sample], &[f64])| {
            let mut sum = vec![0.0_f32; self.points.width()];
            for (sample, score) in samples.iter().zip(scores) {
                let short = 1.0 - sample.side * score;
                if short > 0.0 {
                    let factor = (-2.0 * sample.weight * short * sample.side) as f32;
                    sum.iter_mut().zip(self.points.row(sample.row)).for_each(|(sum, z)| *sum += factor * z);
                }
            }
            sum
        };
        let parts: Vec<Vec<f32>> = self.samples.par_chunks(CHUNK).zip(scores.par_chunks(CHUNK)).map(part).collect();
        let mut gradient: Vec<f64> = v.iter().map(|v| 2.0 * RIDGE * v).collect();
        for part in parts {
            gradient.iter_mut().zip(part).for_each(|(sum, x)| *sum += f64::from(x));
        }
        gradient
    }
}

/// v·z of some points.
pub fn scores(points: &Whitened, v: &[f64], rows: Vec<usize>) -> Vec<f64> {
    let narrow: Vec<f32> = v.iter().map(|&v| v as f32).collect();
    rows.into_par_iter().with_min_len(CHUNK).map(|row| dot(&narrow, points.row(row))).collect()
}

/// In lanes, so that it is fast.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (a_parts, b_parts) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a_parts.0.iter().zip(b_parts.0) {
        (0..LANES).for_each(|lane| sums[lane] += a[lane] * b[lane]);
    }
    let rest: f32 = a_parts.1.iter().zip(b_parts.1).map(|(a, b)| a * b).sum();
    sums.iter().map(|&sum| f64::from(sum)).sum::<f64>() + f64::from(rest)
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The quasi-Newton direction (Nocedal and Wright, *Numerical Optimization*, algorithm 7.4).
fn two_loops(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut factors = Vec::with_capacity(memory.len());
    for (step, change, inverse) in memory.iter().rev() {
        let factor = inverse * inner(step, &direction);
        direction.iter_mut().zip(change).for_each(|(d, change)| *d -= factor * change);
        factors.push(factor);
    }
    if let Some((step, change, _)) = memory.back() {
        let scale = inner(step, change) / inner(change, change);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for ((step, change, inverse), factor) in memory.iter().zip(factors.iter().rev()) {
        let factor = factor - inverse * inner(change, &direction);
        direction.iter_mut().zip(step).for_each(|(d, step)| *d += factor * step);
    }
    direction
}
