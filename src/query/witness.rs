//! Points with f ≤ 0, verified with rigorous rounding: what every upper bound of a radius is made of.

use crate::query::Query;
use crate::rounding::mul_up;

/// A point with f ≤ 0: the true radius cannot exceed its distance.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// `[input size]`.
    pub point: Vec<f64>,
    /// Distance from the sample, rounded up.
    pub distance: f64,
}

/// Factors of the step along a ray that are tried first, in rising order: a solver's point is off by its tolerance, an
/// attack's direction by much more.
const RAY: [f64; 23] = [
    0.0,
    0.25,
    0.5,
    0.75,
    0.9,
    1.0 - 1e-2,
    1.0 - 1e-4,
    1.0 - 1e-6,
    1.0 - 1e-8,
    1.0 - 1e-10,
    1.0,
    1.0 + 1e-12,
    1.0 + 1e-10,
    1.0 + 1e-8,
    1.0 + 1e-6,
    1.0 + 1e-4,
    1.0 + 1e-2,
    1.1,
    1.5,
    2.0,
    4.0,
    16.0,
    64.0,
];

/// Factors that are tried first on a segment whose start is nearly a witness.
const SEGMENT: [f64; 9] = [0.0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 0.1, 0.5, 1.0];

/// Relative width at which the search along a ray stops.
const WIDTH: f64 = 2e-14;

/// Rounds of refinement, each with several points; bisection alone would reach the limits of `f64` in that many.
const ROUNDS: usize = 40;

/// What floats see at a point in reach.
pub enum Seen {
    /// f ≤ 0.
    Below(Witness),
    /// f is 0 or very near to it: exact arithmetic has to tell.
    Near(Witness),
}

impl Query<'_> {
    /// What floats see at a point of the box; `None` where f > 0 or nothing is known.
    pub fn look(&self, point: &[f64]) -> Option<Seen> {
        let fits = point.len() == self.size() && point.iter().all(|v| v.is_finite());
        if !fits || self.perturbation.range.is_some_and(|ranges| ranges.outside(point).is_some()) {
            return None;
        }
        let distance = self.distance(point);
        if distance == f64::INFINITY {
            return None;
        }
        let (logit, witness) = (self.model.enclose(point)[0], || Witness { point: point.to_vec(), distance });
        if logit.upper() <= 0.0 {
            return Some(Seen::Below(witness()));
        }
        (logit.lower() <= 0.0 && logit.error.is_finite()).then(|| Seen::Near(witness()))
    }

    /// `point` as a witness, if it has f ≤ 0 and lies in the box.
    pub fn check(&self, point: &[f64]) -> Option<Witness> {
        match self.look(point)? {
            Seen::Below(witness) => Some(witness),
            Seen::Near(_) => None,
        }
    }

    /// The nearest point with f ≤ 0 on the ray from the sample through `toward`, every point clipped into the box when
    /// there is one; `None` when none of the points tried is verified.
    ///
    /// f is convex along the ray when φ is affine and no coordinate is clipped; then the result is the crossing to about
    /// 1e-13. In every other case it is some crossing.
    pub fn along_ray(&self, toward: &[f64]) -> Option<Witness> {
        self.along(self.x, toward, &RAY)
    }

    /// The first point with f ≤ 0 on the segment from `start`, with f a little above 0, to `end`, each clipped into the
    /// box.
    pub fn along_segment(&self, start: &[f64], end: &[f64]) -> Option<Witness> {
        self.along(start, end, &SEGMENT)
    }

    /// An upper bound of ‖`point` − x‖; infinite where a coordinate moves that cannot.
    pub fn distance(&self, point: &[f64]) -> f64 {
        let difference = |(a, b): (&f64, &f64)| if a == b { 0.0 } else { (b - a).abs().next_up() };
        let mut differences: Vec<f64> = self.x.iter().zip(point).map(difference).collect();
        if let Some(weights) = self.perturbation.weights {
            differences.iter_mut().zip(weights).for_each(|(d, &w)| *d = if w == 1.0 { *d } else { mul_up(*d, w) });
        }
        self.norm().upper(&differences)
    }

    /// The nearest witness on the line from `start` through `toward`, by the share of the way; `first` are tried first.
    fn along(&self, start: &[f64], toward: &[f64], first: &[f64]) -> Option<Witness> {
        let fits = |point: &[f64]| point.len() == self.size() && point.iter().all(|v| v.is_finite());
        if !fits(start) || !fits(toward) {
            return None;
        }
        let point = |factor: f64| self.between(start, toward, factor);
        // Upper bounds of f, NaN replaced by ∞.
        let values = |factors: &[f64]| -> Vec<f64> {
            let points: Vec<f64> = factors.iter().flat_map(|&factor| point(factor)).collect();
            self.model.enclose(&points).iter().map(|value| value.upper()).collect()
        };
        let mut bracket = Bracket::default();
        bracket.add(first, &values(first));
        bracket.high?;
        for _ in 0..ROUNDS {
            let factors = bracket.proposals();
            if factors.is_empty() {
                break;
            }
            bracket.add(&factors, &values(&factors));
        }
        // A point alone may take another path through the arithmetic than in a batch, and whoever receives the witness
        // looks at it alone: so it must hold there, if need be a little further on.
        let (found, _) = bracket.high?;
        let further = std::iter::successors(Some(1e-15), |step| Some(step * 10.0)).take_while(|&step| step <= 2.0);
        let mut factors = std::iter::once(found).chain(further.map(|step| found * (1.0 + step)));
        factors.find_map(|factor| self.check(&point(factor)))
    }

    /// The point at this share of the way, clipped into the box.
    fn between(&self, start: &[f64], toward: &[f64], factor: f64) -> Vec<f64> {
        let along = |(&start, &toward): (&f64, &f64)| match factor {
            0.0 => start,
            1.0 => toward,
            _ => start + factor * (toward - start),
        };
        self.clipped(start.iter().zip(toward).map(along).collect())
    }
}

/// The largest factor known not to be verified below the smallest verified one, each with its value.
#[derive(Clone, Copy, Debug, Default)]
struct Bracket {
    low: Option<(f64, f64)>,
    high: Option<(f64, f64)>,
}

impl Bracket {
    /// Takes in `factors`, which rise.
    fn add(&mut self, factors: &[f64], values: &[f64]) {
        for (&factor, &value) in factors.iter().zip(values) {
            let inside = self.low.is_none_or(|(low, _)| factor > low) && self.high.is_none_or(|(h, _)| factor < h);
            if inside && value <= 0.0 {
                self.high = Some((factor, value));
                return;
            }
            if inside {
                self.low = Some((factor, value));
            }
        }
    }

    /// Rising factors inside the bracket: around the secant's zero, and in the middle; none when it is narrow.
    fn proposals(&self) -> Vec<f64> {
        let (Some((low, f_low)), Some((high, f_high))) = (self.low, self.high) else { return Vec::new() };
        if high - low <= WIDTH * high {
            return Vec::new();
        }
        let secant = high - (high - low) * (f_high / (f_high - f_low));
        let middle = low + 0.5 * (high - low);
        let offsets = [-1e-4, -1e-9, -8e-15, 8e-15, 4e-14, 1e-9, 1e-4];
        let mut factors = vec![middle, low + 0.1 * (high - low), low + 0.9 * (high - low)];
        if secant.is_finite() {
            factors.extend(offsets.map(|offset| secant * (1.0 + offset)));
        }
        factors.retain(|&factor| low < factor && factor < high);
        factors.sort_unstable_by(f64::total_cmp);
        factors.dedup();
        factors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::model::{Dense, Graph, Kink, Layer};
    use crate::norm::Norm;
    use crate::query::{Perturbation, Range};

    /// relu(x₀ − 1) − x₀/2 − x₁ + 1.
    fn model() -> Model {
        let mut graph = Graph::new("x", &[2]);
        let first = Dense { rows: 3, cols: 2, weight: vec![1., 0., 1., 0., 0., 1.], bias: vec![-1., 0., 0.] };
        let first = graph.push("first", Layer::Dense(first), &[0]).unwrap();
        let kink = graph.push("kink", Layer::Kink(Kink::RELU), &[first]).unwrap();
        let last = Dense { rows: 1, cols: 3, weight: vec![1., 0., 0.], bias: vec![1.] };
        let last = graph.push("last", Layer::Dense(last), &[kink]).unwrap();
        let skip = Dense { rows: 1, cols: 2, weight: vec![-0.5, -1.], bias: vec![0.] };
        let skip = graph.push("skip", Layer::Dense(skip), &[0]).unwrap();
        graph.push("sum", Layer::Sum, &[last, skip]).unwrap();
        Model::new(graph).unwrap()
    }

    fn query<'a>(model: &'a Model, perturbation: Perturbation<'a>) -> Query<'a> {
        Query { model, x: &[0.0, 0.0], index: 0, perturbation }
    }

    #[test]
    fn the_crossing_is_found_to_twelve_digits() {
        let plain = Perturbation::new(Norm::L2);
        for toward in [[0.0, 0.3], [0.0, 1.0], [0.0, 1.0 - 1e-9], [0.0, 40.0]] {
            let witness = query(&model(), plain).along_ray(&toward).unwrap();
            assert!((witness.distance - 1.0).abs() < 1e-12 && witness.distance >= 1.0, "{}", witness.distance);
        }
        // Past x₀ = 1 the function rises again along x₀, so f = 0 is met at x₀ + 2x₁ = 2 before it.
        let witness = query(&model(), Perturbation::new(Norm::Linf)).along_ray(&[0.9, 0.9]).unwrap();
        assert!((witness.distance - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_segment_ends_at_its_first_negative_point() {
        let (start, end) = ([0.0, 1.0 - 1e-9], [0.0, 1.5]);
        let witness = query(&model(), Perturbation::new(Norm::L1)).along_segment(&start, &end).unwrap();
        assert!((witness.distance - 1.0).abs() < 1e-12 && witness.distance >= 1.0);
        assert_eq!(query(&model(), Perturbation::new(Norm::L1)).along_segment(&start, &[0.0, 0.5]), None);
    }

    #[test]
    fn the_box_clips_the_ray() {
        let range = Some(Range { low: 0.0, high: 0.75 }.into());
        let perturbation = Perturbation { norm: Norm::Linf, range, weights: None };
        assert_eq!(query(&model(), perturbation).along_ray(&[0.0, 2.0]), None);
        let witness = query(&model(), perturbation).along_ray(&[0.1, 2.0]).unwrap();
        assert!((witness.point[0] - 0.5).abs() < 1e-12 && witness.point[1] == 0.75);
    }

    #[test]
    fn what_is_no_witness_is_refused() {
        let plain = Perturbation::new(Norm::L2);
        let boxed = Perturbation { norm: Norm::L2, range: Some(Range { low: 0.0, high: 1.0 }.into()), weights: None };
        assert!(query(&model(), plain).check(&[0.0, 1.5]).is_some());
        assert_eq!(query(&model(), boxed).check(&[0.0, 1.5]), None, "outside the box");
        assert_eq!(query(&model(), plain).check(&[0.0, 0.5]), None, "f > 0");
        assert_eq!(query(&model(), plain).check(&[0.0, f64::NAN]), None, "NaN");
        assert_eq!(query(&model(), plain).check(&[0.0]), None, "too short");
        assert_eq!(query(&model(), plain).along_ray(&[1.0, 0.0]), None, "f grows along this ray");
        assert_eq!(query(&model(), plain).along_ray(&[f64::INFINITY, 0.0]), None);
        assert_eq!(query(&model(), plain).along_ray(&[0.0, 0.0]), None, "no direction");
    }
}
