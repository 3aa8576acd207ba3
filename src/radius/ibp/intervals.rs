//! Vectors of intervals, and every elementwise operation on them, rounded outward.
//!
//! Invariant: a low end is below ∞, a high end is above −∞, and neither is NaN.

use crate::model::map::{Map, Weight};
use crate::model::{Affine, Kink, Node, Op};

/// Entry i lies in [low_i, high_i]; an infinite end says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Intervals {
    pub low: Vec<f64>,
    pub high: Vec<f64>,
}

/// One entry's interval.
pub(crate) type Interval = (f64, f64);

impl Intervals {
    /// Exactly these numbers; a NaN says nothing.
    pub fn point(values: &[f64]) -> Self {
        values.iter().map(|&value| (value, value)).collect()
    }

    pub fn with_capacity(size: usize) -> Self {
        Intervals { low: Vec::with_capacity(size), high: Vec::with_capacity(size) }
    }

    pub fn len(&self) -> usize {
        self.low.len()
    }

    pub fn get(&self, i: usize) -> Interval {
        (self.low[i], self.high[i])
    }

    /// Appends an entry; an end that is NaN says nothing.
    pub fn push(&mut self, (low, high): Interval) {
        self.low.push(if low.is_nan() { f64::NEG_INFINITY } else { low.min(f64::MAX) });
        self.high.push(if high.is_nan() { f64::INFINITY } else { high.max(f64::MIN) });
    }

    pub fn iter(&self) -> impl Iterator<Item = Interval> {
        self.low.iter().copied().zip(self.high.iter().copied())
    }

    /// The entries at `columns`.
    pub fn select(&self, columns: &[usize]) -> Self {
        columns.iter().map(|&k| self.get(k)).collect()
    }

    /// What both know of the same entries.
    pub fn intersect(&mut self, other: &Intervals) {
        self.low.iter_mut().zip(&other.low).for_each(|(a, &b)| *a = a.max(b));
        self.high.iter_mut().zip(&other.high).for_each(|(a, &b)| *a = a.min(b));
    }

    /// Entry by entry a + b.
    pub fn plus(&self, other: &Intervals) -> Self {
        self.iter().zip(other.iter()).map(|(a, b)| sum(a, b)).collect()
    }
}

impl FromIterator<Interval> for Intervals {
    fn from_iter<I: IntoIterator<Item = Interval>>(iter: I) -> Self {
        let iter = iter.into_iter();
        let mut result = Intervals::with_capacity(iter.size_hint().0);
        iter.for_each(|entry| result.push(entry));
        result
    }
}

fn sum((a, b): Interval, (c, d): Interval) -> Interval {
    ((a + c).next_down(), (b + d).next_up())
}

/// s·t, where 0 · ∞ is 0: an end at infinity is approached, never reached.
fn times(s: f64, t: f64) -> f64 {
    if s == 0.0 || t == 0.0 { 0.0 } else { s * t }
}

/// One step outward, unless the operation was exact.
fn outward((low, high): Interval, exact: bool) -> Interval {
    if exact { (low, high) } else { (low.next_down(), high.next_up()) }
}

fn scaled((low, high): Interval, s: f64) -> Interval {
    let (a, b) = (times(s, low), times(s, high));
    outward((a.min(b), a.max(b)), s == 0.0 || s.abs() == 1.0)
}

fn weighted((low, high): Interval, weight: Weight) -> Interval {
    if !weight.divides {
        return scaled((low, high), weight.value);
    }
    let (a, b) = (low / weight.value, high / weight.value);
    outward((a.min(b), a.max(b)), weight.value.abs() == 1.0)
}

/// The exact range of a kink over an interval, but for the rounding.
fn kinked((low, high): Interval, kink: Kink) -> Interval {
    let exact = |s: f64| s == 0.0 || s.abs() == 1.0;
    if low >= 0.0 {
        return scaled((low, high), kink.above);
    }
    if high <= 0.0 {
        return scaled((low, high), kink.below);
    }
    let (a, b) = (times(kink.below, low), times(kink.above, high));
    // The ends and the kink itself, whose value 0 is exact.
    let (low, high) = outward((a.min(b), a.max(b)), exact(kink.below) && exact(kink.above));
    (low.min(0.0), high.max(0.0))
}

/// A map's product; one entry with weight 1 is itself.
fn product(map: &Map, x: &Intervals) -> Intervals {
    let row = |i: usize| map.entries(i).filter(|(_, w)| w.value != 0.0).map(|(col, w)| weighted(x.get(col), w));
    match map {
        Map::Identity(_) => x.clone(),
        Map::Diagonal(diagonal) => x.iter().zip(diagonal.weights()).map(|(x, w)| weighted(x, w)).collect(),
        _ => (0..map.rows()).map(|i| row(i).reduce(sum).unwrap_or((0.0, 0.0))).collect(),
    }
}

/// The sum of the products and the offset; what one map alone adds to a row is not rounded.
fn affine_intervals(affine: &Affine, inputs: &[&Intervals]) -> Intervals {
    let (mut total, mut added) = match &affine.maps[..] {
        [] => return Intervals::point(&affine.offset),
        [map] => (product(map, inputs[0]), Vec::new()),
        maps => (Intervals::point(&vec![0.0; maps[0].rows()]), vec![false; maps[0].rows()]),
    };
    let mut add = |i: usize, x: Interval| {
        let x = if std::mem::replace(&mut added[i], true) { sum(total.get(i), x) } else { x };
        (total.low[i], total.high[i]) = x;
    };
    for (map, x) in affine.maps.iter().zip(inputs).filter(|_| affine.maps.len() > 1) {
        if map.each_place(|i, col| add(i, x.get(col))).is_none() {
            product(map, x).iter().enumerate().for_each(|(i, x)| add(i, x));
        }
    }
    for (i, &c) in affine.offset.iter().enumerate().filter(|(_, c)| **c != 0.0) {
        (total.low[i], total.high[i]) = sum(total.get(i), (c, c));
    }
    total
}

/// The result of any operation but the input; of a linear layer there is a faster one in [`super::linear`].
///
/// # Panics
/// On the input.
pub(crate) fn node_intervals(node: &Node, inputs: &[&Intervals]) -> Intervals {
    match &node.op {
        Op::Affine(affine) => affine_intervals(affine, inputs),
        Op::Kink(kink) => inputs[0].iter().map(|x| kinked(x, *kink)).collect(),
        Op::Max => {
            let mut result = inputs[0].clone();
            for input in &inputs[1..] {
                result.low.iter_mut().zip(&input.low).for_each(|(a, &b)| *a = a.max(b));
                result.high.iter_mut().zip(&input.high).for_each(|(a, &b)| *a = a.max(b));
            }
            result
        }
        Op::Input => unreachable!("the input is given"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Graph, Layer};
    use proptest::prelude::*;

    fn unary(op: Layer) -> Node {
        let mut graph = Graph::new("x", &[1]);
        graph.push("unary", op, &[0]).unwrap();
        graph.node(1).clone()
    }

    fn interval() -> impl Strategy<Value = Interval> {
        (-3.0..3.0_f64, -3.0..3.0_f64).prop_map(|(a, b)| (a.min(b), a.max(b)))
    }

    proptest! {
        #[test]
        fn kinks_have_their_exact_range(x in interval(), below in -2.0..2.0_f64, above in -2.0..2.0_f64) {
            let kink = Kink { below, above };
            let result = node_intervals(&unary(Layer::Kink(kink)), &[&[x].into_iter().collect()]).get(0);
            let at = |i: usize| (x.0 + (x.1 - x.0) * i as f64 / 200.0).clamp(x.0, x.1);
            let values: Vec<f64> = (0..=200).map(at).chain((x.0 <= 0.0 && x.1 >= 0.0).then_some(0.0))
                .map(|t| kink.slope(t) * t).collect();
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
            prop_assert!(result.0 <= low && high <= result.1, "{result:?} misses [{low}, {high}]");
            prop_assert!(low - result.0 <= 1e-14 && result.1 - high <= 1e-14, "{result:?} is wider than [{low}, {high}]");
        }

        #[test]
        fn products_and_quotients_contain_their_samples(x in interval(), c in -2.0..2.0_f64, part in 0.0..1.0_f64) {
            let t = (x.0 + (x.1 - x.0) * part).clamp(x.0, x.1);
            let argument: Intervals = [x].into_iter().collect();
            let inside = |op: Layer, value: f64| {
                let (low, high) = node_intervals(&unary(op), &[&argument]).get(0);
                low <= value && value <= high
            };
            prop_assert!(inside(Layer::Scale(vec![c]), c * t));
            prop_assert!(inside(Layer::Shift(vec![c]), c + t));
            if c != 0.0 {
                prop_assert!(inside(Layer::Divide(vec![c]), t / c));
            }
        }
    }

    #[test]
    fn a_nan_says_nothing() {
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(Intervals::point(&[f64::NAN]).get(0), all);
        let size = node_intervals(&unary(Layer::Kink(Kink::ABS)), &[&Intervals::point(&[f64::NAN])]);
        assert_eq!(size.get(0), (0.0, f64::INFINITY));
    }

    #[test]
    fn infinite_ends_stay_ends() {
        let all: Intervals = [(f64::NEG_INFINITY, f64::INFINITY)].into_iter().collect();
        let of = |op| node_intervals(&unary(op), &[&all]).get(0);
        assert_eq!(of(Layer::Kink(Kink::RELU)), (0.0, f64::INFINITY));
        assert_eq!(of(Layer::Kink(Kink::ABS)), (0.0, f64::INFINITY));
        assert_eq!(of(Layer::Scale(vec![0.0])), (0.0, 0.0));
        assert_eq!(of(Layer::Scale(vec![-2.0])), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(of(Layer::Shift(vec![7.0])), (f64::NEG_INFINITY, f64::INFINITY));
        let huge: Intervals = [(f64::MAX, f64::MAX)].into_iter().collect();
        let doubled = node_intervals(&unary(Layer::Scale(vec![2.0])), &[&huge]).get(0);
        assert_eq!(doubled, (f64::MAX, f64::INFINITY), "an overflow is still above the largest float");
    }
}
