//! The kernel against a naive rational implementation on random small networks: at every region it must accept the
//! largest radius that the slopes prove on a fine grid, and refuse the next one.

mod networks;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use networks::{MAPS, Map, exact_logit, generator, icnn, inputs, rational};
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use rand::RngExt;
use rand::rngs::StdRng;
use rayon::prelude::*;
use underplane::kernel::{self, Class, Code};
use underplane::model::{Graph, NodeId, Op, onnx};

/// One exact slope per entry of every activation; the kinks of φ stay themselves.
struct Lines {
    nodes: Vec<(NodeId, Vec<BigRational>)>,
    json: String,
}

/// Random codes of a random width for the activations `act…`.
fn lines(rng: &mut StdRng, graph: &Graph) -> Lines {
    let (mut nodes, mut json) = (Vec::new(), Vec::new());
    for (id, node) in graph.nodes().iter().enumerate().filter(|(_, node)| node.name.starts_with("act")) {
        let Op::Kink(kink) = node.op else { panic!("activations are kinks") };
        let bits = [1_u32, 8, 16, 24, 32][rng.random_range(0..5)];
        let whole = u32::MAX >> (32 - bits);
        let codes: Vec<u32> = (0..node.size()).map(|_| rng.random_range(0..=whole)).collect();
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
fn below(graph: &Graph, lines: &Lines, x: &[BigRational]) -> BigRational {
    let mut values: Vec<Vec<BigRational>> = Vec::new();
    for (id, node) in graph.nodes().iter().enumerate() {
        let of = |k: usize| &values[node.inputs[k]];
        let value: Vec<BigRational> = match &node.op {
            Op::Input => x.to_vec(),
            Op::Shift(c) => of(0).iter().zip(c).map(|(t, &c)| t + rational(c)).collect(),
            Op::Divide(c) => of(0).iter().zip(c).map(|(t, &c)| t / rational(c)).collect(),
            Op::Dense(w) => (0..w.rows)
                .map(|i| {
                    let terms = w.row(i).iter().zip(of(0)).map(|(&w, t)| rational(f64::from(w)) * t);
                    terms.fold(rational(f64::from(w.bias[i])), |a, b| a + b)
                })
                .collect(),
            Op::Kink(_) => match lines.nodes.iter().find(|(node, _)| *node == id) {
                Some((_, slopes)) => of(0).iter().zip(slopes).map(|(t, s)| t * s).collect(),
                None => of(0).iter().map(|t| t.abs()).collect(),
            },
            Op::Sum => (0..node.size()).map(|i| node.inputs.iter().map(|&k| &values[k][i]).sum()).collect(),
            Op::Concat { .. } => node.inputs.iter().flat_map(|&k| values[k].clone()).collect(),
            other => panic!("{} is not in these networks", other.name()),
        };
        values.push(value);
    }
    values[graph.output()][0].clone()
}

/// One coordinate's function: its value at positions `places` in rising order, linear between and beyond them.
struct Coordinate {
    center: BigRational,
    corner: BigRational,
    left: BigRational,
    right: BigRational,
}

impl Coordinate {
    /// h(x') − h(corner).
    fn value(&self, at: &BigRational) -> BigRational {
        let step = at - &self.corner;
        if step.is_negative() { step * &self.left } else { step * &self.right }
    }
}

struct Problem {
    value: BigRational,
    coordinates: Vec<Coordinate>,
    range: Option<(BigRational, BigRational)>,
}

fn problem(graph: &Graph, lines: &Lines, x: &[f64], range: Option<(f64, f64)>) -> Problem {
    let x: Vec<BigRational> = x.iter().map(|&x| rational(x)).collect();
    let value = below(graph, lines, &x);
    let shift = graph.nodes().iter().find_map(|node| match &node.op {
        Op::Shift(c) => Some(c.clone()),
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
        Coordinate { center: x[i].clone(), corner, left, right }
    };
    let range = range.map(|(low, high)| (rational(low), rational(high)));
    Problem { value, coordinates: (0..x.len()).map(coordinate).collect(), range }
}

/// What the kernel is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Inf,
    DualL1,
    DualL2,
    MultiplierL1(f64),
    MultiplierL2(f64),
}

impl Problem {
    /// Whether the minorant is positive over the closed ball, in the way of the format.
    fn positive(&self, way: Way, r: &BigRational) -> bool {
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
                let change: BigRational = self.coordinates.iter().map(|c| self.least(c, way, r)).sum();
                (&self.value + change - cost).is_positive()
            }
        }
    }

    /// min over the coordinate's interval of h(x') − h(x) + the multiplier's term.
    fn least(&self, c: &Coordinate, way: Way, r: &BigRational) -> BigRational {
        let (mut low, mut high) = (&c.center - r, &c.center + r);
        if let Some((from, to)) = &self.range {
            (low, high) = (low.max(from.clone()), high.min(to.clone()));
        }
        let inside = |t: &BigRational| t.clone().max(low.clone()).min(high.clone());
        let mut places = vec![low.clone(), high.clone(), inside(&c.corner), c.center.clone()];
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

fn npy(x: &[f64]) -> Vec<u8> {
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
fn decimal(k: u64) -> String {
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

fn grid(k: u64) -> BigRational {
    BigRational::new(k.into(), (1_u64 << 30).into())
}

/// The largest k with a proven radius k·2⁻³⁰, if there is one below 2¹².
fn threshold(problem: &Problem, way: Way) -> Option<u64> {
    let proven = |k: u64| problem.positive(way, &grid(k));
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

fn certificate(way: Way, lines: &Lines, range: Option<(f64, f64)>, k: u64) -> String {
    let (norm, multiplier) = match way {
        Way::Inf => ("linf", None),
        Way::DualL1 => ("l1", None),
        Way::DualL2 => ("l2", None),
        Way::MultiplierL1(m) => ("l1", Some(m)),
        Way::MultiplierL2(m) => ("l2", Some(m)),
    };
    let multiplier = multiplier.map_or(String::new(), |m| format!(r#","multiplier":"{m}""#));
    let range = range.map_or(String::new(), |(low, high)| format!(r#","box":["{low}","{high}"]"#));
    let (radius, slopes) = (decimal(k), &lines.json);
    format!(r#"{{"version":"1","input":"0","norm":"{norm}"{range},"radius":"{radius}","slopes":{slopes}{multiplier}}}"#)
}

struct Case {
    graph: Graph,
    lines: Lines,
    x: Vec<f64>,
    model: kernel::Model,
    inputs: kernel::Inputs,
}

fn case(seed: u64) -> Case {
    let mut rng = generator(seed);
    let d = rng.random_range(1..5);
    let hidden: Vec<usize> = (0..rng.random_range(1..4)).map(|_| rng.random_range(1..5)).collect();
    let leak = [0.0, 0.0, 0.125, 0.25][rng.random_range(0..4)];
    let graph = icnn(&mut rng, d, &hidden, MAPS[(seed % 5) as usize], leak);
    let lines = lines(&mut rng, &graph);
    let x = inputs(&mut rng, 1, d);
    let model = kernel::Model::read(&onnx::encode(&graph).unwrap(), Class::Positive).unwrap();
    let inputs = kernel::Inputs::read(&npy(&x)).unwrap();
    Case { graph, lines, x, model, inputs }
}

#[test]
fn accepts_what_the_slopes_prove_and_nothing_more() {
    let decided: usize = (0..500).into_par_iter().map(regions).sum();
    assert!(decided > 2000, "only {decided} regions had a threshold");
}

/// How many regions of one network have a threshold, each of them tested.
fn regions(seed: u64) -> usize {
    let case = case(seed);
    let has_kinks = matches!(MAPS[(seed % 5) as usize], Map::Absolute | Map::ScaledAbsolute);
    let multiplier = [0.125, 0.5, 1.0, 3.0][(seed / 5 % 4) as usize];
    let mut decided = 0;
    for way in [Way::Inf, Way::DualL1, Way::DualL2, Way::MultiplierL1(multiplier), Way::MultiplierL2(multiplier)] {
        for range in [None, Some((0.0, 1.0)), Some((-0.5, 1.25))] {
            if let (true, Way::DualL1 | Way::DualL2) = (has_kinks, way) {
                continue;
            }
            let problem = problem(&case.graph, &case.lines, &case.x, range);
            let Some(k) = threshold(&problem, way) else { continue };
            decided += 1;
            let check = |k| kernel::check_line(&case.model, &case.inputs, &certificate(way, &case.lines, range, k));
            check(k).unwrap_or_else(|r| panic!("seed {seed} {way:?} {range:?}: {r}"));
            let refused = check(k + 1).expect_err("one step too far");
            assert_eq!(refused.code, Code::NotProven, "seed {seed} {way:?} {range:?}: {refused}");
        }
    }
    decided
}

#[test]
fn a_certified_ball_holds_no_point_of_the_other_class() {
    let mut met = 0;
    for seed in 0..600 {
        let case = case(seed);
        let range = [None, Some((0.0, 1.0))][(seed % 2) as usize];
        let problem = problem(&case.graph, &case.lines, &case.x, range);
        let Some(k) = threshold(&problem, Way::Inf) else { continue };
        met += 1;
        let line = certificate(Way::Inf, &case.lines, range, k);
        kernel::check_line(&case.model, &case.inputs, &line).unwrap();
        // Every vertex of the ball, and points on its faces: radius rounded down to a float.
        let r = (k as f64 * (0.5_f64).powi(30)).next_down().max(0.0);
        for vertex in 0..3_usize.pow(case.x.len() as u32) {
            let direction = |i: usize| (vertex / 3_usize.pow(i as u32) % 3) as f64 - 1.0;
            let corner = |(i, &x): (usize, &f64)| {
                let moved = x + direction(i) * r;
                let moved = if (moved - x).abs() > r {
                    if moved > x { moved.next_down() } else { moved.next_up() }
                } else {
                    moved
                };
                range.map_or(moved, |(low, high)| moved.clamp(low, high))
            };
            let point: Vec<f64> = case.x.iter().enumerate().map(corner).collect();
            assert!(exact_logit(&case.graph, &point).is_positive(), "seed {seed}: {point:?}");
        }
    }
    assert!(met > 50, "only {met} balls");
}

#[test]
fn evaluates_logits_exactly() {
    for seed in 0..400 {
        let case = case(seed);
        let exact = exact_logit(&case.graph, &case.x);
        let sign = if exact.is_positive() { 1 } else { -i32::from(exact.is_negative()) };
        assert_eq!(case.model.logit_sign(&case.inputs, 0).unwrap(), sign, "seed {seed}");
    }
}
