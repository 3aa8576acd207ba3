//! Vectors of intervals, and every elementwise operation on them, rounded outward. A vector may hold the entries of
//! several samples, one after the other: of `batch` samples where an operation has to know.
//!
//! Invariant: a low end is below ∞, a high end is above −∞, and neither is NaN.

use crate::matrix::{all, mapped, update};
use crate::model::map::{Map, Weight};
use crate::model::{Affine, Kink, Node, Op};
use crate::rounding::{TINY, gamma};

/// Entry i lies in [low_i, high_i]; an infinite end says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Intervals {
    pub low: Vec<f64>,
    pub high: Vec<f64>,
}

/// One entry's interval.
pub(crate) type Interval = (f64, f64);

/// A computed low end; NaN says nothing.
#[inline(always)]
pub(crate) fn low_end(low: f64) -> f64 {
    let low = if low > f64::MAX { f64::MAX } else { low };
    if low.is_nan() { f64::NEG_INFINITY } else { low }
}

/// A computed high end; NaN says nothing.
#[inline(always)]
pub(crate) fn high_end(high: f64) -> f64 {
    -low_end(-high)
}

/// Below every number that rounds to `x` in one operation, and a low end.
///
/// With u the unit roundoff that number is at least x − u·|x| − 2⁻¹⁰⁷⁵. What is taken away here is at least 3u·|x| + TINY/2
/// whatever its own roundings, and taking it away rounds by at most u·(|x| + it). In the form of one line without cases
/// a loop of them is compiled to vector instructions, as `next_down` is not.
#[inline(always)]
pub(crate) fn below(x: f64) -> f64 {
    let x = if x > f64::MAX { f64::MAX } else { x };
    low_end(x - (x.abs() * (2.0 * f64::EPSILON) + TINY))
}

/// Above every number that rounds to `x` in one operation, and a high end.
#[inline(always)]
pub(crate) fn above(x: f64) -> f64 {
    -below(-x)
}

impl Intervals {
    /// Exactly these numbers; a NaN says nothing.
    pub fn point(values: &[f64]) -> Self {
        values.iter().map(|&value| (value, value)).collect()
    }

    pub fn zeros(size: usize) -> Self {
        Intervals { low: vec![0.0; size], high: vec![0.0; size] }
    }

    pub fn with_capacity(size: usize) -> Self {
        Intervals { low: Vec::with_capacity(size), high: Vec::with_capacity(size) }
    }

    pub fn len(&self) -> usize {
        self.low.len()
    }

    /// No end is infinite.
    pub fn is_finite(&self) -> bool {
        all(&self.low, |end| end.abs() <= f64::MAX) && all(&self.high, |end| end.abs() <= f64::MAX)
    }

    pub fn get(&self, i: usize) -> Interval {
        (self.low[i], self.high[i])
    }

    /// Appends an entry; an end that is NaN says nothing.
    pub fn push(&mut self, (low, high): Interval) {
        self.low.push(low_end(low));
        self.high.push(high_end(high));
    }

    /// Changes an entry; an end that is NaN says nothing.
    pub fn set(&mut self, i: usize, (low, high): Interval) {
        (self.low[i], self.high[i]) = (low_end(low), high_end(high));
    }

    pub fn iter(&self) -> impl Iterator<Item = Interval> {
        self.low.iter().copied().zip(self.high.iter().copied())
    }

    /// Every sample's entries at `columns`, of `size` that it has.
    pub fn select(&self, columns: &[usize], size: usize) -> Self {
        let of = |ends: &[f64]| {
            ends.chunks_exact(size).flat_map(|sample| columns.iter().map(move |&k| sample[k])).collect::<Vec<f64>>()
        };
        Intervals { low: of(&self.low), high: of(&self.high) }
    }

    /// What both know of the same entries.
    pub fn intersect(&mut self, other: &Intervals) {
        update(&mut self.low, &other.low, |a, b| if b > a { b } else { a });
        update(&mut self.high, &other.high, |a, b| if b < a { b } else { a });
    }

    /// Adds other entries, one by one.
    pub fn add(&mut self, other: &Intervals) {
        update(&mut self.low, &other.low, |a, b| below(a + b));
        update(&mut self.high, &other.high, |a, b| above(a + b));
    }

    /// Adds numbers to every sample's entries; 0 changes nothing.
    fn shift(&mut self, offset: &[f64]) {
        if offset.is_empty() {
            return;
        }
        for low in self.low.chunks_exact_mut(offset.len()) {
            update(low, offset, |a, c| if c == 0.0 { a } else { below(a + c) });
        }
        for high in self.high.chunks_exact_mut(offset.len()) {
            update(high, offset, |a, c| if c == 0.0 { a } else { above(a + c) });
        }
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
    (below(a + c), above(b + d))
}

/// s·t for a finite s, where 0 · ∞ is 0: an end at infinity is approached, never reached.
#[inline(always)]
fn times(s: f64, t: f64) -> f64 {
    let product = s * t;
    if product.is_nan() { 0.0 } else { product }
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

/// The exact ranges of a kink over intervals, but for the rounding: its values at the ends, and 0 at the kink itself
/// where it lies between them.
fn kinked(x: &Intervals, kink: Kink) -> Intervals {
    let exact = [kink.below, kink.above].iter().all(|s| *s == 0.0 || s.abs() == 1.0);
    let value = |t: f64| times(kink.slope(t), t);
    let least = |low: f64, high: f64| {
        let (a, b) = (value(low), value(high));
        let least = if a < b { a } else { b };
        let least = if exact { least } else { below(least) };
        if (low < 0.0) & (high > 0.0) & (least > 0.0) { 0.0 } else { least }
    };
    let most = |low: f64, high: f64| {
        let (a, b) = (value(low), value(high));
        let most = if a > b { a } else { b };
        let most = if exact { most } else { above(most) };
        if (low < 0.0) & (high > 0.0) & (most < 0.0) { 0.0 } else { most }
    };
    Intervals { low: mapped(&x.low, &x.high, least), high: mapped(&x.low, &x.high, most) }
}

/// The middles of finite intervals and t ≥ radius + γ_n·|middle|, n so many roundings: v = mid + e with |e| ≤ radius has
/// |M v − fl(M mid)| ≤ |M|·(radius + γ_n |mid|), underflow apart.
pub(super) fn middles(x: &Intervals, roundings: usize) -> (Vec<f64>, Vec<f64>) {
    let g = gamma(roundings + 4) * (1.0 + 8.0 * f64::EPSILON);
    let middle = |low: f64, high: f64| 0.5 * low + 0.5 * high;
    let t = mapped(&x.low, &x.high, |low, high| widened(low, high, middle(low, high), g));
    (mapped(&x.low, &x.high, middle), t)
}

/// t ≥ radius + g·|mid|. A difference of floats does not underflow, so that a factor covers its rounding.
#[inline(always)]
fn widened(low: f64, high: f64, mid: f64, g: f64) -> f64 {
    let (above, below) = (high - mid, mid - low);
    let radius = (if above > below { above } else { below }) * (1.0 + 4.0 * f64::EPSILON);
    // A product that underflowed here would be multiplied by a weight that may be large.
    let t = (radius + g * mid.abs()) * (1.0 + 4.0 * f64::EPSILON) + TINY;
    if radius == 0.0 && mid == 0.0 { 0.0 } else { t }
}

/// [c − e, c + e] + b for e ≥ the raised spread. The sum c + b is rounded once, and so is what is taken from it:
/// together by less than 2ε·|c + b| + ε·e, as ε is twice the unit roundoff; what underflows is below `underflow`.
pub(super) fn around(mut centre: Vec<f64>, spread: &[f64], offset: &[f64], n: usize) -> Intervals {
    let raise = 1.0 + 2.0 * gamma(n + 4);
    let underflow = 4.0 * (n + 1) as f64 * TINY;
    if !offset.is_empty() {
        centre.chunks_exact_mut(offset.len()).for_each(|sample| update(sample, offset, |c, b| c + b));
    }
    let width = |sum: f64, e: f64| {
        let e = e * raise + underflow;
        (e + 2.0 * f64::EPSILON * sum.abs()) * (1.0 + 8.0 * f64::EPSILON)
    };
    let low = mapped(&centre, spread, |sum, e| low_end(sum - width(sum, e)));
    let high = mapped(&centre, spread, |sum, e| high_end(sum + width(sum, e)));
    Intervals { low, high }
}

/// A map's products; one entry with weight 1 is itself.
fn product(map: &Map, x: &Intervals, batch: usize) -> Intervals {
    let row = |first: usize, i: usize| {
        let terms = map.entries(i).filter(|(_, w)| w.value != 0.0).map(|(col, w)| weighted(x.get(first + col), w));
        terms.reduce(sum).unwrap_or((0.0, 0.0))
    };
    match map {
        Map::Identity(_) => x.clone(),
        Map::Diagonal(diagonal) => {
            let all = (0..batch).flat_map(|_| diagonal.weights());
            x.iter().zip(all).map(|(x, w)| weighted(x, w)).collect()
        }
        Map::Windows(_) if x.is_finite() => {
            let (mid, t) = middles(x, map.roundings());
            around(map.forward(&mid, batch), &map.sizes(&t), &[], map.roundings().max(map.terms()))
        }
        _ => {
            (0..batch).flat_map(|b| (0..map.rows()).map(move |i| (b * map.cols(), i))).map(|(b, i)| row(b, i)).collect()
        }
    }
}

/// The sum of the products and the offset; what one map alone adds to a row is not rounded.
fn affine_intervals(affine: &Affine, inputs: &[&Intervals], batch: usize) -> Intervals {
    let rows = affine.rows();
    let mut total = match &affine.maps[..] {
        [] => return (0..batch).flat_map(|_| affine.offset.iter().map(|&c| (c, c))).collect(),
        [map] => product(map, inputs[0], batch),
        maps => summed(maps, inputs, rows, batch),
    };
    total.shift(&affine.offset);
    total
}

/// The sum of several maps' products.
fn summed(maps: &[Map], inputs: &[&Intervals], rows: usize, batch: usize) -> Intervals {
    let (mut total, mut added) = (Intervals::zeros(batch * rows), vec![false; batch * rows]);
    let mut add = |i: usize, x: Interval| {
        let x = if std::mem::replace(&mut added[i], true) { sum(total.get(i), x) } else { x };
        (total.low[i], total.high[i]) = x;
    };
    for (map, x) in maps.iter().zip(inputs) {
        let mut placed = |b: usize| map.each_place(|i, col| add(b * rows + i, x.get(b * map.cols() + col))).is_some();
        if !(0..batch).all(&mut placed) {
            product(map, x, batch).iter().enumerate().for_each(|(i, x)| add(i, x));
        }
    }
    total
}

/// The result of any operation but the input, for every sample of a batch; of a linear layer there is a faster one in
/// [`super::linear`].
///
/// # Panics
/// On the input.
pub(crate) fn node_intervals(node: &Node, inputs: &[&Intervals], batch: usize) -> Intervals {
    match &node.op {
        Op::Affine(affine) => affine_intervals(affine, inputs, batch),
        Op::Kink(kink) => kinked(inputs[0], *kink),
        Op::Max => {
            let mut result = inputs[0].clone();
            for input in &inputs[1..] {
                result.low.iter_mut().zip(&input.low).for_each(|(a, &b)| *a = a.max(b));
                result.high.iter_mut().zip(&input.high).for_each(|(a, &b)| *a = a.max(b));
            }
            result
        }
        Op::Smooth(curve) => {
            (0..inputs[0].len()).map(|i| curve.range(inputs.iter().map(|input| input.get(i)))).collect()
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
            let result = node_intervals(&unary(Layer::Kink(kink)), &[&[x].into_iter().collect()], 1).get(0);
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
                let (low, high) = node_intervals(&unary(op), &[&argument], 1).get(0);
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
        let size = node_intervals(&unary(Layer::Kink(Kink::ABS)), &[&Intervals::point(&[f64::NAN])], 1);
        assert_eq!(size.get(0), (0.0, f64::INFINITY));
    }

    #[test]
    fn infinite_ends_stay_ends() {
        let all: Intervals = [(f64::NEG_INFINITY, f64::INFINITY)].into_iter().collect();
        let of = |op| node_intervals(&unary(op), &[&all], 1).get(0);
        assert_eq!(of(Layer::Kink(Kink::RELU)), (0.0, f64::INFINITY));
        assert_eq!(of(Layer::Kink(Kink::ABS)), (0.0, f64::INFINITY));
        assert_eq!(of(Layer::Scale(vec![0.0])), (0.0, 0.0));
        assert_eq!(of(Layer::Scale(vec![-2.0])), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!(of(Layer::Shift(vec![7.0])), (f64::NEG_INFINITY, f64::INFINITY));
        let huge: Intervals = [(f64::MAX, f64::MAX)].into_iter().collect();
        let doubled = node_intervals(&unary(Layer::Scale(vec![2.0])), &[&huge], 1).get(0);
        assert_eq!(doubled, (f64::MAX, f64::INFINITY), "an overflow is still above the largest float");
    }
}
