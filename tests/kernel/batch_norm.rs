//! What BatchNormalization means is read twice, by two algorithms: the kernel's integer square root, and the program's
//! bisection over the floats. Both must find the same gain and shift, to the last bit.

use rand::RngExt;
use testing::corpora::files::{Parts, bytes, integer, node, tensor};
use testing::naive_proofs;
use testing::networks::generator;
use underplane::model::{Layer, onnx};
use underplane_kernel::{Class, Inputs, Model};

/// scale, offset, mean, variance, ε.
type Channel = [f32; 5];

/// f(x) = n(x)₀ − b − a·x₀ with n the normalisation, all channels alike.
fn file([scale, offset, mean, variance, epsilon]: Channel, (a, b): (f32, f32)) -> Vec<u8> {
    let attribute = [bytes(1, b"epsilon"), vec![2 << 3 | 5], epsilon.to_le_bytes().to_vec(), integer(20, 1)].concat();
    let nodes = vec![
        node("BatchNormalization", &["x", "s", "o", "m", "v"], &["n"], &[attribute]),
        node("Gemm", &["n", "first", "shift"], &["t"], &[]),
        node("Gemm", &["x", "gain", "zero"], &["u"], &[]),
        node("Add", &["t", "u"], &["y"], &[]),
    ];
    let pair = |name: &str, v: f32| tensor(name, &[2], &[v, v]);
    let constants = vec![
        pair("s", scale),
        pair("o", offset),
        pair("m", mean),
        pair("v", variance),
        tensor("first", &[2, 1], &[1.0, 0.0]),
        tensor("shift", &[1], &[-b]),
        tensor("gain", &[2, 1], &[-a, 0.0]),
        tensor("zero", &[1], &[0.0]),
    ];
    Parts { nodes, constants, ..Parts::usual() }.file()
}

/// The gain and the shift that the program's reader finds.
fn found(channel: Channel) -> Option<(f32, f32)> {
    let graph = onnx::decode(&file(channel, (0.0, 0.0))).ok()?;
    let first = |of: fn(Layer) -> Option<Vec<f64>>| {
        graph.nodes().iter().filter_map(|n| n.layer()).find_map(of).map(|v| v[0] as f32)
    };
    let gain = first(|op| if let Layer::Scale(v) = op { Some(v) } else { None });
    let shift = first(|op| if let Layer::Shift(v) = op { Some(v) } else { None });
    Some((gain.expect("a factor"), shift.expect("a shift")))
}

/// The signs of f at x₀ = 0 and x₀ = 1: both 0 where the kernel's gain is a and its shift is b.
fn signs(channel: Channel, coefficients: (f32, f32)) -> [i32; 2] {
    let model = Model::read(&file(channel, coefficients), Class::Positive).unwrap();
    [0.0, 1.0].map(|x| model.logit_sign(&Inputs::read(&naive_proofs::npy(&[x, 0.0])).unwrap(), 0).unwrap())
}

fn random(seed: u64) -> Channel {
    let mut rng = generator(seed);
    let mut any = || match rng.random_range(0..3) {
        0 => rng.random_range(-4.0..4.0_f32),
        1 => rng.random_range(-16..17) as f32 * 0.25,
        _ => {
            let value = f32::from_bits(rng.random_range(0..=u32::MAX));
            if value.is_finite() { value } else { 1.0 }
        }
    };
    let (scale, offset, mean, variance) = (any(), any(), any(), any().abs());
    let epsilon = [1e-5, 0.0, 1e-3, f32::from_bits(1), 0.25][(seed % 5) as usize];
    [scale, offset, mean, variance, epsilon]
}

#[test]
fn both_readers_find_the_same_gain_and_shift() {
    let (mut same, mut refused) = (0, 0);
    for seed in 0..3000 {
        let channel = random(seed);
        match found(channel) {
            Some((a, b)) => {
                assert_eq!(signs(channel, (a, b)), [0, 0], "seed {seed}: {channel:?}: {a:e}, {b:e}");
                same += 1;
            }
            None => {
                let read = Model::read(&file(channel, (0.0, 0.0)), Class::Positive);
                assert!(read.is_err(), "seed {seed}: {channel:?}");
                refused += 1;
            }
        }
    }
    assert!(same > 2000 && refused > 50, "{same} same, {refused} refused by both");
}

#[test]
fn a_neighbour_of_the_gain_or_the_shift_is_told_from_it() {
    for seed in 0..200 {
        let channel = random(seed);
        let Some((a, b)) = found(channel) else { continue };
        assert_ne!(signs(channel, (a, b.next_up())), [0, 0], "seed {seed}");
        assert_ne!(signs(channel, (a.next_down(), b)), [0, 0], "seed {seed}");
    }
}
