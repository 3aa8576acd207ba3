//! One node of every operator with windows, padding or moves of entries at a time, and what naive loops make of it.

use crate::corpora::files::{node, tensor};
use crate::corpora::windows::{file, int, ints, list, text};
use crate::naive_windows::{Around, Image, Window};
use crate::networks::generator;
use rand::RngExt;
use rand::rngs::StdRng;
use std::fmt::Display;

/// A node, its constants, and what it makes of the input; `None` where a window has no room.
type Case = (Vec<u8>, Vec<Vec<u8>>, Option<Image>);

/// Multiples of ½ with few bits: floats compute with them exactly, but for an average's division.
fn numbers(rng: &mut StdRng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-8..9) as f32 / 2.0).collect()
}

/// A window over so many axes of the image, and its attributes: with padding as the node says, or as it is to be chosen.
fn window(rng: &mut StdRng, image: &Image, axes: usize, pool: bool) -> (Window, Vec<Vec<u8>>) {
    let mut window = Window::plain([1, 1]);
    let side = rng.random_range(0..8);
    let upper = side == 0;
    // With one axis, the lines' is a point.
    for axis in 2 - axes..2 {
        window.cells[axis] = rng.random_range(1..4);
        window.strides[axis] = rng.random_range(1..4);
        window.dilations[axis] = if pool { 1 } else { rng.random_range(1..3) };
        let most = if pool { window.cells[axis] } else { 4 };
        (window.before[axis], window.behind[axis]) = (rng.random_range(0..most), rng.random_range(0..most));
        if side < 2 {
            window.dilations[axis] = 1;
            if pool {
                window.strides[axis] = rng.random_range(1..=window.cells[axis]);
            }
            window.same(axis, image.shape[axis + 1], upper);
        }
    }
    let own = |values: [usize; 2]| values[2 - axes..].iter().map(|&v| v as i64).collect::<Vec<_>>();
    let padding = match side {
        0 => text("auto_pad", "SAME_UPPER"),
        1 => text("auto_pad", "SAME_LOWER"),
        _ => ints("pads", &[own(window.before), own(window.behind)].concat()),
    };
    let mut attributes = vec![ints("kernel_shape", &own(window.cells)), ints("strides", &own(window.strides)), padding];
    if pool && rng.random_bool(0.3) {
        attributes.push(int("ceil_mode", 1));
        window.ceil = true;
    }
    (window, attributes)
}

/// Whether rounding up adds a place whose window begins behind the entries: runtimes differ there.
fn begins_behind(window: &Window, image: &Image) -> bool {
    window.ceil
        && (0..2).any(|axis| {
            let (size, stride) = (image.shape[axis + 1], window.strides[axis]);
            let all = size + window.before[axis] + window.behind[axis];
            all.checked_sub(window.cells[axis])
                .is_some_and(|last| last % stride > 0 && (last / stride + 1) * stride >= size + window.before[axis])
        })
}

fn dilated(window: &Window, axes: usize, mut attributes: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let own: Vec<i64> = window.dilations[2 - axes..].iter().map(|&v| v as i64).collect();
    attributes.push(ints("dilations", &own));
    attributes
}

fn conv(rng: &mut StdRng, image: &Image, axes: usize) -> Case {
    let (window, attributes) = window(rng, image, axes, false);
    let channels = image.shape[0];
    let groups = (1..=channels).filter(|g| channels.is_multiple_of(*g)).nth(rng.random_range(0..2)).unwrap_or(1);
    let (outputs, inputs) = (groups * rng.random_range(1..3), channels / groups);
    let weight = numbers(rng, outputs * inputs * window.cells[0] * window.cells[1]);
    let bias = numbers(rng, outputs);
    let mut dims = vec![outputs as u64, inputs as u64];
    dims.extend(window.cells[2 - axes..].iter().map(|&v| v as u64));
    let attributes = [dilated(&window, axes, attributes), vec![int("group", groups as i64)]].concat();
    let constants = vec![tensor("K", &dims, &weight), tensor("b", &[outputs as u64], &bias)];
    (node("Conv", &["x", "K", "b"], &["t"], &attributes), constants, image.conv(&window, (&weight, &bias), groups))
}

fn average(rng: &mut StdRng, image: &Image, axes: usize) -> Case {
    let (window, mut attributes) = window(rng, image, axes, true);
    let all = if window.ceil { 0 } else { rng.random_range(0..2) };
    attributes.push(int("count_include_pad", all));
    let made = image.average(&window, all == 1).filter(|_| !begins_behind(&window, image));
    (node("AveragePool", &["x"], &["t"], &attributes), vec![], made)
}

fn maximum(rng: &mut StdRng, image: &Image, axes: usize) -> Case {
    let (mut window, attributes) = window(rng, image, axes, true);
    let chosen = ["SAME_UPPER", "SAME_LOWER"].iter().any(|side| attributes.contains(&text("auto_pad", side)));
    let padded = (0..2).any(|axis| window.before[axis] + window.behind[axis] > 0);
    if !padded && !chosen && !window.ceil && rng.random_bool(0.5) {
        window.dilations[1] = 2;
    }
    let attributes = dilated(&window, axes, attributes);
    let made = image.maximum(&window).filter(|_| !begins_behind(&window, image));
    (node("MaxPool", &["x"], &["t"], &attributes), vec![], made)
}

fn whole(_: &mut StdRng, image: &Image, _: usize) -> Case {
    let window = Window::plain([image.shape[1], image.shape[2]]);
    (node("GlobalAveragePool", &["x"], &["t"], &[]), vec![], image.average(&window, true))
}

fn largest(_: &mut StdRng, image: &Image, _: usize) -> Case {
    let window = Window::plain([image.shape[1], image.shape[2]]);
    (node("GlobalMaxPool", &["x"], &["t"], &[]), vec![], image.maximum(&window))
}

fn pad(rng: &mut StdRng, image: &Image, axes: usize) -> Case {
    let value = numbers(rng, 1)[0];
    let modes = [("constant", Around::Constant(value.into())), ("edge", Around::Edge), ("reflect", Around::Reflect)];
    let (mode, around) = modes[rng.random_range(0..3)];
    let mut sides = [[0; 3]; 2];
    for side in &mut sides {
        for (side, size) in side.iter_mut().zip(image.shape) {
            *side = rng.random_range(0..if around == Around::Reflect { size.min(3) } else { 3 });
        }
    }
    if axes == 1 {
        (sides[0][1], sides[1][1]) = (0, 0);
    }
    let own = |side: [usize; 3]| {
        let all = [0, side[0], side[1], side[2]].map(|v| v as i64);
        if axes == 2 { all.to_vec() } else { vec![0, all[1], all[3]] }
    };
    let constants = vec![list("p", &[own(sides[0]), own(sides[1])].concat()), tensor("v", &[], &[value])];
    let padded = image.pad(sides[0], sides[1], around);
    (node("Pad", &["x", "p", "v"], &["t"], &[text("mode", mode)]), constants, Some(padded))
}

/// The rows of x in another order of axes.
fn transpose(_: &mut StdRng, image: &Image, axes: usize) -> Case {
    let [channels, lines, columns] = image.shape;
    let (order, shape) = match axes {
        1 => (vec![0, 2, 1], [columns, 1, channels]),
        _ => (vec![0, 3, 1, 2], [columns, channels, lines]),
    };
    let mut values = Vec::new();
    for column in 0..columns {
        for row in 0..channels * lines {
            values.push(image.values[row * columns + column]);
        }
    }
    (node("Transpose", &["x"], &["t"], &[ints("perm", &order)]), vec![], Some(Image::new(shape, values)))
}

/// Every other column from the end's fourth on, then the first two channels' entries once more.
fn slice(rng: &mut StdRng, image: &Image, axes: usize) -> Case {
    let [channels, lines, columns] = image.shape;
    let (start, step) = (rng.random_range(-6..6), rng.random_range(1..3));
    let first = if start < 0 { (columns as i64 + start).max(0) } else { start.min(columns as i64) };
    let kept: Vec<usize> = (first as usize..columns).step_by(step).collect();
    let mut values = Vec::new();
    for row in 0..channels * lines {
        values.extend(kept.iter().map(|column| image.values[row * columns + column]));
    }
    let constants =
        vec![list("s", &[start]), list("e", &[i64::MAX]), list("a", &[axes as i64 + 1]), list("d", &[step as i64])];
    let result = (!kept.is_empty()).then(|| Image::new([channels, lines, kept.len()], values));
    (node("Slice", &["x", "s", "e", "a", "d"], &["t"], &[]), constants, result)
}

/// Channels, some of them counted from the end, some twice.
fn gather(rng: &mut StdRng, image: &Image, _: usize) -> Case {
    let [channels, lines, columns] = image.shape;
    let count = channels as i64;
    let chosen: Vec<i64> = (0..rng.random_range(1..4)).map(|_| rng.random_range(-count..count)).collect();
    let block = |&c: &i64| {
        let c = c.rem_euclid(count) as usize;
        image.values[c * lines * columns..(c + 1) * lines * columns].to_vec()
    };
    let values = chosen.iter().flat_map(block).collect();
    let made = Image::new([chosen.len(), lines, columns], values);
    (node("Gather", &["x", "i"], &["t"], &[int("axis", 1)]), vec![list("i", &chosen)], Some(made))
}

/// Compares thousands of them with a reading: `logit` gives the value of the file's network at an input.
pub fn compare<E: Display>(logit: impl Fn(&[u8], &[f64]) -> Result<f64, E>) {
    let kinds: [fn(&mut StdRng, &Image, usize) -> Case; 9] =
        [conv, average, maximum, whole, largest, pad, transpose, slice, gather];
    let mut compared = [0; 9];
    for seed in 0..4500 {
        let mut rng = generator(seed);
        let kind = (seed % 9) as usize;
        let axes = rng.random_range(1..3);
        let shape =
            [rng.random_range(1..5), if axes == 1 { 1 } else { rng.random_range(1..6) }, rng.random_range(1..6)];
        let x: Vec<f64> = numbers(&mut rng, shape.iter().product()).into_iter().map(f64::from).collect();
        let (node, constants, made) = kinds[kind](&mut rng, &Image::new(shape, x.clone()), axes);
        let size = made.as_ref().map_or(1, |made| made.values.len());
        let w = numbers(&mut rng, size);
        let dims: Vec<u64> = shape.iter().map(|&d| d as u64).collect();
        let dims = if axes == 1 { vec![dims[0], dims[2]] } else { dims };
        let found = logit(&file(vec![node], constants, &dims, ("t", &w)).file(), &x);
        // A window may lie in the padding alone, which is no place for a pool.
        let Some(made) = made.filter(|made| made.values.iter().all(|v| v.is_finite())) else {
            assert!(found.is_err(), "seed {seed}: no room");
            continue;
        };
        let expected: f64 = made.values.iter().zip(&w).map(|(v, &w)| v * f64::from(w)).sum();
        let found = found.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        assert!((found - expected).abs() <= 1e-9, "seed {seed}: {found} instead of {expected}");
        compared[kind] += 1;
    }
    assert!(compared.iter().all(|&count| count > 200), "{compared:?}");
}
