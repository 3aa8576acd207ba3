//! Values whose batch axis moves: what both readers make of one sample is what naive loops over a whole batch compute.

use num_traits::ToPrimitive;
use rand::RngExt;
use rand::rngs::StdRng;
use testing::corpora::files::{node, tensor};
use testing::corpora::windows::{file, int, ints, list};
use testing::networks::{exact, generator};
use testing::readings::logit;
use underplane::model::onnx::decode;
use underplane_kernel::{Class, Reading};

type Bytes = Vec<u8>;

/// Samples of a batch; 7 so that no other axis has as many entries.
const SAMPLES: usize = 7;

/// A whole batch: sizes and entries, row-major, and which axis is that of the samples.
#[derive(Clone)]
struct Batch {
    dims: Vec<usize>,
    entries: Vec<f64>,
    samples: usize,
}

fn index(dims: &[usize], mut at: usize) -> Vec<usize> {
    let mut index = vec![0; dims.len()];
    for axis in (0..dims.len()).rev() {
        index[axis] = at % dims[axis];
        at /= dims[axis];
    }
    index
}

fn place(dims: &[usize], index: &[usize]) -> usize {
    dims.iter().zip(index).fold(0, |at, (&size, &i)| at * size + i)
}

impl Batch {
    /// Entry by entry from the indices of the result.
    fn of(dims: Vec<usize>, samples: usize, entry: impl Fn(&[usize]) -> f64) -> Batch {
        let entries = (0..dims.iter().product()).map(|at| entry(&index(&dims, at))).collect();
        Batch { dims, entries, samples }
    }

    fn at(&self, index: &[usize]) -> f64 {
        self.entries[place(&self.dims, index)]
    }

    fn transposed(&self, order: &[usize]) -> Batch {
        let samples = order.iter().position(|&axis| axis == self.samples).unwrap();
        Batch::of(order.iter().map(|&axis| self.dims[axis]).collect(), samples, |index| {
            let mut from = vec![0; order.len()];
            order.iter().zip(index).for_each(|(&axis, &i)| from[axis] = i);
            self.at(&from)
        })
    }

    fn reshaped(&self, dims: Vec<usize>) -> Batch {
        let samples = dims.iter().position(|&size| size == SAMPLES).unwrap();
        Batch { dims, samples, ..self.clone() }
    }
}

/// One more node: its result in place of `batch`.
fn step(rng: &mut StdRng, k: usize, batch: &Batch) -> (Vec<Bytes>, Vec<Bytes>, Batch) {
    let (from, to, own) = (format!("v{k}"), format!("v{}", k + 1), format!("c{k}"));
    let (rank, samples) = (batch.dims.len(), batch.samples);
    let one = |operator: &str, more: &[&str], attributes: &[Bytes]| {
        vec![node(operator, &[&[from.as_str()], more].concat(), &[&to], attributes)]
    };
    let others: Vec<usize> = (0..rank).filter(|&axis| axis != samples).collect();
    let axis = others[rng.random_range(0..others.len())];
    let signed = if rng.random_bool(0.5) { axis as i64 } else { axis as i64 - rank as i64 };
    let size = batch.dims[axis];
    let resized = |size: usize| {
        let mut dims = batch.dims.clone();
        dims[axis] = size;
        dims
    };
    let moved = |index: &[usize], i: usize| {
        let mut index = index.to_vec();
        index[axis] = i;
        batch.at(&index)
    };
    match rng.random_range(0..8) {
        0 | 1 => {
            let mut order: Vec<usize> = (0..rank).collect();
            (1..rank).for_each(|i| order.swap(i, rng.random_range(0..=i)));
            let perm: Vec<i64> = order.iter().map(|&axis| axis as i64).collect();
            (one("Transpose", &[], &[ints("perm", &perm)]), vec![], batch.transposed(&order))
        }
        2 if rank < 5 => {
            let at = rng.random_range(0..=rank);
            let mut dims = batch.dims.clone();
            dims.insert(at, 1);
            (one("Unsqueeze", &[&own], &[]), vec![list(&own, &[at as i64])], batch.reshaped(dims))
        }
        3 if size == 1 && rank > 2 => {
            let mut dims = batch.dims.clone();
            dims.remove(axis);
            (one("Squeeze", &[&own], &[]), vec![list(&own, &[signed])], batch.reshaped(dims))
        }
        4 => {
            let first = rng.random_range(0..size);
            let lists = [("s", first as i64), ("e", i64::MAX), ("a", signed)];
            let names = lists.map(|(name, _)| format!("{own}{name}"));
            let constants = lists.iter().zip(&names).map(|((_, value), name)| list(name, &[*value])).collect();
            let names = names.each_ref().map(String::as_str);
            let cut = Batch::of(resized(size - first), samples, |index| moved(index, index[axis] + first));
            (one("Slice", &names, &[]), constants, cut)
        }
        5 if rank > 2 => {
            let keeps = rng.random_bool(0.5);
            let sums = Batch::of(resized(1), samples, |index| (0..size).map(|i| moved(index, i)).sum());
            let mut dims = sums.dims.clone();
            if !keeps {
                dims.remove(axis);
            }
            let nodes = one("ReduceSum", &[&own], &[int("keepdims", keeps.into())]);
            (nodes, vec![list(&own, &[signed])], sums.reshaped(dims))
        }
        6 if size < 4 => {
            let twice = Batch::of(resized(2 * size), samples, |index| moved(index, index[axis] % size));
            (one("Concat", &[&from], &[int("axis", signed)]), vec![], twice)
        }
        7 if rank == 2 && samples == 1 => {
            let w: Vec<f32> = (0..3 * size).map(|i| (i as f32 - 2.0) / 2.0).collect();
            let left = Batch::of(vec![3, SAMPLES], 1, |index| {
                (0..size).map(|i| f64::from(w[index[0] * size + i]) * batch.at(&[i, index[1]])).sum()
            });
            let nodes = vec![node("MatMul", &[&own, &from], &[&to], &[])];
            (nodes, vec![tensor(&own, &[3, size as u64], &w)], left)
        }
        _ => {
            let picks: Vec<usize> = (0..2).map(|_| rng.random_range(0..size)).collect();
            let chosen = Batch::of(resized(2), samples, |index| moved(index, picks[index[axis]]));
            let indices: Vec<i64> = picks.iter().map(|&i| i as i64).collect();
            (one("Gather", &[&own], &[int("axis", signed)]), vec![list(&own, &indices)], chosen)
        }
    }
}

#[test]
fn samples_are_what_a_whole_batch_makes_of_them() {
    let mut elsewhere = 0;
    for seed in 0..400 {
        let mut rng = generator(seed);
        let sizes = [2, 3];
        let mut number = || f64::from(rng.random_range(-8..9)) / 4.0;
        let entries = (0..SAMPLES * 6).map(|_| number()).collect();
        let input = Batch { dims: vec![SAMPLES, 2, 3], entries, samples: 0 };
        let mut batch = input.clone();
        let (mut nodes, mut constants) = (vec![node("Identity", &["x"], &["v0"], &[])], vec![]);
        let steps = rng.random_range(2..8);
        for k in 0..steps {
            let (more, own, next) = step(&mut rng, k, &batch);
            nodes.extend(more);
            constants.extend(own);
            elsewhere += usize::from(next.samples != 0);
            batch = next;
        }
        let rank = batch.dims.len();
        let order: Vec<usize> =
            std::iter::once(batch.samples).chain((0..rank).filter(|&axis| axis != batch.samples)).collect();
        let perm: Vec<i64> = order.iter().map(|&axis| axis as i64).collect();
        nodes.push(node("Transpose", &[&format!("v{steps}")], &["t"], &[ints("perm", &perm)]));
        batch = batch.transposed(&order);
        let count = batch.entries.len() / SAMPLES;
        let w: Vec<f32> = (0..count).map(|i| (i % 5) as f32 - 1.5).collect();
        let bytes = file(nodes, constants, &sizes, ("t", &w)).file_with(&[], 17);
        let graph = decode(&bytes).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        for (x, made) in input.entries.chunks(6).zip(batch.entries.chunks(count)) {
            let expected: f64 = made.iter().zip(&w).map(|(v, &w)| v * f64::from(w)).sum();
            let own = exact(&graph, x).swap_remove(graph.output())[0].to_f64().unwrap();
            let kernel = logit(&bytes, Class::Positive, x).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!([own, kernel], [expected; 2], "seed {seed}");
        }
    }
    assert!(elsewhere > 500, "{elsewhere} values with the batch elsewhere");
}

#[test]
fn what_would_join_or_lose_samples_is_refused() {
    let turn = |more: Vec<Bytes>| [vec![node("Transpose", &["x"], &["v"], &[ints("perm", &[1, 0, 2])])], more].concat();
    let one =
        |operator: &str, inputs: &[&str], attributes: &[Bytes]| turn(vec![node(operator, inputs, &["t"], attributes)]);
    let lists = [list("one", &[1]), list("two", &[2]), list("zero", &[0]), tensor("k", &[2, 1, 3], &[1.0; 6])];
    let cases = [
        ("a value that is not turned back", one("Identity", &["v"], &[])),
        ("a slice of the batch", one("Slice", &["v", "zero", "two", "one"], &[])),
        ("one sample", one("Gather", &["v", "one"], &[int("axis", 1)])),
        ("the sum of the samples", one("ReduceSum", &["v", "one"], &[])),
        ("the batch twice", one("Concat", &["v", "v"], &[int("axis", 1)])),
        ("two places of the batch", one("Concat", &["v", "x"], &[int("axis", 2)])),
        ("a constant beside it", one("Concat", &["v", "k"], &[int("axis", 2)])),
        ("a constant added to it", one("Add", &["v", "k"], &[])),
        ("its batch squeezed", one("Squeeze", &["v", "one"], &[])),
        ("another shape", one("Reshape", &["v", "two"], &[])),
        ("its last axis as rows", one("Flatten", &["v"], &[])),
        ("its parts", one("Split", &["v"], &[int("axis", 0)])),
        ("a product", one("MatMul", &["v", "k"], &[])),
        (
            "a comparison",
            turn(vec![node("Greater", &["v", "v"], &["m"], &[]), node("Where", &["m", "v", "v"], &["t"], &[])]),
        ),
    ];
    for (what, nodes) in cases {
        let bytes = file(nodes, lists.to_vec(), &[2, 3], ("t", &[1.0; 6])).file_with(&[], 17);
        assert!(decode(&bytes).is_err(), "{what} is read");
        assert!(Reading::read(&bytes, Class::Positive).is_err(), "{what} is read by the kernel");
    }
}

#[test]
fn a_transposed_matrix_times_a_vector_is_refused() {
    let read = |between: &[&str], columns: &[u64]| {
        let mut nodes = vec![node("Transpose", &["x"], &["t0"], &[ints("perm", &[0, 2, 1])])];
        for (k, operator) in between.iter().enumerate() {
            nodes.push(node(operator, &[&format!("t{k}")], &[&format!("t{}", k + 1)], &[]));
        }
        nodes.push(node("MatMul", &[&format!("t{}", between.len()), "w"], &["t"], &[]));
        let weight = tensor("w", columns, &[1.0, 2.0, 3.0]);
        let bytes = file(nodes, vec![weight], &[3, 2], ("t", &[1.0; 2])).file();
        let found = [decode(&bytes).is_ok(), Reading::read(&bytes, Class::Positive).is_ok()];
        assert_eq!(found[0], found[1], "{between:?} {columns:?}");
        found[0]
    };
    assert!(!read(&[], &[3]) && !read(&["Identity", "Dropout"], &[3]) && !read(&["Relu"], &[3]));
    assert!(read(&[], &[3, 1]) && read(&["Relu"], &[3, 1]));
}

#[test]
fn a_shape_between_them_that_runtimes_leave_out_changes_nothing() {
    let read = |between: &[Bytes], columns: &[u64]| {
        let transpose = node("Transpose", &["x"], &["t0"], &[ints("perm", &[0, 2, 1])]);
        let product = node("MatMul", &[&format!("t{}", between.len()), "w"], &["t"], &[]);
        let weight = tensor("w", columns, &vec![1.0; columns[0] as usize]);
        let constants = vec![weight, list("same", &[-1, 2, 3]), list("rows", &[-1, 6])];
        let bytes = file([&[transpose], between, &[product]].concat(), constants, &[3, 2], ("t", &[1.0; 2])).file();
        [decode(&bytes).is_ok(), Reading::read(&bytes, Class::Positive).is_ok()]
    };
    let same = [node("Reshape", &["t0", "same"], &["t1"], &[])];
    let behind = [node("Relu", &["t0"], &["t1"], &[]), node("Reshape", &["t1", "same"], &["t2"], &[])];
    for between in [&same[..], &behind] {
        assert_eq!(read(between, &[3]), [false; 2]);
        assert_eq!(read(between, &[3, 1]), [true; 2]);
    }
    for flat in [node("Flatten", &["t0"], &["t1"], &[]), node("Reshape", &["t0", "rows"], &["t1"], &[])] {
        assert_eq!(read(&[flat], &[6]), [false; 2]);
    }
}
