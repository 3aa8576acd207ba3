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

/// Places of a tile of [`products`].
const PLACES: usize = 4;

/// Every sum of a tile a variable of its own: in an array of arrays they would not stay in registers.
macro_rules! tile {
    ($lines:ident, $places:ident, $fused:ident: $($line:literal $a:ident $b:ident $c:ident $d:ident),*) => {
        $(
            let k = $lines($line);
            $a = with_product::<T, $fused>($a, k, $places[0]);
            $b = with_product::<T, $fused>($b, k, $places[1]);
            $c = with_product::<T, $fused>($c, k, $places[2]);
            $d = with_product::<T, $fused>($d, k, $places[3]);
        )*
    };
}

#[inline(always)]
fn add_products<T: Scalar, const FUSED: bool>(sums: &mut [T], at: &[usize], lines: &[T], x: &[T], runs: Runs) {
    let (each, zero) = (runs.count * runs.length, [T::ZERO; SHORT]);
    for (lines, sums) in lines.chunks(TILE * each).zip(sums.chunks_mut(TILE * at.len())) {
        for (tile, places) in at.chunks(PLACES).enumerate() {
            // Where there are fewer places, the last one is taken again.
            let place: [usize; PLACES] = std::array::from_fn(|i| places[i.min(places.len() - 1)]);
            let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
            let (mut e, mut f, mut g, mut h) = (zero, zero, zero, zero);
            let (mut i, mut j, mut k, mut l) = (zero, zero, zero, zero);
            let (mut m, mut n, mut o, mut p) = (zero, zero, zero, zero);
            for run in 0..runs.count {
                let x = &x[runs.from[0] + run * runs.from[1]..];
                for start in (0..runs.length).step_by(SHORT) {
                    let x = place.map(|at| x[at + start..].first_chunk::<SHORT>().expect("lines within the input"));
                    let line = |i: usize| {
                        let at = i * each + run * runs.length + start;
                        lines[at..].first_chunk::<SHORT>().expect("whole lines")
                    };
                    tile!(line, x, FUSED: 0 a b c d, 1 e f g h, 2 i j k l, 3 m n o p);
                }
            }
            let found = [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]];
            for (sums, found) in sums.chunks_mut(at.len()).zip(found) {
                for (sum, found) in sums[tile * PLACES..].iter_mut().zip(found).take(places.len()) {
                    *sum += total(found);
                }
            }
        }
    }
}

/// The sum of all lanes, by halves.
#[inline(always)]
fn total<T: Scalar>(mut lanes: [T; SHORT]) -> T {
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            let other = lanes[lane + half];
            lanes[lane] += other;
        }
    }
    lanes[0]
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
