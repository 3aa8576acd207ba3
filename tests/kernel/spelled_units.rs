//! Smooth units, guards and masks that exporters write with several operators: what both readers make of them, against naive
//! functions, and near misses, which both refuse.

use num_traits::ToPrimitive;
use rand::RngExt;
use testing::corpora::files::{node, tensor};
use testing::corpora::windows::{file, int, ints, list, real};
use testing::networks::{exact_logit, generator};
use testing::readings::logit;
use underplane::model::onnx::decode;
use underplane_kernel::{Class, Reading};

type Bytes = Vec<u8>;

/// Nodes that give `t` of x [4], and what they make of it.
struct Unit {
    what: &'static str,
    nodes: Vec<Bytes>,
    made: fn(&[f64]) -> Vec<f64>,
}

fn constants() -> Vec<Bytes> {
    let scalars = [("zero", 0.0), ("one", 1.0), ("two", 2.0), ("half", 0.5), ("three", 3.0), ("eighth", 0.125)];
    let scalars = scalars.into_iter().map(|(name, value)| tensor(name, &[], &[value]));
    let ones = tensor("ones", &[1, 4], &[1.0; 4]);
    let other =
        tensor("other", &[4, 4], &[1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.5, 0.0, 0.0, 1.0]);
    scalars.chain([ones, other, list("axis", &[1])]).collect()
}

/// Nodes from lines as `operator a b > c`.
pub fn lines(all: &[&str]) -> Vec<Bytes> {
    let one = |line: &&str| {
        let (left, output) = line.split_once(" > ").expect("an output");
        let words: Vec<&str> = left.split(' ').collect();
        let attributes = match words[0] {
            "Elu(half)" => vec![real("alpha", 0.5)],
            "ReduceMax" => vec![ints("axes", &[1]), int("keepdims", 1)],
            "ReduceSum" | "ReduceLogSum" | "ReduceL1" | "ReduceSumSquare" if words.len() == 2 => {
                vec![ints("axes", &[1])]
            }
            "Cast" => vec![int("to", 1)],
            "Truth" => vec![int("to", 9)],
            _ => vec![],
        };
        let operator = match words[0] {
            "Elu(half)" => "Elu",
            "Truth" => "Cast",
            other => other,
        };
        node(operator, &words[1..], &[output], &attributes)
    };
    all.iter().map(one).collect()
}

fn unit(what: &'static str, all: &[&str], made: fn(&[f64]) -> Vec<f64>) -> Unit {
    Unit { what, nodes: lines(all), made }
}

fn each(x: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
    x.iter().map(|&v| f(v)).collect()
}

fn softplus(t: f64) -> f64 {
    t.max(0.0) + (-t.abs()).exp().ln_1p()
}

fn elu(t: f64, alpha: f64) -> f64 {
    if t > 0.0 { t } else { alpha * t.exp_m1() }
}

/// t²/2 up to 2, its tangent beyond.
fn huber(t: f64) -> f64 {
    if t <= 2.0 { t * t / 2.0 } else { 2.0 * t - 2.0 }
}

fn log_sum_exp(x: &[f64]) -> Vec<f64> {
    vec![x.iter().map(|t| t.exp()).sum::<f64>().ln()]
}

const HUBER: [&str; 4] = ["Mul half s > q", "Mul a two > d", "Sub d two > l", "LessOrEqual a two > m"];

fn units() -> Vec<Unit> {
    let huber_of = |before: &[&'static str], after: &[&'static str]| [before, &HUBER[..], after].concat();
    let masked = |below: &'static str| {
        let all = [
            "Greater x zero > g",
            "Not g > n",
            "Cast g > c",
            "Cast n > k",
            "Mul c x > a",
            "Exp x > e",
            "Sub e one > m",
        ];
        let last = [below, "Add a b > t"];
        [&all[..], &last[..]].concat()
    };
    let guarded = ["Relu x > u", "IsNaN u > m", "Where m zero u > v", "Truth m > mm", "Greater v one > g"];
    let guarded = [&guarded[..], &["And mm g > both", "Where both three v > t"]].concat();
    vec![
        unit("softplus", &["Exp x > e", "Add e one > p", "Log p > t"], |x| each(x, softplus)),
        unit("softplus, turned", &["Exp x > e", "Add ones e > p", "Log p > t"], |x| each(x, softplus)),
        unit("of twice", &["Mul x two > yy", "Exp yy > e", "Add one e > p", "Log p > l", "Div l two > t"], |x| {
            each(x, |v| softplus(2.0 * v) / 2.0)
        }),
        unit(
            "stable",
            &["Relu x > r", "Abs x > a", "Neg a > n", "Exp n > e", "Add e one > p", "Log p > l", "Add r l > t"],
            |x| each(x, softplus),
        ),
        unit("of a sigmoid", &["Neg x > n", "Sigmoid n > s", "Log s > l", "Neg l > t"], |x| each(x, softplus)),
        unit("two of them", &["Exp x > e", "MatMul x other > yy", "Exp yy > f", "Add e f > s", "Log s > t"], |x| {
            let y = [x[0] + 0.5 * x[3], 2.0 * x[1], x[2], x[3]];
            (0..4).map(|i| log_sum_exp(&[x[i], y[i]])[0]).collect()
        }),
        unit("sum", &["Exp x > e", "ReduceSum e axis > s", "Log s > t"], log_sum_exp),
        unit("log of a sum", &["Exp x > e", "ReduceLogSum e > t"], log_sum_exp),
        unit(
            "without its maximum",
            &["ReduceMax x > m", "Sub x m > d", "Exp d > e", "ReduceSum e axis > s", "Log s > l", "Add l m > t"],
            log_sum_exp,
        ),
        unit(
            "without its finite maximum",
            &[
                "ReduceMax x > r",
                "IsInf r > i",
                "Where i zero r > m",
                "Sub x m > d",
                "Exp d > e",
                "ReduceSum e axis > s",
                "Log s > l",
                "Add m l > t",
            ],
            log_sum_exp,
        ),
        unit("elu", &["Exp x > e", "Sub e one > m", "Greater x zero > g", "Where g x m > t"], |x| {
            each(x, |v| elu(v, 1.0))
        }),
        unit(
            "elu, turned",
            &["Exp x > e", "Sub e one > m", "Greater x zero > g", "Not g > n", "Where n m x > t"],
            |x| each(x, |v| elu(v, 1.0)),
        ),
        unit(
            "elu of half",
            &["Exp x > e", "Sub e one > m", "Mul half m > h", "Less zero x > g", "Where g x h > t"],
            |x| each(x, |v| elu(v, 0.5)),
        ),
        unit(
            "elu of a minimum",
            &["Min x zero > yy", "Exp yy > e", "Sub e one > m", "Greater x zero > g", "Where g x m > t"],
            |x| each(x, |v| elu(v, 1.0)),
        ),
        unit("half an elu", &["Elu(half) x > e", "Mul e half > m", "Greater x zero > g", "Where g x m > t"], |x| {
            each(x, |v| elu(v, 0.25))
        }),
        unit("masks", &masked("Mul m k > b"), |x| each(x, |v| elu(v, 1.0))),
        unit("masks of a constant", &masked("Mul zero k > b"), |x| each(x, |v| v.max(0.0))),
        unit("a mask", &["Greater x zero > g", "Cast g > c", "Mul x c > t"], |x| each(x, |v| v.max(0.0))),
        unit("huber", &huber_of(&["Abs x > a", "Mul x x > s"], &["Where m q l > t"]), |x| each(x, |v| huber(v.abs()))),
        unit("huber of a square", &huber_of(&["Abs x > a", "Mul a a > s"], &["Where m q l > t"]), |x| {
            each(x, |v| huber(v.abs()))
        }),
        unit("huber of relu", &huber_of(&["Relu x > a", "Mul a a > s"], &["Where m q l > t"]), |x| {
            each(x, |v| huber(v.max(0.0)))
        }),
        unit("huber to one side", &huber_of(&["Identity x > a", "Mul a a > s"], &["Where m q l > t"]), |x| {
            each(x, huber)
        }),
        unit(
            "huber from 0 on",
            &huber_of(
                &["Identity x > a", "Mul a a > s"],
                &["Where m q l > h", "LessOrEqual x zero > n", "Where n zero h > t"],
            ),
            |x| each(x, |v| huber(v.max(0.0))),
        ),
        unit("guards", &guarded, |x| each(x, |v| v.max(0.0))),
        unit("norm", &["ReduceL1 x > t"], |x| vec![x.iter().map(|v| v.abs()).sum()]),
        unit("squares", &["ReduceSumSquare x > t"], |x| vec![x.iter().map(|v| v * v).sum()]),
        unit("less its value at 0", &["Mul x zero > n", "Softplus x > p", "Add n ones > o", "Sub p o > t"], |x| {
            each(x, |v| softplus(v) - 1.0)
        }),
        unit("minimum", &["Min x half > t"], |x| each(x, |v| v.min(0.5))),
    ]
}

fn model(nodes: Vec<Bytes>, w: &[f32]) -> Bytes {
    file(nodes, constants(), &[4], ("t", w)).file_with(&[], 17)
}

#[test]
fn units_of_several_operators_are_what_they_compute() {
    for (seed, Unit { what, nodes, made }) in units().into_iter().enumerate() {
        let mut rng = generator(seed as u64);
        for _ in 0..20 {
            let x: Vec<f64> = (0..4).map(|_| f64::from(rng.random_range(-24..25)) / 8.0).collect();
            let made = made(&x);
            let w: Vec<f32> = made.iter().map(|_| rng.random_range(1..9) as f32 / 4.0).collect();
            let expected: f64 = made.iter().zip(&w).map(|(v, &w)| v * f64::from(w)).sum();
            let bytes = model(nodes.clone(), &w);
            let graph = decode(&bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
            let near = |v: f64| (v - expected).abs() <= 1e-9 * (1.0 + expected.abs());
            let own = exact_logit(&graph, &x).to_f64().unwrap();
            assert!(near(own), "{what}: {own} instead of {expected}");
            let kernel = logit(&bytes, Class::Positive, &x).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(near(kernel), "{what}: {kernel} instead of {expected}");
        }
    }
}

#[test]
fn near_misses_of_such_units_are_refused() {
    let huber = |rest: &[&'static str]| [&["Abs x > a", "Mul x x > s"], rest].concat();
    let cases = [
        ("a logarithm", vec!["Relu x > r", "Add r one > p", "Log p > t"]),
        ("of 2 + e^u", vec!["Exp x > e", "Add e two > p", "Log p > t"]),
        ("of 1 + 2e^u", vec!["Exp x > e", "Mul e two > d", "Add d one > p", "Log p > t"]),
        ("of e^u - 1", vec!["Exp x > e", "Sub e one > p", "Log p > t"]),
        ("an exponential", vec!["Exp x > t"]),
        ("an exponential behind a unit", vec!["Exp x > e", "Relu e > t"]),
        ("a product of exponentials", vec!["Exp x > e", "Mul e e > d", "Log d > t"]),
        ("an exponential and a value", vec!["Exp x > e", "Add e x > d", "Log d > t"]),
        ("a sum of e^u + 1", vec!["Exp x > e", "Add e one > p", "ReduceSum p axis > s", "Log s > t"]),
        ("an elu of 3", vec!["Exp x > e", "Sub e one > m", "Mul m three > d", "Greater x zero > g", "Where g x d > t"]),
        ("an elu that jumps", vec!["Exp x > e", "Sub e half > m", "Greater x zero > g", "Where g x m > t"]),
        ("an elu that bends elsewhere", vec!["Exp x > e", "Sub e one > m", "Greater x one > g", "Where g x m > t"]),
        ("an elu turned over", vec!["Exp x > e", "Sub e one > m", "Greater x zero > g", "Where g m x > t"]),
        (
            "an elu beside another line",
            vec!["Exp x > e", "Sub e one > m", "Mul x two > yy", "Greater x zero > g", "Where g yy m > t"],
        ),
        (
            "an elu of another value",
            vec!["Mul x two > yy", "Exp yy > e", "Sub e one > m", "Greater x zero > g", "Where g x m > t"],
        ),
        ("twice an elu", vec!["Elu x > e", "Mul e two > m", "Greater x zero > g", "Where g x m > t"]),
        (
            "a huber that jumps",
            huber(&["Mul half s > q", "Mul a two > d", "Sub d one > l", "LessOrEqual a two > m", "Where m q l > t"]),
        ),
        ("a huber of another slope", huber(&["Mul half s > q", "LessOrEqual a two > m", "Where m q a > t"])),
        (
            "a huber turned over",
            huber(&["Mul half s > q", "Mul a two > d", "Sub d two > l", "LessOrEqual a two > m", "Where m l q > t"]),
        ),
        (
            "a huber that bends before",
            huber(&["Mul half s > q", "Mul a two > d", "Sub d two > l", "LessOrEqual a one > m", "Where m q l > t"]),
        ),
        (
            "a huber of another square",
            vec![
                "Abs x > a",
                "Add x one > yy",
                "Mul yy yy > s",
                "Mul half s > q",
                "Mul a two > d",
                "Sub d two > l",
                "LessOrEqual a two > m",
                "Where m q l > t",
            ],
        ),
        (
            "a square below 0",
            vec![
                "Mul x x > s",
                "LessOrEqual x zero > m",
                "Where m s zero > yy",
                "Sub zero yy > z",
                "Where m zero yy > t",
            ],
        ),
        (
            "another mask",
            vec![
                "Greater x zero > g",
                "Greater x one > h",
                "Cast g > c",
                "Cast h > k",
                "Mul x c > a",
                "Mul x k > b",
                "Add a b > t",
            ],
        ),
        (
            "masks that both leave out the edge",
            vec![
                "Greater x one > g",
                "Less x one > h",
                "Cast g > c",
                "Cast h > k",
                "Mul x c > a",
                "Mul one k > b",
                "Add a b > t",
            ],
        ),
        ("a mask by itself", vec!["Greater x zero > g", "Cast g > t"]),
        ("two comparisons", vec!["Greater x zero > g", "Less x one > h", "And g h > m", "Where m x zero > t"]),
        ("a guard as a number", vec!["IsNaN x > m", "Add m x > t"]),
        ("a guard of another shape", vec!["ReduceMax x > r", "IsNaN r > m", "Where m zero x > t"]),
        ("a product of values", vec!["Mul x two > yy", "Add yy one > z", "Mul x z > t"]),
    ];
    for (what, all) in cases {
        let w: &[f32] = if what == "a sum of e^u + 1" { &[1.0] } else { &[1.0; 4] };
        let bytes = model(lines(&all), w);
        assert!(decode(&bytes).is_err(), "{what}");
        assert!(Reading::read(&bytes, Class::Positive).is_err(), "{what}");
    }
}
