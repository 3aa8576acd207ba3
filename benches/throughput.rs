//! Scratch.
use std::hint::black_box;
use std::time::Instant;
use testing::networks::{Map, generator, icnn, inputs, model};
use underplane::matrix::{Threads, View, multiply};
use underplane::model::{Map as Linear, Model, Op};
use underplane::norm::Norm;
use underplane::radius::Method;
use underplane::radius::closed_form::ClosedForm;
use underplane::radius::run::Questions;
use underplane::radius::sharp::Sharp;

struct Products {
    list: Vec<(Vec<f64>, usize, usize, Vec<f64>, Vec<f64>)>,
    batch: usize,
}
impl Products {
    fn of(model: &Model, batch: usize) -> Products {
        let mut list = vec![];
        for node in model.graph().nodes() {
            if let Op::Affine(a) = &node.op {
                for m in &a.maps {
                    if let Linear::Dense(d) = m {
                        list.push((
                            d.weight.iter().map(|&w| f64::from(w)).collect(),
                            d.rows,
                            d.cols,
                            vec![0.5; d.cols * batch],
                            vec![0.5; d.rows * batch],
                        ));
                    }
                }
            }
        }
        Products { list, batch }
    }
    fn run(&mut self) {
        let b = self.batch;
        for (w, rows, cols, x, y) in &mut self.list {
            multiply(y, false, View::new(x, b, *cols), View::new(w, *rows, *cols).transposed(), Threads::One);
        }
        for (w, rows, cols, x, y) in &mut self.list {
            multiply(x, false, View::new(y, b, *rows), View::new(w, *rows, *cols), Threads::One);
        }
        for (_, _, _, x, y) in &mut self.list {
            x.fill(0.5);
            y.fill(0.5);
        }
    }
}
fn us(n: usize, count: usize, mut run: impl FnMut()) -> f64 {
    (0..n)
        .map(|_| {
            let s = Instant::now();
            run();
            s.elapsed().as_secs_f64() * 1e6 / count as f64
        })
        .fold(f64::INFINITY, f64::min)
}
fn main() {
    let only = std::env::var("ONLY").ok();
    for (name, hidden, map, n) in [
        ("784-200-64-1", &[200, 64][..], Map::Centred, 400),
        ("(y,|y|)", &[200, 64], Map::Absolute, 200),
        ("4096", &[4096, 4096], Map::Centred, 2),
    ] {
        if only.as_ref().is_some_and(|o| o != name) {
            continue;
        }
        let mut rng = generator(1);
        let m = model(icnn(&mut rng, 784, hidden, map, 0.0));
        let x = inputs(&mut rng, 100, 784);
        let mut p = Products::of(&m, 100);
        let unit = us(n, 100, || p.run());
        println!("{name}: products {unit:.1}");
        let numbers: Vec<usize> = (0..100).collect();
        let closed: Vec<Box<dyn Method>> = vec![Box::new(ClosedForm)];
        let both: Vec<Box<dyn Method>> = vec![Box::new(ClosedForm), Box::new(Sharp)];
        let ask = |methods: &[Box<dyn Method>], norms: &[Norm], x: &[f64], numbers: &[usize]| {
            black_box(Questions { model: &m, methods, norms, range: None, weights: None, always: true }.ask(
                x,
                numbers,
                &|_, _, _| {},
            ));
        };
        let three = us(n, 100, || ask(&closed, &Norm::STANDARD, &x, &numbers));
        println!("  closed form three norms {three:.1} {:.2}", three / unit);
        if only.is_some() {
            let alone = us(n * 2, 100, || {
                for x in x.chunks(784) {
                    ask(&closed, &Norm::STANDARD, x, &[0])
                }
            });
            println!("{alone}");
            continue;
        }
        let linf = us(n, 100, || ask(&closed, &[Norm::Linf], &x, &numbers));
        println!("  closed form linf {linf:.1} {:.2}", linf / unit);
        if hidden[0] < 1000 {
            let sharp = us(n / 10, 100, || ask(&both, &Norm::STANDARD, &x, &numbers));
            println!("  with sharp {sharp:.1} {:.2}", sharp / unit);
            let alone = us(n / 4, 100, || {
                for x in x.chunks(784) {
                    ask(&closed, &Norm::STANDARD, x, &[0])
                }
            });
            println!("  alone three {alone:.1} {:.2}", alone / unit);
        }
    }
}
