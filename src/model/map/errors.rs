//! What floats make of a map's products: a-priori bounds of their errors, entry by entry.
//!
//! For a matrix the quick bound is γ_n·‖W_i‖₂·‖x̃‖₂ + ‖W_i‖₂·‖e‖₂ (Cauchy–Schwarz, with row norms computed once per
//! model), which costs as much as the matrix has rows. Where inputs or units differ by many orders of magnitude it says
//! nothing: the fine bound is γ_n·Σ|W_ij|·|x̃_j| + Σ|W_ij|·e_j, for as much as the product itself costs. For a convolution
//! the quick bound takes ‖x̃‖₂ and ‖e‖₂ over the window alone.

use super::{Map, Matrix};
use crate::matrix::{all, mapped, matrix_vector_and_size, update, vectorized};
use crate::rounding::{TINY, gamma, norm2_up};

/// Twice the unit roundoff: covers one rounding and the rounding of the bound itself.
pub(in crate::model) const STEP: f64 = f64::EPSILON;

/// How closely matrices are bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// By norms of rows and columns.
    Quick,
    /// Entry by entry.
    Fine,
}

/// Bounds of the errors of a node's entries, `[batch × size]`; `None` where nothing has been rounded anywhere.
pub(in crate::model) type Bounds = Option<Vec<f64>>;

/// (‖x̃‖₂, ‖e‖₂) of every sample's vector, which several matrices may read, once it has been asked for.
pub(in crate::model) type Norms = Option<Vec<(f64, f64)>>;

/// Computed vectors of a batch, and bounds of their errors.
#[derive(Clone, Copy)]
pub(in crate::model) struct Vectors<'a> {
    /// `[batch × size]`.
    pub x: &'a [f64],
    /// As [`Bounds`].
    pub e: Option<&'a [f64]>,
    /// Number of samples.
    pub batch: usize,
}

impl<'a> Vectors<'a> {
    /// Sample by sample.
    pub fn samples(self) -> impl Iterator<Item = (&'a [f64], Option<&'a [f64]>)> {
        let size = self.x.len() / self.batch.max(1);
        let sample = move |i: usize| i * size..(i + 1) * size;
        (0..self.batch).map(move |i| (&self.x[sample(i)], self.e.map(|e| &e[sample(i)])))
    }

    /// The bound of entry `i` of the whole batch.
    pub fn error(self, i: usize) -> f64 {
        self.e.map_or(0.0, |e| e[i])
    }

    fn norms(self) -> Vec<(f64, f64)> {
        self.samples().map(|(x, e)| (norm2_up(x), e.map_or(0.0, norm2_up))).collect()
    }
}

/// Bounds of |computed − exact| of M·x, where the computed vectors are within their errors of the exact ones.
pub(in crate::model) fn forward(map: &Map, input: Vectors, care: Care, norms: &mut Norms) -> Bounds {
    let Vectors { x, e, batch } = input;
    match map {
        Map::Identity(_) | Map::Pick(_) => e.map(|e| map.forward(e, batch)),
        Map::Diagonal(diagonal) => {
            let mut bounds = map.forward(x, batch);
            let weights: Vec<f64> = diagonal.weights().map(|c| c.size()).collect();
            for (sample, bounds) in bounds.chunks_exact_mut(weights.len().max(1)).enumerate() {
                match e {
                    None => update(bounds, &weights, |y, c| rounded(y, 0.0, c)),
                    Some(e) => {
                        let pairs = e[sample * weights.len()..].iter().zip(&weights);
                        bounds.iter_mut().zip(pairs).for_each(|(y, (&e, &c))| *y = rounded(*y, e, c));
                    }
                }
            }
            Some(bounds)
        }
        Map::Dense(matrix) if care == Care::Quick => {
            let mut bounds = vec![0.0; batch * matrix.rows];
            let norms = norms.get_or_insert_with(|| input.norms()).iter();
            bounds.chunks_exact_mut(matrix.rows.max(1)).zip(norms).for_each(|(out, &norms)| quick(out, matrix, norms));
            Some(bounds)
        }
        Map::Dense(matrix) => Some(joined(input.samples().map(|(x, e)| fine(matrix, x, e)))),
        Map::Windows(windows) if care == Care::Quick => {
            let g = gamma(map.roundings() + 4) * (1.0 + 4.0 * STEP);
            let one = |(x, e): (&[f64], Option<&[f64]>)| {
                summed(windows.bounds().forward(&sizes(x, e, g)), windows.cells(), g)
            };
            Some(joined(input.samples().map(one)))
        }
        Map::Windows(windows) => {
            let g = gamma(map.roundings() + 4) * (1.0 + 4.0 * STEP);
            let one = |(x, e): (&[f64], Option<&[f64]>)| summed(map.sizes(&sizes(x, e, g)), windows.cells(), g);
            Some(joined(input.samples().map(one)))
        }
    }
}

/// The sizes that products are bounded by: g·|x̃| + e, visible where they are not 0.
fn sizes(x: &[f64], e: Option<&[f64]>, g: f64) -> Vec<f64> {
    let size = |x: f64, e: f64| visible(g * x.abs() + e * (1.0 + 4.0 * STEP), x.abs());
    match e {
        None => mapped(x, x, |x, _| size(x, 0.0)),
        Some(e) => mapped(x, e, size),
    }
}

/// The bounds from sums of such sizes, with what underflows.
fn summed(mut sizes: Vec<f64>, terms: usize, g: f64) -> Vec<f64> {
    let underflow = (terms + 2) as f64 * TINY;
    vectorized(
        #[inline(always)]
        || sizes.iter_mut().for_each(|size| *size = if *size == 0.0 { 0.0 } else { *size * (1.0 + g) + underflow }),
    );
    sizes
}

/// The samples' vectors in turn.
fn joined(mut each: impl Iterator<Item = Vec<f64>>) -> Vec<f64> {
    let mut all = each.next().unwrap_or_default();
    each.for_each(|next| all.extend(next));
    all
}

fn quick(out: &mut [f64], matrix: &Matrix, (size, carried): (f64, f64)) {
    let g = gamma(matrix.cols + 4) * (1.0 + 4.0 * STEP);
    let scale = g * size + carried * (1.0 + 4.0 * STEP);
    let underflow = (matrix.cols + 2) as f64 * TINY;
    // Products vanish only where a factor is exactly 0: `scale` itself may have underflowed.
    let nothing = size == 0.0 && carried == 0.0;
    let bound = |norm: f64| {
        let size = norm * scale;
        if size == 0.0 && (norm == 0.0 || nothing) { 0.0 } else { size * (1.0 + 8.0 * STEP) + underflow }
    };
    out.iter_mut().zip(matrix.row_norms()).for_each(|(out, &norm)| *out = bound(norm));
}

fn fine(matrix: &Matrix, x: &[f64], e: Option<&[f64]>) -> Vec<f64> {
    let g = gamma(matrix.cols + 4) * (1.0 + 4.0 * STEP);
    let (mut values, mut bounds) = (vec![0.0; matrix.rows], vec![0.0; matrix.rows]);
    matrix_vector_and_size(&mut values, &mut bounds, &matrix.weight, x, &sizes(x, e, g));
    summed(bounds, matrix.cols, g)
}

/// Products of a weight and a number at least this large do not vanish.
const VISIBLE: f64 = 1e-200;

/// |v|, but no less than [`VISIBLE`] unless `v` and its error are 0.
#[inline(always)]
fn visible(v: f64, e: f64) -> f64 {
    if (v == 0.0) & (e == 0.0) { 0.0 } else { v.abs().max(VISIBLE) }
}

/// The error of y = c·x rounded once, where x carries the error e; 0 when nothing was rounded and nothing carried.
#[inline(always)]
pub(in crate::model) fn rounded(y: f64, e: f64, c: f64) -> f64 {
    let size = c * e + STEP * y.abs();
    // c·x may have underflowed to 0, unless a factor is 0: one TINY covers both.
    if (c == 0.0) & (size == 0.0) { 0.0 } else { size * (1.0 + 4.0 * STEP) + TINY }
}

/// Sizes whose products neither vanish nor overflow.
const PLAIN: std::ops::RangeInclusive<f64> = 1e-100..=1e100;

/// Whether every entry is 0, or above it and neither very small nor very large.
pub(in crate::model) fn plain(x: &[f64]) -> bool {
    let (low, high) = (*PLAIN.start(), *PLAIN.end());
    all(x, |x| (x == 0.0) | ((x >= low) & (x <= high)))
}

/// What a node receives from another one in a backward pass, for one sample.
pub(in crate::model) enum Contribution<'a> {
    /// Entry by entry.
    Entries {
        /// Bounds of the contribution's own errors.
        carried: Vec<f64>,
        /// Bounds of its sizes.
        magnitude: Vec<f64>,
        /// Roundings per entry.
        terms: usize,
    },
    /// `norms` times two numbers, where a norm is not 0.
    Scaled {
        /// Upper bounds of the norms of a matrix's columns.
        norms: &'a [f64],
        /// Of the errors.
        carried: f64,
        /// Of the sizes.
        magnitude: f64,
        /// What underflows.
        underflow: f64,
        /// Roundings per entry.
        terms: usize,
    },
}

/// Of Mᵀ·v, where the computed `v` is within `error` (0 where there is none) of the exact one.
pub(in crate::model) fn backward<'a>(map: &'a Map, v: &[f64], error: Option<&[f64]>, care: Care) -> Contribution<'a> {
    let terms = map.transposed_roundings();
    match map {
        Map::Identity(_) | Map::Pick(_) => {
            let sizes: Vec<f64> = v.iter().map(|v| v.abs()).collect();
            let carried = error.map_or_else(|| vec![0.0; map.cols()], |error| map.transposed(error, 1));
            Contribution::Entries { carried, magnitude: map.transposed(&sizes, 1), terms }
        }
        Map::Diagonal(diagonal) => scaled(v, error, diagonal.weights().map(|c| c.size())),
        Map::Dense(matrix) if care == Care::Quick => {
            let (size, carried) = (norm2_up(v), error.map_or(0.0, norm2_up));
            let underflow = if size == 0.0 && carried == 0.0 { 0.0 } else { matrix.rows as f64 * TINY };
            let raised = |x: f64| x * (1.0 + STEP);
            let (carried, magnitude) = (raised(carried), raised(size));
            Contribution::Scaled { norms: matrix.col_norms(), carried, magnitude, underflow, terms }
        }
        Map::Windows(windows) if care == Care::Quick => {
            let (carried, magnitude) = received(map, v, error, |sizes| windows.bounds().back(sizes));
            Contribution::Entries { carried, magnitude, terms }
        }
        Map::Dense(_) | Map::Windows(_) => {
            let (carried, magnitude) = received(map, v, error, |sizes| map.transposed_sizes(sizes));
            Contribution::Entries { carried, magnitude, terms }
        }
    }
}

/// What a contribution carries, and its sizes, where `back` takes sizes through |M|ᵀ.
fn received(map: &Map, v: &[f64], error: Option<&[f64]>, back: impl Fn(&[f64]) -> Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    let error_at = |i: usize| error.map_or(0.0, |error| error[i]);
    let sizes: Vec<f64> = (0..v.len()).map(|i| visible(v[i], error_at(i))).collect();
    // Where an adjoint or its error is not 0, neither vanishes.
    let lost = |i: usize| if v[i] == 0.0 && error_at(i) == 0.0 { 0.0 } else { visible(error_at(i), 0.0) };
    let (carried, magnitude) = (back(&(0..v.len()).map(lost).collect::<Vec<f64>>()), back(&sizes));
    // A column has at most one entry per row.
    let underflow = map.rows() as f64 * TINY;
    let raised = |(carried, &size): (f64, &f64)| carried + if size == 0.0 { 0.0 } else { underflow };
    (carried.into_iter().zip(&magnitude).map(raised).collect(), magnitude)
}

/// Of v times factors of these sizes.
pub(in crate::model) fn scaled<'a>(
    v: &[f64],
    error: Option<&[f64]>,
    sizes: impl Iterator<Item = f64>,
) -> Contribution<'a> {
    let (mut carried, mut magnitude) = (Vec::with_capacity(v.len()), Vec::with_capacity(v.len()));
    for (i, (&v, c)) in v.iter().zip(sizes).enumerate() {
        let e = error.map_or(0.0, |error| error[i]);
        // An adjoint that underflowed to 0 carries an error, and its product with c is not 0 either.
        let underflow = if c == 0.0 || (v == 0.0 && e == 0.0) { 0.0 } else { TINY };
        carried.push(c * e * (1.0 + 2.0 * STEP) + underflow);
        magnitude.push((c * v.abs() + underflow) * (1.0 + 2.0 * STEP));
    }
    Contribution::Entries { carried, magnitude, terms: 1 }
}

/// Adjoint errors of one sample at one node while contributions come in.
#[derive(Default)]
pub(in crate::model) struct Incoming<'a> {
    /// Entry by entry: (errors, sizes), empty where there are none.
    carried: Vec<f64>,
    magnitude: Vec<f64>,
    /// (norms, errors, sizes, underflow).
    scaled: Vec<(&'a [f64], f64, f64, f64)>,
    /// Roundings per entry.
    terms: usize,
    count: usize,
}

impl<'a> Incoming<'a> {
    /// One more.
    pub fn add(&mut self, received: Contribution<'a>) {
        let terms = match received {
            Contribution::Scaled { norms, carried, magnitude, underflow, terms } => {
                self.scaled.push((norms, carried, magnitude, underflow));
                terms
            }
            Contribution::Entries { carried, magnitude, terms } if self.carried.is_empty() => {
                (self.carried, self.magnitude) = (carried, magnitude);
                terms
            }
            Contribution::Entries { carried, magnitude, terms } => {
                self.carried.iter_mut().zip(&carried).for_each(|(a, b)| *a += b);
                self.magnitude.iter_mut().zip(&magnitude).for_each(|(a, b)| *a += b);
                terms
            }
        };
        self.terms += terms + usize::from(self.count > 0);
        self.count += 1;
    }

    /// Σ (carried + g·magnitude), raised by what computing it rounds: fewer roundings than `terms` + 8, since every
    /// contribution of a matrix counts its rows.
    pub fn total(self, out: &mut [f64]) {
        // A single exact copy rounds nothing.
        if self.terms == 0 && self.count == 1 {
            return out.copy_from_slice(&self.carried);
        }
        let g = gamma(self.terms + 4);
        let entries = self.carried.iter().zip(&self.magnitude);
        out.iter_mut().zip(entries).for_each(|(out, (carried, magnitude))| *out = carried + g * magnitude);
        for (norms, carried, magnitude, underflow) in self.scaled {
            let by = visible((carried + g * magnitude) * (1.0 + 4.0 * STEP), carried + magnitude);
            let lost = underflow * (1.0 + 2.0 * g);
            out.iter_mut().zip(norms).for_each(|(out, &norm)| *out += if norm == 0.0 { 0.0 } else { norm * by + lost });
        }
        let factor = 1.0 + gamma(self.terms + 8);
        out.iter_mut().for_each(|out| *out *= factor);
    }
}
