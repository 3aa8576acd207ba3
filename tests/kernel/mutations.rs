//! Mutation audit: valid certificates and models with one thing damaged. The kernel must accept exactly what the naive
//! prover still proves; whatever is then false or unproven and survives fails the build.

use rand::RngExt;
use testing::naive_proofs::mutants::none_survives;
use testing::naive_proofs::{Lines, Way, certificate, grid, lines, npy, problem, threshold};
use testing::networks::{Map, generator, icnn, inputs};
use underplane::model::{Graph, Layer, onnx};
use underplane_kernel::{Class, Code, Inputs, Model, Rejection, check_line};

/// A certificate with all that it speaks of.
#[derive(Clone)]
struct Subject {
    graph: Graph,
    seed: u64,
    x: Vec<f64>,
    way: Way,
    range: Option<(f64, f64)>,
    k: u64,
}

const MAPS: [Map; 3] = [Map::Identity, Map::Centred, Map::Absolute];
const WAYS: [Way; 5] = [Way::Inf, Way::DualL1, Way::DualL2, Way::MultiplierL1(0.5), Way::MultiplierL2(0.5)];

impl Subject {
    fn new(seed: u64) -> Option<Subject> {
        let mut rng = generator(seed);
        let map = MAPS[(seed % 3) as usize];
        let way = WAYS[(seed / 3 % 5) as usize];
        if map == Map::Absolute && matches!(way, Way::DualL1 | Way::DualL2) {
            return None;
        }
        let graph = icnn(&mut rng, 3, &[3, 3], map, [0.0, 0.25][(seed % 2) as usize]);
        let range = [None, Some((0.0, 1.0))][(seed / 15 % 2) as usize];
        let x = inputs(&mut rng, 1, 3);
        let mut subject = Subject { graph, seed, x, way, range, k: 0 };
        subject.k = threshold(&problem(&subject.graph, &subject.lines(), &subject.x, range), way)?;
        Some(subject)
    }

    fn lines(&self) -> Lines {
        lines(&mut generator(self.seed + 1_000_000), &self.graph)
    }

    fn line(&self) -> String {
        certificate(self.way, &self.lines(), self.range, self.k)
    }

    fn proven(&self) -> bool {
        let inside = |&x: &f64| self.range.is_none_or(|(low, high)| (low..=high).contains(&x));
        self.x.iter().all(inside)
            && problem(&self.graph, &self.lines(), &self.x, self.range).positive(self.way, &grid(self.k))
    }

    fn verdict(&self) -> Result<(), Rejection> {
        self.verdict_of(&self.line(), Class::Positive)
    }

    fn verdict_of(&self, line: &str, class: Class) -> Result<(), Rejection> {
        let model = Model::read(&onnx::encode(&self.graph).unwrap(), class)?;
        check_line(&model, &Inputs::read(&npy(&self.x)).unwrap(), line).map(|_| ())
    }

    /// The same with one weight matrix changed.
    fn with_weights(&self, name: &str, change: impl Fn(&mut Vec<f32>)) -> Subject {
        let mut graph = Graph::new("x", &self.graph.node(0).shape);
        for node in self.graph.nodes().iter().skip(1) {
            let mut op = node.layer().unwrap();
            if let (Layer::Dense(dense), true) = (&mut op, node.name == name) {
                change(&mut dense.weight);
            }
            graph.push(&node.name, op, &node.inputs).unwrap();
        }
        Subject { graph, ..self.clone() }
    }
}

/// The mutations whose truth the naive prover knows.
fn mutations(subject: &Subject) -> Vec<(&'static str, Subject)> {
    let mut rng = generator(subject.seed + 2_000_000);
    let features = if MAPS[(subject.seed % 3) as usize] == Map::Absolute { 6 } else { 3 };
    let transposed = |weights: &mut Vec<f32>| {
        let old = weights.clone();
        (0..9).for_each(|i| weights[i] = old[i % 3 * 3 + i / 3]);
    };
    let ulp = |weights: &mut Vec<f32>| weights[0] = weights[0].next_down();
    let way = WAYS[rng.random_range(0..5)];
    let mut all = vec![
        ("radius up by one step", Subject { k: subject.k + 1, ..subject.clone() }),
        ("radius doubled", Subject { k: 2 * subject.k + 1, ..subject.clone() }),
        ("box dropped", Subject { range: None, ..subject.clone() }),
        ("box moved", Subject { range: Some((0.25, 0.75)), ..subject.clone() }),
        ("other input", Subject { x: inputs(&mut rng, 1, 3), ..subject.clone() }),
        ("input's coordinates swapped", Subject { x: subject.x.iter().rev().copied().collect(), ..subject.clone() }),
        ("one coordinate an ulp away", {
            let mut x = subject.x.clone();
            x[0] = f64::from((x[0] as f32).next_down());
            Subject { x, ..subject.clone() }
        }),
        ("other slopes", Subject { seed: subject.seed + 3, ..subject.clone() }),
        ("constrained matrix transposed", subject.with_weights("layer1", transposed)),
        ("free weight an ulp down", subject.with_weights("pass0", ulp)),
        ("free weight negated", subject.with_weights("pass0", |w| w[0] = -w[0])),
    ];
    if features == 3 {
        all.push(("free matrix transposed", subject.with_weights("pass0", transposed)));
        all.push(("wrong norm", Subject { way, ..subject.clone() }));
    }
    all
}

#[test]
fn nothing_that_is_unproven_survives() {
    none_survives(0..240, 13, |seed| {
        let Some(subject) = Subject::new(seed) else { return Vec::new() };
        subject.verdict().unwrap_or_else(|r| panic!("seed {seed}: {r}"));
        mutations(&subject).into_iter().map(|(what, mutant)| (what, mutant.proven(), mutant.verdict())).collect()
    });
}

#[test]
fn a_negative_constrained_weight_is_refused_however_small() {
    for seed in 0..60 {
        let Some(subject) = Subject::new(seed) else { continue };
        for weight in [-1.0, -1e-30, -f32::MIN_POSITIVE, -f32::from_bits(1)] {
            let mutant = subject.with_weights("layer2", |w| w[1] = weight);
            let refused = mutant.verdict().expect_err("a negative weight");
            assert_eq!(refused.code, Code::NotConvex, "seed {seed}, {weight:e}: {refused}");
        }
    }
}

#[test]
fn the_other_class_is_refused() {
    for seed in 0..60 {
        let Some(subject) = Subject::new(seed) else { continue };
        let line = subject.line();
        let other = line.replace(r#""norm""#, r#""sensitive":"negative","norm""#);
        // The user asks for one class, the certificate speaks of the other; or both speak of the wrong one.
        assert_eq!(subject.verdict_of(&other, Class::Positive).unwrap_err().code, Code::ClassMismatch);
        assert!(subject.verdict_of(&line, Class::Negative).is_err());
        assert!(subject.verdict_of(&other, Class::Negative).is_err());
    }
}

#[test]
fn a_truncated_or_padded_certificate_is_refused() {
    for seed in 0..20 {
        let Some(subject) = Subject::new(seed) else { continue };
        let line = subject.line();
        for end in 0..line.len() {
            assert!(subject.verdict_of(&line[..end], Class::Positive).is_err(), "seed {seed}: {end} bytes accepted");
        }
        assert!(subject.verdict_of(&format!("{line}x"), Class::Positive).is_err());
    }
}
