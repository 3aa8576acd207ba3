//! Rows that join the batch with another axis until it comes back, and sequences that are turned round.

use crate::spelled_units::lines;
use num_traits::ToPrimitive;
use rand::RngExt;
use testing::corpora::files::{node, tensor};
use testing::corpora::windows::{file, int, ints, list};
use testing::networks::{exact_logit, generator};
use testing::readings::logit;
use underplane::model::onnx::decode;
use underplane_kernel::{Class, Reading};

type Bytes = Vec<u8>;

/// f of nodes that give `t` [4] of x [2, 3], and what they make of it.
struct Rows {
    what: &'static str,
    nodes: Vec<Bytes>,
    made: fn(&[f64]) -> Vec<f64>,
}

fn moved() -> Vec<Bytes> {
    let scalars = [("half", 0.5), ("zero", 0.0)].map(|(name, value)| tensor(name, &[], &[value]));
    let lists: [(&str, &[i64]); 8] = [
        ("rows", &[-1, 3]),
        ("cells", &[-1, 1]),
        ("plain", &[-1]),
        ("sample", &[-1, 6]),
        ("pairs", &[-1, 2]),
        ("two", &[-1, 2, 2]),
        ("last", &[1]),
        ("others", &[-1, 4]),
    ];
    let lists = lists.iter().map(|(name, values)| list(name, values));
    let w = tensor("w", &[3, 2], &[1.0, -1.0, 0.5, 2.0, -0.25, 1.0]);
    let wt = tensor("wt", &[2, 3], &[1.0, 0.5, -0.25, -1.0, 2.0, 1.0]);
    scalars.into_iter().chain(lists).chain([w, wt, tensor("b", &[2], &[0.5, -0.5])]).collect()
}

/// relu(x·w + b) of every row of three.
fn rows_of(x: &[f64]) -> Vec<f64> {
    let w = [[1.0, 0.5, -0.25], [-1.0, 2.0, 1.0]];
    let of = |row: &[f64], k: usize| row.iter().zip(w[k]).map(|(v, w)| v * w).sum::<f64>() + [0.5, -0.5][k];
    x.chunks(3).flat_map(|row| [of(row, 0).max(0.0), of(row, 1).max(0.0)]).collect()
}

#[test]
fn rows_that_join_the_batch_come_back() {
    let ends = |first: &[&str], rest: &[&str]| lines(&[first, rest].concat());
    let gemm = |transposed: bool| {
        let mut nodes = lines(&["Reshape x rows > r"]);
        let attributes: Vec<Bytes> = if transposed { vec![int("transB", 1)] } else { vec![] };
        nodes.push(node("Gemm", &["r", if transposed { "wt" } else { "w" }, "b"], &["g"], &attributes));
        [nodes, lines(&["Relu g > u", "Reshape u others > t"])].concat()
    };
    let cases = [
        Rows { what: "gemm", nodes: gemm(false), made: rows_of },
        Rows { what: "gemm, transposed", nodes: gemm(true), made: rows_of },
        Rows {
            what: "a product",
            nodes: ends(&["Reshape x rows > r", "MatMul r w > p", "Add p b > g"], &["Relu g > u", "Reshape u two > t"]),
            made: rows_of,
        },
        Rows {
            what: "the largest of every row",
            nodes: ends(&["Reshape x rows > r", "ReduceMax r > m"], &["Reshape m pairs > t"]),
            made: |x| x.chunks(3).map(|row| row.iter().copied().fold(f64::MIN, f64::max)).collect(),
        },
        Rows {
            what: "cells and other rows",
            nodes: ends(
                &["Reshape x cells > c", "Sub c half > d", "Reshape d rows > r"],
                &["Relu r > u", "Reshape u sample > t"],
            ),
            made: |x| x.iter().map(|v| (v - 0.5).max(0.0)).collect(),
        },
        Rows {
            what: "flat",
            nodes: ends(&["Reshape x plain > c", "Max c half > d"], &["Reshape d sample > t"]),
            made: |x| x.iter().map(|v| v.max(0.5)).collect(),
        },
    ];
    let mut rng = generator(11);
    for Rows { what, nodes, made } in cases {
        for _ in 0..10 {
            let x: Vec<f64> = (0..6).map(|_| f64::from(rng.random_range(-16..17)) / 8.0).collect();
            let made = made(&x);
            let w: Vec<f32> = made.iter().map(|_| rng.random_range(-8..9) as f32 / 4.0).collect();
            let expected: f64 = made.iter().zip(&w).map(|(v, &w)| v * f64::from(w)).sum();
            let bytes = file(nodes.clone(), moved(), &[2, 3], ("t", &w)).file_with(&[], 17);
            let graph = decode(&bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(exact_logit(&graph, &x).to_f64().unwrap(), expected, "{what}");
            assert_eq!(logit(&bytes, Class::Positive, &x).unwrap_or_else(|error| panic!("{what}: {error}")), expected);
        }
    }
    let refused = [
        ("never back", vec!["Reshape x rows > t"]),
        ("samples of another size", vec!["Reshape x rows > r", "Reshape r others > t"]),
        ("a sum of all rows", vec!["Reshape x plain > r", "ReduceSum r > s", "Add x s > t"]),
        ("beside whole samples", vec!["Reshape x sample > s", "Reshape x rows > r", "Add s r > t"]),
        ("turned", vec!["Reshape x rows > r", "Transpose r > t"]),
        ("as many as there are rows", vec!["Reshape x rows > r", "Reshape r copied > t"]),
        ("of no axis", vec!["Reshape x rows > r", "Reshape r nothing > t"]),
    ];
    for (what, all) in refused {
        let lists = vec![list("copied", &[0, 6]), list("nothing", &[])];
        let bytes = file(lines(&all), [moved(), lists].concat(), &[2, 3], ("t", &[1.0; 6])).file_with(&[], 17);
        assert!(decode(&bytes).is_err(), "{what}");
        assert!(Reading::read(&bytes, Class::Positive).is_err(), "{what}");
    }
    // A number for every row belongs to no sample.
    let many = tensor("many", &[2, 1], &[1.0, 2.0]);
    let nodes = lines(&["Reshape x rows > r", "Add r many > s", "Reshape s sample > t"]);
    let bytes = file(nodes, [moved(), vec![many]].concat(), &[2, 3], ("t", &[1.0; 6])).file_with(&[], 17);
    assert!(decode(&bytes).is_err() && Reading::read(&bytes, Class::Positive).is_err());
}

#[test]
fn sequences_are_turned_round_for_all_samples_alike() {
    let axes = |batch, time| [int("batch_axis", batch), int("time_axis", time)];
    let start = lines(&["Shape x > s", "Transpose x > yy", "Shape yy > z"]);
    let lengths = [
        node("Gather", &["s", "last"], &["length"], &[]),
        node("Gather", &["z", "last"], &["batch"], &[]),
        node("Expand", &["length", "batch"], &["lengths"], &[]),
    ];
    let turned = [
        node("ReverseSequence", &["yy", "lengths"], &["r"], &axes(1, 0)),
        node("Transpose", &["r"], &["t"], &[ints("perm", &[1, 0])]),
    ];
    let front = [node("ReverseSequence", &["x", "lengths"], &["t"], &axes(0, 1))];
    let shorter = [list("three", &[3]), list("last", &[1]), list("nine", &[9])];
    let x = [1.0, 2.0, 4.0, 8.0, 16.0];
    let w = [1.0, 0.5, 0.25, 2.0, 3.0];
    let dot = |made: [f64; 5]| made.iter().zip(w).map(|(v, w)| v * f64::from(w)).sum::<f64>();
    let of_three = lines(&[
        "Shape x > s",
        "Transpose x > yy",
        "Shape yy > z",
        "Gather z last > batch",
        "Expand three batch > lengths",
    ]);
    let cases = [
        ("elsewhere", [&start[..], &lengths, &turned].concat(), Some(dot([16.0, 8.0, 4.0, 2.0, 1.0]))),
        ("in front", [&start[..], &lengths, &front].concat(), Some(dot([16.0, 8.0, 4.0, 2.0, 1.0]))),
        ("the first three", [&of_three[..], &front].concat(), Some(dot([4.0, 2.0, 1.0, 8.0, 16.0]))),
        (
            "other axes",
            [&of_three[..], &[node("ReverseSequence", &["x", "lengths"], &["t"], &axes(1, 0))]].concat(),
            None,
        ),
        (
            "too many",
            [
                &lines(&[
                    "Shape x > s",
                    "Transpose x > yy",
                    "Shape yy > z",
                    "Gather z last > batch",
                    "Expand nine batch > lengths",
                ])[..],
                &front,
            ]
            .concat(),
            None,
        ),
        ("an unknown number", vec![node("ReverseSequence", &["x", "three"], &["t"], &axes(0, 1))], None),
    ];
    for (what, nodes, expected) in cases {
        let nodes: Vec<Bytes> = nodes;
        let bytes = file(nodes, shorter.to_vec(), &[5], ("t", &w)).file_with(&[], 17);
        match expected {
            Some(expected) => {
                let graph = decode(&bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(exact_logit(&graph, &x).to_f64().unwrap(), expected, "{what}");
                assert_eq!(logit(&bytes, Class::Positive, &x).unwrap(), expected, "{what}");
            }
            None => assert!(decode(&bytes).is_err() && Reading::read(&bytes, Class::Positive).is_err(), "{what}"),
        }
    }
}
