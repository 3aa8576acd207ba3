//! Every way to a product against the entries that define it, and against the bounds of what floats make of it.

use super::errors::{Care, Incoming, Vectors, backward, forward};
use super::*;
use num_traits::{Signed, ToPrimitive, Zero};
use proptest::prelude::*;

/// M·x and Mᵀ·v by the entries alone.
fn naive(map: &Map, x: &[f64], v: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let forward = (0..map.rows()).map(|row| map.entries(row).map(|(col, w)| w.value * x[col]).sum()).collect();
    let mut back = vec![0.0; map.cols()];
    (0..map.rows()).for_each(|row| map.entries(row).for_each(|(col, w)| back[col] += w.value * v[row]));
    (forward, back)
}

/// With room for so many entries, and with small ones often.
fn axis(most: usize) -> impl Strategy<Value = Axis> {
    (prop_oneof![1..6_usize, 1..=most], 1..4_usize, 1..3_usize, 1..3_usize, 0..3_usize, 0..3_usize)
        .prop_filter_map("room for the window", |(input, cells, stride, dilation, before, after)| {
            Axis::new(input, cells, stride, dilation, before, after)
        })
}

/// Small whole numbers: every sum is exact.
fn whole(n: usize, seed: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 7 + seed * 13) % 11) as f64 - 5.0).collect()
}

proptest! {
    #[test]
    fn windows_are_the_loops_that_define_a_convolution(
        a in axis(40), b in axis(70), groups in 1..3_usize, inputs in 1..3_usize, outputs in 1..9_usize, seed in 0..9_usize,
    ) {
        let count = groups * outputs * inputs * a.cells * b.cells;
        let weight: Vec<f32> = whole(count, seed).iter().map(|&w| w as f32).collect();
        let windows = Windows::new(groups, [inputs, outputs], [a, b], weight.clone());
        let map = Map::Windows(windows);
        let (x, v) = (whole(map.cols(), seed + 1), whole(map.rows(), seed + 2));
        // Σ over channels and cells of weight[o][c][k][l] · x[c][i·stride + k·dilation − before][…].
        let (mut expected, mut gradient) = (Vec::new(), vec![0.0; count]);
        for o in 0..groups * outputs {
            for i in 0..a.output {
                for j in 0..b.output {
                    let mut sum = 0.0;
                    for c in 0..inputs {
                        for k in 0..a.cells {
                            for l in 0..b.cells {
                                let p = (i * a.stride + k * a.dilation) as i64 - a.before as i64;
                                let q = (j * b.stride + l * b.dilation) as i64 - b.before as i64;
                                let inside = (0..a.input as i64).contains(&p) && (0..b.input as i64).contains(&q);
                                if inside {
                                    let channel = o / outputs * inputs + c;
                                    let at = ((o * inputs + c) * a.cells + k) * b.cells + l;
                                    let x = x[(channel * a.input + p as usize) * b.input + q as usize];
                                    sum += f64::from(weight[at]) * x;
                                    gradient[at] += v[(o * a.output + i) * b.output + j] * x;
                                }
                            }
                        }
                    }
                    expected.push(sum);
                }
            }
        }
        let (forward, back) = naive(&map, &x, &v);
        prop_assert_eq!(&forward, &expected);
        prop_assert_eq!(map.forward(&x, 1), expected);
        prop_assert_eq!(map.transposed(&v, 1), back);
        let Map::Windows(windows) = &map else { unreachable!() };
        let mut found = vec![0.0; count];
        windows.add_weight_gradient(&mut found, &v, &x);
        prop_assert_eq!(found, gradient);
        let absolute = |values: &[f64]| values.iter().map(|v| v.abs()).collect::<Vec<_>>();
        let (x, v) = (absolute(&x), absolute(&v));
        let absolute_weight = weight.iter().map(|w| w.abs()).collect();
        let size = Map::Windows(Windows::new(groups, [inputs, outputs], [a, b], absolute_weight));
        prop_assert_eq!((map.sizes(&x), map.transposed_sizes(&v)), naive(&size, &x, &v));
        prop_assert!((0..map.rows()).all(|row| map.entries(row).count() <= map.terms()));
    }

    #[test]
    fn picks_pick_and_their_transposes_add_up(from in prop::collection::vec(prop::option::of(0..5_usize), 1..9)) {
        let map = Map::Pick(Pick::new(from.clone(), 5));
        let (x, v) = (whole(10, 3), whole(2 * from.len(), 4));
        let (first, last) = (naive(&map, &x[..5], &v[..from.len()]), naive(&map, &x[5..], &v[from.len()..]));
        prop_assert_eq!(map.forward(&x, 2), [first.0, last.0].concat());
        prop_assert_eq!(map.transposed(&v, 2), [first.1, last.1].concat());
        let fan = |col: usize| from.iter().filter(|from| **from == Some(col)).count();
        let most = (0..5).map(fan).max().unwrap();
        prop_assert_eq!(map.transposed_roundings(), if most > 1 { most } else { 0 });
    }
}

/// A map of every kind on 6 entries, with weights that may be far apart.
fn any_map() -> impl Strategy<Value = Map> {
    let weight = || (-4.0..4.0_f32, -30..30_i32).prop_map(|(w, e)| w * 2f32.powi(e));
    let factors = || prop::collection::vec((-4.0..4.0_f64, -60..60_i32).prop_map(|(w, e)| w * 2f64.powi(e)), 6);
    let divisors = || factors().prop_filter("no zeros", |factors| !factors.contains(&0.0));
    prop_oneof![
        Just(Map::Identity(6)),
        factors().prop_map(|factors| Map::Diagonal(Diagonal { factors, divides: false })),
        divisors().prop_map(|factors| Map::Diagonal(Diagonal { factors, divides: true })),
        prop::collection::vec(prop::option::of(0..6_usize), 1..9).prop_map(|from| Map::Pick(Pick::new(from, 6))),
        Just(Map::Pick(concatenation(2, &[4, 6, 2]).swap_remove(1))),
        (1..5_usize, prop::collection::vec(weight(), 24)).prop_map(|(rows, weight)| Map::Dense(Matrix::new(
            rows,
            6,
            weight[..6 * rows].to_vec()
        ))),
        prop::collection::vec(weight(), 8).prop_map(|weight| {
            let axes = [Axis::new(2, 2, 1, 1, 1, 0).unwrap(), Axis::new(3, 2, 1, 1, 0, 0).unwrap()];
            Map::Windows(Windows::new(1, [1, 2], axes, weight))
        }),
    ]
}

fn exact(value: f64) -> BigRational {
    BigRational::from_float(value).unwrap()
}

/// Exactly |a − b|, rounded.
fn apart(a: f64, b: &BigRational) -> f64 {
    (exact(a) - b).abs().to_f64().unwrap()
}

proptest! {
    #[test]
    fn every_product_is_within_its_bound(
        map in any_map(), x in prop::collection::vec((-4.0..4.0_f64, -60..60_i32, -1..2_i32), 16), share in 0.0..1e-3_f64,
    ) {
        // Computed vectors, the exact ones, and bounds of what lies between them.
        let computed: Vec<f64> = x.iter().map(|(x, e, s)| if *s == 0 { 0.0 } else { x * 2f64.powi(*e) }).collect();
        let errors: Vec<f64> = computed.iter().map(|x| x.abs() * share).collect();
        let signs = x.iter().map(|(.., s)| f64::from(*s));
        let true_ones: Vec<BigRational> =
            computed.iter().zip(&errors).zip(signs).map(|((&x, &e), s)| exact(x) + exact(s * e)).collect();
        let (cols, rows) = (map.cols(), map.rows());
        prop_assert_eq!(cols, 6);
        let product = map.forward(&computed[..cols], 1);
        for care in [Care::Quick, Care::Fine] {
            let vectors = Vectors { x: &computed[..cols], e: Some(&errors[..cols]), batch: 1 };
            let bounds = forward(&map, vectors, care, &mut None).unwrap();
            for row in 0..rows {
                let truth: BigRational = map.entries(row).map(|(col, w)| w.exact() * &true_ones[col]).sum();
                prop_assert!(apart(product[row], &truth) <= bounds[row], "{care:?}, row {row}");
            }
            // The transpose: carried errors and roundings, alone and received twice.
            let back = map.transposed(&computed[..rows], 1);
            let received = || backward(&map, &computed[..rows], Some(&errors[..rows]), care);
            let (mut once, mut twice) = (Incoming::default(), Incoming::default());
            once.add(received());
            twice.add(received());
            twice.add(received());
            let (mut one, mut two) = (vec![0.0; cols], vec![0.0; cols]);
            once.total(&mut one);
            twice.total(&mut two);
            let mut truth = vec![BigRational::zero(); cols];
            for row in 0..rows {
                map.entries(row).for_each(|(col, w)| truth[col] += w.exact() * &true_ones[row]);
            }
            for col in 0..cols {
                prop_assert!(apart(back[col], &truth[col]) <= one[col], "{care:?}, column {col}");
                let doubled = &truth[col] + &truth[col];
                prop_assert!(apart(back[col] + back[col], &doubled) <= two[col], "{care:?}, column {col}, twice");
            }
        }
    }

    #[test]
    fn batches_sums_and_signs_are_the_map_itself(map in any_map(), seed in 0..9_usize) {
        let (cols, rows) = (map.cols(), map.rows());
        let (x, v) = (whole(9 * cols, seed), whole(9 * rows, seed + 1));
        let each = |chunk: usize, of: &dyn Fn(&[f64]) -> Vec<f64>, all: &[f64]| -> Vec<f64> {
            all.chunks(chunk).flat_map(of).collect()
        };
        let close = |a: &[f64], b: &[f64]| {
            let largest = a.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-13 * largest)
        };
        prop_assert!(close(&map.forward(&x, 9), &each(cols, &|x| map.forward(x, 1), &x)));
        prop_assert!(close(&map.transposed(&v, 9), &each(rows, &|v| map.transposed(v, 1), &v)));
        prop_assert!(close(&map.sparse_forward(&x[..cols]), &map.forward(&x[..cols], 1)));
        let mut sum = map.forward(&x[..cols], 1);
        map.add_forward(&mut sum, &x[..cols], 1);
        prop_assert!(close(&sum, &map.forward(&x[..cols], 1).iter().map(|y| 2.0 * y).collect::<Vec<_>>()));
        prop_assert!((0..rows).all(|row| map.range().contains(&row) || map.entries(row).next().is_none()));
        let signs = || (0..rows).flat_map(|row| map.entries(row)).map(|(_, w)| w.value);
        prop_assert_eq!(map.sign() == Some(1.0), signs().all(|w| w >= 0.0));
        if let Some([up, down]) = map.by_sign() {
            prop_assert!(up.sign() == Some(1.0) && (down.sign() == Some(-1.0) || down.sign() == Some(1.0)));
            let parts: Vec<f64> = up.sizes(&vec![1.0; cols]).iter().zip(down.sizes(&vec![1.0; cols])).map(|(a, b)| a + b).collect();
            prop_assert!(close(&parts, &map.sizes(&vec![1.0; cols])));
        }
        // What each_place says is what the entries say.
        let mut places = Vec::new();
        if map.each_place(|row, col| places.push((row, col))).is_some() {
            let entries: Vec<_> = (0..rows).flat_map(|row| map.entries(row).map(move |(col, w)| (row, col, w.value))).collect();
            prop_assert_eq!(entries, places.into_iter().map(|(row, col)| (row, col, 1.0)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_concatenation_is_known_again(outer in 1..4_usize, widths in prop::collection::vec(1..4_usize, 1..5)) {
        let sizes: Vec<usize> = widths.iter().map(|width| width * outer).collect();
        let picks = concatenation(outer, &sizes);
        let mut all = vec![0.0; sizes.iter().sum()];
        picks.iter().enumerate().for_each(|(k, pick)| {
            pick.places().for_each(|(row, col)| all[row] = (100 * k + col) as f64);
        });
        let expected: Vec<f64> = (0..outer)
            .flat_map(|b| widths.iter().enumerate().flat_map(move |(k, w)| (0..*w).map(move |i| (100 * k + b * w + i) as f64)))
            .collect();
        prop_assert_eq!(all, expected);
        let found = blocks(&picks.iter().collect::<Vec<_>>());
        prop_assert!(found == Some(outer) || (picks.len() == 1 && found == Some(1)), "{found:?}");
    }
}
