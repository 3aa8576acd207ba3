//! The closed form at the price of its products: one thread, in units of the f64 products of one forward and one backward
//! pass over a batch, measured in the same run. Networks are dense, and convolutional of the paper's two shapes; a
//! convolution's products are its own kernel's, with the frame that its input is laid into.
//!
//! `cargo bench --bench throughput` prints the table; `cargo bench --bench throughput -- run N` certifies N inputs (by
//! default a million) with the whole program and prints time, peak memory and bytes written. Answers are verified before
//! anything is timed.

mod conv;
mod run;

use std::hint::black_box;
use std::time::Instant;
use testing::networks::{Map, generator, icnn, inputs, model};
use underplane::matrix::{Threads, View, multiply};
use underplane::model::{Map as Linear, Model, Op};
use underplane::norm::Norm;
use underplane::query::Perturbation;
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::run::Questions;
use underplane::radius::sharp::Sharp;
use underplane::radius::{Method, Samples};

/// Entries of an input of the dense networks.
const D: usize = 784;
const COUNT: usize = 100;

/// One matrix or convolution of the network, and vectors of a batch on both of its sides.
struct Product {
    map: Linear,
    /// Of a matrix.
    weights: Vec<f64>,
    x: Vec<f64>,
    y: Vec<f64>,
}

impl Product {
    fn of(map: &Linear) -> Option<Product> {
        let weights = match map {
            Linear::Dense(matrix) => matrix.weight.iter().map(|&w| f64::from(w)).collect(),
            Linear::Windows(_) => Vec::new(),
            _ => return None,
        };
        let [x, y] = [map.cols(), map.rows()].map(|size| vec![0.5; size * COUNT]);
        Some(Product { map: map.clone(), weights, x, y })
    }

    fn forward(&mut self) {
        let Product { map, weights, x, y } = self;
        if weights.is_empty() {
            y.fill(0.0);
            return map.add_forward(y, x, COUNT);
        }
        let matrix = View::new(weights, map.rows(), map.cols());
        multiply(y, false, View::new(x, COUNT, map.cols()), matrix.transposed(), Threads::One);
    }

    fn back(&mut self) {
        let Product { map, weights, x, y } = self;
        y.iter_mut().for_each(|v| *v = if *v > 0.0 { 0.5 } else { 0.0 });
        if weights.is_empty() {
            x.fill(0.0);
            map.add_transposed(x, y, COUNT);
        } else {
            let matrix = View::new(weights, map.rows(), map.cols());
            multiply(x, false, View::new(y, COUNT, map.rows()), matrix, Threads::One);
        }
        x.fill(0.5);
    }
}

/// The products of the network's matrices and convolutions alone.
struct Products(Vec<Product>);

impl Products {
    fn of(model: &Model) -> Products {
        let affine = model.graph().nodes().iter().filter_map(|node| match &node.op {
            Op::Affine(affine) => Some(&affine.maps),
            _ => None,
        });
        Products(affine.flatten().filter_map(Product::of).collect())
    }

    /// Forwards through all of them, and back.
    fn run(&mut self) {
        self.0.iter_mut().for_each(Product::forward);
        self.0.iter_mut().rev().for_each(Product::back);
    }
}

/// The fastest of `runs`, in microseconds per input: what else the machine does only ever adds time.
fn microseconds(runs: usize, mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e6 / COUNT as f64
    };
    (0..runs).map(time).fold(f64::INFINITY, f64::min)
}

/// A network, its inputs, and how often it is timed.
struct Case {
    name: &'static str,
    model: Model,
    inputs: Vec<f64>,
    runs: usize,
}

impl Case {
    fn new(name: &'static str, hidden: &[usize], map: Map, runs: usize) -> Case {
        let mut rng = generator(1);
        let model = model(icnn(&mut rng, D, hidden, map, 0.0));
        Case { name, model, inputs: inputs(&mut rng, COUNT, D), runs }
    }

    fn convolutional(name: &'static str, shape: &conv::Shape, runs: usize) -> Case {
        let mut rng = generator(1);
        let inputs = inputs(&mut rng, COUNT, shape.channels * shape.size * shape.size);
        Case { name, model: model(conv::network(&mut rng, shape, &inputs)), inputs, runs }
    }

    /// Entries of an input.
    fn d(&self) -> usize {
        self.model.graph().input_size()
    }

    fn ask(&self, methods: &[Box<dyn Method>], norms: &[Norm], values: &[f64]) {
        let numbers: Vec<usize> = (0..values.len() / self.d()).collect();
        let questions = Questions { model: &self.model, methods, norms, range: None, weights: None, always: true };
        black_box(questions.ask(values, &numbers, &|_, _, _| {}));
    }

    /// Answers of a block are those of single samples.
    fn verify(&self, methods: &[Box<dyn Method>]) {
        let numbers: Vec<usize> = (0..COUNT).collect();
        let (model, norms) = (&self.model, &Norm::STANDARD);
        let questions = Questions { model, methods, norms, range: None, weights: None, always: true };
        let answers = questions.ask(&self.inputs, &numbers, &|_, _, _| {});
        for ((norm, method), column) in questions.columns().zip(&answers.columns) {
            for (x, answer) in self.inputs.chunks(self.d()).zip(column).step_by(9) {
                let alone = method.certify(model, Samples::new(x, self.d()), Perturbation::new(norm)).remove(0);
                let radius = |outcome: &underplane::radius::Outcome| outcome.radius().map_or(0.0, |r| r.value());
                let (alone, among) = (radius(&alone), radius(&answer.outcome));
                assert!((alone - among).abs() <= 1e-9 * alone, "{}: {alone} and {among}", self.name);
            }
        }
    }

    fn report(&self, lines: &[(&str, &[&str], &[Norm], bool)]) {
        let both: [Box<dyn Method>; 2] = [Box::new(ClosedForm), Box::new(Sharp)];
        self.verify(&both);
        let mut products = Products::of(&self.model);
        let unit = microseconds(self.runs, || products.run());
        println!("{:<14} f64 products, batch of 100 {:>28.1} µs", self.name, unit);
        for (what, names, norms, alone) in lines {
            let count = names.len();
            let ask = |values: &[f64]| self.ask(&both[..count], norms, values);
            let time = match alone {
                true => microseconds(self.runs, || self.inputs.chunks(self.d()).for_each(ask)),
                false => microseconds(self.runs, || ask(&self.inputs)),
            };
            println!("{:<14} {what:<46} {time:>9.1} µs {:>7.2} of the products", "", time / unit);
        }
    }
}

fn main() {
    underplane::memory::settle();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if arguments.first().is_some_and(|word| word == "run") {
        let count = arguments.get(1).map_or(1_000_000, |count| count.parse().expect("a number of inputs"));
        return run::certify(count);
    }
    // As the program does.
    underplane::stream::keep_memory();
    let (three, closed, both) = (&Norm::STANDARD[..], &["closed-form"][..], &["closed-form", "sharp"][..]);
    Case::new("784-200-64-1", &[200, 64], Map::Centred, 400).report(&[
        ("closed-form, three norms, batch of 100", closed, three, false),
        ("closed-form and sharp, three norms, batch of 100", both, three, false),
        ("closed-form, three norms, alone", closed, three, true),
    ]);
    Case::new("… with (y, |y|)", &[200, 64], Map::Absolute, 200).report(&[
        ("closed-form, linf, batch of 100", closed, &[Norm::Linf], false),
        ("closed-form, three norms, batch of 100", closed, three, false),
    ]);
    Case::new("784-4096-4096-1", &[4096, 4096], Map::Centred, 3).report(&[(
        "closed-form, three norms, batch of 100",
        closed,
        three,
        false,
    )]);
    let conv = [
        ("closed-form, three norms, batch of 100", closed, three, false),
        ("closed-form, three norms, alone", closed, three, true),
    ];
    Case::convolutional("Fashion-MNIST's convolutions", &conv::FASHION, 60).report(&conv);
    Case::convolutional("CIFAR-10's convolutions", &conv::CIFAR, 12).report(&conv);
}
