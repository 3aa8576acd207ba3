//! Lagrange's multiplier of the ball: λ > 0 that maximises base + Σ min (hᵢ(δ) + λ·ψ(δ)) − λ·ψ(r) (METHOD: "trust").
//!
//! Plain floats: the kernel checks the result, so a bad multiplier only proves less.

use super::plan::Cut;
use crate::model::{Convexity, Minorant};
use crate::norm::Norm;
use crate::query::{Perturbation, reach};

/// hᵢ(δ) = slope·δ + Σ jump·(max(t + s·δ, 0) − max(t, 0)), for low ≤ δ ≤ high. The
/// sample itself, δ = 0, need not lie there.
struct Coordinate {
    slope: f64,
    kinks: Vec<(f64, f64, f64)>,
    low: f64,
    high: f64,
}

/// The best multiplier for l1 or l2 at `radius` over the part between `cuts`; `None` where none is needed or found.
pub fn best(
    minorant: &Minorant,
    convexity: &Convexity,
    x: &[f64],
    perturbation: Perturbation,
    (radius, cuts): (f64, &[Cut]),
) -> Option<f64> {
    if !radius.is_finite() {
        return None;
    }
    if radius == 0.0 {
        return Some(1.0);
    }
    let mut coordinates = coordinates(minorant, convexity, x, perturbation, radius);
    for cut in cuts {
        let coordinate = coordinates.get_mut(cut.coordinate)?;
        let scale = perturbation.scale(cut.coordinate);
        if scale > 0.0 {
            coordinate.low = coordinate.low.max((cut.low - x[cut.coordinate]) / scale);
            coordinate.high = coordinate.high.min((cut.high - x[cut.coordinate]) / scale);
        }
    }
    if coordinates.iter().any(|c| c.low > c.high) {
        return Some(1.0);
    }
    let is_l1 = perturbation.norm == Norm::L1;
    let cost = if is_l1 { radius } else { radius * radius / 2.0 };
    let turns: Vec<Vec<(f64, f64)>> = coordinates.iter().map(Coordinate::turns).collect();
    // What is left of the margin, and whether a larger λ would leave more: by how far the attacker then goes, which is
    // known even where the change of the sum is lost in rounding.
    let evaluate = |lambda: f64| {
        let places = coordinates.iter().zip(&turns).map(|(c, turns)| c.least(turns, lambda, is_l1));
        let (least, spent) = places.fold((0.0, 0.0), |(a, b), (value, penalty)| (a + value, b + penalty));
        (least - lambda * cost, spent > cost)
    };
    let lambda = turn(|lambda| evaluate(lambda).1, |lambda| evaluate(lambda).0);
    // Where the box holds the attacker back before the ball does, every small λ is good.
    let small = (minorant.value.lower() / cost * 1e-20).max(f64::MIN_POSITIVE);
    let lambda = lambda.max(small);
    lambda.is_finite().then_some(lambda)
}

/// Where a concave function of λ > 0 stops rising: by bisection over the floats in their order.
fn turn(rises: impl Fn(f64) -> bool, value: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (f64::MIN_POSITIVE.to_bits(), f64::MAX.to_bits());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if rises(f64::from_bits(middle)) { low = middle } else { high = middle }
    }
    let (low, high) = (f64::from_bits(low), f64::from_bits(high));
    if value(low) > value(high) { low } else { high }
}

fn coordinates(
    minorant: &Minorant,
    convexity: &Convexity,
    x: &[f64],
    perturbation: Perturbation,
    radius: f64,
) -> Vec<Coordinate> {
    let new = |(i, &slope): (usize, &f64)| {
        let (fall, rise) = perturbation.room(i, x[i]);
        Coordinate {
            slope: slope * perturbation.scale(i),
            kinks: Vec::new(),
            low: -fall.min(radius),
            high: rise.min(radius),
        }
    };
    let mut all: Vec<Coordinate> = minorant.parts[0].coefficients.iter().enumerate().map(new).collect();
    for (bent, part) in convexity.map.bent.iter().zip(&minorant.parts[1..]) {
        for (i, coordinate, bend) in bent.bends() {
            let (v, s) = (part.coefficients[i], perturbation.scale(coordinate));
            all[coordinate].slope += v * bend.kink.below * s;
            let jump = v * (bend.kink.above - bend.kink.below);
            all[coordinate].kinks.push((jump, bend.argument(x[coordinate]).value, s));
        }
    }
    all
}

/// A radius for a fractional norm: by the dual norm of the steepest slopes, which is how the kernel sees it.
pub fn by_dual_norm(minorant: &Minorant, convexity: &Convexity, x: &[f64], perturbation: Perturbation) -> f64 {
    let all = coordinates(minorant, convexity, x, perturbation, f64::INFINITY);
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

    /// (δ, h(δ)) at the ends of the interval, at 0 and at the kinks, in rising order; nothing where h is linear.
    fn turns(&self) -> Vec<(f64, f64)> {
        if self.kinks.is_empty() {
            return Vec::new();
        }
        let inside = |delta: f64| delta.clamp(self.low, self.high);
        let kinks = self.kinks.iter().map(|(_, t, s)| inside(-t / s)).filter(|delta| delta.is_finite());
        let mut places: Vec<f64> = [self.low, self.high, inside(0.0)].into_iter().chain(kinks).collect();
        places.sort_unstable_by(f64::total_cmp);
        places.dedup();
        places.into_iter().map(|delta| (delta, self.change(delta))).collect()
    }

    /// min of h(δ) + λψ(δ) over the interval, and ψ there.
    fn least(&self, turns: &[(f64, f64)], lambda: f64, is_l1: bool) -> (f64, f64) {
        let value = |(delta, change): (f64, f64)| {
            let penalty = if is_l1 { delta.abs() } else { delta * delta / 2.0 };
            (change + lambda * penalty, penalty)
        };
        let inside = |delta: f64| delta.clamp(self.low, self.high);
        if self.kinks.is_empty() {
            let end = if self.slope > 0.0 { self.low } else { self.high };
            let delta = match is_l1 {
                true if self.slope.abs() <= lambda => inside(0.0),
                true => end,
                false => inside(-self.slope / lambda),
            };
            return value((delta, self.slope * delta));
        }
        let between = |ends: &[(f64, f64)]| {
            let ((low, start), (high, end)) = (ends[0], ends[1]);
            let slope = (end - start) / (high - low);
            let delta = (-slope / lambda).clamp(low, high);
            (delta, start + slope * (delta - low))
        };
        let vertices = turns.windows(2).filter(|_| !is_l1).map(between);
        let values = turns.iter().copied().chain(vertices).map(value);
        values.min_by(|a, b| a.0.total_cmp(&b.0)).expect("the ends of the interval")
    }
}
