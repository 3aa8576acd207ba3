//! Branching proofs: the kernel against the naive prover on random small networks and trees, and trees with one thing
//! damaged. It must accept exactly what the naive prover proves.

use num_rational::BigRational;
use num_traits::Signed;
use rand::RngExt;
use rand::rngs::StdRng;
use rayon::prelude::*;
use testing::corpora;
use testing::naive_proofs;
use testing::naive_proofs::mutants::none_survives;
use testing::naive_proofs::trees::{Setting, Tree, certificate, tree};
use testing::naive_proofs::{Way, grid, lines, npy};
use testing::networks::{MAPS, Map, exact_logit, generator, icnn, inputs, rational};
use underplane::model::{Graph, onnx};
use underplane_kernel::{self as kernel, Class, Code, Rejection};

/// A branching proof with all that it speaks of.
#[derive(Clone)]
struct Subject {
    graph: Graph,
    x: Vec<f64>,
    way: Way,
    range: Option<(f64, f64)>,
    tree: Tree,
    k: u64,
}

/// With multipliers for l1 and l2; the leaves have their own.
const WAYS: [Way; 5] = [Way::Inf, Way::MultiplierL1(1.0), Way::MultiplierL2(1.0), Way::DualL1, Way::DualL2];
const RANGES: [Option<(f64, f64)>; 3] = [None, Some((0.0, 1.0)), Some((-0.5, 1.25))];

impl Subject {
    /// A random one with the largest radius that the tree proves, if it proves any.
    fn new(seed: u64) -> Option<Subject> {
        let mut rng = generator(seed);
        let map = if seed.is_multiple_of(3) { MAPS[(seed / 3 % 5) as usize] } else { Map::Absolute };
        let way = WAYS[rng.random_range(0..if matches!(map, Map::Absolute | Map::ScaledAbsolute) { 3 } else { 5 })];
        let d = rng.random_range(1..4);
        let hidden: Vec<usize> = (0..rng.random_range(1..3)).map(|_| rng.random_range(1..5)).collect();
        let graph = icnn(&mut rng, d, &hidden, map, [0.0, 0.25][(seed % 2) as usize]);
        let x = inputs(&mut rng, 1, d);
        let range = RANGES[rng.random_range(0..3)];
        let leaf = Tree::Leaf { lines: lines(&mut rng, &graph), multiplier: 1.0 };
        let mut subject = Subject { graph, x, way, range, tree: leaf, k: 0 };
        subject.tree = tree(&mut rng, subject.setting(), 3);
        subject.k = subject.tree.threshold(subject.setting())?;
        Some(subject)
    }

    fn setting(&self) -> Setting<'_> {
        Setting { graph: &self.graph, x: &self.x, way: self.way, range: self.range }
    }

    fn proven(&self) -> bool {
        let inside = |&x: &f64| self.range.is_none_or(|(low, high)| (low..=high).contains(&x));
        self.x.iter().all(inside) && self.tree.proves(self.setting())(self.k)
    }

    fn verdict(&self) -> Result<(), Rejection> {
        self.verdict_of(&self.tree.nodes(self.way))
    }

    fn verdict_of(&self, nodes: &[String]) -> Result<(), Rejection> {
        let model = kernel::Model::read(&onnx::encode(&self.graph).unwrap(), Class::Positive)?;
        let inputs = kernel::Inputs::read(&npy(&self.x))?;
        kernel::check_line(&model, &inputs, &certificate(self.way, nodes, self.range, self.k)).map(drop)
    }
}

#[test]
fn accepts_what_a_tree_proves_and_nothing_more() {
    let decide = |seed: u64| {
        let Some(subject) = Subject::new(seed) else { return 0 };
        subject.verdict().unwrap_or_else(|r| panic!("seed {seed} {:?}: {r}", subject.way));
        let further = Subject { k: subject.k + 1, ..subject };
        let refused = further.verdict().expect_err("one step too far");
        assert_eq!(refused.code, Code::NotProven, "seed {seed}: {refused}");
        usize::from(further.tree.count() > 1)
    };
    let decided: usize = (0..700).into_par_iter().map(decide).sum();
    assert!(decided > 200, "only {decided} trees had a threshold");
}

/// The distance in the way's norm, to the power of 2 for l2.
fn size(way: Way, steps: &[BigRational]) -> BigRational {
    match way {
        Way::Inf => steps.iter().map(Signed::abs).max().unwrap(),
        Way::DualL1 | Way::MultiplierL1(_) => steps.iter().map(Signed::abs).sum(),
        Way::DualL2 | Way::MultiplierL2(_) => steps.iter().map(|s| s * s).sum(),
    }
}

/// Points of the ball and the box: combinations of ends, splits and kinks, and points at random, moved to the sphere.
fn points(rng: &mut StdRng, subject: &Subject) -> Vec<Vec<f64>> {
    let r = (subject.k as f64 * (0.5_f64).powi(30)).next_down().max(0.0);
    let at_random = |rng: &mut StdRng| subject.x.iter().map(|x| x + rng.random_range(-r..=r)).collect::<Vec<f64>>();
    let mut points: Vec<Vec<f64>> = (0..60).map(|_| at_random(rng)).collect();
    for corner in 0..3_usize.pow(subject.x.len() as u32) {
        let direction = |i: usize| (corner / 3_usize.pow(i as u32) % 3) as f64 - 1.0;
        points.push(subject.x.iter().enumerate().map(|(i, x)| x + direction(i) * r).collect());
    }
    for number in 0..subject.tree.count() {
        if let Tree::Split { coordinate, at, .. } = subject.tree.clone().node(number) {
            let moved = points.clone().into_iter().map(|mut point| {
                point[*coordinate] = *at;
                point
            });
            points.extend(moved.take(40).collect::<Vec<_>>());
        }
    }
    let on_sphere = |point: &Vec<f64>| -> Vec<f64> {
        let steps: Vec<f64> = point.iter().zip(&subject.x).map(|(p, x)| p - x).collect();
        let length = match subject.way {
            Way::Inf => steps.iter().map(|s| s.abs()).fold(0.0, f64::max),
            Way::DualL1 | Way::MultiplierL1(_) => steps.iter().map(|s| s.abs()).sum(),
            Way::DualL2 | Way::MultiplierL2(_) => steps.iter().map(|s| s * s).sum::<f64>().sqrt(),
        };
        let factor = if length > 0.0 { r / length * (1.0 - 1e-12) } else { 0.0 };
        subject.x.iter().zip(steps).map(|(x, s)| x + s * factor).collect()
    };
    points.extend(points.iter().map(on_sphere).collect::<Vec<_>>());
    if let Some((low, high)) = subject.range {
        points.iter_mut().flatten().for_each(|p| *p = p.clamp(low, high));
    }
    points.retain(|point| {
        let steps: Vec<BigRational> = point.iter().zip(&subject.x).map(|(&p, &x)| rational(p) - rational(x)).collect();
        let r = grid(subject.k);
        size(subject.way, &steps) <= if let Way::DualL2 | Way::MultiplierL2(_) = subject.way { &r * &r } else { r }
    });
    points
}

#[test]
fn a_ball_proven_by_a_tree_holds_no_point_of_the_other_class() {
    let met = |seed: u64| {
        let Some(subject) = Subject::new(seed) else { return 0 };
        subject.verdict().unwrap_or_else(|r| panic!("seed {seed}: {r}"));
        let points = points(&mut generator(seed + 5_000), &subject);
        for point in &points {
            assert!(exact_logit(&subject.graph, point).is_positive(), "seed {seed}: {point:?}");
        }
        points.len()
    };
    let met: usize = (10_000..10_250).into_par_iter().map(met).sum();
    assert!(met > 5_000, "only {met} points");
}

/// The mutations whose truth the naive prover knows.
fn mutations(rng: &mut StdRng, subject: &Subject) -> Vec<(&'static str, Subject)> {
    let count = subject.tree.count();
    let (mut splits, mut leaves): (Vec<usize>, Vec<usize>) =
        (0..count).partition(|&number| matches!(subject.tree.clone().node(number), Tree::Split { .. }));
    let split = splits.swap_remove(rng.random_range(0..splits.len()));
    let leaf = leaves.swap_remove(rng.random_range(0..leaves.len()));
    let other = leaves.swap_remove(rng.random_range(0..leaves.len()));
    let other_lines = lines(rng, &subject.graph);
    let moved = inputs(rng, 1, subject.x.len());
    let size = subject.x.len();
    let tree = |change: &dyn Fn(&mut Tree)| {
        let mut mutant = subject.clone();
        change(&mut mutant.tree);
        mutant
    };
    let at_split = |change: &dyn Fn(&mut usize, &mut f64, &mut [Tree; 2])| {
        tree(&|tree| match tree.node(split) {
            Tree::Split { coordinate, at, sides } => change(coordinate, at, sides),
            Tree::Leaf { .. } => unreachable!("a split"),
        })
    };
    let at_leaf = |factor: f64, new: Option<&naive_proofs::Lines>| {
        tree(&|tree| match tree.node(leaf) {
            Tree::Leaf { lines, multiplier } => {
                *multiplier *= factor;
                new.into_iter().for_each(|new| *lines = new.clone());
            }
            Tree::Split { .. } => unreachable!("a leaf"),
        })
    };
    vec![
        ("radius up by one step", Subject { k: subject.k + 1, ..subject.clone() }),
        ("radius doubled", Subject { k: 2 * subject.k + 1, ..subject.clone() }),
        ("box dropped", Subject { range: None, ..subject.clone() }),
        ("box moved", Subject { range: Some((0.25, 0.75)), ..subject.clone() }),
        ("other input", Subject { x: moved, ..subject.clone() }),
        ("sides swapped", at_split(&|_, _, sides| sides.reverse())),
        ("split moved up", at_split(&|_, at, _| *at += 0.25)),
        ("split moved down", at_split(&|_, at, _| *at -= 0.25)),
        ("split moved to the other sign", at_split(&|_, at, _| *at = -*at)),
        ("split of another coordinate", at_split(&|coordinate, _, _| *coordinate = (*coordinate + 1) % size)),
        ("one side for both", at_split(&|_, _, sides| sides[1] = sides[0].clone())),
        ("no split, the lower side", tree(&|tree| replace(tree.node(split), 0))),
        ("no split, the upper side", tree(&|tree| replace(tree.node(split), 1))),
        ("other slopes in a leaf", at_leaf(1.0, Some(&other_lines))),
        ("smaller multiplier", at_leaf(0.5, None)),
        ("larger multiplier", at_leaf(2.0, None)),
        ("leaves exchanged", {
            tree(&|tree| {
                let first = tree.node(leaf).clone();
                let second = std::mem::replace(tree.node(other), first);
                *tree.node(leaf) = second;
            })
        }),
    ]
}

fn replace(node: &mut Tree, side: usize) {
    if let Tree::Split { sides, .. } = node {
        *node = sides[side].clone();
    }
}

#[test]
fn nothing_that_is_unproven_survives() {
    none_survives(20_000..20_300, 17, |seed| {
        let subject = Subject::new(seed).filter(|subject| subject.tree.count() > 1);
        let Some(subject) = subject else { return Vec::new() };
        let mutants = mutations(&mut generator(seed + 7_000), &subject);
        mutants.into_iter().map(|(what, mutant)| (what, mutant.proven(), mutant.verdict())).collect()
    });
}

#[test]
fn a_node_left_out_or_written_twice_is_no_tree() {
    for seed in 30_000..30_060 {
        let Some(subject) = Subject::new(seed) else { continue };
        let nodes = subject.tree.nodes(subject.way);
        for at in 0..nodes.len() {
            let (mut fewer, mut more) = (nodes.clone(), nodes.clone());
            fewer.remove(at);
            more.insert(at, nodes[at].clone());
            for list in [fewer, more, nodes[..at].to_vec()] {
                assert_eq!(subject.verdict_of(&list).expect_err("no tree").code, Code::Tree, "seed {seed}, node {at}");
            }
        }
    }
}

fn branching() -> (kernel::Model, kernel::Inputs) {
    let model =
        kernel::Model::read(&onnx::encode(&corpora::trees::graph(corpora::trees::WEIGHT)).unwrap(), Class::Positive)
            .unwrap();
    (model, kernel::Inputs::read(&npy(&corpora::trees::INPUT)).unwrap())
}

#[test]
fn no_single_slopes_prove_what_the_tree_proves() {
    use base64::Engine;
    let (model, inputs) = branching();
    for line in corpora::trees::lines().iter().take(5) {
        kernel::check_line(&model, &inputs, &line.to_string()).unwrap();
        for number in 0..5_usize.pow(4) {
            let codes: Vec<u8> = (0..4).map(|unit| (number / 5_usize.pow(unit) % 5 * 255 / 4) as u8).collect();
            let codes = base64::engine::general_purpose::STANDARD.encode(codes);
            let mut single = line.clone();
            let object = single.as_object_mut().unwrap();
            let tree = object.remove("tree").unwrap();
            object.insert("slopes".into(), serde_json::json!([{"node": "act0", "bits": "8", "codes": codes}]));
            if let Some(multiplier) = tree[2].get("multiplier") {
                object.insert("multiplier".into(), multiplier.clone());
            }
            let refused =
                kernel::check_line(&model, &inputs, &single.to_string()).expect_err("one plane is too little");
            assert_eq!(refused.code, Code::NotProven);
        }
    }
}

#[test]
fn absurd_trees_are_refused_at_once() {
    let (model, inputs) = branching();
    let refused = |nodes: &[&str], count: usize| {
        let nodes = nodes.repeat(count).join(",");
        let line = format!(r#"{{"version":"1","input":"0","norm":"linf","radius":"1","tree":[{nodes}]}}"#);
        kernel::check_line(&model, &inputs, &line).expect_err("absurd").code
    };
    let (split, leaf) = (r#"{"coordinate":"0","at":"0.25"}"#, r#"{"slopes":[]}"#);
    assert_eq!(refused(&[split, leaf], 131_073), Code::TooLarge);
    assert_eq!(refused(&[leaf], 4_000_000), Code::TooLarge);
    assert_eq!(refused(&[split], 10_001), Code::TooLarge);
    assert_eq!(refused(&[split], 10_000), Code::Tree);
    assert_eq!(refused(&["[]"], 5_000_000), Code::TooLarge);
}
