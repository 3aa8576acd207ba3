//! Branching proofs of the naive prover: random trees, proven leaf by leaf.

use super::{Lines, Problem, Way, evidence, grid, largest, lines, pieces, problem, statement};
use crate::networks::rational;
use num_rational::BigRational;
use rand::RngExt;
use rand::rngs::StdRng;
use underplane::model::{Graph, Layer};

/// A tree with exact slopes in its leaves.
#[derive(Clone)]
pub enum Tree {
    Split { coordinate: usize, at: f64, sides: Box<[Tree; 2]> },
    Leaf { lines: Lines, multiplier: f64 },
}

/// Ends of every coordinate.
type Ends = Vec<(Option<f64>, Option<f64>)>;

/// What a tree is made for.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub graph: &'a Graph,
    pub x: &'a [f64],
    pub way: Way,
    pub range: Option<(f64, f64)>,
}

/// Splits at kinks, at the input's coordinates, or anywhere; lines at random, or of a piece that meets the leaf's part.
pub fn tree(rng: &mut StdRng, setting: Setting, depth: usize) -> Tree {
    grow(rng, setting, depth, &vec![(None, None); setting.x.len()])
}

fn grow(rng: &mut StdRng, setting: Setting, depth: usize, ends: &Ends) -> Tree {
    let Setting { graph, x, .. } = setting;
    if depth == 0 || rng.random_range(0..4) == 0 {
        let inside = |(x, end): (&f64, &(Option<f64>, Option<f64>))| {
            x.max(end.0.unwrap_or(f64::NEG_INFINITY)).min(end.1.unwrap_or(f64::INFINITY))
        };
        let point: Vec<f64> = x.iter().zip(ends).map(inside).collect();
        let lines = if rng.random_range(0..3) == 0 { lines(rng, graph) } else { pieces(graph, &point) };
        return Tree::Leaf { lines, multiplier: [0.125, 0.25, 0.5, 1.0, 3.0][rng.random_range(0..5)] };
    }
    let coordinate = rng.random_range(0..x.len());
    let at = match (rng.random_range(0..4), corner(graph, coordinate)) {
        (0 | 1, Some(corner)) => corner,
        (2, _) => x[coordinate],
        _ => f64::from(rng.random_range(-512..1536)) / 1024.0,
    };
    let (mut lower, mut upper) = (ends.clone(), ends.clone());
    lower[coordinate].1 = Some(at);
    upper[coordinate].0 = Some(at);
    let sides = Box::new([grow(rng, setting, depth - 1, &lower), grow(rng, setting, depth - 1, &upper)]);
    Tree::Split { coordinate, at, sides }
}

/// Where φ bends coordinate i, or would.
fn corner(graph: &Graph, i: usize) -> Option<f64> {
    graph.nodes().iter().find_map(|node| match &node.layer() {
        Some(Layer::Shift(c)) => Some(-c[i]),
        _ => None,
    })
}

impl Tree {
    /// The nodes in preorder, as JSON.
    pub fn nodes(&self, way: Way) -> Vec<String> {
        match self {
            Tree::Split { coordinate, at, sides } => {
                let split = format!(r#"{{"coordinate":"{coordinate}","at":"{at:.90}"}}"#);
                [vec![split], sides[0].nodes(way), sides[1].nodes(way)].concat()
            }
            Tree::Leaf { lines, multiplier } => vec![format!("{{{}}}", evidence(with(way, *multiplier), lines))],
        }
    }

    /// Number of nodes.
    pub fn count(&self) -> usize {
        match self {
            Tree::Split { sides, .. } => 1 + sides.iter().map(Tree::count).sum::<usize>(),
            Tree::Leaf { .. } => 1,
        }
    }

    /// The node with this number in preorder.
    pub fn node(&mut self, number: usize) -> &mut Tree {
        if number == 0 {
            return self;
        }
        let Tree::Split { sides, .. } = self else { panic!("no node {number} below a leaf") };
        let lower = sides[0].count();
        if number <= lower { sides[0].node(number - 1) } else { sides[1].node(number - 1 - lower) }
    }

    fn parts(
        &self,
        setting: Setting,
        ends: &[(Option<BigRational>, Option<BigRational>)],
        all: &mut Vec<(Problem, Way)>,
    ) {
        match self {
            Tree::Split { coordinate, at, sides } => {
                let at = rational(*at);
                let (mut lower, mut upper) = (ends.to_vec(), ends.to_vec());
                let (low, high) = ends[*coordinate].clone();
                lower[*coordinate].1 = Some(high.map_or(at.clone(), |high| high.min(at.clone())));
                upper[*coordinate].0 = Some(low.map_or(at.clone(), |low| low.max(at)));
                sides[0].parts(setting, &lower, all);
                sides[1].parts(setting, &upper, all);
            }
            Tree::Leaf { lines, multiplier } => {
                let mut problem = problem(setting.graph, lines, setting.x, setting.range);
                for (c, (low, high)) in problem.coordinates.iter_mut().zip(ends) {
                    (c.low, c.high) = (low.clone(), high.clone());
                }
                all.push((problem, with(setting.way, *multiplier)));
            }
        }
    }

    /// Whether k·2⁻³⁰ is proven.
    pub fn proves(&self, setting: Setting) -> impl Fn(u64) -> bool + use<> {
        let mut parts = Vec::new();
        self.parts(setting, &vec![(None, None); setting.x.len()], &mut parts);
        move |k| parts.iter().all(|(problem, way)| problem.positive(*way, &grid(k)))
    }

    /// The largest k with a proven radius k·2⁻³⁰, if there is one below 2¹².
    pub fn threshold(&self, setting: Setting) -> Option<u64> {
        largest(self.proves(setting))
    }
}

/// The way with a leaf's own multiplier.
fn with(way: Way, multiplier: f64) -> Way {
    match way {
        Way::MultiplierL1(_) => Way::MultiplierL1(multiplier),
        Way::MultiplierL2(_) => Way::MultiplierL2(multiplier),
        other => other,
    }
}

/// A certificate with these nodes.
pub fn certificate(way: Way, nodes: &[String], range: Option<(f64, f64)>, k: u64) -> String {
    statement(way, range, k, &format!(r#""tree":[{}]"#, nodes.join(",")))
}
