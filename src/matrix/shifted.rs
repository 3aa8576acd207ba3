//! Sums of shifted lines, `out[o][q] = Σ_t weight[o][t] · x[at[t] + q]`: what convolutions are made of, once zeros lie
//! around their input.
//!
//! A tile of several outputs shares what is read of a line. Terms are summed [`BLOCK`] at a time, and the blocks after
//! that: a product goes through few roundings.

use super::Scalar;
use super::dispatch::dispatched;
use std::sync::OnceLock;

/// Entries of a line that are summed at once; so many may be read beyond a line's end.
pub const LANES: usize = 32;
/// Terms that are summed before they are added to the others.
const BLOCK: usize = 64;
/// Outputs of a tile.
const MOST: usize = 6;

/// Which lines are summed, and with what weights.
#[derive(Debug)]
pub struct Shifted {
    outputs: usize,
    at: Vec<usize>,
    /// For a tile of outputs after the other `[terms × outputs of the tile]`.
    weight: Vec<f32>,
    wide: OnceLock<Vec<f64>>,
}

impl Shifted {
    /// Lines at these places, and for every output the weights of all of them.
    pub fn new(outputs: usize, at: Vec<usize>, weight: impl Fn(usize, usize) -> f32) -> Shifted {
        let tile = |first: usize| first..outputs.min(first + height(outputs));
        let of = |first: usize| (0..at.len()).flat_map(move |t| tile(first).map(move |o| (o, t)));
        let places = (0..outputs).step_by(height(outputs)).flat_map(of);
        let weight = places.map(|(o, t)| weight(o, t)).collect();
        Shifted { outputs, at, weight, wide: OnceLock::new() }
    }

    /// Where the lines are.
    pub fn at(&self) -> &[usize] {
        &self.at
    }

    /// Number of roundings on a product's way into an entry that so many terms are added to.
    pub fn roundings(terms: usize) -> usize {
        terms.min(BLOCK) + terms.div_ceil(BLOCK) + 1
    }

    /// The weights, or their absolute values.
    fn weights<T: Scalar>(&self, absolute: bool) -> std::borrow::Cow<'_, [T]> {
        let weights = T::weights(&self.weight, &self.wide);
        if absolute { weights.iter().map(|w| w.size()).collect::<Vec<_>>().into() } else { weights.into() }
    }

    /// Adds to the entries `to..to + length` of each of the `outputs`, which lie `apart` from each other, the sums of the
    /// lines of `x` from `from` on, with these weights or their absolute values.
    pub fn add<T: Scalar>(&self, out: &mut [T], apart: usize, x: &[T], runs: Runs, absolute: bool) {
        if !self.at.is_empty() {
            let weights = self.weights::<T>(absolute);
            weights
                .chunks(height(self.outputs) * self.at.len())
                .zip(out.chunks_mut(height(self.outputs) * apart))
                .for_each(|(weights, out)| tiles(out, apart, &self.at, weights, x, runs));
        }
    }
}

/// Entries of a line that [`products`] takes at once.
pub const SHORT: usize = 16;
/// Lines of a tile of [`products`], whose number is a multiple of it.
pub const TILE: usize = 4;

dispatched!(
    /// Adds to `sums` `[lines × at]` the products of every line with the lines of `x` at all places. Lines lie one behind the
    /// other as `runs` has them, whose lengths are multiples of [`SHORT`].
    products, add_products, (sums: &mut [T], at: &[usize], lines: &[T], x: &[T], runs: Runs)
);

#[inline(always)]
fn add_products<T: Scalar, const FUSED: bool>(sums: &mut [T], at: &[usize], lines: &[T], x: &[T], runs: Runs) {
    let each = runs.count * runs.length;
    for (lines, sums) in lines.chunks(TILE * each).zip(sums.chunks_mut(TILE * at.len())) {
        for (pair, places) in at.chunks(2).enumerate() {
            let (first, second) = (places[0], places[places.len() - 1]);
            let mut left = [[T::ZERO; SHORT]; TILE];
            let mut right = left;
            let (mut a, mut b, mut c, mut d) = (left[0], left[1], left[2], left[3]);
            let (mut e, mut f, mut g, mut h) = (right[0], right[1], right[2], right[3]);
            for run in 0..runs.count {
                let x = &x[runs.from[0] + run * runs.from[1]..];
                for start in (0..runs.length).step_by(SHORT) {
                    let place = |at: usize| x[at + start..].first_chunk::<SHORT>().expect("lines within the input");
                    let (x, y) = (place(first), place(second));
                    let line = |i: usize| {
                        let at = i * each + run * runs.length + start;
                        lines[at..].first_chunk::<SHORT>().expect("whole lines")
                    };
                    let (k, l, m, n) = (line(0), line(1), line(2), line(3));
                    a = with_product::<T, FUSED>(a, k, x);
                    b = with_product::<T, FUSED>(b, l, x);
                    c = with_product::<T, FUSED>(c, m, x);
                    d = with_product::<T, FUSED>(d, n, x);
                    e = with_product::<T, FUSED>(e, k, y);
                    f = with_product::<T, FUSED>(f, l, y);
                    g = with_product::<T, FUSED>(g, m, y);
                    h = with_product::<T, FUSED>(h, n, y);
                }
            }
            (left, right) = ([a, b, c, d], [e, f, g, h]);
            for (o, sums) in sums.chunks_mut(at.len()).enumerate() {
                sums[2 * pair] += left[o].into_iter().fold(T::ZERO, |sum, v| sum + v);
                if places.len() == 2 {
                    sums[2 * pair + 1] += right[o].into_iter().fold(T::ZERO, |sum, v| sum + v);
                }
            }
        }
    }
}

#[inline(always)]
fn with_product<T: Scalar, const FUSED: bool>(mut sum: [T; SHORT], a: &[T; SHORT], b: &[T; SHORT]) -> [T; SHORT] {
    for lane in 0..SHORT {
        sum[lane] = if FUSED { a[lane].fused(b[lane], sum[lane]) } else { a[lane] * b[lane] + sum[lane] };
    }
    sum
}

/// Outputs of all tiles but the last one.
fn height(outputs: usize) -> usize {
    outputs.div_ceil(outputs.div_ceil(MOST).max(1)).max(1)
}

/// Where lines begin, and where their sums go: [first, step] each.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// Number of lines.
    pub count: usize,
    /// Of their entries.
    pub length: usize,
    /// In the input, beside the terms' own places.
    pub from: [usize; 2],
    /// In the output.
    pub to: [usize; 2],
}

dispatched!(tiles, add_tiles, (out: &mut [T], apart: usize, at: &[usize], weights: &[T], x: &[T], runs: Runs));

type Lanes<T> = [T; LANES];

#[inline(always)]
fn plus<T: Scalar, const FUSED: bool>(mut sum: Lanes<T>, line: &Lanes<T>, w: T) -> Lanes<T> {
    for lane in 0..LANES {
        sum[lane] = if FUSED { line[lane].fused(w, sum[lane]) } else { line[lane] * w + sum[lane] };
    }
    sum
}

#[inline(always)]
fn added<T: Scalar>(total: &mut Lanes<T>, sum: &Lanes<T>) {
    for lane in 0..LANES {
        total[lane] += sum[lane];
    }
}

/// The sums of so many outputs, every one a variable of its own: in an array of arrays they would not stay in registers.
macro_rules! sums {
    ($name:ident, $n:literal: $($sum:ident $i:tt),*) => {
        #[inline(always)]
        fn $name<T: Scalar, const FUSED: bool>(totals: &mut [Lanes<T>; MOST], at: &[usize], weights: &[T], x: &[T]) {
            for (at, weights) in at.chunks(BLOCK).zip(weights.chunks(BLOCK * $n)) {
                $(let mut $sum = [T::ZERO; LANES];)*
                for (&at, w) in at.iter().zip(weights.as_chunks::<$n>().0) {
                    let line = x[at..].first_chunk::<LANES>().expect("lines within the input");
                    $($sum = plus::<T, FUSED>($sum, line, w[$i]);)*
                }
                $(added(&mut totals[$i], &$sum);)*
            }
        }
    };
}

sums!(one, 1: a 0);
sums!(two, 2: a 0, b 1);
sums!(three, 3: a 0, b 1, c 2);
sums!(four, 4: a 0, b 1, c 2, d 3);
sums!(five, 5: a 0, b 1, c 2, d 3, e 4);
sums!(six, 6: a 0, b 1, c 2, d 3, e 4, f 5);

#[inline(always)]
fn add_tiles<T: Scalar, const FUSED: bool>(
    out: &mut [T],
    apart: usize,
    at: &[usize],
    weights: &[T],
    x: &[T],
    runs: Runs,
) {
    let outputs = weights.len() / at.len();
    for run in 0..runs.count {
        for first in (0..runs.length).step_by(LANES) {
            let x = &x[runs.from[0] + run * runs.from[1] + first..];
            let mut totals = [[T::ZERO; LANES]; MOST];
            match outputs {
                1 => one::<T, FUSED>(&mut totals, at, weights, x),
                2 => two::<T, FUSED>(&mut totals, at, weights, x),
                3 => three::<T, FUSED>(&mut totals, at, weights, x),
                4 => four::<T, FUSED>(&mut totals, at, weights, x),
                5 => five::<T, FUSED>(&mut totals, at, weights, x),
                _ => six::<T, FUSED>(&mut totals, at, weights, x),
            }
            let start = runs.to[0] + run * runs.to[1] + first;
            for (o, total) in totals.iter().enumerate().take(outputs) {
                let out = &mut out[o * apart + start..][..LANES.min(runs.length - first)];
                match out.first_chunk_mut::<LANES>() {
                    Some(out) => added(out, total),
                    None => out.iter_mut().zip(total).for_each(|(out, &sum)| *out += sum),
                }
            }
        }
    }
}
