//! How far 32-bit floats can be from the real function of a graph, at given inputs.
//!
//! Values and errors go forward, entry by entry. A sum of n terms is off by at most (n + 2)·2⁻²³ times the sum of
//! their magnitudes, in whatever order a runtime adds them up; and by nothing where all terms are exact multiples of
//! one power of two that is at least 2⁻²⁴ of that sum. Most graphs of the generator are exact in this sense.

use underplane::model::{Graph, Layer, Node};

/// Twice the unit roundoff of 32-bit floats.
const STEP: f64 = 1.0 / (1 << 23) as f64;
/// The smallest 32-bit float.
const TINY: f64 = 1.401298464324817e-45;

/// A value and its error.
#[derive(Clone, Copy)]
struct Number {
    value: f64,
    error: f64,
}

/// For every row of `rows`, by how much the sum (or difference) of the outputs can be off. Twice the error of one
/// evaluation, since a runtime may split what the reader has joined.
pub fn bounds(graph: &Graph, rows: &[f64]) -> Vec<f64> {
    rows.chunks(graph.input_size()).map(|row| bound(graph, row)).collect()
}

fn bound(graph: &Graph, row: &[f64]) -> f64 {
    let largest = largest(graph);
    let mut numbers: Vec<Vec<Number>> = Vec::new();
    for node in graph.nodes() {
        let next = forward(graph, node, &numbers, row, largest);
        numbers.push(next.into_iter().map(finite).collect());
    }
    numbers[graph.output()].iter().map(|n| 2.0 * n.error).sum()
}

/// No bound where a 32-bit float overflows.
fn finite(n: Number) -> Number {
    let error = if n.value.abs() + n.error < f64::from(f32::MAX) { n.error } else { f64::INFINITY };
    Number { error, ..n }
}

/// The largest constant: what a BatchNormalization can have cancelled.
fn largest(graph: &Graph) -> f64 {
    let of = |node: &Node| -> f64 {
        let most = |values: &[f64]| values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        match &node.layer() {
            Some(Layer::Constant(c)) | Some(Layer::Scale(c)) | Some(Layer::Shift(c)) => most(c),
            Some(Layer::Dense(dense)) => {
                dense.weight.iter().chain(&dense.bias).fold(0.0, |m, v| m.max(f64::from(v.abs())))
            }
            _ => 0.0,
        }
    };
    graph.nodes().iter().map(of).fold(4.0, f64::max)
}

fn forward(graph: &Graph, node: &Node, numbers: &[Vec<Number>], row: &[f64], largest: f64) -> Vec<Number> {
    let of = |k: usize| &numbers[node.inputs[k]];
    let each = |f: &dyn Fn(usize, Number) -> Number| of(0).iter().enumerate().map(|(i, &x)| f(i, x)).collect();
    match &node.layer() {
        None => row.iter().map(|&value| Number { value, error: 0.0 }).collect(),
        Some(Layer::Constant(c)) => c.iter().map(|&c| constant(c)).collect(),
        Some(Layer::Dense(dense)) => (0..dense.rows)
            .map(|i| {
                let products = dense.row(i).iter().zip(of(0)).map(|(&w, &x)| times(f64::from(w), x));
                sum(&products.chain([constant(f64::from(dense.bias[i]))]).collect::<Vec<_>>())
            })
            .collect(),
        Some(Layer::Linear(map, offset)) => (0..map.rows())
            .map(|i| {
                let added = offset.get(i).map(|&c| constant(c));
                sum(&map.entries(i).map(|(j, w)| times(w.value, of(0)[j])).chain(added).collect::<Vec<_>>())
            })
            .collect(),
        Some(Layer::Scale(c)) => each(&|i, x| scaled(c[i], x)),
        Some(Layer::Shift(c)) => {
            let gain = |i: usize| match &graph.node(node.inputs[0]).layer() {
                Some(Layer::Scale(a)) => a[i].abs(),
                _ => 1.0,
            };
            each(&|i, x| {
                let mut y = sum(&[x, constant(c[i])]);
                // A rounded offset, as of a BatchNormalization: bias − mean·gain, of which only the difference is known.
                y.error += if short(c[i]) { 0.0 } else { 4.0 * STEP * largest * (1.0 + gain(i)) };
                y
            })
        }
        Some(Layer::Divide(c)) => each(&|i, x| divided(x, c[i])),
        Some(Layer::Kink(kink)) => each(&|_, x| {
            let steep = kink.below.abs().max(kink.above.abs());
            let y = scaled(kink.slope(x.value), x);
            Number { error: y.error.max(steep * x.error), ..y }
        }),
        Some(Layer::Sum) => {
            (0..of(0).len()).map(|i| sum(&node.inputs.iter().map(|&k| numbers[k][i]).collect::<Vec<_>>())).collect()
        }
        Some(Layer::Smooth(curve)) => (0..of(0).len())
            .map(|i| {
                let all = || node.inputs.iter().map(|&k| numbers[k][i]);
                let value = curve.value(all().map(|n| n.value));
                let error = curve.value_error(value, all().map(|n| (n.value, n.error)));
                // A runtime's exponential and logarithm in float32 are off by a few of its units.
                let size = all().map(|n| n.value.abs()).fold(1.0 + value.abs(), f64::max);
                Number { value, error: error + 16.0 * STEP * size }
            })
            .collect(),
        Some(Layer::Max) => (0..of(0).len())
            .map(|i| {
                let all = || node.inputs.iter().map(|&k| numbers[k][i]);
                Number {
                    value: all().map(|n| n.value).fold(f64::NEG_INFINITY, f64::max),
                    error: all().map(|n| n.error).fold(0.0, f64::max),
                }
            })
            .collect(),
        Some(Layer::Concat { outer }) => (0..*outer)
            .flat_map(|block| {
                node.inputs.iter().flat_map(move |&k| {
                    let width = numbers[k].len() / outer;
                    numbers[k][block * width..(block + 1) * width].to_vec()
                })
            })
            .collect(),
        Some(Layer::Reshape) => of(0).clone(),
    }
}

/// A stored or folded constant, which a runtime holds in 32 bits.
fn constant(value: f64) -> Number {
    Number { value, error: if f64::from(value as f32) == value { 0.0 } else { STEP * value.abs() } }
}

/// The product without its own rounding. A runtime may fold a subnormal constant with others, which costs it digits.
fn times(w: f64, x: Number) -> Number {
    let subnormal = w != 0.0 && w.abs() < f64::from(f32::MIN_POSITIVE);
    let folded = if subnormal { 8.0 * TINY * x.value.abs() } else { 0.0 };
    Number { value: w * x.value, error: (w * x.error).abs() + folded }
}

/// The rounded product with a constant that may itself be rounded, as a BatchNormalization's gain is.
fn scaled(c: f64, x: Number) -> Number {
    let y = times(c, x);
    let exact = x.error == 0.0 && short(c) && f64::from(y.value as f32) == y.value;
    Number { error: y.error + if exact { 0.0 } else { 4.0 * STEP * y.value.abs() + TINY }, ..y }
}

fn divided(x: Number, c: f64) -> Number {
    let value = x.value / c;
    let exact = x.error == 0.0 && value * c == x.value && f64::from(value as f32) == value && short(1.0 / c);
    Number { value, error: x.error / c.abs() + if exact { 0.0 } else { 2.0 * STEP * value.abs() + TINY } }
}

/// Few bits: not the result of a rounding.
fn short(c: f64) -> bool {
    c.to_bits().trailing_zeros() >= 42
}

fn sum(terms: &[Number]) -> Number {
    let value = terms.iter().map(|t| t.value).sum();
    let carried: f64 = terms.iter().map(|t| t.error).sum();
    let magnitude: f64 = terms.iter().map(|t| t.value.abs() + t.error).sum();
    let grid = terms.iter().filter(|t| t.value != 0.0).map(|t| unit(t.value)).fold(f64::INFINITY, f64::min);
    if magnitude == 0.0 || (carried == 0.0 && grid >= TINY && magnitude <= grid * (1 << 24) as f64) {
        return Number { value, error: 0.0 };
    }
    let count = terms.len() as f64 + 2.0;
    let overflow = if magnitude < f64::from(f32::MAX) { 0.0 } else { f64::INFINITY };
    Number { value, error: carried + count * (STEP * magnitude + TINY) + overflow }
}

/// The value of the last set bit.
fn unit(value: f64) -> f64 {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1) | 1 << 52;
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1075;
    2_f64.powi(exponent + fraction.trailing_zeros() as i32)
}
