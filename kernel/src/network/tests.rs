//! Maps: products against loops over their entries, and these against loops over a convolution's indices.

use crate::network::map::Map;
use crate::network::windows::{Axis, Windows};
use crate::number::exact::{Exact, Float, pairs};
use crate::number::floats::Floats;
use crate::number::product::Factors;
use dashu_int::IBig;
use std::sync::Arc;

/// Small whole numbers, always the same.
struct Numbers(u64);

impl Numbers {
    /// From 0 to below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    /// Of up to 24 bits, with exponents far apart; 0 now and then.
    fn float(&mut self) -> Float {
        let mantissa = if self.below(4) == 0 { 0 } else { self.below(1 << 24) as i64 - (1 << 23) };
        Float::new(mantissa, self.below(120) as i64 - 60)
    }

    fn floats(&mut self, count: usize) -> Vec<Float> {
        (0..count).map(|_| self.float()).collect()
    }
}

fn axis(numbers: &mut Numbers) -> Axis {
    let (input, cells, stride, dilation) =
        (1 + numbers.below(6), 1 + numbers.below(3), 1 + numbers.below(3), 1 + numbers.below(2));
    let before = numbers.below(3);
    let reach = (cells - 1) * dilation + 1;
    let behind = numbers.below(3) + reach.saturating_sub(before + input);
    Axis { input, output: (before + input + behind - reach) / stride + 1, cells, stride, dilation, before }
}

fn windows(numbers: &mut Numbers) -> Windows {
    let (groups, inputs, outputs) = (1 + numbers.below(2), 1 + numbers.below(3), 1 + numbers.below(2));
    Windows { groups, inputs, outputs, axes: [axis(numbers), axis(numbers)] }
}

fn maps(numbers: &mut Numbers) -> Vec<Map> {
    let (rows, cols) = (1 + numbers.below(5), 1 + numbers.below(5));
    let windows = windows(numbers);
    let from = (0..rows).map(|_| Some(numbers.below(cols + 1)).filter(|&col| col < cols)).collect();
    let mut thirds = Exact::dyadics(&numbers.floats(cols));
    thirds.denominator = 3_u8.into();
    vec![
        Map::Pick { start: numbers.below(3), from, factors: Exact::dyadics(&numbers.floats(rows)), cols },
        Map::multiple(cols, numbers.float()),
        Map::diagonal(cols, thirds),
        Map::dense(rows, cols, Floats::Numbers(numbers.floats(rows * cols))),
        Map::Windows {
            windows,
            weights: Factors::new(Floats::Numbers(numbers.floats(windows.weights().expect("a few")))),
        },
    ]
}

/// Integers in the unit of the map's numbers, times as many of `v`.
fn scaled(map: &Map, v: &Exact, values: Vec<IBig>) -> Exact {
    let (exponent, denominator) = match map {
        Map::Pick { factors, .. } => (factors.exponent, factors.denominator.clone()),
        Map::Windows { weights, .. } => (weights.exponent, 1_u8.into()),
    };
    v.with(values).scaled(exponent, &denominator).expect("small exponents")
}

fn forward(map: &Map, v: &Exact) -> Exact {
    let entry = |row| map.entries(row).map(|(col, weight)| weight * &v.values[col]).sum();
    scaled(map, v, map.rows().map(entry).collect())
}

fn backward(map: &Map, v: &Exact) -> Exact {
    let mut values = vec![IBig::ZERO; map.cols()];
    for row in map.rows() {
        map.entries(row).for_each(|(col, weight)| values[col] += weight * &v.values[row]);
    }
    scaled(map, v, values)
}

fn assert_same(a: Exact, b: Exact, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    assert!(a.minus(b).expect("few bits").is_zero(), "{what}");
}

#[test]
fn products_are_what_the_entries_say() {
    let mut numbers = Numbers(1);
    for round in 0..500 {
        for map in maps(&mut numbers) {
            let what = format!("round {round}: {map:?}");
            assert!(map.is_whole(), "{what}");
            assert!(map.rows().all(|row| map.entries(row).all(|(col, _)| col < map.cols())), "{what}");
            let v = Exact::dyadics(&numbers.floats(map.cols()));
            assert_same(map.forward(&v).expect("fits"), forward(&map, &v), &what);
            let v = Exact::dyadics(&numbers.floats(map.rows().end));
            assert_same(map.backward(&v).expect("fits"), backward(&map, &v), &what);
        }
    }
}

#[test]
fn a_window_has_the_entries_of_a_convolution() {
    let mut numbers = Numbers(2);
    for round in 0..300 {
        let w = windows(&mut numbers);
        let [a, b] = w.axes;
        // Each weight is its own place, so that entries tell which one they are.
        let count = w.weights().expect("a few");
        let weights: Vec<Float> = (0..count).map(|at| Float::new(at as i64 + 1, 0)).collect();
        let map = Map::Windows { windows: w, weights: Factors::new(Floats::Numbers(weights)) };
        let mut row = 0;
        for channel in 0..w.groups * w.outputs {
            for (i, j) in (0..a.output).flat_map(|i| (0..b.output).map(move |j| (i, j))) {
                let mut expected = Vec::new();
                for c in 0..w.inputs {
                    for (k, l) in (0..a.cells).flat_map(|k| (0..b.cells).map(move |l| (k, l))) {
                        let line = (i * a.stride + k * a.dilation) as i64 - a.before as i64;
                        let column = (j * b.stride + l * b.dilation) as i64 - b.before as i64;
                        if (0..a.input as i64).contains(&line) && (0..b.input as i64).contains(&column) {
                            let plane = channel / w.outputs * w.inputs + c;
                            let col = (plane * a.input + line as usize) * b.input + column as usize;
                            let at = ((channel * w.inputs + c) * a.cells + k) * b.cells + l;
                            expected.push((col, IBig::from(at + 1)));
                        }
                    }
                }
                assert_eq!(map.entries(row).collect::<Vec<_>>(), expected, "round {round}, row {row}: {w:?}");
                row += 1;
            }
        }
        assert_eq!(map.rows(), 0..row);
    }
}

#[test]
fn a_cell_in_the_padding_stands_for_the_nearest_of_its_window() {
    let mut numbers = Numbers(3);
    for round in 0..2000 {
        let axis = axis(&mut numbers);
        for place in 0..axis.output {
            let inside: Vec<usize> = (0..axis.cells).filter(|&cell| axis.entry(place, cell).is_some()).collect();
            assert_eq!(axis.inside(place).collect::<Vec<_>>(), inside, "round {round}: {axis:?}");
            for cell in 0..axis.cells {
                let nearest = inside.iter().min_by_key(|other| other.abs_diff(cell));
                let expected = nearest.and_then(|&other| axis.entry(place, other));
                assert_eq!(axis.nearest(place, cell), expected, "round {round}, cell {cell} at {place}: {axis:?}");
            }
        }
    }
}

#[test]
fn sums_too_large_for_the_budget_are_refused() {
    let map = Map::multiple(1, Float::new(1, 0));
    let mut far = Exact::dyadics(&[Float::ONE]);
    far.exponent = i64::MAX;
    assert!(map.forward(&far).is_ok());
    let twice = Map::multiple(1, Float::new(1, 1));
    assert!(twice.forward(&far).is_err());
    let mut near = Exact::dyadics(&[Float::ONE]);
    near.exponent = i64::MIN;
    assert!(far.clone().plus(near).is_err());
    assert!(far.scaled(1, &dashu_int::UBig::ONE).is_err());
    assert!(pairs([1], [1, 2]).is_err());
}

/// The bits of a float64 of the value that a float32 of these bits has: zero, the smallest number, or a normal one.
fn widened(bits: u32) -> u64 {
    let (sign, exponent, fraction) = (bits >> 31, bits >> 23 & 0xff, bits & 0x7f_ffff);
    let magnitude = match (exponent, fraction) {
        (0, 0) => 0,
        (0, 1) => (1023 - 149) << 52,
        _ => u64::from(exponent + (1023 - 127)) << 52 | u64::from(fraction) << 29,
    };
    u64::from(sign) << 63 | magnitude
}

#[test]
fn it_does_not_matter_how_numbers_are_stored() {
    let mut numbers = Numbers(3);
    for round in 0..200 {
        let (rows, cols) = (1 + numbers.below(5), 1 + numbers.below(5));
        // Zeros, the smallest and the largest number, and others between 2^−60 and 2^60 in size.
        let word = |_| match numbers.below(5) {
            0 => [0, 1 << 31, 1, 0x7f7f_ffff][numbers.below(4)],
            _ => (numbers.below(2) << 31 | (67 + numbers.below(120)) << 23 | numbers.below(1 << 23)) as u32,
        };
        let bits: Vec<u32> = (0..rows * cols).map(word).collect();
        let words = Floats::Words(Arc::new(bits.clone()));
        let double = Floats::DoubleWords(Arc::new(bits.iter().copied().map(widened).collect()));
        let plain = Floats::Numbers(bits.iter().map(|&v| Float::binary32(v).expect("finite")).collect());
        let order: Vec<usize> = (0..rows * cols).map(|_| numbers.below(rows * cols)).collect();
        let v = Exact::dyadics(&numbers.floats(cols));
        for (stored, plain) in [words, double].into_iter().map(|stored| (stored, &plain)) {
            let what = format!("round {round}: {stored:?}");
            assert!(
                stored.len() == plain.len() && stored.stray().is_none() && stored.iter().eq(plain.iter()),
                "{what}"
            );
            let pick = |floats: &Floats| floats.picked(order.iter().copied()).iter().collect::<Vec<_>>();
            assert_eq!(pick(&stored), pick(plain), "{what}");
            let product = |floats: Floats| Map::dense(rows, cols, floats).forward(&v).expect("fits");
            assert_same(product(stored), product(plain.clone()), &what);
        }
    }
    let stray = Floats::Words(Arc::new(vec![0x3f80_0000, 0x7fc0_0000, 0x7f80_0000]));
    assert_eq!(stray.stray(), Some(1));
}
