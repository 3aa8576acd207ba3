//! Closed form on a 784-200-64-1 network, single thread: value and gradient in f32, and the rigorous radius, alone and
//! in batches of 100, as ratios to a plain `nalgebra` implementation in the same run.
//!
//! `cargo bench --bench closed_form`. Answers are verified before anything is timed.

use nalgebra::{DMatrix, DVector};
use std::hint::black_box;
use std::time::Instant;
use testing::networks::{Map, generator, icnn, inputs, model};
use underplane::matrix::Scalar;
use underplane::model::passes::{backward, forward, tangent_slopes};
use underplane::model::{Graph, Layer, Model};
use underplane::norm::Norm;
use underplane::query::Perturbation;
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::{Method, Samples};

const D: usize = 784;
const COUNT: usize = 100;

/// The rival: textbook forward and backward pass on `nalgebra` matrices, one sample at a time, in f32.
struct Plain {
    shift: DVector<f32>,
    pass: Vec<(DMatrix<f32>, DVector<f32>)>,
    layer: Vec<(DMatrix<f32>, DVector<f32>)>,
}

impl Plain {
    fn new(graph: &Graph) -> Plain {
        let find = |name: &str| graph.nodes().iter().find(|n| n.name == name).and_then(|n| n.layer());
        let matrix = |name: String| match find(&name) {
            Some(Layer::Dense(d)) => {
                Some((DMatrix::from_row_slice(d.rows, d.cols, &d.weight), DVector::from_vec(d.bias)))
            }
            _ => None,
        };
        let Some(Layer::Shift(shift)) = find("mean") else { panic!("a mean") };
        Plain {
            shift: DVector::from_iterator(D, shift.iter().map(|&s| s as f32)),
            pass: (0..3).map(|k| matrix(format!("pass{k}")).unwrap()).collect(),
            layer: (1..3).map(|k| matrix(format!("layer{k}")).unwrap()).collect(),
        }
    }

    fn value_and_gradient(&self, x: &DVector<f32>) -> (f32, DVector<f32>) {
        let psi = x + &self.shift;
        let t1 = &self.pass[0].0 * &psi + &self.pass[0].1;
        let z1 = t1.map(|t| t.max(0.0));
        let t2 = &self.pass[1].0 * &psi + &self.pass[1].1 + &self.layer[0].0 * &z1 + &self.layer[0].1;
        let z2 = t2.map(|t| t.max(0.0));
        let f = &self.pass[2].0 * &psi + &self.pass[2].1 + &self.layer[1].0 * &z2 + &self.layer[1].1;
        let mask = |v: DVector<f32>, t: &DVector<f32>| v.zip_map(t, |v, t| if t > 0.0 { v } else { 0.0 });
        let v2 = mask(self.layer[1].0.transpose().column(0).into_owned(), &t2);
        let v1 = mask(self.layer[0].0.tr_mul(&v2), &t1);
        let gradient = self.pass[2].0.row(0).transpose() + self.pass[1].0.tr_mul(&v2) + self.pass[0].0.tr_mul(&v1);
        (f[0], gradient)
    }
}

/// The fastest of many runs, in microseconds per input: what else the machine does only ever adds time.
fn microseconds(mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e6 / COUNT as f64
    };
    (0..300).map(time).fold(f64::INFINITY, f64::min)
}

fn value_and_gradient<T: Scalar>(model: &Model, x: &[T]) -> (Vec<T>, Vec<T>) {
    let mut values = forward(model.network(), x);
    let slopes = tangent_slopes(model.network(), &values);
    let gradient = backward(model.network(), &slopes, &[0]).remove(0);
    (values.nodes.swap_remove(model.graph().output()), gradient)
}

fn main() {
    underplane::memory::settle();
    let mut rng = generator(1);
    let model = model(icnn(&mut rng, D, &[200, 64], Map::Centred, 0.0));
    let wide = inputs(&mut rng, COUNT, D);
    let narrow: Vec<f32> = wide.iter().map(|&x| x as f32).collect();
    let plain = Plain::new(model.graph());
    let vectors: Vec<DVector<f32>> = narrow.chunks(D).map(DVector::from_column_slice).collect();
    verify(&model, &narrow, &plain, &vectors);

    let rival = microseconds(|| vectors.iter().for_each(|x| drop(black_box(plain.value_and_gradient(x)))));
    let report = |name: &str, time: f64| println!("{name:<46} {time:>8.1} µs   {:>5.2} of nalgebra", time / rival);
    report("nalgebra, f32 value and gradient, alone", rival);
    report(
        "f32 value and gradient, alone",
        microseconds(|| narrow.chunks(D).for_each(|x| drop(black_box(value_and_gradient(&model, x))))),
    );
    report(
        "f32 value and gradient, batch of 100",
        microseconds(|| drop(black_box(value_and_gradient(&model, &narrow)))),
    );
    for norm in Norm::STANDARD {
        let certify =
            |x: &[f64]| drop(black_box(ClosedForm.certify(&model, Samples::new(x, D), Perturbation::new(norm))));
        report(&format!("rigorous {norm} radius, alone"), microseconds(|| wide.chunks(D).for_each(certify)));
        report(&format!("rigorous {norm} radius, batch of 100"), microseconds(|| certify(&wide)));
    }
}

/// All routes agree with the rival.
fn verify(model: &Model, narrow: &[f32], plain: &Plain, vectors: &[DVector<f32>]) {
    let (values, gradients) = value_and_gradient(model, narrow);
    for (i, x) in vectors.iter().enumerate() {
        let (f, gradient) = plain.value_and_gradient(x);
        let (alone, _) = value_and_gradient(model, &narrow[i * D..(i + 1) * D]);
        assert!((f - values[i]).abs() < 1e-3 && (f - alone[0]).abs() < 1e-3, "value of input {i}");
        let far = gradient.iter().zip(&gradients[i * D..]).filter(|(a, b)| (**a - **b).abs() > 1e-3).count();
        assert_eq!(far, 0, "gradient of input {i}");
    }
}
