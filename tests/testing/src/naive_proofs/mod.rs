//! A naive prover for small networks: slopes at random, radii by exact rational arithmetic on a grid, and certificates
//! in the format of `proofs-data/FORMAT.md`. It shares no code with the kernel.

pub mod mutants;
pub mod trees;

use crate::networks::{exact, rational};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use rand::RngExt;
use rand::rngs::StdRng;
use underplane::model::{Graph, Layer, NodeId};

/// One exact slope per entry of every activation; the kinks of φ stay themselves.
#[derive(Clone)]
pub struct Lines {
    pub nodes: Vec<(NodeId, Vec<BigRational>)>,
    pub json: String,
}

/// Random codes of a random width for the activations `act…`.
pub fn lines(rng: &mut StdRng, graph: &Graph) -> Lines {
    coded(graph, |node| {
        let bits = [1_u32, 8, 16, 24, 32][rng.random_range(0..5)];
        let codes = (0..graph.node(node).size()).map(|_| rng.random_range(0..=u32::MAX >> (32 - bits))).collect();
        (bits, codes)
    })
}

/// The lines of the activations' pieces at x.
pub fn pieces(graph: &Graph, x: &[f64]) -> Lines {
    let values = exact(graph, x);
    coded(graph, |node| {
        let arguments = &values[graph.node(node).inputs[0]];
        (1, arguments.iter().map(|t| u32::from(t.is_positive())).collect())
    })
}

/// Lines from the width and codes of every node.
fn coded(graph: &Graph, mut codes_of: impl FnMut(NodeId) -> (u32, Vec<u32>)) -> Lines {
    let (mut nodes, mut json) = (Vec::new(), Vec::new());
    for (id, node) in graph.nodes().iter().enumerate().filter(|(_, node)| node.name.starts_with("act")) {
        let kink = node.op.kink().expect("activations are kinks");
        let (bits, codes) = codes_of(id);
        let whole = u32::MAX >> (32 - bits);
        let bytes: Vec<u8> = match bits {
            1 => codes.chunks(8).map(|c| c.iter().enumerate().fold(0, |b, (i, &k)| b | (k as u8) << i)).collect(),
            _ => codes.iter().flat_map(|k| k.to_le_bytes()[..bits as usize / 8].to_vec()).collect(),
        };
        let (low, high) = (rational(kink.below.min(kink.above)), rational(kink.below.max(kink.above)));
        let share = |&k: &u32| rational(f64::from(k)) / rational(f64::from(whole));
        nodes.push((id, codes.iter().map(|k| &low + (&high - &low) * share(k)).collect()));
        let codes = STANDARD.encode(bytes);
        json.push(format!(r#"{{"node":"{}","bits":"{bits}","codes":"{codes}"}}"#, node.name));
    }
    Lines { nodes, json: format!("[{}]", json.join(",")) }
}

/// The network with its activations replaced by lines, at x, entry by entry and rational by rational.
pub fn below(graph: &Graph, lines: &Lines, x: &[BigRational]) -> BigRational {
    let mut values: Vec<Vec<BigRational>> = Vec::new();
    for (id, node) in graph.nodes().iter().enumerate() {
        let of = |k: usize| &values[node.inputs[k]];
        let value: Vec<BigRational> = match &node.layer() {
            None => x.to_vec(),
            Some(Layer::Shift(c)) => of(0).iter().zip(c).map(|(t, &c)| t + rational(c)).collect(),
            Some(Layer::Divide(c)) => of(0).iter().zip(c).map(|(t, &c)| t / rational(c)).collect(),
            Some(Layer::Dense(w)) => (0..w.rows)
                .map(|i| {
                    let terms = w.row(i).iter().zip(of(0)).map(|(&w, t)| rational(f64::from(w)) * t);
                    terms.fold(rational(f64::from(w.bias[i])), |a, b| a + b)
                })
                .collect(),
            Some(Layer::Kink(_)) => match lines.nodes.iter().find(|(node, _)| *node == id) {
                Some((_, slopes)) => of(0).iter().zip(slopes).map(|(t, s)| t * s).collect(),
                None => of(0).iter().map(|t| t.abs()).collect(),
            },
            Some(Layer::Sum) => (0..node.size()).map(|i| node.inputs.iter().map(|&k| &values[k][i]).sum()).collect(),
            Some(Layer::Concat { .. }) => node.inputs.iter().flat_map(|&k| values[k].clone()).collect(),
            _ => panic!("{} is not in these networks", node.operation()),
        };
        values.push(value);
    }
    values[graph.output()][0].clone()
}

/// One coordinate's function: its value at positions `places` in rising order, linear between and beyond them.
pub struct Coordinate {
    pub center: BigRational,
    pub corner: BigRational,
    pub left: BigRational,
    pub right: BigRational,
    /// Ends besides those of the ball and the box.
    pub low: Option<BigRational>,
    pub high: Option<BigRational>,
}

impl Coordinate {
    /// h(x') − h(corner).
    pub fn value(&self, at: &BigRational) -> BigRational {
        let step = at - &self.corner;
        if step.is_negative() { step * &self.left } else { step * &self.right }
    }
}

pub struct Problem {
    pub value: BigRational,
    pub coordinates: Vec<Coordinate>,
    pub range: Option<(BigRational, BigRational)>,
}

pub fn problem(graph: &Graph, lines: &Lines, x: &[f64], range: Option<(f64, f64)>) -> Problem {
    let x: Vec<BigRational> = x.iter().map(|&x| rational(x)).collect();
    let value = below(graph, lines, &x);
    let shift = graph.nodes().iter().find_map(|node| match &node.layer() {
        Some(Layer::Shift(c)) => Some(c.clone()),
        _ => None,
    });
    let coordinate = |i: usize| {
        let corner = shift.as_ref().map_or(rational(0.0), |c| -rational(c[i]));
        let at = |t: BigRational| {
            let mut moved = x.clone();
            moved[i] = t;
            below(graph, lines, &moved)
        };
        let one = rational(1.0);
        let middle = at(corner.clone());
        let (right, left) = (at(&corner + &one) - &middle, &middle - at(&corner - &one));
        Coordinate { center: x[i].clone(), corner, left, right, low: None, high: None }
    };
    let range = range.map(|(low, high)| (rational(low), rational(high)));
    Problem { value, coordinates: (0..x.len()).map(coordinate).collect(), range }
}

/// What the kernel is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    Inf,
    DualL1,
    DualL2,
    MultiplierL1(f64),
    MultiplierL2(f64),
}

impl Problem {
    /// Whether the minorant is positive over the closed ball, in the way of the format.
    pub fn positive(&self, way: Way, r: &BigRational) -> bool {
        let slopes = || self.coordinates.iter().map(|c| c.right.abs());
        match way {
            Way::DualL1 => self.value > slopes().max().unwrap() * r,
            Way::DualL2 => {
                let squares: BigRational = slopes().map(|s| &s * &s).sum();
                self.value.is_positive() && &self.value * &self.value > squares * r * r
            }
            _ => {
                let cost = match way {
                    Way::MultiplierL1(m) => rational(m) * r,
                    Way::MultiplierL2(m) => rational(m) * r * r / rational(2.0),
                    _ => BigRational::zero(),
                };
                let empty = |c: &Coordinate| self.interval(c, r).is_none();
                if self.coordinates.iter().any(empty) {
                    return true;
                }
                let change: BigRational = self.coordinates.iter().map(|c| self.least(c, way, r)).sum();
                (&self.value + change - cost).is_positive()
            }
        }
    }

    /// Where the coordinate may go, if there is any such place.
    fn interval(&self, c: &Coordinate, r: &BigRational) -> Option<(BigRational, BigRational)> {
        let range = self.range.as_ref();
        let lows = [Some(&c.center - r), range.map(|range| range.0.clone()), c.low.clone()];
        let highs = [Some(&c.center + r), range.map(|range| range.1.clone()), c.high.clone()];
        let (low, high) = (lows.into_iter().flatten().max()?, highs.into_iter().flatten().min()?);
        (low <= high).then_some((low, high))
    }

    /// min over the coordinate's interval of h(x') − h(x) + the multiplier's term.
    pub fn least(&self, c: &Coordinate, way: Way, r: &BigRational) -> BigRational {
        let (low, high) = self.interval(c, r).unwrap();
        let inside = |t: &BigRational| t.clone().max(low.clone()).min(high.clone());
        let mut places = vec![low.clone(), high.clone(), inside(&c.corner), inside(&c.center)];
        if let Way::MultiplierL2(m) = way {
            // Stationary points of either line, moved into the part of the interval where it holds.
            places.push(inside(&(&c.center - &c.left / rational(m)).min(c.corner.clone())));
            places.push(inside(&(&c.center - &c.right / rational(m)).max(c.corner.clone())));
        }
        let value = |t: &BigRational| {
            let step = t - &c.center;
            let penalty = match way {
                Way::MultiplierL1(m) => rational(m) * step.abs(),
                Way::MultiplierL2(m) => rational(m) * &step * &step / rational(2.0),
                _ => BigRational::zero(),
            };
            c.value(t) - c.value(&c.center) + penalty
        };
        places.iter().map(value).min().unwrap()
    }
}

pub fn npy(x: &[f64]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': (1, {}), }}", x.len());
    header.push_str(&" ".repeat((64 - (11 + header.len()) % 64) % 64));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    x.iter().for_each(|&v| bytes.extend((v as f32).to_le_bytes()));
    bytes
}

/// k·2⁻³⁰ as an exact decimal.
pub fn decimal(k: u64) -> String {
    let whole = k >> 30;
    let mut rest = k & ((1 << 30) - 1);
    let mut digits = String::new();
    for _ in 0..30 {
        rest *= 10;
        digits.push(char::from(b'0' + (rest >> 30) as u8));
        rest &= (1 << 30) - 1;
    }
    format!("{whole}.{digits}")
}

pub fn grid(k: u64) -> BigRational {
    BigRational::new(k.into(), (1_u64 << 30).into())
}

/// The largest k with a proven radius k·2⁻³⁰, if there is one below 2¹².
pub fn threshold(problem: &Problem, way: Way) -> Option<u64> {
    largest(|k| problem.positive(way, &grid(k)))
}

/// The largest k below 2⁴² that is proven, if there is one.
pub fn largest(proven: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut high) = (0, 1_u64 << 42);
    if !proven(low) || proven(high) {
        return None;
    }
    while high - low > 1 {
        let middle = (low + high) / 2;
        if proven(middle) { low = middle } else { high = middle }
    }
    Some(low)
}

pub fn certificate(way: Way, lines: &Lines, range: Option<(f64, f64)>, k: u64) -> String {
    statement(way, range, k, &evidence(way, lines))
}

/// The keys `slopes` and `multiplier`.
fn evidence(way: Way, lines: &Lines) -> String {
    let slopes = &lines.json;
    match way {
        Way::Inf | Way::DualL1 | Way::DualL2 => format!(r#""slopes":{slopes}"#),
        Way::MultiplierL1(m) | Way::MultiplierL2(m) => format!(r#""slopes":{slopes},"multiplier":"{m}""#),
    }
}

fn statement(way: Way, range: Option<(f64, f64)>, k: u64, evidence: &str) -> String {
    let norm = match way {
        Way::Inf => "linf",
        Way::DualL1 | Way::MultiplierL1(_) => "l1",
        Way::DualL2 | Way::MultiplierL2(_) => "l2",
    };
    let range = range.map_or(String::new(), |(low, high)| format!(r#","box":["{low}","{high}"]"#));
    let radius = decimal(k);
    format!(r#"{{"version":"1","input":"0","norm":"{norm}"{range},"radius":"{radius}",{evidence}}}"#)
}
