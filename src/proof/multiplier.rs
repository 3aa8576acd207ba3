//! Lagrange's multiplier of the ball: λ > 0 that maximises base + Σ min (hᵢ(δ) + λ·ψ(δ)) − λ·ψ(r) (METHOD: "trust").
//!
//! Plain floats: the kernel checks the result, so a bad multiplier only proves less.

use crate::model::{Convexity, Graph, Minorant, Op};
use crate::perturbation::{Norm, Perturbation, reach};

/// Steps of golden-section search over log λ.
const STEPS: usize = 110;

/// hᵢ(δ) = slope·δ + Σ jump·(max(t + s·δ, 0) − max(t, 0)), for −fall ≤ δ ≤ rise.
struct Coordinate {
    slope: f64,
    kinks: Vec<(f64, f64, f64)>,
    fall: f64,
    rise: f64,
}

/// The best multiplier for l1 or l2 at `radius`; `None` where none is needed or found.
pub fn best(
    minorant: &Minorant,
    (graph, convexity): (&Graph, &Convexity),
    x: &[f64],
    perturbation: Perturbation,
    radius: f64,
) -> Option<f64> {
    if !radius.is_finite() {
        return None;
    }
    let coordinates = coordinates(minorant, (graph, convexity), x, perturbation, radius);
    let steepest = coordinates.iter().map(Coordinate::steepest).fold(0.0, f64::max);
    if radius == 0.0 {
        return Some(1.0);
    }
    // Slopes that cancel to 0 in floats may be tiny: the margin then gives the scale.
    let steepest = steepest.max(minorant.value.lower().max(0.0) / radius * 1e-9);
    let is_l1 = perturbation.norm == Norm::L1;
    let value = |log: f64| {
        let lambda = log.exp();
        let least: f64 = coordinates.iter().map(|c| c.least(lambda, is_l1)).sum();
        least - lambda * if is_l1 { radius } else { radius * radius / 2.0 }
    };
    // For l1 the multiplier is one of the slopes, for l2 at most ‖slopes‖/r, and small only where the box holds all.
    let top = if is_l1 { steepest } else { steepest * (x.len() as f64).sqrt() / radius };
    let lambda = maximise(value, (top * 1e-60).ln(), (top * 2.0).ln()).exp();
    (lambda.is_finite() && lambda > 0.0).then_some(lambda)
}

/// Golden-section search for the maximum of a concave function.
fn maximise(value: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut a, mut b) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut f_a, mut f_b) = (value(a), value(b));
    for _ in 0..STEPS {
        if f_a < f_b {
            (low, a, f_a) = (a, b, f_b);
            b = low + ratio * (high - low);
            f_b = value(b);
        } else {
            (high, b, f_b) = (b, a, f_a);
            a = high - ratio * (high - low);
            f_a = value(a);
        }
    }
    (low + high) / 2.0
}

fn coordinates(
    minorant: &Minorant,
    (graph, convexity): (&Graph, &Convexity),
    x: &[f64],
    perturbation: Perturbation,
    radius: f64,
) -> Vec<Coordinate> {
    let new = |(i, &slope): (usize, &f64)| {
        let (fall, rise) = perturbation.room(x[i]);
        Coordinate { slope, kinks: Vec::new(), fall: fall.min(radius), rise: rise.min(radius) }
    };
    let mut all: Vec<Coordinate> = minorant.parts[0].coefficients.iter().enumerate().map(new).collect();
    for (kink, part) in convexity.map.kinks.iter().zip(&minorant.parts[1..]) {
        let Op::Kink(shape) = graph.node(kink.node).op else { unreachable!("a kink of φ is a kink") };
        for i in 0..part.coefficients.len() {
            let Some(coordinate) = kink.argument.coordinate[i] else { continue };
            let (v, s, t) = (part.coefficients[i], kink.argument.scale[i].value, part.arguments[i].value);
            all[coordinate].slope += v * shape.below * s;
            all[coordinate].kinks.push((v * (shape.above - shape.below), t, s));
        }
    }
    all
}

/// A radius for a fractional norm: by the dual norm of the steepest slopes, which is how the kernel sees it.
pub fn by_dual_norm(
    minorant: &Minorant,
    (graph, convexity): (&Graph, &Convexity),
    x: &[f64],
    perturbation: Perturbation,
) -> f64 {
    let all = coordinates(minorant, (graph, convexity), x, perturbation, f64::INFINITY);
    let slopes: Vec<f64> = all.iter().map(Coordinate::steepest).collect();
    reach::uncapped(perturbation.norm, minorant.value.lower(), &slopes)
}

impl Coordinate {
    fn steepest(&self) -> f64 {
        let part = |side: fn(f64, f64) -> f64| self.kinks.iter().map(|(jump, _, s)| side(jump * s, 0.0)).sum::<f64>();
        (self.slope + part(f64::max)).abs().max((self.slope + part(f64::min)).abs())
    }

    fn change(&self, delta: f64) -> f64 {
        let kink = |&(jump, t, s): &(f64, f64, f64)| jump * ((t + s * delta).max(0.0) - t.max(0.0));
        self.slope * delta + self.kinks.iter().map(kink).sum::<f64>()
    }

    /// min of h(δ) + λψ(δ) over the interval.
    fn least(&self, lambda: f64, is_l1: bool) -> f64 {
        let value = |delta: f64| {
            let penalty = if is_l1 { delta.abs() } else { delta * delta / 2.0 };
            self.change(delta) + lambda * penalty
        };
        let inside = |delta: f64| delta.clamp(-self.fall, self.rise);
        if self.kinks.is_empty() {
            let end = if self.slope > 0.0 { -self.fall } else { self.rise };
            let delta = match is_l1 {
                true if self.slope.abs() <= lambda => 0.0,
                true => end,
                false => inside(-self.slope / lambda),
            };
            return value(delta);
        }
        let mut places = vec![-self.fall, self.rise, 0.0];
        places.extend(self.kinks.iter().map(|(_, t, s)| inside(-t / s)).filter(|d| d.is_finite()));
        if !is_l1 {
            places.sort_unstable_by(f64::total_cmp);
            for k in 1..places.len() {
                let (low, high) = (places[k - 1], places[k]);
                if high > low {
                    let slope = (self.change(high) - self.change(low)) / (high - low);
                    places.push((-slope / lambda).clamp(low, high));
                }
            }
        }
        places.into_iter().map(value).fold(f64::INFINITY, f64::min)
    }
}
