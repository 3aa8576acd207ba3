//! Trees of slopes as evidence of a method: certificates are written from them, and the kernel accepts them.

use num_traits::Signed;
use testing::corpora::trees::{INPUT, WEIGHT, graph};
use testing::networks::{Map, exact_logit, generator, icnn, inputs};
use underplane::model::passes::{Slopes, forward, tangent_slopes};
use underplane::model::{Layer, Model, Sensitive, onnx};
use underplane::norm::Norm;
use underplane::proof::{Proof, Prover, Unproven};
use underplane::query::{Perturbation, Query, Range, Ranges};
use underplane::radius::{Evidence, Outcome, Radius, TreeNode, Verdict};

struct Case {
    model: Model,
    prover: Prover,
    x: Vec<f64>,
}

impl Case {
    fn new(graph: underplane::model::Graph, x: &[f64]) -> Case {
        let bytes = onnx::encode(&graph).unwrap();
        let prover = Prover::new(&bytes, Sensitive::Positive, x, x.len()).unwrap();
        Case { model: Model::new(graph).unwrap(), prover, x: x.to_vec() }
    }

    fn tangent(&self, point: &[f64]) -> Slopes<f64> {
        tangent_slopes(self.model.network(), &forward(self.model.network(), point))
    }

    /// Where φ bends.
    fn corners(&self) -> Vec<f64> {
        let shift = |op: &Layer| if let Layer::Shift(c) = op { Some(c.iter().map(|c| -c).collect()) } else { None };
        self.model.graph().nodes().iter().find_map(|node| shift(&node.layer()?)).unwrap()
    }

    /// All coordinates split at their corners; the leaves take the tangent plane at `point` moved into their part.
    fn tree(&self, point: &dyn Fn(&[f64]) -> Vec<f64>, signs: &mut Vec<f64>) -> Vec<TreeNode> {
        let coordinate = signs.len();
        if coordinate == self.x.len() {
            return vec![TreeNode::Leaf(self.tangent(&point(signs)))];
        }
        let mut nodes = vec![TreeNode::Split { coordinate, at: self.corners()[coordinate] }];
        for sign in [-1.0, 1.0] {
            signs.push(sign);
            nodes.extend(self.tree(point, signs));
            signs.pop();
        }
        nodes
    }

    fn query<'a>(&'a self, perturbation: Perturbation<'a>) -> Query<'a> {
        Query { model: &self.model, x: &self.x, index: 0, perturbation }
    }

    fn prove(&self, evidence: Evidence, perturbation: Perturbation, radius: f64) -> Result<Proof, Unproven> {
        let certified = Verdict::Certified(Radius::new(radius));
        let outcome = Outcome { evidence: Some(evidence), ..Outcome::plain(certified) };
        self.prover.prove(self.query(perturbation), &outcome)
    }
}

/// Norm, box and true radius of the model of the corpora.
fn true_radii() -> Vec<(Perturbation<'static>, f64)> {
    let with = |norm, range: Option<(f64, f64)>| Perturbation {
        norm,
        range: range.map(|(low, high)| Range { low, high }.into()),
        weights: None,
    };
    let boxed = Some((-4.0, 4.0));
    vec![
        (with(Norm::Linf, None), 3.625),
        (with(Norm::L1, None), 7.25),
        (with(Norm::L2, None), 7.25 / 2.0_f64.sqrt()),
        (with(Norm::Linf, boxed), 4.0),
        (with(Norm::L1, boxed), 7.25),
        (with(Norm::L2, boxed), (3.25_f64 * 3.25 + 16.0).sqrt()),
        (with(Norm::L2, Some((-3.0, 3.0))), f64::INFINITY),
    ]
}

/// A tree whose leaves are as good as can be.
fn branching() -> (Case, Vec<TreeNode>) {
    let case = Case::new(graph(WEIGHT), &INPUT);
    let corners = case.corners();
    let inside = |signs: &[f64]| corners.iter().zip(signs).map(|(c, s)| c + s).collect();
    let tree = case.tree(&inside, &mut Vec::new());
    (case, tree)
}

#[test]
fn a_tree_proves_the_true_radius() {
    let (case, tree) = branching();
    for (perturbation, radius) in true_radii() {
        let proof = case.prove(tree.clone().into(), perturbation, radius * (1.0 - 1e-12));
        let proof = proof.unwrap_or_else(|why| panic!("{perturbation:?}: {why}"));
        assert!(proof.radius.value() >= radius * (1.0 - 1e-9), "{perturbation:?}: {}", proof.radius);
        assert!(proof.line.contains(r#""tree":[{"at":"0.25","coordinate":"0"}"#), "{}", proof.line);
        let beyond = case.prove(tree.clone().into(), perturbation, radius * (1.0 + 1e-5));
        assert!(radius == f64::INFINITY || beyond.is_err(), "{perturbation:?}");
        let single = case.prove(case.tangent(&case.x).into(), perturbation, radius * (1.0 - 1e-12));
        assert!(single.is_err(), "{perturbation:?}");
    }
}

#[test]
fn splits_anywhere_prove_no_less_with_good_leaves() {
    let (case, tree) = branching();
    let far = [-9.0, 0.75, 2.0, 3.9, 1e30];
    for (perturbation, radius) in true_radii() {
        for at in far {
            // Above the whole tree, and both sides proven by it.
            let mut nodes = vec![TreeNode::Split { coordinate: 1, at }];
            nodes.extend(tree.iter().chain(&tree).cloned());
            let proof = case.prove(nodes.into(), perturbation, radius * (1.0 - 1e-12));
            let proof = proof.unwrap_or_else(|why| panic!("{perturbation:?} at {at}: {why}"));
            assert!(proof.radius.value() >= radius * (1.0 - 1e-9), "{perturbation:?} at {at}: {}", proof.radius);
        }
    }
}

#[test]
fn a_claim_is_confirmed_by_a_tree() {
    let (case, tree) = branching();
    let case = Case { prover: case.prover.open(), ..case };
    let query = case.query(Perturbation::new(Norm::L1));
    let evidence = Evidence::from(tree);
    assert!(case.prover.confirm(query, Some(&evidence), 7.249).is_ok());
    assert!(case.prover.confirm(query, Some(&evidence), 7.251).is_err());
    assert!(case.prover.confirm(query, None, 7.249).is_err());
}

#[test]
fn what_is_no_tree_is_refused_and_not_written() {
    let (case, tree) = branching();
    let linf = Perturbation::new(Norm::Linf);
    let refused = |nodes: Vec<TreeNode>, code: &str| {
        let why = case.prove(Evidence::Tree(nodes.into()), linf, 3.0).expect_err("no tree").to_string();
        assert!(why.contains(code), "{why}");
    };
    refused(Vec::new(), "incomplete");
    refused(tree[..6].to_vec(), "tree: ");
    refused([tree.clone(), tree.clone()].concat(), "tree: ");
    refused([vec![TreeNode::Split { coordinate: 2, at: 0.0 }], tree.clone(), tree].concat(), "no-such-coordinate");
}

/// The largest radius on a fine grid that the evidence proves.
fn largest(case: &Case, evidence: &Evidence, perturbation: Perturbation) -> f64 {
    let (mut low, mut high) = (0.0, 8.0);
    while high - low > 1e-4 {
        let middle = (low + high) / 2.0;
        let proven = case.prover.confirm(case.query(perturbation), Some(evidence), middle).is_ok();
        if proven { low = middle } else { high = middle }
    }
    low
}

#[test]
fn trees_of_tangent_planes_on_random_networks() {
    let mut better = 0;
    for seed in 0..40 {
        let mut rng = generator(seed);
        let graph = icnn(&mut rng, 2, &[4, 3], Map::Absolute, 0.0);
        let case = Case::new(graph, &inputs(&mut rng, 1, 2));
        if !exact_logit(case.model.graph(), &case.x).is_positive() {
            continue;
        }
        let corners = case.corners();
        let moved = |signs: &[f64]| -> Vec<f64> {
            let side = |i: usize| if signs[i] < 0.0 { case.x[i].min(corners[i]) } else { case.x[i].max(corners[i]) };
            (0..signs.len()).map(side).collect()
        };
        let tree: Evidence = case.tree(&moved, &mut Vec::new()).into();
        let single: Evidence = case.tangent(&case.x).into();
        for norm in Norm::STANDARD {
            for range in [None, Some(Ranges::Same(Range { low: 0.0, high: 1.0 }))] {
                let perturbation = Perturbation { norm, range, weights: None };
                let (by_tree, by_one) = (largest(&case, &tree, perturbation), largest(&case, &single, perturbation));
                better += usize::from(by_tree > by_one + 1e-3);
            }
        }
    }
    assert!(better > 10, "only {better} trees prove more than the tangent plane at the input");
}
