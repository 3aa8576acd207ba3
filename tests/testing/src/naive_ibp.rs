//! The naive twin of interval bound propagation: end by end, entry by entry, no rounding, plain bisection.

use underplane::model::{Graph, Layer};
use underplane::norm::Norm;
use underplane::query::Perturbation;

type Ends = Vec<(f64, f64)>;

/// Per entry of a node: the coordinate that it depends on, its slope there, and whether it is affine in it (else the
/// slope's size is an upper bound); `None` for any other node.
type Slopes = Option<Vec<(usize, f64, bool)>>;

fn slopes(graph: &Graph) -> Vec<Slopes> {
    let mut known: Vec<Slopes> = Vec::new();
    for node in graph.nodes() {
        let of = |k: usize| known[node.inputs[k]].clone();
        let times = |c: &dyn Fn(usize) -> f64| {
            of(0).map(|s| s.iter().enumerate().map(|(i, &(j, l, affine))| (j, l * c(i), affine)).collect::<Vec<_>>())
        };
        known.push(match &node.layer() {
            None => Some((0..node.size()).map(|j| (j, 1.0, true)).collect()),
            Some(Layer::Scale(c)) => times(&|i| c[i]),
            Some(Layer::Divide(c)) => times(&|i| 1.0 / c[i]),
            Some(Layer::Shift(_)) | Some(Layer::Reshape) => of(0),
            Some(Layer::Kink(kink)) => times(&|_| kink.below.abs().max(kink.above.abs()))
                .map(|s| s.into_iter().map(|(j, slope, _)| (j, slope, false)).collect()),
            Some(Layer::Concat { outer }) => {
                let parts: Option<Vec<Vec<(usize, f64, bool)>>> = (0..node.inputs.len()).map(of).collect();
                parts.map(|parts| joined(*outer, &parts))
            }
            _ => None,
        });
    }
    known
}

/// The parts' blocks, `outer` of each, in turn.
fn joined<T: Clone>(outer: usize, parts: &[Vec<T>]) -> Vec<T> {
    let block = |part: &Vec<T>, b: usize| part[b * part.len() / outer..(b + 1) * part.len() / outer].to_vec();
    (0..outer).flat_map(|b| parts.iter().flat_map(move |part| block(part, b))).collect()
}

fn dual(norm: Norm, w: &[f64]) -> f64 {
    let p = norm.p();
    if p == 1.0 {
        w.iter().fold(0.0, |m, x| f64::max(m, x.abs()))
    } else {
        let q = if p.is_infinite() { 1.0 } else { p / (p - 1.0) };
        w.iter().map(|x| x.abs().powf(q)).sum::<f64>().powf(1.0 / q)
    }
}

/// How far a row with these slopes goes in one direction: by the dual norm, but in a box for p = 1 by the knapsack, and
/// for p = 2 by the norm of the slopes along which there is room.
fn most(slopes: &[(f64, f64)], x: &[f64], r: f64, perturbation: Perturbation, direction: f64) -> f64 {
    let sizes: Vec<f64> = slopes.iter().map(|(affine, other)| affine.abs() + other).collect();
    let (Some(range), Norm::L1 | Norm::L2) = (perturbation.range, perturbation.norm) else {
        return r * dual(perturbation.norm, &sizes);
    };
    let room = |j: usize| {
        let (fall, rise) = (x[j] - range.at(j).low, range.at(j).high - x[j]);
        let (affine, other) = slopes[j];
        if other > 0.0 || affine == 0.0 {
            fall.max(rise)
        } else if affine * direction > 0.0 {
            rise
        } else {
            fall
        }
    };
    if perturbation.norm == Norm::L2 {
        let open = |j: usize| if room(j) > 0.0 { sizes[j] } else { 0.0 };
        return r * dual(Norm::L2, &(0..x.len()).map(open).collect::<Vec<_>>());
    }
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&a, &b| sizes[b].total_cmp(&sizes[a]));
    let (mut left, mut sum) = (r, 0.0);
    for j in order {
        let step = room(j).min(left);
        sum += sizes[j] * step;
        left -= step;
    }
    sum
}

/// The lower end of the logit over the ball of radius `r` inside the box.
pub fn lower_bound(graph: &Graph, x: &[f64], r: f64, perturbation: Perturbation) -> f64 {
    let slopes = slopes(graph);
    let mut values: Vec<Ends> = Vec::new();
    let mut centres: Vec<Vec<f64>> = Vec::new();
    for node in graph.nodes() {
        let ends = |k: usize| &values[node.inputs[k]];
        let centre = |k: usize| &centres[node.inputs[k]];
        let map = |f: &dyn Fn(usize, f64) -> f64, corner: bool| -> (Ends, Vec<f64>) {
            let one = |(i, &(low, high)): (usize, &(f64, f64))| {
                let (a, b) = (f(i, low), f(i, high));
                let (low_end, high_end) = (a.min(b), a.max(b));
                if corner && low < 0.0 && high > 0.0 {
                    (low_end.min(0.0), high_end.max(0.0))
                } else {
                    (low_end, high_end)
                }
            };
            (
                ends(0).iter().enumerate().map(one).collect(),
                centre(0).iter().enumerate().map(|(i, &c)| f(i, c)).collect(),
            )
        };
        let (value, centre) = match &node.layer() {
            None => {
                let ends = |(i, x): (usize, &f64)| (perturbation.clip(i, x - r), perturbation.clip(i, x + r));
                (x.iter().enumerate().map(ends).collect(), x.to_vec())
            }
            Some(Layer::Constant(c)) => (c.iter().map(|&c| (c, c)).collect(), c.clone()),
            Some(Layer::Scale(c)) => map(&|i, t| t * c[i], false),
            Some(Layer::Divide(c)) => map(&|i, t| t / c[i], false),
            Some(Layer::Shift(c)) => map(&|i, t| t + c[i], false),
            Some(Layer::Kink(kink)) => map(&|_, t| t * kink.slope(t), true),
            // What rises; a square of anything else is not asked for here.
            Some(Layer::Smooth(curve)) => {
                let of = |end: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
                    (0..node.size()).map(|i| curve.value((0..node.inputs.len()).map(|k| end(k, i)))).collect()
                };
                let (low, high) = (of(&|k, i| ends(k)[i].0), of(&|k, i| ends(k)[i].1));
                (low.into_iter().zip(high).collect(), of(&|k, i| centre(k)[i]))
            }
            Some(Layer::Reshape) => (ends(0).clone(), centre(0).clone()),
            Some(Layer::Sum) => (
                (0..node.size())
                    .map(|i| node.inputs.iter().fold((0.0, 0.0), |s, &k| (s.0 + values[k][i].0, s.1 + values[k][i].1)))
                    .collect(),
                (0..node.size()).map(|i| node.inputs.iter().map(|&k| centres[k][i]).sum()).collect(),
            ),
            Some(Layer::Max) => (
                (0..node.size())
                    .map(|i| {
                        let start = (f64::NEG_INFINITY, f64::NEG_INFINITY);
                        node.inputs.iter().fold(start, |s, &k| (s.0.max(values[k][i].0), s.1.max(values[k][i].1)))
                    })
                    .collect(),
                (0..node.size())
                    .map(|i| node.inputs.iter().map(|&k| centres[k][i]).fold(f64::NEG_INFINITY, f64::max))
                    .collect(),
            ),
            Some(Layer::Concat { outer }) => {
                let of = |all: &[Ends]| node.inputs.iter().map(|&k| all[k].clone()).collect::<Vec<_>>();
                let middles = node.inputs.iter().map(|&k| centres[k].clone()).collect::<Vec<_>>();
                (joined(*outer, &of(&values)), joined(*outer, &middles))
            }
            Some(Layer::Linear(linear, offset)) => {
                let row = |i: usize| {
                    let added = offset.get(i).copied().unwrap_or(0.0);
                    linear.entries(i).map(|(j, w)| (j, w.value)).fold(
                        ((added, added), added),
                        |((low, high), middle), (j, w)| {
                            let (a, b) = (w * ends(0)[j].0, w * ends(0)[j].1);
                            ((low + a.min(b), high + a.max(b)), middle + w * centre(0)[j])
                        },
                    )
                };
                (0..linear.rows()).map(row).unzip()
            }
            Some(Layer::Dense(dense)) => {
                let mut out: Ends = Vec::new();
                let mut centre_out = Vec::new();
                for i in 0..dense.rows {
                    let bias = f64::from(dense.bias[i]);
                    let (mut low, mut high, mut middle) = (bias, bias, bias);
                    for (k, &w) in dense.row(i).iter().enumerate() {
                        let w = f64::from(w);
                        let (a, b) = ends(0)[k];
                        low += if w > 0.0 { w * a } else { w * b };
                        high += if w > 0.0 { w * b } else { w * a };
                        middle += w * centre(0)[k];
                    }
                    if let Some(slopes) = &slopes[node.inputs[0]] {
                        // Per coordinate: the sum of the affine entries' slopes, and the size of the others'.
                        let mut by_coordinate = vec![(0.0, 0.0); x.len()];
                        for (&w, &(j, slope, affine)) in dense.row(i).iter().zip(slopes) {
                            let slope = f64::from(w) * slope;
                            if affine { by_coordinate[j].0 += slope } else { by_coordinate[j].1 += slope.abs() }
                        }
                        let fall = most(&by_coordinate, x, r, perturbation, -1.0);
                        let rise = most(&by_coordinate, x, r, perturbation, 1.0);
                        (low, high) = (low.max(middle - fall), high.min(middle + rise));
                    }
                    out.push((low, high));
                    centre_out.push(middle);
                }
                (out, centre_out)
            }
        };
        values.push(value);
        centres.push(centre);
    }
    values[graph.output()][0].0
}

/// Doubling from 1, then bisection to `tolerance`; `None` when f(x) ≤ 0.
pub fn radius(graph: &Graph, x: &[f64], perturbation: Perturbation, tolerance: f64) -> Option<f64> {
    let bound = |r: f64| lower_bound(graph, x, r, perturbation);
    if bound(0.0) <= 0.0 {
        return None;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while bound(high) > 0.0 {
        low = high;
        high *= 2.0;
        if high > 1e12 {
            return Some(f64::INFINITY);
        }
    }
    while high - low > tolerance * low && high > 1e-12 {
        let middle = 0.5 * (low + high);
        if bound(middle) > 0.0 { low = middle } else { high = middle }
    }
    Some(low)
}
