//! Einsum as a product, zeros spread over the batch, and leaky units as sums of two Relus: both readers, against the
//! usual spelling; and what is none of these.

use rand::RngExt;
use testing::corpora::files::{Parts, node, tensor, value};
use testing::corpora::windows::{ints, list, text};
use testing::networks::generator;
use underplane::model;
use underplane::model::onnx::decode;
use underplane_kernel::{Class, Code, Model};

type Bytes = Vec<u8>;

/// From x [N, 3] to y.
fn file(nodes: Vec<Bytes>, constants: Vec<Bytes>) -> Bytes {
    Parts { nodes, constants, input: value("x", &[3]), output: "y" }.file()
}

/// f as the kernel computes it, or why not.
fn logit(bytes: &[u8], x: &[f64]) -> Result<f64, Code> {
    testing::readings::logit(bytes, Class::Positive, x).map_err(|refused| refused.code)
}

/// max(x₀, x₁, x₂) of t [N, 3], or relu(t) of t [N].
fn top(columns: bool) -> Vec<Bytes> {
    match columns {
        true => vec![node("ReduceMax", &["t"], &["y"], &[ints("axes", &[1])])],
        false => vec![node("Relu", &["t"], &["y"], &[])],
    }
}

#[test]
fn equations_of_products_are_read() {
    let mut rng = generator(4);
    let w: Vec<f32> = (0..9).map(|_| rng.random_range(-8..9) as f32 / 4.0).collect();
    let x: Vec<f64> = (0..3).map(|_| f64::from(rng.random_range(-8..9)) / 4.0).collect();
    let product = |row: usize, transposed: bool| -> f64 {
        (0..3).map(|k| x[k] * f64::from(if transposed { w[row * 3 + k] } else { w[k * 3 + row] })).sum()
    };
    // Whether the value comes first, the constant's axes, and whether they are [M, K].
    let cases = [
        ("bi,oi->bo", true, 2, true),
        ("bi,io->bo", true, 2, false),
        ("oi,bi->bo", false, 2, true),
        ("io , bi -> bo", false, 2, false),
        ("...k,mk->...m", true, 2, true),
        ("Zk,km->Zm", true, 2, false),
        ("bi,i->b", true, 1, false),
        ("i,...i->...", false, 1, false),
    ];
    for (equation, first, axes, transposed) in cases {
        let inputs = if first { ["x", "w"] } else { ["w", "x"] };
        let mut nodes = vec![node("Einsum", &inputs, &["t"], &[text("equation", equation)])];
        nodes.extend(top(axes == 2));
        let constant = if axes == 2 { tensor("w", &[3, 3], &w) } else { tensor("w", &[3], &w[..3]) };
        // The output of a vector has no axis of its own.
        let flat = vec![node("Unsqueeze", &["y", "one"], &["z"], &[])];
        let bytes = match axes {
            2 => file(nodes, vec![constant]),
            _ => {
                nodes.extend(flat);
                let parts =
                    Parts { nodes, constants: vec![constant, list("one", &[1])], input: value("x", &[3]), output: "z" };
                parts.file()
            }
        };
        let expected = match axes {
            2 => (0..3).map(|row| product(row, transposed)).fold(f64::NEG_INFINITY, f64::max),
            _ => (0..3).map(|k| x[k] * f64::from(w[k])).sum::<f64>().max(0.0),
        };
        assert_eq!(logit(&bytes, &x), Ok(expected), "{equation}");
        decode(&bytes).unwrap_or_else(|error| panic!("{equation}: {error}"));
    }
    let refused = [
        "bi,oi->ob",
        "bi,oi->bi",
        "bi,oi->b",
        "bi,oi",
        "ib,oi->bo",
        "bi,bi->b",
        "bi,ii->bi",
        "bb,ob->bo",
        "bi,ob->bo",
        "bi,oj->bo",
        "bi,oi->o",
        "bi,oi,oi->bo",
        "bi,...oi->bo",
        "b...,oi->bo",
        "0i,oi->0o",
        "#i,oi->#o",
        "0i,oi->...o",
        "...i,oi->0o",
        ".i,oi->.o",
        "....i,oi->....o",
        "",
        "bi,bo->bo",
        "...i,oi->bo",
        "bi,oi->...o",
        "bi,oi->boo",
        "bi,io->bi",
        "bö,oö->bo",
    ];
    for equation in refused {
        let mut nodes = vec![node("Einsum", &["x", "w"], &["t"], &[text("equation", equation)])];
        nodes.extend(top(true));
        let bytes = file(nodes, vec![tensor("w", &[3, 3], &w)]);
        assert!(decode(&bytes).is_err(), "{equation} is read");
        assert_eq!(logit(&bytes, &x), Err(Code::Unsupported), "{equation}");
    }
}

#[test]
fn leaky_units_as_sums_of_two_relus_are_units() {
    let scalar = |name: &str, value: f32| tensor(name, &[], &[value]);
    let mut rng = generator(5);
    // The operator that joins relu(x) to the multiple of relu(−x), that multiple, and the slopes below 0.
    let cases: [(&str, Bytes, [f64; 3]); 5] = [
        ("Sub", scalar("k", 0.25), [0.25; 3]),
        ("Add", scalar("k", -0.25), [0.25; 3]),
        ("Sub", tensor("k", &[3], &[0.5, 1.0, 0.25]), [0.5, 1.0, 0.25]),
        ("Add", tensor("k", &[3], &[-0.5, 0.5, 0.0]), [0.5, -0.5, 0.0]),
        ("Sub", scalar("k", 1.0), [1.0; 3]),
    ];
    for (operator, k, below) in cases {
        let parts = |k: Bytes, operator: &str| {
            let nodes = vec![
                node("Relu", &["x"], &["up"], &[]),
                node("Neg", &["x"], &["minus"], &[]),
                node("Relu", &["minus"], &["down"], &[]),
                node("Mul", &["down", "k"], &["scaled"], &[]),
                node(operator, &["up", "scaled"], &["t"], &[]),
                node("MatMul", &["t", "w"], &["y"], &[]),
            ];
            file(nodes, vec![k, tensor("w", &[3, 1], &[1.0, 0.5, 2.0])])
        };
        let bytes = parts(k, operator);
        // Convex for both.
        let graph = decode(&bytes).unwrap();
        assert!(model::Model::new(graph).unwrap().broken().is_none(), "{operator} {below:?}");
        assert!(Model::read(&bytes, Class::Positive).is_ok(), "{operator} {below:?}");
        for _ in 0..20 {
            let x: Vec<f64> = (0..3).map(|_| f64::from(rng.random_range(-8..9)) / 4.0).collect();
            let leaky = |i: usize| if x[i] < 0.0 { x[i] * below[i] } else { x[i] };
            assert_eq!(logit(&bytes, &x), Ok(leaky(0) + leaky(1) * 0.5 + leaky(2) * 2.0), "{operator} {below:?}");
        }
    }
}
