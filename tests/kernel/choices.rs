//! Clip, PRelu, sums, reductions, parts, and Where as the kernel reads them, against naive loops; and what is refused.

use rand::RngExt;
use rand::rngs::StdRng;
use testing::corpora::files::{node, tensor};
use testing::corpora::windows::{file, int, ints, list};
use testing::networks::generator;
use testing::readings::logit;
use underplane_kernel::{Class, Code, Reading};

/// The sizes of a sample [C, D].
const SHAPE: [usize; 2] = [3, 4];

/// Nodes that give `t`, their constants, and what they make of a sample.
struct Case {
    nodes: Vec<Vec<u8>>,
    constants: Vec<Vec<u8>>,
    made: Vec<f64>,
}

fn number(rng: &mut StdRng) -> f32 {
    rng.random_range(-8..9) as f32 / 4.0
}

fn numbers(rng: &mut StdRng, count: usize) -> Vec<f32> {
    (0..count).map(|_| number(rng)).collect()
}

fn each(x: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
    x.iter().map(|&v| f(v)).collect()
}

/// With a lower bound, an upper one, both, or the bounds that are none; of the sample, or of a constant added to it.
fn clip(rng: &mut StdRng, x: &[f64]) -> Case {
    let (low, high) = (number(rng).min(0.0), number(rng).max(0.0));
    let low = if rng.random_bool(0.3) { -f32::MAX } else { low };
    let high = if rng.random_bool(0.5) { f32::MAX } else { high };
    let c = numbers(rng, SHAPE[1]);
    let of = if rng.random_bool(0.3) { "c" } else { "x" };
    let inputs: &[&str] = match (rng.random_bool(0.3), high == f32::MAX) {
        (true, true) => &[of, "low"],
        (true, false) => &[of, "", "high"],
        _ => &[of, "low", "high"],
    };
    let clipped = |v: f64| match inputs[1] {
        "" => v.min(f64::from(high)),
        _ => v.max(f64::from(low)).min(f64::from(high)),
    };
    let constants = vec![tensor("low", &[], &[low]), tensor("high", &[], &[high]), tensor("c", &[SHAPE[1] as u64], &c)];
    if of == "x" {
        return Case { nodes: vec![node("Clip", inputs, &["t"], &[])], constants, made: each(x, clipped) };
    }
    let nodes = vec![node("Clip", inputs, &["k"], &[]), node("Add", &["x", "k"], &["t"], &[])];
    let made = (0..x.len()).map(|i| x[i] + clipped(f64::from(c[i % SHAPE[1]]))).collect();
    Case { nodes, constants, made }
}

/// With one slope, one per channel, or one per entry.
fn parametric(rng: &mut StdRng, x: &[f64]) -> Case {
    let [channels, width] = SHAPE;
    let dims: &[u64] = [&[][..], &[3, 1], &[1, 3, 4], &[4]][rng.random_range(0..4)];
    let mut slopes = numbers(rng, dims.iter().product::<u64>() as usize);
    if slopes.len() > 1 {
        slopes.iter_mut().for_each(|slope| *slope = slope.min(1.0));
    }
    let slope = |i: usize| match slopes.len() {
        1 => slopes[0],
        n if n == channels => slopes[i / width],
        n if n == width => slopes[i % width],
        _ => slopes[i],
    };
    let made = (0..x.len()).map(|i| if x[i] < 0.0 { x[i] * f64::from(slope(i)) } else { x[i] }).collect();
    Case { nodes: vec![node("PRelu", &["x", "s"], &["t"], &[])], constants: vec![tensor("s", dims, &slopes)], made }
}

fn sum(rng: &mut StdRng, x: &[f64]) -> Case {
    let c = numbers(rng, SHAPE[1]);
    let nodes = vec![node("Abs", &["x"], &["a"], &[]), node("Sum", &["a", "c", "x", "x"], &["t"], &[])];
    let made = (0..x.len()).map(|i| x[i].abs() + f64::from(c[i % SHAPE[1]]) + 2.0 * x[i]).collect();
    Case { nodes, constants: vec![tensor("c", &[1, 4], &c)], made }
}

/// A reduction over one axis or both, with or without the axes that go.
fn reduction(rng: &mut StdRng, x: &[f64]) -> Case {
    let [channels, width] = SHAPE;
    let axes: &[i64] = [&[1][..], &[2], &[-1], &[-2], &[1, 2], &[2, -2]][rng.random_range(0..6)];
    let gone = [1, 2].map(|axis| axes.contains(&axis) || axes.contains(&(axis - 3)));
    let operator = ["ReduceSum", "ReduceMean", "ReduceMax"][rng.random_range(0..3)];
    let rows = |i: usize| (if gone[0] { 0 } else { i / width }, if gone[1] { 0 } else { i % width });
    let mut groups = std::collections::BTreeMap::<_, Vec<f64>>::new();
    (0..channels * width).for_each(|i| groups.entry(rows(i)).or_default().push(x[i]));
    let reduce = |group: &Vec<f64>| match operator {
        "ReduceSum" => group.iter().sum(),
        "ReduceMean" => group.iter().sum::<f64>() / group.len() as f64,
        _ => group.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    };
    let made = groups.values().map(reduce).collect();
    let keep = int("keepdims", i64::from(rng.random_bool(0.5)));
    Case { nodes: vec![node(operator, &["x", "axes"], &["t"], &[keep])], constants: vec![list("axes", axes)], made }
}

/// Parts of the columns, put together in another order.
fn parts(rng: &mut StdRng, x: &[f64]) -> Case {
    let width = SHAPE[1];
    let first = rng.random_range(1..4);
    let sizes = rng.random_bool(0.5);
    let cut = if sizes { first } else { 2 };
    let split = match sizes {
        true => node("Split", &["x", "k"], &["a", "b"], &[int("axis", 2)]),
        false => node("Split", &["x"], &["a", "b"], &[int("axis", -1), int("num_outputs", 2)]),
    };
    let nodes = vec![split, node("Concat", &["b", "a"], &["t"], &[int("axis", 2)])];
    let rows = x.chunks(width).flat_map(|row| [&row[cut..], &row[..cut]].concat()).collect();
    Case { nodes, constants: vec![list("k", &[first as i64, (width - first) as i64])], made: rows }
}

/// A unit of y = w·x + c (w ≠ 0) as exporters write it with a comparison: Relu, leaky, Abs, or a maximum with a constant.
fn choice(rng: &mut StdRng, x: &[f64]) -> Case {
    let w = [0.5, -0.5, 2.0, 3.0][rng.random_range(0..4)];
    let (c, slope) = (number(rng), [0.25, -1.0, -0.5, 0.0][rng.random_range(0..4)]);
    let mut nodes = vec![node("Mul", &["x", "w"], &["wx"], &[]), node("Add", &["wx", "c"], &["u"], &[])];
    nodes.push(node("Mul", &["u", "slope"], &["sy"], &[]));
    let less = rng.random_bool(0.5);
    let strict = if rng.random_bool(0.5) { "" } else { "OrEqual" };
    // y < 0, as 0 > y or in other words, or the other way round.
    let operator = format!("{}{strict}", if less { "Less" } else { "Greater" });
    let inverted = rng.random_bool(0.3);
    // The comparison itself may be of x: w·x + c > 0.
    nodes.push(node(&operator, &["u", "zero"], &[if inverted { "m0" } else { "m" }], &[]));
    if inverted {
        nodes.push(node("Not", &["m0"], &["m"], &[]));
    }
    let order = if less != inverted { ["m", "sy", "u"] } else { ["m", "u", "sy"] };
    nodes.push(node("Where", &order, &["t"], &[]));
    let made = each(x, |v| {
        let y = v * f64::from(w) + f64::from(c);
        if y > 0.0 { y } else { y * f64::from(slope) }
    });
    let scalar = |name: &str, value: f32| tensor(name, &[], &[value]);
    let constants = vec![scalar("w", w), scalar("c", c), scalar("slope", slope), scalar("zero", 0.0)];
    Case { nodes, constants, made }
}

#[test]
fn choices_and_reductions_mean_what_naive_loops_compute() {
    let kinds: [fn(&mut StdRng, &[f64]) -> Case; 6] = [clip, parametric, sum, reduction, parts, choice];
    for seed in 0..3000 {
        let mut rng = generator(seed);
        let x: Vec<f64> = numbers(&mut rng, SHAPE.iter().product()).into_iter().map(f64::from).collect();
        let Case { nodes, constants, made } = kinds[(seed % 6) as usize](&mut rng, &x);
        let w = numbers(&mut rng, made.len());
        let expected: f64 = made.iter().zip(&w).map(|(v, &w)| v * f64::from(w)).sum();
        let bytes = file(nodes, constants, &SHAPE.map(|d| d as u64), ("t", &w)).file_with(&[], 18);
        let found = logit(&bytes, Class::Positive, &x).unwrap_or_else(|r| panic!("seed {seed}: {r}"));
        assert!((found - expected).abs() <= 1e-9, "seed {seed}: {found} instead of {expected}");
    }
}

/// The code with which `nodes` that give `t` are refused, in the version `opset`.
fn refused(nodes: &[Vec<u8>], constants: &[Vec<u8>], opset: u64) -> Code {
    let bytes = file(nodes.to_vec(), constants.to_vec(), &[3, 4], ("t", &[1.0; 12])).file_with(&[], opset);
    Reading::read(&bytes, Class::Positive).unwrap_err().code
}

#[test]
fn what_is_no_such_unit_is_refused() {
    let scalar = |name: &str, value: f32| tensor(name, &[], &[value]);
    let one =
        |operator: &str, inputs: &[&str], attributes: &[Vec<u8>]| vec![node(operator, inputs, &["t"], attributes)];
    let bounds = [scalar("one", 1.0), scalar("two", 2.0), tensor("list", &[1], &[0.0])];
    let crossed = vec![node("Clip", &["list", "two", "one"], &["k"], &[]), node("Add", &["x", "k"], &["t"], &[])];
    let axes = |values: &[i64]| vec![list("axes", values)];
    let unsupported = [
        ("crossed bounds", one("Clip", &["x", "two", "one"], &[]), bounds.to_vec()),
        ("crossed bounds of a constant", crossed, bounds.to_vec()),
        ("a bound that is no scalar", one("Clip", &["x", "list"], &[]), bounds.to_vec()),
        ("a bound that is a value", one("Clip", &["x", "x"], &[]), vec![]),
        ("slopes on both sides of 1", one("PRelu", &["x", "s"], &[]), vec![tensor("s", &[3, 1], &[0.5, 2.0, 0.5])]),
        ("the batch", one("ReduceSum", &["x", "axes"], &[]), axes(&[0])),
        ("the batch from the end", one("ReduceMax", &["x", "axes"], &[]), axes(&[-3])),
        ("an axis twice", one("ReduceSum", &["x", "axes"], &[]), axes(&[1, -2])),
        ("no axes", one("ReduceMean", &["x", "axes"], &[]), axes(&[])),
        ("the batch's parts", one("Split", &["x"], &[int("axis", 0), int("num_outputs", 1)]), vec![]),
        ("unequal parts", one("Split", &["x"], &[int("axis", 1), int("num_outputs", 2)]), vec![]),
        ("no sizes", one("Split", &["x"], &[int("axis", 1)]), vec![]),
        ("sizes that are too few", one("Split", &["x", "axes"], &[int("axis", 1)]), axes(&[2])),
    ];
    for (what, nodes, constants) in unsupported {
        assert_eq!(refused(&nodes, &constants, 18), Code::Unsupported, "{what}");
    }
    let broadcast = one("PRelu", &["x", "s"], &[]);
    assert_eq!(refused(&broadcast, &[tensor("s", &[2], &[0.5, 0.25])], 18), Code::ShapeMismatch);
    let kept = one("ReduceSum", &["x", "axes"], &[int("keepdims", 2)]);
    assert_eq!(refused(&kept, &axes(&[1]), 18), Code::MalformedModel);
    // Axes were an attribute up to version 17 of the operators.
    assert_eq!(refused(&one("ReduceMax", &["x", "axes"], &[]), &axes(&[1]), 17), Code::Unsupported);
    let attribute = ints("axes", &[1]);
    assert_eq!(refused(&one("ReduceMax", &["x"], &[attribute]), &[], 18), Code::Unsupported);
}

#[test]
fn only_the_larger_of_two_values_is_chosen() {
    let constants = [
        tensor("zero", &[], &[0.0]),
        tensor("tiny", &[], &[f32::from_bits(1)]),
        tensor("half", &[], &[0.5]),
        tensor("signs", &[4], &[1.0, 1.0, -1.0, 1.0]),
        tensor("some", &[4], &[1.0, 1.0, 0.0, 1.0]),
    ];
    let code = |before: &[Vec<u8>], compared: [&str; 2], chosen: [&str; 2]| {
        let mut nodes = before.to_vec();
        nodes.push(node("Greater", &compared, &["m"], &[]));
        nodes.push(node("Where", &["m", chosen[0], chosen[1]], &["t"], &[]));
        refused(&nodes, &constants, 17)
    };
    let times = |by: &str| vec![node("Mul", &["x", by], &["u"], &[])];
    assert_eq!(code(&[], ["x", "zero"], ["zero", "x"]), Code::Unsupported, "the smaller one");
    assert_eq!(code(&[], ["x", "tiny"], ["x", "zero"]), Code::Unsupported, "a jump");
    assert_eq!(code(&[], ["x", "zero"], ["half", "zero"]), Code::Unsupported, "a step");
    assert_eq!(code(&times("half"), ["u", "zero"], ["x", "half"]), Code::Unsupported, "a jump of x at 0");
    assert_eq!(code(&times("signs"), ["u", "zero"], ["x", "zero"]), Code::Unsupported, "the smaller one of one entry");
    assert_eq!(code(&times("some"), ["u", "zero"], ["u", "zero"]), Code::Unsupported, "an entry that is a constant");
    let other = vec![node("Relu", &["x"], &["u"], &[])];
    assert_eq!(code(&other, ["u", "zero"], ["x", "zero"]), Code::Unsupported, "a comparison of another unit");
    let nodes = [node("Greater", &["x", "zero"], &["m"], &[]), node("Add", &["m", "x"], &["t"], &[])];
    assert_eq!(refused(&nodes, &constants, 17), Code::MalformedModel, "a comparison as a number");
    let nodes = [node("Greater", &["x", "zero"], &["m"], &[]), node("Identity", &["m"], &["t"], &[])];
    assert_eq!(refused(&nodes, &constants, 17), Code::Unsupported, "a comparison that is flattened");
}
