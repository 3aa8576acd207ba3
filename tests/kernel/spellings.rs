//! Ways to write shapes, moves and casts: what both readers make of them, against naive loops, and what both refuse.

use num_traits::ToPrimitive;
use rand::RngExt;
use testing::corpora::files::{node, tensor};
use testing::corpora::windows::{file, int, ints, list, text};
use testing::networks::{exact, generator};
use testing::readings::logit;
use underplane::model::onnx::decode;
use underplane_kernel::{Class, Reading};

type Bytes = Vec<u8>;

/// The sizes of x, nodes that give `t`, their constants, and where the entries of t come from: 0 where from nowhere.
struct Moved {
    what: &'static str,
    shape: Vec<u64>,
    nodes: Vec<Bytes>,
    constants: Vec<Bytes>,
    from: Vec<Option<usize>>,
}

fn one(operator: &str, inputs: &[&str], attributes: &[Bytes]) -> Vec<Bytes> {
    vec![node(operator, inputs, &["t"], attributes)]
}

fn moved(
    what: &'static str,
    shape: &[u64],
    nodes: Vec<Bytes>,
    constants: Vec<Bytes>,
    from: impl IntoIterator<Item = usize>,
) -> Moved {
    Moved { what, shape: shape.to_vec(), nodes, constants, from: from.into_iter().map(Some).collect() }
}

fn slice(lists: [&[i64]; 2], axes: Option<&[i64]>) -> (Vec<Bytes>, Vec<Bytes>) {
    let names = ["s", "e", "a"];
    let given = if axes.is_some() { 4 } else { 3 };
    let constants = [lists[0], lists[1], axes.unwrap_or(&[])].into_iter().enumerate();
    let constants = constants.take(given - 1).map(|(k, values)| list(names[k], values)).collect();
    (one("Slice", &["x", "s", "e", "a"][..given], &[]), constants)
}

/// Entry [k][i][j] of an image of so many rows and columns.
fn cell([rows, cols]: [usize; 2], [k, i, j]: [usize; 3]) -> usize {
    (k * rows + i) * cols + j
}

/// All [k][i][j] with these sizes, row-major.
fn all([depth, rows, cols]: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..depth).flat_map(move |k| (0..rows).flat_map(move |i| (0..cols).map(move |j| [k, i, j])))
}

fn blocks() -> Vec<Moved> {
    let size = int("blocksize", 2);
    // Of 8 channels with 2 rows and 3 columns.
    let deep = |first: bool| {
        all([2, 4, 6]).map(move |[c, i, j]| {
            let inner = i % 2 * 2 + j % 2;
            let channel = if first { inner * 2 + c } else { c * 4 + inner };
            cell([2, 3], [channel, i / 2, j / 2])
        })
    };
    let wide = all([8, 2, 3]).map(|[k, i, j]| {
        let (inner, c) = (k / 2, k % 2);
        cell([4, 6], [c, i * 2 + inner / 2, j * 2 + inner % 2])
    });
    let [dcr, crd] = ["DCR", "CRD"].map(|mode| one("DepthToSpace", &["x"], &[size.clone(), text("mode", mode)]));
    vec![
        moved("depth first", &[8, 2, 3], dcr, vec![], deep(true)),
        moved("depth last", &[8, 2, 3], crd, vec![], deep(false)),
        moved("depth unsaid", &[8, 2, 3], one("DepthToSpace", &["x"], std::slice::from_ref(&size)), vec![], deep(true)),
        moved("space", &[2, 4, 6], one("SpaceToDepth", &["x"], &[size]), vec![], wide),
    ]
}

/// Of x [2, 4].
fn moves() -> Vec<Moved> {
    let square = [2, 4];
    let (three, three_lists) = slice([&[0, 1, 0], &[i64::MAX, 2, 3]], Some(&[0, 1, -1]));
    let (without, two_lists) = slice([&[0, 0, 1], &[1_000_000_000, 1, 3]], None);
    let tile = |times: &[i64]| (one("Tile", &["x", "n"], &[]), vec![list("n", times)]);
    let ((cols, cols_list), (rows, rows_list)) = (tile(&[1, 1, 2]), tile(&[1, 2, 1]));
    let computed = vec![
        node("Mod", &["seven", "four"], &["three"], &[]),
        node("Concat", &["one", "one", "three"], &["n"], &[int("axis", 0)]),
        node("Tile", &["x", "n"], &["t"], &[]),
    ];
    let chosen = vec![
        node("Equal", &["wish", "minus"], &["open"], &[]),
        node("Where", &["open", "one", "wish"], &["sizes"], &[]),
        node("Unsqueeze", &["x", "one"], &["u"], &[]),
        node("Expand", &["u", "sizes"], &["t"], &[]),
    ];
    let pads = |values: &[i64]| vec![list("p", values)];
    let mut cropped = moved("a crop", &square, one("Pad", &["x", "p"], &[]), pads(&[0, 0, -1, 0, 0, 1]), []);
    cropped.from = [Some(1), Some(2), Some(3), None, Some(5), Some(6), Some(7), None].to_vec();
    let wrapped = [0, 4].into_iter().flat_map(|row| [3, 0, 1, 2, 3, 0].map(|k| row + k));
    let integers = vec![list("seven", &[-1]), list("four", &[4]), list("one", &[1])];
    vec![
        moved("all of the batch, and parts", &square, three, three_lists, 4..7),
        moved("without axes", &square, without, two_lists, 1..3),
        moved("columns twice", &square, cols, cols_list, [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7]),
        moved("rows twice", &square, rows, rows_list, (0..8).chain(0..8)),
        moved(
            "a rest of minus one",
            &square,
            computed,
            integers,
            [0, 4].into_iter().flat_map(|row| (0..12).map(move |k| row + k % 4)),
        ),
        moved(
            "chosen sizes",
            &square,
            chosen,
            vec![list("wish", &[-1, 3, -1, -1]), list("minus", &[-1]), list("one", &[1])],
            (0..24).map(|k| k % 8),
        ),
        moved("around", &square, one("Pad", &["x", "p"], &[text("mode", "wrap")]), pads(&[0, 0, 1, 0, 0, 1]), wrapped),
        moved("a product of one", &[1, 4], one("ReduceProd", &["x", "n"], &[]), vec![list("n", &[1])], 0..4),
        cropped,
    ]
}

/// f = Σ w·t as both readers have it.
fn both(bytes: &[u8], x: &[f64], what: &str) -> [f64; 2] {
    let graph = decode(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let own = exact(&graph, x).swap_remove(graph.output())[0].to_f64().unwrap();
    [own, logit(bytes, Class::Positive, x).unwrap_or_else(|error| panic!("{what}: {error}"))]
}

#[test]
fn entries_are_moved_as_naive_loops_move_them() {
    let mut rng = generator(4);
    let mut number = || f64::from(rng.random_range(-8..9)) / 4.0;
    for case in blocks().into_iter().chain(moves()) {
        let x: Vec<f64> = (0..case.shape.iter().product()).map(|_| number()).collect();
        let w: Vec<f32> = case.from.iter().map(|_| number() as f32).collect();
        let expected: f64 = case.from.iter().zip(&w).map(|(at, &w)| at.map_or(0.0, |at| x[at]) * f64::from(w)).sum();
        let bytes = file(case.nodes, case.constants, &case.shape, ("t", &w)).file_with(&[], 19);
        assert_eq!(both(&bytes, &x, case.what), [expected; 2], "{}", case.what);
    }
}

#[test]
fn constants_and_matrices_are_what_is_written() {
    let like = vec![node("CastLike", &["k", "x"], &["l"], &[]), node("Add", &["x", "l"], &["t"], &[])];
    let short = vec![
        node("Cast", &["k"], &["h"], &[int("to", 10)]),
        node("Cast", &["h"], &["b"], &[int("to", 16)]),
        node("Cast", &["b"], &["l"], &[int("to", 1)]),
        node("Add", &["x", "l"], &["t"], &[]),
    ];
    let sized = vec![
        node("Expand", &["four", "four"], &["sizes"], &[]),
        node("Gather", &["sizes", "first"], &["size"], &[]),
        node("Expand", &["k", "size"], &["l"], &[]),
        node("Add", &["x", "l"], &["t"], &[]),
    ];
    let zeros = vec![
        node("Shape", &["x"], &["s"], &[]),
        node("ConstantOfShape", &["s"], &["z"], &[]),
        node("Max", &["x", "z"], &["t"], &[]),
    ];
    let left = one("MatMul", &["w", "x"], &[]);
    let constants = [
        tensor("k", &[], &[0.625]),
        list("four", &[4]),
        list("first", &[0]),
        tensor("w", &[3, 2], &[1.0, -2.0, 0.5, 0.0, 4.0, 0.25]),
    ];
    let more = |x: &[f64]| x.iter().map(|v| v + 0.625).collect::<Vec<f64>>();
    let positive = |x: &[f64]| x.iter().map(|v| v.max(0.0)).collect::<Vec<f64>>();
    let times = |x: &[f64]| {
        let rows = [[1.0, -2.0], [0.5, 0.0], [4.0, 0.25]];
        rows.iter().flat_map(|[a, b]| (0..4).map(move |j| a * x[j] + b * x[4 + j])).collect::<Vec<f64>>()
    };
    type Made<'a> = &'a dyn Fn(&[f64]) -> Vec<f64>;
    let cases: [(&str, Vec<Bytes>, Made); 5] = [
        ("as another value's type", like, &more),
        ("short floats", short, &more),
        ("a list of sizes spread", sized, &more),
        ("zeros as many as there are", zeros, &positive),
        ("a matrix on the left", left, &times),
    ];
    let mut rng = generator(5);
    let mut number = || f64::from(rng.random_range(-8..9)) / 4.0;
    for (what, nodes, made) in cases {
        let x: Vec<f64> = (0..8).map(|_| number()).collect();
        let made = made(&x);
        let w: Vec<f32> = made.iter().map(|_| number() as f32).collect();
        let expected: f64 = made.iter().zip(&w).map(|(v, &w)| v * f64::from(w)).sum();
        let bytes = file(nodes, constants.to_vec(), &[2, 4], ("t", &w)).file_with(&[], 19);
        assert_eq!(both(&bytes, &x, what), [expected; 2], "{what}");
    }
}

#[test]
fn what_mixes_samples_or_is_not_there_is_refused() {
    let with = |nodes: Vec<Bytes>, lists: &[(&str, &[i64])]| {
        (nodes, lists.iter().map(|(name, values)| list(name, values)).collect::<Vec<_>>())
    };
    let cut = |lists, axes| slice(lists, Some(axes));
    let sizes = |operator, other: &'static str| {
        vec![
            node("Shape", &["x"], &["s"], &[]),
            node(operator, &["s", other], &["n"], &[]),
            node("Tile", &["x", "n"], &["t"], &[]),
        ]
    };
    let pad = |mode| one("Pad", &["x", "n"], &[text("mode", mode)]);
    let depth = |attributes: &[Bytes]| (one("DepthToSpace", &["x"], attributes), vec![]);
    let (two, minus, three): (&[i64], &[i64], &[i64]) = (&[2], &[-2], &[3]);
    let cases = [
        ("a part of the batch", cut([&[0], &[5]], &[0])),
        ("too few for all samples", cut([&[0], &[1_000_000]], &[0])),
        ("the batch but one", cut([&[1], &[i64::MAX]], &[0])),
        ("the batch but the last", cut([&[0], &[-1]], &[0])),
        ("an axis twice", cut([&[0, 0], &[1, 1]], &[1, -2])),
        ("no axis", cut([&[], &[]], &[])),
        ("the batch twice", with(one("Tile", &["x", "n"], &[]), &[("n", &[2, 1, 1])])),
        ("too few repeats", with(one("Tile", &["x", "n"], &[]), &[("n", &[1, 2])])),
        ("never", with(one("Tile", &["x", "n"], &[]), &[("n", &[1, 0, 1])])),
        ("a rest by a negative number", with(sizes("Mod", "m"), &[("m", minus)])),
        ("a rest of the batch", with(sizes("Mod", "m"), &[("m", two)])),
        ("whether the batch has a size", with(sizes("Equal", "m"), &[("m", three)])),
        ("nothing left", with(pad("constant"), &[("n", &[0, 0, -4, 0, 0, 0])])),
        ("more cropped than there is", with(pad("constant"), &[("n", &[0, 0, -5, 0, 0, 6])])),
        ("a cropped edge", with(pad("edge"), &[("n", &[0, 0, -1, 0, 0, 0])])),
        ("around more than once", with(pad("wrap"), &[("n", &[0, 0, 5, 0, 0, 0])])),
        ("a cropped batch", with(pad("constant"), &[("n", &[-1, 0, 0, 0, 0, 0])])),
        ("two axes", depth(&[int("blocksize", 1)])),
        ("a matrix that does not fit", (one("MatMul", &["w", "x"], &[]), vec![tensor("w", &[2, 3], &[1.0; 6])])),
        ("rows for a batch of unknown size", (one("Add", &["x", "w"], &[]), vec![tensor("w", &[2, 2, 4], &[1.0; 16])])),
        ("a vector on the left", (one("MatMul", &["w", "x"], &[]), vec![tensor("w", &[2], &[1.0; 2])])),
        ("a value as integers", with(one("CastLike", &["x", "n"], &[]), &[("n", two)])),
        ("a product of two", with(one("ReduceProd", &["x", "n"], &[]), &[("n", &[1])])),
    ];
    for (what, (nodes, constants)) in cases {
        let bytes = file(nodes, constants, &[2, 4], ("t", &[1.0; 8])).file_with(&[], 19);
        assert!(decode(&bytes).is_err(), "{what} is read");
        assert!(Reading::read(&bytes, Class::Positive).is_err(), "{what} is read by the kernel");
    }
    for operator in ["Max", "Mul"] {
        let read = |size: &str| {
            let nodes = vec![
                node("Shape", &["x"], &["s"], &[]),
                node("Gather", &["s", "first"], &["n"], &[]),
                node("Concat", &["n", "ones"], &["m"], &[int("axis", 0)]),
                node("ConstantOfShape", &[size], &["z"], &[]),
                node(operator, &["x", "z"], &["t"], &[]),
            ];
            let constants = vec![list("first", &[0]), list("ones", &[1, 1])];
            let bytes = file(nodes, constants, &[2, 4], ("t", &[1.0; 8])).file_with(&[], 19);
            [decode(&bytes).is_ok(), Reading::read(&bytes, Class::Positive).is_ok()]
        };
        // The batch of the constant would meet the last axis of x.
        assert_eq!([read("m"), read("n")], [[true; 2], [false; 2]], "{operator}");
    }
    let image = [
        one("DepthToSpace", &["x"], &[int("blocksize", 2)]),
        one("DepthToSpace", &["x"], &[int("blocksize", 0)]),
        one("DepthToSpace", &["x"], &[int("blocksize", 1), text("mode", "RCD")]),
        one("SpaceToDepth", &["x"], &[int("blocksize", 2)]),
        one("SpaceToDepth", &["x"], &[ints("blocksize", &[1])]),
    ];
    for nodes in image {
        let bytes = file(nodes, vec![], &[2, 3, 4], ("t", &[1.0; 24])).file_with(&[], 19);
        assert!(decode(&bytes).is_err() && Reading::read(&bytes, Class::Positive).is_err());
    }
}
